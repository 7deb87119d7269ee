"""No two items of a namespace are reached through a Service, or a VirtualService, of the same name.

The controllers make objects that are named by their own, and overwrite one that is there already (notebook-controller,
tensorboard-controller and pvcviewer-controller v1.10.0, common/reconcilehelper; KServe 0.14.1, ingress reconciler, and Knative
Serving 1.16, which makes one of each component's name; training-operator v1.9.1, common/service.go; JobSet 0.10.1,
jobset_controller.go; spark-operator 2.4.0).
"""

from __future__ import annotations

from collections.abc import Iterator

from kfspec.checks.podmodel import named, owned
from kfspec.checks.servedpods import without_knative
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic
from kfspec.kinds.status import at
from kfspec.resource import Resource

_SAME_NAME = frozenset(
    {
        ("kubeflow.org", "Notebook"),
        ("tensorboard.kubeflow.org", "Tensorboard"),
        ("serving.kserve.io", "InferenceGraph"),
        ("serving.knative.dev", "Service"),
        ("trainer.kubeflow.org", "TrainJob"),
        ("", "Service"),
    }
)
_PER_REPLICA = frozenset({"TFJob", "PyTorchJob", "XGBoostJob", "PaddleJob", "JAXJob"})
"""Jobs with a headless Service for each replica."""
_ROUTES = {
    ("kubeflow.org", "Notebook"): "notebook-{ref.namespace}-{ref.name}",
    ("kubeflow.org", "PVCViewer"): "pvcviewer-{ref.namespace}-{ref.name}",
    ("tensorboard.kubeflow.org", "Tensorboard"): "{ref.name}",
    ("networking.istio.io", "VirtualService"): "{ref.name}",
}
"""Who makes a VirtualService of which name."""


def check(resources: tuple[Resource, ...]) -> Iterator[Diagnostic]:
    """One finding for each item whose Service another one makes. Paths are spec paths."""
    first: dict[tuple[str, str, str], Resource] = {}
    for resource in resources:
        for made, name in _made(resource):
            other = first.setdefault((made, resource.ref.namespace, name), resource)
            if other is resource or (other.item == resource.item and other.item):
                continue
            one, two = named(other), named(resource)
            message = f"'{two}' and '{one}' are both reached through a {made} '{name}', and undo each other's"
            hint = "give one of them another name"
            yield finding("KF742", message, resource.item, hint=hint, at_key=True)
            break


def _made(resource: Resource) -> Iterator[tuple[str, str]]:
    """Kind and name of what makes the object reachable."""
    if owned(resource):
        return  # its owner makes it
    for name in services_of(resource):
        yield "Service", name
    route = _ROUTES.get((resource.ref.group, resource.ref.kind))
    if route is None and resource.ref.kind == "InferenceService" and not without_knative(resource.body):
        route = "{ref.name}"
    if route is not None:
        yield "VirtualService", route.format(ref=resource.ref)


def services_of(resource: Resource) -> Iterator[str]:
    """The names of the Services that the object is, or has made."""
    ref = resource.ref
    kind = (ref.group, ref.kind)
    if kind in _SAME_NAME:
        yield ref.name
    elif kind == ("serving.kserve.io", "InferenceService"):
        if not without_knative(resource.body):
            yield ref.name
        for part in ("predictor", "transformer", "explainer"):
            if at(resource.body, "spec", part) is not None:
                yield f"{ref.name}-{part}"
    elif kind == ("kubeflow.org", "PVCViewer"):
        yield f"pvcviewer-{ref.name}"
    elif kind == ("sparkoperator.k8s.io", "SparkConnect"):
        yield str(at(resource.body, "spec", "server", "service", "metadata", "name") or f"{ref.name}-server")
    elif kind == ("sparkoperator.k8s.io", "SparkApplication"):
        yield f"{ref.name}-ui-svc"
    elif ref.group == "kubeflow.org" and ref.kind in _PER_REPLICA:
        yield from _of_replicas(resource)


def _of_replicas(resource: Resource) -> Iterator[str]:
    spec = resource.body.get("spec")
    for key, replicas in spec.items() if isinstance(spec, dict) else ():
        if not str(key).endswith("ReplicaSpecs") or not isinstance(replicas, dict):
            continue
        for role, part in replicas.items():
            count = part.get("replicas", 1) if isinstance(part, dict) else 0
            for n in range(min(count, _MANY) if isinstance(count, int) else 0):
                yield f"{resource.ref.name}-{str(role).lower()}-{n}"


_MANY = 1000
"""Replicas that names are counted for; no job has more, and a slip of the finger should not take a minute."""
