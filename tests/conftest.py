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


@pytest.fixture(scope="session")
def controlplane(kubeflow: Release) -> Iterator[ControlPlane]:
    """A real kube-apiserver with the CRDs that the catalogue gives back."""
    older, _ = release("1.10", {"training-operator": "1.8.1"})
    assert older is not None
    with running() as plane:
        plane.install_crds([*crds(kubeflow), *(crd for crd in crds(older) if crd["spec"]["names"]["kind"] == "MXJob")])
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
