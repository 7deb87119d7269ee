"""The difference of two JSON values as JSON 6902 operations, as small as keyed lists allow.

`apply(operations, before) == after` always; list entries are told apart by their key field where every entry has one.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from kfspec.diagnostics import Path

LIST_KEYS = ("name", "mountPath", "containerPort", "key", "ip", "topologyKey", "devicePath", "uid", "text")
"""Fields that tell list entries apart, the first that all entries have, each with another value (`text`: a dashboard's links)."""


class Operation(NamedTuple):
    """One step. `path` holds keys and indices; an index equal to the length appends."""

    op: Literal["add", "remove", "replace"]
    path: Path
    value: Any = None


def diff(before: Any, after: Any) -> tuple[Operation, ...]:
    """The operations that turn `before` into `after`; none if they are equal."""
    found: list[Operation] = []
    _diff(before, after, (), found)
    return tuple(found)


def _diff(before: Any, after: Any, path: Path, found: list[Operation]) -> None:
    if before is after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before:
            if key not in after:
                found.append(Operation("remove", (*path, key)))
        for key, value in after.items():
            if key not in before:
                found.append(Operation("add", (*path, key), value))
            elif before[key] is not value:
                _diff(before[key], value, (*path, key), found)
    elif isinstance(before, list) and isinstance(after, list):
        if not same(before, after):
            _diff_lists(before, after, path, found)
    elif not same(before, after):
        found.append(Operation("replace", path, after))


def same(a: Any, b: Any) -> bool:
    """Equality as JSON has it: true is not 1, but 1 is 1.0."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


def _diff_lists(before: list[Any], after: list[Any], path: Path, found: list[Operation]) -> None:
    keys = _identities(before, after)
    if keys is None:
        if len(before) == len(after):
            for n, (old, new) in enumerate(zip(before, after, strict=True)):
                _diff(old, new, (*path, n), found)
        elif len(after) > len(before) and same(before, after[: len(before)]):
            found.extend(Operation("add", (*path, n), after[n]) for n in range(len(before), len(after)))
        else:
            found.append(Operation("replace", path, after))
        return
    old_keys, new_keys = keys
    kept = [key for key in old_keys if key in set(new_keys)]
    if kept != [key for key in new_keys if key in set(old_keys)]:
        found.append(Operation("replace", path, after))  # reordered: no smaller step is clearer
        return
    wanted = set(new_keys)
    current = list(before)
    for n in range(len(before) - 1, -1, -1):
        if old_keys[n] not in wanted:
            found.append(Operation("remove", (*path, n)))
            del current[n]
    remaining = set(kept)
    for n, (key, entry) in enumerate(zip(new_keys, after, strict=True)):
        if key in remaining:
            _diff(current[n], entry, (*path, n), found)
        else:
            found.append(Operation("add", (*path, n), entry))
            current.insert(n, entry)


def _identities(before: list[Any], after: list[Any]) -> tuple[list[Any], list[Any]] | None:
    for key in LIST_KEYS:
        old, new = _identity(before, key), _identity(after, key)
        if old is not None and new is not None:
            return old, new
    return None


def _identity(entries: list[Any], key: str) -> list[Any] | None:
    values = [entry.get(key) if isinstance(entry, dict) else None for entry in entries]
    if any(not isinstance(value, str | int) for value in values) or len(set(values)) != len(values):
        return None
    return values


def apply(operations: tuple[Operation, ...], before: Any) -> Any:
    """`before` with the operations done, in order; nothing is changed in place."""
    value = before
    for operation in operations:
        value = _applied(value, operation, operation.path)
    return value


def _applied(value: Any, operation: Operation, path: Path) -> Any:
    if not path:
        return operation.value
    rest = path[1:]
    head: Any = path[0]
    changed: Any = dict(value) if isinstance(value, dict) else list(value)
    if rest:
        changed[head] = _applied(value[head], operation, rest)
    elif operation.op == "remove":
        del changed[head]
    elif operation.op == "add" and isinstance(changed, list):
        changed.insert(head, operation.value)
    else:
        changed[head] = operation.value
    return changed


def describe_path(value: Any, path: Path) -> str:
    """A path with list entries by their key: `spec.containers[name=main].env[name=A].value`."""
    out: list[str] = []
    for part in path:
        entry = None
        if isinstance(part, int) and isinstance(value, list):
            entry = value[part] if part < len(value) else None
            key = next((k for k in LIST_KEYS if isinstance(entry, dict) and isinstance(entry.get(k), str | int)), None)
            out.append(f"[{key}={entry[key]}]" if key is not None and entry is not None else f"[{part}]")
        else:
            out.append(f".{part}" if out else str(part))
            entry = value.get(part) if isinstance(value, dict) else None
        value = entry
    return "".join(out)
