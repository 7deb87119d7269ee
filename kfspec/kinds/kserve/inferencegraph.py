"""A router in front of model servers (KServe InferenceGraph).

`inferenceGraphs: {ab: {nodes: {root: {routerType: Splitter, steps: [{service: a, weight: 90}, {service: b, weight: 10}]}}}}`.
Every field of the graph is taken; in a step `service` is short for `serviceName`, and `node` for `nodeName`. Services are those
of the graph's own namespace. `access` opens the graph to more than its namespace, as it does a service.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from kfspec.catalog.metadata import name_problem
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, Severity, Upstream
from kfspec.kinds import base
from kfspec.kinds.base import Context, Effect, Facts, Look, Lowered, Readiness
from kfspec.kinds.kserve import access as kserve_access
from kfspec.kinds.kserve.access import Access
from kfspec.kinds.lifting import own_metadata, shorten
from kfspec.kinds.shortforms import Expansion
from kfspec.resource import GVK, Body, Origin
from kfspec.spec.base import Json, Namespaced
from kfspec.wording import did_you_mean

BLOCK = "inferenceGraphs"
PRODUCES = (GVK("serving.kserve.io", "v1alpha1", "InferenceGraph"), kserve_access.POLICY)
DERIVES_FROM = ("profiles",)

ROOT = "root"
_UPSTREAM = (
    "nodes",
    "minReplicas",
    "maxReplicas",
    "scaleMetric",
    "scaleTarget",
    "timeout",
    "routerTimeouts",
    "resources",
    "affinity",
    "nodeName",
    "nodeSelector",
    "tolerations",
    "serviceAccountName",
)
_SHORT = {"service": "serviceName", "node": "nodeName"}
_TARGETS = ("serviceName", "nodeName", "serviceUrl")


class Item(Namespaced):
    """A graph of inference services."""

    nodes: Json = Field(
        description="Upstream's nodes by name, `root` among them; in a step `service` and `node` are short for upstream's."
    )
    minReplicas: Json = Field(default=None, description="Upstream's, of the router.")  # noqa: N815
    maxReplicas: Json = Field(default=None, description="Upstream's, of the router.")  # noqa: N815
    scaleMetric: Json = Field(default=None, description="Upstream's, of the router.")  # noqa: N815
    scaleTarget: Json = Field(default=None, description="Upstream's, of the router.")  # noqa: N815
    timeout: Json = Field(default=None, description="Upstream's: seconds that a request may take.")
    routerTimeouts: Json = Field(default=None, description="Upstream's, from KServe 0.16 on.")  # noqa: N815
    resources: Json = Field(default=None, description="`{cpu, memory}`, or upstream's, of the router.")
    affinity: Json = Field(default=None, description="Upstream's, of the router.")
    nodeName: Json = Field(  # noqa: N815
        default=None, description="Upstream's: the cluster's node that the router runs on; from KServe 0.15 on."
    )
    nodeSelector: Json = Field(default=None, description="Upstream's, of the router; from KServe 0.15 on.")  # noqa: N815
    tolerations: Json = Field(default=None, description="Upstream's, of the router; from KServe 0.15 on.")
    serviceAccountName: Json = Field(default=None, description="Upstream's, of the router; from KServe 0.15 on.")  # noqa: N815
    access: Access | None = Field(
        default=None,
        description="Who else may call it: private, authenticated, everyone, or a list of profiles and principals "
        "(the profile's `servingAccess`).",
    )


def lower(item: Item, ctx: Context) -> Lowered:
    """One InferenceGraph, and who may call it."""
    expansion = Expansion(ctx)
    expansion.origins["spec",] = Origin(ctx.path)
    spec: dict[str, Any] = {}
    for key in _UPSTREAM:
        value = getattr(item, key)
        if value is not None:
            where = (*ctx.path, key)
            expansion.origins["spec", key] = Origin(where)
            spec[key] = (
                _nodes(value, where, expansion) if key == "nodes" else expansion.field(key, value, ("spec", key), where)
            )
    body = {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "InferenceGraph",
        "metadata": base.metadata(ctx, item),
        "spec": spec,
    }
    origins = {**base.base_origins(ctx), **expansion.origins}
    alone = kserve_access.without_sidecar(item.labels, item.annotations)
    policies, found = kserve_access.policies(item.access, alone, ctx, kserve_access.ROUTER_LABEL)
    return Lowered((base.resource(ctx, body, origins), *policies), (*expansion.found, *found))


def _nodes(nodes: Any, where: Path, expansion: Expansion) -> Any:
    """The nodes with their steps in upstream's form; what is none is for the schema to say."""
    if not isinstance(nodes, dict):
        return nodes
    made: dict[str, Any] = {}
    for name, node in nodes.items():
        steps = node.get("steps") if isinstance(node, dict) else None
        if isinstance(steps, list):
            path = (name, "steps")
            node = {**node, "steps": [_step(each, (*path, n), where, expansion) for n, each in enumerate(steps)]}
        made[name] = node
    return made


def _step(step: Any, path: Path, where: Path, expansion: Expansion) -> Any:
    if not isinstance(step, dict) or not step.keys() & _SHORT.keys():
        return step
    made: dict[str, Any] = {}
    for key, value in step.items():
        long = str(_SHORT.get(key, key))
        if long != key and long in step:
            message = f"'{key}' and '{long}' say the same thing"
            expansion.found.append(finding("KF340", message, (*where, *path, key), hint=f"keep '{key}'", at_key=True))
            continue
        made[long] = value
        expansion.origins["spec", "nodes", *path, long] = Origin((*where, *path, key))
    return made


def lift(body: Body) -> Iterator[dict[str, Any]]:
    """Items that may stand for the graph, the shortest first."""
    spec = body.get("spec")
    if not isinstance(spec, dict) or spec.keys() - set(_UPSTREAM):
        return
    meta = own_metadata(body)
    short = {key: shorten(value, key) for key, value in spec.items()}
    if isinstance(short.get("nodes"), dict):
        short["nodes"] = {name: _shortened(node) for name, node in short["nodes"].items()}
    yield {**short, **meta}
    yield {**spec, **meta}


def _shortened(node: Any) -> Any:
    steps = node.get("steps") if isinstance(node, dict) else None
    if not isinstance(steps, list):
        return node
    names = {long: key for key, long in _SHORT.items()}
    return {
        **node,
        "steps": [
            {names.get(key, key): value for key, value in step.items()} if isinstance(step, dict) else step
            for step in steps
        ],
    }


# -- rules ------------------------------------------------------------------------------------------------------

_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """The webhook's rules (KServe 0.14.1, inference_graph_validation.go; executed), and ways that the router cannot go
    (cmd/router/main.go)."""
    name, spec = body["metadata"].get("name") or "", body.get("spec") or {}
    if _NAME.fullmatch(name) is None and name_problem(name, "-", "") is None:
        hint = "begin with a letter; use lower-case letters, digits and '-', no dots"
        yield finding("KF360", f"no InferenceGraph can be called '{name}'", ("metadata", "name"), hint=hint)
    elif len(name) > 63:
        message = f"the router's Service is called '{name}': {len(name)} characters, and it may have 63"
        hint = f"shorten the name by {len(name) - 63}"
        yield finding("KF360", message, ("metadata", "name"), hint=hint, upstream=Upstream.NEVER_WORKS)
    low, high = spec.get("minReplicas"), spec.get("maxReplicas")
    if isinstance(low, int) and isinstance(high, int) and low > high > 0:
        message = f"'minReplicas' is {low}, above 'maxReplicas' {high}"
        path: Path = ("spec", "minReplicas")
        yield finding("KF364", message, path, hint=f"at most {high}", upstream=Upstream.NEVER_WORKS)
    nodes: dict[str, dict[str, Any]] = spec.get("nodes") or {}
    at: Path = ("spec", "nodes")
    if ROOT not in nodes:
        near = did_you_mean(ROOT, nodes, "call the node that requests begin with 'root'")
        yield finding("KF358", f"the graph has no node '{ROOT}'", at, hint=near, at_key=True)
    for node, router in nodes.items():
        yield from _steps(router, (*at, node))
        yield from _ways(node, router, nodes, (*at, node))
    yield from _whole(nodes, at)


def _steps(router: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    """What the webhook says of the steps of one node."""
    steps = router.get("steps") or []
    first: dict[str, int] = {}
    for n, step in enumerate(steps):
        here = (*at, "steps", n)
        targets = [key for key in _TARGETS if step.get(key)]
        if len(targets) != 1:
            said = " and ".join(f"'{key}'" for key in targets) if targets else "no target"
            hint = "keep one of them" if targets else "give one of 'service', 'node' and 'serviceUrl'"
            yield finding("KF358", f"the step has {said}", here, hint=hint, at_key=True)
        name = step.get("name")
        if name and first.setdefault(name, n) != n:
            yield finding("KF358", f"two steps are called '{name}'", (*here, "name"), hint="give each its own name")
    if router.get("routerType") != "Splitter":
        return
    without = [n for n, step in enumerate(steps) if step.get("weight") is None]
    if without:
        left = 100 - sum(step["weight"] for step in steps if step.get("weight") is not None)
        hint = f"weight: {left}" if len(without) == 1 and left > 0 else "the weights of a node add up to 100"
        message = "a step of a Splitter needs a weight"
        yield finding("KF358", message, (*at, "steps", without[0]), hint=hint, at_key=True)
        return
    total = sum(step["weight"] for step in steps)
    if total != 100:
        message = f"the weights of the node add up to {total}, and must to 100"
        yield finding("KF358", message, (*at, "steps"), hint=_balanced(steps, total), at_key=True)


def _balanced(steps: list[dict[str, Any]], total: int) -> str | None:
    """What the last weight would have to be."""
    last = 100 - (total - steps[-1]["weight"]) if steps else 0
    return f"the last one would be {last}" if last > 0 else None


def _ways(node: str, router: dict[str, Any], nodes: dict[str, dict[str, Any]], at: Path) -> Iterator[Diagnostic]:
    """What the router makes of the steps of one node."""
    steps, kind = router.get("steps") or [], router.get("routerType")
    if not steps and kind != "Splitter":  # the weights of none do not add up
        yield finding("KF359", f"the node '{node}' has no steps", at, hint="give it 'steps:'", at_key=True)
    for n, step in enumerate(steps):
        here = (*at, "steps", n)
        target = step.get("nodeName")
        if target and target not in nodes:
            near = did_you_mean(target, nodes, f"declare it: 'nodes: {{{target}: ...}}'")
            yield finding("KF359", f"there is no node '{target}'", (*here, "nodeName"), hint=near)
        url = step.get("serviceUrl")
        if url and re.match(r"https?://[^/]", url) is None:
            message = f"the router sends no request to '{url}'"
            hint = f"http://{url.rpartition('://')[2].lstrip('/')}"
            yield finding("KF359", message, (*here, "serviceUrl"), hint=hint)
        if kind == "Switch" and not step.get("condition"):
            message = "a step of a Switch without 'condition' is never taken"
            hint = "a path that the request must have (GJSON), as 'instances.0.vip'"
            yield finding("KF359", message, here, hint=hint, at_key=True)
        yield from _data(step, n, kind, here)


def _data(step: dict[str, Any], n: int, kind: Any, here: Path) -> Iterator[Diagnostic]:
    """Which request a step gets: the router knows `$response`, and takes everything else for the graph's own."""
    data = step.get("data")
    if not data or data == "$request":
        return
    if data != "$response":
        message = f"the router does not know the data '{data}', and sends the graph's request"
        hint = "$request or $response"
    elif kind != "Sequence" or n == 0:
        message = "there is no response yet: the step gets the graph's request"
        hint = "only the later steps of a Sequence have one"
    else:
        return
    yield finding("KF359", message, (*here, "data"), hint=hint, severity=Severity.WARNING)


def _whole(nodes: dict[str, dict[str, Any]], at: Path) -> Iterator[Diagnostic]:
    """Ways that come back to where they were, and nodes that no way leads to."""
    ways = {
        name: [
            (n, step["nodeName"]) for n, step in enumerate(router.get("steps") or ()) if step.get("nodeName") in nodes
        ]
        for name, router in nodes.items()
    }
    found = _circle(ways)
    if found is not None:
        node, n, circle = found
        message = f"the way through {' -> '.join(circle)} never ends"
        path = (*at, node, "steps", n, "nodeName")
        yield finding("KF359", message, path, hint="lead it to a service, or to a node that it has not passed")
    if ROOT not in nodes:
        return
    reached, open_ = {ROOT}, [ROOT]
    while open_:
        for _, target in ways[open_.pop()]:
            if target not in reached:
                reached.add(target)
                open_.append(target)
    for name in nodes:
        if name not in reached:
            message = f"no way leads from '{ROOT}' to the node '{name}'"
            yield finding(
                "KF359",
                message,
                (*at, name),
                hint=f"lead a step to it: 'node: {name}', or remove it",
                severity=Severity.WARNING,
                upstream=Upstream.ADVICE,
                at_key=True,
            )


def _circle(ways: dict[str, list[tuple[int, str]]]) -> tuple[str, int, list[str]] | None:
    """A step that leads back, and the nodes of the circle; the stack is our own, for graphs of any depth."""
    done: set[str] = set()
    for start in ways:
        if start in done:
            continue
        trail, rest = [start], [iter(ways[start])]
        while trail:
            step = next(rest[-1], None)
            if step is None:
                done.add(trail.pop())
                rest.pop()
                continue
            n, target = step
            if target in trail:
                return trail[-1], n, [*trail[trail.index(target) :], target]
            if target not in done:
                trail.append(target)
                rest.append(iter(ways[target]))
    return None


EFFECTS = (
    Effect(
        ("spec",),
        "rolls the router; requests go by the new graph",
        "KServe 0.14.1, pkg/controller/v1alpha1/inferencegraph/knative_reconciler.go",
    ),
)


def ready(body: Body, look: Look) -> Readiness:
    """By the condition Ready alone: `status.observedGeneration` is the child's (kserve/kserve#6081)."""
    return base.by_condition(body, "Ready")
