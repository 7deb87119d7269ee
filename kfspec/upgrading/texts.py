"""Files of a spec as they are written, and edits of single values in them: `kubeflow:`, and KServe's names of modes.

An edit changes the characters of one value and no other, so that a review shows nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from kfspec.diagnostics import Path, Pos
from kfspec.differ import same
from kfspec.document import Document
from kfspec.kinds.kserve.autoscaling import MODE, RENAMED
from kfspec.upgrading.values import Rewritten
from kfspec.yamlio.comments import comments
from kfspec.yamlio.edit import Edit, edited, scalar, source_of
from kfspec.yamlio.load import load
from kfspec.yamlio.marks import Node, lines

RELEASE: Path = ("kubeflow",)
UNSAID = "1.10"
"""The release of a spec that names none."""


class Place(NamedTuple):
    """One edit: what it changes in the text, in the value, and in words."""

    file: str
    path: Path
    edit: Edit
    value: Any
    what: str


def written(texts: Mapping[str, str]) -> dict[str, Document]:
    """Every file of a spec by itself."""
    found = {}
    for file, text in texts.items():
        documents, problems = load(text.encode(), file)
        if not problems and len(documents) == 1 and isinstance(documents[0].value, dict):
            found[file] = documents[0]
    return found


def node_at(document: Document, path: Path) -> Node | None:
    """The marks of a place; None where it is not in this file."""
    node: Any = document.marks
    for part in path:
        children = node.children
        if isinstance(children, dict):
            node = children.get(part)
        elif isinstance(children, list) and isinstance(part, int) and part < len(children):
            node = children[part]
        else:
            return None
        if node is None:
            return None
    found: Node = node
    return found


def value_at(value: Any, path: Path) -> Any:
    """The value of a place; None where nothing is."""
    for part in path:
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def replaced(value: Any, path: Path, new: Any) -> Any:
    """The value with another one in a place; nothing is changed in place."""
    if not path:
        return new
    if isinstance(value, list):
        return [replaced(item, path[1:], new) if n == path[0] else item for n, item in enumerate(value)]
    return {**value, path[0]: replaced(value.get(path[0]), path[1:], new)}


def whole(document: Document, places: list[Place]) -> str | None:
    """The file with its edits done; None where it would lose a comment, or hold anything else than was meant."""
    text = document.texts[document.file]
    new = edited(text, [place.edit for place in places])
    wanted = document.value
    for place in places:
        wanted = replaced(wanted, place.path, place.value)
    documents, problems = load(new.encode(), document.file)
    if problems or len(documents) != 1 or not same(documents[0].value, wanted):
        return None
    return new if comments(new) == comments(text) else None


def release_places(
    files: Mapping[str, Document], spec: str, effective: str | None, to: str, last: bool = False
) -> Iterator[Place]:
    """Where `kubeflow:` is said: the one that counts, and each environment's own. `effective` is the file that has the
    first, None where none says it; `last`: see `_inserted`."""
    if effective is not None and effective in files:
        yield from _said(files[effective], RELEASE, to)
    elif spec in files:
        yield from _inserted(files[spec], to, last)
    for document in files.values():
        environments = document.value.get("environments")
        for name in environments if isinstance(environments, dict) else ():
            yield from _said(document, ("environments", name, *RELEASE), to)


def _said(document: Document, path: Path, to: str) -> Iterator[Place]:
    value, node = value_at(document.value, path), node_at(document, path)
    if isinstance(value, str) and node is not None and value != to:
        yield Place(document.file, path, _string(document, node, to), to, f"{value} -> {to}")


def _string(document: Document, node: Node, value: str) -> Edit:
    return scalar(document.texts[document.file], node.at, value)


def _inserted(document: Document, to: str, last: bool) -> Iterator[Place]:
    """`kubeflow:` in a line of its own below `project:`, or beside it where all is between braces; `last`: at the end of the
    file, where no line below moves."""
    node = node_at(document, ("project",))
    if node is None:
        return
    file, _, _, line, column = node.at
    text = document.texts[document.file]
    every = lines(text)
    new = "\r\n" if "\r\n" in text else "\n"
    if source_of(text, document.marks.at)[:1] == "{":
        edit = Edit((file, line, column, line, column), f', "kubeflow": "{to}"')
    elif last or len(every) == line:
        end = len(every[-1]) + 1
        before = "" if end == 1 else new
        edit = Edit((file, len(every), end, len(every), end), f'{before}kubeflow: "{to}"{new}')
    else:
        edit = Edit((file, line + 1, 1, line + 1, 1), f'kubeflow: "{to}"{new}')
    yield Place(file, RELEASE, edit, to, f"{UNSAID}, which is meant where nothing is said -> {to}")


def mode_places(files: Mapping[str, Document], renamed: Mapping[str, str]) -> Iterator[Place]:
    """Every deployment mode that has another name in the new release, wherever the spec says it."""
    for document in files.values():
        for path, value in _modes(document.value, ()):
            node = node_at(document, path)
            if node is not None and value in renamed:
                new = renamed[value]
                yield Place(document.file, path, _string(document, node, new), new, f"{value} -> {new}")


def _modes(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    entries: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in entries:
        if key == MODE and isinstance(item, str):
            yield (*path, key), item
        else:
            yield from _modes(item, (*path, key))


def renamed_modes(newer_before: bool, newer_after: bool) -> dict[str, str]:
    """Old name -> new name, for the way that goes over KServe 0.16."""
    if newer_before == newer_after:
        return {}
    return dict(RENAMED) if newer_after else {new: old for old, new in RENAMED.items()}


def told(files: Mapping[str, Document], place: Place, spec: str) -> Rewritten:
    """The edit as it is told."""
    node = node_at(files[place.file], place.path) or node_at(files[place.file], ("project",))
    assert node is not None  # the edit was made from it
    shared = place.path == RELEASE and place.file != spec
    return Rewritten(
        Pos(*node.at), place.path, place.what + (", for every spec that extends this file" if shared else "")
    )
