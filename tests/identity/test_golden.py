"""A run's name is its content: frozen. Changing one of these names starts every user's training again.

Source of the rule: design of the spec's language, `kfspec.dev/v1alpha1`; another name here is another apiVersion.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kfspec.diagnostics import has_errors
from kfspec.pipeline import build
from kfspec.yamlio.dump import dump

BASE: dict[str, Any] = {"kind": "PyTorchJob", "image": "registry.example.com/train:1"}


def name_of(item: dict[str, Any], tmp_path: Path, **top: Any) -> str:
    """The name of the one run that an item compiles to."""
    spec = {
        "apiVersion": "kfspec.dev/v1alpha1",
        "project": "p",
        "externals": {"profiles": ["t"], "volumes": ["data"], "secrets": ["hub"]},
        "defaults": {"profile": "t"},
        "trainingJobs": {"train": item},
        **top,
    }
    path = tmp_path / "kfspec.yaml"
    path.write_text(dump(spec))
    result = build(path)
    assert not has_errors(result.diagnostics), result.diagnostics
    return result.environments["default"][0].ref.name


def pod(**container: Any) -> dict[str, Any]:
    """A replica's template around one container."""
    return {"spec": {"containers": [{"name": "pytorch", "image": "registry.example.com/train:1", **container}]}}


GOLDEN: dict[str, tuple[dict[str, Any], str]] = {
    "an image": ({}, "train-7ab1e5fe"),
    "workers": ({"workers": 2}, "train-4a7c5c49"),
    "no worker": ({"workers": 0}, "train-7ab1e5fe"),
    "a command": ({"command": ["python", "train.py"]}, "train-ee2d2661"),
    "arguments": ({"args": ["--lr=0.1"]}, "train-6acf51e3"),
    "environment": ({"env": {"A": "x", "B": "1e-5"}}, "train-e34b77bf"),
    "a secret": ({"env": {"T": {"valueFrom": {"secretKeyRef": {"name": "hub", "key": "t"}}}}}, "train-e98974db"),
    "resources": ({"resources": {"cpu": 2, "memory": "4Gi"}}, "train-b46dd51b"),
    "a GPU": ({"resources": {"gpu": 1}}, "train-3d344a98"),
    "a volume": ({"volumeMounts": {"data": "/data"}}, "train-37b9a8ed"),
    "a restart policy": ({"restartPolicy": "OnFailure"}, "train-f02c9991"),
    "a service account": ({"serviceAccountName": "default-editor"}, "train-d86971a8"),
    "a node pool": ({"nodeSelector": {"pool": "gpu"}}, "train-44020dba"),
    "tolerations": ({"tolerations": [{"key": "gpu", "operator": "Exists"}]}, "train-c0883015"),
    "pod labels": ({"podLabels": {"team": "ml"}}, "train-00ea6154"),
    "a run policy": ({"runPolicy": {"cleanPodPolicy": "Running", "backoffLimit": 2}}, "train-0537c592"),
    "processes": ({"nprocPerNode": "auto"}, "train-36a126dd"),
    "elastic": ({"workers": 2, "elasticPolicy": {"minReplicas": 1, "maxReplicas": 3}}, "train-54219507"),
    "a second run": ({"rerun": "2"}, "train-de305db5"),
    "upstream's form": (
        {"image": None, "pytorchReplicaSpecs": {"Master": {"replicas": 1, "template": pod()}}},
        "train-7ab1e5fe",
    ),
    "unicode": ({"env": {"GREETING": "grüß dich"}}, "train-d8ef6a13"),
}
"""What is added to `BASE` -> the frozen name."""


EXPERIMENT: dict[str, Any] = {
    "objective": {"type": "maximize", "goal": 0.99, "objectiveMetricName": "auc"},
    "algorithm": "random",
    "maxTrialCount": 6,
    "parameters": {"lr": {"min": 0.001, "max": 0.1}},
    "trial": {"trainingJob": "train", "args": ["--lr=${trialParameters.lr}"]},
}
"""An experiment that borrows `BASE`."""

GOLDEN_EXPERIMENTS: dict[str, tuple[dict[str, Any], str]] = {
    "an experiment": ({}, "tune-b897edce"),
    "another algorithm": (
        {"algorithm": {"algorithmName": "tpe", "algorithmSettings": {"gamma": 0.25}}},
        "tune-3d96bb52",
    ),
    "more trials": ({"maxTrialCount": 12}, "tune-8cf67604"),
    "a budget in place": ({"resumePolicy": "LongRunning", "inPlaceBudget": True}, "tune-c982c8fe"),
    "choices": ({"parameters": {"lr": [0.1, 0.2]}}, "tune-c94e421d"),
    "early stopping": ({"earlyStopping": "medianstop"}, "tune-165edadc"),
    "another trial": ({"trial": {**EXPERIMENT["trial"], "workers": 2}}, "tune-ca3f616e"),
    "a second run": ({"rerun": "2"}, "tune-10c91fde"),
}
"""What is added to `EXPERIMENT` -> the frozen name."""

GOLDEN_KINDS: dict[str, tuple[dict[str, Any], str]] = {
    "TFJob": ({"workers": 2}, "train-1403a65f"),
    "XGBoostJob": ({"workers": 1}, "train-7cb4e02c"),
    "MPIJob": ({"workers": 2, "slotsPerWorker": 2}, "train-e4a3a4f9"),
    "PaddleJob": ({"workers": 2}, "train-86ccfc18"),
    "JAXJob": ({"workers": 2}, "train-913fefc6"),
}
"""Kind -> what is added to its image -> the frozen name."""

SPARK: dict[str, Any] = {
    "image": "spark:3.5.3",
    "sparkVersion": "3.5.3",
    "mainApplicationFile": "local:///opt/app/etl.py",
}
"""A Spark application."""

GOLDEN_SPARK: dict[str, tuple[dict[str, Any], str]] = {
    "a script": ({}, "etl-e4198fc9"),
    "a jar": ({"type": "Scala", "mainClass": "a.B", "mainApplicationFile": "local:///opt/a.jar"}, "etl-aa023afe"),
    "sizes": (
        {"driver": {"cores": 1, "memory": "2g"}, "executor": {"instances": 2, "coreLimit": 1.5}},
        "etl-7a1eb72f",
    ),
    "arguments": ({"arguments": ["--days", 28]}, "etl-95db213a"),
    "settings": ({"sparkConf": {"spark.ui.port": 4045}, "hadoopConf": {"a": True}}, "etl-aab0139e"),
    "a volume": ({"driver": {"volumeMounts": {"data": "/data"}}}, "etl-86ac054a"),
    "environment": ({"driver": {"env": {"A": 1, "B": "x"}}}, "etl-595a40a2"),
    "a GPU": ({"executor": {"gpu": 1}}, "etl-816c9d9b"),
    "a restart policy": ({"restartPolicy": "Never"}, "etl-566bd4e9"),
    "a second run": ({"rerun": "2"}, "etl-486e6c95"),
}
"""What is added to `SPARK` -> the frozen name."""


def spark_name(change: dict[str, Any], tmp_path: Path, **top: Any) -> str:
    """The name of the run of `SPARK` with a change, None removes; or of the code that it brings."""
    application = {key: value for key, value in {**SPARK, **change}.items() if value is not None}
    return name_of({**BASE, "run": False}, tmp_path, sparkApplications={"etl": application}, **top)


def item(change: dict[str, Any]) -> dict[str, Any]:
    """`BASE` with a change; None removes."""
    return {key: value for key, value in {**BASE, **change}.items() if value is not None}


@pytest.mark.parametrize("case", GOLDEN)
def test_names_are_frozen(case: str, tmp_path: Path) -> None:
    change, name = GOLDEN[case]
    assert name_of(item(change), tmp_path) == name


def experiment_name(change: dict[str, Any], tmp_path: Path, **job: Any) -> str:
    """The name of the run of `EXPERIMENT` with a change, which borrows `BASE` with another."""
    experiment = {key: value for key, value in {**EXPERIMENT, **change}.items() if value is not None}
    return name_of({**BASE, "run": False, **job}, tmp_path, experiments={"tune": experiment})


@pytest.mark.parametrize("case", GOLDEN_EXPERIMENTS)
def test_names_of_experiments_are_frozen(case: str, tmp_path: Path) -> None:
    change, name = GOLDEN_EXPERIMENTS[case]
    assert experiment_name(change, tmp_path) == name


@pytest.mark.parametrize("case", GOLDEN_SPARK)
def test_names_of_spark_applications_are_frozen(case: str, tmp_path: Path) -> None:
    change, name = GOLDEN_SPARK[case]
    assert spark_name(change, tmp_path) == name


def test_what_a_spark_application_is(tmp_path: Path) -> None:
    name = spark_name({"executor": {"instances": 2}}, tmp_path)
    same = [
        spark_name({"executor": {"instances": 2}, **change}, tmp_path, **top)
        for change, top in (
            ({"labels": {"a": "b"}, "annotations": {"c": "d"}, "onChange": "replace", "history": 9}, {}),
            ({"driver": {"serviceAccount": "default-editor"}}, {}),
            ({"type": "Python"}, {}),
            ({"suspend": True}, {"kubeflow": "1.11"}),
            ({"suspend": False}, {"kubeflow": "26.03"}),
            ({}, {"project": "renamed"}),
        )
    ]
    assert same == [name] * len(same)
    other = [
        spark_name(change, tmp_path)
        for change in (
            {"executor": {"instances": 3}},
            {"executor": {"instances": 2}, "mode": "cluster"},
            {"executor": {"instances": 2}, "rerun": "2"},
            {"executor": {"instances": 2}, "driver": {"serviceAccount": ""}},
        )
    ]
    assert len({name, *other}) == len(other) + 1


def test_names_of_spark_code_are_frozen(tmp_path: Path) -> None:
    (tmp_path / "etl.py").write_text("print(1)\n")
    change = {"mainApplicationFile": None, "code": "etl.py"}
    assert spark_name(change, tmp_path) == "etl-code-6cdffc70"
    result = build(tmp_path / "kfspec.yaml")
    assert [r.ref.name for r in result.environments["default"]] == ["etl-code-6cdffc70", "etl-186b41ea"]


@pytest.mark.parametrize("kind", GOLDEN_KINDS)
def test_names_of_every_kind_are_frozen(kind: str, tmp_path: Path) -> None:
    change, name = GOLDEN_KINDS[kind]
    assert name_of({"kind": kind, "image": "registry.example.com/train:1", **change}, tmp_path) == name


def test_names_of_code_are_frozen(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print(1)\n")
    assert name_of(item({"command": ["python", "train.py"], "code": "train.py"}), tmp_path) == "train-code-673e83f7"
    result = build(tmp_path / "kfspec.yaml")
    assert [r.ref.name for r in result.environments["default"]] == ["train-code-673e83f7", "train-4758d40c"]


def test_what_an_experiment_is(tmp_path: Path) -> None:
    name = experiment_name({}, tmp_path)
    same = [
        experiment_name({"labels": {"a": "b"}, "annotations": {"c": "d"}}, tmp_path),
        experiment_name({"onChange": "replace", "history": 9, "prune": "allow"}, tmp_path),
        experiment_name({"algorithm": {"algorithmName": "random"}}, tmp_path),
        experiment_name(
            {
                "parameters": [
                    {"name": "lr", "parameterType": "double", "feasibleSpace": {"min": "0.001", "max": "0.1"}}
                ]
            },
            tmp_path,
        ),
        experiment_name({}, tmp_path, labels={"a": "b"}, history=5),
    ]
    assert same == [name] * len(same)
    in_place = {"resumePolicy": "LongRunning", "inPlaceBudget": True}
    budget = experiment_name(in_place, tmp_path)
    assert experiment_name({**in_place, "maxTrialCount": 60, "parallelTrialCount": 6}, tmp_path) == budget
    other = [
        experiment_name({"maxTrialCount": 7}, tmp_path),
        experiment_name({"parallelTrialCount": 2}, tmp_path),
        experiment_name({}, tmp_path, image="registry.example.com/train:2"),
        experiment_name({"parameters": {"lr": {"min": 0.001, "max": 0.2}}}, tmp_path),
    ]
    assert len({name, budget, *other}) == len(other) + 2


def test_what_runs_decides_and_nothing_else(tmp_path: Path) -> None:
    name = name_of(item({"resources": {"cpu": 1, "memory": "1Gi"}, "env": {"A": "1"}}), tmp_path)
    same = [
        ({"resources": {"cpu": "1000m", "memory": "1024Mi"}, "env": [{"name": "A", "value": "1"}]}, {}),
        (
            {
                "resources": {"cpu": 1, "memory": "1Gi"},
                "env": {"A": 1},
                "labels": {"a": "b"},
                "annotations": {"c": "d"},
            },
            {},
        ),
        ({"resources": {"cpu": 1, "memory": "1Gi"}, "env": {"A": "1"}, "onChange": "replace", "history": 9}, {}),
        ({"resources": {"cpu": 1, "memory": "1Gi"}, "env": {"A": "1"}}, {"kubeflow": "1.10.0"}),
        ({"resources": {"cpu": 1, "memory": "1Gi"}, "env": {"A": "1"}}, {"project": "renamed"}),
        (
            {
                "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": 1, "memory": "1024Mi"}},
                "env": {"A": "1"},
            },
            {},
        ),
    ]
    assert [name_of(item(change), tmp_path, **top) for change, top in same] == [name] * len(same)
    other = [
        {"resources": {"cpu": 2, "memory": "1Gi"}, "env": {"A": "1"}},
        {"resources": {"cpu": 1, "memory": "1Gi"}, "env": {"A": "2"}},
        {"resources": {"cpu": 1, "memory": "1Gi"}, "env": {"A": "1"}, "rerun": "2"},
        {"resources": {"cpu": 1, "memory": "1Gi"}, "env": {"A": "1"}, "image": "registry.example.com/train:2"},
        {"resources": {"cpu": 1, "memory": "1Gi"}, "env": {"A": "1"}, "podLabels": {"x": "y"}},
    ]
    names = [name_of(item(change), tmp_path) for change in other]
    assert len({name, *names}) == len(other) + 1


def test_a_changed_default_of_the_catalogue_moves_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kfspec import verification
    from kfspec.catalog import schema

    name = name_of(item({"workers": 1}), tmp_path)
    load = schema._load.__wrapped__

    def with_other_defaults(file: str, version: str) -> schema.Schema:
        loaded = load(file, version)
        parts = [{**part, "default": 7} if part.get("type") == "integer" else part for part in loaded.parts]
        return schema.Schema(loaded.root, parts)

    monkeypatch.setattr(schema, "_load", with_other_defaults)
    monkeypatch.setattr(verification, "_KNOWN", {})
    assert name_of(item({"workers": 1}), tmp_path) == name


def test_a_template_is_checked_and_not_emitted(tmp_path: Path) -> None:
    path = tmp_path / "kfspec.yaml"
    path.write_text(
        "apiVersion: kfspec.dev/v1alpha1\nproject: p\nexternals: {profiles: [t]}\ndefaults: {profile: t}\n"
        "trainingJobs: {train: {kind: PyTorchJob, image: a, run: false, restartPolicy: Sometimes}}\n"
    )
    result = build(path)
    assert [(d.code, d.message) for d in result.diagnostics] == [
        ("KF385", "no pod is ever made with the restart policy 'Sometimes'")
    ]
    assert result.environments == {"default": ()}
