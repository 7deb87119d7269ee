"""A pipeline of Kubeflow Pipelines, with its schedules and runs.

`pipelines: {train: {package: train.yaml, recurringRuns: {nightly: {cron: "0 2 * * *", parameters: {epochs: 10}}}}}`. The
package is what the KFP SDK compiles; `source: train.py` has it compiled here, which runs the file and so needs `--allow-exec`.
The package may stand in the spec itself, as a mapping; what its file has as a second document then is its `platforms`. A
version is named by its content: another package is another version, and the old one stays as history. In an install of KFP
that keeps pipelines in its database, which is the default, `kfspec sync` does the work; `platform: {pipelines: kubernetes}`
compiles to objects, and leaves schedules and runs to the sync. There, `version: {name: train-v1}` is for a version that exists
already: nothing in it may change, so leave `version` out once the package is another one. `kfspec import` writes it.
"""

from __future__ import annotations

import copy
from typing import Annotated, Any, ClassVar

from pydantic import Field

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics, Path, has_errors
from kfspec.ir.checking import check
from kfspec.ir.graph import Component, graph, tasks
from kfspec.ir.identity import emitted, identity
from kfspec.ir.package import Package, told_at
from kfspec.kinds import base, syncing
from kfspec.kinds.base import Context, Effect, Lowered
from kfspec.kinds.pipelines import runs
from kfspec.kinds.pipelines.runs import RecurringRun, Run
from kfspec.resource import GVK, Body, Origin, Resource
from kfspec.spec.base import Json, Model, Namespaced
from kfspec.sync import payload
from kfspec.yamlio.dump import dump

BLOCK = "pipelines"
PIPELINE = GVK("pipelines.kubeflow.org", "v2beta1", "Pipeline")
VERSION = GVK("pipelines.kubeflow.org", "v2beta1", "PipelineVersion")
PRODUCES = (PIPELINE, VERSION, *syncing.LOOP)
DERIVES_FROM = ("resources",)

_OBJECTS_SINCE = "2.15.0"
"""From here on its objects keep displayName and platformSpec (kubeflow/manifests v1.10.2 and v1.11.0, CRDs)."""

_DEFAULT_EXPERIMENT = "Default"
"""The one that KFP makes by itself."""


class NamedVersion(Model):
    """A version by its own name, and what it says of itself."""

    name: str = Field(min_length=1, description="The name of the object.")
    displayName: str | None = Field(default=None, description="How KFP shows it.")  # noqa: N815
    description: str | None = Field(default=None, description="What people read beside it.")
    codeSourceURL: str | None = Field(default=None, description="Where its source is.")  # noqa: N815
    pipelineSpecURI: str | None = Field(default=None, description="Where its package is kept.")  # noqa: N815


class Item(Namespaced):
    """A pipeline."""

    onChange: ClassVar[str] = "keep"  # noqa: N815
    """Versions that a change supersedes stay, as they do in the database."""

    package: Annotated[str, Field(min_length=1)] | dict[str, Json] | None = Field(
        default=None, description="The compiled pipeline: a file of YAML or JSON, or what stands in such a file."
    )
    source: str | None = Field(
        default=None, min_length=1, description="Instead of `package`: `train.py`, or `train.py:function` of several."
    )
    version: NamedVersion | None = Field(
        default=None,
        description="A version that exists already, by its `name`, with what it says of itself; named by content otherwise.",
    )
    displayName: str | None = Field(default=None, description="How KFP shows it.")  # noqa: N815
    description: str | None = Field(default=None, description="What people read beside it.")
    experiment: str = Field(
        default=_DEFAULT_EXPERIMENT, min_length=1, description="The experiment of KFP that holds its runs."
    )
    pipelineRoot: str | None = Field(default=None, description="Where the artifacts of its runs go.")  # noqa: N815
    serviceAccount: str | None = Field(default=None, description="What its runs run as.")  # noqa: N815
    caching: bool | None = Field(default=None, description="Whether tasks may be answered from the cache, all or none.")
    recurringRuns: dict[str, RecurringRun] = Field(  # noqa: N815
        default_factory=dict,
        description="Name -> `cron` or `interval`, `parameters`, `maxConcurrency`, `catchup`, `enabled`, `startTime`, `endTime`.",
    )
    runs: dict[str, Run] = Field(
        default_factory=dict, description="Name -> `parameters`; started once for its content."
    )


def lower(item: Item, ctx: Context) -> Lowered:
    """A ConfigMap for the sync, or Pipeline and PipelineVersion with a ConfigMap for what starts them."""
    field, problems = _package_field(item, ctx)
    if field is None:
        return Lowered((), problems)
    found = list(runs.place_problems(item.pipelineRoot, item.serviceAccount, ctx.path, _accounts(ctx)))
    found += syncing.names_problems((ctx.name,), (BLOCK,))
    for kept in ("recurringRuns", "runs"):
        found += syncing.names_problems(getattr(item, kept), (*ctx.path, kept))
    package = ctx.package((*ctx.path, field))
    if package is None:
        return Lowered((), tuple(found))
    server = ctx.release.components["pipelines"]
    found += _told(check(package, server), item, (*ctx.path, field))
    found += _version_problems(item, ctx)
    if has_errors(found):
        return Lowered((), tuple(found))
    version = item.version.name if item.version else f"{ctx.name}-{base.digest8(_identity(package, item.caching))}"
    inherited = runs.Start(
        experiment=item.experiment if item.experiment != _DEFAULT_EXPERIMENT else None,
        pipelineRoot=item.pipelineRoot,
        serviceAccount=item.serviceAccount,
    )
    around = runs.Around(package, version, server, _accounts(ctx), inherited)
    recurring = runs.recurring(item.recurringRuns, (*ctx.path, "recurringRuns"), around, found)
    once = runs.once(item.runs, (*ctx.path, "runs"), around, found)
    content = _payload(item, ctx, package, version, recurring, once)
    if ctx.platform.pipelines == "database":
        made = _carried(item, ctx, content)
    elif not ctx.release.since("pipelines", _OBJECTS_SINCE):
        made = Lowered((), (_no_objects(ctx, server),))
    else:
        rest = _carried(item, ctx, content) if recurring or once else Lowered(())
        made = rest._replace(resources=(*_objects(item, ctx, package, version, field), *rest.resources))
    return made._replace(diagnostics=(*found, *made.diagnostics))


def _carried(item: Item, ctx: Context, content: payload.Pipeline) -> Lowered:
    carried, synced, problems = syncing.config_map(item, ctx, "kfp", content)
    if carried is None or synced is None:
        return Lowered((), problems)
    return Lowered((carried,), problems, synced=(synced,))


def _package_field(item: Item, ctx: Context) -> tuple[str | None, tuple[Diagnostic, ...]]:
    """`package` or `source`; None with what is wrong where it is not one of them."""
    if item.package is not None and item.source is not None:
        message = "'package' and 'source' both say what the pipeline is"
        hint = "keep 'package' for what is compiled already"
        return None, (finding("KF340", message, (*ctx.path, "source"), hint=hint, at_key=True),)
    if item.package is None and item.source is None:
        message = f"'{'.'.join(map(str, ctx.path))}' lacks 'package'"
        hint = "add 'package:' with what the KFP SDK compiled, or 'source:' with what it compiles"
        return None, (finding("KF102", message, ctx.path, hint=hint, at_key=True),)
    return ("package" if item.package is not None else "source"), ()


def _told(found: Diagnostics, item: Item, at: Path) -> Diagnostics:
    """Findings of the package: of a file at the place that names it, of a mapping where they are."""
    if isinstance(item.package, dict):
        return tuple(d._replace(path=(*at, *d.path)) for d in found)
    return told_at(found, at)


def _version_problems(item: Item, ctx: Context) -> Diagnostics:
    if item.version is None or ctx.platform.pipelines == "kubernetes":
        return ()
    message = "a version has no name of its own where KFP keeps pipelines in its database"
    hint = "remove it: the version is named by its content; or 'platform: {pipelines: kubernetes}'"
    return (finding("KF781", message, (*ctx.path, "version"), hint=hint, at_key=True),)


def _identity(package: Package, caching: bool | None) -> dict[str, Any]:
    return {"package": identity(package), **({"caching": caching} if caching is not None else {})}


def _accounts(ctx: Context) -> frozenset[str]:
    """The service accounts that are known: the platform's, those of `externals`, and those that `resources` makes."""
    named = (ctx.declared.get("externals") or {}).get("serviceAccounts") or ()
    entries = ctx.declared.get("resources") or {}
    made = (
        (body.get("metadata") or {}).get("name", name)
        for name, body in entries.items()
        if isinstance(body, dict) and body.get("kind") == "ServiceAccount"
    )
    every = (runs.DEFAULT_ACCOUNT, "default-viewer", "default", *named, *made)
    return frozenset(name for name in every if isinstance(name, str))


def _no_objects(ctx: Context, server: str) -> Diagnostic:
    message = f"KFP {server} cannot keep pipelines as objects whole"
    why = "it has no such kinds" if server == "2.4.1" else "its CRDs drop 'displayName' and 'platformSpec'"
    hint = f"{why}; 'pipelines: database', or a release from 1.11 on"
    return finding("KF307", message, ("platform", "pipelines"), hint=hint)


def _objects(item: Item, ctx: Context, package: Package, version: str, field: str) -> tuple[Resource, ...]:
    """Pipeline and PipelineVersion. What describes the pipeline stands there: a version can never be changed."""
    shown = {"displayName": item.displayName, "description": item.description}
    spec, platform = _as_written(package) if item.version else emitted(package)
    said = item.version.model_dump(exclude={"name"}, exclude_none=True) if item.version else {}
    if item.caching is not None:
        _switch_caching(spec, item.caching)
    pipeline: Body = {
        "apiVersion": PIPELINE.api_version,
        "kind": PIPELINE.kind,
        "metadata": base.metadata(ctx, item),
        "spec": {key: value for key, value in shown.items() if value is not None},
    }
    made: Body = {
        "apiVersion": VERSION.api_version,
        "kind": VERSION.kind,
        "metadata": base.metadata(ctx, item, version, protect=True),
        "spec": {
            "pipelineName": ctx.name,
            **said,
            "pipelineSpec": spec,
            **({"platformSpec": platform} if platform else {}),
        },
    }
    origins = base.base_origins(ctx, spec=Origin(ctx.path))
    of_version = {**base.base_origins(ctx, spec=Origin((*ctx.path, field))), ("spec", "pipelineName"): Origin(ctx.path)}
    for part in ("pipelineSpec", "platformSpec"):
        of_version["spec", part] = Origin((*ctx.path, field))
    for name in said:
        of_version["spec", name] = Origin((*ctx.path, "version", name))
    if item.version is not None:
        of_version["metadata", "name"] = Origin((*ctx.path, "version", "name"))
    return base.resource(ctx, pipeline, origins), base.resource(ctx, made, of_version)


def _as_written(package: Package) -> tuple[dict[str, Any], dict[str, Any]]:
    """Pipeline and platform spec as they stand there: a version that exists already is never changed."""
    spec, platform = package.spec.value, package.platform.value if package.platform is not None else {}
    return copy.deepcopy(spec), copy.deepcopy(platform)


def _switch_caching(spec: dict[str, Any], on: bool) -> None:
    """The same for every task, as `kfspec sync` does it where it uploads the package."""
    pipeline = graph(spec)
    component: Component
    for component in pipeline.all():
        for task in tasks(component).values():
            if isinstance(task.body, dict):
                task.body["cachingOptions"] = {"enableCache": True} if on else {}


def _payload(
    item: Item,
    ctx: Context,
    package: Package,
    version: str,
    recurring: tuple[payload.RecurringRun, ...],
    once: tuple[payload.Run, ...],
) -> payload.Pipeline:
    given: dict[str, Any] = {
        "item": ".".join(map(str, ctx.path)),
        "name": ctx.name,
        "displayName": item.displayName,
        "description": item.description,
        "version": version,
        "experiment": item.experiment,
        "pipelineRoot": item.pipelineRoot,
        "serviceAccount": runs.account(item.serviceAccount),
        "recurringRuns": recurring,
        "runs": once,
        "provenance": payload.Provenance(specDigest=syncing.spec_digest(_said(ctx))),
    }
    if ctx.platform.pipelines == "kubernetes":
        return payload.Pipeline(**given)  # without a package, which the objects hold
    spec, platform = emitted(package)
    text = dump(spec) + (f"---\n{dump(platform)}" if platform else "")
    return payload.Pipeline(**given, package=text, caching=item.caching)


def _said(ctx: Context) -> Any:
    """The item as the spec has it."""
    return (ctx.declared.get(BLOCK) or {}).get(ctx.name)


lift = base.no_lift  # an item is a Pipeline and one of its versions: `kinds.pipelines.lifting`
rules = base.no_rules

EFFECTS = (
    Effect(
        ("spec",),
        "changes how the pipeline is shown; its versions and runs stay",
        "Kubeflow Pipelines 2.5.0, backend/src/crd/kubernetes/v2beta1/pipeline_types.go (description and display name)",
    ),
)
ready = base.ready_when_there
