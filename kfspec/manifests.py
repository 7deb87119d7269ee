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
    texts: dict[str, str] = {}
    objects = 0
    for file, data in read_manifests(paths, diagnostics):
        documents, problems = load(data, file, dialect="kubectl")
        of_file: list[Diagnostic] = list(problems)
        for document in documents:
            resources = list(objects_of(document))
            objects += len(resources)
            of_file.extend(place(document, verify(resources, release, admission_only=admission_only)))
        if of_file:
            texts[file] = documents[0].texts[file] if documents else data.decode("utf-8", "replace")
            diagnostics.extend(suppress(of_file, {file: texts[file]}))
    return Manifests(objects, in_order(diagnostics), texts)


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
