"""A kind's structural schema: nodes, and the way through them.

See `kfspec.catalog.importer` for the words of a node.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from kfspec.catalog import SCHEMAS, KindEntry
from kfspec.diagnostics import Path

Node: TypeAlias = dict[str, Any]


class Schema(NamedTuple):
    """One served version of a kind."""

    root: Node
    parts: list[Node]

    def node(self, node: Node) -> Node:
        """The node itself, a reference to a part followed."""
        while "$" in node:
            node = self.parts[node["$"]]
        return node

    def at(self, path: Path) -> Node | None:
        """The node of a path in an object, None where the schema knows nothing of it."""
        node = self.node(self.root)
        for part in path:
            inner = self.child(node, part)
            if inner is None:
                return None
            node = inner
        return node

    def child(self, node: Node, part: str | int) -> Node | None:
        """The node below a key or an index."""
        if isinstance(part, int):
            items = node.get("items")
            return self.node(items) if isinstance(items, dict) else None
        properties = node.get("properties")
        if properties and part in properties:
            return self.node(properties[part])
        extra = node.get("additionalProperties")
        return self.node(extra) if isinstance(extra, dict) else None


def load_schema(entry: KindEntry, version: str) -> Schema:
    """The schema of a served version. Raises KeyError for a version that the kind does not have."""
    return _load(entry.file, version)


@lru_cache(maxsize=256)
def _load(file: str, version: str) -> Schema:
    versions = json.loads((SCHEMAS / file).read_bytes())["versions"]
    return Schema(versions[version], _parts(file.rsplit("/", 1)[0]))


@lru_cache(maxsize=64)
def _parts(directory: str) -> list[Node]:
    parts: list[Node] = json.loads((SCHEMAS / directory / "parts.json").read_bytes())
    return parts


def list_keys(schema: Schema, path: Path) -> tuple[str, ...]:
    """The fields that tell the entries of the list at `path` apart; empty for a list that is one value."""
    node = schema.at(path)
    return tuple(node.get("keys", ())) if node is not None and node.get("list") == "map" else ()
