"""Objects of every kind, and seeded things that happen to them between two applies."""

from __future__ import annotations

import copy
import json
import os
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from kfspec.catalog import Release, kinds_of
from kfspec.catalog.releases import RELEASES
from kfspec.differ import same
from kfspec.kustomize import with_environment
from kfspec.live import APPLIERS, Applier
from kfspec.resource import Body, gvk_of
from kfspec.ssa.fieldsets import canonical, own_entries
from kfspec.ssa.types import KEYED, Served, Type, served
from tests.support.controlplane import Answer, ControlPlane
from tests.support.generate import objects
from tests.test_apply import SPECS, compiled
from tests.test_generated import KINDS, serving
from tests.test_importing import KINDS as SAMPLED
from tests.test_importing import admitted
from tests.test_mutations import edits

SEED = 20261125

ADDRESS = ("apiVersion", "kind", "metadata")

MARKS: dict[str, dict[str, dict[str, str]]] = {
    "kfspec": {},
    "kustomize-controller": {
        "labels": {"kustomize.toolkit.fluxcd.io/name": "fraud", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
    },
    "argocd-controller": {"annotations": {"argocd.argoproj.io/tracking-id": "fraud:serving.kserve.io/a:team/scorer"}},
}
"""What the engines add to what they apply (executed)."""


class Case(NamedTuple):
    """An object, and how the API server serves its kind."""

    origin: str
    body: Body
    served: Served


class Outcome(NamedTuple):
    """A scenario's end: what is applied, what is live, and what the server says of applying the one over the other."""

    name: str
    applier: Applier
    served: Served
    desired: Body
    live: Body
    plain: Answer
    """The dry run without force."""
    forced: Answer


def kind_of(body: Body, release: Release) -> Served:
    """How the API server serves the object's kind."""
    group, version, kind = gvk_of(body)
    return served(release.kind(group, kind), version)


def generated(kubeflow: Release, namespace: str) -> Iterator[Case]:
    """Every field of every kind."""
    for key, version in KINDS.items():
        entry = serving(kubeflow, key).kind(*key)
        assert entry is not None
        for body in objects(entry, version, namespace):
            yield Case(f"generated {key[1]}", body, served(entry, version))


def specified(kubeflow: Release) -> Iterator[Case]:
    """What the examples and the specs of the tests compile to."""
    for spec in SPECS:
        for name, resources in compiled(spec).environments.items():
            for resource in resources:
                body = with_environment(resource.body, name)
                release = serving(kubeflow, (resource.ref.group, resource.ref.kind))
                yield Case(f"{spec.parent.name}/{spec.stem} {name} {body['kind']}", body, kind_of(body, release))


def sampled(kubeflow: Release, shared: Path) -> Iterator[Case]:
    """What upstream's samples hold and upstream admitted; without the corpus nothing."""
    for name, _ in admitted():
        for body in yaml.load_all((shared / "samples" / name).read_text(), Loader=yaml.CSafeLoader):
            if body and body["kind"] in SAMPLED:
                yield Case(f"sample {name}", json.loads(json.dumps(body)), kind_of(body, kubeflow))


LIMITS = ("LimitRange", "ResourceQuota")
"""Kinds that decide what else a namespace takes: they have one of their own, called `<namespace>-limits`."""

_CLUSTER = frozenset(
    entry.kind
    for name in RELEASES
    for component, version in RELEASES[name].versions.items()
    for entry in kinds_of(component, version)
    if not entry.namespaced
)


def apart(case: Case, number: int, namespace: str) -> Case:
    """The case as an object of its own."""
    kind = case.body["kind"]
    place = f"{namespace}-limits" if kind in LIMITS else namespace
    meta = {**case.body["metadata"], "name": f"case-{number}-{os.getpid()}", "namespace": place}
    if kind in _CLUSTER:
        del meta["namespace"]
    return case._replace(body={**case.body, "metadata": meta})


def marked(body: Body, manager: str) -> Body:
    """The object with the marks of an engine."""
    meta = dict(body["metadata"])
    for field, marks in MARKS[manager].items():
        meta[field] = {**(meta.get(field) or {}), **marks}
    return {**body, "metadata": meta}


# -- what happens to an object ----------------------------------------------------------------------------------------


def lists(kind: Type, value: Any) -> Iterator[tuple[Type, list[Any]]]:
    """Every list that is not empty."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from lists(kind.field(key).type, item)
    elif isinstance(value, list) and value:
        yield kind, value
        for item in value:
            yield from lists(kind.inner(), item)


def grown(case_kind: Served, body: Body, rng: random.Random) -> Body:
    """The object with more entries in some lists, so that there is an order."""
    body = copy.deepcopy(body)
    every = list(lists(case_kind.type, body))
    for kind, entries in rng.sample(every, min(3, len(every))):
        entry = copy.deepcopy(entries[0])
        if isinstance(entry, str):
            entries.append(entry + "z")
        elif isinstance(entry, dict):
            for key in kind.keys if kind.lists == KEYED else list(entry)[:1]:
                if isinstance(entry.get(key), str):
                    entry[key] += "z"
                elif isinstance(entry.get(key), int):
                    entry[key] += 1
            entries.insert(rng.randint(0, len(entries)), entry)
    return body


def touched(kind: Served, body: Body, rng: random.Random) -> Body:
    """One seeded change anywhere."""
    body = copy.deepcopy(body)
    how = rng.choice(("edit", "edit", "edit", "value", "value", "grow", "shuffle", "shrink", "label", "annotation"))
    if how == "edit":
        return body if set(body) <= set(ADDRESS) else next((edit.body for edit in edits(body, rng, 20)), body)
    if how == "grow":
        return grown(kind, body, rng)
    if how in ("label", "annotation"):
        added = {rng.choice(("a", "c", "x", "y.example.com/z")): rng.choice(("1", "2"))}
        meta = body["metadata"]
        meta[f"{how}s"] = {**(meta.get(f"{how}s") or {}), **added}
        return body
    if how == "value":
        leaves = [(parent, key) for parent, key in strings({k: v for k, v in body.items() if k not in ADDRESS})]
        if leaves:
            parent, key = rng.choice(leaves)
            parent[key] += "y"
        return body
    many = [entries for _, entries in lists(kind.type, body) if how == "shrink" or len(entries) > 1]
    if many:
        entries = rng.choice(many)
        if how == "shuffle":
            rng.shuffle(entries)
        else:
            del entries[rng.randrange(len(entries))]
    return body


def strings(value: Any) -> Iterator[tuple[Any, Any]]:
    """The places of all texts."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(item, str):
            yield value, key
        yield from strings(item)


def excerpt(body: Body, rng: random.Random) -> Body:
    """A part of the object, as another manager would apply it."""
    part: Body = {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": {}}
    for key in ("name", "namespace"):
        if key in body["metadata"]:
            part["metadata"][key] = body["metadata"][key]
    field = rng.choice(("labels", "annotations")) if rng.random() < 0.2 else None
    if field and body["metadata"].get(field):
        part["metadata"][field] = body["metadata"][field]
        return part
    top = rng.choice([key for key in body if key not in ("apiVersion", "kind", "metadata", "status")] or ["metadata"])
    if top != "metadata":
        part[top] = _some(body[top], rng)
    return part


def _some(value: Any, rng: random.Random) -> Any:
    if isinstance(value, dict) and len(value) > 1 and rng.random() < 0.8:
        return {key: _some(value[key], rng) for key in rng.sample(sorted(value), rng.randint(1, 2))}
    if isinstance(value, dict):
        return {key: _some(item, rng) for key, item in value.items()}
    return copy.deepcopy(value)


# -- judging by what the server says ----------------------------------------------------------------------------------


def owned_part(value: Any, fields: dict[str, Any]) -> Any:
    """What a set of FieldsV1 covers of a value; schema-free, so that it shares nothing with what is tested."""
    inner = {key: below for key, below in fields.items() if key != "."}
    if not inner:
        return value
    if isinstance(value, dict):
        return {key: owned_part(item, inner[f"f:{key}"]) for key, item in value.items() if f"f:{key}" in inner}
    if not isinstance(value, list):
        return value
    found = []
    for item in value:
        for key, below in inner.items():
            told = json.loads(key[2:])
            if (key[0] == "v" and told == item) or (
                key[0] == "k" and all(item.get(name, wanted) == wanted for name, wanted in told.items())
            ):
                found.append(owned_part(item, below))
    return found


def nothing_changed(outcome: Outcome) -> bool:
    """Whether the server would leave all that the manager owns as it is, and the manager's own record too."""
    answer = outcome.forced if outcome.applier.force else outcome.plain
    if answer.status != 200:
        return False
    before = own_entries(outcome.live, outcome.applier.manager)
    after = own_entries(answer.body, outcome.applier.manager)
    if [canonical(entry["fieldsV1"]) for entry in before] != [canonical(entry["fieldsV1"]) for entry in after]:
        return False
    parts = [
        (owned_part(outcome.live, entry["fieldsV1"]), owned_part(answer.body, entry["fieldsV1"])) for entry in before
    ]
    return all(same(old, new) for old, new in parts)


# -- running them -----------------------------------------------------------------------------------------------------


def run(plane: ControlPlane, case: Case, number: int) -> Outcome | None:
    """Apply, let others write, change the desired side, and ask; None where the server refuses the object from the start."""
    rng = random.Random(f"{SEED} {number}")
    applier = APPLIERS[("kfspec", "flux", "argocd")[number % 3]]
    body = marked(grown(case.served, case.body, rng) if rng.random() < 0.7 else case.body, applier.manager)
    if _apply(plane, body, applier.manager).status not in (200, 201):
        body = marked(case.body, applier.manager)
        if _apply(plane, body, applier.manager).status not in (200, 201):
            return None
    for _ in range(rng.choice((0, 1, 1, 2))):
        _another_writes(plane, case.served, body, applier, rng)
    live = _request(plane, "GET", plane.path_of(body)).body
    desired = body if rng.random() < 0.45 else touched(case.served, body, rng)
    if desired["metadata"].get("name") != body["metadata"]["name"] or "managedFields" in desired["metadata"]:
        desired = body
    if any(desired.get(key) != body[key] for key in ("apiVersion", "kind")) or desired["metadata"].get(
        "namespace"
    ) != body["metadata"].get("namespace"):
        desired = body
    return ask(plane, f"{case.origin} {number}", applier, case.served, desired, live)


def ask(plane: ControlPlane, name: str, applier: Applier, kind: Served, desired: Body, live: Body) -> Outcome:
    """What the server says, without and with force."""
    plain = _apply(plane, desired, applier.manager, dry_run=True, force=False)
    forced = _apply(plane, desired, applier.manager, dry_run=True) if plain.status == 409 else plain
    return Outcome(name, applier, kind, desired, live, plain, forced)


_open = threading.local()


def _request(
    plane: ControlPlane, method: str, path: str, body: Any = None, content: str = "application/json"
) -> Answer:
    """One request over the thread's own connection."""
    if getattr(_open, "port", None) != plane.port:
        _open.connection, _open.port = plane.connection(), plane.port
    return plane.request(method, path, body, content, _open.connection)


def _apply(plane: ControlPlane, body: Body, manager: str, dry_run: bool = False, force: bool = True) -> Answer:
    query = f"?fieldManager={manager}&force={str(force).lower()}&fieldValidation=Strict"
    path = plane.path_of(body) + query + ("&dryRun=All" if dry_run else "")
    return _request(plane, "PATCH", path, body, "application/apply-patch+yaml")


def _another_writes(plane: ControlPlane, kind: Served, body: Body, applier: Applier, rng: random.Random) -> None:
    path = plane.path_of(body)
    how = rng.choice(("update", "update", "apply", "share", "own update"))
    if how in ("apply", "share"):
        part = excerpt(body, rng)
        _apply(plane, touched(kind, part, rng) if how == "apply" else part, "another-applier")
        return
    live = _request(plane, "GET", path).body
    changed = touched(kind, live, rng)
    manager = applier.manager if how == "own update" and rng.random() < 0.3 else "kubectl-edit"
    _request(plane, "PUT", f"{path}?fieldManager={manager}", changed)


def run_all(plane: ControlPlane, cases: list[Case], namespace: str, first: int = 0) -> list[Outcome]:
    """Every case once, four at a time; `first` tells their names from those of other runs."""
    plane.create_namespace(f"{namespace}-limits")
    numbered = [(apart(case, n, namespace), n) for n, case in enumerate(cases, first)]
    for case, _ in numbered:
        plane.path_of(case.body)
    job: Callable[[tuple[Case, int]], Outcome | None] = lambda item: run(plane, *item)  # noqa: E731
    with ThreadPoolExecutor(4) as pool:
        return [outcome for outcome in pool.map(job, numbered) if outcome is not None]
