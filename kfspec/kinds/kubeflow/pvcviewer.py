"""A PVCViewer: a file browser for a volume."""

from __future__ import annotations

from kfspec.kinds.base import Effect, Look, Moment, Outcome, Readiness, State
from kfspec.kinds.status import at, condition, maps, told
from kfspec.resource import Body

_CONTROLLER = "pvcviewer-controller v1.10.0, pvcviewer_controller.go"


def _mounts(moment: Moment) -> bool:
    """Whether the pod uses the claim that the viewer names, as the webhook demands."""
    volumes = maps(at(moment.after, "spec", "podSpec", "volumes"))
    names = [at(volume, "persistentVolumeClaim", "claimName") for volume in volumes]
    return at(moment.after, "spec", "pvc") in names


EFFECTS = (
    Effect(
        ("spec", "pvc"),
        "the webhook refuses another claim, since the pod it once wrote has {old}; so the viewer is deleted and made again",
        "pvcviewer-controller v1.10.0, pvcviewer_webhook.go; executed",
        Outcome.IGNORED,
        when=lambda moment: not _mounts(moment),
    ),
    Effect(("spec", "pvc"), "restarts the viewer, on {new}", _CONTROLLER, Outcome.DISRUPTS, when=_mounts),
    Effect(("spec", "podSpec"), "restarts the viewer", _CONTROLLER, Outcome.DISRUPTS),
    Effect(("spec", "rwoScheduling"), "restarts the viewer", _CONTROLLER, Outcome.DISRUPTS),
    Effect(("spec", "networking"), "changes the address of the viewer", _CONTROLLER, Outcome.DISRUPTS),
)


def ready(body: Body, look: Look) -> Readiness:
    """By `status.ready`."""
    if at(body, "status", "ready") is True:
        return Readiness(State.READY)
    return Readiness(State.WAITING, told(condition(body, "Available")) or "waits for its pod")
