"""An AuthorizationPolicy: who reaches the workloads."""

from __future__ import annotations

from kfspec.kinds import base
from kfspec.kinds.base import Effect, Moment
from kfspec.kinds.status import at
from kfspec.resource import Body

_SOURCE = "Istio 1.26.1, security/v1beta1 AuthorizationPolicy (pushed to the sidecars)"


def _open(body: Body) -> bool:
    """An empty rule fits every request."""
    rules = at(body, "spec", "rules")
    return at(body, "spec", "action") in (None, "ALLOW") and isinstance(rules, list) and {} in rules


def _opens(moment: Moment) -> bool:
    return _open(moment.after) and not _open(moment.before)


EFFECTS = (
    Effect(
        ("spec", "rules"),
        "lets in whoever reaches the workloads, with or without an identity, within seconds",
        _SOURCE,
        when=_opens,
    ),
    Effect(("spec",), "changes who reaches the workloads, in running pods too, within seconds", _SOURCE),
)
ready = base.ready_when_there
