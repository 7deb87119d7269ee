"""Pipelines that stand in the spec itself, versions by their own names, and the way back from objects."""

from __future__ import annotations

import base64
import copy
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from kfspec.diagnostics import Severity, has_errors
from kfspec.importing import Imported, import_manifests
from kfspec.pipeline import Build, build
from kfspec.resource import Body
from kfspec.yamlio.compose import compose
from kfspec.yamlio.dump import dump
from tests.conftest import ROOT
from tests.support.controlplane import ControlPlane

OBJECTS = {"pipelines": "kubernetes"}
DATABASE = {"syncImage": "registry.example.com/sync:1"}
PACKAGES = ROOT / "tests" / "ir" / "packages"


def documents(name: str) -> list[dict[str, Any]]:
    """The documents of a package as the SDK wrote it."""
    return list(yaml.safe_load_all((PACKAGES / f"{name}.yaml").read_text()))


def mapping(name: str) -> dict[str, Any]:
    """The package as a spec has it inline."""
    merged: dict[str, Any] = {}
    for document in documents(name):
        merged |= document
    return merged


def spec(folder: Path, pipelines: dict[str, Any], platform: dict[str, str] | None = None) -> Build:
    """What pipelines compile to."""
    text = dump(
        {
            "apiVersion": "kfspec.dev/v1alpha1",
            "project": "p",
            "kubeflow": "1.11",
            "platform": platform or OBJECTS,
            "externals": {"profiles": ["team"]},
            "defaults": {"profile": "team"},
            "pipelines": pipelines,
        }
    )
    (folder / "kfspec.yaml").write_text(text)
    return build(folder / "kfspec.yaml")


def bodies(result: Build) -> list[Body]:
    """The objects of a spec without errors."""
    assert not has_errors(result.diagnostics), result.diagnostics
    return [resource.body for resource in result.environments["default"]]


def told(result: Build) -> list[tuple[str, str, int]]:
    """Code, message and line of every finding; that the line is the spec's."""
    found = []
    for d in result.diagnostics:
        assert d.pos is not None
        assert d.pos.file.endswith("kfspec.yaml")
        found.append((d.code, d.message, d.pos.line))
    return found


def line_of(folder: Path, text: str) -> int:
    """The line of the spec that says so."""
    (line,) = [n for n, each in enumerate((folder / "kfspec.yaml").read_text().splitlines(), 1) if text in each]
    return line


def payload_of(text: str) -> dict[str, Any]:
    """What a ConfigMap carries for the sync, compressed or not."""
    if not text.startswith("{"):
        text = gzip.decompress(base64.b64decode(text)).decode()
    carried: dict[str, Any] = json.loads(text)
    return carried


# -- a package in the spec --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [OBJECTS, DATABASE])
@pytest.mark.parametrize("name", ["conditions", "platform", "parameters"])
def test_it_compiles_to_what_its_file_compiles_to(name: str, mode: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "train.yaml").write_text((PACKAGES / f"{name}.yaml").read_text())
    from_file = bodies(spec(tmp_path, {"train": {"package": "train.yaml"}}, mode))
    made = bodies(spec(tmp_path, {"train": {"package": mapping(name)}}, mode))
    for body in (*from_file, *made):
        for key in body.get("data") or {}:
            if key.startswith("pipelines."):
                body["data"][key] = payload_of(body["data"][key])
                del body["data"][key]["provenance"]  # a digest of what the spec says
        if body["kind"] == "Job":  # it is named by the payloads
            del body["metadata"]["name"]
    assert made == from_file


def test_a_mistake_in_it_is_told_where_it_is(tmp_path: Path) -> None:
    package = mapping("conditions")
    package["components"]["comp-flip"]["executorLabel"] = "exec-filp"
    found = spec(tmp_path, {"train": {"package": package}})
    line = line_of(tmp_path, "executorLabel: exec-filp")
    message = "component 'comp-flip' runs executor 'exec-filp', which is not defined"
    assert told(found) == [("KF313", message, line)]
    assert [d.path for d in found.diagnostics] == [
        ("pipelines", "train", "package", "components", "comp-flip", "executorLabel")
    ]
    assert found.environments["default"] == ()


def test_a_mistake_in_its_platforms_is_told_where_it_is(tmp_path: Path) -> None:
    package = mapping("platform")
    executors = package["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    label, settings = next((key, value) for key, value in executors.items() if "secretAsEnv" in value)
    settings["secretAsEvn"] = settings.pop("secretAsEnv")
    (found,) = spec(tmp_path, {"train": {"package": package}}).diagnostics
    assert (found.code, found.severity) == ("KF311", Severity.WARNING) or found.severity is Severity.ERROR
    assert found.path[:7] == ("pipelines", "train", "package", "platforms", "kubernetes", "deploymentSpec", "executors")
    assert found.path[7:] == (label, "secretAsEvn")
    assert found.pos is not None
    assert found.pos.line == line_of(tmp_path, "secretAsEvn")


@pytest.mark.parametrize(
    ("package", "message"),
    [
        ({}, "a document of the package is neither a pipeline nor a platform spec"),
        ({"platforms": {}}, "the package holds no pipeline"),
        ({"pipelineSpec": {}}, "a document of the package is neither a pipeline nor a platform spec"),
        (
            {"apiVersion": "pipelines.kubeflow.org/v2beta1", "kind": "PipelineVersion"},
            "the package is a PipelineVersion object, not the pipeline in it",
        ),
        ({"root": {}, "schemaVersion": "2.0.0"}, "KFP takes schemaVersion 2.1.0 only, not '2.0.0'"),
    ],
)
def test_what_is_no_package(package: dict[str, Any], message: str, tmp_path: Path) -> None:
    assert [(code, text) for code, text, _ in told(spec(tmp_path, {"train": {"package": package}}))] == [
        ("KF310", message)
    ]


def test_what_is_neither_a_file_nor_a_package(tmp_path: Path) -> None:
    assert [(c, m) for c, m, _ in told(spec(tmp_path, {"train": {"package": 5}}))] == [
        ("KF103", "'package' must be a string or a mapping, not the number 5")
    ]
    both = {"package": mapping("conditions"), "source": "train.py"}
    assert ("KF340", "'package' and 'source' both say what the pipeline is") in [
        (c, m) for c, m, _ in told(spec(tmp_path, {"train": both}))
    ]


def test_a_credential_in_it_is_told_where_it_is(tmp_path: Path) -> None:
    package = mapping("conditions")
    executor = next(iter(package["deploymentSpec"]["executors"].values()))
    executor["container"]["args"] += ["--token", "hf_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"]
    found = told(spec(tmp_path, {"train": {"package": package}}))
    line = line_of(tmp_path, "hf_AbC")
    assert found == [("KF353", "the package holds what looks like a Hugging Face token", line)]


def test_an_environment_changes_a_part_of_it(tmp_path: Path) -> None:
    spec(tmp_path, {"train": {"package": mapping("parameters")}})
    file = tmp_path / "kfspec.yaml"
    part = {"root": {"inputDefinitions": {"parameters": {"rate": {"defaultValue": 0.25}}}}}
    other = {"environments": {"dev": {}, "prod": {"pipelines": {"train": {"package": part}}}}}
    file.write_text(file.read_text() + dump(other))
    result = build(file)
    assert not has_errors(result.diagnostics), result.diagnostics
    rates = {
        environment: resource.body["spec"]["pipelineSpec"]["root"]["inputDefinitions"]["parameters"]["rate"]
        for environment, resources in result.environments.items()
        for resource in resources
        if resource.ref.kind == "PipelineVersion"
    }
    assert rates["prod"]["defaultValue"] == 0.25
    assert rates["dev"].get("defaultValue") != 0.25


# -- a version by its own name ----------------------------------------------------------------------------------

SAID = {
    "displayName": "First",
    "description": "The first.",
    "codeSourceURL": "https://git.example.com/train",
    "pipelineSpecURI": "https://files.example.com/train.yaml",
}


def test_a_version_by_its_own_name_is_written_as_it_stands(tmp_path: Path) -> None:
    package = mapping("platform")
    pipeline, version = bodies(
        spec(
            tmp_path, {"train": {"package": package, "version": {"name": "train-v1", **SAID}, "description": "Trains."}}
        )
    )
    assert (pipeline["kind"], pipeline["metadata"]["name"], pipeline["spec"]) == (
        "Pipeline",
        "train",
        {"description": "Trains."},
    )
    assert (version["kind"], version["metadata"]["name"]) == ("PipelineVersion", "train-v1")
    platform = {"platforms": package.pop("platforms")}
    assert version["spec"] == {"pipelineName": "train", **SAID, "pipelineSpec": package, "platformSpec": platform}
    assert "sdkVersion" in version["spec"]["pipelineSpec"]


def test_schedules_point_to_it(tmp_path: Path) -> None:
    item = {
        "package": mapping("conditions"),
        "version": {"name": "train-v1"},
        "recurringRuns": {"nightly": {"cron": "0 2 * * *"}},
    }
    made = bodies(spec(tmp_path, {"train": item}, OBJECTS | DATABASE))
    (carried,) = [body["data"] for body in made if body["metadata"]["name"] == "kfspec-pipeline-train"]
    assert payload_of(carried["pipelines.train.json"])["version"] == "train-v1"


def test_the_database_names_versions_itself(tmp_path: Path) -> None:
    item = {"package": mapping("conditions"), "version": {"name": "train-v1"}}
    (found,) = spec(tmp_path, {"train": item}, DATABASE).diagnostics
    assert (found.code, found.path, found.message, found.hint) == (
        "KF781",
        ("pipelines", "train", "version"),
        "a version has no name of its own where KFP keeps pipelines in its database",
        "remove it: the version is named by its content; or 'platform: {pipelines: kubernetes}'",
    )


def test_a_name_that_no_object_can_have_is_told_at_the_name(tmp_path: Path) -> None:
    item = {"package": mapping("conditions"), "version": {"name": "Train v1"}}
    (found,) = spec(tmp_path, {"train": item}).diagnostics
    assert (found.code, found.path) == ("KF130", ("pipelines", "train", "version", "name"))


# -- the way back -----------------------------------------------------------------------------------------------


def objects(name: str = "train-v1", package: str = "platform", **said: Any) -> list[Body]:
    """A Pipeline and a version of it, as the KFP SDK writes them."""
    ir = mapping(package)
    platform = {"platforms": ir.pop("platforms")} if "platforms" in ir else None
    meta = {"namespace": "team"}
    api = "pipelines.kubeflow.org/v2beta1"
    spec = {"pipelineName": "train", "pipelineSpec": ir, **({"platformSpec": platform} if platform else {}), **said}
    return [
        {
            "apiVersion": api,
            "kind": "Pipeline",
            "metadata": {"name": "train", **meta},
            "spec": {"displayName": "Train"},
        },
        {"apiVersion": api, "kind": "PipelineVersion", "metadata": {"name": name, **meta}, "spec": spec},
    ]


def imported(folder: Path, manifests: list[Body], kubeflow: str = "1.11") -> Imported:
    """What import makes of objects in a file."""
    (folder / "all.yaml").write_text("---\n".join(map(dump, manifests)))
    return import_manifests([str(folder / "all.yaml")], "p", kubeflow)


def again(folder: Path, made: Imported) -> dict[tuple[str, str], Body]:
    """What the imported spec compiles to, without what kfspec writes into metadata."""
    (folder / "kfspec.yaml").write_text(compose(made.spec))
    kept = {}
    for body in bodies(build(folder / "kfspec.yaml")):
        meta = {key: value for key, value in body["metadata"].items() if key in ("name", "namespace")}
        kept[body["kind"], meta["name"]] = {**body, "metadata": meta}
    return kept


@pytest.mark.parametrize("package", ["conditions", "dynamic", "loops", "nested", "parameters", "platform", "artifacts"])
def test_a_pipeline_and_its_version_come_back_as_they_were(package: str, tmp_path: Path) -> None:
    manifests = objects(package=package, **SAID)
    made = imported(tmp_path, manifests)
    assert made.diagnostics == ()
    assert (made.spec["platform"], made.passed_through) == ({"pipelines": "kubernetes"}, 0)
    assert list(made.spec["pipelines"]) == ["train"]
    item = made.spec["pipelines"]["train"]
    assert {key: item[key] for key in item if key != "package"} == {
        "displayName": "Train",
        "version": {"name": "train-v1", **SAID},
    }
    assert again(tmp_path, made) == {(body["kind"], body["metadata"]["name"]): body for body in manifests}


def test_what_kfspec_compiled_comes_back_without_a_name_for_the_version(tmp_path: Path) -> None:
    compiled = bodies(spec(tmp_path, {"train": {"package": mapping("platform"), "labels": {"a": "b"}}}))
    made = imported(tmp_path, compiled)
    assert made.diagnostics == ()
    item = made.spec["pipelines"]["train"]
    assert {key: item[key] for key in item if key != "package"} == {"labels": {"a": "b"}}
    (tmp_path / "kfspec.yaml").write_text(compose(made.spec))
    assert bodies(build(tmp_path / "kfspec.yaml")) == compiled


def test_what_the_webhook_writes_is_no_part_of_it(tmp_path: Path) -> None:
    pipeline, version = objects()
    owner = {"apiVersion": "pipelines.kubeflow.org/v2beta1", "kind": "Pipeline", "name": "train", "uid": "1"}
    version["metadata"] |= {
        "labels": {"pipelines.kubeflow.org/pipeline": "train", "pipelines.kubeflow.org/pipeline-id": "1"},
        "ownerReferences": [owner | {"blockOwnerDeletion": True}],
        "uid": "2",
        "resourceVersion": "3",
    }
    made = imported(tmp_path, [pipeline, version])
    assert made.diagnostics == ()
    assert "labels" not in made.spec["pipelines"]["train"]
    assert made.passed_through == 0


def test_the_newest_of_several_versions_is_the_pipeline_and_the_others_stay(tmp_path: Path) -> None:
    pipeline, first = objects("train-v1", "conditions")
    _, second = objects("train-v2", "loops")
    _, third = objects("train-v3", "nested")
    for version, day in ((first, "01"), (second, "03"), (third, "02")):
        version["metadata"]["creationTimestamp"] = f"2026-01-{day}T00:00:00Z"
    made = imported(tmp_path, [pipeline, first, second, third])
    assert made.diagnostics == ()
    assert made.spec["pipelines"]["train"]["version"] == {"name": "train-v2"}
    assert list(made.spec["resources"]) == ["train-v1", "train-v3"]
    compiled = again(tmp_path, made)
    for body in (first, second, third):
        del body["metadata"]["creationTimestamp"]
        assert compiled["PipelineVersion", body["metadata"]["name"]] == body


def _several() -> list[Body]:
    return [*objects("train-v1"), objects("train-v2")[1]]


def _same_time() -> list[Body]:
    pipeline, *versions = _several()
    for version in versions:
        version["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    return [pipeline, *versions]


def _other_labels() -> list[Body]:
    pipeline, version = objects()
    version["metadata"]["labels"] = {"a": "b"}
    return [pipeline, version]


def _broken() -> list[Body]:
    pipeline, version = objects(package="conditions")
    version["spec"]["pipelineSpec"] = copy.deepcopy(version["spec"]["pipelineSpec"])
    version["spec"]["pipelineSpec"]["components"]["comp-flip"]["executorLabel"] = "exec-filp"
    return [pipeline, version]


@pytest.mark.parametrize(
    ("manifests", "kubeflow", "why"),
    [
        (objects()[:1], "1.11", "no PipelineVersion of it is among the manifests"),
        (_several(), "1.11", "which of its 2 versions is the newest cannot be told"),
        (_same_time(), "1.11", "which of its 2 versions is the newest cannot be told"),
        (_other_labels(), "1.11", "the block cannot say all of it"),
        (_broken(), "1.11", "component 'comp-flip' runs executor 'exec-filp', which is not defined"),
        (objects(), "1.10", "KFP 2.5.0 cannot keep pipelines as objects whole"),
    ],
    ids=["no-version", "several", "same-time", "other-labels", "broken", "older-release"],
)
def test_what_no_item_can_say_stays_as_it_is_and_is_told(
    manifests: list[Body], kubeflow: str, why: str, tmp_path: Path
) -> None:
    made = imported(tmp_path, manifests, kubeflow)
    assert [(d.code, d.severity, d.message, d.path) for d in made.diagnostics] == [
        (
            "KF782",
            Severity.NOTE,
            f"the Pipeline 'train' and its versions stay under 'resources': {why}",
            ("metadata", "name"),
        )
    ]
    assert "pipelines" not in made.spec
    assert "platform" not in made.spec
    assert made.passed_through == len(manifests)


def test_two_pipelines_of_one_name_in_two_namespaces(tmp_path: Path) -> None:
    other = copy.deepcopy(objects())
    for body in other:
        body["metadata"]["namespace"] = "other"
    made = imported(tmp_path, [*objects(), *other])
    assert [d.message for d in made.diagnostics] == [
        "the Pipeline 'train' and its versions stay under 'resources': another one has its name"
    ]
    assert made.spec["defaults"] == {"profile": "other"}
    item = made.spec["pipelines"]["train"]
    assert (item["profile"], item["version"]) == ("team", {"name": "train-v1"})
    assert list(made.spec["resources"]) == ["train", "train-v1"]


@pytest.mark.parametrize(
    ("change", "what", "path"),
    [
        (
            {"args": ["hf_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"]},
            "a Hugging Face token",
            ("args", 0),
        ),
        (
            {"env": [{"name": "API_TOKEN", "value": "s3cr3t-and-long"}]},
            "a credential, by the variable's name",
            ("env", 0, "value"),
        ),
    ],
)
def test_a_version_with_a_credential_stays_out(
    change: dict[str, Any], what: str, path: tuple[str | int, ...], tmp_path: Path
) -> None:
    pipeline, version = objects(package="conditions")
    executors = version["spec"]["pipelineSpec"]["deploymentSpec"]["executors"]
    executors["exec-flip"]["container"] |= change
    made = imported(tmp_path, [pipeline, version])
    held = ("spec", "pipelineSpec", "deploymentSpec", "executors", "exec-flip", "container", *path)
    assert [(d.code, d.message, d.path) for d in made.diagnostics if d.code == "KF350"] == [
        ("KF350", f"the PipelineVersion 'train-v1' holds what looks like {what}, and stays out of the spec", held)
    ]
    assert "s3cr3t" not in compose(made.spec)
    assert "hf_" not in compose(made.spec)


@pytest.mark.apiserver
def test_an_imported_version_changes_nothing_of_what_is_there(
    controlplane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    manifests = objects(**SAID)
    for body in manifests:
        body["metadata"]["namespace"] = namespace
    before = controlplane.apply(manifests, workers=1)
    assert [answer.status for answer in before] == [201, 201]
    made = imported(tmp_path, [answer.body for answer in before])
    assert made.diagnostics == ()
    after = controlplane.apply(list(again(tmp_path, made).values()), workers=1)
    assert [(a.status, a.body["spec"], a.body["metadata"]["generation"]) for a in after] == [
        (200, b.body["spec"], b.body["metadata"]["generation"]) for b in before
    ]
