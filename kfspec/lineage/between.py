"""What feeds what without either of them saying so: found by holding objects, and items, against each other."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from kfspec.checks import poddefaults, targets, trainingruntimes
from kfspec.checks.podmodel import Pods
from kfspec.checks.pods import pods_of
from kfspec.kinds.status import at, maps
from kfspec.lineage.uses import CLAIM, Use
from kfspec.lineage.values import Relation
from kfspec.resource import ObjectRef, Resource
from kfspec.spec.dashboard import Dashboard, Link
from kfspec.spec.project import Item, Project

if TYPE_CHECKING:
    from kfspec.catalog import Release

_NO_CACHE, _NODES = "serving.kserve.io/disable-localmodel", "serving.kserve.io/nodegroup"
_OPENED = ("inferenceServices", "inferenceGraphs")
"""Blocks whose items say who may call them."""


class Pair(NamedTuple):
    """One edge; a source that is a `Use` is looked for in the target's namespace."""

    source: Resource | Use
    target: Resource
    relation: Relation


def pairs(resources: tuple[Resource, ...], templates: tuple[Resource, ...], release: Release | None) -> Iterator[Pair]:
    """Everything between the objects of one environment; of `templates` nothing runs."""
    both = (*resources, *templates)
    defaults = [r for r in resources if poddefaults.is_pod_default(r)]
    for default, resource in poddefaults.merged_into(defaults, resources, templates, release):
        yield Pair(default, resource, Relation.INJECTED_INTO)
    for resource, claim in trainingruntimes.mounted(both, release) if release is not None else ():
        yield Pair(Use((CLAIM,), claim, Relation.MOUNTED_BY), resource, Relation.MOUNTED_BY)
    for cached in copies(resources).values():
        yield Pair(cached.cache, cached.service, Relation.SERVED_BY)
    yield from _logs(resources, release)


# -- copies of models -------------------------------------------------------------------------------------------------


class Cached(NamedTuple):
    """The copy that a model server reads, and the URI that it names."""

    service: Resource
    cache: Resource
    uri: str


def copies(resources: Iterable[Resource]) -> dict[ObjectRef, Cached]:
    """The services that read a copy of their model (KServe 0.15.2 and 0.16.0, setLocalModelLabel and MatchStorageURI)."""
    resources = tuple(resources)
    caches = [r for r in resources if (r.ref.group, r.ref.kind) == (targets.SERVING, "LocalModelCache")]
    found: dict[ObjectRef, Cached] = {}
    for resource in resources if caches else ():
        uri = at(resource.body, "spec", "predictor", "model", "storageUri")
        if (resource.ref.group, resource.ref.kind) != (targets.SERVING, "InferenceService") or not isinstance(uri, str):
            continue
        notes = at(resource.body, "metadata", "annotations") or {}
        cache = next((cache for cache in caches if _matches(cache, uri, notes)), None)
        if cache is not None and _NO_CACHE not in notes:
            found[resource.ref] = Cached(resource, cache, uri)
    return found


def _matches(cache: Resource, uri: str, notes: Mapping[str, Any]) -> bool:
    """Whether the model is the cached one, or below it, on nodes that have the copy."""
    source, groups = at(cache.body, "spec", "sourceModelUri"), at(cache.body, "spec", "nodeGroups")
    if not isinstance(source, str) or (_NODES in notes and notes[_NODES] not in (groups or ())):
        return False
    return f"{uri.rstrip('/')}/".startswith(f"{source.rstrip('/')}/")


# -- logs -------------------------------------------------------------------------------------------------------------


def _logs(resources: tuple[Resource, ...], release: Release | None) -> Iterator[Pair]:
    """The runs that may write to where a Tensorboard reads."""
    boards = [(r, logs) for r in resources if r.ref.kind == "Tensorboard" and (logs := _place(r)) is not None]
    runs = [pods for pods in pods_of(resources, (), release) if pods.run] if boards else []
    for board, (claim, path) in boards:
        for pods in runs:
            if pods.resource.ref.namespace == board.ref.namespace and _writes(pods, claim, path):
                yield Pair(pods.resource, board, Relation.SHOWN_BY)


def _place(board: Resource) -> tuple[str, str] | None:
    """The claim that a Tensorboard reads, and where on it."""
    uri = at(board.body, "spec", "logspath")
    claim = targets.claim_of(uri) if isinstance(uri, str) else ""
    return (claim, uri.removeprefix(f"pvc://{claim}")) if claim else None


def _writes(pods: Pods, claim: str, path: str) -> bool:
    """Whether the claim is mounted for writing, above or below that path; mounts that nobody here knows may be anywhere."""
    for volume in maps(pods.spec.get("volumes")):
        named = volume.get("persistentVolumeClaim")
        if at(named or {}, "claimName") != claim or at(named or {}, "readOnly") is True:
            continue
        mounts = [
            m for c in pods.containers for m in maps(c.body.get("volumeMounts")) if m.get("name") == volume["name"]
        ]
        if not mounts or any(
            m.get("readOnly") is not True and _meet(str(m.get("subPath") or ""), path) for m in mounts
        ):
            return True
    return False


def _meet(one: str, other: str) -> bool:
    """Whether one of two paths on a volume is inside of the other."""
    a, b = (posixpath.normpath(f"/{path.strip('/')}").rstrip("/") + "/" for path in (one, other))
    return a.startswith(b) or b.startswith(a)


# -- items ------------------------------------------------------------------------------------------------------------


def opened(project: Project) -> Iterator[tuple[Item, str]]:
    """The model servers and graphs that let the pods of other profiles call them, and the profiles."""
    for item in project.items.values():
        if item.block not in _OPENED:
            continue
        home = getattr(item.model, "profile", None) or project.default_profile or ""
        of_profile = project.items.get(("profiles", home))
        said = item.value.get("access")
        if said is None and of_profile is not None:
            said = of_profile.value.get("servingAccess")
        for name in said if isinstance(said, list) else ():
            if isinstance(name, str) and "/" not in name and name != home:
                yield item, name


class Page(NamedTuple):
    """What a link opens; "" for the namespace that is chosen in the dashboard."""

    kind: str
    namespace: str
    name: str


_PAGES = {
    "notebook": "Notebook",
    "jupyter/notebook/details": "Notebook",
    "tensorboard": "Tensorboard",
    "pvcviewers": CLAIM,
    "volumes/volume/details": CLAIM,
    "kserve-endpoints/details": "InferenceService",
}
"""The part of a path before namespace and name -> what it shows (the controllers' VirtualServices and the web apps' routes,
v1.10.0; a viewer goes by its volume's name)."""


def linked(dashboard: Dashboard) -> Iterator[Page]:
    """What the dashboard's links open of the cluster's own."""
    for links in (dashboard.menuLinks, dashboard.externalLinks, dashboard.quickLinks, dashboard.documentationItems):
        for link in links.values():
            yield from _page(link)


def _page(link: Link) -> Iterator[Page]:
    for inner in (link.items or {}).values():
        yield from _page(inner)
    parts = (link.link or "").partition("?")[0].partition("#")[0].strip("/").split("/")
    kind = _PAGES.get("/".join(parts[1:-2] if parts[0] == "_" else parts[:-2]))
    if kind is not None:
        yield Page(kind, "" if parts[-2] == "{ns}" else parts[-2], parts[-1])
