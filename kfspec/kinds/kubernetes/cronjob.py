"""A CronJob."""

from __future__ import annotations

from kfspec.kinds import base
from kfspec.kinds.base import Effect, Look, Moment, Outcome, Readiness, State
from kfspec.kinds.status import at
from kfspec.resource import Body

_CONTROLLER = "kubernetes v1.37, pkg/controller/cronjob"


def _stops(moment: Moment) -> bool:
    return at(moment.after, "spec", "suspend") is True


EFFECTS = (
    Effect(("spec", "suspend"), "starts no more jobs; those that run go on", _CONTROLLER, when=_stops),
    Effect(("spec", "suspend"), "starts jobs again", _CONTROLLER, when=lambda moment: not _stops(moment)),
    Effect(("spec", "schedule"), "runs at '{new}', not '{old}'", _CONTROLLER),
    Effect(
        ("spec", "jobTemplate"),
        "the next job takes the change; those that run stay as they are",
        _CONTROLLER,
        Outcome.LATER,
    ),
)


def ready(body: Body, look: Look) -> Readiness:
    """It is ready once it is stored, unless it is suspended."""
    return Readiness(State.SUSPENDED) if at(body, "spec", "suspend") is True else base.ready_when_there(body, look)
