"""A training run of Trainer v2 (TrainJob).

`trainingJobs: {train: {kind: TrainJob, runtime: torch-distributed, trainer: {image: ..., command: [...], numNodes: 2}}}`: the
runtime says how, the job what. `runtime` is the name of one under `trainingRuntimes`, of one that Trainer ships, or of an
external one. What a job changes of its runtime's pods (`volumeMounts`, `code`, `nodeSelector`, ...) compiles to
`podTemplateOverrides` under Trainer 2.1 and to `runtimePatches` under 2.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from kfspec.codes import finding
from kfspec.kinds import base
from kfspec.kinds.base import RUN_SUFFIX, Context, Lowered
from kfspec.kinds.lifting import own_metadata, shorten
from kfspec.kinds.shortforms import Expansion
from kfspec.kinds.trainer import effects
from kfspec.kinds.trainer.overrides import foreign_fields, newer, overrides
from kfspec.kinds.trainer.rules import job_rules
from kfspec.kinds.trainer.runtimes import NODE, Runtime, described, longest_suffix, shipped
from kfspec.kinds.training.code import CONFIG_MAP, CodeSource, config_maps
from kfspec.kinds.training.queues import QUEUE, lifted_queue, queue_labels
from kfspec.kinds.training.shared import Lent, RunItem
from kfspec.resource import GVK, Body, Origin
from kfspec.spec.base import Json, Model

BLOCK = "trainingJobs"
PRODUCES = (GVK("trainer.kubeflow.org", "v1alpha1", "TrainJob"), CONFIG_MAP)
DERIVES_FROM = ("trainingRuntimes",)

_DEFAULT_REF = {"apiGroup": "trainer.kubeflow.org", "kind": "ClusterTrainingRuntime"}
_LEADER = {"batch.kubernetes.io/job-completion-index": "0"}
_LEADING_JOB = "jobset.sigs.k8s.io/replicatedjob-name"


class JobSetMetadata(Model):
    """Labels and annotations of the JobSet that Trainer makes."""

    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class Item(RunItem):
    """A TrainJob."""

    kind: Literal["TrainJob"]
    runtime: str | None = Field(default=None, min_length=1, description="The name of a training runtime.")
    runtimeRef: Json = Field(default=None, description="Upstream's long form of `runtime`: name, kind, apiGroup.")  # noqa: N815
    trainer: Json = Field(
        default=None,
        description="Upstream's: image, command, args, env, numNodes, numProcPerNode, resourcesPerNode; the last also as "
        "`{cpu, memory, gpu}`.",
    )
    initializer: Json = Field(
        default=None,
        description="Upstream's: dataset and model, each `{storageUri, env, secretRef}`, or the URI alone; secretRef also by "
        "name.",
    )
    suspend: Json = Field(default=None, description="Upstream's.")
    managedBy: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    activeDeadlineSeconds: Json = Field(default=None, description="Upstream's, from Trainer 2.2 on.")  # noqa: N815
    podTemplateOverrides: Json = Field(  # noqa: N815
        default=None, description="Upstream's, before Trainer 2.2; `targetJobs` also as a list of names."
    )
    runtimePatches: Json = Field(default=None, description="Upstream's, from Trainer 2.2 on.")  # noqa: N815
    jobSet: JobSetMetadata | None = Field(  # noqa: N815
        default=None, description="Labels and annotations of the JobSet: upstream's `labels` and `annotations` (2.1)."
    )
    volumeMounts: Json = Field(  # noqa: N815
        default=None, description="Volume -> path, or `{mountPath, subPath, readOnly}`, for every training pod."
    )
    serviceAccountName: Json = Field(default=None, description="Upstream's, for every training pod.")  # noqa: N815
    nodeSelector: Json = Field(default=None, description="Upstream's, for every training pod.")  # noqa: N815
    tolerations: Json = Field(default=None, description="Upstream's, for every training pod.")
    affinity: Json = Field(default=None, description="Upstream's, for every training pod.")
    imagePullSecrets: Json = Field(default=None, description="Upstream's, for every training pod.")  # noqa: N815
    podLabels: dict[str, str] | None = Field(default=None, description="Labels of every training pod.")  # noqa: N815
    podAnnotations: dict[str, str] | None = Field(default=None, description="Annotations of every training pod.")  # noqa: N815
    code: str | CodeSource | None = Field(
        default=None,
        description="A local file or folder, mounted into every training pod; a change of it is a new run.",
    )


def lower(item: Item, ctx: Context) -> Lowered:
    """One run: an object named `<name>-<hash8>`; nothing for a template (`run: false`) but its findings."""
    expansion = Expansion(ctx)
    spec = job_spec(item, ctx, expansion)
    if "runtimeRef" not in spec:
        return Lowered((), tuple(expansion.found))
    identity = {"kind": "TrainJob", "spec": spec, **({"rerun": item.rerun} if item.rerun is not None else {})}
    suffix = longest_suffix(runtime_of(spec["runtimeRef"], ctx), _nodes(spec))
    limit = 63 - len(suffix) - RUN_SUFFIX
    if len(ctx.name) > limit:
        message = f"the name has {len(ctx.name)} characters; with its hash and '{suffix}' a TrainJob may have {limit}"
        hint = f"shorten it by {len(ctx.name) - limit}"
        return Lowered((), (*expansion.found, finding("KF380", message, ctx.path, hint=hint, at_key=True)))
    protect = item.onChange == "keep"
    queue = queue_labels(item, item.queue, ctx, expansion)
    name = f"{ctx.name}-{base.digest8(identity)}"
    body = {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainJob",
        "metadata": base.metadata(ctx, item, name, labels=queue, protect=protect),
        "spec": spec,
    }
    origins = {**base.base_origins(ctx), **expansion.origins}
    made = (*config_maps(item, ctx, expansion, protect=protect), base.resource(ctx, body, origins))
    return Lowered(made if item.run else (), tuple(expansion.found), () if item.run else made)


def job_spec(item: Item, ctx: Context, expansion: Expansion) -> dict[str, Any]:
    """The spec of a job as its version of Trainer takes it."""
    expansion.origins["spec",] = Origin(ctx.path)
    spec: dict[str, Any] = {}
    reference = _runtime_ref(item, ctx, expansion)
    if reference is not None:
        spec["runtimeRef"] = reference
    if item.initializer is not None:
        spec["initializer"] = _initializer(item.initializer, ctx, expansion)
    if item.trainer is not None:
        spec["trainer"] = _trainer(item.trainer, ctx, expansion)
    expansion.found.extend(foreign_fields(item, ctx))
    deadline = ("activeDeadlineSeconds",) if newer(ctx.release) else ()
    for key in ("suspend", "managedBy", *deadline):
        value = getattr(item, key)
        if value is not None:
            spec[key] = value
            expansion.origins["spec", key] = Origin((*ctx.path, key))
    runtime = runtime_of(reference, ctx) if reference is not None else None
    return {**spec, **overrides(item, ctx, expansion, runtime)}


def _runtime_ref(item: Item, ctx: Context, expansion: Expansion) -> Any:
    at = ("spec", "runtimeRef")
    if item.runtime is not None and item.runtimeRef is not None:
        message = "'runtime' and 'runtimeRef' say the same thing"
        expansion.found.append(finding("KF340", message, (*ctx.path, "runtime"), hint="keep one of them", at_key=True))
    if item.runtimeRef is not None:
        return expansion.expand(item.runtimeRef, at, (*ctx.path, "runtimeRef"))
    if item.runtime is None:
        known = ", ".join(shipped(ctx.release.components.get("trainer")))
        message = f"'{'.'.join(map(str, ctx.path))}' lacks 'runtime'"
        hint = f"one of 'trainingRuntimes', or: {known}" if known else "add 'runtime:'"
        expansion.found.append(finding("KF102", message, ctx.path, hint=hint, at_key=True))
        return None
    expansion.origins[at] = expansion.origins[*at, "name"] = Origin((*ctx.path, "runtime"))
    declared = _declared(item.runtime, ctx)
    namespaced = declared is not None and declared.get("clusterScoped") is not True
    return {"name": item.runtime, **({"kind": "TrainingRuntime"} if namespaced else {})}


def _declared(name: Any, ctx: Context) -> dict[str, Any] | None:
    items = ctx.declared.get("trainingRuntimes")
    found = items.get(name) if isinstance(items, dict) and isinstance(name, str) else None
    return found if isinstance(found, dict) else None


def runtime_of(reference: Any, ctx: Context) -> Runtime | None:
    """What is known of the runtime that a job names: a declared one, or one that Trainer ships."""
    if not isinstance(reference, dict):
        return None
    name = reference.get("name")
    clustered = reference.get("kind", _DEFAULT_REF["kind"]) == _DEFAULT_REF["kind"]
    declared = _declared(name, ctx)
    if declared is not None and (declared.get("clusterScoped") is True) is clustered:
        return described(declared)
    return shipped(ctx.release.components.get("trainer")).get(str(name)) if clustered else None


def _trainer(given: Any, ctx: Context, expansion: Expansion) -> Any:
    at, path = ("spec", "trainer"), (*ctx.path, "trainer")
    trainer = expansion.expand(given, at, path)
    if isinstance(trainer, dict) and newer(ctx.release) and isinstance(trainer.get("numProcPerNode"), str):
        trainer = {key: value for key, value in trainer.items() if key != "numProcPerNode"}  # which was said
    if isinstance(trainer, dict) and isinstance(trainer.get("resourcesPerNode"), dict):
        here, there = (*at, "resourcesPerNode"), (*path, "resourcesPerNode")
        trainer = {**trainer, "resourcesPerNode": expansion.resources(given["resourcesPerNode"], here, there)}
    return trainer


def _initializer(given: Any, ctx: Context, expansion: Expansion) -> Any:
    """Datasets and models, a URI alone taken for the whole, and a Secret's name for a reference to it."""
    at, path = ("spec", "initializer"), (*ctx.path, "initializer")
    expanded = expansion.expand(given, at, path)
    if not isinstance(expanded, dict):
        return expanded
    result = dict(expanded)
    for key in ("dataset", "model"):
        value = result.get(key)
        if isinstance(value, str):
            expansion.origins[*at, key] = expansion.origins[*at, key, "storageUri"] = Origin((*path, key))
            result[key] = {"storageUri": value}
        elif isinstance(value, dict) and isinstance(value.get("secretRef"), str):
            expansion.origins[*at, key, "secretRef", "name"] = Origin((*path, key, "secretRef"))
            result[key] = {**value, "secretRef": {"name": value["secretRef"]}}
    return result


def _nodes(spec: dict[str, Any]) -> Any:
    trainer = spec.get("trainer")
    return trainer.get("numNodes") if isinstance(trainer, dict) else None


def lend(item: Item, ctx: Context, expansion: Expansion) -> Lent:
    """The job as a trial of an experiment: Katib reads the metrics of the first training pod (0.19)."""
    spec = job_spec(item, ctx, expansion)
    runtime = runtime_of(spec.get("runtimeRef"), ctx)
    leader = runtime.leader if runtime is not None else NODE
    return Lent(
        {"apiVersion": "trainer.kubeflow.org/v1alpha1", "kind": "TrainJob", "spec": spec},
        NODE,
        {_LEADING_JOB: leader, **_LEADER},
        done="Complete",
        usual_leader=leader == NODE,
    )


# -- the way back -----------------------------------------------------------------------------------------------

_PLAIN = ("suspend", "managedBy", "activeDeadlineSeconds", "podTemplateOverrides")
_METADATA = ("labels", "annotations")


def lift(body: Body) -> Iterator[dict[str, Any]]:
    """Items that may stand for the job, the shortest first."""
    spec = body.get("spec")
    known = ("runtimeRef", "trainer", "initializer", "runtimePatches", *_PLAIN, *_METADATA)
    if not isinstance(spec, dict) or spec.keys() - set(known):
        return
    queue = lifted_queue(body)
    meta = {**queue, **own_metadata(body, (QUEUE,) if queue else ())}
    rest = {key: spec[key] for key in _PLAIN if key in spec}
    patches = spec.get("runtimePatches")
    if isinstance(patches, list):  # the time of a patch is the webhook's
        rest["runtimePatches"] = [
            {k: v for k, v in p.items() if k != "time"} if isinstance(p, dict) else p for p in patches
        ]
    of_job_set = {key: spec[key] for key in _METADATA if key in spec}
    if of_job_set:
        rest["jobSet"] = of_job_set
    long = {key: spec[key] for key in ("trainer", "initializer") if key in spec}
    short = {key: _short(value) for key, value in long.items()}
    reference = spec.get("runtimeRef")
    if isinstance(reference, dict) and {**_DEFAULT_REF, **reference} == {**_DEFAULT_REF, "name": reference.get("name")}:
        yield {"kind": "TrainJob", "runtime": reference.get("name"), **short, **rest, **meta}
    yield {"kind": "TrainJob", "runtimeRef": reference, **short, **rest, **meta}
    yield {"kind": "TrainJob", "runtimeRef": reference, **long, **rest, **meta}


def _short(given: Any) -> Any:
    """`trainer` or `initializer` in their short forms."""
    if not isinstance(given, dict):
        return given
    result = {key: shorten(value, "resources" if key == "resourcesPerNode" else key) for key, value in given.items()}
    for key in ("dataset", "model"):
        value = result.get(key)
        if not isinstance(value, dict):
            continue
        secret = value.get("secretRef")
        if isinstance(secret, dict) and secret.keys() == {"name"}:
            value = {**value, "secretRef": secret["name"]}
        result[key] = value["storageUri"] if value.keys() == {"storageUri"} else value
    return result


rules = job_rules
EFFECTS = effects.EFFECTS
ready = effects.ready
