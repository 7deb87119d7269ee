"""`kfspec diff` with services: what a sync would do is told, and nothing is asked but questions."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from tests.conftest import ROOT
from tests.contract.kfp import KfpServer
from tests.contract.registry import RegistryServer
from tests.contract.serving import ContractServer
from tests.sync.samples import synced
from tests.test_pipelines import EXAMPLE, built, mounted

KFP, REGISTRY = "cards/kfspec-sync-retraining-kfp", "cards/kfspec-sync-retraining-model-registry"
SCHEMA = json.loads((ROOT / "tests" / "views" / "plan.schema.json").read_text(encoding="utf-8"))
FOUR = ("text", "json", "markdown", "html")


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """The example, committed."""
    folder = tmp_path / "retraining"
    shutil.copytree(EXAMPLE, folder)
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "a"]):
        name = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        subprocess.run(["git", *name, *arguments], cwd=folder, check=True, env={**os.environ, "HOME": str(tmp_path)})
    return folder / "kfspec.yaml"


@pytest.fixture
def pipelines(shared: Path) -> Iterator[KfpServer]:
    """A server of the example's release."""
    pytest.importorskip("kfp", reason="the extra [pipelines] is not installed")
    one = KfpServer(shared, "2.5.0")
    with one.running():
        yield one
    assert one.problems == []


@pytest.fixture
def registry(shared: Path) -> Iterator[RegistryServer]:
    """A registry."""
    pytest.importorskip("model_registry", reason="the extra [registry] is not installed")
    one = RegistryServer(shared, "0.2.19")
    with one.running():
        yield one
    assert one.problems == []


def diff(spec: Path, *arguments: str | Path) -> tuple[int, str, str]:
    """Exit status, output and errors, compared with the commit: the objects are the same."""
    command = [sys.executable, "-m", "kfspec", "diff", spec, "-e", "prod", "--against", "git:HEAD", *arguments]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, cwd=ROOT)
    return done.returncode, done.stdout, done.stderr


def methods(server: ContractServer) -> set[str]:
    return {one.method for one in server.asked}


def test_what_a_sync_would_do_is_told_and_not_done(spec: Path, pipelines: KfpServer, registry: RegistryServer) -> None:
    where = ("--kfp-endpoint", pipelines.endpoint, "--registry-endpoint", registry.endpoint)
    (pipeline,) = mounted(built(spec), KFP, spec.parent, "prod").pipelines
    (run,) = pipeline.runs
    status, output, errors = diff(spec, *where)
    assert (status, errors) == (1, "")
    item = "(pipelines.retrain)"
    assert output.splitlines()[3:] == [
        "predicted, no server was asked",
        "",
        f"Kubeflow Pipelines in cards ({pipelines.endpoint}): 6 steps to do",
        f"    + create experiment fraud: is not there  {item}",
        f"    + create pipeline retrain: is not there  {item}",
        f"    + create pipeline version {pipeline.version}: is not there  {item}",
        f"    + create recurring run nightly: is not there; disabled at first  {item}",
        f"    ~ enable recurring run nightly: the spec says so  {item}",
        f"    + start run {run.name}: was not started yet  {item}",
        "",
        f"Model Registry in cards ({registry.endpoint}): 5 steps to do",
        "    + create registered model fraud: is not there  (models.fraud)",
        "    + create model version 6: is not there  (models.fraud)",
        "    + create artifact fraud: is not there  (models.fraud)",
        "    + create model version 7: is not there  (models.fraud)",
        "    + create artifact fraud: is not there  (models.fraud)",
    ]
    assert output.splitlines()[2].startswith("no changes: ")
    for format_name in FOUR[1:]:
        status, output, errors = diff(spec, *where, "--format", format_name)
        assert (status, errors) == (1, "")
        assert ("create artifact fraud: is not there" in output) is (format_name != "json")
        if format_name == "json":
            told = json.loads(output)
            jsonschema.validate(told, SCHEMA)
            assert [
                (one["backend"], one["namespace"], one["complete"], len(one["steps"])) for one in told["services"]
            ] == [
                ("kfp", "cards", True, 6),
                ("model-registry", "cards", True, 5),
            ]
            assert told["services"][1]["steps"][0] == {
                "action": "create",
                "kind": "registered model",
                "name": "fraud",
                "item": "models.fraud",
                "why": "is not there",
            }
    assert (methods(pipelines), methods(registry)) == ({"GET"}, {"GET"})


def test_services_that_are_as_the_spec_says(spec: Path, pipelines: KfpServer, registry: RegistryServer) -> None:
    for loop, server in ((KFP, pipelines), (REGISTRY, registry)):
        assert not synced(mounted(built(spec), loop, spec.parent, "prod"), server.endpoint).failed
        shutil.rmtree(spec.parent / "mounted")
    pipelines.asked.clear()
    where = ("--kfp-endpoint", pipelines.endpoint, "--registry-endpoint", registry.endpoint)
    status, output, errors = diff(spec, *where)
    assert (status, errors) == (0, "")
    assert output.splitlines()[-3:] == [
        f"Kubeflow Pipelines in cards ({pipelines.endpoint}): nothing to do",
        "",
        f"Model Registry in cards ({registry.endpoint}): nothing to do",
    ]
    name = next(iter(pipelines.recurring_runs))
    pipelines.recurring_runs[name]["mode"] = "DISABLE"
    assert methods(pipelines) == {"GET"}
    status, output, _ = diff(spec, *where[:2])
    assert (status, output.splitlines()[-1]) == (
        1,
        "    ~ enable recurring run nightly: the spec says so  (pipelines.retrain)",
    )


def test_a_token_is_sent_and_a_bad_one_makes_the_plan_incomplete(spec: Path, pipelines: KfpServer) -> None:
    pipelines.tokens = {"good"}
    token = spec.parent.parent / "token"
    for text, expected in (("good\n", 1), ("bad\n", 2)):
        token.write_text(text)
        where = ("--kfp-endpoint", pipelines.endpoint, "--kfp-token-file", token)
        status, output, _ = diff(spec, *where)
        assert status == expected
        assert ("could not be looked at" in output) is (expected == 2)
    assert "error[KF622]: the service does not answer: " in output


def test_what_is_missing_is_told(spec: Path, tmp_path: Path) -> None:
    status, output, errors = diff(spec, "--kfp-token-file", tmp_path / "token")
    assert (status, output) == (2, "")
    assert "--kfp-token-file needs --kfp-endpoint" in errors
    spec.write_text(spec.read_text() + "sync: off\n")
    status, output, errors = diff(spec, "--kfp-endpoint", "http://127.0.0.1:1")
    assert output.splitlines()[-1] == "services: the environment keeps nothing in those that were asked"
