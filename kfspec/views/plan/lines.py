"""Values as lines for people: one line where it fits, else short YAML or a line diff, cut with a count of what is left out.

Every text that leaves here is printable: what a file or a cluster holds must not steer a terminal, and a hidden
character is a difference too, so that characters without a shape of their own show as escapes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from kfspec.planning import Delta
from kfspec.planning.deltas import MASKED
from kfspec.yamlio.compose import compose
from kfspec.yamlio.dump import atom

_CONTEXT = 2
"""Equal lines that are shown around a changed one."""
_SMALL = 250_000
"""Pairs of lines up to which a line diff is worth its time; beyond, all of the old and all of the new is shown."""
_MARKS = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


class Line(NamedTuple):
    """A line of a value: its sign (`+`, `-`, " ", `@` for a gap) and its text."""

    sign: str
    text: str


class Shown(NamedTuple):
    """One changed value, ready to be laid out."""

    sign: str
    """`+`, `-` or `~`."""
    path: str
    old: str
    """On one line; "" where there was nothing, or `lines` shows it."""
    new: str
    lines: tuple[Line, ...] = ()
    """Where one line does not hold it."""
    more: int = 0
    """How many lines are left out after them."""


def printable(text: str) -> str:
    """The text with escapes for what is not printable: control characters, directional marks, odd spaces."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _MARKS.get(c) or _escape(c) for c in text)


def _escape(c: str) -> str:
    number = ord(c)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def clip(text: str, width: int) -> str:
    """At most about `width` characters of the text, printable; what is left out is counted."""
    if len(text) <= width:
        return printable(text)
    return f"{printable(text[:width])}... ({len(text) - width:,} more characters)"


def one_line(value: Any, width: int) -> str | None:
    """The value on one line of at most `width` characters, printable; None where it does not fit."""
    if isinstance(value, str):
        if len(value) > width or "\n" in value:
            return None
        text = value if value == MASKED else atom(value)
    elif isinstance(value, dict | list):
        if len(value) > width:
            return None
        lines = _yaml(value)
        if len(lines) > 1:
            return None
        text = lines[0]
    else:
        text = atom(value)
    text = printable(text)
    return text if len(text) <= width else None


def _yaml(value: dict[str, Any] | list[Any]) -> list[str]:
    lines = compose({"v": value}).rstrip("\n").split("\n")
    if lines[0] != "v:":
        return [lines[0].removeprefix("v: "), *lines[1:]]
    return [line.removeprefix("  ") for line in lines[1:]] if isinstance(value, dict) else lines[1:]


def _lines(value: Any) -> list[str]:
    """The value as lines: text as it is, all else as YAML."""
    if isinstance(value, dict | list):
        return _yaml(value)
    if not isinstance(value, str):
        return [atom(value)]
    if "\n" not in value:
        return [atom(value) if len(value) < 1000 else value]
    return value[:-1].split("\n") if value.endswith("\n") else [*value.split("\n"), "(no newline at the end)"]


def shown(delta: Delta, width: int, most: int) -> Shown:
    """A delta in at most `most` lines of about `width` characters."""
    path = clip(delta.path, max(width, 40))
    sign = {"add": "+", "remove": "-"}.get(delta.op, "~")
    old = one_line(delta.old, width) if delta.op != "add" else ""
    new = one_line(delta.new, width) if delta.op != "remove" else ""
    if old is not None and new is not None and len(path) + len(old) + len(new) + 8 <= width:
        return Shown(sign, path, old, new)
    if delta.op == "add":
        lines = [Line("+", clip(line, width)) for line in _lines(delta.new)]
    elif delta.op == "remove":
        lines = [Line("-", clip(line, width)) for line in _lines(delta.old)]
    else:
        lines = list(_line_diff(*_comparable(delta.old, delta.new), width))
        if not lines:
            return Shown(sign, path, "", "(the difference is secret)")
    cut = most if len(lines) > most + 1 else len(lines)  # a line that says "1 more line" is no shorter
    return Shown(sign, path, "", "", tuple(lines[:cut]), len(lines) - cut)


def _comparable(old: Any, new: Any) -> tuple[list[str], list[str]]:
    """Both as lines; two texts line by line if either has several."""
    if isinstance(old, str) and isinstance(new, str) and ("\n" in old) != ("\n" in new):
        return (_lines(old), [new]) if "\n" in old else ([old], _lines(new))
    return _lines(old), _lines(new)


def _line_diff(old: list[str], new: list[str], width: int) -> Iterator[Line]:
    """Changed lines with a little around them; a gap is a line with the sign `@`."""
    every = list(_edits(old, new, width))
    near = set[int]()
    for n, line in enumerate(every):
        if line.sign != " ":
            near.update(range(n - _CONTEXT, n + _CONTEXT + 1))
    number, silent = 1, False
    for n, line in enumerate(every):
        if n in near:
            if silent:
                yield Line("@", f"line {number}")
            silent = False
            yield line if line.sign != " " else Line(" ", clip(line.text, width))
        else:
            silent = True
        number += line.sign != "-"


def _edits(old: list[str], new: list[str], width: int) -> Iterator[Line]:
    """Every line of both, with signs; equal lines are not clipped yet."""
    first, last = _equal_ends(old, new)
    yield from (Line(" ", line) for line in new[:first])
    a, b = old[first : len(old) - last], new[first : len(new) - last]
    for tag, a1, a2, b1, b2 in _opcodes(a, b):
        if tag == "equal":
            yield from (Line(" ", line) for line in b[b1:b2])
            continue
        gone, come = a[a1:a2], b[b1:b2]
        if len(gone) == len(come):
            pairs = [_pair(*pair, width) for pair in zip(gone, come, strict=True)]
            yield from (Line("-", pair[0]) for pair in pairs)
            yield from (Line("+", pair[1]) for pair in pairs)
        else:
            yield from (Line("-", clip(line, width)) for line in gone)
            yield from (Line("+", clip(line, width)) for line in come)
    yield from (Line(" ", line) for line in new[len(new) - last :])


def _equal_ends(a: Any, b: Any) -> tuple[int, int]:
    """How many entries are equal at the beginning, and at the end of what is left."""
    shorter = min(len(a), len(b))
    first = next((n for n in range(shorter) if a[n] != b[n]), shorter)
    last = next((n for n in range(shorter - first) if a[-1 - n] != b[-1 - n]), shorter - first)
    return first, last


def _opcodes(a: list[str], b: list[str]) -> list[tuple[str, int, int, int, int]]:
    if not a and not b:
        return []
    if len(a) * len(b) > _SMALL:
        return [("replace", 0, len(a), 0, len(b))]
    from difflib import SequenceMatcher  # 7 ms to import, and only long values pay

    return list(SequenceMatcher(None, a, b, autojunk=False).get_opcodes())


def _pair(old: str, new: str, width: int) -> tuple[str, str]:
    """Two lines, each cut around the place where they differ; trailing spaces can be seen."""
    first, _ = _equal_ends(old, new)
    start = max(0, first - width // 3) if max(len(old), len(new)) > width else 0
    return _around(old, start, width), _around(new, start, width)


def _around(text: str, start: int, width: int) -> str:
    kept = text.rstrip(" ")
    text = kept + "\N{MIDDLE DOT}" * (len(text) - len(kept))
    lead = f"({start:,} characters) ..." if start else ""
    return lead + clip(text[start:], width)
