"""Schedules: five fields become six, and robfig/cron v1.2.0 agrees about all that is sent to it.

`cron.tsv` is what its own parser said (robfig/main.go).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kfspec.diagnostics import Severity
from kfspec.ir.cron import cron

ANSWERS = [line.split("\t") for line in (Path(__file__).parent / "cron.tsv").read_text().splitlines()]


@pytest.mark.parametrize(("answer", "text"), ANSWERS)
def test_the_verdict_is_that_of_robfig(answer: str, text: str) -> None:
    emitted, found = cron(text)
    errors = [d for d in found if d.severity is Severity.ERROR]
    assert (emitted is None) == bool(errors)
    verdict = "ok" if emitted is not None else "never" if errors[0].upstream == "never-works" else "refused"
    assert verdict == (answer if answer in ("refused", "never") else "ok")


@pytest.mark.parametrize(
    ("text", "emitted"),
    [
        ("0 2 * * *", "0 0 2 * * *"),
        ("  30  4 1,15 * MON-FRI ", "0 30 4 1,15 * MON-FRI"),
        ("*/5 * * * ?", "0 */5 * * * ?"),
        ("0 0 2 * * *", "0 0 2 * * *"),
        ("@daily", "@daily"),
        ("@every 1h30m", "@every 1h30m"),
    ],
)
def test_what_is_sent(text: str, emitted: str) -> None:
    assert cron(text) == (emitted, ())


EXAMPLE = "minute, hour, day of month, month and day of week, such as '0 2 * * *' for every night at two"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("0 2 * *", "a schedule has five fields, or six with seconds first, not 4", EXAMPLE),
        ("", "a schedule has five fields, or six with seconds first, not 0", EXAMPLE),
        ("0 0 2 * * * 2026", "a schedule has five fields, or six with seconds first, not 7", EXAMPLE),
        ("60 2 * * *", "minute 60 is not between 0 and 59", "the first minute is 0"),
        ("0 24 * * *", "hour 24 is not between 0 and 23", "the first hour is 0"),
        ("0 2 0 * *", "day of month 0 is not between 1 and 31", "the first day of month is 1"),
        ("0 2 * 13 *", "month 13 is not between 1 and 12", None),
        ("0 2 * * 7", "day of week 7 is not between 0 and 6", "Sunday is 0 to KFP"),
        ("0 2 * * MONDAY", "'MONDAY' is no day of week", "write MON"),
        ("0 2 * * FRI-MON", "the range 'FRI-MON' runs backwards", "write FRI,SAT,SUN,MON"),
        ("0 22-4 * * *", "the range '22-4' runs backwards", "write 22,23,0,1,2,3,4"),
        ("0 2 L * *", "'L' is no day of month: KFP has neither L, W nor #", None),
        ("0 2 * * 2#1", "'2#1' is no day of week: KFP has neither L, W nor #", None),
        ("*/0 * * * *", "'0' in '*/0' is no step", "a step is a whole number from 1 on"),
        ("0 2 * * * 2026", "'2026' is a year, and KFP's schedules have none", "six fields have seconds first"),
        ("0 two * * *", "'two' is no hour", None),
        ("0 2 30 2 *", "no month that the schedule names has a day 30: it never starts a run", None),
        ("0 2 31 4,6,9,11 *", "no month that the schedule names has a day 31: it never starts a run", None),
        ("@reboot", "'@reboot' is no schedule", None),
        ("@Daily", "'@Daily' is no schedule", "did you mean '@daily'?"),
        ("@every 90", "'90' is no duration", "a number with a unit, such as 90s, 30m or 1h30m"),
        ("@every 1d", "'1d' is no duration", "a number with a unit, such as 90s, 30m or 1h30m"),
    ],
)
def test_a_wrong_schedule_is_told(text: str, message: str, hint: str | None) -> None:
    emitted, found = cron(text, ("pipelines", "a"))
    assert emitted is None
    assert [(d.code, d.path, d.severity, d.message) for d in found] == [
        ("KF308", ("pipelines", "a"), Severity.ERROR, message)
    ]
    if text != "@reboot":
        assert found[0].hint == hint


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "* 0 2 * * *",
            "the schedule starts 60 runs a minute: the first of six fields is the second",
            "write 0 there, or five fields: '0 2 * * *'",
        ),
        ("*/90 * * * *", "'*/90' is minute 0 and no other", "a step is 59 at most"),
        ("@every 10ms", "'@every 10ms' starts a run every second, the shortest there is", "write a longer time"),
    ],
)
def test_a_doubtful_schedule_is_sent_with_a_warning(text: str, message: str, hint: str) -> None:
    emitted, found = cron(text)
    assert emitted is not None
    assert [(d.severity, d.message, d.hint) for d in found] == [(Severity.WARNING, message, hint)]
