"""Two releases compared over one spec: it is lowered and judged for both, and what differs is the upgrade."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path as FilePath
from typing import NamedTuple, TypeAlias

from kfspec import kinds
from kfspec.catalog import Release, release
from kfspec.catalog.releases import RELEASES, numbers
from kfspec.codes import finding_at
from kfspec.diagnostics import Diagnostic, Diagnostics, Note, Path, Pos, Severity, has_errors
from kfspec.differ import diff
from kfspec.document import Document, locate
from kfspec.packages import Execution
from kfspec.pipeline import Environment, Prepared, prepare
from kfspec.resource import ObjectRef, Resource
from kfspec.upgrading import advice, jobs, texts
from kfspec.upgrading.texts import Place
from kfspec.upgrading.values import (
    OPTIONAL,
    Advice,
    Change,
    Component,
    EnvironmentUpgrade,
    FileChange,
    Finding,
    Refused,
    Rewritten,
    Upgrade,
)

_VERSION = re.compile(r"\d+(?:\.\d+)+")
_ONLY_IN = re.compile("in environments? (.+)")
_Key: TypeAlias = tuple[str, str, Path, str]


class _Spec(NamedTuple):
    """A spec on disk, and how to look at it with other contents in its files."""

    path: FilePath
    execution: Execution

    def prepare(self, contents: Mapping[str, str]) -> Prepared:
        instead = {FilePath(file).resolve(): text.encode() for file, text in contents.items()}
        return prepare(self.path, (), self.execution, instead)


def upgrade(
    path: FilePath, to: str, execution: Execution = Execution.PASSED_OVER, *, rewrite_jobs: bool = False
) -> Upgrade | Refused:
    """What the release `to`, which there must be, means to a spec. Nothing is written."""
    spec = _Spec(path, execution)
    old = spec.prepare({})
    found = old.judge()
    if old.document is None or has_errors(found) or any(r.release is None for r in old.results):
        return Refused(found, old.build.texts)
    files = texts.written(old.document.texts)
    effective = _file_of_release(old.document)
    target, _ = release(to)
    assert target is not None  # the caller has looked
    moves = any(r.release is not None and r.release.name != target.name for r in old.results)
    analysed = list(texts.release_places(files, str(path), effective, to, last=True)) if moves else []
    new = spec.prepare(_contents(files, analysed))
    places = list(texts.release_places(files, str(path), effective, to)) if moves else []
    places += _modes(files, old, new)
    planned = jobs.plan(files, old.document, _serves_train_jobs(new)) if rewrite_jobs else []
    after = new.judge()
    planned = _good(spec, files, places, planned, after)
    places += (place for each in planned for place in each.places)
    contents = _contents(files, places)
    lost = [place for place in places if place.path[-1:] == texts.RELEASE and place.file not in contents]
    if (moves and not places) or lost:
        message = "'kubeflow' cannot be rewritten without losing a comment or a value"
        here = locate(old.document, texts.RELEASE)
        return Refused((finding_at("KF073", message, here, hint="write it by hand"),), old.build.texts)
    final = spec.prepare(contents)
    return _compared(old, new, final, (found, after))._replace(
        spec=str(path),
        to=to,
        release=target.name,
        rewritten=tuple(_told(files, places, str(path))),
        jobs=tuple(each.job for each in planned),
        files=tuple(FileChange(file, files[file].texts[file], text) for file, text in sorted(contents.items())),
    )


def _file_of_release(document: Document) -> str | None:
    node = texts.node_at(document, texts.RELEASE)
    return node.at[0] if node is not None else None


def _contents(files: Mapping[str, Document], places: Iterable[Place]) -> dict[str, str]:
    """The files that the edits change. What one of them would spoil stays as it is; the findings then stay too."""
    by_file: dict[str, list[Place]] = {}
    for place in places:
        by_file.setdefault(place.file, []).append(place)
    made = {file: texts.whole(files[file], edits) for file, edits in by_file.items()}
    return {file: text for file, text in made.items() if text is not None}


def _modes(files: Mapping[str, Document], old: Prepared, new: Prepared) -> list[Place]:
    """The edits of deployment modes, where all environments go the same way over the version that renames them."""
    ways = set()
    for before, after in _pairs(old, new):
        if before.release is not None and after.release is not None:
            ways.add((before.release.since("kserve", "0.16"), after.release.since("kserve", "0.16")))
    if len(ways) != 1:
        return []
    return list(texts.mode_places(files, texts.renamed_modes(*ways.pop())))


def _serves_train_jobs(new: Prepared) -> bool:
    return all(r.release is not None and r.release.kind("trainer.kubeflow.org", "TrainJob") for r in new.results)


def _pairs(one: Prepared, other: Prepared) -> Iterator[tuple[Environment, Environment]]:
    for result in one.results:
        same = other.environment(result.name)
        if same is not None:
            yield result, same


def _told(files: Mapping[str, Document], places: Iterable[Place], spec: str) -> list[Rewritten]:
    told = {texts.told(files, place, spec): None for place in places}
    return sorted(told, key=lambda r: (r.pos.file, r.pos.line, r.pos.column))


def _good(
    spec: _Spec, files: Mapping[str, Document], places: list[Place], planned: list[jobs.JobPlan], known: Diagnostics
) -> list[jobs.JobPlan]:
    """The plans without those that would bring an error into the spec."""
    if not any(each.places for each in planned):
        return planned
    contents = _contents(files, [*places, *(place for each in planned for place in each.places)])
    before = {_key(d) for d in known}
    fresh = tuple(d for d in spec.prepare(contents).judge() if _key(d) not in before)
    reasons = [each.spoiled(fresh) for each in planned]
    return [each if why is None else each.left_alone(why) for each, why in zip(planned, reasons, strict=True)]


def _compared(old: Prepared, new: Prepared, final: Prepared, judged_before: tuple[Diagnostics, Diagnostics]) -> Upgrade:
    """`judged_before`: the findings of the two releases."""
    names = old.build.environment_names
    found, after = judged_before
    fresh = tuple(_fresh(found, after, names))
    breaks = tuple(f for f in fresh if _breaks(f.diagnostic))
    judged = tuple(_fresh(found, final.judge(), names))
    left = tuple(f for f in judged if _breaks(f.diagnostic))
    releases = [(b.release, a.release) for b, a in _pairs(old, new) if b.release is not None and a.release is not None]
    before = {each.name: None for each, _ in releases}
    return Upgrade(
        spec="",
        project=old.build.project,
        to="",
        release="",
        before=tuple(before),
        downgrade=any(numbers(b.name) > numbers(a.name) for b, a in releases),
        components=_components(*min(releases, key=lambda pair: numbers(pair[0].name))) if releases else (),
        breaks=breaks,
        remarks=tuple(f for f in fresh if not _breaks(f.diagnostic)),
        remaining=left,
        advice=_advice(old, new),
        environments=tuple(_environments(old, new, final, judged)),
        rewritten=(),
        jobs=(),
        files=(),
        texts=new.build.texts,
    )


def _breaks(diagnostic: Diagnostic) -> bool:
    return diagnostic.severity is Severity.ERROR or diagnostic.code == OPTIONAL


def _fresh(before: Diagnostics, after: Diagnostics, names: tuple[str, ...]) -> Iterator[Finding]:
    """Findings that were not there before; that a message names another version makes it no other finding."""
    known: dict[_Key, set[str]] = {}
    for diagnostic in before:
        known.setdefault(_key(diagnostic), set()).update(_in_environments(diagnostic, names).environments)
    for diagnostic in after:
        found = _in_environments(diagnostic, names)
        where = tuple(name for name in found.environments if name not in known.get(_key(diagnostic), ()))
        if where:
            yield found._replace(environments=where)


def _key(d: Diagnostic) -> _Key:
    return (d.code, d.severity.value, d.path, _VERSION.sub("", d.message))


def _in_environments(diagnostic: Diagnostic, names: tuple[str, ...]) -> Finding:
    """The finding with the environments that have it, which its note says where they are not all."""
    kept: list[Note] = []
    where = names
    for note in diagnostic.notes:
        match = _ONLY_IN.fullmatch(note.message)
        if match is not None and note.pos is None:
            where = tuple(match.group(1).split(", "))
        else:
            kept.append(note)
    return Finding(diagnostic._replace(notes=tuple(kept)), where)


def _components(before: Release, after: Release) -> tuple[Component, ...]:
    found = []
    for name in sorted({*before.components, *after.components}):
        offered = RELEASES[after.name].versions.get(name)
        entry = Component(
            name,
            before.components.get(name),
            after.components.get(name),
            name in before.optional,
            name in after.optional,
            offered if offered != after.components.get(name) else None,
        )
        changed = entry.before != entry.after or entry.optional_before != entry.optional_after
        if changed or entry.offered is not None:
            found.append(entry)
    return tuple(found)


def _advice(old: Prepared, new: Prepared) -> tuple[Advice, ...]:
    """What to know, of all environments together: their items stand in one spec."""
    found: dict[tuple[str, str, str, str], dict[tuple[str, Pos], None]] = {}
    for before, after in _pairs(old, new):
        if before.release is None or after.release is None or before.lowering is None:
            continue
        document = before.document

        def position(resource: Resource, document: Document = document) -> Pos:
            return locate(document, resource.item, at_key=True)

        resources = (*before.lowering.resources, *before.lowering.templates)
        for each in advice.advice(before.release, after.release, resources, position):
            found.setdefault(each[:4], {}).update(dict.fromkeys(each.places))
    return tuple(
        Advice(*key, tuple(sorted(places, key=lambda place: (place[1], place[0])))) for key, places in found.items()
    )


def _environments(
    old: Prepared, new: Prepared, final: Prepared, judged: tuple[Finding, ...]
) -> Iterator[EnvironmentUpgrade]:
    for result in old.results:
        name = result.name
        broken = {
            f.diagnostic.path[:2]
            for f in judged
            if f.diagnostic.severity is Severity.ERROR and name in f.environments and f.diagnostic.path
        }
        every = final.build.environments.get(name, ())
        before = _whole(old.build.environments[name], broken)
        alone = _whole(new.build.environments.get(name, ()), broken)
        after = _whole(every, broken)
        started = _runs(alone) - _runs(before)
        yield EnvironmentUpgrade(
            name,
            result.release.name if result.release is not None else "",
            len(every),
            tuple(_changes(before, after, result.document)),
            tuple(sorted(started)),
            tuple(sorted(_runs(after) - _runs(before) - started)),
            len(every) - len(after),
        )


def _whole(resources: Iterable[Resource], broken: set[Path]) -> dict[ObjectRef, Resource]:
    """The objects of items that the release does not break."""
    return {r.ref: r for r in resources if r.item[:2] not in broken}


def _runs(resources: Mapping[ObjectRef, Resource]) -> set[ObjectRef]:
    """The runs that items declare; a loop that keeps pipelines in a service belongs to none of them."""
    return {ref for ref, r in resources.items() if (ref.group, ref.kind) in kinds.RUNS and r.item[:1] != ("sync",)}


def _changes(
    before: Mapping[ObjectRef, Resource], after: Mapping[ObjectRef, Resource], document: Document
) -> Iterator[Change]:
    for ref in (*before, *(ref for ref in after if ref not in before)):
        old, new = before.get(ref), after.get(ref)
        operations = diff(old.body, new.body) if old is not None and new is not None else ()
        if old is None or new is None or operations:
            resource = old or new
            assert resource is not None  # it is in one of them
            pos = locate(document, resource.item, at_key=True)
            yield Change(ref, pos, old.body if old else None, new.body if new else None, operations)
