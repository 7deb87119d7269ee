"""Plain Kubernetes manifests, judged by the rules that a spec's objects get."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from kfspec import catalog
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics, Path, Pos, in_order
from kfspec.document import Document, place
from kfspec.resource import ObjectRef, Origin, Resource
from kfspec.suppression import suppress
from kfspec.verification import verify
from kfspec.yamlio.load import load

SUFFIXES = (".yaml", ".yml", ".json")
"""Files that a directory is searched for."""

_NOT_OBJECTS = frozenset({"kustomize.config.k8s.io"})
"""Groups whose files look like objects and are none: kustomize reads them, no API server does."""


class Manifests(NamedTuple):
    """What was found in plain manifests."""

    objects: int
    diagnostics: Diagnostics
    """Placed, in order."""
    texts: dict[str, str]
    """File -> source, of files with findings."""


def check_manifests(
    paths: Sequence[str],
    kubeflow: str = "1.10",
    components: dict[str, str] | None = None,
    *,
    admission_only: bool = False,
) -> Manifests:
    """Judge every object in files, directories (searched for YAML and JSON) and, as `-`, standard input."""
    release, found = catalog.release(kubeflow, components or {})
    if release is None:
        return Manifests(0, found, {})
    diagnostics: list[Diagnostic] = list(found)
    files: list[_File] = []
    for name, data in read_manifests(paths, diagnostics):
        documents, problems = load(data, name, dialect="kubectl")
        parts = tuple(_Part(document, tuple(objects_of(document))) for document in documents)
        files.append(_File(name, data, parts, list(problems)))
        for part in parts:
            judged = verify(part.resources, release, admission_only=admission_only)
            files[-1].found.extend(place(part.document, judged))
    for group in () if admission_only else _groups(files):
        _judge_together(group, release)
    texts = {file.name: file.text for file in files if file.found}
    for file in files:
        if file.found:
            diagnostics.extend(suppress(_once(file.found), {file.name: texts[file.name]}))
    objects = sum(len(part.resources) for file in files for part in file.parts)
    return Manifests(objects, in_order(diagnostics), texts)


class _Part(NamedTuple):
    """One document of a file."""

    document: Document
    resources: tuple[Resource, ...]


class _File(NamedTuple):
    """A file with what is wrong in it, as far as that is known."""

    name: str
    data: bytes
    parts: tuple[_Part, ...]
    found: list[Diagnostic]

    @property
    def text(self) -> str:
        """Its text, for excerpts."""
        return self.parts[0].document.texts[self.name] if self.parts else self.data.decode("utf-8", "replace")


def _once(found: list[Diagnostic]) -> list[Diagnostic]:
    """A scalar that kubectl reads as something which its field does not take is one mistake, not two: the quotes are missing."""
    read = {d.pos: d for d in found if d.code == "KF013"}
    wrong = {d.pos for d in found if d.code == "KF103" and d.pos in read}
    mended = (d._replace(hint=read[d.pos].hint) if d.code == "KF103" and d.pos in wrong else d for d in found)
    return [d for d in mended if not (d.code == "KF013" and d.pos in wrong)]


def _groups(files: list[_File]) -> list[list[_File]]:
    """Files that are applied together: all of them, unless two hold the same object, as those of two environments do."""
    refs = [resource.ref for file in files for part in file.parts for resource in part.resources]
    return [files] if len(set(refs)) == len(refs) else [[file] for file in files]


def _judge_together(files: list[_File], release: catalog.Release) -> None:
    """Add what is wrong with objects as neighbours. What names no namespace is nobody's neighbour."""
    from kfspec.checks import together

    parts = [(file, part) for file in files for part in file.parts]
    resources = tuple(
        resource._replace(origins={(): Origin((n, *resource.item))}, item=(n, *resource.item))
        for n, (_, part) in enumerate(parts)
        for resource in part.resources
        if isinstance(resource.body, dict) and (resource.ref.namespace or _is_cluster_scoped(resource, release))
    )
    for diagnostic in together.check(resources, release):
        n, *path = diagnostic.path
        file, part = parts[int(n)]
        file.found.extend(place(part.document, (diagnostic._replace(path=tuple(path)),)))


def _is_cluster_scoped(resource: Resource, release: catalog.Release) -> bool:
    return release.namespaced(resource.ref.group, resource.ref.kind) is False


def read_manifests(paths: Sequence[str], found: list[Diagnostic]) -> Iterator[tuple[str, bytes]]:
    """(file, content) of everything that the paths mean; what cannot be read is added to `found`."""
    for name in paths:
        yield from _read(name, found)


def _read(name: str, found: list[Diagnostic]) -> Iterator[tuple[str, bytes]]:
    """(file, content) of everything that a path of the command line means."""
    if name == "-":
        yield "<stdin>", sys.stdin.buffer.read()
        return
    path = FilePath(name)
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.suffix in SUFFIXES and file.is_file():
                yield from _read_file(file, found)
        return
    yield from _read_file(path, found)


def _read_file(path: FilePath, found: list[Diagnostic]) -> Iterator[tuple[str, bytes]]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError("it is not a regular file")
        yield str(path), path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        here = Pos(str(path), 1, 1, 1, 1)
        found.append(finding("KF001", f"cannot read '{path}': {reason}")._replace(pos=here))


def objects_of(document: Document) -> Iterator[Resource]:
    """The document's object, or each item of a `List`."""
    value = document.value
    if isinstance(value, dict) and value.get("kind") == "List" and isinstance(value.get("items"), list):
        for n, item in enumerate(value["items"]):
            yield _resource(item, ("items", n))
        return
    if isinstance(value, dict) and str(value.get("apiVersion", "")).partition("/")[0] in _NOT_OBJECTS:
        return
    yield _resource(value, ())


def _resource(value: Any, at: Path) -> Resource:
    """A Resource of whatever stands there; what is malformed is for verify to say."""
    meta = value.get("metadata") if isinstance(value, dict) else None

    def text(source: Any, key: str) -> str:
        found = source.get(key) if isinstance(source, dict) else None
        return found if isinstance(found, str) else ""

    group = text(value, "apiVersion").rpartition("/")[0]
    ref = ObjectRef(group, text(value, "kind"), text(meta, "namespace"), text(meta, "name"))
    return Resource(ref, value, {(): Origin(at)}, at)
