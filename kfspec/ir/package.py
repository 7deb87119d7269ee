"""A package as the KFP SDK compiles it: one YAML document or JSON object for the pipeline, one for the platform.

KFP 2.5.0 `apiserver/template/v2_template.go`: what parses as neither of the two is passed over without a word, a second
one of either is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics, Note, Path, format_path
from kfspec.document import Document, locate
from kfspec.yamlio.marks import Node, Range

_PLATFORMS = "platforms"
_OF_SPEC = ("pipelineInfo", "root", "components", "deploymentSpec", "schemaVersion", "sdkVersion", "pipeline_info")


class Package(NamedTuple):
    """The documents of one compiled pipeline."""

    spec: Document
    platform: Document | None = None


def load(documents: Sequence[Document]) -> tuple[Package | None, Diagnostics]:
    """The package that the documents of a file are, or why they are none. Findings have their places."""
    found: list[Diagnostic] = []
    specs: list[Document] = []
    platforms: list[Document] = []
    for document in documents:
        value = document.value
        if value is None:
            continue
        if not isinstance(value, dict):
            found.append(_at(document, "a document of the package is no mapping", "a package is what kfp compiles"))
        elif any(key in value for key in _OF_SPEC):
            specs.append(document)
        elif _PLATFORMS in value:
            platforms.append(document)
        else:
            found.append(_stranger(document, value))
    found += [_at(extra, "the package holds a second pipeline") for extra in specs[1:]]
    found += [_at(extra, "the package holds a second platform spec") for extra in platforms[1:]]
    if not specs and not found:
        empty = finding(
            "KF310", "the package holds no pipeline", hint="compile it with kfp 2: compiler.Compiler().compile"
        )
        found.append(empty._replace(pos=locate(documents[0], ())) if documents else empty)
    if found:
        return None, tuple(found)
    return Package(specs[0], platforms[0] if platforms else None), ()


def inline(document: Document) -> tuple[Package | None, Diagnostics]:
    """The package that a mapping in a spec is: what a file has as its second document, `platforms`, stands beside the rest."""
    value = document.value
    rest = [key for key in value if key != _PLATFORMS]
    if _PLATFORMS not in value or not rest:
        return load([document])
    return load([_only(document, rest), _only(document, [_PLATFORMS])])


def unplaced(value: dict[str, Any], name: str) -> Document:
    """The value as a file of its own, called by a name, for what stands in no file: everything is at its beginning."""
    return Document(value, _marks(value, (name, 1, 1, 1, 1)), name, {})


def told_at(diagnostics: Iterable[Diagnostic], path: Path, *, at_key: bool = False) -> Diagnostics:
    """Findings of a package as those of the place in the spec that names it; where in the package is a note."""
    return tuple(
        d._replace(
            path=path,
            pos=None,
            at_key=at_key,
            notes=(Note(format_path(d.path) or "in the package", d.pos), *d.notes),
        )
        for d in diagnostics
    )


def _stranger(document: Document, value: dict[str, Any]) -> Diagnostic:
    """What stands in place of a pipeline."""
    group, kind = str(value.get("apiVersion", "")).partition("/")[0], value.get("kind")
    if group == "argoproj.io":
        return _at(document, "the package is an Argo Workflow, which kfp 1 compiled", "compile the pipeline with kfp 2")
    if group == "pipelines.kubeflow.org":
        return _at(
            document,
            f"the package is a {kind} object, not the pipeline in it",
            "compile it without kubernetes_manifest_format: kfspec makes the objects",
        )
    inside = "what is below 'pipelineSpec' is a package of its own" if "pipelineSpec" in value else None
    return _at(document, "a document of the package is neither a pipeline nor a platform spec", inside)


def _at(document: Document, message: str, hint: str | None = None) -> Diagnostic:
    return finding("KF310", message, hint=hint)._replace(pos=locate(document, (), at_key=False))


def _only(document: Document, keys: Sequence[str]) -> Document:
    """The document with some of its keys."""
    marks = document.marks
    nodes = marks.children if isinstance(marks.children, dict) else {}
    at = marks.keys or {}
    kept = Node(marks.at, {k: nodes[k] for k in keys if k in nodes}, {k: at[k] for k in keys if k in at})
    return document._replace(value={key: document.value[key] for key in keys}, marks=kept)


def _marks(value: Any, here: Range) -> Node:
    if isinstance(value, dict):
        return Node(here, {key: _marks(item, here) for key, item in value.items()}, dict.fromkeys(value, here))
    return Node(here, [_marks(item, here) for item in value] if isinstance(value, list) else None)
