"""A fault proxy that does something at the N-th request of whoever talks through it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.support import faults
from tests.support.controlplane import ControlPlane
from tests.support.faults import Fault, Faults, Request


class Interruption(NamedTuple):
    """What to do, and when."""

    number: int
    """Of the request, counted from 1 in the order in which they arrive."""
    action: Callable[[], None]
    """Called in the proxy's thread; the request goes on when it returns."""
    fault: Fault | None = None
    """`CUT_BEFORE`: called before the server has the request, which it never gets. `CUT_AFTER`: called once it has answered,
    and the answer is lost. None: called then too, and the answer is passed on."""


class Ledger(NamedTuple):
    """What the server has really done, each with how often."""

    created: Counter[str]
    """By path."""
    deleted: Counter[str]


class Interrupting(Faults):
    """A proxy that is there for one case."""

    def __init__(
        self,
        plane: ControlPlane,
        folder: Path,
        interruption: Interruption | None = None,
        share: float = 0.0,
        seed: int = 1,
        kinds: Sequence[Fault] = (),
    ) -> None:
        super().__init__(plane, share, seed, kinds, None, folder)
        self.interruption = interruption
        self.reached = False
        self._arrived = 0
        self._open: Counter[str] = Counter()
        self._own = threading.local()
        self._guard = threading.Lock()
        self._server.RequestHandlerClass = _Handler

    def fault(self, method: str, path: str) -> Fault | None:
        """The interruption's own fault at its request, else what the share says."""
        with self._guard:
            self._arrived += 1
            self._open[f"{method} {path}"] += 1
            due = self.interruption is not None and self._arrived == self.interruption.number
        self._own.due = due
        if not due or self.interruption is None:
            return super().fault(method, path)
        self.reached = True
        if self.interruption.fault is Fault.CUT_BEFORE:
            self.interruption.action()
        return self.interruption.fault

    def done(self, request: Request) -> None:
        """Note what was answered, before the client hears it."""
        super().done(request)
        if self._own.due and self.interruption is not None and self.interruption.fault is not Fault.CUT_BEFORE:
            self.interruption.action()
        with self._guard:
            self._open -= Counter([f"{request.method} {request.path}"])

    def settle(self) -> None:
        """Wait until the server has answered all that is under way: a killed client's last requests are done without it."""
        deadline = time.monotonic() + 30
        while self._open and time.monotonic() < deadline:
            time.sleep(0.005)
        assert not self._open, f"not answered: {sorted(self._open)}"

    def ledger(self) -> Ledger:
        """What was created and deleted through this proxy."""
        writes = [request for request in self.requests if request.mutates]
        created = Counter(urlsplit(r.path).path for r in writes if r.status == 201)
        deleted = Counter(urlsplit(r.path).path for r in writes if r.method == "DELETE" and 200 <= r.status < 300)
        return Ledger(created, deleted)


class _Handler(faults._Handler):
    """A client that is killed while it sends: the server gets no half of a request, for whose rest it would wait."""

    def forwarded(self, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        if len(body) < int(self.headers.get("Content-Length") or 0):
            return 0, b"", {}
        return super().forwarded(body)


@contextlib.contextmanager
def interrupting(proxy: Interrupting) -> Iterator[Interrupting]:
    """The proxy, serving."""
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
