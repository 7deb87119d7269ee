"""What a kind's module must offer, and the few things that all of them need.

A kind is a module (design: one kind, one file). It assigns every name of `Kind`, defaults included
(`rules = base.no_rules`), so that a reader sees all that the kind does in one place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeAlias

from kfspec.diagnostics import Diagnostic, Path
from kfspec.kinds.status import condition, status, told
from kfspec.resource import GVK, Body, ObjectRef, Origin, Origins, Resource, ref_of

if TYPE_CHECKING:
    from kfspec.catalog import Release
    from kfspec.ir.package import Package
    from kfspec.spec.base import Block
    from kfspec.spec.settings import Platform
    from kfspec.sync.payload import Backend, Model, Pipeline

PROTECT = {
    "kustomize.toolkit.fluxcd.io/prune": "disabled",
    "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
    "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
}
"""Annotations that keep reconcile loops from deleting what holds data (Flux kustomize-controller 1.9, Argo CD 3.4)."""

_LABEL = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")

RUN_SUFFIX = 9
"""Characters that `-<hash8>` takes from the longest allowed name of a run."""


class CodeFiles(NamedTuple):
    """The files of one `code:`, as a ConfigMap and the volume that mounts it have them."""

    data: dict[str, str]
    """Key -> text."""
    binary: dict[str, str]
    """Key -> base64 of what is no text."""
    items: tuple[dict[str, Any], ...]
    """Where each key is mounted: `{key, path}`, with `mode` for what can be executed."""


class Context(NamedTuple):
    """What an item's lowering may know besides the item itself."""

    project: str
    path: Path
    """The item's place in the spec: `("notebooks", "explore")`."""
    name: str
    profile: str
    """The item's profile, "" for what lives outside of one."""
    namespace: str
    """The namespace of that profile in this environment."""
    namespaces: Mapping[str, str]
    """Every declared or external profile -> its namespace in this environment."""
    declared: Mapping[str, Mapping[str, Any]]
    """Every block's items as written (resolved for this environment), for what an item derives from another."""
    platform: Platform
    release: Release
    text: Callable[[Path], str | None]
    """The source text of the scalar at a spec path (`1e-5`, not 1e-05); None where there is none."""
    code: Callable[[Path], CodeFiles | None] = lambda path: None
    """The files that the path at this place of the spec names; None where they could not be read, which was said."""
    package: Callable[[Path], Package | None] = lambda path: None
    """The compiled pipeline that this place of the spec names; None where there is none to be had, which was said."""


class Synced(NamedTuple):
    """What an item has a service without reconcile loops hold: a part of what `kfspec sync` is given."""

    backend: Backend
    namespace: str
    payload: Pipeline | Model
    config_map: str
    """The name of the ConfigMap that carries it."""
    path: Path
    """The item's place in the spec."""


class Lowered(NamedTuple):
    """What an item became. Findings carry spec paths."""

    resources: tuple[Resource, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    templates: tuple[Resource, ...] = ()
    """Objects that are checked and referable, and not emitted (`run: false`)."""
    synced: tuple[Synced, ...] = ()
    """What a loop is to keep elsewhere; `kinds.syncing` makes the loop, one for all items of a namespace."""


class Facts(NamedTuple):
    """What a rule may know about the cluster an object is meant for."""

    release: Release
    admission_only: bool = False
    """Report only what Kubeflow itself refuses."""
    judge: Callable[[Body], Iterator[Diagnostic]] = lambda body: iter(())
    """What would be said of another object, one that is embedded in this one."""
    beside: Callable[[ObjectRef], Body | None] = lambda ref: None
    """Another object that is applied with this one; None where it is somebody else's, and not known."""
    runtimes: Callable[[str], tuple[Body, ...]] = lambda namespace: ()
    """The serving runtimes declared beside the object that a namespace sees: its own, then the cluster's."""


class Outcome(StrEnum):
    """What becomes of a change, beyond the words about it."""

    TAKES = "takes"
    """It takes effect, and nothing that runs is hurt."""
    DISRUPTS = "disrupts"
    """Something that runs is restarted, replaced or moved."""
    LOSES = "loses"
    """State or data that nobody can make again is lost."""
    LATER = "later"
    """It is stored, and has no effect before something else happens."""
    IGNORED = "ignored"
    """The controller never acts on it: the plan recreates the object instead."""
    REFUSED = "refused"
    """Admission refuses it: the plan blocks, and the words are the recipe."""


class Moment(NamedTuple):
    """A change as a row of an effect table sees it."""

    before: Body
    """The live object, its status included."""
    after: Body
    """The object as it will be stored."""
    beside: frozenset[ObjectRef]
    """Every object that the same plan makes or keeps as the project's own."""


class Effect(NamedTuple):
    """What the change of a field does to what runs: one row of a kind's table."""

    path: Path
    """The field, and all below it; `"*"` stands for any one key or entry. Of the rows that fit, the longest speaks; of
    equally long ones that with fewer `"*"`, then the first."""
    words: str
    """For people, of what it does, in the present tense; `{old}` and `{new}` are the values of what changed, "nothing" for
    one that is not there."""
    source: str
    """Where upstream does it: component version, file; or "executed"."""
    outcome: Outcome = Outcome.TAKES
    versions: str = ""
    """Component versions that the row is true for, as a version specifier (`>=0.15.2`); all if empty."""
    when: Callable[[Moment], bool] | None = None
    """What else must hold."""


class State(StrEnum):
    """How far an object is."""

    READY = "ready"
    WAITING = "waiting"
    FAILED = "failed"
    RUNNING = "running"
    """Of a run."""
    SUCCEEDED = "succeeded"
    """Of a run."""
    SUSPENDED = "suspended"
    """Stopped on purpose: a notebook by its user, a run by its spec."""
    UNKNOWN = "unknown"
    """Nobody says."""


class Readiness(NamedTuple):
    """A live object's state, and what it waits for or died of."""

    state: State
    message: str = ""


Look: TypeAlias = Callable[[GVK, str, str], "Body | None"]
"""The live object of a kind, namespace ("" if cluster-scoped) and name; None where there is none or it may not be read."""


class Live(Protocol):
    """What a module tells of live objects of its kind, whichever way they came to be."""

    EFFECTS: tuple[Effect, ...]
    """What the change of a field does to what runs. The first of a plan's sentences are those of the first rows."""

    def ready(self, body: Body, look: Look) -> Readiness:
        """How far the object is, in words: what it waits for, or what it died of."""
        ...


class Kind(Live, Protocol):
    """A module of `kfspec.kinds` for what a spec can declare."""

    BLOCK: ClassVar[str]
    """The block of the spec."""
    PRODUCES: ClassVar[tuple[GVK, ...]]
    """Everything that `lower` may emit."""
    Item: type[Block]
    """The typed item."""

    def lower(self, item: Block, ctx: Context) -> Lowered:
        """The item's objects, canonical, with origins; namespace, labels and names included."""
        ...

    def lift(self, body: Body) -> Iterator[dict[str, Any]]:
        """Items that may stand for the object, the shortest first; not every one need be exact."""
        ...

    def rules(self, body: Body, facts: Facts) -> Iterator[Diagnostic]:
        """What upstream's webhooks and controllers would say of one object of this kind; paths in the object."""
        ...


def no_lift(body: Body) -> Iterator[dict[str, Any]]:
    """For kinds that objects are not imported as."""
    return iter(())


def no_rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """For kinds that upstream checks by schema alone."""
    return iter(())


no_effects: tuple[Effect, ...] = ()
"""For kinds of which there is nothing to say that a reader of the change does not see."""


def ready_when_there(body: Body, look: Look) -> Readiness:
    """For kinds that no controller reports on: they are ready once they are stored."""
    return Readiness(State.READY)


def ready_by_conditions(body: Body, look: Look) -> Readiness:
    """For kinds with a condition `Ready`: as long as nobody has written it, the object waits."""
    stale = unobserved(body)
    return stale if stale is not None else by_condition(body, "Ready")


def ready_as_far_as_told(body: Body, look: Look) -> Readiness:
    """For kinds that kfspec does not know: by a condition `Ready` or `Available`, if it has one; else it is there."""
    stale = unobserved(body)
    if stale is not None:
        return stale
    for name in ("Ready", "Available"):
        if condition(body, name) is not None:
            return by_condition(body, name)
    return Readiness(State.READY)


def by_condition(body: Body, name: str) -> Readiness:
    """The state that one condition stands for, with its message. `False` may still become true, so it waits."""
    found = condition(body, name)
    if found is None:
        return Readiness(State.WAITING, "its controller has not reported yet")
    if found.get("status") == "True":
        return Readiness(State.READY)
    return Readiness(State.WAITING, told(found) or f"not {name} yet")


def unobserved(body: Body) -> Readiness | None:
    """That the status speaks of an older spec, for kinds whose controller keeps `status.observedGeneration`."""
    seen, generation = status(body).get("observedGeneration"), body["metadata"].get("generation")
    if isinstance(seen, int) and isinstance(generation, int) and seen < generation:
        return Readiness(State.WAITING, "its controller has not seen the change yet")
    return None


def metadata(
    ctx: Context,
    item: Block | None,
    name: str | None = None,
    *,
    namespaced: bool = True,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    protect: bool = False,
) -> dict[str, Any]:
    """`metadata` of an object that the item makes.

    `labels` and `annotations` are the kind's own; the item's win over them, kfspec's over both. Environment labels are
    the overlay's business and never part of a lowered object. `protect` adds `PROTECT` unless the item says
    `prune: allow`.
    """
    meta: dict[str, Any] = {"name": name or ctx.name}
    if namespaced:
        meta["namespace"] = ctx.namespace
    marks = dict(annotations or {})
    if protect and (item is None or item.prune != "allow"):
        marks.update(PROTECT)
    if item is not None:
        marks.update(item.annotations)
    meta["labels"] = {
        **(labels or {}),
        **(item.labels if item is not None else {}),
        "app.kubernetes.io/managed-by": "kfspec",
        "kfspec.dev/project": ctx.project,
        "kfspec.dev/item": item_label(ctx.path),
    }
    if marks:
        meta["annotations"] = marks
    return meta


def item_label(path: Path) -> str:
    """`notebooks.explore`, cut to a label's 63 characters with a digest where it is longer."""
    text = ".".join(str(part) for part in path)
    if _LABEL.fullmatch(text):
        return text
    kept = re.sub(r"[^A-Za-z0-9._-]", "-", text[:54])
    return f"{kept}-{digest8(text)}"


def base_origins(ctx: Context, **more: Origin) -> Origins:
    """Origins that every item's main object has: what is nowhere in the spec points at the item's key."""
    return {
        (): Origin(ctx.path, at_key=True),
        ("metadata", "name"): Origin(ctx.path, at_key=True),
        ("metadata", "labels"): Origin((*ctx.path, "labels")),
        ("metadata", "annotations"): Origin((*ctx.path, "annotations")),
        **{(key,): value for key, value in more.items()},
    }


def resource(ctx: Context, body: Body, origins: Origins) -> Resource:
    """The Resource of a finished body."""
    return Resource(ref_of(body), body, origins, ctx.path)


def canonical_json(value: Any) -> bytes:
    """The bytes that a run's identity is computed over: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest8(value: Any) -> str:
    """Eight hexadecimal digits of the SHA-256 of `value` as canonical JSON."""
    import hashlib  # 5 ms, and only runs and long names need it

    return hashlib.sha256(canonical_json(value)).hexdigest()[:8]
