"""A CronWorkflow."""

from __future__ import annotations

from kfspec.kinds.base import Effect, Look, Moment, Outcome, Readiness, State
from kfspec.kinds.status import at, condition, told
from kfspec.resource import Body

_CONTROLLER = "Argo Workflows 3.5.14, workflow/cron/operator.go"


def _stops(moment: Moment) -> bool:
    return at(moment.after, "spec", "suspend") is True


EFFECTS = (
    Effect(("spec", "suspend"), "starts no more workflows; those that run go on", _CONTROLLER, when=_stops),
    Effect(("spec", "suspend"), "starts workflows again", _CONTROLLER, when=lambda moment: not _stops(moment)),
    Effect(("spec", "schedule"), "runs at '{new}', not '{old}'", _CONTROLLER),
    Effect(
        ("spec",), "the next workflow takes the change; those that run stay as they are", _CONTROLLER, Outcome.LATER
    ),
)


def ready(body: Body, look: Look) -> Readiness:
    """It is ready once it is stored, unless the controller found a mistake in it."""
    for name in ("SpecError", "SubmissionError"):
        found = condition(body, name)
        if found is not None and found.get("status") == "True":
            return Readiness(State.FAILED, told(found))
    return Readiness(State.SUSPENDED) if at(body, "spec", "suspend") is True else Readiness(State.READY)
