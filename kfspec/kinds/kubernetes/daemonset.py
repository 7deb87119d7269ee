"""A DaemonSet."""

from __future__ import annotations

from kfspec.kinds.base import Effect, Moment, Outcome
from kfspec.kinds.kubernetes import workloads
from kfspec.kinds.status import at

_CONTROLLER = "kubernetes v1.37, pkg/controller/daemon"


def _on_delete(moment: Moment) -> bool:
    return bool(at(moment.after, "spec", "updateStrategy", "type") == "OnDelete")


EFFECTS = (
    Effect(
        ("spec", "selector"),
        "the selector of a DaemonSet cannot change: delete it first, or give the new one another name",
        "kubernetes v1.37, apps/validation; executed",
        Outcome.REFUSED,
    ),
    Effect(
        ("spec", "template"),
        "no effect on pods that run: each gets the change when it is deleted and made again",
        _CONTROLLER,
        Outcome.LATER,
        when=_on_delete,
    ),
    Effect(("spec", "template"), "restarts the pods, node after node", _CONTROLLER, Outcome.DISRUPTS),
)
ready = workloads.ready
