"""A plan as a value: what happens to which object, why, and what that does to what runs."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from kfspec.diagnostics import Diagnostics, Pos, has_errors
from kfspec.effects import Said as Said
from kfspec.live import Applier, Conflict, Source, Verb
from kfspec.resource import Body, ObjectRef


class Action(StrEnum):
    """What happens to an object."""

    CREATE = "create"
    RUN = "new-run"
    UPDATE = "update"
    REPLACE = "replace"
    """Deleted and created again."""
    ADOPT = "adopt"
    """It exists and is nobody's, or another manager's: the project takes it over."""
    PRUNE = "prune"
    """Deleted: it left the spec."""
    KEEP = "keep"
    """It left the spec, and stays: a run, or what a reconcile loop is told to leave alone."""
    UNCHANGED = "unchanged"
    BLOCKED = "blocked"
    """It cannot be done; the reason says what stands in the way."""


class Reason(StrEnum):
    """Why. A closed list; `detail` says more."""

    MISSING = "missing"
    AFTER = "after"
    """It can only be made once other objects of the same plan are there."""
    SPEC = "spec-changed"
    DRIFT = "drift"
    """Somebody else changed what the project had set."""
    BOTH = "spec-changed-and-drift"
    FOREIGN = "not-yet-owned"
    RENAMED = "renamed"
    SUPERSEDES = "supersedes"
    """A new run of an item that has had runs before."""
    IGNORED = "ignored-by-controller"
    RIGHTS = "rights"
    """The caller may not change it, but may delete and create it."""
    LEFT = "left-the-spec"
    SUPERSEDED = "superseded"
    PROTECTED = "protected"
    """It left the spec, holds data or is marked to be left alone."""
    CONFLICT = "conflict"
    OTHER_PROJECT = "belongs-to-another-project"
    FORBIDDEN = "forbidden"
    NO_KIND = "kind-not-served"
    NO_NAMESPACE = "namespace-missing"
    REFUSED = "refused"
    SAME = "same"


class Delta(NamedTuple):
    """One value that changes."""

    op: str
    """`add`, `remove` or `replace`."""
    path: str
    """With entries of lists by their key: `spec.containers[name=main].image`."""
    old: Any
    """None where there was nothing; a Secret's value never stands here."""
    new: Any
    managers: tuple[str, ...] = ()
    """Other managers that hold the field."""
    drift: bool = False
    """Whether somebody else changed what the project had set; else the spec changed."""


class Change(NamedTuple):
    """What happens to one object, and why."""

    ref: ObjectRef
    action: Action
    reason: Reason = Reason.SAME
    detail: str = ""
    """The reason's particulars, for people: another name, a manager, a server's message."""
    effects: tuple[Said, ...] = ()
    deltas: tuple[Delta, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    """Fields that other managers hold; with them, applying needs `--force-conflicts`."""
    after: tuple[ObjectRef, ...] = ()
    """Objects of the same plan that must be there first."""
    item: str = ""
    """`notebooks.explore`; what left the spec has the name that it had."""
    pos: Pos | None = None
    """Where the spec declares it."""
    stage: str = ""
    """`stage-1`, ...; "" for what is deleted."""
    verb: Verb = Verb.APPLY
    data: bool = False
    """Whether doing it deletes what nobody can make again: `apply` then needs `--allow-destroy`."""
    predicted: bool = False
    """Whether no server was asked what would come of it."""
    desired: Body | None = None
    """What is applied, the engine's marks included."""
    expected: Body | None = None
    """What the server said would be stored."""
    uid: str | None = None
    """Of the live object, where there is one."""


class ServiceStep(NamedTuple):
    """What a sync would do in a service."""

    action: str
    """The sync's own word: `create`, `archive`."""
    kind: str
    name: str
    item: str
    """`pipelines.train`."""
    why: str


class Service(NamedTuple):
    """What a service that has only a REST API holds, compared with what the spec keeps there."""

    backend: str
    """`kfp` or `model-registry`."""
    namespace: str
    endpoint: str
    steps: tuple[ServiceStep, ...] = ()
    findings: Diagnostics = ()
    """What cannot be done, or, where it is not complete, why the service could not be looked at."""
    complete: bool = True

    @property
    def pending(self) -> bool:
        """Whether it is not as the spec says, as far as that is known."""
        return bool(self.steps) or has_errors(self.findings)


class Plan(NamedTuple):
    """All changes, in the order in which they happen."""

    project: str
    environment: str
    applier: Applier
    source: Source
    changes: tuple[Change, ...]
    problems: Diagnostics = ()
    """What could not be looked at (KF5): with an error among them, the plan is not the whole truth."""
    cluster: str = ""
    """Which cluster, snapshot or revision it compares with, for people."""
    services: tuple[Service, ...] | None = None
    """What is kept in services; None where nobody asked one. Their steps are the sync's to do, and no changes of the plan."""

    @property
    def pending(self) -> tuple[Change, ...]:
        """The changes that something happens in, blocked ones included."""
        return tuple(c for c in self.changes if c.action not in (Action.UNCHANGED, Action.KEEP))

    def count(self, action: Action) -> int:
        """How many objects it happens to."""
        return sum(change.action is action for change in self.changes)
