"""An MPI training run (training-operator MPIJob).

`trainingJobs: {train: {kind: MPIJob, image: ..., command: [mpirun, ...], workers: 2, resources: {gpu: 1}}}`: one Launcher
that runs the command, and `workers` Workers with the resources, which wait to be called.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Upstream
from kfspec.kinds.base import Context, Facts, Lowered
from kfspec.kinds.training.code import CONFIG_MAP
from kfspec.kinds.training.effects import job_effects, ready_job
from kfspec.kinds.training.lifting import lift_job
from kfspec.kinds.training.rules import CLEAN, job_rules, one_of
from kfspec.kinds.training.shared import JobItem, JobKind, lower_job
from kfspec.resource import GVK, Body
from kfspec.spec.base import Json
from kfspec.wording import did_you_mean

BLOCK = "trainingJobs"
PRODUCES = (GVK("kubeflow.org", "v1", "MPIJob"), CONFIG_MAP)

JOB = JobKind(
    kind="MPIJob",
    replicas="mpiReplicaSpecs",
    container="mpi",
    types=("Launcher", "Worker"),
    leaders=("Launcher",),
    worker="Worker",
    extra=("slotsPerWorker", "cleanPodPolicy", "mainContainer"),
    launcher=True,
    webhook=False,
    strict_types=False,
    named_container=False,
    services=False,
)


class Item(JobItem):
    """An MPIJob."""

    kind: Literal["MPIJob"]
    slotsPerWorker: Json = Field(default=None, description="Upstream's: processes per worker.")  # noqa: N815
    cleanPodPolicy: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    mainContainer: Json = Field(default=None, description="Upstream's: the container that runs the MPI code.")  # noqa: N815
    mpiReplicaSpecs: Json = Field(default=None, description="Upstream's: Launcher and Worker.")  # noqa: N815


def lower(item: Item, ctx: Context) -> Lowered:
    """One run, or nothing for a template."""
    return lower_job(item, ctx, JOB)


def lift(body: Body) -> Iterator[dict[str, Any]]:
    """Items that may stand for the job, the shortest first."""
    return lift_job(body, JOB)


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """No webhook looks at an MPIJob: the controller warns in an event, and waits for ever (training-operator 1.9.1)."""
    yield from job_rules(body, JOB)
    spec = body.get("spec") or {}
    for found in one_of(spec, JOB, "Launcher", required=True):
        launcher = (spec.get(JOB.replicas) or {}).get("Launcher")
        if not isinstance(launcher, dict) or launcher.get("replicas", 1) != 1:  # one is the default here
            yield found._replace(upstream=Upstream.NEVER_WORKS)
    policy = spec.get("cleanPodPolicy")
    if isinstance(policy, str) and policy not in CLEAN:
        hint = did_you_mean(policy, CLEAN, f"one of: {', '.join(CLEAN)}")
        message = f"the operator has no clean-up policy '{policy}'"
        yield finding("KF388", message, ("spec", "cleanPodPolicy"), hint=hint)
    slots = spec.get("slotsPerWorker")
    if isinstance(slots, int) and slots < 1:
        message = f"'slotsPerWorker' is {slots}: no process ever runs on a worker"
        yield finding("KF388", message, ("spec", "slotsPerWorker"), hint="begin at 1")


EFFECTS = job_effects(JOB)
ready = ready_job(JOB)
