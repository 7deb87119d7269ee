"""Types of parameters: what a task gives, against what its component takes.

KFP 2.5.0 `v2/driver/resolve.go`: text takes anything (it is written as JSON), the two kinds of numbers take each other, all
else must be of the very type, or the driver fails. Defaults and constants are compared in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, Severity, Upstream
from kfspec.ir.graph import ARTIFACTS, DOUBLE, INTEGER, PARAMETERS, STRING, Component, Pipeline, Task, part, tasks
from kfspec.wording import describe, nearest

_NUMBERS = (INTEGER, DOUBLE)
_WORDS = {
    STRING: "a string",
    INTEGER: "a whole number",
    DOUBLE: "a number",
    "BOOLEAN": "true or false",
    "LIST": "a list",
    "STRUCT": "a mapping",
}
_BY_DRIVER = ("TASK_FINAL_STATUS", "TASK_CONFIG")
_GENERATED = "pipelinechannel--"
_SETTINGS = ("cpu_", "memory_", "accelerator_", "base_image")
"""What SDK 2.17 adds to a task's inputs when a resource or the image is a parameter, without declaring it."""


def words(kind: str) -> str:
    """`NUMBER_INTEGER` -> `a whole number`."""
    return _WORDS.get(kind, kind)


def type_of(value: Any) -> str:
    """The parameter type that a JSON value is of."""
    if isinstance(value, bool):
        return "BOOLEAN"
    if isinstance(value, int | float):
        return INTEGER if float(value).is_integer() else DOUBLE
    if isinstance(value, str):
        return STRING
    return "LIST" if isinstance(value, list) else "STRUCT"


def fits(given: str, wanted: str) -> bool:
    """Whether the driver takes the one for the other."""
    if wanted == STRING or given == wanted or (given in _NUMBERS and wanted in _NUMBERS):
        return True
    return given == "STRUCT" and wanted in _BY_DRIVER


def check(pipeline: Pipeline) -> Iterator[Diagnostic]:
    """Inputs that are not given, that nobody takes, or of another type; defaults of another type."""
    for component in pipeline.all():
        yield from _check_declared(component)
        for task in tasks(component).values():
            made = pipeline.components.get(task.component)
            if made is None:
                continue
            for kind in (PARAMETERS, ARTIFACTS):
                yield from _check_given(pipeline, task, made, kind)
            yield from _check_types(pipeline, component, task, made)
            yield from _check_artifacts(pipeline, component, task, made)
    for name, body in pipeline.root.inputs(ARTIFACTS).items():
        if not body.get("isOptional"):
            told = f"the pipeline needs artifact '{name}', which no run can give it"
            path = ("root", "inputDefinitions", ARTIFACTS, name)
            yield finding("KF315", told, path, hint="take its URI as a parameter, and import it", at_key=True)


def _check_declared(component: Component) -> Iterator[Diagnostic]:
    for name, body in component.inputs(PARAMETERS).items():
        path = (*component.path, "inputDefinitions", PARAMETERS, name)
        kind = body.get("parameterType")
        if kind in (None, "PARAMETER_TYPE_ENUM_UNSPECIFIED"):
            yield finding("KF316", f"parameter '{name}' of {component.words()} has no parameterType", path, at_key=True)
            continue
        default = body.get("defaultValue")
        if default is None:
            continue
        at = (*path, "defaultValue")
        if not fits(type_of(default), kind):
            told = f"the default of '{name}' in {component.words()} must be {words(kind)}, not {describe(default)}"
            yield finding("KF316", told, at)
        elif body.get("literals") and default not in body["literals"]:
            told = f"the default of '{name}' in {component.words()} is none of its literals: {describe(default)}"
            yield finding("KF316", told, at)


def _check_given(pipeline: Pipeline, task: Task, made: Component, kind: str) -> Iterator[Diagnostic]:
    declared, given = made.inputs(kind), task.inputs(kind)
    one = kind[:-1]
    path = (*task.path, "inputs", kind)
    item = task.iterator.get("itemInput", "")
    absent = [
        name
        for name, body in declared.items()
        if name not in given and not body.get("isOptional") and body.get("defaultValue") is None and name != item
    ]
    if kind == PARAMETERS and item and item not in declared and absent:
        absent.remove(nearest(item, absent) or absent[-1])  # `references` says that the item has another name
    for name in given:
        if name in declared or _is_internal(name, given[name]):
            continue
        near = nearest(name, declared.keys() - given.keys())
        told = f"task '{task.name}' gives {one} '{name}', which {made.words()} does not take"
        hint = f"did you mean '{near}'?" if near else None
        if near in absent:
            absent.remove(near)
            yield finding("KF315", told, (*path, name), hint=hint, at_key=True)
        else:
            yield finding(
                "KF315", told, (*path, name), hint=hint, at_key=True, severity=Severity.WARNING, upstream=Upstream.DROPS
            )
    for name in absent:
        told = f"task '{task.name}' does not give {one} '{name}', which {made.words()} requires"
        yield finding("KF315", told, path)
    for name, body in given.items():
        if not body.keys() - {"parameterExpressionSelector"}:
            told = f"{one} '{name}' of task '{task.name}' has no value"
            yield finding("KF315", told, (*path, name), at_key=True)


def _is_internal(name: str, given: Mapping[str, Any]) -> bool:
    """What the SDK hands to a task for its pod or for what is in its dag."""
    constant = part(given, "runtimeValue").get("constant")
    resolved = isinstance(constant, str) and constant.startswith("{{$.")
    return name.startswith((_GENERATED, *(_SETTINGS if resolved else ())))


def _check_types(pipeline: Pipeline, component: Component, task: Task, made: Component) -> Iterator[Diagnostic]:
    for name, given in task.inputs(PARAMETERS).items():
        wanted = part(made.inputs(PARAMETERS), name).get("parameterType")
        if wanted is None or "parameterExpressionSelector" in given:
            continue
        path = (*task.path, "inputs", PARAMETERS, name)
        constant = part(given, "runtimeValue").get("constant")
        if constant is not None:
            if not fits(type_of(constant), wanted):
                told = f"'{name}' of task '{task.name}' must be {words(wanted)}, not {describe(constant)}"
                yield finding("KF316", told, (*path, "runtimeValue", "constant"))
            continue
        source, at = _source(pipeline, component, given, PARAMETERS)
        kind = source.get("parameterType")
        if kind is not None and not fits(kind, wanted):
            told = f"'{name}' of task '{task.name}' must be {words(wanted)}, and is given {words(kind)}"
            hint = None
            if kind == STRING and "loop-item" in str(at[-1]):
                hint = f"say what the list holds, as in List[{'int' if wanted == INTEGER else 'float'}]"
            yield finding("KF316", told, (*path, *at[:1]), hint=hint)


def _check_artifacts(pipeline: Pipeline, component: Component, task: Task, made: Component) -> Iterator[Diagnostic]:
    """Only the SDK compares the types of artifacts; a run does not mind."""
    for name, given in task.inputs(ARTIFACTS).items():
        wanted = part(made.inputs(ARTIFACTS), name, "artifactType").get("schemaTitle")
        source, at = _source(pipeline, component, given, ARTIFACTS)
        kind = part(source, "artifactType").get("schemaTitle")
        if kind and wanted and kind != wanted and "system.Artifact" not in (kind, wanted):
            told = f"artifact '{name}' of task '{task.name}' is meant to be a {wanted}, and is given a {kind}"
            path = (*task.path, "inputs", ARTIFACTS, name, *at[:1])
            yield finding("KF316", told, path, severity=Severity.WARNING, upstream=Upstream.ADVICE)


def _source(
    pipeline: Pipeline, component: Component, given: Mapping[str, Any], kind: str
) -> tuple[Mapping[str, Any], Path]:
    """What is declared of the output or input that a task's input comes from; the field that says so, and its name."""
    of_task = "taskOutputParameter" if kind == PARAMETERS else "taskOutputArtifact"
    key = "outputParameterKey" if kind == PARAMETERS else "outputArtifactKey"
    own = "componentInputParameter" if kind == PARAMETERS else "componentInputArtifact"
    if of_task in given:
        reference = part(given, of_task)
        producer = tasks(component).get(reference.get("producerTask", ""))
        made = pipeline.components.get(producer.component) if producer is not None else None
        name = reference.get(key, "")
        return (part(made.outputs(kind), name) if made is not None else {}), (of_task, name)
    name = given.get(own, "")
    return part(component.inputs(kind), name), (own, name)
