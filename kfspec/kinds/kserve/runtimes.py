"""Serving runtimes as KServe chooses among them: those that the platform ships, and declared ones.

Source: kubeflow/manifests v1.10.0, v1.10.2, v1.11.0 and 26.03, `kserve-cluster-resources.yaml`; KServe 0.14.1 and 0.16.0,
`predictor_model.go` and `servingruntime_webhook.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from kfspec.kinds.lifting import run_name
from kfspec.kinds.status import at
from kfspec.resource import Body

RUNTIMES = ("ServingRuntime", "ClusterServingRuntime")

PROTOCOLS = ("v1", "v2", "grpc-v1", "grpc-v2")


class Runtime(NamedTuple):
    """Model formats (name -> versions) that a runtime selects by itself, and the protocols that it speaks."""

    formats: Mapping[str, tuple[str, ...]]
    protocols: tuple[str, ...]
    manual: tuple[str, ...] = ()
    """Formats that it serves only where a service names the runtime."""
    second: tuple[str, ...] = ()
    """Formats that it has priority 2 for; 1 for all others."""


_V1_V2 = ("v1", "v2")

_BASE: dict[str, Runtime] = {
    "kserve-huggingfaceserver": Runtime({"huggingface": ("1",)}, ("v2", "v1")),
    "kserve-lgbserver": Runtime({"lightgbm": ("3",)}, _V1_V2),
    "kserve-mlserver": Runtime(
        {"sklearn": ("0", "1"), "xgboost": ("1", "2"), "lightgbm": ("3", "4"), "mlflow": ("1", "2")},
        ("v2",),
        second=("sklearn", "xgboost", "lightgbm"),
    ),
    "kserve-paddleserver": Runtime({"paddle": ("2",)}, _V1_V2),
    "kserve-pmmlserver": Runtime({"pmml": ("3", "4")}, _V1_V2),
    "kserve-sklearnserver": Runtime({"sklearn": ("1",)}, _V1_V2),
    "kserve-tensorflow-serving": Runtime({"tensorflow": ("1", "2")}, ("v1", "grpc-v1"), second=("tensorflow",)),
    "kserve-torchserve": Runtime({"pytorch": ("1",)}, ("v1", "v2", "grpc-v2"), second=("pytorch",)),
    "kserve-tritonserver": Runtime(
        {"tensorrt": ("8",), "tensorflow": ("1", "2"), "onnx": ("1",), "triton": ("2",)},
        ("v2", "grpc-v2"),
        ("pytorch",),
    ),
    "kserve-xgbserver": Runtime({"xgboost": ("1",)}, _V1_V2),
}

_MULTINODE = {
    "kserve-huggingfaceserver-multinode": Runtime({"huggingface": ("1",)}, ("v2", "v1"), second=("huggingface",))
}

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


class Format(NamedTuple):
    """One entry of `supportedModelFormats`."""

    name: str
    version: str | None
    selects: bool
    """`autoSelect`: whether a service that names no runtime may get this one."""
    priority: int | None


class Declared(NamedTuple):
    """What KServe chooses and compares runtimes by."""

    name: str
    """Its name, as people know it: without the hash of its content."""
    formats: tuple[Format, ...]
    protocols: tuple[str, ...]
    disabled: bool
    multi_model: bool

    def speaks(self, protocol: str) -> bool:
        """Whether it takes a protocol; one that lists none takes all."""
        return not self.protocols or protocol in self.protocols

    def serves(self, name: str, version: str | None, *, named: bool) -> bool:
        """Whether it takes a format: any that it lists for a service that names it, else those that it selects by."""
        return any(
            each.name == name and version in (None, each.version) for each in self.formats if named or each.selects
        )


def declared(body: Body) -> Declared:
    """The runtime that an object describes; what is malformed in it is left out."""
    spec = body.get("spec")
    spec = spec if isinstance(spec, dict) else {}
    return Declared(
        known_as(body),
        tuple(_formats(spec.get("supportedModelFormats"))),
        tuple(each for each in _list(spec.get("protocolVersions")) if isinstance(each, str)),
        spec.get("disabled") is True,
        spec.get("multiModel") is True,
    )


def known_as(body: Body) -> str:
    """The name that people gave a runtime: kfspec adds a hash to those of its items, and marks what it made."""
    name = str(at(body, "metadata", "name"))
    short = run_name(name)
    return short if at(body, "metadata", "labels", "kfspec.dev/item") == f"servingRuntimes.{short}" else name


def _formats(given: Any) -> Iterator[Format]:
    for each in _list(given):
        if isinstance(each, dict) and isinstance(each.get("name"), str):
            version, priority = each.get("version"), each.get("priority")
            yield Format(
                each["name"],
                version if isinstance(version, str) else None,
                each.get("autoSelect") is True,
                priority if isinstance(priority, int) else None,
            )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def as_declared(name: str, runtime: Runtime) -> Declared:
    """A shipped runtime in the form of declared ones."""
    own = (
        Format(known, version, True, 2 if known in runtime.second else 1)
        for known, versions in runtime.formats.items()
        for version in versions
    )
    return Declared(name, tuple(own), runtime.protocols, disabled=False, multi_model=False)


def clash(new: Declared, other: Declared) -> Format | None:
    """The format that the webhook refuses `new` for, beside `other`: both would be selected, with one priority."""
    if new.disabled or other.disabled or new.multi_model != other.multi_model:
        return None
    if not set(new.protocols) & set(other.protocols):
        return None
    taken = {(each.name.lower(), each.version, each.priority) for each in other.formats if each.selects}
    return next(
        (
            each
            for each in new.formats
            if each.selects and each.priority is not None and (each.name.lower(), each.version, each.priority) in taken
        ),
        None,
    )
