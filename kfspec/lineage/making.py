"""From prepared specs to the graph. Several specs are one graph: what one declares may be another's external."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from pathlib import PurePath

from kfspec import kinds
from kfspec.catalog.dashboard import NAME
from kfspec.checks import targets
from kfspec.document import locate
from kfspec.kinds import dashboard
from kfspec.lineage.between import copies, linked, opened, pairs
from kfspec.lineage.uses import PARTS, STORAGE, End, Local, Named, Part, Use, of_item, of_object, of_uri
from kfspec.lineage.values import Edge, Graph, Node, Presence, Relation, Standing
from kfspec.lineage.worlds import (
    EXTERNALS,
    LISTS,
    World,
    kind_of,
    namespaced,
    objects_of,
    profile_of,
    standing_of,
    worlds,
)
from kfspec.pipeline import Prepared
from kfspec.spec.project import Item

_ORDER = (
    "profiles",
    "code",
    "storage",
    *(block for block in EXTERNALS if block not in ("profiles", "inferenceServices")),
)


def graph(specs: Sequence[Prepared]) -> Graph:
    """What feeds what in all specs and the environments that they were prepared for. Total: what did not lower has no nodes."""
    made = _Making()
    every = [world for spec in specs for world in worlds(spec)]
    for world in every:
        made.declare(world)
    for world in every:
        made.connect(world)
    return made.finished(tuple(dict.fromkeys(world.project.settings.project for world in every)))


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

    def declare(self, world: World) -> None:
        """The nodes of a spec's items, and the objects that they make."""
        self._environments[world.environment] = None
        for item, lowered in world.lowering.by_item.values():
            node, kind = world.id(item.block, item.name), kind_of(item, lowered)
            namespace = next((r.ref.namespace for r in (*lowered.resources, *lowered.templates)), "")
            profile = profile_of(item, world, namespace)
            if not namespace and (item.block == "profiles" or namespaced(item)):
                namespace = world.namespace(profile)
            template = bool(lowered.templates) and not any(r.ref.kind == kind for r in lowered.resources)
            pos = locate(world.document, item.path, at_key=True)
            self._node(
                Node(node, world.name, item.block, kind, item.name, profile, Standing.DECLARED, (), pos),
                Presence(world.environment, namespace, template),
            )
            for made, where, name in objects_of(lowered):
                self._objects.setdefault((world.environment, made, where, name), node)
            for part in dict.fromkeys(end for link in of_item(item) for end in link[:2] if isinstance(end, Part)):
                pos = locate(world.document, part.at, at_key=True)
                inner = world.id(part.block, part.name)
                self._node(
                    Node(inner, world.name, part.block, part.kind, part.name, profile, Standing.DECLARED, (), pos),
                    Presence(world.environment, namespace),
                )
        self._dashboard(world)

    def _dashboard(self, world: World) -> None:
        """A node for the one thing that is no item."""
        made = next((r.ref for r in world.lowering.resources if r.item == dashboard.ITEM), None)
        if made is not None:
            pos = locate(world.document, dashboard.ITEM, at_key=True)
            block = str(dashboard.ITEM[0])
            node = Node(
                world.id(block, made.name), world.name, block, made.kind, made.name, "", Standing.DECLARED, (), pos
            )
            self._node(node, Presence(world.environment, made.namespace))

    def _node(self, node: Node, presence: Presence) -> str:
        self._nodes.setdefault(node.id, node)
        self._presences.setdefault(node.id, {}).setdefault(presence.environment, presence)
        return node.id

    def _outside(self, world: World, block: str, kind: str, name: str, standing: Standing) -> str:
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

    def connect(self, world: World) -> None:
        """Every edge that ends at an item of the spec, and the externals that nothing uses."""
        for item, _ in world.lowering.by_item.values():
            self._of_item(item, world)
        copied = copies(world.lowering.resources)
        for resource in world.resources():
            target, copy = world.item(resource), copied.get(resource.ref)
            direct = of_uri(copy.uri, Relation.SERVED_BY) if copy is not None else None
            for use in of_object(resource) if target else ():
                if use != direct:  # the copy feeds it
                    self._used(use, resource.ref.namespace, target, world)
        self._between(world)
        self._opened(world)
        for block in EXTERNALS:
            for name in getattr(world.project.settings.externals, block):
                if not self._elsewhere(block, name, world):
                    self._outside(world, block, EXTERNALS[block], name, Standing.EXTERNAL)

    def _elsewhere(self, block: str, name: str, world: World) -> bool:
        """Whether another of the specs declares the external in the same environment."""
        kind = EXTERNALS[block]
        either = (kind, f"Cluster{kind}")
        return any(key[0] == world.environment and key[1] in either and key[3] == name for key in self._objects)

    def _of_item(self, item: Item, world: World) -> None:
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

    def _end(self, end: End, own: str, world: World) -> str | None:
        match end:
            case Part():
                return world.id(end.block, end.name)
            case Named():
                return self._named(end, world)
            case Local():
                return self._local(end, world)
            case Use():
                return self._source(end, self._presences[own][world.environment].namespace, world)

    def _home(self, profile: str, world: World) -> str:
        own = self._objects.get((world.environment, "Profile", "", world.namespace(profile)))
        return own or self._outside(world, "profiles", "Profile", profile, Standing.EXTERNAL)

    def _named(self, other: Named, world: World) -> str:
        node = world.id(other.block, other.name)
        if node in self._nodes and world.environment in self._presences[node]:
            return node
        return self._outside(world, other.block, "missing", other.name, Standing.UNDECLARED)

    def _local(self, local: Local, world: World) -> str:
        """A node for files, named as seen from the spec's own folder."""
        here = PurePath(world.document.file).parent
        there = PurePath(locate(world.document, local.at).file).parent
        path = posixpath.normpath(posixpath.join(there.as_posix(), local.text))
        name = posixpath.relpath(path, here.as_posix()) if not posixpath.isabs(local.text) else path
        node = Node(world.id("code", name), world.name, "code", "local files", name, "", Standing.EXTERNAL, ())
        return self._node(node, Presence(world.environment))

    def _used(self, use: Use, namespace: str, target: str, world: World) -> None:
        source = self._source(use, namespace, world)
        if source is not None:
            self._edge(source, target, use.relation, world.environment)

    def _source(self, use: Use, namespace: str, world: World) -> str | None:
        """The node that a use means; None for what every namespace has, and for what may be missing and is."""
        for kind in use.kinds:
            for where in (namespace, ""):
                own = self._objects.get((world.environment, kind, where, use.name))
                if own is not None:
                    return own
        kind = use.kinds[0]
        if kind == STORAGE:
            return self._outside(world, "storage", "storage", use.name, Standing.EXTERNAL)
        if use.name in targets.GIVEN.get(kind, ()):
            return None
        standing = standing_of(kind, use.name, world)
        if standing is Standing.UNDECLARED and use.optional:
            return None
        return self._outside(world, LISTS.get(kind, "resources"), kind, use.name, standing)

    def _between(self, world: World) -> None:
        """What objects do not say themselves; and `podDefaults` of items, for those that only the platform knows."""
        for source, target, relation in pairs(world.lowering.resources, world.lowering.templates, world.release):
            fed = world.item(target)
            if not fed:
                continue
            if isinstance(source, Use):
                self._used(source, target.ref.namespace, fed, world)
            elif world.item(source):
                self._edge(world.item(source), fed, relation, world.environment)
        for item, lowered in world.lowering.by_item.values():
            for name in getattr(item.model, "podDefaults", ()):
                namespace = next((r.ref.namespace for r in lowered.resources), "")
                use = Use(("PodDefault",), name, Relation.INJECTED_INTO)
                self._used(use, namespace, world.id(item.block, item.name), world)

    def _opened(self, world: World) -> None:
        """The profiles that a server is open to, and what the dashboard's links open."""
        declared, externals = world.project.items, world.project.settings.externals
        for item, profile in opened(world.project):
            known = ("profiles", profile) in declared or profile in externals.profiles
            target = (
                self._home(profile, world)
                if known
                else self._outside(world, "profiles", "Profile", profile, Standing.UNDECLARED)
            )
            self._edge(world.id(item.block, item.name), target, Relation.OPEN_TO, world.environment)
        made = world.id(str(dashboard.ITEM[0]), NAME)
        settings = world.project.settings.dashboard
        for page in linked(settings) if settings is not None and made in self._nodes else ():
            for (environment, kind, namespace, name), node in self._objects.items():
                here = page.namespace in ("", namespace)
                if here and (environment, kind, name) == (world.environment, page.kind, page.name):
                    self._edge(node, made, Relation.LINKED_FROM, environment)

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


_TRUST = {Standing.DECLARED: 0, Standing.EXTERNAL: 1, Standing.SHIPPED: 2, Standing.UNDECLARED: 3}
