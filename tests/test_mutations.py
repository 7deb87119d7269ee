"""One random edit of a valid object: our verdict is the real API server's, and what we say points at the edit."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from kfspec.catalog import KindEntry, Release
from kfspec.diagnostics import Diagnostic, Path, format_path
from kfspec.resource import Resource, ref_of
from kfspec.verification import verify
from tests.support.controlplane import ControlPlane
from tests.support.generate import objects
from tests.test_generated import KINDS, serving

OF_THE_ADDRESS = (("apiVersion",), ("kind",), ("metadata",), ("metadata", "name"), ("metadata", "namespace"))
"""What the URL of a request is made of: an edit there asks another question."""

JUDGED = [key for key in KINDS if key[1] != "Experiment"]
"""Katib's CustomResourceDefinition has no schema: only its webhook judges an Experiment (tests/test_admission.py)."""

PER_KIND = 120
SEED = 7


class Edit(NamedTuple):
    """What was done to an object, and where."""

    what: str
    path: Path
    body: dict[str, Any]


def places(value: Any, at: Path = ()) -> Iterator[Path]:
    """Every path below the root."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in entries:
        yield (*at, key)
        yield from places(item, (*at, key))


def edits(body: dict[str, Any], rng: random.Random, count: int) -> Iterator[Edit]:
    """Seeded single edits, all over the object."""
    every = [path for path in places(body) if path not in OF_THE_ADDRESS]
    for _ in range(count):
        path = rng.choice(every)
        changed = copy.deepcopy(body)
        parent = changed
        for part in path[:-1]:
            parent = parent[part]
        last = path[-1]
        value = parent[last]
        what = rng.choice(("typo", "type", "drop", "null", "extra", "twice", "empty", "case", "number"))
        if what == "typo" and isinstance(last, str) and len(last) > 2:
            parent[last[:1] + last[2] + last[1] + last[3:]] = parent.pop(last)
        elif what == "type":
            parent[last] = "text" if not isinstance(value, str) else {"x": "y"}
        elif what == "drop":
            del parent[last]
        elif what == "null":
            parent[last] = None
        elif what == "extra" and isinstance(value, dict):
            value["bogusField"] = 1
            path = (*path, "bogusField")
        elif what == "twice" and isinstance(value, list) and value:
            value.append(copy.deepcopy(value[0]))
        elif what == "empty" and isinstance(value, str):
            parent[last] = ""
        elif what == "case" and isinstance(value, str) and value.swapcase() != value:
            parent[last] = value.swapcase()
        elif what == "number" and isinstance(value, str):
            parent[last] = -7
        else:
            continue
        if changed != body:
            yield Edit(what, path, changed)


def near(diagnostic: Diagnostic, edited: Path) -> bool:
    """The edited place, an ancestor, a sibling, something inside of it, or the mount that names an edited volume."""
    found = diagnostic.path
    if diagnostic.code == "KF324":
        return "volumes" in edited or "volumeMounts" in edited
    if diagnostic.code.startswith("KF31"):  # the parts of a pipeline refer to each other
        return edited[:2] in (("spec", "pipelineSpec"), ("spec", "platformSpec"))
    shorter = min(len(found), len(edited))
    return found[:shorter] == edited[:shorter] or found[: len(edited) - 1] == edited[:-1]


def refused_without_webhooks(found: Diagnostic) -> bool:
    """A finding of schema or metadata; a missing field that a webhook would have filled in is one here."""
    by_schema = found.code.startswith("KF1") and found.severity == "error"
    return by_schema and (found.upstream == "refuses" or found.code == "KF102")


class Verdicts(NamedTuple):
    """Where ours is not the server's, and findings that point elsewhere than at the edit."""

    disagreements: list[str]
    astray: list[str]


def judged(
    made: list[dict[str, Any]], entry: KindEntry, release: Release, plane: ControlPlane, count: int = PER_KIND
) -> Verdicts:
    """Edit objects of a kind, and ask both sides."""
    rng = random.Random(f"{SEED}{(entry.group, entry.kind)}")
    edited: list[Edit] = []
    while len(edited) < count:
        edited.extend(edits(rng.choice(made), rng, 10))
    answers = plane.apply([edit.body for edit in edited], dry_run=True)
    builtin = entry.component == "kubernetes"
    disagreements, astray = [], []
    for edit, answer in zip(edited, answers, strict=True):
        named = "name" in (edit.body.get("metadata") or {})
        found = verify([Resource(ref_of(edit.body if named else edited[0].body), edit.body, {})], release)
        ours = [d for d in found if refused_without_webhooks(d)]
        refused = answer.status not in (200, 201)
        where = f"{edit.what} at {format_path(edit.path)}"
        # the server validates its own kinds by hand-written code too, which no schema tells
        if bool(ours) != refused and not (builtin and refused and answer.status == 422):
            disagreements.append(
                f"{where}: ours {[d.message for d in ours]}, theirs {answer.status} {answer.message[:250]}"
            )
        astray += [
            f"{where}: {format_path(d.path)} {d.message}"
            for d in found
            if d.severity == "error" and not near(d, edit.path)
        ]
    return Verdicts(disagreements, astray)


@pytest.mark.apiserver
@pytest.mark.parametrize("key", JUDGED, ids=lambda k: k[1])
def test_the_verdict_is_the_servers_and_points_at_the_edit(
    key: tuple[str, str], controlplane: ControlPlane, namespace: str, kubeflow: Release
) -> None:
    kubeflow = serving(kubeflow, key)
    entry = kubeflow.kind(*key)
    assert entry is not None
    assert judged(objects(entry, KINDS[key], namespace), entry, kubeflow, controlplane) == Verdicts([], [])
