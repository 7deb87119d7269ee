"""What an upgrade consists of, as values; `making` finds them, views print them."""

from __future__ import annotations

from typing import NamedTuple

from kfspec.diagnostics import Diagnostic, Diagnostics, Path, Pos
from kfspec.differ import Operation
from kfspec.resource import Body, ObjectRef

OPTIONAL = "KF140"
"""The note about a kind that the default install leaves out: a reason to act, where it is new."""


class Component(NamedTuple):
    """A component whose version, or whose place in the default install, is another one."""

    name: str
    before: str | None
    after: str | None
    optional_before: bool
    optional_after: bool
    offered: str | None = None
    """What the new release has, where `components` keeps another version."""


class Finding(NamedTuple):
    """What is found under the new release and not under the old one."""

    diagnostic: Diagnostic
    environments: tuple[str, ...]


class Advice(NamedTuple):
    """A change of behaviour that no object shows."""

    component: str
    since: str
    """The version from which on it is so."""
    message: str
    source: str
    places: tuple[tuple[str, Pos], ...]
    """The items that it is about, and where they are."""


class Change(NamedTuple):
    """An object that the new release writes otherwise."""

    ref: ObjectRef
    pos: Pos
    before: Body | None
    after: Body | None
    operations: tuple[Operation, ...]
    """None where the object is added or removed."""


class EnvironmentUpgrade(NamedTuple):
    """One environment under the new release."""

    name: str
    before: str
    """The release that it is for now."""
    objects: int
    changes: tuple[Change, ...]
    """What the new release and the rewritten spec make of the objects."""
    started: tuple[ObjectRef, ...]
    """Runs that the new release alone would start: there must be none."""
    restarted: tuple[ObjectRef, ...]
    """Runs that a rewritten item starts."""
    broken: int = 0
    """Objects of items that the release breaks: they are not compiled, so nothing is compared."""


class Rewritten(NamedTuple):
    """What the rewrite does in one place."""

    pos: Pos
    path: Path
    what: str


class JobRewrite(NamedTuple):
    """A training job that may become a TrainJob."""

    name: str
    kind: str
    pos: Pos
    done: bool
    notes: tuple[str, ...]
    """What to look at in what was rewritten, or why it is left alone."""


class FileChange(NamedTuple):
    """A file of the spec and its new content."""

    file: str
    before: str
    after: str


class Upgrade(NamedTuple):
    """A spec on its way to another release."""

    spec: str
    project: str | None
    to: str
    """The release as it was asked for."""
    release: str
    before: tuple[str, ...]
    """The releases that its environments are for now."""
    downgrade: bool
    components: tuple[Component, ...]
    """Of the environment that is furthest behind."""
    breaks: tuple[Finding, ...]
    """Errors of the new release, and kinds that its default install leaves out."""
    remarks: tuple[Finding, ...]
    """Everything else that is found only under the new release."""
    remaining: tuple[Finding, ...]
    """What breaks still after the rewrite."""
    advice: tuple[Advice, ...]
    environments: tuple[EnvironmentUpgrade, ...]
    rewritten: tuple[Rewritten, ...]
    jobs: tuple[JobRewrite, ...]
    """The training operator's jobs where a rewrite of them was asked for."""
    files: tuple[FileChange, ...]
    texts: dict[str, str]

    @property
    def started(self) -> tuple[ObjectRef, ...]:
        """Runs that the release would start by itself, which is a mistake of kfspec."""
        return tuple(ref for environment in self.environments for ref in environment.started)

    @property
    def todo(self) -> bool:
        """Whether anything is to be done, the rewrite or by hand."""
        return bool(self.files or self.remaining)


class Refused(NamedTuple):
    """A spec that cannot be looked at: it has mistakes under the release that it is for."""

    diagnostics: Diagnostics
    texts: dict[str, str]
