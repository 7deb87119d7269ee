"""What a plan compares with: a snapshot, an earlier revision, a cluster in which nothing may be tried."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands.harness import Desk, summary

pytestmark = pytest.mark.apiserver

SPEC = """
profiles: {{ns}-p: {owner: ana@example.com}}
defaults: {profile: {ns}-p}
volumes: {data: {size: 5Gi}}
notebooks: {lab: {image: "registry.example.com/jupyter:1", volumeMounts: {data: /data}}}
inferenceServices: {scorer: {predictor: {minReplicas: 1, model: {modelFormat: sklearn, storageUri: gs://acme/v1}}}}
trainingJobs: {train: {kind: PyTorchJob, image: "registry.example.com/train:1", command: [python, train.py]}}
"""
CHANGED = (
    SPEC.replace("minReplicas: 1", "minReplicas: 2")
    .replace("train:1", "train:2")
    .replace("volumes: {data:", "volumes: {late: {size: 1Gi}, data:")
    .replace(
        'notebooks: {lab: {image: "registry.example.com/jupyter:1", volumeMounts: {data: /data}}}', "notebooks: {}"
    )
)


def without(plan: dict[str, Any], *names: str) -> dict[str, Any]:
    """A plan without where it comes from, and without these fields of its changes."""
    rest = {key: value for key, value in plan.items() if key not in ("source", "cluster")}
    return {**rest, "changes": [{k: v for k, v in c.items() if k not in names} for c in plan["changes"]]}


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


# -- snapshots ----------------------------------------------------------------------------------------------------


def test_a_snapshot_says_what_the_cluster_says_and_is_the_same_each_time(desk: Desk) -> None:
    desk.spec(SPEC)
    assert desk.run("snapshot", "-o", "empty") == (0, "", "wrote empty: 0 objects\n")
    assert without(desk.plan("--against", "snapshot:empty"), "predicted") == without(desk.plan(), "predicted")
    desk.apply()
    assert desk.run("snapshot", "-o", "one") == (0, "", "wrote one: 6 objects\n")
    assert desk.run("snapshot", "-o", "two").status == 0
    assert content(desk.folder / "one") == content(desk.folder / "two")
    assert desk.run("snapshot", "-o", "two").status == 0
    assert content(desk.folder / "one") == content(desk.folder / "two")
    assert desk.run("diff", "--against", "snapshot:one") == (
        0,
        "shop in default, compared with snapshot one, applied as kfspec\n\n"
        "no changes: 6 objects are as the spec says\npredicted, no server was asked\n",
        "",
    )
    desk.spec(CHANGED)
    live, recorded = desk.plan(), desk.plan("--against", "snapshot:one")
    assert summary(live) == {
        "InferenceService/scorer": ("update", "spec-changed"),
        "Notebook/lab": ("prune", "left-the-spec"),
        "PersistentVolumeClaim/late": ("create", "missing"),
        "PyTorchJob/train-HASH": ("keep", "superseded"),
    } | {"PyTorchJob/train-HASH": summary(live)["PyTorchJob/train-HASH"]}
    assert without(recorded, "predicted") == without(live, "predicted")
    assert all(change["predicted"] for change in recorded["changes"] if change["action"] != "prune")
    assert not any(change["predicted"] for change in live["changes"])


def test_a_snapshot_tells_what_deleting_a_namespace_takes_along(desk: Desk, controlplane: Any) -> None:
    desk.spec(SPEC)
    desk.apply()
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    meta = {"name": "of-somebody", "namespace": f"{desk.namespace}-p"}
    desk.make({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": claim})
    desk.run("snapshot", "-o", "taken")
    desk.standing("resources: {a: {apiVersion: v1, kind: ConfigMap, data: {}}}\n")
    live, recorded = desk.plan(), desk.plan("--against", "snapshot:taken")
    assert without(recorded, "predicted") == without(live, "predicted")


def test_secrets_are_in_no_snapshot_and_no_output(desk: Desk) -> None:
    desk.standing("resources: {a: {apiVersion: v1, kind: ConfigMap, data: {}}, s: {apiVersion: v1, kind: Secret}}\n")
    desk.apply()
    secret = {"a": "aHVudGVyMg==", "b": "aHVudGVyMw=="}
    desk.edit("v1/secrets/s", {"data": secret, "metadata": {"labels": {"kfspec.dev/item": "another"}}})
    assert desk.run("snapshot", "-o", "taken").err == "wrote taken: 1 objects\n"
    texts = [path.read_text() for path in (desk.folder / "taken").iterdir()]
    for arguments in (
        "diff",
        "diff --format json",
        "diff --format markdown",
        "diff --format html",
        "diff --exact",
        "status",
    ):
        done = desk.run(*arguments.split())
        texts += [done.out, done.err]
    desk.standing("resources: {a: {apiVersion: v1, kind: ConfigMap, data: {}}}\n")
    for arguments in ("diff", "diff --format json", "watch --count 1", "apply --prune --yes"):
        done = desk.run(*arguments.split())
        texts += [done.out, done.err]
    assert "Secret/team/s" in texts[-2]
    assert [text for text in texts if any(word in text for word in ("aHVudGVy", "hunter"))] == []


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda folder: None, "there is no snapshot at 'taken': snapshot.json is missing"),
    "file missing": (
        lambda folder: (folder / "configmaps.jsonl").unlink(),
        "there is no snapshot at 'taken': configmaps.jsonl is missing",
    ),
    "damaged": (lambda folder: (folder / "configmaps.jsonl").write_text("{}\n"), "'taken' is damaged: 'metadata'"),
    "cut off": (lambda folder: (folder / "configmaps.jsonl").write_text(""), "'taken' is damaged: objects are missing"),
    "no JSON": (
        lambda folder: (folder / "snapshot.json").write_text("{"),
        "'taken' is damaged: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
    ),
    "newer": (
        lambda folder: head(folder, formatVersion=2),
        "'taken' is no snapshot of this format (formatVersion 1)",
    ),
    "of another project": (
        lambda folder: head(folder, project="store"),
        "'taken' is of project 'store', environment 'default'",
    ),
}


def head(folder: Path, **values: Any) -> None:
    """Change what a snapshot says of itself."""
    path = folder / "snapshot.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_bad_snapshot_is_told_as_such(desk: Desk) -> None:
    desk.standing("resources: {a: {apiVersion: v1, kind: ConfigMap, data: {}}}\n")
    desk.apply()
    said = {}
    for name, (spoil, _) in BAD.items():
        if name != "missing":
            assert desk.run("snapshot", "-o", "taken").status == 0
            spoil(desk.folder / "taken")
        done = desk.run("diff", "--against", "snapshot:taken")
        said[name] = (done.status, done.out, done.err.splitlines()[0])
    assert said == {name: (2, "", f"error[KF506]: {message}") for name, (_, message) in BAD.items()}


def test_a_snapshot_of_another_cluster_is_refused(desk: Desk) -> None:
    uid = (desk.get("v1/namespaces/kube-system") or {})["metadata"]["uid"]
    desk.standing(f"resources: {{a: {{apiVersion: v1, kind: ConfigMap, data: {{}}}}}}\ncluster: {{uid: {uid}}}\n")
    assert desk.run("snapshot", "-o", "taken").status == 0
    assert desk.run("diff", "--against", "snapshot:taken").status == 1
    head(desk.folder / "taken", cluster="another")
    done = desk.run("diff", "--against", "snapshot:taken")
    assert (done.status, done.err.splitlines()[:2]) == (
        2,
        [
            "error[KF502]: 'taken' is of another cluster: its uid is another, the environment means UID",
            " --> kfspec.yaml:7:16   cluster.uid",
        ],
    )


def test_a_snapshot_is_not_written_over_something_else(desk: Desk) -> None:
    desk.standing("resources: {a: {apiVersion: v1, kind: ConfigMap, data: {}}}\n")
    (desk.folder / "precious").mkdir()
    (desk.folder / "precious" / "thesis.txt").write_text("all of it")
    done = desk.run("snapshot", "-o", "precious")
    assert (done.status, done.err) == (
        1,
        "error[KF404]: 'precious' exists and is no snapshot; nothing is written into it\n\n1 error\n",
    )
    assert content(desk.folder / "precious") == {"thesis.txt": b"all of it"}


# -- revisions ----------------------------------------------------------------------------------------------------


def git(desk: Desk, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
    return subprocess.run(command, cwd=desk.folder, check=True, capture_output=True, text=True).stdout


def repository(desk: Desk) -> dict[str, bytes]:
    """Everything in `.git`."""
    root = desk.folder / ".git"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_a_revision_says_what_its_spec_would_have_left(desk: Desk) -> None:
    git(desk, "init", "-q", "-b", "main")
    (desk.folder / "README").write_text("nothing yet\n")
    git(desk, "add", "README")
    git(desk, "commit", "-qm", "begin")
    desk.spec(SPEC)
    git(desk, "add", ".")
    git(desk, "commit", "-qm", "first")
    before = repository(desk)
    assert desk.run("diff", "--against", "git:HEAD") == (
        0,
        "shop in default, compared with git revision HEAD, applied as kfspec\n\n"
        "no changes: 6 objects are as the spec says\npredicted, no server was asked\n",
        "",
    )
    desk.spec(CHANGED)
    desk.kubeconfig = "nowhere"
    assert desk.told("--against", "git:main") == {
        "InferenceService/scorer": ("update", "spec-changed"),
        "Notebook/lab": ("prune", "left-the-spec"),
        "PersistentVolumeClaim/late": ("create", "missing"),
        "PyTorchJob/train-HASH": ("keep", "superseded"),
    }
    said = {}
    for revision in ("mian", "HEAD~1", "--help"):
        done = desk.run("diff", "--against", f"git:{revision}")
        said[revision] = (done.status, done.out, done.err.splitlines()[0])
    assert said == {
        "mian": (2, "", "error[KF507]: there is no revision 'mian' in this repository"),
        "HEAD~1": (2, "", "error[KF507]: 'kfspec.yaml' was not there at revision 'HEAD~1'"),
        "--help": (2, "", "error[KF507]: there is no revision '--help' in this repository"),
    }
    assert repository(desk) == before
    assert git(desk, "status", "--porcelain") == " M kfspec.yaml\n"


def test_a_revision_with_a_broken_spec_cannot_be_compared_with(desk: Desk) -> None:
    git(desk, "init", "-q", "-b", "main")
    desk.spec("notebooks: {lab: 7}\n")
    git(desk, "add", ".")
    git(desk, "commit", "-qm", "broken")
    desk.spec(SPEC)
    done = desk.run("diff", "--against", "git:main")
    assert done == (2, "", "error[KF507]: the spec has errors at revision 'main'\n\n1 error\n")


def test_without_a_repository_there_is_no_revision(desk: Desk) -> None:
    desk.spec(SPEC)
    done = desk.run("diff", "--against", "git:main")
    assert done == (2, "", "error[KF507]: 'kfspec.yaml' is not in a git repository\n\n1 error\n")


@pytest.mark.parametrize("against", ["nowhere", "git", "git:", "snapshot:", "cluster:x"])
def test_another_source_is_a_slip(desk: Desk, against: str) -> None:
    desk.spec(SPEC)
    done = desk.run("diff", "--against", against)
    assert (done.status, done.out) == (2, "")
    assert done.err.splitlines()[-1] == "Error: --against takes cluster, snapshot:PATH or git:REV"
