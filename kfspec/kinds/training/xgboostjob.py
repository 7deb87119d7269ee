"""A distributed XGBoost or LightGBM training run (training-operator XGBoostJob).

`trainingJobs: {train: {kind: XGBoostJob, image: ..., command: [...], workers: 2}}`: one Master and `workers` Workers, all of
the same container.
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
from kfspec.kinds.training.rules import job_rules, one_of
from kfspec.kinds.training.shared import JobItem, JobKind, lower_job
from kfspec.resource import GVK, Body
from kfspec.spec.base import Json

BLOCK = "trainingJobs"
PRODUCES = (GVK("kubeflow.org", "v1", "XGBoostJob"), CONFIG_MAP)

JOB = JobKind(
    kind="XGBoostJob",
    replicas="xgbReplicaSpecs",
    container="xgboost",
    types=("Master", "Worker"),
    leaders=("Master",),
    worker="Worker",
    extra=(),
)


class Item(JobItem):
    """An XGBoostJob."""

    kind: Literal["XGBoostJob"]
    xgbReplicaSpecs: Json = Field(default=None, description="Upstream's: Master and Worker.")  # noqa: N815


def lower(item: Item, ctx: Context) -> Lowered:
    """One run, or nothing for a template."""
    return lower_job(item, ctx, JOB)


def lift(body: Body) -> Iterator[dict[str, Any]]:
    """Items that may stand for the job, the shortest first."""
    return lift_job(body, JOB)


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """The webhook's rules, and what it admits though the job never runs (training-operator 1.9.1)."""
    yield from job_rules(body, JOB)
    yield from one_of(body.get("spec") or {}, JOB, "Master", required=True)


EFFECTS = job_effects(JOB)
ready = ready_job(JOB)
