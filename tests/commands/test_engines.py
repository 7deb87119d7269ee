"""Where Flux or Argo CD applies: what their rules would delete, and that the diff says exactly that.

Flux prunes what is in its inventory and not among what it renders any more, unless an object's annotation
`kustomize.toolkit.fluxcd.io/prune` says `disabled` (kustomize-controller 1.9, documentation of `spec.prune`).
"""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from kfspec import kinds
from kfspec.diagnostics import has_errors
from kfspec.kustomize import with_environment
from kfspec.live import APPLIERS
from kfspec.pipeline import build
from kfspec.resource import ref_of
from tests.commands.harness import Body, Desk
from tests.conftest import ROOT

pytestmark = pytest.mark.apiserver

PRUNE = "kustomize.toolkit.fluxcd.io/prune"
DATA = {"Namespace", "Profile", "PersistentVolumeClaim", "Experiment"}
ENVIRONMENT = "prod"


class Engine:
    """A reconciler's apply and prune, done by hand: its manager, its marks, its inventory."""

    def __init__(self, desk: Desk, name: str) -> None:
        self.desk = desk
        self.manager = APPLIERS[name].manager
        self.flux = name == "flux"
        self.inventory: dict[Any, Body] = {}

    def rendered(self) -> dict[Any, Body]:
        """What it finds in git, with its marks."""
        built = build(self.desk.folder / "kfspec.yaml", (ENVIRONMENT,))
        assert not has_errors(built.diagnostics), built.diagnostics
        bodies = [with_environment(r.body, ENVIRONMENT) for r in built.environments[ENVIRONMENT]]
        return {ref_of(body): self._marked(body) for body in bodies}

    def _marked(self, body: Body) -> Body:
        meta = body["metadata"]
        if self.flux:
            marks = {"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
            return {**body, "metadata": {**meta, "labels": {**meta.get("labels", {}), **marks}}}
        tracking = f"shop:{body['kind']}/{meta['name']}"
        annotations = {**meta.get("annotations", {}), "argocd.argoproj.io/tracking-id": tracking}
        return {**body, "metadata": {**meta, "annotations": annotations}}

    def apply(self) -> None:
        """Apply what is rendered; what it had applied before stays in the inventory until it is pruned."""
        bodies = self.rendered()
        for answer in self.desk.plane.apply(bodies.values(), manager=self.manager, force=True, workers=1):
            assert answer.status in (200, 201), answer.message
        self.inventory |= bodies

    def pruned(self) -> set[str]:
        """What it would delete for the spec as it is now."""
        gone = self.inventory.keys() - self.rendered().keys()
        return {
            str(ref)
            for ref in gone
            if (self.inventory[ref]["metadata"].get("annotations") or {}).get(PRUNE) != "disabled"
        }


def showcase(desk: Desk, engine: str) -> str:
    """The fraud-detection example in namespaces of the test's own."""
    source = ROOT / "examples" / "fraud-detection"
    shutil.copytree(source, desk.folder, dirs_exist_ok=True)
    text = (source / "kfspec.yaml").read_text()
    text = text.replace("fraud-research", f"{desk.namespace}-r").replace("fraud-serving", f"{desk.namespace}-s")
    text = text.replace("project: fraud-detection", f"project: fraud-{desk.namespace}")
    text = text.replace("delivery: {engine: flux}", f"delivery: {{engine: {engine}}}")
    (desk.folder / "kfspec.yaml").write_text(text)
    return text


CHANGES: dict[str, tuple[tuple[str, str], ...]] = {
    "another script": (),
    "another image": (("pytorch:2.5.1", "pytorch:2.6.0"),),
    "another search": (("maxTrialCount: 60", "maxTrialCount: 80"),),
    "another epoch": (("epochs: 40", "epochs: 41"),),
    "a notebook goes": (("notebooks: {review: null}", "notebooks: {review: null, explore: null}"),),
    "a service goes": (
        ("        transformer: {containers: {kserve-container: {env: {LOG_LEVEL: warning}}}}\n", ""),
        ("      scorer:\n        predictor: {minReplicas: 3, canaryTrafficPercent: 10}", "      scorer: null"),
    ),
    "a job goes": (("      train: {run: true,", "      baseline: null\n      train: {run: true,"),),
    "a search goes": (("      tune: {maxTrialCount: 60, parallelTrialCount: 4}", "      tune: null"),),
    "a profile is renamed": (
        ("-s\n    predictor", "-t\n    predictor"),
        ("-s:  ", "-t:  "),
        ("profile: NS-s", "profile: NS-t"),
    ),
}


def test_what_flux_prunes_is_what_the_diff_says_and_never_data_or_runs(desk: Desk) -> None:
    text = showcase(desk, "flux")
    flux = Engine(desk, "flux")
    flux.apply()
    assert desk.run("diff", "-e", ENVIRONMENT).status == 0
    script = desk.folder / "src" / "train.py"
    original = script.read_text()
    runs = {kind for _, kind in kinds.RUNS}
    for name, edits in CHANGES.items():
        changed = text
        for old, new in edits:
            old, new = old.replace("NS", desk.namespace), new.replace("NS", desk.namespace)
            assert old in changed, (name, old)
            changed = changed.replace(old, new)
        script.write_text(original + ("# changed\n" if name == "another script" else ""))
        (desk.folder / "kfspec.yaml").write_text(changed)
        plan = desk.plan("-e", ENVIRONMENT)
        assert plan["fieldManager"] == "kustomize-controller"
        said = {desk_name(c["object"]) for c in plan["changes"] if c["action"] == "prune"}
        pruned = {desk.neutral(ref) for ref in flux.pruned()}
        assert said == pruned, name
        assert {ref.split("/")[0] for ref in pruned} & (DATA | runs) == set(), name
        gone = {desk.neutral(str(ref)) for ref in flux.inventory.keys() - flux.rendered().keys()}
        kept = {desk_name(k["object"]) for k in plan["kept"]}
        assert kept == gone - pruned, name


def desk_name(ref: dict[str, str]) -> str:
    return "/".join(filter(None, (ref["kind"], ref["namespace"], ref["name"])))


@pytest.mark.parametrize("engine", ["flux", "argocd"])
def test_what_an_engine_applied_is_no_change(desk: Desk, engine: str) -> None:
    text = showcase(desk, engine)
    Engine(desk, engine).apply()
    (desk.folder / "kfspec.yaml").write_text(text)
    done = desk.run("diff", "-e", ENVIRONMENT)
    assert done == (
        0,
        f"fraud in prod, compared with cluster admin (https://cluster), applied as {APPLIERS[engine].manager} ({engine})\n\n"
        "no changes: 19 objects are as the spec says\n",
        "",
    )
    assert desk.run("diff", "-e", ENVIRONMENT, "--exact").status == 0
    wrong = desk.run("diff", "-e", ENVIRONMENT, "--field-manager", "kubectl")
    assert (wrong.status, "applied as kubectl" in wrong.out) == (1, True)
    body = desk.plane.request(
        "PATCH",
        f"/apis/serving.kserve.io/v1beta1/namespaces/{desk.namespace}-s/inferenceservices/scorer?fieldManager=kubectl-edit",
        {"spec": {"predictor": {"minReplicas": 9}}},
        "application/merge-patch+json",
    )
    assert body.status == 200
    (change,) = desk.plan("-e", ENVIRONMENT)["changes"]
    assert (change["action"], change["reason"], change["deltas"]) == (
        "update",
        "drift",
        [
            {
                "op": "replace",
                "path": "spec.predictor.minReplicas",
                "old": 9,
                "new": 3,
                "managers": ["kubectl-edit"],
                "drift": True,
            }
        ],
    )


def test_gc_works_where_flux_applies(desk: Desk) -> None:
    text = showcase(desk, "flux")
    flux = Engine(desk, "flux")
    flux.apply()
    (desk.folder / "kfspec.yaml").write_text(
        text.replace("    kind: XGBoostJob\n", "    kind: XGBoostJob\n    history: 0\n").replace(
            "xgboost:0.9.1", "xgboost:0.9.2"
        )
    )
    path = f"/apis/kubeflow.org/v1/namespaces/{desk.namespace}-r/xgboostjobs"
    (old,) = desk.plane.request("GET", path).body["items"]
    flux.apply()
    over = {"status": {"conditions": [{"type": "Succeeded", "status": "True", "reason": "done"}]}}
    name = old["metadata"]["name"]
    assert desk.plane.request("PATCH", f"{path}/{name}/status", over, "application/merge-patch+json").status == 200
    done = desk.run("gc", "-e", ENVIRONMENT, "--yes")
    assert (done.status, done.err) == (0, "[1/1] deleted XGBoostJob/team-r/baseline-HASH\ndone: 1 change\n")
    assert name not in [body["metadata"]["name"] for body in desk.plane.request("GET", path).body["items"]]
