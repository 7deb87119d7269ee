"""An upgrade for people and as JSON (`formatVersion` 1; tests/upgrade/upgrade.schema.json has its shape)."""

from __future__ import annotations

import difflib
import json
import textwrap
from collections.abc import Iterator
from typing import Any

from kfspec.catalog.releases import short
from kfspec.diagnostics import Pos, format_path
from kfspec.differ import describe_path
from kfspec.resource import ObjectRef
from kfspec.upgrading.values import OPTIONAL, Change, Component, EnvironmentUpgrade, FileChange, Finding, Upgrade
from kfspec.views import human
from kfspec.views.json import FORMAT_VERSION, finding

_WIDTH = 118


def render(upgrade: Upgrade, *, colour: bool = False, written: bool = False) -> str:
    """The whole report. `written`: the rewrite is on disk already, and not shown again."""
    parts = [
        _head(upgrade),
        _components(upgrade.components),
        _findings("breaks", tuple(f for f in upgrade.breaks if f.diagnostic.code != OPTIONAL), upgrade, colour),
        _findings(
            "no longer installed by default",
            tuple(f for f in upgrade.breaks if f.diagnostic.code == OPTIONAL),
            upgrade,
            colour,
        ),
        _findings("new remarks", upgrade.remarks, upgrade, colour),
        _advice(upgrade),
        _jobs(upgrade),
        _environments(upgrade),
        _rewritten(upgrade) if written else patch(upgrade.files),
        _by_hand(upgrade),
        _end(upgrade, written),
    ]
    return "\n".join(part for part in parts if part)


def patch(files: tuple[FileChange, ...]) -> str:
    """The rewrite as one unified diff."""
    out: list[str] = []
    for file in files:
        before, after = file.before.splitlines(keepends=True), file.after.splitlines(keepends=True)
        for line in difflib.unified_diff(before, after, file.file, file.file):
            out.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return "".join(out)


def _head(upgrade: Upgrade) -> str:
    before = ", ".join(map(short, upgrade.before))
    word = "back to" if upgrade.downgrade else "to"
    if upgrade.before == (upgrade.release,):
        return f"{upgrade.spec}: {upgrade.project} is for Kubeflow {short(upgrade.release)}\n"
    return f"{upgrade.spec}: {upgrade.project}, from Kubeflow {before} {word} {short(upgrade.release)}\n"


def _components(components: tuple[Component, ...]) -> str:
    wide = max((len(c.name) for c in components), default=0)
    return "".join(f"  {c.name:<{wide}}  {_versions(c)}\n" for c in components)


def _versions(component: Component) -> str:
    before, after = component.before or "none", component.after or "none"
    text = after if before == after else f"{before} -> {after}"
    if component.offered is not None:
        return f"{text}, which 'components' keeps; the release has {component.offered}"
    if component.optional_before == component.optional_after or component.after is None:
        return text
    word = "no longer installed by default" if component.optional_after else "installed by default from now on"
    return f"{text}, {word}" if component.before is not None else text


def _findings(title: str, found: tuple[Finding, ...], upgrade: Upgrade, colour: bool) -> str:
    if not found:
        return ""
    names = tuple(environment.name for environment in upgrade.environments)
    texts = human.findings(tuple(f.diagnostic for f in found), upgrade.texts, colour=colour)
    out = [f"{title}:\n\n"]
    for finding_, text in zip(found, texts, strict=True):
        where = "" if finding_.environments == names else f"   in {', '.join(finding_.environments)}\n"
        out.append(f"{text}{where}\n")
    return "".join(out).removesuffix("\n")


def _advice(upgrade: Upgrade) -> str:
    if not upgrade.advice:
        return ""
    out = ["worth knowing:\n\n"]
    for each in upgrade.advice:
        out.append(_wrapped(f"{each.component} {each.since}: {each.message}", "  ", "    "))
        out += [f"    {_place(pos)}   {item}\n" for item, pos in each.places]
    return "".join(out)


def _jobs(upgrade: Upgrade) -> str:
    if not upgrade.jobs:
        return ""
    out = ["training jobs:\n\n"]
    for job in upgrade.jobs:
        what = "becomes a TrainJob" if job.done else "is left alone"
        out.append(f"  {job.kind} '{job.name}' {what}   {_place(job.pos)}\n")
        out += [_wrapped(note, "    - ", "      ") for note in job.notes]
    return "".join(out)


def _rewritten(upgrade: Upgrade) -> str:
    if not upgrade.rewritten:
        return ""
    out = ["rewritten:\n\n"]
    out += [f"  {_place(r.pos)}   {format_path(r.path)}: {r.what}\n" for r in upgrade.rewritten]
    return "".join(out)


def _by_hand(upgrade: Upgrade) -> str:
    """What is left after the rewrite, where that is less than what breaks. Its lines may have moved, so paths name it."""
    if not upgrade.remaining or len(upgrade.remaining) == len(upgrade.breaks):
        return ""
    out = ["left to do by hand:\n\n"]
    for found in upgrade.remaining:
        d = found.diagnostic
        out.append(f"  {d.code} {format_path(d.path)}: {d.message}\n")
    return "".join(out)


def _wrapped(text: str, first: str, rest: str) -> str:
    return textwrap.fill(
        text, _WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    ) + "\n"  # fmt: skip


def _environments(upgrade: Upgrade) -> str:
    out = ["objects:\n\n"]
    for environment in upgrade.environments:
        out.append(f"  {environment.name}: {_counted(environment)}\n")
        for change in environment.changes:
            out += _change(change)
        out += [f"    the release alone would start {ref}\n" for ref in environment.started]
    return "".join(out)


def _counted(environment: EnvironmentUpgrade) -> str:
    count, changed = environment.objects, len(environment.changes)
    objects = f"{count} object{'' if count == 1 else 's'}"
    what = "none changes" if not changed else f"{changed} change{'s' if changed == 1 else ''}"
    runs = len(environment.started) + len(environment.restarted)
    starts = "no run starts" if not runs else f"{runs} run{' starts' if runs == 1 else 's start'}"
    if environment.restarted and not environment.started:
        starts += ", of what is rewritten"
    if environment.broken:
        starts += f"; {environment.broken} of what breaks {'is' if environment.broken == 1 else 'are'} not compared"
    return f"{objects}, {what}, {starts}"


def _change(change: Change) -> Iterator[str]:
    sign = "+" if change.before is None else "-" if change.after is None else "~"
    yield f"    {sign} {change.ref}   {_place(change.pos)}\n"
    value = change.before
    for operation in change.operations:
        path = describe_path(value, operation.path)
        old = _at(value, operation.path)
        if isinstance(old, str) and isinstance(operation.value, str) and "\n" in old:
            yield f"        ~ {path}:\n"
            yield from _lines(old, operation.value)
            continue
        if operation.op != "add":
            yield f"        - {path}: {_short(old)}\n"
        if operation.op != "remove":
            yield f"        + {path}: {_short(operation.value)}\n"


def _lines(before: str, after: str) -> Iterator[str]:
    """The lines of a text that differ."""
    for line in difflib.ndiff(before.splitlines(), after.splitlines()):
        if line[:2] in ("- ", "+ "):
            yield f"            {line.rstrip()}\n"


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):  # an earlier operation moved it
            return None
    return value


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _end(upgrade: Upgrade, written: bool) -> str:
    if upgrade.started:
        return "the release alone would start runs: a mistake of kfspec\n"
    left = len(upgrade.remaining)
    by_hand = f"{left} thing{'' if left == 1 else 's'} to do by hand" if left else ""
    if not upgrade.files:
        return f"{by_hand or 'nothing to do'}\n"
    count = len(upgrade.files)
    files = f"{count} file{'' if count == 1 else 's'}"
    shared = [r for r in upgrade.rewritten if r.what.endswith("this file")]
    done = f"{'rewrote' if written else 'would rewrite'} {files}"
    then = "" if written else "; '--write' does it"
    also = "".join(
        f"{r.pos.file} is changed for every spec that extends it: look at them all in one run\n" for r in shared
    )
    return f"{also}{done}{', ' + by_hand if by_hand else ''}{then}\n"


def _place(pos: Pos) -> str:
    return f"{pos.file}:{pos.line}:{pos.column}"


# -- JSON -------------------------------------------------------------------------------------------------------


def document(upgrade: Upgrade, written: bool = False) -> dict[str, Any]:
    """The upgrade as JSON values."""
    return {
        "formatVersion": FORMAT_VERSION,
        "spec": upgrade.spec,
        "project": upgrade.project,
        "from": list(upgrade.before),
        "to": upgrade.release,
        "downgrade": upgrade.downgrade,
        "components": [
            {
                "name": c.name,
                "from": c.before,
                "to": c.after,
                "optionalBefore": c.optional_before,
                "optionalAfter": c.optional_after,
                "offered": c.offered,
            }
            for c in upgrade.components
        ],
        "breaks": [_found(f) for f in upgrade.breaks],
        "remarks": [_found(f) for f in upgrade.remarks],
        "remaining": [_found(f) for f in upgrade.remaining],
        "advice": [
            {
                "component": a.component,
                "since": a.since,
                "message": a.message,
                "source": a.source,
                "items": [{"item": item, **_pos(pos)} for item, pos in a.places],
            }
            for a in upgrade.advice
        ],
        "environments": [_environment(environment) for environment in upgrade.environments],
        "rewritten": [{"path": format_path(r.path), "what": r.what, **_pos(r.pos)} for r in upgrade.rewritten],
        "jobs": [
            {"name": j.name, "kind": j.kind, "rewritten": j.done, "notes": list(j.notes), **_pos(j.pos)}
            for j in upgrade.jobs
        ],
        "patch": patch(upgrade.files),
        "written": written,
        "todo": bool(upgrade.remaining) if written else upgrade.todo,
    }


def render_json(upgrades: list[Upgrade], *, written: bool = False) -> str:
    """One JSON document, ending in a newline; several specs are one array."""
    made: Any = [document(upgrade, written) for upgrade in upgrades]
    return json.dumps(made[0] if len(made) == 1 else made, indent=2, ensure_ascii=False) + "\n"


def _found(found: Finding) -> dict[str, Any]:
    return {**finding(found.diagnostic), "environments": list(found.environments)}


def _pos(pos: Pos) -> dict[str, Any]:
    return {"file": pos.file, "line": pos.line, "column": pos.column}


def _environment(environment: EnvironmentUpgrade) -> dict[str, Any]:
    return {
        "name": environment.name,
        "from": environment.before,
        "objects": environment.objects,
        "changes": [
            {
                **_ref(change.ref),
                **_pos(change.pos),
                "action": "add" if change.before is None else "remove" if change.after is None else "change",
                "operations": [
                    {"op": o.op, "path": describe_path(change.before, o.path), "value": o.value}
                    for o in change.operations
                ],
            }
            for change in environment.changes
        ],
        "started": [_ref(ref) for ref in environment.started],
        "restarted": [_ref(ref) for ref in environment.restarted],
        "broken": environment.broken,
    }


def _ref(ref: ObjectRef) -> dict[str, Any]:
    return {"group": ref.group, "kind": ref.kind, "namespace": ref.namespace, "name": ref.name}
