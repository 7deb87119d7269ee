"""Which service a desired state is kept in, and how to open it. The packages that talk to it are imported when it is opened."""

from __future__ import annotations

from importlib.util import find_spec

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostics
from kfspec.sync.payload import Desired
from kfspec.sync.service import Access, Service

EXTRAS = {"kfp": ("kfp", "pipelines"), "model-registry": ("model_registry", "registry")}
"""Backend -> the package that talks to it, and kfspec's extra that brings it."""


def missing(backend: str) -> Diagnostics:
    """The finding where the backend's package is not installed."""
    module, extra = EXTRAS[backend]
    if find_spec(module) is not None:
        return ()
    message = f"the Python package of {backend} is not installed"
    return (finding("KF624", message, hint=f"pip install 'kfspec[{extra}]'"),)


def opened(desired: Desired, access: Access) -> Service:
    """The service. `plan(desired)` only reads; close it in the end."""
    if desired.scope.backend == "kfp":
        from kfspec.sync.kfp_service import KfpService

        return KfpService(access, desired)
    from kfspec.sync.registry_service import RegistryService

    return RegistryService(access, desired)


def endpoint(desired: Desired, given: str | None = None) -> str:
    """An address with a scheme and no slash at the end; the one inside the cluster where none is given."""
    if given is not None:
        return (given if "://" in given else f"http://{given}").rstrip("/")
    if desired.scope.backend == "kfp":
        from kfspec.sync.kfp_service import DEFAULT_ENDPOINT

        return DEFAULT_ENDPOINT
    from kfspec.sync import registry_service

    return registry_service.DEFAULT_ENDPOINT.format(namespace=desired.scope.namespace)
