"""Notebooks as the dashboard stores them, claims, Tensorboards, viewers, and names that two of a namespace's items would share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kfspec.catalog import release
from kfspec.diagnostics import format_path
from kfspec.equivalence import equivalent
from kfspec.importing import import_manifests
from kfspec.pipeline import Build, build
from kfspec.resource import Body, Origin, Resource, ref_of
from kfspec.verification import verify
from kfspec.yamlio.compose import compose
from kfspec.yamlio.dump import dump
from tests.commands.harness import Desk, change_of
from tests.support.controlplane import ControlPlane


def built(folder: Path, **blocks: Any) -> Build:
    """A project of these blocks."""
    spec = {
        "apiVersion": "kfspec.dev/v1alpha1",
        "project": "p",
        "externals": {"profiles": ["t"], "volumes": ["logs"]},
        "defaults": {"profile": "t"},
        **blocks,
    }
    (folder / "kfspec.yaml").write_text(dump(spec))
    return build(folder / "kfspec.yaml")


def objects(folder: Path, **blocks: Any) -> list[Body]:
    """Its objects; there must be nothing to say about them."""
    result = built(folder, **blocks)
    assert [f"{d.code} {d.message}" for d in result.diagnostics] == []
    return [resource.body for resource in result.environments["default"]]


def said(body: Body) -> list[str]:
    """What is said of an object."""
    known, _ = release("1.10")
    assert known is not None
    found = verify([Resource(ref_of(body), body, {})], known)
    return [f"{d.code} {d.upstream} {format_path(d.path)}: {d.message}" for d in found]


def tensorboard(logspath: Any, name: str = "runs") -> Body:
    return {
        "apiVersion": "tensorboard.kubeflow.org/v1alpha1",
        "kind": "Tensorboard",
        "metadata": {"name": name, "namespace": "t"},
        "spec": {"logspath": logspath},
    }


def viewer(**spec: Any) -> Body:
    return {
        "apiVersion": "kubeflow.org/v1alpha1",
        "kind": "PVCViewer",
        "metadata": {"name": "data", "namespace": "t"},
        "spec": {"pvc": "data", "rwoScheduling": True, **spec},
    }


CLAIM: Body = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data", "namespace": "t"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
NETWORKING = {"basePrefix": "/pvcviewers", "rewrite": "/", "targetPort": 8080}


# -- Tensorboards -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "logspath"),
    [
        ({"volume": "logs"}, "pvc://logs/"),
        ({"volume": "logs", "path": "a/b"}, "pvc://logs/a/b"),
        ({"volume": "logs", "path": "/a/"}, "pvc://logs/a"),
        ({"logspath": "s3://a/b"}, "s3://a/b"),
    ],
)
def test_where_the_logs_are(item: Any, logspath: str, tmp_path: Path) -> None:
    (body,) = objects(tmp_path, tensorboards={"runs": item})
    assert body["spec"] == {"logspath": logspath}
    assert body["apiVersion"] == "tensorboard.kubeflow.org/v1alpha1"


@pytest.mark.parametrize(
    ("logspath", "item"),
    [
        ("pvc://logs/a/b", {"volume": "logs", "path": "a/b"}),
        ("pvc://logs/", {"volume": "logs"}),
        ("pvc://logs", {"logspath": "pvc://logs"}),
        ("pvc://logs/a/", {"logspath": "pvc://logs/a/"}),
        ("gs://a", {"logspath": "gs://a"}),
    ],
)
def test_import_takes_the_volume_where_that_says_the_same(logspath: str, item: Any, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(dump(tensorboard(logspath)))
    imported = import_manifests([str(tmp_path / "a.yaml")], "p")
    assert imported.spec["tensorboards"] == {"runs": item}


@pytest.mark.parametrize(
    ("logspath", "problem"),
    [
        ("pvc://logs/a", None),
        ("pvc://logs", None),
        ("gs://a", None),
        ("s3://a", None),
        ("/cns/a", None),
        ("/logs", None),
        ("", "the log path is empty, and no pod can be made"),
        ("logs", "'logs' is no path in a container"),
        ("pvc:///logs", "'pvc:///logs' names no volume"),
        ("pvc://logs//a", "'/a' is no path below a volume's root, and no pod mounts it"),
        ("pvc://logs/../a", "'../a' is no path below a volume's root, and no pod mounts it"),
        ("hdfs://a", "the controller reads no 'hdfs://', and mounts the claim 'tb-volume' instead"),
    ],
)
def test_paths_that_the_controller_reads(logspath: str, problem: str | None) -> None:
    wanted = [] if problem is None else [f"KF741 never-works spec.logspath: {problem}"]
    assert said(tensorboard(logspath)) == wanted


@pytest.mark.parametrize(("length", "right"), [(58, True), (59, False)])
def test_the_port_of_its_service_is_named_by_it(length: int, right: bool) -> None:
    words = "KF741 never-works metadata.name: the name has 59 characters; the port of its Service leaves room for 58"
    assert said(tensorboard("s3://a", "a" * length)) == ([] if right else [words])


def test_what_a_tensorboard_mounts_is_declared(tmp_path: Path) -> None:
    boards = {
        "a": {"volume": "lgos"},
        "b": {"logspath": "gs://a"},
        "c": {"logspath": "/logs"},
        "d": {"volume": "logs", "podDefaults": ["s3"]},
    }
    found = built(tmp_path, tensorboards=boards).diagnostics
    assert [(d.code, d.message) for d in found] == [
        ("KF203", "'tensorboards.a' refers to volume 'lgos', which is not declared"),
        ("KF204", "'tensorboards.b' refers to secret 'user-gcp-sa', which is not declared"),
        ("KF203", "'tensorboards.c' refers to volume 'tb-volume', which is not declared"),
        ("KF208", "'tensorboards.d' selects pod default 's3', which is not declared"),
    ]


# -- notebooks that exist ---------------------------------------------------------------------------------------


def stored(name: str, pod: dict[str, Any], **annotations: str) -> Body:
    """A notebook as the server keeps one that was made in the dashboard (jupyter-web-app v1.10.0)."""
    given = {"last-activity": "2025-03-21T11:40:09Z", "last_activity_check_timestamp": "2025-03-21T11:44:07Z"}
    notes = {f"notebooks.kubeflow.org/{key}": value for key, value in {**given, **annotations}.items()}
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": "Notebook",
        "metadata": {
            "name": name,
            "namespace": "t",
            "uid": "2b9a4ed5-bd1c-4a1b-8a7b-7a3a4d4d5a30",
            "labels": {"app": name, "hub": "true"},
            "annotations": {**notes, "kubeflow-resource-stopped": "2025-03-22T00:00:00Z"},
        },
        "spec": {"template": {"spec": pod}},
        "status": {"readyReplicas": 0},
    }


def container(name: str, *mounts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "jupyter-scipy:v1.10.0", "env": [], "volumeMounts": list(mounts), **more}


SHM = {"mountPath": "/dev/shm", "name": "dshm"}
HOME = {"mountPath": "/home/jovyan", "name": "lab-workspace"}
CLAIMED = {"name": "lab-workspace", "persistentVolumeClaim": {"claimName": "lab-workspace"}}

STORED: dict[str, tuple[Body, dict[str, Any]]] = {
    "the usual one": (
        stored(
            "lab",
            {
                "serviceAccountName": "default-editor",
                "tolerations": [],
                "containers": [container("lab", SHM, HOME)],
                "volumes": [{"name": "dshm", "emptyDir": {"medium": "Memory"}}, CLAIMED],
            },
            creator="ana@example.com",
            **{"server-type": "jupyter"},
        ),
        {
            "creator": "ana@example.com",
            "image": "jupyter-scipy:v1.10.0",
            "serviceAccountName": "default-editor",
            "sharedMemory": True,
            "volumeMounts": {"lab-workspace": "/home/jovyan"},
            "labels": {"hub": "true"},
        },
    ),
    "a size of shared memory, and another kind of server": (
        stored(
            "lab",
            {
                "containers": [container("lab", SHM)],
                "volumes": [{"name": "dshm", "emptyDir": {"medium": "Memory", "sizeLimit": "2Gi"}}],
            },
            **{"server-type": "group-one", "http-rewrite-uri": "/"},
        ),
        {
            "serverType": "vscode",
            "image": "jupyter-scipy:v1.10.0",
            "sharedMemory": "2Gi",
            "labels": {"hub": "true"},
        },
    ),
    "a volume that is no claim": (
        stored(
            "lab",
            {
                "enableServiceLinks": False,
                "containers": [container("lab", SHM, {"mountPath": "/scratch", "name": "scratch"})],
                "volumes": [{"name": "scratch", "emptyDir": {}}, {"name": "dshm", "emptyDir": {"medium": "Memory"}}],
            },
        ),
        {
            "image": "jupyter-scipy:v1.10.0",
            "sharedMemory": True,
            "volumeMounts": [{"mountPath": "/scratch", "name": "scratch"}],
            "template": {"spec": {"enableServiceLinks": False, "volumes": {"scratch": {"emptyDir": {}}}}},
            "labels": {"hub": "true"},
        },
    ),
    "memory that is mounted read-only": (
        stored(
            "lab",
            {
                "containers": [container("lab", {**SHM, "readOnly": True})],
                "volumes": [{"name": "dshm", "emptyDir": {"medium": "Memory"}}],
            },
        ),
        {
            "image": "jupyter-scipy:v1.10.0",
            "volumeMounts": [{**SHM, "readOnly": True}],
            "template": {"spec": {"volumes": {"dshm": {"emptyDir": {"medium": "Memory"}}}}},
            "labels": {"hub": "true"},
        },
    ),
    "an address that another server would have": (
        stored("lab", {"containers": [container("lab")]}, **{"http-rewrite-uri": ""}),
        {
            "image": "jupyter-scipy:v1.10.0",
            "labels": {"hub": "true"},
            "annotations": {"notebooks.kubeflow.org/http-rewrite-uri": ""},
        },
    ),
}


@pytest.mark.parametrize("case", STORED)
def test_a_notebook_of_the_dashboard_is_imported_as_people_would_write_it(case: str, tmp_path: Path) -> None:
    body, item = STORED[case]
    (tmp_path / "a.yaml").write_text(dump(body))
    imported = import_manifests([str(tmp_path / "a.yaml")], "p")
    assert imported.spec["notebooks"] == {"lab": item}
    (tmp_path / "kfspec.yaml").write_text(compose(imported.spec))
    known, _ = release("1.10")
    assert known is not None
    result = build(tmp_path / "kfspec.yaml")
    assert [d.code for d in result.diagnostics] == []
    assert any(equivalent(body, each.body, known) for each in result.environments["default"])


@pytest.mark.parametrize(
    "change",
    [
        {"volumes": [CLAIMED]},
        {"containers": [container("lab", HOME, SHM, command=["sh"])]},
        {"containers": [container("lab", HOME, {**SHM, "subPath": "a"})]},
    ],
)
def test_only_the_order_of_volumes_and_mounts_says_nothing(change: dict[str, Any]) -> None:
    known, _ = release("1.10")
    assert known is not None
    memory = {"name": "dshm", "emptyDir": {"medium": "Memory"}}
    pod = {"containers": [container("lab", HOME, SHM)], "volumes": [CLAIMED, memory]}
    turned = {"containers": [container("lab", SHM, HOME)], "volumes": [memory, CLAIMED]}
    assert equivalent(stored("lab", pod), stored("lab", turned), known)
    assert not equivalent(stored("lab", pod), stored("lab", {**pod, **change}), known)


# -- claims -----------------------------------------------------------------------------------------------------


def test_a_claims_annotations_of_controllers_stay_where_they_are(tmp_path: Path) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": "data",
            "namespace": "t",
            "annotations": {
                "pv.kubernetes.io/bind-completed": "yes",
                "volume.kubernetes.io/storage-provisioner": "rancher.io/local-path",
                "note": "ours",
            },
        },
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}},
    }
    (tmp_path / "a.yaml").write_text(dump(body))
    imported = import_manifests([str(tmp_path / "a.yaml")], "p")
    assert imported.spec["volumes"] == {
        "data": {"size": "5Gi", "accessModes": ["ReadWriteOnce"], "annotations": {"note": "ours"}}
    }


STORAGE = {"requests": {"storage": "1Gi"}}
CLAIMS: list[tuple[dict[str, Any], str | None]] = [
    ({"accessModes": ["ReadWriteOnce"], "resources": STORAGE}, None),
    ({"accessModes": ["ReadWriteOncePod"], "resources": STORAGE, "storageClassName": ""}, None),
    ({"accessModes": ["ReadWriteOnce", "ReadWriteMany"], "resources": STORAGE, "storageClassName": "a.b"}, None),
    ({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1"}}}, None),
    ({"accessModes": ["ReadWriteOnce"]}, "KF102 refuses spec: the claim asks for no storage"),
    ({"resources": STORAGE}, "KF102 refuses spec: the claim says no access mode"),
    ({"accessModes": [], "resources": STORAGE}, "KF102 refuses spec: the claim says no access mode"),
    (
        {"accessModes": ["ReadWriteOncePod", "ReadWriteOnce"], "resources": STORAGE},
        "KF104 refuses spec.accessModes: ReadWriteOncePod lets in one pod, and goes with no other access mode",
    ),
    (
        {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "-1Gi"}}},
        "KF123 refuses spec.resources.requests.storage: 'storage' is -1Gi, and must be above 0",
    ),
    (
        {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": 0}}},
        "KF123 refuses spec.resources.requests.storage: 'storage' is 0, and must be above 0",
    ),
    (
        {"accessModes": ["ReadWriteOnce"], "resources": STORAGE, "storageClassName": "Fast SSD"},
        "KF104 refuses spec.storageClassName: no storage class can be called 'Fast SSD'",
    ),
]


@pytest.mark.apiserver
@pytest.mark.parametrize(("spec", "problem"), CLAIMS, ids=lambda value: str(value)[:70])
def test_claims_are_judged_as_the_server_does(
    spec: dict[str, Any], problem: str | None, controlplane: ControlPlane, namespace: str
) -> None:
    meta = {"name": "judged", "namespace": namespace}
    body = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}
    assert [line for line in said(body) if " refuses " in line] == ([] if problem is None else [problem])
    (answer,) = controlplane.apply([body])
    assert (answer.status in (200, 201)) == (problem is None), answer.message


# -- viewers ----------------------------------------------------------------------------------------------------


def test_a_viewer_has_the_name_of_its_volume_and_may_go_alone(tmp_path: Path) -> None:
    claim, shown = objects(tmp_path, volumes={"data": {"size": "1Gi", "viewer": True}})
    assert shown["spec"] == {"pvc": "data", "networking": NETWORKING, "rwoScheduling": True}
    assert (claim["metadata"]["name"], shown["metadata"]["name"]) == ("data", "data")
    assert "annotations" in claim["metadata"]
    assert "annotations" not in shown["metadata"]  # it holds nothing, so it may be pruned
    assert objects(tmp_path, volumes={"data": {"size": "1Gi", "viewer": False}}) == [claim]


def test_a_notebooks_workspace_has_no_viewer(tmp_path: Path) -> None:
    workspace = {"size": "1Gi", "viewer": True}
    found = built(tmp_path, notebooks={"n": {"image": "a", "workspace": workspace}}).diagnostics
    assert [d.code for d in found] == ["KF101"]


@pytest.mark.parametrize(
    ("spec", "said_of_it"),
    [
        ({"networking": NETWORKING}, True),
        ({"networking": {**NETWORKING, "timeout": "30s"}}, {"networking": {**NETWORKING, "timeout": "30s"}}),
        ({"networking": NETWORKING, "rwoScheduling": False}, {"rwoScheduling": False}),
        ({"networking": NETWORKING, "rwoScheduling": ...}, {"rwoScheduling": False}),
        ({}, {"networking": {}}),
    ],
)
def test_import_finds_the_viewer_of_a_volume(spec: Any, said_of_it: Any, tmp_path: Path) -> None:
    body = viewer(**spec)
    body["spec"] = {key: value for key, value in body["spec"].items() if value is not ...}
    (tmp_path / "a.yaml").write_text("---\n".join(map(dump, (body, CLAIM))))
    imported = import_manifests([str(tmp_path / "a.yaml")], "p")
    assert imported.spec["volumes"] == {"data": {"size": "1Gi", "accessModes": ["ReadWriteOnce"], "viewer": said_of_it}}
    assert imported.passed_through == 0
    (tmp_path / "kfspec.yaml").write_text(compose(imported.spec))
    known, _ = release("1.10")
    assert known is not None
    compiled = [r.body for r in build(tmp_path / "kfspec.yaml").environments["default"]]
    assert all(any(equivalent(each, other, known) for other in compiled) for each in (body, CLAIM))


@pytest.mark.parametrize("name", ["other", "data"])
def test_a_viewer_that_no_volume_says_is_passed_through(name: str, tmp_path: Path) -> None:
    body = viewer()
    body["metadata"] = {"name": name, "namespace": "t"}
    (tmp_path / "a.yaml").write_text("---\n".join(map(dump, (CLAIM, body) if name == "other" else (body,))))
    imported = import_manifests([str(tmp_path / "a.yaml")], "p")
    assert list(imported.spec["resources"]) == [name]


def test_what_the_webhook_writes_is_no_difference() -> None:
    known, _ = release("1.10")
    assert known is not None
    pod: dict[str, Any] = {
        "containers": [
            {
                "name": "pvcviewer",
                "image": "filebrowser/filebrowser:latest",
                "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                "env": [
                    {"name": "FB_ADDRESS", "value": "0.0.0.0"},
                    {"name": "FB_PORT", "value": "8080"},
                    {"name": "FB_DATABASE", "value": "/tmp/filebrowser.db"},
                    {"name": "FB_NOAUTH", "value": "true"},
                    {"name": "FB_BASEURL", "value": "/pvcviewers/t/data/"},
                ],
                "resources": {},
                "workingDir": "/data",
                "volumeMounts": [{"name": "viewer-volume", "mountPath": "/data"}],
            }
        ],
        "volumes": [{"name": "viewer-volume", "persistentVolumeClaim": {"claimName": "data"}}],
    }
    assert equivalent(viewer(), viewer(podSpec=pod), known)
    other = {**pod, "containers": [{**pod["containers"][0], "image": "filebrowser/filebrowser:v2"}]}
    assert not equivalent(viewer(), viewer(podSpec=other), known)


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({}, None),
        ({"pvc": ""}, "spec.pvc: the viewer names no volume"),
        (
            {"podSpec": {"containers": [{"name": "a", "image": "a"}]}},
            "spec.podSpec: 'podSpec' has no volume of the claim 'data', which the viewer is to show",
        ),
        (
            {
                "podSpec": {
                    "containers": [{"name": "a", "image": "a"}],
                    "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}],
                }
            },
            None,
        ),
    ],
)
def test_what_the_viewers_webhook_refuses(spec: Any, problem: str | None) -> None:
    assert said(viewer(**spec)) == ([] if problem is None else [f"KF740 refuses {problem}"])


# -- Services ---------------------------------------------------------------------------------------------------

NOTEBOOK = {"image": "a"}
SERVER = {"predictor": {"model": {"modelFormat": "sklearn", "storageUri": "gs://a"}}}


def collisions(folder: Path, **blocks: Any) -> list[tuple[str, str]]:
    found = built(folder, **blocks).diagnostics
    return [(format_path(d.path), d.message) for d in found if d.code == "KF742"]


def test_items_that_make_the_same_service(tmp_path: Path) -> None:
    assert collisions(
        tmp_path,
        notebooks={"fraud": NOTEBOOK},
        tensorboards={"fraud": {"volume": "logs"}, "pvcviewer-logs": {"volume": "logs"}},
        inferenceServices={"fraud": SERVER},
        volumes={"logs": {"size": "1Gi", "viewer": True}},
    ) == [
        (
            "inferenceServices.fraud",
            "'inferenceServices.fraud' and 'notebooks.fraud' are both reached through a Service 'fraud', and undo each other's",
        ),
        (
            "tensorboards.fraud",
            "'tensorboards.fraud' and 'notebooks.fraud' are both reached through a Service 'fraud', and undo each other's",
        ),
        (
            "tensorboards.pvcviewer-logs",
            "'tensorboards.pvcviewer-logs' and 'volumes.logs' are both reached through a Service 'pvcviewer-logs', and undo each"
            " other's",
        ),
    ]


def test_items_that_do_not(tmp_path: Path) -> None:
    raw = {**SERVER, "annotations": {"serving.kserve.io/deploymentMode": "RawDeployment"}}
    assert collisions(tmp_path, notebooks={"fraud": NOTEBOOK}, inferenceServices={"fraud": raw}) == []
    assert (
        collisions(
            tmp_path,
            externals={"profiles": ["t", "u"], "volumes": ["logs"]},
            notebooks={"fraud": NOTEBOOK},
            tensorboards={"fraud": {"volume": "logs", "profile": "u"}},
        )
        == []
    )


def test_a_service_of_the_projects_own_and_one_of_a_spark_server(tmp_path: Path) -> None:
    service = {"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 80}]}, "profile": "t"}
    shared = {"image": "spark:4.0.0", "sparkVersion": "4.0.0"}
    assert [
        path
        for path, _ in collisions(
            tmp_path, kubeflow="1.11", resources={"shared-server": service}, sparkConnects={"shared": shared}
        )
    ] == ["resources.shared-server"]


@pytest.mark.apiserver
def test_another_log_path_makes_the_tensorboard_anew_and_a_viewer_comes_and_goes(
    controlplane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    desk = Desk(controlplane, tmp_path, namespace)
    text = "volumes: {data: {size: 1Gi, viewer: %s}}\ntensorboards: {runs: {volume: data, path: %s}}\n"
    desk.standing(text % ("true", "a"))
    desk.apply()
    assert desk.told() == {}
    desk.standing(text % ("false", "b"))
    plan = desk.plan()
    assert change_of(plan, "Tensorboard/runs")["action"] == "replace"
    assert {name: told for name, told in desk.told().items() if name != "Tensorboard/runs"} == {
        "PVCViewer/data": ("prune", "left-the-spec")
    }
    desk.apply("--prune")
    assert desk.told() == {}
    assert desk.names("kubeflow.org/v1alpha1/pvcviewers") == []
    assert desk.names("v1/persistentvolumeclaims") == ["data"]
    stored = desk.get("tensorboard.kubeflow.org/v1alpha1/tensorboards/runs")
    assert stored is not None
    assert stored["spec"] == {"logspath": "pvc://data/b"}


@pytest.mark.parametrize(
    ("left_out", "wanted"),
    [
        ((), []),
        (("rwoScheduling",), []),  # the webhook writes false, as nothing means
        (("pvc",), ["never-works KF102 spec: 'spec' lacks 'pvc'"]),  # it writes "", and no claim is called so
    ],
)
def test_what_a_viewer_may_leave_out(left_out: tuple[str, ...], wanted: list[str], tmp_path: Path) -> None:
    """pvcviewer-controller v1.10.0: `admission.Defaulter` patches in what the Go type writes; the schema comes after it."""
    spec = {"pvc": "data", "networking": {"targetPort": 8080}, "rwoScheduling": True}
    body = {
        "apiVersion": "kubeflow.org/v1alpha1",
        "kind": "PVCViewer",
        "metadata": {"name": "v", "namespace": "t"},
        "spec": {key: value for key, value in spec.items() if key not in left_out},
    }
    known, _ = release("1.10")
    assert known is not None
    found = verify([Resource(ref_of(body), body, {(): Origin(())})], known)
    assert [f"{d.upstream} {d.code} {format_path(d.path)}: {d.message}" for d in found] == wanted
