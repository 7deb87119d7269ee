"""Marks: where each value of a document stands, as a tree parallel to the values."""

from __future__ import annotations

from typing import Any, Protocol


class Mark(Protocol):
    """A point of a source text; PyYAML's own object. Lines and columns count from 0."""

    name: str
    index: int
    line: int
    column: int


class Node:
    """The range of one value, the ranges of its keys, and the nodes of its children.

    `keys` maps a mapping's key to the (start, end) of the key itself; `children` is a dict of nodes for a mapping,
    a list for a sequence, and None for a scalar.
    """

    __slots__ = ("children", "end", "keys", "start")

    def __init__(
        self,
        start: Mark,
        end: Mark,
        children: Any = None,
        keys: dict[str, tuple[Mark, Mark]] | None = None,
    ) -> None:
        self.start = start
        self.end = end
        self.children: Any = children
        self.keys = keys
