"""The graph for Graphviz: `kfspec graph --format dot | dot -Tsvg`."""

from __future__ import annotations

from collections.abc import Iterator

from kfspec.lineage.values import Edge, Graph, Node, Standing
from kfspec.views.graph import words
from kfspec.views.plan.lines import clip

_WIDTH = 80
_SHAPES = {"profiles": "hexagon", "volumes": "cylinder", "storage": "cylinder", "code": "folder"}
_STYLES = {
    Standing.DECLARED: "",
    Standing.EXTERNAL: ", style=dashed",
    Standing.SHIPPED: ", style=dashed",
    Standing.UNDECLARED: ', color="#d1242f", penwidth=2',
}


def render(graph: Graph) -> str:
    """The whole digraph."""
    return "".join(f"{line}\n" for line in _lines(graph))


def _lines(graph: Graph) -> Iterator[str]:
    ids = words.identifiers(graph)
    ends = {end for edge in words.drawn(graph) for end in (edge.source, edge.target)}
    yield "digraph kfspec {"
    yield '  graph [rankdir=LR, fontname="Helvetica"]'
    yield '  node [shape=box, fontname="Helvetica"]'
    yield '  edge [fontname="Helvetica", fontsize=10]'
    for group in words.groups(graph):
        if group.profile is None:
            yield from (_node(node, ids, graph, "  ") for node in group.nodes)
            continue
        title = ", ".join((words.name(group.profile, graph), *words.notes(group.profile, graph)))
        yield f"  subgraph cluster_{ids[group.profile.id]} {{"
        yield f"    label={_quoted(title)}"
        if group.profile.id in ends:  # Graphviz draws no edge to a box
            yield _node(group.profile, ids, graph, "    ")
        yield from (_node(node, ids, graph, "    ") for node in group.nodes)
        yield "  }"
    yield from (_edge(edge, ids, graph) for edge in words.drawn(graph))
    yield "}"


def _node(node: Node, ids: dict[str, str], graph: Graph, indent: str) -> str:
    label = _quoted(words.name(node, graph), ", ".join((node.kind, *words.notes(node, graph))))
    shape = f", shape={_SHAPES[node.block]}" if node.block in _SHAPES else ""
    return f"{indent}{ids[node.id]} [label={label}{shape}{_STYLES[node.standing]}]"


def _edge(edge: Edge, ids: dict[str, str], graph: Graph) -> str:
    style = ", style=dashed" if len(edge.environments) < len(graph.environments) else ""
    return f"  {ids[edge.source]} -> {ids[edge.target]} [label={_quoted(words.edge_label(edge, graph))}{style}]"


def _quoted(*lines: str) -> str:
    """A label: Graphviz reads backslashes and HTML's entities in one."""
    escaped = (clip(line, _WIDTH).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;") for line in lines)
    text = "\\n".join(escaped)
    return f'"{text}"'
