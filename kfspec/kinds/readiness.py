"""How far a live object is, whatever its kind, and whether a run is over."""

from __future__ import annotations

from kfspec import kinds
from kfspec.kinds.base import Look, Readiness, State
from kfspec.resource import Body, gvk_of


def readiness(body: Body, look: Look) -> Readiness:
    """What the object's kind says of it. An object that is being deleted waits, whatever its status says."""
    if body["metadata"].get("deletionTimestamp"):
        held = ", ".join(body["metadata"].get("finalizers") or ())
        return Readiness(State.WAITING, f"is being deleted; held by {held}" if held else "is being deleted")
    gvk = gvk_of(body)
    return kinds.live(gvk.group, gvk.kind).ready(body, look)


def finished(body: Body) -> bool:
    """Whether a run is over, well or badly, so that deleting it stops nothing; never true of what is no run."""
    gvk = gvk_of(body)
    if (gvk.group, gvk.kind) not in kinds.RUNS:
        return False
    return kinds.live(gvk.group, gvk.kind).ready(body, _nothing).state in (State.SUCCEEDED, State.FAILED)


def _nothing(*_: object) -> None:
    """A run tells its end by itself."""
