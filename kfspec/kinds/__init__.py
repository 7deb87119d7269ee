"""The explicit table of blocks. A kind's module is imported when a spec uses it, not before."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from kfspec.kinds.base import Kind

BLOCKS: dict[str, dict[str, str]] = {
    "profiles": {"": "profile"},
    "volumes": {"": "volume"},
    "podDefaults": {"": "poddefault"},
    "notebooks": {"": "notebook"},
    "inferenceServices": {"": "inferenceservice"},
    "trainingJobs": {
        "PyTorchJob": "training.pytorchjob",
        "TFJob": "training.tfjob",
        "XGBoostJob": "training.xgboostjob",
        "MPIJob": "training.mpijob",
        "PaddleJob": "training.paddlejob",
        "JAXJob": "training.jaxjob",
        "MXJob": "training.mxjob",
    },
    "experiments": {"": "katib.experiment"},
    "resources": {"": "resources"},
}
"""Block -> value of the item's `kind:` ("" where the block has one kind) -> module below `kfspec.kinds`."""

OBJECT_KINDS: dict[tuple[str, str], str] = {
    ("kubeflow.org", "Profile"): "profile",
    ("kubeflow.org", "Notebook"): "notebook",
    ("kubeflow.org", "PodDefault"): "poddefault",
    ("kubeflow.org", "Experiment"): "katib.rules",
    ("kubeflow.org", "PyTorchJob"): "training.pytorchjob",
    ("kubeflow.org", "TFJob"): "training.tfjob",
    ("kubeflow.org", "XGBoostJob"): "training.xgboostjob",
    ("kubeflow.org", "MPIJob"): "training.mpijob",
    ("kubeflow.org", "PaddleJob"): "training.paddlejob",
    ("kubeflow.org", "JAXJob"): "training.jaxjob",
    ("kubeflow.org", "MXJob"): "training.mxjob",
    ("serving.kserve.io", "InferenceService"): "kserve.rules",
}
"""(group, kind) of a Kubernetes object -> the module whose rules judge it, whichever way it came to be."""


@cache
def load(module: str) -> Kind:
    """The kind's module."""
    return cast("Kind", import_module(f"kfspec.kinds.{module}"))
