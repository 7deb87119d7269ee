"""The pods of KServe's objects: model servers and routers.

Source: KServe 0.14.1 to 0.16.0 (component.go, `inferenceservice-config`, kserve-cluster-resources.yaml; inferencegraph's
knative_reconciler.go and raw_ig.go); what a custom container gets was executed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from kfspec.checks.podmodel import Amounts, Container, Pods, amounts, containers, meta_of, number, partial, quantities
from kfspec.diagnostics import Path
from kfspec.kinds.status import at
from kfspec.resource import Body, Resource

_SERVER = {"cpu": Decimal(1), "memory": Decimal(2 * 1024**3)}
"""What KServe gives a custom container, and what every shipped runtime asks for."""
_ROUTER = {"cpu": Decimal("0.1"), "memory": Decimal(100 * 1024**2)}, {"cpu": Decimal(1), "memory": Decimal(1024**3)}
"""Requests and limits of a graph's router (`inferenceservice-config`, key `router`)."""
_GROUPS = frozenset({"containers", "initContainers"})
_MODE = "serving.kserve.io/deploymentMode"
_RAW = ("RawDeployment", "Standard")
"""The mode without Knative, in the words of KServe before 0.16 and from then on (raw_kube_reconciler.go)."""

Find = Callable[[str, str, Any], Body | None]
"""The runtime of a kind, a namespace and a name."""


def served(resource: Resource, body: Body, prefix: Path, find: Find, may_serve: bool) -> Iterator[Pods]:
    """Of a service, a graph or a runtime. `may_serve`: a service that names no runtime may be given a declared one."""
    spec, kind = body["spec"], body.get("kind")
    knative = not without_knative(body)
    if kind == "InferenceGraph":
        requests, limits = amounts(spec.get("resources")) if spec.get("resources") else _ROUTER
        router = Container((*prefix, "spec"), {"name": "router"}, requests, limits)
        pod = {key: value for key, value in spec.items() if key != "resources"}
        meta = meta_of(body.get("metadata"))
        path = (*prefix, "spec")
        yield Pods(resource, path, pod, (router,), *_replicas(spec), whole=False, meta=meta, knative=knative)
    elif kind == "ServingRuntime":
        yield from partial(resource, "serving.kserve.io", body, prefix)  # no pods before a service uses it
    elif kind == "InferenceService":
        for role in ("predictor", "transformer", "explainer"):
            part = spec.get(role)
            if isinstance(part, dict):
                path = (*prefix, "spec", role)
                inside = tuple(_servers(part, path, resource.ref.namespace, find, may_serve))
                meta = meta_of(body.get("metadata"), part)
                whole = "model" not in part
                yield Pods(resource, path, part, inside, *_replicas(part), whole=whole, meta=meta, knative=knative)


def without_knative(body: Body) -> bool:
    """Whether a service or a graph says that it runs without: then it has no Service of its own name."""
    return at(body, "metadata", "annotations", _MODE) in _RAW


def _replicas(part: dict[str, Any]) -> tuple[int, int, int | None]:
    """How many pods a part of a service has at once, needs, and may grow to."""
    least, most = number(part.get("minReplicas"), 1), part.get("maxReplicas")
    grows = isinstance(most, int) and not isinstance(most, bool) and most > least
    return least, least, most if grows else None


def _servers(part: dict[str, Any], path: Path, namespace: str, find: Find, may_serve: bool) -> Iterator[Container]:
    model, first = part.get("model"), not isinstance(part.get("model"), dict)
    for container in containers(part, path) if part.keys() & _GROUPS else ():
        if first and container.path[-2] == "containers":
            first = False
            yield container._replace(
                requests={**_SERVER, **quantities(at(container.body, "resources", "requests"))},
                limits={**_SERVER, **container.limits},
            )
        else:
            yield container
    if isinstance(model, dict):
        yield _model(model, (*path, "model"), namespace, find, may_serve)


def _model(model: dict[str, Any], path: Path, namespace: str, find: Find, may_serve: bool) -> Container:
    """The container of a runtime, with what the service says of it."""
    own_requests, own_limits = _stated(model)
    name = model.get("runtime")
    runtime = find("ServingRuntime", namespace, name) if isinstance(name, str) else None
    base_requests, base_limits = _SERVER, _SERVER
    complete = not may_serve if name is None else str(name).startswith("kserve-")
    if runtime is not None:
        first = next((c for c in containers(runtime.get("spec"), ()) if not c.init), None)
        (base_requests, base_limits), complete = _stated(first.body if first is not None else {}), True
    elif not complete:
        base_requests, base_limits = {}, {}
    limits = {**base_limits, **own_limits}
    requests = {**limits, **base_requests, **own_requests}
    return Container(path, {**model, "name": "kserve-container"}, requests, limits, complete=complete)


def _stated(container: dict[str, Any]) -> tuple[Amounts, Amounts]:
    """The requests and limits that it states, neither filled in from the other."""
    return quantities(at(container, "resources", "requests")), quantities(at(container, "resources", "limits"))
