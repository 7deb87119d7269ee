"""How the API server merges the parts of an object: what structured-merge-diff is told of a kind's schema.

Source: kube-openapi `pkg/schemaconv` and apiextensions-apiserver v0.37 `pkg/controller/openapi/builder`. Each place of an
object has a type; it is made of its schema node when it is first asked for, since most of a pod's fields never occur.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kfspec.catalog import KindEntry
from kfspec.catalog.schema import Node, Schema, load_schema

ATOMIC, GRANULAR, SET, KEYED = "atomic", "granular", "set", "keyed"
"""How a map or a list merges: as one value, field by field, as a set of scalars, by the entries' keys."""

_SCALARS = frozenset({"string", "integer", "number", "boolean"})
_TEXT: Node = {"type": "string"}
_NUMBER: Node = {"type": "integer"}
_TEXTS: Node = {"type": "object", "additionalProperties": _TEXT}
_METADATA: Node = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("name", "generateName", "namespace", "selfLink", "uid", "resourceVersion"), _TEXT),
        **dict.fromkeys(("creationTimestamp", "deletionTimestamp"), _TEXT),
        **dict.fromkeys(("generation", "deletionGracePeriodSeconds"), _NUMBER),
        "labels": _TEXTS,
        "annotations": _TEXTS,
        "finalizers": {"type": "array", "list": "set", "items": _TEXT},
        "ownerReferences": {
            "type": "array",
            "list": "map",
            "keys": ["uid"],
            "items": {"type": "object", "map": "atomic"},
        },
        "managedFields": {"type": "array", "list": "atomic", "items": {}},
    },
}
_OF_OBJECTS: dict[str, Node] = {"apiVersion": _TEXT, "kind": _TEXT, "metadata": _METADATA}
_UNTYPED: Node = {"map": "atomic"}
_DEDUCED: Node = {}
"""What no schema describes: maps merge field by field, lists are one value."""

_BUILTIN_KEYS = {"protocol": "TCP"}
"""The one key of a keyed list that Kubernetes' own kinds may leave out, with its default (OpenAPI of v1.37)."""


class Field(NamedTuple):
    """An entry of a map."""

    text: str
    """As managedFields writes it."""
    type: Type
    declared: bool
    """Whether the schema names it. What it does not name is a member of a field set itself, beside what is below it."""


class Type:
    """How the values at one place merge."""

    __slots__ = ("_builtin", "_lists", "_maps", "_schema", "fields", "key_defaults", "keys", "lists", "maps", "node")

    def __init__(self, node: Node, schema: Schema, builtin: bool) -> None:
        self.node = node = schema.node(node)
        self._schema = schema
        self._builtin = builtin
        opaque = builtin and node.get("preserve") and not node.get("properties")
        self.maps = ATOMIC if node.get("map") == "atomic" or opaque else GRANULAR
        self.lists = {"map": KEYED, "set": SET}.get(node.get("list", ""), ATOMIC)
        kind = node.get("type")
        self._maps = self.maps if kind in (None, "object") else ATOMIC
        self._lists = self.lists if kind in (None, "array") else ATOMIC
        self.keys: tuple[str, ...] = tuple(sorted(node.get("keys", ()))) if self.lists is KEYED else ()
        self.key_defaults: dict[str, Any] = self._key_defaults() if self.keys else {}
        self.fields: dict[str | None, Field] = {}
        """What was asked for already; `None` leads to what a map has beyond its declared fields, or a list's entries."""

    def field(self, key: str) -> Field:
        """The entry of a map under `key`."""
        found = self.fields.get(key)
        if found is not None:
            return found
        declared = self._declared(key)
        if declared is None:
            return Field(f"f:{key}", self.inner(), False)
        made = self.fields[key] = Field(f"f:{key}", Type(declared, self._schema, self._builtin), True)
        return made

    def inner(self) -> Type:
        """The type of a list's entries, or of a map's undeclared fields."""
        found = self.fields.get(None)
        if found is None:
            given = (
                self.node.get("items") if self.node.get("type") == "array" else self.node.get("additionalProperties")
            )
            node = given if isinstance(given, dict) else _UNTYPED if self.maps is ATOMIC else _DEDUCED
            found = self.fields[None] = Field("", Type(node, self._schema, self._builtin), False)
        return found.type

    def merges(self, value: Any) -> str:
        """How a value at this place merges; scalars are atomic."""
        if value.__class__ is dict:
            return self._maps
        if value.__class__ is list:
            return self._lists
        if value is None and self.node.get("type") not in _SCALARS:
            return self.lists if self.node.get("type") == "array" else self.maps
        return ATOMIC

    def key_of(self, entry: Any) -> Any:
        """What tells an entry of a keyed list apart, in the order of `keys`; the entry itself in a set."""
        if not self.keys:
            return entry
        if entry.__class__ is not dict:
            return None
        if len(self.keys) == 1:
            return entry.get(self.keys[0], self.key_defaults.get(self.keys[0]))
        return tuple([entry.get(key, self.key_defaults.get(key)) for key in self.keys])

    def _declared(self, key: str) -> Node | None:
        properties = self.node.get("properties")
        if properties is not None and key in properties:
            node: Node = properties[key]
            return node
        return _OF_OBJECTS.get(key) if self.node.get("embedded") else None

    def _key_defaults(self) -> dict[str, Any]:
        if self._builtin:
            return {key: _BUILTIN_KEYS[key] for key in self.keys if key in _BUILTIN_KEYS}
        properties = self._schema.node(self.node.get("items") or {}).get("properties") or {}
        nodes = {key: self._schema.node(properties[key]) for key in self.keys if key in properties}
        return {key: node["default"] for key, node in nodes.items() if "default" in node}


class Served(NamedTuple):
    """A version of a kind as an API server serves it."""

    type: Type
    builtin: bool = False
    """One of Kubernetes' own: decoded into Go types, which rewrite quantities and drop what is empty."""
    own_status: bool = False
    """The kind has no status subresource, so that a status is a field like others."""


def served(entry: KindEntry | None, version: str) -> Served:
    """A version of a kind; `None` for a kind that the catalogue does not know. Raises KeyError for another version.

    Of an unknown kind the server may know more: the field sets then differ, and the server is asked.
    """
    return _served(entry.file, version, entry) if entry is not None else Served(_root(Schema(_DEDUCED, []), False))


_CACHE: dict[tuple[str, str], Served] = {}


def _served(file: str, version: str, entry: KindEntry) -> Served:
    found = _CACHE.get((file, version))
    if found is None:
        builtin = entry.component == "kubernetes"
        known = entry.component != "katib"  # its CRDs have no schema; what the catalogue has is the webhook's business
        schema = load_schema(entry, version) if known else Schema(_DEDUCED, [])
        own_status = not builtin and "status" not in entry.subresources.get(version, {})
        found = _CACHE[file, version] = Served(_root(schema, builtin), builtin, own_status)
    return found


def _root(schema: Schema, builtin: bool) -> Type:
    node = schema.node(schema.root)
    return Type({**node, "properties": {**(node.get("properties") or {}), **_OF_OBJECTS}}, schema, builtin)
