"""Who is hit by a change of what others run on: serving runtimes, training runtimes, PodDefaults.

The kinds' tables say what such a change does; here stands to whom, by name, as far as the spec knows: what others made in the
cluster may use the same objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from kfspec.catalog import Release
from kfspec.checks import targets
from kfspec.checks.podmodel import named
from kfspec.kinds.base import Outcome
from kfspec.kinds.kserve.runtimes import RUNTIMES, declared
from kfspec.kinds.status import at
from kfspec.live import Seen
from kfspec.planning.values import Action, Change, Said
from kfspec.resource import Body, ObjectRef, Resource

_CHANGES = frozenset({Action.UPDATE, Action.ADOPT, Action.REPLACE})
_HITS = frozenset({*_CHANGES, Action.CREATE, Action.PRUNE})
_MOST = 6
"""Names that a sentence has before it counts the rest."""

_HELD = "serving.kserve.io/disable-auto-update"
_WATCHES = "KServe 0.16.0, pkg/controller/v1beta1/inferenceservice/controller.go (servingRuntimeFunc, clusterServingRuntimeFunc)"
_NEXT = "KServe 0.15.2, pkg/controller/v1beta1/inferenceservice/controller.go (does not watch runtimes)"
_CHOICE = "KServe 0.16.0, pkg/apis/serving/v1beta1/predictor_model.go (GetSupportingRuntimes)"
_JOB_SET = (
    "Trainer 2.1.0, pkg/runtime/framework/plugins/jobset/jobset.go (Build leaves a JobSet that is not suspended alone)"
)
_WEBHOOK = "admission-webhook v1.10.0, main.go (pods, CREATE)"
_SPEC = "kfspec: what the spec names"


class _Around(NamedTuple):
    """The plan as far as it is made, and what it was made of."""

    changes: Sequence[Change]
    desired: Mapping[ObjectRef, Resource]
    there: tuple[Resource, ...]
    """What is desired and exists already."""
    seen: Mapping[ObjectRef, Seen]
    release: Release

    def live(self, ref: ObjectRef) -> Body | None:
        """The live object, where it is looked at: an unchanged one is as desired."""
        seen = self.seen.get(ref)
        return seen.live if seen is not None else None

    def changing(self, *actions: Action) -> frozenset[ObjectRef]:
        """The objects that these happen to."""
        return frozenset(change.ref for change in self.changes if change.action in actions)


_Rule: TypeAlias = Callable[[Change, _Around], Iterator[Said]]


def with_hits(
    changes: list[Change], desired: Mapping[ObjectRef, Resource], seen: Mapping[ObjectRef, Seen], release: Release
) -> list[Change]:
    """The changes, those of what others run on with whom they hit as their last effects."""
    if not any(_rule(change) for change in changes):
        return changes
    there = tuple(r for r in desired.values() if seen[r.ref].unchanged or seen[r.ref].live is not None)
    around = _Around(changes, desired, there, seen, release)
    told = []
    for change in changes:
        rule = _rule(change)
        more = tuple(rule(change, around)) if rule is not None else ()
        told.append(change._replace(effects=(*change.effects, *more)) if more else change)
    return told


def _rule(change: Change) -> _Rule | None:
    return _RULES.get((change.ref.group, change.ref.kind)) if change.action in _HITS else None


def _says_more(change: Change, ignored: str = "") -> bool:
    """Whether a value of the spec changes, of which others are made."""
    paths = (delta.path for delta in change.deltas)
    return any(path.startswith("spec") and path != ignored for path in paths)


def _names(resources: Iterable[Resource]) -> list[str]:
    return sorted({named(resource) for resource in resources})


def _listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and 3 more`."""
    shown = [*names[:_MOST], f"{len(names) - _MOST} more"] if len(names) > _MOST + 1 else list(names)
    return " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))


def _say(found: Iterable[Resource], one: str, many: str, outcome: Outcome, source: str) -> Iterator[Said]:
    """A sentence about what was found, `{}` in it for the names; none about nothing."""
    names = _names(found)
    if names:
        yield Said((one if len(names) == 1 else many).format(_listed(names)), outcome, source)


# -- serving runtimes -------------------------------------------------------------------------------------------------


class _Users(NamedTuple):
    """The model servers of a runtime, those that name it or are known to have it, and those that may."""

    sure: list[Resource]
    may: list[Resource]


def _serving(change: Change, around: _Around) -> Iterator[Said]:
    there = [r for r in around.there if (r.ref.group, r.ref.kind) == (targets.SERVING, "InferenceService")]
    if change.action is Action.CREATE:
        yield from _moved_to(change.ref, there, around)
    elif change.action is Action.PRUNE:
        yield from _moved_from(change.ref, there, around)
    elif _says_more(change):
        users = _users(change, there, around)
        rolls = around.release.since("kserve", "0.16")
        yield from _rolled(users) if rolls else _taken_up(users, around)
        if not (users.sure or users.may):
            yield Said("no model server of the spec uses it", Outcome.TAKES, _SPEC)


def _rolled(users: _Users) -> Iterator[Said]:
    """KServe reconciles every service that has the runtime, unless it is ready and says otherwise."""
    held = [r for r in (*users.sure, *users.may) if at(r.body, "metadata", "annotations", _HELD) == "true"]
    sure, may = ([r for r in some if r not in held] for some in users)
    yield from _say(sure, "rolls {}", "rolls {}", Outcome.DISRUPTS, _WATCHES)
    words = "rolls {} as well, if KServe chose it for the format"
    yield from _say(may, words, words, Outcome.DISRUPTS, _CHOICE)
    yield from _say(
        held,
        f"{{}} keeps what it has as long as it is ready, for it says {_HELD}",
        f"{{}} keep what they have as long as they are ready, for they say {_HELD}",
        Outcome.LATER,
        _WATCHES,
    )


def _taken_up(users: _Users, around: _Around) -> Iterator[Said]:
    """KServe takes the runtime as it is when it reconciles a service, whatever for."""
    changed = around.changing(*_CHANGES)
    yield from _say(
        (r for r in users.sure if r.ref in changed),
        "rolls {} at once, since the plan changes it too",
        "rolls {} at once, since the plan changes them too",
        Outcome.DISRUPTS,
        _NEXT,
    )
    yield from _say(
        (r for r in users.sure if r.ref not in changed),
        "{} uses it, and takes the change up at its next reconcile",
        "{} use it, and take the change up at their next reconcile",
        Outcome.LATER,
        _NEXT,
    )
    words = "{} may use it, since KServe chooses by the format"
    yield from _say(users.may, words, words, Outcome.LATER, _CHOICE)


def _moved_to(ref: ObjectRef, there: list[Resource], around: _Around) -> Iterator[Said]:
    """The services that another runtime had before, and those that KServe may give the new one."""
    moved = {
        r.ref: old for r in there if _runtime(r, around) == ref and (old := _before(r, around)) not in (None, ref.name)
    }
    olds = _listed(sorted({str(old) for old in moved.values()}))
    yield from _say(
        (r for r in there if r.ref in moved),
        f"{{}} moves to it from {olds}",
        f"{{}} move to it from {olds}",
        Outcome.TAKES,
        _SPEC,
    )
    words = "{} may get it at the next reconcile, since KServe chooses by the format"
    found = [r for r in there if _fits(around.desired[ref].body, r, ref)]
    yield from _say(found, words, words, Outcome.LATER, _CHOICE)


def _moved_from(ref: ObjectRef, there: list[Resource], around: _Around) -> Iterator[Said]:
    """The services that name another runtime now, and those that still name it."""
    left = {r.ref: _named(r) for r in there if _before(r, around) == ref.name and _sees(r, ref)}
    news = _listed(sorted({name for name in left.values() if name not in (None, ref.name)})) or "what KServe chooses"
    yield from _say(
        (r for r in there if left.get(r.ref, ref.name) != ref.name),
        f"{{}} leaves it for {news}",
        f"{{}} leave it for {news}",
        Outcome.TAKES,
        _SPEC,
    )
    still = (r for r in there if _named(r) == ref.name and _sees(r, ref) and _runtime(r, around) in (ref, None))
    yield from _say(still, "{} still names it", "{} still name it", Outcome.DISRUPTS, _SPEC)


def _users(change: Change, there: list[Resource], around: _Around) -> _Users:
    """Who has the runtime, before the change or after it."""
    live, new = around.live(change.ref) or {}, around.desired[change.ref].body
    users = _Users([], [])
    for resource in there:
        chosen = _chosen(resource, around)
        if _runtime(resource, around) == change.ref or chosen == change.ref:
            users.sure.append(resource)
        elif chosen is None and any(_fits(body, resource, change.ref) for body in (live, new)):
            users.may.append(resource)
    return users


def _named(resource: Resource) -> str | None:
    found = targets.serving_runtime(resource)
    return found.name if found is not None else None


def _before(resource: Resource, around: _Around) -> str | None:
    """The runtime that the live service names."""
    live = around.live(resource.ref)
    return _named(resource._replace(body=live) if live is not None else resource)


def _sees(resource: Resource, ref: ObjectRef) -> bool:
    return ref.namespace in ("", resource.ref.namespace)


def _runtime(resource: Resource, around: _Around) -> ObjectRef | None:
    """The desired runtime that a service names: its namespace's own before the cluster's."""
    name = _named(resource)
    if name is None:
        return None
    own, cluster = (ObjectRef(targets.SERVING, kind, where, name) for kind, where in _where(resource))
    return next((ref for ref in (own, cluster) if ref in around.desired), None)


def _where(resource: Resource) -> Iterator[tuple[str, str]]:
    """The kinds of runtime that a service may mean, each with its namespace."""
    return zip(RUNTIMES, (resource.ref.namespace, ""), strict=True)


def _chosen(resource: Resource, around: _Around) -> ObjectRef | None:
    """The runtime that KServe says a service has (from 0.16 on)."""
    live = around.live(resource.ref) or {}
    own, cluster = (at(live, "status", key) for key in ("servingRuntimeName", "clusterServingRuntimeName"))
    if isinstance(own, str) and own:
        return ObjectRef(targets.SERVING, RUNTIMES[0], resource.ref.namespace, own)
    return ObjectRef(targets.SERVING, RUNTIMES[1], "", cluster) if isinstance(cluster, str) and cluster else None


def _fits(body: Body, resource: Resource, ref: ObjectRef) -> bool:
    """Whether KServe may choose the runtime for a service that names none."""
    model: Any = at(resource.body, "spec", "predictor", "model")
    if not isinstance(model, dict) or model.get("runtime") or not _sees(resource, ref):
        return False
    runtime = declared(body)
    usable = not runtime.disabled and not runtime.multi_model and runtime.speaks(model.get("protocolVersion") or "v1")
    name, version = (at(model, "modelFormat", key) for key in ("name", "version"))
    return usable and isinstance(name, str) and runtime.serves(name, version, named=False)


# -- training runtimes ------------------------------------------------------------------------------------------------


def _training(change: Change, around: _Around) -> Iterator[Said]:
    """Of jobs that are there, only a suspended one takes another runtime; an experiment makes new jobs all the time."""
    if change.action not in _CHANGES or not _says_more(change):
        return
    users = [r for r in around.desired.values() if _trains(r, change.ref)]
    starting = around.changing(Action.RUN, Action.CREATE)
    there = [r for r in users if r.ref not in starting]
    jobs, experiments = ([r for r in there if (r.ref.kind == "TrainJob") is of_jobs] for of_jobs in (True, False))
    stopped = [r for r in jobs if at(r.body, "spec", "suspend") is True]
    yield from _say(
        (r for r in users if r.ref in starting), "{} starts on it", "{} start on it", Outcome.TAKES, _JOB_SET
    )
    yield from _say(stopped, "{} takes it when it goes on", "{} take it when they go on", Outcome.LATER, _JOB_SET)
    yield from _say(
        (r for r in jobs if r not in stopped),
        "{} stays as it is, and takes it only if it is suspended and goes on",
        "{} stay as they are, and take it only if they are suspended and go on",
        Outcome.LATER,
        _JOB_SET,
    )
    yield from _say(
        experiments,
        "trials that {} starts from now on take it, earlier ones did not",
        "trials that {} start from now on take it, earlier ones did not",
        Outcome.LATER,
        _JOB_SET,
    )
    if not users:
        yield Said("no job of the spec names it", Outcome.TAKES, _SPEC)


def _trains(resource: Resource, ref: ObjectRef) -> bool:
    """Whether a job, or an experiment's trials, name the runtime: its kind counts."""
    named_so = targets.training_runtime(resource)
    return named_so is not None and (named_so.kind, named_so.name) == (ref.kind, ref.name) and _sees(resource, ref)


# -- PodDefaults ------------------------------------------------------------------------------------------------------


def _defaults(change: Change, around: _Around) -> Iterator[Said]:
    """By what it selected and what it will select. Whatever the plan restarts starts with it."""
    if change.action in _CHANGES and not _says_more(change, "spec.desc"):
        return
    old, new = _selected(change, around, around.live(change.ref)), _selected(change, around, change.desired)
    restarted = {
        other.ref
        for other in around.changes
        if other.action in _CHANGES and any(e.outcome in (Outcome.DISRUPTS, Outcome.LOSES) for e in other.effects)
    }
    now = [r for r in new.values() if r.ref in restarted]
    later = [r for r in new.values() if r.ref not in restarted]
    yield from _say(
        now,
        "{}, which the plan restarts, starts with it",
        "{}, which the plan restarts, start with it",
        Outcome.TAKES,
        _WEBHOOK,
    )
    words = "new pods of {} get the change"
    only_selector = all(delta.path.startswith("spec.selector") for delta in change.deltas)
    had = () if only_selector else (r for r in later if r.ref in old)
    yield from _say(had, words, words, Outcome.LATER, _WEBHOOK)
    words = "new pods of {} get it"
    yield from _say((r for r in later if r.ref not in old), words, words, Outcome.LATER, _WEBHOOK)
    words = "new pods of {} no longer get it"
    yield from _say((r for ref, r in old.items() if ref not in new), words, words, Outcome.LATER, _WEBHOOK)
    if change.action in _CHANGES and not (old or new):
        yield Said("no pod of the spec selects it", Outcome.TAKES, _SPEC)


def _selected(change: Change, around: _Around, body: Body | None) -> dict[ObjectRef, Resource]:
    """What exists already and has pods that select the PodDefault in that state."""
    from kfspec.checks.poddefaults import merged_into  # few plans change one

    if body is None or not around.there:
        return {}
    found = merged_into([Resource(change.ref, body, {}, ())], around.there, release=around.release)
    return {resource.ref: resource for _, resource in found}


_RULES: dict[tuple[str, str], _Rule] = {
    **{(targets.SERVING, kind): _serving for kind in RUNTIMES},
    **{(targets.TRAINER, kind): _training for kind in (targets.OWN_RUNTIME, targets.CLUSTER_RUNTIME)},
    ("kubeflow.org", "PodDefault"): _defaults,
}
"""(group, kind) of what others run on."""
