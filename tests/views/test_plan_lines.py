"""Values as lines: what fits on one, what is compared line by line, and what is cut."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from kfspec.planning import Delta
from kfspec.planning.deltas import MASKED
from kfspec.views.plan.lines import Line, Shown, clip, one_line, printable, shown
from tests.views import hostile


def replaced(old: Any, new: Any, width: int = 60, most: int = 20) -> Shown:
    """How a replacement at `p` shows."""
    return shown(Delta("replace", "p", old, new), width, most)


@pytest.mark.parametrize(
    ("old", "new", "texts"),
    [
        (1, 3, ("1", "3")),
        (None, "x", ("null", "x")),
        ("1", 1, ('"1"', "1")),
        ("a", "a ", ("a", '"a "')),
        ([], {"a": [1, "b c"]}, ("[]", '{a: [1, "b c"]}')),
        (MASKED, MASKED, ("(secret)", "(secret)")),
    ],
)
def test_what_fits_stands_on_one_line(old: Any, new: Any, texts: tuple[str, str]) -> None:
    assert replaced(old, new) == Shown("~", "p", *texts)


def test_structures_are_compared_line_by_line() -> None:
    old = {
        "a": 1,
        "b": 2,
        "c": [{"name": "x" * 60, "value": "y" * 40}, {"name": "z", "value": "1"}],
        "d": True,
        "e": [3],
    }
    new = {**old, "c": [old["c"][0], {"name": "z", "value": "2"}]}  # type: ignore[index]
    assert replaced(old, new, 100).lines == (
        Line("@", "line 4"),
        Line(" ", f"- name: {'x' * 60}"),
        Line(" ", f"  value: {'y' * 40}"),
        Line("-", '- {name: z, value: "1"}'),
        Line("+", '- {name: z, value: "2"}'),
        Line(" ", "d: true"),
        Line(" ", "e: [3]"),
    )


def test_long_texts_are_cut_around_the_place_where_they_differ() -> None:
    old, new = "a" * 1000 + "1" + "b" * 1000, "a" * 1000 + "2" + "b" * 1000
    assert replaced(old, new).lines == (
        Line("-", f"(980 characters) ...{'a' * 20}1{'b' * 39}... (961 more characters)"),
        Line("+", f"(980 characters) ...{'a' * 20}2{'b' * 39}... (961 more characters)"),
    )


def test_a_missing_newline_at_the_end_is_a_difference() -> None:
    assert replaced("a\nb\n", "a\nb").lines == (
        Line(" ", "a"),
        Line(" ", "b"),
        Line("+", "(no newline at the end)"),
    )


def test_what_is_cut_is_counted() -> None:
    text = "".join(f"{n}\n" for n in range(100))
    assert shown(Delta("add", "p", None, text), 60, 3) == Shown(
        "+", "p", "", "", (Line("+", "0"), Line("+", "1"), Line("+", "2")), 97
    )
    assert shown(Delta("remove", "p", "1\n2\n3\n4\n", None), 60, 3).more == 0  # saying "1 more" would take that line
    assert clip("abcdef", 3) == "abc... (3 more characters)"


def test_a_great_text_does_not_take_long() -> None:
    """A line diff of everything is quadratic: 20,000 changed lines are shown as gone and come."""
    old = "".join(f"{n}\n" for n in range(20_000))
    new = "".join(f"{n}x\n" for n in range(20_000))
    value = replaced(old, new, most=5)
    assert (len(value.lines), value.more) == (5, 39_995)
    assert {line.sign for line in value.lines} == {"-"}


def test_what_is_not_printable_shows_as_an_escape() -> None:
    assert (
        printable("a\tb\nc\x1b\x9b\xa0\u202e\ud800\U000e0001é") == "a\\tb\\nc\\x1b\\x9b\\xa0\\u202e\\ud800\\U000e0001é"
    )


@settings(max_examples=200, deadline=None)
@given(hostile.deltas)
def test_every_value_shows_printable_and_a_difference_shows(delta: Delta) -> None:
    value = shown(delta, 80, 50)
    texts = [value.path, value.old, value.new, *(line.text for line in value.lines)]
    assert all(text.isprintable() for text in texts)
    assert len(value.lines) <= 51
    if delta.op == "add":
        assert value.new or {line.sign for line in value.lines} == {"+"}
    if delta.op == "remove":
        assert value.old or {line.sign for line in value.lines} == {"-"}


@settings(max_examples=100, deadline=None)
@given(hostile.values)
def test_one_line_is_one_line_of_the_width(value: Any) -> None:
    line = one_line(value, 40)
    assert line is None or (len(line) <= 40 and line.isprintable())
