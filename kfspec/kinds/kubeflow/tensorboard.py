"""A Tensorboard server."""

from __future__ import annotations

from kfspec.kinds.base import Effect, Look, Outcome, Readiness, State
from kfspec.kinds.status import at, count
from kfspec.resource import Body

EFFECTS = (
    Effect(
        ("spec", "logspath"),
        "the controller ignores another logspath, so the Tensorboard is deleted and made again: it keeps nothing of its own",
        "tensorboard-controller v1.10.0, tensorboard_controller.go (CopyDeploymentSetFields)",
        Outcome.IGNORED,
    ),
)


def ready(body: Body, look: Look) -> Readiness:
    """By its ready replicas."""
    if count(at(body, "status", "readyReplicas")):
        return Readiness(State.READY)
    path = at(body, "spec", "logspath")
    if not at(body, "status", "conditions") and isinstance(path, str) and path.startswith("pvc://"):
        claim = path.removeprefix("pvc://").split("/")[0]
        return Readiness(State.WAITING, f"waits for its Deployment, which needs PersistentVolumeClaim/{claim}")
    return Readiness(State.WAITING, "waits for its pod")
