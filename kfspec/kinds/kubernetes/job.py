"""A batch Job."""

from __future__ import annotations

from kfspec.kinds.base import Effect, Look, Moment, Outcome, Readiness, State
from kfspec.kinds.status import at, condition, count, holds, status, told
from kfspec.resource import Body

_VALIDATION = "kubernetes v1.37, batch/validation (ValidateJobUpdate); executed"
_CONTROLLER = "kubernetes v1.37, pkg/controller/job"
_FROZEN = ("selector", "completionMode", "manualSelector", "managedBy")


def _over(moment: Moment) -> bool:
    return holds(moment.before, "Complete") or holds(moment.before, "Failed")


def _stops(moment: Moment) -> bool:
    return not _over(moment) and at(moment.after, "spec", "suspend") is True


def _starts(moment: Moment) -> bool:
    return not _over(moment) and at(moment.after, "spec", "suspend") is not True


def _running(moment: Moment) -> bool:
    """While a Job is suspended, the API server takes some changes of its pods (where they run, what they ask for)."""
    return at(moment.before, "spec", "suspend") is not True


def _expires(moment: Moment) -> bool:
    return at(moment.after, "spec", "ttlSecondsAfterFinished") is not None


EFFECTS = (
    Effect(
        ("spec", "suspend"),
        "stops the job: its pods are deleted, and what they had not saved is lost",
        _CONTROLLER,
        Outcome.LOSES,
        when=_stops,
    ),
    Effect(("spec", "suspend"), "starts the job's pods again, from the beginning", _CONTROLLER, when=_starts),
    Effect(
        ("spec", "ttlSecondsAfterFinished"),
        "deletes the job {new} s after its end; whoever applies it then runs it again",
        "kubernetes v1.37, pkg/controller/ttlafterfinished",
        Outcome.DISRUPTS,
        when=_expires,
    ),
    Effect(("spec", "parallelism"), "runs {new} pods at a time, not {old}", _CONTROLLER),
    Effect(
        ("spec", "template"),
        "the template of a Job cannot change: run it under another name",
        _VALIDATION,
        Outcome.REFUSED,
        when=_running,
    ),
    *(
        Effect(
            ("spec", field),
            f"the {field} of a Job cannot change: run it under another name",
            _VALIDATION,
            Outcome.REFUSED,
        )
        for field in _FROZEN
    ),
)


def ready(body: Body, look: Look) -> Readiness:
    """By its conditions, and its pods until there are any."""
    for name, state in (("Failed", State.FAILED), ("Complete", State.SUCCEEDED), ("Suspended", State.SUSPENDED)):
        if holds(body, name):
            return Readiness(state, told(condition(body, name)))
    found, wanted = status(body), at(body, "spec", "completions")
    if count(found.get("active")):
        done = f"{count(found.get('succeeded'))} of {wanted} done" if isinstance(wanted, int) else ""
        return Readiness(State.RUNNING, done)
    return Readiness(State.WAITING, "waits for its pods" if found else "its controller has not reported yet")
