"""What the API server says of the pods of an InferenceService's components, when the controller tries to make them.

KServe admits all of it: the schema takes any text, and an event is all there is to see. Source: KServe 0.14.1,
`pkg/controller/v1beta1/inferenceservice/components/predictor.go` (a component is a pod's spec; what a model says is merged
over the runtime's container) and `pkg/apis/serving/v1beta1/custom.go`; knative.dev/serving v1.16
`pkg/apis/serving/fieldmask.go` (the fields of a pod that it takes); kubernetes v1.37 `pkg/apis/core/validation`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kfspec import quantity
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, Severity, Upstream
from kfspec.kinds.mounts import mount_findings
from kfspec.kinds.podvalues import container_findings, value_findings

_DEFAULTS = {"cpu": "1", "memory": "2Gi"}
"""What the defaulter fills into a custom container, each missing limit and request by itself (KServe 0.14.1)."""


def pod_findings(component: dict[str, Any], part: str, at: Path, models: tuple[str, ...]) -> Iterator[Diagnostic]:
    """What is wrong with the pod of a component. `models`: the fields of a predictor that hold a model."""
    yield from value_findings(component, at)
    served = [name for name in models if isinstance(component.get(name), dict)]
    for name in (*served, *(("art",) if isinstance(component.get("art"), dict) else ())):
        yield from container_findings(component[name], (*at, name))
    if component.get("resources"):
        where = f"'{served[0]}'" if served else "a container"
        message = f"'resources' beside {where} are of the whole pod, which Knative does not take, and not of the server"
        path: Path = (*at, "resources")
        hint = f"'resources' belongs under {where}"
        yield finding(
            "KF386", message, path, hint=hint, severity=Severity.WARNING, upstream=Upstream.ADVICE, at_key=True
        )
    worker = component.get("workerSpec")
    if isinstance(worker, dict):
        yield from value_findings(worker, (*at, "workerSpec"))
    containers = [each if isinstance(each, dict) else {} for each in component.get("containers") or ()]
    if served or not containers:
        return  # the runtime brings images and volumes
    for n, container in enumerate(containers):
        if not container.get("image"):
            name = container.get("name")
            message = f"the container '{name}' has no image" if name else "the container has no image"
            yield finding("KF405", message, (*at, "containers", n), hint="add 'image:'", at_key=True)
    yield from mount_findings(component, at)
    if part != "explainer":
        yield from _filled_in(containers[0], (*at, "containers", 0))


def _filled_in(container: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    """The defaulter fills in each missing limit and request of a custom container by itself."""
    resources = container.get("resources") or {}
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    for key, default in _DEFAULTS.items():
        if (key in requests) == (key in limits):
            continue  # nothing is filled in, or both
        asked, allowed = (quantity.parse(str(group.get(key, default))) for group in (requests, limits))
        if asked is not None and allowed is not None and asked.value > allowed.value:
            where = "requests" if key in requests else "limits"
            message = (
                f"the container requests {requests.get(key, default)} of {key} and is limited to {limits.get(key, default)}"
                f" (KServe adds {default} where nothing is said)"
            )
            hint = "give both requests and limits"
            yield finding("KF368", message, (*at, "resources", where, key), hint=hint)
