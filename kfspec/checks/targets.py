"""What an object names: one answer, for whoever judges references, draws them or follows them.

Paths are those of the object. Whether what is named exists is not asked here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from kfspec.diagnostics import Path
from kfspec.kinds.podspec import (
    LEGACY_CLAIM,
    Reference,
    of_container,
    of_pod_default,
    of_spark,
    of_train_job,
    pod_specs,
    references,
)
from kfspec.kinds.status import at
from kfspec.resource import Body, ObjectRef, Resource

SERVING, TRAINER, SPARK = "serving.kserve.io", "trainer.kubeflow.org", "sparkoperator.k8s.io"
CLUSTER_RUNTIME, OWN_RUNTIME = "ClusterTrainingRuntime", "TrainingRuntime"

GIVEN = {
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

_TRIAL: Path = ("spec", "trialTemplate", "trialSpec")


class Made(NamedTuple):
    """An object that a controller makes of another one, in the same namespace."""

    kind: str
    name: str


def made_of(resource: Resource) -> Made | None:
    """What the object's controller makes, where that is known."""
    ref = resource.ref
    kind = _MAKES.get((ref.group, ref.kind))
    if kind is None:
        return None
    name = at(resource.body, "spec", "target", "name")
    if not isinstance(name, str):
        name = at(resource.body, "spec", "secretName")
    return Made(kind, name if isinstance(name, str) else ref.name)


def every(resource: Resource) -> Iterator[Reference]:
    """Everything that an object names in a field of its own."""
    yield from of_pods(resource)
    yield from of_serving(resource)
    for found in (serving_runtime(resource), training_runtime(resource)):
        if found is not None:
            yield found


# -- pods -------------------------------------------------------------------------------------------------------------


def of_pods(resource: Resource) -> Iterator[Reference]:
    """The claims, Secrets, ConfigMaps and ServiceAccounts that its pods need."""
    ref = resource.ref
    spec = resource.body.get("spec")
    if ref.kind == "PodDefault" and isinstance(spec, dict):
        yield from of_pod_default(spec, ("spec",))
    if ref.kind == "Experiment" and isinstance(spec, dict):
        yield from _of_trial(spec, ref.namespace)
    if ref.group == SPARK:
        yield from _of_spark(resource.body, ref.kind, ())
    if ref.kind in ("Tensorboard", "PVCViewer") and isinstance(spec, dict):
        yield from _of_server(spec)
    if ref.kind == "TrainJob":
        yield from of_train_job(spec, ("spec",))
    if ref.kind == "LLMInferenceService" and isinstance(spec, dict):
        yield from _of_llm(spec)
    for path, pod in pod_specs(ref.group, ref.kind, resource.body):
        yield from references(pod, path)
        if ref.kind == "InferenceService":
            yield from _of_predictor(pod, path)


def _of_spark(body: Body, kind: str, prefix: Path) -> Iterator[Reference]:
    """The operator's own fields of an application, which a schedule has as a template."""
    inner: Path = ("spec", "template") if kind == "ScheduledSparkApplication" else ("spec",)
    application = at(body, *map(str, inner))
    if isinstance(application, dict):
        yield from of_spark(application, (*prefix, *inner))


def _of_server(spec: dict[str, Any]) -> Iterator[Reference]:
    """What a Tensorboard reads, and what a viewer shows (tensorboard-controller v1.10.0, generateDeployment)."""
    logs, claim = spec.get("logspath"), spec.get("pvc")
    if isinstance(logs, str) and (named := claim_of(logs)):
        yield Reference("PersistentVolumeClaim", named, ("spec", "logspath"))
    if isinstance(logs, str) and logs.startswith("gs://"):
        yield Reference("Secret", "user-gcp-sa", ("spec", "logspath"))
    if isinstance(logs, str) and logs.startswith("/") and not logs.startswith("/cns/"):
        yield Reference("PersistentVolumeClaim", LEGACY_CLAIM, ("spec", "logspath"))
    if isinstance(claim, str) and claim:
        yield Reference("PersistentVolumeClaim", claim, ("spec", "pvc"))


def claim_of(uri: str) -> str:
    """The claim of `pvc://claim/path`; "" for what is no such URI."""
    return uri.removeprefix("pvc://").split("/", 1)[0] if uri.startswith("pvc://") else ""


def _of_trial(spec: dict[str, Any], namespace: str) -> Iterator[Reference]:
    """What trials name beside plain pod templates, and the ConfigMap that holds a trial template; in another namespace that is
    not for us to know."""
    trial = at(spec, "trialTemplate", "trialSpec")
    if isinstance(trial, dict):
        group, kind = str(trial.get("apiVersion", "")).rpartition("/")[0], str(trial.get("kind"))
        if kind == "TrainJob":
            yield from of_train_job(trial.get("spec"), (*_TRIAL, "spec"))
        elif group == SPARK:
            yield from _of_spark(trial, kind, _TRIAL)
            for path, pod in pod_specs(group, kind, trial):
                yield from references(pod, (*_TRIAL, *path))
    config_map = at(spec, "trialTemplate", "configMap")
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
    if isinstance(uri, str) and (claim := claim_of(uri)):
        yield Reference("PersistentVolumeClaim", claim, (*at, "model", "storageUri"))


def _of_llm(spec: dict[str, Any]) -> Iterator[Reference]:
    """Its own pods, those of a prefill of its own, and where it has the model from (KServe 0.16.0, llm_inference_service_types.go
    and workload_storage.go)."""
    for path, part in ((("spec",), spec), (("spec", "prefill"), at(spec, "prefill") or {})):
        for key in ("template", "worker"):
            pod = at(part, key)
            if isinstance(pod, dict):
                yield from references(pod, (*path, key))
    scheduler = at(spec, "router", "scheduler", "template")
    if isinstance(scheduler, dict):
        yield from references(scheduler, ("spec", "router", "scheduler", "template"))
    uri = at(spec, "model", "uri")
    if isinstance(uri, str) and (claim := claim_of(uri)):
        yield Reference("PersistentVolumeClaim", claim, ("spec", "model", "uri"))


# -- KServe's own objects, and runtimes -------------------------------------------------------------------------------


def of_serving(resource: Resource) -> Iterator[Reference]:
    """The inference services of a graph and of a trained model, the node groups of a model cache."""
    kind, spec = resource.ref.kind, resource.body.get("spec")
    if resource.ref.group != SERVING or not isinstance(spec, dict):
        return
    here: Path = ("spec",)
    if kind == "InferenceGraph":
        nodes = spec.get("nodes")
        for node, router in nodes.items() if isinstance(nodes, dict) else ():
            for n, step in enumerate(_steps(router)):
                name = step.get("serviceName") if isinstance(step, dict) else None
                if isinstance(name, str) and name:
                    yield Reference("InferenceService", name, (*here, "nodes", node, "steps", n, "serviceName"))
    elif kind == "TrainedModel" and isinstance(spec.get("inferenceService"), str):
        yield Reference("InferenceService", spec["inferenceService"], (*here, "inferenceService"))
    elif kind == "LocalModelCache" and isinstance(spec.get("nodeGroups"), list):
        for n, name in enumerate(spec["nodeGroups"]):
            if isinstance(name, str):
                yield Reference("LocalModelNodeGroup", name, (*here, "nodeGroups", n))


def _steps(router: Any) -> list[Any]:
    steps = router.get("steps") if isinstance(router, dict) else None
    return steps if isinstance(steps, list) else []


def serving_runtime(resource: Resource) -> Reference | None:
    """The runtime that a service names: one of its namespace, else the cluster's of that name (KServe 0.14.1 to 0.16.0,
    GetServingRuntime)."""
    if (resource.ref.group, resource.ref.kind) != (SERVING, "InferenceService"):
        return None
    name = at(resource.body, "spec", "predictor", "model", "runtime")
    path: Path = ("spec", "predictor", "model", "runtime")
    return Reference("ServingRuntime", name, path) if isinstance(name, str) else None


def training_runtimes(resources: Iterable[Resource]) -> dict[ObjectRef, Body]:
    """The training runtimes among the objects, those of the cluster and of namespaces."""
    kinds = (CLUSTER_RUNTIME, OWN_RUNTIME)
    return {r.ref: r.body for r in resources if r.ref.group == TRAINER and r.ref.kind in kinds}


def training_runtime(resource: Resource) -> Reference | None:
    """The runtime that a TrainJob names, or a TrainJob that is an experiment's trial. Its kind counts: the cluster's where
    nothing is said (Trainer 2.1.0, trainjob_types.go)."""
    ref = resource.ref
    prefix: Path = ()
    if (ref.group, ref.kind) == ("kubeflow.org", "Experiment"):
        if at(resource.body, *map(str, _TRIAL), "kind") != "TrainJob":
            return None
        prefix = _TRIAL
    elif (ref.group, ref.kind) != (TRAINER, "TrainJob"):
        return None
    path: Path = (*prefix, "spec", "runtimeRef")
    named = at(resource.body, *map(str, path))
    name, kind = at(named, "name"), at(named, "kind") or CLUSTER_RUNTIME
    return Reference(str(kind), name, (*path, "name")) if isinstance(name, str) and name else None
