"""A TrainedModel: one of the models of a multi-model server."""

from __future__ import annotations

from kfspec.kinds import base
from kfspec.kinds.base import Effect, Look, Outcome, Readiness
from kfspec.resource import Body

_WEBHOOK = "KServe 0.14.1, pkg/apis/serving/v1alpha1/trained_model_webhook.go"
_AGENT = "KServe 0.14.1, pkg/controller/v1alpha1/trainedmodel/controller.go"

EFFECTS = (
    Effect(
        ("spec", "model", "memory"),
        "the memory of a model cannot change: delete the TrainedModel first, or make another beside it",
        _WEBHOOK,
        Outcome.REFUSED,
    ),
    Effect(("spec", "model"), "the server loads the model anew", _AGENT, Outcome.DISRUPTS),
    Effect(("spec", "inferenceService"), "moves the model from server {old} to {new}", _AGENT, Outcome.DISRUPTS),
)


def ready(body: Body, look: Look) -> Readiness:
    """By the condition Ready."""
    return base.by_condition(body, "Ready")
