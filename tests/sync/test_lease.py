"""One sync at a time: the Lease on a real API server, held by real processes, under the rights that a loop is compiled with."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kfspec.pipeline import build
from kfspec.sync import home, lease
from kfspec.sync.payload import write
from tests.contract.kfp import KfpServer
from tests.contract.serving import Cut, no_faults
from tests.support.controlplane import ControlPlane
from tests.sync.samples import ONCE, REPORT, TRAIN, kfp, synced

pytestmark = pytest.mark.apiserver

NAME = "kfspec-sync-fraud-kfp"
ONE = {"name": ONCE["name"], "parameters": {"rows": 9}}
STARTS, DOES_NOT = {**TRAIN, "runs": [ONE]}, {**TRAIN, "runs": []}
BATCH = {"apiGroups": ["batch"], "resources": ["cronjobs", "jobs"], "verbs": ["get", "list", "watch"]}
"""Of what kubeflow-edit has, the part that a sync uses (kubeflow/manifests v1.10.0, cluster-roles.yaml, kubeflow-kubernetes-view);
it has no right on Events but to read them, and none on Leases."""
DRIVER = """
import sys
from kfspec.sync import lease
lease.DURATION = {duration}
from kfspec.__main__ import main
sys.exit(main())
"""


class Meeting(KfpServer):
    """A server at which two who would start a run meet before either does; one who comes alone goes on after a while."""

    def __init__(self, shared: Path) -> None:
        super().__init__(shared, "2.16.0")
        self.met = threading.Barrier(2)

    def answer(self, method: str, target: str, headers: dict[str, str], raw: bytes) -> tuple[int, Any] | None:
        if method == "POST" and target.endswith("/runs"):
            with contextlib.suppress(threading.BrokenBarrierError):
                self.met.wait(5)
        return super().answer(method, target, headers, raw)


class Loop:
    """A namespace with a loop as it is compiled, its account, and processes that run as the loop's pods do."""

    def __init__(self, plane: ControlPlane, namespace: str, folder: Path) -> None:
        self.plane, self.namespace, self.folder = plane, namespace, folder
        self.account = f"system:serviceaccount:{namespace}:default-editor"
        self.kubeconfig = plane.acting_as(self.account, "system:serviceaccounts")
        self.where = f"batch/v1/CronJob/{namespace}/{NAME}"
        self.path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self.environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": str(folder), "NO_COLOR": "1"}
        self.processes: list[subprocess.Popen[str]] = []

    def install(self, **platform: Any) -> None:
        """Apply what the compiler emits, and what a profile's account has."""
        spec = {
            "apiVersion": "kfspec.dev/v1alpha1",
            "project": "fraud",
            "externals": {"profiles": [self.namespace]},
            "defaults": {"profile": self.namespace},
            "platform": {"syncImage": "registry.example.com/kfspec-sync:1", **platform},
        }
        (self.folder / "kfspec.yaml").write_text(yaml.safe_dump(spec))
        built = build(self.folder / "kfspec.yaml")
        assert built.diagnostics == ()
        rbac = {"apiGroup": "rbac.authorization.k8s.io"}
        meta = {"name": "default-editor", "namespace": self.namespace}
        subject = {"kind": "ServiceAccount", "name": "default-editor", "namespace": self.namespace}
        version = {"apiVersion": "rbac.authorization.k8s.io/v1"}
        edit = {**version, "kind": "Role", "metadata": {**meta, "name": "as-kubeflow-edit"}, "rules": [BATCH]}
        ref = {"kind": "Role", "name": "as-kubeflow-edit"}
        bound = {**version, "kind": "RoleBinding", "metadata": meta, "roleRef": rbac | ref, "subjects": [subject]}
        bodies = [edit, bound, *(resource.body for resource in built.environments["default"])]
        answers = self.plane.apply(bodies, workers=1)
        assert {answer.message for answer in answers} == {""}

    def run(self, server: KfpServer, *arguments: str, alone: bool = False, duration: int = 30) -> subprocess.Popen[str]:
        """A sync that has begun. `alone`: as in CI, where nobody says what it belongs to."""
        command = ["sync", "kfp", "--from", str(self.folder / "from"), "--endpoint", server.endpoint, *arguments]
        program = [sys.executable, "-c", DRIVER.format(duration=duration), *command]
        environment = self.environment if alone else {**self.environment, home.VARIABLE: self.where}
        process = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        self.processes.append(process)
        return process

    def desire(self, *pipelines: dict[str, Any]) -> None:
        """What is mounted."""
        target = self.folder / "from"
        target.mkdir(exist_ok=True)
        for name, text in write(kfp(*pipelines)).items():
            (target / name).write_text(text, encoding="utf-8")

    def hold(self, holder: str, duration: int) -> None:
        """The Lease of somebody who does not renew it."""
        now = "2026-01-01T00:00:00.000000Z"
        spec = {"holderIdentity": holder, "leaseDurationSeconds": duration, "acquireTime": now, "renewTime": now}
        meta = {"name": NAME, "namespace": self.namespace}
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec}
        assert self.plane.request("POST", self.path, body).status == 201

    def lease(self) -> dict[str, Any] | None:
        """What is there."""
        answer = self.plane.request("GET", f"{self.path}/{NAME}")
        return dict(answer.body) if answer.status == 200 else None

    def holder(self) -> str | None:
        """Who holds what is there."""
        found = self.lease()
        assert found is not None
        return found["spec"].get("holderIdentity")

    def events(self) -> list[tuple[str, str]]:
        """(reason, message) of the Events on the CronJob."""
        listed = self.plane.request("GET", f"/api/v1/namespaces/{self.namespace}/events").body["items"]
        return [
            (one["reason"], one["message"].splitlines()[0]) for one in listed if one["involvedObject"]["name"] == NAME
        ]


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit status, output and log."""
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@pytest.fixture
def loop(controlplane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[Loop]:
    """A loop; what still runs in the end is ended."""
    pytest.importorskip("kfp", reason="the extra [pipelines] is not installed")
    one = Loop(controlplane, namespace, tmp_path)
    yield one
    for process in one.processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


DONE = "fraud, prod: kfp in fraud-prod: 1 step done"
IDLE = "fraud, prod: kfp in fraud-prod: nothing to do\n"


def test_two_at_once_start_one_run(loop: Loop, shared: Path) -> None:
    loop.install()
    server = Meeting(shared)
    with server.running():
        synced(kfp(DOES_NOT), server.endpoint)
        loop.desire(STARTS)
        outcomes = sorted(ended(one) for one in [loop.run(server), loop.run(server)])
        started = f"+ start run {ONE['name']}: was not started yet  (pipelines.train)\n{DONE}\n"
        assert outcomes == [(0, started, ""), (0, IDLE, "")]
        assert len(server.runs) == 1
    assert server.problems == []
    assert loop.holder() is None
    assert loop.events() == [("Synced", DONE)]


def test_without_it_two_at_once_would_start_two(loop: Loop, shared: Path) -> None:
    server = Meeting(shared)
    with server.running():
        synced(kfp(DOES_NOT), server.endpoint)
        loop.desire(STARTS)
        outcomes = [ended(one) for one in [loop.run(server, alone=True), loop.run(server, alone=True)]]
        assert [(status, log) for status, _, log in outcomes] == [(0, ""), (0, "")]
        assert len(server.runs) == 2, "so the test before says something"
    assert loop.lease() is None


def test_a_killed_one_is_taken_over(loop: Loop, shared: Path) -> None:
    loop.install()
    server = KfpServer(shared, "2.16.0")
    loop.desire(TRAIN, REPORT)
    with server.running():
        killed = loop.run(server, duration=5)

        def watch(number: int, method: str) -> None:
            if len(server.mutations) == 4:
                killed.kill()

        server.watch = watch
        assert killed.wait(120) == -signal.SIGKILL
        server.watch = lambda number, method: None
        left = loop.lease()
        assert left is not None
        assert left["spec"]["leaseDurationSeconds"] == 5
        owner = loop.plane.request("GET", f"/apis/batch/v1/namespaces/{loop.namespace}/cronjobs/{NAME}").body
        assert left["metadata"]["ownerReferences"] == [
            {"apiVersion": "batch/v1", "kind": "CronJob", "name": NAME, "uid": owner["metadata"]["uid"]}
        ]
        mark = loop.plane.mark()
        status, out, log = ended(loop.run(server))
        assert (status, out.splitlines()[-1], log) == (0, "fraud, prod: kfp in fraud-prod: 6 steps done", "")
        assert (len(server.runs), len(server.recurring_runs)) == (1, 2)
    assert server.problems == []
    asked = [one for one in loop.plane.audit(mark) if one.path.startswith(loop.path)]
    assert [(one.verb, one.status) for one in asked if one.verb != "get"] == [("update", 200), ("update", 200)]
    assert {one.user for one in asked} == {loop.account}
    assert loop.holder() is None
    after = loop.lease()
    assert after is not None
    assert after["spec"]["leaseTransitions"] == 1


def test_one_that_slept_too_long_does_nothing_more(loop: Loop, shared: Path) -> None:
    loop.install()
    server = KfpServer(shared, "2.16.0")
    loop.desire(TRAIN)
    with server.running():
        slept = loop.run(server, duration=4)
        stopped = threading.Event()

        def watch(number: int, method: str) -> None:
            if len(server.mutations) == 2 and not stopped.is_set():
                os.kill(slept.pid, signal.SIGSTOP)
                stopped.set()

        server.watch = watch
        assert stopped.wait(60)
        status, out, log = ended(loop.run(server))
        assert (status, out.splitlines()[-1], log) == (0, "fraud, prod: kfp in fraud-prod: 6 steps done", "")
        os.kill(slept.pid, signal.SIGCONT)
        assert ended(slept) == (
            1,
            "+ create experiment Default: is not there  (pipelines.train)\n"
            "+ create experiment backfills: is not there  (pipelines.train)\n"
            "error[KF628]: the Lease could not be renewed in time, so another sync may be at work: nothing more is done\n"
            "  = help: the next sync looks again\n"
            "fraud, prod: kfp in fraud-prod: 2 steps done, and not all is as the spec says\n",
            "",
        )
        assert (len(server.runs), len(server.recurring_runs)) == (1, 2)
    assert server.problems == []


def test_one_that_waits_has_its_time(loop: Loop, shared: Path) -> None:
    loop.install()
    loop.hold("another-pod_0123", 3600)
    server = KfpServer(shared, "2.16.0")
    loop.desire(REPORT)
    with server.running():
        assert ended(loop.run(server, "--timeout", "2")) == (
            1,
            "error[KF628]: another sync is at work, and holds the Lease: another-pod_0123\n"
            "  = help: the next sync looks again\n"
            "fraud, prod: kfp in fraud-prod: nothing done, and not all is as the spec says\n",
            "",
        )
        assert ended(loop.run(server, "--dry-run"))[0] == 0, "looking needs no turn"
        assert server.mutations == []
    assert loop.holder() == "another-pod_0123"


def test_without_rights_it_goes_on_and_says_so(loop: Loop, shared: Path) -> None:
    loop.install(syncRole=False)
    server = KfpServer(shared, "2.16.0")
    loop.desire(REPORT)
    with server.running():
        status, out, log = ended(loop.run(server))
    user = f'User "{loop.account}" cannot'
    assert (status, out.splitlines()[-1]) == (0, "fraud, prod: kfp in fraud-prod: 2 steps done")
    assert log.splitlines() == [
        f'note: no Lease is held, so another sync may be at work too: leases.coordination.k8s.io "{NAME}" is forbidden: '
        f'{user} get resource "leases" in API group "coordination.k8s.io" in the namespace "{loop.namespace}"',
        f'note: no Event was written: events is forbidden: {user} create resource "events" in API group "" '
        f'in the namespace "{loop.namespace}"',
    ]
    assert (loop.lease(), loop.events()) == (None, [])


def test_one_that_is_cut_off_is_not_followed_at_once(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    loop.install()
    monkeypatch.setattr(lease, "DURATION", 2)
    with pytest.raises(KeyboardInterrupt), lease.taken(loop.where, 0, loop.kubeconfig):
        raise KeyboardInterrupt
    held = loop.holder()
    with lease.taken(loop.where, 0, loop.kubeconfig) as turn:
        assert turn.busy == held
    with lease.taken(loop.where, 10, loop.kubeconfig) as turn:
        assert turn.lease is not None


def test_one_whose_answer_got_lost_is_not_followed_at_once(loop: Loop, shared: Path) -> None:
    loop.install()
    server = KfpServer(shared, "2.16.0")
    loop.desire(STARTS)
    with server.running():
        synced(kfp(DOES_NOT), server.endpoint)
        server.faults = lambda number, method: Cut(True) if method == "POST" else None
        status, out, _ = ended(loop.run(server, "--timeout", "0", duration=3))
        assert (status, out.splitlines()[0].partition(": ")[0]) == (1, "error[KF622]")
        assert loop.holder() is not None
        server.faults = no_faults
        assert ended(loop.run(server)) == (0, IDLE, "")
        assert len(server.runs) == 1
    assert server.problems == []


def test_where_there_is_no_namespace_it_goes_on_and_says_so(controlplane: ControlPlane) -> None:
    with lease.taken("batch/v1/CronJob/nowhere-at-all/sync", 0, controlplane.kubeconfig) as turn:
        assert (turn.lease, turn.problem) == (None, 'namespaces "nowhere-at-all" not found')


def test_one_that_was_let_go_or_deleted_is_there_for_the_next(loop: Loop) -> None:
    loop.install()
    for _ in range(2):
        with lease.taken(loop.where, 0, loop.kubeconfig) as turn:
            assert turn.lease is not None
            assert (loop.holder() or "").rpartition("_")[0] == socket.gethostname()
    loop.plane.request("DELETE", f"{loop.path}/{NAME}")
    with (
        lease.taken(loop.where, 0, loop.kubeconfig) as turn,
        lease.taken(loop.where, 0, loop.kubeconfig) as other,
    ):
        assert (turn.busy, other.lease, other.busy) == (None, None, loop.holder())


def test_where_there_is_no_cluster_it_goes_on_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for where, problem in {
        "": None,
        "CronJob/a": "KFSPEC_EVENT_OBJECT is 'CronJob/a', and is to be like batch/v1/CronJob/<namespace>/<name>",
        "batch/v1/CronJob/a/b": "no cluster is configured",
    }.items():
        with lease.taken(where, 0) as turn:
            assert (turn.lease, turn.problem, turn.busy, turn.lasts()) == (None, problem, None, True)


def test_it_is_renewed_and_another_hand_on_its_labels_does_no_harm(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    loop.install()
    monkeypatch.setattr(lease, "DURATION", 3)
    with lease.taken(loop.where, 5, loop.kubeconfig) as turn:
        before = loop.lease()
        label = {"metadata": {"labels": {"looked-at-by": "bo"}}}
        loop.plane.request("PATCH", f"{loop.path}/{NAME}", label, "application/merge-patch+json")
        time.sleep(3.5)
        after = loop.lease()
        assert turn.lasts()
        assert before is not None
        assert after is not None
        same = ("holderIdentity", "leaseDurationSeconds", "acquireTime", "leaseTransitions")
        assert [after["spec"][name] for name in same] == [before["spec"][name] for name in same]
        assert after["spec"]["renewTime"] > before["spec"]["renewTime"]
        assert after["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "kfspec", "looked-at-by": "bo"}
    assert loop.holder() is None


def test_one_that_lost_it_knows_and_leaves_it_to_the_other(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    loop.install()
    monkeypatch.setattr(lease, "DURATION", 1)
    with lease.taken(loop.where, 5, loop.kubeconfig) as turn:
        assert turn.lasts()
        other = {"spec": {"holderIdentity": "another-pod_0123"}}
        loop.plane.request("PATCH", f"{loop.path}/{NAME}", other, "application/merge-patch+json")
        time.sleep(1.2)
        assert not turn.lasts()
    assert loop.holder() == "another-pod_0123"
