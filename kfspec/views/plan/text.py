"""A plan for people at a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kfspec.planning import Action, Change, Delta, Plan, Service
from kfspec.views import human
from kfspec.views.plan import overall, services, words
from kfspec.views.plan.lines import clip, printable, shown
from kfspec.views.plan.words import Setting, Tone

_BOLD, _DIM, _RED, _GREEN, _YELLOW, _BLUE, _OFF = (
    "\x1b[1m",
    "\x1b[2m",
    "\x1b[31m",
    "\x1b[32m",
    "\x1b[33m",
    "\x1b[36m",
    "\x1b[0m",
)
_ACTIONS = {
    Action.CREATE: _GREEN,
    Action.RUN: _BLUE,
    Action.UPDATE: _YELLOW,
    Action.REPLACE: _RED,
    Action.ADOPT: _BLUE,
    Action.PRUNE: _RED,
    Action.BLOCKED: _BOLD + _RED,
}
_TONES = {Tone.PLAIN: "", Tone.WARN: _BOLD + _YELLOW, Tone.BAD: _BOLD + _RED}
_SIGNS = {"+": _GREEN, "-": _RED, "~": _YELLOW, "@": _BLUE, " ": ""}
_INDENT = "    "
_LABEL = 11
"""Columns of a remark's label."""
_ALIGNED = 48
"""Columns up to which names and paths push what stands beside them to the right."""
_VALUES, _LINES = 60, 16
"""How many values of an object are shown, and how many lines of each."""


def render(plan: Plan, texts: Mapping[str, str] | None = None, *, colour: bool = False, width: int = 120) -> str:
    """The changes that are pending, what stands in the way, and a summary line. `texts`: sources for excerpts of problems."""
    return "".join(f"{line}\n" for line in _render(plan, texts or {}, _Pen(colour, max(width, 60))))


class _Pen:
    """Colours, where they are wanted, and the width of a line."""

    def __init__(self, colour: bool, width: int) -> None:
        self.colour = colour
        self.width = width

    def paint(self, text: str, code: str) -> str:
        """The text in a colour; "" is none."""
        return f"{code}{text}{_OFF}" if self.colour and code and text else text


def _render(plan: Plan, texts: Mapping[str, str], pen: _Pen) -> Iterator[str]:
    yield pen.paint(f"{overall.title(plan)}, {printable(overall.against(plan))}", _DIM)
    yield ""
    about = overall.setting(plan)
    for group in overall.groups(plan):
        if group.title:
            yield pen.paint(printable(group.title), _BOLD)
        yield from _changes(group.changes, about, pen)
        yield ""
    kept = overall.kept(plan)
    for entry in kept:
        symbol = words.SYMBOLS[Action.KEEP]
        yield pen.paint(f"{symbol} {clip(entry.words, 1000)}", _DIM)
    if kept:
        yield ""
    if plan.problems:
        yield "\n".join(human.findings(plan.problems, texts, colour=pen.colour))
    yield from _summary(plan, pen)
    if plan.services is not None:
        yield from _services(plan.services, pen)


def _services(found: Sequence[Service], pen: _Pen) -> Iterator[str]:
    """What a sync would do, service by service."""
    for service in found:
        yield ""
        yield pen.paint(services.title(service), _BOLD + (_YELLOW if service.pending else _GREEN))
        for line in services.lines(service):
            yield f"{_INDENT}{pen.paint(line.sign, _SIGNS.get(line.sign, _BOLD + _RED))} {line.text}"
    if not found:
        yield ""
        yield pen.paint(services.NOTHING, _DIM)


def _summary(plan: Plan, pen: _Pen) -> Iterator[str]:
    blocked = plan.count(Action.BLOCKED)
    tone = _RED if blocked or not overall.complete(plan) else _YELLOW if plan.pending else _GREEN
    yield pen.paint(overall.summary(plan), _BOLD + tone)
    caveats = overall.caveats(plan)
    if caveats:
        yield pen.paint("; ".join(caveat.words for caveat in caveats), _BOLD + _YELLOW)


def _changes(changes: Sequence[Change], about: Setting, pen: _Pen) -> Iterator[str]:
    """One line for a change that needs no more; a change with more stands apart."""
    names = [len(str(change.ref)) for change in changes]
    column = max((n for n in names if n <= _ALIGNED), default=0)
    apart = False
    for n, change in enumerate(changes):
        body = list(_body(change, about, pen))
        if n and (apart or body):
            yield ""
        yield _head(change, column, pen)
        yield from body
        apart = bool(body)


def _head(change: Change, column: int, pen: _Pen) -> str:
    paint = _ACTIONS.get(change.action, "")
    ref = clip(str(change.ref), 300)
    where = "  ".join(filter(None, (clip(change.item, 300), clip(words.place(change), 300))))
    gap = " " * max(0, column - len(ref)) if where else ""
    told = {Action.BLOCKED: "blocked", Action.RUN: "new run"}.get(change.action, "")
    parts = (
        f"{pen.paint(words.SYMBOLS[change.action], paint)} {pen.paint(ref, _BOLD)}{gap}",
        pen.paint(where, _DIM),
        pen.paint(told, paint),
    )
    return "  ".join(filter(None, parts))


def _body(change: Change, about: Setting, pen: _Pen) -> Iterator[str]:
    for remark in words.remarks(change, about):
        room = pen.width - len(_INDENT) - _LABEL
        lines = _wrap(clip(remark.words, 1200), room)
        label = remark.label.ljust(_LABEL)
        for n, line in enumerate(lines):
            lead = label if n == 0 else " " * _LABEL
            tone = _TONES[remark.tone]
            yield _INDENT + (pen.paint(lead + line, tone) if tone else pen.paint(lead, _DIM) + line)
    fits = [len(printable(delta.path)) for delta in change.deltas[:_VALUES]]
    column = max((n for n in fits if n <= _ALIGNED), default=0)
    for delta in change.deltas[:_VALUES]:
        yield from _delta(delta, column, pen)
    if len(change.deltas) > _VALUES:
        yield f"{_INDENT}({len(change.deltas) - _VALUES:,} more values)"


def _delta(delta: Delta, column: int, pen: _Pen) -> Iterator[str]:
    value = shown(delta, pen.width - len(_INDENT) - 2, _LINES)
    sign = pen.paint(value.sign, _SIGNS[value.sign])
    note = clip(words.delta_note(delta), 300)
    head = f"{_INDENT}{sign} {value.path}:"
    if value.lines:
        yield head + (pen.paint(f"  # {note}", _YELLOW) if note else "")
        for line in value.lines:
            text = f"{line.sign} {line.text}".rstrip()
            yield f"{_INDENT}    {pen.paint(text, _SIGNS[line.sign])}" if text else ""
        if value.more:
            yield f"{_INDENT}    ({value.more:,} more line{'' if value.more == 1 else 's'})"
        return
    said = " -> ".join(filter(None, (value.old, value.new)))
    gap = " " * max(0, column - len(value.path))
    taken = len(_INDENT) + 2 + len(value.path) + len(gap) + 2 + len(said)
    if taken > pen.width:
        taken, gap = taken - len(gap), ""
    if note and taken + 4 + len(note) > pen.width:
        yield f"{head}{gap} {said}"
        yield f"{_INDENT}  {pen.paint('# ' + note, _YELLOW)}"
    else:
        yield f"{head}{gap} {said}" + (pen.paint(f"  # {note}", _YELLOW) if note else "")


def _wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` characters, broken at spaces where there are any."""
    if len(text) <= width:
        return [text]
    import textwrap  # only long sentences need it

    return textwrap.wrap(text, width, break_on_hyphens=False) or [text]
