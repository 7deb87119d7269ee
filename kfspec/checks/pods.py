"""The pods that declared objects make, with what their controllers put in: how many, with which containers.

What a controller fills in from elsewhere and nobody here can know is marked as such, so that no rule guesses; what admission
adds to a pod is for `sidecars`. Source: Katib 0.18.0 (experiment_defaults.go), training-operator v1.9.1, notebook-controller and
tensorboard-controller v1.10.0 (generateStatefulSet, generateDeployment); `servedpods`, `sparkpods` and `trainpods` name theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kfspec.checks.podmodel import Container, Pods, containers, meta_of, number, owned, partial
from kfspec.checks.servedpods import served
from kfspec.checks.sparkpods import spark
from kfspec.checks.trainpods import Runtimes, trained
from kfspec.diagnostics import Path
from kfspec.kinds import RUNS
from kfspec.kinds.podspec import pod_specs
from kfspec.kinds.status import at
from kfspec.resource import Body, Resource

if TYPE_CHECKING:
    from kfspec.catalog import Release

STOPPED = "kubeflow-resource-stopped"
_KSERVE_STOP = "serving.kserve.io/stop"
_PARALLEL = 3
"""Trials at once where an experiment says nothing (Katib)."""
_SCHEDULED = frozenset({"CronJob", "ScheduledSparkApplication"})


def pods_of(
    resources: tuple[Resource, ...], templates: tuple[Resource, ...] = (), release: Release | None = None
) -> list[Pods]:
    """The pods of all objects, in order; of `templates` there are none, and what they would be like is told."""
    around = _Around((*resources, *templates), release)
    made = [pods for each in resources if not owned(each) for pods in _of(each, each.body, (), around)]
    idle = (pods for each in templates for pods in _of(each, each.body, (), around))
    return [*made, *(pods._replace(at_once=0, needed=0, most=None) for pods in idle)]


class _Around:
    """The runtimes that are declared beside the objects, or shipped."""

    def __init__(self, resources: tuple[Resource, ...], release: Release | None) -> None:
        kinds = ("ServingRuntime", "ClusterServingRuntime")
        self.known = {(r.ref.kind, r.ref.namespace, r.ref.name): r.body for r in resources if r.ref.kind in kinds}
        self.serving = {key[1] for key in self.known}
        self.training = Runtimes(resources, release)

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
    namespace = resource.ref.namespace
    made: Iterator[Pods]
    if (group, kind) == ("kubeflow.org", "Experiment"):
        made = _trials(resource, body, prefix, around)
    elif group == "serving.kserve.io":
        made = served(resource, body, prefix, around.find, around.may_serve(namespace))
    elif group == "sparkoperator.k8s.io":
        made = spark(resource, body, prefix)
    elif (group, kind) == ("trainer.kubeflow.org", "TrainJob"):
        made = trained(resource, body, prefix, around.training.of(body, namespace))
    elif (group, kind) == ("tensorboard.kubeflow.org", "Tensorboard"):
        made = iter(
            [Pods(resource, (*prefix, "spec"), {}, (Container((*prefix, "spec"), {"name": "tensorboard"}, {}, {}),))]
        )
    else:
        made = _plain(resource, group, body, prefix)
    run = (group, kind) in RUNS or kind in _SCHEDULED
    stopped = _stopped(body)
    for pods in made:
        if run and not pods.run:
            pods = pods._replace(run=True)
        yield pods._replace(at_once=0, needed=0, most=None) if stopped else pods


def _stopped(body: Body) -> bool:
    spec, notes = body["spec"], at(body, "metadata", "annotations")
    notes = notes if isinstance(notes, dict) else {}
    stopped = body.get("kind") == "Notebook" and STOPPED in notes
    suspended = spec.get("suspend") is True or at(spec, "runPolicy", "suspend") is True
    return stopped or suspended or notes.get(_KSERVE_STOP) == "true"


def _plain(resource: Resource, group: str, body: Body, prefix: Path) -> Iterator[Pods]:
    """Of objects that hold the whole pod specs."""
    kind, spec = body.get("kind"), body["spec"]
    if kind == "TrainingRuntime":
        yield from partial(resource, group, body, prefix)  # no pods before a job uses it
        return
    for path, pod in pod_specs(group, str(kind), body):
        if kind in ("Deployment", "StatefulSet", "ReplicaSet"):
            count = number(spec.get("replicas"), 1)
        elif kind in ("Job", "CronJob"):
            job = at(spec, "jobTemplate", "spec") if kind == "CronJob" else spec
            count = min(number(at(job, "parallelism"), 1), max(number(at(job, "completions"), 1), 1))
            count = count if at(job, "completions") is not None else number(at(job, "parallelism"), 1)
        elif len(path) == 5 and str(path[1]).endswith("ReplicaSpecs"):
            count = number(at(spec, str(path[1]), str(path[2]), "replicas"), 1)
        else:
            count = 1
        needed = min(count, 1) if kind in ("Job", "CronJob") else count
        where = (*prefix, *path)
        inside = tuple(containers(pod, where))
        yield Pods(resource, where, pod, inside, count, needed, meta=meta_of(_metadata(body, path)))


def _metadata(body: Body, path: Path) -> Any:
    """The metadata of pods whose spec stands at the path; a notebook's pod has its own (notebook-controller v1.10.0)."""
    return body.get("metadata") if body.get("kind") == "Notebook" else at(body, *map(str, path[:-1]), "metadata")


def _trials(resource: Resource, body: Body, prefix: Path, around: _Around) -> Iterator[Pods]:
    parallel = number(at(body, "spec", "parallelTrialCount"), _PARALLEL)
    limit = at(body, "spec", "maxTrialCount")
    parallel = min(parallel, limit) if isinstance(limit, int) and limit > 0 else parallel
    trial = at(body, "spec", "trialTemplate", "trialSpec")
    for pods in _of(resource, trial, (*prefix, "spec", "trialTemplate", "trialSpec"), around):
        yield pods._replace(at_once=pods.at_once * parallel, run=True)
