"""The catalogue: derived from real CRDs, complete, small, current."""

from __future__ import annotations

import hashlib
import inspect
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from kfspec.catalog import SCHEMAS, Release, release
from kfspec.catalog.crds import crds
from kfspec.catalog.importer import import_components, import_directory, reduce_schema
from kfspec.catalog.releases import RELEASES, Presence
from kfspec.catalog.schema import Schema, load_schema
from kfspec.resource import ObjectRef, Resource
from kfspec.verification import verify


def test_the_committed_schemas_are_under_a_megabyte() -> None:
    assert sum(path.stat().st_size for path in SCHEMAS.glob("*/*.json")) < 1_000_000


@pytest.mark.corpus
def test_the_committed_schemas_are_what_the_crds_give(shared: Path, tmp_path: Path) -> None:
    for name, table in RELEASES.items():
        import_directory(shared / "crds" / table.tag, name, tmp_path)
    borrowed = {"1.9.1": ["MPIJob", "PaddleJob", "PyTorchJob", "TFJob", "XGBoostJob"]}
    import_components(shared / "crds" / "training-operator-1.8.1", {"training-operator": "1.8.1"}, borrowed, tmp_path)
    import_components(shared / "crds" / "trainer-2.2.0", {"trainer": "2.2.0", "jobset": "0.11.0"}, {}, tmp_path)
    derived = {str(p.relative_to(tmp_path)): p.read_text() for p in tmp_path.rglob("*.json")}
    committed = {
        str(p.relative_to(SCHEMAS)): p.read_text()
        for p in SCHEMAS.rglob("*.json")
        if p.parent != SCHEMAS and not p.parent.name.startswith("kubernetes-")
    }
    assert derived == committed


def _served(crd: dict[str, Any]) -> dict[str, Any]:
    """What a server acts on of a CRD, in the words of the catalogue."""
    spec = crd["spec"]
    return {
        "names": (spec["group"], spec["names"]["plural"], spec["names"]["kind"], spec["scope"]),
        "versions": {
            version["name"]: (
                version["storage"],
                version.get("subresources") or {},
                reduce_schema(version["schema"]["openAPIV3Schema"]),
            )
            for version in spec["versions"]
            if version["served"]
        },
    }


_WITHOUT_SCHEMA = ("experiments", "suggestions", "trials")
"""Katib's types are written out; their CRDs preserve whatever they are given."""

PATCHED = {"notebooks"}
"""The platform patches the schema of these (JSON 6902 in `patches`), which the derivation test above looks at."""


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("directory", "name", "components"),
    [
        *((table.tag, name, {}) for name, table in RELEASES.items()),
        ("trainer-2.2.0", "26.03", {"trainer": "2.2.0", "jobset": "0.11.0"}),
    ],
)
def test_the_crds_that_the_catalogue_gives_back_are_the_real_ones(
    directory: str, name: str, components: dict[str, str], shared: Path
) -> None:
    known, _ = release(name, components)
    assert known is not None
    ours = {crd["metadata"]["name"]: crd for crd in crds(known)}
    theirs = {crd["metadata"]["name"]: crd for crd in map(_read, sorted((shared / "crds" / directory).glob("*.yaml")))}
    assert theirs.keys() <= ours.keys()
    assert components or theirs.keys() == ours.keys()
    for each, crd in theirs.items():
        plural = crd["spec"]["names"]["plural"]
        mine, real = _served(ours[each]), _served(crd)
        if plural in _WITHOUT_SCHEMA or plural in PATCHED:
            for side in (mine, real):
                side["versions"] = {version: given[:2] for version, given in side["versions"].items()}
        assert mine == real, each


def _read(path: Path) -> Any:
    return yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)


@pytest.mark.corpus
@pytest.mark.parametrize("name", RELEASES)
def test_every_crd_has_its_provenance(name: str, shared: Path) -> None:
    known, _ = release(name)
    assert known is not None
    entries = {
        entry["source"]: entry
        for component, version in known.components.items()
        for entry in json.loads((SCHEMAS / f"{component}-{version}" / "component.json").read_text())["kinds"].values()
    }
    for path in (shared / "crds" / RELEASES[name].tag).glob("*.yaml"):
        entry = entries[path.name]
        assert (entry["group"], entry["plural"]) == tuple(path.stem.split("_"))
        # a component's version that two releases have came from the first of them
        releases = [table.tag for other, table in RELEASES.items() if other <= name]
        files = [file for tag in releases if (file := shared / "crds" / tag / path.name).exists()]
        assert entry["sha256"] in {hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.parametrize(
    ("name", "components", "kind", "wanted"),
    [
        ("1.10", {}, ("kubeflow.org", "PyTorchJob"), Presence.INSTALLED),
        ("1.11", {}, ("kubeflow.org", "PyTorchJob"), Presence.OPTIONAL),
        ("1.11", {"training-operator": "1.9.2"}, ("kubeflow.org", "PyTorchJob"), Presence.INSTALLED),
        ("1.11", {}, ("kubeflow.org", "MXJob"), Presence.ABSENT),
        ("1.11", {"training-operator": "1.8.1"}, ("kubeflow.org", "MXJob"), Presence.INSTALLED),
        ("26.03", {}, ("kubeflow.org", "PyTorchJob"), Presence.OPTIONAL),
        ("1.10", {}, ("trainer.kubeflow.org", "TrainJob"), Presence.ABSENT),
        ("1.11", {}, ("trainer.kubeflow.org", "TrainJob"), Presence.INSTALLED),
        ("26.03", {}, ("trainer.kubeflow.org", "TrainJob"), Presence.INSTALLED),
        ("26.03", {"trainer": "2.2.0"}, ("trainer.kubeflow.org", "TrainJob"), Presence.INSTALLED),
        ("1.10.0", {}, ("sparkoperator.k8s.io", "SparkApplication"), Presence.OPTIONAL),
        ("1.10.2", {}, ("sparkoperator.k8s.io", "SparkApplication"), Presence.INSTALLED),
        ("1.10.2", {}, ("sparkoperator.k8s.io", "SparkConnect"), Presence.ABSENT),
        ("1.11", {}, ("sparkoperator.k8s.io", "SparkConnect"), Presence.INSTALLED),
        ("1.10.0", {}, ("pipelines.kubeflow.org", "Pipeline"), Presence.ABSENT),
        ("1.10.2", {}, ("pipelines.kubeflow.org", "Pipeline"), Presence.OPTIONAL),
        ("26.03", {}, ("pipelines.kubeflow.org", "Pipeline"), Presence.OPTIONAL),
        ("26.03", {"pipelines": "2.16.0"}, ("pipelines.kubeflow.org", "Pipeline"), Presence.INSTALLED),
        ("26.03", {}, ("kubeflow.org", "ScheduledWorkflow"), Presence.INSTALLED),
        ("1.11", {}, ("serving.kserve.io", "LLMInferenceService"), Presence.ABSENT),
        ("26.03", {}, ("serving.kserve.io", "LLMInferenceService"), Presence.INSTALLED),
    ],
)
def test_what_is_installed_optional_or_absent(
    name: str, components: dict[str, str], kind: tuple[str, str], wanted: Presence
) -> None:
    known, _ = release(name, components)
    assert known is not None
    assert known.presence(*kind) is wanted


def test_a_release_is_a_set_of_component_versions() -> None:
    named, _ = release("1.10")
    assert named is not None
    assert named.name == "1.10.2"
    assert named.components["kserve"] == "0.15.0"
    older, _ = release("1.10", {"kserve": "0.14.1"})
    assert older is not None
    assert older.components["kserve"] == "0.14.1"
    assert {name: dict(table.versions) for name, table in RELEASES.items() if name in ("1.11.0", "26.03")} == {
        "1.11.0": {**_COMMON, "kserve": "0.15.2", "pipelines": "2.15.0", "spark-operator": "2.4.0", "istio": "1.28.0"},
        "26.03": {**_COMMON, "kserve": "0.16.0", "pipelines": "2.16.0", "spark-operator": "2.5.0", "istio": "1.29.1"},
    }


_COMMON = {
    "kubernetes": "1.37",
    "kubeflow": "1.10.0",
    "katib": "0.19.0",
    "training-operator": "1.9.2",
    "trainer": "2.1.0",
    "jobset": "0.10.1",
    "argo-workflows": "3.7.3",
}


@pytest.mark.parametrize(
    ("name", "components", "wanted"),
    [
        ("1.10.1", {}, ("KF120", "there is no release '1.10.1'", "did you mean '1.10.2'?")),
        ("1.10", {"kserv": "0.15.0"}, ("KF121", "there is no component 'kserv'", "did you mean 'kserve'?")),
        (
            "1.10",
            {"kserve": "0.13"},
            ("KF121", "kserve 0.13 is not in the catalogue", "one of: 0.14.1, 0.15.0, 0.15.2, 0.16.0"),
        ),
    ],
)
def test_what_the_catalogue_does_not_have(name: str, components: dict[str, str], wanted: tuple[str, str, str]) -> None:
    known, found = release(name, components)
    assert known is None
    assert [(d.code, d.message, d.hint) for d in found] in ([wanted], [(wanted[0], wanted[1], found[0].hint)])


def _names(schema: Schema, node: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: schema.node(sub) for name, sub in schema.node(node).get("properties", {}).items()}


PAIRS = {
    "V1beta1ExperimentSpec": ("spec",),
    "V1beta1ParameterSpec": ("spec", "parameters", 0),
    "V1beta1FeasibleSpace": ("spec", "parameters", 0, "feasibleSpace"),
    "V1beta1ObjectiveSpec": ("spec", "objective"),
    "V1beta1MetricStrategy": ("spec", "objective", "metricStrategies", 0),
    "V1beta1AlgorithmSpec": ("spec", "algorithm"),
    "V1beta1AlgorithmSetting": ("spec", "algorithm", "algorithmSettings", 0),
    "V1beta1EarlyStoppingSpec": ("spec", "earlyStopping"),
    "V1beta1TrialTemplate": ("spec", "trialTemplate"),
    "V1beta1TrialParameterSpec": ("spec", "trialTemplate", "trialParameters", 0),
    "V1beta1ConfigMapSource": ("spec", "trialTemplate", "configMap"),
    "V1beta1MetricsCollectorSpec": ("spec", "metricsCollectorSpec"),
    "V1beta1CollectorSpec": ("spec", "metricsCollectorSpec", "collector"),
    "V1beta1SourceSpec": ("spec", "metricsCollectorSpec", "source"),
    "V1beta1FilterSpec": ("spec", "metricsCollectorSpec", "source", "filter"),
    "V1beta1FileSystemPath": ("spec", "metricsCollectorSpec", "source", "fileSystemPath"),
    "V1beta1NasConfig": ("spec", "nasConfig"),
    "V1beta1GraphConfig": ("spec", "nasConfig", "graphConfig"),
    "V1beta1Operation": ("spec", "nasConfig", "operations", 0),
}
"""Classes of the package kubeflow-katib-api -> where their fields stand in an Experiment."""


@pytest.mark.parametrize("name", PAIRS)
def test_katib_types_have_the_fields_of_its_own_client(name: str) -> None:
    """The client's version is 0.19; that of 0.18 has the same fields."""
    models = pytest.importorskip("kubeflow_katib_api.models")
    known, _ = release("1.11")
    entry = known.kind("kubeflow.org", "Experiment") if known is not None else None
    assert entry is not None
    assert entry.component_version == "0.19.0"
    schema = load_schema(entry, "v1beta1")
    node = schema.at(PAIRS[name])
    assert node is not None
    model = getattr(models, name)
    theirs = set(getattr(model, "attribute_map", {}).values()) or {
        field.alias or key for key, field in model.model_fields.items()
    }
    assert set(node["properties"]) == theirs


def test_an_unknown_field_of_an_experiment_is_dropped_and_a_wrong_type_refused(kubeflow: Release) -> None:
    body = {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": {"name": "tune", "namespace": "t"},
        "spec": {
            "maxTrialCont": 3,
            "parallelTrialCount": "3",
            "trialTemplate": {"trialSpec": {"anything": {"goes": 1}}},
        },
    }
    found = verify([Resource(ObjectRef("", "", "", ""), body, {})], kubeflow)
    assert [(d.code, d.message, d.hint, str(d.upstream)) for d in found if d.code in ("KF101", "KF103")] == [
        ("KF101", "unknown field 'maxTrialCont' in 'spec'", "did you mean 'maxTrialCount'?", "drops"),
        ("KF103", "'parallelTrialCount' must be a whole number, not '3'", "write it without quotes: 3", "refuses"),
    ]


def test_the_public_names_are_documented() -> None:
    assert all(inspect.getdoc(value) for value in (release, Release, load_schema, Schema))
