"""What a pipeline refers to: components, executors, tasks, their inputs and outputs.

None of it is looked at when a version is uploaded (KFP 2.5.0, executed); a run is refused when it is compiled into a Workflow
(`v2/compiler/visitor.go`, `argocompiler/dag.go`), or its driver fails (`v2/driver/resolve.go`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path
from kfspec.ir.graph import (
    ARTIFACTS,
    PARAMETERS,
    Component,
    Pipeline,
    Task,
    condition_inputs,
    part,
    placeholders,
    producers,
    tasks,
)
from kfspec.wording import did_you_mean

_ONE = {PARAMETERS: "parameter", ARTIFACTS: "artifact"}
_FROM_TASK = {PARAMETERS: "taskOutputParameter", ARTIFACTS: "taskOutputArtifact"}
_FROM_COMPONENT = {PARAMETERS: "componentInputParameter", ARTIFACTS: "componentInputArtifact"}
_KEY = {PARAMETERS: "outputParameterKey", ARTIFACTS: "outputArtifactKey"}


def check(pipeline: Pipeline) -> Iterator[Diagnostic]:
    """Every reference to what is not there."""
    for component in pipeline.all():
        known = tasks(component)
        yield from _check_executor(pipeline, component)
        for task in known.values():
            yield from _check_component(pipeline, task)
            yield from _check_order(component, task, known)
            for kind in (PARAMETERS, ARTIFACTS):
                for name, given in task.inputs(kind).items():
                    path = (*task.path, "inputs", kind, name)
                    yield from check_source(pipeline, component, task.name, kind, given, path, known)
            yield from _check_own_inputs(pipeline, task)
        yield from _check_outputs(pipeline, component, known)
    yield from _check_placeholders(pipeline)


def missing(told: str, path: Path, name: str, known: Iterable[str], *, at_key: bool = False) -> Diagnostic:
    """A reference to a name that is not there."""
    return finding("KF313", told, path, hint=did_you_mean(name, known), at_key=at_key)


def _check_executor(pipeline: Pipeline, component: Component) -> Iterator[Diagnostic]:
    label = component.body.get("executorLabel")
    if label and label not in pipeline.executors():
        told = f"{component.words()} runs executor '{label}', which is not defined"
        yield missing(told, (*component.path, "executorLabel"), label, pipeline.executors())


def _check_component(pipeline: Pipeline, task: Task) -> Iterator[Diagnostic]:
    name = task.component
    if not name:
        yield finding("KF313", f"task '{task.name}' names no component", (*task.path, "componentRef"))
    elif name not in pipeline.components:
        told = f"task '{task.name}' runs component '{name}', which is not defined"
        yield missing(told, (*task.path, "componentRef", "name"), name, pipeline.components)


def _check_order(component: Component, task: Task, known: Mapping[str, Task]) -> Iterator[Diagnostic]:
    for producer, path in producers(task):
        if "dependentTasks" in path and producer not in known:
            told = f"task '{task.name}' waits for task '{producer}', which {component.words()} does not have"
            yield missing(told, path, producer, known)


def check_source(
    pipeline: Pipeline,
    component: Component,
    task: str,
    kind: str,
    given: Mapping[str, Any],
    path: Path,
    known: Mapping[str, Task],
) -> Iterator[Diagnostic]:
    """Where an input comes from, in the dag of `component`: a task's output, or the component's own input."""
    one = _ONE[kind]
    of_task = part(given, _FROM_TASK[kind])
    own = given.get(_FROM_COMPONENT[kind])
    if of_task:
        yield from _check_output(pipeline, task, kind, of_task, (*path, _FROM_TASK[kind]), known, component)
    elif own is not None and own not in component.inputs(kind):
        told = f"task '{task}' takes {one} '{own}', which {component.words()} does not have"
        yield missing(told, (*path, _FROM_COMPONENT[kind]), own, component.inputs(kind))
    final = part(given, "taskFinalStatus").get("producerTask")
    if final is not None and final not in known:
        told = f"task '{task}' asks how task '{final}' ended, which {component.words()} does not have"
        yield missing(told, (*path, "taskFinalStatus", "producerTask"), final, known)


def _check_output(
    pipeline: Pipeline,
    task: str,
    kind: str,
    reference: Mapping[str, Any],
    path: Path,
    known: Mapping[str, Task],
    component: Component,
) -> Iterator[Diagnostic]:
    producer, key = reference.get("producerTask", ""), reference.get(_KEY[kind], "")
    if producer not in known:
        told = f"task '{task}' takes an output of task '{producer}', which {component.words()} does not have"
        yield missing(told, (*path, "producerTask"), producer, known)
        return
    yield from _check_key(pipeline, f"task '{task}' takes", known[producer], kind, key, (*path, _KEY[kind]))


def _check_key(pipeline: Pipeline, who: str, producer: Task, kind: str, key: str, path: Path) -> Iterator[Diagnostic]:
    made = pipeline.components.get(producer.component)
    if made is not None and key not in made.outputs(kind):
        told = f"{who} {_ONE[kind]} '{key}' of task '{producer.name}', whose {made.words()} has no such output"
        yield missing(told, path, key, made.outputs(kind))


def _check_own_inputs(pipeline: Pipeline, task: Task) -> Iterator[Diagnostic]:
    """What a task's loop and condition read: the task's own inputs."""
    given = task.inputs(PARAMETERS)
    items = part(task.iterator, "items").get("inputParameter")
    if items is not None and items not in given:
        path = (*task.path, "parameterIterator", "items", "inputParameter")
        yield missing(f"task '{task.name}' loops over input '{items}', which it is not given", path, items, given)
    made = pipeline.components.get(task.component)
    item = task.iterator.get("itemInput")
    if made is not None and item is not None and item not in made.inputs(PARAMETERS):
        told = f"task '{task.name}' gives each item as '{item}', which is no input of {made.words()}"
        yield missing(
            told, (*task.path, "parameterIterator", "itemInput"), item, made.inputs(PARAMETERS).keys() - given.keys()
        )
    for name in condition_inputs(task.condition):
        if name not in given:
            told = f"the condition of task '{task.name}' reads input '{name}', which it is not given"
            yield missing(told, (*task.path, "triggerPolicy", "condition"), name, given)


def _check_outputs(pipeline: Pipeline, component: Component, known: Mapping[str, Task]) -> Iterator[Diagnostic]:
    """The outputs of a dag: each comes from a task of it."""
    if "dag" not in component.body:
        return
    for kind in (PARAMETERS, ARTIFACTS):
        selected = part(component.body, "dag", "outputs", kind)
        for name in component.outputs(kind):
            if name not in selected:
                told = f"output {_ONE[kind]} '{name}' of {component.words()} comes from no task"
                yield missing(told, (*component.path, "outputDefinitions", kind, name), name, selected, at_key=True)
        for name, body in selected.items():
            path = (*component.path, "dag", "outputs", kind, name)
            for reference, at in _selectors(body, path):
                yield from _check_selector(pipeline, component, kind, name, reference, at, known)


def _selectors(body: Mapping[str, Any], path: Path) -> Iterator[tuple[Mapping[str, Any], Path]]:
    if "valueFromParameter" in body:
        yield part(body, "valueFromParameter"), (*path, "valueFromParameter")
    for keys in (("valueFromOneof", "parameterSelectors"), ("artifactSelectors",)):
        listed = part(body, *keys[:-1]).get(keys[-1], ())
        for n, reference in enumerate(listed):
            yield reference, (*path, *keys, n)


def _check_selector(
    pipeline: Pipeline,
    component: Component,
    kind: str,
    name: str,
    reference: Mapping[str, Any],
    path: Path,
    known: Mapping[str, Task],
) -> Iterator[Diagnostic]:
    producer, key = reference.get("producerSubtask", ""), reference.get(_KEY[kind], "")
    if producer not in known:
        told = f"output '{name}' of {component.words()} comes from task '{producer}', which it does not have"
        yield missing(told, (*path, "producerSubtask"), producer, known)
        return
    who = f"output '{name}' of {component.words()} is"
    yield from _check_key(pipeline, who, known[producer], kind, key, (*path, _KEY[kind]))


def _check_placeholders(pipeline: Pipeline) -> Iterator[Diagnostic]:
    """What containers are told in `{{$.inputs.parameters['x']}}`: what is not there is passed on as it stands."""
    given = task_inputs(pipeline)
    for component in pipeline.components.values():
        if component.name not in given:
            continue  # no task runs it: what it would be given is not known
        label = component.body.get("executorLabel", "")
        executor = part(pipeline.executors(), label)
        for side, kind, name, path in placeholders(executor, ("deploymentSpec", "executors", label)):
            known = {*(component.inputs(kind) if side == "inputs" else component.outputs(kind))}
            if side == "inputs":
                known |= given.get(component.name, set())
            if name not in known:
                told = f"executor '{label}' reads {side[:-1]} {_ONE[kind]} '{name}', which {component.words()} does not have"
                yield missing(told, path, name, known)


def task_inputs(pipeline: Pipeline) -> dict[str, set[str]]:
    """Component -> every input that any task gives it, declared or not."""
    given: dict[str, set[str]] = {}
    for component in pipeline.all():
        for task in tasks(component).values():
            names = given.setdefault(task.component, set())
            names.update(task.inputs(PARAMETERS), task.inputs(ARTIFACTS))
    return given
