"""A Pipeline, in the mode where Kubeflow Pipelines keeps pipelines as objects."""

from __future__ import annotations

from kfspec.kinds import base
from kfspec.kinds.base import Effect

EFFECTS = (
    Effect(
        ("spec",),
        "changes how the pipeline is shown; its versions and runs stay",
        "Kubeflow Pipelines 2.5.0, backend/src/crd/kubernetes/v2beta1/pipeline_types.go (description and display name)",
    ),
)
ready = base.ready_when_there
