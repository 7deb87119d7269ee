"""The ClusterServingRuntimes that the platform ships, per version of KServe.

Source: kubeflow/manifests v1.10.0, v1.10.2, v1.11.0 and 26.03, `kserve-cluster-resources.yaml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Runtime(NamedTuple):
    """Model formats (name -> versions) that a runtime selects by itself, and the protocols that it speaks."""

    formats: Mapping[str, tuple[str, ...]]
    protocols: tuple[str, ...]
    manual: tuple[str, ...] = ()
    """Formats that it serves only where a service names the runtime."""


_V1_V2 = ("v1", "v2")

_BASE: dict[str, Runtime] = {
    "kserve-huggingfaceserver": Runtime({"huggingface": ("1",)}, ("v2", "v1")),
    "kserve-lgbserver": Runtime({"lightgbm": ("3",)}, _V1_V2),
    "kserve-mlserver": Runtime(
        {"sklearn": ("0", "1"), "xgboost": ("1", "2"), "lightgbm": ("3", "4"), "mlflow": ("1", "2")}, ("v2",)
    ),
    "kserve-paddleserver": Runtime({"paddle": ("2",)}, _V1_V2),
    "kserve-pmmlserver": Runtime({"pmml": ("3", "4")}, _V1_V2),
    "kserve-sklearnserver": Runtime({"sklearn": ("1",)}, _V1_V2),
    "kserve-tensorflow-serving": Runtime({"tensorflow": ("1", "2")}, ("v1", "grpc-v1")),
    "kserve-torchserve": Runtime({"pytorch": ("1",)}, ("v1", "v2", "grpc-v2")),
    "kserve-tritonserver": Runtime(
        {"tensorrt": ("8",), "tensorflow": ("1", "2"), "onnx": ("1",), "triton": ("2",)},
        ("v2", "grpc-v2"),
        ("pytorch",),
    ),
    "kserve-xgbserver": Runtime({"xgboost": ("1",)}, _V1_V2),
}

_MULTINODE = {"kserve-huggingfaceserver-multinode": Runtime({"huggingface": ("1",)}, ("v2", "v1"))}

SHIPPED: Mapping[str, Mapping[str, Runtime]] = {
    "0.14.1": _BASE,
    "0.15.0": {**_BASE, **_MULTINODE},
    "0.15.2": {**_BASE, **_MULTINODE},
    "0.16.0": {**_BASE, **_MULTINODE},
}
"""KServe version -> runtime name -> what it serves."""


def shipped(version: str) -> Mapping[str, Runtime]:
    """The runtimes of a version; those of the newest known one for a version that is not listed."""
    return SHIPPED.get(version) or SHIPPED[max(SHIPPED)]
