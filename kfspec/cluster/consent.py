"""What stands against executing a plan. Nothing is applied while anything does: half a plan is another plan."""

from __future__ import annotations

from collections.abc import Iterator

from kfspec.cluster.execution import WRITES, Mode, Options
from kfspec.cluster.inventory import Inventory, Parent
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Severity
from kfspec.live import Verb
from kfspec.planning.values import Action, Change, Plan, Reason

_RBAC = "rbac.authorization.k8s.io"
_SHOWN = 10
"""Blocked changes that are told one by one."""


def objections(plan: Plan, options: Options, inventory: Inventory, parent: Parent) -> Iterator[Diagnostic]:
    """Findings, each an error; none if the plan may be executed."""
    if plan.applier.engine != "kfspec" and options.mode is not Mode.COLLECT:  # no engine collects superseded runs
        message = f"environment '{plan.environment}' is applied by {plan.applier.engine}"
        hint = f"commit the compiled overlays; 'kfspec diff' tells what {plan.applier.engine} will do"
        yield finding("KF600", message, ("delivery", "engine"), hint=hint)
    if inventory.foreign:
        message = f"{parent} is kept by {inventory.tooling or 'an unnamed tool'}"
        yield finding("KF602", message, hint="choose another platform.inventoryNamespace")
    yield from (d for d in plan.problems if d.severity is Severity.ERROR)
    if options.mode is Mode.APPLY and options.prune and not any(change.desired is not None for change in plan.changes):
        if any(change.action is Action.PRUNE for change in plan.changes):
            message = (
                f"project '{plan.project}' declares nothing in environment '{plan.environment}': nothing is pruned"
            )
            yield finding("KF603", message, hint=f"'kfspec destroy -e {plan.environment}' deletes a project")
    blocked = [change for change in plan.changes if _is_blocked(change)]
    for change in blocked[:_SHOWN]:
        hint = "see 'kfspec diff' for what would change"
        if change.reason is Reason.CONFLICT:
            hint = "--force-conflicts takes the fields"
        elif change.item.startswith("sync.") and change.ref.group == _RBAC:
            hint = "'platform: {syncRole: false}' leaves it out, and the sync goes on without its Lease and its Events"
        yield finding("KF601", f"cannot apply {change.ref}: {_why(change)}", hint=hint)._replace(pos=change.pos)
    if len(blocked) > _SHOWN:
        yield finding("KF601", f"{len(blocked) - _SHOWN} more objects cannot be applied", hint="see 'kfspec diff'")


def _is_blocked(change: Change) -> bool:
    return change.action is Action.BLOCKED or (change.action in WRITES and change.verb is Verb.NONE)


def _why(change: Change) -> str:
    if change.verb is Verb.NONE:
        return "not allowed to write it"
    if change.reason is Reason.CONFLICT:
        return ", ".join(f"{conflict.manager} holds {conflict.field}" for conflict in change.conflicts)
    return change.detail or change.reason.value
