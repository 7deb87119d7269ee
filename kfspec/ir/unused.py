"""What is declared and nothing uses: parameters, components, executors. It works, and somebody meant something else."""

from __future__ import annotations

from collections.abc import Iterator

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic
from kfspec.ir.graph import (
    ARTIFACTS,
    PARAMETERS,
    Component,
    Pipeline,
    condition_inputs,
    part,
    placeholders,
    strings,
    tasks,
)

_GENERATED = "pipelinechannel--"
"""How the SDK names what it hands through loops and branches, whether they use it or not."""

_BY_DRIVER = ("argostub/createpvc", "argostub/deletepvc")
"""Images that stand for work that KFP's driver does itself, with all inputs."""


def check(pipeline: Pipeline, of_platform: frozenset[str]) -> Iterator[Diagnostic]:
    """Everything unused. `of_platform`: the inputs that the platform spec reads."""
    for component in pipeline.all():
        used = _used(pipeline, component)
        if used is None:
            continue
        for name in component.inputs(PARAMETERS):
            if name not in used and name not in of_platform and not name.startswith(_GENERATED):
                told = f"parameter '{name}' of {component.words()} is used by nothing"
                path = (*component.path, "inputDefinitions", PARAMETERS, name)
                yield finding("KF318", told, path, at_key=True)
    run = {task.component for component in pipeline.all() for task in tasks(component).values()}
    for component in pipeline.components.values():
        if component.name not in run:
            yield finding("KF318", f"{component.words()} is run by no task", component.path, at_key=True)
    labels = {component.body.get("executorLabel") for component in pipeline.all()}
    for label in pipeline.executors():
        if label not in labels:
            told = f"executor '{label}' is run by no component"
            yield finding("KF318", told, ("deploymentSpec", "executors", label), at_key=True)


def _used(pipeline: Pipeline, component: Component) -> set[str] | None:
    """The input parameters that a component reads, None where it may be all of them."""
    if "dag" in component.body:
        return _used_by_tasks(pipeline, component)
    container = part(pipeline.executors(), component.body.get("executorLabel", ""), "container")
    if not container or container.get("image") in _BY_DRIVER or any("{{$}}" in text for text in strings(container)):
        return None
    return {name for side, kind, name, _ in placeholders(container, ()) if (side, kind) == ("inputs", PARAMETERS)}


def _used_by_tasks(pipeline: Pipeline, component: Component) -> set[str]:
    """What its tasks are given of it, and what the loop or condition reads that it is run under."""
    used: set[str] = set()
    for task in tasks(component).values():
        for kind, field in ((PARAMETERS, "componentInputParameter"), (ARTIFACTS, "componentInputArtifact")):
            used.update(given[field] for given in task.inputs(kind).values() if field in given)
    for outer in pipeline.all():
        for task in tasks(outer).values():
            if task.component == component.name:
                used.update(condition_inputs(task.condition))
                used.update(
                    filter(None, (task.iterator.get("itemInput"), part(task.iterator, "items").get("inputParameter")))
                )
    return used
