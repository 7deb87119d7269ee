"""A PaddlePaddle training run (training-operator PaddleJob).

`trainingJobs: {train: {kind: PaddleJob, image: ..., command: [...], workers: 2}}`: `workers` Workers that train collectively;
`paddleReplicaSpecs: {Master: {replicas: 1}}` adds a Master for the parameter-server mode.
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
PRODUCES = (GVK("kubeflow.org", "v1", "PaddleJob"), CONFIG_MAP)

JOB = JobKind(
    kind="PaddleJob",
    replicas="paddleReplicaSpecs",
    container="paddle",
    types=("Master", "Worker"),
    leaders=(),
    worker="Worker",
    extra=("elasticPolicy",),
    admits_none=True,
)


class Item(JobItem):
    """A PaddleJob."""

    kind: Literal["PaddleJob"]
    elasticPolicy: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    paddleReplicaSpecs: Json = Field(default=None, description="Upstream's: Master and Worker.")  # noqa: N815


def lower(item: Item, ctx: Context) -> Lowered:
    """One run, or nothing for a template."""
    return lower_job(item, ctx, JOB)


def lift(body: Body) -> Iterator[dict[str, Any]]:
    """Items that may stand for the job, the shortest first."""
    return lift_job(body, JOB)


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """The webhook's rules, and what it admits though the job never runs (training-operator 1.9.1)."""
    yield from job_rules(body, JOB)


EFFECTS = job_effects(JOB)
ready = ready_job(JOB)
