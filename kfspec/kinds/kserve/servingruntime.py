"""A ServingRuntime or a ClusterServingRuntime: how models of a format are served."""

from __future__ import annotations

from kfspec.kinds import base
from kfspec.kinds.base import Effect, Outcome

EFFECTS = (
    Effect(
        ("spec",),
        "model servers that use it take the change up when something else reconciles them: an edit, a restart of the controller",
        "KServe 0.15.2, pkg/controller/v1beta1/inferenceservice/controller.go (does not watch runtimes)",
        Outcome.LATER,
        "<0.16",
    ),
    Effect(
        ("spec",),
        "rolls every model server that uses it, at once",
        "KServe 0.16.0, pkg/controller/v1beta1/inferenceservice/controller.go (watches runtimes)",
        Outcome.DISRUPTS,
        ">=0.16",
    ),
)
ready = base.ready_when_there
