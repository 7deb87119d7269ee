"""The graph as one page: it needs nothing else, works from a file, and is a list of nodes and edges without its script."""

from __future__ import annotations

import base64
import hashlib
import json as jsonlib
from collections.abc import Iterable, Iterator
from html import escape
from typing import NamedTuple

from kfspec.lineage.values import Edge, Graph, Node, Relation
from kfspec.views.graph import json, words
from kfspec.views.graph.layout import layout
from kfspec.views.graph.page import SCRIPT, STYLE
from kfspec.views.plan.lines import clip

_WIDTH = 400
_TINTS = {
    "volumes": "data",
    "storage": "data",
    "modelCaches": "data",
    "code": "code",
    "pipelines": "run",
    "recurringRuns": "run",
    "runs": "run",
    "notebooks": "work",
    "tensorboards": "work",
    "sparkConnects": "work",
    "sparkApplications": "run",
    "trainingJobs": "run",
    "experiments": "run",
    "inferenceServices": "serve",
    "inferenceGraphs": "serve",
    "trainedModels": "serve",
    "models": "serve",
    "modelVersions": "serve",
}
"""Block -> the colour of its nodes; the others have that of settings."""


class _Page(NamedTuple):
    """What is looked up again and again while the page is written."""

    graph: Graph
    anchors: dict[str, str]
    up: dict[str, list[Edge]]
    down: dict[str, list[Edge]]
    nodes: dict[str, Node]


def render(graph: Graph) -> str:
    """The page."""
    return "".join(f"{part}\n" for part in _parts(graph))


def _parts(graph: Graph) -> Iterator[str]:
    page = _page(graph)
    projects = ", ".join(graph.projects) or "nothing"
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>kfspec: what feeds what in {_text(projects)}</title>\n<style>{STYLE}</style>\n</head>\n<body>"
    yield f"<header>\n<h1>{_text(projects)} <span>in</span> {_text(', '.join(graph.environments))}</h1>"
    yield f'<p class="about">{_count(graph)}</p>\n</header>'
    yield from _filters(page)
    yield '<div class="stage" hidden><div class="view"><div class="canvas"></div></div><aside hidden></aside></div>'
    yield '<details id="list" open>\n<summary>All of it as a list</summary>\n<main>'
    for group in words.groups(graph):
        yield f"<section>\n<h2>{_heading(group, graph)}</h2>"
        if group.profile is not None:
            yield _entry(group.profile, page)
        yield from (_entry(node, page) for node in group.nodes)
        yield "</section>"
    yield "</main>\n</details>"
    yield f'<script type="application/json" id="graph">{_data(json.render(graph, indent=None))}</script>'
    yield f'<script type="application/json" id="layout">{_data(_layout(graph))}</script>'
    yield f"<script>{SCRIPT}</script>\n</body>\n</html>"


def _page(graph: Graph) -> _Page:
    up: dict[str, list[Edge]] = {}
    down: dict[str, list[Edge]] = {}
    for edge in words.drawn(graph):
        up.setdefault(edge.target, []).append(edge)
        down.setdefault(edge.source, []).append(edge)
    anchors = {node.id: f"n{n}" for n, node in enumerate(graph.nodes)}
    return _Page(graph, anchors, up, down, {node.id: node for node in graph.nodes})


def _policy() -> str:
    """Nothing may be fetched; only the page's own style and script count, whatever a spec holds."""
    style, script = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (STYLE, SCRIPT))
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _text(text: str) -> str:
    return escape(clip(text, _WIDTH))


def _data(text: str) -> str:
    """JSON that no HTML parser sees an end of."""
    return text.rstrip("\n").replace("<", "\\u003c")


def _layout(graph: Graph) -> str:
    made = layout(graph)
    tints = [_TINTS.get(node.block, "") for node in graph.nodes]
    return jsonlib.dumps({**made._asdict(), "tints": tints}, separators=(",", ":"))


def _count(graph: Graph) -> str:
    edges = len(words.drawn(graph))
    return f"{_of(len(graph.nodes), 'node')}, {_of(edges, 'edge')}: what feeds what, from left to right"


def _of(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


# -- the filters --------------------------------------------------------------------------------------------------


def _filters(page: _Page) -> Iterator[str]:
    """Hidden until the script shows them."""
    graph = page.graph
    yield '<form class="filters" hidden>'
    yield '<input type="search" name="text" placeholder="Search" aria-label="Search">'
    profiles = [group.profile for group in words.groups(graph) if group.profile is not None]
    yield _select("environment", "every environment", ((e, e) for e in graph.environments))
    yield _select("block", "all blocks", ((b, b) for b in dict.fromkeys(node.block for node in graph.nodes)))
    if len(profiles) > 1:
        yield _select("profile", "all profiles", ((page.anchors[p.id][1:], words.name(p, graph)) for p in profiles))
    yield '<label title="hide what is not connected with the chosen node">'
    yield '<input type="checkbox" name="only">Only connected</label>'
    yield '<button type="button" name="smaller" aria-label="Smaller">\N{MINUS SIGN}</button>'
    yield '<button type="button" name="larger" aria-label="Larger">+</button>'
    yield '<button type="button" name="all">Show all</button>\n<output name="shown" class="dim"></output>\n</form>'


def _select(name: str, every: str, options: Iterable[tuple[str, str]]) -> str:
    listed = "".join(f'<option value="{_text(value)}">{_text(text)}</option>' for value, text in options)
    return f'<select name="{name}" aria-label="{name}"><option value="">{every}</option>{listed}</select>'


# -- the list -----------------------------------------------------------------------------------------------------


def _heading(group: words.Group, graph: Graph) -> str:
    if group.profile is None:
        return "In no profile"
    return " ".join((f"Profile {_text(words.name(group.profile, graph))}", *_tags(group.profile, graph)))


def _entry(node: Node, page: _Page) -> str:
    up, down = page.up.get(node.id, []), page.down.get(node.id, [])
    pos = node.pos
    place = f'<span class="place">{_text(f"{pos.file}:{pos.line}")}</span>' if pos else ""
    head = f'<span class="ref">{_text(node.kind)} <b>{_text(words.name(node, page.graph))}</b></span>'
    tags = "".join(f" {tag}" for tag in _tags(node, page.graph))
    body = _feeds("Fed by", up, page, of_source=True) + _feeds("Feeds", down, page, of_source=False)
    return (
        f'<details class="change" id="{page.anchors[node.id]}" open><summary>{head}{tags} {place}</summary>'
        f'<div class="body">{body or f"<p>{_idle(node, page.graph)}</p>"}</div></details>'
    )


def _tags(node: Node, graph: Graph) -> list[str]:
    return [f'<span class="tag {_tone(note)}">{_text(note)}</span>' for note in words.notes(node, graph)]


def _tone(note: str) -> str:
    return "bad" if note == "not declared" else "warn" if note.startswith("only ") else "plain"


def _idle(node: Node, graph: Graph) -> str:
    held = sum(edge.source == node.id for edge in graph.edges if edge.relation is Relation.HOLDS)
    return f"Holds {_of(held, 'item')}." if held else "Feeds nothing, and nothing feeds it."


def _feeds(title: str, edges: list[Edge], page: _Page, *, of_source: bool) -> str:
    """Read from here: `mounted by explore`, or `features, mounted by this`."""
    if not edges:
        return ""
    entries = []
    for edge in edges:
        other = page.nodes[edge.source if of_source else edge.target]
        link = f'<a href="#{page.anchors[other.id]}">{_text(words.name(other, page.graph))}</a>'
        relation, only = words.relation(edge), words.only(edge.environments, page.graph)
        after = (other.kind, f"{relation} this") if of_source else (other.kind,)
        said = f'<span class="dim">{_text(", ".join(filter(None, (*after, only))))}</span>'
        entries.append(
            f"<li>{link} {said}</li>" if of_source else f'<li><span class="dim">{relation}</span> {link} {said}</li>'
        )
    return f'<p class="dim">{title}</p><ul>{"".join(entries)}</ul>'
