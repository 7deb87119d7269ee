"""A pipeline that has the right shape, as components with their tasks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from kfspec.diagnostics import Path

STRING, INTEGER, DOUBLE = "STRING", "NUMBER_INTEGER", "NUMBER_DOUBLE"

PARAMETERS, ARTIFACTS = "parameters", "artifacts"

EXIT = "ALL_UPSTREAM_TASKS_COMPLETED"

_PLACEHOLDER = re.compile(r"\{\{\$\.(inputs|outputs)\.(parameters|artifacts)\[(?:'([^']*)'|\"([^\"]*)\")\]")
_CONDITION_INPUT = re.compile(r"inputs\.parameter_values\[(?:'([^']*)'|\"([^\"]*)\")\]")


class Component(NamedTuple):
    """A component, the root included."""

    name: str
    """"root" for the pipeline itself."""
    path: Path
    body: Mapping[str, Any]

    def inputs(self, kind: str) -> Mapping[str, Any]:
        """Its declared input parameters or artifacts."""
        return part(self.body, "inputDefinitions", kind)

    def outputs(self, kind: str) -> Mapping[str, Any]:
        """Its declared output parameters or artifacts."""
        return part(self.body, "outputDefinitions", kind)

    def words(self) -> str:
        """How a message names it."""
        return "the pipeline" if self.path == ("root",) else f"component '{self.name}'"


class Task(NamedTuple):
    """A task of a component's dag."""

    name: str
    path: Path
    body: Mapping[str, Any]

    def inputs(self, kind: str) -> Mapping[str, Any]:
        """The parameters or artifacts that it is given."""
        return part(self.body, "inputs", kind)

    @property
    def component(self) -> str:
        """The name of the component that it runs, "" for none."""
        return str(part(self.body, "componentRef").get("name", ""))

    @property
    def iterator(self) -> Mapping[str, Any]:
        """Its loop over a parameter, {} for none."""
        return part(self.body, "parameterIterator")

    @property
    def condition(self) -> str:
        """When it runs, "" for always."""
        return str(part(self.body, "triggerPolicy").get("condition", ""))

    @property
    def is_exit(self) -> bool:
        """Whether it runs however the tasks before it ended."""
        return part(self.body, "triggerPolicy").get("strategy") == EXIT


class Pipeline(NamedTuple):
    """All of it."""

    spec: Mapping[str, Any]
    components: Mapping[str, Component]
    """By name, without the root."""
    root: Component

    def all(self) -> Iterator[Component]:
        """The root and every component."""
        yield self.root
        yield from self.components.values()

    def executors(self) -> Mapping[str, Any]:
        """The executors by label."""
        return part(self.spec, "deploymentSpec", "executors")


def graph(spec: Mapping[str, Any]) -> Pipeline:
    """The components of a spec in canonical spelling."""
    found = part(spec, "components").items()
    components = {name: Component(name, ("components", name), body) for name, body in found if isinstance(body, dict)}
    return Pipeline(spec, components, Component("root", ("root",), part(spec, "root")))


def part(body: Any, *keys: str) -> Mapping[str, Any]:
    """A nested mapping, {} where there is none."""
    for key in keys:
        body = body.get(key) if isinstance(body, dict) else None
    return body if isinstance(body, dict) else {}


def tasks(component: Component) -> dict[str, Task]:
    """The tasks of a component's dag by name."""
    path = (*component.path, "dag", "tasks")
    found = part(component.body, "dag", "tasks").items()
    return {name: Task(name, (*path, name), body) for name, body in found if isinstance(body, dict)}


def producers(task: Task) -> Iterator[tuple[str, Path]]:
    """The tasks that it must wait for, each with the place that says so: by name, and by what it is given."""
    for n, name in enumerate(task.body.get("dependentTasks", ())):
        yield name, (*task.path, "dependentTasks", n)
    for kind, field in ((PARAMETERS, "taskOutputParameter"), (ARTIFACTS, "taskOutputArtifact")):
        for name, given in task.inputs(kind).items():
            producer = part(given, field).get("producerTask")
            if producer is not None:
                yield producer, (*task.path, "inputs", kind, name, field, "producerTask")


def condition_inputs(condition: str) -> tuple[str, ...]:
    """The inputs that a condition reads."""
    return tuple(dict.fromkeys(m[1] or m[2] for m in _CONDITION_INPUT.finditer(condition)))


def placeholders(value: Any, path: Path) -> Iterator[tuple[str, str, str, Path]]:
    """The placeholders in an executor: inputs or outputs, parameters or artifacts, the name, and where it stands."""
    if isinstance(value, str):
        for match in _PLACEHOLDER.finditer(value):
            yield match[1], match[2], match[3] or match[4] or "", path
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from placeholders(item, (*path, key))


def strings(value: Any) -> Iterator[str]:
    """Every string in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


def circles(edges: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, ...]]:
    """One circle of each set of nodes that lead to each other, from its first name on; no deep recursion."""
    done: set[str] = set()
    for start in edges:
        if start in done:
            continue
        stack, trail = [(start, iter(edges[start]))], [start]
        while stack:
            node, following = stack[-1]
            step = next((n for n in following if n in edges and n not in done), None)
            if step is None:
                stack.pop()
                trail.pop()
                done.add(node)
            elif step in trail:
                yield tuple(trail[trail.index(step) :])
                done.update(trail[trail.index(step) :])
            else:
                stack.append((step, iter(edges[step])))
                trail.append(step)
