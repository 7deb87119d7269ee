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
    status: int = 0
    """The exit status that it must end with."""


class Figure(NamedTuple):
    """One line of the report. `at_most` bounds the ratio kfspec / peer."""

    claim: str
    ours: float
    peer: float
    at_most: float

    @property
    def ratio(self) -> float:
        """Ours over the peer's."""
        return self.ours / self.peer

    def line(self) -> str:
        """The figure as one row of the table."""
        verdict = "ok" if self.ratio <= self.at_most else "MISSED"
        times = f"{self.ours * 1000:9.0f} ms {self.peer * 1000:9.0f} ms"
        return f"{self.claim:<64} {times}   x{self.ratio:<6.2f} at most x{self.at_most:<5.2f} {verdict}"


def seconds(command: Command) -> float:
    """Wall-clock seconds of one run. Raises RuntimeError if it ends with another status than it should."""
    arguments = list(command.arguments())
    start = time.perf_counter()
    done = subprocess.run(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)  # noqa: S603
    took = time.perf_counter() - start
    if done.returncode != command.status:
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
