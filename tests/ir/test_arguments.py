"""What runs and schedules give a pipeline, against what it declares."""

from __future__ import annotations

from typing import Any

import pytest

from kfspec.ir.arguments import Parameter, check_arguments, inputs
from tests.ir.editing import Change, changed, package_of, text_of

PARAMETERS = package_of(text_of("parameters"))
RIGHT: dict[str, Any] = {"text": "a", "count": 1, "rate": 0.5, "flag": True, "names": [], "options": {}}
LITERALS = package_of(
    changed(
        text_of("recent"),
        Change(
            ("root", "inputDefinitions", "parameters", "solver", "parameterType"),
            "STRING\n        literals: [sgd, adam]",
        ),
    )
)


def told(values: dict[str, Any], server: str = "2.5.0", package: Any = PARAMETERS) -> list[tuple[Any, ...]]:
    """The findings, without what is the same in all of them."""
    found = check_arguments(package, values, ("runs", "a", "parameters"), server)
    assert {d.code for d in found} <= {"KF309"}
    return [(d.path[3:], d.message, d.hint, str(d.upstream)) for d in found]


def test_inputs_are_the_parameters_of_the_pipeline() -> None:
    assert inputs(PARAMETERS) == {
        "count": Parameter("NUMBER_INTEGER", True, None, "How many."),
        "debug": Parameter("BOOLEAN", False, False),
        "epochs": Parameter("NUMBER_INTEGER", False, 10),
        "extra": Parameter("STRUCT", False, {"seed": 1}),
        "flag": Parameter("BOOLEAN", True),
        "greeting": Parameter("STRING", False, "hello"),
        "layers": Parameter("LIST", False, [64, 32]),
        "limit": Parameter("NUMBER_INTEGER", False),
        "lr": Parameter("NUMBER_DOUBLE", False, 0.5, "The learning rate."),
        "names": Parameter("LIST", True),
        "options": Parameter("STRUCT", True),
        "rate": Parameter("NUMBER_DOUBLE", True),
        "text": Parameter("STRING", True),
    }


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"rate": 1},
        {"count": 3.0},
        {"epochs": 20, "lr": 1e-5, "layers": [1], "extra": {}, "debug": True, "limit": 0, "greeting": ""},
    ],
)
def test_right_arguments_have_no_fault(more: dict[str, Any]) -> None:
    assert told({**RIGHT, **more}) == []


@pytest.mark.parametrize(
    ("more", "finding"),
    [
        (
            {"epoch": 3},
            (("epoch",), "the pipeline has no parameter 'epoch'", "did you mean 'epochs'?", "refuses"),
        ),
        (
            {"epochs": "20"},
            (
                ("epochs",),
                "parameter 'epochs' must be a whole number, not '20'",
                "KFP converts nothing: write 20 without quotes",
                "refuses",
            ),
        ),
        (
            {"epochs": "many"},
            (("epochs",), "parameter 'epochs' must be a whole number, not 'many'", None, "refuses"),
        ),
        (
            {"text": 20},
            (
                ("text",),
                "parameter 'text' must be a string, not the number 20",
                'KFP converts nothing: write "20" in quotes',
                "refuses",
            ),
        ),
        (
            {"text": False},
            (
                ("text",),
                "parameter 'text' must be a string, not false",
                'KFP converts nothing: write "false" in quotes',
                "refuses",
            ),
        ),
        (
            {"flag": "true"},
            (
                ("flag",),
                "parameter 'flag' must be true or false, not 'true'",
                "KFP converts nothing: write true without quotes",
                "refuses",
            ),
        ),
        ({"flag": 1}, (("flag",), "parameter 'flag' must be true or false, not the number 1", None, "refuses")),
        ({"rate": True}, (("rate",), "parameter 'rate' must be a number, not true", None, "refuses")),
        (
            {"names": "a,b"},
            (("names",), "parameter 'names' must be a list, not 'a,b'", "write it as a YAML list", "refuses"),
        ),
        ({"names": {}}, (("names",), "parameter 'names' must be a list, not a mapping", None, "refuses")),
        (
            {"options": "{}"},
            (("options",), "parameter 'options' must be a mapping, not '{}'", "write it as a YAML mapping", "refuses"),
        ),
        (
            {"limit": None},
            (
                ("limit",),
                "parameter 'limit' must be a whole number, not null",
                "leave it out for its default",
                "refuses",
            ),
        ),
        (
            {"epochs": 1.5},
            (("epochs",), "parameter 'epochs' is a whole number, and 1.5 is passed on as it is", None, "advice"),
        ),
        (
            {"epochs": 9007199254740993},
            (
                ("epochs",),
                "parameter 'epochs' is 9007199254740993, and KFP keeps numbers as doubles: 9007199254740992 arrives",
                "pass it as a string",
                "drops",
            ),
        ),
    ],
)
def test_a_wrong_argument_is_told(more: dict[str, Any], finding: tuple[Any, ...]) -> None:
    assert told({**RIGHT, **more}) == [finding]


def test_a_missing_argument_is_told_with_what_it_is() -> None:
    values = {key: value for key, value in RIGHT.items() if key not in ("count", "flag")}
    assert told(values) == [
        ((), "the pipeline needs parameter 'count', a whole number", "How many.", "refuses"),
        ((), "the pipeline needs parameter 'flag', true or false", None, "refuses"),
    ]


def test_a_misspelt_argument_is_no_missing_one() -> None:
    values = {("counts" if key == "count" else key): value for key, value in RIGHT.items()}
    assert told(values) == [(("counts",), "the pipeline has no parameter 'counts'", "did you mean 'count'?", "refuses")]


def test_literals_bind_from_the_server_that_knows_them() -> None:
    finding = (("solver",), "parameter 'solver' must be one of 'sgd', 'adam', not 'adams'", "did you mean 'adam'?")
    assert told({"solver": "adams"}, "2.16.0", LITERALS) == [(*finding, "never-works")]
    assert told({"solver": "adam"}, "2.16.0", LITERALS) == []
    assert told({"solver": "adams"}, "2.5.0", LITERALS) == []


def test_a_pipeline_without_parameters_takes_none() -> None:
    text = changed(text_of("exits"), Change(("root", "inputDefinitions")))
    finding = (("channel",), "the pipeline has no parameter 'channel'", "it has no parameters", "refuses")
    assert told({"channel": "a"}, package=package_of(text)) == [finding]
