"""The graph as JSON, `formatVersion` 1; tests/graph/graph.schema.json has its shape. ASCII alone: no terminal is steered."""

from __future__ import annotations

import json
from typing import Any

from kfspec.lineage.values import Edge, Graph, Node

FORMAT_VERSION = 1


def render(graph: Graph, *, indent: int | None = 2) -> str:
    """One JSON document, ending in a newline."""
    separators = (",", ": ") if indent else (",", ":")
    return json.dumps(document(graph), indent=indent, separators=separators).replace("\x7f", "\\u007f") + "\n"


def document(graph: Graph) -> dict[str, Any]:
    """The graph as JSON values."""
    return {
        "formatVersion": FORMAT_VERSION,
        "projects": list(graph.projects),
        "environments": list(graph.environments),
        "nodes": [_node(node) for node in graph.nodes],
        "edges": [_edge(edge) for edge in graph.edges],
    }


def _node(node: Node) -> dict[str, Any]:
    pos = node.pos
    return {
        "id": node.id,
        "project": node.project or None,
        "block": node.block,
        "kind": node.kind,
        "name": node.name,
        "profile": node.profile or None,
        "standing": node.standing.value,
        "environments": [
            {"name": presence.environment, "namespace": presence.namespace or None, "template": presence.template}
            for presence in node.presences
        ],
        "place": {"file": pos.file, "line": pos.line, "column": pos.column} if pos else None,
    }


def _edge(edge: Edge) -> dict[str, Any]:
    return {
        "from": edge.source,
        "to": edge.target,
        "relation": edge.relation.value,
        "environments": list(edge.environments),
    }
