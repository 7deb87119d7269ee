"""Predictions beside the dry run of the real API server."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kfspec.catalog import Release
from kfspec.differ import diff
from kfspec.live import Conflict
from kfspec.resource import Body
from kfspec.ssa.prediction import predict
from kfspec.ssa.types import served
from tests.conftest import SHARED
from tests.ssa.scenarios import Outcome, apart, generated, sampled, specified
from tests.ssa.test_fieldsets import SERVICE, live_service
from tests.support.controlplane import Answer, ControlPlane

_SERVERS = ("resourceVersion", "generation", "managedFields", "uid", "creationTimestamp")

_BY_GO_CODE = {"CronJob", "Deployment", "Job", "LimitRange", "PriorityClass", "Service"}
"""Built-in kinds of which the defaults that Go code writes into what is new are not predicted."""


def compared(body: Body) -> Body:
    """The object without what only a server can know."""
    meta = {key: value for key, value in body["metadata"].items() if key not in _SERVERS}
    return {**body, "metadata": meta}


def causes(answer: Answer) -> set[Conflict]:
    """The conflicts of a 409."""
    if answer.status != 409:
        return set()
    found = set()
    for cause in answer.body["details"]["causes"]:
        match = re.match(r'conflict with "((?:[^"\\]|\\.)*)"', cause["message"])
        assert match is not None, cause
        found.add(Conflict(match[1], cause["field"]))
    return found


@pytest.mark.apiserver
def test_what_is_stored_and_conflicts_are_the_servers(outcomes: list[Outcome]) -> None:
    judged = [o for o in outcomes if o.plain.status in (200, 409) and o.forced.status == 200]
    wrong: list[tuple[str, Any]] = []
    for outcome in judged:
        verdict = predict(outcome.desired, outcome.live, outcome.applier.manager, False, outcome.served)
        forced = predict(outcome.desired, outcome.live, outcome.applier.manager, True, outcome.served)
        assert verdict.body is not None
        assert verdict.predicted
        assert forced == verdict._replace(conflicts=())
        steps = diff(compared(verdict.body), compared(outcome.forced.body))
        if outcome.desired["kind"] in _BY_GO_CODE:
            steps = tuple(step for step in steps if step.op != "add")
        if steps:
            wrong.append((outcome.name, steps))
        if set(verdict.conflicts) != causes(outcome.plain) or len(verdict.conflicts) != len(set(verdict.conflicts)):
            wrong.append((outcome.name, (set(verdict.conflicts) ^ causes(outcome.plain))))
    print(f"{len(judged)} predictions, {sum(o.plain.status == 409 for o in judged)} with conflicts")
    assert wrong == []
    assert len(judged) >= 250
    assert sum(outcome.plain.status == 409 for outcome in judged) >= 50


@pytest.mark.apiserver
def test_what_is_created_is_the_servers(controlplane: ControlPlane, namespace: str, kubeflow: Release) -> None:
    cases = [*generated(kubeflow, namespace), *specified(kubeflow)]
    if (SHARED / "admission").is_dir():
        cases += sampled(kubeflow, SHARED)
    cases = [apart(case, 60_000 + n, namespace) for n, case in enumerate(cases)]
    controlplane.create_namespace(f"{namespace}-limits")
    wrong = []
    for case, answer in zip(cases, controlplane.apply([c.body for c in cases], dry_run=True), strict=True):
        verdict = predict(case.body, None, "kfspec", False, case.served)
        assert verdict.body is not None
        assert verdict.conflicts == ()
        theirs = compared(answer.body)
        if case.body["kind"] in ("Namespace", "PersistentVolumeClaim", "Deployment"):
            theirs.pop("status")
        steps = diff(verdict.body, theirs)
        if case.body["kind"] in _BY_GO_CODE:
            steps = tuple(step for step in steps if step.op != "add")
        if steps:
            wrong.append((case.origin, steps))
    assert wrong == []


GIT: Body = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {"name": "scorer", "namespace": "team", "labels": {"a": "b", "gone": "x"}},
    "spec": {
        "predictor": {
            "minReplicas": 2,
            "model": {
                "modelFormat": {"name": "sklearn"},
                "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            },
        }
    },
}


def test_all_of_a_git_revision_is_the_managers_own(kubeflow: Release) -> None:
    kind = served(kubeflow.kind("serving.kserve.io", "InferenceService"), "v1beta1")
    verdict = predict(SERVICE, GIT, "kfspec", False, kind, recorded=False)
    assert verdict.conflicts == ()
    created = predict(SERVICE, None, "kfspec", False, kind).body
    assert verdict.body == created
    assert created == {**SERVICE, "spec": _with_protocol(SERVICE["spec"])}
    # a cluster's object that records no owner belongs to nobody: what is left out stays, what is changed is a conflict
    verdict = predict(SERVICE, GIT, "kfspec", False, kind)
    assert verdict.conflicts == (Conflict("before-first-apply", ".spec.predictor.minReplicas"),)
    assert verdict.body is not None
    assert verdict.body["metadata"]["labels"] == {"a": "b", "gone": "x"}
    assert [entry["name"] for entry in verdict.body["spec"]["predictor"]["model"]["env"]] == ["A", "B", "<&>"]


def _with_protocol(spec: dict[str, Any]) -> dict[str, Any]:
    model = spec["predictor"]["model"]
    ports = [{**port, "protocol": "TCP"} for port in model["ports"]]
    return {"predictor": {**spec["predictor"], "model": {**model, "ports": ports}}}


def test_a_prediction_of_no_change_is_the_live_object_itself(kubeflow: Release) -> None:
    kind = served(kubeflow.kind("serving.kserve.io", "InferenceService"), "v1beta1")
    live = live_service()
    verdict = predict(SERVICE, live, "kfspec", False, kind)
    assert verdict.body is live
    assert verdict.conflicts == ()
