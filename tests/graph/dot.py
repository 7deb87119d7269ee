"""A reader of the part of Graphviz's language that the grammar on graphviz.org gives: enough to read all of it back."""

from __future__ import annotations

import html
import re
from typing import NamedTuple

_TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|(->|[{}\[\]=,;])|([A-Za-z_][A-Za-z0-9_]*|-?\d+(?:\.\d+)?))', re.DOTALL)


class Dot(NamedTuple):
    """What was read: labels of nodes, of clusters with their nodes, and edges."""

    nodes: dict[str, str]
    clusters: dict[str, tuple[str, list[str]]]
    edges: list[tuple[str, str, str]]


def read(text: str) -> Dot:
    """The graph; AssertionError for what Graphviz would not take."""
    tokens = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        assert match is not None, text[at : at + 40]
        tokens.append(match.group(1) or match.group(2) or match.group(3))
        at = match.end()
    made = Dot({}, {}, [])
    assert tokens[:3] == ["digraph", "kfspec", "{"]
    rest = _statements(tokens[3:], made, None)
    assert rest == []
    return made


def _statements(tokens: list[str], made: Dot, cluster: str | None) -> list[str]:
    while tokens[0] != "}":
        if tokens[0] == "subgraph":
            assert tokens[2] == "{"
            made.clusters[tokens[1]] = ("", [])
            tokens = _statements(tokens[3:], made, tokens[1])
        elif tokens[1] == "=":
            assert cluster is not None
            made.clusters[cluster] = (_label(tokens[2]), made.clusters[cluster][1])
            tokens = tokens[3:]
        elif tokens[1] == "->":
            assert tokens[0] in made.nodes
            assert tokens[2] in made.nodes
            attributes, rest = _attributes(tokens[3:])
            made.edges.append((tokens[0], tokens[2], attributes["label"]))
            tokens = rest
        else:
            name = tokens[0]
            attributes, tokens = _attributes(tokens[1:])
            if name not in ("graph", "node", "edge"):
                assert name not in made.nodes
                made.nodes[name] = attributes["label"]
                if cluster is not None:
                    made.clusters[cluster][1].append(name)
    return tokens[1:]


def _attributes(tokens: list[str]) -> tuple[dict[str, str], list[str]]:
    assert tokens[0] == "["
    end = tokens.index("]")
    found = {}
    for n in range(1, end, 4):
        assert tokens[n + 1] == "="
        assert tokens[n + 3] in (",", "]")
        found[tokens[n]] = _label(tokens[n + 2])
    return found, tokens[end + 1 :]


def _label(token: str) -> str:
    """What Graphviz shows: its escapes undone, then HTML's entities."""
    if not token.startswith('"'):
        return token
    shown = re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], token[1:-1], flags=re.DOTALL)
    return html.unescape(shown)
