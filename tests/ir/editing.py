"""Changes of a package's text at a path, so that every line stays where it was written."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import NamedTuple

from kfspec.diagnostics import Diagnostic, Path
from kfspec.document import Document
from kfspec.ir.package import Package, load
from kfspec.yamlio.load import load as load_yaml

PACKAGES = FilePath(__file__).parent / "packages"


class Change(NamedTuple):
    """What is done at a path: another value, another key, or neither: it is taken out."""

    path: Path
    value: str | None = None
    key: str | None = None
    platform: bool = False


def text_of(name: str) -> str:
    """A committed package."""
    return (PACKAGES / f"{name}.yaml").read_text(encoding="utf-8")


def documents(text: str, file: str = "p.yaml") -> tuple[Document, ...]:
    """The documents of a text that has no syntax error."""
    found, problems = load_yaml(text.encode(), file)
    assert problems == ()
    return found


def package_of(text: str) -> Package:
    """The package that a text holds."""
    package, problems = load(documents(text))
    assert package is not None, problems
    return package


def changed(text: str, change: Change) -> str:
    """The text with one change."""
    package = package_of(text)
    document = package.platform if change.platform else package.spec
    assert document is not None
    node, key = document.marks, None
    for part in change.path:
        key = node.keys.get(part) if node.keys else None
        node = node.children[part]
    lines = text.splitlines(keepends=True)
    if change.key is not None:
        assert key is not None
        return _put(lines, key, change.key)
    if change.value is not None:
        flush = key is not None and node.at[1] > key[1] and node.at[2] <= key[2]  # a list may stand right under its key
        return _put(lines, node.at, f"  {change.value}" if flush else change.value)
    first = key[1] if key is not None else node.at[1]
    last = node.at[3] if node.at[4] > 1 else node.at[3] - 1
    return "".join(lines[: first - 1] + lines[last:])


def _put(lines: list[str], at: tuple[str, int, int, int, int], text: str) -> str:
    _, line, column, end_line, end_column = at
    before, after = lines[line - 1][: column - 1], lines[end_line - 1][end_column - 1 :]
    return "".join([*lines[: line - 1], before + text + after, *lines[end_line:]])


def shown(diagnostic: Diagnostic) -> str:
    """A finding as the tests write it: code, what upstream does, line, message, and the hint after it."""
    assert diagnostic.pos is not None
    hint = f" [{diagnostic.hint}]" if diagnostic.hint else ""
    severity = "" if diagnostic.severity == "error" else f" {diagnostic.severity}"
    return f"{diagnostic.code} {diagnostic.upstream}{severity} {diagnostic.pos.line}: {diagnostic.message}{hint}"
