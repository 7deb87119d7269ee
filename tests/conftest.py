"""Fixtures: one real API server for a run, a namespace for a test, the corpus of real manifests."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kfspec.catalog import Release, release
from kfspec.catalog.crds import crds
from tests.support.controlplane import ControlPlane, running

ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("KFSPEC_SHARED") or ROOT.parent / "shared")

_numbers = itertools.count()


@pytest.fixture(scope="session")
def kubeflow() -> Release:
    """The release that tests compile for unless they say another."""
    known, found = release("1.10")
    assert known is not None, found
    return known


NEWER = (
    "MXJob",
    "SparkConnect",
    "TrainJob",
    "TrainingRuntime",
    "ClusterTrainingRuntime",
    "Pipeline",
    "PipelineVersion",
)
"""Kinds that 1.10 does not have, or not whole, and whose specs the tests take to the server beside its own."""


@pytest.fixture(scope="session")
def controlplane(kubeflow: Release) -> Iterator[ControlPlane]:
    """A real kube-apiserver with the CRDs that the catalogue gives back."""
    newer = {"training-operator": "1.8.1", "spark-operator": "2.4.0", "trainer": "2.1.0", "pipelines": "2.15.0"}
    other, _ = release("1.10", newer)
    assert other is not None
    own = [crd for crd in crds(kubeflow) if crd["spec"]["names"]["kind"] not in NEWER]
    with running() as plane:
        plane.install_crds([*own, *(crd for crd in crds(other) if crd["spec"]["names"]["kind"] in NEWER)])
        yield plane


@pytest.fixture
def namespace(controlplane: ControlPlane) -> str:
    """A fresh namespace."""
    name = f"test-{next(_numbers)}-{os.getpid()}"
    controlplane.create_namespace(name)
    return name


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real CRDs, manifests and recorded verdicts, which is not part of the project."""
    if not (SHARED / "admission").is_dir():
        pytest.skip(f"the corpus is not at {SHARED} (set KFSPEC_SHARED)")
    return SHARED
