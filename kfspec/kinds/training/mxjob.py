"""An Apache MXNet training or tuning run (MXJob); training-operator 1.8.1 is the last version that serves it.

`components: {training-operator: 1.8.1}` and `trainingJobs: {train: {kind: MXJob, jobMode: MXTrain, image: ..., workers: 2}}`:
one Scheduler, one Server and `workers` Workers. `jobMode: MXTune` takes the replica types of the auto-tuner, in upstream's form.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from kfspec.diagnostics import Diagnostic
from kfspec.kinds.base import Context, Facts, Lowered
from kfspec.kinds.training.code import CONFIG_MAP
from kfspec.kinds.training.effects import job_effects, ready_job
from kfspec.kinds.training.lifting import lift_job
from kfspec.kinds.training.rules import job_rules
from kfspec.kinds.training.shared import JobItem, JobKind, lower_job
from kfspec.resource import GVK, Body
from kfspec.spec.base import Json

BLOCK = "trainingJobs"
PRODUCES = (GVK("kubeflow.org", "v1", "MXJob"), CONFIG_MAP)

JOB = JobKind(
    kind="MXJob",
    replicas="mxReplicaSpecs",
    container="mxnet",
    types=("Scheduler", "Server", "Worker", "Tuner", "TunerServer", "TunerTracker"),
    leaders=("Scheduler", "Server"),
    worker="Worker",
    extra=("jobMode",),
    admits_none=True,
)


class Item(JobItem):
    """An MXJob."""

    kind: Literal["MXJob"]
    jobMode: Literal["MXTrain", "MXTune"] = Field(default="MXTrain", description="Upstream's: what the run does.")  # noqa: N815
    mxReplicaSpecs: Json = Field(  # noqa: N815
        default=None, description="Upstream's: Scheduler, Server, Worker, Tuner, TunerServer and TunerTracker."
    )


def lower(item: Item, ctx: Context) -> Lowered:
    """One run, or nothing for a template."""
    tunes = item.jobMode == "MXTune"
    return lower_job(item, ctx, JOB._replace(leaders=(), worker="Tuner") if tunes else JOB)


def lift(body: Body) -> Iterator[dict[str, Any]]:
    """Items that may stand for the job, the shortest first."""
    return lift_job(body, JOB)


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """The webhook's rules (training-operator 1.8.1)."""
    yield from job_rules(body, JOB)


EFFECTS = job_effects(JOB)
ready = ready_job(JOB)
