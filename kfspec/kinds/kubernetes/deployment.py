"""A Deployment."""

from __future__ import annotations

from kfspec.kinds.base import Effect, Moment, Outcome
from kfspec.kinds.kubernetes import workloads
from kfspec.kinds.status import at

_CONTROLLER = "kubernetes v1.37, pkg/controller/deployment"


def _recreates(moment: Moment) -> bool:
    return bool(at(moment.after, "spec", "strategy", "type") == "Recreate")


def _paused(moment: Moment) -> bool:
    return at(moment.after, "spec", "paused") is True


EFFECTS = (
    Effect(
        ("spec", "selector"),
        "the selector of a Deployment cannot change: delete it first, or give the new one another name",
        "kubernetes v1.37, apps/validation; executed",
        Outcome.REFUSED,
    ),
    Effect(
        ("spec", "template"),
        "no effect until the Deployment is no longer paused",
        _CONTROLLER,
        Outcome.LATER,
        when=_paused,
    ),
    Effect(
        ("spec", "template"),
        "stops all pods, and then starts new ones",
        _CONTROLLER,
        Outcome.DISRUPTS,
        when=_recreates,
    ),
    Effect(("spec", "template"), "rolls the pods", _CONTROLLER),
    Effect(("spec", "replicas"), "scales from {old} to {new} pods", _CONTROLLER),
)
ready = workloads.ready
