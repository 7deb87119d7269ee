"""Models: what the sync is told of them, and what a model server makes of a version's name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kfspec.diagnostics import has_errors
from kfspec.pipeline import Build, build
from kfspec.sync import payload
from kfspec.yamlio.dump import dump
from tests.test_pipelines import IMAGE, bodies, mounted

REGISTRY = "http://model-registry-service.kubeflow.svc:8080"
LOOP = "kfspec-sync-p-model-registry"


def compiled(folder: Path, models: dict[str, Any], **top: Any) -> Build:
    """What models, and what serves them, compile to."""
    spec: dict[str, Any] = {
        "apiVersion": "kfspec.dev/v1alpha1",
        "project": "p",
        "platform": {"syncImage": IMAGE, "modelRegistry": REGISTRY},
        "externals": {"profiles": ["team", "other"]},
        "defaults": {"profile": "team"},
        "models": models,
        **top,
    }
    (folder / "kfspec.yaml").write_text(dump(spec))
    return build(folder / "kfspec.yaml")


def read(folder: Path, models: dict[str, Any]) -> tuple[payload.Model, ...]:
    """What the sync reads, without where it comes from."""
    result = compiled(folder, models)
    assert not has_errors(result.diagnostics), result.diagnostics
    nowhere = {"provenance": payload.Provenance()}
    return tuple(model.model_copy(update=nowhere) for model in mounted(result, LOOP, folder).models)


def test_the_sync_reads_what_the_spec_says(tmp_path: Path) -> None:
    versions = {
        "1": {"uri": "gs://a/1", "modelFormat": "sklearn", "state": "ARCHIVED"},
        "2": {
            "uri": "gs://a/2",
            "modelFormat": {"name": "sklearn", "version": "1"},
            "description": "d",
            "author": "bo",
            "customProperties": {"auc": 0.9, "n": 3, "ok": True, "by": {"team": "ml"}},
        },
        "3": {
            "artifacts": {
                "main": {
                    "uri": "gs://a/3",
                    "modelFormatName": "lightgbm",
                    "storageKey": "k",
                    "storagePath": "p",
                    "serviceAccountName": "s",
                    "description": "d",
                    "customProperties": {"a": "b"},
                },
                "small": {"uri": "gs://a/3s"},
            }
        },
    }
    typed = {
        "text": {"metadataType": "MetadataStringValue", "string_value": "7"},
        "whole": {"metadataType": "MetadataIntValue", "int_value": "7"},
        "part": {"metadataType": "MetadataDoubleValue", "double_value": 7},
        "yes": {"metadataType": "MetadataBoolValue", "bool_value": True},
        "map": {"metadataType": "MetadataStructValue", "struct_value": "eyJhIjoxfQ=="},
    }
    item = {
        "name": "Fraud detector",
        "description": "d",
        "owner": "ana",
        "customProperties": typed,
        "versions": versions,
    }
    (model,) = read(tmp_path, {"fraud": item})
    assert model == payload.Model(
        item="models.fraud",
        name="Fraud detector",
        description="d",
        owner="ana",
        customProperties={"text": "7", "whole": 7, "part": 7.0, "yes": True, "map": {"a": 1}},
        versions=(
            payload.ModelVersion(
                name="1",
                state="ARCHIVED",
                artifacts=(payload.Artifact(name="Fraud detector", uri="gs://a/1", modelFormatName="sklearn"),),
            ),
            payload.ModelVersion(
                name="2",
                description="d",
                author="bo",
                customProperties={"auc": 0.9, "n": 3, "ok": True, "by": {"team": "ml"}},
                artifacts=(
                    payload.Artifact(
                        name="Fraud detector", uri="gs://a/2", modelFormatName="sklearn", modelFormatVersion="1"
                    ),
                ),
            ),
            payload.ModelVersion(
                name="3",
                artifacts=(
                    payload.Artifact(
                        name="main",
                        uri="gs://a/3",
                        modelFormatName="lightgbm",
                        storageKey="k",
                        storagePath="p",
                        serviceAccountName="s",
                        description="d",
                        customProperties={"a": "b"},
                    ),
                    payload.Artifact(name="small", uri="gs://a/3s"),
                ),
            ),
        ),
    )


@pytest.mark.parametrize("name", ["fraud_model", "Fraud model", "modèle", "f" * 240, "-", "a/b", "a.b"])
def test_a_model_may_have_any_name(name: str, tmp_path: Path) -> None:
    result = compiled(tmp_path, {name: {"versions": {"v 1": {"uri": "gs://a"}}}, "other": {}})
    assert not has_errors(result.diagnostics), result.diagnostics
    assert {model.name for model in mounted(result, LOOP, tmp_path).models} == {name, "other"}


def test_the_registry_is_asked_where_the_platform_says(tmp_path: Path) -> None:
    result = compiled(tmp_path, {"fraud": {"profile": "other"}})
    assert sorted(bodies(result, "CronJob")) == ["kfspec-sync-p-kfp", LOOP, f"other/{LOOP}"]
    pod = bodies(result, "Job")[next(name for name in bodies(result, "Job") if name.startswith(LOOP))]["spec"][
        "template"
    ]["spec"]
    (container,) = pod["containers"]
    assert container["args"][-2:] == ["--endpoint", REGISTRY]
    tokens = [
        s["serviceAccountToken"]
        for v in pod["volumes"]
        for s in v.get("projected", {}).get("sources", ())
        if "serviceAccountToken" in s
    ]
    assert tokens == [{"expirationSeconds": 3600, "path": "token"}]
    assert mounted(result, LOOP, tmp_path).models == ()
    assert [model.name for model in mounted(result, f"other/{LOOP}", tmp_path).models] == ["fraud"]


def test_without_a_registry_there_is_no_loop_for_it(tmp_path: Path) -> None:
    assert sorted(bodies(compiled(tmp_path, {}, platform={"syncImage": IMAGE}), "CronJob")) == ["kfspec-sync-p-kfp"]


# -- served -----------------------------------------------------------------------------------------------------

VERSIONS = {
    "1": {"uri": "gs://a/1", "modelFormat": "sklearn"},
    "2": {"uri": "gs://a/2", "modelFormatName": "xgboost", "modelFormatVersion": "1"},
    "3": {
        "artifacts": {
            "main": {"uri": "gs://a/3", "modelFormat": "lightgbm"},
            "small": {"uri": "gs://a/3s", "modelFormat": "lightgbm"},
        }
    },
    "4": {"artifacts": {"only": {"uri": "gs://a/4", "modelFormat": {"name": "sklearn", "version": "1"}}}},
    "5": {"uri": "gs://a/5"},
}

SERVED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a version": ({"version": "1"}, {"modelFormat": {"name": "sklearn"}, "storageUri": "gs://a/1"}),
    "its format's version": (
        {"version": "2"},
        {"modelFormat": {"name": "xgboost", "version": "1"}, "storageUri": "gs://a/2"},
    ),
    "an artifact": (
        {"version": "3", "artifact": "small"},
        {"modelFormat": {"name": "lightgbm"}, "storageUri": "gs://a/3s"},
    ),
    "the only artifact": (
        {"version": "4"},
        {"modelFormat": {"name": "sklearn", "version": "1"}, "storageUri": "gs://a/4"},
    ),
    "the service's own format": (
        {"version": "1", "modelFormat": "lightgbm"},
        {"modelFormat": {"name": "lightgbm"}, "storageUri": "gs://a/1"},
    ),
    "no format but the service's": (
        {"version": "5", "modelFormat": "lightgbm"},
        {"modelFormat": {"name": "lightgbm"}, "storageUri": "gs://a/5"},
    ),
}


def serving(folder: Path, model: dict[str, Any], **top: Any) -> Build:
    """A service of a registered model."""
    service = {"scorer": {"predictor": {"model": {"registeredModel": "fraud", **model}}}}
    return compiled(folder, {"fraud": {"versions": VERSIONS}}, inferenceServices=service, **top)


@pytest.mark.parametrize("case", SERVED)
def test_a_service_serves_what_the_spec_says_of_the_version(case: str, tmp_path: Path) -> None:
    model, made = SERVED[case]
    result = serving(tmp_path, model)
    assert result.diagnostics == ()
    assert bodies(result, "InferenceService")["scorer"]["spec"] == {"predictor": {"model": made}}


MISTAKES: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "no such version": ({"version": "6"}, "model 'fraud' has no version '6'", "its versions: '1', '2', '3', '4', '5'"),
    "several artifacts": (
        {"version": "3"},
        "version '3' of model 'fraud' has 2 artifacts",
        "add 'artifact:', one of: main, small",
    ),
    "no such artifact": (
        {"version": "3", "artifact": "smal"},
        "version '3' of model 'fraud' has no artifact 'smal'",
        "did you mean 'small'?",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_what_is_not_declared_cannot_be_served(case: str, tmp_path: Path) -> None:
    model, message, hint = MISTAKES[case]
    (found,) = serving(tmp_path, model).diagnostics
    assert (found.code, found.message, found.hint) == ("KF212", message, hint)


def test_an_environment_serves_its_own_version_and_uri(tmp_path: Path) -> None:
    environments = {
        "dev": {"models": {"fraud": {"versions": {"1": {"uri": "gs://dev/1"}}}}},
        "prod": {"inferenceServices": {"scorer": {"predictor": {"model": {"version": "2"}}}}},
    }
    result = serving(tmp_path, {"version": "1"}, environments=environments)
    assert result.diagnostics == ()
    served = {
        name: bodies(result, "InferenceService", name)["scorer"]["spec"]["predictor"]["model"]["storageUri"]
        for name in environments
    }
    assert served == {"dev": "gs://dev/1", "prod": "gs://a/2"}


def test_a_mistake_in_the_uri_is_told_where_the_uri_stands(tmp_path: Path) -> None:
    versions = {"1": {"uri": "ftp://a", "modelFormat": "sklearn"}}
    service = {"scorer": {"predictor": {"model": {"registeredModel": "fraud", "version": "1"}}}}
    (found,) = compiled(tmp_path, {"fraud": {"versions": versions}}, inferenceServices=service).diagnostics
    assert (found.code, found.path) == ("KF370", ("models", "fraud", "versions", "1", "uri"))
