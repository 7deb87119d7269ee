"""A StatefulSet."""

from __future__ import annotations

from kfspec.kinds.base import Effect, Moment, Outcome
from kfspec.kinds.kubernetes import workloads
from kfspec.kinds.status import at

_CONTROLLER = "kubernetes v1.37, pkg/controller/statefulset"
_FREE = (
    "ordinals",
    "updateStrategy",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
    "revisionHistoryLimit",
)


def _on_delete(moment: Moment) -> bool:
    return bool(at(moment.after, "spec", "updateStrategy", "type") == "OnDelete")


EFFECTS = (
    Effect(
        ("spec", "template"),
        "no effect on pods that run: each gets the change when it is deleted and made again",
        _CONTROLLER,
        Outcome.LATER,
        when=_on_delete,
    ),
    Effect(("spec", "template"), "restarts the pods, one after the other", _CONTROLLER, Outcome.DISRUPTS),
    Effect(("spec", "replicas"), "scales from {old} to {new} pods", _CONTROLLER),
    *(Effect(("spec", field), "the next rollout goes by it", _CONTROLLER, Outcome.LATER) for field in _FREE),
    Effect(
        ("spec",),
        "a StatefulSet cannot change but for replicas, template and the way it rolls: delete it first (its volumes stay)",
        "kubernetes v1.37, apps/validation (ValidateStatefulSetUpdate); executed",
        Outcome.REFUSED,
    ),
)
ready = workloads.ready
