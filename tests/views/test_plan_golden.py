"""The whole output of every view over plans made by hand. `KFSPEC_UPDATE=1` rewrites the files: look at their diff."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kfspec.kinds.base import Outcome
from kfspec.planning import Action, Plan, Reason
from kfspec.views.plan import html, json, markdown, text
from tests.views.plans import EVERYTHING, FORCED, PLANS, SERVICES, SMALL, big

GOLDEN = Path(__file__).parent / "golden"
SOURCE = {"kfspec.yaml": "#\n" * 23 + "  explore:\n    image: registry.example.com/jupyter:v1\n"}


def visible(output: str) -> str:
    """Escapes of a terminal as something that a diff shows."""
    return output.replace("\x1b", "^")


CASES: dict[str, tuple[Plan, Callable[[Plan], str]]] = {
    **{f"{name}.txt": (plan, lambda plan: text.render(plan, SOURCE)) for name, plan in PLANS.items()},
    "everything.narrow.txt": (EVERYTHING, lambda plan: text.render(plan, SOURCE, width=72)),
    "everything.colour.txt": (EVERYTHING, lambda plan: visible(text.render(plan, SOURCE, colour=True))),
    **{f"{name}.md": (plan, markdown.render) for name, plan in PLANS.items()},
    "cut.md": (big(300), lambda plan: markdown.render(plan, command="make diff", limit=6000)),
    "everything.json": (EVERYTHING, json.render),
    "small.json": (SMALL, json.render),
    "forced.html": (FORCED, html.render),
    "everything.html": (EVERYTHING, html.render),
    "services.json": (SERVICES, json.render),
    "services.html": (SERVICES, html.render),
}


@pytest.mark.parametrize("name", CASES)
def test_the_output_is_as_recorded(name: str) -> None:
    plan, render = CASES[name]
    output = render(plan)
    file = GOLDEN / name
    if os.environ.get("KFSPEC_UPDATE"):
        file.write_text(output, encoding="utf-8")
    assert output == file.read_text(encoding="utf-8")


def test_no_recorded_file_is_left_over() -> None:
    assert {file.name for file in GOLDEN.iterdir()} == set(CASES)


def test_the_plans_have_every_action_reason_and_outcome() -> None:
    changes = [change for plan in PLANS.values() for change in plan.changes]
    assert {change.action for change in changes} == set(Action)
    assert {change.reason for change in changes} == set(Reason)
    assert {effect.outcome for change in changes for effect in change.effects} == set(Outcome)


@pytest.mark.parametrize("view", [text, json, markdown, html])
def test_a_view_gives_equal_text_for_equal_plans_and_ends_the_line(view: object) -> None:
    render: Callable[[Plan], str] = view.render  # type: ignore[attr-defined]
    for plan in PLANS.values():
        assert render(plan) == render(plan._replace())
        assert render(plan).endswith("\n")
