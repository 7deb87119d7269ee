"""A copy of a model on the nodes that serve it (KServe LocalModelCache).

`modelCaches: {llama: {sourceModelUri: "hf://meta/llama", modelSize: 20Gi, nodeGroups: [gpus]}}`. It is cluster-scoped; services
whose `storageUri` is the cached one, or below it, read the copy. The groups of nodes are the cluster's: `LocalModelNodeGroup`
objects of `resources`, or `externals: {modelNodeGroups: [...]}`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from kfspec.kinds import base
from kfspec.kinds.base import Context, Effect, Look, Lowered, Outcome, Readiness, State
from kfspec.kinds.lifting import own_metadata
from kfspec.kinds.status import at, count
from kfspec.resource import GVK, Body, Origin
from kfspec.spec.base import Block, Json

BLOCK = "modelCaches"
PRODUCES = (GVK("serving.kserve.io", "v1alpha1", "LocalModelCache"),)

_UPSTREAM = ("sourceModelUri", "modelSize", "nodeGroups")


class Item(Block):
    """A cached model."""

    sourceModelUri: Json = Field(description="Upstream's: where the model is copied from; it never changes.")  # noqa: N815
    modelSize: Json = Field(description="Upstream's: how much space the model takes (`20Gi`).")  # noqa: N815
    nodeGroups: Json = Field(description="Upstream's: the groups of nodes that get a copy.")  # noqa: N815


def lower(item: Item, ctx: Context) -> Lowered:
    """One LocalModelCache."""
    spec = {key: getattr(item, key) for key in _UPSTREAM}
    body = {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "LocalModelCache",
        "metadata": base.metadata(ctx, item, namespaced=False),
        "spec": spec,
    }
    origins = base.base_origins(ctx, spec=Origin(ctx.path))
    for key in spec:
        origins["spec", key] = Origin((*ctx.path, key))
    return Lowered((base.resource(ctx, body, origins),))


def lift(body: Body) -> Iterator[dict[str, Any]]:
    """The item of the cache."""
    spec = body.get("spec")
    if isinstance(spec, dict) and spec.keys() == set(_UPSTREAM):
        yield {**spec, **own_metadata(body)}


rules = base.no_rules

EFFECTS = (
    Effect(
        ("spec", "sourceModelUri"),
        "a cache stays with its model: declare another beside it",
        "KServe 0.14.1, local_model_cache_types.go (CEL); executed",
        Outcome.REFUSED,
    ),
    Effect(
        ("spec", "nodeGroups"),
        "copies the model to the nodes of the first group; copies elsewhere stay",
        "KServe 0.14.1, pkg/controller/v1alpha1/localmodel/controller.go",
        versions="<0.15",
    ),
    Effect(
        ("spec", "nodeGroups"),
        "copies the model to the nodes of the new groups; copies elsewhere stay",
        "KServe 0.15.2, pkg/controller/v1alpha1/localmodel/controller.go",
        versions=">=0.15",
    ),
    Effect(
        ("spec", "modelSize"),
        "nothing happens: the size is not compared with the room that there is",
        "KServe 0.16.0, pkg/controller/v1alpha1/localmodel (reads it nowhere)",
        Outcome.LATER,
    ),
)


def ready(body: Body, look: Look) -> Readiness:
    """By the copies that there are, of those that there shall be."""
    total, there, failed = (count(at(body, "status", "copies", key)) for key in ("total", "available", "failed"))
    if not total:
        return Readiness(State.WAITING, "its controller has not found a node for it yet")
    if there >= total:
        return Readiness(State.READY)
    if failed:
        return Readiness(State.FAILED, f"{failed} of {total} nodes could not download the model")
    return Readiness(State.WAITING, f"{there} of {total} nodes have the model")
