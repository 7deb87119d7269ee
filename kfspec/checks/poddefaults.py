"""PodDefaults merged into the pods that ask for them, as the admission webhook would.

A conflict refuses the pod: the notebook or the job never starts, and only an event says why. Source: admission-webhook
v1.10.0, `main.go` (safeToApplyPodDefaultsOnPod and the merge functions); one pair executed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path
from kfspec.kinds.podspec import pod_specs
from kfspec.resource import Body, Resource, to_spec

EXCLUDE = "poddefault.admission.kubeflow.org/exclude"

_LISTS = (
    ("volumes", "volumes", "name", "the volume"),
    ("tolerations", "tolerations", "key", "the toleration"),
    ("initContainers", "initContainers", "name", "the init container"),
    ("sidecars", "containers", "name", "the container"),
)
"""Field of the PodDefault, field of the pod, what identifies an entry, its word."""

_OF_CONTAINER = (("env", "name", "the variable"), ("volumeMounts", "mountPath", "the mount at"))


class _Pod(NamedTuple):
    labels: dict[str, Any]
    annotations: dict[str, Any]
    spec: dict[str, Any]
    path: Path


def check(resources: tuple[Resource, ...]) -> Iterator[Diagnostic]:
    """One finding for each conflict. Paths are spec paths."""
    defaults = [r for r in resources if r.ref.kind == "PodDefault" and r.ref.group == "kubeflow.org"]
    if not defaults:
        return
    for resource in resources:
        if resource.ref.group != "kubeflow.org":
            continue
        near = [d for d in defaults if d.ref.namespace == resource.ref.namespace]
        for pod in _pods(resource.body, resource):
            if pod.annotations.get(EXCLUDE) == "true":
                continue
            selected = sorted((d for d in near if _selects(d.body, pod.labels)), key=lambda d: d.ref.name)
            for found in _conflicts(pod, selected):
                yield to_spec(resource, found)


def _pods(body: Body, resource: Resource) -> Iterator[_Pod]:
    """The pods that the object makes; a notebook's labels are its pod's (notebook-controller v1.10.0)."""
    for path, spec in pod_specs(resource.ref.group, resource.ref.kind, body):
        meta: Any = body["metadata"] if resource.ref.kind == "Notebook" else _at(body, path[:-1]).get("metadata") or {}
        yield _Pod(meta.get("labels") or {}, meta.get("annotations") or {}, spec, path)


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value


def _selects(body: Body, labels: dict[str, Any]) -> bool:
    selector = (body.get("spec") or {}).get("selector")
    if not isinstance(selector, dict):
        return False
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _expression(entry, labels) for entry in selector.get("matchExpressions") or ()
    )


def _expression(entry: dict[str, Any], labels: dict[str, Any]) -> bool:
    key, values = entry.get("key"), entry.get("values") or ()
    operator = entry.get("operator")
    if operator == "In":
        return key in labels and labels[key] in values
    if operator == "NotIn":
        return labels.get(str(key)) not in values
    return (key in labels) if operator == "Exists" else (key not in labels)


def _conflicts(pod: _Pod, selected: list[Resource]) -> Iterator[Diagnostic]:
    for field, of_pod, key, word in _LISTS:
        have = _keyed(pod.spec.get(of_pod), key, "the pod")
        yield from _merge(have, selected, field, key, word, (*pod.path, of_pod), pod.path)
    for n, container in enumerate(pod.spec.get("containers") or ()):
        for field, key, word in _OF_CONTAINER:
            at = (*pod.path, "containers", n)
            have = _keyed(container.get(field), key, f"container '{container.get('name')}'")
            yield from _merge(have, selected, field, key, word, (*at, field), at)
    for field, values in (("labels", pod.labels), ("annotations", pod.annotations)):
        known: dict[Any, tuple[Any, str, int | None]] = {
            name: (value, "the pod", None) for name, value in values.items()
        }
        for default in selected:
            for name, value in ((default.body["spec"].get(field)) or {}).items():
                yield from _same(known, name, value, default, f"the {field[:-1]}", pod.path, pod.path)


def _keyed(entries: Any, key: str, owner: str) -> dict[Any, tuple[Any, str, int | None]]:
    listed = entries if isinstance(entries, list) else ()
    return {entry.get(key): (entry, owner, n) for n, entry in enumerate(listed) if isinstance(entry, dict)}


def _merge(
    have: dict[Any, tuple[Any, str, int | None]],
    selected: list[Resource],
    field: str,
    key: str,
    word: str,
    at: Path,
    fallback: Path,
) -> Iterator[Diagnostic]:
    for default in selected:
        entries = default.body["spec"].get(field)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict):
                yield from _same(have, entry.get(key), entry, default, word, at, fallback)


def _same(
    have: dict[Any, tuple[Any, str, int | None]],
    name: Any,
    value: Any,
    default: Resource,
    word: str,
    at: Path,
    fallback: Path,
) -> Iterator[Diagnostic]:
    """What is there already must be the very same; what is new is there from now on."""
    known = have.setdefault(name, (value, f"pod default '{default.ref.name}'", None))
    if known[0] == value:
        return
    _, owner, place = known
    message = f"pod default '{default.ref.name}' and {owner} differ on {word} '{name}', so the pod is refused"
    path = (*at, place) if place is not None else fallback
    hint = f"say it in one of them, or do not select '{default.ref.name}'"
    yield finding("KF306", message, path, hint=hint, at_key=place is None)
