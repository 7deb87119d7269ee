"""Whole commands, timed side by side: rounds interleave, so that a noisy machine is noisy for both."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Command(NamedTuple):
    """A command of a comparison. `before` runs, untimed, ahead of every round."""

    name: str
    arguments: Sequence[str]
    before: Callable[[], object] = lambda: None
    accept: tuple[int, ...] = (0,)
    environment: dict[str, str] = {}  # noqa: RUF012 - never changed


def seconds(command: Command) -> float:
    """Wall-clock seconds of one run. Raises RuntimeError if it ends with a status that is not accepted."""
    command.before()
    start = time.perf_counter()
    done = subprocess.run(  # noqa: S603 - our own argument lists, no shell
        list(command.arguments),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
        env={**os.environ, **command.environment},
    )
    took = time.perf_counter() - start
    if done.returncode not in command.accept:
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
