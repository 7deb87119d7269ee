"""The views of a graph: whole outputs of three specs, and what no name may do to any of them. `KFSPEC_UPDATE=1` rewrites."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import unicodedata
from pathlib import Path
from types import ModuleType

import jsonschema
import pytest
from hypothesis import given, settings

from kfspec.lineage.making import graph
from kfspec.lineage.narrowing import focus
from kfspec.lineage.values import Graph, Relation
from kfspec.packages import Execution
from kfspec.pipeline import prepare
from kfspec.views.graph import dot, html, mermaid, words
from kfspec.views.graph import json as view
from kfspec.views.graph.layout import layout
from kfspec.views.graph.page import SCRIPT, STYLE
from tests.conftest import ROOT
from tests.graph import hostile
from tests.graph.dot import read
from tests.views.test_plan_html import ATTRIBUTES, Reader

GOLDEN = Path(__file__).parent / "golden"
VIEWS: dict[str, ModuleType] = {"mermaid": mermaid, "dot": dot, "json": view, "html": html}
RECORDED: dict[str, tuple[Path, tuple[str, ...]]] = {
    "showcase": (Path("examples/fraud-detection/kfspec.yaml"), tuple(VIEWS)),
    "retraining": (Path("examples/retraining/kfspec.yaml"), ("mermaid", "json")),
    "newest": (Path("tests/graph/specs/newest.yaml"), ("mermaid", "dot", "json")),
}
"""Name of a spec -> the spec, and the views of it that are recorded."""
SCHEMA = json.loads(Path(__file__).with_name("graph.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
ELEMENTS = {
    **ATTRIBUTES,
    "aside": {"hidden"},
    "div": {"class", "hidden"},
    "ul": set(),
    "button": {"type", "name", "aria-label"},
}


def made(name: str) -> Graph:
    """The graph of a recorded spec; places are as seen from the root of the project."""
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        return graph([prepare(RECORDED[name][0], execution=Execution.PASSED_OVER)])
    finally:
        os.chdir(before)


@pytest.fixture(scope="module")
def showcase() -> Graph:
    """The graph of the showcase."""
    return made("showcase")


@pytest.mark.parametrize("spec", RECORDED)
def test_the_output_is_as_recorded(spec: str) -> None:
    whole = made(spec)
    for name in RECORDED[spec][1]:
        output = VIEWS[name].render(whole)
        file = GOLDEN / f"{spec}.{name}"
        if os.environ.get("KFSPEC_UPDATE"):
            file.write_text(output, encoding="utf-8")
        assert output == file.read_text(encoding="utf-8")


def test_no_recorded_file_is_left_over() -> None:
    recorded = {f"{spec}.{name}" for spec, (_, names) in RECORDED.items() for name in names}
    assert {file.name for file in GOLDEN.iterdir()} == recorded


def test_a_profile_that_something_is_open_to_can_be_drawn_to() -> None:
    """Graphviz draws no edge to a box: the profile stands inside of it too."""
    drawing = read(dot.render(made("newest")))
    assert drawing.clusters["cluster_profiles_store"] == ("store", ["profiles_store", "notebooks_browse"])
    assert "profiles_lab" not in drawing.nodes
    opened = [edge for edge in drawing.edges if edge[2] == "open to"]
    assert opened == [
        ("inferenceServices_first", "external_profiles_shop", "open to"),
        ("inferenceServices_second", "profiles_store", "open to"),
    ]


@pytest.mark.parametrize("name", VIEWS)
def test_nothing_is_a_graph_too(name: str) -> None:
    assert VIEWS[name].render(Graph((), ("default",), (), ())).endswith("\n")


# -- JSON


def test_the_schema_has_every_relation_and_is_strict(showcase: Graph) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$defs"]["edge"]["properties"]["relation"]["enum"] == sorted(Relation, key=list(Relation).index)
    document = view.document(showcase)
    for wrong in ({"formatVersion": 2}, {"nodes": [{}]}, {"more": 1}, {"edges": [{**document["edges"][0], "x": 1}]}):
        assert not VALIDATOR.is_valid({**document, **wrong})


@settings(max_examples=80, deadline=None)
@given(hostile.graphs())
def test_json_says_what_the_value_says(given_graph: Graph) -> None:
    output = view.render(given_graph)
    document = json.loads(output)
    VALIDATOR.validate(document)
    assert document == view.document(given_graph)
    assert [node["id"] for node in document["nodes"]] == [node.id for node in given_graph.nodes]
    assert all(c == "\n" or (c.isascii() and unicodedata.category(c) != "Cc") for c in output)


# -- DOT


@settings(max_examples=120, deadline=None)
@given(hostile.graphs())
def test_dot_is_read_back(given_graph: Graph) -> None:
    made = read(dot.render(given_graph))
    ids = words.identifiers(given_graph)
    groups = words.groups(given_graph)
    holders = {group.profile.id for group in groups if group.profile is not None}
    inside = {name for _, names in made.clusters.values() for name in names}
    assert set(made.nodes) >= {ids[node.id] for node in given_graph.nodes if node.id not in holders} - inside
    for group in groups:
        for node in group.nodes:
            short = len(node.name) < 60 and node.name.isprintable() and len(given_graph.projects) < 2
            assert made.nodes[ids[node.id]].startswith(f"{node.name}\n") or not short
        if group.profile is not None:
            itself = (
                [group.profile] if any(edge.target == group.profile.id for edge in words.drawn(given_graph)) else []
            )
            assert made.clusters[f"cluster_{ids[group.profile.id]}"][1] == [ids[n.id] for n in (*itself, *group.nodes)]


# -- Mermaid

_QUOTED = r'"(?:[A-Za-z0-9 ,./-]|[^\W_](?<![\x00-\x7f])|#\d+;|<br>)*"'
_ID = r"[A-Za-z][A-Za-z0-9_]*"
_LINE = re.compile(
    rf"flowchart LR|  end|  subgraph {_ID}\[{_QUOTED}\]|(?:    |  ){_ID}(?:\[|\[\(|\[/|\{{\{{){_QUOTED}(?:\]|\)\]|/\]|\}}\}})"
    rf"|  {_ID} (?:-->|-\.->)\|{_QUOTED}\| {_ID}|  classDef (?:outside|missing) [^;]*|  class {_ID}(?:,{_ID})* (?:outside|missing)"
)


@settings(max_examples=120, deadline=None)
@given(hostile.graphs())
def test_no_name_leaves_its_label_in_a_chart(given_graph: Graph) -> None:
    lines = mermaid.render(given_graph).removesuffix("\n").split("\n")
    assert [line for line in lines if _LINE.fullmatch(line) is None] == []
    ids = set(words.identifiers(given_graph).values())
    assert len(ids) == len(given_graph.nodes)
    assert sum(line.startswith("  subgraph") for line in lines) == sum(line == "  end" for line in lines)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("a-b", "a-b"),
        ('say "x"', "say #34;x#34;"),
        ("1. one", "1#46;#32;one"),
        ("- item", "#45;#32;item"),
        ("fa:fa-car #35; `x`", "fa#58;fa-car #35;35#59; #96;x#96;"),
        ("\u65e5\u672c <br> </script>", "\u65e5\u672c #60;br#62; #60;/script#62;"),
        ("a\r\n\u202eb", "a#92;r#92;n#92;u202eb"),
    ],
)
def test_a_label_of_a_chart(name: str, label: str, showcase: Graph) -> None:
    node = showcase.nodes[-1]._replace(name=name, standing=showcase.nodes[0].standing)
    chart = mermaid.render(showcase._replace(nodes=(node,), edges=()))
    assert chart.split("\n")[1].split("[", 1)[1] == f'"{label}<br>ConfigMap"]'


# -- the page


def check(given_graph: Graph) -> Reader:
    """What holds of every page."""
    page = Reader(html.render(given_graph))
    unknown = {tag: names - ELEMENTS.get(tag, {"?"}) for tag, names in page.seen.items()}
    assert {tag: names for tag, names in unknown.items() if names or tag not in ELEMENTS} == {}
    assert len(page.ids) == len(set(page.ids))
    assert {value.removeprefix("#") for _, name, value in page.values if name == "href"} <= set(page.ids)
    assert {f"n{n}" for n in range(len(given_graph.nodes))} <= set(page.ids)
    data, places, script = page.texts["script"]
    assert json.loads(data) == view.document(given_graph)
    assert (script, page.texts["style"][0]) == (SCRIPT, STYLE)
    style, code = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (STYLE, SCRIPT))
    assert next(value for tag, name, value in page.values if (tag, name) == ("meta", "content")) == (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{code}'; base-uri 'none'; form-action 'none'"
    )
    assert set(json.loads(places)) == {"columns", "alone", "tints"}
    return page


def test_the_page_holds_the_known_elements(showcase: Graph) -> None:
    page = check(showcase)
    assert page.texts["h2"] == ["Profile fraud-research", "Profile fraud-serving", "In no profile"]
    assert "Holds 7 items." in page.texts["p"]
    assert page.texts["option"][:3] == ["every environment", "dev", "prod"]


@settings(max_examples=60, deadline=None)
@given(hostile.graphs())
def test_hostile_text_makes_no_markup(given_graph: Graph) -> None:
    page = check(given_graph)
    texts = [text for tag, found in page.texts.items() if tag != "script" for text in found]
    assert all(c.isprintable() or c == "\n" for text in (*texts, *(v for *_, v in page.values)) for c in text)
    html.render(given_graph).encode("utf-8")


def test_nothing_is_fetched_and_no_markup_is_made_of_text(showcase: Graph) -> None:
    page = html.render(showcase)
    unwanted = (
        "src=",
        "url(",
        "@import",
        "<link",
        "fetch(",
        "XMLHttpRequest",
        "import(",
        "innerHTML",
        "eval(",
        "cssText",
    )
    assert [word for word in unwanted if word in page] == []


@settings(max_examples=120, deadline=None)
@given(hostile.graphs())
def test_every_node_has_its_place_in_a_drawing(given_graph: Graph) -> None:
    made = layout(given_graph)
    column = {n: x for x, rows in enumerate(made.columns) for n in rows}
    number = {node.id: n for n, node in enumerate(given_graph.nodes)}
    holders = {number[group.profile.id] for group in words.groups(given_graph) if group.profile is not None}
    placed = [*column, *made.alone]
    assert len(placed) == len(set(placed)) == sum(map(len, made.columns)) + len(made.alone)
    assert set(placed) | holders == set(number.values())
    assert made == layout(given_graph)


def test_what_feeds_stands_left(showcase: Graph) -> None:
    made = layout(showcase)
    column = {showcase.nodes[n].id: x for x, rows in enumerate(made.columns) for n in rows}
    assert [edge for edge in words.drawn(showcase) if column[edge.source] >= column[edge.target]] == []
    assert [len(rows) for rows in made.columns] == [5, 4, 2]
    assert [showcase.nodes[n].label for n in made.alone] == [
        "secrets.pull-secret",
        "notebooks.review",
        "resources.thresholds",
    ]


def test_names_in_a_chart_stay_when_others_go(showcase: Graph) -> None:
    whole = words.identifiers(showcase)
    part = words.identifiers(focus(showcase, ["fraud-detection/experiments.tune"]))
    assert part == {id_: whole[id_] for id_ in part}
    assert whole["fraud-detection/experiments.tune"] == "experiments_tune"
