"""Server-side apply on values: merging, taking out what is no longer applied, comparing.

Source: structured-merge-diff v6.4 `merge/update.go`, `typed/merge.go`, `typed/remove.go`, `typed/compare.go`. Sets are FieldsV1
with every membership written out: a place that is in the set has `.` below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kfspec.differ import same
from kfspec.ssa.fieldsets import Fields, below, element
from kfspec.ssa.types import ATOMIC, GRANULAR, Type

ABSENT: Any = object()
"""No value, which is not null."""

_SELF: Fields = {".": {}}


# -- sets -------------------------------------------------------------------------------------------------------------


def opened(fields: Fields) -> Fields:
    """A set of FieldsV1 with its memberships written out."""
    return {key: opened(inner) if inner else _SELF for key, inner in fields.items() if key != "."} | (
        _SELF if "." in fields else {}
    )


def whole_set(kind: Type, value: Any) -> Fields:
    """The set of all that a value has."""
    return opened(below(kind, value) or {})


def union(sets: Iterable[Fields]) -> Fields:
    """What any of the sets has."""
    result: Fields = {}
    for each in sets:
        for key, inner in each.items():
            result[key] = union((result[key], inner)) if key in result else inner
    return result


def difference(one: Fields, other: Fields) -> Fields:
    """What `one` has and `other` has not."""
    result: Fields = {}
    for key, inner in one.items():
        rest = inner if key not in other else difference(inner, other[key])
        if rest or (key == "." and "." not in other):
            result[key] = rest
    return result


def intersection(one: Fields, other: Fields) -> Fields:
    """What both have."""
    result: Fields = {}
    for key, inner in one.items():
        if key in other:
            common = intersection(inner, other[key])
            if common or key == ".":
                result[key] = common
    return result


def named(fields: Fields, kind: Type) -> Fields:
    """The set with the declared fields that lie on the way to its members, which sets leave out."""
    result: Fields = {}
    for key, inner in fields.items():
        if key == ".":
            result[key] = inner
            continue
        field = kind.field(key[2:]) if key[:1] == "f" else None
        deeper = named(inner, field.type if field is not None else kind.inner())
        result[key] = deeper | _SELF if field is not None and field.declared else deeper
    return result


def members(fields: Fields, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The places in a set."""
    if "." in fields:
        yield at
    for key, inner in fields.items():
        if key != ".":
            yield from members(inner, (*at, key))


# -- merging ----------------------------------------------------------------------------------------------------------


def merge(kind: Type, live: Any, applied: Any) -> Any:
    """`applied` over `live`."""
    if applied is ABSENT:
        return live
    how = kind.merges(applied)
    if live is ABSENT or how == ATOMIC:
        return applied
    if how == GRANULAR:
        old = live if isinstance(live, dict) else {}
        if not old and not applied:
            return applied
        given = applied or {}
        merged = {key: merge(kind.field(key).type, value, given.get(key, ABSENT)) for key, value in old.items()}
        return merged | {key: value for key, value in given.items() if key not in old}
    entries = live if isinstance(live, list) else []
    if not entries and not applied:
        return applied
    return _merge_entries(kind, entries, applied or [])


def _merge_entries(kind: Type, live: list[Any], applied: list[Any]) -> list[Any]:
    """Applied entries in their order; what only the live list has stays between its neighbours."""
    left, right = [element(kind, entry) for entry in live], [element(kind, entry) for entry in applied]
    had = {key: entry if left.count(key) == 1 else None for key, entry in zip(left, live, strict=True)}
    gives = dict(zip(right, applied, strict=True))
    shared = [key for key in right if key in had]
    out: list[Any] = []
    done: set[str] = set()
    inner = kind.inner()
    i = j = 0
    while i < len(left) or j < len(right):
        if i < len(left) and j < len(right):
            if left[i] == right[j]:
                done.add(left[i])
                out.append(merge(inner, had[left[i]], gives[left[i]]))
                i, j = i + 1, j + 1
                shared = shared[1:]
                continue
            if left[i] in gives and shared and shared[0] != left[i]:
                i += 1
                continue
        if i < len(left):
            if left[i] not in gives:
                out.append(live[i])
                i += 1
                continue
            if left[i] in done:
                i += 1
        if j < len(right):
            key = right[j]
            done.add(key)
            out.append(merge(inner, had.get(key, ABSENT), gives[key]))
            j += 1
            if shared and shared[0] == key:
                shared = shared[1:]
    return out


# -- taking out -------------------------------------------------------------------------------------------------------


def remove(kind: Type, value: Any, fields: Fields) -> Any:
    """The value without the places of a set; null where nothing is left."""
    how = kind.merges(value)
    if how == ATOMIC:
        return value if not isinstance(value, dict | list) else None
    if not value:
        return None
    if how == GRANULAR:
        kept = {}
        for key, item in value.items():
            text, inner, _ = kind.field(key)
            gone = fields.get(text)
            if gone is None or "." not in gone:
                kept[key] = remove(inner, item, gone) if gone else item
        return kept or None
    left = []
    for item in value:
        gone = fields.get(element(kind, item))
        if gone is None or "." not in gone:
            left.append(remove(kind.inner(), item, gone) if gone else item)
    return left or None


def prune(kind: Type, merged: Any, last: Fields, managed: Fields) -> Any:
    """The merged object without what its manager applied before and nobody owns any more.

    `last`: the manager's set before; `managed`: what all managers own now. What was removed takes along what lay below it
    and belongs to nobody, and what was not the manager's own comes back.
    """
    if not difference(last, managed):
        return merged
    last, managed = named(last, kind), named(managed, kind)
    every = named(whole_set(kind, merged), kind)
    rest = named(whole_set(kind, remove(kind, merged, last)), kind)
    kept = remove(kind, merged, difference(every, union((rest, managed))))
    rest = named(whole_set(kind, kept), kind)
    return remove(kind, merged, intersection(difference(every, rest), last))


# -- comparing --------------------------------------------------------------------------------------------------------


def changed(kind: Type, live: Any, new: Any) -> Fields:
    """The places whose value `new` adds or makes another."""
    if new is ABSENT:
        return {}
    how, before = kind.merges(new), ATOMIC if live is ABSENT else kind.merges(live)
    if how == ATOMIC:
        return {} if live is not ABSENT and same(live, new) else _SELF
    if live is ABSENT and not new:
        return _SELF
    found: Fields = _SELF if live is ABSENT or (before == ATOMIC and live is not None) else {}
    if not new and not live:
        return _SELF if not same(live, new) else {}
    if how == GRANULAR:
        old = live if isinstance(live, dict) else {}
        pairs = [(kind.field(key), old.get(key, ABSENT), value) for key, value in (new or {}).items()]
        inner = {field.text: changed(field.type, was, value) for field, was, value in pairs}
    else:
        inner = _changed_entries(kind, live if isinstance(live, list) else [], new or [])
    return found | {key: value for key, value in inner.items() if value}


def _changed_entries(kind: Type, live: list[Any], new: list[Any]) -> Fields:
    old: dict[str, list[Any]] = {}
    now: dict[str, list[Any]] = {}
    for table, values in ((old, live), (now, new)):
        for entry in values:
            table.setdefault(element(kind, entry), []).append(entry)
    found: Fields = {}
    for key, given in now.items():
        was = old.get(key, [])
        if len(given) == 1:
            found[key] = changed(kind.inner(), was[0] if len(was) == 1 else ABSENT, given[0])
        elif len(was) < 2 or not same(was, given):
            found[key] = _SELF
    return found
