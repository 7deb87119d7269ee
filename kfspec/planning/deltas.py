"""The values that a change changes, who holds them, and whether somebody else changed them before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from kfspec.diagnostics import Path
from kfspec.differ import Operation, apply, describe_path, diff
from kfspec.kinds.base import digest8
from kfspec.live import Seen
from kfspec.planning.payloads import opened, path_inside
from kfspec.planning.values import Delta
from kfspec.resource import Body, ObjectRef
from kfspec.ssa.fieldsets import Owner, own_entries, owners
from kfspec.ssa.types import Served

_SERVERS = frozenset({"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"})
"""Metadata that the API server writes at every change."""

MASKED = "(secret)"


class Step(NamedTuple):
    """One changed value, by its path in the object."""

    path: Path
    old: Any
    new: Any


def record_key(ref: ObjectRef) -> str:
    """An object's key among the digests of what was applied last."""
    return digest8(list(ref))


def record_digest(body: Body) -> str:
    """What an object was when it was applied."""
    return digest8(body)


def deltas(
    seen: Seen, manager: str, served: Served, applied: Mapping[str, str]
) -> tuple[tuple[Delta, ...], tuple[Step, ...]]:
    """What applying changes in a live object, for people and for the effect tables; both empty if nothing."""
    if seen.live is None or seen.verdict is None or seen.verdict.body is None:
        return (), ()
    before, after = comparable(seen.live), comparable(seen.verdict.body)
    unmoved = seen.desired is not None and applied.get(record_key(seen.ref)) == record_digest(seen.desired)
    ours = [entry.get("time") or "" for entry in applied_by(seen.live, manager)]
    since = max(ours, default="")
    found = []
    inside = opened(before, after)
    for place, step in _changes(inside.before, inside.after):
        key = step.path[1] if step.path[:1] == ("data",) and len(step.path) > 1 else None
        taken_apart = key in inside.keys
        holders = [
            o for o in owners(seen.live, step.path[:2] if taken_apart else step.path, served) if o.manager != manager
        ]
        drift = bool(ours) and (unmoved or _touched_since(holders, since))
        path = describe_path(place, step.path)
        if taken_apart:
            path = path_inside(str(key), describe_path(place["data"][key], step.path[2:]))
        names = tuple(dict.fromkeys(o.manager for o in holders))
        old, new = (_masked(seen.ref, step.path, value) for value in (step.old, step.new))
        found.append(Delta(step.op, path, old, new, names, drift))
    return tuple(found), tuple(Step(*step[1:]) for _, step in _changes(before, after))


class _Change(NamedTuple):
    op: str
    path: Path
    old: Any
    new: Any


def _changes(before: Body, after: Body) -> Iterator[tuple[Any, _Change]]:
    """What leads from one state to the other, each with the state in which its path can be told."""
    current: Any = before
    for operation in diff(before, after):
        following = apply((operation,), current)
        change = _Change(operation.op, operation.path, _old(current, operation), operation.value)
        yield (current if operation.op == "remove" else following), change
        current = following


def applied_by(live: Body, manager: str) -> list[dict[str, Any]]:
    """The manager's entries of an object that are of the object itself: it is the manager's if there is one.

    A caller who may not patch creates and updates whole objects, and such an entry is no apply.
    """
    return [entry for entry in own_entries(live, manager) if not entry.get("subresource")]


def comparable(body: Body) -> Body:
    """An object without what the server and the controllers keep in it."""
    meta = {key: value for key, value in (body.get("metadata") or {}).items() if key not in _SERVERS}
    return {**{key: value for key, value in body.items() if key != "status"}, "metadata": meta}


def _old(value: Any, operation: Operation) -> Any:
    if operation.op == "add":
        return None
    for part in operation.path:
        value = value[part]
    return value


def _touched_since(holders: Iterable[Owner], since: str) -> bool:
    """Whether another manager wrote the place after the project did: times are RFC 3339 in UTC, and sort as text.

    A field that somebody else set before the spec ever said it is no drift: the spec is new there.
    """
    return any(holder.time >= since for holder in holders)


def _masked(ref: ObjectRef, path: Path, value: Any) -> Any:
    """A Secret's values never leave here; which of its keys change may be said."""
    if (ref.group, ref.kind) != ("", "Secret") or value is None or path[:1] not in (("data",), ("stringData",)):
        return value
    return dict.fromkeys(value, MASKED) if isinstance(value, dict) else MASKED


def within(desired: Any, live: Any) -> bool:
    """Whether all that `desired` says stands in `live`, which may hold defaults besides."""
    if isinstance(desired, dict):
        return isinstance(live, dict) and all(
            key in live and within(value, live[key]) for key, value in desired.items()
        )
    if isinstance(desired, list):
        same_length = isinstance(live, list) and len(live) == len(desired)
        return same_length and all(within(a, b) for a, b in zip(desired, live, strict=True))
    return bool(desired == live)
