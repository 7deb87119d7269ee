"""What belongs to a project in a cluster: an ApplySet (KEP-3659), and what kfspec applied last.

The parent is a ConfigMap `kfspec-<project>-<environment>`; members carry its id as a label. The parent is written before
the first member, with every kind that may have members, and narrowed after the last deletion: whatever is cut off in
between, no member is of a kind that the parent does not name.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from kfspec._version import __version__
from kfspec.cluster.transport import APPLY_PATCH, Answer, Client, path_of
from kfspec.resource import ObjectRef

PART_OF = "applyset.kubernetes.io/part-of"
_ID = "applyset.kubernetes.io/id"
_TOOLING = "applyset.kubernetes.io/tooling"
_GROUP_KINDS = "applyset.kubernetes.io/contains-group-kinds"
_NAMESPACES = "applyset.kubernetes.io/additional-namespaces"
_APPLIED = "applied"

MANAGER = "kfspec"


class Inventory(NamedTuple):
    """The parent as it is in the cluster; empty where there is none."""

    exists: bool = False
    tooling: str = ""
    """Whose set it is: `<name>/<version>`."""
    group_kinds: frozenset[tuple[str, str]] = frozenset()
    """(group, kind) of everything that may be a member."""
    namespaces: frozenset[str] = frozenset()
    applied: Mapping[str, str] = MappingProxyType({})
    """`planning.deltas.record_key(ref)` -> digest of what was applied last, which tells a change of the spec from drift."""
    unreadable: str = ""
    """Why it is not known whether there is one."""

    @property
    def foreign(self) -> bool:
        """Whether another tool keeps the set."""
        return self.exists and not self.tooling.startswith("kfspec/")


class Parent(NamedTuple):
    """Where a project's inventory of one environment is."""

    namespace: str
    name: str

    @property
    def id(self) -> str:
        """The set's id, which the specification derives from the parent's identity."""
        text = f"{self.name}.{self.namespace}.ConfigMap."
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        return f"applyset-{digest}-v1"

    @property
    def marks(self) -> dict[str, str]:
        """The labels of every member."""
        return {PART_OF: self.id}

    @property
    def path(self) -> str:
        """Its URL path."""
        return path_of("v1", "configmaps", self.namespace, self.name)

    def holds(self, stored: Inventory, wanted: Inventory) -> bool:
        """Whether what is stored says what is wanted. The parent's own namespace is never written down."""
        spaces = stored.namespaces == wanted.namespaces - {self.namespace}
        return spaces and stored.group_kinds == wanted.group_kinds and dict(stored.applied) == dict(wanted.applied)

    def __str__(self) -> str:
        return f"ConfigMap/{self.namespace}/{self.name}"


def parent_of(project: str, environment: str, namespace: str) -> Parent:
    """The parent of a project's environment; `namespace` is `platform.inventoryNamespace`."""
    return Parent(namespace, f"kfspec-{project}-{environment}")


def read(answer: Answer) -> Inventory:
    """The inventory of an answer to a GET of the parent: only a 404 says that there is none."""
    if not answer.ok:
        return Inventory(unreadable="" if answer.status == 404 else answer.message)
    meta = answer.body["metadata"]
    annotations = meta.get("annotations") or {}
    kinds = frozenset(_group_kind(text) for text in annotations.get(_GROUP_KINDS, "").split(",") if text)
    namespaces = frozenset(text for text in annotations.get(_NAMESPACES, "").split(",") if text)
    try:
        applied = json.loads((answer.body.get("data") or {}).get(_APPLIED, "{}"))
    except ValueError:
        applied = {}
    known = applied if isinstance(applied, dict) else {}
    return Inventory(True, annotations.get(_TOOLING, ""), kinds, namespaces, known)


def write(client: Client, parent: Parent, inventory: Inventory) -> Answer:
    """Store the inventory. The whole of it is kfspec's, so nothing that somebody else wrote into it is kept."""
    data = json.dumps(dict(sorted(inventory.applied.items())), separators=(",", ":"))
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": parent.name,
            "namespace": parent.namespace,
            "labels": {_ID: parent.id, "app.kubernetes.io/managed-by": "kfspec"},
            "annotations": {
                _TOOLING: f"kfspec/{__version__}",
                _GROUP_KINDS: ",".join(sorted(f"{kind}.{group}".rstrip(".") for group, kind in inventory.group_kinds)),
                _NAMESPACES: ",".join(sorted(inventory.namespaces - {parent.namespace})),
            },
        },
        "data": {_APPLIED: data},
    }
    query = {"fieldManager": MANAGER, "force": "true"}
    return client.request("PATCH", parent.path, query, body, APPLY_PATCH)


def of(refs: Iterable[ObjectRef], applied: Mapping[str, str]) -> Inventory:
    """The inventory of a set of members."""
    members = list(refs)
    kinds = frozenset((ref.group, ref.kind) for ref in members)
    return Inventory(True, "", kinds, frozenset(ref.namespace for ref in members if ref.namespace), applied)


def _group_kind(text: str) -> tuple[str, str]:
    kind, _, group = text.partition(".")
    return group, kind
