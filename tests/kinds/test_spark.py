"""Spark: what is run and what stands, what decides a run's name, where code is mounted, and the rules by version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kfspec.catalog import release
from kfspec.diagnostics import Severity, format_path
from kfspec.equivalence import equivalent
from kfspec.importing import import_manifests
from kfspec.pipeline import Build, build
from kfspec.resource import Body, Resource, ref_of
from kfspec.verification import verify
from kfspec.yamlio.compose import compose
from kfspec.yamlio.dump import dump
from tests.commands.harness import Desk, change_of, effects_of
from tests.support.controlplane import ControlPlane

APP: dict[str, Any] = {
    "image": "spark:3.5.3",
    "sparkVersion": "3.5.3",
    "mainApplicationFile": "local:///opt/app/main.py",
}


def spec_of(block: str, item: dict[str, Any], **top: Any) -> dict[str, Any]:
    return {
        "apiVersion": "kfspec.dev/v1alpha1",
        "project": "p",
        "externals": {"profiles": ["t"], "volumes": ["data"]},
        "defaults": {"profile": "t"},
        block: {"etl": item},
        **top,
    }


def built(folder: Path, item: dict[str, Any], **top: Any) -> Build:
    """One Spark application, compiled."""
    path = folder / "kfspec.yaml"
    path.write_text(dump(spec_of("sparkApplications", item, **top)))
    return build(path)


def objects(folder: Path, item: dict[str, Any], **top: Any) -> list[Body]:
    """Its objects; there must be nothing to say about them."""
    result = built(folder, item, **top)
    assert [f"{d.code} {d.message}" for d in result.diagnostics] == []
    return [resource.body for resource in result.environments["default"]]


def said(body: Body, kubeflow: str, **components: str) -> list[str]:
    """What is said of an object in a release."""
    known, problems = release(kubeflow, {name.replace("_", "-"): value for name, value in components.items()})
    assert known is not None, problems
    found = verify([Resource(ref_of(body), body, {})], known)
    return [f"{d.severity.value} {d.code} {d.upstream} {format_path(d.path)}: {d.message}" for d in found]


def application(name: str = "etl", **spec: Any) -> Body:
    """A SparkApplication that nothing is said of."""
    return {
        "apiVersion": "sparkoperator.k8s.io/v1beta2",
        "kind": "SparkApplication",
        "metadata": {"name": name, "namespace": "t"},
        "spec": {**APP, "type": "Python", "driver": {"serviceAccount": "default-editor"}, "executor": {}, **spec},
    }


def scheduled(name: str = "etl", template: dict[str, Any] | None = None, **spec: Any) -> Body:
    """A ScheduledSparkApplication that nothing is said of."""
    body = application(name, **(template or {}))
    return {
        **body,
        "kind": "ScheduledSparkApplication",
        "spec": {"schedule": "@daily", "concurrencyPolicy": "Allow", "template": body["spec"], **spec},
    }


def connect(name: str = "shared", **spec: Any) -> Body:
    """A SparkConnect that nothing is said of."""
    return {
        "apiVersion": "sparkoperator.k8s.io/v1alpha1",
        "kind": "SparkConnect",
        "metadata": {"name": name, "namespace": "t"},
        "spec": {"image": "spark:4.0.0", "sparkVersion": "4.0.0", "server": {}, "executor": {}, **spec},
    }


# -- what an item becomes ---------------------------------------------------------------------------------------


def test_an_application_is_a_run_and_with_a_schedule_it_stands(tmp_path: Path) -> None:
    (run,) = objects(tmp_path, APP)
    assert run["kind"] == "SparkApplication"
    assert run["spec"] == {**APP, "type": "Python", "driver": {"serviceAccount": "default-editor"}, "executor": {}}
    assert run["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/prune"] == "disabled"
    (standing,) = objects(tmp_path, {**APP, "schedule": "@daily"})
    assert (standing["kind"], standing["metadata"]["name"]) == ("ScheduledSparkApplication", "etl")
    assert standing["spec"] == {"schedule": "@daily", "concurrencyPolicy": "Allow", "template": run["spec"]}
    assert "annotations" not in standing["metadata"]


def test_one_environment_can_run_at_night_what_another_runs_once(tmp_path: Path) -> None:
    nightly = {"sparkApplications": {"etl": {"schedule": "0 2 * * *"}}}
    result = built(tmp_path, APP, environments={"dev": {}, "prod": nightly})
    kinds = {name: [r.ref.kind for r in resources] for name, resources in result.environments.items()}
    assert kinds == {"dev": ["SparkApplication"], "prod": ["ScheduledSparkApplication"]}


def test_suspend_is_no_part_of_a_runs_identity(tmp_path: Path) -> None:
    names = set()
    for suspend in (None, True, False):
        (run,) = objects(tmp_path, {**APP, "suspend": suspend} if suspend is not None else APP, kubeflow="1.11")
        assert run["spec"].get("suspend") is suspend
        names.add(run["metadata"]["name"])
    assert len(names) == 1


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ({"restartPolicy": "Never"}, {"restartPolicy": {"type": "Never"}}),
        ({"arguments": [28, True, "1e-5"]}, {"arguments": ["28", "true", "1e-5"]}),
        ({"sparkConf": {"a": 1, "b": False}}, {"sparkConf": {"a": "1", "b": "false"}}),
        ({"driver": {"coreLimit": 2}}, {"driver": {"coreLimit": "2"}}),
        ({"executor": {"gpu": 2}}, {"executor": {"gpu": {"name": "nvidia.com/gpu", "quantity": 2}}}),
        ({"driver": {"env": {"A": 1}}}, {"driver": {"env": [{"name": "A", "value": "1"}]}}),
        (
            {"driver": {"ports": {"debug": 5005}}},
            {"driver": {"ports": [{"name": "debug", "containerPort": 5005, "protocol": "TCP"}]}},
        ),
        (
            {"driver": {"volumeMounts": {"data": "/data"}}},
            {
                "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
                "driver": {"volumeMounts": [{"name": "data", "mountPath": "/data"}]},
            },
        ),
        ({"driver": {"serviceAccount": "default-editor"}}, {}),
    ],
)
def test_a_short_form_is_the_same_run_as_upstreams(short: Any, long: Any, tmp_path: Path) -> None:
    assert objects(tmp_path, {**APP, **short}) == objects(tmp_path, {**APP, **long})


def test_a_volume_of_two_mounts_is_there_once_and_a_declared_one_is_not_taken_for_a_claim(tmp_path: Path) -> None:
    mounts = {"volumeMounts": {"data": "/data", "scratch": "/scratch"}}
    volumes: dict[str, Any] = {"scratch": {"emptyDir": {}}}
    (run,) = objects(tmp_path, {**APP, "volumes": volumes, "driver": mounts, "executor": mounts})
    assert run["spec"]["volumes"] == [
        {"name": "scratch", "emptyDir": {}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
    ]


def test_the_drivers_account_is_left_alone_where_the_spec_says_one(tmp_path: Path) -> None:
    conf = {"spark.kubernetes.authenticate.driver.serviceAccountName": "default-editor"}
    template = {"spec": {"serviceAccountName": "default-editor", "containers": [{"name": "spark-kubernetes-driver"}]}}
    for item in ({"sparkConf": conf}, {"driver": {"template": template}}):
        (run,) = objects(tmp_path, {**APP, **item})
        assert "serviceAccount" not in run["spec"]["driver"]


# -- code -------------------------------------------------------------------------------------------------------


def with_code(folder: Path, item: dict[str, Any]) -> tuple[Body, Body]:
    (folder / "src").mkdir(exist_ok=True)
    (folder / "src" / "main.py").write_text("import tools\n")
    (folder / "src" / "tools.py").write_text("A = 1\n")
    config_map, run = objects(folder, {"image": "spark:3.5.3", "sparkVersion": "3.5.3", **item})
    return config_map, run["spec"]


def test_a_script_is_mounted_and_is_the_main_file(tmp_path: Path) -> None:
    config_map, spec = with_code(tmp_path, {"code": "src/main.py"})
    assert config_map["data"] == {"main.py": "import tools\n"}
    assert (spec["mainApplicationFile"], spec["type"]) == ("local:///opt/code/main.py", "Python")
    mount = {"name": "code", "mountPath": "/opt/code"}
    assert spec["driver"] == {"volumeMounts": [mount], "serviceAccount": "default-editor"}
    assert spec["executor"] == {"volumeMounts": [mount]}
    items = [{"key": "main.py", "path": "main.py"}]
    assert spec["volumes"] == [{"name": "code", "configMap": {"name": config_map["metadata"]["name"], "items": items}}]


@pytest.mark.parametrize(
    ("more", "kept"),
    [
        ({}, True),
        ({"schedule": "@daily"}, True),
        ({"schedule": "@daily", "prune": "allow"}, False),
        ({"onChange": "replace"}, False),
    ],
)
def test_code_outlives_the_change_that_a_run_does_not_see(more: dict[str, Any], kept: bool, tmp_path: Path) -> None:
    """Executors to come mount it, and so does a driver that is tried again, whatever the schedule says by then."""
    (tmp_path / "main.py").write_text("A = 1\n")
    item = {"image": "spark:3.5.3", "sparkVersion": "3.5.3", "code": "main.py", **more}
    config_map, _ = objects(tmp_path, item)
    annotations = config_map["metadata"].get("annotations", {})
    assert (annotations.get("kustomize.toolkit.fluxcd.io/prune") == "disabled") is kept


def test_a_file_of_a_folder_is_named_by_its_path(tmp_path: Path) -> None:
    code = {"path": "src", "mountPath": "/srv/"}
    _, spec = with_code(tmp_path, {"code": code, "mainApplicationFile": "main.py"})
    assert spec["mainApplicationFile"] == "local:///srv/main.py"


def test_code_goes_into_a_pod_template(tmp_path: Path) -> None:
    containers = {"spark-kubernetes-driver": {"env": {"A": "1"}}, "agent": {"image": "agent:1"}}
    template = {"spec": {"serviceAccountName": "default-editor", "containers": containers}}
    _, spec = with_code(tmp_path, {"code": "src/main.py", "driver": {"template": template}})
    pod = spec["driver"]["template"]["spec"]
    assert spec["driver"].keys() == {"template"}
    assert [c["name"] for c in pod["containers"]] == ["spark-kubernetes-driver", "agent"]
    assert pod["containers"][0]["volumeMounts"] == [{"name": "code", "mountPath": "/opt/code"}]
    assert pod["volumes"] == spec["volumes"]
    assert spec["executor"]["volumeMounts"] == [{"name": "code", "mountPath": "/opt/code"}]


@pytest.mark.parametrize(
    ("item", "message", "hint"),
    [
        ({"code": "src"}, "'code' has 2 files, and nothing says which of them is run", "mainApplicationFile: main.py"),
        (
            {"code": "src", "mainApplicationFile": "mian.py"},
            "'code' has no file 'mian.py'",
            "did you mean 'main.py'?",
        ),
    ],
)
def test_a_main_file_that_the_code_does_not_say(item: Any, message: str, hint: str, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    for name in ("main.py", "tools.py"):
        (tmp_path / "src" / name).write_text("A = 1\n")
    found = built(tmp_path, {"image": "spark:3.5.3", "sparkVersion": "3.5.3", "type": "Python", **item}).diagnostics
    assert [(d.code, d.message, d.hint) for d in found if d.code != "KF102"] == [("KF721", message, hint)]


def test_code_that_cannot_be_read_is_one_finding(tmp_path: Path) -> None:
    found = built(tmp_path, {"image": "spark:3.5.3", "sparkVersion": "3.5.3", "code": "srk/main.py"}).diagnostics
    assert [(d.code, format_path(d.path)) for d in found] == [("KF051", "sparkApplications.etl.code")]


def test_a_change_of_a_script_is_a_new_run_and_the_next_of_a_schedule(tmp_path: Path) -> None:
    item = {"image": "spark:3.5.3", "sparkVersion": "3.5.3", "code": "main.py"}
    refs = []
    for text in ("A = 1\n", "A = 2\n"):
        (tmp_path / "main.py").write_text(text)
        refs.append(
            [
                [body["metadata"]["name"] for body in objects(tmp_path, each)]
                for each in (item, {**item, "schedule": "@daily"})
            ]
        )
    (run, standing), (other, later) = refs
    assert not set(run) & set(other)
    assert (standing[1], later[1]) == ("etl", "etl")
    assert standing[0] != later[0]


# -- import -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "item"),
    [
        (application(), {}),
        (
            application(
                restartPolicy={"type": "Never"},
                volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
                driver={"serviceAccount": "spark", "volumeMounts": [{"name": "data", "mountPath": "/data"}]},
                executor={"instances": 2, "env": [{"name": "A", "value": "x"}]},
            ),
            {
                "restartPolicy": "Never",
                "driver": {"serviceAccount": "spark", "volumeMounts": {"data": "/data"}},
                "executor": {"instances": 2, "env": {"A": "x"}},
            },
        ),
        (application(driver={}), {"driver": {"serviceAccount": ""}}),
        (scheduled(), {"schedule": "@daily"}),
        (
            scheduled(concurrencyPolicy="Replace", suspend=True),
            {"schedule": "@daily", "concurrencyPolicy": "Replace", "suspend": True},
        ),
    ],
)
def test_import_finds_the_short_form(body: Body, item: Any, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(dump(body))
    imported = import_manifests([str(tmp_path / "a.yaml")], "p", "1.10")
    written = imported.spec["sparkApplications"]["etl"]
    assert written == {**APP, **item}
    (tmp_path / "kfspec.yaml").write_text(compose(imported.spec))
    known, _ = release("1.10")
    assert known is not None
    result = build(tmp_path / "kfspec.yaml")
    assert any(equivalent(body, resource.body, known) for resource in result.environments["default"])


def test_a_schedule_keeps_a_name_that_looks_like_a_runs(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(dump(scheduled("etl-12345678")))
    imported = import_manifests([str(tmp_path / "a.yaml")], "p", "1.10")
    assert list(imported.spec["sparkApplications"]) == ["etl-12345678"]


def test_what_the_defaulter_writes_means_the_same() -> None:
    known, _ = release("1.11")
    assert known is not None
    stored = application(
        mode="cluster",
        deps={},
        restartPolicy={"type": "Never"},
        driver={"serviceAccount": "default-editor", "cores": 1, "memory": "1g"},
        executor={"cores": 1, "memory": "1g", "instances": 1},
    )
    assert equivalent(application(), stored, known)
    assert not equivalent(application(), application(executor={"instances": 2}), known)
    retried = application(restartPolicy={"type": "OnFailure"})
    intervals = {"onFailureRetryInterval": 5, "onSubmissionFailureRetryInterval": 5}
    assert equivalent(retried, application(restartPolicy={"type": "OnFailure", **intervals}), known)


# -- rules ------------------------------------------------------------------------------------------------------


def test_nothing_is_said_of_what_is_right() -> None:
    for name in ("1.10", "1.11", "26.03"):
        assert said(application(), name) == []
        assert said(scheduled(), name) == []
    assert said(connect(), "1.11") == said(connect(), "26.03") == []


def test_the_runs_of_a_schedule_are_refused_when_they_are_made() -> None:
    twice: dict[str, Any] = {
        "nodeSelector": {"a": "b"},
        "driver": {"nodeSelector": {"a": "c"}, "serviceAccount": "default-editor"},
    }
    words = "nodes are selected here and for the whole application, and the webhook takes one of them"
    assert said(application(**twice), "1.10") == [f"error KF722 refuses spec.driver.nodeSelector: {words}"]
    assert said(scheduled(template=twice), "1.10") == [
        f"error KF722 never-works spec.template.driver.nodeSelector: {words}"
    ]


def test_a_run_of_a_schedule_may_go_by_itself() -> None:
    assert said(scheduled(template={"timeToLiveSeconds": 60}), "1.10") == []
    assert said(application(timeToLiveSeconds=60), "1.10") == [
        "error KF389 never-works spec.timeToLiveSeconds: the operator deletes the run after that time, and whoever reconciles it"
        " starts it again, for ever"
    ]


@pytest.mark.parametrize("option", [{}, {"servicePort": 1}])
def test_two_ingresses_of_one_port(option: dict[str, Any]) -> None:
    entries = [
        {"servicePort": 1, "servicePortName": "a", "ingressURLFormat": "/a", **option},
        {"servicePort": 1, "servicePortName": "b", "ingressURLFormat": "/b", **option},
    ]
    assert said(application(driverIngressOptions=entries), "1.10") == [
        "error KF723 refuses spec.driverIngressOptions[1].servicePort: two entries have the port 1"
    ]
    entries[1] |= {"servicePort": 2, "ingressURLFormat": "/a"}
    assert said(application(driverIngressOptions=entries), "1.10") == [
        "error KF723 refuses spec.driverIngressOptions[1].ingressURLFormat: two entries have the URL '/a'"
    ]


@pytest.mark.parametrize(
    ("main", "conf", "problem"),
    [
        ("local:///a.py", {}, False),
        ("s3a://b/a.py", {}, False),
        ("https://a/b.py", {}, False),
        ("spark-internal", {}, False),
        ("file:///a.py", {}, True),
        ("a.py", {}, True),
        ("/a.py", {"spark.kubernetes.file.upload.path": "s3a://b"}, False),
    ],
)
def test_where_a_main_file_can_be(main: str, conf: dict[str, str], problem: bool) -> None:
    words = f"'{main}' is looked for in the operator's own pod, and can be uploaded nowhere"
    wanted = [f"error KF721 never-works spec.mainApplicationFile: {words}"] if problem else []
    assert said(application(mainApplicationFile=main, sparkConf=conf), "1.10") == wanted


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("512m", True),
        ("4G", True),
        ("1gb", True),
        ("1024", True),
        ("2t", True),
        ("4Gi", False),
        ("1.5g", False),
        ("lots", False),
        ("", False),
        ("-1g", False),
    ],
)
def test_memory_as_spark_reads_it(text: str, right: bool) -> None:
    words = f"error KF728 never-works spec.executor.memory: Spark reads no amount of memory in '{text}'"
    assert said(application(executor={"memory": text}), "1.10") == ([] if right else [words])


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        ("0 2 * * *", None),
        ("*/5 0-6,20-23 1 JAN-mar MON", None),
        ("@hourly", None),
        ("@every 90s", None),
        ("CRON_TZ=Asia/Tokyo 0 6 * * ?", None),
        ("nope", "a schedule has five fields, not 1"),
        ("60 2 * * *", "'60' is no minute"),
        ("0 2 0 * *", "'0' is no day of month"),
        ("0 2 * FOO *", "'FOO' is no month"),
        ("0 22-6 * * *", "the range '22-6' runs backwards"),
        ("*/0 2 * * *", "'0' in '*/0' is no step"),
        ("*-5 2 * * *", "'*-5' is no minute"),
        ("@nightly", "'@nightly' is no schedule"),
        ("@every day", "'day' is no duration"),
        ("TZ=Berlin 0 6 * * *", "there is no time zone 'Berlin'"),
        ("", "a schedule has five fields, not 0"),
    ],
)
def test_schedules_as_the_operator_reads_them(schedule: str, problem: str | None) -> None:
    wanted = [] if problem is None else [f"error KF725 never-works spec.schedule: {problem}"]
    assert said(scheduled(schedule=schedule), "1.10") == wanted


def test_a_schedule_without_a_policy_runs_once() -> None:
    body = scheduled()
    del body["spec"]["concurrencyPolicy"]
    assert said(body, "1.10") == [
        "warning KF725 advice spec: no run follows the first: the operator starts none beside or after another without a"
        " concurrency policy"
    ]
    assert said(scheduled(failedRunHistoryLimit=-1), "1.10") == [
        "error KF725 never-works spec.failedRunHistoryLimit: 'failedRunHistoryLimit' is -1: the operator crashes when it counts"
        " its runs"
    ]


def test_numbers_of_executors() -> None:
    def found(**given: Any) -> list[str]:
        return said(application(dynamicAllocation=given), "1.10")

    assert found(enabled=True, minExecutors=1, maxExecutors=1, initialExecutors=0) == []
    assert found(enabled=False) == []
    assert found(enabled=True, initialExecutors=5, maxExecutors=2) == [
        "error KF727 never-works spec.dynamicAllocation.initialExecutors: 'initialExecutors' is 5, above 'maxExecutors' 2"
    ]
    assert found(enabled=True, maxExecutors=-1) == [
        "error KF727 never-works spec.dynamicAllocation.maxExecutors: 'maxExecutors' is -1, below 0"
    ]
    assert found(initialExecutors=1) == [
        "error KF727 drops spec.dynamicAllocation.initialExecutors: 'initialExecutors' is passed over: dynamic allocation is not"
        " enabled"
    ]


def templated(role: str, *containers: str, volumes: tuple[str, ...] = (), **fields: Any) -> Body:
    """An application with a pod template and what stands beside it."""
    made = [{"name": name, "emptyDir": {}} for name in volumes]
    pod = {"containers": [{"name": name} for name in containers], "volumes": made}
    account = {"serviceAccount": "default-editor"} if role == "driver" else {}
    body = application(volumes=[{"name": "a", "emptyDir": {}}])
    body["spec"][role] = {**account, "template": {"spec": pod}, **fields}
    return body


def test_the_webhook_adds_to_the_pods_of_templates() -> None:
    mount = [{"name": "a", "mountPath": "/a"}]
    beside: dict[str, Any] = {"tolerations": [{"key": "spark", "operator": "Exists"}], "volumeMounts": mount}
    assert said(templated("driver", "spark-kubernetes-driver", **beside), "1.11") == []
    assert said(templated("driver", "spark-kubernetes-driver", **beside), "1.10.0", spark_operator="2.1.0") == []
    assert said(templated("driver", "spark-kubernetes-driver", volumes=("a",), **beside), "1.10") == [
        "error KF729 never-works spec.driver.volumeMounts[0].name: the volume 'a' is in the driver's 'template', too, and no pod"
        " has two of one name"
    ]
    other = templated("executor", "executor", volumes=("b",), volumeMounts=[{"name": "b", "mountPath": "/b"}])
    assert said(other, "1.10") == [
        "error KF729 drops spec.executor.volumeMounts[0].name: the application has no volume 'b', and the executor starts without"
        " it"
    ]


def test_its_container_has_a_name_that_an_older_webhook_finds() -> None:
    for role, known in (("driver", "spark-kubernetes-driver"), ("executor", "spark-kubernetes-executor")):
        assert said(templated(role, "log", known), "1.10.0", spark_operator="2.1.0") == []
        assert said(templated(role), "1.10.0", spark_operator="2.1.0") == []
        assert said(templated(role, "main"), "1.10") == []
        assert said(templated(role, "main"), "1.10.0", spark_operator="2.1.0") == [
            f"error KF724 never-works spec.{role}.template.spec.containers[0].name: the webhook finds no container '{known}' in"
            f" the template, and refuses the {role}'s pod"
        ]


def test_variables_of_executors_alone() -> None:
    """The webhook looks for the driver's before it writes them (#2584)."""
    env = {"env": [{"name": "A", "value": "b"}]}
    lost = "executors do not get their 'env' from this operator where the driver has none"
    assert said(application(executor=env), "1.10") == [f"error KF732 drops spec.executor.env: {lost}"]
    assert said(application(executor=env), "1.11") == []
    assert said(application(executor=env, driver={"serviceAccount": "default-editor", **env}), "1.10") == []


def test_two_volumes_of_one_name() -> None:
    volumes = [{"name": "a", "emptyDir": {}}, {"name": "a", "hostPath": {"path": "/a"}}]
    assert said(application(volumes=volumes), "1.10") == [
        "error KF729 drops spec.volumes[1].name: two volumes are called 'a', and only the last of them is there"
    ]


def test_a_driver_that_may_not_make_executors() -> None:
    words = "the driver runs as 'default', which may not make its executors' pods"
    assert said(application(driver={}), "1.10") == [f"warning KF731 advice spec.driver: {words}"]
    assert said(application(driver={}, mode="client"), "1.10") == []


@pytest.mark.parametrize(("length", "right"), [(43, True), (44, False)])
def test_the_name_of_a_schedule_leaves_room_for_a_moment(length: int, right: bool) -> None:
    words = f"the name has {length} characters; with '-<moment>' there is room for 43"
    wanted = [] if right else [f"error KF720 never-works metadata.name: {words}"]
    for name in ("1.10", "1.11", "26.03"):
        assert said(scheduled("a" * length), name) == wanted


@pytest.mark.parametrize(("length", "right"), [(54, True), (55, False)])
def test_the_name_of_a_run_leaves_room_for_its_hash(length: int, right: bool, tmp_path: Path) -> None:
    spec = spec_of("sparkApplications", APP)
    spec["sparkApplications"] = {"a" * length: APP}
    (tmp_path / "kfspec.yaml").write_text(dump(spec))
    found = [(d.code, d.message, d.hint) for d in build(tmp_path / "kfspec.yaml").diagnostics]
    message = "the name has 55 characters; with its hash a Spark application may have 54"
    assert found == ([] if right else [("KF720", message, "shorten it by 1")])


def test_names_before_the_webhook_looks_at_them() -> None:
    assert said(application("a" * 64), "1.10") == [
        "error KF720 never-works metadata.name: the name has 64 characters, and a pod's label takes 63"
    ]
    assert said(application("3-etl"), "1.10") == [
        "error KF720 never-works metadata.name: no Service can be called '3-etl', and the operator makes one that begins so"
    ]
    assert [line.split(" ")[1] for line in said(application("3-etl"), "1.11")] == ["KF130"]
    assert [line.split(" ")[1] for line in said(application("a" * 64), "1.11")] == ["KF130"]


def test_2_5_judges_connect_servers() -> None:
    """What the webhook of 2.5.0 refuses is what the operator of 2.4.0 fails at."""
    wrong: list[tuple[Body, str]] = [
        (connect(image=""), "KF730 {} spec: there is no image for the server"),
        (
            connect("a" * 57),
            "KF720 {} metadata.name: the name has 57 characters; with '-server' there is room for 56",
        ),
        (
            connect(server={"memory": "1Gi"}),
            "KF728 {} spec.server.memory: Spark reads no amount of memory in '1Gi'",
        ),
        (
            connect(dynamicAllocation={"enabled": True, "minExecutors": 3, "maxExecutors": 2}),
            "KF727 {} spec.dynamicAllocation.minExecutors: 'minExecutors' is 3, above 'maxExecutors' 2",
        ),
        (connect(sparkVersion=""), "KF730 {} spec.sparkVersion: 'sparkVersion' is empty"),
    ]
    for body, words in wrong:
        assert said(body, "1.11") == [f"error {words.format('never-works')}"]
        assert said(body, "26.03") == [f"error {words.format('refuses')}"]
    first = connect(dynamicAllocation={"enabled": True, "minExecutors": 3, "initialExecutors": 2})
    assert said(first, "1.11") == []
    assert said(first, "26.03") == [
        "error KF727 refuses spec.dynamicAllocation.minExecutors: 'minExecutors' is 3, above 'initialExecutors' 2"
    ]


def test_images_of_templates_do_for_a_connect_server() -> None:
    template = {"spec": {"containers": [{"name": "a", "image": "spark:4.0.0"}]}}
    both = connect(server={"template": template}, executor={"template": template})
    del both["spec"]["image"]
    assert said(both, "26.03") == []
    del both["spec"]["executor"]["template"]
    assert said(both, "26.03") == ["error KF730 refuses spec: there is no image for the executor"]
    older = connect(sparkVersion="2.4.8", server={"template": template})
    assert said(older, "26.03") == [
        "error KF724 refuses spec.server.template: pod templates begin with Spark 3.0.0, and 'sparkVersion' is '2.4.8'"
    ]


def test_what_is_referred_to_is_declared(tmp_path: Path) -> None:
    found = built(
        tmp_path,
        {
            **APP,
            "sparkConfigMap": "conf",
            "imagePullSecrets": ["registry"],
            "driver": {
                "serviceAccount": "spark",
                "secrets": [{"name": "hub", "path": "/a", "secretType": "Generic"}],
                "configMaps": [{"name": "settings", "path": "/b"}],
                "envSecretKeyRefs": {"T": {"name": "token", "key": "t"}},
                "sidecars": {"agent": {"image": "a", "envFrom": [{"secretRef": {"name": "agent"}}]}},
            },
        },
    ).diagnostics
    assert {f"{d.code} {d.message.removeprefix(chr(39) + 'sparkApplications.etl' + chr(39))}" for d in found} == {
        "KF206  refers to config map 'conf', which is not declared",
        "KF204  refers to secret 'registry', which is not declared",
        "KF205  refers to service account 'spark', which is not declared",
        "KF204  refers to secret 'hub', which is not declared",
        "KF206  refers to config map 'settings', which is not declared",
        "KF204  refers to secret 'token', which is not declared",
        "KF204  refers to secret 'agent', which is not declared",
    }
    assert all(d.severity is Severity.NOTE for d in found)


def test_a_pod_template_is_read_as_a_pod() -> None:
    """The object's schema takes any template; the webhook refuses what Go cannot read, and drops what it does not know."""

    def found(kubeflow: str, pod: dict[str, Any]) -> list[str]:
        return said(application(executor={"template": {"spec": pod}}), kubeflow)

    container = {"name": "spark-kubernetes-executor"}
    assert found("1.10", {"containers": [container]}) == []
    assert found("1.10", {}) == []
    assert found("1.10", {"containers": [{**container, "ports": "8080"}]}) == [
        "error KF103 refuses spec.executor.template.spec.containers[0].ports: 'ports' must be a list, not '8080'"
    ]
    assert found("1.10", {"containers": [container], "tolerationss": []}) == [
        "error KF101 drops spec.executor.template.spec.tolerationss: unknown field 'tolerationss' in 'spec'"
    ]


def test_an_empty_mode_is_left_out_by_the_webhook() -> None:
    assert said(application(mode=""), "1.10") == ["error KF104 drops spec.mode: 'mode' cannot be ''"]
    assert said(application(mode="local"), "1.10") == ["error KF104 refuses spec.mode: 'mode' cannot be 'local'"]


# -- plans against a real API server ----------------------------------------------------------------------------

ITEM = "{image: 'spark:3.5.3', sparkVersion: 3.5.3, mainApplicationFile: 'local:///a.py', %s}"


@pytest.mark.apiserver
def test_a_change_is_a_new_run_beside_the_old(controlplane: ControlPlane, namespace: str, tmp_path: Path) -> None:
    desk = Desk(controlplane, tmp_path, namespace)
    desk.standing(f"sparkApplications: {{etl: {ITEM % 'executor: {instances: 1}'}}}\n")
    desk.apply()
    assert desk.told() == {}
    desk.standing(f"sparkApplications: {{etl: {ITEM % 'executor: {instances: 2}'}}}\n")
    plan = desk.plan()
    assert [(c["action"], c["reason"]) for c in plan["changes"]] == [("new-run", "supersedes")]
    desk.apply()
    assert len(desk.names("sparkoperator.k8s.io/v1beta2/sparkapplications")) == 2
    assert {(kept["object"]["kind"], kept["reason"]) for kept in desk.plan()["kept"]} == {
        ("SparkApplication", "superseded")
    }


@pytest.mark.apiserver
def test_a_change_of_a_schedule_is_told_for_its_next_run(
    controlplane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    desk = Desk(controlplane, tmp_path, namespace)
    item = "sparkApplications: {etl: %s}\n"
    desk.standing(item % (ITEM % "schedule: '@daily'"))
    desk.apply()
    what = "sparkoperator.k8s.io/v1beta2/scheduledsparkapplications/etl"
    desk.status_of(what, {"scheduleState": "Scheduled", "nextRun": "2026-01-02T00:00:00Z"})
    desk.standing(item % (ITEM % "schedule: '0 2 * * *', executor: {instances: 2}"))
    plan = desk.plan()
    assert change_of(plan, "ScheduledSparkApplication/etl")["action"] == "update"
    assert effects_of(plan, "ScheduledSparkApplication/etl") == [
        "the next run is still one of '@daily'; those after it are at '0 2 * * *'",
        "the next run takes the change; one that runs stays as it is",
    ]
    desk.apply()
    desk.status_of(what, {"scheduleState": "FailedValidation", "reason": "expected exactly 5 fields"})
    desk.standing(item % (ITEM % "schedule: '0 3 * * *', executor: {instances: 2}"))
    assert change_of(desk.plan(), "ScheduledSparkApplication/etl")["action"] == "replace"
    desk.apply()
    stored = desk.get(what)
    assert stored is not None
    assert stored["spec"]["schedule"] == "0 3 * * *"
    assert "status" not in stored


@pytest.mark.apiserver
def test_a_connect_server_is_made_anew_for_a_change(controlplane: ControlPlane, namespace: str, tmp_path: Path) -> None:
    desk = Desk(controlplane, tmp_path, namespace)
    server = "components: {spark-operator: 2.4.0}\nsparkConnects: {shared: {image: 'spark:%s', sparkVersion: 4.0.0}}\n"
    desk.standing(server % "4.0.0")
    desk.apply()
    assert desk.told() == {}
    before = desk.get("sparkoperator.k8s.io/v1alpha1/sparkconnects/shared")
    desk.standing(server % "4.0.1")
    assert change_of(desk.plan(), "SparkConnect/shared")["action"] == "replace"
    desk.apply()
    after = desk.get("sparkoperator.k8s.io/v1alpha1/sparkconnects/shared")
    assert before is not None
    assert after is not None
    assert after["spec"]["image"] == "spark:4.0.1"
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert desk.told() == {}
