"""`kfspec apply` may be cut off anywhere: run again, it comes to the same end, leaves no orphan, and starts no run twice.

Each case applies thirty objects from nothing, or the next version of them over somebody else's changes, is cut off at one
request, and is run again. Then everything is compared with an apply that nothing cut off: every object with its field
managers, the uids, what was created and deleted how often, the inventory, and what `kfspec diff` says.

`make test` takes every fifth case, `make soak` all.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kfspec.catalog import Release
from kfspec.catalog.crds import crds
from tests.soak import tally
from tests.soak.blows import Faulty, Kill, Outage, Stop, StopWaiting, Unread
from tests.soak.cases import VERSIONS, Case, Lab
from tests.soak.interruption import Interrupting, Interruption, interrupting
from tests.soak.project import ended
from tests.support.controlplane import ControlPlane, running
from tests.support.faults import Fault

pytestmark = pytest.mark.apiserver

ALL = os.environ.get("KFSPEC_SOAK") == "all"
EVERY, SEED = 5, 5
PARALLEL = 3
"""Cases at the same time."""
BATCH = 20
"""How many cases share one outage at most."""
FAULTS = tuple(Fault)


@pytest.fixture(scope="module")
def lab(controlplane: ControlPlane) -> Iterator[Lab]:
    """A lab on the API server that all tests share."""
    made = Lab(controlplane, Path(tempfile.mkdtemp(prefix="kfspec-soak-")), f"a{os.getpid()}-")
    yield made
    made.close()


@pytest.fixture(scope="module")
def own_lab(kubeflow: Release) -> Iterator[Lab]:
    """A lab on an API server that may be killed."""
    with running() as plane:
        plane.install_crds(crds(kubeflow))
        made = Lab(plane, Path(tempfile.mkdtemp(prefix="kfspec-soak-")), "b-")
        yield made
        made.close()


def chosen(cases: Sequence[Case]) -> list[Case]:
    """All of them, or every fifth, the same ones each time."""
    return list(cases) if ALL else random.Random(SEED).sample(cases, -(-len(cases) // EVERY))


def soak(lab: Lab, name: str, cases: Sequence[Case], work: Callable[[Case], list[str]]) -> None:
    """Run the cases side by side; none may have a problem."""
    before = lab.requests
    picked = chosen(cases)

    def guarded(case: Case) -> list[str]:
        try:
            return work(case)
        except Exception:  # a case that cannot be run is one that failed, and the others go on
            return [f"{case}: {traceback.format_exc()}"]

    with ThreadPoolExecutor(PARALLEL) as pool:
        found = list(pool.map(guarded, picked))
    report(lab, name, len(cases), found, before)


def report(lab: Lab, name: str, of: int, found: Sequence[list[str]], before: int) -> None:
    """Note the figures for the summary, and fail with every problem."""
    tally.note(name, len(found), of, sum(map(bool, found)), lab.requests - before)
    problems = [problem for each in found for problem in each]
    assert not problems, "\n\n".join(problems)


def at_each_request(lab: Lab, version: str) -> list[Case]:
    """Cut off after each request; before it too where that is not the same."""
    mutating = lab.references[version].mutating
    after = [Case(version, n, Fault.CUT_AFTER) for n in range(1, len(mutating) + 1)]
    before = [Case(version, n, Fault.CUT_BEFORE) for n, writes in enumerate(mutating, 1) if writes]
    return [*after, *before]


def short(paths: Iterable[str]) -> list[str]:
    """`notebooks/explore` for each path, in order."""
    return sorted("/".join(path.split("/")[-2:]) for path in paths)


def test_everything_that_can_go_wrong_is_in_the_project(lab: Lab) -> None:
    before, after = (lab.references[version] for version in VERSIONS)
    assert len(before.state.objects) == 30
    assert short(before.ledger.created) == sorted([*short(before.state.objects), "configmaps/kfspec-NAME-dev"])
    assert short(after.ledger.created) == [
        "authorizationpolicies/user-bo-example-com-clusterrole-view",
        "authorizationpolicies/user-dy-example-com-clusterrole-admin",
        "configmaps/fit-code-0e67ac64",
        "configmaps/train-code-0e67ac64",
        "configmaps/tune-code-0e67ac64",
        "experiments/tune-38caa092",
        "jaxjobs/warm-6880c6c1",
        "persistentvolumeclaims/more",
        "pipelineversions/churn-v2",
        "poddefaults/cache",
        "pytorchjobs/train-6cfc1a18",
        "rolebindings/user-bo-example-com-clusterrole-view",
        "rolebindings/user-dy-example-com-clusterrole-admin",
        "serviceaccounts/reader",
        "tensorboards/board",
        "tfjobs/fit-318572a0",
    ]
    assert short(after.ledger.deleted) == [
        "authorizationpolicies/user-bo-example-com-clusterrole-edit",
        "authorizationpolicies/user-cy-example-com-clusterrole-view",
        "configmaps/banner",
        "configmaps/fit-code-225fceff",
        "inferenceservices/ranker",
        "limitranges/defaults",
        "notebooks/review",
        "pipelineversions/churn-v1",
        "rolebindings/user-bo-example-com-clusterrole-edit",
        "rolebindings/user-cy-example-com-clusterrole-view",
        "tensorboards/board",
        "tfjobs/fit-dd071aa8",
    ]
    replaced = {path for path in after.ledger.deleted if path in after.ledger.created}
    assert set(after.state.objects) == (
        (set(before.state.objects) | set(after.ledger.created)) - (set(after.ledger.deleted) - replaced)
    )
    gone, come = set(before.state.kinds) - set(after.state.kinds), set(after.state.kinds) - set(before.state.kinds)
    assert (gone, come) == ({"LimitRange"}, {"JAXJob.kubeflow.org", "ServiceAccount"})
    assert (before.ledger.deleted, before.state.applied, after.state.applied) == ({}, 30, 29)
    assert after.state.objects["/api/v1/namespaces/NAME-web/configmaps/thresholds"]["data"] == {
        "block": "0.98",
        "review": "0.80",
    }
    notebook = after.state.objects["/apis/kubeflow.org/v1/namespaces/NAME-lab/notebooks/explore"]
    assert notebook["metadata"]["annotations"]["kubeflow-resource-stopped"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize("version", VERSIONS)
def test_killed(lab: Lab, version: str) -> None:
    soak(lab, f"killed, {version}", at_each_request(lab, version), lambda case: lab.run(case, Kill()))


@pytest.mark.parametrize("version", VERSIONS)
def test_asked_to_stop(lab: Lab, version: str) -> None:
    cases = [Case(version, n) for n in range(1, len(lab.references[version].mutating) + 1, 3)]
    numbers = (signal.SIGINT, signal.SIGTERM)
    soak(lab, f"signals, {version}", cases, lambda case: lab.run(case, Stop(numbers[case.number % 2])))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_fifth_request_fails(lab: Lab, version: str) -> None:
    cases = [Case(version, 0, share=0.2, seed=seed) for seed in range(1, 16)]
    soak(lab, f"faults, {version}", cases, lambda case: lab.run(case, Faulty(), FAULTS))


def test_asked_to_stop_while_it_waits(lab: Lab) -> None:
    number = len(lab.references["before"].mutating) + 5
    assert lab.run(Case("before", number), StopWaiting(signal.SIGTERM)) == []


def test_killed_and_taken_back(lab: Lab) -> None:
    mutating = lab.references["after"].mutating
    cases = [Case("after", number) for number, writes in enumerate(mutating, 1) if writes]
    soak(lab, "killed and taken back", cases, lambda case: lab.taken_back(case.number))


def test_killed_before_the_inventory_is_narrowed(lab: Lab) -> None:
    """What was pruned last is gone, all else is as before: run again, there is nothing to do but the inventory."""
    requests = pruned_later(lab, 0)
    assert pruned_later(lab, requests) == requests


def pruned_later(lab: Lab, number: int) -> int:
    """Apply the next version, prune in an apply of its own that is killed before the N-th request, and apply again."""
    project = lab.project()
    project.prepare("after")
    unpruned = ended(project.start(lab.plane.kubeconfig, "apply", "after.yaml", "--yes", "--force-conflicts"))
    assert unpruned.status == 0, unpruned.stderr
    assert "LimitRange" in project.state().kinds
    children: list[subprocess.Popen[str]] = []
    cut = Interruption(number, lambda: children[0].kill(), Fault.CUT_BEFORE) if number else None
    with interrupting(Interrupting(lab.plane, lab.folder, cut)) as proxy:
        children.append(project.apply("after", proxy.kubeconfig))
        pruned = ended(children[0])
    assert pruned.status == (-signal.SIGKILL if number else 0)
    again = ended(project.apply("after"))
    assert (again.status, again.stderr) == (0, "")
    state, wanted = project.state(), lab.references["after"].state
    assert (state.objects, state.kinds, state.applied) == (wanted.objects, wanted.kinds, wanted.applied)
    project.clean()
    return len(proxy.requests)


@pytest.mark.skipif(not ALL, reason="takes as long as the client has patience; `make soak` runs it")
def test_an_inventory_that_cannot_be_read_is_not_written(lab: Lab) -> None:
    """Kinds that it alone names would be forgotten, and their objects never be pruned."""
    project = lab.project()
    project.prepare("after")
    before = project.state()
    with interrupting(Hidden(lab.plane, lab.folder, project.inventory)) as proxy:
        refused = ended(project.apply("after", proxy.kubeconfig))
    message = f"error[KF503]: cannot read the inventory ConfigMap/kubeflow/kfspec-{project.name}-dev: "
    assert refused.status == 1
    assert message in refused.stderr
    assert project.state() == before
    project.clean()


class Hidden(Interrupting):
    """A proxy that lets nobody see one object."""

    def __init__(self, plane: ControlPlane, folder: Path, hidden: str) -> None:
        super().__init__(plane, folder)
        self._hidden = hidden

    def fault(self, method: str, path: str) -> Fault | None:
        found = super().fault(method, path)
        return Fault.GATEWAY if (method, path) == ("GET", self._hidden) else found


@pytest.mark.parametrize("version", VERSIONS)
def test_nobody_reads_what_it_says(lab: Lab, version: str) -> None:
    """`kfspec apply | head`: what the plan says is done, whoever watches."""
    assert lab.run(Case(version, 0), Unread()) == []


def test_nothing_was_left_behind(lab: Lab) -> None:
    """After all these projects are gone by their labels, no object of any kind is left that kfspec applied."""
    assert lab.orphans() == []


def test_the_api_server_is_killed(own_lab: Lab) -> None:
    every = [
        Case(version, n, Fault.CUT_AFTER)
        for version in VERSIONS
        for n in range(1, len(own_lab.references[version].mutating) + 1)
    ]
    cases = random.Random(SEED).sample(chosen(every), len(chosen(every)))
    before = own_lab.requests
    outages = -(-len(cases) // BATCH)
    batches = [cases[n::outages] for n in range(outages)]
    found = [each for batch in batches for each in outage(own_lab, batch)]
    report(own_lab, "API server killed", len(every), found, before)
    assert own_lab.orphans() == []


@pytest.mark.skipif(not ALL, reason="takes longer than the client waits for a server; `make soak` runs it")
def test_the_api_server_stays_away(own_lab: Lab) -> None:
    cases = [
        Case(version, n, Fault.CUT_AFTER)
        for version in VERSIONS
        for n in (1, 10, len(own_lab.references[version].mutating) - 10, len(own_lab.references[version].mutating))
    ]
    before = own_lab.requests
    report(own_lab, "API server away", len(cases), outage(own_lab, cases, 150.0), before)


def outage(lab: Lab, cases: Sequence[Case], seconds: float = 0.0) -> list[list[str]]:
    """Run the cases of one outage."""
    blow = Outage(lab.plane, len(cases), seconds)
    with ThreadPoolExecutor(len(cases)) as pool:
        runs = [pool.submit(lab.run, case, blow) for case in cases]
        blow.happen()
        found = []
        for case, run in zip(cases, runs, strict=True):
            error = run.exception()
            found.append([f"{case}: {error!r}"] if error is not None else run.result())
    return found
