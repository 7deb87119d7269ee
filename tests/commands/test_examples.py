"""After an apply there is nothing to do: for every example and every spec of the tests, and when controllers have been there."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from kfspec.catalog import Release
from tests.commands.harness import Desk
from tests.conftest import ROOT
from tests.ssa.scenarios import sampled
from tests.support.policies import defaulting

pytestmark = pytest.mark.apiserver

NOT_BY_CEL = {f"inferenceservice-{digest}" for digest in ("0153c971", "dc5f13d3", "ea5d2142", "f6f4a627")}
"""Upstream's webhook turns numbers into quantities, and leaves the zero of a probe's port; no policy can write either."""
DEFAULTED = ("InferenceService", "Experiment")
SPECS = sorted((ROOT / "tests" / "specs").glob("*.yaml")) + sorted((ROOT / "examples").glob("*/kfspec.yaml"))
ENVIRONMENTS = [
    (spec, name) for spec in SPECS for name in (yaml.safe_load(spec.read_text()).get("environments") or {"": {}})
]


def of_the_cluster(known: dict[str, Any]) -> set[str]:
    """The items whose objects are in no namespace, profiles aside."""
    blocks = [known[block] for block in ("servingRuntimes", "trainingRuntimes") if block in known]
    return {*known.get("modelCaches", ()), *(n for block in blocks for n in block if block[n].get("clusterScoped"))}


def moved(desk: Desk, spec: Path) -> None:
    """A copy of a spec whose projects and profiles are the test's own, and which kfspec itself applies."""
    shutil.copytree(spec.parent, desk.folder, dirs_exist_ok=True)
    text = spec.read_text()
    known = yaml.safe_load(text)
    profiles = {*known.get("profiles", ()), *(known.get("externals") or {}).get("profiles", ())}
    for environment in (known.get("environments") or {}).values():
        profiles |= set(((environment or {}).get("namespaceMap") or {}).values())
    for name in sorted(profiles | of_the_cluster(known), key=len, reverse=True):
        text = re.sub(rf"(?<![-\w./\"@]){re.escape(name)}(?![-\w.@/])", f"{desk.namespace}-{name}", text)
    text = re.sub(r"^project: (\S+)", rf"project: \1-{desk.namespace}", text, flags=re.M)
    text = re.sub(r"^dashboard:\n", f"dashboard:\n  namespace: {desk.namespace}\n", text, flags=re.M)
    if "inventoryNamespace" not in known.get("platform", {"inventoryNamespace": ""}):
        text = re.sub(r"^platform:\n", f"platform:\n  inventoryNamespace: {desk.namespace}\n", text, flags=re.M)
    elif "platform" in known:
        text = re.sub(r"^  inventoryNamespace: .*", f"  inventoryNamespace: {desk.namespace}", text, flags=re.M)
    else:
        text = text.replace("project:", f"platform: {{inventoryNamespace: {desk.namespace}}}\nproject:", 1)
    text = re.sub(r"^    (cluster|delivery): .*\n", "", text, flags=re.M)
    own = f"  high: {{metadata: {{name: {desk.namespace}-high}}, "  # it is of the whole cluster
    text = text.replace("  high: {", own)
    (desk.folder / "kfspec.yaml").write_text(text)
    for name in (known.get("externals") or {}).get("profiles", ()):
        desk.plane.create_namespace(f"{desk.namespace}-{name}")


@pytest.mark.parametrize(
    ("spec", "environment"), ENVIRONMENTS, ids=lambda p: f"{p.parent.name}/{p.stem}" if isinstance(p, Path) else p
)
def test_after_an_apply_there_is_nothing_to_do(desk: Desk, spec: Path, environment: str) -> None:
    moved(desk, spec)
    arguments = ("-e", environment) if environment else ()
    done = desk.run("apply", "--yes", "--quiet", *arguments)
    assert done.status == 0, done.err
    plan = desk.plan(*arguments)
    assert (plan["changes"], plan["diagnostics"], plan["complete"]) == ([], [], True)


@pytest.mark.corpus
def test_what_webhooks_and_controllers_add_is_no_change(desk: Desk, kubeflow: Release, shared: Path) -> None:
    """The values that upstream's own defaulters were recorded to add, written by another manager."""
    samples, items = {}, {}
    for case in sampled(kubeflow, shared):
        path = shared / "admission" / "defaulted" / f"{case.origin.removeprefix('sample ').removesuffix('.yaml')}.json"
        stored = json.loads(path.read_text()) if path.exists() else None
        if case.origin.split()[1].removesuffix(".yaml") in NOT_BY_CEL:
            continue
        if stored is not None and stored["kind"] == case.body["kind"] and case.body["kind"] in DEFAULTED:
            name = case.origin.removeprefix("sample ").removesuffix(".yaml")
            samples[name] = stored
            items[name] = {**case.body, "metadata": {"name": name}}
    assert len(items) >= 10
    team = f"{desk.namespace}-defaulted"
    desk.spec(f"externals: {{profiles: [{team}]}}\ndefaults: {{profile: {team}}}\nresources: {json.dumps(items)}\n")
    with defaulting(desk.plane, team):
        done = desk.run("apply", "--yes", "--quiet")
        assert done.status == 0, done.err
        assert desk.told() == {}
        for name, body in items.items():
            path = desk.plane.path_of({**body, "metadata": {"name": name, "namespace": team}})
            live = desk.plane.request("GET", path).body
            answer = desk.plane.request("PUT", f"{path}?fieldManager=webhook", {**live, "spec": samples[name]["spec"]})
            assert answer.status == 200, answer.body
        plan = desk.plan()
    assert {c["object"]["kind"] + c["object"]["name"]: c["deltas"] for c in plan["changes"]} == {}
