"""import: what exists becomes a spec that compiles to the same objects, and what must differ is told apart."""

from __future__ import annotations

import copy
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kfspec import cli
from kfspec.catalog import Release, release
from kfspec.diagnostics import Severity
from kfspec.equivalence import equivalent
from kfspec.importing import import_manifests
from kfspec.manifests import check_manifests
from kfspec.pipeline import build
from kfspec.yamlio.compose import compose
from kfspec.yamlio.dump import dump
from tests.conftest import ROOT, SHARED

KINDS = {
    "Experiment",
    "InferenceService",
    "InferenceGraph",
    "TrainedModel",
    "Notebook",
    "Profile",
    "PyTorchJob",
    "TFJob",
    "XGBoostJob",
    "MPIJob",
    "PVCViewer",
    "SparkApplication",
}


def admitted() -> list[tuple[str, dict[str, Any]]]:
    """(file, object) of the samples that upstream admitted as they are."""
    path = SHARED / "admission" / "kubeflow-1.10.jsonl"
    if not path.exists():
        return []
    rows = [
        json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if '"mutation": "original"' in line
    ]
    return [
        (row["sample"], row["object"])
        for row in rows
        if row["admitted"] and row["mutation"] == "original" and row["object"]["kind"] in KINDS
    ]


@pytest.fixture(scope="module")
def kubeflow_1_10_0() -> Release:
    known, _ = release("1.10.0")
    assert known is not None
    return known


@pytest.mark.corpus
def test_every_admitted_original_imports_and_compiles_to_an_equivalent_object(
    kubeflow_1_10_0: Release, tmp_path: Path
) -> None:
    passed, wrong = [], []
    samples = admitted()
    for name, _ in samples:
        imported = import_manifests([str(SHARED / "samples" / name)], "imported", "1.10.0")
        assert [d for d in imported.diagnostics if d.severity is Severity.ERROR] == []
        passed += [name] * (imported.passed_through > 0)
        spec = tmp_path / "kfspec.yaml"
        spec.write_text(compose(imported.spec))
        built = build(spec)
        errors = [f"{name}: {d.code} {d.message}" for d in built.diagnostics if d.severity is Severity.ERROR]
        wrong += errors
        compiled = [r.body for r in built.environments.get("default", ())]
        for body in yaml.load_all((SHARED / "samples" / name).read_text(), Loader=yaml.CSafeLoader):
            if (
                body
                and body["kind"] in KINDS
                and not any(equivalent(body, other, kubeflow_1_10_0) for other in compiled)
            ):
                wrong.append(f"{name}: no equivalent of {body['kind']} {body['metadata']['name']}")
    assert wrong == []
    assert len(samples) == 70
    assert len(passed) <= 7, passed  # a viewer without its volume among them


@pytest.mark.corpus
def test_what_a_webhook_stores_is_equivalent_to_what_was_applied(kubeflow_1_10_0: Release, shared: Path) -> None:
    different = []
    for path in sorted((shared / "admission" / "defaulted").glob("*.json")):
        stored = json.loads(path.read_bytes())
        if stored["kind"] not in KINDS:
            continue
        documents = yaml.safe_load_all((shared / "samples" / f"{path.stem}.yaml").read_text())
        applied = next(d for d in documents if d and d["kind"] == stored["kind"])
        applied["metadata"].pop("namespace", None)  # it was applied into another one
        if not equivalent(applied, stored, kubeflow_1_10_0):
            different.append(path.stem)
    assert different == []


SERVICE: dict[str, Any] = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {"name": "a", "namespace": "n", "labels": {"x": "y"}},
    "spec": {
        "predictor": {
            "minReplicas": 1,
            "model": {"modelFormat": {"name": "sklearn"}, "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}},
        }
    },
}

EXPERIMENT: dict[str, Any] = {
    "apiVersion": "kubeflow.org/v1beta1",
    "kind": "Experiment",
    "metadata": {"name": "tune"},
    "spec": {
        "objective": {"type": "maximize", "objectiveMetricName": "auc"},
        "parameters": [{"name": "lr", "parameterType": "double", "feasibleSpace": {"min": "0.1", "max": "1"}}],
        "parallelTrialCount": 3,
    },
}


def changed(body: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """A copy with one value set, or removed where it is None."""
    result = copy.deepcopy(body)
    at: Any = result
    for part in path[:-1]:
        at = at[part]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return result


MODEL = ("spec", "predictor", "model")
SAME = {
    "kfspec's labels": (SERVICE, ("metadata", "labels", "kfspec.dev/project"), "p"),
    "an engine's annotation": (
        SERVICE,
        ("metadata", "annotations"),
        {"kustomize.toolkit.fluxcd.io/prune": "disabled"},
    ),
    "a quantity in another form": (SERVICE, (*MODEL, "resources", "limits"), {"cpu": "1000m", "memory": "1024Mi"}),
    "a namespace that one leaves out": (SERVICE, ("metadata", "namespace"), None),
    "the older predictor": (
        SERVICE,
        ("spec", "predictor"),
        {"minReplicas": 1, "sklearn": SERVICE["spec"]["predictor"]["model"] | {"modelFormat": {"name": "sklearn"}}},
    ),
    "a written default": (EXPERIMENT, ("spec", "resumePolicy"), "Never"),
    "the default's absence": (EXPERIMENT, ("spec", "parallelTrialCount"), None),
    "the hash of a run": (EXPERIMENT, ("metadata", "name"), "tune-0123abcd"),
    "a status": (EXPERIMENT, ("status",), {"trials": 3}),
}
DIFFERENT = {
    "a label": (SERVICE, ("metadata", "labels", "x"), "z"),
    "a label less": (SERVICE, ("metadata", "labels", "x"), None),
    "an annotation": (SERVICE, ("metadata", "annotations"), {"a": "b"}),
    "a quantity": (SERVICE, (*MODEL, "resources", "limits", "cpu"), "1001m"),
    "a format": (SERVICE, (*MODEL, "modelFormat", "name"), "xgboost"),
    "a number": (SERVICE, ("spec", "predictor", "minReplicas"), 0),
    "another namespace": (SERVICE, ("metadata", "namespace"), "m"),
    "another name": (SERVICE, ("metadata", "name"), "b"),
    "a name that looks like a run's": (SERVICE, ("metadata", "name"), "a-0123abcd"),
    "no default": (EXPERIMENT, ("spec", "resumePolicy"), "LongRunning"),
    "another distribution": (
        EXPERIMENT,
        ("spec", "parameters", 0, "feasibleSpace", "distribution"),
        "logUniform",
    ),
    "a bound": (EXPERIMENT, ("spec", "parameters", 0, "feasibleSpace", "max"), "1.0"),
    "another kind": (EXPERIMENT, ("kind",), "Trial"),
}


@pytest.mark.parametrize("case", SAME)
def test_equivalent(case: str, kubeflow_1_10_0: Release) -> None:
    body, path, value = SAME[case]
    assert equivalent(body, changed(body, path, value), kubeflow_1_10_0)


@pytest.mark.parametrize("case", DIFFERENT)
def test_not_equivalent(case: str, kubeflow_1_10_0: Release) -> None:
    body, path, value = DIFFERENT[case]
    assert not equivalent(body, changed(body, path, value), kubeflow_1_10_0)


MANIFESTS = """\
apiVersion: kubeflow.org/v1
kind: PyTorchJob
metadata: {name: train, namespace: team}
spec:
  pytorchReplicaSpecs:
    Master:
      replicas: 1
      template: {spec: {containers: [{name: pytorch, image: "registry.example.com/train:1", env: [{name: A, value: b}]}]}}
    Worker:
      replicas: 2
      template: {spec: {containers: [{name: pytorch, image: "registry.example.com/train:1", env: [{name: A, value: b}]}]}}
---
apiVersion: kubeflow.org/v1
kind: Notebook
metadata: {name: explore, namespace: team}
spec:
  template:
    spec:
      containers:
      - name: explore
        image: registry.example.com/jupyter:1
        env: [{name: HF_TOKEN, value: hf_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789}]
        volumeMounts: [{name: data, mountPath: /data}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
---
apiVersion: v1
kind: Secret
metadata: {name: hub, namespace: team}
stringData: {token: hf_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: team}
data: {a: b}
"""

SPEC = """\
apiVersion: kfspec.dev/v1alpha1
project: imported
kubeflow: "1.10"

externals: {profiles: [team], secrets: [explore-credentials, hub], volumes: [data]}
defaults: {profile: team}

notebooks:
  explore:
    image: registry.example.com/jupyter:1
    env:
      HF_TOKEN:
        valueFrom: {secretKeyRef: {name: explore-credentials, key: HF_TOKEN}}
    volumeMounts: {data: /data}

trainingJobs:
  train: {kind: PyTorchJob, image: registry.example.com/train:1, env: {A: b}, workers: 2}

resources:
  settings: {apiVersion: v1, kind: ConfigMap, data: {a: b}}
"""

WARNINGS = """\
warning[KF350]: the value of 'HF_TOKEN' looks like a Hugging Face token, and stays out of the spec
  --> all.yaml:22:39   spec.template.spec.containers[0].env[0].value
   = help: put it into a Secret 'explore-credentials', under the key 'HF_TOKEN'

warning[KF351]: the Secret 'hub' stays out of the spec
  --> all.yaml:29:1   stringData
   = help: it is listed under 'externals.secrets'

no errors, 2 warnings: 3 objects imported, 2 in blocks of their own
"""


def test_a_spec_is_written_in_short_forms_and_without_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("all.yaml").write_text(MANIFESTS)
    monkeypatch.setattr(sys, "argv", ["kfspec", "import", "all.yaml", "--project", "imported", "-o", "kfspec.yaml"])
    assert cli.run() == 0
    assert Path("kfspec.yaml").read_text() == SPEC
    assert "hf_" not in Path("kfspec.yaml").read_text()
    assert capsys.readouterr() == ("", WARNINGS)
    assert cli.run() == 2  # the file is there now
    assert Path("kfspec.yaml").read_text() == SPEC


KEY = "-----BEGIN RSA PRIVATE " + "KEY-----"


def test_credentials_among_arguments_become_variables(tmp_path: Path) -> None:
    """Kubernetes expands `$(NAME)` in a container's command and arguments; a name that is taken stays its owner's."""
    token, key = "ghp_" + "a1B2" * 9, "AKIA" + "Q7W8" * 4
    body = {
        "apiVersion": "kubeflow.org/v1",
        "kind": "Notebook",
        "metadata": {"name": "n", "namespace": "t"},
        "spec": {
            "template": {
                "spec": {
                    "containers": [
                        {
                            "name": "n",
                            "image": "x:1",
                            "command": ["serve", f"--aws-key={key}", "--plain=1"],
                            "args": [
                                f"--token={token}",
                                f"x; tok={token} {key}",
                                token,
                                "--port",
                                "80",
                                f"{KEY}\nMIIE\n",
                            ],
                            "env": [{"name": "TOKEN", "value": "$(OTHER)"}],
                        }
                    ]
                }
            }
        },
    }
    path = tmp_path / "n.yaml"
    path.write_text(dump(body))
    imported = import_manifests([str(path)], "p")
    text = dump(imported.spec)
    assert token not in text
    assert key not in text
    assert imported.spec["externals"]["secrets"] == ["n-credentials"]
    item = imported.spec["notebooks"]["n"]
    assert (item["command"], item["args"]) == (
        ["serve", "--aws-key=$(AWS_KEY)", "--plain=1"],
        ["--token=$(TOKEN_2)", "x; tok=$(TOK_2) $(TOK)", "$(CREDENTIAL)", "--port", "80", "$(CREDENTIAL_2)"],
    )
    assert {name: value for name, value in item["env"].items() if name != "TOKEN"} == {
        name: {"valueFrom": {"secretKeyRef": {"name": "n-credentials", "key": name}}}
        for name in ("AWS_KEY", "TOKEN_2", "TOK", "TOK_2", "CREDENTIAL", "CREDENTIAL_2")
    }
    assert [d.code for d in imported.diagnostics] == ["KF350"] * 6
    assert "MIIE" not in text


def replica(
    count: int, restart: str | None = None, pod: dict[str, Any] | None = None, **container: Any
) -> dict[str, Any]:
    """A replica type of a training job with one container."""
    spec = {"containers": [{"image": "registry.example.com/a:1", **container}], **(pod or {})}
    return {"replicas": count, "template": {"spec": spec}, **({"restartPolicy": restart} if restart else {})}


def imported(tmp_path: Path, *objects: dict[str, Any], kubeflow: str = "1.10.0") -> dict[str, Any]:
    """The spec of objects, which compiles to their equivalents."""
    known, _ = release(kubeflow)
    assert known is not None
    manifests, spec = tmp_path / "manifests.yaml", tmp_path / "kfspec.yaml"
    manifests.write_text(yaml.safe_dump_all(objects))
    made = import_manifests([str(manifests)], "imported", kubeflow)
    assert made.diagnostics == ()
    spec.write_text(compose(made.spec))
    compiled = [r.body for r in build(spec).environments["default"]]
    for body in objects:
        names = [c["metadata"]["name"] for c in compiled if c["kind"] == body["kind"]]
        assert any(
            equivalent({**body, "metadata": {**body["metadata"], "name": name}}, other, known)
            for name in names
            for other in compiled
        ), body["metadata"]
    return made.spec


def job_of(kind: str, field: str, replicas: dict[str, Any], **spec: Any) -> dict[str, Any]:
    meta = {"name": "train", "namespace": "team"}
    return {"apiVersion": "kubeflow.org/v1", "kind": kind, "metadata": meta, "spec": {field: replicas, **spec}}


def test_what_replica_types_share_is_said_once(tmp_path: Path) -> None:
    same: dict[str, Any] = {"name": "tensorflow", "command": ["python", "a.py"]}
    replicas = {
        "Chief": replica(1, "Never", **same),
        "PS": replica(2, "Never", **same, ports=[{"containerPort": 2222, "name": "tfjob-port"}]),
        "Worker": replica(4, "OnFailure", **same, resources={"limits": {"cpu": 1000, "memory": "8Gi"}}),
    }
    assert imported(tmp_path, job_of("TFJob", "tfReplicaSpecs", replicas))["trainingJobs"]["train"] == {
        "kind": "TFJob",
        "image": "registry.example.com/a:1",
        "command": ["python", "a.py"],
        "workers": 4,
        "tfReplicaSpecs": {
            "Chief": {"replicas": 1, "restartPolicy": "Never"},
            "PS": {
                "replicas": 2,
                "restartPolicy": "Never",
                "template": {
                    "spec": {
                        "containers": {"tensorflow": {"ports": {"tfjob-port": 2222}}},
                    }
                },
            },
            "Worker": {
                "restartPolicy": "OnFailure",
                "template": {
                    "spec": {
                        "containers": {"tensorflow": {"resources": {"limits": {"cpu": 1000, "memory": "8Gi"}}}},
                    }
                },
            },
        },
    }


def test_a_launcher_commands_and_workers_have_the_resources(tmp_path: Path) -> None:
    replicas = {
        "Launcher": replica(1, name="mpi", command=["mpirun", "a"]),
        "Worker": replica(
            2, name="mpi", resources={"limits": {"nvidia.com/gpu": "1"}, "requests": {"nvidia.com/gpu": 1}}
        ),
    }
    assert imported(tmp_path, job_of("MPIJob", "mpiReplicaSpecs", replicas, slotsPerWorker=1))["trainingJobs"] == {
        "train": {
            "kind": "MPIJob",
            "image": "registry.example.com/a:1",
            "command": ["mpirun", "a"],
            "resources": {"nvidia.com/gpu": "1"},
            "workers": 2,
            "slotsPerWorker": 1,
        }
    }


def test_a_master_of_its_own_keeps_what_it_says(tmp_path: Path) -> None:
    volume = {"name": "out", "emptyDir": {}}
    master = replica(1, name="pytorch", pod={"volumes": [volume]}, volumeMounts=[{"name": "out", "mountPath": "/out"}])
    replicas = {"Master": master, "Worker": replica(2, name="pytorch")}
    assert imported(tmp_path, job_of("PyTorchJob", "pytorchReplicaSpecs", replicas))["trainingJobs"]["train"] == {
        "kind": "PyTorchJob",
        "image": "registry.example.com/a:1",
        "workers": 2,
        "pytorchReplicaSpecs": {
            "Master": {
                "template": {
                    "spec": {
                        "volumes": {"out": {"emptyDir": {}}},
                        "containers": {"pytorch": {"volumeMounts": {"out": "/out"}}},
                    }
                }
            }
        },
    }


def test_a_stored_job_is_imported_without_what_the_server_and_appliers_write(tmp_path: Path) -> None:
    body = job_of(
        "JAXJob",
        "jaxReplicaSpecs",
        {"Worker": replica(2, name="jax")},
        runPolicy={"suspend": False, "cleanPodPolicy": "None"},
    )
    body["metadata"]["annotations"] = {
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
        "argocd.argoproj.io/tracking-id": "a",
    }
    body["metadata"]["labels"] = {"kustomize.toolkit.fluxcd.io/name": "a", "kueue.x-k8s.io/queue-name": "gpu"}
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**body["metadata"], "name": "settings"}}
    spec = imported(tmp_path, body, settings)
    assert spec["trainingJobs"]["train"] == {
        "kind": "JAXJob",
        "image": "registry.example.com/a:1",
        "workers": 2,
        "runPolicy": {"cleanPodPolicy": "None"},
        "queue": "gpu",
    }
    assert spec["resources"]["settings"]["metadata"] == {"labels": {"kueue.x-k8s.io/queue-name": "gpu"}}


def test_a_run_by_a_generated_name_and_one_by_a_long_name(tmp_path: Path) -> None:
    body = job_of("XGBoostJob", "xgbReplicaSpecs", {"Master": replica(1, name="xgboost")})
    body["metadata"] = {"generateName": "fit-", "namespace": "team"}
    (tmp_path / "fit.yaml").write_text(yaml.safe_dump(body))
    made = import_manifests([str(tmp_path / "fit.yaml")], "imported", "1.10.0")
    assert (made.diagnostics, list(made.spec["trainingJobs"])) == ((), ["fit"])
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "spec": {
            "template": {
                "spec": {
                    "restartPolicy": "Never",
                    "containers": [{"name": "main", "image": "a:1", "args": ["${trialParameters.lr}"]}],
                }
            }
        },
    }
    named = {"main": {"image": "a:1", "args": ["${trialParameters.lr}"]}}
    short = {"template": {"spec": {"restartPolicy": "Never", "containers": named}}}
    template = {
        "primaryContainerName": "main",
        "trialParameters": [{"name": "lr", "reference": "lr"}],
        "trialSpec": job,
    }
    search = {
        **EXPERIMENT,
        "metadata": {"name": "search-of-a-learning-rate-for-the-scorer", "namespace": "team"},
        "spec": {
            **EXPERIMENT["spec"],
            "algorithm": {"algorithmName": "tpe", "algorithmSettings": [{"name": "gamma", "value": "0.25"}]},
            "parameters": [
                {"name": "lr", "parameterType": "double", "feasibleSpace": {"min": "0.10", "max": "1.5"}},
            ],
            "maxTrialCount": 3,
            "trialTemplate": template,
        },
    }
    assert imported(tmp_path, search)["experiments"]["search-of-a-learning-rate-for"] == {
        "objective": {"type": "maximize", "objectiveMetricName": "auc"},
        "algorithm": {"algorithmName": "tpe", "algorithmSettings": {"gamma": 0.25}},
        "parameters": {"lr": {"min": "0.10", "max": 1.5}},
        "parallelTrialCount": 3,
        "maxTrialCount": 3,
        "trialTemplate": {**template, "trialParameters": {"lr": "lr"}, "trialSpec": {**job, "spec": short}},
    }


def test_a_version_of_another_program_stays_as_it_is(tmp_path: Path) -> None:
    body = job_of("MPIJob", "mpiReplicaSpecs", {"Launcher": replica(1, name="mpi")})
    body["apiVersion"] = "kubeflow.org/v2beta1"
    (tmp_path / "pi.yaml").write_text(yaml.safe_dump(body))
    made = import_manifests([str(tmp_path / "pi.yaml")], "imported", "1.10.0")
    assert (made.passed_through, made.spec["resources"]["train"]["apiVersion"]) == (1, "kubeflow.org/v2beta1")


STRANGE: list[Any] = [
    None,
    0,
    -1,
    1.5,
    True,
    "",
    "x",
    [],
    {},
    [None],
    [{}],
    ["a"],
    {"a": None},
    {"a": {"b": []}},
    10**20,
]
STRANGE += ["${trialParameters.x}", {"name": 5}, [[1]]]
"""What no field holds of itself, and people write all the same."""


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(item, (*path, key))


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "tests" / "specs").glob("*.yaml")))
def test_no_strange_value_in_a_manifest_is_too_much(name: str, tmp_path: Path) -> None:
    chosen = random.Random(name)
    file, spec = tmp_path / "a.yaml", tmp_path / "kfspec.yaml"
    built = build(ROOT / "tests" / "specs" / f"{name}.yaml")
    made_of = [r for resources in built.environments.values() for r in resources]
    bodies = [r.body for r in made_of if r.ref.kind != "ConfigMap"]
    for _ in range(150):
        body = chosen.choice(bodies)
        path = chosen.choice([p for p in places(body) if p])
        file.write_text(json.dumps(changed(body, path, chosen.choice(STRANGE))))
        assert check_manifests([str(file)], "1.11").objects == 1
        made = import_manifests([str(file)], "imported", "1.11")
        if made.spec.keys() & {"experiments", "trainingJobs", "sparkApplications", "sparkConnects", "resources"}:
            spec.write_text(compose(made.spec))
            assert build(spec).environments.keys() <= {"default"}
