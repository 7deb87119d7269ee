"""Where pod specs stand in the objects that have any, and what a pod spec refers to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from kfspec.diagnostics import Path
from kfspec.resource import Body

_OF_JOB_SET: Path = ("template", "spec", "replicatedJobs", "*", "template", "spec", "template", "spec")

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
    ("trainer.kubeflow.org", "TrainJob"): (
        ("spec", "podTemplateOverrides", "*", "spec"),
        ("spec", "runtimePatches", "*", "trainingRuntimeSpec", *_OF_JOB_SET),
    ),
    ("trainer.kubeflow.org", "TrainingRuntime"): (("spec", *_OF_JOB_SET),),
    ("kubeflow.org", "Experiment"): (
        ("spec", "trialTemplate", "trialSpec", "spec", "template", "spec"),
        ("spec", "trialTemplate", "trialSpec", "spec", "*", "*", "template", "spec"),
        ("spec", "trialTemplate", "trialSpec", "spec", "podTemplateOverrides", "*", "spec"),
        ("spec", "trialTemplate", "trialSpec", "spec", "runtimePatches", "*", "trainingRuntimeSpec", *_OF_JOB_SET),
    ),
    ("kubeflow.org", "PVCViewer"): (("spec", "podSpec"),),
    ("sparkoperator.k8s.io", "SparkApplication"): (
        ("spec", "driver", "template", "spec"),
        ("spec", "executor", "template", "spec"),
    ),
    ("sparkoperator.k8s.io", "ScheduledSparkApplication"): (
        ("spec", "template", "driver", "template", "spec"),
        ("spec", "template", "executor", "template", "spec"),
    ),
    ("sparkoperator.k8s.io", "SparkConnect"): (
        ("spec", "server", "template", "spec"),
        ("spec", "executor", "template", "spec"),
    ),
    ("serving.kserve.io", "InferenceService"): (
        ("spec", "predictor"),
        ("spec", "predictor", "workerSpec"),
        ("spec", "transformer"),
        ("spec", "explainer"),
    ),
    ("serving.kserve.io", "ServingRuntime"): (("spec",), ("spec", "workerSpec")),
    ("serving.kserve.io", "InferenceGraph"): (("spec",),),
}
"""(group, kind) -> paths of pod specs; `*` stands for every key of a mapping, and every entry of a list."""


LEGACY_CLAIM = "tb-volume"
"""What holds the logs of a Tensorboard whose path has no scheme (tensorboard-controller v1.10.0, generateDeployment)."""


class Reference(NamedTuple):
    """A pod's use of another object in its namespace. `kind` is the object's Kubernetes kind."""

    kind: str
    name: str
    path: Path
    optional: bool = False


def pod_specs(group: str, kind: str, body: Body) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every pod spec of the object, with its path."""
    for template in _TEMPLATES.get((group, kind), ()):
        if "*" in template:
            yield from _find(body, template, ())
            continue
        value: Any = body
        for part in template:
            value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, dict):
            yield template, value


def of_pod_default(spec: dict[str, Any], at: Path) -> Iterator[Reference]:
    """What a PodDefault's spec names: it is a pod's and a container's at once."""
    pod = {**spec, "containers": spec.get("sidecars")}
    for reference in references(pod, at):
        path = tuple(
            "sidecars" if part == "containers" and n == len(at) else part for n, part in enumerate(reference.path)
        )
        yield reference._replace(path=path)
    yield from of_container(spec, at)


def of_spark(spec: dict[str, Any], at: Path) -> Iterator[Reference]:
    """What a Spark application names beside its pod templates, in the operator's own fields."""
    for n, volume in enumerate(_maps(spec.get("volumes"))):
        yield from _of_volume(volume, (*at, "volumes", n))
    for key in ("sparkConfigMap", "hadoopConfigMap"):
        if isinstance(spec.get(key), str):
            yield Reference("ConfigMap", spec[key], (*at, key))
    secrets = spec.get("imagePullSecrets")
    for n, name in enumerate(secrets if isinstance(secrets, list) else ()):
        if isinstance(name, str):
            yield Reference("Secret", name, (*at, "imagePullSecrets", n))
    for role in ("driver", "executor"):
        pod, here = spec.get(role), (*at, role)
        if not isinstance(pod, dict):
            continue
        if isinstance(pod.get("serviceAccount"), str) and pod["serviceAccount"]:
            yield Reference("ServiceAccount", pod["serviceAccount"], (*here, "serviceAccount"))
        for key, kind in (("secrets", "Secret"), ("configMaps", "ConfigMap")):
            for n, entry in enumerate(_maps(pod.get(key))):
                yield from _named(kind, entry, (*here, key, n))
        keys = pod.get("envSecretKeyRefs")
        for name, entry in keys.items() if isinstance(keys, dict) else ():
            yield from _named("Secret", entry, (*here, "envSecretKeyRefs", name))
        yield from of_container(pod, here)
        for group in ("initContainers", "sidecars"):
            for n, container in enumerate(_maps(pod.get(group))):
                yield from of_container(container, (*here, group, n))


def of_train_job(spec: Any, at: Path) -> Iterator[Reference]:
    """What a TrainJob's spec names beside its changes of pods: the trainer's variables, the initializers' credentials."""
    spec = spec if isinstance(spec, dict) else {}
    initializer = spec.get("initializer")
    parts = initializer if isinstance(initializer, dict) else {}
    for path, part in (
        ((*at, "trainer"), spec.get("trainer")),
        *(((*at, "initializer", key), parts.get(key)) for key in ("dataset", "model")),
    ):
        if isinstance(part, dict):
            yield from of_container(part, path)
            yield from _named("Secret", part.get("secretRef"), (*path, "secretRef"))


def _find(value: Any, rest: Path, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    if not rest:
        if isinstance(value, dict):
            yield path, value
        return
    head, *tail = rest
    if isinstance(value, dict):
        for key in value if head == "*" else (head,):
            if key in value:
                yield from _find(value[key], tuple(tail), (*path, key))
    elif isinstance(value, list) and head == "*":
        for n, entry in enumerate(value):
            yield from _find(entry, tuple(tail), (*path, n))


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
        for n, container in enumerate(_maps(pod.get(group)) if group in pod else ()):
            yield from of_container(container, (*at, group, n))


def of_container(container: dict[str, Any], at: Path) -> Iterator[Reference]:
    """What a container's environment names."""
    env = container.get("env")
    for n, entry in enumerate(env if isinstance(env, list) else ()):
        source = entry.get("valueFrom") if isinstance(entry, dict) else None
        if isinstance(source, dict):
            yield from _named("Secret", source.get("secretKeyRef"), (*at, "env", n, "valueFrom", "secretKeyRef"))
            yield from _named(
                "ConfigMap", source.get("configMapKeyRef"), (*at, "env", n, "valueFrom", "configMapKeyRef")
            )
    for n, entry in enumerate(_maps(container.get("envFrom")) if "envFrom" in container else ()):
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
