"""Who owns what: the field sets of `metadata.managedFields`, and whether an apply would change nothing.

Source: structured-merge-diff v6.4 `typed/tofieldset.go`, `typed/merge.go`, `fieldpath/serialize.go`; apimachinery v0.37
`pkg/util/managedfields/internal`. Held to the real API server for every kind by tests.

A recorded set tells how the server merges: it lists what is below a map or a keyed list, and nothing below what is one value.
So where the catalogue's schema is not the cluster's, the sets differ, and the server is asked: never the other way.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from json.encoder import encode_basestring
from typing import Any, NamedTuple, TypeAlias

from kfspec.diagnostics import Path
from kfspec.differ import same
from kfspec.resource import Body
from kfspec.ssa.types import ATOMIC, GRANULAR, KEYED, Served, Type

Fields: TypeAlias = dict[str, Any]
"""FieldsV1 as JSON: `f:` a field, `k:` an entry of a keyed list, `v:` a member of a set, `.` the place itself."""

UNOWNED = frozenset(
    {
        *("name", "namespace", "creationTimestamp", "selfLink", "uid"),
        *("clusterName", "generation", "managedFields", "resourceVersion"),
    }
)
"""Metadata that no manager ever owns (`stripmeta.go`)."""

_ABSENT: Any = object()
_NOTHING: Fields = {}


class Owner(NamedTuple):
    """One that holds a place of a live object."""

    manager: str
    operation: str
    """`Apply` or `Update`."""
    time: str
    """Of its last change, RFC 3339; "" where the server recorded none."""


def entries(live: Body) -> list[dict[str, Any]]:
    """The entries of `metadata.managedFields`."""
    found = live["metadata"].get("managedFields")
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def own_entries(live: Body, manager: str) -> list[dict[str, Any]]:
    """The entries of one manager, whatever the operation, subresource and version."""
    return [entry for entry in entries(live) if entry.get("manager") == manager]


# -- the set of an applied object -------------------------------------------------------------------------------------


def field_set(body: Body, served: Served) -> Fields:
    """The fields that applying `body` gives to its manager, as `canonical` writes them."""
    fields: Fields = {}
    for key, value in body.items():
        if key in ("apiVersion", "kind") or (key == "status" and not served.own_status):
            continue
        if key == "metadata" and isinstance(value, dict):
            value = {name: inner for name, inner in value.items() if name not in UNOWNED}
            if not value:
                continue
        _add_field(fields, served.type, key, value)
    return fields


def below(kind: Type, value: Any) -> Fields | None:
    """What the set has below a value: {} for a value that is one, None where there is nothing."""
    how = kind.merges(value)
    if how == ATOMIC:
        return {}
    if not value:
        return None
    fields: Fields = {}
    if how == GRANULAR:
        for key, item in value.items():
            _add_field(fields, kind, key, item)
        return fields or None
    texts = [element(kind, item) for item in value]
    for text, item in zip(texts, value, strict=True):
        if texts.count(text) > 1:  # only another writer can leave such entries: the server keeps them as one
            fields[text] = {}
            continue
        inner = below(kind.inner(), item) if how == KEYED else None
        fields[text] = {".": {}, **inner} if inner else {}
    return fields


def _add_field(fields: Fields, kind: Type, key: str, value: Any) -> None:
    text, inner, declared = kind.field(key)
    found = below(inner, value)
    if not declared:
        found = {".": {}, **found} if found else {}
    elif value is None or value == {}:
        found = {}
    if found is not None:
        fields[text] = found


def element(kind: Type, entry: Any) -> str:
    """How a set names an entry of a keyed list or a member of a set."""
    if not kind.keys:
        return f"v:{_json(entry)}"
    told = []
    for name in kind.keys if isinstance(entry, dict) else ():
        value = entry.get(name, kind.key_defaults.get(name))
        if value is not None:
            told.append(f'"{name}":{encode_basestring(value) if value.__class__ is str else _json(value)}')
    return f"k:{{{','.join(told)}}}"


def canonical(fields: Fields) -> Fields:
    """The same set, its texts as this module writes them: Go escapes `<`, `>` and `&`."""
    return {
        _canonical(key) if key[:1] in ("k", "v") else key: canonical(inner) if isinstance(inner, dict) else {}
        for key, inner in fields.items()
    }


def _canonical(key: str) -> str:
    try:
        return key[:2] + _json(json.loads(key[2:]))
    except ValueError:
        return key


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


# -- the no-request rule ----------------------------------------------------------------------------------------------


def unchanged(desired: Body, live: Body, manager: str, served: Served) -> bool:
    """Whether applying `desired` as `manager` surely leaves all that it says as it is, so that nobody need be asked.

    Exactly one entry of managedFields has the manager; it is an apply, of no subresource, in the same apiVersion; its set is
    the desired one; all that is owned is equal as JSON; entries of keyed lists and sets stand in the desired order.
    """
    version = desired["apiVersion"]
    if live.get("apiVersion") != version:
        return False
    own = own_entries(live, manager)
    if len(own) != 1 or own[0].get("operation") != "Apply" or own[0].get("subresource"):
        return False
    owned = own[0].get("fieldsV1")
    if own[0].get("apiVersion") != version or not isinstance(owned, dict):
        return False
    seen = 0
    for key, value in desired.items():
        if key == "apiVersion" or key == "kind" or (key == "status" and not served.own_status):
            continue
        field = served.type.field(key)
        held = owned.get(field.text)
        if key == "metadata":
            held = _held_metadata(field.type, value, live["metadata"], held)
        else:
            held = _held(field.type, field.declared, value, live.get(key, _ABSENT), held)
        if held < 0:
            return False
        seen += held
    return seen == len(owned)


def _held_metadata(kind: Type, desired: dict[str, Any], live: dict[str, Any], owned: Fields | None) -> int:
    wanted = {key: value for key, value in desired.items() if key not in UNOWNED}
    if not wanted:
        return 0 if owned is None else -1
    return _held(kind, True, wanted, live, owned)


def _held(kind: Type, declared: bool, desired: Any, live: Any, owned: Fields | None) -> int:
    """How many entries of the owner's set this place accounts for, 0 or 1; -1 where set or value is another."""
    if owned is not None and owned.__class__ is not dict:
        return -1
    how = kind.merges(desired)
    if how == ATOMIC or desired is None:
        return 1 if owned == _NOTHING and _equal(desired, live) else -1
    if live.__class__ is not desired.__class__:
        return -1
    if how != GRANULAR:
        seen = _held_entries(kind, how, desired, live, owned or _NOTHING)
    elif desired:
        seen = _held_fields(kind, desired, live, owned or _NOTHING)
    else:
        return 1 if owned == _NOTHING else -1
    if seen < 0:
        return -1
    if owned is None:  # an empty keyed list leaves no trace, but in a field that the schema does not name
        return 0 if declared else -1
    if not declared and owned:
        seen += 1 if "." in owned else -1
    return 1 if seen == len(owned) and (seen or not declared) else -1


def _held_fields(kind: Type, desired: dict[str, Any], live: dict[str, Any], owned: Fields) -> int:
    known = kind.fields
    seen = 0
    for key, value in desired.items():
        now = live.get(key, _ABSENT)
        text, inner, declared = known.get(key) or kind.field(key)
        if value.__class__ is str:
            if value != now or owned.get(text) != _NOTHING:
                return -1
            seen += 1
            continue
        held = _held(inner, declared, value, now, owned.get(text))
        if held < 0:
            return -1
        seen += held
    return seen


def _held_entries(kind: Type, how: str, desired: list[Any], live: list[Any], owned: Fields) -> int:
    """The same for a keyed list or a set. The server keeps the order of what it has, where that is the desired one."""
    identities = [kind.key_of(entry) for entry in live]
    wanted = [kind.key_of(entry) for entry in desired]
    if identities != wanted and [key for key in identities if key in wanted] != wanted:
        return -1
    if how != KEYED:
        alike = same([entry for entry in live if entry in desired], desired)
        return len(desired) if alike and _texts(kind, desired, owned) == [_NOTHING] * len(desired) else -1
    items = kind.inner()
    at = -1
    for key, entry, text in zip(wanted, desired, _texts(kind, desired, owned), strict=True):
        at = identities.index(key, at + 1)
        if text.__class__ is not dict or entry.__class__ is not dict or live[at].__class__ is not dict:
            return -1
        if items.maps == ATOMIC:
            if text or not _equal(entry, live[at]):
                return -1
            continue
        seen = _held_fields(items, entry, live[at], text)
        if seen < 0 or seen + (1 if "." in text else 0) != len(text) or (text and "." not in text):
            return -1
    return len(desired)


def _texts(kind: Type, desired: list[Any], owned: Fields) -> list[Fields | None]:
    """What the owner's set has below each entry. Most names need no escapes, so that Go's text is found as it is."""
    found = [owned.get(element(kind, entry)) for entry in desired]
    if None in found:
        known = {_canonical(key): inner for key, inner in owned.items()}
        found = [known.get(element(kind, entry)) for entry in desired]
    return found


def _equal(desired: Any, live: Any) -> bool:
    """JSON equality that tells true from 1; Go too takes 1 for 1.0 (`value.EqualsUsing`)."""
    if live is _ABSENT or desired != live:
        return False
    return desired.__class__ is str or same(desired, live)


# -- who holds a place ------------------------------------------------------------------------------------------------


def owners(live: Body, path: Path, served: Served) -> list[Owner]:
    """Who holds the value at `path` of a live object (indices for entries of lists), or the nearest thing around it that is
    one value. Those who hold something below it, where it is a map or a keyed list."""
    found = []
    place = list(_place(live, path, served))
    for entry in entries(live):
        fields = entry.get("fieldsV1")
        if isinstance(fields, dict) and _holds(fields, place):
            found.append(
                Owner(str(entry.get("manager", "")), str(entry.get("operation", "")), str(entry.get("time") or ""))
            )
    return found


def _place(live: Body, path: Path, served: Served) -> Iterator[str]:
    """The path in the words of a field set, as far as values are not one."""
    kind: Type = served.type
    value: Any = live
    for part in path:
        how = kind.merges(value)
        if how == GRANULAR and isinstance(part, str):
            text, kind, _ = kind.field(part)
            value = value.get(part) if isinstance(value, dict) else None
        elif how not in (ATOMIC, GRANULAR) and isinstance(part, int) and 0 <= part < len(value or ()):
            text = element(kind, value[part])
            kind, value = kind.inner(), value[part]
        else:
            return
        yield text


def _holds(fields: Fields, place: list[str]) -> bool:
    for part in place:
        inner = fields.get(part)
        if inner is None and part[:1] in "kv":
            inner = {_canonical(key): below for key, below in fields.items()}.get(part)
        if inner is None:
            return False
        fields = inner
    return True
