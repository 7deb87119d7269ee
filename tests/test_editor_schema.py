"""`schemas/kfspec.schema.json`: current, admits what kfspec admits, and marks the plain mistakes."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from kfspec.catalog import SCHEMAS
from kfspec.views.schema import render, spec_schema
from kfspec.yamlio.load import load
from tests.conftest import ROOT

SPECS = sorted([*(ROOT / "examples").glob("*/kfspec.yaml"), *(ROOT / "tests" / "specs").glob("*.yaml")])


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft7Validator:
    """The schema, itself valid."""
    schema = spec_schema()
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def test_the_file_is_current() -> None:
    assert (SCHEMAS / "kfspec.schema.json").read_text() == render(), "run `make docs`"
    assert json.loads(render()) == spec_schema()


@pytest.mark.parametrize("spec", SPECS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_it_admits_every_spec(spec: Any, validator: jsonschema.Draft7Validator) -> None:
    value = load(spec.read_bytes(), "a")[0][0].value
    assert [(list(e.absolute_path), e.message) for e in validator.iter_errors(value)] == []


MISTAKES: list[tuple[dict[str, Any], list[str | int]]] = [
    ({"notebook": {}}, []),
    ({"notebooks": {"a": {"imag": "x"}}}, ["notebooks", "a"]),
    ({"trainingJobs": {"a": {"kind": "PyTorchJob", "mpiReplicaSpecs": {}}}}, ["trainingJobs", "a"]),
    ({"trainingJobs": {"a": {"kind": "PytorchJob"}}}, ["trainingJobs", "a", "kind"]),
    ({"inferenceServices": {"a": {"predictor": {"minReplica": 1}}}}, ["inferenceServices", "a", "predictor"]),
    ({"environments": {"dev": {"volumes": {"a": {"siz": "1Gi"}}}}}, ["environments", "dev", "volumes", "a"]),
    ({"experiments": {"a": {"objective": {"type": 1, "gaol": 1}}}}, ["experiments", "a", "objective"]),
]


@pytest.mark.parametrize(("spec", "place"), MISTAKES, ids=str)
def test_it_marks_mistakes(spec: dict[str, Any], place: list[str | int], validator: jsonschema.Draft7Validator) -> None:
    def leaves(error: jsonschema.ValidationError) -> list[jsonschema.ValidationError]:
        return [leaf for inner in error.context for leaf in leaves(inner)] if error.context else [error]

    errors = list(validator.iter_errors(spec))
    assert errors
    assert place in [list(leaf.absolute_path) for error in errors for leaf in leaves(error)]
