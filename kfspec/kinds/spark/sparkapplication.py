"""A SparkApplication: run once, or for ever if it streams."""

from __future__ import annotations

from kfspec.kinds.base import Effect, Look, Moment, Outcome, Readiness, State
from kfspec.kinds.status import at
from kfspec.resource import Body

_FILTER = "spark-operator 2.2.0, internal/controller/sparkapplication/event_filter.go (Update)"
_SUSPEND = "spark-operator 2.4.0, internal/controller/sparkapplication/controller.go"
_OVER = ("COMPLETED", "FAILED")


def _state(body: Body) -> str:
    return str(at(body, "status", "applicationState", "state") or "")


def _over(moment: Moment) -> bool:
    return _state(moment.before) in _OVER


def _stops(moment: Moment) -> bool:
    return not _over(moment) and at(moment.after, "spec", "suspend") is True


def _starts(moment: Moment) -> bool:
    return not _over(moment) and at(moment.after, "spec", "suspend") is not True


EFFECTS = (
    Effect(
        ("spec", "suspend"),
        "stops the application: driver and executors are deleted",
        _SUSPEND,
        Outcome.LOSES,
        ">=2.4",
        _stops,
    ),
    Effect(
        ("spec", "suspend"),
        "starts the application again, from the beginning",
        _SUSPEND,
        Outcome.TAKES,
        ">=2.4",
        _starts,
    ),
    Effect(("spec", "suspend"), "no effect: the application is over", _SUSPEND, Outcome.LATER, ">=2.4", _over),
    Effect(
        ("spec",),
        "runs the application again from the beginning, though it is over: any change does",
        _FILTER,
        Outcome.DISRUPTS,
        when=_over,
    ),
    Effect(
        ("spec",),
        "kills the driver, and runs the application again from the beginning: any change does",
        _FILTER,
        Outcome.LOSES,
        when=lambda moment: not _over(moment),
    ),
    Effect(("metadata", "labels"), "pods that run stay as they are; the next run takes it", _FILTER, Outcome.LATER),
    Effect(
        ("metadata", "annotations"), "pods that run stay as they are; the next run takes it", _FILTER, Outcome.LATER
    ),
)

_STATES = {
    "COMPLETED": State.SUCCEEDED,
    "FAILED": State.FAILED,
    "RUNNING": State.RUNNING,
    "SUCCEEDING": State.RUNNING,
    "FAILING": State.RUNNING,
    "SUSPENDED": State.SUSPENDED,
    "SUSPENDING": State.SUSPENDED,
    "UNKNOWN": State.UNKNOWN,
}
_WORDS = {
    "": "the operator has not taken it up yet",
    "SUBMITTED": "submitted; waits for its driver",
    "SUBMISSION_FAILED": "could not be submitted; tried again",
    "PENDING_RERUN": "waits to be run again",
    "INVALIDATING": "is being stopped, to run with its new spec",
    "RESUMING": "is being started again",
    "SUCCEEDING": "the driver is done",
    "FAILING": "the driver has failed",
    "SUSPENDING": "is being stopped",
}
"""`status.applicationState.state` (spark-operator 2.4.0, api/v1beta2/sparkapplication_types.go)."""


def ready(body: Body, look: Look) -> Readiness:
    """By the state of the application, with the error that the operator names."""
    state = _state(body)
    error = at(body, "status", "applicationState", "errorMessage")
    words = [_WORDS.get(state, ""), " ".join(error.split()) if isinstance(error, str) else ""]
    return Readiness(_STATES.get(state, State.WAITING), "; ".join(word for word in words if word))
