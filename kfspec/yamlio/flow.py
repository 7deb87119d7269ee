"""The fast way through the commonest flow collections: `{cpu: 2, memory: 8Gi}`, `[dev, prod]`.

As with `block`: whatever is not certain to mean the same to libyaml gives None.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from kfspec.yamlio.marks import Node, Range

_SPACES = re.compile(" *")
_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./@-]*(?=: )")
_WORD = r"[A-Za-z0-9_/.][A-Za-z0-9_/.@%+=~-]*(?::[A-Za-z0-9_/][A-Za-z0-9_/.@%+=~-]*)*"
_SCALAR = re.compile(rf"""{_WORD}(?: +{_WORD})*|"[^"\\]*"|'[^']*'""")
_REST = re.compile(" *(?: #.*)?")


class _UncertainError(Exception):
    """Something that libyaml must read."""


def read(text: str, file: str, line: int, column: int, resolve: Callable[[str], Any]) -> tuple[Any, Node] | None:
    """The collection that `text` begins with, a comment after it apart. `line` and `column`: where it stands, from 1; `resolve`
    gives a plain scalar's value, or NotImplemented where it needs a word to the user."""
    try:
        value, node = _Reader(text, file, line, column, resolve).value(0)
    except _UncertainError:
        return None
    return (value, node) if _REST.fullmatch(text, node.at[4] - column) else None


class _Reader:
    def __init__(self, text: str, file: str, line: int, column: int, resolve: Callable[[str], Any]) -> None:
        self.text = text
        self.file = file
        self.line = line
        self.column = column
        self.resolve = resolve

    def range(self, start: int, end: int) -> Range:
        return (self.file, self.line, start + self.column, self.line, end + self.column)

    def value(self, start: int) -> tuple[Any, Node]:
        """The value that begins there."""
        first = self.text[start : start + 1]
        if first == "{":
            return self._mapping(start)
        if first == "[":
            return self._list(start)
        match = _SCALAR.match(self.text, start)
        if match is None:
            raise _UncertainError
        written = match.group()
        value = written[1:-1] if first in "\"'" else self.resolve(written)
        if value is NotImplemented:
            raise _UncertainError
        return value, Node(self.range(start, match.end()))

    def _mapping(self, start: int) -> tuple[Any, Node]:
        value: dict[str, Any] = {}
        children: dict[str, Node] = {}
        keys: dict[str, Range] = {}
        here = self._after(start + 1)
        while self.text[here : here + 1] != "}":
            match = _KEY.match(self.text, here)
            if match is None or match.group() in value or self.resolve(match.group()).__class__ is not str:
                raise _UncertainError
            key = match.group()
            keys[key] = self.range(here, match.end())
            value[key], children[key] = self.value(self._after(match.end() + 1))
            here = self._next(children[key], "}")
        return value, Node(self.range(start, here + 1), children, keys)

    def _list(self, start: int) -> tuple[Any, Node]:
        value: list[Any] = []
        children: list[Node] = []
        here = self._after(start + 1)
        while self.text[here : here + 1] != "]":
            entry, node = self.value(here)
            value.append(entry)
            children.append(node)
            here = self._next(node, "]")
        return value, Node(self.range(start, here + 1), children)

    def _after(self, start: int) -> int:
        """Where the spaces end that begin there."""
        match = _SPACES.match(self.text, start)
        return match.end() if match else start

    def _next(self, node: Node, close: str) -> int:
        """Where the entry after this one begins, or the bracket stands that closes the collection."""
        here = self._after(node.at[4] - self.column)
        if self.text[here : here + 1] == close:
            return here
        after = self._after(here + 1)
        if self.text[here : here + 1] != "," or self.text[after : after + 1] == close:
            raise _UncertainError
        return after
