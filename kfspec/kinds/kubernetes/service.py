"""A Service."""

from __future__ import annotations

from kfspec.kinds.base import Effect, Look, Moment, Outcome, Readiness, State
from kfspec.kinds.status import at
from kfspec.resource import Body

_VALIDATION = "kubernetes v1.37, core/validation (ValidateServiceUpdate); executed"
_PROXY = "kubernetes v1.37, endpoint slices and kube-proxy"


def _had_address(moment: Moment) -> bool:
    return bool(at(moment.before, "spec", "clusterIP")) and at(moment.after, "spec", "type") != "ExternalName"


EFFECTS = (
    Effect(
        ("spec", "clusterIP"),
        "the address of a Service cannot change: delete it first",
        _VALIDATION,
        Outcome.REFUSED,
        when=_had_address,
    ),
    Effect(("spec", "selector"), "new connections go to other pods", _PROXY, Outcome.DISRUPTS),
    Effect(("spec", "ports"), "new connections go by the changed ports", _PROXY, Outcome.DISRUPTS),
)


def ready(body: Body, look: Look) -> Readiness:
    """One that asks for a load balancer waits for its address."""
    if at(body, "spec", "type") == "LoadBalancer" and not at(body, "status", "loadBalancer", "ingress"):
        return Readiness(State.WAITING, "waits for the address of its load balancer")
    return Readiness(State.READY)
