"""What a change does to what runs: the kinds' tables, looked up. A pure function, which planning asks for every update."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from kfspec import kinds
from kfspec.catalog.releases import component_of
from kfspec.diagnostics import Path, format_path
from kfspec.differ import apply, diff
from kfspec.kinds.base import Effect, Moment, Outcome
from kfspec.resource import GVK

if TYPE_CHECKING:
    from kfspec.catalog import Release

_MARKS = ("kfspec.dev/", "applyset.kubernetes.io/", "kustomize.toolkit.fluxcd.io/", "argocd.argoproj.io/")
_OWN = frozenset({"app.kubernetes.io/managed-by"})
"""Labels and annotations that are bookkeeping of whoever applies."""


class Said(NamedTuple):
    """What a change does to what runs, from the kind's effect table."""

    words: str
    outcome: Outcome
    source: str


class Leaf(NamedTuple):
    """A single value that changes."""

    path: Path
    old: Any
    new: Any


def effects(gvk: GVK, changes: Iterable[tuple[Path, Any, Any]], moment: Moment, release: Release) -> tuple[Said, ...]:
    """What changing an object of the kind does, in the order of the kind's table; one sentence is said once.

    `changes` are (path, old, new), None for what is not there.
    """
    said: dict[str, Said] = {}
    for row, leaf in spoken(gvk, changes, moment, release):
        words = row.words.format(old=_named(leaf.old), new=_named(leaf.new))
        said.setdefault(words, Said(words, row.outcome, row.source))
    return tuple(said.values())


def spoken(
    gvk: GVK, changes: Iterable[tuple[Path, Any, Any]], moment: Moment, release: Release
) -> tuple[tuple[Effect, Leaf], ...]:
    """The rows that have something to say, each with the value it speaks of, in the order of the table.

    A whole mapping or list that comes, goes or is replaced is taken apart, so that a row speaks of a field whichever way it
    changed. Each value is spoken of by one row: the longest that fits and holds. A mark of whoever applies is not worth a
    word where it would act only some time later.
    """
    rows = rows_for(gvk, release)
    found: list[tuple[int, str, Effect, Leaf]] = []
    for change in changes:
        for leaf in leaves(*change):
            place = _speaker(rows, leaf, moment)
            if place is not None and not (rows[place].outcome is Outcome.LATER and _is_mark(leaf.path)):
                found.append((place, format_path(leaf.path), rows[place], leaf))
    return tuple((row, leaf) for _, _, row, leaf in sorted(found, key=lambda each: each[:2]))


def rows_for(gvk: GVK, release: Release) -> tuple[Effect, ...]:
    """The rows of the kind's table that are true of the component's version."""
    version = release.components.get(component_of(gvk.group, gvk.kind) or "")
    return tuple(row for row in kinds.live(gvk.group, gvk.kind).EFFECTS if _applies(row.versions, version))


def _applies(versions: str, version: str | None) -> bool:
    """A row for some versions says nothing of a component that the release does not have."""
    return not versions or (version is not None and _contains(versions, version))


@lru_cache(maxsize=256)
def _contains(versions: str, version: str) -> bool:
    from packaging.specifiers import SpecifierSet  # 12 ms, and few tables ask

    return SpecifierSet(versions).contains(version, prereleases=True)


def leaves(path: Path, old: Any, new: Any) -> Iterator[Leaf]:
    """The single values that a change consists of. A list in another order is one value."""
    if isinstance(old, dict | list) and isinstance(new, dict | list) and isinstance(old, dict) is isinstance(new, dict):
        for operation in diff(old, new):
            gone = _value(old, operation.path) if operation.op != "add" else None
            old = apply((operation,), old)  # an entry of a list has its number at this step
            if operation.path:
                yield from leaves((*path, *operation.path), gone, operation.value)
            else:
                yield Leaf(path, gone, operation.value)
    elif isinstance(old, dict | list) or isinstance(new, dict | list):
        yield from (Leaf(at, value, None) for at, value in _scalars(path, old))
        yield from (Leaf(at, None, value) for at, value in _scalars(path, new))
    else:
        yield Leaf(path, old, new)


def _scalars(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict | list) and value:
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _scalars((*path, key), item)
    elif value is not None:
        yield path, value


def _value(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value


def _speaker(rows: tuple[Effect, ...], leaf: Leaf, moment: Moment) -> int | None:
    """The place in the table of the row for a value."""
    fitting = [n for n, row in enumerate(rows) if _fits(row.path, leaf.path)]
    fitting.sort(key=lambda n: (-len(rows[n].path), rows[n].path.count("*"), n))
    return next((n for n in fitting if (when := rows[n].when) is None or when(moment)), None)


def _fits(row: Path, path: Path) -> bool:
    return len(row) <= len(path) and all(want in ("*", have) for want, have in zip(row, path, strict=False))


def _is_mark(path: Path) -> bool:
    if len(path) < 3 or path[0] != "metadata" or path[1] not in ("labels", "annotations"):
        return False
    key = str(path[2])
    return key in _OWN or key.startswith(_MARKS)


def _named(value: Any) -> str:
    """A value inside of a sentence."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        value = ", ".join(map(str, value))
    if isinstance(value, dict | list):
        return "others"
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
