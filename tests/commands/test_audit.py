"""What a diff asks the API server: it looks, and tries; it never writes."""

from __future__ import annotations

import pytest

from tests.commands.harness import Desk

pytestmark = pytest.mark.apiserver

SPEC = """
volumes: {data: {size: 5Gi}}
notebooks: {lab: {image: "registry.example.com/jupyter:1", volumeMounts: {data: /data}}}
inferenceServices: {scorer: {predictor: {minReplicas: 1, model: {modelFormat: sklearn, storageUri: gs://acme/v1}}}}
trainingJobs: {train: {kind: PyTorchJob, image: "registry.example.com/train:1", command: [python, train.py]}}
"""

REVIEWS = {"authorization.k8s.io/selfsubjectaccessreviews", "authorization.k8s.io/selfsubjectrulesreviews"}


def asked(desk: Desk, mark: int, user: str = "admin") -> dict[str, int]:
    """What was asked by a user, by verb: `patch (dry run) kubeflow.org/notebooks`, each with how often."""
    found: dict[str, int] = {}
    for one in desk.plane.audit(mark):
        if one.user == user:
            what = f"{one.verb}{' (dry run)' if one.dry_run else ''} {one.resource or 'discovery'}"
            found[what] = found.get(what, 0) + 1
    return found


def harmless(what: str) -> bool:
    """Whether a request cannot change anything."""
    verb, _, resource = what.rpartition(" ")
    return verb in ("get", "list", "watch", "patch (dry run)") or (verb == "create" and resource in REVIEWS)


def only(found: dict[str, int], *verbs: str) -> dict[str, int]:
    """The requests with one of these verbs."""
    return {what: n for what, n in found.items() if what.rpartition(" ")[0] in verbs}


def test_a_diff_without_changes_only_lists_and_looks_for_its_inventory(desk: Desk) -> None:
    desk.standing(SPEC)
    desk.apply()
    mark = desk.plane.mark()
    assert desk.run("diff").status == 0
    found = asked(desk, mark)
    assert only(found, "get", "patch (dry run)", "create") == {"get configmaps": 1}
    assert set(found.values()) == {1}
    assert {what for what in found if not what.startswith("list ")} == {"get configmaps"}
    assert {"list kubeflow.org/notebooks", "list serving.kserve.io/inferenceservices"} <= set(found)


def test_a_diff_with_changes_tries_what_changed_and_nothing_else(desk: Desk) -> None:
    desk.standing(SPEC)
    desk.apply()
    desk.standing(SPEC.replace("minReplicas: 1", "minReplicas: 2").replace("train:1", "train:2"))
    mark = desk.plane.mark()
    assert desk.run("diff").status == 1
    found = asked(desk, mark)
    assert only(found, "patch (dry run)", "create", "get") == {
        "get configmaps": 1,
        "patch (dry run) kubeflow.org/pytorchjobs": 1,
        "patch (dry run) serving.kserve.io/inferenceservices": 1,
    }
    assert [what for what in found if not harmless(what)] == []


def test_what_would_be_made_in_a_namespace_of_the_same_plan_is_not_tried(desk: Desk) -> None:
    desk.spec("profiles: {{ns}-new: {owner: ana@example.com}}\ndefaults: {profile: {ns}-new}\n" + SPEC)
    mark = desk.plane.mark()
    assert desk.run("diff").status == 1
    found = asked(desk, mark)
    assert only(found, "patch (dry run)") == {
        "patch (dry run) kubeflow.org/profiles": 1,
        "patch (dry run) namespaces": 1,
    }
    assert [what for what in found if not harmless(what)] == []
    assert desk.get("v1/namespaces/{ns}-new") is None


def test_who_may_not_patch_asks_for_rights_and_predicts(desk: Desk, looker: str) -> None:
    desk.standing(SPEC)
    desk.kubeconfig = desk.plane.acting_as(looker)
    mark = desk.plane.mark()
    assert desk.run("diff").status == 1
    found = asked(desk, mark, looker)
    assert [what for what in found if not harmless(what)] == []
    assert only(found, "create") == {"create authorization.k8s.io/selfsubjectaccessreviews": 8}
    refused = {
        one.resource
        for one in desk.plane.audit(mark)
        if one.user == looker and one.status == 403 and one.verb == "patch"
    }
    assert refused == {
        "persistentvolumeclaims",
        "kubeflow.org/notebooks",
        "kubeflow.org/pytorchjobs",
        "serving.kserve.io/inferenceservices",
    }


def test_every_other_command_that_only_looks_writes_nothing(desk: Desk) -> None:
    desk.standing(SPEC)
    desk.apply()
    mark = desk.plane.mark()
    desk.run("status")
    desk.run("snapshot", "-o", "taken")
    desk.run("diff", "--exact")
    desk.run("watch", "--count", "1")
    desk.run("gc", "--yes")
    found = asked(desk, mark)
    assert [what for what in found if not harmless(what)] == []
    assert only(found, "patch (dry run)") == {
        f"patch (dry run) {kind}": 1
        for kind in (
            "persistentvolumeclaims",
            "kubeflow.org/notebooks",
            "kubeflow.org/pytorchjobs",
            "serving.kserve.io/inferenceservices",
        )
    }
