"""Edits of a file that people keep: whatever they wrote beside the values stays.

ruamel.yaml's round trip does the work; what it would lose is noticed, and then nothing is changed.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import NamedTuple

import yaml

from kfspec.codes import finding_at
from kfspec.diagnostics import Diagnostics, Pos
from kfspec.yamlio.comments import beside, comments
from kfspec.yamlio.load import load
from kfspec.yamlio.marks import Range, lines
from kfspec.yamlio.scalars import same


class Edit(NamedTuple):
    """Another text for a range of a source."""

    at: Range
    text: str


def edited(text: str, edits: Iterable[Edit]) -> str:
    """The source with other text in some ranges, which do not overlap; all else stays as it is, to the character."""
    starts = _starts(text)
    out: list[str] = []
    done = 0
    for edit in sorted(edits):
        _, line, column, end_line, end_column = edit.at
        start = starts[line - 1] + column - 1
        out += (text[done:start], edit.text)
        done = starts[end_line - 1] + end_column - 1
    return "".join((*out, text[done:]))


def _starts(text: str) -> list[int]:
    """Where each line begins, as marks count them."""
    found = [0]
    for line in lines(text):
        end = found[-1] + len(line)
        found.append(end + (2 if text.startswith("\r\n", end) else 1))
    return found


def scalar(text: str, at: Range, value: str) -> Edit:
    """The edit that writes a string where a scalar stands, in the quotes that it has; in `"` where it has none and the string
    would be read as something else."""
    start = source_of(text, at)[:1]
    quote = start if start in ("'", '"') else "" if _plain(value) else '"'
    return Edit(at, f"{quote}{value}{quote}")


def source_of(text: str, at: Range) -> str:
    """The part of a source that a range covers, line breaks as they are."""
    starts = _starts(text)
    return text[starts[at[1] - 1] + at[2] - 1 : starts[at[3] - 1] + at[4] - 1]


def _plain(value: str) -> bool:
    """Whether a string of the letters that names have may stand without quotes."""
    documents, found = load(value.encode(), "")
    return not found and len(documents) == 1 and documents[0].value == value


def reformat(data: bytes, file: str) -> tuple[str | None, Diagnostics]:
    """The one layout of a YAML document: two spaces, lists at their key's column, blocks apart, comments kept.

    What is on one line stays on one line. None is returned with the findings of a file that cannot be read, or that
    would lose something.
    """
    documents, found = load(data, file)
    if found or len(documents) != 1:
        return None, found
    document = documents[0]
    text = document.texts[file].replace("\r\n", "\n").replace("\r", "\n")
    new = _spaced(beside(text, _round_trip(text)))
    again, problems = load(new.encode(), file)
    whole = not problems and len(again) == 1 and same(again[0].value, document.value)
    if not whole or comments(new) != comments(text):
        message = "the layout cannot be changed without losing a comment or a value"
        hint = "comments between braces or brackets are the usual reason: move them to a line of their own above"
        return None, (finding_at("KF073", message, Pos(file, 1, 1, 1, 1), hint=hint),)
    return new, ()


def _round_trip(text: str) -> str:
    from ruamel.yaml import YAML  # here: only edits need it, and it takes 60 ms

    editor = YAML()
    editor.indent(mapping=2, sequence=2, offset=0)
    editor.width = 1 << 20
    editor.preserve_quotes = True
    editor.brace_single_entry_mapping_in_flow_sequence = True
    out = io.StringIO()
    editor.dump(editor.load(text), out)
    return out.getvalue()


def _spaced(text: str) -> str:
    """No blank line twice, none at the ends, one before each block of the top level; texts over several lines as they are."""
    lines = text.split("\n")
    inside: set[int] = set()
    tops: set[int] = set()
    for token in yaml.scan(text, Loader=yaml.CSafeLoader):
        start, end = token.start_mark, token.end_mark
        if isinstance(token, yaml.ScalarToken):
            inside.update(range(start.line + 1, end.line + (end.column > 0)))
            if start.column == 0:
                tops.add(start.line)
    out: list[str] = []
    for n, line in enumerate(lines):
        if n in inside:
            out.append(line)
            continue
        line = line.rstrip()
        blank = not out or not out[-1]
        if not line:
            if not blank:
                out.append("")
        elif n in tops and not blank and _is_block(lines, n) and not out[-1].startswith("#"):
            out += ["", line]
        else:
            out.append(line)
    return "\n".join(out).rstrip("\n") + "\n"


def _is_block(lines: list[str], n: int) -> bool:
    """Whether the key in line `n` has lines of its own below."""
    following = lines[n + 1] if n + 1 < len(lines) else ""
    return following.startswith((" ", "- "))
