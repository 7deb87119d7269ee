"""How far a Deployment, a StatefulSet or a DaemonSet is: the arithmetic of `kubectl rollout status` (kubernetes v1.37)."""

from __future__ import annotations

from kfspec.kinds.base import Look, Readiness, State, unobserved
from kfspec.kinds.status import at, condition, count, status, told
from kfspec.resource import Body


def ready(body: Body, look: Look) -> Readiness:
    """By its replicas: updated, and then available or ready."""
    stale = unobserved(body)
    if stale is not None:
        return stale
    progress = condition(body, "Progressing")
    if progress is not None and progress.get("status") == "False":
        return Readiness(State.FAILED, told(progress))
    found = status(body)
    if not found:
        return Readiness(State.WAITING, "its controller has not reported yet")
    daemon = body["kind"] == "DaemonSet"
    wanted = count(found.get("desiredNumberScheduled")) if daemon else count(_replicas(body))
    updated = count(found.get("updatedNumberScheduled" if daemon else "updatedReplicas"))
    if _on_delete(body):
        updated = wanted  # old pods stay until somebody deletes them
    if updated < wanted:
        return Readiness(State.WAITING, f"waits for {wanted - updated} of {wanted} pods to be updated")
    there = count(
        found.get(
            {"DaemonSet": "numberAvailable", "StatefulSet": "readyReplicas"}.get(body["kind"], "availableReplicas")
        )
    )
    if there < wanted:
        return Readiness(State.WAITING, f"waits for {wanted - there} of {wanted} pods")
    return Readiness(State.READY)


def _replicas(body: Body) -> object:
    given = at(body, "spec", "replicas")
    return 1 if given is None else given


def _on_delete(body: Body) -> bool:
    return bool(at(body, "spec", "updateStrategy", "type") == "OnDelete")
