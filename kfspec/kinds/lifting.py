"""The way back: what the short forms make of upstream's. Each is the inverse of one in `shortforms`.

A kind's `lift` yields items that may stand for an object, the shortest first. Whoever asks lowers them again and takes the
first whose object is equivalent, so a short form is never taken where it is not exact.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from kfspec.kinds.base import PROTECT
from kfspec.resource import Body

OWN_LABELS = frozenset(
    {"app.kubernetes.io/managed-by", "kfspec.dev/project", "kfspec.dev/item", "kfspec.dev/environment"}
)
OWN_ANNOTATIONS = frozenset({*PROTECT, "kustomize.toolkit.fluxcd.io/substitute"})

_HASH = re.compile(r"-[0-9a-f]{8}$")


def run_name(name: str) -> str:
    """A run's name without the hash of its content."""
    return _HASH.sub("", name)


def own_metadata(body: Body, labels: Iterable[str] = (), annotations: Iterable[str] = ()) -> dict[str, Any]:
    """The item's `labels` and `annotations`: those of the object less kfspec's own and those named."""
    meta = body.get("metadata") or {}
    result: dict[str, Any] = {}
    for key, skip in (("labels", {*OWN_LABELS, *labels}), ("annotations", {*OWN_ANNOTATIONS, *annotations})):
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
        return [shorten(item) for item in value]
    return value


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
    plain = value.keys() == {"limits", "requests"} and limits == requests and isinstance(limits, dict) and limits
    if plain and all(key in ("cpu", "memory", "ephemeral-storage") or "/" in key for key in limits or ()):
        return limits
    return value
