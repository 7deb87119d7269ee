"""What is declared in a namespace fits the quota of that namespace.

A quota is no advice: admission refuses the pod that would exceed it, and every pod with a container that does not state what the
quota counts. The notebook or the job is stored, and waits for ever. Source: kubernetes v1.37, plugin/pkg/admission/resourcequota
and pkg/quota/v1/evaluator/core (pods.go, persistent_volume_claims.go), plugin/pkg/admission/limitranger; executed. The profile
controller makes the quota of a profile (v1.10.0, profile_controller.go). What is put beside the containers of a pod counts too
(`sidecars`), and which pods a scoped quota counts is for `scopes`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from kfspec.checks.mesh import Labels, meshed
from kfspec.checks.podmodel import Amounts, Container, Pods, amount, amounts, named
from kfspec.checks.scopes import Scope, counts, scopes_of
from kfspec.checks.sidecars import annotation, around
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Note, Path, Severity, Upstream
from kfspec.kinds.status import at, maps
from kfspec.quantity import canonical
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
    scopes: tuple[Scope, ...] = ()
    """It counts the pods that fit all of them; any object where there are none."""


class _Ask(NamedTuple):
    """What one item asks for of one resource."""

    item: str
    at_once: Decimal
    needed: Decimal
    run: bool
    words: str
    """How the sum comes about; "" where it is none."""
    grows: int | None = None
    beside: Decimal = Decimal(0)
    """What of `needed` is for containers that others put in."""


class _Defaults(NamedTuple):
    """What the LimitRanges of a namespace give a container that says nothing."""

    requests: Amounts
    limits: Amounts


def check(
    resources: tuple[Resource, ...],
    pods: list[Pods],
    release: Release,
    known: Labels,
) -> Iterator[Diagnostic]:
    """One finding for each limit that is exceeded, and for each container that no pod may have. Paths are spec paths.
    `known`: the labels of namespaces."""
    quotas = [quota for resource in resources for quota in _quotas(resource)]
    if not quotas:
        return
    priority = _usual_priority(resources)
    for namespace in dict.fromkeys(quota.namespace for quota in quotas):
        here = [quota for quota in quotas if quota.namespace == namespace]
        defaults = _defaults(resources, namespace)
        inside = [around(p, mesh=meshed(p, known)) for p in pods if p.resource.ref.namespace == namespace]
        fitting = [(each, [quota for quota in here if _counts(quota, each, defaults, priority)]) for each in inside]
        for each, counting in fitting:
            yield from _unstated(each, counting, defaults)
        for quota in here:
            fit = [each for each, counting in fitting if any(one is quota for one in counting)]
            for name, text in quota.hard.items():
                limit = amount(text)
                if limit is not None:
                    objects = () if quota.scopes else _of_objects(resources, quota, name, release)
                    yield from _judge(quota, name, limit, [*_of_pods(fit, name, defaults), *objects])


def _usual_priority(resources: tuple[Resource, ...]) -> str:
    """The priority class of pods that name none."""
    usual = (r.ref.name for r in resources if r.ref.kind == "PriorityClass" and r.body.get("globalDefault") is True)
    return next(usual, "")


def _counts(quota: _Quota, pods: Pods, defaults: _Defaults, priority: str) -> bool:
    """Whether a quota counts the pods, as far as that can be known."""
    if not quota.scopes:
        return True
    said = [_stated(c, kind, of, defaults) for c in pods.containers for kind, of in _STATED.values()]
    complete = all(container.complete for container in pods.containers)
    effort = True if any(said) else False if complete else None
    return all(counts(scope, pods, effort, priority) is True for scope in quota.scopes)


def _quotas(resource: Resource) -> Iterator[_Quota]:
    """A profile's, or one that is declared itself."""
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
    if isinstance(hard, dict) and hard:
        yield _Quota(resource, namespace, hard, (*path, "hard"), scopes_of(spec))


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
    limit = _first(container.limits.get(name), defaults.limits.get(name))
    return limit if kind == "limits" else _first(container.requests.get(name), defaults.requests.get(name), limit)


def _first(*given: Any) -> Decimal | None:
    """The first that is an amount."""
    return next((value for value in map(amount, given) if value is not None), None)


def _unstated(pods: Pods, quotas: list[_Quota], defaults: _Defaults) -> Iterator[Diagnostic]:
    if at(pods.spec, "resources"):
        return  # a pod that states them as a whole need not in each container
    counted = dict.fromkeys(name for quota in quotas for name in quota.hard if name in _STATED)
    for container in pods.containers:
        lacks = [name for name in counted if _stated(container, *_STATED[name], defaults) is None]
        if not lacks or not container.complete:
            continue
        whose = f"{container.adder}'s " if container.adder else ""
        message = (
            f"{whose}container '{container.name}' states no {', '.join(lacks)}, which the quota of its namespace counts, "
            "so its pods are refused"
        )
        has = isinstance(container.body.get("resources"), dict)
        path = (*container.path, "resources") if has else container.path
        found = finding("KF771", message, path, hint=_hint(pods, container, lacks), at_key=True)
        if container.adder:  # the installation may be another than Kubeflow's
            found = found._replace(severity=Severity.WARNING)
        yield to_spec(pods.resource, found)


def _hint(pods: Pods, container: Container, lacks: list[str]) -> str:
    """Where the amounts would be stated."""
    ranges = "declare a LimitRange with defaults ('limitRange' of the profile)"
    if pods.resource.ref.kind == "Tensorboard" and not container.adder:
        return f"its controller lets nobody say them: {ranges}"
    keys = [key for name in lacks if (key := annotation(container, *_STATED[name])) is not None]
    if keys:
        return f"{ranges}, or annotate the service: '{keys[0]}'" + (", ..." if len(keys) > 1 else "")
    usual = "set 'coreLimit'" if pods.resource.ref.group == "sparkoperator.k8s.io" else "state them under 'resources'"
    return f"{container.advice or usual}, or {ranges}"


def _of_pods(pods: list[Pods], name: str, defaults: _Defaults) -> Iterator[_Ask]:
    by_item: dict[str, list[tuple[Pods, _Sum]]] = {}
    for each in pods:
        one = _one_pod(each, name, defaults)
        if one.whole and (each.at_once or each.most):
            by_item.setdefault(each.item, []).append((each, one))
    for item, parts in by_item.items():
        at_once = sum((one.whole * each.at_once for each, one in parts), Decimal(0))
        needed = sum((one.whole * each.needed for each, one in parts), Decimal(0))
        words = " + ".join(_times(one.whole, each.at_once, name) for each, one in parts)
        grows = next((each.most for each, _ in parts if each.most), None)
        plain = len(parts) == 1 and parts[0][0].at_once == 1
        told = "; ".join(text for text in ("" if plain else words, _beside(parts, name)) if text)
        beside = sum((value * each.needed for each, one in parts for _, value in one.added), Decimal(0))
        yield _Ask(item, at_once, needed, any(each.run for each, _ in parts), told, grows, beside)


def _beside(parts: list[tuple[Pods, _Sum]], name: str) -> str:
    """What of the sum is for containers that others put in; "" for nothing."""
    added: dict[str, Decimal] = {}
    for each, one in parts:
        for container, value in one.added:
            added[container] = added.get(container, Decimal(0)) + value * each.at_once
    total = sum(added.values(), Decimal(0))
    return f"{_shown(total, name)} of it for {' and '.join(added)}" if total else ""


def _times(one: Decimal, count: int, name: str) -> str:
    return _shown(one, name) if count == 1 else f"{count} x {_shown(one, name)}"


class _Sum(NamedTuple):
    """What one pod counts against a limit."""

    whole: Decimal
    added: tuple[tuple[str, Decimal], ...] = ()
    """Of it, what containers count that the object does not have, by their names."""


def _one_pod(pods: Pods, name: str, defaults: _Defaults) -> _Sum:
    """What one of the pods counts against a limit; 0 where the limit is not about pods."""
    if name in ("pods", "count/pods"):
        return _Sum(Decimal(1))
    if name in ("cpu", "memory", "ephemeral-storage") or name.startswith("hugepages-"):
        kind, of = "requests", name
    else:
        kind, dot, of = name.partition(".")
        if not dot or kind not in ("requests", "limits") or of == "storage" or _CLASS in name:
            return _Sum(Decimal(0))
    whole = at(pods.spec, "resources")
    stated = amount(amounts(whole)[kind == "limits"].get(of))
    if stated is not None:
        return _Sum(stated)
    return _largest([(c, _stated(c, kind, of, defaults) or Decimal(0)) for c in pods.containers])


def _largest(counted: list[tuple[Container, Decimal]]) -> _Sum:
    """All that run together, or more where an init container asks for it: it runs beside those that were started before
    it and stay (kubernetes v1.37, component-helpers/resource)."""
    beside = [(c, value) for c, value in counted if not c.init]
    stay: list[tuple[Container, Decimal]] = []
    sets = [beside]
    for container, value in counted:
        if container.init:
            sets.append([*stay, (container, value)])
        elif container.stays:
            stay.append((container, value))
    most = max(sets, key=lambda each: sum((value for _, value in each), Decimal(0)))
    added = tuple((c.name, value) for c, value in most if c.adder and value)
    return _Sum(sum((value for _, value in most), Decimal(0)), added)


def _of_objects(resources: tuple[Resource, ...], quota: _Quota, name: str, release: Release) -> Iterator[_Ask]:
    """What objects count that are no pods: claims by size and number, the rest by number."""
    for resource in resources:
        ref = resource.ref
        if ref.namespace != quota.namespace:
            continue
        size = Decimal(0)
        if (ref.group, ref.kind) == ("", "PersistentVolumeClaim"):
            size = _of_claim(resource, name)
        elif name.startswith("count/") and name != "count/pods":
            entry = release.kind(ref.group, ref.kind)
            full = f"{entry.plural}.{entry.group}".rstrip(".") if entry is not None else ""
            size = Decimal(name == f"count/{full}")
        elif ref.group == "" and _CORE.get(name) == ref.kind:
            size = Decimal(1)
        if size:
            yield _Ask(named(resource), size, size, False, "")


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
    return amount(size) or Decimal(0)


def _judge(quota: _Quota, name: str, limit: Decimal, asks: list[_Ask]) -> Iterator[Diagnostic]:
    """An error where something can never run beside what always runs; a warning where that is so only with what others put
    into the pods, for the installation may be another than Kubeflow's, and where not all can run at once."""
    total = sum((ask.at_once for ask in asks), Decimal(0))
    if total <= limit:
        return
    allowed = f"the quota of '{quota.namespace}' allows {_shown(limit, name)} of {name}"
    path = (*quota.path, name)
    if _least(asks) > limit:
        message = f"{allowed}, and what is declared there asks for {_shown(total, name)}"
        own = _least([ask._replace(needed=ask.needed - ask.beside) for ask in asks])
        severity = None if own > limit else Severity.WARNING
        found = finding("KF770", message, path, hint="raise the quota, or ask for less", severity=severity)
    else:
        message = f"{allowed}, and what is declared there asks for {_shown(total, name)} if all runs at once"
        hint = "raise the quota, or let runs wait for one another"
        found = finding("KF770", message, path, hint=hint, severity=Severity.WARNING, upstream=Upstream.ADVICE)
    yield to_spec(quota.resource, found._replace(notes=tuple(_notes(asks, name))))


def _least(asks: list[_Ask]) -> Decimal:
    """What always runs, and the largest run beside it."""
    standing = sum((ask.needed for ask in asks if not ask.run), Decimal(0))
    return standing + max((ask.needed for ask in asks if ask.run), default=Decimal(0))


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
