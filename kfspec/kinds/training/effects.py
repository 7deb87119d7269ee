"""What a change of a training job does, and how far a job is: the same for every kind of the training operator.

The operator makes a job's pods once. It takes another template for pods that it makes later, and lets those that run be
(training-operator 1.9.1, `pkg/controller.v1/common/pod.go`; executed). A job is never recreated for a change: that would run
it again, unasked; one under `trainingJobs` is named by its content, so a change of it is a new run anyway.
"""

from __future__ import annotations

from collections.abc import Callable

from kfspec.kinds.base import Effect, Look, Moment, Outcome, Readiness, State
from kfspec.kinds.status import at, condition, count, holds, status, told
from kfspec.kinds.training.queues import queue_effects
from kfspec.kinds.training.shared import JobKind
from kfspec.resource import Body

_POD = "training-operator 1.9.1, pkg/controller.v1/common/pod.go; executed"
_JOB = "training-operator 1.9.1, pkg/controller.v1/common/job.go"
_QUEUE = "training-operator 1.9.1, common_types.go (CEL rule); executed"
_REFUSES_MANAGER = frozenset({"TFJob", "XGBoostJob", "PaddleJob"})
"""Kinds whose webhook really compares `managedBy` with what it was (1.9.1; PyTorchJob's compares it with itself)."""


def _over(moment: Moment) -> bool:
    return holds(moment.before, "Succeeded") or holds(moment.before, "Failed")


def _going(moment: Moment) -> bool:
    return not _over(moment)


def _suspends(moment: Moment) -> bool:
    return _going(moment) and at(moment.after, "spec", "runPolicy", "suspend") is True


def _resumes(moment: Moment) -> bool:
    return _going(moment) and at(moment.before, "spec", "runPolicy", "suspend") is True


def _scales_itself(moment: Moment) -> bool:
    return _going(moment) and bool(at(moment.after, "spec", "elasticPolicy", "metrics"))


def _expires(moment: Moment) -> bool:
    return at(moment.after, "spec", "runPolicy", "ttlSecondsAfterFinished") is not None


def _names_other_queue(moment: Moment) -> bool:
    path = ("spec", "runPolicy", "schedulingPolicy", "queue")
    return at(moment.before, *path) is not None and at(moment.after, *path) is not None


def job_effects(job: JobKind) -> tuple[Effect, ...]:
    """The table of a job kind."""
    policy = ("spec", "runPolicy")
    replicas = ("spec", job.replicas, "*", "replicas")
    rows = [
        Effect(
            (*policy, "suspend"),
            "stops the job: its pods are deleted, and what they had not saved is lost",
            _JOB,
            Outcome.LOSES,
            when=_suspends,
        ),
        Effect((*policy, "suspend"), "starts the job's pods again, from the beginning", _JOB, when=_resumes),
        Effect(
            (*policy, "ttlSecondsAfterFinished"),
            "deletes the job {new} s after its end; whoever applies it then runs it again",
            _JOB,
            Outcome.DISRUPTS,
            when=_expires,
        ),
        Effect((*policy, "ttlSecondsAfterFinished"), "keeps the job after its end", _JOB),
        Effect(
            (*policy, "schedulingPolicy", "queue"),
            "the queue of a job cannot change: run it under another name",
            _QUEUE,
            Outcome.REFUSED,
            when=_names_other_queue,
        ),
        Effect(
            (*policy, "activeDeadlineSeconds"), "the job fails {new} s after its start, not {old}", _JOB, when=_going
        ),
        Effect((*policy, "backoffLimit"), "the job fails after {new} retries, not {old}", _JOB, when=_going),
        Effect(
            (*policy, "cleanPodPolicy"),
            "at the job's end, pods are cleaned up by '{new}', not '{old}'",
            _JOB,
            when=_going,
        ),
        *_managed_by(job),
        *queue_effects(job.kind, "spec", "runPolicy", "suspend"),
        Effect(
            replicas,
            "starts or stops pods until there are {new}, not {old}; those that run keep the world size they began with",
            _POD,
            Outcome.DISRUPTS,
            when=_going,
        ),
        Effect(
            ("spec",),
            "pods that run stay as they are; only pods that are made later get the change",
            _POD,
            Outcome.LATER,
            when=_going,
        ),
        Effect(
            ("spec",),
            "no effect: the job is over and does not run again; run it under another name",
            _POD,
            Outcome.LATER,
            when=_over,
        ),
    ]
    if job.kind == "PyTorchJob":
        path = ("spec", job.replicas, "Worker", "replicas")
        words = "the job's autoscaler goes on from {new} workers, not {old}"
        source = "training-operator 1.9.1, pkg/controller.v1/pytorch/hpa.go"
        rows.insert(0, Effect(path, words, source, when=_scales_itself))
    return tuple(rows)


def _managed_by(job: JobKind) -> tuple[Effect, ...]:
    path = ("spec", "runPolicy", "managedBy")
    if job.kind in _REFUSES_MANAGER:
        source = "training-operator 1.9.1, pkg/webhooks (ValidateUpdate)"
        words = "who manages a job cannot change: run it under another name"
        return (Effect(path, words, source, Outcome.REFUSED, ">=1.9"),)
    words = "hands the job over to {new}; {old} no longer looks after it"
    return (Effect(path, words, _JOB, Outcome.DISRUPTS, ">=1.9", _going),)


def ready_job(job: JobKind) -> Callable[[Body, Look], Readiness]:
    """How far a job of the kind is."""

    def ready(body: Body, look: Look) -> Readiness:
        for name, state in (("Failed", State.FAILED), ("Succeeded", State.SUCCEEDED), ("Suspended", State.SUSPENDED)):
            if holds(body, name):
                return Readiness(state, told(condition(body, name)))
        if holds(body, "Restarting"):
            return Readiness(State.RUNNING, told(condition(body, "Restarting")) or "restarts")
        wanted, active = _replicas(body, job)
        pods = ", ".join(f"{active[kind]} of {number} {kind}" for kind, number in wanted.items())
        if holds(body, "Running"):
            return Readiness(State.RUNNING, f"{pods} running" if pods else "")
        if not status(body).get("conditions"):
            if not job.webhook:  # nothing was checked before it was stored, and the operator says it in events only
                return Readiness(
                    State.WAITING, f"the operator has not taken it up; its events say why, if it is no valid {job.kind}"
                )
            return Readiness(State.WAITING, "the operator has not taken it up yet")
        missing = [
            f"{number - active[kind]} of {number} {kind}" for kind, number in wanted.items() if active[kind] < number
        ]
        return Readiness(
            State.WAITING, f"waits for {', '.join(missing)}" if missing else told(condition(body, "Created"))
        )

    return ready


def _replicas(body: Body, job: JobKind) -> tuple[dict[str, int], dict[str, int]]:
    """Replica type -> how many are wanted, and how many there are: running, or done already."""
    specs = at(body, "spec", job.replicas)
    wanted = {}
    for kind, spec in (specs if isinstance(specs, dict) else {}).items():
        number = spec.get("replicas", 1) if isinstance(spec, dict) else 1  # the operator's default, in memory only
        wanted[kind] = count(number)
    active = {}
    for kind in wanted:
        found = at(status(body), "replicaStatuses", kind)
        active[kind] = sum(count(found.get(key)) for key in ("active", "succeeded")) if isinstance(found, dict) else 0
    return wanted, active
