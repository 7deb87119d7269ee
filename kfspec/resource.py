"""The desired object: what the spec lowers to and what plain manifests are read as."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from kfspec.diagnostics import Diagnostic, Path, field_name

Body: TypeAlias = dict[str, Any]
"""A Kubernetes object as JSON. Shared between stages, so never mutated once a Resource holds it."""


class GVK(NamedTuple):
    """API group ("" for core), version and kind."""

    group: str
    version: str
    kind: str

    @property
    def api_version(self) -> str:
        """`group/version`, or `version` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version


class ObjectRef(NamedTuple):
    """An object's identity: a cluster holds at most one, whatever the version."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """`Kind/namespace/name`, or `Kind/name` for a cluster-scoped object."""
        return "/".join(part for part in (self.kind, self.namespace, self.name) if part)


class Origin(NamedTuple):
    """Where a part of an object comes from.

    `at_key`: the value is a mapping key of the spec (`volumeMounts: {features: /data}` gives a claim's name).
    """

    path: Path
    at_key: bool = False


Origins: TypeAlias = dict[Path, Origin]
"""Prefixes of the object's path -> places in the spec. The longest prefix wins; what is left of the path is appended."""


class Resource(NamedTuple):
    """A desired object with the way back to the user's line.

    `item` is the spec path of the item that made it (`("notebooks", "explore")`), `()` for a plain manifest.
    """

    ref: ObjectRef
    body: Body
    origins: Origins
    item: Path = ()


def gvk_of(body: Body) -> GVK:
    """The object's group, version and kind. `apiVersion` and `kind` must be strings."""
    group, _, version = body["apiVersion"].rpartition("/")
    return GVK(group, version, body["kind"])


def ref_of(body: Body, namespace: str = "") -> ObjectRef:
    """The object's identity; `namespace` stands in where the object names none."""
    meta = body["metadata"]
    gvk = gvk_of(body)
    return ObjectRef(gvk.group, gvk.kind, meta.get("namespace", namespace), meta["name"])


def origin_of(origins: Origins, path: Path) -> Origin:
    """The place in the spec of `path` in the object."""
    for length in range(len(path), -1, -1):
        origin = origins.get(path[:length])
        if origin is not None:
            return Origin(origin.path + path[length:], origin.at_key)
    return Origin(path)


def to_spec(resource: Resource, diagnostic: Diagnostic) -> Diagnostic:
    """The same finding, its path in the object replaced by the place in the spec.

    Where the message begins with the object's field and the spec calls it otherwise (`size` for `storage`), it says the
    spec's word.
    """
    origin = origin_of(resource.origins, diagnostic.path)
    message, field = diagnostic.message, field_name(diagnostic.path)
    if origin.path and origin.path[-1:] != diagnostic.path[-1:] and not origin.at_key and message.startswith(field):
        message = field_name(origin.path) + message[len(field) :]
    return diagnostic._replace(path=origin.path, at_key=diagnostic.at_key or origin.at_key, message=message)
