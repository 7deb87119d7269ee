"""From a plan to a changed cluster: what `apply`, `gc` and `destroy` share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from kfspec.cli.comparing import targets
from kfspec.cli.printing import print_plans
from kfspec.cli.running import agreed, refused, run, stoppable
from kfspec.cli.targets import Chosen
from kfspec.cluster.execution import Options, deletions
from kfspec.cluster.session import Session, connect
from kfspec.codes import finding
from kfspec.diagnostics import has_errors
from kfspec.planning import Action, Plan

INTERRUPTED = 130


def sessions(chosen: Chosen, kubeconfig: Path | None, context: str | None) -> list[Session] | None:
    """A session for every spec, all findings printed; None where one is an error."""
    goals = targets(chosen)
    if chosen.stop_if_wrong() or goals is None:
        return None
    made: list[Session] = []
    for goal in goals:
        session, found = connect(goal, kubeconfig, context)
        if found:
            chosen.say(found)
        if session is None:
            return None
        made.append(session)
    return made


def apply(
    chosen: Chosen,
    kubeconfig: Path | None,
    context: str | None,
    options: Options,
    *,
    yes: bool,
    wait: bool,
    quiet: bool,
) -> int:
    """Plan, show, ask, execute, wait."""
    opened = sessions(chosen, kubeconfig, context)
    if opened is None:
        return 1
    plans = [session.plan(force=options.force_conflicts) for session in opened]
    status = execute_shown(chosen, opened, plans, options, "apply", yes=yes, quiet=quiet)
    if status or not wait:
        return status
    late = [not _ready(chosen, *pair, options.timeout) for pair in zip(opened, plans, strict=True)]
    return int(any(late))


def execute_shown(
    chosen: Chosen,
    opened: list[Session],
    plans: list[Plan],
    options: Options,
    verb: str,
    *,
    yes: bool,
    quiet: bool = False,
) -> int:
    """Print the plans, ask, and execute them; the exit status."""
    if not quiet:
        print_plans(plans, chosen.texts)
        sys.stdout.flush()
    if refused(chosen, opened, plans, options):
        return 1
    todo = sum(_steps(plan, options) for plan in plans)
    if todo and not agreed(f"{verb} {todo} change{'s' if todo != 1 else ''}?", yes):
        click.echo("nothing was changed", err=True)
        return 1
    for session, plan in zip(opened, plans, strict=True):
        if not run(chosen, session, plan, options):
            return INTERRUPTED if session.client.cancelled.is_set() else 1
    if todo:
        click.echo(f"done: {todo} change{'s' if todo != 1 else ''}", err=True)
    return 0


def _steps(plan: Plan, options: Options) -> int:
    allowed, _ = deletions(plan, options)
    writes = sum(c.action not in (Action.PRUNE, Action.KEEP, Action.UNCHANGED, Action.BLOCKED) for c in plan.changes)
    return writes + len(allowed)


def _ready(chosen: Chosen, session: Session, plan: Plan, timeout: float) -> bool:
    from kfspec.cluster.outcome import await_ready

    tell: Callable[[str], None] = lambda words: click.echo(f"waiting: {words}", err=True)  # noqa: E731 - one use
    refs = [change.ref for change in plan.changes if change.desired is not None]
    with stoppable(session.client.cancelled):
        late = await_ready(session, refs, timeout, tell)
    found = tuple(finding("KF607", f"{one.ref}: {one.readiness.message or one.readiness.state.value}") for one in late)
    if found:
        chosen.say(found)
    return not has_errors(found)
