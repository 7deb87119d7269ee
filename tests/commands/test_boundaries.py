"""What is not the project's is left alone: other projects, other environments, other tools, other clusters."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from kfspec.cluster.inventory import PART_OF
from tests.commands.harness import Desk, change_of, effects_of, summary

pytestmark = pytest.mark.apiserver

OWN = "resources: {own: {apiVersion: v1, kind: ConfigMap, data: {a: '1'}}, more: {apiVersion: v1, kind: ConfigMap, data: {b: '1'}}}\n"
OTHER = "resources: {other: {apiVersion: v1, kind: ConfigMap, data: {a: '1'}}}\n"


def config_map(name: str, data: dict[str, str], **meta: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **meta}, "data": data}


def maps(desk: Desk) -> list[str]:
    """The ConfigMaps of the namespace, without inventories."""
    return [name for name in desk.names("v1/configmaps") if name not in ("kube-root-ca.crt",) and "kfspec-" not in name]


# -- projects and environments ------------------------------------------------------------------------------------


def test_two_projects_in_one_namespace_do_not_see_each_other(desk: Desk, colleague: Callable[[str], Desk]) -> None:
    desk.standing(OWN)
    theirs = colleague("theirs")
    theirs.standing(OTHER, project="store")
    desk.apply()
    theirs.apply()
    assert (desk.told(), theirs.told()) == ({}, {})
    desk.standing("resources: {own: {apiVersion: v1, kind: ConfigMap, data: {a: '1'}}}\n")
    assert desk.told() == {"ConfigMap/more": ("prune", "left-the-spec")}
    desk.apply("--prune")
    assert maps(desk) == ["other", "own"]
    assert desk.run("destroy", "--yes") == (
        0,
        "shop in default, compared with cluster admin (https://cluster), applied as kfspec\n\n"
        "- ConfigMap/team/own  resources.own\n\n1 to delete\n",
        "[1/1] deleted ConfigMap/team/own\ndone: 1 change\n",
    )
    assert (maps(desk), theirs.told()) == (["other"], {})
    assert [name for name in desk.names("v1/configmaps") if "kfspec-" in name] == [
        f"kfspec-store-{desk.namespace}-default"
    ]


def test_two_environments_in_one_namespace_do_not_see_each_other(desk: Desk) -> None:
    environments = "environments: {dev: {}, prod: {resources: {own: null, late: {apiVersion: v1, kind: ConfigMap, data: {c: '1'}}}}}\n"
    desk.standing("resources: {own: {apiVersion: v1, kind: ConfigMap, data: {a: '1'}}}\n" + environments)
    desk.apply("-e", "dev")
    desk.apply("-e", "prod")
    assert (desk.told("-e", "dev"), desk.told("-e", "prod")) == ({}, {})
    desk.standing("resources: {}\n" + environments.replace("own: null, ", ""))
    assert desk.told("-e", "dev") == {"ConfigMap/own": ("prune", "left-the-spec")}
    assert desk.told("-e", "prod") == {}
    assert desk.run("destroy", "-e", "dev", "--yes").status == 0
    assert maps(desk) == ["late"]


def test_an_object_of_another_project_blocks_the_plan(desk: Desk, colleague: Callable[[str], Desk]) -> None:
    desk.standing(OWN)
    desk.apply()
    theirs = colleague("theirs")
    theirs.standing("resources: {own: {apiVersion: v1, kind: ConfigMap, data: {a: '2'}}}\n", project="store")
    assert theirs.run("diff") == (
        1,
        "store in default, compared with cluster admin (https://cluster), applied as kfspec\n\n"
        "! ConfigMap/team/own  resources.own  kfspec.yaml:6:13  blocked\n"
        "    why        it belongs to project 'shop', environment 'default'\n\n1 blocked\n",
        "",
    )
    done = theirs.run("apply", "--yes", "--force-conflicts", "--prune")
    assert (done.status, done.err) == (
        1,
        "error[KF601]: cannot apply ConfigMap/team/own: it belongs to project 'shop', environment 'default'\n"
        " --> kfspec.yaml:6:13\n"
        "6 | resources: {own: {apiVersion: v1, kind: ConfigMap, data: {a: '2'}}}\n"
        "  |             ^^^\n"
        "  = help: see 'kfspec diff' for what would change\n\n1 error\n",
    )
    assert (desk.get("v1/configmaps/own") or {})["data"] == {"a": "1"}


# -- other tools --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", ["apply --server-side", "apply", "helm"])
def test_what_another_tool_made_is_adopted_as_planned_and_never_deleted(desk: Desk, tool: str) -> None:
    helm = {"labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": {"meta.helm.sh/release-name": "r"}}
    body = config_map("own", {"a": "1"}, **(helm if tool == "helm" else {}))
    bystander = config_map("bystander", {"x": "1"}, **(helm if tool == "helm" else {}))
    if tool == "apply --server-side":
        desk.make(body, bystander, manager="kubectl")
    else:
        manager = "helm" if tool == "helm" else "kubectl-client-side-apply"
        for one in (body, bystander):
            path = desk.path("v1/configmaps/").rstrip("/")
            assert desk.plane.request("POST", f"{path}?fieldManager={manager}", one).status == 201
    desk.standing("resources: {own: {apiVersion: v1, kind: ConfigMap, data: {a: '1'}}}\n")
    plan = desk.plan()
    if tool == "helm":  # the label says whose it is, and Helm would put it back
        assert summary(plan) == {"ConfigMap/own": ("blocked", "conflict")}
        assert change_of(plan, "ConfigMap/own")["conflicts"] == [
            {"manager": "helm", "field": ".metadata.labels.app.kubernetes.io/managed-by"}
        ]
        assert desk.run("apply", "--yes").status == 1
        desk.apply("--force-conflicts")
    else:
        assert summary(plan) == {"ConfigMap/own": ("adopt", "not-yet-owned")}
        assert (desk.get("v1/configmaps/own") or {})["metadata"].get("labels") is None
        desk.apply()
    assert desk.told() == {}
    desk.standing("resources: {late: {apiVersion: v1, kind: ConfigMap, data: {a: '1'}}}\n")
    desk.apply("--prune")
    assert maps(desk) == ["bystander", "late"]
    assert desk.run("destroy", "--yes").status == 0
    assert maps(desk) == ["bystander"]


def test_a_conflict_names_manager_and_field_and_needs_force(desk: Desk) -> None:
    desk.make(config_map("own", {"a": "2", "b": "3"}), manager="terraform")
    desk.standing("resources:\n  own: {apiVersion: v1, kind: ConfigMap, data: {a: '1'}}\n")
    assert desk.run("diff") == (
        1,
        "shop in default, compared with cluster admin (https://cluster), applied as kfspec\n\n"
        "! ConfigMap/team/own  resources.own  kfspec.yaml:7:3  blocked\n"
        "    why        terraform holds fields of it\n"
        "    later      files that pods mount follow within about a minute; environment variables and subPath mounts at the next\n"
        "               start\n"
        "    conflict   terraform holds .data.a; 'kfspec apply' needs --force-conflicts\n"
        "    + metadata.labels:\n"
        "        + app.kubernetes.io/managed-by: kfspec\n"
        f"        + {PART_OF}: {part_of(desk)}\n"
        "        + kfspec.dev/environment: default\n"
        "        + kfspec.dev/item: resources.own\n"
        "        + kfspec.dev/project: shop\n"
        '    ~ data.a:          "2" -> "1"  # also held by terraform\n\n'
        "1 blocked\n",
        "",
    )
    refused = desk.run("apply", "--yes")
    assert (refused.status, refused.err) == (
        1,
        "error[KF601]: cannot apply ConfigMap/team/own: terraform holds .data.a\n"
        " --> kfspec.yaml:7:3\n"
        "7 |   own: {apiVersion: v1, kind: ConfigMap, data: {a: '1'}}\n"
        "  |   ^^^\n"
        "  = help: --force-conflicts takes the fields\n\n1 error\n",
    )
    assert (desk.get("v1/configmaps/own") or {})["data"] == {"a": "2", "b": "3"}
    desk.apply("--force-conflicts")
    assert (desk.get("v1/configmaps/own") or {})["data"] == {"a": "1", "b": "3"}
    assert desk.told() == {}


def part_of(desk: Desk) -> str:
    """The mark of the project's members."""
    from kfspec.cluster.inventory import parent_of

    return parent_of(f"shop-{desk.namespace}", "default", desk.namespace).id


def test_what_a_controller_made_with_copied_labels_is_never_pruned(desk: Desk) -> None:
    desk.standing(OWN)
    desk.apply()
    labels = (desk.get("v1/configmaps/own") or {})["metadata"]["labels"]
    desk.make(config_map("copy", {"c": "1"}, labels=labels), manager="some-controller")
    assert desk.told() == {}
    desk.standing(OTHER)
    assert set(desk.told()) == {"ConfigMap/own", "ConfigMap/more", "ConfigMap/other"}
    desk.apply("--prune")
    desk.run("destroy", "--yes")
    assert maps(desk) == ["copy"]


def test_taking_over_what_would_have_to_be_replaced_is_blocked(desk: Desk) -> None:
    board = {"apiVersion": "tensorboard.kubeflow.org/v1alpha1", "kind": "Tensorboard", "metadata": {"name": "logs"}}
    desk.make({**board, "spec": {"logspath": "s3://old/logs"}}, manager="dashboard")
    desk.standing(
        "resources: {logs: {apiVersion: tensorboard.kubeflow.org/v1alpha1, kind: Tensorboard, spec: {logspath: 's3://new/logs'}}}\n"
    )
    desk.run("apply", "--yes", "--force-conflicts")
    live = desk.get("tensorboard.kubeflow.org/v1alpha1/tensorboards/logs") or {}
    assert live["spec"] == {"logspath": "s3://old/logs"}
    done = desk.run("apply", "--yes", "--force-conflicts")
    assert done.err.splitlines()[0] == (
        "error[KF601]: cannot apply Tensorboard/team/logs: taking it over means deleting and creating it, and somebody else "
        "made it; delete it yourself first"
    )


# -- clusters -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    ["diff", "apply --yes --prune", "snapshot -o taken", "status", "destroy --yes", "gc --yes", "watch --count 1"],
)
def test_the_wrong_cluster_is_refused(desk: Desk, command: str) -> None:
    config = json.loads(desk.plane.kubeconfig.read_text())
    config["contexts"].append({"name": "prod", "context": config["contexts"][0]["context"]})
    desk.kubeconfig = desk.folder / "kubeconfig.json"
    desk.kubeconfig.write_text(json.dumps(config))
    uid = "00000000-0000-0000-0000-000000000000"
    desk.standing(
        OWN + f"environments:\n  byuid: {{cluster: {{uid: {uid}}}}}\n  byname: {{cluster: {{context: prod}}}}\n"
    )
    words = command.split()
    wrong = 2 if words[0] in ("diff", "watch") else 1
    done = desk.run(*words, "-e", "byuid")
    assert done == (
        wrong,
        "",
        "error[KF502]: this is another cluster: context 'admin' has uid UID, the environment means UID\n"
        " --> kfspec.yaml:8:26   cluster.uid\n"
        "8 |   byuid: {cluster: {uid: UID}}\n"
        "  |                          ^^^^\n".replace("^^^^", "^" * 36)
        + "  = help: choose the right --context, or correct the uid\n\n1 error\n",
    )
    done = desk.run(*words, "-e", "byname", "--context", "admin")
    assert done == (
        wrong,
        "",
        "error[KF502]: the environment means context 'prod', and 'admin' was asked for\n"
        " --> kfspec.yaml:9:31   cluster.context\n"
        "9 |   byname: {cluster: {context: prod}}\n"
        "  |                               ^^^^\n"
        "  = help: leave out --context, or write 'cluster: {uid: ...}' so that contexts may have any name\n\n1 error\n",
    )
    if words[0] == "diff":
        assert desk.run("diff", "-e", "byname").status == 1
    assert maps(desk) == []


def test_the_right_cluster_is_known_by_its_uid(desk: Desk) -> None:
    uid = (desk.get("v1/namespaces/kube-system") or {})["metadata"]["uid"]
    desk.standing(OWN + f"environments: {{prod: {{cluster: {{uid: {uid}, context: any}}}}}}\n")
    assert desk.told("--context", "admin") == {
        "ConfigMap/more": ("create", "missing"),
        "ConfigMap/own": ("create", "missing"),
    }


@pytest.mark.parametrize("command", ["diff", "apply --yes", "snapshot -o taken", "status", "destroy --yes", "gc --yes"])
def test_a_cluster_that_does_not_answer_is_told_in_words(desk: Desk, command: str) -> None:
    desk.standing(OWN)
    config = json.loads(desk.plane.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    desk.kubeconfig = desk.folder / "kubeconfig.json"
    desk.kubeconfig.write_text(json.dumps(config))
    done = desk.run(*command.split())
    assert done == (
        2 if command == "diff" else 1,
        "",
        "error[KF501]: cannot reach the API server https://cluster of context 'admin': connection refused\n"
        "  = help: is the cluster running, and the address in the kubeconfig right?\n\n1 error\n",
    )


def test_a_cluster_that_is_not_configured_is_told_in_words(desk: Desk) -> None:
    desk.standing(OWN)
    assert desk.run("diff", "--context", "nowhere") == (
        2,
        "",
        f"error[KF500]: there is no context 'nowhere' in {desk.kubeconfig}\n  = help: one of: admin, ci, editor\n\n1 error\n",
    )
    assert desk.run("status", "--kubeconfig", "nowhere.json") == (
        1,
        "",
        "error[KF500]: there is no kubeconfig nowhere.json\n\n1 error\n",
    )
    assert desk.run("diff", "--context", "admin").status == 1


# -- specs that say nothing, or nothing readable ------------------------------------------------------------------


def test_an_emptied_spec_prunes_nothing(desk: Desk) -> None:
    desk.standing(OWN)
    desk.apply()
    desk.standing("")
    done = desk.run("apply", "--prune", "--yes")
    assert (done.status, done.err) == (
        1,
        "error[KF603]: project 'shop' declares nothing in environment 'default': nothing is pruned\n"
        "  = help: 'kfspec destroy -e default' deletes a project\n\n1 error\n",
    )
    assert maps(desk) == ["more", "own"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (None, "KF001"),
        ("project: [\n", "KF004"),
        ("resources: {own: {apiVersion: v1, kind: ConfigMap, data: 7}}\n", "KF103"),
    ],
)
def test_a_broken_spec_prunes_nothing(desk: Desk, text: str | None, code: str) -> None:
    desk.standing(OWN)
    desk.apply()
    if text is None:
        (desk.folder / "kfspec.yaml").unlink()
    else:
        desk.standing(text)
    for command in ("apply --prune --yes", "destroy --yes", "gc --yes"):
        done = desk.run(*command.split())
        assert (done.status, done.out) == (1, "")
        assert done.err.startswith(f"error[{code}]"), done.err
    assert maps(desk) == ["more", "own"]


# -- engines and inventories --------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["flux", "argocd"])
def test_where_another_engine_applies_kfspec_does_not(desk: Desk, engine: str) -> None:
    desk.standing(OWN + f"delivery: {{engine: {engine}}}\n")
    for command, verb in (("apply --yes", "diff"), ("destroy --yes", "diff")):
        done = desk.run(*command.split())
        assert (done.status, done.err) == (
            1,
            f"error[KF600]: environment 'default' is applied by {engine}\n"
            " --> kfspec.yaml:7:20   delivery.engine\n"
            f"7 | delivery: {{engine: {engine}}}\n"
            f"  |                    {'^' * len(engine)}\n"
            f"  = help: commit the compiled overlays; 'kfspec {verb}' tells what {engine} will do\n\n1 error\n",
        )
    assert maps(desk) == []


def test_an_inventory_of_another_tool_is_left_to_it(desk: Desk) -> None:
    desk.make(
        config_map(
            f"kfspec-shop-{desk.namespace}-default", {}, annotations={"applyset.kubernetes.io/tooling": "kubectl/v1.30"}
        ),
        manager="kubectl-applyset",
    )
    desk.standing(OWN)
    done = desk.run("apply", "--yes")
    assert (done.status, done.err) == (
        1,
        "error[KF602]: ConfigMap/team/kfspec-shop-default is kept by kubectl/v1.30\n"
        "  = help: choose another platform.inventoryNamespace\n\n1 error\n",
    )
    assert maps(desk) == []


def test_an_object_that_is_being_deleted_is_not_taken_for_standing(desk: Desk) -> None:
    desk.standing(OWN)
    desk.apply()
    desk.edit("v1/configmaps/own", {"metadata": {"finalizers": ["example.com/held"]}})
    desk.delete("v1/configmaps/own")
    plan = desk.plan()
    assert summary(plan) == {"ConfigMap/own": ("blocked", "refused")}
    assert change_of(plan, "ConfigMap/own")["detail"] == "it is being deleted, and example.com/held hold it"
    desk.edit("v1/configmaps/own", {"metadata": {"finalizers": []}})
    assert summary(plan := desk.plan()) == {"ConfigMap/own": ("create", "drift")}
    assert (change_of(plan, "ConfigMap/own")["detail"], effects_of(plan, "ConfigMap/own")) == (
        "somebody deleted it",
        [],
    )
