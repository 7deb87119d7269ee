"""The scenarios, run once for all tests of this folder."""

from __future__ import annotations

import os

import pytest

from kfspec.catalog import Release
from tests.conftest import SHARED
from tests.ssa.scenarios import Outcome, generated, run_all, sampled, specified
from tests.support.controlplane import ControlPlane

PER_OBJECT = 3
"""Scenarios for each generated object; what specs and samples hold gets one."""


@pytest.fixture(scope="session")
def outcomes(controlplane: ControlPlane, kubeflow: Release) -> list[Outcome]:
    """Some hundred objects after seeded edits on both sides, and what the API server says of applying them."""
    namespace = f"scenarios-{os.getpid()}"
    controlplane.create_namespace(namespace)
    cases = [*generated(kubeflow, namespace)] * PER_OBJECT + [*specified(kubeflow)]
    if (SHARED / "admission").is_dir():
        cases += sampled(kubeflow, SHARED)
    return run_all(controlplane, cases, namespace)
