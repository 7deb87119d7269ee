"""Stages, and the order inside of one.

A stage ends where the admission of one object needs another that is stored already: reconcile loops dry-run a whole set
before they apply any of it (Flux kustomize-controller 1.9, executed). A Namespace does not end a stage: it is applied first
in the same pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kfspec.resource import Body, ObjectRef, Resource

_ORDER = [
    "CustomResourceDefinition",
    "Namespace",
    "Profile",
    "PriorityClass",
    "StorageClass",
    "ResourceQuota",
    "LimitRange",
    "ServiceAccount",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "AuthorizationPolicy",
    "NetworkPolicy",
    "PodDefault",
    "ConfigMap",
    "Secret",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ClusterServingRuntime",
    "ServingRuntime",
    "TrainingRuntime",
    "Service",
    "Deployment",
]
_RANK = {kind: n for n, kind in enumerate(_ORDER)}

_AFTER = {
    ("pipelines.kubeflow.org", "PipelineVersion"): (("pipelines.kubeflow.org", "Pipeline"),),
    ("trainer.kubeflow.org", "TrainJob"): (
        ("trainer.kubeflow.org", "TrainingRuntime"),
        ("trainer.kubeflow.org", "ClusterTrainingRuntime"),
    ),
}
"""Kinds whose admission looks up objects of other kinds (KFP 2.5.0 and Trainer 2.1.0, webhooks)."""


def stages(resources: Iterable[Resource]) -> dict[ObjectRef, str]:
    """The stage of every object: `stage-1`, `stage-2`, ... as few as admission allows."""
    bodies = {resource.ref: resource.body for resource in resources}
    present = {(ref.group, ref.kind) for ref in bodies}
    defined = {
        kind for ref, body in bodies.items() if ref.kind == "CustomResourceDefinition" for kind in _defines(body)
    }
    depth: dict[tuple[str, str], int] = {}

    def of(kind: tuple[str, str]) -> int:
        if kind not in depth:
            before = [of(other) for other in _AFTER.get(kind, ()) if other in present]
            if kind in defined:
                before.append(1)
            depth[kind] = 1 + max(before, default=0)
        return depth[kind]

    def stage(ref: ObjectRef, body: Body) -> int:
        kind = (ref.group, ref.kind)
        waits = kind in _SYNCS and _VERSION in present and _is_sync(body)
        return max(of(kind), 1 + of(_VERSION)) if waits else of(kind)

    return {ref: f"stage-{stage(ref, body)}" for ref, body in bodies.items()}


_VERSION = ("pipelines.kubeflow.org", "PipelineVersion")
_SYNCS = (("batch", "Job"), ("batch", "CronJob"))


def _is_sync(body: Body) -> bool:
    """Whether an object runs `kfspec sync`, which starts runs of the versions that are there."""
    return str((body["metadata"].get("labels") or {}).get("kfspec.dev/item", "")).startswith("sync.")


def _defines(body: Body) -> list[tuple[str, str]]:
    spec: Any = body.get("spec") or {}
    names = spec.get("names") or {}
    return [(spec.get("group", ""), names.get("kind", ""))]


_BINDINGS = (("rbac.authorization.k8s.io", "RoleBinding"), ("rbac.authorization.k8s.io", "ClusterRoleBinding"))

_LABELS = {
    ("kubeflow.org", "Experiment"): ("katib.kubeflow.org/metrics-collector-injection", "enabled"),
}
"""Kinds that are refused in a namespace without a label (katib 0.18.0, validation_webhook.go)."""


def needed(
    ref: ObjectRef,
    body: Body,
    present: Mapping[ObjectRef, Body],
    definitions: Mapping[tuple[str, str], list[ObjectRef]],
) -> Iterator[ObjectRef]:
    """The objects among `present` that must be stored before the API server takes this one. `definitions`: of those present.

    Its Namespace, the definition of its kind, and what its admission looks up: of a binding its role, unless the caller may give
    any role away (kubernetes v1.37, rbac/rolebinding/policybased; executed: 404).
    """
    namespace = ObjectRef("", "Namespace", "", ref.namespace)
    if namespace in present:
        yield namespace
    if (ref.group, ref.kind) in _BINDINGS:
        given: Any = body.get("roleRef") or {}
        inside = ref.namespace if given.get("kind") == "Role" else ""
        role = ObjectRef(ref.group, str(given.get("kind")), inside, str(given.get("name")))
        if role in present:
            yield role
    spec: Any = body.get("spec") or {}
    for kind in _AFTER.get((ref.group, ref.kind), ()):
        for other in present:
            named = spec.get("pipelineName") if kind[1] == "Pipeline" else (spec.get("runtimeRef") or {}).get("name")
            if (other.group, other.kind) == kind and other.name == named and other.namespace in ("", ref.namespace):
                yield other
    yield from definitions.get((ref.group, ref.kind), ())


def definitions_of(present: Mapping[ObjectRef, Body]) -> dict[tuple[str, str], list[ObjectRef]]:
    """(group, kind) -> the CustomResourceDefinitions among `present` that define it."""
    found: dict[tuple[str, str], list[ObjectRef]] = {}
    for ref, body in present.items():
        for kind in _defines(body) if ref.kind == "CustomResourceDefinition" else ():
            found.setdefault(kind, []).append(ref)
    return found


def needed_label(ref: ObjectRef) -> tuple[str, str] | None:
    """The label and value that the object's namespace must have, or None."""
    return _LABELS.get((ref.group, ref.kind))


def in_order(refs: Iterable[ObjectRef]) -> list[ObjectRef]:
    """The order in which one pass applies a stage's objects: what others live in comes first."""
    return sorted(refs, key=lambda ref: (_RANK.get(ref.kind, len(_RANK)), ref.kind, ref.group, ref.namespace, ref.name))
