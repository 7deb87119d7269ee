"""Quotas: the same verdict as the API server's, and the arithmetic in the words."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest

from kfspec.catalog import Release
from kfspec.checks.mesh import labels_of
from kfspec.checks.pods import pods_of
from kfspec.checks.quota import check
from kfspec.manifests import check_manifests
from kfspec.resource import Resource, ref_of
from kfspec.yamlio.dump import dump
from tests.checks.support import said, shown
from tests.support.controlplane import ControlPlane

HARD = {
    "requests.cpu": "2",
    "limits.cpu": "3",
    "memory": "2Gi",
    "limits.memory": "3Gi",
    "requests.example.com/gpu": "2",
    "pods": "10",
    "requests.storage": "10Gi",
    "fast.storageclass.storage.k8s.io/requests.storage": "5Gi",
    "persistentvolumeclaims": "2",
}
LIMIT_RANGE = {
    "apiVersion": "v1",
    "kind": "LimitRange",
    "metadata": {"name": "defaults"},
    "spec": {
        "limits": [
            {
                "type": "Container",
                "default": {"cpu": "1"},
                "defaultRequest": {"cpu": "500m"},
                "max": {"memory": "2Gi"},
                "min": {"memory": "256Mi"},
            }
        ]
    },
}


def quota() -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": HARD}}


def drawn(amount: random.Random) -> dict[str, Any]:
    """A container that states more or less."""
    resources: dict[str, Any] = {}
    for kind in ("requests", "limits"):
        given = {
            "cpu": amount.choice([None, "500m", "1", "1500m", 2]),
            "memory": amount.choice([None, "512Mi", "1Gi", "1500M", "2Gi"]),
        }
        if amount.random() < 0.9:
            resources[kind] = {key: value for key, value in given.items() if value is not None}
    if amount.random() < 0.3:
        resources.setdefault("limits", {})["example.com/gpu"] = amount.choice(["1", "2", "3"])
        resources.setdefault("requests", {}).pop("example.com/gpu", None)
    return resources


def objects() -> list[dict[str, Any]]:
    """Pods of one to three containers, and claims."""
    amount = random.Random(11)  # the same ones each time
    made: list[dict[str, Any]] = []
    for _ in range(160):
        spec: dict[str, Any] = {"containers": [{"name": "a", "image": "a", "resources": drawn(amount)}]}
        if amount.random() < 0.4:
            spec["containers"].append({"name": "b", "image": "a", "resources": drawn(amount)})
        if amount.random() < 0.4:
            first = {"name": "c", "image": "a", "resources": drawn(amount)}
            spec["initContainers"] = [first | ({"restartPolicy": "Always"} if amount.random() < 0.5 else {})]
        made.append({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec})
    for size in ("1Gi", "5Gi", "5.5Gi", "10Gi", "10241Mi", "1e10", "11e9"):
        for storage_class in (None, "fast", "slow"):
            spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
            spec |= {"storageClassName": storage_class} if storage_class else {}
            made.append({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c"}, "spec": spec})
    return made


def placed(body: dict[str, Any], namespace: str) -> Resource:
    body = {**body, "metadata": {**body["metadata"], "namespace": namespace}}
    return Resource(ref_of(body), body, {})


def prepared(plane: ControlPlane, namespace: str, *more: dict[str, Any]) -> None:
    """A namespace with the quota, whose status says that nothing is used, once admission knows of it."""
    plane.create_namespace(namespace)
    answers = plane.apply([placed(body, namespace).body for body in (*more, quota())])
    assert [answer.status for answer in answers] == [201] * len(answers)
    path = f"/api/v1/namespaces/{namespace}/resourcequotas/q"
    stored = plane.request("GET", path).body
    status = {"hard": stored["spec"]["hard"], "used": dict.fromkeys(HARD, "0")}
    assert plane.request("PUT", f"{path}/status", {**stored, "status": status}).status == 200
    hungry = {"limits": {"cpu": "1", "memory": "1Gi", "example.com/gpu": "9"}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "a", "image": "a", "resources": hungry}]},
    }
    deadline = time.monotonic() + 20
    while "exceeded quota" not in plane.request("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", pod).message:
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.apiserver
@pytest.mark.parametrize("more", [(), (LIMIT_RANGE,)], ids=["no defaults", "limit range"])
def test_the_verdict_is_the_servers(
    controlplane: ControlPlane, namespace: str, kubeflow: Release, more: tuple[dict[str, Any], ...]
) -> None:
    namespace = f"{namespace}-quota"
    prepared(controlplane, namespace, *more)
    around = tuple(placed(body, namespace) for body in (*more, quota()))
    wrong, judged, refusals = [], 0, 0
    for body in objects():
        resource = placed(body, namespace)
        plural = "pods" if body["kind"] == "Pod" else "persistentvolumeclaims"
        answer = controlplane.request("POST", f"/api/v1/namespaces/{namespace}/{plural}?dryRun=All", resource.body)
        refused = answer.status == 403 and "quota" in answer.message
        if answer.status not in (201, 403) or "per Container" in answer.message:
            continue  # a request above its limit, or above the maximum of the LimitRange
        assert refused or answer.status == 201, answer.message
        resources = (*around, resource)
        found = list(check(resources, pods_of(resources), kubeflow, labels_of(resources, kubeflow, (), {})))
        judged, refusals = judged + 1, refusals + refused
        if bool(found) != refused:
            wrong.append((body["spec"], answer.message, found))
    assert wrong == []
    assert judged > 50
    assert 10 < refusals < judged - 10


SCOPES: dict[str, dict[str, Any]] = {
    "terminating": {"scopes": ["Terminating"]},
    "standing": {"scopes": ["NotTerminating"]},
    "idle": {"scopes": ["BestEffort"]},
    "sized": {"scopes": ["NotBestEffort"]},
    "both": {"scopes": ["NotTerminating", "BestEffort"]},
    "some": {"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "Exists"}]}},
    "none": {"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "DoesNotExist"}]}},
    "in": {
        "scopeSelector": {
            "matchExpressions": [
                {"scopeName": "PriorityClass", "operator": "In", "values": ["kfspec-quota-high", "other"]}
            ]
        }
    },
    "notin": {
        "scopeSelector": {
            "matchExpressions": [{"scopeName": "PriorityClass", "operator": "NotIn", "values": ["kfspec-quota-high"]}]
        }
    },
    "abroad": {"scopes": ["CrossNamespacePodAffinity"]},
}


def shapes() -> list[dict[str, Any]]:
    """Pods of all sorts that scopes tell apart."""
    term = {"topologyKey": "a", "labelSelector": {"matchLabels": {"a": "b"}}}
    affinities: list[dict[str, Any]] = [
        {},
        {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}},
        {
            "affinity": {
                "podAntiAffinity": {
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                        {"weight": 1, "podAffinityTerm": {**term, "namespaceSelector": {}}}
                    ]
                }
            }
        },
        {
            "affinity": {
                "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{**term, "namespaces": ["x"]}]}
            }
        },
    ]
    sizes: list[dict[str, Any]] = [
        {},
        {"requests": {"cpu": "1"}},
        {"limits": {"memory": "1Mi"}},
        {"requests": {"cpu": "0"}},
    ]
    made = []
    for deadline in ({}, {"activeDeadlineSeconds": 60}):
        for priority in ({}, {"priorityClassName": "kfspec-quota-high"}):
            for size in sizes:
                for affinity in affinities:
                    spec = {
                        "containers": [{"name": "a", "image": "a", "resources": size}],
                        **deadline,
                        **priority,
                        **affinity,
                    }
                    made.append({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec})
    return made


@pytest.mark.apiserver
def test_a_scope_counts_what_the_server_counts(controlplane: ControlPlane, namespace: str, kubeflow: Release) -> None:
    """Each quota allows no pod at all, so a pod is refused by exactly those that count it."""
    namespace = f"{namespace}-scopes"
    controlplane.create_namespace(namespace)
    quotas = [
        placed({**quota(), "metadata": {"name": name}, "spec": {"hard": {"pods": "0"}, **spec}}, namespace)
        for name, spec in SCOPES.items()
    ]
    high = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "kfspec-quota-high"},
        "value": 7,
    }
    assert [answer.status for answer in controlplane.apply([high])] == [201]
    seen = {True: 0, False: 0}
    for each in quotas:
        assert [answer.status for answer in controlplane.apply([each.body])] == [201]
        path = f"/api/v1/namespaces/{namespace}/resourcequotas/{each.ref.name}"
        stored = controlplane.request("GET", path).body
        stored["status"] = {"hard": stored["spec"]["hard"], "used": {"pods": "0"}}
        assert controlplane.request("PUT", f"{path}/status", stored).status == 200
        wrong = []
        for settled in (False, True):  # admission hears of a quota a little later
            wrong = list(_misjudged(controlplane, namespace, each, kubeflow, seen))
            if not wrong:
                break
            time.sleep(0 if settled else 3)
        assert wrong == [], each.ref.name
        assert controlplane.request("DELETE", path).status == 200
        time.sleep(0.5)
    assert min(seen.values()) > 100
    controlplane.request("DELETE", "/apis/scheduling.k8s.io/v1/priorityclasses/kfspec-quota-high")


def _misjudged(
    plane: ControlPlane, namespace: str, scoped: Resource, kubeflow: Release, seen: dict[bool, int]
) -> list[tuple[Any, str]]:
    wrong = []
    for body in shapes():
        resource = placed(body, namespace)
        answer = plane.request("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", resource.body)
        refused = answer.status == 403 and scoped.ref.name in answer.message
        assert refused or answer.status == 201, answer.message
        both = (scoped, resource)
        found = list(check(both, pods_of(both), kubeflow, labels_of(both, kubeflow, (), {})))
        seen[refused] += 1
        if bool(found) != refused:
            wrong.append((body["spec"], answer.message))
    return wrong


# -- what is said --------------------------------------------------------------------------------------------

NOTEBOOK = {"image": "a", "resources": {"cpu": 2, "memory": "8Gi"}}
SPARK: dict[str, Any] = {
    "image": "spark:3.5.3",
    "sparkVersion": "3.5.3",
    "type": "Python",
    "mainApplicationFile": "local:///a.py",
    "driver": {"cores": 1, "memory": "2g"},
    "executor": {"cores": 2, "memory": "4g", "instances": 3},
}
SERVER = {
    "predictor": {"minReplicas": 3, "maxReplicas": 5, "model": {"modelFormat": "sklearn", "storageUri": "gs://a"}}
}
TUNE = {
    "trial": {"trainingJob": "a"},
    "objective": {"type": "maximize", "objectiveMetricName": "acc"},
    "algorithm": {"algorithmName": "random"},
    "parameters": [{"name": "lr", "parameterType": "double", "feasibleSpace": {"min": "0.1", "max": "0.2"}}],
    "parallelTrialCount": 4,
    "maxTrialCount": 8,
}


def job(cpu: Any, **more: Any) -> dict[str, Any]:
    return {"kind": "PyTorchJob", "image": "a", "command": ["a"], "resources": {"cpu": cpu}, **more}


def hard(**limits: Any) -> dict[str, Any]:
    """A profile with a quota; `requests_cpu` is requests.cpu."""
    return {
        "t": {
            "owner": "ana@example.com",
            "resourceQuotaSpec": {"hard": {k.replace("_", "."): v for k, v in limits.items()}},
        }
    }


CODES = ("KF770", "KF771")


def test_what_stands_does_not_fit(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        profiles=hard(requests_cpu=3),
        notebooks={"n": NOTEBOOK, "m": NOTEBOOK},
    ) == [
        "error never-works KF770 profiles.t.resourceQuotaSpec.hard[\"requests.cpu\"]: the quota of 't' allows "
        "3 of requests.cpu, and what is declared there asks for 4200m [notebooks.m asks for 2100m (100m of it for "
        "istio-proxy)] [notebooks.n asks for 2100m (100m of it for istio-proxy)] (raise the quota, or ask for less)",
    ]


def test_each_namespace_counts_its_own(tmp_path: Path) -> None:
    profiles = {name: {"owner": "a@x", "resourceQuotaSpec": {"hard": {"requests.cpu": 1}}} for name in ("t", "u", "v")}
    notebooks = {
        name: {"profile": name, "image": "x:1", "resources": {"cpu": cpu, "memory": "1Gi"}, "workspace": "none"}
        for name, cpu in (("t", 2), ("u", "500m"), ("v", 3))
    }
    found = said(tmp_path, "KF770", profiles=profiles, notebooks=notebooks)
    assert [line.split(": ")[0] for line in found] == [
        f'error never-works KF770 profiles.{name}.resourceQuotaSpec.hard["requests.cpu"]' for name in ("t", "v")
    ]


def test_what_just_fits(tmp_path: Path) -> None:
    assert (
        said(
            tmp_path,
            *CODES,
            profiles=hard(requests_cpu="4200m", requests_memory="16640Mi", pods=2),
            notebooks={"n": NOTEBOOK, "m": NOTEBOOK},
        )
        == []
    )


def test_runs_that_wait_for_one_another(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        profiles=hard(requests_cpu=10),
        notebooks={"n": NOTEBOOK},
        trainingJobs={"a": job(5, workers=0), "b": job(5, workers=0)},
    ) == [
        "warning advice KF770 profiles.t.resourceQuotaSpec.hard[\"requests.cpu\"]: the quota of 't' allows 10 "
        "of requests.cpu, and what is declared there asks for 12300m if all runs at once [trainingJobs.a asks "
        "for 5100m (100m of it for istio-proxy)] [trainingJobs.b asks for 5100m (100m of it for istio-proxy)] "
        "[notebooks.n asks for 2100m (100m of it for istio-proxy)] (raise the quota, or let runs wait for one another)",
    ]


def test_a_run_that_never_fits(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        profiles=hard(requests_cpu=10),
        notebooks={"n": NOTEBOOK},
        trainingJobs={"a": job(3, workers=2)},
    ) == [
        "error never-works KF770 profiles.t.resourceQuotaSpec.hard[\"requests.cpu\"]: the quota of 't' allows "
        "10 of requests.cpu, and what is declared there asks for 11400m [trainingJobs.a asks for 9300m (3100m + 2 x "
        "3100m; 300m of it for istio-proxy)] [notebooks.n asks for 2100m (100m of it for istio-proxy)] (raise the quota, "
        "or ask for less)",
    ]


def test_a_suspended_run(tmp_path: Path) -> None:
    assert (
        said(
            tmp_path,
            *CODES,
            profiles=hard(requests_cpu=10),
            trainingJobs={"a": job(30, workers=2, runPolicy={"suspend": True})},
        )
        == []
    )


def test_a_template_is_no_run(tmp_path: Path) -> None:
    assert (
        said(
            tmp_path,
            *CODES,
            profiles=hard(requests_cpu=10),
            trainingJobs={"a": job(30, run=False)},
        )
        == []
    )


def test_trials_in_parallel(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        profiles=hard(requests_cpu=10),
        trainingJobs={"a": job(3, run=False)},
        experiments={"e": TUNE},
    ) == [
        "warning advice KF770 profiles.t.resourceQuotaSpec.hard[\"requests.cpu\"]: the quota of 't' allows 10 "
        "of requests.cpu, and what is declared there asks for 12400m if all runs at once [experiments.e asks for "
        "12400m (4 x 3100m; 400m of it for istio-proxy)] (raise the quota, or let runs wait for one another)",
    ]


def test_one_trial_alone(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        profiles=hard(requests_cpu=10),
        trainingJobs={"a": job(11, run=False)},
        experiments={"e": TUNE},
    ) == [
        "error never-works KF770 profiles.t.resourceQuotaSpec.hard[\"requests.cpu\"]: the quota of 't' allows "
        "10 of requests.cpu, and what is declared there asks for 44400m [experiments.e asks for 44400m (4 x 11100m; "
        "400m of it for istio-proxy)] (raise the quota, or ask for less)",
    ]


def test_spark(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        profiles=hard(requests_cpu=2, requests_memory="4Gi"),
        sparkApplications={"s": SPARK},
    ) == [
        "error never-works KF770 profiles.t.resourceQuotaSpec.hard[\"requests.cpu\"]: the quota of 't' allows "
        "2 of requests.cpu, and what is declared there asks for 7400m [sparkApplications.s asks for 7400m (1100m + 3 x "
        "2100m; 400m of it for istio-proxy)] (raise the quota, or ask for less)",
        "error never-works KF770 profiles.t.resourceQuotaSpec.hard[\"requests.memory\"]: the quota of 't' "
        "allows 4Gi of requests.memory, and what is declared there asks for 20581Mi [sparkApplications.s "
        "asks for 20581Mi (2995Mi + 3 x 5862Mi; 512Mi of it for istio-proxy)] (raise the quota, or ask for less)",
    ]


def test_spark_states_no_core_limit(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        profiles=hard(limits_cpu=20),
        sparkApplications={"s": SPARK | {"driver": {"coreLimit": "1200m"}}},
    ) == [
        "error never-works KF771 sparkApplications.s.executor: container 'spark-kubernetes-executor' states "
        "no limits.cpu, which the quota of its namespace counts, so its pods are refused (set 'coreLimit', "
        "or declare a LimitRange with defaults ('limitRange' of the profile))",
    ]


QUEUE = {f"queue.sidecar.serving.knative.dev/{of}-resource-limit": "100Mi" for of in ("memory",)}


def test_a_server_that_may_grow(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        profiles=hard(limits_memory="5Gi"),
        inferenceServices={"i": SERVER | {"annotations": QUEUE}},
    ) == [
        "error never-works KF770 profiles.t.resourceQuotaSpec.hard[\"limits.memory\"]: the quota of 't' allows "
        "5Gi of limits.memory, and what is declared there asks for 9516Mi [inferenceServices.i asks for 9516Mi (3 "
        "x 3172Mi; 3372Mi of it for istio-proxy and queue-proxy), and may grow to 5 replicas] (raise the quota, or ask for less)",
    ]


def test_a_server_asks_for_what_its_runtime_does(tmp_path: Path) -> None:
    assert (
        said(
            tmp_path,
            *CODES,
            profiles=hard(limits_memory="9516Mi", requests_cpu="3375m"),
            inferenceServices={"i": SERVER | {"annotations": QUEUE}},
        )
        == []
    )


def test_objects_by_number(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        profiles=hard(**{"count/notebooks_kubeflow_org": 1}),
        notebooks={"n": NOTEBOOK, "m": NOTEBOOK},
    ) == [
        'error never-works KF770 profiles.t.resourceQuotaSpec.hard["count/notebooks.kubeflow.org"]: the '
        "quota of 't' allows 1 of count/notebooks.kubeflow.org, and what is declared there asks for 2 "
        "[notebooks.m asks for 1] [notebooks.n asks for 1] (raise the quota, or ask for less)",
    ]


def test_claims(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        profiles=hard(requests_storage="10Gi", persistentvolumeclaims=1),
        volumes={"v": {"size": "6Gi"}, "w": {"size": "5Gi"}},
    ) == [
        "error never-works KF770 profiles.t.resourceQuotaSpec.hard.persistentvolumeclaims: the quota of 't' "
        "allows 1 of persistentvolumeclaims, and what is declared there asks for 2 [volumes.v asks for 1] "
        "[volumes.w asks for 1] (raise the quota, or ask for less)",
        "error never-works KF770 profiles.t.resourceQuotaSpec.hard[\"requests.storage\"]: the quota of 't' "
        "allows 10Gi of requests.storage, and what is declared there asks for 11Gi [volumes.v asks for 6Gi] "
        "[volumes.w asks for 5Gi] (raise the quota, or ask for less)",
    ]


def scoped(hard: dict[str, Any], *names: str, **selector: Any) -> dict[str, Any]:
    """A profile whose quota counts some pods only."""
    spec: dict[str, Any] = {"hard": hard, **({"scopes": list(names)} if names else {})}
    if selector:
        spec["scopeSelector"] = {"matchExpressions": [selector]}
    return {"t": {"owner": "a@example.com", "resourceQuotaSpec": spec}}


def test_a_scope_leaves_out_what_does_not_fit(tmp_path: Path) -> None:
    for profiles in (
        scoped({"cpu": 1}, "Terminating"),
        scoped({"cpu": 1}, "NotTerminating", "BestEffort"),
        scoped({"cpu": 1}, scopeName="PriorityClass", operator="In", values=["high"]),
        scoped({"count/notebooks.kubeflow.org": 0}, "NotTerminating"),
    ):
        assert said(tmp_path, *CODES, profiles=profiles, notebooks={"n": NOTEBOOK}) == []


def test_a_scope_counts_what_fits(tmp_path: Path) -> None:
    told = (
        "error never-works KF770 profiles.t.resourceQuotaSpec.hard.cpu: the quota of 't' allows 1 of cpu, and what is declared "
        "there asks for 2100m [notebooks.n asks for 2100m (100m of it for istio-proxy)] (raise the quota, or ask for less)"
    )
    for profiles in (
        scoped({"cpu": 1}, "NotTerminating"),
        scoped({"cpu": 1}, "NotBestEffort"),
        scoped({"cpu": 1}, scopeName="PriorityClass", operator="NotIn", values=["high"]),
    ):
        assert said(tmp_path, *CODES, profiles=profiles, notebooks={"n": NOTEBOOK}) == [told]


def test_a_run_of_another_priority_is_not_counted(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        profiles=scoped({"requests.cpu": 2}, scopeName="PriorityClass", operator="In", values=["high"]),
        trainingJobs={"a": job(3, workers=0, priorityClassName="high"), "b": job(8, workers=0)},
    ) == [
        "error never-works KF770 profiles.t.resourceQuotaSpec.hard[\"requests.cpu\"]: the quota of 't' allows 2 of requests.cpu, "
        "and what is declared there asks for 3100m [trainingJobs.a asks for 3100m (100m of it for istio-proxy)] (raise the quota, "
        "or ask for less)"
    ]


def test_what_a_scope_leaves_out_need_not_state_anything(tmp_path: Path) -> None:
    profiles = scoped({"requests.cpu": 8}, "Terminating")
    assert said(tmp_path, *CODES, profiles=profiles, notebooks={"n": {"image": "a"}}) == []


# -- what others put into pods -----------------------------------------------------------------------------------


def test_only_the_sidecar_does_not_fit(tmp_path: Path) -> None:
    """A warning: the mesh may be installed with other amounts."""
    assert said(tmp_path, *CODES, profiles=hard(requests_cpu=2), notebooks={"n": NOTEBOOK}) == [
        "warning never-works KF770 profiles.t.resourceQuotaSpec.hard[\"requests.cpu\"]: the quota of 't' allows 2 of requests.cpu, "
        "and what is declared there asks for 2100m [notebooks.n asks for 2100m (100m of it for istio-proxy)] (raise the quota, or "
        "ask for less)"
    ]


@pytest.mark.parametrize("key", ["podLabels", "podAnnotations"])
def test_no_sidecar(tmp_path: Path, key: str) -> None:
    quiet = job(2, workers=0, **{key: {"sidecar.istio.io/inject": "false"}})
    assert said(tmp_path, *CODES, profiles=hard(requests_cpu=2), trainingJobs={"a": quiet}) == []


def test_no_sidecar_of_spark(tmp_path: Path) -> None:
    quiet = {"labels": {"sidecar.istio.io/inject": "false"}}
    spark = SPARK | {"driver": SPARK["driver"] | quiet, "executor": SPARK["executor"] | quiet}
    assert said(tmp_path, *CODES, profiles=hard(requests_cpu=7), sparkApplications={"s": spark}) == []


def test_spark_keeps_what_a_pod_template_asks_for(tmp_path: Path) -> None:
    """Spark adds its amounts to those of the container, and knows nothing of the others."""
    mine = {"name": "spark-kubernetes-driver", "resources": {"limits": {"nvidia.com/gpu": 2, "cpu": 64}}}
    log = {"name": "log", "image": "log:1", "resources": {"requests": {"cpu": 3}, "limits": {"cpu": 3}}}
    template = {"spec": {"serviceAccountName": "default-editor", "containers": [mine, log]}}
    spark = {**SPARK, "driver": {"template": template, "coreLimit": 1}, "executor": {"instances": 1, "coreLimit": 1}}
    limits = {"requests.nvidia.com/gpu": 1, "limits.cpu": 4}
    assert said(tmp_path, "KF770", profiles=hard(**limits), sparkApplications={"s": spark}) == [
        "error never-works KF770 profiles.t.resourceQuotaSpec.hard[\"limits.cpu\"]: the quota of 't' allows 4 of limits.cpu, and what "
        "is declared there asks for 9 [sparkApplications.s asks for 9 (6 + 3; 4 of it for istio-proxy)] (raise the quota, or ask for "
        "less)",
        "error never-works KF770 profiles.t.resourceQuotaSpec.hard[\"requests.nvidia.com/gpu\"]: the quota of 't' allows 1 of "
        "requests.nvidia.com/gpu, and what is declared there asks for 2 [sparkApplications.s asks for 2] (raise the quota, or ask for "
        "less)",
    ]


def test_a_sidecar_of_another_size(tmp_path: Path) -> None:
    notes = {"annotations": {"sidecar.istio.io/proxyCPU": "1"}}
    assert said(
        tmp_path, *CODES, profiles=hard(requests_cpu=2, requests_memory="9Gi"), notebooks={"n": NOTEBOOK | notes}
    ) == [
        "warning never-works KF771 notebooks.n: the mesh's container 'istio-proxy' states no requests.memory, which the quota of its "
        "namespace counts, so its pods are refused (annotate the pods: 'sidecar.istio.io/proxyCPU', '...proxyMemory', "
        "'...proxyCPULimit', '...proxyMemoryLimit', or declare a LimitRange with defaults ('limitRange' of the profile))",
        "warning never-works KF770 profiles.t.resourceQuotaSpec.hard[\"requests.cpu\"]: the quota of 't' allows 2 of requests.cpu, "
        "and what is declared there asks for 3 [notebooks.n asks for 3 (1 of it for istio-proxy)] (raise the quota, or ask for less)",
    ]


def test_knatives_container_states_no_memory(tmp_path: Path) -> None:
    assert said(
        tmp_path, *CODES, profiles=hard(requests_memory="64Gi", limits_cpu=64), inferenceServices={"i": SERVER}
    ) == [
        "warning never-works KF771 inferenceServices.i.predictor: Knative's container 'queue-proxy' states no limits.cpu, "
        "requests.memory, which the quota of its namespace counts, so its pods are refused (declare a LimitRange with defaults "
        "('limitRange' of the profile), or annotate the service: "
        "'queue.sidecar.serving.knative.dev/cpu-resource-limit', ...)"
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"annotations": {"serving.kserve.io/deploymentMode": "RawDeployment"}},
        {"annotations": {"queue.sidecar.serving.knative.dev/resource-percentage": "10"}},
    ],
    ids=["no Knative", "a share of the server's"],
)
def test_knatives_container_is_sized_or_not_there(tmp_path: Path, more: dict[str, Any]) -> None:
    profiles = hard(requests_memory="64Gi", limits_cpu=64)
    assert said(tmp_path, *CODES, profiles=profiles, inferenceServices={"i": SERVER | more}) == []


def test_a_share_of_the_servers_amounts_has_bounds(tmp_path: Path) -> None:
    notes = {"queue.sidecar.serving.knative.dev/resource-percentage": "50"}
    model = {
        "minReplicas": 1,
        "model": {"modelFormat": "sklearn", "storageUri": "gs://a", "runtime": "kserve-sklearnserver"},
    }
    assert said(
        tmp_path,
        *CODES,
        profiles=hard(requests_memory="1Gi", limits_cpu=2),
        inferenceServices={"i": {"annotations": notes, "predictor": model}},
    ) == [
        "warning never-works KF770 profiles.t.resourceQuotaSpec.hard[\"limits.cpu\"]: the quota of 't' allows 2 of limits.cpu, "
        "and what is declared there asks for 3500m [inferenceServices.i asks for 3500m (2500m of it for istio-proxy and "
        "queue-proxy)] (raise the quota, or ask for less)",
        "error never-works KF770 profiles.t.resourceQuotaSpec.hard[\"requests.memory\"]: the quota of 't' allows 1Gi of "
        "requests.memory, and what is declared there asks for 2376Mi [inferenceServices.i asks for 2376Mi (328Mi of it for "
        "istio-proxy and queue-proxy)] (raise the quota, or ask for less)",
    ]


def test_a_logger_is_a_container(tmp_path: Path) -> None:
    raw = {"serving.kserve.io/deploymentMode": "RawDeployment", "sidecar.istio.io/inject": "false"}
    server = {
        "model": {"modelFormat": "sklearn", "storageUri": "pvc://a/b"},
        "logger": {"mode": "all", "url": "http://a"},
    }
    assert said(
        tmp_path,
        "KF770",
        profiles=hard(requests_cpu=1),
        inferenceServices={"i": {"annotations": raw, "predictor": server}},
    ) == [
        "warning never-works KF770 profiles.t.resourceQuotaSpec.hard[\"requests.cpu\"]: the quota of 't' allows 1 of requests.cpu, "
        "and what is declared there asks for 1100m [inferenceServices.i asks for 1100m (100m of it for agent)] (raise the quota, or "
        "ask for less)"
    ]


def test_what_loads_a_model_may_ask_for_more_than_the_server(tmp_path: Path) -> None:
    """It runs beside the sidecar, before the server does."""
    raw = {"serving.kserve.io/deploymentMode": "RawDeployment"}
    small = {"requests": {"cpu": "10m", "memory": "10Mi"}, "limits": {"cpu": "1", "memory": "64Mi"}}
    server = {"model": {"modelFormat": "sklearn", "storageUri": "gs://a", "resources": small}}
    assert said(
        tmp_path,
        "KF770",
        profiles=hard(limits_memory="1Gi"),
        inferenceServices={"i": {"annotations": raw, "predictor": server}},
    ) == [
        "warning never-works KF770 profiles.t.resourceQuotaSpec.hard[\"limits.memory\"]: the quota of 't' allows 1Gi of "
        "limits.memory, and what is declared there asks for 2Gi [inferenceServices.i asks for 2Gi (2Gi of it for istio-proxy and "
        "storage-initializer)] (raise the quota, or ask for less)"
    ]


def test_a_custom_server_with_an_init_container(tmp_path: Path) -> None:
    """KServe gives its amounts to the server, and none to what runs before it."""
    server = {
        "initContainers": [{"name": "a", "image": "a"}],
        "containers": [{"name": "kserve-container", "image": "a"}],
    }
    notes = {"sidecar.istio.io/inject": "false", "serving.kserve.io/deploymentMode": "RawDeployment"}
    assert said(
        tmp_path,
        *CODES,
        profiles=hard(requests_cpu=1),
        inferenceServices={"i": {"annotations": notes, "predictor": server}},
    ) == [
        "error never-works KF771 inferenceServices.i.predictor.initContainers[0]: container 'a' states no requests.cpu, which the "
        "quota of its namespace counts, so its pods are refused (state them under 'resources', or declare a LimitRange with "
        "defaults ('limitRange' of the profile))"
    ]


def test_the_operator_gives_a_connect_server_no_amounts(tmp_path: Path) -> None:
    server = {
        "image": "spark:4.0.0",
        "sparkVersion": "4.0.0",
        "server": {"cores": 1, "memory": "2g"},
        "executor": {"cores": 1, "memory": "2g", "instances": 1},
    }
    assert said(tmp_path, *CODES, kubeflow="1.11", profiles=hard(requests_cpu=2), sparkConnects={"s": server}) == [
        "error never-works KF771 sparkConnects.s.server: container 'spark-kubernetes-driver' states no requests.cpu, which the quota "
        "of its namespace counts, so its pods are refused (state them in the server's 'template': 'cores' and 'memory' are Spark's "
        "alone there, or declare a LimitRange with defaults ('limitRange' of the profile))"
    ]


def test_the_largest_number_of_executors_comes_first(tmp_path: Path) -> None:
    growing = {"dynamicAllocation": {"enabled": True, "minExecutors": 1, "initialExecutors": 2, "maxExecutors": 9}}
    assert said(tmp_path, "KF770", profiles=hard(pods=3), sparkApplications={"s": SPARK | growing}) == [
        "warning advice KF770 profiles.t.resourceQuotaSpec.hard.pods: the quota of 't' allows 3 of pods, and what is declared there "
        "asks for 4 if all runs at once [sparkApplications.s asks for 4 (1 + 3 x 1), and may grow to 9 replicas] (raise the quota, "
        "or let runs wait for one another)"
    ]


# -- the pods of a TrainJob --------------------------------------------------------------------------------------


def tuned(**more: Any) -> dict[str, Any]:
    return {"kubeflow": "1.11", "trainingJobs": {"a": {"kind": "TrainJob", **more}}}


def test_a_job_of_a_shipped_runtime_states_nothing(tmp_path: Path) -> None:
    assert said(tmp_path, *CODES, profiles=hard(requests_cpu=8), **tuned(runtime="torch-distributed")) == [
        "error never-works KF771 trainingJobs.a: container 'node' states no requests.cpu, which the quota of its namespace counts, so "
        "its pods are refused (state them under 'trainer.resourcesPerNode', or declare a LimitRange with defaults ('limitRange' of "
        "the profile))"
    ]


def test_the_nodes_of_a_job(tmp_path: Path) -> None:
    trainer = {"numNodes": 3, "resourcesPerNode": {"cpu": 4}}
    assert said(
        tmp_path, *CODES, profiles=hard(requests_cpu=8), **tuned(runtime="torch-distributed", trainer=trainer)
    ) == [
        "error never-works KF770 profiles.t.resourceQuotaSpec.hard[\"requests.cpu\"]: the quota of 't' allows 8 of requests.cpu, and "
        "what is declared there asks for 12300m [trainingJobs.a asks for 12300m (3 x 4100m; 300m of it for istio-proxy)] (raise the "
        "quota, or ask for less)"
    ]


def test_the_launcher_of_mpi_is_a_node(tmp_path: Path) -> None:
    trainer = {"numNodes": 3, "resourcesPerNode": {"cpu": 4}}
    assert said(tmp_path, *CODES, profiles=hard(pods=2), **tuned(runtime="deepspeed-distributed", trainer=trainer)) == [
        "error never-works KF770 profiles.t.resourceQuotaSpec.hard.pods: the quota of 't' allows 2 of pods, and what is declared "
        "there asks for 3 [trainingJobs.a asks for 3 (1 + 2 x 1)] (raise the quota, or ask for less)"
    ]


def test_a_runtime_states_what_its_nodes_ask_for(tmp_path: Path) -> None:
    container = {"image": "a", "resources": {"requests": {"cpu": 2}}}
    step = {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}
    pods = {"template": {"spec": {"containers": {"node": container}}}}
    runtime = {
        "mlPolicy": {"numNodes": 2, "torch": {}},
        "template": {"spec": {"replicatedJobs": {"node": {"template": {"metadata": {"labels": step}, "spec": pods}}}}},
    }
    assert said(
        tmp_path,
        *CODES,
        profiles=hard(requests_cpu=3),
        trainingRuntimes={"mine": runtime},
        **tuned(runtime="mine", trainer={"numNodes": 2}),
    ) == [
        "error never-works KF770 profiles.t.resourceQuotaSpec.hard[\"requests.cpu\"]: the quota of 't' allows 3 of requests.cpu, and "
        "what is declared there asks for 4200m [trainingJobs.a asks for 4200m (2 x 2100m; 200m of it for istio-proxy)] (raise the "
        "quota, or ask for less)"
    ]


def test_one_environment(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        profiles=hard(requests_cpu=1),
        notebooks={"n": NOTEBOOK},
        environments={"dev": {}, "prod": {"profiles": hard(requests_cpu=3)}},
    ) == [
        "error never-works KF770 profiles.t.resourceQuotaSpec.hard[\"requests.cpu\"]: the quota of 't' allows "
        "1 of requests.cpu, and what is declared there asks for 2100m [notebooks.n asks for 2100m (100m of it for "
        "istio-proxy)] [in environment dev] (raise the quota, or ask for less)",
    ]


def test_no_requests(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        profiles=hard(requests_cpu=8, requests_memory="8Gi"),
        notebooks={"n": {"image": "a"}},
    ) == [
        "error never-works KF771 notebooks.n: container 'n' states no requests.cpu, requests.memory, which "
        "the quota of its namespace counts, so its pods are refused (state them under 'resources', or "
        "declare a LimitRange with defaults ('limitRange' of the profile))",
    ]


def test_a_limit_is_a_request(tmp_path: Path) -> None:
    assert (
        said(
            tmp_path,
            *CODES,
            profiles=hard(requests_cpu=8),
            notebooks={"n": {"image": "a", "resources": {"limits": {"cpu": 1}}}},
        )
        == []
    )


def test_a_quota_of_its_own(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        resources={
            "q": {
                "apiVersion": "v1",
                "kind": "ResourceQuota",
                "metadata": {"namespace": "t"},
                "spec": {"hard": {"cpu": 1}},
            }
        },
        notebooks={"n": NOTEBOOK},
    ) == [
        "error never-works KF770 resources.q.spec.hard.cpu: the quota of 't' allows 1 of cpu, and what is "
        "declared there asks for 2100m [notebooks.n asks for 2100m (100m of it for istio-proxy)] (raise the quota, or ask "
        "for less)",
    ]


def ranges(**defaults: Any) -> dict[str, Any]:
    """A LimitRange of somebody's."""
    spec = {"limits": [{"type": "Container", **defaults}]}
    return {"r": {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"namespace": "t"}, "spec": spec}}


def test_a_limit_range_states_what_a_container_does_not(tmp_path: Path) -> None:
    said_of = {"notebooks": {"n": {"image": "a"}, "m": {"image": "a"}}, "profiles": hard(requests_cpu=3)}
    assert said(tmp_path, *CODES, **said_of, resources=ranges(defaultRequest={"cpu": 1})) == []
    for defaults in (
        {"default": {"cpu": 2}},
        {"max": {"cpu": 2}},
        {"default": {"cpu": 8}, "defaultRequest": {"cpu": 2}},
    ):
        assert said(tmp_path, *CODES, **said_of, resources=ranges(**defaults)) == [
            'error never-works KF770 profiles.t.resourceQuotaSpec.hard["requests.cpu"]: '
            "the quota of 't' allows 3 of requests.cpu, and what is declared there asks for 4200m "
            "[notebooks.m asks for 2100m (100m of it for istio-proxy)] "
            "[notebooks.n asks for 2100m (100m of it for istio-proxy)] (raise the quota, or ask for less)"
        ]


def manifests(folder: Path, *bodies: dict[str, Any]) -> list[str]:
    """What is said of plain manifests, each in a file of its own."""
    for n, body in enumerate(bodies):
        (folder / f"{n}.yaml").write_text(dump(body), encoding="utf-8")
    found = check_manifests([str(folder)]).diagnostics
    return [f"{Path(d.pos.file).name if d.pos else ''} {shown(d)}" for d in found if d.code in CODES]


def notebook(name: str, **resources: Any) -> dict[str, Any]:
    container = {"name": name, "image": "a", "resources": resources}
    meta = {"name": name, "namespace": "t"}
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": "Notebook",
        "metadata": meta,
        "spec": {"template": {"spec": {"containers": [container]}}},
    }


PROFILE = {
    "apiVersion": "kubeflow.org/v1",
    "kind": "Profile",
    "metadata": {"name": "t"},
    "spec": {"owner": {"kind": "User", "name": "a@example.com"}, "resourceQuotaSpec": {"hard": {"requests.cpu": "3"}}},
}


def test_plain_manifests(tmp_path: Path) -> None:
    few = notebook("n", requests={"cpu": "2"})
    assert manifests(tmp_path, PROFILE, few, notebook("m", requests={"cpu": "2"})) == [
        "0.yaml error never-works KF770 spec.resourceQuotaSpec.hard[\"requests.cpu\"]: the quota of 't' allows 3 of requests.cpu, "
        "and what is declared there asks for 4200m [Notebook/t/m asks for 2100m (100m of it for istio-proxy)] "
        "[Notebook/t/n asks for 2100m (100m of it for istio-proxy)] (raise the quota, or ask for less)"
    ]
    assert manifests(tmp_path, PROFILE, few, notebook("m", requests={"memory": "2Gi"})) == [
        "2.yaml error never-works KF771 spec.template.spec.containers[0].resources: container 'm' states no requests.cpu, which the "
        "quota of its namespace counts, so its pods are refused (state them under 'resources', or declare a LimitRange with "
        "defaults ('limitRange' of the profile))"
    ]


def test_manifests_of_two_environments_are_no_neighbours(tmp_path: Path) -> None:
    few = notebook("n", requests={"cpu": "2"})
    assert manifests(tmp_path, PROFILE, few, few) == []
