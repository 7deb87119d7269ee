"""Plans that only delete: finished runs beyond each item's history, and a whole project."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from kfspec.kinds.base import Outcome
from kfspec.planning.leftovers import RunPolicy, is_run, protected
from kfspec.planning.values import Action, Change, Plan, Reason, Said
from kfspec.resource import Body, ObjectRef


def collected(
    plan: Plan,
    live: Mapping[ObjectRef, Body],
    policies: Mapping[str, RunPolicy],
    finished: Callable[[Body], bool],
) -> Plan:
    """What `gc` deletes: of each item, superseded runs that are over, beyond the newest `history`; and code that only they
    had. Of an item that left the spec, all that are over.

    `live`: every object of the project. Runs that go on are never touched.
    """
    kept = [change for change in plan.changes if change.action is Action.KEEP and change.ref in live]
    over: dict[str, list[Change]] = {}
    for change in kept:
        if is_run(change.ref) and finished(live[change.ref]):
            over.setdefault(change.item, []).append(change)
    doomed: list[Change] = []
    for item, runs in over.items():
        policy = policies.get(item)
        runs.sort(key=lambda c: (str(live[c.ref]["metadata"].get("creationTimestamp", "")), c.ref.name), reverse=True)
        why = f"beyond the history of {policy.history}" if policy is not None else "its item left the spec"
        doomed += [c._replace(detail=f"over, and {why}") for c in runs[policy.history if policy is not None else 0 :]]
    gone = {change.ref for change in doomed}
    doomed += _unused_code(kept, live, gone)
    changes = [c._replace(action=Action.PRUNE, data=False, uid=live[c.ref]["metadata"].get("uid")) for c in doomed]
    staying = [
        c for c in plan.changes if c.action in (Action.KEEP, Action.UNCHANGED) and c.ref not in {d.ref for d in doomed}
    ]
    return plan._replace(changes=(*staying, *changes))


def _unused_code(kept: list[Change], live: Mapping[ObjectRef, Body], gone: set[ObjectRef]) -> list[Change]:
    """ConfigMaps of code whose every run goes."""
    staying = [
        (ref.namespace, json.dumps(body.get("spec"))) for ref, body in live.items() if is_run(ref) and ref not in gone
    ]
    leaving = [(ref.namespace, json.dumps(live[ref].get("spec"))) for ref in gone]

    def mounted(ref: ObjectRef, runs: list[tuple[str, str]]) -> bool:
        name = json.dumps(ref.name)
        return any(namespace == ref.namespace and name in text for namespace, text in runs)

    maps = [change for change in kept if (change.ref.group, change.ref.kind) == ("", "ConfigMap")]
    unused = [change for change in maps if mounted(change.ref, leaving) and not mounted(change.ref, staying)]
    return [change._replace(detail="no run mounts it any more") for change in unused]


def retired(plan: Plan, live: Mapping[ObjectRef, Body]) -> Plan:
    """What `destroy` deletes: everything that is the project's, what is guarded only with consent."""
    changes = []
    for change in plan.changes:
        body = live.get(change.ref)
        guarded = change.data or (body is not None and protected(body))
        effects = change.effects
        if is_run(change.ref) and not effects:
            effects = (Said("stops the run if it is not over, and deletes what it says", Outcome.DISRUPTS, "kfspec"),)
        changes.append(
            change._replace(action=Action.PRUNE, reason=Reason.LEFT, detail="", data=guarded, effects=effects)
        )
    return plan._replace(changes=tuple(changes))
