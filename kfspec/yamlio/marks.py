"""Marks: where each value of a document stands, as a tree parallel to the values."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, TypeAlias

Range: TypeAlias = tuple[str, int, int, int, int]
"""What `diagnostics.Pos` holds, as a plain tuple: thousands are made, and few are ever looked at."""

_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
"""What ends a line to libyaml."""


class Node:
    """The range of one value, the ranges of its keys, and the nodes of its children.

    `keys` maps a mapping's key to the range of the key itself; `children` is a dict of nodes for a mapping,
    a list for a sequence, and None for a scalar. The range of a block collection ends where its last value ends.
    """

    __slots__ = ("at", "children", "keys")

    def __init__(self, at: Range, children: Any = None, keys: dict[str, Range] | None = None) -> None:
        self.at = at
        self.children: Any = children
        self.keys = keys


@lru_cache(maxsize=8)
def lines(text: str) -> tuple[str, ...]:
    """The lines of a source as marks count them."""
    return tuple(_BREAK.split(text))


def written(text: str, at: Range) -> str:
    """The part of a source that a range covers, on one line or several."""
    _, line, column, end_line, end_column = at
    here = lines(text)
    if line == end_line:
        return here[line - 1][column - 1 : end_column - 1]
    return "\n".join([here[line - 1][column - 1 :], *here[line : end_line - 1], here[end_line - 1][: end_column - 1]])
