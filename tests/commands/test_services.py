"""Plans of what a loop keeps elsewhere, and of the dashboard: what a change does, and what becomes of what it supersedes."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from kfspec.catalog.dashboard import SETTINGS, links
from tests.commands.harness import Desk, change_of, effects_of
from tests.conftest import ROOT

pytestmark = pytest.mark.apiserver

NAME = "centraldashboard-config"
PACKAGES = ROOT / "tests" / "ir" / "packages"


def pipelines(desk: Desk, item: str, platform: str = "") -> None:
    """A spec of a pipeline in the desk's namespace."""
    for name in ("conditions", "exits"):
        shutil.copyfile(PACKAGES / f"{name}.yaml", desk.folder / f"{name}.yaml")
    desk.standing(f"pipelines: {{train: {item}}}\n")
    spec = desk.folder / "kfspec.yaml"
    text = spec.read_text()
    given = f"platform: {{syncImage: sync:1, {platform}inventoryNamespace: {desk.namespace}}}"
    spec.write_text(text.replace(f"platform: {{inventoryNamespace: {desk.namespace}}}", given))


def test_a_changed_schedule_starts_one_job_and_takes_the_old_one_away(desk: Desk) -> None:
    pipelines(desk, '{package: conditions.yaml, recurringRuns: {nightly: {cron: "0 2 * * *"}}}')
    assert desk.told() == {
        "ConfigMap/kfspec-pipeline-train": ("create", "missing"),
        "ConfigMap/kfspec-sync-shop-kfp": ("create", "missing"),
        "CronJob/kfspec-sync-shop-kfp": ("create", "missing"),
        "Role/kfspec-sync-shop-kfp": ("create", "missing"),
        "RoleBinding/kfspec-sync-shop-kfp": ("create", "missing"),
        "Job/kfspec-sync-shop-kfp-HASH": ("new-run", "missing"),
    }
    desk.apply("--prune")
    assert desk.told() == {}
    (before,) = desk.names("batch/v1/jobs")
    pipelines(desk, '{package: conditions.yaml, recurringRuns: {nightly: {cron: "0 3 * * *"}}}')
    plan = desk.plan()
    assert effects_of(plan, "ConfigMap/kfspec-pipeline-train") == [
        "the next sync, at once by a Job or within ten minutes, brings it to Kubeflow Pipelines: a new package is a new "
        "version, a changed schedule is made anew, and a new run starts"
    ]
    deltas = change_of(plan, "ConfigMap/kfspec-pipeline-train")["deltas"]
    payload = 'data["pipelines.train.json.gz.b64"]'
    assert [delta["path"] for delta in deltas] == [
        f"{payload}.provenance.specDigest",
        f"{payload}.recurringRuns[name=nightly].cron",
    ]
    assert (deltas[1]["old"], deltas[1]["new"]) == ("0 0 2 * * *", "0 0 3 * * *")
    actions = sorted((c["object"]["kind"], c["action"], c["reason"]) for c in plan["changes"])
    assert actions == [
        ("ConfigMap", "update", "spec-changed"),
        ("Job", "new-run", "supersedes"),
        ("Job", "prune", "superseded"),
    ]
    desk.apply("--prune")
    (after,) = desk.names("batch/v1/jobs")
    assert after != before
    assert desk.told() == {}


def test_the_last_item_goes_and_the_loop_stays_to_take_it_away(desk: Desk) -> None:
    pipelines(desk, "{package: conditions.yaml}")
    spec = desk.folder / "kfspec.yaml"
    spec.write_text(spec.read_text() + "volumes: {data: {size: 1Gi}}\n")
    desk.apply("--prune")
    spec.write_text("".join(line for line in spec.read_text().splitlines(True) if not line.startswith("pipelines:")))
    told = desk.told()
    assert {name: what for name, (what, _) in told.items() if "HASH" not in name} == {
        "ConfigMap/kfspec-pipeline-train": "prune",
        "CronJob/kfspec-sync-shop-kfp": "update",
    }
    desk.apply("--prune")
    (name,) = desk.names("batch/v1/cronjobs")
    loop = desk.get(f"batch/v1/cronjobs/{name}")
    assert loop is not None
    assert "kfspec-pipeline-train" not in json.dumps(loop["spec"])
    spec.write_text(spec.read_text() + "sync: off\n")
    desk.apply("--prune")
    kept = ("v1/persistentvolumeclaims", "batch/v1/cronjobs", "batch/v1/jobs")
    rights = ("rbac.authorization.k8s.io/v1/roles", "rbac.authorization.k8s.io/v1/rolebindings")
    assert {kind: desk.names(kind) for kind in (*kept, *rights)} == {
        **{kind: [] for kind in (*kept, *rights)},
        "v1/persistentvolumeclaims": ["data"],
    }


REVISION = "v1/configmaps/kfspec-revision-shop-{ns}"


def git(desk: Desk, *arguments: str) -> str:
    """What git says in the desk's folder."""
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
    return subprocess.run(command, cwd=desk.folder, capture_output=True, text=True, check=True).stdout.strip()


def committed(desk: Desk) -> str:
    """A commit of all that is in the folder."""
    git(desk, "add", ".")
    git(desk, "commit", "-qm", "a")
    return git(desk, "rev-parse", "HEAD")


def revision(desk: Desk) -> dict[str, str] | None:
    """What the syncs of the namespace are told."""
    found = desk.get(REVISION.replace("{ns}", desk.namespace))
    return None if found is None else dict(found["data"])


def test_the_syncs_are_told_the_commit_and_a_commit_alone_changes_nothing(desk: Desk) -> None:
    git(desk, "init", "-q")
    pipelines(desk, '{package: conditions.yaml, recurringRuns: {nightly: {cron: "0 2 * * *"}}}')
    first = committed(desk)
    done = desk.apply("--prune", "--quiet")
    assert [line.partition("] ")[2] for line in done.err.splitlines() if "commit" in line or "Job" in line] == [
        f"note commit {first} in ConfigMap/team/kfspec-revision-shop",
        "create CronJob/team/kfspec-sync-shop-kfp",
        "new-run Job/team/kfspec-sync-shop-kfp-HASH",
    ]
    assert revision(desk) == {"commit": first}
    (desk.folder / "README").write_text("another commit\n")
    committed(desk)
    assert desk.told() == {}
    mark = desk.plane.mark()
    desk.apply("--prune", "--quiet")
    writes = [
        one.path for one in desk.plane.audit(mark) if one.verb not in ("get", "list", "watch") and not one.dry_run
    ]
    assert [path for path in writes if desk.namespace in path] == []
    assert revision(desk) == {"commit": first}, "what is there was delivered by it"
    pipelines(desk, '{package: conditions.yaml, recurringRuns: {nightly: {cron: "0 3 * * *"}}}')
    third = committed(desk)
    desk.apply("--prune", "--quiet")
    assert revision(desk) == {"commit": third}
    pipelines(desk, '{package: conditions.yaml, recurringRuns: {nightly: {cron: "0 4 * * *"}}}')
    desk.apply("--prune", "--quiet")
    assert revision(desk) is None, "a change that is in no commit comes from none"
    committed(desk)
    pipelines(desk, '{package: conditions.yaml, recurringRuns: {nightly: {cron: "0 5 * * *"}}}')
    fifth = committed(desk)
    desk.apply("--prune", "--quiet")
    assert (revision(desk), desk.told()) == ({"commit": fifth}, {})
    done = desk.run("destroy", "--yes", "--allow-destroy")
    assert (done.status, revision(desk), desk.names("batch/v1/cronjobs")) == (0, None, [])


RBAC = "rbac.authorization.k8s.io"
EVERY = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
EDIT = [{"apiGroups": ["batch"], "resources": ["cronjobs", "jobs"]}, {"apiGroups": [""], "resources": ["configmaps"]}]
"""Of what kubeflow-edit has, the part that a loop's objects need (kubeflow/manifests v1.10.0, cluster-roles.yaml)."""
ADMIN = [*EDIT, {"apiGroups": [RBAC], "resources": ["rolebindings", "roles"]}]
"""The same of kubeflow-admin."""


@pytest.mark.parametrize(("rules", "why"), [(EDIT, "not allowed to write it"), (ADMIN, "attempting to grant")])
def test_who_may_not_write_the_role_leaves_it_out(desk: Desk, rules: list[dict[str, object]], why: str) -> None:
    version = {"apiVersion": f"{RBAC}/v1", "metadata": {"name": "of-a-user"}}
    ref = {"apiGroup": RBAC, "kind": "Role", "name": "of-a-user"}
    user = {"apiGroup": RBAC, "kind": "User", "name": f"cy-{desk.namespace}"}
    desk.make(
        {**version, "kind": "Role", "rules": [{**rule, "verbs": EVERY} for rule in rules]},
        {**version, "kind": "RoleBinding", "roleRef": ref, "subjects": [user]},
    )
    desk.kubeconfig = desk.plane.acting_as(user["name"])
    pipelines(desk, "{package: conditions.yaml}")
    done = desk.run("apply", "--yes", "--quiet")
    refused, *_ = (line for line in done.err.splitlines() if line.startswith("error"))
    assert (done.status, why in refused) == (1, True), done.err
    assert refused.startswith("error[KF601]: cannot apply Role/team/kfspec-sync-shop-kfp: ")
    assert " --> kfspec.yaml:3:12" in done.err.splitlines(), "where the spec asks for the loop"
    hint = "'platform: {syncRole: false}' leaves it out, and the sync goes on without its Lease and its Events"
    assert f"  = help: {hint}" in done.err.splitlines()
    pipelines(desk, "{package: conditions.yaml}", "syncRole: false, ")
    desk.apply("--quiet")
    assert (len(desk.names("batch/v1/cronjobs")), len(desk.names("batch/v1/jobs"))) == (1, 1)


def test_what_ci_says_is_left_alone(desk: Desk) -> None:
    pipelines(desk, "{package: conditions.yaml}")
    name = REVISION.replace("{ns}", desk.namespace).rpartition("/")[2]
    desk.make({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"commit": "a1b2c3d"}})
    desk.apply("--prune", "--quiet")
    assert revision(desk) == {"commit": "a1b2c3d"}
    assert desk.run("destroy", "--yes", "--allow-destroy").status == 0
    assert revision(desk) == {"commit": "a1b2c3d"}


def test_a_new_package_is_a_new_version_and_the_old_one_stays(desk: Desk) -> None:
    kubernetes = "pipelines: kubernetes, "
    pipelines(desk, "{package: conditions.yaml}", kubernetes)
    spec = desk.folder / "kfspec.yaml"
    spec.write_text(spec.read_text() + 'kubeflow: "1.11"\n')
    desk.apply("--prune")
    (before,) = desk.names("pipelines.kubeflow.org/v2beta1/pipelineversions")
    pipelines(desk, "{package: exits.yaml}", kubernetes)
    spec.write_text(spec.read_text() + 'kubeflow: "1.11"\n')
    plan = desk.plan()
    assert [
        (c["object"]["kind"], c["action"]) for c in plan["changes"] if c["object"]["kind"] == "PipelineVersion"
    ] == [("PipelineVersion", "create")]
    assert [(kept["object"]["kind"], kept["reason"]) for kept in plan["kept"]] == [("PipelineVersion", "superseded")]
    desk.apply("--prune", "--allow-destroy")
    versions = desk.names("pipelines.kubeflow.org/v2beta1/pipelineversions")
    assert (before in versions, len(versions)) == (True, 2)
    assert desk.plan()["changes"] == []


def test_the_plan_says_what_of_others_would_be_lost(desk: Desk) -> None:
    live = links("1.10.2")
    live["quickLinks"].append({"desc": "of another team", "link": "/theirs/", "text": "Theirs"})
    data = {"links": json.dumps(live, indent=4), "settings": json.dumps(SETTINGS, indent=2)}
    desk.make({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}, "data": data}, manager="kubectl")
    desk.standing("dashboard: {own: true, namespace: {ns}, quickLinks: {Ours: {link: /ours/, desc: of this team}}}\n")
    plan = desk.plan()
    assert effects_of(plan, f"ConfigMap/{NAME}") == [
        "changes everybody's dashboard at the next page load; links that others added and the spec does not say are lost"
    ]
    assert change_of(plan, f"ConfigMap/{NAME}")["action"] == "blocked", "its fields are kubectl's: --force-conflicts"
    told = desk.run("diff").out
    assert 'data["links"].quickLinks[text=Theirs]' in told
    assert 'data["links"].quickLinks[text=Ours]' in told
    assert "Kubeflow Notebooks" not in told
