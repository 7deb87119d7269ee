"""What pods refer to is declared, external, or made by the platform.

Judged on the lowered objects, so a short form and a hand-written pod spec get the same answer on the user's line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from kfspec.checks.targets import GIVEN, made_of, of_pods, of_serving, serving_runtime
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path
from kfspec.kinds.kserve.runtimes import known_as, shipped
from kfspec.kinds.podspec import Reference
from kfspec.resource import Resource, to_spec
from kfspec.spec.settings import Externals
from kfspec.wording import did_you_mean

if TYPE_CHECKING:
    from kfspec.catalog import Release
    from kfspec.spec.project import Item

_CODES = {
    "PersistentVolumeClaim": ("KF203", "volume", "volumes"),
    "Secret": ("KF204", "secret", "secrets"),
    "ServiceAccount": ("KF205", "service account", "serviceAccounts"),
    "ConfigMap": ("KF206", "config map", "configMaps"),
}
"""Kind -> code, the word for people, the list under `externals`."""


def check(
    resources: tuple[Resource, ...], items: Iterable[Item], externals: Externals, release: Release
) -> Iterator[Diagnostic]:
    """One finding for each reference to something that nobody declares. Paths are spec paths."""
    declared = _declared(resources)
    runtimes = _Runtimes(resources, externals, release)
    pod_defaults = {*externals.podDefaults, *(r.ref.name for r in resources if r.ref.kind == "PodDefault")}
    served = _Served(resources, externals)
    for item in items:
        yield from _pod_defaults(item, pod_defaults)
    for resource in resources:
        for reference in of_pods(resource):
            if not reference.optional:
                yield from _judge(reference, resource, declared, externals)
        yield from _runtime(resource, runtimes)
        for wanted in of_serving(resource):
            yield from served.judge(wanted, resource)
    yield from _twice_cached(resources)


def undeclared(resources: tuple[Resource, ...], externals: Externals, release: Release) -> Iterator[tuple[str, str]]:
    """(list under `externals`, name) of everything that is referred to and not declared."""
    declared = _declared(resources)
    runtimes = _Runtimes(resources, externals, release)
    served = _Served(resources, externals)
    for resource in resources:
        for reference in of_pods(resource):
            if not reference.optional and not _known(reference, resource, declared, externals):
                yield _CODES[reference.kind][2], reference.name
        runtime = serving_runtime(resource)
        if runtime is not None and runtime.name not in runtimes.seen_by(resource.ref.namespace):
            yield "servingRuntimes", runtime.name
        for wanted in of_serving(resource):
            if not served.has(wanted, resource):
                yield _SERVED[wanted.kind][2], wanted.name


def _pod_defaults(item: Item, known: set[str]) -> Iterator[Diagnostic]:
    """What a notebook asks for by `podDefaults`; the PodDefault's name is the label that selects it."""
    for n, name in enumerate(getattr(item.model, "podDefaults", ())):
        if name not in known:
            hint = did_you_mean(name, known, f"declare it, or 'externals: {{podDefaults: [{name}]}}'")
            message = f"'{item.block}.{item.name}' selects pod default '{name}', which is not declared"
            yield finding("KF208", message, (*item.path, "podDefaults", n), hint=hint)


class _Runtimes:
    """The serving runtimes that each namespace sees: those of the cluster, and its own."""

    def __init__(self, resources: tuple[Resource, ...], externals: Externals, release: Release) -> None:
        self.everywhere = {*externals.servingRuntimes, *shipped(release.components["kserve"])}
        self.own: dict[str, dict[str, str]] = {}
        for resource in resources:
            if resource.ref.kind == "ClusterServingRuntime":
                self.everywhere.add(resource.ref.name)
            elif resource.ref.kind == "ServingRuntime":
                self.own.setdefault(resource.ref.namespace, {})[resource.ref.name] = known_as(resource.body)

    def seen_by(self, namespace: str) -> set[str]:
        """The names that a service of the namespace may give."""
        return self.everywhere | self.own.get(namespace, {}).keys()

    def hint(self, name: str, namespace: str) -> str | None:
        """What to write instead of a name that the namespace does not see."""
        other = next((where for where, names in self.own.items() if name in (*names, *names.values())), None)
        if other is not None and other != namespace:
            return f"it is in namespace {other}: declare it with 'clusterScoped: true', or once more here"
        known = {*self.everywhere, *self.own.get(namespace, {}).values()}
        return did_you_mean(name, known, f"declare it, or 'externals: {{servingRuntimes: [{name}]}}'")


def _runtime(resource: Resource, runtimes: _Runtimes) -> Iterator[Diagnostic]:
    named, namespace = serving_runtime(resource), resource.ref.namespace
    if named is not None and named.name not in runtimes.seen_by(namespace):
        item = ".".join(str(part) for part in resource.item)
        message = f"'{item}' names the serving runtime '{named.name}', which is not declared"
        yield to_spec(resource, finding("KF207", message, named.path, hint=runtimes.hint(named.name, namespace)))


_SERVED = {
    "InferenceService": ("KF214", "inference service", "inferenceServices"),
    "LocalModelNodeGroup": ("KF215", "node group", "modelNodeGroups"),
}
"""What KServe's own objects refer to: kind -> code, the word for people, the list under `externals`."""


class _Served:
    """The inference services of every namespace, and the node groups; and model caches that hold the same."""

    def __init__(self, resources: tuple[Resource, ...], externals: Externals) -> None:
        self.externals = externals
        self.known: dict[tuple[str, str], list[str]] = {}
        for resource in resources:
            if resource.ref.kind in _SERVED:
                self.known.setdefault((resource.ref.kind, resource.ref.namespace), []).append(resource.ref.name)

    def _names(self, wanted: Reference, resource: Resource) -> list[str]:
        outside: tuple[str, ...] = getattr(self.externals, _SERVED[wanted.kind][2])
        return [*self.known.get((wanted.kind, resource.ref.namespace), ()), *outside]

    def has(self, wanted: Reference, resource: Resource) -> bool:
        """Whether what is wanted is declared, where it is looked for, or external."""
        return wanted.name in self._names(wanted, resource)

    def judge(self, wanted: Reference, resource: Resource) -> Iterator[Diagnostic]:
        """One finding for what is not there."""
        if self.has(wanted, resource):
            return
        code, word, block = _SERVED[wanted.kind]
        item = ".".join(str(part) for part in resource.item)
        elsewhere = [
            where for (kind, where), names in self.known.items() if wanted.name in names and kind == wanted.kind
        ]
        hint = did_you_mean(
            wanted.name,
            self._names(wanted, resource),
            f"it is in namespace {elsewhere[0]}; a {resource.ref.kind} finds those of its own"
            if elsewhere
            else f"declare it, or 'externals: {{{block}: [{wanted.name}]}}'",
        )
        message = f"'{item}' refers to {word} '{wanted.name}', which is not declared"
        yield to_spec(resource, finding(code, message, wanted.path, hint=hint))


def _twice_cached(resources: tuple[Resource, ...]) -> Iterator[Diagnostic]:
    """Model caches of one URI (KServe 0.14.1, localmodelcache webhook)."""
    first: dict[str, Resource] = {}
    for resource in resources:
        spec = resource.body.get("spec")
        uri = spec.get("sourceModelUri") if resource.ref.kind == "LocalModelCache" and isinstance(spec, dict) else None
        if isinstance(uri, str) and first.setdefault(uri, resource) is not resource:
            message = f"'{'.'.join(map(str, first[uri].item))}' caches the same model"
            path: Path = ("spec", "sourceModelUri")
            yield to_spec(resource, finding("KF378", message, path, hint="keep one of them"))


def _declared(resources: tuple[Resource, ...]) -> dict[tuple[str, str], set[str]]:
    """(kind, namespace) -> names that the project itself makes."""
    names: dict[tuple[str, str], set[str]] = {}
    for resource in resources:
        ref = resource.ref
        if ref.group == "" and ref.kind in _CODES:
            names.setdefault((ref.kind, ref.namespace), set()).add(ref.name)
        made = made_of(resource)
        if made is not None:
            names.setdefault((made.kind, ref.namespace), set()).add(made.name)
    return names


def _known(
    reference: Reference,
    resource: Resource,
    declared: Mapping[tuple[str, str], set[str]],
    externals: Externals,
) -> bool:
    own = declared.get((reference.kind, resource.ref.namespace), set())
    outside: tuple[str, ...] = getattr(externals, _CODES[reference.kind][2])
    return reference.name in own or reference.name in outside or reference.name in GIVEN.get(reference.kind, ())


def _judge(
    reference: Reference,
    resource: Resource,
    declared: Mapping[tuple[str, str], set[str]],
    externals: Externals,
) -> Iterator[Diagnostic]:
    if _known(reference, resource, declared, externals):
        return
    code, word, block = _CODES[reference.kind]
    own = declared.get((reference.kind, resource.ref.namespace), set())
    outside: tuple[str, ...] = getattr(externals, block)
    item = ".".join(str(part) for part in resource.item)
    hint = did_you_mean(
        reference.name, (*own, *outside), f"declare it, or 'externals: {{{block}: [{reference.name}]}}'"
    )
    message = f"'{item}' refers to {word} '{reference.name}', which is not declared"
    yield to_spec(resource, finding(code, message, reference.path, hint=hint))
