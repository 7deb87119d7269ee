"""From a plan to a changed cluster: what `apply`, `gc` and `destroy` share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from kfspec.cli.comparing import targets
from kfspec.cli.printing import print_plans
from kfspec.cli.running import agreed, refused, run, say, stoppable, tell, unread
from kfspec.cli.targets import Chosen
from kfspec.cluster.delivered import loops
from kfspec.cluster.execution import WRITES, Options, deletions
from kfspec.cluster.session import Session, connecting
from kfspec.cluster.transport import CancelledError
from kfspec.codes import finding
from kfspec.diagnostics import has_errors
from kfspec.pipeline import Prepared
from kfspec.planning import Action, Plan

INTERRUPTED = 130


def sessions(chosen: Chosen, kubeconfig: Path | None, context: str | None) -> list[Session] | None:
    """A session for every spec, all findings printed; None where one is an error."""
    goals = targets(chosen)
    ready = [connecting(goal, kubeconfig, context) for goal in goals or ()]  # meanwhile the spec is judged
    if chosen.stop_if_wrong() or goals is None:
        return None
    made: list[Session] = []
    for connect in ready:
        session, found = connect()
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
    plans = planned(chosen, opened, lambda session: session.plan(force=options.force_conflicts))
    if plans is None:
        return INTERRUPTED
    status = execute_shown(chosen, opened, plans, options, "apply", yes=yes, quiet=quiet)
    if status or not wait:
        return status
    for session, plan in zip(opened, plans, strict=True):
        status = max(status, _waited(chosen, session, plan, options.timeout))
        if status == INTERRUPTED:
            break
    return status


def delete(
    chosen: Chosen,
    kubeconfig: Path | None,
    context: str | None,
    make: Callable[[Session], Plan],
    options: Options,
    *,
    yes: bool,
) -> int:
    """Plan by `make`, which only deletes; show, ask, execute."""
    opened = sessions(chosen, kubeconfig, context)
    if opened is None:
        return 1
    plans = planned(chosen, opened, make)
    if plans is None:
        return INTERRUPTED
    return execute_shown(chosen, opened, plans, options, "delete", yes=yes)


def planned(chosen: Chosen, opened: list[Session], make: Callable[[Session], Plan]) -> list[Plan] | None:
    """The plan of every session; None where a signal came, which is said. Raises ClusterError."""
    plans = []
    for session in opened:
        cancelled = session.client.cancelled
        with stoppable(cancelled, session.client.abort), suppress(CancelledError):
            plans.append(make(session))
        if cancelled.is_set():
            say(chosen, [finding("KF606", "interrupted", hint="nothing was changed; run it again")])
            return None
    return plans


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
        with unread(sys.stdout):
            print_plans(plans, chosen.texts)
            sys.stdout.flush()
    if refused(chosen, opened, plans, options):
        return 1
    todo = sum(_steps(plan, options) for plan in plans)
    if todo and not agreed(f"{verb} {todo} change{'s' if todo != 1 else ''}?", yes):
        tell("nothing was changed")
        return 1
    for prepared, session, plan in zip(chosen.prepared, opened, plans, strict=True):
        if not run(chosen, session, plan, options._replace(commit=_commit(prepared, plan))):
            return INTERRUPTED if session.client.cancelled.is_set() else 1
    if todo:
        tell(f"done: {todo} change{'s' if todo != 1 else ''}")
    return 0


def _commit(prepared: Prepared, plan: Plan) -> str | None:
    """The commit that the spec's files are of; None where nobody is told, and where it is not known."""
    if not any(change.action in WRITES for change in loops(plan.changes)):
        return None
    from kfspec.revision import committed  # git takes 90 ms

    return committed(prepared.build.texts)


def _steps(plan: Plan, options: Options) -> int:
    allowed, _ = deletions(plan, options)
    writes = sum(c.action not in (Action.PRUNE, Action.KEEP, Action.UNCHANGED, Action.BLOCKED) for c in plan.changes)
    return writes + len(allowed)


def _waited(chosen: Chosen, session: Session, plan: Plan, timeout: float) -> int:
    """Wait until all that was applied is ready; the exit status."""
    from kfspec.cluster.outcome import ObjectStatus, await_ready

    late: tuple[ObjectStatus, ...] = ()
    refs = [change.ref for change in plan.changes if change.desired is not None]
    cancelled = session.client.cancelled
    with stoppable(cancelled, session.client.abort), suppress(CancelledError):
        late = await_ready(session, refs, timeout, lambda words: tell(f"waiting: {words}"))
    if cancelled.is_set():
        say(chosen, [finding("KF606", "interrupted", hint="all is applied; 'kfspec status' tells how ready it is")])
        return INTERRUPTED
    found = [finding("KF607", f"{one.ref}: {one.readiness.message or one.readiness.state.value}") for one in late]
    say(chosen, found)
    return int(has_errors(found))
