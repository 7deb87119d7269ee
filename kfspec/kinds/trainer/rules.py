"""What upstream says of a TrainJob: the webhook's refusals, which depend on its runtime, and what never runs.

Source: Trainer, `pkg/webhooks/trainjob_webhook.go` and `pkg/runtime/framework/plugins`; read again at commits of main from
2.1 to after 2.2 (the tags themselves were not there to read): {jobset,mpi,torch,jax,xgboost} at e9a9c16 and 1e23994, flux at
0095e71.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, Severity, Upstream
from kfspec.kinds.base import Facts
from kfspec.kinds.podvalues import resource_findings, template_findings
from kfspec.kinds.status import at, maps
from kfspec.kinds.trainer.overrides import newer
from kfspec.kinds.trainer.runtimes import (
    LAUNCHER,
    NODE,
    STEP_CONTAINERS,
    Runtime,
    described,
    entries,
    longest_suffix,
    shipped,
)
from kfspec.kinds.trainer.torchtune import torchtune
from kfspec.kinds.training.queues import queue_findings
from kfspec.resource import Body, ObjectRef
from kfspec.wording import did_you_mean

KINDS = ("ClusterTrainingRuntime", "TrainingRuntime")
GROUP = "trainer.kubeflow.org"
_RESERVED = {
    "torch": ("PET_NNODES", "PET_NPROC_PER_NODE", "PET_NODE_RANK", "PET_MASTER_ADDR", "PET_MASTER_PORT"),
    "xgboost": ("DMLC_TRACKER_URI", "DMLC_TRACKER_PORT", "DMLC_TASK_ID", "DMLC_NUM_WORKER"),
}
"""ML policy -> the variables by which nodes find each other (pkg/constants/constants.go)."""
_PROCESSES = ("auto", "cpu", "gpu")
_DOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/[\w/:@%!$&'()*+,;=.~-]+")
"""A DNS name, and a path after it (apimachinery, IsDomainPrefixedPath)."""
_TRAINER: Path = ("spec", "trainer")


def job_rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """One TrainJob."""
    spec = body.get("spec") or {}
    wrong = list(_reference(spec.get("runtimeRef") or {}))
    yield from wrong
    runtime = None if wrong else runtime_of(body, facts)
    yield from _name(body, spec, runtime)
    trainer = spec.get("trainer") or {}
    nodes = trainer.get("numNodes")
    if isinstance(nodes, int) and nodes < 1:
        message = f"'numNodes' is {nodes}, and a job without nodes trains nothing"
        path = (*_TRAINER, "numNodes")
        yield finding("KF390", message, path, hint="begin at 1, or leave it out", upstream=Upstream.NEVER_WORKS)
    yield from resource_findings(trainer.get("resourcesPerNode") or {}, (*_TRAINER, "resourcesPerNode"))
    yield from queue_findings(body, ("spec", "suspend"), ("spec", "managedBy"))
    for n, patch in enumerate(maps(spec.get("runtimePatches"))):
        manager = patch.get("manager")
        if isinstance(manager, str) and not _DOMAIN.fullmatch(manager):
            path = ("spec", "runtimePatches", n, "manager")
            hint = "a domain and a path, as example.com/me"
            yield finding("KF750", f"'{manager}' is no domain with a path", path, hint=hint)
    yield from template_findings("trainer.kubeflow.org", "TrainJob", body)
    for place, job, pod in overridden(spec):
        yield from _overridden(place, job, pod, runtime)
    if runtime is not None:
        yield from _initializers(spec.get("initializer") or {}, runtime, facts)
        yield from _by_policy(spec, trainer, runtime, facts)


def runtime_of(body: Body, facts: Facts) -> Runtime | None:
    """What is known of the job's runtime: one that is applied with it, else one that Trainer ships."""
    name, kind = at(body, "spec", "runtimeRef", "name"), at(body, "spec", "runtimeRef", "kind") or KINDS[0]
    namespace = body["metadata"].get("namespace") or ""
    declared = facts.beside(ObjectRef(GROUP, str(kind), str(namespace) if kind == KINDS[1] else "", str(name)))
    if declared is not None:
        return described(declared.get("spec"))
    return shipped(facts.release.components.get("trainer")).get(str(name)) if kind == KINDS[0] else None


def _reference(reference: dict[str, Any]) -> Iterator[Diagnostic]:
    """The webhook knows two kinds of runtimes."""
    for field, known in (("apiGroup", (GROUP,)), ("kind", KINDS)):
        value = reference.get(field)
        if isinstance(value, str) and value not in known:
            hint = did_you_mean(value, known, f"one of: {', '.join(known)}")
            message = f"no runtime has the {field} '{value}'"
            yield finding("KF216", message, ("spec", "runtimeRef", field), hint=hint)


def _name(body: Body, spec: dict[str, Any], runtime: Runtime | None) -> Iterator[Diagnostic]:
    name = body["metadata"].get("name")
    suffix = longest_suffix(runtime, at(spec, "trainer", "numNodes"))
    limit = 63 - len(suffix)
    if isinstance(name, str) and limit < len(name) <= 63:  # the schema refuses longer ones
        message = f"the name has {len(name)} characters; '{suffix}' leaves a TrainJob {limit}"
        hint = f"shorten it by {len(name) - limit}"
        yield finding("KF381", message, ("metadata", "name"), hint=hint, upstream=Upstream.NEVER_WORKS)


# -- against the runtime ----------------------------------------------------------------------------------------


def overridden(spec: dict[str, Any]) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """Every change of a replicated job's pods: where the job is named, its name, the change of the pod and where."""
    for n, override in enumerate(maps(spec.get("podTemplateOverrides"))):
        for m, target in enumerate(maps(override.get("targetJobs"))):
            at_pod: Path = ("spec", "podTemplateOverrides", n, "spec")
            pod = override.get("spec")
            place: Path = ("spec", "podTemplateOverrides", n, "targetJobs", m, "name")
            yield place, str(target.get("name")), {"at": at_pod, **(pod if isinstance(pod, dict) else {})}
    for n, patch in enumerate(maps(spec.get("runtimePatches"))):
        jobs = at(patch, "trainingRuntimeSpec", "template", "spec", "replicatedJobs")
        for m, job in enumerate(maps(jobs)):
            here: Path = ("spec", "runtimePatches", n, "trainingRuntimeSpec", "template", "spec", "replicatedJobs", m)
            pod = at(job, "template", "spec", "template", "spec")
            at_pod = (*here, "template", "spec", "template", "spec")
            yield (*here, "name"), str(job.get("name")), {"at": at_pod, **(pod if isinstance(pod, dict) else {})}


def _overridden(place: Path, name: str, pod: dict[str, Any], runtime: Runtime | None) -> Iterator[Diagnostic]:
    job = runtime.job(name) if runtime is not None else None
    if runtime is not None and job is None:
        names = [each.name for each in runtime.jobs]
        hint = did_you_mean(name, names, f"one of: {', '.join(names)}")
        yield finding("KF396", f"the runtime has no replicated job '{name}'", place, hint=hint)
        return
    for group in ("containers", "initContainers"):
        for n, container in enumerate(maps(pod.get(group))):
            path, called = (*pod["at"], group, n), str(container.get("name"))
            if job is not None and called not in job.containers:
                hint = did_you_mean(called, job.containers, f"one of: {', '.join(job.containers)}")
                message = f"the runtime's job '{name}' has no container '{called}'"
                yield finding("KF396", message, (*path, "name"), hint=hint)
            elif group == "containers" and container.get("env") and called in STEP_CONTAINERS.values():
                message = f"the environment of '{called}' is not changed here"
                where = "trainer.env" if called == NODE else f"initializer.{called.split('-', 1)[0]}.env"
                yield finding("KF397", message, (*path, "env"), hint=f"write it under '{where}'", at_key=True)


def _initializers(initializer: dict[str, Any], runtime: Runtime, facts: Facts) -> Iterator[Diagnostic]:
    for key in ("dataset", "model"):
        if initializer.get(key) is None:
            continue
        name = f"{key}-initializer"
        job = runtime.job(name)
        if job is None or name not in job.containers:
            what = "replicated job" if job is None else "container in its job"
            message = f"the runtime has no {what} '{name}', which '{key}' is for"
            known = shipped(facts.release.components.get("trainer")).items()
            others = [other for other, each in known if each.job(name) is not None]
            hint = f"{', '.join(others)} have it; or leave '{key}' out"
            yield finding("KF396", message, ("spec", "initializer", key), hint=hint, at_key=True)


_FOUND_BY_TRAINER = ("torch", "xgboost")
"""ML policies that tell nodes of each other only where the job has a `trainer` (EnforceMLPolicy); jax does anyway."""


def _by_policy(spec: dict[str, Any], trainer: dict[str, Any], runtime: Runtime, facts: Facts) -> Iterator[Diagnostic]:
    processes = trainer.get("numProcPerNode")
    if isinstance(processes, str):
        allowed = {"torch": _PROCESSES, "mpi": ()}.get(runtime.policy, (processes,))
        if processes not in allowed:
            hint = did_you_mean(processes, allowed, f"{', '.join(allowed)} or a number" if allowed else "a number")
            message = f"a runtime for {runtime.policy} runs no '{processes}' processes on a node"
            path = (*_TRAINER, "numProcPerNode")
            yield finding("KF392", message, path, hint=hint, upstream=Upstream.REFUSES)
    if isinstance(processes, int) and processes < 1:
        message = f"'numProcPerNode' is {processes}, and a node without processes trains nothing"
        path = (*_TRAINER, "numProcPerNode")
        yield finding("KF392", message, path, hint="begin at 1, or leave it out", upstream=Upstream.NEVER_WORKS)
    if runtime.policy == "flux" and trainer.get("numNodes") is None:
        message = "Trainer 2.2 fails at a job of Flux that does not say its number of nodes"
        hint, where = f"numNodes: {runtime.nodes}", _TRAINER if "trainer" in spec else ("spec",)
        hint = f"add '{hint}'" if "trainer" in spec else f"add 'trainer: {{{hint}}}'"
        yield finding("KF396", message, where, hint=hint, at_key=True, upstream=Upstream.NEVER_WORKS)
    if spec.get("trainer") is None and runtime.nodes > 1 and runtime.policy in _FOUND_BY_TRAINER:
        message = (
            f"the runtime has {runtime.nodes} nodes, and tells them of each other only where a job has a 'trainer'"
        )
        hint = f"add 'trainer: {{numNodes: {runtime.nodes}}}'"
        yield finding("KF396", message, ("spec",), hint=hint, at_key=True, upstream=Upstream.NEVER_WORKS)
    yield from _reserved(trainer, runtime, facts)
    if runtime.policy == "torch" and trainer.get("command") == ["tune", "run"]:
        yield from torchtune(spec, trainer, runtime, newer(facts.release))
    nodes = trainer.get("numNodes")
    if runtime.policy == "mpi" and runtime.launcher_as_node and isinstance(nodes, int) and nodes > 1:
        missing = [name for name in (LAUNCHER, NODE) if runtime.job(name) is None]
        if missing:
            message = f"{nodes} nodes need a replicated job '{missing[0]}', which the runtime does not have"
            yield finding("KF396", message, (*_TRAINER, "numNodes"), hint=f"numNodes: 1, or add '{missing[0]}'")


def _reserved(trainer: dict[str, Any], runtime: Runtime, facts: Facts) -> Iterator[Diagnostic]:
    """Variables that the ML policy sets. Trainer 2.1 looks at torch's only where it is told the number of processes; else
    the job's own value is what the pods get."""
    names = _RESERVED.get(runtime.policy, ())
    looked_at = runtime.policy != "torch" or newer(facts.release) or trainer.get("numProcPerNode") is not None
    for n, (name, _) in enumerate(entries(trainer.get("env"))):
        if name in names:
            severity, upstream = (None, None) if looked_at else (Severity.WARNING, Upstream.ADVICE)
            message = f"'{name}' is for the runtime to set"
            hint = {"PET_NNODES": "numNodes", "PET_NPROC_PER_NODE": "numProcPerNode"}.get(name)
            yield finding(
                "KF397",
                message,
                (*_TRAINER, "env", n, "name"),
                hint=f"write 'trainer.{hint}' instead" if hint else "remove it",
                severity=severity,
                upstream=upstream,
            )
