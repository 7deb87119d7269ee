"""How models of a format are served (KServe ServingRuntime, ClusterServingRuntime).

`servingRuntimes: {custom: {containers: {kserve-container: {image: ...}}, supportedModelFormats: [sklearn]}}`. The object is
named by its content, `custom-<hash8>`, and `predictor.model.runtime: custom` of a service means that: a change of the runtime
rolls the services that name it, and nothing else. `hashed: false` keeps the plain name, for runtimes that are selected by format
or that others use; `clusterScoped: true` serves every namespace.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field, ValidationError

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, Severity, Upstream
from kfspec.kinds import base
from kfspec.kinds.base import Context, Effect, Lowered, Moment, Outcome
from kfspec.kinds.kserve import runtime_rules
from kfspec.kinds.kserve.runtimes import RUNTIMES
from kfspec.kinds.lifting import own_metadata, shorten
from kfspec.kinds.shortforms import Expansion
from kfspec.kinds.status import at
from kfspec.resource import GVK, Body, Origin
from kfspec.spec.base import Json, Namespaced

BLOCK = "servingRuntimes"
PRODUCES = (
    GVK("serving.kserve.io", "v1alpha1", "ServingRuntime"),
    GVK("serving.kserve.io", "v1alpha1", "ClusterServingRuntime"),
)


class Item(Namespaced):
    """A serving runtime."""

    clusterScoped: bool = Field(  # noqa: N815
        default=False, description="`true`: a ClusterServingRuntime, for the services of every namespace."
    )
    hashed: bool = Field(
        default=True,
        description="`false`: the object keeps the plain name. A change then reaches services at their next reconcile; from"
        " KServe 0.16 on it rolls all of them at once.",
    )
    supportedModelFormats: Json = Field(default=None, description="Upstream's list; a text is short for `{name: ...}`.")  # noqa: N815
    protocolVersions: Json = Field(default=None, description="Upstream's: v1, v2, grpc-v1, grpc-v2.")  # noqa: N815
    containers: Json = Field(default=None, description="Upstream's, or a map by name; `kserve-container` serves.")
    volumes: Json = Field(default=None, description="Upstream's, or a map by name.")
    imagePullSecrets: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    nodeSelector: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    affinity: Json = Field(default=None, description="Upstream's.")
    tolerations: Json = Field(default=None, description="Upstream's.")
    hostIPC: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    podLabels: dict[str, str] | None = Field(default=None, description="Upstream's `spec.labels`: of the pods.")  # noqa: N815
    podAnnotations: dict[str, str] | None = Field(  # noqa: N815
        default=None, description="Upstream's `spec.annotations`: of the pods."
    )
    workerSpec: Json = Field(default=None, description="Upstream's: several nodes serve one model.")  # noqa: N815
    disabled: Json = Field(default=None, description="Upstream's.")
    multiModel: Json = Field(default=None, description="Upstream's: for ModelMesh.")  # noqa: N815
    replicas: Json = Field(default=None, description="Upstream's, for ModelMesh.")
    builtInAdapter: Json = Field(default=None, description="Upstream's, for ModelMesh.")  # noqa: N815
    storageHelper: Json = Field(default=None, description="Upstream's, for ModelMesh.")  # noqa: N815
    grpcEndpoint: Json = Field(default=None, description="Upstream's, for ModelMesh.")  # noqa: N815
    grpcDataEndpoint: Json = Field(default=None, description="Upstream's, for ModelMesh.")  # noqa: N815
    httpDataEndpoint: Json = Field(default=None, description="Upstream's, for ModelMesh.")  # noqa: N815


_UPSTREAM = (
    "supportedModelFormats",
    "protocolVersions",
    "containers",
    "volumes",
    "imagePullSecrets",
    "nodeSelector",
    "affinity",
    "tolerations",
    "hostIPC",
    "workerSpec",
    "disabled",
    "multiModel",
    "replicas",
    "builtInAdapter",
    "storageHelper",
    "grpcEndpoint",
    "grpcDataEndpoint",
    "httpDataEndpoint",
)
_OF_PODS = {"labels": "podLabels", "annotations": "podAnnotations"}
"""Fields of the spec whose names every item has for its own object -> the item's field."""


def lower(item: Item, ctx: Context) -> Lowered:
    """One ServingRuntime or ClusterServingRuntime."""
    expansion = Expansion(ctx)
    spec = _spec(item, ctx, expansion)
    body = {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": _kind(item),
        "metadata": base.metadata(ctx, item, _name(item, ctx.name, spec), namespaced=not item.clusterScoped),
        "spec": spec,
    }
    found = [*expansion.found, *(_selected_by_format(spec, ctx) if item.hashed else ())]
    if item.clusterScoped and item.profile is not None:
        message = "'profile' and 'clusterScoped' exclude each other: the cluster's runtimes are in no namespace"
        found.append(finding("KF340", message, (*ctx.path, "profile"), hint="keep one of them", at_key=True))
    origins = {**base.base_origins(ctx), **expansion.origins}
    return Lowered((base.resource(ctx, body, origins),), tuple(found))


def resolve(name: str, ctx: Context) -> str | None:
    """What the object of the runtime that an item calls `name` is called; None where `ctx`'s namespace sees no such item."""
    block = ctx.declared.get(BLOCK)
    given = block.get(name) if isinstance(block, dict) else None
    if not isinstance(given, dict):
        return None
    try:
        item = Item.model_validate(given)
    except ValidationError:
        return None  # said at the runtime
    defaults = ctx.declared.get("defaults")
    profile = item.profile or (defaults.get("profile") if isinstance(defaults, dict) else None)
    if not item.clusterScoped and profile != ctx.profile:
        return None
    if not item.hashed:
        return name
    its = ctx._replace(path=(BLOCK, name), name=name)
    return _name(item, name, _spec(item, its, Expansion(its)))


def _kind(item: Item) -> str:
    return RUNTIMES[item.clusterScoped]


def _name(item: Item, name: str, spec: dict[str, Any]) -> str:
    return f"{name}-{base.digest8({'kind': _kind(item), 'spec': spec})}" if item.hashed else name


def _spec(item: Item, ctx: Context, expansion: Expansion) -> dict[str, Any]:
    """Upstream's fields, in upstream's form."""
    expansion.origins["spec",] = Origin(ctx.path)
    spec: dict[str, Any] = {}
    for key in _UPSTREAM:
        value = getattr(item, key)
        if value is not None:
            where = (*ctx.path, key)
            expansion.origins.setdefault(("spec", key), Origin(where))
            value = _formats(value, where, expansion) if key == "supportedModelFormats" else value
            spec[key] = expansion.field(key, value, ("spec", key), where)
    for key, field in _OF_PODS.items():
        value = getattr(item, field)
        if value is not None:
            spec[key] = value
            expansion.origins["spec", key] = Origin((*ctx.path, field))
    return spec


def _formats(value: Any, where: Path, expansion: Expansion) -> Any:
    if not isinstance(value, list):
        return value
    for n, each in enumerate(value):
        if isinstance(each, str):
            expansion.origins["spec", "supportedModelFormats", n, "name"] = Origin((*where, n))
    return [{"name": each} if isinstance(each, str) else each for each in value]


def _selected_by_format(spec: dict[str, Any], ctx: Context) -> Iterator[Diagnostic]:
    """A new version of a runtime stands beside the old one until the services have left that."""
    formats = spec.get("supportedModelFormats")
    for n, each in enumerate(formats if isinstance(formats, list) else ()):
        if not isinstance(each, dict) or each.get("autoSelect") is not True or spec.get("disabled") is True:
            continue
        path = (*ctx.path, "supportedModelFormats", n)
        if each.get("priority") is not None:
            message = (
                f"the next change of '{ctx.name}' would be refused: old and new both have priority {each['priority']}"
            )
            hint = "hashed: false, or leave 'autoSelect' out and name the runtime in services"
            yield finding("KF357", message, (*path, "priority"), hint=hint)
        else:
            message = f"a change of '{ctx.name}' rolls no service that gets it by 'autoSelect'"
            hint = "name the runtime in services, or hashed: false"
            yield finding(
                "KF357",
                message,
                (*path, "autoSelect"),
                hint=hint,
                severity=Severity.WARNING,
                upstream=Upstream.ADVICE,
                at_key=True,
            )
        return


def lift(body: Body) -> Iterator[dict[str, Any]]:
    """Items that may stand for the object, the shortest first. It keeps its name: others may use it."""
    spec = body.get("spec")
    if not isinstance(spec, dict) or spec.keys() - {*_UPSTREAM, *_OF_PODS}:
        return
    scope = {"clusterScoped": True} if body.get("kind") == RUNTIMES[True] else {}
    rest = {**scope, "hashed": False, **own_metadata(body)}
    pods = {_OF_PODS[key]: value for key, value in spec.items() if key in _OF_PODS}
    own = {key: value for key, value in spec.items() if key in _UPSTREAM}
    short = {key: shorten(value, key) for key, value in own.items()}
    formats = short.get("supportedModelFormats")
    if isinstance(formats, list):
        short["supportedModelFormats"] = [
            each["name"] if isinstance(each, dict) and each.keys() == {"name"} else each for each in formats
        ]
    yield {**short, **pods, **rest}
    yield {**own, **pods, **rest}


rules = runtime_rules.rules


def _loses_workers(moment: Moment) -> bool:
    return at(moment.after, "spec", "workerSpec") is None


EFFECTS = (
    Effect(
        ("spec", "workerSpec"),
        "a runtime for several nodes stays one: declare another beside it",
        "KServe 0.15.2, pkg/webhook/admission/servingruntime/servingruntime_webhook.go (validateMultiNodeSpec)",
        Outcome.REFUSED,
        ">=0.15",
        _loses_workers,
    ),
    Effect(
        ("spec",),
        "model servers that use it take the change up when something else reconciles them: an edit, a restart of the controller",
        "KServe 0.15.2, pkg/controller/v1beta1/inferenceservice/controller.go (does not watch runtimes)",
        Outcome.LATER,
        "<0.16",
    ),
    Effect(
        ("spec",),
        "rolls every model server that uses it, at once",
        "KServe 0.16.0, pkg/controller/v1beta1/inferenceservice/controller.go (watches runtimes)",
        Outcome.DISRUPTS,
        ">=0.16",
    ),
)
ready = base.ready_when_there
