"""A ScheduledSparkApplication."""

from __future__ import annotations

from kfspec.kinds.base import Effect, Look, Moment, Outcome, Readiness, State
from kfspec.kinds.status import at
from kfspec.resource import Body

_CONTROLLER = "spark-operator 2.2.0, internal/controller/scheduledsparkapplication/controller.go"


def _stops(moment: Moment) -> bool:
    return at(moment.after, "spec", "suspend") is True


EFFECTS = (
    Effect(("spec", "suspend"), "starts no more runs; one that runs goes on", _CONTROLLER, when=_stops),
    Effect(("spec", "suspend"), "starts runs again", _CONTROLLER, when=lambda moment: not _stops(moment)),
    Effect(("spec", "schedule"), "runs at '{new}', not '{old}'", _CONTROLLER),
    Effect(
        ("spec", "template"), "the next run takes the change; one that runs stays as it is", _CONTROLLER, Outcome.LATER
    ),
)


def ready(body: Body, look: Look) -> Readiness:
    """By the state of its schedule, which nobody checks before it is stored."""
    if at(body, "spec", "suspend") is True:
        return Readiness(State.SUSPENDED)
    state, reason = (at(body, "status", key) for key in ("scheduleState", "reason"))
    if state == "FailedValidation":
        return Readiness(State.FAILED, str(reason or "the operator does not understand the schedule"))
    if state == "Scheduled":
        following = at(body, "status", "nextRun")
        return Readiness(State.READY, f"next run at {following}" if following else "")
    return Readiness(State.WAITING, "the operator has not taken it up yet")
