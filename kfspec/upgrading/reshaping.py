"""A mapping of the spec with its fields moved: lines keep their comments, what stands between braces stays there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from kfspec.diagnostics import Path
from kfspec.document import Document
from kfspec.upgrading.texts import Place
from kfspec.yamlio.edit import Edit, edited, source_of
from kfspec.yamlio.marks import Node, Range, lines


class Fragment(NamedTuple):
    """A mapping in a file that says something about a job."""

    document: Document
    path: Path
    value: dict[str, Any]
    node: Node
    trial: bool


class Move(NamedTuple):
    """What becomes of a field."""

    key: str | None
    """Its new name; None leaves it out."""
    value: Any = None
    """Its new value; None keeps what is written."""
    into: str | None = None
    """The mapping that it moves into."""
    after: tuple[str, Any] | None = None
    """A field that is added behind it, where it goes to."""


def reshaped(fragment: Fragment, moves: Mapping[str, Move]) -> Place | None:
    """The edit that does the moves; None where there are none."""
    if not moves or not fragment.value:
        return None
    text = fragment.document.texts[fragment.document.file]
    flow = source_of(text, fragment.node.at)[:1] == "{"
    edit = _flow(fragment, moves, text) if flow else _block(fragment, moves, text)
    return Place(fragment.document.file, fragment.path, edit, _value(fragment.value, moves), "rewritten")


def _value(value: dict[str, Any], moves: Mapping[str, Move]) -> dict[str, Any]:
    """The value that the edited text has to be read as."""
    result: dict[str, Any] = {}
    for key, item in value.items():
        move = moves.get(key, Move(key))
        if move.key is None:
            continue
        target = result if move.into is None else result.setdefault(move.into, {})
        target[move.key] = item if move.value is None else move.value
        if move.after is not None:
            target[move.after[0]] = move.after[1]
    return result


def _ordered(node: Node) -> list[str]:
    keys: dict[str, Range] = node.keys or {}
    return sorted(keys, key=lambda key: keys[key][1:])


def _scalar(value: Any) -> str:
    """A new value between braces or in a line."""
    if isinstance(value, list):
        return f"[{', '.join(map(_scalar, value))}]"
    if not isinstance(value, str):
        return json.dumps(value)
    plain = value.replace("-", "").replace("_", "").replace("/", "").replace(".", "").isalnum()
    return value if plain and value[0] not in "-." and not value[0].isdigit() else json.dumps(value)


def _edits(node: Node, key: str, move: Move, shift: int = 0) -> list[Edit]:
    """The field's new name and value, in a text that begins `shift` lines further down."""
    at: Range = (node.keys or {})[key]
    found = [Edit(_shifted(at, shift), move.key)] if move.key is not None and move.key != key else []
    if move.value is not None:
        value: Range = node.children[key].at
        if value[1] == at[3]:
            found.append(Edit(_shifted(value, shift), _scalar(move.value)))
        else:  # below its key, where a list may have begun at the key's column
            found.append(Edit(_shifted((*at[:1], *at[3:], *value[3:]), shift), f": {_scalar(move.value)}"))
    return found


def _shifted(at: Range, shift: int) -> Range:
    file, line, column, end_line, end_column = at
    return (file, line - shift, column, end_line - shift, end_column)


def _flow(fragment: Fragment, moves: Mapping[str, Move], text: str) -> Edit:
    """`{a: 1, b: 2}` with its entries moved; one that is written over several lines stays so."""
    node = fragment.node
    keys: dict[str, Range] = node.keys or {}
    outer: list[str] = []
    inner: dict[str, list[str]] = {}
    for key in _ordered(node):
        move = moves.get(key, Move(key))
        if move.key is None:
            continue
        start, end = keys[key], node.children[key].at
        name = source_of(text, start) if move.key == key else move.key
        value = source_of(text, end) if move.value is None else _scalar(move.value)
        entries = [f"{name}: {value}".rstrip()]
        if move.after is not None:
            entries.append(f"{move.after[0]}: {_scalar(move.after[1])}")
        if move.into is None:
            outer += entries
        else:
            inner.setdefault(move.into, []).extend(entries)
    outer += [f"{name}: {{{', '.join(entries)}}}" for name, entries in inner.items()]
    _, line, _, end_line, _ = node.at
    separator = ", "
    if line != end_line:
        first = keys[_ordered(node)[0]]
        separator = f",\n{' ' * (first[2] - 1)}"
    return Edit(node.at, f"{{{separator.join(outer)}}}")


def _block(fragment: Fragment, moves: Mapping[str, Move], text: str) -> Edit:
    """A mapping in lines with its entries moved, each with the comments above and beside it."""
    node = fragment.node
    keys: dict[str, Range] = node.keys or {}
    every = lines(text)
    order = _ordered(node)
    indent = " " * (keys[order[0]][2] - 1)
    first = start = keys[order[0]][1]
    out: list[str] = []
    place: dict[str, int] = {}
    inner: dict[str, list[str]] = {}
    last = first
    for key in order:
        move = moves.get(key, Move(key))
        last = _last_line(node.children[key].at, keys[key])
        part = edited("\n".join(every[start - 1 : last]), _edits(node, key, move, start - 1)).split("\n")
        start = last + 1
        if move.key is None:
            continue
        if move.after is not None:
            part.append(f"{indent}{move.after[0]}: {_scalar(move.after[1])}")
        if move.into is None:
            out += part
        else:
            place.setdefault(move.into, len(out))
            inner.setdefault(move.into, []).extend(f"  {line}" if line.strip() else line for line in part)
    for name in sorted(inner, key=lambda name: -place[name]):
        out[place[name] : place[name]] = [f"{indent}{name}:", *inner[name]]
    end = "\r\n" if "\r\n" in text else "\n"
    return Edit((node.at[0], first, 1, last, len(every[last - 1]) + 1), end.join(out))


def _last_line(value: Range, key: Range) -> int:
    """The last line of an entry; the range of a block scalar ends where the next line begins."""
    _, line, _, end_line, end_column = value
    return max(key[3], end_line - 1 if end_column == 1 and end_line > line else end_line)
