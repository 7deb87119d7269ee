"""Observing without a cluster: live objects out of a snapshot or of an earlier revision, and predictions for dry runs."""

from __future__ import annotations

from collections.abc import Iterable

from kfspec.catalog import Release
from kfspec.cluster.observation import Scope
from kfspec.live import Contents, Observation, Seen, Source
from kfspec.resource import Body, ObjectRef, gvk_of, ref_of
from kfspec.ssa.fieldsets import field_set, unchanged
from kfspec.ssa.prediction import predict
from kfspec.ssa.types import Served, served


def observe(
    desired: Iterable[Body],
    live: Iterable[Body],
    scope: Scope,
    release: Release,
    source: Source,
    applied: dict[str, str] | None = None,
    contents: dict[str, Contents] | None = None,
) -> Observation:
    """What a cluster that holds exactly `live` would be seen as; everything that no rule settles is predicted."""
    there = {ref_of(body): body for body in live}
    wanted = {ref_of(body): body for body in desired}
    seen = [_compared(ref, body, there.get(ref), scope, release) for ref, body in wanted.items()]
    rest = [Seen(ref, None, body) for ref, body in there.items() if ref not in wanted]
    return Observation((*seen, *rest), source, (), applied or {}, _contents(there) | (contents or {}))


def _compared(ref: ObjectRef, desired: Body, live: Body | None, scope: Scope, release: Release) -> Seen:
    marked = scope.marked(desired, live)
    manager, how = scope.applier.manager, merging(marked, release)
    if live is not None and unchanged(marked, live, manager, how):
        return Seen(ref, marked, None, unchanged=True)
    return Seen(ref, marked, live, predict(marked, live, manager, scope.applier.force, how))


def merging(body: Body, release: Release) -> Served:
    """How the objects of a body's kind merge, as far as the catalogue knows."""
    gvk = gvk_of(body)
    entry = release.kind(gvk.group, gvk.kind)
    return served(entry if entry is not None and gvk.version in entry.versions else None, gvk.version)


def as_applied(body: Body, scope: Scope, release: Release) -> Body:
    """The object as it stands in a cluster right after the environment's engine applied it."""
    marked = scope.marked(body, None)
    entry = {
        "manager": scope.applier.manager,
        "operation": "Apply",
        "apiVersion": marked["apiVersion"],
        "fieldsType": "FieldsV1",
        "fieldsV1": field_set(marked, merging(marked, release)),
    }
    return {**marked, "metadata": {**marked["metadata"], "managedFields": [entry]}}


def _contents(there: dict[ObjectRef, Body]) -> dict[str, Contents]:
    """What every namespace holds, as far as it was recorded."""
    names = {ref.name: body for ref, body in there.items() if (ref.group, ref.kind) == ("", "Namespace")}
    return {name: Contents(volumes_in(name, there), owned_by_profile(body)) for name, body in names.items()}


def volumes_in(namespace: str, refs: Iterable[ObjectRef]) -> int:
    """How many claims there are in a namespace."""
    return sum(ref.kind == "PersistentVolumeClaim" and ref.namespace == namespace for ref in refs)


def owned_by_profile(namespace: Body) -> bool:
    """Whether the namespace goes when its Profile does (profile-controller v1.10.0, executed)."""
    return any(owner.get("kind") == "Profile" for owner in namespace["metadata"].get("ownerReferences") or ())
