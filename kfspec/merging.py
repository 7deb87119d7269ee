"""Deep merge of values and, in step with them, of their marks. Nothing is changed in place; what is untouched is shared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from kfspec.yamlio.marks import Node

KEYED_LISTS: Mapping[str, str] = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "ports": "containerPort",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    "parameters": "name",
    "trialParameters": "name",
    "algorithmSettings": "name",
    "resourceClaims": "name",
    "replicatedJobs": "name",
}
"""Lists that upstream keys, by field name -> the key field. They merge by key and take the map form."""

MAP_FORM_KEYS: Mapping[str, str] = {"volumeMounts": "name", "ports": "name"}
"""Where the map form goes by another field than the one that identifies a list entry."""


class Marked(NamedTuple):
    """A value and its marks."""

    value: Any
    node: Node


def merge(under: Marked, over: Marked, field: str = "") -> Marked:
    """`over` laid on `under`: mappings merge, keyed lists merge by key, null removes, everything else replaces.

    `field` is the name of the field that holds the two, which tells whether a list is a keyed one.
    """
    if isinstance(under.value, dict) and isinstance(over.value, dict):
        return _merge_maps(under, over)
    key = KEYED_LISTS.get(field)
    if key is not None and isinstance(under.value, list) and isinstance(over.value, list):
        return _merge_lists(under, over, key)
    if key is not None and isinstance(under.value, list) and isinstance(over.value, dict):
        as_map = to_map(under, MAP_FORM_KEYS.get(field, key))
        return _merge_maps(as_map, over) if as_map is not None else over
    if key is not None and isinstance(under.value, dict) and isinstance(over.value, list):
        as_map = to_map(over, MAP_FORM_KEYS.get(field, key))
        return _merge_maps(under, as_map) if as_map is not None else over
    return over


def _merge_maps(under: Marked, over: Marked) -> Marked:
    if not over.value:
        return under
    value = dict(under.value)
    children = dict(under.node.children)
    keys = dict(under.node.keys or {})
    over_keys = over.node.keys or {}
    for key, item in over.value.items():
        node = over.node.children[key]
        if item is None:
            value.pop(key, None)
            children.pop(key, None)
            keys.pop(key, None)
            continue
        if key in value:
            merged = merge(Marked(value[key], children[key]), Marked(item, node), key)
        else:
            merged = without_nulls(Marked(item, node))
        value[key], children[key] = merged
        if key not in keys or merged.node is node:
            keys[key] = over_keys.get(key, node.at)
    return Marked(value, Node(under.node.at, children, keys))


def _merge_lists(under: Marked, over: Marked, key: str) -> Marked:
    """By key; entries without one, or with one given twice, make it a plain replacement."""
    places = {entry[key]: n for n, entry in enumerate(under.value) if _keyed(entry, key)}
    if len(places) != len(under.value) or not all(_keyed(entry, key) for entry in over.value):
        return over
    values, nodes = list(under.value), list(under.node.children)
    for entry, node in zip(over.value, over.node.children, strict=True):
        at = places.get(entry[key])
        if at is None:
            values.append(entry)
            nodes.append(node)
        else:
            values[at], nodes[at] = _merge_maps(Marked(values[at], nodes[at]), Marked(entry, node))
    return Marked(values, Node(under.node.at, nodes))


def _keyed(entry: Any, key: str) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get(key), str | int)


def to_map(marked: Marked, key: str) -> Marked | None:
    """A keyed list in its map form, None where an entry has no such key or two have the same."""
    value: dict[str, Any] = {}
    children: dict[str, Node] = {}
    keys = {}
    for entry, node in zip(marked.value, marked.node.children, strict=True):
        name = entry.get(key) if isinstance(entry, dict) else None
        if not isinstance(name, str) or name in value:
            return None
        rest = {k: v for k, v in entry.items() if k != key}
        inner = {k: v for k, v in node.children.items() if k != key}
        value[name] = rest
        children[name] = Node(node.at, inner, {k: v for k, v in node.keys.items() if k != key})
        at = node.children[key]
        keys[name] = at.at
    return Marked(value, Node(marked.node.at, children, keys))


def without_nulls(marked: Marked) -> Marked:
    """The value less the fields that say null: what is new in an environment has nothing to remove."""
    value = marked.value
    if not isinstance(value, dict) or not _has_null(value):
        return marked
    kept = {k: without_nulls(Marked(v, marked.node.children[k])) for k, v in value.items() if v is not None}
    keys = {k: v for k, v in (marked.node.keys or {}).items() if k in kept}
    node = Node(marked.node.at, {k: m.node for k, m in kept.items()}, keys)
    return Marked({k: m.value for k, m in kept.items()}, node)


def _has_null(value: dict[str, Any]) -> bool:
    return any(v is None or (isinstance(v, dict) and _has_null(v)) for v in value.values())


def at(marked: Marked, *keys: str) -> Marked | None:
    """The part of a mapping below `keys`, None where it is not there."""
    for key in keys:
        if not isinstance(marked.value, dict) or key not in marked.value:
            return None
        marked = Marked(marked.value[key], marked.node.children[key])
    return marked


def without(marked: Marked, drop: frozenset[str]) -> Marked:
    """A mapping less some keys."""
    value = {k: v for k, v in marked.value.items() if k not in drop}
    children = {k: v for k, v in marked.node.children.items() if k in value}
    keys = {k: v for k, v in (marked.node.keys or {}).items() if k in value}
    return Marked(value, Node(marked.node.at, children, keys))


def with_key(marked: Marked, key: str, new: Marked) -> Marked:
    """A mapping with one key set, at the place that the key has already, or at the new value's."""
    keys = dict(marked.node.keys or {})
    keys.setdefault(key, new.node.at)
    node = Node(marked.node.at, {**marked.node.children, key: new.node}, keys)
    return Marked({**marked.value, key: new.value}, node)
