"""What a caller with fewer rights gets: the verbs that are left to it, said in the plan, and no more.

The roles are `kubeflow-edit` of kubeflow/manifests v1.10.0, as far as the kinds here go.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from kfspec import kinds
from kfspec.catalog import release
from tests.commands.conftest import grant
from tests.commands.harness import Desk, change_of

pytestmark = pytest.mark.apiserver

ALL = ("create", "delete", "get", "list", "patch", "update", "watch")
EDIT: tuple[tuple[str, str, Sequence[str]], ...] = (
    ("kubeflow.org", "notebooks", ALL),
    ("kubeflow.org", "poddefaults", ("create", "delete", "get", "list", "watch")),
    ("pipelines.kubeflow.org", "pipelines", ("create", "delete", "get", "list", "update")),
    ("sparkoperator.k8s.io", "sparkapplications", ALL),
    ("", "configmaps", ALL),
)
SPEC = """
notebooks: {lab: {image: "registry.example.com/jupyter:TAG"}}
podDefaults: {hub: {desc: vTAG, env: {A: b}}}
resources:
  flow: {apiVersion: pipelines.kubeflow.org/v2beta1, kind: Pipeline, annotations: {note: a}, spec: {description: vTAG}}
  spark:
    apiVersion: sparkoperator.k8s.io/v1beta2
    kind: SparkApplication
    spec:
      type: Python
      mode: cluster
      sparkVersion: 3.5.5
      image: registry.example.com/spark:TAG
      mainApplicationFile: local:///a.py
      driver: {cores: 1, memory: 512m}
      executor: {cores: 1, instances: 1, memory: 512m}
"""


def user(desk: Desk, rights: Sequence[tuple[str, str, Sequence[str]]], name: str = "editor") -> str:
    """Make a user with rights in the namespace, and be it."""
    who = f"{name}-{desk.namespace}"
    rules = [{"apiGroups": [group], "resources": [plural], "verbs": list(verbs)} for group, plural, verbs in rights]
    grant(desk.plane, who, rules, desk.namespace)
    desk.kubeconfig = desk.plane.acting_as(who)
    return who


def test_a_namespace_user_writes_each_kind_as_it_may(desk: Desk) -> None:
    user(desk, EDIT)
    desk.standing(SPEC.replace("TAG", "1"))
    plan = desk.plan()
    assert {c["object"]["kind"]: (c["action"], c["verb"]) for c in plan["changes"]} == {
        "Notebook": ("create", "apply"),
        "Pipeline": ("create", "update"),
        "PodDefault": ("create", "recreate"),
        "SparkApplication": ("create", "apply"),
    }
    desk.apply()
    assert desk.told() == {}
    desk.standing(SPEC.replace("TAG", "2").replace("annotations: {note: a}, ", ""))
    plan = desk.plan()
    assert {c["object"]["kind"]: (c["action"], c["reason"], c["verb"]) for c in plan["changes"]} == {
        "Notebook": ("update", "spec-changed", "apply"),
        "Pipeline": ("update", "spec-changed", "update"),
        "PodDefault": ("replace", "rights", "recreate"),
        "SparkApplication": ("update", "spec-changed", "apply"),
    }
    assert {delta["path"]: delta["op"] for delta in change_of(plan, "Pipeline/flow")["deltas"]} == {
        "metadata.annotations": "remove",
        "spec.description": "replace",
    }
    text = desk.run("diff").out
    assert "    rights     the caller may not patch it: the whole object is written\n" in text
    assert "the caller may not change it, but may delete it and create it again\n" in text
    before = (desk.get("kubeflow.org/v1alpha1/poddefaults/hub") or {})["metadata"]["uid"]
    mark = desk.plane.mark()
    desk.apply()
    written = [
        (one.verb, one.resource)
        for one in desk.plane.audit(mark)
        if not one.user.startswith("system:")
        and not one.dry_run
        and one.verb not in ("get", "list")
        and one.status < 300
        and "configmaps" not in one.resource
    ]
    assert sorted(one for one in written if "reviews" not in one[1]) == [
        ("create", "kubeflow.org/poddefaults"),
        ("delete", "kubeflow.org/poddefaults"),
        ("patch", "kubeflow.org/notebooks"),
        ("patch", "sparkoperator.k8s.io/sparkapplications"),
        ("update", "pipelines.kubeflow.org/pipelines"),
    ]
    assert (desk.get("kubeflow.org/v1alpha1/poddefaults/hub") or {})["metadata"]["uid"] != before
    flow = desk.get("pipelines.kubeflow.org/v2beta1/pipelines/flow") or {}
    assert (flow["spec"], flow["metadata"].get("annotations")) == ({"description": "v2"}, None)
    assert desk.told() == {}
    desk.standing(SPEC.replace("TAG", "2").replace("annotations: {note: a}, ", "").replace("podDefaults", "#"))
    assert desk.told() == {"PodDefault/hub": ("prune", "left-the-spec")}
    desk.apply("--prune")
    assert desk.names("kubeflow.org/v1alpha1/poddefaults") == []


def test_a_spark_application_is_never_put(desk: Desk) -> None:
    rights = [
        (group, plural, [v for v in verbs if v != "patch" or plural == "configmaps"]) for group, plural, verbs in EDIT
    ]
    user(desk, rights)
    desk.standing(SPEC.replace("TAG", "1"))
    desk.apply()
    desk.standing(SPEC.replace("TAG", "2"))
    plan = desk.plan()
    assert {c["object"]["kind"]: (c["action"], c["verb"]) for c in plan["changes"]} == {
        "Notebook": ("update", "update"),
        "Pipeline": ("update", "update"),
        "PodDefault": ("replace", "recreate"),
        "SparkApplication": ("replace", "recreate"),
    }
    desk.apply()
    assert desk.told() == {}


def test_what_another_made_is_not_deleted_to_take_it_over(desk: Desk) -> None:
    body = {"apiVersion": "kubeflow.org/v1alpha1", "kind": "PodDefault", "metadata": {"name": "hub"}}
    desk.make({**body, "spec": {"desc": "theirs", "selector": {"matchLabels": {"hub": "true"}}}}, manager="dashboard")
    user(desk, EDIT)
    desk.standing("podDefaults: {hub: {desc: theirs, env: {A: b}}}\n")
    change = change_of(desk.plan(), "PodDefault/hub")
    assert (change["action"], change["reason"], change["detail"]) == (
        "blocked",
        "not-yet-owned",
        "taking it over means deleting and creating it, and somebody else made it; delete it yourself first",
    )


def test_missing_rights_are_named_and_the_rest_goes_on(desk: Desk) -> None:
    user(
        desk,
        [
            ("kubeflow.org", "notebooks", ("get", "list")),
            ("kubeflow.org", "poddefaults", ("get", "create", "patch")),
            ("", "configmaps", ALL),
        ],
    )
    desk.standing(
        "notebooks: {lab: {image: 'registry.example.com/jupyter:1'}}\npodDefaults: {hub: {env: {A: b}}}\nvolumes: {data: {size: 1Gi}}\n"
    )
    known, _ = release("1.10")
    entries = [entry for gvk in kinds.COMPILED if known and (entry := known.kind(gvk.group, gvk.kind))]
    named = {f"{entry.plural}.{entry.group}".rstrip("."): entry.namespaced for entry in entries}
    may = {"notebooks.kubeflow.org", "configmaps"}
    inside = ", ".join(sorted(name for name, namespaced in named.items() if namespaced and name not in may))
    cluster = ", ".join(sorted(name for name, namespaced in named.items() if not namespaced))
    plan = desk.plan()
    assert {c["object"]["kind"]: (c["action"], c["reason"], c["verb"], c["predicted"]) for c in plan["changes"]} == {
        "Notebook": ("create", "missing", "none", True),
        "PersistentVolumeClaim": ("blocked", "forbidden", "none", False),
        "PodDefault": ("create", "missing", "apply", False),
    }
    assert [(d["code"], d["severity"], d["message"]) for d in plan["diagnostics"]] == [
        ("KF504", "warning", f"not allowed to list {cluster}"),
        ("KF504", "warning", f"not allowed to list {inside} in namespace team"),
        (
            "KF505",
            "warning",
            "not allowed to patch notebooks.kubeflow.org in namespace team, so what would change is predicted",
        ),
    ]
    assert plan["complete"] is True
    change = change_of(plan, "PersistentVolumeClaim/data")
    assert change["detail"] == "not allowed to get or to patch persistentvolumeclaims in namespace team"
    done = desk.run("apply", "--yes")
    errors = [line for line in done.err.splitlines() if line.startswith("error")]
    assert (done.status, errors) == (
        1,
        [
            "error[KF601]: cannot apply PersistentVolumeClaim/team/data: not allowed to write it",
            "error[KF601]: cannot apply Notebook/team/lab: not allowed to write it",
        ],
    )
    assert desk.names("kubeflow.org/v1alpha1/poddefaults") == []


def test_who_may_create_nothing_is_told_by_the_server(desk: Desk) -> None:
    user(desk, [("kubeflow.org", "notebooks", ("get", "list", "patch")), ("", "configmaps", ALL)])
    desk.standing("notebooks: {lab: {image: 'registry.example.com/jupyter:1'}}\n")
    change = change_of(desk.plan(), "Notebook/lab")
    assert (change["action"], change["reason"]) == ("blocked", "forbidden")
    assert change["detail"].startswith('notebooks.kubeflow.org "lab" is forbidden: User "editor" cannot ')


def test_the_status_of_what_may_not_be_read_is_not_known(desk: Desk) -> None:
    desk.standing("notebooks: {lab: {image: 'registry.example.com/jupyter:1'}}\nvolumes: {data: {size: 1Gi}}\n")
    desk.apply()
    user(desk, [("kubeflow.org", "notebooks", ("get",)), ("", "configmaps", ALL)])
    done = desk.run("status")
    assert done.status == 1
    assert done.out.splitlines()[2:4] == [
        'unknown   volumes.data   persistentvolumeclaims "data" is forbidden: User "editor" cannot get resource '
        '"persistentvolumeclaims" in API group "" in the namespace "team"',
        "waiting   notebooks.lab  no pod of it is there yet",
    ]
    assert done.err == (
        "warning[KF504]: not allowed to list notebooks.kubeflow.org, persistentvolumeclaims in namespace team\n"
        "  = help: grant list on them in namespace team; without it, what left the spec is not seen\n\n"
        "no errors, 1 warning\n"
    )
