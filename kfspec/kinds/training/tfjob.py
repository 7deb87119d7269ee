"""A TensorFlow training run (training-operator TFJob).

`trainingJobs: {train: {kind: TFJob, image: ..., command: [...], workers: 2}}`: `workers` Workers, of which TensorFlow makes
the first one the chief. `tfReplicaSpecs` adds a Chief, PS or Evaluator: each gets the same container unless it says more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, Upstream
from kfspec.kinds.base import Context, Facts, Lowered
from kfspec.kinds.training.code import CONFIG_MAP
from kfspec.kinds.training.effects import job_effects, ready_job
from kfspec.kinds.training.lifting import lift_job
from kfspec.kinds.training.rules import job_rules
from kfspec.kinds.training.shared import JobItem, JobKind, lower_job
from kfspec.resource import GVK, Body
from kfspec.spec.base import Json
from kfspec.wording import did_you_mean

BLOCK = "trainingJobs"
PRODUCES = (GVK("kubeflow.org", "v1", "TFJob"), CONFIG_MAP)

JOB = JobKind(
    kind="TFJob",
    replicas="tfReplicaSpecs",
    container="tensorflow",
    types=("Chief", "Master", "PS", "Worker", "Evaluator"),
    leaders=(),
    worker="Worker",
    extra=("successPolicy", "enableDynamicWorker"),
    strict_types=False,
    admits_none=True,
)


class Item(JobItem):
    """A TFJob."""

    kind: Literal["TFJob"]
    successPolicy: Json = Field(default=None, description="Upstream's: '' or AllWorkers.")  # noqa: N815
    enableDynamicWorker: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    tfReplicaSpecs: Json = Field(default=None, description="Upstream's: Chief, Master, PS, Worker and Evaluator.")  # noqa: N815


def lower(item: Item, ctx: Context) -> Lowered:
    """One run, or nothing for a template."""
    return lower_job(item, ctx, JOB)


_SUCCESS = ("", "AllWorkers")
"""Another text counts as the default: worker 0 decides (training-operator 1.9.1, `tensorflow_types.go`)."""


def lift(body: Body) -> Iterator[dict[str, Any]]:
    """Items that may stand for the job, the shortest first."""
    return lift_job(body, JOB)


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """The webhook's rules, and what it admits though the job never runs (training-operator 1.9.1)."""
    yield from job_rules(body, JOB)
    spec = body.get("spec") or {}
    replicas = spec.get(JOB.replicas) or {}
    at: Path = ("spec", JOB.replicas)
    by_type = {str(name).lower(): name for name in replicas}
    if "Chief" in replicas and "Master" in replicas:
        message = "a TFJob has a Chief or a Master, which are the same thing"
        yield finding("KF390", message, (*at, "Master"), hint="keep the Chief", at_key=True)
    for name in (by_type[key] for key in ("chief", "master") if key in by_type):
        count = (replicas[name] or {}).get("replicas")
        if isinstance(count, int) and count > 1:
            message = f"a TFJob has one {name}, not {count}: TensorFlow's cluster has a single chief"
            path = (*at, name, "replicas")
            yield finding("KF390", message, path, hint="replicas: 1", upstream=Upstream.NEVER_WORKS)
    if by_type.keys() == {"ps"}:
        message = "a TFJob of parameter servers alone has nobody who trains"
        hint = "add 'Worker:'"
        yield finding("KF390", message, (*at, "PS"), hint=hint, at_key=True, upstream=Upstream.NEVER_WORKS)
    policy = spec.get("successPolicy")
    if isinstance(policy, str) and policy not in _SUCCESS:
        known = did_you_mean(policy, _SUCCESS, "AllWorkers, or leave it out")
        message = f"the operator has no success policy '{policy}'"
        yield finding("KF388", message, ("spec", "successPolicy"), hint=known)


EFFECTS = job_effects(JOB)
ready = ready_job(JOB)
