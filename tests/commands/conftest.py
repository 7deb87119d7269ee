"""A desk for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.harness import Desk
from tests.support.controlplane import ControlPlane


@pytest.fixture
def desk(controlplane: ControlPlane, namespace: str, tmp_path: Path) -> Desk:
    """A folder and a fresh namespace."""
    return Desk(controlplane, tmp_path, namespace)


@pytest.fixture
def colleague(controlplane: ControlPlane, namespace: str, tmp_path: Path) -> Callable[[str], Desk]:
    """Another folder of somebody in the same namespace."""

    def made(name: str) -> Desk:
        folder = tmp_path / name
        folder.mkdir()
        return Desk(controlplane, folder, namespace)

    return made


@pytest.fixture
def looker(controlplane: ControlPlane, namespace: str) -> str:
    """A user who may read everything and write nothing."""
    user = f"looker-{namespace}"
    grant(controlplane, user, [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}])
    return user


def grant(plane: ControlPlane, user: str, rules: list[dict[str, object]], namespace: str = "") -> None:
    """Give a user rights, everywhere or in one namespace."""
    kind = "Role" if namespace else "ClusterRole"
    meta = {"name": user, **({"namespace": namespace} if namespace else {})}
    api = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": meta}
    binding = {
        **api,
        "kind": f"{kind}Binding",
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": user},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }
    answers = plane.apply([{**api, "kind": kind, "rules": rules}, binding], workers=1)
    assert [answer.status for answer in answers] == [201, 201], answers
