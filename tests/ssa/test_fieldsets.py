"""Field sets and the no-request rule, beside what the real API server records and answers."""

from __future__ import annotations

import copy
import json
import time
from collections import Counter
from typing import Any

import pytest

from bench.workload import objects as workload
from kfspec.catalog import Release, release
from kfspec.resource import Body, gvk_of
from kfspec.ssa.fieldsets import Owner, canonical, field_set, own_entries, owners, unchanged
from kfspec.ssa.types import Served, served
from tests.conftest import SHARED
from tests.ssa.scenarios import Case, Outcome, apart, generated, nothing_changed, sampled, specified
from tests.support.controlplane import ControlPlane


@pytest.mark.apiserver
def test_the_set_of_every_object_is_the_recorded_one(
    controlplane: ControlPlane, namespace: str, kubeflow: Release
) -> None:
    cases: list[Case] = [*generated(kubeflow, namespace), *specified(kubeflow)]
    if (SHARED / "admission").is_dir():
        cases += sampled(kubeflow, SHARED)
    cases = [apart(case, 50_000 + n, namespace) for n, case in enumerate(cases)]
    controlplane.create_namespace(f"{namespace}-limits")
    answers = controlplane.apply([case.body for case in cases])
    refused = [f"{case.origin}: {a.message}" for case, a in zip(cases, answers, strict=True) if a.status != 201]
    assert refused == []
    different = []
    for case, answer in zip(cases, answers, strict=True):
        (entry,) = own_entries(answer.body, "kfspec")
        if canonical(entry["fieldsV1"]) != field_set(case.body, case.served):
            different.append((case.origin, canonical(entry["fieldsV1"]), field_set(case.body, case.served)))
    assert different == []


@pytest.mark.apiserver
def test_the_no_request_verdict_is_the_servers(outcomes: list[Outcome]) -> None:
    verdicts: Counter[tuple[bool, bool]] = Counter()
    wrong, wasted = [], []
    for outcome in outcomes:
        ours = unchanged(outcome.desired, outcome.live, outcome.applier.manager, outcome.served)
        theirs = nothing_changed(outcome)
        verdicts[ours, theirs] += 1
        if ours and not theirs:
            wrong.append(outcome.name)
        if theirs and not ours:
            wasted.append(outcome.name)
    print(f"{len(outcomes)} scenarios: {verdicts[True, True]} unchanged, {len(wasted)} asked for nothing: {wasted}")
    assert wrong == []
    assert verdicts[True, True] >= 100, "the scenarios hardly leave anything unchanged"
    assert verdicts[False, False] >= 100, "the scenarios hardly change anything"
    assert len(wasted) <= verdicts[True, True] * 0.05, wasted


@pytest.mark.apiserver
def test_a_schema_that_is_not_the_clusters_asks_too_often_and_never_too_rarely(outcomes: list[Outcome]) -> None:
    older, _ = release("1.10.0")
    assert older is not None
    for outcome in outcomes:
        group, version, kind = gvk_of(outcome.live)
        for other in (served(None, version), served(older.kind(group, kind), version)):
            if unchanged(outcome.desired, outcome.live, outcome.applier.manager, other):
                assert nothing_changed(outcome), outcome.name


SERVICE: Body = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {"name": "scorer", "namespace": "team", "labels": {"a": "b"}},
    "spec": {
        "predictor": {
            "minReplicas": 1,
            "model": {
                "modelFormat": {"name": "sklearn"},
                "env": [{"name": "A", "value": "1"}, {"name": "<&>", "value": "2"}],
                "ports": [{"containerPort": 8080}],
            },
        }
    },
}
OWNED: dict[str, Any] = {
    "f:metadata": {"f:labels": {"f:a": {}}},
    "f:spec": {
        "f:predictor": {
            "f:minReplicas": {},
            "f:model": {
                "f:modelFormat": {"f:name": {}},
                "f:env": {
                    'k:{"name":"A"}': {".": {}, "f:name": {}, "f:value": {}},
                    'k:{"name":"\\u003c\\u0026\\u003e"}': {".": {}, "f:name": {}, "f:value": {}},
                },
                "f:ports": {'k:{"containerPort":8080,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
            },
        }
    },
}
"""As the API server writes it: the default of a key is in it, and Go escapes `<`, `>` and `&`."""


@pytest.fixture(scope="module")
def service(kubeflow: Release) -> Served:
    return served(kubeflow.kind("serving.kserve.io", "InferenceService"), "v1beta1")


def live_service(**entry: Any) -> Body:
    """SERVICE as a cluster has it, with what defaulting and other writers add."""
    live = copy.deepcopy(SERVICE)
    record = {
        "manager": "kfspec",
        "operation": "Apply",
        "apiVersion": SERVICE["apiVersion"],
        "time": "2026-11-25T06:00:00Z",
    }
    live["metadata"] |= {
        "uid": "1",
        "managedFields": [{**record, "fieldsType": "FieldsV1", "fieldsV1": OWNED, **entry}],
    }
    live["metadata"]["labels"]["other"] = "x"
    model = live["spec"]["predictor"]["model"]
    model["ports"][0]["protocol"] = "TCP"
    model["env"].insert(1, {"name": "Z", "value": "another's"})
    return live


def test_what_others_add_changes_nothing(service: Served) -> None:
    assert unchanged(SERVICE, live_service(), "kfspec", service)
    assert canonical(OWNED) == field_set(SERVICE, service)


@pytest.mark.parametrize(
    "entry",
    [
        {"manager": "kubectl"},
        {"operation": "Update"},
        {"subresource": "status"},
        {"apiVersion": "serving.kserve.io/v1"},
        {"fieldsV1": {}},
        {"fieldsV1": {**OWNED, "f:extra": {}}},
        {"fieldsV1": None},
    ],
    ids=str,
)
def test_another_record_is_asked_about(entry: dict[str, Any], service: Served) -> None:
    assert not unchanged(SERVICE, live_service(**entry), "kfspec", service)


def test_two_records_of_the_manager_are_asked_about(service: Served) -> None:
    live = live_service()
    first = live["metadata"]["managedFields"][0]
    live["metadata"]["managedFields"].append({**first, "operation": "Update", "fieldsV1": {"f:metadata": {}}})
    assert not unchanged(SERVICE, live, "kfspec", service)
    assert [entry["operation"] for entry in own_entries(live, "kfspec")] == ["Apply", "Update"]


def test_another_version_of_the_live_object_is_asked_about(service: Served) -> None:
    assert not unchanged(SERVICE, live_service() | {"apiVersion": "serving.kserve.io/v1"}, "kfspec", service)


MODEL = ("spec", "predictor", "model")


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("spec", "predictor", "minReplicas"), 1.0, True),
        (("spec", "predictor", "minReplicas"), True, False),
        (("spec", "predictor", "minReplicas"), "1", False),
        (("spec", "predictor", "minReplicas"), None, False),
        (("metadata", "labels"), {}, False),
        (("spec", "predictor", "model"), [], False),
        (("spec", "transformer"), {}, False),
    ],
    ids=str,
)
def test_values_are_equal_as_json(path: tuple[str, ...], value: Any, expected: bool, service: Served) -> None:
    desired = copy.deepcopy(SERVICE)
    at = desired
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = value
    assert unchanged(desired, live_service(), "kfspec", service) is expected


def test_the_order_of_entries_is_the_desired_one_among_themselves(service: Served) -> None:
    live = live_service()
    live["spec"]["predictor"]["model"]["env"].reverse()
    assert not unchanged(SERVICE, live, "kfspec", service)


def test_an_entry_that_another_writer_doubled_is_asked_about(service: Served) -> None:
    live = live_service()
    env = live["spec"]["predictor"]["model"]["env"]
    env.append(dict(env[0]))
    assert not unchanged(SERVICE, live, "kfspec", service)


def test_owners_hold_a_place_or_what_is_around_it(service: Served, kubeflow: Release) -> None:
    own = Owner("kfspec", "Apply", "2026-11-25T06:00:00Z")
    live = live_service()
    assert owners(live, (*MODEL, "env", 2, "value"), service) == [own]  # the entry that Go writes with escapes
    assert owners(live, (*MODEL, "env", 1, "value"), service) == []
    assert owners(live, ("metadata", "labels", "other"), service) == []
    job = kubeflow.kind("kubeflow.org", "Experiment")
    assert job is not None
    fields: dict[str, Any] = {"f:spec": {".": {}, "f:parameters": {}}}
    record = {"manager": "ui", "operation": "Update", "fieldsV1": fields}
    experiment = {"metadata": {"managedFields": [record]}, "spec": {"parameters": [{"name": "lr"}]}}
    assert owners(experiment, ("spec", "parameters", 0, "name"), served(job, "v1beta1")) == [Owner("ui", "Update", "")]


def test_the_common_case_costs_a_few_times_what_reading_the_object_does(service: Served) -> None:
    pairs = []
    for body in workload(300):
        entry = {"manager": "kfspec", "operation": "Apply", "apiVersion": body["apiVersion"]}
        managed = [entry | {"fieldsV1": field_set(body, service)}]
        pairs.append((body, json.dumps({**body, "metadata": {**body["metadata"], "managedFields": managed}})))
    lives = [json.loads(text) for _, text in pairs]
    ours, reading = [], []
    for _ in range(5):
        start = time.process_time()
        assert all(unchanged(body, live, "kfspec", service) for (body, _), live in zip(pairs, lives, strict=True))
        ours.append(time.process_time() - start)
        start = time.process_time()
        for _, text in pairs:
            json.loads(text)
        reading.append(time.process_time() - start)
    print(
        f"{min(ours) / len(pairs) * 1e6:.0f} us an object; reading it from JSON: {min(reading) / len(pairs) * 1e6:.0f} us"
    )
    assert min(ours) < 8 * min(reading)
