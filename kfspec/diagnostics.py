"""Findings as values. The bottom of the import graph: nothing here imports from kfspec.

A check reports *what* is wrong and at which *path*; `kfspec.document.place` turns the path into a
file, line and column afterwards. So a check never needs the source text, and every finding is placed
by the same rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple, TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Where a value stands in a document: mapping keys and list indices from the root."""


class Severity(StrEnum):
    """How much a finding matters. Separate from the code, so that it can change without renaming."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Upstream(StrEnum):
    """What Kubeflow itself does with the mistake."""

    REFUSES = "refuses"
    """Admission (schema, API server or webhook) rejects the object."""
    DROPS = "drops"
    """The object is stored without the user's value."""
    NEVER_WORKS = "never-works"
    """The object is stored as written, and can never do what it says."""
    ADVICE = "advice"
    """It works; there is a better way."""


class Pos(NamedTuple):
    """A range of source text. Lines and columns count from 1; the end is exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


class Note(NamedTuple):
    """A second place or fact that explains a finding (`first defined here`)."""

    message: str
    pos: Pos | None = None


class Diagnostic(NamedTuple):
    """One finding.

    `message` is one line: what is wrong, with the offending value, and no advice; advice goes into `hint`.
    `at_key` asks for the position of the key (`feature:`) instead of its value.
    """

    code: str
    severity: Severity
    message: str
    path: Path = ()
    pos: Pos | None = None
    hint: str | None = None
    notes: tuple[Note, ...] = ()
    upstream: Upstream | None = None
    at_key: bool = False


Diagnostics: TypeAlias = tuple[Diagnostic, ...]


def format_path(path: Path) -> str:
    """`("notebooks", "a.b", 0)` -> `notebooks["a.b"][0]`."""
    out: list[str] = []
    for part in path:
        if isinstance(part, int):
            out.append(f"[{part}]")
        elif part and not any(c in ".[]\"' /" for c in part):
            out.append(f".{part}" if out else part)
        else:
            quoted = part.replace("\\", "\\\\").replace('"', '\\"')
            out.append(f'["{quoted}"]')
    return "".join(out)


def field_name(path: Path) -> str:
    """How a message names a place: the last field, with its index where it is a list entry; quoted."""
    if not path:
        return "the object"
    start = len(path) - 1
    while start > 0 and isinstance(path[start], int):
        start -= 1
    return f"'{format_path(path[start:])}'"


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether any finding is an error."""
    return any(d.severity is Severity.ERROR for d in diagnostics)


def in_order(diagnostics: Iterable[Diagnostic]) -> Diagnostics:
    """Sorted by place, then code and message; equal findings collapse into one."""

    def key(d: Diagnostic) -> tuple[str, int, int, str, str, str]:
        pos = d.pos or Pos("", 0, 0, 0, 0)
        return (pos.file, pos.line, pos.column, d.code, format_path(d.path), d.message)

    return tuple(sorted(set(diagnostics), key=key))
