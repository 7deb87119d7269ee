"""The catalogue: derived from real CRDs, complete, small, current."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from kfspec.catalog import SCHEMAS, Release, release
from kfspec.catalog.importer import import_component, import_directory
from kfspec.catalog.schema import Schema, load_schema
from kfspec.resource import ObjectRef, Resource
from kfspec.verification import verify


def test_the_committed_schemas_are_under_a_megabyte() -> None:
    assert sum(path.stat().st_size for path in SCHEMAS.glob("*/*.json")) < 1_000_000


@pytest.mark.corpus
def test_the_committed_schemas_are_what_the_crds_give(shared: Path, tmp_path: Path) -> None:
    for name in ("1.10.0", "1.10.2"):
        import_directory(shared / "crds" / f"v{name}", name, tmp_path)
    borrowed = {"1.9.1": ["MPIJob", "PaddleJob", "PyTorchJob", "TFJob", "XGBoostJob"]}
    import_component(shared / "crds" / "training-operator-1.8.1", "training-operator", "1.8.1", borrowed, tmp_path)
    derived = {str(p.relative_to(tmp_path)): p.read_text() for p in tmp_path.rglob("*.json")}
    committed = {
        str(p.relative_to(SCHEMAS)): p.read_text()
        for p in SCHEMAS.rglob("*.json")
        if p.parent != SCHEMAS and not p.parent.name.startswith("kubernetes-")
    }
    assert derived == committed


@pytest.mark.corpus
def test_every_crd_is_there_with_its_provenance(shared: Path) -> None:
    known, _ = release("1.10.0")
    assert known is not None
    for path in (shared / "crds" / "v1.10.0").glob("*.yaml"):
        group, plural = path.stem.split("_")
        component = next(
            json.loads((SCHEMAS / f"{c}-{v}" / "component.json").read_text())
            for c, v in known.components.items()
            if any(
                e["source"] == path.name
                for e in json.loads((SCHEMAS / f"{c}-{v}" / "component.json").read_text())["kinds"].values()
            )
        )
        entry = next(e for e in component["kinds"].values() if e["source"] == path.name)
        assert (entry["group"], entry["plural"], len(entry["sha256"])) == (group, plural, 64)


def test_a_release_is_a_set_of_component_versions() -> None:
    named, _ = release("1.10")
    assert named is not None
    assert named.name == "1.10.2"
    assert named.components["kserve"] == "0.15.0"
    older, _ = release("1.10", {"kserve": "0.14.1"})
    assert older is not None
    assert older.components["kserve"] == "0.14.1"


@pytest.mark.parametrize(
    ("name", "components", "wanted"),
    [
        ("1.10.1", {}, ("KF120", "there is no release '1.10.1'", "did you mean '1.10.2'?")),
        ("1.10", {"kserv": "0.15.0"}, ("KF121", "there is no component 'kserv'", "did you mean 'kserve'?")),
        ("1.10", {"kserve": "0.13"}, ("KF121", "kserve 0.13 is not in the catalogue", "one of: 0.14.1, 0.15.0")),
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
"""Classes of the package kubeflow-katib -> where their fields stand in an Experiment."""


@pytest.mark.parametrize("name", PAIRS)
def test_katib_types_have_the_fields_of_its_own_client(name: str, kubeflow: Release) -> None:
    models = pytest.importorskip("kubeflow.katib.models")
    entry = kubeflow.kind("kubeflow.org", "Experiment")
    assert entry is not None
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
