"""PodDefaults merged into the pods that ask for them, as the admission webhook would.

A conflict refuses the pod: the notebook or the job never starts, and only an event says why. Source: admission-webhook
v1.10.0, `main.go` (safeToApplyPodDefaultsOnPod and the merge functions; it looks at every pod of a profile's namespace, whoever
makes it); one pair executed. A TrainJob's pods are those of its runtime, declared or shipped, as the job changes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from kfspec.checks.podmodel import meta_of
from kfspec.checks.targets import TRAINER
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path
from kfspec.kinds.podspec import pod_specs
from kfspec.kinds.status import at, maps
from kfspec.resource import Body, ObjectRef, Resource, to_spec

if TYPE_CHECKING:
    from kfspec.catalog import Release
    from kfspec.checks.trainpods import Runtimes

EXCLUDE = "poddefault.admission.kubeflow.org/exclude"
_WHOLE = ("kubeflow.org", "apps", "batch", "")
"""Groups whose objects hold pod specs as the pods have them."""
_NO_PODS = frozenset({"ServingRuntime", "TrainingRuntime"})
"""Kinds with pod specs of which others make pods."""

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
    name: str = "the pod"
    placed: bool = True
    """`spec` is what the object has at `path`; else it is made of several objects, and `path` is where to say so."""


def check(resources: tuple[Resource, ...], release: Release | None = None) -> Iterator[Diagnostic]:
    """One finding for each conflict. Paths are spec paths."""
    defaults = [r for r in resources if is_pod_default(r)]
    if not defaults:
        return
    runtimes = _runtimes(resources, release)
    for resource in resources:
        if resource.ref.group not in (*_WHOLE, TRAINER):
            continue
        near = [d for d in defaults if d.ref.namespace == resource.ref.namespace]
        for pod in _made(resource, runtimes) if near else ():
            if pod.annotations.get(EXCLUDE) == "true":
                continue
            selected = sorted((d for d in near if selects(d.body, pod.labels)), key=lambda d: d.ref.name)
            for found in _conflicts(pod, selected):
                yield to_spec(resource, found)


def is_pod_default(resource: Resource) -> bool:
    """Whether it is one."""
    return (resource.ref.group, resource.ref.kind) == ("kubeflow.org", "PodDefault")


def merged_into(
    defaults: Iterable[Resource],
    resources: tuple[Resource, ...],
    templates: tuple[Resource, ...] = (),
    release: Release | None = None,
) -> Iterator[tuple[Resource, Resource]]:
    """Each of `defaults` with each object whose pods select it, wherever the object comes from; in the order of the objects."""
    defaults = tuple(defaults)
    if not defaults:
        return
    from kfspec.checks.pods import pods_of  # few ask, and it knows every kind of pod

    metas = [(pods.resource, pods.meta) for pods in pods_of(resources, templates, release)]
    metas += [(r, meta_of(r.body.get("metadata"))) for r in (*resources, *templates) if r.ref.kind == "Tensorboard"]
    seen: set[tuple[ObjectRef, ObjectRef]] = set()
    for resource, meta in metas:
        if meta.annotations.get(EXCLUDE) == "true" or resource.ref.kind in _NO_PODS:
            continue
        for default in defaults:
            pair = (default.ref, resource.ref)
            near = default.ref.namespace == resource.ref.namespace
            if near and pair not in seen and selects(default.body, meta.labels):
                seen.add(pair)
                yield default, resource


def _runtimes(resources: tuple[Resource, ...], release: Release | None) -> Runtimes | None:
    """What TrainJobs name; None without such jobs."""
    if all((r.ref.group, r.ref.kind) != (TRAINER, "TrainJob") for r in resources):
        return None
    from kfspec.checks.trainpods import Runtimes  # few projects have them

    return Runtimes(resources, release)


def _made(resource: Resource, runtimes: Runtimes | None) -> Iterator[_Pod]:
    if resource.ref.group in _WHOLE:
        yield from _pods(resource.body, resource)
    elif runtimes is not None and resource.ref.kind == "TrainJob":
        from kfspec.kinds.trainer.templates import templates

        for each in templates(resource.body, runtimes.of(resource.body, resource.ref.namespace)):
            name = f"the pods of the job '{each.job}' of its runtime"
            yield _Pod(each.labels, each.annotations, each.spec, ("spec",), name, placed=False)


def _pods(body: Body, resource: Resource) -> Iterator[_Pod]:
    """The pods that the object makes; a notebook's labels are its pod's (notebook-controller v1.10.0)."""
    for path, spec in pod_specs(resource.ref.group, resource.ref.kind, body):
        meta: Any = body["metadata"] if resource.ref.kind == "Notebook" else _at(body, path[:-1]).get("metadata") or {}
        yield _Pod(meta.get("labels") or {}, meta.get("annotations") or {}, spec, path)


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value


def selects(body: Body, labels: dict[str, Any]) -> bool:
    """Whether a PodDefault is merged into pods with these labels."""
    selector = at(body, "spec", "selector")
    if not isinstance(selector, dict):
        return False
    wanted = selector.get("matchLabels") or {}
    if not isinstance(wanted, dict):
        return False
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _expression(entry, labels) for entry in maps(selector.get("matchExpressions"))
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
        have = _keyed(pod.spec.get(of_pod), key, pod)
        yield from _merge(have, selected, field, key, word, (*pod.path, of_pod), pod.path)
    for n, container in enumerate(pod.spec.get("containers") or ()):
        for field, key, word in _OF_CONTAINER:
            at = (*pod.path, "containers", n) if pod.placed else pod.path
            owner = pod._replace(name=f"container '{container.get('name')}'")
            have = _keyed(container.get(field), key, owner)
            yield from _merge(have, selected, field, key, word, (*at, field), at)
    for field, values in (("labels", pod.labels), ("annotations", pod.annotations)):
        known: dict[Any, tuple[Any, str, int | None]] = {
            name: (value, pod.name, None) for name, value in values.items()
        }
        for default in selected:
            given = default.body["spec"].get(field)
            for name, value in given.items() if isinstance(given, dict) else ():
                yield from _same(known, name, value, default, f"the {field[:-1]}", pod.path, pod.path)


def _keyed(entries: Any, key: str, pod: _Pod) -> dict[Any, tuple[Any, str, int | None]]:
    listed = entries if isinstance(entries, list) else ()
    known = ((n, entry) for n, entry in enumerate(listed) if isinstance(entry, dict))
    return {
        entry[key]: (entry, pod.name, n if pod.placed else None)
        for n, entry in known
        if isinstance(entry.get(key), str)
    }


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
            if isinstance(entry, dict) and isinstance(entry.get(key), str):
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
