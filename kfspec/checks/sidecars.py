"""The containers that admission, Knative and KServe put beside those of a pod, with the amounts that quotas count.

Source, as Kubeflow installs it: kubeflow/manifests main (Istio 1.28 and 1.29), `istio-sidecar-injector` (the template `resources`
and `global.proxy.resources`; native sidecars); Knative serving, config-deployment (25m of CPU where nothing is said, and nothing
else; `queueproxy.resource-defaults` is off) and the annotations of a service, resourceboundary.go; KServe main,
`pkg/webhook/admission/pod/{agent,storage_initializer}_injector.go` and `inferenceservice-config`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kfspec.checks.podmodel import Amounts, Container, Pods, amount, amounts, quantities
from kfspec.kinds.status import at, maps
from kfspec.quantity import parse

_MI = 1024**2
_PROXY = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "2", "memory": "1Gi"}}
_PROXY_KEYS = {
    "sidecar.istio.io/proxyCPU": ("requests", "cpu"),
    "sidecar.istio.io/proxyMemory": ("requests", "memory"),
    "sidecar.istio.io/proxyCPULimit": ("limits", "cpu"),
    "sidecar.istio.io/proxyMemoryLimit": ("limits", "memory"),
}
_HELPER = {"requests": {"cpu": "100m", "memory": "100Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
"""Of the agent, and of what loads a model (`inferenceservice-config`)."""

_QUEUE = "queue.sidecar.serving.knative.dev/"
_QUEUE_KEYS = {
    f"{_QUEUE}{resource}-resource-{kind}": (f"{kind}s", resource)
    for kind in ("request", "limit")
    for resource in ("cpu", "memory", "ephemeral-storage")
}
_SHARES = (f"{_QUEUE}resource-percentage", f"{_QUEUE}resourcePercentage")
_BOUNDS: dict[tuple[str, str], tuple[Decimal, Decimal]] = {
    ("requests", "cpu"): (Decimal("0.025"), Decimal("0.1")),
    ("limits", "cpu"): (Decimal("0.04"), Decimal("0.5")),
    ("requests", "memory"): (Decimal(50 * _MI), Decimal(200 * _MI)),
    ("limits", "memory"): (Decimal(200 * _MI), Decimal(500 * _MI)),
}
"""Between what a share of the server's amounts stays."""


def around(pods: Pods, *, mesh: bool) -> Pods:
    """The pods with the containers that they get besides, in the order in which they start."""
    first = [_proxy(pods)] if mesh else []
    loader = [_helper(pods, "storage-initializer", init=True)] if _loads(pods) else []
    beside = [_queue(pods)] if pods.knative else []
    if any(pods.spec.get(key) is not None for key in ("logger", "batcher")) and _is_service(pods):
        beside.append(_helper(pods, "agent"))
    inits = [each for each in pods.containers if each.init or each.stays]
    others = [each for each in pods.containers if not (each.init or each.stays)]
    return pods._replace(containers=(*first, *inits, *loader, *others, *beside))


def _proxy(pods: Pods) -> Container:
    """Istio's; once a pod says any of its amounts, the others are nobody's."""
    given = _said(pods.meta.annotations, _PROXY_KEYS)
    requests, limits = amounts(given or _PROXY)
    advice = (
        "annotate the pods: 'sidecar.istio.io/proxyCPU', '...proxyMemory', '...proxyCPULimit', '...proxyMemoryLimit'"
    )
    return Container(pods.path, {"name": "istio-proxy"}, requests, limits, stays=True, adder="the mesh", advice=advice)


def _helper(pods: Pods, name: str, init: bool = False) -> Container:
    requests, limits = amounts(_HELPER)
    return Container(pods.path, {"name": name}, requests, limits, init, adder="KServe")


def _queue(pods: Pods) -> Container:
    """Knative's: what the service says of it, else a share of the server's, else a little CPU."""
    given = _said(pods.meta.annotations, _QUEUE_KEYS)
    found: dict[str, Amounts] = {"requests": {"cpu": Decimal("0.025")}, "limits": {}}
    server = next((each for each in pods.containers if not each.init and not each.stays), None)
    share = next((parse(str(pods.meta.annotations[key])) for key in _SHARES if key in pods.meta.annotations), None)
    if share is not None and server is not None:
        for (kind, resource), (least, most) in _BOUNDS.items():
            stated = amount((server.requests if kind == "requests" else server.limits).get(resource))
            if stated:
                found[kind][resource] = min(max(stated * share.value / 100, least), most)
    for kind in ("requests", "limits"):
        found[kind].update(quantities(given.get(kind)))
    requests = {**found["limits"], **found["requests"]}
    advice = f"annotate the service: {_QUEUE}..."
    return Container(pods.path, {"name": "queue-proxy"}, requests, found["limits"], adder="Knative", advice=advice)


def _said(annotations: dict[str, Any], keys: dict[str, tuple[str, str]]) -> dict[str, dict[str, Any]]:
    """Amounts in annotations, as a container has them."""
    given: dict[str, dict[str, Any]] = {}
    for key, (kind, resource) in keys.items():
        if key in annotations:
            given.setdefault(kind, {})[resource] = annotations[key]
    return given


def _is_service(pods: Pods) -> bool:
    return pods.resource.ref.kind == "InferenceService"


def _loads(pods: Pods) -> bool:
    """Whether a model is fetched before the server starts: not from a claim, which is mounted, nor from an image."""
    if not _is_service(pods):
        return False
    model = pods.spec.get("model")
    if at(pods.spec, "model", "storage") is not None:
        return True
    env = (entry for each in maps(pods.spec.get("containers")) for entry in maps(each.get("env")))
    said = [entry.get("value") for entry in env if entry.get("name") == "STORAGE_URI"]
    uris = [model.get("storageUri") if isinstance(model, dict) else None, *said]
    return any(isinstance(uri, str) and uri and not uri.startswith(("pvc://", "oci://")) for uri in uris)


def annotation(container: Container, kind: str, resource: str) -> str | None:
    """The annotation by which one amount of Knative's container is said."""
    if container.name != "queue-proxy":
        return None
    return next((key for key, said in _QUEUE_KEYS.items() if said == (kind, resource)), None)
