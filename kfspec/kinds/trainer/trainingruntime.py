"""A blueprint of TrainJobs (TrainingRuntime, ClusterTrainingRuntime).

`trainingRuntimes: {ours: {framework: torch, mlPolicy: {torch: {}}, template: {spec: {replicatedJobs: {node: {...}}}}}}`:
`template` is upstream's, a JobSet; its replicated jobs also as a map by name. `clusterScoped: true` makes it one for all
namespaces. Only a platform team may write either (kubeflow/manifests v1.11.0, aggregated roles). It stands; jobs take a
change of it when they start.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, Severity, Upstream
from kfspec.kinds import base
from kfspec.kinds.base import Context, Effect, Facts, Lowered, Outcome
from kfspec.kinds.lifting import own_metadata, shorten
from kfspec.kinds.podvalues import template_findings
from kfspec.kinds.shortforms import Expansion
from kfspec.kinds.status import at, maps
from kfspec.kinds.trainer.overrides import newer
from kfspec.kinds.trainer.runtimes import NODE, STEP, STEP_CONTAINERS, entries, pod_of
from kfspec.resource import GVK, Body, Origin
from kfspec.spec.base import Json, Namespaced

BLOCK = "trainingRuntimes"
PRODUCES = (
    GVK("trainer.kubeflow.org", "v1alpha1", "TrainingRuntime"),
    GVK("trainer.kubeflow.org", "v1alpha1", "ClusterTrainingRuntime"),
)

FRAMEWORK = "trainer.kubeflow.org/framework"
_FIELDS = ("mlPolicy", "podGroupPolicy", "template")
_JOBS: Path = ("spec", "template", "spec", "replicatedJobs")
_OF_2_1 = ("numProcPerNode", "elasticPolicy")
"""Fields of `mlPolicy.torch` that 2.2 dropped (trainingruntime_types.go)."""
_SINCE_2_2 = ("jax", "xgboost", "flux")
"""ML policies that 2.2 brought."""


class Item(Namespaced):
    """A training runtime."""

    clusterScoped: bool = Field(  # noqa: N815
        default=False, description="`true`: one for all namespaces, which jobs name by default."
    )
    framework: str | None = Field(
        default=None, min_length=1, description="The label by which the SDK lists it: torch, deepspeed, mlx, jax, ..."
    )
    mlPolicy: Json = Field(default=None, description="Upstream's: numNodes, and one of torch, mpi, jax, xgboost, flux.")  # noqa: N815
    podGroupPolicy: Json = Field(default=None, description="Upstream's: coscheduling or volcano.")  # noqa: N815
    template: Json = Field(
        default=None, description="Upstream's: the JobSet, `spec.replicatedJobs` also as a map by name."
    )


def lower(item: Item, ctx: Context) -> Lowered:
    """One runtime."""
    expansion = Expansion(ctx)
    spec: dict[str, Any] = {}
    for key in _FIELDS:
        value = getattr(item, key)
        if value is not None:
            spec[key] = expansion.expand(value, ("spec", key), (*ctx.path, key))
    expansion.origins["spec",] = Origin(ctx.path)
    if isinstance(spec.get("mlPolicy"), dict):
        found = list(_foreign(spec["mlPolicy"], ctx))
        expansion.found.extend(found)
        if found:
            return Lowered((), tuple(expansion.found))
    labels = {}
    if item.framework is not None:
        labels[FRAMEWORK] = item.framework
        expansion.origins["metadata", "labels", FRAMEWORK] = Origin((*ctx.path, "framework"))
        if FRAMEWORK in item.labels:
            message = f"'framework' and the label '{FRAMEWORK}' say the same thing"
            path = (*ctx.path, "framework")
            expansion.found.append(finding("KF340", message, path, hint="keep 'framework'", at_key=True))
    body = {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "ClusterTrainingRuntime" if item.clusterScoped else "TrainingRuntime",
        "metadata": base.metadata(ctx, item, namespaced=not item.clusterScoped, labels=labels),
        "spec": spec,
    }
    origins = {**base.base_origins(ctx), **expansion.origins}
    return Lowered((base.resource(ctx, body, origins),), tuple(expansion.found))


def _foreign(policy: dict[str, Any], ctx: Context) -> Iterator[Diagnostic]:
    """What another version of Trainer has in an ML policy."""
    have, path = ctx.release.components.get("trainer"), (*ctx.path, "mlPolicy")
    if have is None:
        return  # the kind is not there at all, which is said of the object
    torch = policy.get("torch")
    if newer(ctx.release) and isinstance(torch, dict):
        for key in _OF_2_1:
            if key in torch:
                message = f"Trainer has '{key}' of a runtime before 2.2; this is {have}"
                hint = (
                    "write 'torch: {}'; a job says 'trainer.numProcPerNode', a number"
                    if key == "numProcPerNode"
                    else "write 'torch: {}' and 'mlPolicy.numNodes'"
                )
                yield finding("KF395", message, (*path, "torch", key), hint=hint, at_key=True)
    elif not newer(ctx.release):
        for key in _SINCE_2_2:
            if key in policy:
                message = f"Trainer has the ML policy '{key}' from 2.2 on; this is {have}"
                hint = "leave it out, and set what nodes find each other by in the template; or 'components: {trainer: 2.2.0}'"
                yield finding("KF395", message, (*path, key), hint=hint, at_key=True)


def lift(body: Body) -> Iterator[dict[str, Any]]:
    """Items that may stand for the runtime, the shortest first."""
    spec = body.get("spec")
    if spec is not None and (not isinstance(spec, dict) or spec.keys() - set(_FIELDS)):
        return
    scope = {"clusterScoped": True} if body.get("kind") == "ClusterTrainingRuntime" else {}
    name = at(body, "metadata", "labels", FRAMEWORK)
    framework = {"framework": name} if isinstance(name, str) and name else {}
    meta = own_metadata(body, (FRAMEWORK,) if framework else ())
    given = dict(spec or {})
    short = shorten(given)
    jobs = at(given, "template", "spec", "replicatedJobs")
    names = [name for name, _ in entries(jobs)]
    if isinstance(jobs, list) and jobs and len(set(names)) == len(jobs):
        by_name = {job["name"]: {k: shorten(v, k) for k, v in job.items() if k != "name"} for job in jobs}
        template = short["template"]
        inner = {**template["spec"], "replicatedJobs": by_name}
        yield {**scope, **framework, **short, "template": {**template, "spec": inner}, **meta}
    yield {**scope, **framework, **short, **meta}
    yield {**scope, **framework, **given, **meta}


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """The webhook's rules (trainingruntime_webhook.go), and what makes every job of the runtime fail."""
    spec = body.get("spec") or {}
    jobs = maps(at(spec, "template", "spec", "replicatedJobs"))
    steps = [at(job, "template", "metadata", "labels", STEP) for job in jobs]
    for n, (job, step) in enumerate(zip(jobs, steps, strict=True)):
        if isinstance(step, str) and step in STEP_CONTAINERS:
            yield from _step(job, step, (*_JOBS, n))
    if jobs and "trainer" not in steps:
        message = "no replicated job is the step 'trainer': what jobs say under 'trainer' goes nowhere"
        hint = f"the label '{STEP}: trainer' in its 'template.metadata.labels'"
        yield finding(
            "KF399", message, _JOBS, hint=hint, at_key=True, severity=Severity.WARNING, upstream=Upstream.ADVICE
        )
    yield from template_findings("trainer.kubeflow.org", "TrainingRuntime", body)  # the cluster's are alike
    if at(spec, "mlPolicy", "flux") is not None:
        yield from _flux(jobs)
    if at(spec, "template", "spec", "ttlSecondsAfterFinished") is not None and not newer(facts.release):
        message = "JobSet deletes a finished run after that time, and Trainer 2.1 starts it again, for ever"
        path: Path = ("spec", "template", "spec", "ttlSecondsAfterFinished")
        yield finding("KF389", message, path, hint="remove it; 'kfspec gc' removes finished runs", at_key=True)


def _step(job: dict[str, Any], step: str, here: Path) -> Iterator[Diagnostic]:
    replicas, wanted = job.get("replicas", 1), STEP_CONTAINERS[step]
    if replicas != 1:
        message = f"the step '{step}' has {replicas} replicas, and always runs once"
        hint = "replicas: 1; a job has its nodes by 'numNodes'"
        yield finding("KF399", message, (*here, "replicas"), hint=hint)
    names = [name for name, _ in entries(pod_of(job, "containers"))]
    if wanted not in names:
        place: Path = (*here, "template", "spec", "template", "spec", "containers")
        path = (*place, 0, "name") if len(names) == 1 else place if names else here
        message = f"the step '{step}' has no container '{wanted}', by which Trainer finds it"
        yield finding("KF399", message, path, hint=f"call '{names[0]}' '{wanted}'" if names else f"add '{wanted}'")


def _flux(jobs: list[dict[str, Any]]) -> Iterator[Diagnostic]:
    for n, job in enumerate(jobs):
        for m, (name, _) in enumerate(entries(pod_of(job, "initContainers"))):
            if job.get("name") == NODE and name == "flux-installer":
                path: Path = (*_JOBS, n, "template", "spec", "template", "spec", "initContainers", m, "name")
                message = "the init container 'flux-installer' is Trainer's own: every job of the runtime is refused"
                yield finding("KF399", message, path, hint="rename it", upstream=Upstream.NEVER_WORKS)


EFFECTS = (
    Effect(
        ("spec",),
        "new jobs take the change, and those that go on after a stop; jobs that run stay as they are",
        "Trainer 2.1.0, pkg/runtime/core/trainingruntime.go",
        Outcome.LATER,
    ),
)
ready = base.ready_when_there
