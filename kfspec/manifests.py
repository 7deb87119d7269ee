"""Plain Kubernetes manifests, judged by the rules that a spec's objects get."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from kfspec import catalog
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics, Note, Path, in_order
from kfspec.document import Document, locate, place
from kfspec.manifestfiles import KUSTOMIZATIONS, ManifestFile, search
from kfspec.resource import ObjectRef, Origin, Resource
from kfspec.suppression import suppress
from kfspec.verification import verify
from kfspec.yamlio.load import load

_NOT_OBJECTS = frozenset({"kustomize.config.k8s.io", "kfspec.dev"})
"""Groups whose files look like objects and are none: kustomize or kfspec reads them, no API server does."""


class Manifests(NamedTuple):
    """What was found in plain manifests."""

    objects: int
    diagnostics: Diagnostics
    """Placed, in order."""
    texts: dict[str, str]
    """File -> source, of files with findings."""
    passed_over: int = 0
    """Files without objects: what kustomize and Helm read, and whatever else a directory holds."""


def check_manifests(
    paths: Sequence[str],
    kubeflow: str = "1.10",
    components: dict[str, str] | None = None,
    *,
    admission_only: bool = False,
) -> Manifests:
    """Judge every object in files, directories (see `manifestfiles`) and, as `-`, standard input."""
    release, found = catalog.release(kubeflow, components or {})
    if release is None:
        return Manifests(0, found, {})
    diagnostics: list[Diagnostic] = list(found)
    files: list[_File] = []
    searched = search(paths, diagnostics)
    passed_over = len(searched.passed_over)
    for source in searched.files:
        documents, foreign, problems = documents_of(source)
        passed_over += foreign and not documents
        parts = tuple(_Part(document, tuple(objects_of(document))) for document in documents)
        files.append(_File(source.name, source.data, parts, list(problems)))
        for part in parts:
            judged = verify(part.resources, release, admission_only=admission_only)
            files[-1].found.extend(place(part.document, judged))
    if not admission_only:
        for file in files:
            _same_twice(file)
        for group in _groups(files):
            _judge_together(group, release)
    texts = {file.name: file.text for file in files if file.found}
    for file in files:
        if file.found:
            diagnostics.extend(suppress(_once(file.found), {file.name: texts[file.name]}))
    objects = sum(len(part.resources) for file in files for part in file.parts)
    return Manifests(objects, in_order(diagnostics), texts, passed_over)


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


def _same_twice(file: _File) -> None:
    """Add that a file holds an object twice, in which the second overwrites the first."""
    first: dict[ObjectRef, tuple[Document, Resource]] = {}
    for part in file.parts:
        for resource in part.resources:
            document, before = first.setdefault(resource.ref, (part.document, resource))
            if before is resource or not (resource.ref.kind and resource.ref.name):
                continue
            message = f"{resource.ref} stands in this file twice, and the second overwrites the first"
            found = finding(
                "KF106", message, (*resource.item, "metadata", "name"), hint="give one of them another name"
            )
            here = locate(document, (*before.item, "metadata", "name"))
            file.found.extend(d._replace(notes=(Note("the first", here),)) for d in place(part.document, (found,)))


def _groups(files: list[_File]) -> list[list[_File]]:
    """Files that are applied together: all of them, unless two hold the same object, as those of two environments do."""
    refs = [ref for file in files for ref in {resource.ref for part in file.parts for resource in part.resources}]
    return [files] if len(set(refs)) == len(refs) else [[file] for file in files]


def _judge_together(files: list[_File], release: catalog.Release) -> None:
    """Add what is wrong with objects as neighbours. What names no namespace is nobody's neighbour."""
    from kfspec.checks import together

    parts = [(file, part) for file in files for part in file.parts]
    last = {resource.ref: resource for _, part in parts for resource in part.resources}
    resources = tuple(
        resource._replace(origins={(): Origin((n, *resource.item))}, item=(n, *resource.item))
        for n, (_, part) in enumerate(parts)
        for resource in part.resources
        if isinstance(resource.body, dict)
        and last[resource.ref] is resource
        and (resource.ref.namespace or _is_cluster_scoped(resource, release))
    )
    for diagnostic in together.check(resources, release):
        n, *path = diagnostic.path
        file, part = parts[int(n)]
        file.found.extend(place(part.document, (diagnostic._replace(path=tuple(path)),)))


def _is_cluster_scoped(resource: Resource, release: catalog.Release) -> bool:
    return release.namespaced(resource.ref.group, resource.ref.kind) is False


def documents_of(file: ManifestFile) -> tuple[list[Document], bool, Diagnostics]:
    """The documents of a file that are meant to hold objects, whether some are not, and what is wrong with its YAML.

    In a file that was only found, a document that says neither `apiVersion` nor `kind` is something else."""
    documents, problems = load(file.data, file.name, dialect="kubectl")
    kept = [d for d in documents if not (_is_foreign(d) or (file.found and _is_nothing(d.value)))]
    if file.found and documents and not kept and FilePath(file.name).name not in KUSTOMIZATIONS:
        problems = ()  # whoever it is for may read it in another way
    return kept, len(kept) < len(documents), problems


def _is_foreign(document: Document) -> bool:
    """Whether kustomize reads the document, or kfspec."""
    value = document.value
    group = str(value.get("apiVersion", "")).partition("/")[0] if isinstance(value, dict) else ""
    return group in _NOT_OBJECTS or FilePath(document.file).name in KUSTOMIZATIONS


def _is_nothing(value: Any) -> bool:
    return not isinstance(value, dict) or not ("apiVersion" in value or "kind" in value)


def objects_of(document: Document) -> Iterator[Resource]:
    """The document's object, or each item of a `List`."""
    value = document.value
    if isinstance(value, dict) and value.get("kind") == "List" and isinstance(value.get("items"), list):
        for n, item in enumerate(value["items"]):
            yield _resource(item, ("items", n))
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
