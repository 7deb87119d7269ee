"""A PipelineVersion, in the mode where Kubeflow Pipelines keeps pipelines as objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kfspec.diagnostics import Diagnostic, Severity
from kfspec.document import Document
from kfspec.ir.checking import check
from kfspec.ir.package import Package
from kfspec.kinds import base
from kfspec.kinds.base import Effect, Facts, Outcome
from kfspec.kinds.status import at
from kfspec.resource import Body
from kfspec.yamlio.marks import Node


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """What a server would say of the pipeline in it, at the place in the object. What is only doubtful is told of packages."""
    spec, platform = (at(body, "spec", field) for field in ("pipelineSpec", "platformSpec"))
    server = facts.release.components.get("pipelines")
    if server is None or not isinstance(spec, dict):
        return
    beside = _document(platform, "platformSpec") if isinstance(platform, dict) else None
    for found in check(Package(_document(spec, "pipelineSpec"), beside), server):
        if found.severity is Severity.ERROR:
            field = found.pos.file if found.pos is not None else "pipelineSpec"
            yield found._replace(path=("spec", field, *found.path), pos=None)


def _document(value: dict[str, Any], field: str) -> Document:
    """The value as a file of its own, which is called by the field that holds it."""
    return Document(value, _marks(value, field), field, {})


def _marks(value: Any, field: str) -> Node:
    here = (field, 1, 1, 1, 1)
    if isinstance(value, dict):
        return Node(here, {key: _marks(item, field) for key, item in value.items()}, dict.fromkeys(value, here))
    return Node(here, [_marks(item, field) for item in value] if isinstance(value, list) else None)


EFFECTS = (
    Effect(
        ("spec",),
        "a pipeline version cannot change, not even its description: give the new one another name",
        "Kubeflow Pipelines 2.5.0, backend/src/apiserver/webhook/pipelineversion_webhook.go; executed",
        Outcome.REFUSED,
    ),
)
ready = base.ready_when_there
