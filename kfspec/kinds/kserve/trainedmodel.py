"""One of the models of a multi-model server (KServe TrainedModel).

`trainedModels: {cifar10: {inferenceService: triton, model: {framework: pytorch, storageUri: gs://..., memory: 1Gi}}}`. The server
is an InferenceService of the same namespace; the memory of a model never changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, Upstream
from kfspec.kinds import base
from kfspec.kinds.base import Context, Effect, Facts, Look, Lowered, Outcome, Readiness
from kfspec.kinds.lifting import own_metadata
from kfspec.resource import GVK, Body, Origin
from kfspec.spec.base import Json, Namespaced

BLOCK = "trainedModels"
PRODUCES = (GVK("serving.kserve.io", "v1alpha1", "TrainedModel"),)

_SCHEMES = ("s3://", "gs://", "https://", "http://")
"""What the agent downloads from (KServe 0.14.1, pkg/agent/storage; executed)."""


class Item(Namespaced):
    """A model of a multi-model server."""

    inferenceService: Json = Field(description="The InferenceService that serves it, of the same profile.")  # noqa: N815
    model: Json = Field(description="Upstream's: framework, storageUri and memory.")


def lower(item: Item, ctx: Context) -> Lowered:
    """One TrainedModel."""
    spec = {"inferenceService": item.inferenceService, "model": item.model}
    body = {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "TrainedModel",
        "metadata": base.metadata(ctx, item),
        "spec": spec,
    }
    origins = base.base_origins(ctx, spec=Origin(ctx.path))
    for key in spec:
        origins["spec", key] = Origin((*ctx.path, key))
    return Lowered((base.resource(ctx, body, origins),))


def lift(body: Body) -> Iterator[dict[str, Any]]:
    """The item of the model."""
    spec = body.get("spec")
    if isinstance(spec, dict) and spec.keys() == {"inferenceService", "model"}:
        yield {**spec, **own_metadata(body)}


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """The webhook's rules (KServe 0.14.1, trainedmodel_webhook.go; executed)."""
    name = body["metadata"].get("name") or ""
    if "." in name:  # the pattern allows what no object can be called, and no dots
        hint = "use lower-case letters, digits and '-', no dots"
        yield finding("KF360", f"no TrainedModel can be called '{name}'", ("metadata", "name"), hint=hint)
    model = (body.get("spec") or {}).get("model") or {}
    uri = model.get("storageUri") or ""
    if not uri.startswith(_SCHEMES):
        given = f"'{uri.split('://')[0]}://'" if "://" in uri else f"'{uri}'"
        path: Path = ("spec", "model", "storageUri")
        message = f"a TrainedModel is not downloaded from {given}"
        yield finding("KF370", message, path, hint=", ".join(_SCHEMES), upstream=Upstream.REFUSES)


_WEBHOOK = "KServe 0.14.1, pkg/apis/serving/v1alpha1/trainedmodel_webhook.go"
_AGENT = "KServe 0.14.1, pkg/controller/v1alpha1/trainedmodel/controller.go"

EFFECTS = (
    Effect(
        ("spec", "model", "memory"),
        "the memory of a model cannot change: delete the TrainedModel first, or make another beside it",
        _WEBHOOK,
        Outcome.REFUSED,
    ),
    Effect(("spec", "model"), "the server loads the model anew", _AGENT, Outcome.DISRUPTS),
    Effect(("spec", "inferenceService"), "moves the model from server {old} to {new}", _AGENT, Outcome.DISRUPTS),
)


def ready(body: Body, look: Look) -> Readiness:
    """By the condition Ready."""
    return base.by_condition(body, "Ready")
