"""The way back: what the short forms make of upstream's. Each is the inverse of one in `shortforms`.

A kind's `lift` yields items that may stand for an object, the shortest first. Whoever asks lowers them again and takes the
first whose object is equivalent, so a short form is never taken where it is not exact.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from kfspec.kinds.base import PROTECT
from kfspec.quantity import canonical
from kfspec.resource import Body

OWN_LABELS = frozenset(
    {
        "app.kubernetes.io/managed-by",
        "kfspec.dev/project",
        "kfspec.dev/item",
        "kfspec.dev/environment",
        "kustomize.toolkit.fluxcd.io/name",
        "kustomize.toolkit.fluxcd.io/namespace",
    }
)
OWN_ANNOTATIONS = frozenset(
    {
        *PROTECT,
        "kustomize.toolkit.fluxcd.io/substitute",
        "kubectl.kubernetes.io/last-applied-configuration",
        "argocd.argoproj.io/tracking-id",
    }
)
"""kfspec's own, and what those write who apply objects: it says nothing of the object."""

OF_CONTROLLERS = frozenset(
    {
        "pv.kubernetes.io/bind-completed",
        "pv.kubernetes.io/bound-by-controller",
        "volume.beta.kubernetes.io/storage-provisioner",
        "volume.kubernetes.io/storage-provisioner",
        "volume.kubernetes.io/selected-node",
        "kubeflow-resource-stopped",
        "notebooks.kubeflow.org/last-activity",
        "notebooks.kubeflow.org/last_activity_check_timestamp",
    }
)
"""Annotations by which controllers and the dashboard keep what they know of an object: nobody wrote them down, and nobody
should (kubernetes v1.37, controller/volume/persistentvolume and the scheduler's volumebinding; notebook-controller v1.10.0,
culling_controller.go; jupyter-web-app v1.10.0)."""

_HASH = re.compile(r"-[0-9a-f]{8}$")


def run_name(name: str) -> str:
    """A run's name without the hash of its content."""
    return _HASH.sub("", name)


def own_metadata(body: Body, labels: Iterable[str] = (), annotations: Iterable[str] = ()) -> dict[str, Any]:
    """The item's `labels` and `annotations`: those of the object less kfspec's own and those named."""
    meta = body.get("metadata") or {}
    result: dict[str, Any] = {}
    for key, skip in (
        ("labels", {*OWN_LABELS, *labels}),
        ("annotations", {*OWN_ANNOTATIONS, *OF_CONTROLLERS, *annotations}),
    ):
        kept = {name: value for name, value in (meta.get(key) or {}).items() if name not in skip}
        if kept:
            result[key] = kept
    return result


def shorten(value: Any, key: str = "") -> Any:
    """Upstream's form with the short forms that `Expansion` takes, wherever they say the same."""
    if isinstance(value, dict):
        if key == "resources":
            return _resources(value)
        if key == "modelFormat" and value.keys() == {"name"}:
            return value["name"]
        return {name: shorten(item, name) for name, item in value.items()}
    if isinstance(value, list):
        if key == "env":
            return _env(value)
        if key in _ONLY:
            return _by_name(value, _ONLY[key])
        return [shorten(item) for item in value]
    return value


_ONLY = {
    "containers": None,
    "initContainers": None,
    "sidecars": None,
    "volumes": None,
    "volumeMounts": "mountPath",
    "ports": "containerPort",
}
"""List that takes a map by name -> the field that stands for the whole entry where it says nothing else."""


def _by_name(entries: list[Any], only: str | None) -> Any:
    """The map form; the list where an entry has no name of its own."""
    names = [entry.get("name") for entry in entries if isinstance(entry, dict)]
    if not entries or not all(isinstance(name, str) and name for name in names) or len(set(names)) != len(entries):
        return [shorten(entry) for entry in entries]
    result: dict[str, Any] = {}
    for entry in entries:
        rest = {key: value for key, value in entry.items() if key != "name"}
        result[entry["name"]] = rest[only] if only is not None and rest.keys() == {only} else shorten(rest)
    return result


def _env(entries: list[Any]) -> Any:
    names = [entry.get("name") for entry in entries if isinstance(entry, dict)]
    if not entries or not all(isinstance(name, str) for name in names) or len(set(names)) != len(entries):
        return entries
    result: dict[str, Any] = {}
    for entry in entries:
        rest = {key: value for key, value in entry.items() if key != "name"}
        result[entry["name"]] = rest["value"] if rest.keys() == {"value"} else rest
    return result


def _resources(value: dict[str, Any]) -> Any:
    limits, requests = value.get("limits"), value.get("requests")
    if value.keys() != {"limits", "requests"} or not isinstance(limits, dict) or not isinstance(requests, dict):
        return value
    plain = ("cpu", "memory", "ephemeral-storage")
    known = all(key in plain or "/" in key or key.startswith("hugepages-") for key in limits)
    if limits and known and _amounts(limits) == _amounts(requests):
        return limits
    return value


def _amounts(group: dict[str, Any]) -> dict[str, Any]:
    return {key: canonical(str(amount)) or amount for key, amount in group.items()}
