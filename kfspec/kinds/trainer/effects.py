"""What a change of a TrainJob does, and how far one is."""

from __future__ import annotations

from collections.abc import Callable

from kfspec.kinds.base import Effect, Look, Moment, Outcome, Readiness, State
from kfspec.kinds.status import at, condition, count, holds, maps, status, told
from kfspec.kinds.training.queues import queue_effects
from kfspec.resource import Body

_TYPES = "Trainer {}, pkg/apis/trainer/v1alpha1/trainjob_types.go (CEL rule)"
_WEBHOOK = "Trainer 2.1.0, pkg/runtime/framework/plugins/jobset/jobset.go"
_CONTROLLER = "Trainer 2.1.0, pkg/controller/trainjob_controller.go"
_NEVER = "the {} of a TrainJob cannot change: run it under another name"


def _over(moment: Moment) -> bool:
    return holds(moment.before, "Complete") or holds(moment.before, "Failed")


def _going(moment: Moment) -> bool:
    return not _over(moment)


def _suspended(moment: Moment) -> bool:
    return at(moment.before, "spec", "suspend") is True


def _stops(moment: Moment) -> bool:
    return _going(moment) and at(moment.after, "spec", "suspend") is True


def _starts(moment: Moment) -> bool:
    return _going(moment) and at(moment.after, "spec", "suspend") is not True


def _had(field: str) -> Callable[[Moment], bool]:
    """A CEL rule that compares with the old value is not asked where the field comes or goes."""
    return lambda moment: all(at(body, "spec", field) is not None for body in (moment.before, moment.after))


def _frozen(field: str, versions: str, since: str) -> Effect:
    return Effect(("spec", field), _NEVER.format(field), _TYPES.format(since), Outcome.REFUSED, versions, _had(field))


EFFECTS = (
    Effect(
        ("spec", "suspend"),
        "stops the job: its pods are deleted, and what they had not saved is lost",
        _CONTROLLER,
        Outcome.LOSES,
        when=_stops,
    ),
    Effect(("spec", "suspend"), "starts the job's pods again, from the beginning", _CONTROLLER, when=_starts),
    *queue_effects("TrainJob", "spec", "suspend"),
    _frozen("runtimeRef", "", "2.1.0"),
    _frozen("managedBy", "", "2.1.0"),
    _frozen("trainer", ">=2.2", "2.2.0"),
    _frozen("initializer", ">=2.2", "2.2.0"),
    _frozen("activeDeadlineSeconds", ">=2.2", "2.2.0"),
    *(
        Effect(
            ("spec", field),
            f"{field} can only change while the job is suspended: run it under another name",
            _WEBHOOK,
            Outcome.REFUSED,
            versions,
            lambda moment: not _suspended(moment),
        )
        for field, versions in (("podTemplateOverrides", "<2.2"), ("runtimePatches", ">=2.2"))
    ),
    Effect(
        ("spec",),
        "no effect: the job is over and does not run again; run it under another name",
        _CONTROLLER,
        Outcome.LATER,
        when=_over,
    ),
    Effect(("spec",), "the pods get the change when the job goes on", _CONTROLLER, Outcome.LATER, when=_suspended),
    Effect(("spec",), "pods that run stay as they are; run the change under another name", _CONTROLLER, Outcome.LATER),
)


def ready(body: Body, look: Look) -> Readiness:
    """By its conditions, and its Jobs until it has any."""
    for name, state in (("Failed", State.FAILED), ("Complete", State.SUCCEEDED), ("Suspended", State.SUSPENDED)):
        if holds(body, name):
            return Readiness(state, told(condition(body, name)))
    entries = maps(status(body).get("jobsStatus"))
    words = ", ".join(
        f"{job.get('name')}: {count(job.get('active'))} active" for job in entries if count(job.get("active"))
    )
    if words:
        return Readiness(State.RUNNING, words)
    return Readiness(State.WAITING, "waits for its pods" if entries else "Trainer has not taken it up yet")
