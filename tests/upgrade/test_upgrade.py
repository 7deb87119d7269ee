"""`kfspec upgrade`: whole reports, the rewrite on disk, and that no release starts a run of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

from kfspec.catalog.releases import RELEASES
from kfspec.pipeline import build
from kfspec.resource import ObjectRef
from kfspec.upgrading.making import upgrade
from kfspec.upgrading.values import EnvironmentUpgrade, Refused, Upgrade
from kfspec.views import upgrade as view
from kfspec.yamlio.comments import comments
from kfspec.yamlio.dump import dump
from kfspec.yamlio.edit import Edit, edited
from kfspec.yamlio.load import load
from tests.conftest import ROOT
from tests.support.controlplane import ControlPlane
from tests.test_apply import _apart as apart
from tests.test_cli import run

GOLDEN = Path(__file__).parent / "golden"
SHOWCASE = "examples/fraud-detection/kfspec.yaml"
EVERYTHING = "tests/upgrade/everything/kfspec.yaml"

REPORTS = {
    "showcase-1.11.txt": (1, (SHOWCASE, "--to", "1.11")),
    "showcase-1.11-jobs.txt": (1, (SHOWCASE, "--to", "1.11", "--rewrite-jobs")),
    "showcase-26.03.txt": (1, (SHOWCASE, "--to", "26.03")),
    "showcase-1.10.txt": (0, (SHOWCASE, "--to", "1.10.2")),
    "everything-1.11.txt": (1, (EVERYTHING, "--to", "1.11")),
    "everything-26.03.txt": (1, (EVERYTHING, "--to", "26.03", "--rewrite-jobs")),
    "everything-26.03.json": (1, (EVERYTHING, "--to", "26.03", "--rewrite-jobs", "--format", "json")),
    "next-release-back.txt": (1, ("examples/next-release/kfspec.yaml", "--to", "1.10")),
    "retraining-26.03.txt": (1, ("examples/retraining/kfspec.yaml", "--to", "26.03")),
}
"""Golden file -> exit status and arguments."""

HEAD = "apiVersion: kfspec.dev/v1alpha1\nproject: p\n"
TEAM = "profiles: {t: {owner: ana@example.com}}\ndefaults: {profile: t}\n"


@pytest.mark.parametrize("name", REPORTS)
def test_the_whole_report(name: str) -> None:
    status, arguments = REPORTS[name]
    assert run("upgrade", *arguments, cwd=ROOT) == (status, (GOLDEN / name).read_text(encoding="utf-8"), "")


def copied(spec: str, to: Path) -> Path:
    """The spec's folder in another place."""
    shutil.copytree((ROOT / spec).parent, to / "copy")
    return to / "copy"


@pytest.mark.parametrize("jobs", [(), ("--rewrite-jobs",)], ids=["release", "jobs"])
@pytest.mark.parametrize("release", ["1.11", "26.03"])
@pytest.mark.parametrize("spec", [SHOWCASE, EVERYTHING], ids=["showcase", "everything"])
def test_what_it_writes_validates_and_keeps_its_comments(
    spec: str, release: str, jobs: tuple[str, ...], tmp_path: Path
) -> None:
    folder = copied(spec, tmp_path)
    before = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.yaml")}
    status, out, err = run("upgrade", "--to", release, "--write", *jobs, cwd=folder)
    assert (status, err) == (1, "")  # a job of the training operator is left in both
    assert "\nrewritten:\n" in out
    after = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.yaml")}
    assert {name: comments(text) for name, text in after.items()} == {n: comments(t) for n, t in before.items()}
    status, out, err = run("validate", cwd=folder)
    assert (status, err) == (0, ""), out
    assert "error[" not in out
    status, out, err = run("upgrade", "--to", release, cwd=folder)
    assert (status, err) == (0, "")
    assert out.endswith("\nnothing to do\n")


def test_nothing_is_written_without_being_asked(tmp_path: Path) -> None:
    folder = copied(EVERYTHING, tmp_path)
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert run("upgrade", "--to", "26.03", "--rewrite-jobs", cwd=folder)[0] == 1
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before


def test_the_way_there_and_back_is_the_same_text(tmp_path: Path) -> None:
    spec = tmp_path / "kfspec.yaml"
    text = (
        f'{HEAD}kubeflow: "1.11" # now\n{TEAM}'
        "inferenceServices:\n"
        "  raw:\n"
        "    annotations: {'serving.kserve.io/deploymentMode': RawDeployment} # no mesh\n"
        '    predictor: {model: {modelFormat: sklearn, storageUri: "gs://models/raw"}}\n'
    )
    spec.write_text(text)
    assert run("upgrade", "--to", "26.03", "--write", cwd=tmp_path)[0] == 0
    assert spec.read_text() == text.replace('"1.11"', '"26.03"').replace("RawDeployment", "Standard")
    assert run("validate", "--strict", cwd=tmp_path)[0] == 0
    status, out, err = run("upgrade", "--to", "1.11", "--write", cwd=tmp_path)
    assert (status, err) == (0, "")
    assert spec.read_text() == text
    assert out == (GOLDEN / "raw-back.txt").read_text(encoding="utf-8")


EVERY_SPEC = sorted([*ROOT.glob("tests/specs/*.yaml"), *ROOT.glob("examples/*/kfspec.yaml")])


@pytest.mark.parametrize("spec", EVERY_SPEC, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_release_starts_a_run_of_an_unchanged_spec(spec: Path) -> None:
    for release in RELEASES:
        found = upgrade(spec, release)
        assert isinstance(found, Upgrade), found
        assert found.started == ()
        assert [environment.restarted for environment in found.environments] == [()] * len(found.environments)


def test_a_run_that_the_release_would_start_is_told() -> None:
    ref = ObjectRef("kubeflow.org", "PyTorchJob", "team", "train-0a1b2c3d")
    environment = EnvironmentUpgrade("prod", "1.10.2", 1, (), (ref,), ())
    value = Upgrade(
        "kfspec.yaml", "p", "1.11", "1.11.0", ("1.10.2",), False, (), (), (), (), (), (environment,), (), (), (), {}
    )
    assert value.started == (ref,)
    assert view.render(value) == (
        "kfspec.yaml: p, from Kubeflow 1.10 to 1.11\n\n"
        "objects:\n\n"
        "  prod: 1 object, none changes, 1 run starts\n"
        "    the release alone would start PyTorchJob/team/train-0a1b2c3d\n\n"
        "the release alone would start runs: a mistake of kfspec\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--to", "1.12"), "there is no release '1.12'; one of: 1.10, 1.11, 1.10.0, 1.10.2, 1.11.0, 26.03"),
        ((), "Missing option '--to'."),
    ],
)
def test_usage_errors_exit_2(arguments: tuple[str, ...], message: str) -> None:
    status, out, err = run("upgrade", SHOWCASE, *arguments, cwd=ROOT)
    assert (status, out, err.splitlines()[-1]) == (2, "", f"Error: {message}")


def test_a_spec_with_errors_is_mended_first(tmp_path: Path) -> None:
    spec = tmp_path / "kfspec.yaml"
    spec.write_text(f"{HEAD}kubeflow: '1.10'\nprofile: {{}}\n")
    status, out, err = run("upgrade", "--to", "1.11", cwd=tmp_path)
    assert (status, out) == (1, "")
    assert err.startswith("error[KF101]: unknown field 'profile'")
    assert err.endswith("error: an upgrade begins with a spec that has no errors under its own release\n")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"{HEAD}vars: {{a: 1}}\n", f'{HEAD}kubeflow: "1.11"\nvars: {{a: 1}}\n'),
        (HEAD.rstrip(), f'{HEAD}kubeflow: "1.11"\n'),
        (HEAD.replace("\n", "\r\n"), f'{HEAD}kubeflow: "1.11"\n'.replace("\n", "\r\n")),
        (
            '{"apiVersion": "kfspec.dev/v1alpha1", "project": "p", "vars": {}}\n',
            '{"apiVersion": "kfspec.dev/v1alpha1", "project": "p", "kubeflow": "1.11", "vars": {}}\n',
        ),
        (f"\ufeff{HEAD}kubeflow: '1.10.0'   # x\n", f"\ufeff{HEAD}kubeflow: '1.11'   # x\n"),
    ],
    ids=["below-project", "no-last-line-break", "crlf", "json", "byte-order-mark"],
)
def test_where_the_release_is_written(text: str, wanted: str, tmp_path: Path) -> None:
    spec = tmp_path / "kfspec.yaml"
    spec.write_bytes(text.encode())
    assert run("upgrade", "--to", "1.11", "--write", cwd=tmp_path)[0] == 0
    assert spec.read_bytes().decode() == wanted


def test_a_release_that_several_specs_share(tmp_path: Path) -> None:
    shared, spec = tmp_path / "shared.yaml", tmp_path / "kfspec.yaml"
    (tmp_path / ".git").mkdir()
    shared.write_text('kubeflow: "1.10" # of all teams\n')
    spec.write_text(f"{HEAD}extends: shared.yaml\n{TEAM}")
    assert run("upgrade", "--to", "26.03", "--write", cwd=tmp_path) == (
        0,
        (GOLDEN / "shared.txt").read_text(encoding="utf-8"),
        "",
    )
    assert shared.read_text() == 'kubeflow: "26.03" # of all teams\n'
    assert spec.read_text() == f"{HEAD}extends: shared.yaml\n{TEAM}"


def test_a_component_that_the_spec_keeps(tmp_path: Path) -> None:
    (tmp_path / "kfspec.yaml").write_text(f'{HEAD}kubeflow: "1.11"\ncomponents: {{kserve: 0.15.2}}\n{TEAM}')
    status, out, _ = run("upgrade", "--to", "26.03", cwd=tmp_path)
    assert status == 1
    assert "  kserve          0.15.2, which 'components' keeps; the release has 0.16.0\n" in out


def test_a_field_that_the_new_release_forbids(tmp_path: Path) -> None:
    (tmp_path / "kfspec.yaml").write_text(
        f'{HEAD}kubeflow: "1.11"\n{TEAM}inferenceServices:\n  s:\n    predictor:\n'
        "      model: {name: mine, modelFormat: {name: sklearn}, storageUri: gs://m/s}\n"
    )
    status, out, err = run("upgrade", "--to", "26.03", "--write", cwd=tmp_path)
    assert (status, err) == (1, "")
    assert out == (GOLDEN / "forbidden.txt").read_text(encoding="utf-8")


JOB = "kind: PyTorchJob\n    image: i:1\n    command: [torchrun, /t.py]\n"
LEFT = {
    "kind: PyTorchJob\n    image: i:1\n": (
        "it has no 'command', and what its image starts has to be torchrun: Trainer tells the nodes where they meet in PET_* "
        "variables, which only torchrun reads"
    ),
    "kind: PyTorchJob\n    image: i:1\n    command: [bash, run.sh]\n": (
        "its command starts neither torchrun nor a script of Python: Trainer tells the nodes where they meet in PET_* "
        "variables, which only torchrun reads"
    ),
    'kind: PyTorchJob\n    image: i:1\n    command: [python, /t.py]\n    nprocPerNode: "4"\n': (
        "'nprocPerNode' does nothing for a command of Python, and would start as many processes"
    ),
    f"{JOB}    args: [--master, $(MASTER_ADDR)]\n": (
        "'trainingJobs.j.args' names a variable that the training operator sets and Trainer does not"
    ),
    f"{JOB}    restartPolicy: Never\n": (
        "'trainingJobs.j.restartPolicy': the pods of the runtime restart on failure, and a TrainJob cannot change that"
    ),
    f"{JOB}    envFrom: [{{secretRef: {{name: s}}}}]\n": (
        "'trainingJobs.j.envFrom': a TrainJob takes single variables only"
    ),
    f"{JOB}    restartPolicy: OnFailure # why\n": (
        "the lines of 'trainingJobs.j' cannot be moved without losing a comment: write it anew by hand"
    ),
}
"""A job that is left alone -> the reason."""


@pytest.mark.parametrize("job", LEFT)
def test_a_job_that_is_left_alone(job: str, tmp_path: Path) -> None:
    spec = tmp_path / "kfspec.yaml"
    text = f'{HEAD}kubeflow: "1.10"\n{TEAM}externals: {{secrets: [s]}}\ntrainingJobs:\n  j:\n    {job}'
    spec.write_text(text)
    found = upgrade(spec, "1.11", rewrite_jobs=True)
    assert isinstance(found, Upgrade), found
    assert [(j.name, j.done, j.notes) for j in found.jobs] == [("j", False, (LEFT[job],))]
    assert [change.after for change in found.files] == [text.replace('"1.10"', '"1.11"')]


def test_a_job_whose_rewrite_would_not_validate(tmp_path: Path) -> None:
    spec, name = tmp_path / "kfspec.yaml", "j" * 42
    spec.write_text(f'{HEAD}kubeflow: "1.10"\n{TEAM}trainingJobs:\n  {name}:\n    {JOB}    workers: 1\n  j:\n    {JOB}')
    found = upgrade(spec, "1.11", rewrite_jobs=True)
    assert isinstance(found, Upgrade), found
    assert [(j.name, j.done, j.notes) for j in found.jobs] == [
        (
            name,
            False,
            (
                "as a TrainJob it would have an error: the name has 42 characters; with its hash and '-node-0-1-xxxxx' a "
                "TrainJob may have 39 [KF380]",
            ),
        ),
        ("j", True, ("it is a new run: another object, under another name",)),
    ]
    assert "error" not in {f.diagnostic.severity for f in found.remaining}


@pytest.mark.parametrize("spec", EVERY_SPEC, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_rewrite_brings_no_error(spec: Path) -> None:
    found = upgrade(spec, "26.03", rewrite_jobs=True)
    assert isinstance(found, Upgrade), found
    broken = {(f.diagnostic.code, f.diagnostic.path) for f in found.breaks}
    left = {(f.diagnostic.code, f.diagnostic.path) for f in found.remaining}
    assert left <= broken


def test_jobs_stay_where_the_release_has_no_trainer(tmp_path: Path) -> None:
    spec = tmp_path / "kfspec.yaml"
    spec.write_text(f'{HEAD}kubeflow: "1.10.0"\n{TEAM}trainingJobs:\n  j:\n    {JOB}')
    found = upgrade(spec, "1.10.2", rewrite_jobs=True)
    assert isinstance(found, Upgrade), found
    assert [(j.done, j.notes) for j in found.jobs] == [(False, ("the release has no TrainJob",))]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    found = upgrade(tmp_path / "kfspec.yaml", "1.11")
    assert isinstance(found, Refused)
    assert [d.code for d in found.diagnostics] == ["KF001"]


def test_the_patch_applies(tmp_path: Path) -> None:
    folder = copied(EVERYTHING, tmp_path)
    _, out, _ = run("upgrade", "--to", "26.03", "--rewrite-jobs", "--format", "json", cwd=folder)
    patch = json.loads(out)["patch"]
    for command in (["git", "init", "-q"], ["git", "apply", "-p0", "-"]):
        subprocess.run(command, input=patch.encode(), cwd=folder, check=True)
    patched = {file.name: file.read_text() for file in folder.glob("*.yaml")}
    other = copied(EVERYTHING, tmp_path / "other")
    run("upgrade", "--to", "26.03", "--rewrite-jobs", "--write", cwd=other)
    assert patched == {file.name: file.read_text() for file in other.glob("*.yaml")}


def test_edits_change_nothing_else() -> None:
    text = "a: 1\r\nb: x # y\rc: z\n"
    assert edited(text, [Edit(("", 3, 4, 3, 5), "w"), Edit(("", 1, 4, 1, 5), "22")]) == "a: 22\r\nb: x # y\rc: w\n"
    assert edited(text, []) == text


ITEM = {
    "kind": "PyTorchJob",
    "run": False,
    "image": "i:1",
    "command": ["python", "-u", "/t.py"],
    "args": ["--lr", "0.1"],
    "env": {"A": "1", "B": "x: y # z"},
    "resources": {"cpu": 1, "memory": "1Gi"},
    "workers": 3,
    "podLabels": {"a": "b"},
    "restartPolicy": "OnFailure",
}
WANTED = {
    "kind": "TrainJob",
    "runtime": "torch-distributed",
    "run": False,
    "trainer": {
        "image": "i:1",
        "command": ["torchrun", "/t.py"],
        "numProcPerNode": 1,
        "args": ["--lr", "0.1"],
        "env": {"A": "1", "B": "x: y # z"},
        "resourcesPerNode": {"cpu": 1, "memory": "1Gi"},
        "numNodes": 4,
    },
    "podLabels": {"a": "b"},
}


def _written(layout: str) -> str:
    """The job in one of the ways that people write."""
    if layout == "block":
        return textwrap.indent(dump(ITEM), "    ")
    if layout == "lines":
        return textwrap.indent(json.dumps(ITEM, indent=2), "    ") + "\n"
    return f"    {json.dumps(ITEM)}\n"


@pytest.mark.parametrize("layout", ["block", "lines", "flow"])
def test_every_layout_becomes_the_same_job(layout: str, tmp_path: Path) -> None:
    spec = tmp_path / "kfspec.yaml"
    spec.write_text(f'{HEAD}kubeflow: "1.10"\n{TEAM}trainingJobs:\n  j:\n{_written(layout)}\nvars: {{last: 1}} # end\n')
    found = upgrade(spec, "1.11", rewrite_jobs=True)
    assert isinstance(found, Upgrade), found
    assert [j.done for j in found.jobs] == [True], found.jobs
    documents, problems = load(found.files[0].after.encode(), "kfspec.yaml")
    assert problems == ()
    assert documents[0].value["trainingJobs"]["j"] == WANTED
    assert found.files[0].after.endswith("\nvars: {last: 1} # end\n")
    assert found.remaining == ()


def test_what_a_rewritten_job_compiles_to(tmp_path: Path) -> None:
    folder = copied(SHOWCASE, tmp_path)
    run("upgrade", "--to", "1.11", "--rewrite-jobs", "--write", cwd=folder)
    built = build(folder / "kfspec.yaml")
    (job,) = [r.body for r in built.environments["prod"] if r.ref.kind == "TrainJob"]
    (code,) = [r.ref.name for r in built.environments["prod"] if r.ref.name.startswith("train-code-")]
    volumes = [{"name": "features", "persistentVolumeClaim": {"claimName": "features"}}]
    files = [{"key": name, "path": name} for name in ("features.py", "train.py")]
    volumes.append({"name": "code", "configMap": {"name": code, "items": files}})
    mounts = [{"name": "features", "mountPath": "/data"}, {"name": "code", "mountPath": "/opt/code"}]
    amounts = {"cpu": "16", "memory": "64Gi", "nvidia.com/gpu": "2"}
    assert job["spec"] == {
        "runtimeRef": {"name": "torch-distributed"},
        "trainer": {
            "image": "pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime",
            "command": ["torchrun", "/opt/code/train.py"],
            "numProcPerNode": 1,
            "env": [{"name": "EPOCHS", "value": "40"}, {"name": "LEARNING_RATE", "value": "1e-3"}],
            "numNodes": 4,
            "resourcesPerNode": {"requests": amounts, "limits": amounts},
        },
        "podTemplateOverrides": [
            {
                "targetJobs": [{"name": "node"}],
                "spec": {"containers": [{"name": "node", "volumeMounts": mounts}], "volumes": volumes},
            }
        ],
    }


@pytest.mark.apiserver
@pytest.mark.parametrize("spec", [SHOWCASE, EVERYTHING], ids=["showcase", "everything"])
def test_the_api_server_takes_what_was_rewritten(spec: str, controlplane: ControlPlane, tmp_path: Path) -> None:
    folder = copied(spec, tmp_path)
    run("upgrade", "--to", "26.03", "--rewrite-jobs", "--write", cwd=folder)
    for name, resources in build(folder / "kfspec.yaml").environments.items():
        bodies = [
            r.body for r in resources if r.ref.kind in ("TrainJob", "Experiment", "InferenceService", "ConfigMap")
        ]
        bodies = [apart(body, f"upgraded-{name}") for body in bodies]
        for namespace in {body["metadata"].get("namespace", "default") for body in bodies}:
            controlplane.create_namespace(namespace)
        answers = controlplane.apply(bodies, workers=1)
        assert [
            (b["kind"], a.message) for b, a in zip(bodies, answers, strict=True) if a.status not in (200, 201)
        ] == []
