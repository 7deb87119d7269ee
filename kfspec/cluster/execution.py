"""execute: do what a plan says, stage by stage, and nothing else. Whatever cuts it off, running it again is safe.

Every write may be repeated: applies are idempotent, deletions name the object's uid, and the inventory names every kind that
may have members before the first member is written.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from itertools import groupby
from typing import Any, NamedTuple

from kfspec.cluster import delivered, inventory
from kfspec.cluster.addressing import Kind
from kfspec.cluster.inventory import Inventory
from kfspec.cluster.observation import Observer, Scope
from kfspec.cluster.rights import written
from kfspec.cluster.transport import WORKERS, Answer, CancelledError, Client, ClusterError
from kfspec.live import Verb
from kfspec.planning.deltas import comparable, record_digest, record_key, within
from kfspec.planning.values import Action, Change, Plan
from kfspec.resource import Body, ObjectRef, gvk_of

WRITES = frozenset({Action.CREATE, Action.RUN, Action.UPDATE, Action.ADOPT, Action.REPLACE})
_POLL = 0.5
"""Seconds between two looks at something that is awaited."""


class Happening(StrEnum):
    """What an event tells."""

    APPLIED = "applied"
    DELETED = "deleted"
    SKIPPED = "skipped"
    WAITING = "waiting"
    DIFFERS = "differs"
    """The server stored something else than it said it would."""
    FAILED = "failed"
    STOPPED = "stopped"


class Event(NamedTuple):
    """One step of an execution."""

    happening: Happening
    ref: ObjectRef | None
    message: str = ""
    done: int = 0
    total: int = 0


class Mode(StrEnum):
    """What an execution is for."""

    APPLY = "apply"
    COLLECT = "collect"
    """Only superseded runs go; what the inventory says stays true."""
    DESTROY = "destroy"
    """The inventory goes with the last member."""


class Options(NamedTuple):
    """What the caller has consented to."""

    prune: bool = False
    allow_destroy: bool = False
    force_conflicts: bool = False
    timeout: float = 600.0
    """Seconds to wait for what a later stage needs, and for a deleted object to be gone."""
    mode: Mode = Mode.APPLY
    commit: str | None = None
    """The git commit that is applied, for the syncs to tell; None where it is not known."""


class _Ending(Exception):  # noqa: N818 - an interruption is no error
    """The execution ends here; the event says why."""

    def __init__(self, event: Event) -> None:
        super().__init__(event.message)
        self.event = event


def deletions(plan: Plan, options: Options) -> tuple[list[Change], list[Change]]:
    """The deletions that the options allow, and those that they do not."""
    pruned = [change for change in plan.changes if change.action is Action.PRUNE]
    allowed = [c for c in pruned if options.prune and (options.allow_destroy or not c.data)]
    return allowed, [c for c in pruned if c not in allowed]


def execute(plan: Plan, client: Client, observer: Observer, scope: Scope, options: Options) -> Iterator[Event]:
    """Run the plan; the last event is `failed` or `stopped` where it did not end well."""
    yield from _Execution(plan, client, observer, scope, options).run()


class _Execution:
    """One run of a plan."""

    def __init__(self, plan: Plan, client: Client, observer: Observer, scope: Scope, options: Options) -> None:
        self._plan = plan
        self._client = client
        self._observer = observer
        self._scope = scope
        self._options = options
        self._writes = [change for change in plan.changes if change.action in WRITES]
        self._deletions, self._spared = deletions(plan, options)
        self._done = 0
        self._lost: Event | None = None
        """That the server cannot be reached any more."""
        self._total = len(self._writes) + len(self._deletions)

    def run(self) -> Iterator[Event]:
        try:
            self._open_inventory()
            for stage, changes in groupby(self._writes, key=lambda c: c.stage):
                yield from self._stage(stage, list(changes))
            for change in self._spared:
                yield Event(Happening.SKIPPED, change.ref, self._why_spared(change))
            for group in _by_kind(self._deletions):
                gone = {change.ref for change in self._deletions}
                kept = [change for change in self._plan.changes if change.ref not in gone]
                delivered.forget(self._client, self._scope.project, group, kept)
                yield from self._together(group, self._delete)
            self._close_inventory()
        except _Ending as stop:
            yield stop.event._replace(done=self._done, total=self._total)
        except CancelledError:
            yield Event(Happening.STOPPED, None, "interrupted", self._done, self._total)
        except ClusterError as error:
            yield Event(Happening.FAILED, None, str(error), self._done, self._total)

    def _why_spared(self, change: Change) -> str:
        if self._options.mode is Mode.DESTROY:
            return "holds data or is a run; --allow-destroy deletes it"
        if not self._options.prune:
            return "left the spec; --prune deletes it"
        return "left the spec and holds data; --prune --allow-destroy deletes it"

    # -- the inventory ----------------------------------------------------------------------------------------

    def _members(self) -> list[ObjectRef]:
        """Every object that is the project's now, or will be."""
        return [change.ref for change in self._plan.changes if change.action is not Action.BLOCKED]

    def _open_inventory(self) -> None:
        before = self._observer.inventory
        kept = self._options.mode is Mode.COLLECT
        if before.unreadable and self._total and not kept:  # what it names must not be lost
            message = f"cannot read the inventory {self._scope.parent}: {before.unreadable}"
            raise _Ending(Event(Happening.FAILED, None, message))
        wanted = inventory.of(self._members(), before.applied)
        kinds, spaces = before.group_kinds | wanted.group_kinds, before.namespaces | wanted.namespaces
        opened = before._replace(group_kinds=kinds, namespaces=spaces)
        needed = self._options.mode is Mode.APPLY and self._total > 0
        if needed and (not before.exists or opened != before):
            self._store(opened)

    def _close_inventory(self) -> None:
        """Narrow it to what there is, and note what was applied."""
        if self._options.mode is Mode.COLLECT:
            return
        gone = {change.ref for change in self._deletions}
        members = [ref for ref in self._members() if ref not in gone]
        if self._options.mode is Mode.DESTROY and not members:
            self._client.request("DELETE", self._scope.parent.path)
            return
        applied = {
            record_key(change.ref): record_digest(change.desired)
            for change in self._plan.changes
            if change.desired is not None and change.action is not Action.BLOCKED
        }
        closed = inventory.of(members, applied)
        before = self._observer.inventory
        if self._total or (before.exists and not self._scope.parent.holds(before, closed)):
            self._store(closed)

    def _store(self, content: Inventory) -> None:
        answer = inventory.write(self._client, self._scope.parent, content)
        if not answer.ok:
            message = f"cannot write the inventory {self._scope.parent}: {answer.message}"
            raise _Ending(Event(Happening.FAILED, None, message))

    # -- writing ----------------------------------------------------------------------------------------------

    def _stage(self, stage: str, changes: list[Change]) -> Iterator[Event]:
        yield from self._await(dict.fromkeys(ref for change in changes for ref in change.after), stage)
        for group in _by_kind(changes):
            yield from self._note_commit(group)
            yield from self._together(group, self._write)

    def _note_commit(self, group: list[Change]) -> Iterator[Event]:
        commit = self._options.commit
        for ref, problem in delivered.note(self._client, self._scope.project, group, commit):
            happening = Happening.SKIPPED if problem else Happening.APPLIED
            words = f"the commit is not noted: {problem}" if problem else f"note commit {commit} in"
            yield Event(happening, ref, words, self._done, self._total)

    def _together(self, changes: list[Change], work: Callable[[Change], Event]) -> Iterator[Event]:
        """Changes that do not depend on each other, side by side. All that were begun are told before a failure ends it."""
        failed: Event | None = None
        with ThreadPoolExecutor(min(WORKERS, max(1, len(changes)))) as pool:
            for event in pool.map(lambda change: self._guarded(change, work), changes):
                if event.happening in (Happening.FAILED, Happening.STOPPED):
                    failed = failed or event
                    continue
                self._done += event.happening is not Happening.WAITING
                yield event._replace(done=self._done, total=self._total)
        if failed is not None:
            raise _Ending(failed)

    def _guarded(self, change: Change, work: Callable[[Change], Event]) -> Event:
        if self._client.cancelled.is_set():
            return Event(Happening.STOPPED, change.ref, "interrupted")
        if self._lost is not None:  # each of a thousand would wait for the server as long as the first ones did
            return self._lost
        try:
            return work(change)
        except _Ending as stop:
            return stop.event
        except CancelledError:
            return Event(Happening.STOPPED, change.ref, "interrupted")
        except ClusterError as error:
            self._lost = Event(Happening.FAILED, change.ref, str(error))
            return self._lost

    def _write(self, change: Change) -> Event:
        desired = change.desired
        assert desired is not None  # only deletions have none
        kind = self._observer.kinds.of(desired)
        if kind is None and change.after and self._until(lambda: self._observer.kinds.of(desired) is not None):
            kind = self._observer.kinds.of(desired)  # what defines it was applied just now
        if kind is None:
            return Event(Happening.FAILED, change.ref, f"the cluster does not serve {gvk_of(desired).api_version}")
        if change.action is Action.REPLACE:
            self._remove(change, kind)
            self._await_gone(change, kind)
        if change.action is not Action.REPLACE and change.verb is Verb.UPDATE and change.uid is not None:
            answer = self._put(change, kind, desired)
        else:
            answer = self._apply(change, kind, desired)
        if not answer.ok:
            return Event(Happening.FAILED, change.ref, answer.message)
        return self._verified(change, answer)

    def _apply(self, change: Change, kind: Kind, desired: Body) -> Answer:
        if change.action is Action.REPLACE or change.uid is None:
            if change.verb in (Verb.UPDATE, Verb.RECREATE):
                return self._client.request("POST", kind.path(change.ref.namespace), self._query(), desired)
            return self._observer.apply(kind, desired, force=self._options.force_conflicts)
        same = {**desired, "metadata": {**desired["metadata"], "uid": change.uid}}  # not another one of that name
        return self._observer.apply(kind, same, force=self._options.force_conflicts)

    def _query(self) -> dict[str, str]:
        return {"fieldManager": self._scope.applier.manager, "fieldValidation": "Strict"}

    def _put(self, change: Change, kind: Kind, desired: Body) -> Answer:
        """The whole object, as read and changed; read again where somebody was faster."""
        path = kind.path(change.ref.namespace, change.ref.name)
        while True:
            live = self._client.request("GET", path)
            if not live.ok:
                return live
            verdict = written(desired, live.body, self._scope.applier.manager, True, kind.served)
            answer = self._client.request("PUT", path, self._query(), verdict.body)
            if answer.status != 409 or self._client.cancelled.is_set():
                return answer

    def _verified(self, change: Change, answer: Answer) -> Event:
        """The event of a write: whether what is stored is what was planned."""
        if change.action is Action.CREATE and answer.status == 200 and not within(change.desired, answer.body):
            return Event(Happening.DIFFERS, change.ref, "it was made by somebody else meanwhile, and taken over")
        if change.expected is not None and change.action is not Action.REPLACE:
            wanted, stored = comparable(change.expected), comparable(answer.body)
            mine = _common(change.desired, wanted)
            if not within(mine, stored):
                return Event(Happening.DIFFERS, change.ref, "the server stored something else than it had announced")
        return Event(Happening.APPLIED, change.ref, change.action.value)

    # -- deleting ---------------------------------------------------------------------------------------------

    def _delete(self, change: Change) -> Event:
        kind = self._observer.kinds.preferred(change.ref.group, change.ref.kind)
        if kind is None:
            return Event(Happening.FAILED, change.ref, "the cluster does not serve its kind any more")
        self._remove(change, kind)
        return Event(Happening.DELETED, change.ref)

    def _remove(self, change: Change, kind: Kind) -> None:
        """Delete the object that was planned, and no other one of its name."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        body = {**options, "preconditions": {"uid": change.uid}}
        answer = self._client.request("DELETE", kind.path(change.ref.namespace, change.ref.name), {}, body)
        if not answer.ok and answer.status not in (404, 409):  # 409: another one has taken its place
            raise _Ending(Event(Happening.FAILED, change.ref, answer.message))

    # -- waiting ----------------------------------------------------------------------------------------------

    def _await_gone(self, change: Change, kind: Kind) -> None:
        path = kind.path(change.ref.namespace, change.ref.name)

        def gone() -> bool:
            answer = self._client.request("GET", path)
            return answer.status == 404 or (answer.ok and answer.body["metadata"].get("uid") != change.uid)

        if not self._until(gone):
            message = f"it is still being deleted after {self._options.timeout:.0f} s; its finalizers hold it"
            raise _Ending(Event(Happening.FAILED, change.ref, message))

    def _await(self, refs: Iterable[ObjectRef], stage: str) -> Iterator[Event]:
        """Wait until what a stage needs is there."""
        earlier = {change.ref: change for change in self._writes if change.stage != stage}
        for ref in refs:
            change = earlier.get(ref)
            if change is None or change.desired is None:
                continue
            kind = self._observer.kinds.of(change.desired)
            if kind is None:
                continue
            path = kind.path(ref.namespace, ref.name)
            yield Event(Happening.WAITING, ref, f"{stage} waits for it", self._done, self._total)
            if not self._until(lambda path=path: _established(self._client.request("GET", path))):  # type: ignore[misc]
                message = f"not ready after {self._options.timeout:.0f} s"
                raise _Ending(Event(Happening.FAILED, ref, message))

    def _until(self, holds: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + self._options.timeout
        while not holds():
            if time.monotonic() > deadline:
                return False
            if self._client.cancelled.wait(_POLL):
                raise _Ending(Event(Happening.STOPPED, None, "interrupted"))
        return True


def _by_kind(changes: Iterable[Change]) -> Iterator[list[Change]]:
    """Neighbours of one kind: an order of kinds is kept, objects of a kind go together."""
    for _, group in groupby(changes, key=lambda c: (c.ref.group, c.ref.kind)):
        yield list(group)


def _established(answer: Answer) -> bool:
    """Whether what a later stage needs can be used: definitions must be established, all else be there."""
    if not answer.ok:
        return False
    if answer.body.get("kind") != "CustomResourceDefinition":
        return True
    conditions: list[Mapping[str, Any]] = (answer.body.get("status") or {}).get("conditions") or []
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)


def _common(desired: Any, other: Any) -> Any:
    """The values of `other` at the places that `desired` speaks of."""
    if isinstance(desired, dict) and isinstance(other, dict):
        return {key: _common(value, other[key]) for key, value in desired.items() if key in other}
    return other
