"""Compiled pipelines of a project: `package:` read from a file or the spec itself, `source:` compiled by the KFP SDK where that
is allowed.

A source is somebody's Python: it is never imported here, and runs only under `--allow-exec`, in a process of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from kfspec.codes import finding
from kfspec.credentials import looks_like_credential
from kfspec.diagnostics import Diagnostic, Diagnostics, Path, Severity, has_errors
from kfspec.document import Document, locate
from kfspec.includes import read_file
from kfspec.ir.package import Package, inline, load, told_at
from kfspec.spec.project import Item, Project
from kfspec.yamlio.load import load as load_yaml

BLOCK = "pipelines"


class Execution(Enum):
    """What becomes of sources, which are compiled by running them."""

    REFUSED = "refused"
    """An error: without what they compile to, the objects would not be the spec's."""
    PASSED_OVER = "passed over"
    """A note: everything else can be judged."""
    ALLOWED = "allowed"
    """They are run."""


class _Read(NamedTuple):
    package: Package | None
    found: Diagnostics
    """Without a path: they are told at the place that names the file."""


class PackageReader:
    """Reads the packages that a project's pipelines name, each once however many environments share it."""

    def __init__(self, root: FilePath, execution: Execution = Execution.REFUSED) -> None:
        self._root, self._execution = root, execution
        self._known: dict[tuple[FilePath, str], _Read] = {}

    def read(self, project: Project) -> tuple[dict[Path, Package], Diagnostics]:
        """Spec path of each `package:` or `source:` -> the package, and what is wrong with its file."""
        packages: dict[Path, Package] = {}
        found: list[Diagnostic] = []
        for path, name in _uses(project.items.values()):
            base = FilePath(locate(project.document, path).file).parent
            if path[-1] == "source" and self._execution is not Execution.ALLOWED:
                found.append(_not_run(path, self._execution))
                continue
            key = (base / name, str(path[-1]))
            if key not in self._known:
                self._known[key] = self._source(base, name) if path[-1] == "source" else self._package(base, name)
            read = self._known[key]
            found.extend(d._replace(path=path) for d in read.found)
            if read.package is not None:
                packages[path] = read.package
        for path in _inlines(project.items.values()):
            written, problems = inline(_part(project.document, path))
            if written is not None:
                packages[path], problems = written, tuple(_credentials(written))
            found.extend(d._replace(path=(*path, *d.path)) for d in problems)
        return packages, tuple(found)

    def _package(self, base: FilePath, name: str) -> _Read:
        data, found = read_file(base / name, self._root, ())
        if data is None:
            return _Read(None, found)
        strange = _no_package(data, name)
        return _Read(None, (strange,)) if strange is not None else _parsed(data, str(base / name))

    def _source(self, base: FilePath, name: str) -> _Read:
        from kfspec.compiling import compiled  # it starts processes, which few specs need

        file, _, function = name.partition(":")
        data, found = read_file(base / file, self._root, ())
        if data is None:
            return _Read(None, found)
        text, problems = compiled(base / file, function or None)
        return _parsed(text, f"{name}, compiled") if text is not None else _Read(None, problems)


def _uses(items: Iterable[Item]) -> Iterator[tuple[Path, str]]:
    """The place and the text of every package and source."""
    for item in items:
        named = [field for field in ("package", "source") if isinstance(item.value.get(field), str)]
        if item.block == BLOCK and len(named) == 1:  # both is a mistake, which lowering tells
            yield (*item.path, named[0]), item.value[named[0]]


def _inlines(items: Iterable[Item]) -> Iterator[Path]:
    """The place of every package that stands in the spec itself."""
    for item in items:
        if item.block == BLOCK and isinstance(item.value.get("package"), dict) and item.value.get("source") is None:
            yield (*item.path, "package")


def _part(document: Document, path: Path) -> Document:
    """What stands at a place of a document, as one of its own."""
    value, node = document.value, document.marks
    for part in path:
        value, children = value[part], node.children
        node = children[part] if isinstance(children, dict) and part in children else node
    return Document(value, node, node.at[0], document.texts)


def _not_run(path: Path, execution: Execution) -> Diagnostic:
    message = "the pipeline's source is not compiled, for that would run it"
    if execution is Execution.PASSED_OVER:
        hint = "'--allow-exec' compiles it, and checks what it is given"
        return finding("KF209", message, path, hint=hint, severity=Severity.NOTE)
    return finding("KF209", message, path, hint="allow it with '--allow-exec', or compile it yourself, for 'package:'")


def _no_package(data: bytes, name: str) -> Diagnostic | None:
    """Files that people take for a package by the name of the field."""
    if data.startswith((b"\x1f\x8b", b"PK\x03\x04")):
        return finding(
            "KF310", "the package is an archive, as kfp 1 makes them", hint="compile the pipeline with kfp 2"
        )
    if name.endswith(".py"):
        return finding(
            "KF310", "the package is the pipeline's source, not yet compiled", hint=f"write 'source: {name}'"
        )
    return None


def _parsed(data: bytes, file: str) -> _Read:
    documents, found = load_yaml(data, file, dialect="kubectl")
    if has_errors(found):
        return _Read(None, told_at(found, ()))
    package, problems = load(documents)
    return _Read(package, told_at(problems if package is None else _credentials(package), ()))


def _credentials(package: Package) -> Iterator[Diagnostic]:
    """The first text that looks like a credential: a package is kept where many may read it."""
    for document in (package.spec, package.platform):
        for path, text in _texts(document.value, ()) if document is not None else ():
            what = next((w for line in text.splitlines() if (w := looks_like_credential(line)) is not None), None)
            if what is not None and document is not None:
                hint = "give the task a Secret with kfp-kubernetes: use_secret_as_env"
                told = finding("KF353", f"the package holds what looks like {what}", path, hint=hint)
                yield told._replace(pos=locate(document, path))
                return


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(item, (*path, key))
