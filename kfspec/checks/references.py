"""What pods refer to is declared, external, or made by the platform.

Judged on the lowered objects, so a short form and a hand-written pod spec get the same answer on the user's line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path
from kfspec.kinds.kserve.runtimes import shipped
from kfspec.kinds.podspec import Reference, of_container, of_pod_default, pod_specs, references
from kfspec.resource import ObjectRef, Resource, to_spec
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

_GIVEN = {
    "ServiceAccount": frozenset({"default", "default-editor", "default-viewer"}),
    "ConfigMap": frozenset({"kube-root-ca.crt", "istio-ca-root-cert", "metadata-grpc-configmap", "kfp-launcher"}),
    "Secret": frozenset({"mlpipeline-minio-artifact"}),
}
"""What every profile namespace has: Kubernetes, Istio, the profile controller (v1.10.0) and KFP (2.5.0)."""

_MAKES = {
    ("external-secrets.io", "ExternalSecret"): "Secret",
    ("bitnami.com", "SealedSecret"): "Secret",
    ("isindir.github.com", "SopsSecret"): "Secret",
    ("cert-manager.io", "Certificate"): "Secret",
}
"""Objects whose controller makes another one."""


def check(
    resources: tuple[Resource, ...], items: Iterable[Item], externals: Externals, release: Release
) -> Iterator[Diagnostic]:
    """One finding for each reference to something that nobody declares. Paths are spec paths."""
    declared = _declared(resources)
    runtimes = {*externals.servingRuntimes, *shipped(release.components["kserve"])}
    runtimes |= {r.ref.name for r in resources if r.ref.kind in ("ServingRuntime", "ClusterServingRuntime")}
    pod_defaults = {*externals.podDefaults, *(r.ref.name for r in resources if r.ref.kind == "PodDefault")}
    for item in items:
        yield from _pod_defaults(item, pod_defaults)
    for resource in resources:
        for reference in _references(resource):
            if not reference.optional:
                yield from _judge(reference, resource, declared, externals)
        if resource.ref.kind == "InferenceService":
            yield from _runtime(resource, runtimes)


def undeclared(resources: tuple[Resource, ...], externals: Externals, release: Release) -> Iterator[tuple[str, str]]:
    """(list under `externals`, name) of everything that is referred to and not declared."""
    declared = _declared(resources)
    runtimes = {*externals.servingRuntimes, *shipped(release.components["kserve"])}
    runtimes |= {r.ref.name for r in resources if r.ref.kind in ("ServingRuntime", "ClusterServingRuntime")}
    for resource in resources:
        for reference in _references(resource):
            if not reference.optional and not _known(reference, resource, declared, externals):
                yield _CODES[reference.kind][2], reference.name
        if resource.ref.kind == "InferenceService":
            name = _runtime_name(resource)
            if name is not None and name not in runtimes:
                yield "servingRuntimes", name


def _pod_defaults(item: Item, known: set[str]) -> Iterator[Diagnostic]:
    """What a notebook asks for by `podDefaults`; the PodDefault's name is the label that selects it."""
    for n, name in enumerate(getattr(item.model, "podDefaults", ())):
        if name not in known:
            hint = did_you_mean(name, known, f"declare it, or 'externals: {{podDefaults: [{name}]}}'")
            message = f"'{item.block}.{item.name}' selects pod default '{name}', which is not declared"
            yield finding("KF208", message, (*item.path, "podDefaults", n), hint=hint)


def _runtime_name(resource: Resource) -> str | None:
    predictor = (resource.body.get("spec") or {}).get("predictor")
    model = predictor.get("model") if isinstance(predictor, dict) else None
    name = model.get("runtime") if isinstance(model, dict) else None
    return name if isinstance(name, str) else None


def _runtime(resource: Resource, known: set[str]) -> Iterator[Diagnostic]:
    name = _runtime_name(resource)
    if name is not None and name not in known:
        item = ".".join(str(part) for part in resource.item)
        hint = did_you_mean(name, known, f"declare it, or 'externals: {{servingRuntimes: [{name}]}}'")
        message = f"'{item}' names the serving runtime '{name}', which is not declared"
        yield to_spec(resource, finding("KF207", message, ("spec", "predictor", "model", "runtime"), hint=hint))


def _references(resource: Resource) -> Iterator[Reference]:
    ref = resource.ref
    spec = resource.body.get("spec")
    if ref.kind == "PodDefault" and isinstance(spec, dict):
        yield from of_pod_default(spec, ("spec",))
    if ref.kind == "Experiment" and isinstance(spec, dict):
        yield from _of_trial(spec, ref.namespace)
    for path, pod in pod_specs(ref.group, ref.kind, resource.body):
        yield from references(pod, path)
        if ref.kind == "InferenceService":
            yield from _of_predictor(pod, path)


def _of_trial(spec: dict[str, Any], namespace: str) -> Iterator[Reference]:
    """The ConfigMap that holds a trial template; in another namespace it is not for us to know."""
    template = spec.get("trialTemplate")
    config_map = template.get("configMap") if isinstance(template, dict) else None
    if isinstance(config_map, dict) and config_map.get("configMapNamespace") == namespace:
        name = config_map.get("configMapName")
        if isinstance(name, str):
            yield Reference("ConfigMap", name, ("spec", "trialTemplate", "configMap", "configMapName"))


def _of_predictor(component: dict[str, Any], at: Path) -> Iterator[Reference]:
    model = component.get("model")
    if not isinstance(model, dict):
        return
    yield from of_container(model, (*at, "model"))
    uri = model.get("storageUri")
    if isinstance(uri, str) and uri.startswith("pvc://"):
        claim = uri.removeprefix("pvc://").split("/", 1)[0]
        if claim:
            yield Reference("PersistentVolumeClaim", claim, (*at, "model", "storageUri"))


def _declared(resources: tuple[Resource, ...]) -> dict[tuple[str, str], set[str]]:
    """(kind, namespace) -> names that the project itself makes."""
    names: dict[tuple[str, str], set[str]] = {}
    for resource in resources:
        ref = resource.ref
        if ref.group == "" and ref.kind in _CODES:
            names.setdefault((ref.kind, ref.namespace), set()).add(ref.name)
        made = _MAKES.get((ref.group, ref.kind))
        if made is not None:
            names.setdefault((made, ref.namespace), set()).add(_target_name(resource.body, ref))
    return names


def _target_name(body: dict[str, Any], ref: ObjectRef) -> str:
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return ref.name
    target = spec.get("target")
    if isinstance(target, dict) and isinstance(target.get("name"), str):
        return str(target["name"])
    return str(spec["secretName"]) if isinstance(spec.get("secretName"), str) else ref.name


def _known(
    reference: Reference,
    resource: Resource,
    declared: Mapping[tuple[str, str], set[str]],
    externals: Externals,
) -> bool:
    own = declared.get((reference.kind, resource.ref.namespace), set())
    outside: tuple[str, ...] = getattr(externals, _CODES[reference.kind][2])
    return reference.name in own or reference.name in outside or reference.name in _GIVEN.get(reference.kind, ())


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
