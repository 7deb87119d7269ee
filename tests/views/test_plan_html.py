"""A plan as a page, read back by a parser: it holds the known elements alone, and fetches nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings

from kfspec.planning import Plan
from kfspec.views.plan import html
from kfspec.views.plan import json as view
from tests.views import hostile
from tests.views.plans import EVERYTHING, PLANS, big

ATTRIBUTES = {
    "html": {"lang"},
    "meta": {"charset", "http-equiv", "content", "name"},
    "a": {"href"},
    "details": {"class", "id", "data-action", "data-kind", "open"},
    "form": {"class", "hidden"},
    "input": {"type", "name", "placeholder", "aria-label", "value", "checked"},
    "select": {"name", "aria-label"},
    "option": {"value"},
    "label": {"class", "title"},
    "button": {"type", "name"},
    "output": {"name", "class"},
    "script": {"type", "id"},
    "span": {"class", "title"},
    **{name: {"class"} for name in ("p", "div", "section", "code", "dt", "ul")},
    **{name: set() for name in ("head", "title", "style", "body", "header", "h1", "h2", "b", "ol", "li", "main")},
    **{name: set() for name in ("summary", "dl", "dd", "del", "ins", "pre")},
}
VOID = {"meta", "input"}


class Reader(HTMLParser):
    """Elements, attributes and text; what is not nested well is a failure."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: dict[str, set[str]] = {}
        self.values: list[tuple[str, str, str]] = []
        self.texts: dict[str, list[str]] = {}
        self.ids: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.setdefault(tag, set()).update(name for name, _ in attrs)
        self.values.extend((tag, name, value or "") for name, value in attrs)
        self.ids.extend(value or "" for name, value in attrs if name == "id")
        self.texts.setdefault(tag, []).append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open[-1]][-1] += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


def check(plan: Plan) -> Reader:
    """What holds of every page."""
    page = Reader(html.render(plan))
    assert {
        tag: names - ATTRIBUTES.get(tag, {"?"})
        for tag, names in page.seen.items()
        if tag not in ATTRIBUTES or names - ATTRIBUTES[tag]
    } == {}
    assert len(page.ids) == len(set(page.ids))
    links = {value.removeprefix("#") for _, name, value in page.values if name == "href"}
    assert links <= set(page.ids)
    data, script = page.texts["script"]
    assert json.loads(data) == view.document(plan)
    policy = next(value for tag, name, value in page.values if (tag, name) == ("meta", "content"))
    style = page.texts["style"][0]
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digests[0]}'; script-src 'sha256-{digests[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return page


@pytest.mark.parametrize("name", PLANS)
def test_the_page_holds_the_known_elements(name: str) -> None:
    check(PLANS[name])


@settings(max_examples=60, deadline=None)
@given(hostile.plans)
def test_hostile_text_makes_no_markup(plan: Plan) -> None:
    page = check(plan)
    texts = [text for tag, found in page.texts.items() if tag != "script" for text in found]
    assert all(c.isprintable() or c == "\n" for text in (*texts, *(value for _, _, value in page.values)) for c in text)
    html.render(plan).encode("utf-8")


def test_every_change_can_be_unfolded_and_found() -> None:
    page = check(big(500))
    assert page.ids == [*(f"c{n}" for n in _order(big(500))), "plan"]
    assert page.texts["h2"] == ["Look at these first", "stage-1", "stage-2", "deletions"]


def _order(plan: Plan) -> list[int]:
    """Anchors count the changes as the plan has them; the page shows them by stage."""
    numbers = {id(change): n for n, change in enumerate(plan.pending, 1)}
    stages = [[c for c in plan.pending if c.stage == stage] for stage in ("stage-1", "stage-2", "")]
    return [numbers[id(change)] for changes in stages for change in changes]


def test_nothing_is_fetched() -> None:
    page = html.render(EVERYTHING)
    assert not any(word in page for word in ("src=", "url(", "@import", "<link", "fetch(", "XMLHttpRequest", "import("))
