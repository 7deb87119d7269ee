"""Releases are sets of component versions; which component serves an object is an explicit table.

Source: kubeflow/manifests v1.10.0 (c1ae8498), v1.10.2 (d8d643f1), v1.11.0 (854bd3a2) and 26.03 (d68ebc7f), README table and
`example/kustomization.yaml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple


class Presence(StrEnum):
    """Whether a release serves a kind."""

    INSTALLED = "installed"
    OPTIONAL = "optional"
    """It is in the tree, and the default install leaves it out."""
    ABSENT = "absent"


class ReleaseTable(NamedTuple):
    """What a release of the platform consists of; a component that it does not list is absent."""

    tag: str
    """Of kubeflow/manifests."""
    versions: Mapping[str, str]
    """Component -> version."""
    optional: frozenset[str]
    """Components that are in the tree and not installed by default, and groups of kinds of which the same is true."""


KUBERNETES = "1.37"
"""The API server whose OpenAPI documents describe the built-in kinds; they only ever grow fields."""

NATIVE_PIPELINES = "pipelines.kubeflow.org"
"""The group of Pipeline and PipelineVersion, which only the overlay `platform-agnostic-multi-user-k8s-native` installs
(kubeflow/manifests from v1.10.1 on)."""

RELEASES: Mapping[str, ReleaseTable] = {
    "1.10.0": ReleaseTable(
        "v1.10.0",
        {
            "kubernetes": KUBERNETES,
            "kubeflow": "1.10.0",
            "katib": "0.18.0",
            "kserve": "0.14.1",
            "pipelines": "2.4.1",
            "training-operator": "1.9.1",
            "spark-operator": "2.1.0",
            "argo-workflows": "3.4.17",
            "istio": "1.24.3",
        },
        frozenset({"spark-operator"}),
    ),
    "1.10.2": ReleaseTable(
        "v1.10.2",
        {
            "kubernetes": KUBERNETES,
            "kubeflow": "1.10.0",
            "katib": "0.18.0",
            "kserve": "0.15.0",
            "pipelines": "2.5.0",
            "training-operator": "1.9.2",
            "spark-operator": "2.2.0",
            "argo-workflows": "3.5.14",
            "istio": "1.26.1",
        },
        frozenset({NATIVE_PIPELINES}),
    ),
    "1.11.0": ReleaseTable(
        "v1.11.0",
        {
            "kubernetes": KUBERNETES,
            "kubeflow": "1.10.0",
            "katib": "0.19.0",
            "kserve": "0.15.2",
            "pipelines": "2.15.0",
            "training-operator": "1.9.2",
            "trainer": "2.1.0",
            "jobset": "0.10.1",
            "spark-operator": "2.4.0",
            "argo-workflows": "3.7.3",
            "istio": "1.28.0",
        },
        frozenset({"training-operator", NATIVE_PIPELINES}),
    ),
    "26.03": ReleaseTable(
        "26.03",
        {
            "kubernetes": KUBERNETES,
            "kubeflow": "1.10.0",
            "katib": "0.19.0",
            "kserve": "0.16.0",
            "pipelines": "2.16.0",
            "training-operator": "1.9.2",
            "trainer": "2.1.0",
            "jobset": "0.10.1",
            "spark-operator": "2.5.0",
            "argo-workflows": "3.7.3",
            "istio": "1.29.1",
        },
        frozenset({"training-operator", NATIVE_PIPELINES}),
    ),
}

ALIASES: Mapping[str, str] = {"1.10": "1.10.2", "1.11": "1.11.0"}
"""A minor release means one patch release, for ever."""

_BY_GROUP: Mapping[str, str] = {
    "argoproj.io": "argo-workflows",
    "jobset.x-k8s.io": "jobset",
    "networking.istio.io": "istio",
    "pipelines.kubeflow.org": "pipelines",
    "security.istio.io": "istio",
    "serving.kserve.io": "kserve",
    "sparkoperator.k8s.io": "spark-operator",
    "tensorboard.kubeflow.org": "kubeflow",
    "trainer.kubeflow.org": "trainer",
    "": "kubernetes",
    "admissionregistration.k8s.io": "kubernetes",
    "apiextensions.k8s.io": "kubernetes",
    "apps": "kubernetes",
    "autoscaling": "kubernetes",
    "batch": "kubernetes",
    "coordination.k8s.io": "kubernetes",
    "networking.k8s.io": "kubernetes",
    "policy": "kubernetes",
    "rbac.authorization.k8s.io": "kubernetes",
    "scheduling.k8s.io": "kubernetes",
    "storage.k8s.io": "kubernetes",
}

_KUBEFLOW_ORG: Mapping[str, str] = {
    "Profile": "kubeflow",
    "Notebook": "kubeflow",
    "PodDefault": "kubeflow",
    "PVCViewer": "kubeflow",
    "Experiment": "katib",
    "Suggestion": "katib",
    "Trial": "katib",
    "TFJob": "training-operator",
    "PyTorchJob": "training-operator",
    "XGBoostJob": "training-operator",
    "MPIJob": "training-operator",
    "PaddleJob": "training-operator",
    "JAXJob": "training-operator",
    "MXJob": "training-operator",
    "ScheduledWorkflow": "pipelines",
    "Viewer": "pipelines",
}
"""The group kubeflow.org is shared by several components."""


def component_of(group: str, kind: str) -> str | None:
    """The component that serves objects of this group and kind; None for what no component of Kubeflow does."""
    return _KUBEFLOW_ORG.get(kind) if group == "kubeflow.org" else _BY_GROUP.get(group)


def short(release: str) -> str:
    """The release as people call it: by its alias, if it has one."""
    return next((alias for alias, name in ALIASES.items() if name == release), release)


@lru_cache(maxsize=256)
def numbers(version: str) -> tuple[int, ...]:
    """A version as something that sorts. Components' versions are numbers and dots."""
    return tuple(int(part) for part in version.split("."))
