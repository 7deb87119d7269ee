"""Quotas: the same verdict as the API server's, and the arithmetic in the words."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest

from kfspec.catalog import Release
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
        found = list(check(resources, pods_of(resources), kubeflow))
        judged, refusals = judged + 1, refusals + refused
        if bool(found) != refused:
            wrong.append((body["spec"], answer.message, found))
    assert wrong == []
    assert judged > 50
    assert 10 < refusals < judged - 10


# -- what is said --------------------------------------------------------------------------------------------

NOTEBOOK = {"image": "a", "resources": {"cpu": 2, "memory": "8Gi"}}
SPARK = {
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
        "3 of requests.cpu, and what is declared there asks for 4 [notebooks.m asks for 2] [notebooks.n asks "
        "for 2] (raise the quota, or ask for less)",
    ]


def test_what_just_fits(tmp_path: Path) -> None:
    assert (
        said(
            tmp_path,
            *CODES,
            profiles=hard(requests_cpu=4, requests_memory="16Gi", pods=2),
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
        "of requests.cpu, and what is declared there asks for 12 if all runs at once [trainingJobs.a asks "
        "for 5] [trainingJobs.b asks for 5] [notebooks.n asks for 2] (raise the quota, or let runs wait for "
        "one another)",
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
        "10 of requests.cpu, and what is declared there asks for 11 [trainingJobs.a asks for 9 (3 + 2 x 3)] "
        "[notebooks.n asks for 2] (raise the quota, or ask for less)",
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
        "of requests.cpu, and what is declared there asks for 12 if all runs at once [experiments.e asks for "
        "12 (4 x 3)] (raise the quota, or let runs wait for one another)",
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
        "10 of requests.cpu, and what is declared there asks for 44 [experiments.e asks for 44 (4 x 11)] "
        "(raise the quota, or ask for less)",
    ]


def test_spark(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        profiles=hard(requests_cpu=2, requests_memory="4Gi"),
        sparkApplications={"s": SPARK},
    ) == [
        "error never-works KF770 profiles.t.resourceQuotaSpec.hard[\"requests.cpu\"]: the quota of 't' allows "
        "2 of requests.cpu, and what is declared there asks for 7 [sparkApplications.s asks for 7 (1 + 3 x "
        "2)] (raise the quota, or ask for less)",
        "error never-works KF770 profiles.t.resourceQuotaSpec.hard[\"requests.memory\"]: the quota of 't' "
        "allows 4Gi of requests.memory, and what is declared there asks for 20069Mi [sparkApplications.s "
        "asks for 20069Mi (2867Mi + 3 x 5734Mi)] (raise the quota, or ask for less)",
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


def test_a_server_that_may_grow(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        profiles=hard(limits_memory="5Gi"),
        inferenceServices={"i": SERVER},
    ) == [
        "error never-works KF770 profiles.t.resourceQuotaSpec.hard[\"limits.memory\"]: the quota of 't' allows "
        "5Gi of limits.memory, and what is declared there asks for 6Gi [inferenceServices.i asks for 6Gi (3 "
        "x 2Gi), and may grow to 5 replicas] (raise the quota, or ask for less)",
    ]


def test_a_server_asks_for_what_its_runtime_does(tmp_path: Path) -> None:
    assert (
        said(
            tmp_path,
            *CODES,
            profiles=hard(limits_memory="6Gi", requests_cpu=3),
            inferenceServices={"i": SERVER},
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


def test_a_scope_leaves_out_what_nobody_knows(tmp_path: Path) -> None:
    assert (
        said(
            tmp_path,
            *CODES,
            profiles={
                "t": {"owner": "a@example.com", "resourceQuotaSpec": {"hard": {"cpu": 1}, "scopes": ["Terminating"]}}
            },
            notebooks={"n": NOTEBOOK},
        )
        == []
    )


def test_one_environment(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        profiles=hard(requests_cpu=1),
        notebooks={"n": NOTEBOOK},
        environments={"dev": {}, "prod": {"profiles": hard(requests_cpu=2)}},
    ) == [
        "error never-works KF770 profiles.t.resourceQuotaSpec.hard[\"requests.cpu\"]: the quota of 't' allows "
        "1 of requests.cpu, and what is declared there asks for 2 [notebooks.n asks for 2] [in environment "
        "dev] (raise the quota, or ask for less)",
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
        "declared there asks for 2 [notebooks.n asks for 2] (raise the quota, or ask for less)",
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
            "the quota of 't' allows 3 of requests.cpu, and what is declared there asks for 4 "
            "[notebooks.m asks for 2] [notebooks.n asks for 2] (raise the quota, or ask for less)"
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
        "and what is declared there asks for 4 [Notebook/t/m asks for 2] [Notebook/t/n asks for 2] (raise the quota, or ask for less)"
    ]
    assert manifests(tmp_path, PROFILE, few, notebook("m", requests={"memory": "2Gi"})) == [
        "2.yaml error never-works KF771 spec.template.spec.containers[0].resources: container 'm' states no requests.cpu, which the "
        "quota of its namespace counts, so its pods are refused (state them under 'resources', or declare a LimitRange with "
        "defaults ('limitRange' of the profile))"
    ]


def test_manifests_of_two_environments_are_no_neighbours(tmp_path: Path) -> None:
    few = notebook("n", requests={"cpu": "2"})
    assert manifests(tmp_path, PROFILE, few, few) == []
