"""A PersistentVolumeClaim of a profile.

`volumes: {features: {size: 50Gi, accessModes: [ReadWriteMany]}}`. Every field of a claim's spec is taken; `size` is short
for `resources.requests.storage`. A volume holds data: no reconcile loop deletes it unless it says `prune: allow`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from kfspec.codes import finding
from kfspec.kinds import base
from kfspec.kinds.base import Context, Lowered
from kfspec.kinds.lifting import own_metadata
from kfspec.kinds.shortforms import Expansion
from kfspec.resource import GVK, Body, Origin
from kfspec.spec.base import Json, Namespaced

BLOCK = "volumes"
PRODUCES = (GVK("", "v1", "PersistentVolumeClaim"),)

_UPSTREAM = (
    "accessModes",
    "dataSource",
    "dataSourceRef",
    "resources",
    "selector",
    "storageClassName",
    "volumeAttributesClassName",
    "volumeMode",
    "volumeName",
)


class Item(Namespaced):
    """A volume."""

    size: str | int | None = Field(default=None, description="How much storage to ask for (`50Gi`).")
    accessModes: Json = Field(default=None, description="Upstream's list; `[ReadWriteOnce]` where nothing is said.")  # noqa: N815
    storageClassName: Json = Field(default=None, description="Upstream's; the cluster's default class otherwise.")  # noqa: N815
    volumeMode: Json = Field(default=None, description="Upstream's: Filesystem or Block.")  # noqa: N815
    volumeName: Json = Field(default=None, description="Upstream's: bind to this PersistentVolume.")  # noqa: N815
    volumeAttributesClassName: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    selector: Json = Field(default=None, description="Upstream's label selector for PersistentVolumes.")
    dataSource: Json = Field(default=None, description="Upstream's: clone a claim or a snapshot.")  # noqa: N815
    dataSourceRef: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    resources: Json = Field(default=None, description="Upstream's long form of `size`.")


def lower(item: Item, ctx: Context) -> Lowered:
    """One PersistentVolumeClaim."""
    expansion = Expansion(ctx)
    spec = claim_spec(item, ctx.path, expansion)
    body = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": base.metadata(ctx, item, protect=True),
        "spec": spec,
    }
    origins = {**base.base_origins(ctx), **expansion.origins}
    return Lowered((base.resource(ctx, body, origins),), tuple(expansion.found))


def claim_spec(item: Item, path: tuple[str | int, ...], expansion: Expansion) -> dict[str, Any]:
    """The claim's spec of a volume, or of a notebook's workspace, which stands at `path`."""
    given = {key: value for key in _UPSTREAM if (value := getattr(item, key)) is not None}
    origins = expansion.origins
    origins[("spec",)] = Origin(path)
    if item.size is not None and item.resources is not None:
        hint = "write one of them"
        expansion.found.append(
            finding("KF340", "'size' and 'resources' say the same thing", (*path, "size"), hint=hint)
        )
    if item.size is None and item.resources is None:
        message = f"'{'.'.join(map(str, path))}' lacks 'size'"
        expansion.found.append(finding("KF102", message, path, hint="add 'size:', as 10Gi", at_key=True))
    spec = {key: expansion.field(key, value, ("spec", key), (*path, key)) for key, value in given.items()}
    spec.setdefault("accessModes", ["ReadWriteOnce"])
    if item.size is not None:
        origins["spec", "resources", "requests", "storage"] = Origin((*path, "size"))
        spec["resources"] = {"requests": {"storage": expansion.quantity(item.size, text=True)}}
    return spec


def lift(body: Body) -> Iterator[dict[str, Any]]:
    """Items that may stand for the claim, the shortest first."""
    spec = body.get("spec")
    if not isinstance(spec, dict) or spec.keys() - set(_UPSTREAM):
        return
    meta = own_metadata(body)
    resources = spec.get("resources")
    if resources is not None and resources.keys() == {"requests"} and resources["requests"].keys() == {"storage"}:
        rest = {key: value for key, value in spec.items() if key != "resources"}
        yield {"size": resources["requests"]["storage"], **rest, **meta}
    yield {**spec, **meta}


rules = base.no_rules
