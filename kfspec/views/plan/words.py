"""What the views of a plan say: symbols, reasons, remarks, counts and groups, as plain text that each of them escapes itself."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from kfspec.kinds.base import Outcome
from kfspec.live import Applier, Verb
from kfspec.planning import Action, Change, Delta, Plan, Reason
from kfspec.views.plan.lines import one_line

SYMBOLS = {
    Action.CREATE: "+",
    Action.RUN: "▶",
    Action.UPDATE: "~",
    Action.REPLACE: "±",
    Action.ADOPT: ">",
    Action.PRUNE: "-",
    Action.KEEP: "=",
    Action.UNCHANGED: "=",
    Action.BLOCKED: "!",
}

VERBS = {
    Action.CREATE: "create",
    Action.RUN: "new run",
    Action.UPDATE: "update",
    Action.REPLACE: "replace",
    Action.ADOPT: "adopt",
    Action.PRUNE: "delete",
    Action.KEEP: "keep",
    Action.UNCHANGED: "unchanged",
    Action.BLOCKED: "blocked",
}
"""An action in a word or two."""

_WHY = {
    Reason.MISSING: "it is not there yet",
    Reason.AFTER: "it waits for other objects of the plan",
    Reason.SPEC: "the spec changed",
    Reason.DRIFT: "it was changed in the cluster; the spec is as it was",
    Reason.BOTH: "the spec changed, and it was changed in the cluster too",
    Reason.FOREIGN: "it exists, and is not the project's yet",
    Reason.RENAMED: "renamed",
    Reason.SUPERSEDES: "its content changed, so it runs anew",
    Reason.IGNORED: "its controller ignores this change of an existing object, so it is deleted and created again",
    Reason.RIGHTS: "the caller may not change it, but may delete it and create it again",
    Reason.LEFT: "it is no longer in the spec",
    Reason.SUPERSEDED: "superseded by a newer run",
    Reason.PROTECTED: "it is no longer in the spec, but holds data or is marked to be left alone",
    Reason.CONFLICT: "another manager holds fields of it",
    Reason.OTHER_PROJECT: "it belongs to another project",
    Reason.FORBIDDEN: "it is not allowed",
    Reason.NO_KIND: "the cluster does not serve this kind",
    Reason.NO_NAMESPACE: "its namespace is not there, and nothing in the plan makes it",
    Reason.REFUSED: "it is refused",
    Reason.SAME: "it is as the spec says",
}

_OBVIOUS = frozenset(
    {
        (Action.CREATE, Reason.MISSING),
        (Action.CREATE, Reason.AFTER),
        (Action.RUN, Reason.MISSING),
        (Action.RUN, Reason.AFTER),
        (Action.UPDATE, Reason.SPEC),
        (Action.UPDATE, Reason.AFTER),
        (Action.PRUNE, Reason.LEFT),
    }
)
"""What the action says already; the objects that come first are a remark of their own."""


class Tone(StrEnum):
    """How much a remark matters to whoever reviews it."""

    PLAIN = "plain"
    WARN = "warn"
    BAD = "bad"


class Remark(NamedTuple):
    """One thing to know about a change."""

    label: str
    words: str
    tone: Tone = Tone.PLAIN
    source: str = ""
    """Where upstream does it."""


_OUTCOMES = {
    Outcome.TAKES: ("effect", Tone.PLAIN),
    Outcome.DISRUPTS: ("disrupts", Tone.WARN),
    Outcome.LOSES: ("loses", Tone.BAD),
    Outcome.LATER: ("later", Tone.PLAIN),
    Outcome.IGNORED: ("ignored", Tone.WARN),
    Outcome.REFUSED: ("refused", Tone.BAD),
}


# -- one change ---------------------------------------------------------------------------------------------------


def why(change: Change) -> str:
    """The reason as a sentence, with its particulars."""
    said = _WHY[change.reason]
    stays = change.action is Action.KEEP
    match change.reason:
        case Reason.LEFT | Reason.PROTECTED if stays:
            said = f"{said}, and stays"
        case Reason.RENAMED if change.detail:
            return f"renamed, it {'was' if change.action is Action.CREATE else 'is now'} {change.detail}"
        case Reason.DRIFT if change.action in (Action.CREATE, Action.RUN):
            return change.detail or said
        case Reason.SUPERSEDES if change.detail:
            return f"{said}; before it: {change.detail}"
        case Reason.CONFLICT if change.detail:
            return f"{change.detail} holds fields of it"
        case Reason.OTHER_PROJECT if change.detail:
            return change.detail
    return f"{said}: {change.detail}" if change.detail else said


def _says_why(change: Change) -> bool:
    """Whether the reason is worth a remark: neither the action nor an effect says it."""
    if any(change.detail and change.detail in effect.words for effect in change.effects):
        return change.reason not in (Reason.SUPERSEDES, Reason.REFUSED)
    if change.detail:
        return True
    return change.reason is not Reason.SAME and (change.action, change.reason) not in _OBVIOUS


class Setting(NamedTuple):
    """What remarks about a change need to know of its plan; made once, since a plan may hold thousands."""

    plan: Plan
    predicted: bool
    """Whether the whole plan is predicted: then no change says it for itself."""


def remarks(change: Change, about: Setting) -> tuple[Remark, ...]:
    """Everything to know about a change beside its values; the reason only where the action does not say it."""
    found: list[Remark] = []
    if _says_why(change):
        found.append(Remark("why", why(change), Tone.BAD if change.action is Action.BLOCKED else Tone.PLAIN))
    for effect in change.effects:
        label, tone = _OUTCOMES[effect.outcome]
        found.append(Remark(label, effect.words, tone, effect.source))
    if change.data:
        needs = "; 'kfspec apply' needs --allow-destroy" if about.plan.applier.engine == "kfspec" else ""
        found.append(Remark("data", f"deletes what nobody can make again{needs}", Tone.BAD))
    found.extend(_conflicts(change, about.plan.applier))
    if change.after:
        found.append(Remark("after", ", ".join(map(str, change.after))))
    if change.verb is Verb.UPDATE:
        found.append(Remark("rights", "the caller may not patch it: the whole object is written"))
    elif change.verb is Verb.NONE and change.action is not Action.BLOCKED:
        found.append(Remark("rights", "the caller may only look"))
    elif change.verb is Verb.RECREATE and change.reason is not Reason.RIGHTS:
        found.append(Remark("rights", "the caller may not change it: it is deleted and created", Tone.WARN))
    if change.predicted and not about.predicted:
        found.append(Remark("predicted", "no server was asked"))
    return tuple(found)


def _conflicts(change: Change, applier: Applier) -> Iterable[Remark]:
    fields: dict[str, list[str]] = {}
    for conflict in change.conflicts:
        fields.setdefault(conflict.manager, []).append(conflict.field)
    for manager, held in fields.items():
        words = f"{manager} holds {', '.join(held)}"
        if applier.force:
            yield Remark(
                "conflict", f"{words}; {applier.manager} takes {'it' if len(held) == 1 else 'them'}", Tone.WARN
            )
        else:
            yield Remark("conflict", f"{words}; 'kfspec apply' needs --force-conflicts", Tone.BAD)


def delta_note(delta: Delta) -> str:
    """Who else has a hand in a value, "" if nobody."""
    by = f" by {', '.join(delta.managers)}" if delta.managers else ""
    if not delta.drift:
        return f"also held{by}" if by else ""
    if delta.op == "remove":
        return f"added in the cluster{by}; the spec has no such value"
    says = one_line(delta.new, 32)
    done = "removed from" if delta.op == "add" else "changed in"
    return f"{done} the cluster{by}; the spec says {says or 'otherwise'}"


def weight(change: Change) -> int:
    """The place of a change where the most important come first: 0 blocked, 1 loses, 2 disrupts, 3 in conflict, 4 drift."""
    if change.action is Action.BLOCKED:
        return 0
    if loses(change):
        return 1
    if has(change, Outcome.DISRUPTS, Outcome.IGNORED, Outcome.REFUSED) or change.action is Action.REPLACE:
        return 2
    if change.conflicts:
        return 3
    if drifted(change):
        return 4
    return {Action.PRUNE: 5, Action.RUN: 6, Action.UPDATE: 7, Action.ADOPT: 8}.get(change.action, 9)


MATTERS = 4
"""The greatest weight of what a reviewer must see first."""


def has(change: Change, *outcomes: Outcome) -> bool:
    return any(effect.outcome in outcomes for effect in change.effects)


def loses(change: Change) -> bool:
    return change.data or has(change, Outcome.LOSES)


def drifted(change: Change) -> bool:
    return change.reason in (Reason.DRIFT, Reason.BOTH) or any(delta.drift for delta in change.deltas)


def place(change: Change) -> str:
    """`kfspec.yaml:44:3`, "" for what the spec does not declare."""
    return f"{change.pos.file}:{change.pos.line}:{change.pos.column}" if change.pos else ""
