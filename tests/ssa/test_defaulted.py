"""The no-request rule where webhooks, or other writers, add defaults."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from kfspec.catalog import Release
from kfspec.differ import diff
from kfspec.live import APPLIERS
from kfspec.resource import Body
from kfspec.ssa.fieldsets import unchanged
from tests.ssa.scenarios import Case, apart, ask, marked, nothing_changed, run_all, sampled, specified
from tests.support.controlplane import ControlPlane
from tests.support.policies import defaulting

DEFAULTED = ("InferenceService", "Experiment")

NOT_IMITATED = {
    "sample inferenceservice-0153c971.yaml": "a number as a quantity",
    "sample inferenceservice-dc5f13d3.yaml": "a number as a quantity",
    "sample inferenceservice-ea5d2142.yaml": "a number as a quantity",
    "sample inferenceservice-f6f4a627.yaml": "the zero of a probe's port",
    "sample inferenceservice-f5f1be12.yaml": "a legacy predictor that stays, beside a transformer",
}


def recorded(shared: Path, origin: str) -> Body | None:
    """The sample as upstream's webhooks left it."""
    path = shared / "admission" / "defaulted" / f"{origin.removeprefix('sample ').removesuffix('.yaml')}.json"
    body: Body | None = json.loads(path.read_bytes()) if path.exists() else None
    return body


@pytest.mark.apiserver
@pytest.mark.corpus
def test_verdicts_agree_behind_defaulting_webhooks(controlplane: ControlPlane, kubeflow: Release, shared: Path) -> None:
    samples = [case for case in sampled(kubeflow, shared) if case.body["kind"] in DEFAULTED]
    compiled = [case for case in specified(kubeflow) if case.body["kind"] in DEFAULTED]
    namespace = f"defaulted-{os.getpid()}"
    with defaulting(controlplane, namespace):
        named = [apart(case, 70_000 + n, namespace) for n, case in enumerate(samples)]
        imitated = controlplane.apply([case.body for case in named])
        outcomes = run_all(controlplane, [*samples, *compiled * 3], namespace, 71_000)
    unlike = {}
    for case, answer in zip(named, imitated, strict=True):
        stored = recorded(shared, case.origin)
        if stored is not None and stored["kind"] == case.body["kind"] and case.origin not in NOT_IMITATED:
            steps = diff(answer.body.get("spec"), stored["spec"])
            if steps:
                unlike[case.origin] = steps
    assert unlike == {}
    verdicts = {
        outcome.name: (
            unchanged(outcome.desired, outcome.live, outcome.applier.manager, outcome.served),
            nothing_changed(outcome),
        )
        for outcome in outcomes
    }
    wasted = [
        o.name.split()[0].split("/")[0] + " " + o.desired["kind"] for o in outcomes if verdicts[o.name] == (False, True)
    ]
    kept = [name for name, verdict in verdicts.items() if verdict == (True, True)]
    # what a defaulter writes into an atomic list (an Experiment's parameters) or in place of a legacy predictor costs a request
    print(f"{len(verdicts)} behind defaulters: {len(kept)} unchanged, asked for nothing: {Counter(wasted)}")
    assert [name for name, verdict in verdicts.items() if verdict == (True, False)] == []
    assert len(kept) >= 10


@pytest.mark.apiserver
@pytest.mark.corpus
@pytest.mark.parametrize("engine", APPLIERS)
def test_verdicts_agree_after_another_writer_adds_the_recorded_values(
    engine: str, controlplane: ControlPlane, namespace: str, kubeflow: Release, shared: Path
) -> None:
    applier = APPLIERS[engine]
    cases: list[Case] = []
    for n, case in enumerate(sampled(kubeflow, shared)):
        if recorded(shared, case.origin) is not None:
            named = apart(case, 80_000 + n, namespace)
            cases.append(named._replace(body=marked(named.body, applier.manager)))
    for case, answer in zip(cases, controlplane.apply([c.body for c in cases], manager=applier.manager), strict=True):
        assert answer.status in (200, 201), answer.message
        stored = recorded(shared, case.origin)
        if stored is not None and stored["kind"] == case.body["kind"]:
            written = {**answer.body, "spec": stored["spec"]}
            done = controlplane.request("PUT", f"{controlplane.path_of(case.body)}?fieldManager=webhook", written)
            assert done.status == 200, done.message
    wrong, kept = [], 0
    for case in cases:
        live = controlplane.request("GET", controlplane.path_of(case.body)).body
        outcome = ask(controlplane, case.origin, applier, case.served, case.body, live)
        ours = unchanged(case.body, live, applier.manager, case.served)
        kept += ours
        if ours != nothing_changed(outcome):
            wrong.append((case.origin, ours))
    print(f"{applier.manager}: {len(cases)} objects, {kept} unchanged")
    assert wrong == []
    assert kept >= 10
