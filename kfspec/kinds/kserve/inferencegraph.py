"""An InferenceGraph: a router in front of model servers."""

from __future__ import annotations

from kfspec.kinds import base
from kfspec.kinds.base import Effect, Look, Readiness
from kfspec.resource import Body

EFFECTS = (
    Effect(
        ("spec",),
        "rolls the router; requests go by the new graph",
        "KServe 0.14.1, pkg/controller/v1alpha1/inferencegraph/knative_reconciler.go",
    ),
)


def ready(body: Body, look: Look) -> Readiness:
    """By the condition Ready alone: `status.observedGeneration` is the child's (kserve/kserve#6081)."""
    return base.by_condition(body, "Ready")
