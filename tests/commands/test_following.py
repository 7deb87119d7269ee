"""Afterwards: how far everything is, what may go, what changes while one watches."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time

import pytest

from tests.commands.harness import Desk
from tests.conftest import ROOT

pytestmark = pytest.mark.apiserver

JOBS = "kubeflow.org/v1/pytorchjobs"
SCORER = "serving.kserve.io/v1beta1/inferenceservices/scorer"


def condition(kind: str, status: str = "True", **more: str) -> dict[str, str]:
    return {"type": kind, "status": status, "lastTransitionTime": "2026-01-01T00:00:00Z", **more}


# -- status -------------------------------------------------------------------------------------------------------


def test_status_tells_the_state_of_every_item(desk: Desk) -> None:
    desk.standing(
        """
notebooks:
  lab: {image: "registry.example.com/jupyter:1"}
inferenceServices:
  scorer: {predictor: {model: {modelFormat: sklearn, storageUri: gs://acme/v1}}}
  waits: {predictor: {model: {modelFormat: sklearn, storageUri: gs://acme/v1}}}
trainingJobs:
  over: {kind: PyTorchJob, image: "registry.example.com/train:1", command: [over]}
  runs: {kind: PyTorchJob, image: "registry.example.com/train:1", command: [runs]}
  died: {kind: PyTorchJob, image: "registry.example.com/train:1", command: [died]}
resources:
  settings: {apiVersion: v1, kind: ConfigMap, data: {a: b}}
"""
    )
    assert desk.run("status") == (
        1,
        "shop in default, cluster admin (https://cluster)\n\n"
        "waiting   notebooks.lab             not there\n"
        "waiting   inferenceServices.scorer  not there\n"
        "waiting   inferenceServices.waits   not there\n"
        "waiting   trainingJobs.over         not there\n"
        "waiting   trainingJobs.runs         not there\n"
        "waiting   trainingJobs.died         not there\n"
        "waiting   resources.settings        not there\n\n"
        "0 of 7 items as they should be\n",
        "",
    )
    desk.apply()
    names = {name.rpartition("-")[0]: name for name in desk.names(JOBS)}
    desk.status_of(f"{JOBS}/{names['over']}", {"conditions": [condition("Succeeded", message="it is done")]})
    desk.status_of(f"{JOBS}/{names['runs']}", {"conditions": [condition("Running")]})
    desk.status_of(f"{JOBS}/{names['died']}", {"conditions": [condition("Failed", message="out of memory")]})
    desk.status_of(SCORER, {"conditions": [condition("Ready")], "url": "http://scorer"})
    desk.edit("kubeflow.org/v1/notebooks/lab", {"metadata": {"annotations": {"kubeflow-resource-stopped": "now"}}})
    done = desk.run("status", "--format", "json")
    (project,) = json.loads(done.out)["projects"]
    assert done.status == 1
    assert {item["item"]: (item["state"], item["message"]) for item in project["items"]} == {
        "notebooks.lab": ("suspended", "stopped"),
        "inferenceServices.scorer": ("ready", ""),
        "inferenceServices.waits": ("waiting", "its controller has not reported yet"),
        "trainingJobs.over": ("succeeded", "it is done"),
        "trainingJobs.runs": ("running", "0 of 1 Master running"),
        "trainingJobs.died": ("failed", "out of memory"),
        "resources.settings": ("ready", ""),
    }
    desk.standing("trainingJobs:\n  over: {kind: PyTorchJob, image: 'registry.example.com/train:2', command: [over]}\n")
    desk.apply()
    assert desk.run("status").out == (
        "shop in default, cluster admin (https://cluster)\n\n"
        "waiting   trainingJobs.over  the operator has not taken it up yet\n"
        "                             before: PyTorchJob/team/over-HASH succeeded, it is done\n\n"
        "0 of 1 items as they should be\n"
    )
    (new,) = {name for name in desk.names(JOBS) if name.startswith("over-")} - {names["over"]}
    desk.status_of(f"{JOBS}/{new}", {"conditions": [condition("Running")]})
    assert desk.run("status").status == 0


def test_status_knows_what_is_not_the_projects_and_what_goes(desk: Desk) -> None:
    desk.make({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs"}, "data": {"a": "b"}})
    desk.standing(
        "resources: {theirs: {apiVersion: v1, kind: ConfigMap, data: {a: b}}, ours: {apiVersion: v1, kind: ConfigMap, data: {a: b}}}\n"
    )
    desk.apply("--quiet")
    desk.delete("v1/configmaps/theirs")
    desk.make({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs"}, "data": {"a": "b"}})
    desk.edit("v1/configmaps/ours", {"metadata": {"finalizers": ["example.com/held"]}})
    desk.delete("v1/configmaps/ours")
    assert desk.run("status").out.splitlines()[2:4] == [
        "waiting   resources.theirs  there is one, which is not the project's",
        "waiting   resources.ours    being deleted",
    ]
    desk.edit("v1/configmaps/ours", {"metadata": {"finalizers": []}})


def test_apply_waits_until_all_is_ready_and_says_what_is_not(desk: Desk) -> None:
    desk.standing(
        "inferenceServices: {scorer: {predictor: {model: {modelFormat: sklearn, storageUri: gs://acme/v1}}}}\n"
    )
    done = desk.run("apply", "--yes", "--wait", "--timeout", "1")
    assert (done.status, done.err) == (
        1,
        "[1/1] create InferenceService/team/scorer\ndone: 1 change\n"
        "waiting: 0 of 1 ready; InferenceService/team/scorer: its controller has not reported yet\n"
        "error[KF607]: InferenceService/team/scorer: its controller has not reported yet\n\n1 error\n",
    )
    desk.status_of(SCORER, {"conditions": [condition("Ready")], "url": "http://scorer"})
    assert desk.run("apply", "--yes", "--wait", "--timeout", "1", "--quiet") == (0, "", "")


# -- gc -----------------------------------------------------------------------------------------------------------


def test_gc_deletes_what_is_over_beyond_the_history_and_code_that_nothing_runs(desk: Desk) -> None:
    text = "trainingJobs: {train: {kind: PyTorchJob, image: 'registry.example.com/train:1', command: [python, a.py], code: src/, history: 1}}\n"
    (desk.folder / "src").mkdir()
    runs: list[str] = []
    for number in range(4):
        (desk.folder / "src" / "a.py").write_text(f"print({number})\n")
        desk.standing(text)
        desk.apply()
        (new,) = set(desk.names(JOBS)) - set(runs)
        runs.append(new)
        if number != 0:  # the first goes on
            desk.status_of(f"{JOBS}/{new}", {"conditions": [condition("Succeeded")]})
        time.sleep(1.1)  # the newest is told by creation times, in seconds
    assert len([name for name in desk.names("v1/configmaps") if name.startswith("train-code-")]) == 4
    done = desk.run("gc", "--yes")
    assert (
        done
        == (
            0,
            "shop in default, compared with cluster admin (https://cluster), applied as kfspec\n\n"
            "- PyTorchJob/team/train-HASH      trainingJobs.train\n"
            "    why        superseded by a newer run: over, and beyond the history of 1\n\n"
            "- ConfigMap/team/train-code-HASH  trainingJobs.train\n"
            "    why        superseded by a newer run: no run mounts it any more\n\n"
            "2 to delete; 2 unchanged, 4 kept\n",
            "[1/2] deleted PyTorchJob/team/train-HASH\n[2/2] deleted ConfigMap/team/train-code-HASH\ndone: 2 changes\n",
        )
        or done
    )
    assert desk.names(JOBS) == sorted([runs[0], runs[2], runs[3]])
    assert len([name for name in desk.names("v1/configmaps") if name.startswith("train-code-")]) == 3
    assert desk.run("gc", "--yes").err == ""
    desk.standing("resources: {a: {apiVersion: v1, kind: ConfigMap, data: {}}}\n")
    assert desk.run("gc", "--yes").status == 0
    assert desk.names(JOBS) == [runs[0]]
    assert len([name for name in desk.names("v1/configmaps") if name.startswith("train-code-")]) == 1


# -- destroy ------------------------------------------------------------------------------------------------------


def test_destroy_spares_data_until_it_is_allowed(desk: Desk) -> None:
    desk.standing(
        "volumes: {data: {size: 1Gi}}\nnotebooks: {lab: {image: 'registry.example.com/jupyter:1'}}\n"
        "trainingJobs: {train: {kind: PyTorchJob, image: 'registry.example.com/train:1', command: [a]}}\n"
    )
    desk.apply()
    asked = desk.run("destroy")
    assert (asked.status, asked.err.splitlines()[-1]) == (2, "Error: nobody can be asked here: --yes consents")
    done = desk.run("destroy", "--yes")
    assert (done.status, sorted(re.sub(r"^\[\d/\d\] |:.*", "", line) for line in done.err.splitlines())) == (
        0,
        [
            "deleted Notebook/team/lab",
            "done",
            "left alone PersistentVolumeClaim/team/data",
            "left alone PyTorchJob/team/train-HASH",
        ],
    )
    assert desk.names(JOBS) != []
    assert desk.names("kubeflow.org/v1/notebooks") == []
    done = desk.run("destroy", "--yes", "--allow-destroy")
    assert done.status == 0
    assert (desk.names(JOBS), desk.get(f"v1/configmaps/kfspec-shop-{desk.namespace}-default")) == ([], None)


# -- watch --------------------------------------------------------------------------------------------------------


def test_watch_tells_what_begins_to_differ_and_what_ceases(desk: Desk) -> None:
    desk.standing(
        "inferenceServices: {scorer: {predictor: {minReplicas: 1, model: {modelFormat: sklearn, storageUri: gs://acme/v1}}}}\n"
    )
    desk.apply()
    assert desk.run("watch", "--count", "2", "--interval", "0.1") == (0, "", "")
    watching = subprocess.Popen(
        [sys.executable, "-m", "kfspec", "watch", "--interval", "0.2", "--count", "80"],
        cwd=desk.folder,
        env={"KUBECONFIG": str(desk.kubeconfig), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "PATH": ""},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert watching.stdout is not None
        desk.edit(SCORER, {"spec": {"predictor": {"minReplicas": 2}}})
        first = desk.neutral(watching.stdout.readline())
        desk.edit(SCORER, {"spec": {"predictor": {"minReplicas": 1}}})
        second = desk.neutral(watching.stdout.readline())
    finally:
        watching.terminate()
        watching.wait()
    assert (first, second) == (
        "TIME blocked InferenceService/team/scorer: kubectl-edit holds fields of it: spec.predictor.minReplicas by kubectl-edit\n",
        "TIME over: InferenceService/team/scorer\n",
    )


def test_watch_ends_at_a_change_where_it_is_told_to(desk: Desk) -> None:
    desk.standing("resources: {a: {apiVersion: v1, kind: ConfigMap, data: {}}}\n")
    done = desk.run("watch", "--until-change", "--interval", "0.1")
    assert done == (1, "TIME create ConfigMap/team/a: it is not there yet\n", "")
    desk.apply()
    desk.delete("v1/configmaps/a")
    done = desk.run("watch", "--until-change", "--drift-only", "--interval", "0.1")
    assert (done.status, done.out.startswith("TIME create ConfigMap/team/a: ")) == (1, True)


def test_watch_says_once_that_it_cannot_look(desk: Desk) -> None:
    desk.standing("resources: {a: {apiVersion: v1, kind: ConfigMap, data: {}}}\n")
    config = json.loads(desk.plane.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    desk.kubeconfig = desk.folder / "kubeconfig.json"
    desk.kubeconfig.write_text(json.dumps(config))
    assert desk.run("watch", "--count", "2", "--interval", "0.1") == (
        2,
        "TIME cannot look: cannot reach the API server https://cluster of context 'admin': connection refused\n",
        "",
    )
