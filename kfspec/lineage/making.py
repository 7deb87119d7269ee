"""From prepared specs to the graph. Several specs are one graph: what one declares may be another's external."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import NamedTuple

from kfspec import kinds
from kfspec.checks import poddefaults
from kfspec.checks import references as pods
from kfspec.document import Document, locate
from kfspec.kinds.base import Lowered
from kfspec.kinds.kserve.runtimes import shipped
from kfspec.lineage.uses import (
    ACCOUNT,
    CLAIM,
    CONFIG_MAP,
    PARTS,
    SECRET,
    STORAGE,
    End,
    Local,
    Named,
    Part,
    Use,
    of_item,
    of_object,
)
from kfspec.lineage.values import Edge, Graph, Node, Presence, Relation, Standing
from kfspec.lowering import Lowering
from kfspec.pipeline import Environment, Prepared
from kfspec.resource import Resource
from kfspec.spec.base import Namespaced
from kfspec.spec.project import Item, Project
from kfspec.spec.settings import Externals

_EXTERNALS = {
    "profiles": "Profile",
    "volumes": CLAIM,
    "secrets": SECRET,
    "configMaps": CONFIG_MAP,
    "serviceAccounts": ACCOUNT,
    "podDefaults": "PodDefault",
    "servingRuntimes": "ServingRuntime",
    "inferenceServices": "InferenceService",
    "modelNodeGroups": "LocalModelNodeGroup",
}
"""List under `externals` -> the kind of what it names."""
_LISTS = {kind: block for block, kind in _EXTERNALS.items()}

_ORDER = (
    "profiles",
    "code",
    "storage",
    *(block for block in _EXTERNALS if block not in ("profiles", "inferenceServices")),
)


def graph(specs: Sequence[Prepared]) -> Graph:
    """What feeds what in all specs and the environments that they were prepared for. Total: what did not lower has no nodes."""
    made = _Making()
    worlds = [world for spec in specs for world in _worlds(spec)]
    for world in worlds:
        made.declare(world)
    for world in worlds:
        made.connect(world)
    return made.finished(tuple(dict.fromkeys(world.project.settings.project for world in worlds)))


class _World(NamedTuple):
    """One environment of one spec."""

    environment: str
    project: Project
    lowering: Lowering
    shipped: frozenset[str]
    """Serving runtimes of the platform."""

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


def _worlds(spec: Prepared) -> Iterator[_World]:
    for result in spec.results:
        if result.project is not None and result.lowering is not None:
            yield _World(result.name, result.project, result.lowering, _runtimes(result))


def _runtimes(result: Environment) -> frozenset[str]:
    return frozenset(shipped(result.release.components["kserve"]) if result.release is not None else ())


class _Making:
    """Nodes and edges as they are found; `finished` puts them in order."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._presences: dict[str, dict[str, Presence]] = {}
        self._edges: dict[tuple[str, str, Relation], dict[str, None]] = {}
        self._objects: dict[tuple[str, str, str, str], str] = {}
        """(environment, kind, namespace, name) of every object -> the node that makes it."""
        self._environments: dict[str, None] = {}

    # -- what is declared

    def declare(self, world: _World) -> None:
        """The nodes of a spec's items, and the objects that they make."""
        self._environments[world.environment] = None
        for item, lowered in world.lowering.by_item.values():
            node = world.id(item.block, item.name)
            namespace = next((r.ref.namespace for r in (*lowered.resources, *lowered.templates)), "")
            profile = _profile(item, world, namespace)
            namespace = namespace or (
                world.namespace(profile) if item.block == "profiles" or isinstance(item.model, Namespaced) else ""
            )
            template = bool(lowered.templates) and not any(r.ref.kind == _kind(item) for r in lowered.resources)
            pos = locate(world.document, item.path, at_key=True)
            self._node(
                Node(node, world.name, item.block, _kind(item), item.name, profile, Standing.DECLARED, (), pos),
                Presence(world.environment, namespace, template),
            )
            for kind, where, name in _objects(item, lowered):
                self._objects.setdefault((world.environment, kind, where, name), node)
            for part in dict.fromkeys(end for link in of_item(item) for end in link[:2] if isinstance(end, Part)):
                pos = locate(world.document, part.at, at_key=True)
                inner = world.id(part.block, part.name)
                self._node(
                    Node(inner, world.name, part.block, part.kind, part.name, profile, Standing.DECLARED, (), pos),
                    Presence(world.environment, namespace),
                )

    def _node(self, node: Node, presence: Presence) -> str:
        self._nodes.setdefault(node.id, node)
        self._presences.setdefault(node.id, {}).setdefault(presence.environment, presence)
        return node.id

    def _outside(self, world: _World, block: str, kind: str, name: str, standing: Standing) -> str:
        """A node that no spec declares. Where environments or specs disagree, the better standing counts."""
        node = Node(f"external/{block}.{name}", "", block, kind, name, "", standing, ())
        known = self._nodes.get(node.id)
        if known is not None and _TRUST[standing] < _TRUST[known.standing]:
            self._nodes[node.id] = node
        return self._node(node, Presence(world.environment))

    def _edge(self, source: str, target: str, relation: Relation, environment: str) -> None:
        if source != target:
            self._edges.setdefault((source, target, relation), {})[environment] = None

    # -- what feeds what

    def connect(self, world: _World) -> None:
        """Every edge that ends at an item of the spec, and the externals that nothing uses."""
        for item, _ in world.lowering.by_item.values():
            self._of_item(item, world)
        for resource in world.resources():
            target = world.item(resource)
            for use in of_object(resource) if target else ():
                self._used(use, resource.ref.namespace, target, world)
        self._pod_defaults(world)
        for block in _EXTERNALS:
            for name in getattr(world.project.settings.externals, block):
                if not self._elsewhere(block, name, world):
                    self._outside(world, block, _EXTERNALS[block], name, Standing.EXTERNAL)

    def _elsewhere(self, block: str, name: str, world: _World) -> bool:
        """Whether another of the specs declares the external in the same environment."""
        kind = _EXTERNALS[block]
        either = (kind, f"Cluster{kind}")
        return any(key[0] == world.environment and key[1] in either and key[3] == name for key in self._objects)

    def _of_item(self, item: Item, world: _World) -> None:
        own = world.id(item.block, item.name)
        profile = self._nodes[own].profile
        held = [own] if profile and item.block != "profiles" else []
        for link in of_item(item):
            source = self._end(link.source, own, world) if link.source is not None else own
            target = self._end(link.target, own, world) if link.target is not None else own
            if source is not None and target is not None:
                self._edge(source, target, link.relation, world.environment)
            held += [world.id(end.block, end.name) for end in link[:2] if isinstance(end, Part) and profile]
        for node in held:
            self._edge(self._home(profile, world), node, Relation.HOLDS, world.environment)

    def _end(self, end: End, own: str, world: _World) -> str | None:
        match end:
            case Part():
                return world.id(end.block, end.name)
            case Named():
                return self._named(end, world)
            case Local():
                return self._local(end, world)
            case Use():
                return self._source(end, self._presences[own][world.environment].namespace, world)

    def _home(self, profile: str, world: _World) -> str:
        own = self._objects.get((world.environment, "Profile", "", world.namespace(profile)))
        return own or self._outside(world, "profiles", "Profile", profile, Standing.EXTERNAL)

    def _named(self, other: Named, world: _World) -> str:
        node = world.id(other.block, other.name)
        if node in self._nodes and world.environment in self._presences[node]:
            return node
        return self._outside(world, other.block, "missing", other.name, Standing.UNDECLARED)

    def _local(self, local: Local, world: _World) -> str:
        """A node for files, named as seen from the spec's own folder."""
        here = PurePath(world.document.file).parent
        there = PurePath(locate(world.document, local.at).file).parent
        path = posixpath.normpath(posixpath.join(there.as_posix(), local.text))
        name = posixpath.relpath(path, here.as_posix()) if not posixpath.isabs(local.text) else path
        node = Node(world.id("code", name), world.name, "code", "local files", name, "", Standing.EXTERNAL, ())
        return self._node(node, Presence(world.environment))

    def _used(self, use: Use, namespace: str, target: str, world: _World) -> None:
        source = self._source(use, namespace, world)
        if source is not None:
            self._edge(source, target, use.relation, world.environment)

    def _source(self, use: Use, namespace: str, world: _World) -> str | None:
        """The node that a use means; None for what every namespace has, and for what may be missing and is."""
        for kind in use.kinds:
            for where in (namespace, ""):
                own = self._objects.get((world.environment, kind, where, use.name))
                if own is not None:
                    return own
        kind = use.kinds[0]
        if kind == STORAGE:
            return self._outside(world, "storage", "storage", use.name, Standing.EXTERNAL)
        if use.name in pods._GIVEN.get(kind, ()):
            return None
        standing = _standing(kind, use.name, world)
        if standing is Standing.UNDECLARED and use.optional:
            return None
        return self._outside(world, _LISTS.get(kind, "resources"), kind, use.name, standing)

    def _pod_defaults(self, world: _World) -> None:
        """By the labels of pods, and by `podDefaults` of notebooks for those that only the platform knows."""
        declared = [r for r in world.lowering.resources if (r.ref.group, r.ref.kind) == ("kubeflow.org", "PodDefault")]
        for resource in world.resources() if declared else ():
            target = world.item(resource)
            for pod in poddefaults._pods(resource.body, resource) if resource.ref.group == "kubeflow.org" else ():
                if pod.annotations.get(poddefaults.EXCLUDE) == "true":
                    continue
                for default in declared:
                    if default.ref.namespace == resource.ref.namespace and poddefaults._selects(
                        default.body, pod.labels
                    ):
                        self._edge(world.item(default), target, Relation.INJECTED_INTO, world.environment)
        for item, lowered in world.lowering.by_item.values():
            for name in getattr(item.model, "podDefaults", ()):
                namespace = next((r.ref.namespace for r in lowered.resources), "")
                use = Use(("PodDefault",), name, Relation.INJECTED_INTO)
                self._used(use, namespace, world.id(item.block, item.name), world)

    def _drop_what_goes_through_a_version(self) -> None:
        """A service that names a registered version has its URI when it is compiled; it is the version that feeds it."""
        kept_at = [key for key in self._edges if key[2] is Relation.REGISTERED_AS]
        for storage, version, _ in kept_at:
            for (source, service, relation), where in list(self._edges.items()):
                if source == version and relation is Relation.SERVED_BY:
                    direct = self._edges.get((storage, service, Relation.SERVED_BY), {})
                    for environment in where:
                        direct.pop(environment, None)
        self._edges = {key: where for key, where in self._edges.items() if where}

    # -- the value

    def finished(self, projects: tuple[str, ...]) -> Graph:
        """The graph in its order, which is that of blocks and names whatever the specs' order is."""
        environments = tuple(self._environments)
        blocks = list(dict.fromkeys((*_ORDER, *kinds.BLOCKS, *PARTS)))
        rank = {block: n for n, block in enumerate(blocks)}
        nodes = sorted(
            self._nodes.values(), key=lambda n: (rank.get(n.block, len(rank)), n.block, n.name, n.project, n.id)
        )
        place = {node.id: n for n, node in enumerate(nodes)}
        told = [
            node._replace(presences=tuple(p for e in environments if (p := self._presences[node.id].get(e))))
            for node in nodes
        ]
        self._drop_what_goes_through_a_version()
        edges = [
            Edge(source, target, relation, tuple(e for e in environments if e in where))
            for (source, target, relation), where in self._edges.items()
        ]
        relations = list(Relation)
        edges.sort(key=lambda edge: (place[edge.source], place[edge.target], relations.index(edge.relation)))
        return Graph(tuple(sorted(projects)), environments, tuple(told), tuple(edges))


_KINDS = {"profiles": "Profile", "models": "registered model"}
"""Block -> what people call its items, where it is not what they compile to first."""

_TRUST = {Standing.DECLARED: 0, Standing.EXTERNAL: 1, Standing.SHIPPED: 2, Standing.UNDECLARED: 3}


def _standing(kind: str, name: str, world: _World) -> Standing:
    """Of what no spec declares. A kind that `externals` has no list for is nobody's to declare."""
    externals: Externals = world.project.settings.externals
    if kind not in _LISTS or name in getattr(externals, _LISTS[kind]):
        return Standing.EXTERNAL
    return Standing.SHIPPED if kind == "ServingRuntime" and name in world.shipped else Standing.UNDECLARED


def _kind(item: Item) -> str:
    """The kind that people know the item by."""
    if isinstance(item.value.get("kind"), str):
        return str(item.value["kind"])
    if item.block in _KINDS:
        return _KINDS[item.block]
    produced = kinds.load(item.module).PRODUCES
    return produced[0].kind if produced else item.block


def _profile(item: Item, world: _World, namespace: str) -> str:
    """The profile whose namespace holds the item's object; "" for one that is in none of them."""
    if item.block == "profiles":
        return item.name
    profile = getattr(item.model, "profile", None) or world.project.default_profile or ""
    return profile if isinstance(item.model, Namespaced) or world.namespace(profile) == namespace else ""


def _objects(item: Item, lowered: Lowered) -> Iterable[tuple[str, str, str]]:
    """(kind, namespace, name) of what an item makes, itself or through a controller."""
    for resource in (*lowered.resources, *lowered.templates):
        ref = resource.ref
        yield ref.kind, ref.namespace, ref.name
        made = pods._MAKES.get((ref.group, ref.kind))
        if made is not None:
            yield made, ref.namespace, pods._target_name(resource.body, ref)
