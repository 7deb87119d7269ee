"""What is declared in a namespace fits the quota of that namespace.

A quota is no advice: admission refuses the pod that would exceed it, and every pod with a container that does not state what the
quota counts. The notebook or the job is stored, and waits for ever. Source: kubernetes v1.37, plugin/pkg/admission/resourcequota
and pkg/quota/v1/evaluator/core (pods.go, persistent_volume_claims.go), plugin/pkg/admission/limitranger; executed. The profile
controller makes the quota of a profile (v1.10.0, profile_controller.go).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from kfspec.checks.pods import Amounts, Container, Pods, amounts, named
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Note, Path, Severity, Upstream
from kfspec.kinds.status import at, maps
from kfspec.quantity import canonical, parse
from kfspec.resource import Resource, to_spec

if TYPE_CHECKING:
    from kfspec.catalog import Release

_STATED = {
    "cpu": ("requests", "cpu"),
    "memory": ("requests", "memory"),
    "requests.cpu": ("requests", "cpu"),
    "requests.memory": ("requests", "memory"),
    "limits.cpu": ("limits", "cpu"),
    "limits.memory": ("limits", "memory"),
}
"""What every container must state where a quota counts it -> where it is stated."""

_CLASS = ".storageclass.storage.k8s.io/"
_CORE = {"services": "Service", "configmaps": "ConfigMap", "secrets": "Secret", "resourcequotas": "ResourceQuota"}


class _Quota(NamedTuple):
    """A quota, and where it is declared."""

    resource: Resource
    namespace: str
    hard: dict[str, Any]
    path: Path
    """Of `hard`."""


class _Ask(NamedTuple):
    """What one item asks for of one resource."""

    item: str
    at_once: Decimal
    needed: Decimal
    run: bool
    words: str
    """How the sum comes about; "" where it is none."""
    grows: int | None = None


class _Defaults(NamedTuple):
    """What the LimitRanges of a namespace give a container that says nothing."""

    requests: Amounts
    limits: Amounts


def check(resources: tuple[Resource, ...], pods: list[Pods], release: Release) -> Iterator[Diagnostic]:
    """One finding for each limit that is exceeded, and for each container that no pod may have. Paths are spec paths."""
    quotas = [quota for resource in resources for quota in _quotas(resource)]
    for namespace in dict.fromkeys(quota.namespace for quota in quotas):
        here = [quota for quota in quotas if quota.namespace == namespace]
        defaults = _defaults(resources, namespace)
        inside = [p for p in pods if p.resource.ref.namespace == namespace]
        for each in inside:
            yield from _unstated(each, here, defaults)
        for quota in here:
            for name, text in quota.hard.items():
                limit = parse(str(text)) if isinstance(text, str | int | float) else None
                if limit is not None:
                    asks = [*_of_pods(inside, name, defaults), *_of_objects(resources, quota, name, release)]
                    yield from _judge(quota, name, limit.value, asks)


def _quotas(resource: Resource) -> Iterator[_Quota]:
    """A profile's, or one that is declared itself. What a scope leaves out is not known here, so scoped ones are left alone."""
    ref = resource.ref
    path: tuple[str, ...]
    if (ref.group, ref.kind) == ("kubeflow.org", "Profile"):
        namespace, path = ref.name, ("spec", "resourceQuotaSpec")
    elif (ref.group, ref.kind) == ("", "ResourceQuota"):
        namespace, path = ref.namespace, ("spec",)
    else:
        return
    spec = at(resource.body, *path)
    hard = at(spec, "hard")
    if isinstance(hard, dict) and hard and not spec.get("scopes") and not spec.get("scopeSelector"):
        yield _Quota(resource, namespace, hard, (*path, "hard"))


def _defaults(resources: tuple[Resource, ...], namespace: str) -> _Defaults:
    """A default is the maximum where it is not given, and a default request the default (core/v1/defaults.go)."""
    requests: Amounts = {}
    limits: Amounts = {}
    for resource in resources:
        if (resource.ref.kind, resource.ref.namespace) != ("LimitRange", namespace):
            continue
        for entry in maps(at(resource.body, "spec", "limits")):
            if entry.get("type") != "Container":
                continue
            default = {**_amounts(entry, "max"), **_amounts(entry, "default")}
            asked = {**_amounts(entry, "min"), **default, **_amounts(entry, "defaultRequest")}
            limits, requests = {**default, **limits}, {**asked, **requests}
    return _Defaults(requests, limits)


def _amounts(entry: dict[str, Any], key: str) -> Amounts:
    return amounts({"limits": entry.get(key)})[1]


def _stated(container: Container, kind: str, name: str, defaults: _Defaults) -> Decimal | None:
    """What a container asks for once admission has filled in the defaults."""
    limit = container.limits.get(name, defaults.limits.get(name))
    if kind == "limits":
        return limit
    return container.requests.get(name, defaults.requests.get(name, limit))


def _unstated(pods: Pods, quotas: list[_Quota], defaults: _Defaults) -> Iterator[Diagnostic]:
    if at(pods.spec, "resources"):
        return  # a pod that states them as a whole need not in each container
    counted = dict.fromkeys(name for quota in quotas for name in quota.hard if name in _STATED)
    for container in pods.containers:
        lacks = [name for name in counted if _stated(container, *_STATED[name], defaults) is None]
        if not lacks or not container.complete:
            continue
        message = (
            f"container '{container.name}' states no {', '.join(lacks)}, which the quota of its namespace counts, "
            "so its pods are refused"
        )
        if pods.resource.ref.kind == "Tensorboard":
            hint = (
                "its controller lets nobody say them: declare a LimitRange with defaults ('limitRange' of the profile)"
            )
        elif pods.resource.ref.group == "sparkoperator.k8s.io":
            hint = "set 'coreLimit', or declare a LimitRange with defaults ('limitRange' of the profile)"
        else:
            hint = "state them under 'resources', or declare a LimitRange with defaults ('limitRange' of the profile)"
        has = isinstance(container.body.get("resources"), dict)
        path = (*container.path, "resources") if has else container.path
        yield to_spec(pods.resource, finding("KF771", message, path, hint=hint, at_key=True))


def _of_pods(pods: list[Pods], name: str, defaults: _Defaults) -> Iterator[_Ask]:
    by_item: dict[str, list[tuple[Pods, Decimal]]] = {}
    for each in pods:
        one = _one_pod(each, name, defaults)
        if one and (each.at_once or each.most):
            by_item.setdefault(each.item, []).append((each, one))
    for item, parts in by_item.items():
        at_once = sum((one * each.at_once for each, one in parts), Decimal(0))
        needed = sum((one * each.needed for each, one in parts), Decimal(0))
        words = " + ".join(_times(one, each.at_once, name) for each, one in parts)
        grows = next((each.most for each, _ in parts if each.most), None)
        plain = len(parts) == 1 and parts[0][0].at_once == 1
        yield _Ask(item, at_once, needed, any(each.run for each, _ in parts), "" if plain else words, grows)


def _times(one: Decimal, count: int, name: str) -> str:
    return _shown(one, name) if count == 1 else f"{count} x {_shown(one, name)}"


def _one_pod(pods: Pods, name: str, defaults: _Defaults) -> Decimal:
    """What one of the pods counts against a limit; 0 where the limit is not about pods."""
    if name in ("pods", "count/pods"):
        return Decimal(1)
    if name in ("cpu", "memory", "ephemeral-storage") or name.startswith("hugepages-"):
        kind, of = "requests", name
    else:
        kind, dot, of = name.partition(".")
        if not dot or kind not in ("requests", "limits") or of == "storage" or _CLASS in name:
            return Decimal(0)
    whole = at(pods.spec, "resources")
    stated = amounts(whole)[kind == "limits"].get(of)
    if stated is not None:
        return stated
    amount = [(c.init, _stated(c, kind, of, defaults) or Decimal(0)) for c in pods.containers]
    beside = sum((value for init, value in amount if not init), Decimal(0))
    return max([beside, *(value for init, value in amount if init)])


def _of_objects(resources: tuple[Resource, ...], quota: _Quota, name: str, release: Release) -> Iterator[_Ask]:
    """What objects count that are no pods: claims by size and number, the rest by number."""
    for resource in resources:
        ref = resource.ref
        if ref.namespace != quota.namespace:
            continue
        amount = Decimal(0)
        if (ref.group, ref.kind) == ("", "PersistentVolumeClaim"):
            amount = _of_claim(resource, name)
        elif name.startswith("count/") and name != "count/pods":
            entry = release.kind(ref.group, ref.kind)
            full = f"{entry.plural}.{entry.group}".rstrip(".") if entry is not None else ""
            amount = Decimal(name == f"count/{full}")
        elif ref.group == "" and _CORE.get(name) == ref.kind:
            amount = Decimal(1)
        if amount:
            yield _Ask(named(resource), amount, amount, False, "")


def _of_claim(resource: Resource, name: str) -> Decimal:
    given = at(resource.body, "spec", "storageClassName")
    storage_class, _, of = name.rpartition(_CLASS)
    if storage_class and storage_class != given:
        return Decimal(0)
    if of in ("persistentvolumeclaims", "count/persistentvolumeclaims"):
        return Decimal(1)
    if of != "requests.storage":
        return Decimal(0)
    size = at(resource.body, "spec", "resources", "requests", "storage")
    quantity = parse(str(size)) if isinstance(size, str | int) else None
    return quantity.value if quantity is not None else Decimal(0)


def _judge(quota: _Quota, name: str, limit: Decimal, asks: list[_Ask]) -> Iterator[Diagnostic]:
    """An error where something can never run beside what always runs, a warning where not all can run at once."""
    total = sum((ask.at_once for ask in asks), Decimal(0))
    if total <= limit:
        return
    standing = sum((ask.needed for ask in asks if not ask.run), Decimal(0))
    run = max((ask.needed for ask in asks if ask.run), default=Decimal(0))
    allowed = f"the quota of '{quota.namespace}' allows {_shown(limit, name)} of {name}"
    path = (*quota.path, name)
    if standing + run > limit:
        message = f"{allowed}, and what is declared there asks for {_shown(total, name)}"
        hint = "raise the quota, or ask for less"
        found = finding("KF770", message, path, hint=hint)
    else:
        message = f"{allowed}, and what is declared there asks for {_shown(total, name)} if all runs at once"
        hint = "raise the quota, or let runs wait for one another"
        found = finding("KF770", message, path, hint=hint, severity=Severity.WARNING, upstream=Upstream.ADVICE)
    yield to_spec(quota.resource, found._replace(notes=tuple(_notes(asks, name))))


def _notes(asks: list[_Ask], name: str) -> Iterator[Note]:
    for ask in sorted(asks, key=lambda ask: (-ask.at_once, ask.item)):
        words = f" ({ask.words})" if ask.words else ""
        grows = f", and may grow to {ask.grows} replicas" if ask.grows else ""
        yield Note(f"{ask.item} asks for {_shown(ask.at_once, name)}{words}{grows}")


def _shown(value: Decimal, name: str) -> str:
    """An amount as people write it: memory in binary units, anything else as a number."""
    binary = name.endswith(("memory", "storage")) or "hugepages-" in name
    if binary and value and value % 1024 == 0:
        return canonical(f"{int(value) // 1024}Ki") or str(value)
    return canonical(f"{value:f}") or str(value)
