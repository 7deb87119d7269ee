"""The fast way through the commonest YAML: block collections of plain and simply quoted scalars.

Specs and manifests of thousands of lines are written so, and a line that was met before costs one lookup. Whatever is not
certain to mean the same to libyaml gives None, and `load` reads the whole file by libyaml's events: anchors, tags, block
scalars, several documents, and every mistake. So nothing here reports anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from kfspec.yamlio.marks import Node, Range

_MAX_DEPTH = 60
_MAX_LINE = 1000
"""libyaml takes keys of up to 1,024 characters."""
_KNOWN = 50_000

_KEY = r"[A-Za-z0-9_][A-Za-z0-9_./@-]*"
_PLAIN = (
    r"(?:[^\s\-?:,\[\]{}#&*!|>'\"%@`]|-(?=[^\s]))"
    r"[^\s:#]*(?:(?::(?=[^\s])|(?<=[^\s])#| +(?=[^\s#:]))[^\s:#]*)*"
)
_SCALAR = rf"""{_PLAIN}|"[^"\\]*"|'[^']*'"""
_LEFT = r"""\{[^&]*\}|\[[^&]*\]|"(?:[^"\\]|\\.)*\""""
"""Left to libyaml: a flow collection, in which an anchor could stand for the rest of the file, or a text with escapes."""
_LINE = re.compile(
    rf"(?P<indent> *)(?:#.*|(?P<dash>- +)?(?:(?P<key>{_KEY}):(?= |$))? *(?P<value>{_SCALAR}|{_LEFT})?(?: +#.*)? *)"
)
_FIRST = re.compile(r"---(?: +#.*)? *")
_NO_VALUE: Any = object()


class _Line(NamedTuple):
    """One line, as far as it can be told without its neighbours. Columns count from 1."""

    indent: int
    content: int
    """The column of what follows the dash; `indent + 1` where there is none."""
    key: str | None
    key_end: int
    value: Any
    """The value, `_NO_VALUE`, or a `_Left` that is read in its place."""
    start: int
    end: int


class _Left(NamedTuple):
    text: str


_Frame: TypeAlias = tuple[int, Any, Any, dict[str, Range] | None, Node]
"""A collection under construction: its indent, its value, the nodes of its children, the ranges of its keys (None for a list),
and its own node. A tuple, for one is made for every few lines."""

Resolver: TypeAlias = Callable[[str], Any]
"""A plain scalar's value, or NotImplemented where it needs a word to the user."""
PartReader: TypeAlias = Callable[[str, int, int], tuple[Any, Node] | None]
"""The text of one value, its line and column from 1 -> its value and marks, None where it is not for this reader."""


def read(text: str, file: str, resolve: Resolver, part: PartReader) -> tuple[Any, Node] | None:
    """The one document of `text` and its marks, equal to what libyaml's events give; None where that is not certain."""
    known: dict[str, _Line | bool] = {}  # forgotten when it is full: every line may be another
    stack: list[_Frame] = []
    pending: str | None = None
    """A key whose value has not been seen; it belongs to the innermost mapping."""
    number = 0
    level = -1
    values: Any = None
    children: Any = None
    keys: Any = None
    """Of the innermost collection, as `_Frame` has them."""
    end_line = end_column = 0
    """Where the last value ended."""
    for source in text.split("\n"):
        number += 1
        line = known.get(source)
        if line is None:
            if len(known) > _KNOWN:
                known.clear()
            line = known[source] = _parse(source, resolve)
        if line.__class__ is bool:
            if line or (not stack and _FIRST.fullmatch(source) and not _content(text, number - 1)):
                continue
            return None
        indent, content, key, key_end, value, start, end = line  # type: ignore[misc]
        dash = content - 1 != indent
        if not stack:
            level, values, children, keys, _ = _open(stack, indent, dash, (file, number, indent + 1, 0, 0))
        elif pending is not None:
            if indent > level or (dash and indent == level):
                if len(stack) >= _MAX_DEPTH:
                    return None
                outer, nodes = values, children
                level, values, children, keys, node = _open(stack, indent, dash, (file, number, indent + 1, 0, 0))
                outer[pending] = values
                nodes[pending] = node
            else:
                values[pending] = None
                children[pending] = Node((file, end_line, end_column, end_line, end_column))
            pending = None
        elif indent > level:
            return None  # a scalar that goes on, or a mistake
        while level > indent or (level == indent and keys is None and not dash):
            ended = stack.pop()[4]
            ended.at = (*ended.at[:3], end_line, end_column)
            if not stack:
                return None
            level, values, children, keys, _ = stack[-1]
        if level != indent or dash is not (keys is None):
            return None
        if dash:
            if key is not None:
                outer, nodes = values, children
                level, values, children, keys, node = _open(stack, content - 1, False, (file, number, content, 0, 0))
                outer.append(values)
                nodes.append(node)
        elif key is None:
            return None
        if value.__class__ is _Left:
            parsed = part(value.text, number, start)
            if parsed is None:
                return None
            value, node = parsed
            end = node.at[4]  # the rest is a comment
        elif value is _NO_VALUE:
            if key is None or key in keys:
                return None
            keys[key] = (file, number, content, number, key_end - 1)
            pending = key
            end_line, end_column = number, key_end
            continue
        else:
            node = Node((file, number, start, number, end))
        end_line, end_column = number, end
        if key is None:
            values.append(value)
            children.append(node)
            continue
        if key in keys:
            return None
        values[key] = value
        children[key] = node
        keys[key] = (file, number, content, number, key_end - 1)
    if not stack:
        return None
    if pending is not None:
        values[pending] = None
        children[pending] = Node((file, end_line, end_column, end_line, end_column))
    for *_, ended in stack:
        ended.at = (*ended.at[:3], end_line, end_column)
    return stack[0][1], stack[0][4]


def _open(stack: list[_Frame], indent: int, dash: bool, at: Range) -> _Frame:
    value: Any = [] if dash else {}
    children: Any = [] if dash else {}
    keys: dict[str, Range] | None = None if dash else {}
    frame = (indent, value, children, keys, Node(at, children, keys))
    stack.append(frame)
    return frame


def _content(text: str, before: int) -> bool:
    """Whether anything but comments stands in the first lines."""
    return any(line.strip() and not line.lstrip().startswith("#") for line in text.split("\n", before)[:before])


def _parse(source: str, resolve: Resolver) -> _Line | bool:
    """One line; True where it says nothing, False where it is not for this reader."""
    if len(source) > _MAX_LINE or not source.isprintable() or source.startswith(("---", "...")):
        return False
    match = _LINE.fullmatch(source)
    if match is None:
        return False
    key, written = match["key"], match["value"]
    if key is None and written is None:
        return match["dash"] is None
    if key is not None and resolve(key).__class__ is not str:
        return False
    indent = len(match["indent"])
    content = indent + len(match["dash"] or "") + 1
    start, end = match.start("value") + 1, match.end("value") + 1
    value: Any = _NO_VALUE
    if written is not None:
        first = written[0]
        if first == "'" or (first == '"' and "\\" not in written):
            value = written[1:-1]
        elif first in '{["':
            if written.count("{") + written.count("[") > _MAX_DEPTH // 3 or "<<" in written:
                return False  # a merge key is told from a quoted one by the text of the whole file
            value = _Left(written)
        else:
            value = resolve(written)
            if value is NotImplemented:
                return False
    return _Line(indent, content, key, match.end("key") + 2, value, start, end)
