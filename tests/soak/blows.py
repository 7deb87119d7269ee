"""What can happen to an apply: it is killed, it is asked to stop, its API server goes down and comes back."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.soak.cases import Blow
from tests.soak.project import Ended, Project
from tests.support.controlplane import ControlPlane

_FINDING = re.compile(r"^error\[KF[56]\d\d\]: \S", re.MULTILINE)
_STOPPED = re.compile(
    r"^error\[KF606\]: .*\n  = help: (?P<done>\d+) of (?P<all>\d+) done; run it again to go on$", re.MULTILINE
)
_UNBEGUN = "error[KF606]: interrupted\n  = help: nothing was changed; run it again\n"
_WAITED = "error[KF606]: interrupted\n  = help: all is applied; 'kfspec status' tells how ready it is\n"


class Kill(Blow):
    """SIGKILL."""

    def strike(self, process: subprocess.Popen[str]) -> None:
        process.kill()

    def judge(self, broken: Ended) -> Iterator[str]:
        if broken.status != -signal.SIGKILL:
            yield f"it was not killed, and ended with {broken.status}"


class Stop(Blow):
    """A signal that asks it to stop."""

    def __init__(self, number: signal.Signals) -> None:
        self.number = number

    def strike(self, process: subprocess.Popen[str]) -> None:
        process.send_signal(self.number)

    def judge(self, broken: Ended) -> Iterator[str]:
        if broken.status == 0:  # all was done that there was to do
            if not re.search(r"^done: \d+ changes$", broken.stderr, re.MULTILINE):
                yield f"after {self.number.name} it ended with 0, and not well"
            return
        if broken.status == 130 and _UNBEGUN in broken.stderr:
            return
        told = _STOPPED.search(broken.stderr)
        if broken.status != 130 or told is None:
            yield f"after {self.number.name} it ended with {broken.status}, and does not tell how far it came"
        elif int(told["done"]) != len(re.findall(r"^\[\d+/\d+\] (?!waiting)", broken.stderr, re.MULTILINE)):
            yield f"it says {told['done']} done, and told otherwise"


class StopWaiting(Stop):
    """A signal while all is applied, and it waits until all is ready, which nothing here becomes."""

    def start(self, project: Project, version: str, kubeconfig: Path) -> subprocess.Popen[str]:
        return project.apply(version, kubeconfig, "--wait")

    def judge(self, broken: Ended) -> Iterator[str]:
        if broken.status != 130 or _WAITED not in broken.stderr:
            yield f"after {self.number.name} it ended with {broken.status}, and does not tell that all is applied"


class Unread(Blow):
    """Whoever should read its output is gone."""

    def start(self, project: Project, version: str, kubeconfig: Path) -> subprocess.Popen[str]:
        reading, writing = os.pipe()
        os.close(reading)
        try:
            return project.apply(version, kubeconfig, output=writing)
        finally:
            os.close(writing)

    def judge(self, broken: Ended) -> Iterator[str]:
        if broken.status != 0:
            yield f"it ended with {broken.status}"


class Faulty(Blow):
    """Every fifth request fails."""

    def judge(self, broken: Ended) -> Iterator[str]:
        if broken.status != 0 and not (broken.status == 1 and _FINDING.search(broken.stderr)):
            yield f"it ended with {broken.status} and without a finding"


class Outage(Blow):
    """The API server is killed when all cases of a batch have come to their request, and started again.

    Cases share it, for a start takes longer than all the rest.
    """

    def __init__(self, plane: ControlPlane, cases: int, seconds: float = 0.0) -> None:
        self._plane = plane
        self._seconds = seconds
        self._together = threading.Barrier(cases)
        self._waiting = cases
        self._change = threading.Condition()
        self._down = threading.Event()
        self._up = threading.Event()

    def ready(self) -> None:
        self._together.wait(120)

    def strike(self, process: subprocess.Popen[str]) -> None:
        self._one_less()
        self._down.wait(60)

    def over(self) -> None:
        if not self._down.is_set():
            self._one_less()
        self._up.wait(300)

    def judge(self, broken: Ended) -> Iterator[str]:
        if broken.status != 0 and not (broken.status == 1 and _FINDING.search(broken.stderr)):
            yield f"it ended with {broken.status} and without a finding"
        if self._seconds and broken.status == 0:
            yield "it ended well without a server"

    def _one_less(self) -> None:
        with self._change:
            self._waiting -= 1
            self._change.notify_all()

    def happen(self) -> None:
        """Wait for all, and do it."""
        with self._change:
            self._change.wait_for(lambda: self._waiting <= 0, 60)
        self._plane.kill_server()
        self._down.set()
        time.sleep(self._seconds)
        self._plane.start_server()
        self._up.set()
