"""Where pod specs stand in the objects that have any, and what a pod spec refers to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from kfspec.diagnostics import Path
from kfspec.resource import Body

_TEMPLATES: dict[tuple[str, str], tuple[Path, ...]] = {
    ("", "Pod"): (("spec",),),
    ("apps", "Deployment"): (("spec", "template", "spec"),),
    ("apps", "StatefulSet"): (("spec", "template", "spec"),),
    ("apps", "DaemonSet"): (("spec", "template", "spec"),),
    ("apps", "ReplicaSet"): (("spec", "template", "spec"),),
    ("batch", "Job"): (("spec", "template", "spec"),),
    ("batch", "CronJob"): (("spec", "jobTemplate", "spec", "template", "spec"),),
    ("kubeflow.org", "Notebook"): (("spec", "template", "spec"),),
    ("kubeflow.org", "PyTorchJob"): (("spec", "pytorchReplicaSpecs", "*", "template", "spec"),),
    ("kubeflow.org", "TFJob"): (("spec", "tfReplicaSpecs", "*", "template", "spec"),),
    ("kubeflow.org", "XGBoostJob"): (("spec", "xgbReplicaSpecs", "*", "template", "spec"),),
    ("kubeflow.org", "MPIJob"): (("spec", "mpiReplicaSpecs", "*", "template", "spec"),),
    ("kubeflow.org", "PaddleJob"): (("spec", "paddleReplicaSpecs", "*", "template", "spec"),),
    ("kubeflow.org", "JAXJob"): (("spec", "jaxReplicaSpecs", "*", "template", "spec"),),
    ("kubeflow.org", "MXJob"): (("spec", "mxReplicaSpecs", "*", "template", "spec"),),
    ("kubeflow.org", "Experiment"): (
        ("spec", "trialTemplate", "trialSpec", "spec", "template", "spec"),
        ("spec", "trialTemplate", "trialSpec", "spec", "*", "*", "template", "spec"),
    ),
    ("serving.kserve.io", "InferenceService"): (
        ("spec", "predictor"),
        ("spec", "predictor", "workerSpec"),
        ("spec", "transformer"),
        ("spec", "explainer"),
    ),
}
"""(group, kind) -> paths of pod specs; `*` stands for every key of a mapping."""


class Reference(NamedTuple):
    """A pod's use of another object in its namespace. `kind` is the object's Kubernetes kind."""

    kind: str
    name: str
    path: Path
    optional: bool = False


def pod_specs(group: str, kind: str, body: Body) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every pod spec of the object, with its path."""
    for template in _TEMPLATES.get((group, kind), ()):
        yield from _find(body, template, ())


def of_pod_default(spec: dict[str, Any], at: Path) -> Iterator[Reference]:
    """What a PodDefault's spec names: it is a pod's and a container's at once."""
    pod = {**spec, "containers": spec.get("sidecars")}
    for reference in references(pod, at):
        path = tuple(
            "sidecars" if part == "containers" and n == len(at) else part for n, part in enumerate(reference.path)
        )
        yield reference._replace(path=path)
    yield from of_container(spec, at)


def _find(value: Any, rest: Path, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    if not isinstance(value, dict):
        return
    if not rest:
        yield path, value
        return
    head, *tail = rest
    for key in value if head == "*" else (head,):
        if key in value:
            yield from _find(value[key], tuple(tail), (*path, key))


def references(pod: dict[str, Any], at: Path) -> Iterator[Reference]:
    """Claims, Secrets, ConfigMaps and the ServiceAccount that a pod spec names."""
    account = pod.get("serviceAccountName")
    if isinstance(account, str):
        yield Reference("ServiceAccount", account, (*at, "serviceAccountName"))
    for n, entry in enumerate(_maps(pod.get("imagePullSecrets"))):
        yield from _named("Secret", entry, (*at, "imagePullSecrets", n))
    for n, volume in enumerate(_maps(pod.get("volumes"))):
        yield from _of_volume(volume, (*at, "volumes", n))
    for group in ("containers", "initContainers"):
        for n, container in enumerate(_maps(pod.get(group))):
            yield from of_container(container, (*at, group, n))


def of_container(container: dict[str, Any], at: Path) -> Iterator[Reference]:
    """What a container's environment names."""
    for n, entry in enumerate(_maps(container.get("env"))):
        source = entry.get("valueFrom")
        if isinstance(source, dict):
            yield from _named("Secret", source.get("secretKeyRef"), (*at, "env", n, "valueFrom", "secretKeyRef"))
            yield from _named(
                "ConfigMap", source.get("configMapKeyRef"), (*at, "env", n, "valueFrom", "configMapKeyRef")
            )
    for n, entry in enumerate(_maps(container.get("envFrom"))):
        yield from _named("Secret", entry.get("secretRef"), (*at, "envFrom", n, "secretRef"))
        yield from _named("ConfigMap", entry.get("configMapRef"), (*at, "envFrom", n, "configMapRef"))


def _of_volume(volume: dict[str, Any], at: Path) -> Iterator[Reference]:
    claim = volume.get("persistentVolumeClaim")
    if isinstance(claim, dict) and isinstance(claim.get("claimName"), str):
        yield Reference("PersistentVolumeClaim", claim["claimName"], (*at, "persistentVolumeClaim", "claimName"))
    secret = volume.get("secret")
    if isinstance(secret, dict) and isinstance(secret.get("secretName"), str):
        yield Reference("Secret", secret["secretName"], (*at, "secret", "secretName"), secret.get("optional") is True)
    yield from _named("ConfigMap", volume.get("configMap"), (*at, "configMap"))
    projected = volume.get("projected")
    if isinstance(projected, dict):
        for n, source in enumerate(_maps(projected.get("sources"))):
            for key, kind in (("secret", "Secret"), ("configMap", "ConfigMap")):
                yield from _named(kind, source.get(key), (*at, "projected", "sources", n, key))


def _named(kind: str, value: Any, at: Path) -> Iterator[Reference]:
    if isinstance(value, dict) and isinstance(value.get("name"), str) and value["name"]:
        yield Reference(kind, value["name"], (*at, "name"), value.get("optional") is True)


def _maps(value: Any) -> list[dict[str, Any]]:
    """The entries of a list; an entry that is no mapping becomes an empty one, so that indices stay true."""
    return [entry if isinstance(entry, dict) else {} for entry in value] if isinstance(value, list) else []
