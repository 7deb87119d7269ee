"""What `watch` tells: the difference between two plans, line by line."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import click

from kfspec.cluster.session import Session
from kfspec.cluster.transport import ClusterError
from kfspec.diagnostics import has_errors
from kfspec.planning import Change, Plan
from kfspec.planning.narrowing import drift
from kfspec.views.plan import words
from kfspec.views.plan.lines import clip


class Watcher:
    """Looks, and remembers what it told."""

    def __init__(self, sessions: list[Session], drift_only: bool) -> None:
        self._sessions = sessions
        self._drift_only = drift_only
        self._told: dict[str, str] = {}
        self._failed = ""

    def look(self) -> int:
        """One look: prints what is new or over; 0 no change, 1 changes, 2 it could not be made."""
        try:
            plans = [self._plan(session) for session in self._sessions]
        except ClusterError as error:
            self._say_once(f"cannot look: {error}")
            return 2
        problems = [problem for plan in plans for problem in plan.problems]
        if has_errors(problems):
            self._say_once(f"cannot see all: {problems[0].message}")
            return 2
        self._failed = ""
        now = {key: line for plan in plans for key, line in _lines(plan)}
        for key, line in now.items():
            if self._told.get(key) != line:
                _say(line)
        for key in self._told.keys() - now.keys():
            _say(f"over: {key}")
        self._told = now
        return int(bool(now))

    def _plan(self, session: Session) -> Plan:
        plan = session.afresh().plan()
        return drift(plan) if self._drift_only else plan

    def _say_once(self, words: str) -> None:
        if words != self._failed:
            _say(words)
            self._failed = words


def _lines(plan: Plan) -> Iterator[tuple[str, str]]:
    """The object of each change, and the line that tells it."""
    for change in plan.pending:
        yield str(change.ref), _line(change)


def _line(change: Change) -> str:
    """`update InferenceService/team/scorer: it was changed in the cluster: spec.predictor.minReplicas by kubectl-edit`."""
    fields = ", ".join(f"{delta.path}{_by(delta.managers)}" for delta in change.deltas)
    said = words.why(change)
    return clip(f"{words.VERBS[change.action]} {change.ref}: {said}{f': {fields}' if fields else ''}", 400)


def _by(managers: tuple[str, ...]) -> str:
    return f" by {' and '.join(managers)}" if managers else ""


def _say(words: str) -> None:
    now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    click.echo(f"{now} {words}")
