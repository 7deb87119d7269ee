"""What the views of a graph say alike: groups, names for machines, and what is special about a node or an edge."""

from __future__ import annotations

import re
from typing import NamedTuple

from kfspec.kinds.base import digest8
from kfspec.lineage.values import Edge, Graph, Node, Relation, Standing

_STANDINGS = {
    Standing.DECLARED: "",
    Standing.EXTERNAL: "external",
    Standing.SHIPPED: "comes with the platform",
    Standing.UNDECLARED: "not declared",
}
_OUTSIDE = frozenset({"code", "storage"})
"""Blocks of which everybody knows that they are no objects."""
_PLAIN = re.compile(r"[A-Za-z0-9./-]+")


class Group(NamedTuple):
    """A profile and what it holds; without a profile, what is in none."""

    profile: Node | None
    nodes: tuple[Node, ...]


def groups(graph: Graph) -> tuple[Group, ...]:
    """Every node once: the profiles in their order, each with what it holds, then what is in none. A profile that holds
    nothing is one of the latter."""
    home: dict[str, str] = {}
    for edge in graph.edges:
        if edge.relation is Relation.HOLDS:
            home.setdefault(edge.target, edge.source)
    holders = set(home.values())
    members: dict[str, list[Node]] = {}
    for node in graph.nodes:
        if node.id not in holders:
            members.setdefault(home.get(node.id, ""), []).append(node)
    held = [Group(node, tuple(members.get(node.id, ()))) for node in graph.nodes if node.id in holders]
    return tuple(group for group in (*held, Group(None, tuple(members.get("", ())))) if group.nodes)


def drawn(graph: Graph) -> tuple[Edge, ...]:
    """The edges that are drawn: what a profile holds stands inside of it instead."""
    return tuple(edge for edge in graph.edges if edge.relation is not Relation.HOLDS)


def relation(edge: Edge) -> str:
    """`mounted by`."""
    return edge.relation.value.replace("-", " ")


def only(environments: tuple[str, ...], graph: Graph) -> str:
    """`only prod` where it is not in every environment, else ""."""
    return f"only {', '.join(environments)}" if len(environments) < len(graph.environments) else ""


def notes(node: Node, graph: Graph) -> tuple[str, ...]:
    """What is special about a node: who declares it, where it is missing, where it does not run."""
    templates = tuple(presence.environment for presence in node.presences if presence.template)
    everywhere = len(templates) == len(node.presences)
    template = ("template" if everywhere else f"template in {', '.join(templates)}") if templates else ""
    standing = "" if node.block in _OUTSIDE else _STANDINGS[node.standing]
    return tuple(filter(None, (standing, only(node.environments, graph), template)))


def edge_label(edge: Edge, graph: Graph) -> str:
    """`mounted by, only dev`."""
    return ", ".join(filter(None, (relation(edge), only(edge.environments, graph))))


def name(node: Node, graph: Graph) -> str:
    """The node's name, with its project's where there are several."""
    return f"{node.project}/{node.name}" if node.project and len(graph.projects) > 1 else node.name


def identifiers(graph: Graph) -> dict[str, str]:
    """Node id -> a word of ASCII letters, digits and `_` that no other node has, and that stays when others come or go."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for node in graph.nodes:
        plain = _PLAIN.fullmatch(node.name) is not None and len(node.name) <= 63
        words = ("p", node.project) if node.project and len(graph.projects) > 1 else ()
        words = (*words, *(() if node.project else ("external",)), node.block, node.name if plain else _digest(node))
        word = "_".join(re.sub(r"[^A-Za-z0-9]", "_", part) for part in words)
        if word in taken or not word[0].isalpha():
            word = f"n_{word}_{_digest(node)}"
        taken.add(word)
        found[node.id] = word
    return found


def _digest(node: Node) -> str:
    return digest8(ascii(node.id))  # half a surrogate pair has no UTF-8
