"""What the views say of a whole plan: with what it compares, counts, caveats, groups."""

from __future__ import annotations

from typing import NamedTuple

from kfspec.diagnostics import Severity
from kfspec.kinds.base import Outcome
from kfspec.live import Source
from kfspec.planning import Action, Change, Plan, Reason
from kfspec.resource import ObjectRef
from kfspec.views.plan import words
from kfspec.views.plan.lines import clip


def setting(plan: Plan) -> words.Setting:
    """The setting of a plan's changes."""
    return words.Setting(plan, all_predicted(plan))


def against(plan: Plan) -> str:
    """What the plan compares with, and as whom it speaks."""
    word = {Source.CLUSTER: "cluster", Source.SNAPSHOT: "snapshot", Source.GIT: "git revision"}[plan.source]
    other = f"{word} {plan.cluster}" if plan.cluster else f"{'the' if plan.source is Source.CLUSTER else 'a'} {word}"
    engine = f" ({plan.applier.engine})" if plan.applier.engine != plan.applier.manager else ""
    return f"compared with {other}, applied as {plan.applier.manager}{engine}"


def complete(plan: Plan) -> bool:
    """Whether everything could be looked at."""
    return not any(problem.severity is Severity.ERROR for problem in plan.problems)


class Count(NamedTuple):
    """How many objects one action happens to."""

    action: Action
    number: int
    words: str
    """`2 to update`."""
    asides: str
    """`1 disruptive, 1 drifted`; "" where nothing is special."""


def counts(plan: Plan) -> tuple[Count, ...]:
    """The actions that happen to anything, in their order; what stays as it is not among them."""
    of: dict[Action, list[Change]] = {}
    for change in plan.pending:
        of.setdefault(change.action, []).append(change)
    return tuple(
        Count(action, len(of[action]), f"{len(of[action])} {_doing(action, len(of[action]))}", _asides(of[action]))
        for action in Action
        if action in of
    )


def _doing(action: Action, number: int) -> str:
    if action is Action.RUN:
        return "new run" if number == 1 else "new runs"
    return "blocked" if action is Action.BLOCKED else f"to {words.VERBS[action]}"


def _asides(changes: list[Change]) -> str:
    if changes[0].action is Action.BLOCKED:
        return ""
    losing = sum(change.data for change in changes)
    stateless = sum(words.loses(change) and not change.data for change in changes)
    disruptive = sum(words.has(change, Outcome.DISRUPTS) for change in changes)
    drifted = sum(map(words.drifted, changes))
    conflicts = sum(bool(change.conflicts) for change in changes)
    parts = (
        (losing, "loses data" if losing == 1 else "lose data"),
        (stateless, "loses state" if stateless == 1 else "lose state"),
        (disruptive, "disruptive"),
        (drifted, "drifted"),
        (conflicts, "in conflict"),
    )
    return ", ".join(f"{number} {words}" for number, words in parts if number)


def summary(plan: Plan) -> str:
    """One sentence: how many objects each action happens to, and how many stay."""
    same, kept_ones = plan.count(Action.UNCHANGED), plan.count(Action.KEEP)
    keeps = f"{kept_ones} kept" if kept_ones else ""
    made = counts(plan)
    if not made:
        if same:
            as_said = f"{same} object{' is' if same == 1 else 's are'} as the spec says"
        else:
            as_said = "there is nothing to compare" if not kept_ones else "nothing is to be done"
        return "; ".join(filter(None, (f"{'no changes' if complete(plan) else 'no changes seen'}: {as_said}", keeps)))
    changes = ", ".join(f"{count.words}{f' ({count.asides})' if count.asides else ''}" for count in made)
    stays = ", ".join(filter(None, (f"{same} unchanged" if same else "", keeps)))
    return "; ".join(filter(None, (changes, stays)))


def caveats(plan: Plan) -> tuple[words.Remark, ...]:
    """Why the plan may not be the whole truth."""
    found: list[words.Remark] = []
    errors = sum(problem.severity is Severity.ERROR for problem in plan.problems)
    if errors:
        said = f"incomplete: {errors} thing{'' if errors == 1 else 's'} could not be looked at"
        found.append(words.Remark("incomplete", said, words.Tone.WARN))
    predicted = sum(change.predicted for change in plan.pending)
    if all_predicted(plan):
        found.append(words.Remark("predicted", "predicted, no server was asked"))
    elif predicted:
        said = f"{predicted} of {len(plan.pending)} changes predicted, no server was asked about them"
        found.append(words.Remark("predicted", said))
    return tuple(found)


def all_predicted(plan: Plan) -> bool:
    return plan.source is not Source.CLUSTER or (bool(plan.pending) and all(c.predicted for c in plan.pending))


class Group(NamedTuple):
    """Changes that happen in one stage."""

    title: str
    """"" where all happens in one stage."""
    changes: tuple[Change, ...]


def groups(plan: Plan) -> tuple[Group, ...]:
    """The pending changes by stage, in the plan's order; what is deleted comes last."""
    of: dict[str, list[Change]] = {}
    for change in plan.pending:
        of.setdefault("" if change.action is Action.PRUNE else change.stage, []).append(change)
    last = of.pop("", [])
    titled = len(of) > 1
    made = [Group(stage if titled else "", tuple(changes)) for stage, changes in of.items()]
    return (*made, Group("deletions" if titled else "", tuple(last))) if last else tuple(made)


class Kept(NamedTuple):
    """Objects that stay although nothing in the spec makes them, told in one sentence."""

    words: str
    item: str
    refs: tuple[ObjectRef, ...]


def kept(plan: Plan) -> tuple[Kept, ...]:
    """What stays, by item and kind."""
    of: dict[tuple[str, str, str, Reason, str], list[ObjectRef]] = {}
    for change in plan.changes:
        if change.action is Action.KEEP:
            superseded = change.reason is Reason.SUPERSEDED  # by whom differs, and does not matter
            key = (
                change.item,
                change.ref.kind,
                change.ref.namespace,
                change.reason,
                "" if superseded else words.why(change),
            )
            of.setdefault(key, []).append(change.ref)
    return tuple(Kept(_kept_words(*key, refs), key[0], tuple(refs)) for key, refs in of.items())


def _kept_words(item: str, kind: str, namespace: str, reason: Reason, said: str, refs: list[ObjectRef]) -> str:
    if len(refs) == 1:
        return f"{refs[0]} is kept: {said or 'superseded by a newer run'}"
    names = ", ".join(ref.name for ref in refs[:4]) + (f" and {len(refs) - 4} more" if len(refs) > 4 else "")
    what = f"{len(refs)} {'superseded ' if reason is Reason.SUPERSEDED else ''}{kind}s{f' of {item}' if item else ''}"
    where = f" in {namespace}" if namespace else ""
    return f"{what} are kept{where}: {names}{f' ({said})' if said else ''}"


def title(plan: Plan) -> str:
    """`fraud in prod`."""
    return f"{clip(plan.project, 80)} in {clip(plan.environment, 80)}"


def command(plan: Plan) -> str:
    """The command that shows the whole plan, where the caller names none."""
    return f"kfspec diff -e {plan.environment}"
