"""The state of a project: a line for each item, and more where it is not what one wants."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from kfspec.cluster.outcome import SETTLED, ItemStatus, ObjectStatus
from kfspec.kinds.base import State
from kfspec.views.plan.lines import printable

FORMAT_VERSION = 1
_COLOURS = {
    State.READY: "\x1b[32m",
    State.SUCCEEDED: "\x1b[32m",
    State.RUNNING: "\x1b[36m",
    State.SUSPENDED: "\x1b[2m",
    State.WAITING: "\x1b[33m",
    State.UNKNOWN: "\x1b[33m",
    State.FAILED: "\x1b[1;31m",
}
_OFF = "\x1b[0m"


class Report(NamedTuple):
    """What `status` tells of one project."""

    project: str
    environment: str
    cluster: str
    items: tuple[ItemStatus, ...]


def as_text(reports: Sequence[Report], *, colour: bool = False) -> str:
    """For people: items that are as they should be in one line, the others with what they wait for."""
    return "\n".join("".join(f"{line}\n" for line in _lines(report, colour)) for report in reports)


def _lines(report: Report, colour: bool) -> Iterator[str]:
    yield printable(f"{report.project} in {report.environment}, cluster {report.cluster}")
    yield ""
    width = max((len(item.item) for item in report.items), default=0)
    for item in report.items:
        state = f"{item.readiness.state.value:<9}"
        shown = f"{_COLOURS[item.readiness.state]}{state}{_OFF}" if colour else state
        yield f"{shown} {printable(item.item):<{width}}  {printable(item.readiness.message)}".rstrip()
        rest = [one for one in item.objects[1:] if one.readiness.state not in SETTLED]
        for one in rest:
            yield f"{'':<9} {'':<{width}}  {_said(one)}"
        for one in item.earlier:
            yield f"{'':<9} {'':<{width}}  before: {_said(one)}"
    settled = sum(item.readiness.state in SETTLED for item in report.items)
    yield ""
    yield f"{settled} of {len(report.items)} items as they should be"


def _said(one: ObjectStatus) -> str:
    detail = f", {one.readiness.message}" if one.readiness.message else ""
    return printable(f"{one.ref} {one.readiness.state.value}{detail}")


def as_json(reports: Sequence[Report], *, colour: bool = False) -> str:
    """One JSON document, `formatVersion` 1."""
    document = {
        "formatVersion": FORMAT_VERSION,
        "projects": [
            {
                "project": report.project,
                "environment": report.environment,
                "cluster": report.cluster,
                "items": [_item(item) for item in report.items],
            }
            for report in reports
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _item(item: ItemStatus) -> dict[str, Any]:
    return {
        "item": item.item,
        "state": item.readiness.state.value,
        "message": item.readiness.message,
        "objects": [_object(one) for one in item.objects],
        "earlierRuns": [_object(one) for one in item.earlier],
    }


def _object(one: ObjectStatus) -> dict[str, Any]:
    return {"object": str(one.ref), "state": one.readiness.state.value, "message": one.readiness.message}
