"""The pods that declared objects make, with what their controllers put in: how many, with which containers.

What a controller fills in from elsewhere and nobody here can know is marked as such, so that no rule guesses.
Source: KServe 0.14.1 to 0.16.0 (component.go, `inferenceservice-config`, kserve-cluster-resources.yaml), Katib 0.18.0
(experiment_defaults.go), training-operator v1.9.1, Trainer 2.1.0, Spark 3.5 (BasicDriverFeatureStep, BasicExecutorFeatureStep),
tensorboard-controller v1.10.0 (generateDeployment).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

from kfspec.diagnostics import Path
from kfspec.kinds import RUNS
from kfspec.kinds.podspec import pod_specs
from kfspec.kinds.status import at, maps
from kfspec.quantity import parse
from kfspec.resource import Body, Resource

Amounts: TypeAlias = dict[str, Decimal]

STOPPED = "kubeflow-resource-stopped"
_KSERVE_STOP = "serving.kserve.io/stop"
_PARALLEL = 3
"""Trials at once where an experiment says nothing (Katib)."""
_SERVER = {"cpu": Decimal(1), "memory": Decimal(2 * 1024**3)}
"""What KServe gives a custom container, and what every shipped runtime asks for."""
_ROUTER = {"cpu": Decimal("0.1"), "memory": Decimal(100 * 1024**2)}, {"cpu": Decimal(1), "memory": Decimal(1024**3)}
"""Requests and limits of a graph's router (`inferenceservice-config`, key `router`)."""
_JAVA = re.compile(r"(\d+)\s*([kmgtKMGT]?)[bB]?")
_OVERHEAD = 384
"""Mebibytes that Spark adds at least to what the JVM may have."""
_SCHEDULED = frozenset({"CronJob", "ScheduledSparkApplication"})


class Container(NamedTuple):
    """One container of a pod."""

    path: Path
    body: dict[str, Any]
    """As far as the object has it."""
    requests: Amounts
    limits: Amounts
    init: bool = False
    """It runs before the others, and ends."""
    complete: bool = True
    """`requests` and `limits` are all that it will have."""

    @property
    def name(self) -> str:
        """Its name; what stands for it where it has none in the object."""
        name = self.body.get("name")
        return name if isinstance(name, str) and name else str(self.path[-1])


class Pods(NamedTuple):
    """Pods that are all alike."""

    resource: Resource
    path: Path
    """Where the pod spec stands in the object."""
    spec: dict[str, Any]
    containers: tuple[Container, ...]
    at_once: int = 1
    """How many the object asks for at once."""
    needed: int = 1
    """How many of them it does not work without."""
    most: int | None = None
    """How many autoscaling may make of them; None where nothing scales."""
    run: bool = False
    """They come to an end."""
    whole: bool = True
    """The pod spec and its containers are what the pod has, but for what admission adds."""

    @property
    def item(self) -> str:
        """The item that makes them, as a message names it; of a plain manifest, the object."""
        return named(self.resource)


def named(resource: Resource) -> str:
    """What made an object: its item, or the object where a plain manifest did."""
    item = resource.item
    return ".".join(map(str, item)) if item and isinstance(item[0], str) else str(resource.ref)


def owned(resource: Resource) -> bool:
    """Whether a controller made the object: then it is not declared, and its owner speaks for it."""
    return bool(at(resource.body, "metadata", "ownerReferences"))


def pods_of(resources: tuple[Resource, ...], templates: tuple[Resource, ...] = ()) -> list[Pods]:
    """The pods of all objects, in order; of `templates` there are none, and what they would be like is told."""
    around = _Around((*resources, *templates))
    made = [pods for each in resources if not owned(each) for pods in _of(each, each.body, (), around)]
    idle = (pods for each in templates for pods in _of(each, each.body, (), around))
    return [*made, *(pods._replace(at_once=0, needed=0, most=None) for pods in idle)]


class _Around:
    """The runtimes that are declared beside the objects."""

    def __init__(self, resources: tuple[Resource, ...]) -> None:
        kinds = ("ServingRuntime", "ClusterServingRuntime", "TrainingRuntime", "ClusterTrainingRuntime")
        self.known = {(r.ref.kind, r.ref.namespace, r.ref.name): r.body for r in resources if r.ref.kind in kinds}
        self.serving = {key[1] for key in self.known if key[0] in kinds[:2]}

    def find(self, kind: str, namespace: str, name: Any) -> Body | None:
        """The runtime of that name: the namespace's own, else the cluster's."""
        return self.known.get((kind, namespace, name)) or self.known.get((f"Cluster{kind}", "", name))

    def may_serve(self, namespace: str) -> bool:
        """Whether a service that names no runtime may be given a declared one."""
        return bool({namespace, ""} & self.serving)


def _of(resource: Resource, body: Body, prefix: Path, around: _Around) -> Iterator[Pods]:
    """The pods of an object that stands at `prefix`: a trial's object is judged as one of its own."""
    if not isinstance(body, dict) or not isinstance(body.get("spec"), dict):
        return
    group, kind = str(body.get("apiVersion", "")).rpartition("/")[0], str(body.get("kind", ""))
    made: Iterator[Pods]
    if (group, kind) == ("kubeflow.org", "Experiment"):
        made = _trials(resource, body, prefix, around)
    elif group == "serving.kserve.io":
        made = _served(resource, body, prefix, around)
    elif group == "sparkoperator.k8s.io":
        made = _spark(resource, body, prefix)
    elif (group, kind) == ("trainer.kubeflow.org", "TrainJob"):
        made = _train_job(resource, body, prefix, around)
    elif (group, kind) == ("tensorboard.kubeflow.org", "Tensorboard"):
        made = iter(
            [Pods(resource, (*prefix, "spec"), {}, (Container((*prefix, "spec"), {"name": "tensorboard"}, {}, {}),))]
        )
    else:
        made = _plain(resource, group, body, prefix)
    run = (group, kind) in RUNS or kind in _SCHEDULED
    stopped = _stopped(body)
    for pods in made:
        pods = pods._replace(run=pods.run or run)
        yield pods._replace(at_once=0, needed=0, most=None) if stopped else pods


def _stopped(body: Body) -> bool:
    notes = at(body, "metadata", "annotations")
    notes = notes if isinstance(notes, dict) else {}
    stopped = body.get("kind") == "Notebook" and STOPPED in notes
    suspended = at(body, "spec", "suspend") is True or at(body, "spec", "runPolicy", "suspend") is True
    return stopped or suspended or notes.get(_KSERVE_STOP) == "true"


def _number(value: Any, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else default


def _plain(resource: Resource, group: str, body: Body, prefix: Path) -> Iterator[Pods]:
    """Of objects that hold the whole pod specs."""
    kind, spec = body["kind"], body["spec"]
    if kind == "TrainingRuntime":
        yield from _partial(resource, group, body, prefix)  # no pods before a job uses it
        return
    for path, pod in pod_specs(group, str(kind), body):
        if kind in ("Deployment", "StatefulSet", "ReplicaSet"):
            count = _number(spec.get("replicas"), 1)
        elif kind in ("Job", "CronJob"):
            job = at(spec, "jobTemplate", "spec") if kind == "CronJob" else spec
            count = min(_number(at(job, "parallelism"), 1), max(_number(at(job, "completions"), 1), 1))
            count = count if at(job, "completions") is not None else _number(at(job, "parallelism"), 1)
        elif len(path) == 5 and str(path[1]).endswith("ReplicaSpecs"):
            count = _number(at(spec, str(path[1]), str(path[2]), "replicas"), 1)
        else:
            count = 1
        needed = min(count, 1) if kind in ("Job", "CronJob") else count
        yield Pods(resource, (*prefix, *path), pod, tuple(containers(pod, (*prefix, *path))), count, needed)


def _partial(resource: Resource, group: str, body: Body, prefix: Path) -> Iterator[Pods]:
    """Pod specs that are a part of what pods will be, which are counted elsewhere."""
    for path, pod in pod_specs(group, str(body["kind"]), body):
        inside = tuple(each._replace(complete=False) for each in containers(pod, (*prefix, *path)))
        yield Pods(resource, (*prefix, *path), pod, inside, 0, 0, whole=False)


def containers(pod: Any, path: Path) -> Iterator[Container]:
    """The containers of a pod spec that is given in whole."""
    for field in ("initContainers", "containers"):
        listed = at(pod, field)
        for n, entry in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(entry, dict):
                requests, limits = amounts(entry.get("resources"))
                init = field == "initContainers" and entry.get("restartPolicy") != "Always"
                yield Container((*path, field, n), entry, requests, limits, init)


def amounts(resources: Any) -> tuple[Amounts, Amounts]:
    """Requests and limits; a request is the limit where only that is given (kubernetes, core/v1/defaults.go)."""
    limits = _quantities(at(resources, "limits"))
    return {**limits, **_quantities(at(resources, "requests"))}, limits


def _quantities(given: Any) -> Amounts:
    found: Amounts = {}
    for name, text in given.items() if isinstance(given, dict) else ():
        quantity = parse(str(text)) if isinstance(text, str | int | float) and not isinstance(text, bool) else None
        if quantity is not None:
            found[str(name)] = quantity.value
    return found


def _trials(resource: Resource, body: Body, prefix: Path, around: _Around) -> Iterator[Pods]:
    parallel = _number(at(body, "spec", "parallelTrialCount"), _PARALLEL)
    limit = at(body, "spec", "maxTrialCount")
    parallel = min(parallel, limit) if isinstance(limit, int) and limit > 0 else parallel
    trial = at(body, "spec", "trialTemplate", "trialSpec")
    for pods in _of(resource, trial, (*prefix, "spec", "trialTemplate", "trialSpec"), around):
        yield pods._replace(at_once=pods.at_once * parallel, run=True)


def _served(resource: Resource, body: Body, prefix: Path, around: _Around) -> Iterator[Pods]:
    spec, kind = body["spec"], body["kind"]
    if kind == "InferenceGraph":
        requests, limits = amounts(spec.get("resources")) if spec.get("resources") else _ROUTER
        router = Container((*prefix, "spec"), {"name": "router"}, requests, limits)
        pod = {key: value for key, value in spec.items() if key != "resources"}
        yield _scaled(Pods(resource, (*prefix, "spec"), pod, (router,), whole=False), spec)
    elif kind == "ServingRuntime":
        yield from _partial(resource, "serving.kserve.io", body, prefix)  # no pods before a service uses it
    elif kind == "InferenceService":
        for role in ("predictor", "transformer", "explainer"):
            part = spec.get(role)
            if isinstance(part, dict):
                path = (*prefix, "spec", role)
                inside = tuple(_servers(part, path, resource.ref.namespace, around))
                whole = "model" not in part
                yield _scaled(Pods(resource, path, part, inside, whole=whole), part)


def _scaled(pods: Pods, part: dict[str, Any]) -> Pods:
    """With the replicas that a part of a service asks for."""
    least, most = _number(part.get("minReplicas"), 1), part.get("maxReplicas")
    grows = isinstance(most, int) and not isinstance(most, bool) and most > least
    return pods._replace(at_once=least, needed=least, most=most if grows else None)


def _servers(part: dict[str, Any], path: Path, namespace: str, around: _Around) -> Iterator[Container]:
    model = part.get("model")
    for n, container in enumerate(containers(part, path)):
        if n == 0 and not isinstance(model, dict) and not container.init:
            yield container._replace(
                requests={**_SERVER, **_quantities(at(container.body, "resources", "requests"))},
                limits={**_SERVER, **container.limits},
            )
        else:
            yield container
    if isinstance(model, dict):
        yield _model(model, (*path, "model"), namespace, around)


def _model(model: dict[str, Any], path: Path, namespace: str, around: _Around) -> Container:
    """The container of a runtime, with what the service says of it."""
    own = {key: _quantities(at(model, "resources", key)) for key in ("requests", "limits")}
    name = model.get("runtime")
    runtime = around.find("ServingRuntime", namespace, name) if isinstance(name, str) else None
    base = {"requests": dict(_SERVER), "limits": dict(_SERVER)}
    complete = not around.may_serve(namespace) if name is None else str(name).startswith("kserve-")
    if runtime is not None:
        first = next((c for c in containers(runtime.get("spec"), ()) if not c.init), None)
        given = first.body if first is not None else {}
        base, complete = {key: _quantities(at(given, "resources", key)) for key in ("requests", "limits")}, True
    elif not complete:
        base = {"requests": {}, "limits": {}}
    limits = {**base["limits"], **own["limits"]}
    requests = {**limits, **base["requests"], **own["requests"]}
    return Container(path, {**model, "name": "kserve-container"}, requests, limits, complete=complete)


def _train_job(resource: Resource, body: Body, prefix: Path, around: _Around) -> Iterator[Pods]:
    """The nodes of a job; the initializers are gone before them."""
    trainer = at(body, "spec", "trainer")
    trainer = trainer if isinstance(trainer, dict) else {}
    kind = at(body, "spec", "runtimeRef", "kind") or "ClusterTrainingRuntime"
    where = resource.ref.namespace if kind == "TrainingRuntime" else ""
    runtime = around.known.get((str(kind), where, str(at(body, "spec", "runtimeRef", "name"))))
    nodes = _number(trainer.get("numNodes"), _number(at(runtime or {}, "spec", "mlPolicy", "numNodes"), 1))
    given = trainer.get("resourcesPerNode")
    requests, limits = amounts(given)
    path = (*prefix, "spec", "trainer") if trainer else (*prefix, "spec")
    node = Container(path, {"name": "node"}, requests, limits, complete=isinstance(given, dict))
    parts = list(_partial(resource, "trainer.kubeflow.org", body, prefix))
    claims = [v for part in parts for v in maps(part.spec.get("volumes")) if "persistentVolumeClaim" in v]
    yield Pods(resource, path, {"volumes": claims}, (node,), nodes, nodes, whole=False)
    yield from parts


def _spark(resource: Resource, body: Body, prefix: Path) -> Iterator[Pods]:
    """Driver (or server) and executors, as Spark makes them of the operator's fields and of the templates."""
    spec, path = body["spec"], (*prefix, "spec")
    if body["kind"] == "ScheduledSparkApplication":
        spec, path = spec.get("template"), (*path, "template")
    spec = spec if isinstance(spec, dict) else {}
    for role in ("driver", "server", "executor"):
        part = spec.get(role)
        if not isinstance(part, dict):
            continue
        pod = at(part, "template", "spec")
        pod = pod if isinstance(pod, dict) else {}
        here = (*path, role)
        inside = [_spark_container(part, spec, here), *containers({"containers": part.get("sidecars")}, here)]
        inside += containers({"initContainers": part.get("initContainers")}, here)
        inside = [c._replace(path=tuple("sidecars" if p == "containers" else p for p in c.path)) for c in inside]
        merged = {**pod, **{key: part[key] for key in ("hostNetwork",) if key in part}}
        merged["volumes"] = spec.get("volumes") or pod.get("volumes")
        merged["securityContext"] = part.get("podSecurityContext") or pod.get("securityContext")
        count, most = _executors(spec, part) if role == "executor" else (1, None)
        needed = min(count, 1)
        yield Pods(resource, here, merged, tuple(inside), count, needed, most, whole=False)


def _executors(spec: dict[str, Any], part: dict[str, Any]) -> tuple[int, int | None]:
    dynamic = spec.get("dynamicAllocation")
    if isinstance(dynamic, dict) and dynamic.get("enabled") is True:
        least = _number(dynamic.get("initialExecutors"), _number(dynamic.get("minExecutors"), 0))
        most = dynamic.get("maxExecutors")
        return least, most if isinstance(most, int) and most > least else None
    return _number(part.get("instances"), 1), None


def _spark_container(part: dict[str, Any], spec: dict[str, Any], path: Path) -> Container:
    """Spark's own container: memory is limit and request at once, cores are no limit."""
    memory = _java(part.get("memory")) or 1024
    slow = spec.get("type") in ("Python", "R")
    factor = spec.get("memoryOverheadFactor")
    quantity = parse(str(factor)) if factor is not None else None
    share = quantity.value if quantity is not None else Decimal("0.4" if slow else "0.1")
    memory += _java(part.get("memoryOverhead")) or max(_OVERHEAD, int(memory * share))
    limits: Amounts = {"memory": Decimal(memory * 1024**2)}
    requests: Amounts = {**limits, "cpu": Decimal(_number(part.get("cores"), 1))}
    for key, into in (("coreLimit", limits), ("coreRequest", requests)):
        given = parse(str(part[key])) if part.get(key) is not None else None
        if given is not None:
            into["cpu"] = given.value
    gpu = part.get("gpu")
    if isinstance(gpu, dict) and isinstance(gpu.get("name"), str):
        limits[gpu["name"]] = requests[gpu["name"]] = Decimal(_number(gpu.get("quantity"), 0))
    body = {"name": f"spark-kubernetes-{path[-1]}", "securityContext": part.get("securityContext")}
    return Container(path, body, requests, limits)


def _java(value: Any) -> int | None:
    """An amount of memory as the JVM writes it, in whole mebibytes as Spark counts; a bare number is mebibytes."""
    match = _JAVA.fullmatch(str(value).strip()) if isinstance(value, str | int) else None
    if match is None:
        return None
    digits, unit = match.groups()
    power = " kmgt".index(unit.lower()) if unit else 2
    return int(Decimal(digits) * Decimal(1024) ** (power - 2))
