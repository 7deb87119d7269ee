"""Who may call a graph of model servers: the same words as for a service, and the label that its router carries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kfspec.diagnostics import Severity
from kfspec.pipeline import build
from kfspec.resource import Body
from kfspec.yamlio.dump import dump

NODES = {"root": {"routerType": "Sequence", "steps": [{"service": "a"}]}}
SERVICE = {"predictor": {"model": {"modelFormat": "sklearn", "storageUri": "gs://a"}}}
ANYBODY = [{"from": [{"source": {"namespaces": ["shop"]}}]}]


def built(folder: Path, profile: dict[str, Any], graph: dict[str, Any]) -> tuple[dict[str, Body], list[str]]:
    """Its policies by name, and what is said; no error."""
    spec = {
        "apiVersion": "kfspec.dev/v1alpha1",
        "project": "p",
        "externals": {"profiles": ["shop"]},
        "defaults": {"profile": "t"},
        "profiles": {"t": {"owner": "ana@example.com", **profile}},
        "inferenceServices": {"a": {**SERVICE, "access": "private"}},
        "inferenceGraphs": {"g": {"nodes": NODES, **graph}},
    }
    (folder / "kfspec.yaml").write_text(dump(spec), encoding="utf-8")
    result = build(folder / "kfspec.yaml")
    assert [d.message for d in result.diagnostics if d.severity is Severity.ERROR] == []
    made = (r for r in result.environments["default"] if r.ref.kind == "AuthorizationPolicy")
    return {r.ref.name: r.body["spec"] for r in made}, [f"{d.code} {d.message}" for d in result.diagnostics]


@pytest.mark.parametrize(
    ("profile", "graph"),
    [
        ({"servingAccess": ["shop"]}, {}),
        ({}, {"access": ["shop"]}),
        ({"servingAccess": "everyone"}, {"access": ["shop"]}),
    ],
    ids=["profile", "graph", "graph before profile"],
)
def test_a_policy_opens_the_router(tmp_path: Path, profile: dict[str, Any], graph: dict[str, Any]) -> None:
    policies, _ = built(tmp_path, profile, graph)
    selector = {"matchLabels": {"serving.kserve.io/inferencegraph": "g"}}
    assert policies == {"inferencegraph-g": {"selector": selector, "action": "ALLOW", "rules": ANYBODY}}


def test_a_private_graph_stays_closed(tmp_path: Path) -> None:
    assert built(tmp_path, {"servingAccess": ["shop"]}, {"access": "private"})[0] == {}
    assert built(tmp_path, {}, {})[0] == {}


@pytest.mark.parametrize("key", ["labels", "annotations"])
def test_nothing_checks_who_calls_a_router_without_a_sidecar(tmp_path: Path, key: str) -> None:
    _, found = built(tmp_path, {"servingAccess": ["shop"]}, {key: {"sidecar.istio.io/inject": "false"}})
    assert "KF766 'g' has no sidecar, so nothing checks who calls it" in found
