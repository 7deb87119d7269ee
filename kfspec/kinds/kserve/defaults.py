"""What the InferenceService defaulter makes of one (KServe 0.14.1; recorded)."""

from __future__ import annotations

from typing import Any

from kfspec.kinds.kserve.rules import CONTAINER, LEGACY
from kfspec.resource import Body

V2 = frozenset({"triton", "onnx", "huggingface"})
"""Frameworks whose older form the defaulter gives protocolVersion v2."""

_CUSTOM = {"cpu": "1", "memory": "2Gi"}
"""Limits and requests of custom containers that say none."""


def defaulted(body: Body) -> Body:
    """The object as it is stored, less what only the server knows."""
    spec = dict(body.get("spec") or {})
    for name in ("predictor", "transformer", "explainer"):
        component = spec.get(name)
        if isinstance(component, dict):
            spec[name] = _with_ports(_component(component, name))
    return {**body, "spec": spec}


def _component(given: dict[str, Any], name: str) -> dict[str, Any]:
    component = {key: value for key, value in given.items() if value not in ([], {}) or key == "model"}
    legacy = [key for key in LEGACY if isinstance(component.get(key), dict)] if name == "predictor" else []
    if len(legacy) == 1:
        old: dict[str, Any] = component.pop(legacy[0])
        model = {"modelFormat": {"name": legacy[0]}, **({"protocolVersion": "v2"} if legacy[0] in V2 else {}), **old}
        if legacy[0] == "pytorch":
            model.pop("modelClassName", None)
        component["model"] = model
    served = component.get("model")
    if isinstance(served, dict):
        name_of = (served.get("modelFormat") or {}).get("name")
        triton = {"protocolVersion": "v2"} if name_of == "triton" else {}
        component["model"] = {"name": "", "resources": {}, **triton, **_without_empty(served)}
    containers = component.get("containers")
    if isinstance(containers, list) and name != "explainer" and "model" not in component:
        component["containers"] = [_container(each, len(containers) == 1) for each in containers]
    return component


def _with_ports(value: Any, key: str = "") -> Any:
    """A probe's port is always written, and 0 where nothing is said: it is no pointer in Go."""
    if isinstance(value, dict):
        port = {"port": 0} if key in ("httpGet", "tcpSocket") else {}
        return {**port, **{name: _with_ports(item, name) for name, item in value.items()}}
    return [_with_ports(item) for item in value] if isinstance(value, list) else value


def _container(given: dict[str, Any], only: bool) -> dict[str, Any]:
    container = _without_empty(given)
    if only:
        container["name"] = CONTAINER
    resources = container.get("resources") or {}
    filled = {group: {**_CUSTOM, **(resources.get(group) or {})} for group in ("limits", "requests")}
    return {**container, "resources": {**resources, **filled}}


def _without_empty(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if item not in ([], {}) or key == "resources"}
