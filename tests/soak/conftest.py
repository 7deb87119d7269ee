"""The summary of a soak."""

from __future__ import annotations

from typing import Any

from tests.soak import tally


def pytest_terminal_summary(terminalreporter: Any) -> None:
    lines = tally.lines()
    if lines:
        terminalreporter.section("soak")
        for line in lines:
            terminalreporter.write_line(line)
