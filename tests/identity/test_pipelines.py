"""A pipeline's version and its runs are named by their content: frozen. Another name here runs every user's pipelines anew."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.test_pipelines import bodies, built, objects, write

PACKAGE = ROOT / "tests" / "mistakes" / "files" / "retrain.yaml"
"""Written by hand: no release of the SDK changes it."""


def names(item: dict[str, Any], folder: Path, **top: Any) -> tuple[str, str]:
    """The version of a pipeline, and its one run."""
    run = {"parameters": {"day": "today"}}
    spec = write(folder, {"retrain": {"package": "retrain.yaml", "runs": {"first": run}, **item}}, **top)
    shutil.copyfile(PACKAGE, folder / "retrain.yaml")
    carried = json.loads(bodies(built(spec), "ConfigMap")["kfspec-pipeline-retrain"]["data"]["pipelines.retrain.json"])
    return carried["version"], carried["runs"][0]["name"]


GOLDEN: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "a package": ({}, ("retrain-2a70b2c7", "first-f3db0376")),
    "caching": ({"caching": True}, ("retrain-30948ceb", "first-0996fffd")),
    "no caching": ({"caching": False}, ("retrain-f2733cf5", "first-508b395b")),
    "a parameter": (
        {"runs": {"first": {"parameters": {"day": "today", "epochs": 3}}}},
        ("retrain-2a70b2c7", "first-38e29738"),
    ),
    "another run": (
        {"runs": {"first": {"parameters": {"day": "today"}, "rerun": "2"}}},
        ("retrain-2a70b2c7", "first-156fbeff"),
    ),
    "an experiment": (
        {"runs": {"first": {"parameters": {"day": "today"}, "experiment": "e"}}},
        ("retrain-2a70b2c7", "first-69765a7c"),
    ),
    "a pipeline's experiment": ({"experiment": "e"}, ("retrain-2a70b2c7", "first-69765a7c")),
    "a root": ({"pipelineRoot": "gs://acme/a"}, ("retrain-2a70b2c7", "first-12db7e0b")),
    "a service account": ({"serviceAccount": "trainer"}, ("retrain-2a70b2c7", "first-c76df6ce")),
}
"""What is added to the pipeline -> the frozen names of its version and of its run."""


@pytest.mark.parametrize("case", GOLDEN)
def test_names_are_frozen(case: str, tmp_path: Path) -> None:
    item, frozen = GOLDEN[case]
    assert names(item, tmp_path, externals={"profiles": ["team"], "serviceAccounts": ["trainer"]}) == frozen


@pytest.mark.parametrize("kubeflow", ["1.10.0", "1.10", "1.11", "26.03"])
def test_a_release_moves_no_name(kubeflow: str, tmp_path: Path) -> None:
    assert names({}, tmp_path, kubeflow=kubeflow) == GOLDEN["a package"][1]


def test_both_modes_have_one_name(tmp_path: Path) -> None:
    shutil.copyfile(PACKAGE, tmp_path / "retrain.yaml")
    result = objects(tmp_path, {"package": "retrain.yaml"})
    assert result.diagnostics == ()
    assert [f"re{name}" for name in bodies(result, "PipelineVersion")] == [GOLDEN["a package"][1][0]]
