"""Schedules as the Spark operator reads them: github.com/robfig/cron v3, `ParseStandard`, in a time zone of Go's."""

from __future__ import annotations

import re
from typing import NamedTuple

from kfspec.wording import did_you_mean

_DESCRIPTORS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_DURATION = re.compile(r"[-+]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+|[-+]?0")
_PREFIX = re.compile(r"(?:CRON_)?TZ=(\S*)\s+")
_EXAMPLE = "minute, hour, day of month, month, day of week, as '0 2 * * *' for every night at two"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


class Problem(NamedTuple):
    """Why a schedule never starts a run."""

    message: str
    hint: str | None


class _Field(NamedTuple):
    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()
    """Names of the values, from the lowest on."""


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 6, _DAYS),
)


def schedule_problem(text: str) -> Problem | None:
    """Why the operator cannot read the schedule, None if it can."""
    zone = _PREFIX.match(text)
    if zone is not None:
        problem = zone_problem(zone[1])
        if problem is not None:
            return problem
        text = text[zone.end() :]
    text = text.strip()
    if text.startswith("@"):
        return _descriptor(text)
    fields = text.split()
    if len(fields) != 5:
        hint = f"drop the seconds: '{' '.join(fields[1:])}'" if len(fields) == 6 else _EXAMPLE
        return Problem(f"a schedule has five fields, not {len(fields)}", hint)
    return next(
        (problem for value, field in zip(fields, _FIELDS, strict=True) if (problem := _judge(value, field))), None
    )


def zone_problem(zone: str) -> Problem | None:
    """Why Go's `time.LoadLocation` takes no such time zone."""
    from zoneinfo import available_timezones  # here: few specs have one

    known = available_timezones()
    if zone in ("", "Local", "UTC") or zone in known or not known:
        return None
    return Problem(
        f"there is no time zone '{zone}'", did_you_mean(zone, sorted(known), "a name as Europe/Berlin, or UTC")
    )


def _descriptor(text: str) -> Problem | None:
    if text in _DESCRIPTORS:
        return None
    if text.startswith("@every "):
        duration = text.removeprefix("@every ")
        if _DURATION.fullmatch(duration):
            return None
        return Problem(f"'{duration}' is no duration", "a number with a unit, as 90s, 30m or 1h30m")
    hint = did_you_mean(text, (*_DESCRIPTORS, "@every"), f"one of {', '.join(_DESCRIPTORS)}, or '@every 1h'")
    return Problem(f"'{text}' is no schedule", hint)


def _judge(text: str, field: _Field) -> Problem | None:
    """One field: values, ranges and steps, with commas between them."""
    for part in text.split(","):
        bounds, *steps = part.split("/")
        first, *others = bounds.split("-")
        if len(steps) > 1 or len(others) > 1 or (first in ("*", "?") and others):
            return Problem(f"'{part}' is no {field.name}", _EXAMPLE)
        if steps and not (steps[0].isdecimal() and int(steps[0]) > 0):
            return Problem(f"'{steps[0]}' in '{part}' is no step", "a step is a whole number from 1 on")
        if first in ("*", "?"):
            continue
        numbers = [_number(word, field) for word in (first, *others)]
        for word, number in zip((first, *others), numbers, strict=True):
            if number is None or not field.low <= number <= field.high:
                return Problem(f"'{word}' is no {field.name}", _meant(word, field))
        if len(numbers) == 2 and (numbers[0] or 0) > (numbers[1] or 0):
            return Problem(f"the range '{bounds}' runs backwards", f"two ranges, from {first} on and up to {others[0]}")
    return None


def _number(word: str, field: _Field) -> int | None:
    if word.lower() in field.words:
        return field.words.index(word.lower()) + field.low
    return int(word) if word.isdecimal() and len(word) < 7 else None


def _meant(word: str, field: _Field) -> str:
    if field.name == "day of week" and word == "7":
        return "Sunday is 0"
    return f"a {field.name} is between {field.low} and {field.high}"
