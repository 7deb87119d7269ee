"""A PipelineVersion, in the mode where Kubeflow Pipelines keeps pipelines as objects."""

from __future__ import annotations

from kfspec.kinds import base
from kfspec.kinds.base import Effect, Outcome

EFFECTS = (
    Effect(
        ("spec",),
        "a pipeline version cannot change, not even its description: give the new one another name",
        "Kubeflow Pipelines 2.5.0, backend/src/apiserver/webhook/pipelineversion_webhook.go; executed",
        Outcome.REFUSED,
    ),
)
ready = base.ready_when_there
