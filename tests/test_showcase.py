"""What the demo ends with: the showcase against a recorded cluster, word for word, and the record true to a real server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kfspec.catalog import release
from kfspec.catalog.crds import crds
from tests.support.controlplane import running
from tests.support.showcase import SHOWCASE, SNAPSHOT, record_snapshot, settled

PLAN = """\
fraud-detection in prod, compared with snapshot snapshot/prod, applied as kustomize-controller (flux)

~ PersistentVolumeClaim/fraud-research/features  volumes.features  kfspec.yaml:22:3
    effect     grows the volume from 40Gi to 50Gi, if its storage class allows it
    ~ spec.resources.requests.storage: 40Gi -> 50Gi

▶ Experiment/fraud-research/tune-35d34268        experiments.tune  kfspec.yaml:63:3  new run
    effect     starts a new run; tune-fa73047e is kept

~ InferenceService/fraud-serving/scorer          inferenceServices.scorer  kfspec.yaml:80:3
    why        the spec changed, and it was changed in the cluster too
    effect     shifts traffic to the new revision from 5 % to 10 %
    effect     rolls a new revision of the predictor
    ~ spec.predictor.canaryTrafficPercent: 5 -> 10
    ~ spec.predictor.minReplicas:          1 -> 3  # changed in the cluster by kubectl-edit; the spec says 3
    ~ spec.predictor.model.storageUri:     gs://acme-prod/scorer/v6 -> gs://acme-prod/scorer/v7

~ Notebook/fraud-research/explore                notebooks.explore  kfspec.yaml:30:3
    loses      restarts the notebook server; unsaved kernel state is lost
    ~ spec.template.spec.containers[name=explore].image:
        - registry.example.com/fraud/jupyter:v1.9.2
        + registry.example.com/fraud/jupyter:v1.10.0

▶ PyTorchJob/fraud-research/train-3d8081b6       trainingJobs.train  kfspec.yaml:43:3  new run
    effect     starts a new run; train-0c610f7b is kept

- AuthorizationPolicy/fraud-research/user-dee-example-com-clusterrole-edit  profiles.fraud-research
- RoleBinding/fraud-research/user-dee-example-com-clusterrole-edit  profiles.fraud-research

= PyTorchJob/fraud-research/train-0c610f7b is kept: superseded by a newer run
= Experiment/fraud-research/tune-fa73047e is kept: superseded by a newer run

2 new runs, 3 to update (1 loses state, 1 drifted), 2 to delete; 14 unchanged, 2 kept
predicted, no server was asked
"""


def test_the_demo_tells_effects_without_a_cluster() -> None:
    command = [sys.executable, "-m", "kfspec", "diff", "-e", "prod", "--against", "snapshot:snapshot/prod"]
    done = subprocess.run(command, cwd=SHOWCASE, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == (PLAN, "", 1)


@pytest.mark.apiserver
def test_the_recorded_cluster_is_what_a_server_holds(tmp_path: Path) -> None:
    known, _ = release("1.10")
    assert known is not None
    with running() as plane:  # its own: the showcase's namespaces have fixed names
        plane.install_crds(crds(known))
        record_snapshot(plane, tmp_path / "snapshot")
    assert settled(tmp_path / "snapshot") == settled(SNAPSHOT), "make snapshot"
