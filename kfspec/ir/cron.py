"""When a schedule starts: five fields, as everywhere in a spec, for KFP's parser that has seconds first.

KFP 2.4.1 to 2.16.0 parse with github.com/robfig/cron v1.2.0, `cron.Parse`: second, minute, hour, day of month, month and, if
it is there, day of week. So five fields would be taken for six without a day of the week, and shifted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics, Path, Severity, Upstream
from kfspec.wording import did_you_mean

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DESCRIPTORS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_DURATION = re.compile(r"[-+]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+|[-+]?0")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_EXAMPLE = "minute, hour, day of month, month and day of week, such as '0 2 * * *' for every night at two"


class _Field(NamedTuple):
    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()
    first: int = 0
    """The number of the first word."""


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS, 1),
    _Field("day of week", 0, 6, _DAYS),
)


class _BadFieldError(ValueError):
    def __init__(self, told: str, hint: str | None = None) -> None:
        super().__init__(told)
        self.hint = hint


def cron(text: str, path: Path = ()) -> tuple[str | None, Diagnostics]:
    """The schedule as KFP reads it rightly, None where there is none; and what is wrong or doubtful with it."""
    text = text.strip()
    if text.startswith("@"):
        problem = _descriptor(text, path)
        return (None if problem is not None and problem.severity is Severity.ERROR else text), (
            () if problem is None else (problem,)
        )
    fields = text.split()
    if re.match(r"(CRON_)?TZ=", fields[0] if fields else ""):
        told = f"'{fields[0]}' sets a time zone, and all schedules of a KFP have its own"
        hint = f"write '{' '.join(fields[1:])}', and CRON_SCHEDULE_TIMEZONE where KFP is installed"
        return None, (finding("KF308", told, path, hint=hint),)
    if len(fields) not in (5, 6):
        told = f"a schedule has five fields, or six with seconds first, not {len(fields)}"
        return None, (finding("KF308", told, path, hint=_EXAMPLE),)
    try:
        values = _values(fields)
    except _BadFieldError as error:
        return None, (finding("KF308", str(error), path, hint=error.hint),)
    problems = tuple(_doubts(fields, values, path))
    emitted = " ".join(["0", *fields] if len(fields) == 5 else fields)
    return (None if any(d.severity is Severity.ERROR for d in problems) else emitted), problems


def _values(fields: list[str]) -> list[frozenset[int]]:
    """The moments that each field stands for, seconds first."""
    if len(fields) == 5:
        return [frozenset({0}), *(_field(text, field) for text, field in zip(fields, _FIELDS[1:], strict=True))]
    values = []
    for text, field in zip(fields, _FIELDS, strict=True):
        if field.name == "day of week" and re.fullmatch(r"[12][0-9]{3}", text):
            raise _BadFieldError(f"'{text}' is a year, and KFP's schedules have none", "six fields have seconds first")
        values.append(_field(text, field))
    return values


def _field(text: str, field: _Field) -> frozenset[int]:
    parts = [part for part in text.split(",") if part]
    if not parts:
        raise _BadFieldError(f"'{text}' names no {field.name}")
    return frozenset(value for part in parts for value in _range(part, field))


def _range(text: str, field: _Field) -> range:
    bounds, *steps = text.split("/")
    first, *others = bounds.split("-")
    if len(steps) > 1 or len(others) > 1:
        raise _BadFieldError(f"'{text}' is no {field.name}")
    if first in ("*", "?"):
        if others:
            raise _BadFieldError(f"'{text}' is no {field.name}: '{first}' begins no range")
        low, high = field.low, field.high
    else:
        low = _number(first, text, field)
        high = _number(others[0], text, field) if others else (field.high if steps else low)
    step = _step(steps[0], text, field) if steps else 1
    if low > high:
        raise _backwards(text, low, high, field)
    return range(low, high + 1, step)


def _number(word: str, text: str, field: _Field) -> int:
    if word.lower() in field.words:
        return field.words.index(word.lower()) + field.first
    if not re.fullmatch(r"[0-9]{1,6}", word):
        shown = "" if word == text else f" in '{text}'"
        near = word[:3].lower()
        if near in field.words:
            raise _BadFieldError(f"'{word}'{shown} is no {field.name}", f"write {near.upper()}")
        if re.search(r"[LW#]", word.upper()) and re.fullmatch(r"[0-9LW#]+", word.upper()):
            raise _BadFieldError(f"'{word}'{shown} is no {field.name}: KFP has neither L, W nor #")
        raise _BadFieldError(f"'{word}'{shown} is no {field.name}")
    number = int(word)
    if not field.low <= number <= field.high:
        raise _BadFieldError(
            f"{field.name} {number} is not between {field.low} and {field.high}", _meant(number, field)
        )
    return number


def _meant(number: int, field: _Field) -> str | None:
    if field.name == "day of week" and number == 7:
        return "Sunday is 0 to KFP"
    if field.high + 1 == number and field.low == 0:
        return f"the first {field.name} is 0"
    return f"the first {field.name} is {field.low}" if number < field.low else None


def _step(word: str, text: str, field: _Field) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", word) or int(word) == 0:
        raise _BadFieldError(f"'{word}' in '{text}' is no step", "a step is a whole number from 1 on")
    return int(word)


def _backwards(text: str, low: int, high: int, field: _Field) -> _BadFieldError:
    both = [*range(low, field.high + 1), *range(field.low, high + 1)]
    named = [field.words[n - field.first].upper() if field.words else str(n) for n in both]
    hint = f"write {','.join(named)}" if len(named) <= 12 and "/" not in text else None
    return _BadFieldError(f"the range '{text}' runs backwards", hint)


def _doubts(fields: list[str], values: list[frozenset[int]], path: Path) -> Iterator[Diagnostic]:
    """What the parser takes, and that is not what people mean."""
    days, months = values[3], values[4]
    any_weekday = any(part[:1] in ("*", "?") for part in fields[-1].split(","))
    if any_weekday and min(days) > max(_LONGEST_MONTH[month - 1] for month in months):
        told = f"no month that the schedule names has a day {min(days)}: it never starts a run"
        yield finding("KF308", told, path, upstream=Upstream.NEVER_WORKS)
    if len(fields) == 6 and len(values[0]) > 1:
        told = f"the schedule starts {len(values[0])} runs a minute: the first of six fields is the second"
        yield _doubt(told, path, f"write 0 there, or five fields: '{' '.join(fields[1:])}'")
    for text, field in zip(fields, _FIELDS[-len(fields) :], strict=True):
        step = re.fullmatch(r"[*?]/([0-9]+)", text)
        if step and int(step[1]) > field.high:
            yield _doubt(f"'{text}' is {field.name} {field.low} and no other", path, f"a step is {field.high} at most")


def _doubt(told: str, path: Path, hint: str) -> Diagnostic:
    return finding("KF308", told, path, hint=hint, severity=Severity.WARNING, upstream=Upstream.ADVICE)


def _descriptor(text: str, path: Path) -> Diagnostic | None:
    if text in _DESCRIPTORS:
        return None
    if not text.startswith("@every "):
        hint = did_you_mean(text, (*_DESCRIPTORS, "@every"), f"one of {', '.join(_DESCRIPTORS)}, or '@every 1h'")
        return finding("KF308", f"'{text}' is no schedule", path, hint=hint)
    duration = text.removeprefix("@every ")
    if not _DURATION.fullmatch(duration):
        return finding(
            "KF308", f"'{duration}' is no duration", path, hint="a number with a unit, such as 90s, 30m or 1h30m"
        )
    parts = re.findall(r"([0-9.]+)(ns|us|µs|μs|ms|s|m|h)", duration)
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if duration.startswith("-") or seconds < 1:
        return _doubt(f"'{text}' starts a run every second, the shortest there is", path, "write a longer time")
    return None
