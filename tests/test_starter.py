"""`kfspec init`: what it writes is valid as it stands, and again when its commented lines are taken in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from kfspec.pipeline import build
from kfspec.views.human import render
from tests.test_bad_input import run

SCRIPT = """\
import argparse
import lightning as L
from model import Net

p = argparse.ArgumentParser()
p.add_argument("--lr", type=float, default=0.01)
p.add_argument("-e", "--epochs", type=int, default=3)
p.add_argument("--data", default="/data it")
p.add_argument("--verbose", action="store_true", default=False)
p.add_argument("--hub-token", default="abcdefghijkl")
open("trace", "w")
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder, the current one."""
    folder = tmp_path / "My Project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def findings() -> str:
    """What validate says of the spec here."""
    result = build(Path("kfspec.yaml"))
    return render(result.diagnostics, result.texts)


def test_a_plain_project(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, capsys, "init") == (
        0,
        "wrote kfspec.yaml\nwrote .pre-commit-config.yaml\nwrote .github/workflows/kfspec.yaml\n"
        "next: put your profile's name for 'my-team', then kfspec validate\n",
    )
    assert findings() == "no findings\n"
    assert "project: my-project\n" in Path("kfspec.yaml").read_text()
    for gate in (".pre-commit-config.yaml", ".github/workflows/kfspec.yaml"):
        assert "kfspec compile --check" in str(yaml.safe_load(Path(gate).read_text()))
    status, text = run(monkeypatch, capsys, "init")
    assert (status, text) == (2, "Error: 'kfspec.yaml' exists; init begins where nothing is\n")


def test_around_a_script(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    Path("src").mkdir()
    Path("src/train.py").write_text(SCRIPT)
    Path("src/model.py").write_text("class Net: ...\n")
    status, _ = run(monkeypatch, capsys, "init", "--from", "src/train.py")
    assert status == 0
    assert not Path("trace").exists()
    assert findings() == "no findings\n"
    text = Path("kfspec.yaml").read_text()
    job = yaml.safe_load(text)["trainingJobs"]["train"]
    assert job == {
        "kind": "PyTorchJob",
        "image": "pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime",
        "command": ["python", "train.py"],
        "args": ["--lr=0.01", "--epochs=3", "--data=/data it"],
        "code": "src/",
        "workers": 0,
        "resources": {"cpu": 2, "memory": "8Gi"},
    }
    assert "abcdefghijkl" not in text
    head, tail = text.split("# To search", 1)
    tail = "".join(line.removeprefix("# ") + "\n" for line in tail.split("\n")[1:])
    Path("kfspec.yaml").write_text(head.replace("    workers:", "    run: false\n    workers:") + tail)
    assert findings() == "no findings\n"
    made = build(Path("kfspec.yaml")).environments["default"]
    assert [re.sub("-[0-9a-f]{8}$", "", r.ref.name) for r in made] == ["tune-train-code", "tune-train"]


@pytest.mark.parametrize(
    ("imports", "kind"),
    [
        ("import torch", "PyTorchJob"),
        ("from tensorflow import keras", "TFJob"),
        ("import jax.numpy", "JAXJob"),
        ("import xgboost", "XGBoostJob"),
        ("import paddle", "PaddleJob"),
        ("import sklearn", "PyTorchJob"),
    ],
)
def test_every_framework(
    imports: str, kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("Fit Model.py").write_text(imports + "\n")
    run(monkeypatch, capsys, "init", "--from", "Fit Model.py")
    assert findings() == "no findings\n"
    assert [r.ref.kind for r in build(Path("kfspec.yaml")).environments["default"]] == ["ConfigMap", kind]


@pytest.mark.parametrize(
    ("name", "content", "answer"),
    [
        ("nowhere.py", None, "cannot read 'nowhere.py': No such file or directory"),
        ("broken.py", "def (:\n", "'broken.py' is no Python: line 1: invalid syntax"),
        ("binary.py", "\udcff\n", "'binary.py' is no UTF-8 text"),
        ("../outside.py", "import torch\n", "'../outside.py' stands outside of '.'"),
        ("zero.py", "a\0b", "'zero.py' is no Python: source code string cannot contain null bytes"),
        (
            "explore.ipynb",
            "{}",
            "'explore.ipynb' is a notebook, and no script: 'jupyter nbconvert --to script explore.ipynb' makes one of it",
        ),
    ],
)
def test_scripts_that_cannot_be_used(
    name: str, content: str | None, answer: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        Path(name).write_bytes(content.encode("utf-8", "surrogateescape"))
    status, text = run(monkeypatch, capsys, "init", "--from", name)
    assert (status, text.splitlines()[-1]) == (2, f"Error: {answer}")
    assert not Path("kfspec.yaml").exists()


REQUIRED = """\
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("target")
parser.add_argument("extra", nargs="?")
parser.add_argument("--lr", default=0.1)
"""


def test_what_a_script_requires_is_not_passed_over_in_silence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("fit.py").write_text(REQUIRED)
    run(monkeypatch, capsys, "init", "--from", "fit.py")
    lines = Path("kfspec.yaml").read_text().splitlines()
    at = lines.index("    args:")
    assert lines[at + 1 : at + 3] == ['    - "--lr=0.1"', "    # args: the script requires --data, target as well"]
    assert findings() == "no findings\n"
