"""Findings for people: what, where, the line itself, and what to do."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

from kfspec.diagnostics import Diagnostic, Diagnostics, Pos, Severity, format_path

_COLOURS = {Severity.ERROR: "\x1b[1;31m", Severity.WARNING: "\x1b[1;33m", Severity.NOTE: "\x1b[1;36m"}
_BOLD, _BLUE, _GREEN, _OFF = "\x1b[1m", "\x1b[1;34m", "\x1b[32m", "\x1b[0m"
HIDDEN = frozenset({"KF350", "KF351"})
"""Findings about credentials: their source line stays out of every log."""

_WIDTH = 160
"""Columns of a source line that are shown; a longer one is cut around the place that matters."""


def render(diagnostics: Diagnostics, texts: Mapping[str, str], *, colour: bool = False, done: str = "") -> str:
    """All findings and a summary line. `texts` holds the sources that excerpts are taken from."""
    return "\n".join([*findings(diagnostics, texts, colour=colour), _summary(diagnostics, done, colour)])


def findings(diagnostics: Diagnostics, texts: Mapping[str, str], *, colour: bool = False) -> list[str]:
    """Each finding, its lines ended."""
    lines: dict[str, list[str]] = {}
    return ["".join(_finding(d, texts, lines, colour)) for d in diagnostics]


def _finding(d: Diagnostic, texts: Mapping[str, str], lines: dict[str, list[str]], colour: bool) -> Iterator[str]:
    head = f"{d.severity.value}[{d.code}]"
    yield f"{_paint(head, _COLOURS[d.severity], colour)}{_paint(': ' + _safe(d.message), _BOLD, colour)}\n"
    margin = " " * (len(str(d.pos.line)) if d.pos else 1)
    if d.pos is not None:
        path = format_path(d.path)
        arrow = _paint("-->", _BLUE, colour)
        yield f"{margin}{arrow} {_place(d.pos)}{'   ' + _safe(path) if path else ''}\n"
        if d.code not in HIDDEN:
            yield from _excerpt(d.pos, texts, lines, colour)
    for note in d.notes:
        where = f" ({_place(note.pos)})" if note.pos else ""
        yield f"{margin} {_paint('=', _BLUE, colour)} note: {_safe(note.message)}{where}\n"
    if d.hint:
        yield f"{margin} {_paint('=', _BLUE, colour)} help: {_safe(d.hint)}\n"


def _place(pos: Pos) -> str:
    return f"{_safe(pos.file)}:{pos.line}:{pos.column}"


def _excerpt(pos: Pos, texts: Mapping[str, str], lines: dict[str, list[str]], colour: bool) -> Iterator[str]:
    text = texts.get(pos.file)
    if text is None:
        return
    if pos.file not in lines:
        lines[pos.file] = _split(text)
    source = lines[pos.file]
    if not 1 <= pos.line <= len(source):
        return
    line = source[pos.line - 1]
    start = min(pos.column - 1, len(line))
    end = min(pos.end_column - 1, len(line)) if pos.end_line == pos.line else len(line.rstrip())
    end = max(end, start + 1)
    cut = max(0, start - _WIDTH // 2) if len(line) > _WIDTH else 0
    shown = line[cut : cut + _WIDTH]
    number = str(pos.line)
    bar = _paint("|", _BLUE, colour)
    before, under = _columns(line[cut:start]), _columns(line[start : min(end, cut + _WIDTH)]) or 1
    yield f"{_paint(number, _BLUE, colour)} {bar} {_safe(shown)}\n"
    yield f"{' ' * len(number)} {bar} {' ' * before}{_paint('^' * under, _COLOURS[Severity.ERROR], colour)}\n"


def _split(text: str) -> list[str]:
    """Lines as YAML counts them: CR, LF or CRLF ends one."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _columns(text: str) -> int:
    """Cells of a terminal that the text takes, tabs as one."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _safe(text: str) -> str:
    """The text without control characters: what a file holds must not steer a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def _paint(text: str, code: str, colour: bool) -> str:
    return f"{code}{text}{_OFF}" if colour else text


def _summary(diagnostics: Diagnostics, done: str, colour: bool) -> str:
    counts = {s: sum(d.severity is s for d in diagnostics) for s in Severity}
    words = [f"{n} {s.value}{'' if n == 1 else 's'}" for s, n in counts.items() if n]
    if counts[Severity.ERROR]:
        return f"{_paint(', '.join(words), _COLOURS[Severity.ERROR], colour)}\n"
    text = ", ".join(["no errors", *words]) if words else "" if done else "no findings"
    return f"{_paint(': '.join(part for part in (text, done) if part), _GREEN, colour)}\n"
