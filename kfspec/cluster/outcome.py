"""How far a project is: the readiness of every item, the outcome of every run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from kfspec import kinds
from kfspec.cluster.observation import Observer
from kfspec.cluster.session import Session
from kfspec.cluster.transport import WORKERS
from kfspec.kinds.base import Readiness, State
from kfspec.kinds.readiness import finished
from kfspec.planning.leftovers import PROJECT_LABEL, is_run, item_of
from kfspec.planning.retention import collected, retired
from kfspec.planning.values import Plan
from kfspec.resource import GVK, Body, ObjectRef, Resource, ref_of

_WORST = (State.FAILED, State.WAITING, State.UNKNOWN, State.SUSPENDED, State.RUNNING, State.READY, State.SUCCEEDED)
SETTLED = frozenset({State.READY, State.RUNNING, State.SUCCEEDED, State.SUSPENDED})
"""States in which nobody has to wait or to look."""

_POLL = 2.0


class ObjectStatus(NamedTuple):
    """One object's state."""

    ref: ObjectRef
    readiness: Readiness


class ItemStatus(NamedTuple):
    """One item of the spec."""

    item: str
    objects: tuple[ObjectStatus, ...]
    """What it compiles to, the worst first."""
    earlier: tuple[ObjectStatus, ...] = ()
    """Runs that it had before, the newest first."""

    @property
    def readiness(self) -> Readiness:
        """The worst of its objects' states."""
        return self.objects[0].readiness


def statuses(session: Session) -> tuple[ItemStatus, ...]:
    """Every item of the environment, in the order of the spec."""
    bodies = session.target.bodies
    live = {ref_of(body): body for _, body in session.observer.each_live(bodies)}
    look = looker(session.observer, live)
    other = _unlisted(session, [body for body in bodies if ref_of(body) not in live], look)
    items: dict[str, list[ObjectStatus]] = {}
    for resource in session.target.resources:
        items.setdefault(".".join(map(str, resource.item)), []).append(
            other.get(resource.ref) or _status(resource.ref, live.get(resource.ref), look)
        )
    return tuple(
        ItemStatus(item, tuple(sorted(found, key=_rank)), _earlier(item, session.target.resources, live, look))
        for item, found in items.items()
    )


def _rank(status: ObjectStatus) -> int:
    return _WORST.index(status.readiness.state)


def _unlisted(
    session: Session, bodies: list[Body], look: Callable[[GVK, str, str], Body | None]
) -> dict[ObjectRef, ObjectStatus]:
    """The states of objects that no list had: kinds that may not be listed, and what is not the project's yet."""
    with ThreadPoolExecutor(WORKERS) as pool:
        answers = list(pool.map(session.observer.read, bodies))
    found = {}
    for body, answer in zip(bodies, answers, strict=True):
        ref = ref_of(body)
        if answer is None or answer.status == 404:
            continue
        if not answer.ok:
            found[ref] = ObjectStatus(ref, Readiness(State.UNKNOWN, answer.message))
        elif (answer.body["metadata"].get("labels") or {}).get(PROJECT_LABEL) != session.target.scope.project:
            found[ref] = ObjectStatus(ref, Readiness(State.WAITING, "there is one, which is not the project's"))
        else:
            found[ref] = _status(ref, answer.body, look)
    return found


def _status(ref: ObjectRef, body: Body | None, look: Callable[[GVK, str, str], Body | None]) -> ObjectStatus:
    if body is None:
        return ObjectStatus(ref, Readiness(State.WAITING, "not there"))
    if body["metadata"].get("deletionTimestamp"):
        return ObjectStatus(ref, Readiness(State.WAITING, "being deleted"))
    return ObjectStatus(ref, kinds.live(ref.group, ref.kind).ready(body, look))


def _earlier(
    item: str,
    resources: Iterable[Resource],
    live: Mapping[ObjectRef, Body],
    look: Callable[[GVK, str, str], Body | None],
) -> tuple[ObjectStatus, ...]:
    desired = {resource.ref for resource in resources}
    runs = [
        (str(body["metadata"].get("creationTimestamp", "")), ref, body)
        for ref, body in live.items()
        if is_run(ref) and ref not in desired and item_of(body) == item
    ]
    return tuple(_status(ref, body, look) for _, ref, body in sorted(runs, key=lambda run: run[0], reverse=True))


def collection(session: Session) -> Plan:
    """The plan of `gc`: deletions of superseded runs, and nothing else."""
    observation = session.observer.observe(session.target.bodies)
    plan = session.target.plan(observation, session.name)
    live = {seen.ref: body for seen in observation.seen if (body := seen.live or seen.desired) is not None}
    return collected(plan, live, session.target.policies, finished)


def retirement(session: Session) -> Plan:
    """The plan of `destroy`: the deletion of everything that is the project's in this environment."""
    observation = session.observer.observe(())
    plan = session.target._replace(resources=()).plan(observation, session.name)
    return retired(plan, {seen.ref: seen.live for seen in observation.seen if seen.live is not None})


def looker(observer: Observer, live: Mapping[ObjectRef, Body]) -> Callable[[GVK, str, str], Body | None]:
    """A way for a kind to look at other objects: what was listed, else a GET, each asked once."""
    asked: dict[ObjectRef, Body | None] = {}

    def look(gvk: GVK, namespace: str, name: str) -> Body | None:
        ref = ObjectRef(gvk.group, gvk.kind, namespace, name)
        if ref in live:
            return live[ref]
        if ref not in asked:
            asked[ref] = observer.get(gvk, namespace, name)
        return asked[ref]

    return look


def await_ready(
    session: Session, refs: Iterable[ObjectRef], timeout: float, tell: Callable[[str], None]
) -> tuple[ObjectStatus, ...]:
    """Wait until every one of the objects is ready or its run has begun; what is not when the time is up, or has failed.

    `tell` is given what is awaited, each time that it changes.
    """
    deadline = time.monotonic() + timeout
    wanted = set(refs)
    told = ""
    while True:
        found = [one for status in statuses(session) for one in status.objects if one.ref in wanted]
        open_ = [one for one in found if one.readiness.state not in SETTLED]
        failed = [one for one in open_ if one.readiness.state is State.FAILED]
        if not open_ or len(failed) == len(open_) or time.monotonic() > deadline:
            return tuple(open_)
        first = next(one for one in open_ if one.readiness.state is not State.FAILED)
        words = f"{len(found) - len(open_)} of {len(found)} ready; {first.ref}: {first.readiness.message}"
        if words != told:
            tell(words)
            told = words
        if session.client.cancelled.wait(_POLL):
            return tuple(open_)
