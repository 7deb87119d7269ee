"""Graphs in which every text is out to do harm, circles and unknown blocks included."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from kfspec.diagnostics import Pos
from kfspec.lineage.values import Edge, Graph, Node, Presence, Relation, Standing
from tests.views.hostile import names, places, texts

ENVIRONMENTS = ("dev", "prod", "a-b")


@st.composite
def graphs(draw: st.DrawFn, most: int = 9) -> Graph:
    """Nodes with hostile names and any edges between them."""
    ids = draw(st.lists(names, max_size=most, unique=True))
    subsets = st.lists(st.sampled_from(ENVIRONMENTS), min_size=1, unique=True)

    def environments() -> tuple[str, ...]:
        chosen = draw(subsets)
        return tuple(e for e in ENVIRONMENTS if e in chosen)

    def node(n: int) -> Node:
        presences = tuple(Presence(e, draw(texts), draw(st.booleans())) for e in environments())
        block: Any = draw(st.sampled_from(("profiles", "volumes", "code", "storage", "notebooks")) | names)
        standing = draw(st.sampled_from(Standing))
        pos: Pos | None = draw(st.none() | places)
        return Node(ids[n], draw(texts), block, draw(texts), draw(names), draw(texts), standing, presences, pos)

    nodes = tuple(node(n) for n in range(len(ids)))
    ends = st.sampled_from(ids) if ids else st.nothing()
    pairs = draw(st.lists(st.tuples(ends, ends, st.sampled_from(Relation)), max_size=12, unique=True)) if ids else []
    profiles = {node.id for node in nodes if node.block == "profiles"}
    edges: dict[tuple[str, str, Relation], Edge] = {}
    for source, target, drawn in pairs:
        if source != target and not {source, target} <= profiles:
            relation = Relation.HOLDS if source in profiles else Relation.OPEN_TO if target in profiles else drawn
            if source in profiles or relation is not Relation.HOLDS:
                edges.setdefault((source, target, relation), Edge(source, target, relation, environments()))
    return Graph(tuple(draw(st.lists(names, max_size=2))), ENVIRONMENTS, nodes, tuple(edges.values()))
