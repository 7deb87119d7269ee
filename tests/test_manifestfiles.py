"""A directory of manifests: what is judged, and what belongs to other tools."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from kfspec.cli.importing import command as import_command
from kfspec.cli.validate import command as validate_command
from kfspec.diagnostics import Diagnostic
from kfspec.manifests import check_manifests

SERVICE = """apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: scorer, namespace: team}
spec: {predictor: {model: {modelFormat: {name: sklearn}, storageUri: gs://b/m}}}
"""
PATCH = """apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: scorer}
spec: {predictor: {minReplicas: 3}}
"""
REPOSITORY = {
    "base/scorer.yaml": SERVICE,
    "base/kustomization.yaml": "resources: [scorer.yaml]\nconfigMapGenerator: [{name: c, files: [conf.yaml, k=more.json]}]\n",
    "base/conf.yaml": "apiVersion: 1\n",
    "base/more.json": '{"kind": "x"}',
    "prod/kustomization.yml": """apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../base, scorer-2.yaml]
patches: [{path: scale.yaml}, {path: scorer-2.yaml, target: {kind: InferenceService}}]
patchesStrategicMerge:
- older.yaml
- |
  kind: InferenceService
helmCharts: [{name: x, valuesFile: values.yaml, additionalValuesFiles: [more/values.yaml]}]
""",
    "prod/scale.yaml": PATCH,
    "prod/older.yaml": PATCH,
    "prod/scorer-2.yaml": SERVICE.replace("scorer", "scorer-2"),
    "prod/values.yaml": "kind: none\n",
    "prod/more/values.yaml": "kind: none\n",
    "chart/Chart.yaml": "apiVersion: v2\nname: x\n",
    "chart/values.yaml": "kind: none\n",
    "chart/templates/scorer.yaml": "metadata: {{ .Values.metadata }}\n",
    "compose.yaml": "services: {on: {image: a}}\n",
    ".github/workflows/ci.yaml": "apiVersion: none\n",
    "kfspec.yaml": "apiVersion: kfspec.dev/v1alpha1\nproject: p\n",
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name, text in REPOSITORY.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def said(found: Diagnostic) -> tuple[str, str, str]:
    return found.code, found.message, Path(found.pos.file).name if found.pos else ""


def test_of_a_repository_the_objects_are_judged(repository: Path) -> None:
    result = CliRunner().invoke(validate_command, ["--manifests", str(repository)])
    assert (
        result.output == "2 objects checked, 11 files passed over: not Kubernetes objects, or kustomize's or Helm's\n"
    )


def test_what_is_named_is_judged(repository: Path) -> None:
    """Whoever names a patch or a template means it."""
    found = check_manifests([str(repository / "chart" / "templates"), str(repository / "compose.yaml")])
    assert [said(each) for each in found.diagnostics] == [
        ("KF006", "a key must be a string, not a collection", "scorer.yaml"),
        ("KF134", "the object lacks 'apiVersion'", "compose.yaml"),
        ("KF013", 'kubectl reads on as the key "true"', "compose.yaml"),
    ]


def test_a_broken_kustomization_is_told(repository: Path) -> None:
    (repository / "base" / "kustomization.yaml").write_text("resources: [a\n")
    (found,) = check_manifests([str(repository / "base" / "kustomization.yaml")]).diagnostics
    assert found.code == "KF004"


def test_import_takes_objects_and_no_patches(repository: Path) -> None:
    result = CliRunner().invoke(import_command, [str(repository), "--project", "p"])
    assert "  scorer-2:" in result.stdout
    assert "minReplicas" not in result.stdout
    assert "2 objects imported" in result.stderr


def test_an_object_that_a_file_holds_twice(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"{SERVICE}---\n{SERVICE}")
    (tmp_path / "b.yaml").write_text(SERVICE)  # another environment's: nothing to say
    (found,) = check_manifests([str(tmp_path)]).diagnostics
    assert said(found) == (
        "KF106",
        "InferenceService/team/scorer stands in this file twice, and the second overwrites the first",
        "a.yaml",
    )
    assert found.pos is not None
    assert (found.pos.line, found.notes[0].message, found.notes[0].pos and found.notes[0].pos.line) == (
        8,
        "the first",
        3,
    )
