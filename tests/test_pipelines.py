"""Pipelines: what they compile to in both modes, what their names stand for, and that nothing of a source runs unasked."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kfspec.catalog import release
from kfspec.catalog.crds import crds
from kfspec.cluster.session import SYNCS
from kfspec.compiling import compiled
from kfspec.diagnostics import Severity, has_errors
from kfspec.kinds import syncing
from kfspec.kustomize import render
from kfspec.manifests import check_manifests
from kfspec.ordering import needed, stages
from kfspec.packages import Execution
from kfspec.pipeline import Build, build
from kfspec.resource import Body, ObjectRef
from kfspec.sync import payload
from kfspec.yamlio.dump import dump
from kfspec.yamlio.load import load
from tests.conftest import ROOT
from tests.support.controlplane import ControlPlane

PACKAGES = ROOT / "tests" / "ir" / "packages"
EXAMPLE = ROOT / "examples" / "retraining"
IMAGE = "registry.example.com/kfspec-sync:0.1.0"
KFSPEC = Path(sys.executable).parent / "kfspec"


def write(folder: Path, pipelines: dict[str, Any], **top: Any) -> Path:
    """A spec of pipelines, beside the packages of the tests."""
    spec: dict[str, Any] = {
        "apiVersion": "kfspec.dev/v1alpha1",
        "project": "p",
        "platform": {"syncImage": IMAGE},
        "externals": {"profiles": ["team"]},
        "defaults": {"profile": "team"},
        "pipelines": pipelines,
        **top,
    }
    for package in PACKAGES.glob("*.yaml"):
        shutil.copyfile(package, folder / package.name)
    (folder / "kfspec.yaml").write_text(dump(spec))
    return folder / "kfspec.yaml"


def built(spec: Path) -> Build:
    """What a spec without errors compiles to."""
    result = build(spec)
    assert not has_errors(result.diagnostics), result.diagnostics
    return result


def bodies(result: Build, kind: str, environment: str = "default") -> dict[str, Body]:
    """Name -> object, of a kind; with its namespace where it is another than `team`."""
    made = {}
    for resource in result.environments[environment]:
        if resource.ref.kind == kind:
            namespace = "" if resource.ref.namespace == "team" else f"{resource.ref.namespace}/"
            made[namespace + resource.ref.name] = resource.body
    return made


def mounted(result: Build, cron_job: str, folder: Path, environment: str = "default") -> payload.Desired:
    """What `kfspec sync` reads in a pod of the CronJob, whose volume is written as the kubelet does."""
    maps = bodies(result, "ConfigMap", environment)
    pod = bodies(result, "CronJob", environment)[cron_job]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (volume,) = (v for v in pod["volumes"] if v["name"] == "desired")
    prefix = f"{cron_job.partition('/')[0]}/" if "/" in cron_job else ""
    target = folder / "mounted"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for source in volume["projected"]["sources"]:
        for key, text in maps[prefix + source["configMap"]["name"]]["data"].items():
            (target / key).write_text(text, encoding="utf-8")
    desired, found = payload.read(target)
    assert desired is not None, found
    return desired


# -- the database's mode ----------------------------------------------------------------------------------------

ARGUMENTS = {"count": 1, "flag": True, "names": ["a"], "options": {"a": 1}, "rate": 0.5, "text": "a"}


def test_the_sync_reads_what_the_spec_says(tmp_path: Path) -> None:
    item = {
        "package": "parameters.yaml",
        "displayName": "Every type",
        "description": "One of each.",
        "pipelineRoot": "gs://acme/a",
        "serviceAccount": "default-editor",
        "recurringRuns": {
            "nightly": {
                "cron": "0 2 * * 1-5",
                "parameters": ARGUMENTS,
                "maxConcurrency": 2,
                "catchup": True,
                "startTime": "2026-01-31T00:00:00Z",
                "endTime": "2026-02-28T00:00:00+01:00",
            },
            "often": {"interval": "1h30m", "parameters": ARGUMENTS, "enabled": False, "experiment": "often"},
        },
        "runs": {"first": {"parameters": ARGUMENTS}},
    }
    result = built(write(tmp_path, {"train": item}))
    desired = mounted(result, "kfspec-sync-p-kfp", tmp_path)
    assert desired.scope == payload.Scope(project="p", environment="default", namespace="team", backend="kfp")
    (pipeline,) = desired.pipelines
    assert pipeline.model_copy(update={"package": "", "provenance": payload.Provenance()}) == payload.Pipeline(
        item="pipelines.train",
        name="train",
        displayName="Every type",
        description="One of each.",
        version=pipeline.version,
        package="x",
        pipelineRoot="gs://acme/a",
        recurringRuns=(
            payload.RecurringRun(
                name="nightly",
                cron="0 0 2 * * 1-5",
                parameters=ARGUMENTS,
                maxConcurrency=2,
                catchup=True,
                startTime="2026-01-31T00:00:00Z",
                endTime="2026-02-28T00:00:00+01:00",
            ),
            payload.RecurringRun(
                name="often", intervalSeconds=5400, parameters=ARGUMENTS, enabled=False, experiment="often"
            ),
        ),
        runs=(payload.Run(name="first-0", parameters=ARGUMENTS),),
    ).model_copy(update={"package": "", "runs": pipeline.runs})
    assert [(run.name[:6], len(run.name), run.parameters) for run in pipeline.runs] == [("first-", 14, ARGUMENTS)]
    (spec,), _ = load(str(pipeline.package).encode(), "package")
    assert spec.value["pipelineInfo"]["name"] == "parameters"
    assert "sdkVersion" not in spec.value


def test_the_package_goes_with_its_platform_spec(tmp_path: Path) -> None:
    result = built(write(tmp_path, {"train": {"package": "platform.yaml"}}))
    (pipeline,) = mounted(result, "kfspec-sync-p-kfp", tmp_path).pipelines
    spec, platform = load(str(pipeline.package).encode(), "package")[0]
    assert (set(platform.value), spec.value["pipelineInfo"]["name"]) == ({"platforms"}, "platform")


def version_of(folder: Path, item: dict[str, Any], **top: Any) -> str:
    """The version that a pipeline compiles to."""
    (pipeline,) = mounted(built(write(folder, {"train": item}, **top)), "kfspec-sync-p-kfp", folder).pipelines
    return pipeline.version


def test_a_version_is_what_runs(tmp_path: Path) -> None:
    plain = {"package": "conditions.yaml"}
    name = version_of(tmp_path, plain)
    (tmp_path / "other.json").write_text(json.dumps(load((PACKAGES / "conditions.yaml").read_bytes(), "a")[0][0].value))
    run = {"recurringRuns": {"nightly": {"cron": "0 2 * * *"}}, "runs": {"first": {}}}
    about = {"displayName": "a", "description": "b", "labels": {"a": "b"}, "pipelineRoot": "gs://a", "experiment": "e"}
    same = [
        version_of(tmp_path, {"package": "other.json"}),
        version_of(tmp_path, {**plain, **run, **about}),
        version_of(tmp_path, plain, kubeflow="1.11"),
        version_of(tmp_path, plain, project="p", sync="on"),
    ]
    assert same == [name] * len(same)
    other = [version_of(tmp_path, {**plain, "caching": caching}) for caching in (True, False)]
    assert len({name, *other, version_of(tmp_path, {"package": "loops.yaml"})}) == 4


def test_a_run_is_what_it_is_started_with(tmp_path: Path) -> None:
    def name_of(run: dict[str, Any], **item: Any) -> str:
        spec = write(tmp_path, {"train": {"package": "conditions.yaml", **item, "runs": {"first": run}}})
        (pipeline,) = mounted(built(spec), "kfspec-sync-p-kfp", tmp_path).pipelines
        return pipeline.runs[0].name

    name = name_of({})
    same = [name_of({"parameters": {}}), name_of({}, description="a"), name_of({"serviceAccount": "default-editor"})]
    assert same == [name] * len(same)
    other = [
        name_of({"parameters": {"sides": 3}}),
        name_of({"rerun": "2"}),
        name_of({"experiment": "e"}),
        name_of({}, pipelineRoot="gs://a"),
        name_of({}, caching=False),
    ]
    assert len({name, *other}) == len(other) + 1
    assert name_of({"pipelineRoot": "gs://a"}) == name_of({}, pipelineRoot="gs://a")


def test_a_payload_that_no_config_map_takes(tmp_path: Path) -> None:
    text = (PACKAGES / "conditions.yaml").read_text()
    noise = "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=1_700_000))
    spec = write(tmp_path, {"train": {"package": "large.yaml"}})
    image = "image: python:3.11\n"
    assert image in text
    (tmp_path / "large.yaml").write_text(text.replace(image, f"{image}        env: [{{name: A, value: {noise}}}]\n", 1))
    (found,) = build(spec).diagnostics
    assert found.code == "KF780"
    assert found.message.startswith("'pipelines.train' has 1,") or found.message.startswith("'pipelines.train' has 2,")
    assert found.message.endswith(" bytes compressed, and a ConfigMap takes 1,048,576")
    (tmp_path / "large.yaml").write_text(
        text.replace(image, f"{image}        env: [{{name: A, value: {noise[:900_000]}}}]\n", 1)
    )
    result = built(spec)
    assert list(bodies(result, "ConfigMap")["kfspec-pipeline-train"]["data"]) == ["pipelines.train.json.gz.b64"]
    (pipeline,) = mounted(result, "kfspec-sync-p-kfp", tmp_path).pipelines
    assert noise[:900_000] in str(pipeline.package)


def test_an_account_that_one_environment_declares(tmp_path: Path) -> None:
    item = {"package": "conditions.yaml", "serviceAccount": "trainer", "runs": {"first": {"serviceAccount": "other"}}}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "other"}}
    environments = {
        "dev": {},
        "prod": {"externals": {"serviceAccounts": ["trainer"]}, "resources": {"account": account}},
    }
    result = built(write(tmp_path, {"train": item}, environments=environments))
    assert [(d.code, d.path, [note.message for note in d.notes]) for d in result.diagnostics] == [
        ("KF205", ("pipelines", "train", "runs", "first", "serviceAccount"), ["in environment dev"]),
        ("KF205", ("pipelines", "train", "serviceAccount"), ["in environment dev"]),
    ]


def test_a_name_that_no_object_may_have(tmp_path: Path) -> None:
    platform = {"syncImage": IMAGE, "pipelines": "kubernetes"}
    spec = write(tmp_path, {"Train it": {"package": "conditions.yaml"}}, platform=platform, kubeflow="1.11")
    assert {(d.code, d.path) for d in build(spec).diagnostics} == {("KF130", ("pipelines", "Train it"))}
    kept = built(write(tmp_path, {"Train it": {"package": "conditions.yaml"}}))
    assert [pipeline.name for pipeline in mounted(kept, "kfspec-sync-p-kfp", tmp_path).pipelines] == ["Train it"]


@pytest.mark.parametrize("name", ["", "n" * 300])
def test_names_that_no_service_takes_are_told(name: str, tmp_path: Path) -> None:
    pipelines = {
        name: {"package": "conditions.yaml"},
        "train": {"package": "conditions.yaml", "runs": {name: {}}, "recurringRuns": {name: {"interval": 60}}},
    }
    models = {name: {}, "fraud": {"versions": {name: {"uri": "a"}, "1": {"artifacts": {name: {"uri": "a"}}}}}}
    found = build(write(tmp_path, pipelines, models=models)).diagnostics
    assert {(d.code, d.path) for d in found} == {
        ("KF104", ("pipelines", name)),
        ("KF104", ("pipelines", "train", "runs", name)),
        ("KF104", ("pipelines", "train", "recurringRuns", name)),
        ("KF104", ("models", name)),
        ("KF104", ("models", "fraud", "versions", name)),
        ("KF104", ("models", "fraud", "versions", "1", "artifacts", name)),
    }


# -- the loop ---------------------------------------------------------------------------------------------------


def test_a_loop_stays_with_nothing_to_hold_until_it_is_off(tmp_path: Path) -> None:
    homes = {"profiles": {"a": {"owner": "ana"}, "b": {"owner": "bo"}}}
    loops = ["a/kfspec-sync-p-kfp", "b/kfspec-sync-p-kfp", "kfspec-sync-p-kfp"]
    result = built(write(tmp_path, {}, **homes))
    assert sorted(bodies(result, "CronJob")) == loops
    for loop in loops:
        desired = mounted(result, loop, tmp_path)
        assert (desired.scope.backend, desired.pipelines, desired.models) == ("kfp", (), ())
    assert sorted(bodies(built(write(tmp_path, {"train": {"package": "loops.yaml"}}, **homes)), "CronJob")) == loops
    off = built(write(tmp_path, {"train": {"package": "loops.yaml"}}, sync="off", **homes))
    assert [bodies(off, kind) for kind in ("CronJob", "Job", "ConfigMap")] == [{}, {}, {}]
    assert [(d.code, d.message) for d in off.diagnostics] == [
        ("KF211", "'sync' is off: 'pipelines.train' is not kept up")
    ]
    assert built(write(tmp_path, {}, platform={})).environments == {"default": ()}


def test_without_an_image_an_item_is_an_error_and_no_item_is_none(tmp_path: Path) -> None:
    pipelines = {"one": {"package": "loops.yaml"}, "two": {"package": "nested.yaml"}}
    found = build(write(tmp_path, pipelines, platform={})).diagnostics
    assert [(d.code, d.message, d.hint) for d in found] == [
        (
            "KF210",
            "'platform.syncImage' is not set, and 'kfspec sync' runs in it to keep 'pipelines.one' and 1 more",
            "platform: {syncImage: registry.example.com/kfspec-sync:0.1.0}; deploy/Containerfile makes the image",
        )
    ]


def test_a_job_is_new_where_there_is_something_to_do(tmp_path: Path) -> None:
    def job(item: dict[str, Any], **top: Any) -> str:
        (name,) = bodies(built(write(tmp_path, {"train": item}, **top)), "Job")
        return name

    item = {"package": "conditions.yaml", "recurringRuns": {"nightly": {"cron": "0 2 * * *"}}}
    name = job(item)
    assert [job({**item, "labels": {"a": "b"}}), job({**item, "annotations": {"a": "b"}})] == [name, name]
    other = [
        job({**item, "package": "exits.yaml"}),
        job({**item, "recurringRuns": {"nightly": {"cron": "0 3 * * *"}}}),
        job(item, platform={"syncImage": "registry.example.com/kfspec-sync:0.2.0"}),
        job(item, project="q"),
    ]
    assert len({name, *other}) == 5


def test_every_environment_has_a_loop_of_its_own_and_shares_the_rest(tmp_path: Path) -> None:
    result = built(write(tmp_path, {"train": {"package": "loops.yaml"}}, environments={"dev": {}, "prod": {}}))
    tree, found = render("p", result.base, result.environments)
    assert found == ()
    assert {path for path in tree if "kustomization" not in path} == {
        "p/base/stage-1/configmap-kfspec-pipeline-train.yaml",
        "p/base/stage-1/configmap-kfspec-sync-p-kfp.yaml",
        "p/base/stage-1/cronjob-kfspec-sync-p-kfp.yaml",
        "p/base/stage-1/role-kfspec-sync-p-kfp.yaml",
        "p/base/stage-1/rolebinding-kfspec-sync-p-kfp.yaml",
        *(f"p/{env}/stage-1/job-{name}.yaml" for env in ("dev", "prod") for name in bodies(result, "Job", env)),
        "p/prod/stage-1/configmap-kfspec-sync-p-kfp.patch.yaml",
    }
    assert mounted(result, "kfspec-sync-p-kfp", tmp_path, "prod").scope.environment == "prod"


def test_names_of_long_projects_fit(tmp_path: Path) -> None:
    result = built(write(tmp_path, {"train": {"package": "loops.yaml"}}, project="a" * 53))
    (cron_job,) = bodies(result, "CronJob")
    (job,) = bodies(result, "Job")
    assert (len(cron_job) <= 52, len(job) <= 63, job.startswith(f"{cron_job}-")) == (True, True, True)
    other = built(write(tmp_path, {"train": {"package": "loops.yaml"}}, project="a" * 52))
    assert cron_job not in bodies(other, "CronJob")


def walk(value: Any) -> Any:
    """Every key in a value."""
    if isinstance(value, dict):
        yield from value
        for item in value.values():
            yield from walk(item)
    elif isinstance(value, list):
        for item in value:
            yield from walk(item)


def test_what_runs_ends_and_is_never_made_again_by_itself(tmp_path: Path) -> None:
    result = built(write(tmp_path, {"train": {"package": "loops.yaml"}}))
    (cron_job,), (job,) = bodies(result, "CronJob").values(), bodies(result, "Job").values()
    assert cron_job["spec"]["jobTemplate"]["spec"] == job["spec"]
    assert {k: v for k, v in cron_job["spec"].items() if k != "jobTemplate"} == {
        "concurrencyPolicy": "Forbid",
        "failedJobsHistoryLimit": 2,
        "schedule": "*/10 * * * *",
        "startingDeadlineSeconds": 300,
        "successfulJobsHistoryLimit": 1,
    }
    assert "ttlSecondsAfterFinished" not in set(walk([cron_job, job]))
    assert (job["spec"]["activeDeadlineSeconds"], job["spec"]["backoffLimit"]) == (540, 2)
    pod = job["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "default-editor"
    (container,) = pod["containers"]
    assert (container["image"], *container["command"], *container["args"]) == (
        IMAGE,
        *("kfspec", "sync", "kfp"),
        *("--from", "/etc/kfspec/sync", "--token-file", "/var/run/secrets/kfspec/token"),
    )
    tokens = [
        s["serviceAccountToken"]
        for v in pod["volumes"]
        for s in v.get("projected", {}).get("sources", ())
        if "serviceAccountToken" in s
    ]
    assert tokens == [{"audience": "pipelines.kubeflow.org", "expirationSeconds": 3600, "path": "token"}]
    assert container["env"] == [
        {"name": "HOME", "value": "/tmp"},
        {"name": "KFSPEC_EVENT_OBJECT", "value": "batch/v1/CronJob/team/kfspec-sync-p-kfp"},
        {
            "name": "KFSPEC_COMMIT",
            "valueFrom": {"configMapKeyRef": {"name": "kfspec-revision-p", "key": "commit", "optional": True}},
        },
    ]


def test_a_loop_brings_the_rights_that_its_account_lacks_unless_it_may_not(tmp_path: Path) -> None:
    item = {"train": {"package": "loops.yaml"}}
    result = built(write(tmp_path, item))
    name = "kfspec-sync-p-kfp"
    (role,), (binding,) = bodies(result, "Role").values(), bodies(result, "RoleBinding").values()
    labels = bodies(result, "CronJob")[name]["metadata"]["labels"]
    assert [body["metadata"] for body in (role, binding)] == [{"name": name, "namespace": "team", "labels": labels}] * 2
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "resourceNames": [name],
            "verbs": ["get", "update"],
        },
    ]
    assert {key: binding[key] for key in ("roleRef", "subjects")} == {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": "default-editor", "namespace": "team"}],
    }
    without = built(write(tmp_path, item, platform={"syncImage": IMAGE, "syncRole": False}))
    assert (bodies(without, "Role"), bodies(without, "RoleBinding")) == ({}, {})
    assert bodies(without, "Job") == bodies(result, "Job"), "the same pods: they may have the rights by another way"


@pytest.mark.apiserver
def test_its_pods_pass_pod_security_restricted(controlplane: ControlPlane, tmp_path: Path) -> None:
    namespace = f"restricted-{os.getpid()}"
    controlplane.create_namespace(namespace, {"pod-security.kubernetes.io/enforce": "restricted"})
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "default-editor", "namespace": namespace},
    }
    assert [a.status for a in controlplane.apply([account])] == [201]
    result = built(write(tmp_path, {"train": {"package": "loops.yaml"}}))
    (job,) = bodies(result, "Job").values()
    template = job["spec"]["template"]
    meta = {**template["metadata"], "name": "sync", "namespace": namespace}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]}
    (answer,) = controlplane.apply([pod])
    assert (answer.status, answer.message) == (201, "")
    container = {**template["spec"]["containers"][0], "securityContext": {}}
    loose = {**pod, "metadata": {**meta, "name": "loose"}, "spec": {**template["spec"], "containers": [container]}}
    (answer,) = controlplane.apply([loose])
    assert 'violates PodSecurity "restricted:latest"' in answer.message


# -- objects ----------------------------------------------------------------------------------------------------


def objects(folder: Path, item: dict[str, Any], kubeflow: str = "1.11") -> Build:
    """The same pipeline where KFP keeps objects."""
    platform = {"syncImage": IMAGE, "pipelines": "kubernetes"}
    return build(write(folder, {"train": item}, platform=platform, kubeflow=kubeflow))


def test_a_pipeline_as_objects(tmp_path: Path) -> None:
    result = objects(tmp_path, {"package": "conditions.yaml", "displayName": "A", "description": "B", "caching": False})
    assert result.diagnostics == ()
    assert bodies(result, "Pipeline")["train"]["spec"] == {"displayName": "A", "description": "B"}
    ((name, version),) = bodies(result, "PipelineVersion").items()
    assert name == version_of(tmp_path, {"package": "conditions.yaml", "caching": False})
    assert version["spec"]["pipelineName"] == "train"
    assert set(version["spec"]) == {"pipelineName", "pipelineSpec"}
    assert version["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/prune"] == "disabled"
    spec = version["spec"]["pipelineSpec"]
    dags = [spec["root"], *spec["components"].values()]
    tasks = [task for dag in dags for task in dag.get("dag", {}).get("tasks", {}).values()]
    assert {json.dumps(task["cachingOptions"]) for task in tasks} == {"{}"}
    assert sorted(bodies(result, "ConfigMap")) == ["kfspec-sync-p-kfp"], "nothing is left to say to the sync"
    tree, _ = render("p", result.base, result.environments)
    assert [path for path in tree if "pipelineversion" in path] == [f"p/base/stage-2/pipelineversion-{name}.yaml"]


def test_what_starts_runs_stays_with_the_sync_without_the_package(tmp_path: Path) -> None:
    result = objects(tmp_path, {"package": "conditions.yaml", "recurringRuns": {"nightly": {"cron": "0 2 * * *"}}})
    carried = json.loads(bodies(result, "ConfigMap")["kfspec-pipeline-train"]["data"]["pipelines.train.json"])
    (version,) = bodies(result, "PipelineVersion")
    assert {key: carried.get(key) for key in ("name", "version", "package", "caching")} == {
        "name": "train",
        "version": version,
        "package": None,
        "caching": None,
    }
    assert [run["cron"] for run in carried["recurringRuns"]] == ["0 0 2 * * *"]


@pytest.mark.parametrize(
    ("kubeflow", "why"),
    [("1.10", "its CRDs drop 'displayName' and 'platformSpec'"), ("1.10.0", "it has no such kinds")],
)
def test_a_release_that_cannot_keep_objects_whole(kubeflow: str, why: str, tmp_path: Path) -> None:
    (found,) = objects(tmp_path, {"package": "conditions.yaml"}, kubeflow).diagnostics
    assert (found.code, found.path, found.hint) == (
        "KF307",
        ("platform", "pipelines"),
        f"{why}; 'pipelines: database', or a release from 1.11 on",
    )


@pytest.mark.apiserver
def test_the_objects_of_the_newer_release_are_stored_whole(
    controlplane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    newer, _ = release("1.11")
    assert newer is not None
    controlplane.install_crds([crd for crd in crds(newer) if crd["spec"]["group"] == "pipelines.kubeflow.org"])
    result = objects(tmp_path, {"package": "platform.yaml", "displayName": "A"})
    made = [
        {**body, "metadata": {**body["metadata"], "namespace": namespace}}
        for kind in ("Pipeline", "PipelineVersion")
        for body in bodies(result, kind).values()
    ]
    answers = controlplane.apply(made, workers=1)
    assert [answer.status for answer in answers] == [201, 201]
    assert [answer.body["spec"] for answer in answers] == [body["spec"] for body in made]
    assert "platformSpec" in made[1]["spec"]


def test_the_example_compiles_in_both_modes(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    spec = tmp_path / "kfspec.yaml"
    kept = built(spec)
    text = spec.read_text()
    spec.write_text(
        text.replace('kubeflow: "1.10"', 'kubeflow: "1.11"').replace(
            "platform:\n", "platform:\n  pipelines: kubernetes\n"
        )
    )
    as_objects = built(spec)
    for environment in ("dev", "prod"):
        desired = mounted(kept, "cards/kfspec-sync-retraining-kfp", tmp_path, environment)
        (version,) = bodies(as_objects, "PipelineVersion", environment)
        assert [f"cards/{pipeline.version}" for pipeline in desired.pipelines] == [version]
        service = bodies(kept, "InferenceService", environment)["cards/scorer"]
        assert service["spec"]["predictor"]["model"] == {
            "modelFormat": {"name": "sklearn"},
            "storageUri": "gs://acme/fraud/v7",
        }


def test_what_starts_runs_comes_after_the_versions(tmp_path: Path) -> None:
    job = {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a:1"}]}}}}
    other = {"mine": {"apiVersion": "batch/v1", "kind": "Job", **job}}
    item = {"package": "conditions.yaml", "recurringRuns": {"nightly": {"cron": "0 2 * * *"}}}
    stages_of = {}
    for mode, kubeflow in (("database", "1.10"), ("kubernetes", "1.11")):
        platform = {"syncImage": IMAGE, "pipelines": mode}
        spec = write(tmp_path, {"train": item}, kubeflow=kubeflow, platform=platform, resources=other)
        staged = stages(built(spec).environments["default"])
        stages_of[mode] = {(ref.kind, ref.name.rpartition("-")[0] or ref.name): stage for ref, stage in staged.items()}
    assert set(stages_of["database"].values()) == {"stage-1"}
    assert stages_of["kubernetes"] == {
        ("Pipeline", "train"): "stage-1",
        ("Job", "mine"): "stage-1",
        ("ConfigMap", "kfspec-pipeline"): "stage-1",
        ("ConfigMap", "kfspec-sync-p"): "stage-1",
        ("Role", "kfspec-sync-p"): "stage-1",
        ("RoleBinding", "kfspec-sync-p"): "stage-1",
        ("PipelineVersion", "train"): "stage-2",
        ("CronJob", "kfspec-sync-p"): "stage-3",
        ("Job", "kfspec-sync-p-kfp"): "stage-3",
    }


@pytest.mark.parametrize(
    ("binding", "role", "needs"),
    [
        ("RoleBinding", ("Role", "a", "reader"), True),
        ("RoleBinding", ("Role", "b", "reader"), False),
        ("RoleBinding", ("ClusterRole", "", "reader"), True),
        ("ClusterRoleBinding", ("ClusterRole", "", "reader"), True),
        ("ClusterRoleBinding", ("ClusterRole", "", "writer"), False),
    ],
)
def test_a_binding_needs_its_role_where_the_same_plan_makes_it(
    binding: str, role: tuple[str, str, str], needs: bool
) -> None:
    group = "rbac.authorization.k8s.io"
    ref = ObjectRef(group, binding, "a" if binding == "RoleBinding" else "", "x")
    body = {"kind": binding, "roleRef": {"apiGroup": group, "kind": role[0], "name": "reader"}}
    made = ObjectRef(group, *role)
    assert list(needed(ref, body, {made: {}, ref: body}, {})) == ([made] if needs else [])


def test_the_labels_of_the_loops_are_what_plans_know() -> None:
    assert {f"{syncing.ITEM}.{backend}" for backend in syncing.BACKENDS} == set(SYNCS)


# -- sources ----------------------------------------------------------------------------------------------------

TRACE = "from pathlib import Path\nPath(__file__).with_name('trace').write_text('I ran')\n"


def kfspec(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of kfspec."""
    return subprocess.run([KFSPEC, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def test_nothing_of_a_source_runs_unasked(tmp_path: Path) -> None:
    spec = write(tmp_path, {"train": {"source": "train.py"}})
    (tmp_path / "train.py").write_text(TRACE)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    commit = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qam", "a"]
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    subprocess.run(commit, cwd=tmp_path, check=True)
    validated = kfspec(tmp_path, "validate")
    assert (validated.returncode, validated.stdout.splitlines()[0]) == (
        0,
        "note[KF209]: the pipeline's source is not compiled, for that would run it",
    )
    for command in (
        ("compile",),
        ("compile", "--check"),
        ("compile", "--stdout"),
        ("diff", "--against", "git:HEAD"),
        ("apply", "--yes"),
    ):
        done = kfspec(tmp_path, *command)
        assert done.returncode != 0, command
        assert "error[KF209]: the pipeline's source is not compiled, for that would run it" in done.stderr, command
    for command in (("fmt", "--check"), ("schema",), ("graph",), ("import", "kfspec.yaml")):
        kfspec(tmp_path, *command)
    build(spec)
    assert not (tmp_path / "trace").exists()
    assert not (tmp_path / "overlays").exists()
    assert not list(tmp_path.rglob("*.pyc"))


def test_asked_to_it_runs_the_source_or_says_that_there_is_no_sdk(tmp_path: Path) -> None:
    write(tmp_path, {"train": {"source": "train.py"}})
    (tmp_path / "train.py").write_text(TRACE)
    done = kfspec(tmp_path, "compile", "--allow-exec")
    assert done.returncode == 1
    if (tmp_path / "trace").exists():
        assert "error[KF213]: it has not one pipeline, but these: none" in done.stderr
    else:
        assert "error[KF213]: the KFP SDK cannot be imported" in done.stderr


def test_a_source_outside_of_the_project_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TRACE)
    (tmp_path / "spec").mkdir()
    spec = write(tmp_path / "spec", {"train": {"source": "../train.py"}})
    (found,) = build(spec, execution=Execution.ALLOWED).diagnostics
    assert (found.code, found.path) == ("KF052", ("pipelines", "train", "source"))
    assert not (tmp_path / "trace").exists()


SDK = pytest.mark.skipif(
    subprocess.run([sys.executable, "-c", "import kfp"], capture_output=True, check=False).returncode != 0,
    reason="the KFP SDK is not installed (pip install 'kfspec[pipelines]')",
)


@SDK
def test_the_example_compiled_from_its_source_is_the_same_version(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    spec = tmp_path / "kfspec.yaml"
    committed = built(spec)
    spec.write_text(spec.read_text().replace("package: pipelines/retrain.yaml", "source: pipelines/retrain.py:retrain"))
    again = build(spec, execution=Execution.ALLOWED)
    assert again.diagnostics == ()
    old, new = (mounted(result, "cards/kfspec-sync-retraining-kfp", tmp_path, "prod") for result in (committed, again))
    assert [pipeline.version for pipeline in new.pipelines] == [pipeline.version for pipeline in old.pipelines]
    assert list(bodies(again, "Job", "prod")) == list(bodies(committed, "Job", "prod"))


@SDK
def test_a_revision_may_be_compiled_from_its_source_too(tmp_path: Path) -> None:
    for name in ("conditions", "exits"):
        shutil.copyfile(PACKAGES.parent / "sources" / f"{name}.py", tmp_path / f"{name}.py")
    item = {"source": "train.py", "recurringRuns": {"nightly": {"cron": "0 2 * * *"}}}
    write(tmp_path, {"train": item})
    (tmp_path / "conditions.py").rename(tmp_path / "train.py")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "a"]):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=tmp_path, check=True)
    against = ("diff", "--against", "git:HEAD", "--format", "json")
    same = kfspec(tmp_path, *against, "--allow-exec")
    assert (same.returncode, json.loads(same.stdout)["changes"], same.stderr) == (0, [], "")
    (tmp_path / "exits.py").replace(tmp_path / "train.py")
    changes = json.loads(kfspec(tmp_path, *against, "--allow-exec").stdout)["changes"]
    told = {(change["object"]["kind"], change["action"]) for change in changes}
    assert told == {("ConfigMap", "update"), ("Job", "new-run"), ("Job", "prune")}
    (delta,) = [d for change in changes for d in change["deltas"] if d["path"].endswith(".version")]
    assert delta["old"] != delta["new"]
    shutil.copyfile(PACKAGES / "exits.yaml", tmp_path / "exits.yaml")
    write(tmp_path, {"train": {**item, "package": "exits.yaml"} | {"source": None}})
    refused = kfspec(tmp_path, *against)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.splitlines()[:2] == [
        "error[KF507]: a pipeline's source at revision 'HEAD' is not compiled, for that would run it",
        "  = help: --allow-exec runs it",
    ]


FAILS: dict[str, tuple[str, str]] = {
    "an exception": ("raise ValueError('no data')", "it does not compile: ValueError: no data"),
    "no pipeline": ("x = 1", "it has not one pipeline, but these: none"),
    "the environment": (
        "import os; raise ValueError(sorted(os.environ))",
        "it does not compile: ValueError: ['HOME', 'LANG', 'PATH', 'TMPDIR']",
    ),
    "where it runs": (
        "import os, pathlib; raise ValueError(pathlib.Path(__file__).parent == pathlib.Path.cwd())",
        "it does not compile: ValueError: True",
    ),
    "an end without words": ("import os; os._exit(7)", "it does not compile: exit status 7"),
}


@SDK
@pytest.mark.parametrize("case", FAILS)
def test_what_a_source_says_when_it_fails(case: str, tmp_path: Path) -> None:
    source, message = FAILS[case]
    (tmp_path / "train.py").write_text(source + "\n")
    data, (found,) = compiled(tmp_path / "train.py", None)
    assert (data, found.code, found.message) == (None, "KF213", message)


@SDK
def test_time_is_up_for_children_too(tmp_path: Path, until: Callable[[Callable[[], bool]], None]) -> None:
    (tmp_path / "train.py").write_text(
        "import pathlib, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "pathlib.Path(__file__).with_name('pid').write_text(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    data, (found,) = compiled(tmp_path / "train.py", None, timeout=15)
    assert (data, found.message) == (None, "compiling it took more than 15 seconds")
    until(lambda: not alive(int((tmp_path / "pid").read_text())))


def alive(pid: int) -> bool:
    """Whether a process runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Waits for something, five seconds at most."""
    import time

    def wait(holds: Callable[[], bool]) -> None:
        end = time.monotonic() + 5
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.05)

    return wait


# -- plain objects ----------------------------------------------------------------------------------------------

VERSION = "apiVersion: pipelines.kubeflow.org/v2beta1\nkind: PipelineVersion\nmetadata: {name: train-1}\nspec:\n  pipelineName: train\n"


def manifest(folder: Path, change: tuple[str, str], package: str = "conditions") -> list[tuple[str, Any, str, int]]:
    """What is said of a PipelineVersion whose package was changed: code, path, message and line."""
    documents = (PACKAGES / f"{package}.yaml").read_text().split("---\n")
    fields = zip(("pipelineSpec", "platformSpec"), documents, strict=False)
    text = VERSION + "".join(
        f"  {field}:\n" + "".join(f"    {line}\n" for line in part.splitlines()) for field, part in fields
    )
    assert text.count(change[0]) >= 1
    (folder / "a.yaml").write_text(text.replace(*change, 1))
    found = check_manifests([str(folder / "a.yaml")], "1.11").diagnostics
    return [(d.code, d.path, d.message, d.pos.line if d.pos else 0) for d in found if d.severity is Severity.ERROR]


def test_a_version_among_plain_manifests_gets_the_same_rules(tmp_path: Path) -> None:
    assert manifest(tmp_path, ("pipelineName: train", "pipelineName: train")) == []
    assert manifest(tmp_path, ("schemaVersion: 2.1.0", "schemaVersion: 2.0.0")) == [
        ("KF310", ("spec", "pipelineSpec", "schemaVersion"), "KFP takes schemaVersion 2.1.0 only, not '2.0.0'", 557)
    ]
    ((code, path, message, _),) = manifest(tmp_path, ("executorLabel: exec-flip", "executorLabel: exec-filp"))
    assert (code, path) == ("KF313", ("spec", "pipelineSpec", "components", "comp-flip", "executorLabel"))
    assert message == "component 'comp-flip' runs executor 'exec-filp', which is not defined"
    ((code, path, _, _),) = manifest(tmp_path, ("secretAsEnv:", "secretAsEvn:"), "platform")
    assert (code, path[:2]) == ("KF311", ("spec", "platformSpec"))
