"""observe: what is live of a project's objects in one environment, with as few requests as can be.

One LIST for each kind, in pages that are compared as they arrive. An object is unchanged without a request iff server-side
apply would have nothing to do (`fieldsets.unchanged`); every other object gets a server-side dry run as the field manager
that applies. Nothing here writes.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from kfspec import kinds
from kfspec.catalog import Release
from kfspec.cluster import inventory
from kfspec.cluster.addressing import Kind, Kinds
from kfspec.cluster.inventory import Inventory, Parent
from kfspec.cluster.rights import Rights, written
from kfspec.cluster.transport import APPLY_PATCH, WORKERS, Answer, Client, path_of
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics
from kfspec.live import Applier, Conflict, Contents, Observation, Refusal, Seen, Source, Verb, Verdict, Why
from kfspec.resource import GVK, Body, ObjectRef, gvk_of, ref_of
from kfspec.ssa.fieldsets import unchanged
from kfspec.ssa.prediction import predict

PAGE = 500
"""Objects that one LIST asks for."""

HOLDERS = (("", "Namespace"), ("kubeflow.org", "Profile"))
"""Kinds whose deletion takes a namespace along."""

_FLUX_MARKS = ("kustomize.toolkit.fluxcd.io/name", "kustomize.toolkit.fluxcd.io/namespace")
_ARGOCD_MARK = "argocd.argoproj.io/tracking-id"
"""What Flux (kustomize-controller 1.9) and Argo CD (3.4) add to everything that they apply."""


class Scope(NamedTuple):
    """Whose objects are looked at, and who applies them."""

    project: str
    environment: str
    applier: Applier
    parent: Parent
    """Where the inventory is; other engines keep their own."""

    @property
    def selector(self) -> str:
        """The label selector of everything that the spec has made in this environment."""
        return f"kfspec.dev/project={self.project},kfspec.dev/environment={self.environment}"

    @property
    def keeps_inventory(self) -> bool:
        """Whether kfspec itself applies."""
        return self.applier.engine == "kfspec"

    def marked(self, desired: Body, live: Body | None) -> Body:
        """The object as the engine applies it: with the marks of its own that it is known to add."""
        if self.keeps_inventory:
            return _with(desired, "labels", self.parent.marks)
        field, names = ("labels", _FLUX_MARKS) if self.applier.engine == "flux" else ("annotations", (_ARGOCD_MARK,))
        have = (live["metadata"].get(field) or {}) if live is not None else {}
        marks = {name: have[name] for name in names if name in have}
        return _with(desired, field, marks) if marks else desired


def _with(body: Body, field: str, marks: Mapping[str, str]) -> Body:
    meta = body["metadata"]
    return {**body, "metadata": {**meta, field: {**(meta.get(field) or {}), **marks}}}


class Observer:
    """One look at a cluster for one environment of a project."""

    def __init__(self, client: Client, release: Release, scope: Scope) -> None:
        self._client = client
        self._release = release
        self._scope = scope
        self._problems: list[Diagnostic] = []
        self._unlisted: set[tuple[str, Kind]] = set()
        self._wanted: frozenset[tuple[str, str]] = frozenset()
        self.kinds = Kinds(client, release)
        self.rights = Rights(client)
        self.inventory = Inventory()

    def observe(self, bodies: Iterable[Body], exact: bool = False) -> Observation:
        """Look at all objects that are desired, and at all others of the project. `exact`: ask about each one."""
        desired = {ref_of(body): body for body in bodies}
        self.read_inventory()
        with ThreadPoolExecutor(WORKERS) as pool:
            spaces = _namespaces(desired) | self.inventory.namespaces
            pages = pool.map(lambda kind: list(self._list(kind, desired, exact, spaces)), self._listed(desired))
            found = {seen.ref: seen for page in pages for seen in page}
            rest = [ref for ref in desired if ref not in found or not found[ref].unchanged]
            absent = self._absent_namespaces(desired, found)
            asked = pool.map(lambda ref: self._ask(ref, desired[ref], found.get(ref), absent), rest)
            found.update((seen.ref, seen) for seen in asked)
        ordered = [found[ref] for ref in desired] + [seen for ref, seen in found.items() if ref not in desired]
        contents = {ref.name: self.contents(ref.name) for ref in found if ref not in desired and ref[:2] in HOLDERS}
        return Observation(tuple(ordered), Source.CLUSTER, self.problems, dict(self.inventory.applied), contents)

    def each_live(self, bodies: Iterable[Body]) -> Iterator[tuple[Kind, Body]]:
        """Every live object of the project, a kind after the other; a kind that may not be listed is a problem."""
        self.read_inventory()
        desired = {ref_of(body): body for body in bodies}
        spaces = _namespaces(desired) | self.inventory.namespaces
        for kind in self._listed(desired):
            for seen in self._list(kind, {}, False, spaces):
                if seen.live is not None:
                    yield kind, seen.live

    def read_inventory(self) -> Inventory:
        """The inventory as it is now; empty where another engine applies."""
        if self._scope.keeps_inventory:
            self.inventory = inventory.read(self._client.request("GET", self._scope.parent.path))
            if self.inventory.unreadable:  # kinds that only it names are not looked at
                message = f"cannot read the inventory {self._scope.parent}: {self.inventory.unreadable}"
                self._problems.append(finding("KF503", message))
        return self.inventory

    @property
    def problems(self) -> Diagnostics:
        """What could not be looked at so far."""
        missing: dict[str, list[str]] = {}
        for namespace, kind in sorted(self._unlisted, key=lambda each: (each[0], each[1].resource)):
            if not self.inventory.exists or kind.gvk[::2] in self.inventory.group_kinds | self._wanted:
                missing.setdefault(namespace, []).append(kind.resource)
        found = sorted(set(self._problems), key=lambda each: (each.code, each.message))
        return (*(_may_not_list(*each) for each in missing.items()), *found)

    def get(self, gvk: GVK, namespace: str, name: str) -> Body | None:
        """One object; None where there is none, or it may not be read."""
        kind = self.kinds.get(gvk)
        return self._get(kind, ObjectRef(gvk.group, gvk.kind, namespace, name)) if kind is not None else None

    def read(self, body: Body) -> Answer | None:
        """The answer to a GET of an object; None where its kind is not served."""
        kind, ref = self.kinds.of(body), ref_of(body)
        return self._client.request("GET", kind.path(ref.namespace, ref.name)) if kind is not None else None

    # -- lists ------------------------------------------------------------------------------------------------

    def _listed(self, desired: Mapping[ObjectRef, Body]) -> list[Kind]:
        """The kinds to list: what is desired, and what the inventory names; without one, what kfspec ever compiles to."""
        wanted = {gvk_of(body) for body in desired.values()}
        named = {(gvk.group, gvk.kind) for gvk in wanted}
        self._wanted = frozenset(named)
        found = [self.kinds.get(gvk) for gvk in sorted(wanted)]
        for gvk in () if self.inventory.exists else kinds.COMPILED:
            if (gvk.group, gvk.kind) not in named and self._release.kind(gvk.group, gvk.kind) is not None:
                named.add((gvk.group, gvk.kind))
                found.append(self.kinds.get(gvk))
        found += [self.kinds.preferred(*pair) for pair in sorted(self.inventory.group_kinds - named)]
        return [kind for kind in found if kind is not None]

    def _list(
        self, kind: Kind, desired: Mapping[ObjectRef, Body], exact: bool, namespaces: Iterable[str]
    ) -> Generator[Seen, None, None]:
        answer = yield from self._pages(kind, "", desired, exact)
        if answer.status == 403 and kind.namespaced:
            for namespace in sorted(namespaces):
                answer = yield from self._pages(kind, namespace, desired, exact)
                if answer.status == 403:
                    self._unlisted.add((namespace, kind))
        elif answer.status == 403:
            self._unlisted.add(("", kind))
        elif not answer.ok and answer.status != 404:  # 404: the kind is not served, so there are none
            message = f"cannot list {kind.resource}: {answer.message}"
            self._problems.append(finding("KF503", message))

    def _pages(
        self, kind: Kind, namespace: str, desired: Mapping[ObjectRef, Body], exact: bool
    ) -> Generator[Seen, None, Answer]:
        """The project's objects of a kind; the generator's value is the last answer."""
        query = {"labelSelector": self._scope.selector, "limit": str(PAGE)}
        while True:
            answer = self._client.request("GET", kind.path(namespace), query)
            if answer.status == 410 and "continue" in query:  # the list is older than the server remembers
                del query["continue"]
                continue
            if not answer.ok:
                return answer
            for live in answer.body["items"]:
                live["apiVersion"], live["kind"] = kind.gvk.api_version, kind.gvk.kind
                yield self._compared(kind, live, desired, exact)
            following = answer.body["metadata"].get("continue")
            if not following:
                return answer
            query["continue"] = following

    def _compared(self, kind: Kind, live: Body, desired: Mapping[ObjectRef, Body], exact: bool) -> Seen:
        ref = ref_of(live)
        body = desired.get(ref)
        if body is None:
            return Seen(ref, None, live)
        wanted = self._scope.marked(body, live)
        manager = self._scope.applier.manager
        going = live["metadata"].get("deletionTimestamp")
        if not exact and not going and unchanged(wanted, live, manager, kind.served):
            return Seen(ref, wanted, None, unchanged=True)
        return Seen(ref, wanted, live)

    def contents(self, namespace: str) -> Contents:
        """What would go with a namespace: claims of the project and of anybody else."""
        claims = self._client.request("GET", path_of("v1", "persistentvolumeclaims", namespace), {"limit": str(PAGE)})
        listed = claims.body if claims.ok else {"items": [], "metadata": {}}
        count = len(listed["items"]) + int(listed["metadata"].get("remainingItemCount") or 0)
        answer = self._client.request("GET", path_of("v1", "namespaces", None, namespace))
        owners = (answer.body["metadata"].get("ownerReferences") or ()) if answer.ok else ()
        return Contents(count, any(owner.get("kind") == "Profile" for owner in owners))

    # -- dry runs ---------------------------------------------------------------------------------------------

    def _absent_namespaces(self, desired: Mapping[ObjectRef, Body], found: Mapping[ObjectRef, Seen]) -> set[str]:
        """Namespaces that the project itself makes, and that are not there yet."""
        own = {ref.name for ref in desired if ref.kind == "Namespace" and ref.group == ""}
        there = {ref.name for ref in found if ref.kind == "Namespace" and ref.group == ""}
        paths = {name: path_of("v1", "namespaces", None, name) for name in sorted(own - there)}
        return {name for name, path in paths.items() if self._client.request("GET", path).status == 404}

    def _ask(self, ref: ObjectRef, desired: Body, seen: Seen | None, absent: set[str]) -> Seen:
        """The dry run of one object; the prediction of one where the caller has no right to patch."""
        kind = self.kinds.of(desired)
        live = seen.live if seen is not None else None
        if kind is None:
            return Seen(ref, self._scope.marked(desired, live), live, _no_kind(desired))
        if ref.namespace in absent:
            return Seen(ref, self._scope.marked(desired, live), live)
        wanted = self._scope.marked(desired, live)
        answer = self.apply(kind, wanted, force=self._scope.applier.force, dry_run=True)
        conflicts: tuple[Conflict, ...] = ()
        if answer.status == 409 and answer.causes:
            conflicts = tuple(_conflicts(answer))
            answer = self.apply(kind, wanted, force=True, dry_run=True)
        if answer.status == 403 and not self.rights.may("patch", kind.gvk.group, kind.plural, ref.namespace):
            return self._predicted(ref, kind, desired, live)
        if live is None and answer.status == 200:
            live = self._get(kind, ref)
            if live is not None and self._scope.marked(desired, live) != wanted:
                return self._ask(ref, desired, Seen(ref, None, live), absent)
        if not answer.ok:
            live = live if live is not None else self._get(kind, ref)
            meant = predict(wanted, live, self._scope.applier.manager, True, kind.served)
            return Seen(ref, wanted, live, Verdict(meant.body, conflicts, _refusal(answer, ref)))
        return Seen(ref, wanted, live, Verdict(answer.body, conflicts))

    def _get(self, kind: Kind, ref: ObjectRef) -> Body | None:
        answer = self._client.request("GET", kind.path(ref.namespace, ref.name))
        if not answer.ok and answer.status not in (403, 404):
            self._problems.append(finding("KF503", f"cannot read {ref}: {answer.message}"))
        return answer.body if answer.ok else None

    def _predicted(self, ref: ObjectRef, kind: Kind, desired: Body, live: Body | None) -> Seen:
        if live is None:
            answer = self._client.request("GET", kind.path(ref.namespace, ref.name))
            if answer.status == 403:
                return Seen(ref, self._scope.marked(desired, None), None, _unreadable(kind, ref), verb=Verb.NONE)
            live = answer.body if answer.ok else None
        wanted = self._scope.marked(desired, live)
        verb = self.rights.verb(kind.gvk, kind.plural, ref.namespace)
        if verb is Verb.NONE:
            where = f" in namespace {ref.namespace}" if ref.namespace else ""
            message = f"not allowed to patch {kind.resource}{where}, so what would change is predicted"
            hint = f"grant patch on {kind.resource}{where}; dry runs need it too (deploy/ci-diff-only.yaml)"
            self._problems.append(finding("KF505", message, hint=hint))
        applier = self._scope.applier
        verdict = written(wanted, live, applier.manager, applier.force, kind.served)
        return Seen(ref, wanted, live, verdict, verb=verb)

    def apply(self, kind: Kind, body: Body, *, force: bool, dry_run: bool = False) -> Answer:
        """Server-side apply of one object as the environment's field manager."""
        meta = body["metadata"]
        query = {
            "fieldManager": self._scope.applier.manager,
            "force": str(force).lower(),
            "fieldValidation": "Strict",
            **({"dryRun": "All"} if dry_run else {}),
        }
        path = kind.path(meta.get("namespace", ""), meta["name"])
        return self._client.request("PATCH", path, query, body, APPLY_PATCH)


def _namespaces(refs: Iterable[ObjectRef]) -> set[str]:
    return {ref.namespace for ref in refs if ref.namespace}


def _may_not_list(namespace: str, resources: list[str]) -> Diagnostic:
    """Without `list`, what left the spec stays unseen; what is desired is asked about one by one."""
    where = f" in namespace {namespace}" if namespace else ""
    hint = f"grant list on {'it' if len(resources) == 1 else 'them'}{where}; without it, what left the spec is not seen"
    return finding("KF504", f"not allowed to list {', '.join(resources)}{where}", hint=hint)


def _unreadable(kind: Kind, ref: ObjectRef) -> Verdict:
    """Of what may neither be read nor tried nobody knows whether it is there."""
    where = f" in namespace {ref.namespace}" if ref.namespace else ""
    return Verdict(None, (), Refusal(Why.FORBIDDEN, f"not allowed to get or to patch {kind.resource}{where}"))


def _no_kind(desired: Body) -> Verdict:
    gvk: GVK = gvk_of(desired)
    return Verdict(None, (), Refusal(Why.NO_KIND, f"there is no {gvk.kind} of {gvk.api_version}"))


def _refusal(answer: Answer, ref: ObjectRef) -> Refusal:
    """Why an answer is no. Status codes alone do not say it: an undeclared field answers 500, Katib's webhook 400,
    KServe's 403 (executed)."""
    details: dict[str, Any] = (answer.body.get("details") or {}) if isinstance(answer.body, dict) else {}
    said = answer.message.partition("\n")[0]  # what follows is a comparison of Go structures
    fields = tuple(cause["field"] for cause in answer.causes if cause.get("field"))
    if answer.status == 404 and details.get("kind") == "namespaces":
        return Refusal(Why.NO_NAMESPACE, f"there is no namespace {ref.namespace}")
    if answer.status == 404:
        return Refusal(Why.NO_KIND, said)
    if answer.status == 403 and not answer.by_webhook and 'User "' in said and '" cannot ' in said:  # RBAC's words
        return Refusal(Why.FORBIDDEN, said)
    if answer.by_webhook or answer.status == 403:
        return Refusal(Why.ADMISSION, said, fields)
    return Refusal(Why.INVALID if answer.status in (400, 422, 500) else Why.OTHER, said, fields)


def _conflicts(answer: Answer) -> Iterator[Conflict]:
    """The conflicts of a 409: each cause's message has the manager in quotes."""
    for cause in answer.causes:
        quoted = cause.get("message", "").split('"')
        yield Conflict(quoted[1] if len(quoted) > 1 else "another manager", cause.get("field", ""))
