"""The platform spec beside the pipeline: what its tasks' pods need of Kubernetes.

KFP 2.5.0 `apiserver/template/v2_template.go`: a platform spec that does not parse, or is for another platform, is passed over
without a word, and pods start without what it says; the settings of an executor are parsed by the driver, when it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, Severity, Upstream
from kfspec.ir import references, shape
from kfspec.ir.graph import PARAMETERS, Component, Pipeline, Task, part, tasks

KUBERNETES = "kubernetes"

_SECRET = ("secret", ("secretNameParameter", "secretName"))
_CONFIG_MAP = ("ConfigMap", ("configMapNameParameter", "configMapName"))
_NAMED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "secretAsVolume": _SECRET,
    "secretAsEnv": _SECRET,
    "imagePullSecret": _SECRET,
    "configMapAsVolume": _CONFIG_MAP,
    "configMapAsEnv": _CONFIG_MAP,
    "pvcMount": ("claim", ("pvcNameParameter", "constant", "componentInputParameter", "taskOutputParameter")),
}
"""What the settings name, and the fields that can, the newer one first."""


def check_shape(value: Any, server: shape.Server) -> Iterator[Diagnostic]:
    """The document, and the settings of each executor."""
    reader = shape.Reader(server, Upstream.DROPS, Upstream.DROPS)
    found = tuple(shape.check("PlatformSpec", value, (), reader))
    yield from found
    if any(d.code == "KF311" for d in found):
        return
    platforms = part(value, "platforms")
    if KUBERNETES not in platforms:
        told = "the platform spec says nothing of kubernetes, and KFP passes over all else"
        yield finding("KF311", told, ("platforms",), upstream=Upstream.DROPS)
    driver = shape.Reader(server, Upstream.NEVER_WORKS, Upstream.NEVER_WORKS, Severity.WARNING)
    for label, settings in _settings(value).items():
        yield from shape.check("KubernetesExecutorConfig", settings, _path(label), driver)


def check(pipeline: Pipeline, value: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Executors, parameters and tasks that the settings name."""
    labels = pipeline.executors()
    for label, settings in _settings(value).items():
        if label not in labels:
            told = f"the platform spec sets up executor '{label}', which the pipeline does not have"
            lost = references.missing(told, _path(label), label, labels, at_key=True)
            yield lost._replace(upstream=Upstream.DROPS)
            continue
        yield from _nameless(label, settings)
        said: set[Path] = set()
        for component, task in _runs(pipeline, label):
            for given, path in _sources(settings, _path(label)):
                known = tasks(component)
                for d in references.check_source(pipeline, component, task.name, PARAMETERS, given, path, known):
                    if d.path not in said:
                        said.add(d.path)
                        yield d


def inputs(value: Any) -> frozenset[str]:
    """Every input that the settings read."""
    return frozenset(
        str(given["componentInputParameter"])
        for settings in _settings(value).values()
        for given, _ in _sources(settings, ())
        if "componentInputParameter" in given
    )


def _settings(value: Any) -> Mapping[str, Any]:
    return part(value, "platforms", KUBERNETES, "deploymentSpec", "executors")


def _path(label: str) -> Path:
    return ("platforms", KUBERNETES, "deploymentSpec", "executors", label)


def _runs(pipeline: Pipeline, label: str) -> Iterator[tuple[Component, Task]]:
    """Every task that runs an executor, with the component whose dag it is in: its inputs are meant."""
    made = {c.name for c in pipeline.components.values() if c.body.get("executorLabel") == label}
    for component in pipeline.all():
        for task in tasks(component).values():
            if task.component in made:
                yield component, task


def _nameless(label: str, settings: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Secrets, ConfigMaps and claims without a name: the driver fails on them."""
    for field, (what, names) in _NAMED.items():
        for n, entry in enumerate(settings.get(field, ())):
            if not any(entry.get(name) for name in names):
                told = f"executor '{label}' names no {what} in '{field}[{n}]'"
                yield finding("KF315", told, (*_path(label), field, n))


def _sources(value: Any, path: Path) -> Iterator[tuple[Mapping[str, Any], Path]]:
    """The places in settings that take a value from an input or a task's output.

    The SDK writes a claim's name twice, the old way beside `pvcNameParameter`: the new way counts.
    """
    if isinstance(value, dict):
        if "taskOutputParameter" in value or "componentInputParameter" in value:
            if "pvcNameParameter" not in value:
                yield value, path
        for key, item in value.items():
            yield from _sources(item, (*path, key)) if key != "taskOutputParameter" else ()
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from _sources(item, (*path, n))
