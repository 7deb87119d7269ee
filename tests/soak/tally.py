"""The figures of a soak, for the line at its end."""

from __future__ import annotations

from typing import NamedTuple


class Tally(NamedTuple):
    """What one test has done."""

    name: str
    cases: int
    of: int
    failed: int
    requests: int


_tallies: list[Tally] = []


def note(name: str, cases: int, of: int, failed: int, requests: int) -> None:
    """Count a test."""
    _tallies.append(Tally(name, cases, of, failed, requests))


def lines() -> list[str]:
    """A line for each test, and their sum."""
    if not _tallies:
        return []
    total = Tally("all", *(sum(t[n] for t in _tallies) for n in range(1, 5)))  # type: ignore[arg-type]
    return [
        f"{t.name}: {t.cases} of {t.of} cases, {t.failed} failed, {t.requests} requests" for t in (*_tallies, total)
    ]
