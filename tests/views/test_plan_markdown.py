"""A plan as a comment, read back by a Markdown parser: it holds the known elements alone, and keeps to the limit."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from hypothesis import given, settings
from markdown_it import MarkdownIt

from kfspec.planning import Action, Change, Delta, Plan, Reason
from kfspec.views.plan import markdown, words
from kfspec.views.plan.lines import printable
from tests.views import hostile
from tests.views.plans import CREATE, EVERYTHING, SCORER, big, plan, ref

ELEMENTS = {
    *("h3", "p", "strong", "sub", "blockquote", "ul", "li", "code", "pre", "b", "br", "details", "summary"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
ACTIVE = re.compile(r"@\w|#[0-9]|gh-[0-9]|://|www\.", re.IGNORECASE)
"""What GitHub makes a mention, a reference or a link of, outside of code."""


class Reader(HTMLParser):
    """The elements, attributes, comments and text of a page."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[tuple[str, str, str | None]] = set()
        self.comments: list[str] = []
        self.prose: list[str] = []
        self.code: list[str] = []
        self._depth = 0
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes.update((tag, name, value) for name, value in attrs)
        if tag == "code":
            self._depth += 1
            self.code.append("")

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag == "code"

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.code[-1] += data
        else:
            self.prose.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def read(comment: str) -> Reader:
    """The comment as a parser of GitHub's dialect sees it."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return Reader(parser.render(comment))


@settings(max_examples=60, deadline=None)
@given(hostile.plans)
def test_hostile_text_makes_no_markup(given_plan: Plan) -> None:
    output = markdown.render(given_plan)
    page = read(output)
    assert page.elements <= ELEMENTS
    assert page.attributes <= {("code", "class", "language-diff")}
    assert len(page.comments) == 1
    assert output.startswith(f"<!--{page.comments[0]}-->\n### kfspec: ")
    assert [text for text in page.prose if ACTIVE.search(text)] == []
    assert all(c.isprintable() or c in "\n\N{ZERO WIDTH SPACE}\N{VARIATION SELECTOR-16}" for c in output)
    assert len(output.encode()) <= markdown.LIMIT
    # Escapes of Markdown and HTML undo to the text that was given.
    code = " ".join("\n".join(page.code).split())
    if "Left out" not in output:
        for change in given_plan.pending:
            assert " ".join(printable(str(change.ref)[:200]).split()) in code


def test_the_marker_is_one_word_each() -> None:
    strange = plan()._replace(project="a--b -->", environment="é-")
    assert markdown.marker(plan()) == "<!-- kfspec-diff project=fraud environment=prod -->"
    assert markdown.marker(strange) == "<!-- kfspec-diff project=a-%2Db%20-%2D%3E environment=%C3%A9%2D -->"


def test_of_five_thousand_changes_the_most_important_are_shown() -> None:
    whole = big(5000)
    output = markdown.render(whole)
    assert len(output.encode()) <= markdown.LIMIT
    ending = re.search(
        r"\nLeft out, to fit into a comment: the details of ([\d,]+) changes\. <code>kfspec diff -e prod</code> shows all\.\n$",
        output,
    )
    assert ending is not None
    code = "\n".join(read(output).code)
    named = [change for change in whole.pending if re.search(rf"/{change.ref.name}\b", code)]
    unnamed = [change for change in whole.pending if change not in named]
    assert len(named) + int(ending[1].replace(",", "")) >= 5000
    assert max(map(words.weight, named)) <= min(map(words.weight, unnamed))


def test_what_is_left_out_and_what_is_told_make_up_the_plan() -> None:
    creates = tuple(CREATE[0]._replace(ref=ref("Namespace", f"n{n:05}", "", "")) for n in range(5000))
    output = markdown.render(plan(*creates))
    told = len(re.findall(r"^\+ Namespace/n\d{5}  profiles\.fraud  kfspec\.yaml:9:3$", output, re.MULTILINE))
    assert f"the details of {5000 - told:,} changes." in output
    assert 900 < told < 5000
    assert len(output.encode()) <= markdown.LIMIT


def test_one_great_change_does_not_hide_the_others() -> None:
    deltas = tuple(Delta("add", f"data.k{n}", None, "".join(f"{'é' * 110}{i}\n" for i in range(90))) for n in range(60))
    great = Change(ref("ConfigMap", "great", group=""), Action.REPLACE, Reason.SPEC, deltas=deltas)
    output = markdown.render(plan(great, SCORER))
    assert "Left out" not in output
    assert "- spec.predictor.canaryTrafficPercent: 10\n+ spec.predictor.canaryTrafficPercent: 50\n" in output
    assert re.search(r"^  \([\d,]+ more lines\)$", output, re.MULTILINE)


def test_folds_are_closed() -> None:
    for given_plan in (EVERYTHING, big(700)):
        output = markdown.render(given_plan)
        assert output.count("<details>") == output.count("</details>") == output.count("</summary>")
