"""The round: look, plan, do; and again, until a look finds nothing left to do.

A step that fails is not sent again: whether it was done is not known, so the next round looks. What is refused for good stops
its item only, and the others go on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics, Severity
from kfspec.sync.payload import Desired
from kfspec.sync.service import Patience, Service, ServiceError, Trouble
from kfspec.sync.steps import Steps, effective, findings

_ROUNDS = 5
"""Rounds in which all went well and the next look found the same work again: somebody undoes it."""
_CONFLICTS = 3


class Report(NamedTuple):
    """What a sync did, or would do."""

    desired: Desired
    steps: Steps
    """Done; planned, for a dry run."""
    findings: Diagnostics = ()
    dry_run: bool = False

    @property
    def failed(self) -> bool:
        """Whether something is not as the spec says."""
        return any(one.severity is Severity.ERROR for one in self.findings)


def _always() -> bool:
    return True


def sync(
    desired: Desired,
    service: Service,
    patience: Patience,
    dry_run: bool = False,
    turn_lasts: Callable[[], bool] = _always,
) -> Report:
    """Make the service hold the desired state. `turn_lasts`: asked before every step, whether another sync cannot have begun."""
    return _Sync(desired, service, patience, turn_lasts).run(dry_run)


class _TurnOverError(Exception):
    """Another sync may be at work."""


class _Sync:
    def __init__(self, desired: Desired, service: Service, patience: Patience, turn_lasts: Callable[[], bool]) -> None:
        self.desired, self.service, self.patience = desired, service, patience
        self.turn_lasts = turn_lasts
        self.done: Steps = ()
        self.unsure: Steps = ()
        """Steps whose answer got lost."""
        self.failed: dict[str, Diagnostic] = {}
        """Item -> what was refused."""
        self.conflicts: dict[object, int] = {}

    def run(self, dry_run: bool) -> Report:
        """Rounds until nothing is left, or none is worth while."""
        told: Diagnostics = ()
        clean = 0
        while True:
            try:
                steps = self._plan()
            except ServiceError as error:
                return self._report((*told, _unreachable(error)))
            told = findings(steps)
            if dry_run:
                return Report(self.desired, effective(steps), told, dry_run=True)
            todo = tuple(step for step in effective(steps) if step.item not in self.failed)
            if not todo:
                return self._report(told)
            if clean >= _ROUNDS:
                message = f"'{todo[0].name}' does not stay as it is made: {todo[0].line}"
                return self._report((*told, finding("KF623", message, hint="look for another writer")))
            try:
                clean += self._round(todo)
            except ServiceError as error:
                return self._report((*told, _unreachable(error)))
            except _TurnOverError:
                message = "the Lease could not be renewed in time, so another sync may be at work: nothing more is done"
                return self._report((*told, finding("KF628", message, hint="the next sync looks again")))

    def _plan(self) -> Steps:
        """Look and plan, and tell of the steps whose answer got lost which were done."""
        steps = self.patience.patiently(lambda: self.service.plan(self.desired))
        again = {step.same for step in steps}
        self.done += tuple(step for step in self.unsure if step.same not in again)
        self.unsure = ()
        return steps

    def _round(self, todo: Steps) -> bool:
        """The steps in their order, as far as they go; whether all went well. Raises ServiceError when time is up, and
        _TurnOverError."""
        for step in todo:
            if step.item in self.failed:
                continue
            if not self.turn_lasts():
                raise _TurnOverError
            try:
                self.service.do(step)
            except ServiceError as error:
                refused = error.trouble is Trouble.REFUSED
                if error.trouble is Trouble.CONFLICT:
                    self.conflicts[step.same] = self.conflicts.get(step.same, 0) + 1
                    refused = self.conflicts[step.same] >= _CONFLICTS
                if refused:
                    message = f"{step.item}: cannot {step.action} {step.kind} '{step.name}': {error}"
                    self.failed[step.item] = finding("KF623", message)
                    continue
                self.unsure = (step,)
                if not self.patience.waits(error.trouble):
                    raise
                return False
            self.patience.went_well()
            self.done += (step,)
        return True

    def _report(self, told: Diagnostics) -> Report:
        return Report(self.desired, self.done, (*told, *self.failed.values()))


def _unreachable(error: ServiceError) -> Diagnostic:
    hints = {
        Trouble.EXPIRED: "the token must be one of the service's audience (KFP: pipelines.kubeflow.org) and still valid",
        Trouble.REFUSED: "check --endpoint and --token-file, and what the service account may do in the namespace",
    }
    return finding("KF622", f"the service does not answer: {error}", hint=hints.get(error.trouble))
