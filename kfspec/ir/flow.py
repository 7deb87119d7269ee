"""Order and control flow: circles, loops, conditions, tasks that run at the end, executors that nothing can run.

Evidence: KFP 2.5.0 `v2/compiler/visitor.go`, `v2/compiler/argocompiler/dag.go`. Nothing of it is checked on upload (executed).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, Severity
from kfspec.ir.graph import PARAMETERS, Component, Pipeline, Task, circles, part, producers, tasks
from kfspec.quantity import parse

_AMOUNTS = ("resourceCpuRequest", "resourceCpuLimit", "resourceMemoryRequest", "resourceMemoryLimit")


def check(pipeline: Pipeline) -> Iterator[Diagnostic]:
    """What can never run, and what runs otherwise than it says."""
    yield from _check_nesting(pipeline)
    if "root" in pipeline.components:
        told = "a component is named 'root', which is the pipeline's own name"
        yield finding("KF317", told, ("components", "root"), at_key=True)
    for component in pipeline.all():
        yield from _check_implementation(pipeline, component)
        if "dag" not in component.body:
            continue
        known = tasks(component)
        yield from _check_order(known)
        yield from _check_exits(component, known)
        for task in known.values():
            yield from _check_task(pipeline, task)


def _check_nesting(pipeline: Pipeline) -> Iterator[Diagnostic]:
    """Components that contain themselves: refused by newer compilers; older ones make a Workflow that nests without end."""
    edges = {c.name: [task.component for task in tasks(c).values()] for c in pipeline.components.values()}
    for circle in circles(edges):
        told = f"component '{circle[0]}' contains itself: {' -> '.join((*circle, circle[0]))}"
        inner = tasks(pipeline.components[circle[-1]])
        task = next(task for task in inner.values() if task.component == circle[0])
        yield finding("KF314", told, (*task.path, "componentRef", "name"))


def _check_order(known: Mapping[str, Task]) -> Iterator[Diagnostic]:
    """Tasks that wait for each other: Argo refuses the Workflow."""
    edges = {task.name: [name for name, _ in producers(task)] for task in known.values()}
    for circle in circles(edges):
        first, waits_for = circle[0], circle[1 % len(circle)]
        path = next(path for name, path in producers(known[first]) if name == waits_for)
        if len(circle) == 1:
            yield finding("KF314", f"task '{first}' waits for itself", path)
        else:
            told = f"tasks wait for each other: {' -> '.join((*circle, first))}"
            yield finding("KF314", told, path, hint="each waits for the next one")


def _check_implementation(pipeline: Pipeline, component: Component) -> Iterator[Diagnostic]:
    if "dag" not in component.body and not component.body.get("executorLabel"):
        told = f"{component.words()} has neither tasks nor an executor"
        yield finding("KF317", told, component.path, at_key=True)
        return
    label = component.body.get("executorLabel", "")
    executor = pipeline.executors().get(label)
    if executor is None:
        return
    path: Path = ("deploymentSpec", "executors", label)
    kind = next((k for k in ("container", "importer", "resolver", "customJob") if k in executor), None)
    if kind is None:
        yield finding("KF317", f"executor '{label}' has neither a container nor an importer", path, at_key=True)
    elif kind in ("resolver", "customJob"):
        told = f"executor '{label}' is a {kind}, which only Vertex AI runs"
        yield finding("KF317", told, (*path, kind), at_key=True)
    elif kind == "container" and not part(executor, "container").get("image"):
        yield finding("KF317", f"the container of executor '{label}' has no image", (*path, "container"), at_key=True)
    elif kind == "container":
        yield from _check_resources(part(executor, "container"), label, (*path, "container", "resources"))


def _check_resources(container: Mapping[str, Any], label: str, path: Path) -> Iterator[Diagnostic]:
    """Amounts that the driver cannot read, and then makes no pod of (`v2/driver/k8s.go`); an input may stand for one."""
    resources = part(container, "resources")
    accelerator = part(resources, "accelerator")
    amounts = {key: ((*path, key), resources.get(key)) for key in _AMOUNTS}
    amounts["resourceCount"] = ((*path, "accelerator", "resourceCount"), accelerator.get("resourceCount"))
    for key, (place, text) in amounts.items():
        if not isinstance(text, str) or not text or "{{" in text:
            continue
        amount = parse(text)
        if amount is None or (key == "resourceCount" and amount.value % 1):
            what = "whole number of devices" if key == "resourceCount" else "quantity"
            told = f"'{key}' of executor '{label}' is '{text}', which is no {what}"
            yield finding("KF317", told, place, hint="such as 1" if key == "resourceCount" else "such as 500m or 2Gi")


def _check_exits(component: Component, known: Mapping[str, Task]) -> Iterator[Diagnostic]:
    """Tasks that run however others end are hooks of those others, and each has room for one."""
    if all(task.is_exit for task in known.values()):
        told = f"{component.words()} has no task" if not known else f"all tasks of {component.words()} run at the end"
        yield finding("KF317", told, (*component.path, "dag", "tasks"), hint="one must run at the start")
        return
    hooks: dict[str, Task] = {}
    for task in sorted((t for t in known.values() if t.is_exit), key=lambda t: t.name):
        names = dict.fromkeys(name for name, _ in producers(task))
        if not names:
            told = f"task '{task.name}' runs when others have ended, and waits for none: it never runs"
            yield finding("KF317", told, (*task.path, "triggerPolicy", "strategy"), hint="name them in dependentTasks")
        for name in names:
            if (other := hooks.get(name)) is not None:
                told = f"tasks '{other.name}' and '{task.name}' both run however '{name}' ends; only '{task.name}' does"
                at = (*other.path, "triggerPolicy", "strategy")
                yield finding("KF317", told, at, severity=Severity.WARNING)
            hooks[name] = task


def _check_task(pipeline: Pipeline, task: Task) -> Iterator[Diagnostic]:
    if "artifactIterator" in task.body:
        told = f"task '{task.name}' loops over artifacts, which KFP cannot"
        yield finding("KF317", told, (*task.path, "artifactIterator"), at_key=True)
    raw = part(task.iterator, "items").get("raw")
    if raw is not None and not isinstance(_parsed(raw), list):
        told = f"the items of task '{task.name}' are no JSON list"
        yield finding("KF317", told, (*task.path, "parameterIterator", "items", "raw"))
    elif task.iterator and raw is None and not part(task.iterator, "items").get("inputParameter"):
        told = f"task '{task.name}' loops over nothing"
        yield finding("KF317", told, (*task.path, "parameterIterator"), at_key=True)
    label = getattr(pipeline.components.get(task.component), "body", {}).get("executorLabel", "")
    if task.condition and "importer" in part(pipeline.executors(), label):
        told = f"task '{task.name}' is an importer with a condition, which KFP cannot"
        yield finding(
            "KF317", told, (*task.path, "triggerPolicy", "condition"), hint="put it into a component with a dag"
        )
    for name, given in task.inputs(PARAMETERS).items():
        if "runtimeParameter" in part(given, "runtimeValue"):
            told = f"input '{name}' of task '{task.name}' is a runtimeParameter, which KFP's driver cannot resolve"
            yield finding("KF317", told, (*task.path, "inputs", PARAMETERS, name, "runtimeValue", "runtimeParameter"))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
