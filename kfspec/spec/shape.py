"""Pydantic's errors as findings: one per mistake, at the path in the document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics, Path
from kfspec.wording import describe, did_you_mean, nearest

_WANTED = {
    "string_type": "a string",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "none_required": "null",
}


_FEW = 16
"""How many names a hint can list and still be read."""

_MANY = "docs/kinds.md lists the fields; an editor with the schema of `kfspec schema` completes them"

_WRAPPERS = {
    "spec": "write what is below it here, in its place",
    "metadata": "write 'labels' and 'annotations' here; the item's key is its name",
    "apiVersion": "remove it: the block and the release say it",
    "kind": "remove it: the block says it",
    "name": "remove it: the item's key is its name",
    "namespace": "write 'profile'",
}
"""What people bring along from Kubernetes objects, and what there is instead."""

_AMOUNTS = frozenset({"cpu", "memory", "gpu", "limits", "requests"})

_OF_COMPONENT = (
    "model",
    "containers",
    "minReplicas",
    "maxReplicas",
    "scaleTarget",
    "scaleMetric",
    "canaryTrafficPercent",
    "containerConcurrency",
    "timeout",
    "logger",
    "batcher",
    "serviceAccountName",
    "sklearn",
    "xgboost",
    "tensorflow",
    "pytorch",
    "triton",
    "onnx",
    "huggingface",
    "lightgbm",
    "paddle",
    "pmml",
)
_OF_MODEL = ("modelFormat", "storageUri", "storage", "runtime", "protocolVersion", "registeredModel")

_DEEPER: dict[str, dict[str, str]] = {
    "inferenceServices": {
        **dict.fromkeys(_OF_COMPONENT, "predictor"),
        **dict.fromkeys(_OF_MODEL, "predictor.model"),
    },
    "trainedModels": dict.fromkeys(("storageUri", "framework", "memory"), "model"),
    "inferenceGraphs": dict.fromkeys(("routerType", "steps", "root"), "nodes"),
}
"""Block -> field that stands too high up -> what holds it."""

_FORMER = {
    "default": "that was serving.kubeflow.org/v1alpha2: write what is below it here, in its place",
    "canary": "that was serving.kubeflow.org/v1alpha2: write 'canaryTrafficPercent' under 'predictor'",
}
"""Fields of an InferenceService before v1beta1."""

_OF_TRAINER = frozenset({"image", "command", "args", "env", "numNodes", "numProcPerNode", "resourcesPerNode"})
"""Fields that a TrainJob has one level deeper than the operator's jobs."""


def shape_findings(error: ValidationError, model: type[BaseModel], value: Any, at: Path) -> Diagnostics:
    """What is wrong with `value`, which stands at `at` and should have been a `model`.

    A field that takes several forms yields one finding that lists them; pydantic reports one per form.
    """
    by_path: dict[Path, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False, include_context=True):
        by_path.setdefault(_real_path(detail["loc"], value, detail["type"]), []).append(detail)
    deepest = [each for each in _without_shadowed(by_path) if not _misplaced(each[0], by_path, model, at)]
    return tuple(d for path, details in deepest for d in _explain(path, details, model, at))


def _real_path(loc: tuple[int | str, ...], value: Any, kind: str) -> Path:
    """`loc` without the names of union members, which pydantic mixes in."""
    path: list[str | int] = []
    for n, part in enumerate(loc):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        elif kind == "missing" and n == len(loc) - 1:
            pass
        else:
            continue
        path.append(part)
    return tuple(path)


def _without_shadowed(by_path: dict[Path, list[ErrorDetails]]) -> list[tuple[Path, list[ErrorDetails]]]:
    """Drop the complaint "not a string" about a mapping whose own field is wrong: the user meant the mapping."""
    kept = []
    for path, details in by_path.items():
        deeper = any(len(other) > len(path) and other[: len(path)] == path for other in by_path)
        if deeper and all(d["type"] in _WANTED for d in details):
            continue
        kept.append((path, details))
    return kept


def _misplaced(path: Path, by_path: dict[Path, list[ErrorDetails]], model: type[BaseModel], at: Path) -> bool:
    """Whether what is missing at `path` is there under a name that is close, or one level off: that name is the mistake."""
    if not path or by_path[path][0]["type"] != "missing":
        return False
    beside = [other for other, (first, *_) in by_path.items() if first["type"] == "extra_forbidden"]
    unknown = [str(other[-1]) for other in beside if other[:-1] == path[:-1]]
    fields = _fields_at(model, path[:-1])
    for name in unknown:
        full = (*at, *path[:-1], name)
        wraps = len(full) == 3 and (name == "spec" or name in _FORMER)
        if wraps or path[-1] in (nearest(name, fields), *(_inside(name, full) or "").split(".")):
            return True
    return False


def _explain(path: Path, details: list[ErrorDetails], model: type[BaseModel], at: Path) -> Iterator[Diagnostic]:
    types = {d["type"] for d in details}
    name = str(path[-1]) if path else str(at[-1] if at else "")
    full = at + path
    first = details[0]
    if "missing" in types:
        yield finding("KF102", f"{_of(full[:-1])} lacks '{name}'", full[:-1], at_key=True, hint=f"add '{name}:'")
    elif "extra_forbidden" in types:
        fields = _fields_at(model, path[:-1])
        few = f"one of: {', '.join(fields)}" if 0 < len(fields) <= _FEW else _MANY if fields else None
        hint = _habits(name, fields, full) or did_you_mean(name, fields, few)
        yield finding("KF101", f"unknown field '{name}' in {_of(full[:-1])}", full, at_key=True, hint=hint)
    elif types <= _WANTED.keys():
        wanted = " or ".join(dict.fromkeys(_WANTED[d["type"]] for d in details))
        yield finding("KF103", f"'{name}' must be {wanted}, not {describe(first['input'])}", full, hint=_retype(first))
    else:
        rest = next(d for d in details if d["type"] not in _WANTED)
        yield _value_finding(rest, name, full)


def _habits(name: str, fields: list[str], full: Path) -> str | None:
    """What people bring along from Kubernetes objects into an item."""
    if name == "replicas" and "workers" in fields:
        return "did you mean 'workers'?"
    if "trainer" in fields and name in _OF_TRAINER:
        return f"'{name}' belongs under 'trainer'"
    if "trainer" in fields and name in ("replicas", "workers"):
        return "write 'trainer: {numNodes: ...}'"
    inner = _inside(name, full)
    if inner is not None:
        return f"'{name}' belongs under '{inner}'"
    if name in _AMOUNTS and "resources" in fields:
        return f"'{name}' belongs under 'resources'"
    if len(full) != 3:
        return None
    return _FORMER.get(name) if full[0] == "inferenceServices" and name in _FORMER else _WRAPPERS.get(name)


def _inside(name: str, full: Path) -> str | None:
    """The field of an item that holds what people write beside it."""
    return _DEEPER.get(str(full[0]), {}).get(name) if len(full) == 3 else None


def _value_finding(detail: ErrorDetails, name: str, full: Path) -> Diagnostic:
    context = detail.get("ctx", {})
    given = detail["input"]
    if detail["type"] == "literal_error":
        allowed = [part.strip().strip("'") for part in str(context["expected"]).replace(" or ", ", ").split(",")]
        near = nearest(str(given), allowed)
        hint = f"did you mean '{near}'?" if near else f"one of: {', '.join(allowed)}"
        return finding("KF104", f"'{name}' cannot be {describe(given)}", full, hint=hint)
    if detail["type"] == "string_pattern_mismatch":
        return finding(
            "KF104", f"'{name}' cannot be {describe(given)}", full, hint=f"must match {context.get('pattern')}"
        )
    text = detail["msg"].removeprefix("Value error, ")
    return finding("KF104", f"'{name}' cannot be {describe(given)}: {text[:1].lower()}{text[1:]}", full)


def _retype(detail: ErrorDetails) -> str | None:
    given = detail["input"]
    if given is None:
        return "give a value, or remove the field"
    if detail["type"] in ("list_type", "tuple_type"):
        return f"write a list: [{given}]" if isinstance(given, str | int | float) else "write a list: [...]"
    if detail["type"] in ("dict_type", "model_type", "model_attributes_type"):
        return "write a mapping: {...}"
    if isinstance(given, list):
        return "one value, without the brackets"
    if detail["type"] == "string_type" and isinstance(given, bool | int | float):
        return "put it in quotes"
    if detail["type"] in ("int_type", "float_type", "bool_type") and isinstance(given, str):
        return "remove the quotes" if given.strip() else None
    return None


def _fields_at(model: type[BaseModel], path: Path) -> list[str]:
    """The field names of the model nested at `path`; empty where the path leaves the models."""
    current: Any = model
    named = False
    for part in path:
        if named:  # the key of an entry: what it holds is `current` already
            named = False
            continue
        field = current.model_fields.get(part) if _is_model(current) else None
        if field is None:
            return []
        current, named = _model_in(field.annotation), _holds_entries(field.annotation)
    return list(current.model_fields) if _is_model(current) else []


def _holds_entries(annotation: Any) -> bool:
    from typing import get_args, get_origin

    return get_origin(annotation) is dict or any(get_origin(arg) is dict for arg in get_args(annotation))


def _model_in(annotation: Any) -> Any:
    from typing import get_args

    if _is_model(annotation):
        return annotation
    return next((found for arg in get_args(annotation) if _is_model(found := _model_in(arg))), None)


def _is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel)


def _of(path: Path) -> str:
    from kfspec.diagnostics import format_path

    return f"'{format_path(path)}'" if path else "the spec"
