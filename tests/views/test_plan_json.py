"""The JSON of a plan: its shape, and that it says what the value says."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings

from kfspec.planning import Action, Plan
from kfspec.views import json as findings
from kfspec.views.plan import json as view
from tests.views import hostile
from tests.views.plans import EVERYTHING, PLANS, SCORER, plan

SCHEMA = json.loads(Path(__file__).with_name("plan.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", PLANS)
def test_the_shape(name: str) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(json.loads(view.render(PLANS[name])))] == []


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("formatVersion", 2),
        ("source", "file"),
        ("complete", None),
        ("changes", [{}]),
        ("more", 1),
        ("unchanged", ["x"]),
    ],
)
def test_the_schema_is_strict(where: str, value: object) -> None:
    document = {**json.loads(view.render(EVERYTHING)), where: value}
    assert not VALIDATOR.is_valid(document)


def test_every_object_stands_in_one_list() -> None:
    document = json.loads(view.render(EVERYTHING))
    assert document["summary"] == {action.value: EVERYTHING.count(action) for action in Action}
    listed = [*document["changes"], *document["kept"]]
    assert len(listed) + len(document["unchanged"]) == len(EVERYTHING.changes)
    assert document["diagnostics"] == json.loads(findings.render(EVERYTHING.problems))["diagnostics"]
    assert document["complete"] is False


def test_a_change_has_all_that_the_value_has() -> None:
    (change,) = json.loads(view.render(plan(SCORER)))["changes"]
    assert change["object"] == {
        "group": "serving.kserve.io",
        "kind": "InferenceService",
        "namespace": "fraud",
        "name": "scorer",
    }
    assert change["place"] == {"file": "kfspec.yaml", "line": 44, "column": 3}
    assert change["effects"][2] == {
        "text": "the model server restarts in place, requests in flight are cut",
        "outcome": "disrupts",
        "source": "executed",
    }
    assert change["deltas"][1] == {
        "op": "replace",
        "path": "spec.predictor.minReplicas",
        "old": 5,
        "new": 3,
        "managers": ["kubectl-edit"],
        "drift": True,
    }
    assert change["deltas"][5] == {
        "op": "remove",
        "path": "spec.predictor.timeout",
        "old": 60,
        "managers": ["kube-scheduler-tuner"],
        "drift": False,
    }
    assert change["conflicts"][0] == {"manager": "kubectl-edit", "field": ".spec.predictor.minReplicas"}


@settings(max_examples=60, deadline=None)
@given(hostile.plans)
def test_hostile_text_comes_back_as_it_was(given_plan: Plan) -> None:
    output = view.render(given_plan)
    assert json.loads(output) == view.document(given_plan)
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in output if c != "\n")
    assert not any(unicodedata.bidirectional(c) in ("RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI") for c in output)
    output.encode("utf-8")
    VALIDATOR.validate(json.loads(output))
