"""Any other Kubernetes object, passed through and verified.

`resources: {settings: {apiVersion: v1, kind: ConfigMap, data: {...}}}`. Name and namespace are derived where the object says
none. Secrets are only referenced: what holds one does not belong into git.
"""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from kfspec.codes import finding
from kfspec.credentials import looks_like_credential
from kfspec.diagnostics import Diagnostic, Path
from kfspec.kinds import base
from kfspec.kinds.base import Context, Lowered
from kfspec.resource import Origin, Resource, ref_of
from kfspec.spec.base import Block, Name

BLOCK = "resources"
PRODUCES = ()
DERIVES_FROM = ("profiles",)

_HOLDS_DATA = frozenset(
    {("", "PersistentVolumeClaim"), ("", "PersistentVolume"), ("", "Namespace"), ("kubeflow.org", "Profile")}
)


class Item(Block):
    """A Kubernetes object; every field beside those of kfspec is its own."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow", defer_build=True)

    apiVersion: str = Field(description="Upstream's.")  # noqa: N815
    kind: str = Field(description="Upstream's.")
    metadata: dict[str, Any] | None = Field(default=None, description="Upstream's; the name is the item's otherwise.")
    profile: Name | None = Field(default=None, description="The profile whose namespace holds it.")
    clusterScoped: bool | None = Field(  # noqa: N815
        default=None, description="`true` for a cluster-scoped kind that the catalogue does not know."
    )


def lower(item: Item, ctx: Context) -> Lowered:
    """The object, with kfspec's labels."""
    group = item.apiVersion.rpartition("/")[0]
    given = dict(item.metadata or {})
    meta = base.metadata(ctx, item, protect=(group, item.kind) in _HOLDS_DATA, namespaced=False)
    for key in ("labels", "annotations"):
        own = given.get(key)
        if isinstance(own, dict):
            meta[key] = {**own, **meta.get(key, {})}
    meta = {**given, **meta, "name": given.get("name", ctx.name)}
    found = list(_secrets(item, ctx))
    namespaced = ctx.release.namespaced(group, item.kind)
    if namespaced is None:
        namespaced = not item.clusterScoped
    if namespaced and "namespace" not in given:
        if not ctx.namespace:
            hint = "set 'profile', 'defaults: {profile: ...}', 'metadata.namespace', or 'clusterScoped: true'"
            found.append(finding("KF202", f"'resources.{ctx.name}' says no profile", ctx.path, at_key=True, hint=hint))
        meta["namespace"] = ctx.namespace
    body = {"apiVersion": item.apiVersion, "kind": item.kind, "metadata": meta, **(item.model_extra or {})}
    origins = {**base.base_origins(ctx), (): Origin(ctx.path), ("metadata",): Origin((*ctx.path, "metadata"))}
    for key in ("labels", "annotations"):
        from_metadata = isinstance(given.get(key), dict)
        origins["metadata", key] = Origin((*ctx.path, "metadata", key) if from_metadata else (*ctx.path, key))
    if "name" in given:
        origins["metadata", "name"] = Origin((*ctx.path, "metadata", "name"))
    if not all(isinstance(meta.get(key), str) for key in ("name", *(("namespace",) if "namespace" in meta else ()))):
        message = "'name' and 'namespace' must be strings"
        return Lowered((), (*found, finding("KF103", message, (*ctx.path, "metadata"))))
    return Lowered((Resource(ref_of(body), body, origins, ctx.path),), tuple(found))


def _secrets(item: Item, ctx: Context) -> list[Diagnostic]:
    extra = item.model_extra or {}
    if item.apiVersion == "v1" and item.kind == "Secret":
        held = next((key for key in ("stringData", "data") if extra.get(key)), None)
        if held is None:
            return []
        hint = "use an ExternalSecret or a SealedSecret, or an encrypted file under 'environments.<env>.files'"
        message = "a Secret with its data does not belong into git"
        return [finding("KF351", message, (*ctx.path, held), hint=hint, at_key=True)]
    if item.kind in ("SealedSecret", "SopsSecret"):
        return []
    return [
        finding("KF350", f"this looks like {what}", (*ctx.path, *path), hint="keep it in a Secret")
        for path, what in _credentials(extra, ())
    ]


def _credentials(value: Any, path: Path) -> list[tuple[Path, str]]:
    if isinstance(value, str):
        what = looks_like_credential(value)
        return [(path, what)] if what is not None else []
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [each for key, item in entries for each in _credentials(item, (*path, key))]


lift = base.no_lift
rules = base.no_rules
EFFECTS = base.no_effects
ready = base.ready_as_far_as_told
