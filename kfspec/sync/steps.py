"""Steps: what a plan is made of, whichever service it is for. A step is a value: a dry run prints it, the engine does it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics


class Action(StrEnum):
    """What a step does."""

    CREATE = "create"
    UPDATE = "update"
    START = "start"
    ENABLE = "enable"
    DISABLE = "disable"
    RESTORE = "restore"
    ARCHIVE = "archive"
    DELETE = "delete"
    KEEP = "keep"
    """Nothing, though the spec asks for something: it cannot be done, or would touch what is not ours. The sync goes well."""
    REFUSE = "refuse"
    """Nothing of this item; the sync does not go well."""
    WAIT = "wait"
    """Nothing of this item yet; the next sync looks again."""


IDLE = (Action.KEEP, Action.REFUSE, Action.WAIT)
"""Actions that make no request."""


class Step(NamedTuple):
    """One step, in an order that is safe to be cut off anywhere."""

    action: Action
    kind: str
    """`pipeline`, `recurring run`, `registered model`: the component's own word."""
    name: str
    item: str
    """The spec's item that it is done for: `pipelines.train`."""
    words: str
    """Why."""
    id: str = ""
    """Of what is there already."""
    within: tuple[str, ...] = ()
    """Names of what it belongs to, which a step before may have made."""
    value: Any = None
    """What to send, or the payload's part that it is made of."""
    code: str = ""
    """The finding that an idle step is."""

    @property
    def line(self) -> str:
        """In words, for people."""
        return f"{self.action} {self.kind} {self.name}: {self.words}"

    @property
    def same(self) -> tuple[str, str, str, tuple[str, ...]]:
        """What makes it the same step when planned anew."""
        return self.action, self.kind, self.name, self.within


Steps = tuple[Step, ...]


def effective(steps: Steps) -> Steps:
    """Those that change something."""
    return tuple(step for step in steps if step.action not in IDLE)


def findings(steps: Steps) -> Diagnostics:
    """What the idle steps have to tell."""
    return tuple(_finding(step) for step in steps if step.action in IDLE)


def _finding(step: Step) -> Diagnostic:
    return finding(step.code, f"{step.item}: {step.kind} '{step.name}' {step.words}")
