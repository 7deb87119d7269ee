"""`kfspec diff` at the command line: exit statuses, formats, several specs, what it cannot see."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands.harness import Desk, summary
from tests.support import faults
from tests.support.faults import Fault, proxied

pytestmark = pytest.mark.apiserver

MAPS = "resources: {a: {apiVersion: v1, kind: ConfigMap, data: {a: '1'}}, b: {apiVersion: v1, kind: ConfigMap, data: {b: '1'}}}\n"


def test_exit_statuses(desk: Desk) -> None:
    desk.standing(MAPS)
    assert desk.run("diff").status == 1
    desk.apply()
    assert desk.run("diff").status == 0
    assert desk.run("diff", "nowhere.yaml").status == 2
    assert desk.run("diff", "-e", "nowhere").status == 2
    assert desk.run("diff", "--format", "yaml").status == 2
    assert desk.run("diff", "--context", "nowhere").status == 2
    desk.standing(MAPS + "environments: {dev: {}, prod: {}}\n")
    done = desk.run("diff")
    assert (done.status, done.err.splitlines()[-1]) == (2, "Error: say which environment with -e: dev, prod")
    desk.standing(MAPS.replace("'1'", "1"))
    done = desk.run("diff")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("error[KF1")


def test_a_blocked_change_is_a_change(desk: Desk) -> None:
    desk.make({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "2"}})
    desk.standing(MAPS)
    assert (desk.told()["ConfigMap/a"], desk.run("diff").status) == (("blocked", "conflict"), 1)


def test_formats_say_the_same(desk: Desk) -> None:
    desk.standing(MAPS)
    desk.apply()
    desk.edit("v1/configmaps/a", {"data": {"a": "2", "x": "<script>alert(1)</script>"}})
    desk.standing(MAPS.replace("b: '1'", "b: '2'"))
    text, markdown, page = (desk.run("diff", "--format", name) for name in ("text", "markdown", "html"))
    plan = desk.plan()
    assert summary(plan) == {"ConfigMap/a": ("blocked", "conflict"), "ConfigMap/b": ("update", "spec-changed")}
    assert {done.status for done in (text, markdown, page)} == {1}
    assert text.out.splitlines()[-1] == "1 to update, 1 blocked"
    for done in (text, markdown, page):
        assert "kubectl-edit" in done.out
        assert "script>alert" not in done.out
    assert len(markdown.out) < 65_536
    assert page.out.startswith("<!DOCTYPE html>") or page.out.startswith("<!doctype html>")
    assert "\x1b" not in text.out


def test_several_specs_are_several_plans(desk: Desk) -> None:
    desk.standing(MAPS)
    desk.standing("resources: {c: {apiVersion: v1, kind: ConfigMap, data: {a: '1'}}}\n", "other.yaml", "store")
    done = desk.run("diff", "kfspec.yaml", "other.yaml", "--format", "json")
    both = json.loads(done.out)
    assert [(plan["project"], len(plan["changes"])) for plan in both] == [("shop", 2), ("store", 1)]
    desk.apply("kfspec.yaml", "other.yaml")
    done = desk.run("diff", "kfspec.yaml", "other.yaml")
    assert done == (
        0,
        "shop in default, compared with cluster admin (https://cluster), applied as kfspec\n\n"
        "no changes: 2 objects are as the spec says\n\n"
        "store in default, compared with cluster admin (https://cluster), applied as kfspec\n\n"
        "no changes: 1 object is as the spec says\n",
        "",
    )


def test_a_kind_that_cannot_be_listed_makes_the_plan_incomplete(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.standing(MAPS)
    desk.apply()
    broken = json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 500, "message": "no disk"})
    monkeypatch.setitem(faults.STATUSES, Fault.ETCD, (500, broken.encode(), {}))
    with proxied(desk.plane, tmp_path) as before:
        list_of_maps = "/api/v1/configmaps?"
        monkeypatch.setattr(before, "fault", lambda method, path: Fault.ETCD if path.startswith(list_of_maps) else None)
        desk.kubeconfig = before.kubeconfig
        done = desk.run("diff")
        assert done == (
            2,
            "shop in default, compared with cluster admin (https://cluster), applied as kfspec\n\n"
            "error[KF503]: cannot list configmaps: no disk\n\n"
            "no changes seen: 2 objects are as the spec says\n"
            "incomplete: 1 thing could not be looked at\n",
            "",
        )
        desk.standing("resources: {a: {apiVersion: v1, kind: ConfigMap, data: {a: '1'}}}\n")
        done = desk.run("apply", "--prune", "--yes")
        assert (done.status, done.err) == (1, "error[KF503]: cannot list configmaps: no disk\n\n1 error\n")
        done = desk.run("watch", "--count", "1")
        assert (done.status, done.out) == (2, "TIME cannot see all: cannot list configmaps: no disk\n")
    assert "b" in desk.names("v1/configmaps")


def test_exact_asks_about_everything_and_says_the_same(desk: Desk) -> None:
    desk.standing(MAPS)
    desk.apply()
    mark = desk.plane.mark()
    assert desk.run("diff", "--exact").status == 0
    assert sorted(one.path.split("?")[0] for one in desk.plane.audit(mark) if one.dry_run) == [
        desk.path("v1/configmaps/a"),
        desk.path("v1/configmaps/b"),
    ]


def test_a_question_that_nobody_can_answer_changes_nothing(desk: Desk) -> None:
    desk.standing(MAPS)
    done = desk.run("apply")
    assert (done.status, done.err.splitlines()[-1]) == (2, "Error: nobody can be asked here: --yes consents")
    assert desk.get("v1/configmaps/a") is None
