"""A parsed file: JSON values, their marks, and the way from a path to a place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from kfspec.diagnostics import Diagnostic, Diagnostics, Path, Pos
from kfspec.yamlio.marks import Node, Range, written

_VAR = re.compile(r"[\"']?\$\{vars\.([A-Za-z_][A-Za-z0-9_-]*)\}[\"']?")
"""A value that is nothing but a var, as written."""


class Document(NamedTuple):
    """One YAML document. After merging, its marks may come from several files: each mark names its own."""

    value: Any
    marks: Node
    file: str
    texts: dict[str, str]
    """File -> decoded source, for excerpts and for scalars as written."""


def locate(document: Document, path: Path, at_key: bool = False) -> Pos:
    """Where `path` stands: its value, or with `at_key` its key. What is not there is placed at its nearest parent."""
    return _find(document, path, at_key)[0]


def _find(document: Document, path: Path, at_key: bool) -> tuple[Pos, int]:
    """The place of a path, and how many of its parts are really there."""
    node = document.marks
    key: Range | None = None
    for n, part in enumerate(path):
        child = _child(node, part)
        if child is not None:
            key = node.keys.get(part) if node.keys and isinstance(part, str) else None
            node = child
        elif node.children is None and not at_key:
            return Pos(*node.at), n  # a short form: the scalar is all that there is
        else:
            return (Pos(*key) if key is not None else _first_character(node)), n
    if at_key and key is not None:
        return Pos(*key), len(path)
    return Pos(*node.at), len(path)


def _child(node: Node, part: str | int) -> Node | None:
    children = node.children
    if isinstance(children, dict):
        found: Node | None = children.get(part)
        return found
    if isinstance(children, list) and isinstance(part, int) and 0 <= part < len(children):
        entry: Node = children[part]
        return entry
    return None


def _first_character(node: Node) -> Pos:
    """A point for a whole collection: underlining all of it would show nothing."""
    file, line, column, _, _ = node.at
    return Pos(file, line, column, line, column + 1)


def place(document: Document, diagnostics: Iterable[Diagnostic]) -> Diagnostics:
    """The findings with their places filled in where they have none yet, and paths cut to what is in the document."""
    return tuple(d if d.pos is not None else _placed(document, d) for d in diagnostics)


def _placed(document: Document, diagnostic: Diagnostic) -> Diagnostic:
    pos, depth = _find(document, diagnostic.path, diagnostic.at_key)
    return diagnostic._replace(path=diagnostic.path[:depth], pos=pos)


def source_text(document: Document, path: Path) -> str | None:
    """The text of a scalar as written (`1e-5`), None for what is no scalar or not there.

    Where a var stands, it is the text of the var's own value.
    """
    node = document.marks
    for part in path:
        child = _child(node, part)
        if child is None:
            return None
        node = child
    if node.children is not None:
        return None
    source = document.texts.get(node.at[0])
    if source is None:
        return None
    text = written(source, node.at)
    use = _VAR.fullmatch(text)
    return source_text(document, ("vars", use.group(1))) if use is not None and path[:1] != ("vars",) else text
