"""`code:`: local files as a content-named ConfigMap, mounted where the command runs."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from kfspec.pipeline import Build, build
from kfspec.views.human import render
from tests.support.controlplane import ControlPlane

HEAD = "apiVersion: kfspec.dev/v1alpha1\nproject: p\nexternals: {profiles: [t]}\ndefaults: {profile: t}\n"
JOB = "trainingJobs:\n  train:\n    kind: PyTorchJob\n    image: a\n    command: [python, train.py]\n"
TOKEN = "hf_" + "aB3" * 12


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to write a project in; it is the current one."""
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compiled(code: str = "src/", spec: str = HEAD + JOB) -> Build:
    """The build of the spec here, with `code` for its job."""
    Path("kfspec.yaml").write_text(f"{spec}    code: {code}\n")
    return build(Path("kfspec.yaml"))


def said(result: Build) -> str:
    """The findings as people see them."""
    return render(result.diagnostics, result.texts)


def bodies(result: Build) -> dict[str, dict[str, Any]]:
    """Kind -> object, of a build without findings."""
    assert said(result) == "no findings\n"
    return {r.ref.kind: r.body for r in result.environments["default"]}


def test_a_folder_is_mounted_as_it_is(project: Path) -> None:
    (project / "src" / "lib").mkdir()
    (project / "src" / "train.py").write_text("import lib.net\n")
    (project / "src" / "lib" / "net.py").write_text("# ü\n")
    (project / "src" / "start").write_text("#!/bin/sh\n")
    (project / "src" / "start").chmod(0o755)
    (project / "src" / "weights").write_bytes(b"\x00\xff")
    made = bodies(compiled())
    config, job = made["ConfigMap"], made["PyTorchJob"]
    assert config["immutable"] is True
    assert config["data"] == {"lib-net.py-68f81420": "# ü\n", "start": "#!/bin/sh\n", "train.py": "import lib.net\n"}
    assert config["binaryData"] == {"weights": base64.b64encode(b"\x00\xff").decode()}
    pod = job["spec"]["pytorchReplicaSpecs"]["Master"]["template"]["spec"]
    assert pod["containers"][0]["workingDir"] == "/opt/code"
    assert pod["containers"][0]["volumeMounts"] == [{"name": "code", "mountPath": "/opt/code"}]
    items = [
        {"key": "lib-net.py-68f81420", "path": "lib/net.py"},
        {"key": "start", "path": "start", "mode": 0o755},
        {"key": "train.py", "path": "train.py"},
        {"key": "weights", "path": "weights"},
    ]
    assert pod["volumes"] == [{"name": "code", "configMap": {"name": config["metadata"]["name"], "items": items}}]


def test_a_changed_script_is_a_new_run_and_a_new_config_map(project: Path) -> None:
    script = project / "src" / "train.py"
    script.write_text("print(1)\n")
    before = [r.ref.name for r in compiled().environments["default"]]
    assert [r.ref.name for r in compiled().environments["default"]] == before
    script.touch()
    assert [r.ref.name for r in compiled().environments["default"]] == before
    script.write_text("print(2)\n")
    after = [r.ref.name for r in compiled().environments["default"]]
    assert all(a != b for a, b in zip(before, after, strict=True))


def test_one_file_and_another_place(project: Path) -> None:
    (project / "train.py").write_text("print(1)\n")
    made = bodies(compiled("{path: train.py, mountPath: /srv}"))
    container = made["PyTorchJob"]["spec"]["pytorchReplicaSpecs"]["Master"]["template"]["spec"]["containers"][0]
    assert (container["workingDir"], container["volumeMounts"][0]["mountPath"]) == ("/srv", "/srv")
    assert made["ConfigMap"]["data"] == {"train.py": "print(1)\n"}


def test_a_working_directory_of_ones_own_stays(project: Path) -> None:
    (project / "train.py").write_text("print(1)\n")
    made = bodies(compiled("train.py", HEAD + JOB + "    workingDir: /work\n"))
    pod = made["PyTorchJob"]["spec"]["pytorchReplicaSpecs"]["Master"]["template"]["spec"]
    assert pod["containers"][0]["workingDir"] == "/work"


def test_ignored_files_stay_here(project: Path) -> None:
    for name in ("train.py", "notes.md", "data.csv", "keep.csv"):
        (project / "src" / name).write_text("x\n")
    (project / "src" / "__pycache__").mkdir()
    (project / "src" / "__pycache__" / "train.pyc").write_bytes(b"\x00")
    (project / ".git").mkdir()
    (project / ".kfspecignore").write_text("/src/notes.md\n")
    (project / "src" / ".kfspecignore").write_text("*.csv\n!keep.csv\n")
    assert bodies(compiled())["ConfigMap"]["data"] == {"keep.csv": "x\n", "train.py": "x\n"}


def test_the_spec_itself_is_no_code(project: Path) -> None:
    (project / "train.py").write_text("print(1)\n")
    (project / "src").rmdir()
    assert bodies(compiled("."))["ConfigMap"]["data"] == {"train.py": "print(1)\n"}


def test_an_environment_may_bring_other_code(project: Path) -> None:
    (project / "src" / "train.py").write_text("print(1)\n")
    (project / "quick.py").write_text("print(2)\n")
    spec = HEAD + "environments: {dev: {trainingJobs: {train: {code: quick.py}}}, prod: {}}\n" + JOB
    result = compiled(spec=spec)
    data = {
        name: next(r.body["data"] for r in made if r.ref.kind == "ConfigMap")
        for name, made in result.environments.items()
    }
    assert data == {"dev": {"quick.py": "print(2)\n"}, "prod": {"train.py": "print(1)\n"}}


def test_the_path_is_that_of_the_file_that_names_it(project: Path) -> None:
    (project / "team").mkdir()
    (project / "team" / "train.py").write_text("print(1)\n")
    (project / "team" / "jobs.yaml").write_text(JOB + "    code: train.py\n")
    (project / "kfspec.yaml").write_text(HEAD + "include: [team/jobs.yaml]\n")
    assert bodies(build(Path("kfspec.yaml")))["ConfigMap"]["data"] == {"train.py": "print(1)\n"}


def test_trials_bring_their_code(project: Path) -> None:
    (project / "src" / "train.py").write_text("print(1)\n")
    experiment = (
        "experiments:\n  tune:\n    objective: {type: maximize, objectiveMetricName: auc}\n    algorithm: random\n"
        "    maxTrialCount: 3\n    parameters: {lr: {min: 0.1, max: 0.2}}\n"
        "    trial: {trainingJob: train, args: ['${trialParameters.lr}']}\n"
    )
    made = bodies(compiled(spec=HEAD + experiment + JOB + "    run: false\n"))
    trial = made["Experiment"]["spec"]["trialTemplate"]["trialSpec"]
    volume = trial["spec"]["pytorchReplicaSpecs"]["Master"]["template"]["spec"]["volumes"][0]
    name = made["ConfigMap"]["metadata"]["name"]
    assert volume["configMap"]["name"] == name
    assert name.startswith("tune-code-")
    assert sorted(made) == ["ConfigMap", "Experiment"]


REFUSED = {
    "a credential": (
        "src/train.py",
        f"import os\ntoken = '{TOKEN}'\n",
        "error[KF353]: 'train.py' holds what looks like a Hugging Face token\n"
        "  --> kfspec.yaml:10:11   trainingJobs.train.code\n10 |     code: src/\n   |           ^^^^\n"
        "   = note: it stands here (src/train.py:2:1)\n"
        "   = help: read it from a Secret at run time, or name the file in .kfspecignore\n",
    ),
    "a password in an env file": (
        "src/.env",
        "HOST=db\nDB_PASSWORD=correct-horse\n",
        "error[KF353]: '.env' holds what looks like a credential, by the variable's name\n"
        "  --> kfspec.yaml:10:11   trainingJobs.train.code\n10 |     code: src/\n   |           ^^^^\n"
        "   = note: it stands here (src/.env:2:1)\n"
        "   = help: read it from a Secret at run time, or name the file in .kfspecignore\n",
    ),
    "too much": (
        "src/data.csv",
        "x" * (1024 * 1024 + 1),
        "error[KF352]: 'src/' has 1,048,577 bytes, and a ConfigMap takes 1,048,576\n"
        "  --> kfspec.yaml:10:11   trainingJobs.train.code\n10 |     code: src/\n   |           ^^^^\n"
        "   = note: data.csv: 1,048,577 bytes\n"
        "   = help: name what the run does not need in .kfspecignore; put data into a volume, and much code into an image\n",
    ),
    "nothing": (
        "src/.kfspecignore",
        "*\n",
        "error[KF354]: 'src/' holds no file that is not ignored\n"
        "  --> kfspec.yaml:10:11   trainingJobs.train.code\n10 |     code: src/\n   |           ^^^^\n"
        "   = help: name a file, or a folder with some\n",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str, project: Path) -> None:
    file, content, answer = REFUSED[case]
    (project / file).write_text(content)
    text = said(compiled())
    assert text == f"{answer}\n1 error\n"
    assert TOKEN not in text


def test_what_is_not_there_or_elsewhere(project: Path) -> None:
    assert "error[KF051]: cannot read 'nowhere': No such file or directory\n" in said(compiled("nowhere"))
    outside = project.parent / f"{project.name}-outside.py"
    outside.write_text("print(1)\n")
    assert f"error[KF052]: '../{outside.name}' leaves the project\n" in said(compiled(f"../{outside.name}"))
    (project / "src" / "train.py").symlink_to(outside)
    assert "error[KF052]: 'src/train.py' leaves the project\n" in said(compiled())
    (project / "src" / "train.py").unlink()
    (project / "src" / "loop").symlink_to(project / "src")
    assert "error[KF051]: 'src/loop' is a link to a folder, and links are not followed\n" in said(compiled())


def test_another_type(project: Path) -> None:
    assert "error[KF103]: 'code' must be" in said(compiled("[a]"))
    assert "error[KF102]: 'trainingJobs.train.code' lacks 'path'" in said(compiled("{mountPath: /a}"))


@pytest.mark.apiserver
def test_the_server_takes_it(project: Path, controlplane: ControlPlane, namespace: str) -> None:
    for n in range(3):
        (project / "src" / f"m{n}.py").write_text("x = 1\n" * 50)
    (project / "src" / "big").write_bytes(bytes(range(256)) * 4000)
    made = bodies(
        compiled(spec=(HEAD + JOB).replace("[t]", f"[{namespace}]").replace("profile: t", f"profile: {namespace}"))
    )
    answers = controlplane.apply(list(made.values()))
    assert [a.message for a in answers if a.status not in (200, 201)] == []
