"""Whole commands, timed side by side: rounds interleave, so that a noisy machine is noisy for both."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Command(NamedTuple):
    """A command of a comparison; `arguments` is asked for before every round, untimed."""

    name: str
    arguments: Callable[[], Sequence[str]]


def seconds(command: Command) -> float:
    """Wall-clock seconds of one run. Raises RuntimeError if it ends with a status that is not 0."""
    arguments = list(command.arguments())
    start = time.perf_counter()
    done = subprocess.run(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)  # noqa: S603
    took = time.perf_counter() - start
    if done.returncode != 0:
        raise RuntimeError(f"{command.name} ended with {done.returncode}: {done.stderr.decode()[-500:]}")
    return took


def medians(commands: Sequence[Command], rounds: int) -> dict[str, float]:
    """Median seconds of each command over `rounds` interleaved rounds, after one round that warms caches."""
    runs: dict[str, list[float]] = {command.name: [] for command in commands}
    for n in range(rounds + 1):
        for command in commands:
            took = seconds(command)
            if n:
                runs[command.name].append(took)
    return {name: statistics.median(times) for name, times in runs.items()}
