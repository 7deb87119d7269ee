"""Volumes that several pods mount, names that the platform has, and Services of the same name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.checks.support import said

NOTEBOOK = {"image": "a", "volumeMounts": {"v": "/v"}}
JOB = {"kind": "PyTorchJob", "image": "a", "workers": 2}
MODEL = {"model": {"modelFormat": "sklearn", "storageUri": "gs://a"}}


def claim(*modes: str) -> dict[str, Any]:
    return {"v": {"size": "1Gi", "accessModes": list(modes)}}


def of(api: str, kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "t"}, **more}


MAP = {"data": {"a": "b"}}
ROUTE = {"spec": {"hosts": ["a"], "http": [{"route": [{"destination": {"host": "a"}}]}]}}
SERVICE = {"spec": {"ports": [{"port": 80}], "selector": {"app": "a"}}}
HOST = {"kubernetes.io/hostname": "node-1"}


CODES = ("KF742", "KF772", "KF773", "KF774")


def test_a_notebook_and_a_job(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        volumes=claim("ReadWriteOnce"),
        notebooks={"n": NOTEBOOK},
        trainingJobs={"j": JOB | {"volumeMounts": {"v": "/v"}}},
    ) == [
        "warning advice KF773 volumes.v.accessModes: one node alone may mount 'v' (ReadWriteOnce), and the "
        "pods of notebooks.n and trainingJobs.j (3 pods) may run on many (accessModes: [ReadWriteMany], or "
        "the same 'nodeSelector: {kubernetes.io/hostname: ...}' for all of them)",
    ]


def test_one_node_for_all(tmp_path: Path) -> None:
    assert (
        said(
            tmp_path,
            *CODES,
            volumes=claim("ReadWriteOnce"),
            notebooks={"n": NOTEBOOK | {"nodeSelector": HOST}, "m": NOTEBOOK | {"nodeSelector": HOST}},
        )
        == []
    )


def test_many_may_mount(tmp_path: Path) -> None:
    assert (
        said(
            tmp_path,
            *CODES,
            volumes=claim("ReadWriteMany", "ReadWriteOnce"),
            notebooks={"n": NOTEBOOK, "m": NOTEBOOK},
        )
        == []
    )


def test_one_notebook_alone(tmp_path: Path) -> None:
    assert (
        said(
            tmp_path,
            *CODES,
            volumes=claim("ReadWriteOnce"),
            notebooks={"n": NOTEBOOK},
            tensorboards={"b": {"volume": "v"}},
        )
        == []
    )


def test_a_service_that_grows(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        volumes=claim("ReadWriteOnce"),
        inferenceServices={
            "i": {
                "predictor": {
                    "maxReplicas": 4,
                    **MODEL,
                    "volumes": {"v": {"persistentVolumeClaim": {"claimName": "v"}}},
                }
            }
        },
    ) == [
        "warning advice KF773 volumes.v.accessModes: one node alone may mount 'v' (ReadWriteOnce), and the "
        "pods of inferenceServices.i (4 pods) may run on many (accessModes: [ReadWriteMany], or the same "
        "'nodeSelector: {kubernetes.io/hostname: ...}' for all of them)",
    ]


def test_one_pod(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        volumes=claim("ReadWriteOncePod"),
        notebooks={"n": NOTEBOOK},
        trainingJobs={"j": JOB | {"volumeMounts": {"v": "/v"}}},
    ) == [
        "error never-works KF774 volumes.v.accessModes: one pod alone may mount 'v' (ReadWriteOncePod), and "
        "notebooks.n and trainingJobs.j (3 pods) want to (accessModes: [ReadWriteOnce] for pods on one node, "
        "[ReadWriteMany] for many)",
    ]


def test_one_pod_alone(tmp_path: Path) -> None:
    assert (
        said(
            tmp_path,
            *CODES,
            volumes=claim("ReadWriteOncePod"),
            notebooks={"n": NOTEBOOK},
        )
        == []
    )


def test_the_quota_of_the_profile(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        resources={"q": of("v1", "ResourceQuota", "kf-resource-quota", spec={"hard": {"pods": 9}})},
    ) == [
        "error never-works KF772 resources.q.metadata.name: the profile controller makes ResourceQuota "
        "'kf-resource-quota' of the profile, and deletes or resets any other (say it in 'resourceQuotaSpec' "
        "of the profile, or give it another name)",
    ]


def test_an_account_that_all_use(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        resources={"a": of("v1", "ServiceAccount", "default-editor")},
    ) == [
        "warning advice KF772 resources.a.metadata.name: the profile controller makes ServiceAccount "
        "'default-editor' in every profile: pruning it takes it from everything that uses it (do not declare "
        "it, or give yours another name)",
    ]


def test_the_launcher_is_free(tmp_path: Path) -> None:
    assert (
        said(
            tmp_path,
            *CODES,
            resources={
                "a": of("v1", "ConfigMap", "kfp-launcher", **MAP),
                "b": of("v1", "ConfigMap", "artifact-repositories", **MAP),
            },
        )
        == []
    )


def test_artifact_repositories_from_2_15(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        kubeflow="1.11",
        resources={"a": of("v1", "ConfigMap", "artifact-repositories", **MAP)},
    ) == [
        "warning advice KF772 resources.a.metadata.name: Kubeflow Pipelines makes ConfigMap "
        "'artifact-repositories' in every profile: pruning it takes it from everything that uses it (do not "
        "declare it, or give yours another name)",
    ]


def test_a_notebook_in_the_way_of_pipelines(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        notebooks={"ml-pipeline-ui-artifact": {"image": "a"}},
    ) == [
        "error never-works KF772 notebooks.ml-pipeline-ui-artifact: it is reached through a Service "
        "'ml-pipeline-ui-artifact', which Kubeflow Pipelines has in every profile, and resets (give it "
        "another name)",
    ]


def test_and_no_longer(tmp_path: Path) -> None:
    assert (
        said(
            tmp_path,
            *CODES,
            kubeflow="1.11",
            notebooks={"ml-pipeline-ui-artifact": {"image": "a"}},
        )
        == []
    )


def test_the_service_of_a_transformer(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        inferenceServices={
            "i": {"predictor": MODEL, "transformer": {"containers": {"kserve-container": {"image": "a"}}}}
        },
        resources={"s": of("v1", "Service", "i-transformer", **SERVICE)},
    ) == [
        "error never-works KF742 resources.s: 'resources.s' and 'inferenceServices.i' are both reached "
        "through a Service 'i-transformer', and undo each other's (give one of them another name)",
    ]


def test_a_route(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        notebooks={"n": {"image": "a"}},
        resources={"r": of("networking.istio.io/v1", "VirtualService", "notebook-t-n", **ROUTE)},
    ) == [
        "error never-works KF742 resources.r: 'resources.r' and 'notebooks.n' are both reached through a "
        "VirtualService 'notebook-t-n', and undo each other's (give one of them another name)",
    ]


def test_neither(tmp_path: Path) -> None:
    assert (
        said(
            tmp_path,
            *CODES,
            notebooks={"n": {"image": "a"}},
            resources={
                "r": of("networking.istio.io/v1", "VirtualService", "n", **ROUTE),
                "s": of("v1", "Service", "m", **SERVICE),
            },
        )
        == []
    )


def test_the_nodes_of_a_train_job(tmp_path: Path) -> None:
    override = {
        "targetJobs": [{"name": "node"}],
        "spec": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "v"}}]},
    }
    job = {
        "kind": "TrainJob",
        "runtime": "torch-distributed",
        "trainer": {"numNodes": 2},
        "podTemplateOverrides": [override],
    }
    assert said(tmp_path, *CODES, kubeflow="1.11", volumes=claim("ReadWriteOnce"), trainingJobs={"j": job}) == [
        "warning advice KF773 volumes.v.accessModes: one node alone may mount 'v' (ReadWriteOnce), and the pods of "
        "trainingJobs.j (2 pods) may run on many (accessModes: [ReadWriteMany], or the same "
        "'nodeSelector: {kubernetes.io/hostname: ...}' for all of them)"
    ]
