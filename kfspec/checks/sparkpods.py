"""The pods of Spark applications and servers, as Spark and its operator make them.

Source: Spark 3.5 (BasicDriverFeatureStep, BasicExecutorFeatureStep, KubernetesUtils.selectSparkContainer); spark-operator 2.1.0
(sparkpod_defaulter.go) and main (sparkconnect/reconciler.go, mutateServerPod; dynamicallocation_validator.go).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from kfspec.checks.podmodel import Amounts, Container, Pods, containers, meta_of, number
from kfspec.diagnostics import Path
from kfspec.kinds.status import at, maps
from kfspec.quantity import parse
from kfspec.resource import Body, Resource

_JAVA = re.compile(r"(\d+)\s*([kmgtKMGT]?)[bB]?")
_OVERHEAD = 384
"""Mebibytes that Spark adds at least to what the JVM may have."""
_DRIVER, _EXECUTOR = "spark-kubernetes-driver", "spark-kubernetes-executor"
_OF_ROLE = {"driver": _DRIVER, "server": _DRIVER, "executor": _EXECUTOR}
"""Role -> the container of a pod template that is Spark's own."""
_POD = ("hostNetwork", "priorityClassName")
_SERVER_ADVICE = "state them in the server's 'template': 'cores' and 'memory' are Spark's alone there"


def spark(resource: Resource, body: Body, prefix: Path) -> Iterator[Pods]:
    """Driver (or server) and executors, as Spark makes them of the operator's fields and of the templates."""
    spec, path = body["spec"], (*prefix, "spec")
    if body.get("kind") == "ScheduledSparkApplication":
        spec, path = spec.get("template"), (*path, "template")
    spec = spec if isinstance(spec, dict) else {}
    for role in _OF_ROLE:
        part = spec.get(role)
        if not isinstance(part, dict):
            continue
        pod = at(part, "template", "spec")
        pod = pod if isinstance(pod, dict) else {}
        here = (*path, role)
        inside = [*_of_template(pod, role, part, spec, here), *containers({"containers": part.get("sidecars")}, here)]
        inside += containers({"initContainers": part.get("initContainers")}, here)
        inside = [c._replace(path=tuple("sidecars" if p == "containers" else p for p in c.path)) for c in inside]
        inside.sort(key=lambda c: not (c.init or c.stays))
        merged = {**pod, **{key: part[key] for key in _POD if part.get(key)}}
        merged["volumes"] = [*maps(pod.get("volumes")), *maps(spec.get("volumes"))]
        merged["securityContext"] = part.get("podSecurityContext") or pod.get("securityContext")
        count, most = _executors(spec, part) if role == "executor" else (1, None)
        meta = meta_of(at(part, "template", "metadata"), part)
        yield Pods(resource, here, merged, tuple(inside), count, min(count, 1), most, whole=False, meta=meta)


def _of_template(
    pod: dict[str, Any], role: str, part: dict[str, Any], spec: dict[str, Any], here: Path
) -> Iterator[Container]:
    """Spark's own container, and what else a template has. Spark adds its amounts to those of the template's container; the
    operator makes a server's pod itself, and gives it none."""
    inside = list(containers(pod, (*here, "template", "spec")))
    mine = [c for c in inside if c.path[-2] == "containers"]
    chosen = next((c for c in mine if c.body.get("name") == _OF_ROLE[role]), mine[0] if mine else None)
    if role == "server":
        bare = Container(here, {"name": _DRIVER}, {}, {})
        yield (chosen or bare)._replace(advice=_SERVER_ADVICE)
    else:
        made = _spark_container(part, spec, here)
        base = chosen or Container(here, {}, {}, {})
        said = {key: value for key, value in made.body.items() if value is not None}
        requests, limits = {**base.requests, **made.requests}, {**base.limits, **made.limits}
        yield made._replace(body={**base.body, **said}, requests=requests, limits=limits)
    yield from (each for each in inside if each is not chosen)


def _executors(spec: dict[str, Any], part: dict[str, Any]) -> tuple[int, int | None]:
    """How many at first, which is the largest number that anything says, and how many at most."""
    dynamic = spec.get("dynamicAllocation")
    if isinstance(dynamic, dict) and dynamic.get("enabled") is True:
        said = (dynamic.get("initialExecutors"), dynamic.get("minExecutors"), part.get("instances"))
        least, most = max(number(each, 0) for each in said), dynamic.get("maxExecutors")
        return least, most if isinstance(most, int) and most > least else None
    return number(part.get("instances"), 1), None


def _spark_container(part: dict[str, Any], spec: dict[str, Any], path: Path) -> Container:
    """Spark's own container: memory is limit and request at once, unless the operator sets another limit; cores are no limit."""
    memory = _java(part.get("memory")) or 1024
    slow = spec.get("type") in ("Python", "R")
    factor = spec.get("memoryOverheadFactor")
    quantity = parse(str(factor)) if factor is not None else None
    share = quantity.value if quantity is not None else Decimal("0.4" if slow else "0.1")
    memory += _java(part.get("memoryOverhead")) or max(_OVERHEAD, int(memory * share))
    limits: Amounts = {"memory": Decimal(memory * 1024**2)}
    requests: Amounts = {**limits, "cpu": Decimal(number(part.get("cores"), 1))}
    for key, into in (("coreLimit", limits), ("coreRequest", requests)):
        given = parse(str(part[key])) if part.get(key) is not None else None
        if given is not None:
            into["cpu"] = given.value
    most = _java(part.get("memoryLimit"))
    if most is not None:
        limits["memory"] = Decimal(most * 1024**2)
    gpu = part.get("gpu")
    if isinstance(gpu, dict) and isinstance(gpu.get("name"), str):
        limits[gpu["name"]] = requests[gpu["name"]] = Decimal(number(gpu.get("quantity"), 0))
    body = {"name": _OF_ROLE[str(path[-1])], "securityContext": part.get("securityContext")}
    return Container(path, body, requests, limits)


def _java(value: Any) -> int | None:
    """An amount of memory as the JVM writes it, in whole mebibytes as Spark counts; a bare number is mebibytes."""
    match = _JAVA.fullmatch(str(value).strip()) if isinstance(value, str | int) else None
    if match is None:
        return None
    digits, unit = match.groups()
    power = " kmgt".index(unit.lower()) if unit else 2
    return int(Decimal(digits) * Decimal(1024) ** (power - 2))
