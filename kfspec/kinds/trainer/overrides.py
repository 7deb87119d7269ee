"""What a TrainJob changes of its runtime's pods, in the words of its version of Trainer.

Source: Trainer 2.1.0 and 2.2.0, `pkg/apis/trainer/v1alpha1/trainjob_types.go` and `pkg/runtime/core/trainingruntime.go`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path
from kfspec.kinds.base import Context
from kfspec.kinds.shortforms import Expansion
from kfspec.kinds.trainer.runtimes import NODE, Runtime
from kfspec.kinds.training.code import Mounted, mounted
from kfspec.kinds.training.shared import named_mounts
from kfspec.resource import Body, Origin

if TYPE_CHECKING:
    from kfspec.catalog import Release
    from kfspec.kinds.trainer.trainjob import Item

MANAGER = "kfspec.dev/spec"
"""Whose patch it is under Trainer 2.2. Part of every such run's identity: another one would start them anew."""

_POD = ("serviceAccountName", "nodeSelector", "tolerations", "affinity", "imagePullSecrets")
_OF_PODS = (*_POD, "volumeMounts", "code", "podLabels", "podAnnotations")


def newer(release: Release) -> bool:
    """Whether the release's Trainer has patches of runtimes."""
    return release.since("trainer", "2.2")


def foreign_fields(item: Item, ctx: Context) -> Iterator[Diagnostic]:
    """The fields that another version of Trainer has, and how to write them here."""
    have = ctx.release.components.get("trainer")
    if have is None:
        return  # the kind is not there at all, which is said of the object
    instead = {
        "podTemplateOverrides": "write 'runtimePatches: [{manager: example.com/me, trainingRuntimeSpec: {template: {spec:"
        " {replicatedJobs: [{name: node, template: {spec: {template: {spec: ...}}}}]}}}}]'",
        "runtimePatches": "write 'podTemplateOverrides: [{targetJobs: [node], spec: ...}]', or 'components: {trainer: 2.2.0}'",
        "activeDeadlineSeconds": "set it in the runtime, at"
        " template.spec.replicatedJobs[].template.spec.activeDeadlineSeconds, or 'components: {trainer: 2.2.0}'",
    }
    for key, hint in instead.items():
        older = key == "podTemplateOverrides"
        if getattr(item, key) is not None and older is newer(ctx.release):
            since = "before 2.2" if older else "from 2.2 on"
            message = f"Trainer has '{key}' {since}; this is {have}"
            yield finding("KF395", message, (*ctx.path, key), hint=hint, at_key=True)
    processes = item.trainer.get("numProcPerNode") if isinstance(item.trainer, dict) else None
    if newer(ctx.release) and isinstance(processes, str):
        message = f"Trainer takes '{processes}' as 'numProcPerNode' before 2.2; this is {have}"
        hint = (
            "leave it out: as many as a node has GPUs, or CPUs without any" if processes == "auto" else "write a number"
        )
        yield finding("KF395", message, (*ctx.path, "trainer", "numProcPerNode"), hint=hint)


def overrides(item: Item, ctx: Context, expansion: Expansion, runtime: Runtime | None) -> dict[str, Any]:
    """The fields of the job's spec that change its runtime's pods and JobSet: the item's short forms, then upstream's own."""
    given = [key for key in _OF_PODS if getattr(item, key) is not None]
    targets = (NODE,) if runtime is None or not runtime.jobs else runtime.training
    if given and not targets:
        message = f"the runtime has no container '{NODE}' that '{given[0]}' could be about"
        hint = f"name its training container '{NODE}'"
        expansion.found.append(finding("KF396", message, (*ctx.path, given[0]), hint=hint, at_key=True))
        given = []
    code = mounted(item.code, ctx, expansion) if given else None
    if code is not None:
        expansion.found.extend(_unnamed(item, ctx, code))
    of_job_set = item.jobSet.model_dump(exclude_none=True) if item.jobSet is not None else {}
    if newer(ctx.release):
        return _patches(item, ctx, expansion, targets if given else (), code, of_job_set)
    spec: dict[str, Any] = {}
    for key, value in of_job_set.items():
        spec[key] = value
        expansion.origins["spec", key] = Origin((*ctx.path, "jobSet", key))
    own = item.podTemplateOverrides
    if own is not None and not isinstance(own, list):
        return {**spec, "podTemplateOverrides": own}  # the schema says what is wrong with it
    found: list[Any] = []
    if given:
        at: Path = ("spec", "podTemplateOverrides", 0)
        template = _template(item, ctx, expansion, at, code)
        found.append({"targetJobs": [{"name": name} for name in targets], **template})
    found.extend(_own_overrides(own or (), ctx, expansion, len(found)))
    return {**spec, **({"podTemplateOverrides": found} if found else {})}


def _own_overrides(given: Iterable[Any], ctx: Context, expansion: Expansion, start: int) -> Iterator[Any]:
    """Upstream's overrides; the jobs that one is about also as names alone."""
    for n, entry in enumerate(given):
        at, path = ("spec", "podTemplateOverrides", start + n), (*ctx.path, "podTemplateOverrides", n)
        expanded = expansion.expand(entry, at, path)
        jobs = expanded.get("targetJobs") if isinstance(expanded, dict) else None
        if isinstance(jobs, list):
            named = [{"name": job} if isinstance(job, str) else job for job in jobs]
            for m, job in enumerate(jobs):
                if isinstance(job, str):
                    expansion.origins[*at, "targetJobs", m, "name"] = Origin((*path, "targetJobs", m))
            expanded = {**expanded, "targetJobs": named}
        yield expanded


def _patches(
    item: Item,
    ctx: Context,
    expansion: Expansion,
    targets: tuple[str, ...],
    code: Mounted | None,
    of_job_set: dict[str, Any],
) -> dict[str, Any]:
    """The same as Trainer 2.2 has it: one patch of kfspec's, and the item's own."""
    own = item.runtimePatches
    if own is not None and not isinstance(own, list):
        return {"runtimePatches": own}  # the schema says what is wrong with it
    at: Path = ("spec", "runtimePatches", 0, "trainingRuntimeSpec", "template")
    template: dict[str, Any] = {}
    if of_job_set:
        template["metadata"] = of_job_set
        expansion.origins[*at, "metadata"] = Origin((*ctx.path, "jobSet"))
    jobs = []
    for n, name in enumerate(targets):
        here: Path = (*at, "spec", "replicatedJobs", n, "template", "spec", "template")
        jobs.append({"name": name, "template": {"spec": {"template": _template(item, ctx, expansion, here, code)}}})
    if jobs:
        template["spec"] = {"replicatedJobs": jobs}
    made: list[Any] = [{"manager": MANAGER, "trainingRuntimeSpec": {"template": template}}] if template else []
    for n, entry in enumerate(own or ()):
        made.append(expansion.expand(entry, ("spec", "runtimePatches", len(made)), (*ctx.path, "runtimePatches", n)))
    return {"runtimePatches": made} if made else {}


def _template(item: Item, ctx: Context, expansion: Expansion, at: Path, code: Mounted | None) -> dict[str, Any]:
    """The change of a pod template that the item's short forms make."""
    expansion.origins[at] = Origin(ctx.path)
    meta = {}
    for key, field in (("labels", "podLabels"), ("annotations", "podAnnotations")):
        if getattr(item, field):
            meta[key] = getattr(item, field)
            expansion.origins[*at, "metadata", key] = Origin((*ctx.path, field))
    pod: dict[str, Any] = {}
    for key in _POD:
        value = getattr(item, key)
        if value is not None:
            expansion.origins[*at, "spec", key] = Origin((*ctx.path, key))
            pod[key] = expansion.field(key, value, (*at, "spec", key), (*ctx.path, key))
    container: Path = (*at, "spec", "containers", 0)
    mounts: list[Any]
    volumes: list[Any]
    if isinstance(item.volumeMounts, list):
        expansion.origins[*container, "volumeMounts"] = Origin((*ctx.path, "volumeMounts"))
        mounts, volumes = list(item.volumeMounts), []
    else:
        mounts, volumes = named_mounts(item.volumeMounts, ctx, expansion, container, (*at, "spec"), 0)
    if code is not None:
        expansion.origins[*container, "volumeMounts", len(mounts)] = Origin((*ctx.path, "code"))
        expansion.origins[*at, "spec", "volumes", len(volumes)] = Origin((*ctx.path, "code"))
        mounts, volumes = [*mounts, code.mount], [*volumes, code.volume]
    if mounts:
        pod["containers"] = [{"name": NODE, "volumeMounts": mounts}]
    if volumes:
        pod["volumes"] = volumes
    return {**({"metadata": meta} if meta else {}), **({"spec": pod} if pod else {})}


def _unnamed(item: Item, ctx: Context, code: Mounted) -> Iterator[Diagnostic]:
    """Trainer merges no working directory into a runtime's container, so the code has to be named where it is."""
    trainer = item.trainer if isinstance(item.trainer, dict) else {}
    said = [trainer.get(key) for key in ("command", "args", "env")]
    if code.path not in str(said):
        message = f"the code is mounted at '{code.path}', and nothing under 'trainer' names that place"
        hint = f"a command such as [python, {code.path}/...]; the working directory stays the image's"
        yield finding("KF751", message, (*ctx.path, "code"), hint=hint)


def defaulted(body: Body) -> Body:
    """The object without what the webhook stamps into it (Trainer 2.2.0, trainjob_webhook.go)."""
    spec = body.get("spec")
    patches = spec.get("runtimePatches") if isinstance(spec, dict) else None
    if not isinstance(spec, dict) or not isinstance(patches, list):
        return body
    bare = [{k: v for k, v in patch.items() if k != "time"} if isinstance(patch, dict) else patch for patch in patches]
    return {**body, "spec": {**spec, "runtimePatches": bare}}
