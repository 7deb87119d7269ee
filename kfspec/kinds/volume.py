"""A PersistentVolumeClaim of a profile.

`volumes: {features: {size: 50Gi, accessModes: [ReadWriteMany]}}`. Every field of a claim's spec is taken; `size` is short
for `resources.requests.storage`. A volume holds data: no reconcile loop deletes it unless it says `prune: allow`. With
`viewer: true` its files can be seen in the dashboard; a viewer may come and go, the volume stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from pydantic import Field

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Severity, Upstream
from kfspec.kinds import base
from kfspec.kinds.base import Context, Effect, Facts, Look, Lowered, Moment, Outcome, Readiness, State
from kfspec.kinds.lifting import own_metadata, shorten
from kfspec.kinds.shortforms import Expansion
from kfspec.kinds.status import at, condition, holds, told
from kfspec.quantity import parse
from kfspec.resource import GVK, Body, Origin, Resource
from kfspec.spec.base import Block, Json, Namespaced

VIEWER = GVK("kubeflow.org", "v1alpha1", "PVCViewer")

NETWORKING = {"basePrefix": "/pvcviewers", "rewrite": "/", "targetPort": 8080}
"""Where a viewer is reached that says nothing of it, and where the webhook's own pod listens (pvcviewer-controller v1.10.0,
pvcviewer_webhook.go)."""

BLOCK = "volumes"
PRODUCES = (GVK("", "v1", "PersistentVolumeClaim"), VIEWER)

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


class Claim(Namespaced):
    """A volume's claim."""

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


class Viewer(Block):
    """A viewer of a volume."""

    podSpec: Json = Field(default=None, description="Upstream's pod spec; written by the webhook otherwise.")  # noqa: N815
    networking: Json = Field(
        default=None, description="Upstream's: where the viewer is reached, below `/pvcviewers` where nothing is said."
    )
    rwoScheduling: Json = Field(  # noqa: N815
        default=None, description="Upstream's; true where nothing is said, so that it runs beside who uses the volume."
    )


class Item(Claim):
    """A volume."""

    viewer: bool | Viewer = Field(
        default=False, description="`true`, or the fields of a PVCViewer: a file browser for the volume, with its name."
    )


def lower(item: Item, ctx: Context) -> Lowered:
    """One PersistentVolumeClaim, and its viewer."""
    expansion = Expansion(ctx)
    spec = claim_spec(item, ctx.path, expansion)
    body = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": base.metadata(ctx, item, protect=True),
        "spec": spec,
    }
    origins = {**base.base_origins(ctx), **expansion.origins}
    resources = [base.resource(ctx, body, origins)]
    if item.viewer:
        of_viewer = Expansion(ctx)
        viewer = item.viewer if isinstance(item.viewer, Viewer) else Viewer()
        resources.append(_lower_viewer(viewer, ctx.name, ctx, of_viewer))
        expansion.found.extend(of_viewer.found)
    return Lowered(tuple(resources), tuple(expansion.found))


def claim_spec(item: Claim, path: tuple[str | int, ...], expansion: Expansion) -> dict[str, Any]:
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
    if item.size is None and item.resources is None:  # was said: whoever reads on need not
        spec["resources"] = {"requests": {"storage": "1Gi"}}
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


def _lower_viewer(viewer: Viewer, claim: str, ctx: Context, expansion: Expansion) -> Resource:
    """The viewer of the claim."""
    path = (*ctx.path, "viewer")
    spec: dict[str, Any] = {"pvc": claim}
    origins = expansion.origins
    origins["spec",] = Origin(path)
    origins["spec", "pvc"] = Origin(ctx.path, at_key=True)
    for key, default in (("networking", dict(NETWORKING)), ("rwoScheduling", True)):
        value = getattr(viewer, key)
        spec[key] = default if value is None else value
    if viewer.podSpec is not None:
        spec["podSpec"] = expansion.expand(viewer.podSpec, ("spec", "podSpec"), (*path, "podSpec"))
    body = {
        "apiVersion": VIEWER.api_version,
        "kind": VIEWER.kind,
        "metadata": base.metadata(ctx, viewer, claim),
        "spec": spec,
    }
    return base.resource(ctx, body, {(): Origin(path, at_key=True), **origins})


def lift_viewer(body: Body) -> Iterator[Any]:
    """What a volume's `viewer` says of a viewer that has its name and shows it, the shortest first."""
    spec, name = body.get("spec"), body["metadata"].get("name")
    if not isinstance(spec, dict) or spec.get("pvc") != name or spec.keys() - {"pvc", *Viewer.model_fields}:
        return
    rest = {"networking": {}, "rwoScheduling": False} | {key: value for key, value in spec.items() if key != "pvc"}
    if rest.get("networking") == NETWORKING:
        del rest["networking"]
    if rest.get("rwoScheduling") is True:
        del rest["rwoScheduling"]
    item = {**rest, **own_metadata(body)}
    if not item:
        yield True
    yield {key: shorten(value) if key == "podSpec" else value for key, value in item.items()}
    yield item


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """What the API server refuses of a claim (kubernetes v1.37, core/validation, ValidatePersistentVolumeClaimSpec; executed)."""
    spec = body.get("spec")
    if not isinstance(spec, dict):
        yield finding("KF102", "the claim has no spec", (), hint="add 'spec:'", at_key=True)
        return
    modes = spec.get("accessModes")
    if not modes:
        hint = "accessModes: [ReadWriteOnce]"
        yield finding("KF102", "the claim says no access mode", ("spec",), hint=hint, at_key=True)
    elif "ReadWriteOncePod" in modes and len(modes) > 1:
        message = "ReadWriteOncePod lets in one pod, and goes with no other access mode"
        yield finding("KF104", message, ("spec", "accessModes"), hint="accessModes: [ReadWriteOncePod]")
    if at(spec, "resources", "requests", "storage") is None:
        hint = "resources: {requests: {storage: 10Gi}}"
        yield finding("KF102", "the claim asks for no storage", ("spec",), hint=hint, at_key=True)
    else:
        yield from _storage(spec["resources"]["requests"]["storage"])
    name = spec.get("storageClassName")
    if isinstance(name, str) and name and _CLASS.fullmatch(name) is None:
        message = f"no storage class can be called '{name}'"
        hint = "lower-case letters, digits, '-' and '.', as `kubectl get storageclass` lists them"
        yield finding("KF104", message, ("spec", "storageClassName"), hint=hint)


def _storage(given: Any) -> Iterator[Diagnostic]:
    amount = parse(str(given))
    if amount is not None and amount.value <= 0:
        yield finding("KF123", f"'storage' is {given}, and must be above 0", _STORAGE, hint="as 10Gi")
    elif amount is not None and amount.value < _LEAST:
        message = f"{given} is {amount.value.normalize():f} bytes: no file system fits into that"
        hint = f"did you mean '{given}Gi'?" if str(given).isdigit() else "write a unit, as 10Gi"
        yield finding("KF122", message, _STORAGE, hint=hint, severity=Severity.WARNING, upstream=Upstream.ADVICE)


_LEAST = 2**20
"""Bytes below which a size is a unit left out."""

_CLASS = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")

_VALIDATION = "kubernetes v1.37, core/validation (ValidatePersistentVolumeClaimUpdate); executed"
_RESIZE = "kubernetes v1.37, plugin/pkg/admission/storage/persistentvolume/resize"
_STORAGE = ("spec", "resources", "requests", "storage")
_COPY = "declare a new volume, and copy the data over"


def _size(body: Body, *path: str) -> Decimal | None:
    value = at(body, *path)
    quantity = parse(str(value)) if isinstance(value, str | int) else None
    return quantity.value if quantity is not None else None


def _unbound(moment: Moment) -> bool:
    return bool(at(moment.before, "status", "phase") != "Bound")


def _grows(moment: Moment) -> bool:
    old, new = (_size(body, *_STORAGE) for body in (moment.before, moment.after))
    return not _unbound(moment) and old is not None and new is not None and new > old


def _gives_up(moment: Moment) -> bool:
    """Less than was asked for, and still more than there is: an expansion that never came is taken back."""
    new, there = _size(moment.after, *_STORAGE), _size(moment.before, "status", "capacity", "storage")
    return not _unbound(moment) and not _grows(moment) and new is not None and there is not None and new > there


def _shrinks(moment: Moment) -> bool:
    return not _unbound(moment) and not _grows(moment) and not _gives_up(moment)


EFFECTS = (
    Effect(
        _STORAGE,
        "grows the volume from {old} to {new}, if its storage class allows it",
        _RESIZE,
        when=_grows,
    ),
    Effect(_STORAGE, "gives up the expansion to {old}, for {new}", _VALIDATION, when=_gives_up),
    Effect(_STORAGE, f"a volume never shrinks: {_COPY}", _VALIDATION, Outcome.REFUSED, when=_shrinks),
    Effect(
        _STORAGE,
        "a claim without a volume cannot change its size: start a pod that uses it first, or delete it",
        _VALIDATION,
        Outcome.REFUSED,
        when=_unbound,
    ),
    Effect(
        ("spec", "volumeAttributesClassName"),
        "the storage driver gives the volume the attributes of class {new}, not {old}",
        _VALIDATION,
        when=lambda moment: not _unbound(moment),
    ),
    Effect(("spec",), f"a claim cannot change but for its size: {_COPY}", _VALIDATION, Outcome.REFUSED),
)


def ready(body: Body, look: Look) -> Readiness:
    """By its phase; one whose class binds at first use is as ready as it gets before a pod uses it."""
    phase = at(body, "status", "phase")
    if phase == "Bound":
        resizing = holds(body, "FileSystemResizePending")
        return Readiness(State.READY, told(condition(body, "FileSystemResizePending")) if resizing else "")
    if phase == "Lost":
        return Readiness(State.FAILED, "its PersistentVolume is gone")
    if at(body, "spec", "volumeName"):
        return Readiness(State.WAITING, f"waits for PersistentVolume/{at(body, 'spec', 'volumeName')}")
    name = at(body, "spec", "storageClassName")
    if not name:
        return Readiness(State.WAITING, "waits for a PersistentVolume, and names no storage class that would make one")
    found = look(GVK("storage.k8s.io", "v1", "StorageClass"), "", name)
    if found is None:
        return Readiness(State.UNKNOWN, f"not bound yet; StorageClass/{name} is not there, or may not be read")
    if found.get("volumeBindingMode") == "WaitForFirstConsumer":
        return Readiness(State.READY, "bound at first use")
    return Readiness(State.WAITING, f"waits for a volume of StorageClass/{name}")
