"""Changes of behaviour between component versions that no object of a spec shows.

What a rule can judge is a rule (`kinds/*`), and found by comparing findings; here is what only a person can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from kfspec.catalog import Release
from kfspec.catalog.releases import numbers
from kfspec.diagnostics import Pos
from kfspec.kinds.kserve.autoscaling import MODE
from kfspec.kinds.status import at
from kfspec.resource import Body, Resource
from kfspec.upgrading.values import Advice

_RAW = ("RawDeployment", "Standard")
_KNATIVE = ("Serverless", "Knative")


def _mode(body: Body) -> object:
    return at(body, "metadata", "annotations", MODE)


def _any(body: Body) -> bool:
    return True


def _says_mode(body: Body) -> bool:
    return _mode(body) is not None


def _in_raw_mode(body: Body) -> bool:
    return _mode(body) in _RAW


def _in_default_mode(body: Body) -> bool:
    return _mode(body) is None or _mode(body) in _KNATIVE


def _says_default_mode(body: Body) -> bool:
    return _mode(body) in _KNATIVE


def _says_no_mode(body: Body) -> bool:
    return _mode(body) is None


class _Fact(NamedTuple):
    component: str
    since: str
    kinds: frozenset[str]
    concerns: Callable[[Body], bool]
    up: str
    down: str
    """The same for who goes back; empty where there is nothing to say."""
    source: str
    block: str = ""
    """A block of the spec whose items it is about too, whatever they compile to."""


_SERVICE = frozenset({"InferenceService"})
_SPARK = frozenset({"SparkApplication", "ScheduledSparkApplication"})
_PIPELINES = frozenset({"Pipeline", "PipelineVersion"})

FACTS: tuple[_Fact, ...] = (
    _Fact(
        "kserve",
        "0.15.2",
        _SERVICE,
        _says_mode,
        "the deployment mode of a service is what it was made with: the webhook refuses another one, and only delete and "
        "create changes it",
        "",
        "KServe 0.15.2, inference_service_validation.go (validateDeploymentMode)",
    ),
    _Fact(
        "kserve",
        "0.16.0",
        _SERVICE,
        _in_raw_mode,
        "a live service that was made in raw mode before 0.16 has the old name in its status: it is taken for Knative's, and "
        "every change of it is refused. Delete it and create it again; with the old name it may even hang in deletion, so "
        "delete it before the upgrade",
        "a live service has the new name of its mode in its status, which the older release takes for another mode: delete it "
        "and create it again",
        "KServe 0.16.0, pkg/controller/v1beta1/inferenceservice/utils/utils.go (GetDeploymentMode); kserve/kserve#4798, #5885",
    ),
    _Fact(
        "kserve",
        "0.16.0",
        _SERVICE,
        _in_default_mode,
        "the controller watches serving runtimes: the shipped ones are new with the release, and every service that uses one "
        "gets new pods at once, unless its annotation 'serving.kserve.io/disable-auto-update' is \"true\"",
        "",
        "KServe 0.16.0, pkg/controller/v1beta1/inferenceservice/controller.go",
    ),
    _Fact(
        "kserve",
        "0.16.0",
        _SERVICE,
        _says_default_mode,
        "every change of a live service is refused while its annotation and its status name the mode differently, and the status "
        "of one that was made before 0.16 has either name: leave the annotation out, which means the same mode, or delete and "
        "create the service",
        "a live service has 'Knative' in its status, and every change of it is refused while the annotation says another name: "
        "leave the annotation out, which means the same mode, or delete and create the service",
        "KServe 0.16.0, inference_service_validation.go (validateDeploymentMode); kserve/kserve#4798, #5885",
    ),
    _Fact(
        "kserve",
        "0.16.0",
        _SERVICE,
        _says_no_mode,
        "a service that was made before 0.16 keeps 'Serverless' in its status, and its conditions RoutesReady and "
        "LatestDeploymentReady are not brought up to date: wait for Ready",
        "",
        "KServe 0.16.0, pkg/apis/serving/v1beta1/inference_service_status.go (code reading)",
    ),
    _Fact(
        "pipelines",
        "2.15.0",
        _PIPELINES,
        _any,
        "artifacts are kept in SeaweedFS and not in MinIO, each namespace with credentials of its own and below "
        "'private-artifacts/<namespace>/': what is in MinIO has to be moved, and a pipeline root that names it changed",
        "artifacts are kept in MinIO and not in SeaweedFS: what is in SeaweedFS stays there",
        "kubeflow/manifests v1.11.0, applications/pipeline/upstream; kubeflow/pipelines 2.15.0",
        "pipelines",
    ),
    _Fact(
        "pipelines",
        "2.15.0",
        _PIPELINES,
        _any,
        "deleting a pipeline that has versions needs 'cascade'; 'name' and 'display_name' are two things",
        "",
        "kubeflow/pipelines 2.15.0, backend/api/v2beta1/pipeline.proto",
        "pipelines",
    ),
    _Fact(
        "pipelines",
        "2.5.0",
        frozenset({"ScheduledWorkflow"}),
        _any,
        "a schedule without 'workflow.spec' starts its runs through the API server, which knows only schedules made there",
        "",
        "kubeflow/pipelines 2.5.0, backend/src/crd/controller/scheduledworkflow/controller.go",
    ),
    _Fact(
        "spark-operator",
        "2.4.0",
        _SPARK,
        _any,
        "the webhook writes more defaults (type, cores, memory) into an application: server-side apply leaves them alone, and "
        "a tool that replaces whole objects drops them, which runs the application again",
        "",
        "spark-operator 2.4.0, internal/webhook/sparkapplication_defaulter.go",
    ),
    _Fact(
        "katib",
        "0.19.0",
        frozenset({"Experiment"}),
        lambda body: at(body, "spec", "trialTemplate", "trialSpec", "kind") == "TrainJob",
        "trials may be TrainJobs",
        "Katib knows no trials of TrainJobs, and waits for a condition that it has to be told: 'successCondition'",
        "Katib 0.19.0, pkg/webhook/v1beta1/experiment/validator",
    ),
    _Fact(
        "istio",
        "1.26.1",
        frozenset({"Profile"}),
        _any,
        "the mesh uses istio-cni, and namespaces of profiles get the label of the pod security level 'baseline': a pod that "
        "asks for more is refused",
        "",
        "kubeflow/manifests v1.10.2, common/istio-cni and applications/profiles",
    ),
)


def _concerned(resource: Resource, fact: _Fact) -> bool:
    named = resource.ref.kind in fact.kinds and fact.concerns(resource.body)
    return named or bool(fact.block and resource.item[:1] == (fact.block,))


def crossed(before: Release, after: Release, component: str, since: str) -> bool | None:
    """True where the way leads up over the version, False down over it, None where it does not."""
    old, new = before.components.get(component), after.components.get(component)
    if old is None or new is None:
        return None
    had, has = (numbers(version) >= numbers(since) for version in (old, new))
    return None if had == has else has


def advice(
    before: Release, after: Release, resources: Iterable[Resource], position: Callable[[Resource], Pos]
) -> Iterator[Advice]:
    """What to know of the way between two releases, for what there is."""
    every = tuple(resources)
    for fact in FACTS:
        up = crossed(before, after, fact.component, fact.since)
        message = "" if up is None else fact.up if up else fact.down
        concerned = [r for r in every if _concerned(r, fact)] if message else []
        if concerned:
            places = {(".".join(map(str, r.item)), position(r)): None for r in concerned}
            yield Advice(fact.component, fact.since, message, fact.source, tuple(places))
