"""lower: a Project's items to Kubernetes objects.

Items that an environment does not touch are the very same values as at the top level, so their objects are reused
instead of made again: `lower(project, release, reuse=earlier)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from kfspec import kinds
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics, Note, Path
from kfspec.document import locate, source_text
from kfspec.kinds.base import CodeFiles, Context, Lowered, Synced
from kfspec.resource import ObjectRef, Resource
from kfspec.spec.base import Namespaced
from kfspec.spec.project import Item, Project
from kfspec.wording import did_you_mean

if TYPE_CHECKING:
    from kfspec.catalog import Release
    from kfspec.document import Document
    from kfspec.ir.package import Package

NO_SUBSTITUTE = ("kustomize.toolkit.fluxcd.io/substitute", "disabled")
"""Keeps Flux's `postBuild.substitute` from reading another tool's `${...}` (kustomize-controller 1.9, executed)."""

_FOREIGN_DOLLAR = re.compile(r"\$\{(?!vars\.)|\$\$\{")


NO_CODE: Mapping[Path, CodeFiles] = MappingProxyType({})
NO_PACKAGES: Mapping[Path, Package] = MappingProxyType({})


class Lowering(NamedTuple):
    """All objects of one environment, in the order of the spec, and what each item became."""

    resources: tuple[Resource, ...]
    templates: tuple[Resource, ...]
    """What items are that do not run: checked, and not emitted."""
    by_item: dict[tuple[str, str], tuple[Item, Lowered]]
    surroundings: tuple[Any, ...]
    """What besides itself an item's objects depend on: equal surroundings and the same item give the same objects."""


def lower(
    project: Project,
    release: Release,
    reuse: Lowering | None = None,
    code: Mapping[Path, CodeFiles] = NO_CODE,
    packages: Mapping[Path, Package] = NO_PACKAGES,
) -> tuple[Lowering, Diagnostics]:
    """The objects of every item. Findings carry spec paths. `code`: the files that each `code:` of the spec names;
    `packages`: the compiled pipeline that each `package:` or `source:` stands for."""
    namespaces = _namespaces(project)
    settings = project.settings
    accounts = settings.externals.serviceAccounts
    surroundings = (settings.project, settings.platform, namespaces, project.default_profile, release, accounts)
    earlier = reuse.by_item if reuse is not None and reuse.surroundings == surroundings else {}
    document = project.document
    scan = bool(code or packages) or any(_FOREIGN_DOLLAR.search(text) for text in document.texts.values())
    same_sources = _SameSources(project, earlier)
    by_item: dict[tuple[str, str], tuple[Item, Lowered]] = {}
    found: list[Diagnostic] = []
    for key, item in project.items.items():
        old = earlier.get(key)
        if old is not None and old[0] is item and same_sources(item):
            by_item[key] = old
        else:
            lowered = _lower_item(item, project, release, namespaces, _Files(code, packages))
            by_item[key] = (item, _without_substitution(lowered) if scan else lowered)
        found.extend(by_item[key][1].diagnostics)
    shared, problems = _of_no_item(project, release, namespaces, by_item)
    found.extend(problems)
    kept = _kept(project, by_item)
    resources = (*(r for _, lowered in by_item.values() for r in lowered.resources if kept(r)), *shared)
    found.extend(_twice(resources, document))
    templates = tuple(r for _, lowered in by_item.values() for r in lowered.templates)
    return Lowering(resources, templates, by_item, surroundings), tuple(found)


class _Files(NamedTuple):
    """What was read for the items, by the place that names it."""

    code: Mapping[Path, CodeFiles]
    packages: Mapping[Path, Package]


def _of_no_item(
    project: Project,
    release: Release,
    namespaces: Mapping[str, str],
    by_item: Mapping[tuple[str, str], tuple[Item, Lowered]],
) -> tuple[tuple[Resource, ...], Diagnostics]:
    """The objects that no single item makes: the dashboard's, and the loops of what is synced.

    A loop knows its environment, so the top level has none.
    """
    settings, environment = project.settings, project.environment
    made: tuple[Resource, ...] = ()
    found: Diagnostics = ()
    if settings.dashboard is not None:
        from kfspec.kinds import dashboard  # few projects have one

        made, found = dashboard.lower(settings.dashboard, settings.project, release)
    synced = _synced(by_item)
    if environment is None or not (synced or settings.platform.syncImage):
        return made, found
    from kfspec.kinds.syncing import Homes, loops

    declared = tuple(namespaces[name] for block, name in project.items if block == "profiles")
    loop, problems = loops(
        settings, environment, Homes(namespaces.get(project.default_profile or ""), declared), synced
    )
    return (*made, *loop), (*found, *problems)


def _synced(by_item: Mapping[tuple[str, str], tuple[Item, Lowered]]) -> list[Synced]:
    return [one for _, lowered in by_item.values() for one in lowered.synced]


def _kept(project: Project, by_item: Mapping[tuple[str, str], tuple[Item, Lowered]]) -> Callable[[Resource], bool]:
    """Whether an item's object is emitted: what carries something for the sync is not, where that is off."""
    if project.settings.sync == "on":
        return lambda resource: True
    carried = {("ConfigMap", one.namespace, one.config_map) for one in _synced(by_item)}
    return lambda resource: resource.ref[1:] not in carried


def _namespaces(project: Project) -> dict[str, str]:
    declared = [name for block, name in project.items if block == "profiles"]
    renamed = project.settings.namespaceMap
    return {name: renamed.get(name, name) for name in (*declared, *project.settings.externals.profiles)}


class _SameSources:
    """Whether what deriving kinds read of other blocks is unchanged too; found out once for each set of blocks."""

    def __init__(self, project: Project, earlier: Mapping[tuple[str, str], tuple[Item, Lowered]]) -> None:
        self._project, self._earlier = project, earlier
        self._known: dict[tuple[str, ...], bool] = {(): True}

    def __call__(self, item: Item) -> bool:
        blocks = tuple(getattr(kinds.load(item.module), "DERIVES_FROM", ()))
        if blocks not in self._known:
            now = {key: entry for key, entry in self._project.items.items() if key[0] in blocks}
            before = {key: entry[0] for key, entry in self._earlier.items() if key[0] in blocks}
            self._known[blocks] = now.keys() == before.keys() and all(now[key] is before[key] for key in now)
        return self._known[blocks]


def _lower_item(
    item: Item,
    project: Project,
    release: Release,
    namespaces: Mapping[str, str],
    files: _Files,
) -> Lowered:
    profile = ""
    if item.block == "resources":  # may be cluster-scoped: only a profile that it names must be there
        named = getattr(item.model, "profile", None)
        problem = _profile_problem(item, named, project, namespaces) if named else None
        if problem is not None:
            return Lowered((), (problem,))
        profile = named or project.default_profile or ""
    elif isinstance(item.model, Namespaced) and not getattr(item.model, "clusterScoped", False):
        profile = item.model.profile or project.default_profile or ""
        problem = _profile_problem(item, profile, project, namespaces)
        if problem is not None:
            return Lowered((), (problem,))
    elif item.block == "profiles":
        profile = item.name
    document = project.document
    context = Context(
        project=project.settings.project,
        path=item.path,
        name=item.name,
        profile=profile,
        namespace=namespaces.get(profile, profile),
        namespaces=namespaces,
        declared=document.value,
        platform=project.settings.platform,
        release=release,
        text=lambda path: source_text(document, path),
        code=files.code.get,
        package=files.packages.get,
    )
    return kinds.load(item.module).lower(item.model, context)


def _profile_problem(item: Item, profile: str, project: Project, namespaces: Mapping[str, str]) -> Diagnostic | None:
    if not profile:
        known = f"set 'profile', or 'defaults: {{profile: {next(iter(namespaces), 'NAME')}}}'"
        return finding("KF202", f"'{item.block}.{item.name}' says no profile", item.path, at_key=True, hint=known)
    if profile in namespaces:
        return None
    own = getattr(item.model, "profile", None)
    path = (*item.path, "profile") if own else ("defaults", "profile")
    hint = did_you_mean(profile, namespaces, "declare it under 'profiles', or under 'externals: {profiles: [...]}'")
    return finding("KF201", f"profile '{profile}' is not declared", path, hint=hint)


def _without_substitution(lowered: Lowered) -> Lowered:
    key, value = NO_SUBSTITUTE
    resources = []
    for resource in lowered.resources:
        if _holds_dollar(resource.body):
            meta = resource.body["metadata"]
            annotated = {**meta, "annotations": {**meta.get("annotations", {}), key: value}}
            resource = resource._replace(body={**resource.body, "metadata": annotated})
        resources.append(resource)
    return lowered._replace(resources=tuple(resources))


def _holds_dollar(value: Any) -> bool:
    if isinstance(value, str):
        return "${" in value
    if isinstance(value, dict):
        return any(_holds_dollar(v) for v in value.values())
    return isinstance(value, list) and any(_holds_dollar(v) for v in value)


def _twice(resources: tuple[Resource, ...], document: Document) -> list[Diagnostic]:
    first: dict[ObjectRef, Resource] = {}
    found = []
    for resource in resources:
        other = first.setdefault(resource.ref, resource)
        if other is resource:
            continue
        note = Note("the first is made here", locate(document, other.item, at_key=True))
        here, there = (".".join(map(str, r.item)) for r in (resource, other))
        message = f"'{here}' and '{there}' both compile to {resource.ref}"
        hint = "give one of them another name or another profile"
        found.append(finding("KF106", message, resource.item, hint=hint, at_key=True)._replace(notes=(note,)))
    return found
