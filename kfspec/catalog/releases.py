"""Releases are sets of component versions; which component serves an object is an explicit table.

Source: semantics of kubeflow/manifests v1.10.0 (c1ae8498) and v1.10.2 (d8d643f1), README table and `example/kustomization.yaml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class ReleaseTable(NamedTuple):
    """What a release of the platform consists of."""

    versions: Mapping[str, str]
    """Component -> version."""
    optional: frozenset[str]
    """Components that are in the tree and not installed by default."""


KUBERNETES = "1.37"
"""The API server whose OpenAPI documents describe the built-in kinds; they only ever grow fields."""

RELEASES: Mapping[str, ReleaseTable] = {
    "1.10.0": ReleaseTable(
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
        frozenset(),
    ),
}

ALIASES: Mapping[str, str] = {"1.10": "1.10.2"}
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
