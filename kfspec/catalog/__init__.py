"""Releases as component versions, and the schemas of their kinds.

Nothing is read before a kind is asked for; each file is read once in a process.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from kfspec.catalog.releases import ALIASES, NATIVE_PIPELINES, RELEASES, Presence, component_of, numbers
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics
from kfspec.diagnostics import Path as SpecPath
from kfspec.wording import did_you_mean

_PACKAGED = Path(__file__).parent.parent / "_schemas"
SCHEMAS = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parent.parent.parent / "schemas"
"""The derived schemas: inside an installed package, or beside it in a checkout."""


class KindEntry(NamedTuple):
    """What the catalogue knows of a kind, without its schema."""

    group: str
    kind: str
    plural: str
    namespaced: bool
    storage_version: str
    versions: tuple[str, ...]
    """Served versions."""
    subresources: Mapping[str, Any]
    component: str
    component_version: str
    file: str
    borrowed: str | None = None
    """The component version whose schema stands in where this version's own is not in the catalogue."""


class Release(NamedTuple):
    """A set of component versions."""

    name: str
    components: Mapping[str, str]
    optional: frozenset[str]
    """Components and groups that this cluster is not known to have; who names one under `components` has it."""

    def kind(self, group: str, kind: str) -> KindEntry | None:
        """The kind as this release's component serves it; None if the component or the kind is not there."""
        component = component_of(group, kind)
        version = self.components.get(component) if component is not None else None
        if component is None or version is None:
            return None
        entry = _kinds(component, version).get(kind)
        return entry if entry is not None and entry.group == group else None

    def namespaced(self, group: str, kind: str) -> bool | None:
        """Whether objects of the kind live in namespaces; None for a kind that the catalogue does not know."""
        entry = self.kind(group, kind)
        return entry.namespaced if entry is not None else None

    def presence(self, group: str, kind: str) -> Presence:
        """Whether the default install serves the kind."""
        if self.kind(group, kind) is None:
            return Presence.ABSENT
        optional = group in self.optional or component_of(group, kind) in self.optional
        return Presence.OPTIONAL if optional else Presence.INSTALLED

    def since(self, component: str, version: str) -> bool:
        """Whether the component is of this version or a later one; False for one that the release does not have."""
        here = self.components.get(component)
        return here is not None and numbers(here) >= numbers(version)


def release(name: str, components: Mapping[str, str] | None = None) -> tuple[Release | None, Diagnostics]:
    """The release called `name`, with single components at other versions. Findings carry spec paths."""
    table = RELEASES.get(ALIASES.get(name, name))
    if table is None:
        known = [*ALIASES, *RELEASES]
        hint = did_you_mean(name, known, f"one of: {', '.join(known)}")
        return None, (finding("KF120", f"there is no release '{name}'", ("kubeflow",), hint=hint),)
    versions = dict(table.versions)
    found = []
    notes: list[Diagnostic] = []
    for component, version in (components or {}).items():
        path = ("components", component)
        have = component_versions(component)
        if not have:
            hint = did_you_mean(component, versions, f"one of: {', '.join(versions)}")
            found.append(finding("KF121", f"there is no component '{component}'", path, at_key=True, hint=hint))
        elif version not in have:
            hint = did_you_mean(version, have, f"one of: {', '.join(have)}")
            found.append(finding("KF121", f"{component} {version} is not in the catalogue", path, hint=hint))
        else:
            versions[component] = version
            notes.extend(_borrowed(component, version, path))
    if found:
        return None, tuple(found)
    named = components or {}
    optional = {each for each in table.optional if each not in named and _GROUPS.get(each) not in named}
    return Release(ALIASES.get(name, name), versions, frozenset(optional)), tuple(notes)


_GROUPS = {NATIVE_PIPELINES: "pipelines"}
"""Optional groups -> the component whose mention says that they are there."""


def _borrowed(component: str, version: str, path: SpecPath) -> Iterator[Diagnostic]:
    """Which kinds of the version are checked as another version has them."""
    others: dict[str, list[str]] = {}
    for entry in kinds_of(component, version):
        if entry.borrowed:
            others.setdefault(entry.borrowed, []).append(entry.kind)
    for other, kinds in others.items():
        message = f"{', '.join(kinds)} of {component} {version} are checked with the schemas of {other}"
        yield finding("KF127", message, path)


@lru_cache(maxsize=64)
def component_versions(component: str) -> tuple[str, ...]:
    """The versions of a component that the catalogue holds."""
    prefix = f"{component}-"
    names = (path.name.removeprefix(prefix) for path in SCHEMAS.glob(f"{prefix}*"))
    return tuple(sorted((name for name in names if name[:1].isdigit()), key=numbers))


def releases_with(group: str, kind: str) -> list[str]:
    """The releases that serve a kind, by default or as an option."""
    names = []
    for name in RELEASES:
        known, _ = release(name)
        if known is not None and known.presence(group, kind) is not Presence.ABSENT:
            names.append(name)
    return names


@lru_cache(maxsize=64)
def _kinds(component: str, version: str) -> dict[str, KindEntry]:
    directory = SCHEMAS / f"{component}-{version}"
    if not directory.is_dir():
        return {}
    index = json.loads((directory / "component.json").read_bytes())
    source = f"{component}-{index.get('sameAs', version)}"
    kinds = {
        kind: KindEntry(
            entry["group"],
            kind,
            entry["plural"],
            entry["namespaced"],
            entry["storage"],
            tuple(entry["versions"]),
            entry["subresources"],
            component,
            version,
            f"{source}/{entry['file']}",
        )
        for kind, entry in index["kinds"].items()
    }
    for other, names in index.get("borrows", {}).items():
        theirs = _kinds(component, other)
        kinds |= {kind: theirs[kind]._replace(component_version=version, borrowed=other) for kind in names}
    return kinds


def versions_with(component: str, kind: str) -> list[str]:
    """The versions of a component that serve a kind."""
    return [version for version in component_versions(component) if kind in _kinds(component, version)]


def kinds_of(component: str, version: str) -> tuple[KindEntry, ...]:
    """Every kind of a component's version."""
    return tuple(_kinds(component, version).values())
