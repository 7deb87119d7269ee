"""A plan as one page: it needs nothing else, works from a file, and says everything without its script too."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from html import escape

from kfspec.diagnostics import Diagnostic, Severity
from kfspec.planning import Action, Change, Delta, Plan
from kfspec.resource import ObjectRef
from kfspec.views.plan import json, overall, services, words
from kfspec.views.plan.lines import Line, clip, shown
from kfspec.views.plan.page import SCRIPT, STYLE
from kfspec.views.plan.words import Remark, Setting, Tone

_OPEN = 12
"""Up to so many changes, all stand open."""
_FEW = 4
"""Up to so many changes, nothing needs to be looked at first."""
_FIRST = 12
"""How many of those to look at first stand unfolded."""
_WIDTH, _LINES, _VALUES = 160, 400, 500
_CLASSES = {"-": "minus", "+": "plus", "@": "gap"}


def render(plan: Plan) -> str:
    """The page."""
    return "".join(f"{part}\n" for part in _page(plan))


def _page(plan: Plan) -> Iterator[str]:
    title = overall.title(plan)
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>kfspec: {_text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>"
    yield from _header(plan)
    yield from (_problem(problem) for problem in plan.problems)
    pending, about = plan.pending, overall.setting(plan)
    anchors = {change.ref: f"c{n}" for n, change in enumerate(pending, 1)}
    yield from _first(pending, about, anchors)
    yield from _filters(plan)
    yield "<main>"
    for group in overall.groups(plan):
        heading = f"<h2>{_text(group.title)}</h2>" if group.title else ""
        yield f"<section>{heading}"
        for change in group.changes:
            yield from _change(change, about, anchors[change.ref], len(pending) <= _OPEN)
        yield "</section>"
    yield "</main>"
    yield from _services(plan)
    yield from _still(plan)
    data = json.render(plan, indent=None).rstrip("\n").replace("<", "\\u003c")
    yield f'<script type="application/json" id="plan">{data}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>'


def _policy() -> str:
    """Nothing may be fetched; only the page's own style and script count, whatever a plan holds."""
    style, script = (_digest(text) for text in (STYLE, SCRIPT))
    return f"default-src 'none'; style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _text(text: str, width: int = 2000) -> str:
    return escape(clip(text, width))


# -- the upper part -----------------------------------------------------------------------------------------------


def _header(plan: Plan) -> Iterator[str]:
    project, environment = _text(plan.project, 80), _text(plan.environment, 80)
    yield f"<header>\n<h1>{project} <span>in</span> {environment}</h1>"
    yield f'<p class="about">{_text(overall.against(plan))}</p>'
    yield f'<p class="summary">{_text(overall.summary(plan))}</p>'
    for caveat in overall.caveats(plan):
        yield f'<p class="box {caveat.tone.value}">{_text(caveat.words)}</p>'
    yield "</header>"


def _problem(problem: Diagnostic) -> str:
    pos = problem.pos
    tone = {Severity.ERROR: "bad", Severity.WARNING: "warn"}.get(problem.severity, "plain")
    where = f' <code class="dim">{_text(pos.file)}:{pos.line}:{pos.column}</code>' if pos else ""
    hint = f'<p class="dim">{_text(problem.hint)}</p>' if problem.hint else ""
    notes = "".join(f'<p class="dim">{_text(note.message)}</p>' for note in problem.notes)
    head = f"{problem.severity.value} {_text(problem.code)}"
    return f'<div class="box {tone}"><p><b>{head}</b> {_text(problem.message)}{where}</p>{hint}{notes}</div>'


def _first(pending: Sequence[Change], about: Setting, anchors: dict[ObjectRef, str]) -> Iterator[str]:
    """What blocks, loses, disrupts or fights with others, the worst first."""
    matter = sorted((c for c in pending if words.weight(c) <= words.MATTERS), key=words.weight)
    if len(pending) <= _FEW or not matter:
        return
    entries = [_entry(change, about, anchors) for change in matter]
    yield '<section class="first">\n<h2>Look at these first</h2>'
    yield f"<ol>\n{''.join(entries[:_FIRST])}</ol>"
    if len(entries) > _FIRST:
        more = "".join(entries[_FIRST:])
        yield f"<details><summary>{len(entries) - _FIRST:,} more</summary>\n<ol>\n{more}</ol></details>"
    yield "</section>"


def _entry(change: Change, about: Setting, anchors: dict[ObjectRef, str]) -> str:
    told = words.remarks(change, about)
    loud = [remark for remark in told if remark.tone is not Tone.PLAIN] or list(told)
    said = "".join(f"<p>{_tag(remark)} {_text(remark.words, 400)}</p>" for remark in loud)
    return f'<li>{_symbol(change.action)} <a href="#{anchors[change.ref]}">{_ref(change)}</a> <div>{said}</div></li>\n'


def _filters(plan: Plan) -> Iterator[str]:
    """Hidden until the script shows it."""
    yield '<form class="filters" hidden>\n<input type="search" name="text" placeholder="Filter" aria-label="Filter by text">'
    kinds = sorted({change.ref.kind for change in plan.pending})
    options = "".join(f'<option value="{_text(kind)}">{_text(kind)}</option>' for kind in kinds)
    yield f'<select name="kind" aria-label="Filter by kind"><option value="">all kinds</option>{options}</select>'
    for count in overall.counts(plan):
        box = f'<input type="checkbox" name="action" value="{count.action.value}" checked>'
        yield f'<label class="{count.action.value}" title="show or hide">{box}{_text(count.words)}</label>'
    yield '<button type="button" name="unfold">Open or close all</button>'
    yield '<button type="button" name="save">Save as JSON</button>\n<output name="shown" class="dim"></output>\n</form>'


# -- changes ------------------------------------------------------------------------------------------------------


def _symbol(action: Action) -> str:
    return f'<span class="symbol {action.value}" title="{words.VERBS[action]}">{escape(words.SYMBOLS[action])}</span>'


def _tag(remark: Remark) -> str:
    return f'<span class="tag {remark.tone.value}">{_text(remark.label)}</span>'


def _ref(change: Change) -> str:
    ref = change.ref
    lead = "/".join(filter(None, (ref.kind, ref.namespace)))
    return f'<span class="ref">{_text(lead, 200)}/<b>{_text(ref.name, 300)}</b></span>'


def _change(change: Change, about: Setting, anchor: str, few: bool) -> Iterator[str]:
    told = words.remarks(change, about)
    unfolded = " open" if few and (change.deltas or told) else ""
    kind, action = _text(change.ref.kind), change.action.value
    yield f'<details class="change" id="{anchor}" data-action="{action}" data-kind="{kind}"{unfolded}>'
    loud = dict.fromkeys((r.label, r.tone) for r in told if r.tone is not Tone.PLAIN and r.label != "why")
    tags = "".join(f" {_tag(Remark(label, '', tone))}" for label, tone in loud)
    verb = f' <span class="tag">{words.VERBS[change.action]}</span>'
    where = " \N{MIDDLE DOT} ".join(filter(None, (change.item, words.place(change))))
    place = f' <span class="place">{_text(where, 300)}</span>' if where else ""
    yield f'<summary>{_symbol(change.action)} {_ref(change)}{verb}{tags}{place}</summary>\n<div class="body">'
    yield from _facts(change, told)
    yield from (_delta(delta) for delta in change.deltas[:_VALUES])
    if len(change.deltas) > _VALUES:
        yield f'<p class="dim">({len(change.deltas) - _VALUES:,} more values)</p>'
    yield "</div>\n</details>"


def _facts(change: Change, told: Sequence[Remark]) -> Iterator[str]:
    said = [*told] if any(remark.label == "why" for remark in told) else [Remark("why", words.why(change)), *told]
    yield "<dl>"
    for remark in said:
        source = f' <span class="dim">({_text(remark.source)})</span>' if remark.source else ""
        yield f'<dt class="{remark.tone.value}">{_text(remark.label)}</dt><dd>{_text(remark.words)}{source}</dd>'
    yield "</dl>"


def _delta(delta: Delta) -> str:
    value = shown(delta, _WIDTH, _LINES)
    note = words.delta_note(delta)
    told = f' <span class="note">{_text(note)}</span>' if note else ""
    path = f'<span class="path">{value.sign} {escape(value.path)}</span>'
    if value.lines:
        more = (
            f'<span class="gap">({value.more:,} more line{"" if value.more == 1 else "s"})</span>' if value.more else ""
        )
        return f'<div class="delta">{path}{told}<pre>{"".join(map(_line, value.lines))}{more}</pre></div>'
    old = f"<del>{escape(value.old)}</del>" if value.old else ""
    new = f"<ins>{escape(value.new)}</ins>" if value.new else ""
    return f'<div class="delta">{path} {" → ".join(filter(None, (old, new)))}{told}</div>'


def _line(line: Line) -> str:
    return f'<span class="{_CLASSES.get(line.sign, "equal")}">{escape(f"{line.sign} {line.text}")}</span>'


# -- services -----------------------------------------------------------------------------------------------------


def _services(plan: Plan) -> Iterator[str]:
    """What a sync would do in every service that was looked at."""
    if plan.services is None:
        return
    yield '<section class="services">\n<h2>Services</h2>'
    if not plan.services:
        yield f'<p class="dim">{_text(services.NOTHING)}</p>'
    for service in plan.services:
        told = "".join(
            f'<span class="{_CLASSES.get(line.sign, "equal")}">{escape(f"{line.sign} {line.text}")}</span>'
            for line in services.lines(service)
        )
        inside = f"\n<pre>{told}</pre>" if told else ""
        yield f"<details{' open' if told else ''}><summary>{_text(services.title(service))}</summary>{inside}</details>"
    yield "</section>"


# -- what stays ---------------------------------------------------------------------------------------------------


def _still(plan: Plan) -> Iterator[str]:
    kept = overall.kept(plan)
    if kept:
        entries = "".join(f"<li>{_text(entry.words)}</li>" for entry in kept)
        yield f'<details><summary>{plan.count(Action.KEEP):,} kept</summary>\n<ul class="refs">{entries}</ul></details>'
    same = [change for change in plan.changes if change.action is Action.UNCHANGED]
    if same:
        entries = "".join(f"<li>{_ref(change)}</li>" for change in same)
        yield f'<details><summary>{len(same):,} unchanged</summary>\n<ul class="refs">{entries}</ul></details>'
