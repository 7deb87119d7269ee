"""What stands between a commit and the main branch: formats of machines, ignored findings, pre-commit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sarif_pydantic import Sarif

from kfspec import cli
from tests.conftest import ROOT

SPEC = """\
apiVersion: kfspec.dev/v1alpha1
project: p
externals: {profiles: [t]}
defaults: {profile: t}
experiments:
  tune:
    objective: {type: maximize, objectiveMetricName: auc}
    algorithm: {algorithmName: tpe, algorithmSettings: {gama: 0.25}}
    parameters: {lr: {min: 0.1, max: 1}}
    trialTemplate:
      trialSpec:
        apiVersion: batch/v1
        kind: Job
        spec:
          template:
            spec:
              restartPolicy: Never
              containers: [{name: main, image: registry.example.com/train:1, args: ["${trialParameters.lr}"]}]
"""


def run(spec: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str]:
    """The exit status and standard output of `validate`."""
    Path("kfspec.yaml").write_text(spec, encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["kfspec", "validate", *more])
    status = cli.run()
    out, err = capsys.readouterr()
    assert err == ""
    return status, out


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test in a folder of its own."""
    monkeypatch.chdir(tmp_path)


def test_github(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(SPEC, monkeypatch, capsys, "--format", "github") == (
        1,
        "::warning file=kfspec.yaml,line=6,col=3,endLine=6,title=KF338,endColumn=6::"
        "the experiment has no limit of trials%0Ahelp: add 'maxTrialCount:'\n"
        "::error file=kfspec.yaml,line=8,col=57,endLine=8,title=KF335,endColumn=60::"
        "tpe has no setting 'gama'%0Ahelp: did you mean 'gamma'?\n",
    )


def test_github_escapes_what_would_steer_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = SPEC.replace("tpe", '"a%b,c:d\\n::error::e"')
    _, out = run(hostile, monkeypatch, capsys, "--format", "github")
    assert all(
        line.startswith(("::warning file=kfspec.yaml,", "::error file=kfspec.yaml,")) for line in out.splitlines()
    )
    assert "Katib has no algorithm 'a%25b,c:d%0A::error::e' for 'algorithm'" in out


def test_sarif(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = run(SPEC, monkeypatch, capsys, "--format", "sarif")
    document = json.loads(out)
    Sarif.model_validate(document)
    assert status == 1
    assert [rule["id"] for rule in document["runs"][0]["tool"]["driver"]["rules"]] == ["KF335", "KF338"]
    assert document["runs"][0]["results"][1] == {
        "ruleId": "KF335",
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": "tpe has no setting 'gama' (did you mean 'gamma'?)"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "kfspec.yaml"},
                    "region": {"startLine": 8, "startColumn": 57, "endLine": 8, "endColumn": 61},
                },
                "logicalLocations": [{"fullyQualifiedName": "experiments.tune.algorithm.algorithmSettings.gama"}],
            }
        ],
        "properties": {"upstream": "never-works"},
    }


def test_a_comment_ignores_what_is_found_on_its_line_or_the_next(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = SPEC.replace("  tune:\n", "  # kfspec: ignore[KF338]\n  tune:\n").replace(
        "gama: 0.25}}\n", "gama: 0.25}}  # the service is our own; kfspec: no\n"
    )
    spec = spec.replace("# the service is our own; kfspec: no", "# kfspec: ignore[KF335]")
    assert run(spec, monkeypatch, capsys) == (0, "1 object in 1 environment checked\n")


@pytest.mark.parametrize(
    ("comment", "message", "hint"),
    [
        ("# kfspec: ignore[KF335]", "no KF335 is found here", "remove the comment"),
        ("# kfspec: ignore[KF3355]", "there is no code 'KF3355'", "did you mean 'KF335'?"),
        ("# kfspec: ignore", "the comment does not say what to ignore", "name the code, as '# kfspec: ignore[KF338]'"),
        ("# kfspec: ignore[KF004]", "KF004 cannot be ignored", "mend what it says"),
    ],
)
def test_a_comment_that_ignores_nothing_is_said(
    comment: str, message: str, hint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = SPEC.replace("gama", "gamma").replace("    parameters", "    maxTrialCount: 3\n    parameters")
    spec = spec.replace("project: p\n", f"project: p  {comment}\n")
    assert run(spec, monkeypatch, capsys) == (
        0,
        f"warning[KF072]: {message}\n --> kfspec.yaml:2:13\n2 | project: p  {comment}\n"
        f"  |             {'^' * len(comment)}\n  = help: {hint}\n\n"
        "no errors, 1 warning: 1 object in 1 environment checked\n",
    )


def test_the_hooks_run_under_pre_commit(tmp_path: Path) -> None:
    """The real pre-commit, in a scratch repository: a good commit passes, a bad spec and stale overlays do not."""

    def sh(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    hooks = (
        (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8").replace("language: python", "language: system")
    )
    kfspec = Path(sys.executable).parent / "kfspec"
    local = "".join(f"  {line}\n" for line in hooks.replace("entry: kfspec", f"entry: {kfspec}").splitlines())
    (tmp_path / ".pre-commit-config.yaml").write_text(f"repos:\n- repo: local\n  hooks:\n{local}", encoding="utf-8")
    (tmp_path / "kfspec.yaml").write_text((ROOT / "examples/quickstart/kfspec.yaml").read_text(), encoding="utf-8")
    sh("git", "init", "-q")
    assert sh(str(kfspec), "compile").returncode == 0
    sh("git", "add", "-A")
    pre_commit = str(Path(sys.executable).parent / "pre-commit")
    good = sh(pre_commit, "run", "--all-files")
    assert good.returncode == 0, good.stdout + good.stderr
    text = (tmp_path / "kfspec.yaml").read_text(encoding="utf-8")
    (tmp_path / "kfspec.yaml").write_text(text.replace("minReplicas: 3", "minReplicas: 4"), encoding="utf-8")
    sh("git", "add", "-A")
    stale = sh(pre_commit, "run", "--all-files")
    assert ("kfspec-compile" in stale.stdout, "hook id: kfspec-validate" in stale.stdout) == (True, False)
    (tmp_path / "kfspec.yaml").write_text(text.replace("minReplicas: 3", "minReplica: 3"), encoding="utf-8")
    sh("git", "add", "-A")
    bad = sh(pre_commit, "run", "--all-files")
    assert "unknown field 'minReplica'" in bad.stdout
    assert bad.returncode == 1
