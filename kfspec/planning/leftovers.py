"""What is live and left the spec: pruned, kept, or recognised under its new name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from kfspec import kinds
from kfspec.kinds.base import PROTECT, Outcome
from kfspec.live import Applier, Contents, Seen
from kfspec.planning.deltas import applied_by, within
from kfspec.planning.values import Action, Change, Reason, Said
from kfspec.resource import Body, ObjectRef

ITEM_LABEL = "kfspec.dev/item"
PROJECT_LABEL = "kfspec.dev/project"
_PROTECTED = next(iter(PROTECT.items()))
"""The annotation that keeps a reconcile loop from deleting an object; kfspec heeds it too."""

_SOURCE = "kfspec"
_COMPARED = 2_500
"""Pairs of objects of one kind and namespace up to which renames are looked for; beyond, it is no rename but a rebuilding."""


class RunPolicy(NamedTuple):
    """What an item of runs says about those that are over."""

    keep: bool
    """`onChange: keep`."""
    history: int


def item_of(body: Body) -> str:
    """The item that an object was made by: `notebooks.explore`."""
    return str((body["metadata"].get("labels") or {}).get(ITEM_LABEL, ""))


def is_run(ref: ObjectRef) -> bool:
    """Whether objects of the kind run once."""
    return (ref.group, ref.kind) in kinds.RUNS


def protected(body: Body) -> bool:
    """Whether reconcile loops are told to leave the object alone."""
    key, value = _PROTECTED
    return bool((body["metadata"].get("annotations") or {}).get(key) == value)


def ours(live: Body, applier: Applier, marks: Mapping[str, str]) -> bool:
    """Whether the project's own engine made the object.

    Controllers copy an object's labels to what they make of it, so labels alone prove nothing: the engine must have applied
    it, and must have left its mark.
    """
    meta = live["metadata"]
    labels = meta.get("labels") or {}
    marked = all(labels.get(key) == value for key, value in marks.items())
    return marked and bool(applied_by(live, applier.manager)) and not meta.get("deletionTimestamp")


def leftover(
    seen: Seen, applier: Applier, policies: Mapping[str, RunPolicy], contents: Mapping[str, Contents]
) -> Change:
    """What happens to one live object that nothing in the spec makes any more. `policies`: of every item that runs."""
    live = seen.live or {"metadata": {}}
    ref, item = seen.ref, item_of(live)
    uid = live["metadata"].get("uid")
    guarded = protected(live)
    change = Change(ref, Action.PRUNE, Reason.LEFT, item=item, uid=uid)
    policy = policies.get(item)
    stops = (Said("stops the run if it is not over", Outcome.DISRUPTS, _SOURCE),) if is_run(ref) else ()
    if policy is not None:
        if policy.keep and guarded:
            return change._replace(action=Action.KEEP, reason=Reason.SUPERSEDED)
        return change._replace(reason=Reason.SUPERSEDED, effects=stops)
    lost = _lost(ref, contents)
    if not guarded:
        return change._replace(effects=lost or stops, data=bool(lost))
    if applier.engine != "kfspec" or is_run(ref) or ref.kind == "ConfigMap":
        return change._replace(action=Action.KEEP, reason=Reason.PROTECTED)
    return change._replace(effects=lost, data=True)


def _lost(ref: ObjectRef, contents: Mapping[str, Contents]) -> tuple[Said, ...]:
    """What deleting an object takes along; nothing for what can be made again."""
    kind = (ref.group, ref.kind)
    inside = contents.get(ref.name)
    if kind == ("", "Namespace"):
        return (
            Said(f"deletes namespace {ref.name}{_volumes(inside)}", Outcome.LOSES, "Kubernetes, namespace deletion"),
        )
    if kind == ("kubeflow.org", "Profile"):
        if inside is not None and not inside.goes_with_profile:
            words = f"takes away the rights of its owner and contributors; namespace {ref.name} stays"
            return (Said(words, Outcome.DISRUPTS, "profile-controller v1.10.0; executed"),)
        words = f"deletes namespace {ref.name}{_volumes(inside)}"
        return (Said(words, Outcome.LOSES, "profile-controller v1.10.0, owner reference; executed"),)
    if kind == ("", "PersistentVolumeClaim"):
        return (Said("deletes the volume and what it holds", Outcome.LOSES, "Kubernetes, reclaim policy Delete"),)
    if kind == ("kubeflow.org", "Experiment"):
        words = "deletes the experiment, its trials and their results"
        return (Said(words, Outcome.LOSES, "katib 0.18.0, owner references"),)
    return ()


def _volumes(inside: Contents | None) -> str:
    if inside is None:
        return " and all that is in it"
    count = inside.volumes
    return f" with {count} volume{'s' if count != 1 else ''}"


def renamed(changes: list[Change], left: Mapping[ObjectRef, Body]) -> list[Change]:
    """The same changes, those that are one thing under another name told as such.

    A created object and one that left the spec are the same thing if they are of one kind and namespace and all that the
    new one says stands in the old one, its own name aside. Where several could be meant, none is. What one item made before
    and makes now is not renamed, it has another content: a run, or what is named by a hash of its own.
    """
    gone = [c for c in changes if c.action in (Action.PRUNE, Action.KEEP) and not is_run(c.ref) and c.ref in left]
    if not gone:
        return changes
    made: dict[tuple[str, ...], list[Change]] = {}
    for change in changes:
        if change.action is Action.CREATE:
            made.setdefault(_family(change.ref), []).append(change)
    told: dict[ObjectRef, Change] = {}
    for change in (each for family in made.values() for each in family):
        beside = made[_family(change.ref)]
        before = [g for g in gone if _family(g.ref) == _family(change.ref) and g.item != change.item]
        if not before or len(before) * len(beside) > _COMPARED:
            continue
        old = _only(g for g in before if _was(change, left[g.ref], g.ref))
        if old is not None and _only(c for c in beside if _was(c, left[old.ref], old.ref)) is not None:
            effects = (*change.effects, *_moved(change.ref, old.ref))
            told[change.ref] = change._replace(reason=Reason.RENAMED, detail=old.ref.name, effects=effects)
            told[old.ref] = old._replace(reason=Reason.RENAMED, detail=change.ref.name)
    return [told.get(change.ref, change) for change in changes]


def _only(found: Iterator[Change]) -> Change | None:
    """The one that there is; None where there is none, or more."""
    first = next(found, None)
    return first if next(found, None) is None else None


def _was(new: Change, old: Body, ref: ObjectRef) -> bool:
    """Whether an object that is created says what another one said, and only has another name."""
    rest = _rest(new.desired or {})
    return bool(rest) and within(_called(rest, new.ref.name, ref.name), old)


def _family(ref: ObjectRef) -> tuple[str, ...]:
    """What objects have in common that can be one under several names."""
    return ref.group, ref.kind, ref.namespace


def _called(value: Any, new: str, old: str) -> Any:
    """The value as it would be under the other name: objects repeat their name in what they are made of."""
    if isinstance(value, dict):
        return {key: _called(item, new, old) for key, item in value.items()}
    if isinstance(value, list):
        return [_called(item, new, old) for item in value]
    if isinstance(value, str) and (value == new or value.startswith(f"{new}-")):
        return old + value[len(new) :]
    return value


def _rest(body: Body) -> Body:
    """What an object says besides its address and metadata."""
    return {key: value for key, value in body.items() if key not in ("apiVersion", "kind", "metadata")}


def _moved(new: ObjectRef, old: ObjectRef) -> tuple[Said, ...]:
    kind = (new.group, new.kind)
    if kind == ("", "PersistentVolumeClaim"):
        return (
            Said(f"the new volume is empty; the data stays in {old.name}", Outcome.DISRUPTS, "Kubernetes, volumes"),
        )
    if kind == ("kubeflow.org", "Notebook"):
        return (Said("starts as a new server under a new URL", Outcome.DISRUPTS, "notebook-controller v1.10.0"),)
    if kind == ("serving.kserve.io", "InferenceService"):
        return (
            Said(f"serves under a new URL; that of {old.name} goes", Outcome.DISRUPTS, "kserve, ingress reconciler"),
        )
    return ()
