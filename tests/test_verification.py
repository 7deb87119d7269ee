"""Three answers to one question agree: the compiled validator, the walk that explains, and the package jsonschema."""

from __future__ import annotations

import random

import pytest

from kfspec.catalog import Release
from kfspec.catalog.explain import explain
from kfspec.catalog.schema import load_schema
from kfspec.catalog.validator import compile_validator, json_schema
from tests.support.generate import objects
from tests.test_generated import KINDS, serving
from tests.test_mutations import edits


@pytest.mark.parametrize("key", KINDS, ids=lambda k: k[1])
def test_the_fast_answer_is_the_slow_one(key: tuple[str, str], kubeflow: Release) -> None:
    import jsonschema

    entry = serving(kubeflow, key).kind(*key)
    assert entry is not None
    schema = load_schema(entry, KINDS[key])
    lenient = entry.component == "kubernetes"
    fast = compile_validator(schema, lenient)
    oracle = jsonschema.Draft202012Validator(json_schema(schema, lenient))
    rng = random.Random(5)
    bodies = objects(entry, KINDS[key], "n")
    changed = [edit.body for _ in range(20) for edit in edits(rng.choice(bodies), rng, 10)]
    disagreements = []
    for n, body in enumerate([*bodies, *changed]):
        explained = [d.message for d in explain(schema, body, lenient) if d.path[:1] != ("metadata",)]
        if fast.is_valid(body) == bool(explained):
            disagreements.append((fast.is_valid(body), explained, body))
        if n % 7 == 0:
            assert oracle.is_valid(body) == fast.is_valid(body)
    assert disagreements == []
