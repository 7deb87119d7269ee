"""What an apply says when it does not go as planned."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.commands.harness import Desk

pytestmark = pytest.mark.apiserver

MAP = "resources:\n  a: {apiVersion: v1, kind: ConfigMap, data: {a: '1'}}\n"
API = "admissionregistration.k8s.io/v1beta1"


def test_an_inventory_that_cannot_be_written_ends_it_before_anything_is_made(desk: Desk) -> None:
    desk.standing(MAP)
    path = desk.folder / "kfspec.yaml"
    text = path.read_text().replace(
        f"inventoryNamespace: {desk.namespace}", f"inventoryNamespace: {desk.namespace}-not"
    )
    path.write_text(text)
    done = desk.run("apply", "--yes", "--quiet")
    inventory = "ConfigMap/team-not/kfspec-shop-default"
    assert (done.status, done.err) == (
        1,
        f'error[KF605]: cannot write the inventory {inventory}: namespaces "team-not" not found\n'
        "  = help: 0 of 1 done; run it again to go on\n\n1 error\n",
    )
    assert desk.get("v1/configmaps/a") is None
    desk.standing(MAP)
    assert desk.run("apply", "--yes", "--quiet") == (
        0,
        "",
        "[1/1] create ConfigMap/team/a\ndone: 1 change\n",
    )


@pytest.fixture
def fickle(desk: Desk) -> Iterator[None]:
    """A policy that leaves dry runs alone and writes another value into what is stored."""
    name = f"fickle-{desk.namespace}"
    spec = {
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": [""],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": ["configmaps"],
                }
            ]
        },
        "matchConditions": [{"name": "real", "expression": "!request.dryRun && object.metadata.name == 'a'"}],
        "reinvocationPolicy": "Never",
        "mutations": [
            {
                "patchType": "JSONPatch",
                "jsonPatch": {"expression": '[JSONPatch{op: "replace", path: "/data/a", value: "another"}]'},
            }
        ],
    }
    bound = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": desk.namespace}}}
    made = [
        {"apiVersion": API, "kind": "MutatingAdmissionPolicy", "metadata": {"name": name}, "spec": spec},
        {
            "apiVersion": API,
            "kind": "MutatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "matchResources": bound},
        },
    ]
    desk.standing(MAP)
    desk.apply()
    assert [answer.status for answer in desk.plane.apply(made, workers=1)] == [201, 201]
    deadline = time.monotonic() + 30
    while (desk.edit("v1/configmaps/a", {"data": {"a": "2"}}, "kfspec"))["data"]["a"] != "another":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield
    for body in reversed(made):
        desk.plane.request("DELETE", desk.plane.path_of(body))


def test_what_is_stored_otherwise_than_announced_is_told(desk: Desk, fickle: None) -> None:
    done = desk.run("apply", "--yes", "--quiet", "--force-conflicts")
    assert done == (
        0,
        "",
        "warning[KF604]: ConfigMap/team/a: the server stored something else than it had announced\n"
        "  = help: see 'kfspec diff'\n\nno errors, 1 warning\n"
        "done: 1 change\n",
    )
    assert (desk.get("v1/configmaps/a") or {})["data"] == {"a": "another"}
    assert desk.told()["ConfigMap/a"][1] in ("drift", "conflict")
