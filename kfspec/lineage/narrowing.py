"""A part of the graph: what some nodes feed, and what feeds them."""

from __future__ import annotations

from collections.abc import Iterable

from kfspec.lineage.values import Graph, Node, Relation


def find(graph: Graph, text: str) -> tuple[Node, ...]:
    """The nodes that people mean by a text: by id, else by `block.name`, else by name alone."""
    fits = [(node.id == text, node.label == text, node.name == text) for node in graph.nodes]
    for way in range(3):
        found = tuple(node for node, fit in zip(graph.nodes, fits, strict=True) if fit[way])
        if found:
            return found
    return ()


def focus(graph: Graph, ids: Iterable[str], depth: int | None = None) -> Graph:
    """The nodes `ids`, all that feeds them and all that they feed, at most `depth` steps away, and the profiles of these.

    A profile stands for what it holds: otherwise everything in it would be two steps from everything else.
    """
    chosen = set(ids)
    holds = [edge for edge in graph.edges if edge.relation is Relation.HOLDS]
    chosen |= {edge.target for edge in holds if edge.source in chosen}
    up: dict[str, set[str]] = {}
    down: dict[str, set[str]] = {}
    for edge in graph.edges:
        if edge.relation is not Relation.HOLDS:
            up.setdefault(edge.target, set()).add(edge.source)
            down.setdefault(edge.source, set()).add(edge.target)
    kept = _reached(chosen, up, depth) | _reached(chosen, down, depth)
    kept |= {edge.source for edge in holds if edge.target in kept}
    return graph._replace(
        nodes=tuple(node for node in graph.nodes if node.id in kept),
        edges=tuple(edge for edge in graph.edges if edge.source in kept and edge.target in kept),
    )


def _reached(start: set[str], steps: dict[str, set[str]], depth: int | None) -> set[str]:
    seen, edge_of = set(start), set(start)
    while edge_of and (depth is None or depth > 0):
        edge_of = {other for node in edge_of for other in steps.get(node, ())} - seen
        seen |= edge_of
        depth = depth - 1 if depth is not None else None
    return seen
