"""A distributed PyTorch training run (training-operator PyTorchJob).

`trainingJobs: {train: {kind: PyTorchJob, image: ..., command: [...], workers: 2}}`: one Master and `workers` Workers, all of
the same container. `pytorchReplicaSpecs` takes upstream's form, whole or for one replica type beside the short form.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path
from kfspec.kinds.base import Context, Facts, Lowered
from kfspec.kinds.training.code import CONFIG_MAP
from kfspec.kinds.training.effects import job_effects, ready_job
from kfspec.kinds.training.lifting import lift_job
from kfspec.kinds.training.rules import job_rules, one_of
from kfspec.kinds.training.shared import JobItem, JobKind, lower_job
from kfspec.resource import GVK, Body
from kfspec.spec.base import Json
from kfspec.wording import did_you_mean

BLOCK = "trainingJobs"
PRODUCES = (GVK("kubeflow.org", "v1", "PyTorchJob"), CONFIG_MAP)

JOB = JobKind(
    kind="PyTorchJob",
    replicas="pytorchReplicaSpecs",
    container="pytorch",
    types=("Master", "Worker"),
    leaders=("Master",),
    worker="Worker",
    extra=("elasticPolicy", "nprocPerNode"),
    counts_replicas=True,
)

_BACKENDS = ("c10d", "etcd", "etcd-v2", "static")
"""What torchrun takes as `--rdzv-backend`; the webhook does not look (training-operator 1.9.1, recorded)."""


class Item(JobItem):
    """A PyTorchJob."""

    kind: Literal["PyTorchJob"]
    nprocPerNode: Json = Field(default=None, description="Upstream's: auto, cpu, gpu or a number, as text.")  # noqa: N815
    elasticPolicy: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    pytorchReplicaSpecs: Json = Field(default=None, description="Upstream's: Master and Worker.")  # noqa: N815


def lower(item: Item, ctx: Context) -> Lowered:
    """One run, or nothing for a template."""
    return lower_job(item, ctx, JOB)


def lift(body: Body) -> Iterator[dict[str, Any]]:
    """Items that may stand for the job, the shortest first."""
    return lift_job(body, JOB)


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """The webhook's rules, and what it admits though the job never runs (training-operator 1.9.1)."""
    yield from job_rules(body, JOB)
    spec = body.get("spec") or {}
    replicas = spec.get(JOB.replicas) or {}
    at: Path = ("spec", JOB.replicas)
    yield from one_of(spec, JOB, "Master", required=False)
    worker = replicas.get("Worker")
    count = worker.get("replicas") if isinstance(worker, dict) else None
    if count == 0:  # the schema refuses what is below
        path = (*at, "Worker", "replicas")
        yield finding("KF390", "'replicas' is 0; Workers begin at 1", path, hint="leave the Worker out")
    elastic = spec.get("elasticPolicy")
    if isinstance(elastic, dict):
        yield from _elastic(elastic, spec, worker is not None)
    processes = spec.get("nprocPerNode")
    if isinstance(processes, str) and not (processes in ("auto", "cpu", "gpu") or processes.isdigit()):
        yield finding(
            "KF392", f"torchrun takes no '{processes}'", ("spec", "nprocPerNode"), hint="auto, cpu, gpu or a number"
        )


def _elastic(elastic: dict[str, object], spec: dict[str, object], has_worker: bool) -> Iterator[Diagnostic]:
    at: Path = ("spec", "elasticPolicy")
    if not has_worker:
        yield finding("KF391", "an elastic job needs a Worker", at, hint="add pytorchReplicaSpecs.Worker", at_key=True)
    if elastic.get("nProcPerNode") is not None and spec.get("nprocPerNode") is not None:
        hint = "keep spec.nprocPerNode"
        message = "'nProcPerNode' and spec.nprocPerNode exclude each other"
        yield finding("KF391", message, (*at, "nProcPerNode"), hint=hint, at_key=True)
    backend = elastic.get("rdzvBackend")
    if isinstance(backend, str) and backend not in _BACKENDS:
        known = did_you_mean(backend, _BACKENDS, f"one of: {', '.join(_BACKENDS)}")
        yield finding("KF393", f"torchrun has no rendezvous backend '{backend}'", (*at, "rdzvBackend"), hint=known)


EFFECTS = job_effects(JOB)
ready = ready_job(JOB)
