"""What compiles is what kustomize builds and what a real API server takes: every block, every field, every environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kfspec.diagnostics import has_errors
from kfspec.kustomize import render, with_environment
from kfspec.pipeline import Build, build
from kfspec.tree import write
from kfspec.yamlio.load import load
from tests.conftest import ROOT
from tests.support.controlplane import ControlPlane

KUBECTL = Path(sys.executable).parent / "kubectl"
SPECS = sorted((ROOT / "tests" / "specs").glob("*.yaml")) + sorted((ROOT / "examples").glob("*/kfspec.yaml"))


def identity(body: dict[str, Any]) -> tuple[str, str, str, str]:
    """apiVersion, kind, namespace and name."""
    meta = body["metadata"]
    return (body["apiVersion"], body["kind"], meta.get("namespace", ""), meta["name"])


def compiled(spec: Path) -> Build:
    """The build of a spec that must be without errors."""
    result = build(spec)
    assert not has_errors(result.diagnostics), result.diagnostics
    return result


def built_by_kustomize(folder: Path) -> list[dict[str, Any]]:
    """The objects of `kubectl kustomize`."""
    done = subprocess.run([KUBECTL, "kustomize", str(folder)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    documents, _ = load(done.stdout, "kustomize", dialect="kubectl")
    return [document.value for document in documents]


@pytest.mark.parametrize("spec", SPECS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_kustomize_builds_the_lowered_objects(spec: Path, tmp_path: Path) -> None:
    result = compiled(spec)
    tree, found = render(result.project or "", result.base, result.environments, result.files)
    assert found == ()
    _, found = write(tree, tmp_path / "overlays", tmp_path)
    assert found == ()
    for name, resources in result.environments.items():
        objects = built_by_kustomize(tmp_path / "overlays" / (result.project or "") / name)
        wanted = {identity(r.body): with_environment(r.body, name) for r in resources}
        assert {identity(body): body for body in objects} == wanted
        assert len(objects) == len(wanted)


@pytest.mark.apiserver
@pytest.mark.parametrize("spec", SPECS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_the_api_server_takes_every_object_and_a_second_apply_changes_nothing(
    spec: Path, controlplane: ControlPlane
) -> None:
    result = compiled(spec)
    for name, resources in result.environments.items():
        bodies = [_apart(with_environment(resource.body, name), f"{spec.stem}-{name}") for resource in resources]
        for namespace in {body["metadata"].get("namespace", "default") for body in bodies}:
            controlplane.create_namespace(namespace)
        first = controlplane.apply(bodies, workers=1)
        refused = {identity(b): a.message for b, a in zip(bodies, first, strict=True) if a.status not in (200, 201)}
        assert refused == {}
        # The server rewrites a new claim once more at the next apply, whoever applies it (kubectl too; v1.37).
        claims = [n for n, body in enumerate(bodies) if body["kind"] == "PersistentVolumeClaim"]
        before = [answer.body["metadata"]["resourceVersion"] for answer in first]
        for n, answer in zip(claims, controlplane.apply([bodies[n] for n in claims]), strict=True):
            before[n] = answer.body["metadata"]["resourceVersion"]
        second = controlplane.apply(bodies, workers=1)
        assert [answer.body["metadata"]["resourceVersion"] for answer in second] == before


def _apart(body: dict[str, Any], suffix: str) -> dict[str, Any]:
    """The object in a namespace of its own: the environments of a spec are clusters of their own."""
    meta = body["metadata"]
    if not meta.get("namespace"):
        return body
    return {**body, "metadata": {**meta, "namespace": f"{meta['namespace']}-{suffix}"}}


@pytest.mark.parametrize("kind", ["inferenceServices", "notebooks"])
def test_a_variable_changed_in_prod_is_one_patch(kind: str, tmp_path: Path) -> None:
    containers = "{main: {image: a, env: {A: x, B: y}}, second: {image: b, env: {A: x}}}"
    if kind == "notebooks":
        item = f"{{template: {{spec: {{containers: {containers}}}}}}}"
        change = "{template: {spec: {containers: {main: {env: {A: z}}}}}}"
    else:
        item = f"{{predictor: {{containers: {containers}}}}}".replace("main", "kserve-container")
        change = "{predictor: {containers: {kserve-container: {env: {A: z}}}}}"
    spec = tmp_path / "kfspec.yaml"
    spec.write_text(
        "apiVersion: kfspec.dev/v1alpha1\nproject: p\nexternals: {profiles: [t]}\ndefaults: {profile: t}\n"
        f"{kind}: {{main: {item}}}\nenvironments:\n  dev: {{}}\n  prod: {{{kind}: {{main: {change}}}}}\n"
    )
    result = compiled(spec)
    tree, _ = render("p", result.base, result.environments)
    stem = "notebook-main" if kind == "notebooks" else "inferenceservice-main"
    assert {path for path in tree if path.startswith(("p/dev/", "p/prod/"))} == {
        "p/dev/kustomization.yaml",
        "p/dev/stage-1/kustomization.yaml",
        "p/prod/kustomization.yaml",
        f"p/prod/stage-1/{stem}.patch.yaml",
        "p/prod/stage-1/kustomization.yaml",
    }
    pointer = "/spec/template/spec" if kind == "notebooks" else "/spec/predictor"
    name = "main" if kind == "notebooks" else "kserve-container"
    assert tree[f"p/prod/stage-1/{stem}.patch.yaml"] == (
        "# Generated by kfspec; change the spec instead.\n"
        f"# {pointer[1:].replace('/', '.')}.containers[name={name}].env[name=A].value\n"
        f"- op: replace\n  path: {pointer}/containers/0/env/0/value\n  value: z\n"
    )
