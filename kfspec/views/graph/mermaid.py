"""The graph as a Mermaid flowchart, as GitHub and GitLab draw it in Markdown.

Every label is quoted, and what is neither a letter nor harmless becomes a character code (Mermaid 11, `encodeEntities`): a name
can neither end its label nor be read as Markdown, HTML, an icon or a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfspec.lineage.values import Graph, Node, Standing
from kfspec.views.graph import words
from kfspec.views.plan.lines import clip

MANY = 150
"""Nodes beyond which a chart cannot be read; GitHub draws none with more than 500 edges (Mermaid 11, `maxEdges`)."""
_WIDTH = 80
_HARMLESS = re.compile(r"[A-Za-z0-9 ,./-]")
_SHAPES = {"profiles": ("{{", "}}"), "volumes": ("[(", ")]"), "storage": ("[(", ")]"), "code": ("[/", "/]")}
_CLASSES = {Standing.EXTERNAL: "outside", Standing.SHIPPED: "outside", Standing.UNDECLARED: "missing"}
_STYLES = {"outside": "stroke-dasharray: 5 5", "missing": "stroke: #d1242f, stroke-width: 3px"}


def render(graph: Graph) -> str:
    """The chart."""
    return "".join(f"{line}\n" for line in _lines(graph))


def _lines(graph: Graph) -> Iterator[str]:
    ids = words.identifiers(graph)
    yield "flowchart LR"
    for group in words.groups(graph):
        if group.profile is None:
            yield from (_node(node, ids, graph, "  ") for node in group.nodes)
            continue
        yield f"  subgraph {ids[group.profile.id]}[{_quoted(_title(group.profile, graph))}]"
        yield from (_node(node, ids, graph, "    ") for node in group.nodes)
        yield "  end"
    for edge in words.drawn(graph):
        arrow = "-.->" if len(edge.environments) < len(graph.environments) else "-->"
        yield f"  {ids[edge.source]} {arrow}|{_quoted(words.edge_label(edge, graph))}| {ids[edge.target]}"
    used = {_CLASSES[node.standing] for node in graph.nodes if node.standing in _CLASSES}
    for name in _STYLES:
        members = [ids[n.id] for g in words.groups(graph) for n in g.nodes if _CLASSES.get(n.standing) == name]
        if name in used and members:
            yield f"  classDef {name} {_STYLES[name]}"
            yield f"  class {','.join(members)} {name}"


def _node(node: Node, ids: dict[str, str], graph: Graph, indent: str) -> str:
    first, last = _SHAPES.get(node.block, ("[", "]"))
    lower = ", ".join((node.kind, *words.notes(node, graph)))
    return f"{indent}{ids[node.id]}{first}{_quoted(words.name(node, graph), lower)}{last}"


def _title(profile: Node, graph: Graph) -> str:
    return ", ".join((words.name(profile, graph), *words.notes(profile, graph)))


def _quoted(*lines: str) -> str:
    return f'"{"<br>".join(_safe(line) for line in lines)}"'


def _safe(text: str) -> str:
    """The text in Mermaid's character codes, its plain characters as they are unless Markdown might see a list in them."""
    shown = clip(text, _WIDTH) or " "
    listed = not shown[0].isalnum() or re.match(r"\d+[.)]", shown) is not None
    return "".join(
        c
        if (_HARMLESS.fullmatch(c) or (ord(c) > 0x7F and c.isalnum())) and not (listed and not c.isalnum())
        else _code(c)
        for c in shown
    )


def _code(c: str) -> str:
    return f"#{ord(c)};"
