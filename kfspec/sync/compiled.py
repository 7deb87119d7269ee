"""The desired states that an environment's objects carry: what the pods of its CronJobs would read, without a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kfspec.diagnostics import Diagnostic, Diagnostics
from kfspec.kinds.syncing import BACKENDS, ITEM
from kfspec.resource import Body
from kfspec.sync.payload import Backend, Desired, parse


def desired_states(bodies: Iterable[Body], backends: Iterable[Backend]) -> tuple[tuple[Desired, ...], Diagnostics]:
    """One for every loop of those services, in their order."""
    every = list(bodies)
    maps = {_name(body): body.get("data") or {} for body in every if body["kind"] == "ConfigMap"}
    made: list[Desired] = []
    found: list[Diagnostic] = []
    asked = [backend for backend in BACKENDS if backend in set(backends)]
    for backend in asked:
        for loop in (body for body in every if _is_loop(body, backend)):
            namespace, name = _name(loop)
            files = {key: text for each in _mounted(loop) for key, text in maps.get((namespace, each), {}).items()}
            desired, problems = parse(files, f"what CronJob/{namespace}/{name} mounts")
            found += problems
            made += [desired] if desired is not None else []
    return tuple(made), tuple(found)


def _name(body: Body) -> tuple[str, str]:
    return str(body["metadata"].get("namespace", "")), str(body["metadata"]["name"])


def _is_loop(body: Body, backend: Backend) -> bool:
    labels = body["metadata"].get("labels") or {}
    return body["kind"] == "CronJob" and labels.get("kfspec.dev/item") == f"{ITEM}.{backend}"


def _mounted(loop: Body) -> Iterator[str]:
    """The names of the ConfigMaps that the pod has as one volume."""
    spec: Any = loop["spec"]
    for volume in spec["jobTemplate"]["spec"]["template"]["spec"]["volumes"]:
        for source in (volume.get("projected") or {}).get("sources") or ():
            if "configMap" in source:
                yield source["configMap"]["name"]
