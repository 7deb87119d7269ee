"""Whether two objects mean the same to the cluster: what import must keep, and what a diff would not show."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from kfspec.catalog import Release
from kfspec.catalog.schema import Node, Schema, load_schema
from kfspec.kinds.lifting import OF_CONTROLLERS, OWN_ANNOTATIONS, OWN_LABELS, run_name
from kfspec.quantity import canonical
from kfspec.resource import Body

_SERVERS = frozenset(
    {"creationTimestamp", "generation", "managedFields", "uid", "resourceVersion", "selfLink", "finalizers"}
)
"""Metadata that the server and the controllers write."""

_QUANTITIES = frozenset({"limits", "requests", "hard", "capacity", "minResources", "maxResources"})

_RUNS = frozenset(
    {
        "Experiment",
        "PyTorchJob",
        "TFJob",
        "XGBoostJob",
        "MPIJob",
        "PaddleJob",
        "JAXJob",
        "MXJob",
        "TrainJob",
        "SparkApplication",
    }
)
"""Kinds whose objects are named by their content."""

_DEFAULTS = {
    ("", "LimitRange"): "kfspec.kinds.kubernetes.limitrange",
    ("serving.kserve.io", "InferenceService"): "kfspec.kinds.kserve.defaults",
    ("kubeflow.org", "Experiment"): "kfspec.kinds.katib.defaults",
    ("kubeflow.org", "Notebook"): "kfspec.kinds.notebook_lift",
    ("kubeflow.org", "PVCViewer"): "kfspec.kinds.kubeflow.pvcviewer",
    ("sparkoperator.k8s.io", "SparkApplication"): "kfspec.kinds.spark.defaults",
    ("trainer.kubeflow.org", "TrainJob"): "kfspec.kinds.trainer.overrides",
}
"""Kinds that are stored otherwise than they are written, or can be written in several ways, and the module whose `defaulted`
gives them one form."""


def equivalent(a: Body, b: Body, release: Release) -> bool:
    """Whether `a` and `b` are the same object once stored.

    Not looked at: kfspec's labels and its annotations for engines, what servers and controllers write, the version of the
    API that the object is written in, the form of quantities, defaults that a webhook would write, the order of a
    notebook's volumes, the hash in a run's name, and a namespace that only one of them says.
    """
    one, other = (normal(body, release) for body in (a, b))
    if "namespace" not in one["metadata"] or "namespace" not in other["metadata"]:
        for each in (one, other):
            each["metadata"].pop("namespace", None)
    return one == other


def normal(body: Body, release: Release) -> Body:
    """The form in which equivalent objects are equal."""
    group = str(body.get("apiVersion", "")).rpartition("/")[0]
    kind = str(body.get("kind"))
    entry = release.kind(group, kind)
    result = {key: value for key, value in body.items() if key != "status"}
    if entry is not None:
        result["apiVersion"] = f"{group}/{entry.storage_version}" if group else entry.storage_version
    result["metadata"] = _metadata(body.get("metadata") or {}, kind)
    module = _DEFAULTS.get((group, kind))
    if module is not None:
        defaulted: Callable[[Body], Body] = import_module(module).defaulted
        result = defaulted(result)
    if entry is not None:
        schema = load_schema(entry, entry.storage_version)
        result = {**_with_defaults(schema, schema.root, result), "metadata": result["metadata"]}
    cleaned: Body = _clean(result, "")
    return cleaned


def _with_defaults(schema: Schema, node: Node, value: Any) -> Any:
    """The value with the defaults of its schema, which the API server writes."""
    node = schema.node(node)
    if isinstance(value, dict):
        properties, extra = node.get("properties") or {}, node.get("additionalProperties")
        result = {}
        for key, item in value.items():
            sub = properties.get(key, extra)
            result[key] = _with_defaults(schema, sub, item) if isinstance(sub, dict) else item
        for key, sub in properties.items():
            given = schema.node(sub)
            if key not in result and "default" in given:
                result[key] = given["default"]
        return result
    items = node.get("items")
    return [_with_defaults(schema, items, item) for item in value] if isinstance(value, list) and items else value


def _metadata(meta: dict[str, Any], kind: str) -> dict[str, Any]:
    result = {key: value for key, value in meta.items() if key not in _SERVERS}
    name = str(meta.get("name"))
    if kind in _RUNS:
        result["name"] = run_name(name)
    for key, own in (("labels", OWN_LABELS), ("annotations", OWN_ANNOTATIONS | OF_CONTROLLERS)):
        kept = {name: value for name, value in (meta.get(key) or {}).items() if name not in own}
        if kind == "Notebook":  # what the dashboard takes for granted
            granted = {"app": name, "notebooks.kubeflow.org/server-type": "jupyter"}
            kept = {label: value for label, value in kept.items() if granted.get(label) != value}
        result[key] = kept
    return {key: value for key, value in result.items() if value not in ({}, [])}


def _clean(value: Any, key: str) -> Any:
    """Quantities canonical, nulls gone, numbers that are equal the same."""
    if isinstance(value, dict):
        if key in _QUANTITIES:
            return {name: _quantity(item) for name, item in value.items()}
        return {
            name: _quantity(item) if name in ("sizeLimit", "divisor") else _clean(item, name)
            for name, item in value.items()
            if item is not None
        }
    return [_clean(item, "") for item in value] if isinstance(value, list) else value


def _quantity(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    found = canonical(value if isinstance(value, str) else repr(value))
    return value if found is None else found
