"""A sync's report, as text for people's logs and as JSON."""

from __future__ import annotations

import json
from typing import Any

from kfspec.diagnostics import Diagnostic
from kfspec.sync.engine import Report
from kfspec.sync.steps import Action, Step

_SIGNS = {Action.CREATE: "+", Action.START: "+", Action.DELETE: "-", Action.ARCHIVE: "-"}
FORMAT = 1


def as_text(report: Report) -> str:
    """A line per step and per finding, and what it comes to."""
    lines = [f"{_SIGNS.get(step.action, '~')} {step.line}  ({step.item})" for step in report.steps]
    for found in report.findings:
        lines.append(f"{found.severity}[{found.code}]: {found.message}")
        if found.hint:
            lines.append(f"  = help: {found.hint}")
    return "\n".join([*lines, summary(report)]) + "\n"


def summary(report: Report) -> str:
    """One line."""
    changes = len(report.steps)
    scope = report.desired.scope
    where = f"{scope.project}, {scope.environment}: {scope.backend} in {scope.namespace}"
    if report.dry_run:
        told = f"{_steps(changes)} to do" if changes else "nothing to do"
    else:
        told = f"{_steps(changes)} done" if changes else "nothing to do" if not report.failed else "nothing done"
    return f"{where}: {told}{', and not all is as the spec says' if report.failed else ''}"


def _steps(number: int) -> str:
    return f"{number} step" if number == 1 else f"{number} steps"


def as_json(report: Report) -> str:
    """The same for machines."""
    scope = report.desired.scope
    whole = {
        "formatVersion": FORMAT,
        "project": scope.project,
        "environment": scope.environment,
        "namespace": scope.namespace,
        "backend": scope.backend,
        "dryRun": report.dry_run,
        "failed": report.failed,
        "steps": [_step(step) for step in report.steps],
        "findings": [_finding(found) for found in report.findings],
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _step(step: Step) -> dict[str, Any]:
    whole = {
        "action": str(step.action),
        "kind": step.kind,
        "name": step.name,
        "item": step.item,
        "why": step.words,
        "id": step.id,
    }
    return {name: value for name, value in whole.items() if value}


def _finding(found: Diagnostic) -> dict[str, Any]:
    whole = {"code": found.code, "severity": str(found.severity), "message": found.message, "hint": found.hint}
    return {name: value for name, value in whole.items() if value}
