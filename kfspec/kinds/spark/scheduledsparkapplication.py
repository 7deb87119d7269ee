"""A ScheduledSparkApplication, which `sparkApplications` with a `schedule` compile to."""

from __future__ import annotations

from kfspec.kinds.base import Effect, Look, Moment, Outcome, Readiness, State
from kfspec.kinds.status import at
from kfspec.resource import Body

_CONTROLLER = "spark-operator 2.2.0, internal/controller/scheduledsparkapplication/controller.go"


def _stops(moment: Moment) -> bool:
    return at(moment.after, "spec", "suspend") is True


def _unread(moment: Moment) -> bool:
    return bool(at(moment.before, "status", "scheduleState") == "FailedValidation")


EFFECTS = (
    Effect(("spec", "suspend"), "starts no more runs; one that runs goes on", _CONTROLLER, when=_stops),
    Effect(("spec", "suspend"), "starts runs again", _CONTROLLER, when=lambda moment: not _stops(moment)),
    *(
        Effect(
            ("spec", field),
            "the operator never looks again at a schedule that it could not read, so it is deleted and made again, with what is"
            " left of its runs",
            _CONTROLLER,
            Outcome.IGNORED,
            when=_unread,
        )
        for field in ("schedule", "timeZone")
    ),
    Effect(
        ("spec", "schedule"),
        "the next run is still one of '{old}'; those after it are at '{new}'",
        _CONTROLLER,
        Outcome.LATER,
        when=lambda moment: not _unread(moment) and bool(at(moment.before, "status", "nextRun")),
    ),
    Effect(
        ("spec", "schedule"),
        "runs at '{new}', not '{old}'",
        _CONTROLLER,
        when=lambda moment: not _unread(moment) and not at(moment.before, "status", "nextRun"),
    ),
    Effect(
        ("spec", "timeZone"),
        "the next run is still by the time of {old}; those after it are by that of {new}",
        _CONTROLLER,
        Outcome.LATER,
        when=lambda moment: not _unread(moment),
    ),
    Effect(("spec", "concurrencyPolicy"), "from the next run on: {new}, not {old}", _CONTROLLER, Outcome.LATER),
    Effect(
        ("spec", "successfulRunHistoryLimit"),
        "at the next run, keeps {new} runs that succeeded, not {old}",
        _CONTROLLER,
        Outcome.LATER,
    ),
    Effect(
        ("spec", "failedRunHistoryLimit"),
        "at the next run, keeps {new} runs that failed, not {old}",
        _CONTROLLER,
        Outcome.LATER,
    ),
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
