"""One environment of one spec as the graph sees it: what is declared, what is outside, and what people call it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from kfspec import kinds
from kfspec.checks import targets
from kfspec.document import Document
from kfspec.kinds.base import Lowered
from kfspec.kinds.kserve.runtimes import shipped
from kfspec.kinds.trainer.runtimes import shipped as shipped_trainers
from kfspec.lineage.uses import ACCOUNT, CLAIM, CONFIG_MAP, SECRET
from kfspec.lineage.values import Standing
from kfspec.lowering import Lowering
from kfspec.pipeline import Prepared
from kfspec.resource import Resource
from kfspec.spec.base import Namespaced
from kfspec.spec.project import Item, Project
from kfspec.spec.settings import Externals

if TYPE_CHECKING:
    from kfspec.catalog import Release

EXTERNALS = {
    "profiles": "Profile",
    "volumes": CLAIM,
    "secrets": SECRET,
    "configMaps": CONFIG_MAP,
    "serviceAccounts": ACCOUNT,
    "podDefaults": "PodDefault",
    "servingRuntimes": "ServingRuntime",
    "trainingRuntimes": targets.OWN_RUNTIME,
    "inferenceServices": "InferenceService",
    "modelNodeGroups": "LocalModelNodeGroup",
}
"""List under `externals` -> the kind of what it names."""
LISTS = {kind: block for block, kind in EXTERNALS.items()} | {targets.CLUSTER_RUNTIME: "trainingRuntimes"}


class World(NamedTuple):
    """One environment of one spec."""

    environment: str
    project: Project
    lowering: Lowering
    release: Release | None
    shipped: frozenset[tuple[str, str]]
    """Kind and name of the platform's runtimes."""

    @property
    def name(self) -> str:
        return self.project.settings.project

    @property
    def document(self) -> Document:
        return self.project.document

    def resources(self) -> Iterator[Resource]:
        yield from self.lowering.resources
        yield from self.lowering.templates

    def id(self, block: str, name: str) -> str:
        return f"{self.name}/{block}.{name}"

    def item(self, resource: Resource) -> str:
        """The node of the item that made an object; "" for what the items of a project make together."""
        made_by = tuple(str(part) for part in resource.item[:2])
        return self.id(*made_by) if made_by in self.project.items else ""

    def namespace(self, profile: str) -> str:
        return self.project.settings.namespaceMap.get(profile, profile)


def worlds(spec: Prepared) -> Iterator[World]:
    for result in spec.results:
        if result.project is not None and result.lowering is not None:
            runtimes = frozenset(_runtimes(result.release) if result.release is not None else ())
            yield World(result.name, result.project, result.lowering, result.release, runtimes)


def _runtimes(release: Release) -> Iterator[tuple[str, str]]:
    """Those that come with the release. Every shipped one is the cluster's; a service names it as it would its own."""
    yield from (("ServingRuntime", name) for name in shipped(release.components["kserve"]))
    if "trainer" in release.components:
        yield from ((targets.CLUSTER_RUNTIME, name) for name in shipped_trainers(release.components["trainer"]))


_KINDS = {"profiles": "Profile", "models": "registered model"}
"""Block -> what people call its items, where it is not what they compile to first."""


def standing_of(kind: str, name: str, world: World) -> Standing:
    """Of what no spec declares. A kind that `externals` has no list for is nobody's to declare."""
    externals: Externals = world.project.settings.externals
    if kind not in LISTS or name in getattr(externals, LISTS[kind]):
        return Standing.EXTERNAL
    return Standing.SHIPPED if (kind, name) in world.shipped else Standing.UNDECLARED


def kind_of(item: Item, lowered: Lowered) -> str:
    """The kind that people know the item by."""
    if isinstance(item.value.get("kind"), str):
        return str(item.value["kind"])
    if item.block in _KINDS:
        return _KINDS[item.block]
    produced = [gvk.kind for gvk in kinds.load(item.module).PRODUCES]
    made = {r.ref.kind for r in (*lowered.resources, *lowered.templates)}
    return next((kind for kind in produced if kind in made), produced[0] if produced else item.block)


def namespaced(item: Item) -> bool:
    """Whether the item's object is in a profile's namespace."""
    return isinstance(item.model, Namespaced) and not getattr(item.model, "clusterScoped", False)


def profile_of(item: Item, world: World, namespace: str) -> str:
    """The profile whose namespace holds the item's object; "" for one that is in none of them."""
    if item.block == "profiles":
        return item.name
    profile = getattr(item.model, "profile", None) or world.project.default_profile or ""
    return profile if namespaced(item) or (namespace and world.namespace(profile) == namespace) else ""


def objects_of(lowered: Lowered) -> Iterable[tuple[str, str, str]]:
    """(kind, namespace, name) of what an item makes, itself or through a controller."""
    for resource in (*lowered.resources, *lowered.templates):
        ref = resource.ref
        yield ref.kind, ref.namespace, ref.name
        made = targets.made_of(resource)
        if made is not None:
            yield made.kind, ref.namespace, made.name
