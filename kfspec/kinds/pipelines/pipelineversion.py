"""A PipelineVersion, in the mode where Kubeflow Pipelines keeps pipelines as objects."""

from __future__ import annotations

from collections.abc import Iterator

from kfspec.diagnostics import Diagnostic, Severity
from kfspec.ir.checking import check
from kfspec.ir.package import Package, unplaced
from kfspec.kinds import base
from kfspec.kinds.base import Effect, Facts, Outcome
from kfspec.kinds.status import at
from kfspec.resource import Body


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """What a server would say of the pipeline in it, at the place in the object. What is only doubtful is told of packages."""
    spec, platform = (at(body, "spec", field) for field in ("pipelineSpec", "platformSpec"))
    server = facts.release.components.get("pipelines")
    if server is None or not isinstance(spec, dict):
        return
    beside = unplaced(platform, "platformSpec") if isinstance(platform, dict) else None
    for found in check(Package(unplaced(spec, "pipelineSpec"), beside), server):
        if found.severity is Severity.ERROR:
            field = found.pos.file if found.pos is not None else "pipelineSpec"
            yield found._replace(path=("spec", field, *found.path), pos=None)


EFFECTS = (
    Effect(
        ("spec",),
        "a pipeline version cannot change, not even its description: give the new one another name",
        "Kubeflow Pipelines 2.5.0, backend/src/apiserver/webhook/pipelineversion_webhook.go; executed",
        Outcome.REFUSED,
    ),
)
ready = base.ready_when_there
