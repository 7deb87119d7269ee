"""`make snapshot`: record what the showcase's production looked like a week ago, from a real API server.

The spec of a week ago is today's with some texts replaced. It is applied as Flux would apply it, somebody edits by hand, and
`kfspec snapshot` writes what is then live. The demo compares today's spec with that.
"""

from __future__ import annotations

import copy
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from kfspec.catalog import release
from kfspec.catalog.crds import crds
from kfspec.cluster.recording import record
from kfspec.cluster.session import connect, target
from kfspec.cluster.snapshot import read
from kfspec.ordering import in_order
from kfspec.pipeline import prepare
from kfspec.resource import ref_of
from tests.support.controlplane import ControlPlane, running

SHOWCASE = Path(__file__).parent.parent.parent / "examples" / "fraud-detection"
SNAPSHOT = SHOWCASE / "snapshot" / "prod"

A_WEEK_AGO = (
    ("/scorer/v7", "/scorer/v6"),
    ("canaryTrafficPercent: 10", "canaryTrafficPercent: 5"),
    ("jupyter:v1.10.0", "jupyter:v1.9.2"),
    ("size: 50Gi", "size: 40Gi"),
    ("epochs: 40", "epochs: 30"),
    ("cy@example.com: view}", "cy@example.com: view, dee@example.com: edit}"),
)
"""(today, then)."""

FLUX = {"kustomize.toolkit.fluxcd.io/name": "fraud-prod", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}


def record_snapshot(plane: ControlPlane, folder: Path) -> None:
    """Apply the spec of a week ago, edit by hand, and write what is live to `folder`."""
    with tempfile.TemporaryDirectory() as work:
        then = Path(work) / "kfspec.yaml"
        shutil.copytree(SHOWCASE, work, dirs_exist_ok=True)
        text = then.read_text()
        for today, before in A_WEEK_AGO:
            assert today in text, today
            text = text.replace(today, before)
        then.write_text(text)
        environment = prepare(then, ("prod",)).environment("prod")
        assert environment is not None
        goal = target(environment)
        assert goal is not None
        bodies = {ref_of(body): _as_flux(body) for body in goal.bodies}
        answers = plane.apply(
            [bodies[ref] for ref in in_order(bodies)], manager="kustomize-controller", force=True, workers=1
        )
        refused = [answer.message for answer in answers if answer.status not in (200, 201)]
        assert refused == []
        _bind_volumes(plane, [body for body in bodies.values() if body["kind"] == "PersistentVolumeClaim"])
        _edit_by_hand(plane)
        session, found = connect(goal, plane.kubeconfig, None)
        assert session is not None, found
        record(session, folder)


def _as_flux(body: dict[str, Any]) -> dict[str, Any]:
    marked = copy.deepcopy(body)
    marked["metadata"]["labels"] |= FLUX
    return marked


def _bind_volumes(plane: ControlPlane, claims: list[dict[str, Any]]) -> None:
    """What a provisioner would have done."""
    for claim in claims:
        size = claim["spec"]["resources"]["requests"]["storage"]
        status = {
            "status": {"phase": "Bound", "capacity": {"storage": size}, "accessModes": claim["spec"]["accessModes"]}
        }
        answer = plane.request("PATCH", plane.path_of(claim) + "/status", status, "application/merge-patch+json")
        assert answer.status == 200, answer.message


def _edit_by_hand(plane: ControlPlane) -> None:
    """Somebody saves money, and tells nobody."""
    path = "/apis/serving.kserve.io/v1beta1/namespaces/fraud-serving/inferenceservices/scorer"
    edit = {"spec": {"predictor": {"minReplicas": 1}}}
    answer = plane.request("PATCH", path + "?fieldManager=kubectl-edit", edit, "application/merge-patch+json")
    assert answer.status == 200, answer.message


def settled(folder: Path) -> list[dict[str, Any]]:
    """The objects of a snapshot without what differs from server to server: ids and times."""

    def cleaned(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: cleaned(v) for k, v in value.items() if k not in ("uid", "time", "creationTimestamp")}
        return [cleaned(item) for item in value] if isinstance(value, list) else value

    return sorted((cleaned(body) for body in read(folder).objects), key=lambda body: json.dumps(body, sort_keys=True))


def main() -> None:
    """Record again, and keep what is there where nothing but ids and times would differ."""
    known, _ = release("1.10")
    assert known is not None
    with running() as plane, tempfile.TemporaryDirectory(dir=SHOWCASE.parent) as folder:
        plane.install_crds(crds(known))
        fresh = Path(folder) / "snapshot"
        record_snapshot(plane, fresh)
        if (SNAPSHOT / "snapshot.json").exists() and settled(fresh) == settled(SNAPSHOT):
            print(f"{SNAPSHOT.relative_to(SHOWCASE.parent.parent)} is current")
            return
        shutil.rmtree(SNAPSHOT, ignore_errors=True)
        SNAPSHOT.parent.mkdir(exist_ok=True)
        shutil.copytree(fresh, SNAPSHOT)
        print(f"wrote {SNAPSHOT.relative_to(SHOWCASE.parent.parent)}")


if __name__ == "__main__":
    main()
