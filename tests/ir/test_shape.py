"""The shape of packages is judged as protobuf judges it: random changes against the real messages, where kfp is installed.

Not compared is what Python's reader takes and Go's, which is KFP's, refuses: enums by numbers in text, a field in both of its
spellings, and "" or [] for an empty message.
"""

from __future__ import annotations

import copy
import random
import re
from typing import Any

import pytest

from kfspec.diagnostics import Path
from kfspec.ir import shape
from kfspec.ir.arguments import check_arguments
from kfspec.ir.checking import check
from kfspec.ir.identity import identity
from tests.ir.compile import SOURCES
from tests.ir.editing import package_of, text_of

NEWEST = shape.Reader((2, 17))
LOOSER = re.compile("must be one of|is given twice|must be a mapping, not (''|a list)")
POOL: tuple[Any, ...] = (
    None,
    0,
    1,
    -1,
    1.5,
    2.0,
    1 << 40,
    1 << 70,
    "",
    "x",
    "12",
    "1.5",
    "60s",
    "-1.5s",
    "1m",
    "STRING",
    "ALL_UPSTREAM_TASKS_COMPLETED",
    [],
    {},
    ["a"],
    [None],
    [1],
    [{}],
    {"a": 1},
    {"a": None},
    {"a": {}},
    {"name": "a"},
    {"constant": None},
    {"runtimeValue": {"constant": [1, None]}},
    {"dag": {}},
    {"executorLabel": "a"},
    {"parameterType": 3},
    {"schemaTitle": "a", "schemaUri": "b"},
)


def places(value: Any, path: Path = ()) -> list[Path]:
    """Every path in a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(p for key, item in items for p in places(item, (*path, key)))]


def mutated(value: Any, rng: random.Random) -> Any:
    """One random change: another value, another name, a key more, a key less."""
    value = copy.deepcopy(value)
    path = rng.choice([p for p in places(value) if p])
    parent = value
    for part in path[:-1]:
        parent = parent[part]
    match rng.randrange(5):
        case 0 | 1:
            parent[path[-1]] = rng.choice(POOL)
        case 2 if isinstance(parent, dict):
            parent[rng.choice(SPELLINGS)] = parent.pop(path[-1])
        case 3 if isinstance(parent, dict):
            parent[rng.choice(SPELLINGS)] = rng.choice(POOL)
        case _:
            del parent[path[-1]]
    return value


SPELLINGS = (
    *("name", "dag", "executorLabel", "executor_label", "dependentTasks", "dependent_tasks", "component_ref", "inputs"),
    *("inputDefinitions", "input_definitions", "parameterType", "type", "defaultValue", "default_value", "isOptional"),
    *("artifactIterator", "parameterIterator", "retryPolicy", "literals", "x", "componentref", "component_Ref"),
    *("pipelineInfo", "pipeline_info", "constant", "constantValue", "maxRetryCount", "backoffFactor", "description"),
)


@pytest.mark.parametrize("message", ["PipelineSpec", "PipelineDeploymentConfig", "PlatformSpec"])
def test_the_verdict_is_that_of_protobuf(message: str) -> None:
    spec_pb2 = pytest.importorskip("kfp.pipeline_spec.pipeline_spec_pb2")
    from google.protobuf import json_format

    target = getattr(spec_pb2, message)
    rng = random.Random(11)
    bases = [base for base in (_part(message, name) for name in SOURCES) if base]
    compared, refused = 0, 0
    for n in range(4000):
        value = mutated(bases[n % len(bases)], rng)
        found = [d for d in shape.check(message, value, (), NEWEST) if d.code == "KF311"]
        try:
            json_format.ParseDict(value, target())
            theirs = True
        except json_format.ParseError:
            theirs = False
        if theirs and any(LOOSER.search(d.message) for d in found):
            continue
        compared += 1
        refused += not theirs
        assert (not found) == theirs, ([d.message for d in found], value)
    print(f"{message}: {compared} compared, {refused} refused")
    assert compared > 3900
    assert refused > 500


def test_nothing_that_a_package_can_hold_raises() -> None:
    rng = random.Random(5)
    for n in range(1500):
        package = package_of(text_of(SOURCES[n % len(SOURCES)]))
        spec = package.spec
        for _ in range(rng.randrange(1, 4)):
            spec = spec._replace(value=mutated(spec.value, rng))
        package = package._replace(spec=spec)
        if package.platform is not None and n % 2:
            package = package._replace(platform=package.platform._replace(value=mutated(package.platform.value, rng)))
        found = check(package, "2.17.0")
        assert all(d.pos is not None for d in found)
        assert len(identity(package)) == 64
        check_arguments(package, {"text": 1, "uri": None}, (), "2.17.0")


def _part(message: str, name: str) -> Any:
    package = package_of(text_of(name))
    if message == "PlatformSpec":
        return package.platform.value if package.platform else None
    return package.spec.value["deploymentSpec"] if message == "PipelineDeploymentConfig" else package.spec.value


@pytest.mark.parametrize(
    ("message", "value"),
    [
        ("PipelineSpec", {"schema_version": "2.1.0", "pipeline_info": {"display_name": "a"}, "root": None}),
        (
            "PipelineTaskSpec",
            {"retryPolicy": {"maxRetryCount": "3", "backoffFactor": "1e3", "backoffDuration": "0.5s"}},
        ),
        ("ComponentInputsSpec.ParameterSpec", {"parameterType": 3, "defaultValue": None, "literals": [None, 1]}),
        ("ArtifactTypeSchema", {"schemaTitle": "a", "schemaUri": None}),
    ],
)
def test_every_spelling_is_taken(message: str, value: dict[str, Any]) -> None:
    assert list(shape.check(message, value, (), NEWEST)) == []


@pytest.mark.parametrize(
    ("message", "value", "told"),
    [
        (
            "PipelineSpec",
            {"schemaVersion": "2", "schema_version": "2"},
            "'schema_version' is given twice, as 'schemaVersion' too",
        ),
        ("PipelineSpec", {"Root": {}}, "unknown field 'Root' in a pipeline"),
        (
            "PipelineTaskSpec.RetryPolicy",
            {"maxRetryCount": 1.5},
            "'maxRetryCount' must be a whole number of 32 bits, not the number 1.5",
        ),
        (
            "PipelineTaskSpec.RetryPolicy",
            {"maxRetryCount": True},
            "'maxRetryCount' must be a whole number of 32 bits, not true",
        ),
        ("PipelineTaskSpec.RetryPolicy", {"backoffFactor": "fast"}, "'backoffFactor' must be a number, not 'fast'"),
        ("DagSpec", {"tasks": {"a": None}}, "'a' must be a mapping, not null"),
        ("PipelineTaskSpec", {"dependentTasks": [None]}, "'dependentTasks[0]' must be a string, not null"),
        (
            "ComponentInputsSpec.ParameterSpec",
            {"parameterType": "3"},
            "'parameterType' must be one of NUMBER_DOUBLE, NUMBER_INTEGER, STRING, BOOLEAN, LIST, STRUCT, TASK_FINAL_STATUS, TASK_CONFIG, not '3'",
        ),
    ],
)
def test_what_protobuf_refuses_is_told(message: str, value: dict[str, Any], told: str) -> None:
    assert [d.message for d in shape.check(message, value, (), NEWEST)] == [told]


def test_whatever_fits_has_one_spelling() -> None:
    value = {
        "schema_version": "2.1.0",
        "root": {"dag": {"tasks": {"a_b": {"dependent_tasks": ["c_d"]}}}},
        "pipeline_info": None,
    }
    assert shape.canonical("PipelineSpec", value) == {
        "schemaVersion": "2.1.0",
        "root": {"dag": {"tasks": {"a_b": {"dependentTasks": ["c_d"]}}}},
    }
    parameter = {"parameter_type": 3, "default_value": {"a_b": 2.0}}
    assert shape.canonical("ComponentInputsSpec.ParameterSpec", parameter) == {
        "parameterType": "STRING",
        "defaultValue": {"a_b": 2},
    }
