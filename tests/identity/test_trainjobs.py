"""The names of TrainJobs, frozen: another one here starts every user's training again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kfspec.pipeline import build
from kfspec.yamlio.dump import dump

GOLDEN: dict[str, tuple[dict[str, Any], str, bool]] = {
    "a runtime": ({}, "train-fb882a62", True),
    "a trainer": (
        {"trainer": {"image": "a", "numNodes": 2, "resourcesPerNode": {"cpu": 1, "gpu": 1}}},
        "train-4429ac54",
        True,
    ),
    "a second run": ({"rerun": "2"}, "train-0a3cb413", True),
    "an initializer": (
        {"runtime": "torchtune-llama3.2-1b", "initializer": {"dataset": "hf://a/b"}},
        "train-033c524a",
        True,
    ),
    "a volume": ({"volumeMounts": {"data": "/data"}}, "train-b5cab5d2", False),
    "code": ({"code": "code.py", "trainer": {"command": ["python", "/opt/code/code.py"]}}, "train-909f2ccb", False),
    "the JobSet's labels": ({"jobSet": {"labels": {"tier": "gold"}}}, "train-e7851a2a", False),
}
"""What is added to `torch-distributed` -> the frozen name, and whether Trainer 2.2 takes the very same body."""


def name_of(item: dict[str, Any], folder: Path, **top: Any) -> str:
    """The name of the one TrainJob that an item called `train` compiles to."""
    (folder / "code.py").write_text("print(1)\n")
    spec = {
        "apiVersion": "kfspec.dev/v1alpha1",
        "project": "p",
        "kubeflow": "1.11",
        "externals": {"profiles": ["t"], "volumes": ["data", "torchtune-llama3.2-1b"]},
        "defaults": {"profile": "t"},
        "trainingJobs": {"train": {"kind": "TrainJob", "runtime": "torch-distributed", **item}},
        **top,
    }
    (folder / "kfspec.yaml").write_text(dump(spec))
    result = build(folder / "kfspec.yaml")
    assert result.diagnostics == ()
    (name,) = [r.ref.name for r in result.environments["default"] if r.ref.kind == "TrainJob"]
    return name


@pytest.mark.parametrize("case", GOLDEN)
def test_names_are_frozen(case: str, tmp_path: Path) -> None:
    item, name, _ = GOLDEN[case]
    assert name_of(item, tmp_path) == name
    assert name_of(item, tmp_path, kubeflow="26.03") == name


@pytest.mark.parametrize("case", GOLDEN)
def test_the_next_trainer_runs_again_only_what_it_writes_otherwise(case: str, tmp_path: Path) -> None:
    item, name, same = GOLDEN[case]
    assert (name_of(item, tmp_path, kubeflow="26.03", components={"trainer": "2.2.0"}) == name) is same
