"""`kfspec graph` as a process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kfspec.cli.graph import FORMATS
from tests.conftest import ROOT
from tests.test_cli import run

SHOWCASE = "examples/fraud-detection/kfspec.yaml"
GOLDEN = Path(__file__).parent / "golden"


def test_a_chart_is_what_it_prints_unless_told_otherwise() -> None:
    assert run("graph", SHOWCASE, cwd=ROOT) == (0, (GOLDEN / "showcase.mermaid").read_text(encoding="utf-8"), "")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_into_a_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "out"
    assert run("graph", SHOWCASE, "--format", name, "-o", file, cwd=ROOT) == (0, "", "")
    assert file.read_text(encoding="utf-8") == (GOLDEN / f"showcase.{name}").read_text(encoding="utf-8")


def test_one_environment_and_a_focus() -> None:
    status, out, err = run(
        "graph", SHOWCASE, "-e", "prod", "--focus", "scorer", "--depth", "1", "--format", "json", cwd=ROOT
    )
    assert (status, err) == (0, "")
    document = json.loads(out)
    assert document["environments"] == ["prod"]
    assert [(node["block"], node["name"]) for node in document["nodes"]] == [
        ("profiles", "fraud-serving"),
        ("storage", "gs://acme-prod/scorer/v7"),
        ("inferenceServices", "scorer"),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--depth", "1"), "--depth goes with --focus"),
        (("--focus", "tuen"), "nothing in the graph is called 'tuen'; did you mean 'tune'?"),
        (
            ("--focus", "hub-token"),
            "'hub-token' may be any of: external/secrets.hub-token, fraud-detection/podDefaults.hub-token",
        ),
        (("-e", "prd"), "no spec declares the environment 'prd'; did you mean 'prod'?"),
        (("-o", "no/such/folder"), "cannot write 'no/such/folder': No such file or directory"),
    ],
)
def test_usage_errors_exit_2(arguments: tuple[str, ...], message: str) -> None:
    status, out, err = run("graph", SHOWCASE, *arguments, cwd=ROOT)
    assert (status, out, err.splitlines()[-1]) == (2, "", f"Error: {message}")


def test_a_spec_that_cannot_be_read_gives_no_graph(tmp_path: Path) -> None:
    spec = tmp_path / "kfspec.yaml"
    spec.write_text(
        "apiVersion: kfspec.dev/v1alpha1\nproject: p\nnotebooks: {n: {imag: a}}\nprofiles: {t: {owner: a}}\n"
    )
    status, out, err = run("graph", spec)
    assert (status, out) == (1, "")
    assert err.startswith("error[KF101]: unknown field 'imag' in 'notebooks.n'\n")


def test_a_chart_of_many_nodes_says_what_narrows_it(tmp_path: Path) -> None:
    spec = tmp_path / "kfspec.yaml"
    items = ", ".join(f"v{n}: {{size: 1Gi}}" for n in range(150))
    spec.write_text(
        "apiVersion: kfspec.dev/v1alpha1\nproject: p\nprofiles: {t: {owner: a}}\ndefaults: {profile: t}\n"
        f"volumes: {{{items}}}\n"
    )
    status, _, err = run("graph", spec)
    assert (status, err) == (
        0,
        "note: a chart of 151 nodes is hard to read, and GitHub draws none with over 500 edges; '--focus ITEM --depth N' or "
        "'-e ENV' narrows it, '--format html' can be searched\n",
    )
    assert run("graph", spec, "--focus", "v7")[2] == ""
    assert run("graph", spec, "--format", "dot")[2] == ""


def test_the_source_of_a_pipeline_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("open('trace', 'w').close()\n")
    spec = tmp_path / "kfspec.yaml"
    spec.write_text(
        "apiVersion: kfspec.dev/v1alpha1\nproject: p\nprofiles: {t: {owner: a}}\ndefaults: {profile: t}\n"
        "pipelines: {train: {source: train.py}}\n"
    )
    status, out, err = run("graph", spec, cwd=tmp_path)
    assert (status, err) == (0, "")
    assert '  code_train_py -->|"compiled into"| pipelines_train\n' in out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kfspec.yaml", "train.py"]
