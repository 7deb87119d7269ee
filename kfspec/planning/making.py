"""plan: an observation and the desired objects to a Plan. Pure: what it does not know, the observation has not seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from kfspec.catalog import Release
from kfspec.diagnostics import Path, Pos
from kfspec.effects import effects
from kfspec.kinds.base import Moment, Outcome
from kfspec.live import Applier, Observation, Seen, Verb, Why
from kfspec.ordering import definitions_of, in_order, needed, needed_label, stages
from kfspec.planning.deltas import Step, applied_by, deltas, record_key
from kfspec.planning.hits import with_hits
from kfspec.planning.leftovers import RunPolicy, is_run, item_of, leftover, ours, renamed
from kfspec.planning.values import Action, Change, Delta, Plan, Reason, Said
from kfspec.resource import Body, ObjectRef, Resource, gvk_of, origin_of
from kfspec.ssa.types import served

_NAMESPACE = ("", "Namespace")
_REASONS = {
    Why.FORBIDDEN: Reason.FORBIDDEN,
    Why.NO_KIND: Reason.NO_KIND,
    Why.NO_NAMESPACE: Reason.NO_NAMESPACE,
    Why.ADMISSION: Reason.REFUSED,
    Why.INVALID: Reason.REFUSED,
    Why.OTHER: Reason.REFUSED,
}


class Subject(NamedTuple):
    """What a plan is made for."""

    project: str
    environment: str
    applier: Applier
    marks: Mapping[str, str]
    """The labels that the engine leaves on every member."""
    release: Release
    policies: Mapping[str, RunPolicy]
    """Of every item that runs: `trainingJobs.train` -> what it says about runs that are over."""
    locate: Callable[[Path, bool], Pos | None]
    """The place of a path of the spec (`at_key`)."""
    cluster: str = ""
    """What the plan compares with, for people."""
    force: bool = False
    """Whether conflicts are taken, because the user said so."""


def plan(subject: Subject, resources: Iterable[Resource], observation: Observation) -> Plan:
    """The plan for an environment. `resources` are the desired objects, with the way back to their lines."""
    return _Planning(subject, tuple(resources), observation).plan()


class _Planning:
    """One plan in the making."""

    def __init__(self, subject: Subject, resources: tuple[Resource, ...], observation: Observation) -> None:
        self._subject = subject
        self._by_ref = {resource.ref: resource for resource in resources}
        self._observation = observation
        self._seen = {seen.ref: seen for seen in observation.seen}
        self._bodies = {seen.ref: seen.desired for seen in observation.seen if seen.desired is not None}
        self._beside = frozenset(self._bodies)
        self._definitions = definitions_of(self._bodies)
        self._left = {seen.ref: seen for seen in observation.seen if seen.desired is None and self._ours(seen)}

    def plan(self) -> Plan:
        subject = self._subject
        stage_of = stages(self._by_ref.values())
        rank = {ref: n for n, ref in enumerate(in_order([*self._by_ref, *self._left]))}
        made = [self._placed(self._judge(self._seen[ref]), stage_of[ref]) for ref in self._by_ref]
        contents = self._observation.contents
        gone = [leftover(seen, subject.applier, subject.policies, contents) for seen in self._left.values()]
        both = renamed([*made, *gone], {ref: seen.live for ref, seen in self._left.items() if seen.live is not None})

        told = with_hits(both, self._by_ref, self._seen, subject.release)

        def order(change: Change) -> tuple[bool, str, int]:
            last = not change.stage
            return last, change.stage, -rank[change.ref] if last else rank[change.ref]

        return Plan(
            subject.project,
            subject.environment,
            subject.applier,
            self._observation.source,
            tuple(sorted(told, key=order)),
            self._observation.problems,
            subject.cluster,
        )

    def _ours(self, seen: Seen) -> bool:
        return seen.live is not None and ours(seen.live, self._subject.applier, self._subject.marks)

    def _placed(self, change: Change, stage: str) -> Change:
        resource = self._by_ref[change.ref]
        seen = self._seen[change.ref]
        refusal = seen.verdict.refusal if seen.verdict is not None else None
        pos = self._subject.locate(_declared(resource), True) if resource.item else None
        if change.action is Action.BLOCKED and refusal is not None and refusal.fields:
            origin = origin_of(resource.origins, parse_field(refusal.fields[0]))
            pos = self._subject.locate(origin.path, origin.at_key) or pos
        item = ".".join(map(str, resource.item))
        uid = seen.live["metadata"].get("uid") if seen.live is not None else None
        predicted = seen.verdict.predicted if seen.verdict is not None else not seen.unchanged
        return change._replace(
            item=item, pos=pos, stage=stage, verb=seen.verb, predicted=predicted, desired=seen.desired, uid=uid
        )

    # -- one object -------------------------------------------------------------------------------------------

    def _judge(self, seen: Seen) -> Change:
        """What happens to a desired object."""
        if seen.unchanged:
            return Change(seen.ref, Action.UNCHANGED)
        other = self._other_owner(seen)
        if other is not None:
            return Change(seen.ref, Action.BLOCKED, Reason.OTHER_PROJECT, other)
        if seen.live is not None and seen.live["metadata"].get("deletionTimestamp"):
            return Change(seen.ref, Action.BLOCKED, Reason.REFUSED, _going(seen.live))
        after = self._after(seen)
        verdict = seen.verdict
        if verdict is None or (after and (verdict.refusal is not None or (verdict.predicted and seen.live is None))):
            return self._later(seen, after)
        refusal = verdict.refusal
        if refusal is not None:
            found, steps = self._deltas(seen)
            said = self._effects(seen, steps)
            if refusal.why in (Why.ADMISSION, Why.INVALID) and _recreates(said) and self._mine(seen):
                return Change(seen.ref, Action.REPLACE, Reason.IGNORED, effects=said, deltas=found)
            return Change(seen.ref, Action.BLOCKED, _REASONS[refusal.why], refusal.message, said, found)
        if seen.live is None:
            return self._created(seen)
        return self._changed(seen)

    def _other_owner(self, seen: Seen) -> str | None:
        """Which other project, or other environment of this one, an object belongs to."""
        labels = (seen.live["metadata"].get("labels") or {}) if seen.live is not None else {}
        project, environment = labels.get("kfspec.dev/project"), labels.get("kfspec.dev/environment")
        if project is None or (project == self._subject.project and environment in (None, self._subject.environment)):
            return None
        where = f", environment '{environment}'" if environment else ""
        return f"it belongs to project '{project}'{where}"

    def _after(self, seen: Seen) -> tuple[ObjectRef, ...]:
        """What the same plan makes and this object cannot be stored without."""
        if seen.desired is None:
            return ()
        label = needed_label(seen.ref)
        found = []
        for ref in needed(seen.ref, seen.desired, self._bodies, self._definitions):
            other = self._seen[ref]
            if not other.unchanged and (other.live is None or (ref[:2] == _NAMESPACE and _gains(other, label))):
                found.append(ref)
        return tuple(dict.fromkeys(found))

    def _later(self, seen: Seen, after: tuple[ObjectRef, ...]) -> Change:
        if seen.live is not None:
            return Change(seen.ref, Action.UPDATE, Reason.AFTER, after=after)
        created = self._created(seen)
        reason = Reason.AFTER if created.reason is Reason.MISSING else created.reason
        return created._replace(reason=reason, after=after)

    def _created(self, seen: Seen) -> Change:
        resource = self._by_ref[seen.ref]
        item = ".".join(map(str, resource.item))
        policy = self._subject.policies.get(item)
        gone = record_key(seen.ref) in self._observation.applied
        if policy is None or not is_run(seen.ref):
            missing = Change(seen.ref, Action.CREATE, Reason.MISSING)
            return missing._replace(reason=Reason.DRIFT, detail="somebody deleted it") if gone else missing
        if gone:
            again = _said("starts the run again from its beginning", Outcome.DISRUPTS)
            return Change(seen.ref, Action.RUN, Reason.DRIFT, "somebody deleted it", effects=(again,))
        older = sorted(
            other.ref.name
            for other in self._left.values()
            if other.live is not None and other.ref.kind == seen.ref.kind and item_of(other.live) == _label(seen)
        )
        if not older:
            return Change(seen.ref, Action.RUN, Reason.MISSING, effects=(_said("starts the first run"),))
        names, one = ", ".join(older), len(older) == 1
        fate = f"{'is' if one else 'are'} kept" if policy.keep else f"{'is' if one else 'are'} stopped and deleted"
        said = _said(f"starts a new run; {names} {fate}", Outcome.TAKES if policy.keep else Outcome.DISRUPTS)
        return Change(seen.ref, Action.RUN, Reason.SUPERSEDES, names, effects=(said,))

    def _changed(self, seen: Seen) -> Change:
        """What happens to an object that is there already."""
        verdict = seen.verdict
        assert verdict is not None  # judged before
        found, steps = self._deltas(seen)
        mine = self._mine(seen)
        if not found:
            return Change(seen.ref, Action.UNCHANGED) if mine else Change(seen.ref, Action.ADOPT, Reason.FOREIGN)
        said = self._effects(seen, steps)
        change = Change(seen.ref, Action.UPDATE, _cause(found), effects=said, deltas=found, expected=verdict.body)
        change = change._replace(conflicts=verdict.conflicts)
        if not mine:
            change = change._replace(action=Action.ADOPT, reason=Reason.FOREIGN)
        worst = next((s for s in said if s.outcome is Outcome.REFUSED), None)
        if worst is not None:
            return change._replace(action=Action.BLOCKED, reason=Reason.REFUSED, detail=worst.words)
        if verdict.conflicts and not (self._subject.applier.force or self._subject.force):
            held = ", ".join(dict.fromkeys(conflict.manager for conflict in verdict.conflicts))
            return change._replace(action=Action.BLOCKED, reason=Reason.CONFLICT, detail=held)
        if not _recreates(said) and seen.verb is not Verb.RECREATE:
            return change
        if not mine:  # what another tool made is never deleted
            return change._replace(action=Action.BLOCKED, detail=_DELETE_FIRST)
        return change._replace(action=Action.REPLACE, reason=Reason.IGNORED if _recreates(said) else Reason.RIGHTS)

    def _mine(self, seen: Seen) -> bool:
        """Whether the environment's engine has written the live object before."""
        return bool(seen.live and applied_by(seen.live, self._subject.applier.manager))

    def _deltas(self, seen: Seen) -> tuple[tuple[Delta, ...], tuple[Step, ...]]:
        if seen.live is None:
            return (), ()
        gvk = gvk_of(seen.live)
        entry = self._subject.release.kind(gvk.group, gvk.kind)
        known = entry if entry is not None and gvk.version in entry.versions else None
        return deltas(seen, self._subject.applier.manager, served(known, gvk.version), self._observation.applied)

    def _effects(self, seen: Seen, steps: Iterable[Step]) -> tuple[Said, ...]:
        if seen.live is None or seen.verdict is None or seen.verdict.body is None:
            return ()
        moment = Moment(seen.live, seen.verdict.body, self._beside)
        return effects(gvk_of(seen.verdict.body), steps, moment, self._subject.release)


def _declared(resource: Resource) -> Path:
    """Where the spec declares it: its item, or what asks for a loop, which is no item."""
    return origin_of(resource.origins, ()).path if resource.item[0] == "sync" else resource.item


def _recreates(said: Iterable[Said]) -> bool:
    """Whether a kind's table says that the object is to be deleted and created: never because of a status code alone."""
    return any(each.outcome is Outcome.IGNORED for each in said)


def _said(words: str, outcome: Outcome = Outcome.TAKES) -> Said:
    return Said(words, outcome, "kfspec: a run's name holds a hash of its content")


_DELETE_FIRST = "taking it over means deleting and creating it, and somebody else made it; delete it yourself first"


def _going(live: Body) -> str:
    held = live["metadata"].get("finalizers") or ()
    return f"it is being deleted{f', and {names} hold it' if (names := ' and '.join(held)) else ''}"


def _label(seen: Seen) -> str:
    return item_of(seen.desired) if seen.desired is not None else ""


def _gains(namespace: Seen, label: tuple[str, str] | None) -> bool:
    """Whether a namespace only gets a label by this plan."""
    if label is None or namespace.live is None or namespace.desired is None:
        return False
    key, value = label
    before, after = ((body["metadata"].get("labels") or {}).get(key) for body in (namespace.live, namespace.desired))
    return bool(before != value and after == value)


def _cause(found: tuple[Delta, ...]) -> Reason:
    drifted = sum(delta.drift for delta in found)
    if drifted == len(found):
        return Reason.DRIFT
    return Reason.BOTH if drifted else Reason.SPEC


def parse_field(field: str) -> Path:
    """`spec.containers[0].image`, as a Status names a field, to a path."""
    return tuple(_parts(field))


def _parts(field: str) -> Iterator[str | int]:
    for part in field.lstrip(".").split("."):
        name, _, rest = part.partition("[")
        if name:
            yield name
        for index in rest.split("[") if rest else ():
            text = index.rstrip("]")
            yield int(text) if text.isdigit() else text
