"""A plan at a terminal: nothing that a file or a cluster holds steers it."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from kfspec.planning import Action, Change, Delta, Plan, Reason
from kfspec.views.plan import text
from tests.views import hostile
from tests.views.plans import EVERYTHING, plan, ref

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@settings(max_examples=60, deadline=None)
@given(hostile.plans, st.integers(20, 200))
def test_only_printable_characters_reach_a_terminal(given_plan: Plan, width: int) -> None:
    output = text.render(given_plan, width=width)
    assert all(c.isprintable() or c == "\n" for c in output)
    assert COLOURS.sub("", text.render(given_plan, colour=True, width=width)) == output


def test_hostile_text_shows_as_escapes() -> None:
    change = Change(
        ref("ConfigMap", "a\x1b[2Jb", group=""),
        Action.UPDATE,
        Reason.SPEC,
        "denied:\n\x1b[31mred",
        deltas=(
            Delta("replace", "data.a\u202eb", "x", "x\u200b"),
            Delta("replace", "data.b", "one\ntwo\x1b]0;t\x07\n", "one\nthree \n"),
        ),
    )
    assert text.render(plan(change)) == (
        "fraud in prod, compared with cluster prod-eu, applied as kfspec\n"
        "\n"
        "~ ConfigMap/fraud/a\\x1b[2Jb\n"
        "    why        the spec changed: denied:\\n\\x1b[31mred\n"
        '    ~ data.a\\u202eb: x -> "x\\u200b"\n'
        "    ~ data.b:\n"
        "          one\n"
        "        - two\\x1b]0;t\\x07\n"
        "        + three\N{MIDDLE DOT}\n"
        "\n"
        "1 to update\n"
    )


def test_lines_keep_to_the_width() -> None:
    for width in (72, 100, 140):
        long = [line for line in text.render(EVERYTHING, width=width).splitlines() if len(line) > width]
        # Sentences about the whole plan stand on one line each; a cut value says how much is left out.
        assert [
            line for line in long if line.startswith("    ") and "characters)" not in line and "#" not in line
        ] == []


def test_an_object_with_many_values_is_cut_with_a_count() -> None:
    deltas = tuple(Delta("replace", f"data.k{n}", n, n + 1) for n in range(1060))
    output = text.render(plan(Change(ref("ConfigMap", "c", group=""), Action.UPDATE, Reason.SPEC, deltas=deltas)))
    assert output.count(" -> ") == 60
    assert output.endswith("    (1,000 more values)\n\n1 to update\n")
