"""Bytes to JSON values with marks: by lines where `block` can, else over libyaml's events.

Nothing that a file can hold raises: every problem is a Diagnostic with its place.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from kfspec.codes import finding_at
from kfspec.diagnostics import Diagnostic, Diagnostics, Pos
from kfspec.document import Document
from kfspec.yamlio import block, flow, scalars
from kfspec.yamlio.marks import Node, lines
from kfspec.yamlio.scalars import Dialect

MAX_BYTES = 32 << 20
_UNPRINTABLE_ASCII = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def load(data: bytes, file: str, *, dialect: Dialect = "spec") -> tuple[tuple[Document, ...], Diagnostics]:
    """Every document of a YAML (or JSON) stream, and what is wrong with it.

    `spec` reads YAML 1.2 and refuses what has no place in a spec (tags, merge keys, keys that are no strings);
    `kubectl` reads as kubectl does, and says where that differs from YAML 1.2. Documents before a syntax error are
    returned too. An empty stream gives no document and no finding.
    """
    text, problem = _decode(data, file)
    if problem is not None:
        return (), (problem,)
    return by_lines(text, file, dialect) or by_events(text, file, dialect)


def by_events(text: str, file: str, dialect: Dialect) -> tuple[tuple[Document, ...], Diagnostics]:
    """Every document of the text, read from libyaml's events."""
    from kfspec.yamlio.events import Builder

    builder = Builder(file, text, dialect)
    return tuple(builder.documents()), tuple(builder.found)


def by_lines(text: str, file: str, dialect: Dialect) -> tuple[tuple[Document, ...], Diagnostics] | None:
    """The same for what `block` can read, None for the rest."""
    resolve = _certain_kubectl if dialect == "kubectl" else _certain

    def part(text: str, line: int, column: int) -> tuple[Any, Node] | None:
        simple = flow.read(text, file, line, column, resolve) if text[0] in "{[" else None
        if simple is not None:
            return simple
        from kfspec.yamlio.events import Builder

        builder = Builder(file, text, dialect, line, column)
        documents = list(builder.documents())
        return (documents[0].value, documents[0].marks) if len(documents) == 1 and not builder.found else None

    read = block.read(text, file, resolve, part)
    return ((Document(read[0], read[1], file, {file: text}),), ()) if read is not None else None


def _certain(text: str) -> Any:
    """A plain scalar's value in a spec, NotImplemented where the user must be told something."""
    try:
        return scalars.core(text)
    except scalars.NotFiniteError:
        return NotImplemented


def _certain_kubectl(text: str) -> Any:
    """A plain scalar's value to kubectl, NotImplemented where the user must be told something."""
    try:
        value = scalars.kubectl(text)
        return value if value.__class__ is str or scalars.same(value, scalars.core(text)) else NotImplemented
    except scalars.NotFiniteError:
        return NotImplemented


def _decode(data: bytes, file: str) -> tuple[str, Diagnostic | None]:
    if len(data) > MAX_BYTES:
        return "", finding_at("KF003", f"the file is larger than {MAX_BYTES >> 20} MiB", Pos(file, 1, 1, 1, 1))
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "", finding_at("KF002", "the file is UTF-16, not UTF-8", Pos(file, 1, 1, 1, 1), "save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        line, column = _line_and_column(before)
        byte = data[error.start]
        what = "the file is binary" if b"\0" in data[:1024] else f"byte 0x{byte:02x} is not UTF-8"
        return "", finding_at("KF002", what, Pos(file, line, column, line, column + 1), "save it as UTF-8")
    shape = _UNPRINTABLE_ASCII if text.isascii() else _unprintable()
    if match := shape.search(text):
        line, column = _line_and_column(text[: match.start()])
        pos = Pos(file, line, column, line, column + 1)
        what = "the file is binary" if match.group() == "\0" else "an unprintable character"
        return "", finding_at("KF002", f"{what}: U+{ord(match.group()):04X}", pos, "YAML holds printable text only")
    return text, None


@cache
def _unprintable() -> re.Pattern[str]:
    """Made when it is needed: it takes as long as three modules."""
    return re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _line_and_column(before: str) -> tuple[int, int]:
    """The place right after `before`, counted as YAML counts lines: CR, LF or CRLF ends one."""
    passed = lines(before)
    return len(passed), len(passed[-1]) + 1
