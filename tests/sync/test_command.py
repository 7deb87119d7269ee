"""`kfspec sync` as it is run: by a shell, killed, without its clients, with an Event on its CronJob."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from kfspec.cli.sync import command
from kfspec.sync import events
from kfspec.sync.engine import Report
from kfspec.sync.marker import marker
from kfspec.sync.payload import Desired, write
from kfspec.sync.steps import Action, Step
from tests.contract.kfp import KfpServer
from tests.contract.registry import RegistryServer
from tests.support.controlplane import ControlPlane
from tests.sync.samples import FRAUD, HOURLY, KFP, NIGHTLY, ONCE, REPORT, TRAIN, kfp, registry, synced


def payloads(folder: Path, desired: Desired) -> Path:
    """A folder of payloads."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for name, text in write(desired).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def run(*arguments: str | Path) -> tuple[int, str]:
    """Exit status and output."""
    result = CliRunner().invoke(command, [str(argument) for argument in arguments], standalone_mode=False)
    assert result.exception is None, result.exception
    return int(result.return_value), result.output


def test_text_and_json(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("kfp", reason="the extra [pipelines] is not installed")
    server = KfpServer(shared, "2.16.0")
    folder = payloads(tmp_path / "from", kfp(REPORT))
    with server.running():
        where = ("kfp", "--from", folder, "--endpoint", server.endpoint + "/")
        assert run(*where, "--dry-run") == (
            0,
            "+ create pipeline report: is not there  (pipelines.report)\n"
            "+ create pipeline version report-22222222: is not there  (pipelines.report)\n"
            "fraud, prod: kfp in fraud-prod: 2 steps to do\n",
        )
        assert server.said() == []
        assert run(*where)[1].splitlines()[-1] == "fraud, prod: kfp in fraud-prod: 2 steps done"
        assert run(*where) == (0, "fraud, prod: kfp in fraud-prod: nothing to do\n")
        payloads(folder, kfp())
        status, output = run(*where, "--format", "json")
        told = json.loads(output)
        assert [[step[name] for name in ("action", "kind", "name", "why")] for step in told.pop("steps")] == [
            ["delete", "pipeline version", "report-22222222", "its pipeline left the spec"],
            ["delete", "pipeline", "report", "left the spec"],
        ]
        assert (status, told) == (
            0,
            {
                "formatVersion": 1,
                "project": "fraud",
                "environment": "prod",
                "namespace": "fraud-prod",
                "backend": "kfp",
                "dryRun": False,
                "failed": False,
                "findings": [],
            },
        )
    assert server.problems == []


def test_the_registry_from_the_shell(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("model_registry", reason="the extra [registry] is not installed")
    server = RegistryServer(shared, "0.3.8")
    folder = payloads(tmp_path / "from", registry(FRAUD))
    with server.running():
        status, output = run("model-registry", "--from", folder, "--endpoint", server.endpoint)
    assert (status, output.splitlines()[-1]) == (0, "fraud, prod: model-registry in fraud-prod: 5 steps done")
    assert server.problems == []


BARE = {key: value for key, value in TRAIN.items() if key != "provenance"}
"""As the compiler emits it: from no commit, since the next one would make it untrue."""


def commits(server: KfpServer) -> dict[str, str]:
    """What is there -> the commit that it says to come from."""
    tables = (server.pipelines, server.versions, server.recurring_runs, server.runs, server.experiments)
    every = [one for table in tables for one in table.values()]
    return {one["display_name"]: str(getattr(marker(one["description"]), "commit", None)) for one in every}


def test_what_is_made_bears_the_commit_and_another_commit_makes_nothing(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("kfp", reason="the extra [pipelines] is not installed")
    server = KfpServer(shared, "2.16.0")
    folder = payloads(tmp_path / "from", kfp(BARE))
    with server.running():
        where = ("kfp", "--from", folder, "--endpoint", server.endpoint)
        assert run(*where, "--commit", "a1b2c3d")[0] == 0
        names = ("Train", "train-11111111", "Default", "backfills", "nightly", "hourly", ONCE["name"])
        assert commits(server) == dict.fromkeys(names, "a1b2c3d")
        server.forget()
        monkeypatch.setenv("KFSPEC_COMMIT", "e4f5a6b")
        assert run(*where) == (0, "fraud, prod: kfp in fraud-prod: nothing to do\n")
        assert server.said() == []
        payloads(folder, kfp({**BARE, "recurringRuns": [{**NIGHTLY, "cron": "0 0 3 * * *"}, HOURLY]}))
        assert run(*where)[0] == 0
        assert commits(server) == {**dict.fromkeys(names, "a1b2c3d"), "nightly": "e4f5a6b"}
        server.forget()
        monkeypatch.setenv("KFSPEC_COMMIT", "two words")
        assert run(*where) == (
            0,
            "note: the commit is not noted: it is to be one word of at most 100 characters\n"
            "fraud, prod: kfp in fraud-prod: nothing to do\n",
        )
        monkeypatch.setenv("KFSPEC_COMMIT", "")
        assert run(*where) == (0, "fraud, prod: kfp in fraud-prod: nothing to do\n")
        assert server.said() == []
    assert server.problems == []


def test_the_registry_bears_the_commit_too(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("model_registry", reason="the extra [registry] is not installed")
    server = RegistryServer(shared, "0.3.8")
    bare = {key: value for key, value in FRAUD.items() if key != "provenance"}
    folder = payloads(tmp_path / "from", registry(bare))
    with server.running():
        where = ("model-registry", "--from", folder, "--endpoint", server.endpoint)
        monkeypatch.setenv("KFSPEC_COMMIT", "a1b2c3d")
        assert run(*where)[0] == 0
        tables = (server.models, server.versions, server.artifacts)
        said = [one["customProperties"]["kfspec.commit"]["string_value"] for table in tables for one in table.values()]
        assert said == ["a1b2c3d"] * 5
        server.forget()
        assert run(*where, "--commit", "e4f5a6b") == (
            0,
            "fraud, prod: model-registry in fraud-prod: nothing to do\n",
        )
        assert server.said() == []
    assert server.problems == []


def test_a_service_that_is_down(tmp_path: Path) -> None:
    pytest.importorskip("kfp", reason="the extra [pipelines] is not installed")
    folder = payloads(tmp_path / "from", kfp(REPORT))
    status, output = run("kfp", "--from", folder, "--endpoint", "http://127.0.0.1:1", "--timeout", "0")
    assert status == 1
    assert "error[KF622]: the service does not answer: " in output
    assert output.endswith("fraud, prod: kfp in fraud-prod: nothing done, and not all is as the spec says\n")


def test_what_cannot_be_synced(tmp_path: Path) -> None:
    folder = payloads(tmp_path / "from", registry(FRAUD))
    status, output = run("kfp", "--from", folder)
    assert (status, output.splitlines()[0]) == (1, f"error[KF620]: {folder} is for model-registry, not for kfp")
    status, output = run("kfp", "--from", folder, "--format", "json")
    assert (status, [one["code"] for one in json.loads(output)["diagnostics"]]) == (1, ["KF620"])
    status, output = run("kfp", "--from", tmp_path / "nowhere")
    assert (status, output.splitlines()[0]) == (1, f"error[KF620]: {tmp_path / 'nowhere'} is no directory")


def test_without_its_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kfspec.sync.services.find_spec", lambda name: None)
    status, output = run("kfp", "--from", payloads(tmp_path / "from", kfp(REPORT)))
    assert (status, output.splitlines()) == (
        1,
        [
            "error[KF624]: the Python package of kfp is not installed",
            "  = help: pip install 'kfspec[pipelines]'",
            "",
            "1 error",
        ],
    )


@pytest.mark.parametrize("moment", [2, 5, 7])
def test_killed_and_run_again(shared: Path, tmp_path: Path, moment: int) -> None:
    """A real process, killed by the server's own hand once that many changes were made."""
    pytest.importorskip("kfp", reason="the extra [pipelines] is not installed")
    server = KfpServer(shared, "2.16.0")
    folder = payloads(tmp_path / "from", kfp(TRAIN, REPORT))
    with server.running():
        arguments = [sys.executable, "-m", "kfspec", "sync", "kfp", "--from", folder, "--endpoint", server.endpoint]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, env={**os.environ, "HOME": str(tmp_path)})

        def watch(number: int, method: str) -> None:
            if len(server.mutations) == moment:
                os.kill(process.pid, signal.SIGKILL)

        server.watch = watch
        assert process.wait(timeout=120) == -signal.SIGKILL
        server.watch = lambda number, method: None
        assert not synced(kfp(TRAIN, REPORT), server.endpoint).failed
        assert sorted(one["display_name"] for one in server.recurring_runs.values()) == ["hourly", "nightly"]
        assert (len(server.pipelines), len(server.versions), len(server.runs)) == (2, 2, 1)
        assert server.enabled_at_once == 1
    assert server.problems == []


@pytest.mark.apiserver
def test_an_event_on_the_cronjob(controlplane: ControlPlane, namespace: str) -> None:
    pod = {"restartPolicy": "Never", "containers": [{"name": "sync", "image": "registry.example.com/kfspec:1"}]}
    cronjob = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "sync"},
        "spec": {"schedule": "*/10 * * * *", "jobTemplate": {"spec": {"template": {"spec": pod}}}},
    }
    made = controlplane.request("POST", f"/apis/batch/v1/namespaces/{namespace}/cronjobs", cronjob)
    step = Step(Action.CREATE, "pipeline", "report", "pipelines.report", "is not there")
    report = Report(Desired(KFP), (step,))
    where = f"batch/v1/CronJob/{namespace}/sync"
    assert events.write(report, where, controlplane.kubeconfig) is None
    listed = controlplane.request("GET", f"/api/v1/namespaces/{namespace}/events").body["items"]
    told = [(one["type"], one["reason"], one["message"], one["involvedObject"]["uid"], one["source"]) for one in listed]
    uid = made.body["metadata"]["uid"]
    message = "fraud, prod: kfp in fraud-prod: 1 step done\ncreate pipeline report: is not there"
    assert told == [("Normal", "Synced", message, uid, {"component": "kfspec"})]
    assert events.write(Report(Desired(KFP), ()), where, controlplane.kubeconfig) is None
    assert len(controlplane.request("GET", f"/api/v1/namespaces/{namespace}/events").body["items"]) == 1
    assert events.write(report, "batch/v1/CronJob/nowhere-at-all/sync", controlplane.kubeconfig) == (
        'namespaces "nowhere-at-all" not found'
    )
