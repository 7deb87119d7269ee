"""A plan as a pull-request comment: what matters first, all else folded, and never longer than a comment may be.

Text of others stands in `<code>` or fenced blocks, or is prose whose marks are character references: it makes no link, no
tag, no mention and no table cell. GitHub looks for mentions and references in text outside of code (html-pipeline,
mention filter), which is why a zero-width space keeps them apart there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from kfspec.diagnostics import Diagnostic
from kfspec.planning import Action, Change, Delta, Plan
from kfspec.views.plan import overall, services, words
from kfspec.views.plan.lines import clip, shown
from kfspec.views.plan.words import Remark, Setting, Tone

LIMIT = 65_000
"""Bytes of UTF-8, below the 65,536 characters that GitHub takes."""
_FOLD = 10_000
"""Bytes that the values of one change may take, so that one change cannot hide the others."""
_WIDTH, _LINES, _VALUES, _REMARKS = 120, 30, 40, 6
_SPECIAL = re.compile(r"[&<>\\`*_\[\]~$|]")
# A link begins with "www." even where a zero-width space follows the dot (cmark-gfm, autolink.c): it stands before the dot.
_PINGS = re.compile(r"@(?=\w)|#(?=[0-9])|(?<=[Gg][Hh])-(?=[0-9])|:(?=//)|(?<=[Ww][Ww][Ww])(?=\.)")
_TONES = {Tone.PLAIN: "", Tone.WARN: "⚠️ ", Tone.BAD: "🛑 "}
_SIGNS = {Action.CREATE: "+", Action.RUN: "+", Action.PRUNE: "-"}

_T = TypeVar("_T")


def render(plan: Plan, *, command: str | None = None, limit: int = LIMIT) -> str:
    """The comment, at most `limit` bytes; `command` is what shows the whole plan."""
    pending = sorted(plan.pending, key=words.weight)  # stable: the plan's order within a weight
    told, about = command or overall.command(plan), overall.setting(plan)
    head = _head(plan)
    room = limit - _size((head, _ending(len(pending), told)))
    problems = _fitted(plan.problems, _problem, room // 4, "\n", lambda n: f"- and {n:,} more\n")
    synced = _services(plan, room // 4)
    room -= _size((*problems.parts, *synced))
    table = _table(about, pending, room // 3)
    room -= _size(table.parts)
    known = {change.ref for change in _mattering(pending)[: table.number] if _row_says_all(change, about)}
    rest = [change for change in pending if change.ref not in known]
    folds = _folds(about, rest, room)
    room -= _size(folds.parts)
    kept = _kept(plan, room)
    left_out = len(rest) - folds.number
    return "".join((head, *problems.parts, *table.parts, *folds.parts, *synced, *kept, _ending(left_out, told)))


def marker(plan: Plan) -> str:
    """The comment's first line, by which a later run finds and replaces it."""
    return f"<!-- kfspec-diff project={_plain(plan.project)} environment={_plain(plan.environment)} -->"


def _plain(text: str) -> str:
    """The text as one word that ends no HTML comment."""

    def percent(match: re.Match[str]) -> str:
        return "".join(f"%{byte:02X}" for byte in match[0].encode(errors="replace"))

    return re.sub(r"[^A-Za-z0-9._-]|(?<=-)-|-$", percent, text[:80])


# -- escaping -----------------------------------------------------------------------------------------------------


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", text)


def _prose(text: str, width: int = 600) -> str:
    """Text of others outside of code."""
    return _escaped(_PINGS.sub(lambda match: f"{match[0]}\N{ZERO WIDTH SPACE}", clip(text, width)))


def _code(text: str, width: int = 300) -> str:
    return f"<code>{_escaped(clip(text, width))}</code>"


def _fence(lines: Sequence[str]) -> str:
    """A block that none of its lines can end."""
    runs = (len(run) for line in lines for run in re.findall("`+", line))
    ticks = "`" * max(3, max(runs, default=0) + 1)
    return f"{ticks}diff\n" + "".join(f"{line}\n" for line in lines) + f"{ticks}\n"


def _folded(summary: str, body: str) -> str:
    return f"\n<details><summary>{summary}</summary>\n\n{body}\n</details>\n"


# -- fitting ------------------------------------------------------------------------------------------------------


def _size(parts: Iterable[str]) -> int:
    return sum(len(part.encode(errors="replace")) for part in parts)


class _Fitted(NamedTuple):
    """What there was room for."""

    parts: tuple[str, ...]
    number: int
    """How many entries are in it."""


def _fitted(
    entries: Sequence[_T], one: Callable[[_T], str], room: int, head: str, more: Callable[[int], str]
) -> _Fitted:
    """As many entries as there is room for, under a head, with a last line for the others."""
    made = [head]
    room -= _size((head, more(len(entries))))
    for number, entry in enumerate(entries):
        text = one(entry)
        room -= _size((text,))
        if room < 0:
            return _Fitted((*made, more(len(entries) - number)), number) if number else _Fitted((), 0)
        made.append(text)
    return _Fitted(tuple(made), len(entries)) if entries else _Fitted((), 0)


# -- the upper part -----------------------------------------------------------------------------------------------


def _head(plan: Plan) -> str:
    title = f"### kfspec: {_code(plan.project, 80)} in {_code(plan.environment, 80)}"
    caveats = overall.caveats(plan)
    kind = "WARNING" if any(caveat.tone is not Tone.PLAIN for caveat in caveats) else "NOTE"
    alert = f"\n> [!{kind}]\n> {_prose('; '.join(caveat.words for caveat in caveats))}\n" if caveats else ""
    summary, about = _prose(overall.summary(plan)), _prose(overall.against(plan))
    return f"{marker(plan)}\n{title}\n\n**{summary}**\n\n<sub>{about}</sub>\n{alert}"


def _problem(problem: Diagnostic) -> str:
    hint = f" ({_prose(problem.hint, 200)})" if problem.hint else ""
    return f"- {problem.severity.value} **{_prose(problem.code, 20)}**: {_prose(problem.message, 300)}{hint}\n"


def _mattering(pending: Sequence[Change]) -> list[Change]:
    """What blocks, loses, disrupts, or fights with others."""
    return [change for change in pending if words.weight(change) <= words.MATTERS]


def _table(about: Setting, pending: Sequence[Change], room: int) -> _Fitted:
    head = "\n| | object | what to know |\n|---|---|---|\n"
    return _fitted(
        _mattering(pending), lambda change: _row(change, about), room, head, lambda n: f"| | | and {n:,} more |\n"
    )


def _row(change: Change, about: Setting) -> str:
    loud = _loud(change, about)
    known = "<br>".join(f"{_TONES[r.tone]}**{r.label}** {_prose(r.words, 300)}" for r in loud[:_REMARKS])
    more = f"<br>and {len(loud) - _REMARKS} more" if len(loud) > _REMARKS else ""
    where = words.place(change)
    at = f"<br><sub>{_code(where, 100)}</sub>" if where else ""
    return f"| {_verb(change.action)} | {_code(str(change.ref), 200)}{at} | {known}{more} |\n"


def _loud(change: Change, about: Setting) -> Sequence[Remark]:
    """The remarks of a row: those that matter, all if none does."""
    told = words.remarks(change, about)
    return [remark for remark in told if remark.tone is not Tone.PLAIN] or told


def _row_says_all(change: Change, about: Setting) -> bool:
    told = words.remarks(change, about)
    return not change.deltas and len(told) <= _REMARKS and len(_loud(change, about)) == len(told)


def _verb(action: Action) -> str:
    return f"<code>{_escaped(words.SYMBOLS[action])}</code> {words.VERBS[action]}"


# -- the folded part ----------------------------------------------------------------------------------------------


def _folds(about: Setting, changes: Sequence[Change], room: int) -> _Fitted:
    """By weight: a fold for every change that has values to show, then one for all others of an action."""
    parts: list[str] = []
    number = 0
    for same in _by_weight(changes):
        for made in _sections(about, same, room):
            parts += made.parts
            room -= _size(made.parts)
            number += made.number
            same = same[made.number :]
        if same:
            break  # what matters less must not stand in the place of what matters more
    return _Fitted(tuple(parts), number)


def _by_weight(changes: Sequence[Change]) -> list[list[Change]]:
    """What matters by its weight, all else as one; changes with values first."""
    of: dict[int, list[Change]] = {}
    for change in changes:
        of.setdefault(min(words.weight(change), words.MATTERS + 1), []).append(change)
    return [sorted(same, key=lambda change: not change.deltas) for same in of.values()]


def _sections(about: Setting, changes: Sequence[Change], room: int) -> Iterator[_Fitted]:
    valued = [change for change in changes if change.deltas]
    made = _fitted(valued, lambda change: _fold(change, about), room, "", lambda n: "")
    yield made
    if made.number < len(valued):
        return
    room -= _size(made.parts)
    others = changes[len(valued) :]
    for action in dict.fromkeys(change.action for change in others):
        same = [change for change in others if change.action is action]
        made = _listed(same, room, about)
        yield made
        if made.number < len(same):
            return
        room -= _size(made.parts)


def _fold(change: Change, about: Setting) -> str:
    told = words.remarks(change, about)
    loud = dict.fromkeys(remark.label for remark in told if remark.tone is not Tone.PLAIN)
    tags = "".join(f" <b>{label}</b>" for label in loud)
    where = " ".join(_code(part) for part in (change.item, words.place(change)) if part)
    notes = "".join(f"- {_TONES[remark.tone]}**{remark.label}** {_prose(remark.words)}\n" for remark in told[:40])
    body = "\n".join(filter(None, (where and f"{where}\n", notes, _fence(_cut(_values(change))))))
    return _folded(f"{_verb(change.action)} {_code(str(change.ref))}{tags}", body)


def _values(change: Change) -> list[str]:
    lines = [line for delta in change.deltas[:_VALUES] for line in _value(delta)]
    more = len(change.deltas) - _VALUES
    return [*lines, f"  ({more:,} more values)"] if more > 0 else lines


def _value(delta: Delta) -> Iterator[str]:
    """Lines of a diff block: the first column decides the colour."""
    value = shown(delta, _WIDTH, _LINES)
    note = words.delta_note(delta)
    told = f"  # {clip(note, 300)}" if note else ""
    if value.lines:
        yield f"  {value.path}:{told}"
        for line in value.lines:
            yield f"@@ {line.text} @@" if line.sign == "@" else f"{line.sign}   {line.text}".rstrip()
        if value.more:
            yield f"    ({value.more:,} more line{'' if value.more == 1 else 's'})"
        return
    if value.old:
        yield f"- {value.path}: {value.old}{told if not value.new else ''}"
    if value.new:
        yield f"{'+' if value.old or value.sign == '+' else ' '} {value.path}: {value.new}{told}"


def _cut(lines: list[str]) -> list[str]:
    room = _FOLD
    for number, line in enumerate(lines):
        room -= _size((line,)) + 1
        if room < 0:
            return [*lines[:number], f"  ({len(lines) - number:,} more lines)"]
    return lines


def _listed(changes: Sequence[Change], room: int, about: Setting) -> _Fitted:
    """One fold for objects of an action, with their remarks below."""
    more = "more " if len(changes) < about.plan.count(changes[0].action) else ""
    summary = f"{_verb(changes[0].action)}: {len(changes):,} {more}object{'' if len(changes) == 1 else 's'}"

    def entry(change: Change) -> str:
        where = (clip(change.item, 300), clip(words.place(change), 300))
        head = f"{_SIGNS.get(change.action, ' ')} {'  '.join(filter(None, (clip(str(change.ref), 300), *where)))}"
        notes = (f"    {remark.label}: {clip(remark.words, 300)}" for remark in words.remarks(change, about)[:_REMARKS])
        return "\n".join((head, *notes))

    # 700: two fences, each longer than any run of backticks that a clipped text can hold
    left = room - _size((_folded(summary, ""),)) - 700
    made = _fitted(changes, lambda change: f"{entry(change)}\n", left, "", lambda n: f"  ({n:,} more)\n")
    if not made.number:
        return made
    return _Fitted((_folded(summary, _fence("".join(made.parts).rstrip("\n").split("\n"))),), made.number)


def _services(plan: Plan, room: int) -> tuple[str, ...]:
    """A fold for every service that was looked at; the first line where there is no room for more."""
    if plan.services is not None and not plan.services:
        return (f"\n<sub>{_prose(services.NOTHING)}</sub>\n",)
    made = []
    for service in plan.services or ():
        told = [f"{line.sign} {line.text}" for line in services.lines(service)]
        text = _folded(_prose(services.title(service)), _fence(_cut(told))) if told else ""
        if not told or _size((text,)) > room:
            text = f"\n{_prose(services.title(service))}\n"
        if _size((text,)) <= room:
            made.append(text)
            room -= _size((text,))
    return tuple(made)


def _kept(plan: Plan, room: int) -> tuple[str, ...]:
    lines = [f"  {clip(entry.words, 300)}" for entry in overall.kept(plan)]
    text = _folded(f"{plan.count(Action.KEEP):,} kept", _fence(_cut(lines)))
    return (text,) if lines and _size((text,)) <= room else ()


def _ending(left_out: int, command: str) -> str:
    if not left_out:
        return ""
    what = "the details of 1 change" if left_out == 1 else f"the details of {left_out:,} changes"
    return f"\nLeft out, to fit into a comment: {what}. {_code(command)} shows all.\n"
