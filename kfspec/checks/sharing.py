"""A volume that one node may mount is not mounted by pods that may land on several.

Kubernetes attaches a claim that is only ReadWriteOnce to one node at a time, for read-only mounts too (kubernetes v1.37,
attachdetach/reconciler, isMultiAttachForbidden), and lets one pod have what is ReadWriteOncePod (scheduler, volumerestrictions).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kfspec.checks.podmodel import Pods
from kfspec.checks.targets import claim_of
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic
from kfspec.kinds.podspec import LEGACY_CLAIM
from kfspec.kinds.status import at, maps
from kfspec.resource import Resource, to_spec

_ONE_POD, _ONE_NODE = "ReadWriteOncePod", "ReadWriteOnce"
_FOLLOW = frozenset({"Tensorboard", "PVCViewer"})
"""What the platform starts beside who has the volume (RWO_PVC_SCHEDULING, rwoScheduling; v1.10.0)."""
_HOST = "kubernetes.io/hostname"


def check(resources: tuple[Resource, ...], pods: list[Pods]) -> Iterator[Diagnostic]:
    """One finding for each volume. Paths are spec paths."""
    users: dict[tuple[str, str], list[Pods]] = {}
    for each in pods:
        for claim in _claims(each):
            users.setdefault((each.resource.ref.namespace, claim), []).append(each)
    for resource in resources:
        if (resource.ref.group, resource.ref.kind) != ("", "PersistentVolumeClaim"):
            continue
        mounted = users.get((resource.ref.namespace, resource.ref.name), [])
        modes = at(resource.body, "spec", "accessModes")
        if mounted and modes == [_ONE_POD]:
            yield from _of_one_pod(resource, mounted)
        elif mounted and isinstance(modes, list) and all(mode in (_ONE_NODE, _ONE_POD) for mode in modes):
            yield from _of_one_node(resource, mounted)


def _claims(pods: Pods) -> set[str]:
    logs = at(pods.resource.body, "spec", "logspath")
    if pods.resource.ref.kind == "Tensorboard" and isinstance(logs, str):
        return {claim_of(logs) if logs.startswith("pvc://") else LEGACY_CLAIM}
    named = (at(volume, "persistentVolumeClaim", "claimName") for volume in maps(pods.spec.get("volumes")))
    return {name for name in named if isinstance(name, str)}


def _users(mounted: list[Pods]) -> str:
    """Who mounts it, and with how many pods."""
    count: dict[str, int] = {}
    for each in mounted:
        count[each.item] = count.get(each.item, 0) + max(each.at_once, each.most or 0)
    shown = [item if n == 1 else f"{item} ({n} pods)" for item, n in count.items()]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _of_one_pod(resource: Resource, mounted: list[Pods]) -> Iterator[Diagnostic]:
    running = [each for each in mounted if each.at_once or each.most]
    if sum(max(each.at_once, each.most or 0) for each in running) > 1:
        message = f"one pod alone may mount '{resource.ref.name}' ({_ONE_POD}), and {_users(running)} want to"
        message = message.replace(" want to", " wants to") if len({e.item for e in running}) == 1 else message
        hint = f"accessModes: [{_ONE_NODE}] for pods on one node, [ReadWriteMany] for many"
        yield to_spec(resource, finding("KF774", message, ("spec", "accessModes"), hint=hint))


def _of_one_node(resource: Resource, mounted: list[Pods]) -> Iterator[Diagnostic]:
    running = [each for each in mounted if (each.at_once or each.most) and each.resource.ref.kind not in _FOLLOW]
    if sum(max(each.at_once, each.most or 0) for each in running) < 2 or _on_one_node(running):
        return
    message = f"one node alone may mount '{resource.ref.name}' ({_ONE_NODE}), and the pods of {_users(running)} may run on many"
    hint = f"accessModes: [ReadWriteMany], or the same 'nodeSelector: {{{_HOST}: ...}}' for all of them"
    yield to_spec(resource, finding("KF773", message, ("spec", "accessModes"), hint=hint))


def _on_one_node(mounted: list[Pods]) -> bool:
    hosts: set[Any] = {_node(each) for each in mounted}
    return len(hosts) == 1 and hosts != {None}


def _node(pods: Pods) -> str | None:
    host = at(pods.spec, "nodeSelector", _HOST) or pods.spec.get("nodeName")
    return host if isinstance(host, str) else None
