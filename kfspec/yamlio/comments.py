"""The comments of a YAML text: which there are, and where they belong when the text is laid out anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

_NULLS = ("~", "null", "Null", "NULL")
"""What a layout may leave out."""


class Comment(NamedTuple):
    """A comment from its `#` on; line and column count from 0."""

    text: str
    line: int
    column: int


class _Token(NamedTuple):
    line: int
    column: int


_CONTENT = (
    yaml.ScalarToken,
    yaml.AliasToken,
    yaml.BlockEntryToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
"""Tokens that a text has in whichever layout; those that open and close blocks depend on it."""


def comments(text: str) -> list[str]:
    """Every comment, sorted: what must be the same after an edit."""
    return sorted(comment.text for comment in located(text))


def located(text: str) -> Iterator[Comment]:
    """Every comment in its order: what stands between two tokens, and in the head of a block scalar."""
    lines = text.split("\n")
    line, column = 0, 0
    for token in yaml.scan(text, Loader=yaml.CSafeLoader):
        start, end = token.start_mark, token.end_mark
        yield from _between(lines, (line, column), (start.line, start.column))
        style: Any = getattr(token, "style", None)
        if style in ("|", ">"):
            at = lines[start.line].find("#", start.column)
            if at >= 0:
                yield Comment(lines[start.line][at:].rstrip(), start.line, at)
        if (end.line, end.column) > (line, column):
            line, column = end.line, end.column
    yield from _between(lines, (line, column), (len(lines), 0))


def _between(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> Iterator[Comment]:
    for n in range(start[0], min(end[0] + 1, len(lines))):
        first = start[1] if n == start[0] else 0
        part = lines[n][first : end[1] if n == end[0] else None]
        if part.strip().startswith("#"):
            yield Comment(part.strip(), n, first + len(part) - len(part.lstrip()))


def beside(old: str, new: str) -> str:
    """The new layout with its comments where the old one's stood: above the same line and as deep as that, or behind the same
    value and as far from it. The new layout as it is where the two cannot be told apart."""
    olds, news = list(located(old)), list(located(new))
    before, after = list(_tokens(old)), list(_tokens(new))
    if [c.text for c in olds] != [c.text for c in news] or len(before) != len(after):
        return new
    old_lines, lines = old.split("\n"), new.split("\n")
    for was, comment in zip(olds, news, strict=True):
        line = lines[comment.line]
        value, given = line[: comment.column].rstrip(), old_lines[was.line][: was.column]
        if value and given.strip():
            lines[comment.line] = value + given[len(given.rstrip()) :] + comment.text
        elif not value and not given.strip():
            lines[comment.line] = " " * _column(was, before, after) + comment.text
    return "\n".join(lines)


def _tokens(text: str) -> Iterator[_Token]:
    for token in yaml.scan(text, Loader=yaml.CSafeLoader):
        nothing = isinstance(token, yaml.ScalarToken) and token.plain and token.value in _NULLS
        if isinstance(token, _CONTENT) and not nothing:
            yield _Token(token.start_mark.line, token.start_mark.column)


def _column(comment: Comment, before: list[_Token], after: list[_Token]) -> int:
    """Where what stood in the comment's column stands now: what follows it, or else the last such thing above it."""
    following = next((n for n, token in enumerate(before) if token.line > comment.line), len(before))
    if following < len(before) and before[following].column == comment.column:
        return after[following].column
    for n in range(following - 1, -1, -1):
        if before[n].column == comment.column:
            return after[n].column
        first = n == 0 or before[n - 1].line != before[n].line
        if first and before[n].column < comment.column:
            break
    return after[following].column if following < len(after) else 0
