"""One apply that is cut off and run again, and what is wrong with the outcome."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.soak.interruption import Interrupting, Interruption, Ledger, interrupting
from tests.soak.project import INVENTORIES, Ended, Project, State, ended, listed
from tests.support.controlplane import ControlPlane
from tests.support.faults import Fault

VERSIONS = ("before", "after")
_RUN = re.compile(r"/(jaxjobs|pytorchjobs|experiments)/|/configmaps/(train|tune)-code-")
"""Runs that a change keeps, and their code."""
NOTHING = State({}, {}, (), 0)


class Case(NamedTuple):
    """Where an apply of one version is cut off."""

    version: str
    number: int
    """Of the request; 0 where none of them is special."""
    fault: Fault | None = None
    """What becomes of that request."""
    share: float = 0.0
    """How many of all requests have a fault."""
    seed: int = 0

    def __str__(self) -> str:
        if not self.number:
            return f"{self.version}, {self.share:.0%} faults, seed {self.seed}"
        return f"{self.version}, request {self.number}, {self.fault.value if self.fault else 'answered'}"


class Blow:
    """What happens to an apply."""

    def ready(self) -> None:
        """Called before the apply is started."""

    def start(self, project: Project, version: str, kubeconfig: Path) -> subprocess.Popen[str]:
        """Start the apply."""
        return project.apply(version, kubeconfig)

    def strike(self, process: subprocess.Popen[str]) -> None:
        """Called at the request of the case."""

    def over(self) -> None:
        """Called when the apply has ended."""

    def judge(self, broken: Ended) -> Iterator[str]:
        """What is wrong with how the apply ended."""
        yield from ()


class Reference(NamedTuple):
    """What an apply does that nothing cuts off."""

    state: State
    ledger: Ledger
    mutating: tuple[bool, ...]
    """For each request in turn whether it changes something."""
    diff: str
    """What `kfspec diff` says afterwards."""


class Lab:
    """Where cases are run: a control plane, and what both versions come to there."""

    def __init__(self, plane: ControlPlane, folder: Path, mark: str) -> None:
        self.plane = plane
        self.folder = folder
        self.requests = 0
        """All that the cases' applies have sent."""
        self._mark = f"soak-{mark}"
        self._numbers = itertools.count()
        plane.create_namespace(INVENTORIES)
        self._reference("after")  # a fresh server answers the first lists of a kind with 429: its caches fill
        self.references = {version: self._reference(version) for version in VERSIONS}

    def project(self) -> Project:
        """A project of a new name."""
        return Project(self.plane, self.folder, f"{self._mark}{next(self._numbers):04d}")

    def _reference(self, version: str) -> Reference:
        project = self.project()
        project.prepare(version)
        with interrupting(Interrupting(self.plane, self.folder)) as proxy:
            done = ended(project.apply(version, proxy.kubeconfig))
        assert done.status == 0, done.stderr
        left = project.diff(version)
        assert left.status == 0, left.stdout + left.stderr
        mutating = tuple(request.mutates for request in proxy.requests)
        reference = Reference(project.state(), _common(project, proxy), mutating, project.common(left.stdout))
        project.clean()
        return reference

    def run(self, case: Case, blow: Blow, kinds: Sequence[Fault] = ()) -> list[str]:
        """Apply while the blow falls, apply again, and compare with the reference; the problems."""
        project = self.project()
        project.prepare(case.version)
        first = project.state() if case.version == "after" else NOTHING
        children: list[subprocess.Popen[str]] = []
        cut = Interruption(case.number, lambda: blow.strike(children[0]), case.fault) if case.number else None
        proxy = Interrupting(self.plane, self.folder, cut, case.share, case.seed, kinds)
        with interrupting(proxy):
            blow.ready()
            children.append(blow.start(project, case.version, proxy.kubeconfig))
            broken = ended(children[0])
            blow.over()
            proxy.settle()
            middle = project.state()
            proxy.interruption, proxy.share = None, 0.0
            again, left = project.again(case.version, proxy.kubeconfig)
            proxy.settle()
        found = [] if cut is None or proxy.reached else ["the apply ended before the request came"]
        found += _unfit(broken)
        found += blow.judge(broken)
        if again.status != 0:
            found.append(f"run again, it ends with {again.status}")
        wanted = self.references[case.version]
        if (left.status, project.common(left.stdout)) != (0, wanted.diff):
            found.append(f"the diff afterwards ends with {left.status}: {left.stdout[-400:]}{left.stderr[-400:]}")
        found += _wrong(project, wanted, proxy, (first, middle))
        self.requests += len(proxy.requests)
        project.clean()
        told = f"\n  first: {broken.status}\n{broken.stderr[-800:]}\n  again: {again.status}\n{again.stderr[-800:]}"
        return [f"{case}: {problem}{project.common(told)}" for problem in found]

    def taken_back(self, number: int) -> list[str]:
        """Kill the apply of the next version before a request, and go back to the version before; the problems.

        What the next version alone has must be found and deleted, its kinds included that the version before has none of;
        new runs stay, and so does the code that they mount.
        """
        project = self.project()
        project.prepare("after")
        first = project.state()
        children: list[subprocess.Popen[str]] = []
        cut = Interruption(number, lambda: children[0].kill(), Fault.CUT_BEFORE)
        with interrupting(Interrupting(self.plane, self.folder, cut)) as proxy:
            children.append(project.apply("after", proxy.kubeconfig))
            ended(children[0])
            proxy.settle()
        self.requests += len(proxy.requests)
        back = ended(project.apply("before", None, "--prune", "--allow-destroy", "--force-conflicts"))
        left, state = project.diff("before"), project.state()
        project.clean()
        found = [] if proxy.reached else ["the apply ended before the request came"]
        if back.status != 0:
            found.append(f"going back ends with {back.status}: {project.common(back.stderr[-800:])}")
        if left.status != 0 or "no changes: 30 objects are as the spec says" not in left.stdout:
            found.append(f"the diff afterwards ends with {left.status}: {left.stdout[-400:]}{left.stderr[-400:]}")
        wanted = self.references["before"].state
        # A claim that is deleted is there until the controller, which does not run here, has seen that no pod uses it.
        standing = {p for p, body in state.objects.items() if "deletionTimestamp" not in body["metadata"]}
        runs = self.references["after"].state.objects.keys() & {path for path in standing if _RUN.search(path)}
        if missing := wanted.objects.keys() - standing:
            found.append(f"not there: {sorted(missing)}")
        if orphans := standing - wanted.objects.keys() - runs:
            found.append(f"orphans: {sorted(orphans)}")
        replaced = self.references["after"].ledger.deleted
        found += [f"made anew: {p}" for p, uid in first.uids.items() if p not in replaced and state.uids.get(p) != uid]
        there = {_group_kind(body) for body in state.objects.values()}
        if set(state.kinds) != there:
            found.append(f"the inventory names {sorted(set(state.kinds) ^ there)} wrongly")
        return [f"taken back at request {number}: {problem}" for problem in found]

    def orphans(self) -> list[str]:
        """Everything that kfspec applied in the lab's projects and that no project's label led to: whatever its kind."""
        found = []
        for path in _collections(self.plane):
            for body in listed(self.plane, path):
                meta = body["metadata"]
                ours = any(entry.get("manager") == "kfspec" for entry in meta.get("managedFields", ()))
                if ours and self._mark in json.dumps([meta["name"], meta.get("namespace")]):
                    found.append(f"{path} {meta.get('namespace', '')}/{meta['name']}")
        return found

    def close(self) -> None:
        """Remove the files."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _group_kind(body: dict[str, Any]) -> str:
    """`Notebook.kubeflow.org`, as the inventory says it."""
    return f"{body['kind']}.{body['apiVersion'].rpartition('/')[0]}".rstrip(".")


def _wrong(project: Project, wanted: Reference, proxy: Interrupting, earlier: Sequence[State]) -> Iterator[str]:
    """What is not as after an apply that nothing cut off."""
    state, ledger = project.state(), _common(project, proxy)
    yield from _unlike(wanted.state.objects, state.objects)
    if (state.kinds, state.applied) != (wanted.state.kinds, wanted.state.applied):
        yield f"the inventory names {state.kinds} and {state.applied} objects"
    # Of a server that is killed, the last answers were not seen; but nothing may be done twice.
    whole = all(request.status or request.fault is not None for request in proxy.requests)
    for name, done, meant in zip(Ledger._fields, ledger, wanted.ledger, strict=True):
        if done - meant:
            yield f"{name} too often: {sorted(done - meant)}"
        if whole and meant - done:
            yield f"{name} too seldom: {sorted(meant - done)}"
    for path, uid in (pair for state_ in earlier for pair in state_.uids.items()):
        if path not in wanted.ledger.deleted and state.uids.get(path) != uid:
            yield f"{'made anew' if path in state.uids else 'gone'}: {path}"


def _unfit(broken: Ended) -> Iterator[str]:
    """What no end may be like, whatever happened."""
    if "Traceback" in broken.stderr or "KF900" in broken.stderr or broken.status == 3:
        yield "it takes an interruption for a mistake of its own"


def _common(project: Project, proxy: Interrupting) -> Ledger:
    """What a proxy saw done, as it would be in every case."""
    created, deleted = (
        type(counter)({project.common(path): count for path, count in counter.items()}) for counter in proxy.ledger()
    )
    return Ledger(created, deleted)


def _unlike(wanted: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    if missing := sorted(wanted.keys() - found.keys()):
        yield f"not there: {missing}"
    if orphans := sorted(found.keys() - wanted.keys()):
        yield f"orphans: {orphans}"
    for path in sorted(wanted.keys() & found.keys()):
        if wanted[path] != found[path]:
            yield f"{path} is {found[path]} instead of {wanted[path]}"


def _collections(plane: ControlPlane) -> Iterator[str]:
    """The path of everything that can be listed."""
    groups = plane.request("GET", "/apis").body["groups"]
    for root in ("/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups)):
        for resource in plane.request("GET", root).body["resources"]:
            if "list" in resource["verbs"] and "/" not in resource["name"]:
                yield f"{root}/{resource['name']}"
