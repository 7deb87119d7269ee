"""The commit that is delivered: a ConfigMap beside the loops of a project, which the next sync reads.

It is bookkeeping like the inventory, and no object of the plan: written before a loop is, deleted before the last one of its
namespace is, and never by itself, so that a commit alone changes nothing. Where CI writes it, it is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kfspec.cluster.transport import APPLY_PATCH, Answer, Client, path_of
from kfspec.planning.values import Change
from kfspec.resource import ObjectRef

_KEY = "commit"
_OURS = ("app.kubernetes.io/managed-by", "kfspec")
_MANAGER = "kfspec"


def loops(changes: Iterable[Change]) -> Iterator[Change]:
    """The changes of what runs `kfspec sync`."""
    return (c for c in changes if c.item.startswith("sync.") and c.ref.group == "batch")


def note(
    client: Client, project: str, changes: Iterable[Change], commit: str | None
) -> Iterator[tuple[ObjectRef, str]]:
    """Write the commit down beside the loops among the changes; where none is known, take away what is there, which would be
    untrue. What was written, and why it could not be, "" where it could. Raises ClusterError."""
    for namespace in sorted({change.ref.namespace for change in loops(changes)}):
        ref = _ref(namespace, project)
        there = client.request("GET", _path(ref))
        if commit is None:
            _delete(client, ref, there)
        elif not there.ok or (_ours(there) and (there.body.get("data") or {}).get(_KEY) != commit):
            meta: dict[str, Any] = {"name": ref.name, "namespace": namespace, "labels": dict([_OURS])}
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {_KEY: commit}}
            answer = client.request("PATCH", _path(ref), {"fieldManager": _MANAGER, "force": "true"}, body, APPLY_PATCH)
            yield ref, "" if answer.ok else answer.message


def forget(client: Client, project: str, changes: Iterable[Change], kept: Iterable[Change]) -> None:
    """Delete it beside loops that go, where none stays. Raises ClusterError."""
    gone = {change.ref.namespace for change in loops(changes) if change.ref.kind == "CronJob"}
    for namespace in sorted(gone - {change.ref.namespace for change in loops(kept) if change.ref.kind == "CronJob"}):
        ref = _ref(namespace, project)
        _delete(client, ref, client.request("GET", _path(ref)))


def _delete(client: Client, ref: ObjectRef, there: Answer) -> None:
    if _ours(there):
        same = {"uid": there.body["metadata"]["uid"]}
        client.request("DELETE", _path(ref), {}, {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": same})


def _ours(there: Answer) -> bool:
    return there.ok and (there.body["metadata"].get("labels") or {}).get(_OURS[0]) == _OURS[1]


def _ref(namespace: str, project: str) -> ObjectRef:
    from kfspec.kinds.syncing import revision_name  # few projects have a loop

    return ObjectRef("", "ConfigMap", namespace, revision_name(project))


def _path(ref: ObjectRef) -> str:
    return path_of("v1", "configmaps", ref.namespace, ref.name)
