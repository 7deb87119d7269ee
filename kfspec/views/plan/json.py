"""A plan as JSON, `formatVersion` 1; tests/views/plan.schema.json has its shape.

The objects themselves are left out: what is applied is `kfspec compile`'s output, and deltas say what changes.
"""

from __future__ import annotations

import json
import re
from typing import Any

from kfspec.diagnostics import Diagnostics
from kfspec.planning import Action, Change, Delta, Plan, Service
from kfspec.resource import ObjectRef
from kfspec.views import json as findings
from kfspec.views.plan import overall

FORMAT_VERSION = 1
_STILL = frozenset({Action.UNCHANGED, Action.KEEP})
_UNSAFE = re.compile("[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufff9-\ufffb]")
"""What JSON allows as it is, and terminals, editors and UTF-8 do not take well."""


def render(plan: Plan, *, indent: int | None = 2) -> str:
    """One JSON document, ending in a newline."""
    separators = (",", ": ") if indent else (",", ":")
    text = json.dumps(document(plan), indent=indent, separators=separators, ensure_ascii=False)
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def document(plan: Plan) -> dict[str, Any]:
    """The plan as JSON values."""
    return {
        "formatVersion": FORMAT_VERSION,
        "project": plan.project,
        "environment": plan.environment,
        "engine": plan.applier.engine,
        "fieldManager": plan.applier.manager,
        "source": plan.source.value,
        "cluster": plan.cluster,
        "complete": overall.complete(plan),
        "summary": {action.value: plan.count(action) for action in Action},
        "changes": [_change(change) for change in plan.changes if change.action not in _STILL],
        "kept": [
            {"object": _ref(change.ref), "reason": change.reason.value, "detail": change.detail, "item": change.item}
            for change in plan.changes
            if change.action is Action.KEEP
        ],
        "unchanged": [_ref(change.ref) for change in plan.changes if change.action is Action.UNCHANGED],
        "diagnostics": _findings(plan.problems),
        **({"services": [_service(one) for one in plan.services]} if plan.services is not None else {}),
    }


def _findings(found: Diagnostics) -> Any:
    return json.loads(findings.render(found))["diagnostics"]


def _service(service: Service) -> dict[str, Any]:
    """What was seen in a service, and what a sync would do there."""
    return {
        "backend": service.backend,
        "namespace": service.namespace,
        "endpoint": service.endpoint,
        "complete": service.complete,
        "steps": [step._asdict() for step in service.steps],
        "diagnostics": _findings(service.findings),
    }


def _change(change: Change) -> dict[str, Any]:
    pos = change.pos
    return {
        "object": _ref(change.ref),
        "action": change.action.value,
        "reason": change.reason.value,
        "detail": change.detail,
        "item": change.item,
        "place": {"file": pos.file, "line": pos.line, "column": pos.column} if pos else None,
        "stage": change.stage or None,
        "verb": change.verb.value,
        "data": change.data,
        "predicted": change.predicted,
        "effects": [
            {"text": said.words, "outcome": said.outcome.value, "source": said.source} for said in change.effects
        ],
        "deltas": [_delta(delta) for delta in change.deltas],
        "conflicts": [{"manager": conflict.manager, "field": conflict.field} for conflict in change.conflicts],
        "after": [_ref(ref) for ref in change.after],
        "uid": change.uid,
    }


def _ref(ref: ObjectRef) -> dict[str, str]:
    return ref._asdict()


def _delta(delta: Delta) -> dict[str, Any]:
    """`old` stands where something was, `new` where something will be; null is a value."""
    made: dict[str, Any] = {"op": delta.op, "path": delta.path}
    if delta.op != "add":
        made["old"] = delta.old
    if delta.op != "remove":
        made["new"] = delta.new
    return {**made, "managers": list(delta.managers), "drift": delta.drift}
