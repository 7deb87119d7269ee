"""A plan with less in it."""

from __future__ import annotations

from kfspec.planning.values import Action, Plan, Reason


def drift(plan: Plan) -> Plan:
    """Only what somebody else changed: of an object that changes, the values that are drift."""
    kept = []
    for change in plan.changes:
        drifted = tuple(delta for delta in change.deltas if delta.drift)
        if change.action is Action.UNCHANGED:
            kept.append(change)
        elif drifted:
            kept.append(change._replace(reason=Reason.DRIFT, deltas=drifted))
        elif change.reason is Reason.DRIFT:  # somebody deleted it
            kept.append(change)
    return plan._replace(changes=tuple(kept))
