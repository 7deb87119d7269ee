"""A TLS proxy before a real API server that counts, answers with faults, cuts connections, and calls a hook at a request.

Which requests fail depends on the seed and on the request alone (method, path, query, and how often it came before), not on
the order in which threads send them: a run can be repeated.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.controlplane import ControlPlane


class Fault(StrEnum):
    """What can happen to a request."""

    BUSY = "429"
    WEBHOOK = "500 of a webhook that is down"
    ETCD = "500 of etcd that changes its leader"
    GATEWAY = "502 of a load balancer"
    CUT_BEFORE = "cut before the server has it"
    CUT_AFTER = "cut after the server did it"
    CUT_WITHIN = "cut within the answer"


STATUSES: dict[Fault, tuple[int, bytes, dict[str, str]]] = {}
"""Fault -> status, body and headers of the answer, which does not come from the server."""


def _status(code: int, reason: str, message: str) -> bytes:
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }
    return json.dumps(body).encode()


_WEBHOOK_DOWN = (
    'Internal error occurred: failed calling webhook "inferenceservice.kserve-webhook-server.defaulter": failed to call webhook: '
    'Post "https://kserve-webhook-server-service.kubeflow.svc:443/mutate?timeout=10s": dial tcp 10.0.0.7:443: connect: connection refused'
)
STATUSES[Fault.BUSY] = (
    429,
    _status(429, "TooManyRequests", "too many requests, try again later"),
    {"Retry-After": "0"},
)
STATUSES[Fault.WEBHOOK] = (500, _status(500, "InternalError", _WEBHOOK_DOWN), {})
STATUSES[Fault.ETCD] = (500, _status(500, "", "etcdserver: leader changed"), {})
STATUSES[Fault.GATEWAY] = (502, b"<html>502 Bad Gateway</html>", {})


class Request(NamedTuple):
    """One request as it came, and what became of it."""

    method: str
    path: str
    """With the query."""
    fault: Fault | None
    status: int
    """Of the server's own answer; 0 where it was not asked."""

    @property
    def mutates(self) -> bool:
        """Whether the server changed something, or would have."""
        reads = self.method in ("GET", "HEAD") or "dryRun=All" in self.path
        return not reads and not self.path.startswith(("/apis/authorization.k8s.io/", "/apis/authentication.k8s.io/"))


class Hook(NamedTuple):
    """What to do at one request."""

    number: int
    """Counted from 1."""
    action: Callable[[Request], None]
    """Called in the proxy's thread, which goes on when it returns."""
    mutating: bool = True
    """Whether only requests that change something count."""
    before_answer: bool = True
    """The server has answered and the client not heard it; else after the client was sent the answer."""


class Faults:
    """A running proxy. Use `proxied()`."""

    def __init__(
        self, plane: ControlPlane, share: float, seed: int, kinds: Sequence[Fault], hook: Hook | None, folder: Path
    ) -> None:
        self.plane = plane
        self.share = share
        self.seed = seed
        self.kinds = kinds
        self.hook = hook
        self.requests: list[Request] = []
        """All that came, in the order in which they were done."""
        self._seen: Counter[str] = Counter()
        self._hooked = 0
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._server = _Server(self)
        self.port: int = self._server.server_address[1]
        self.kubeconfig = folder / f"faults-{self.port}.json"
        """As the control plane's own, but through the proxy."""
        users = [{"name": name, "user": {"token": token}} for name, token in plane.tokens.items()]
        self.kubeconfig.write_text(json.dumps(plane.config(users, server=f"https://127.0.0.1:{self.port}")))

    def start(self) -> None:
        """Serve in a thread."""
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """End serving, and every connection."""
        self._server.shutdown()
        self._server.server_close()
        with self._lock:
            for each in self._connections:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def fault(self, method: str, path: str) -> Fault | None:
        """What happens to the next request of this kind."""
        with self._lock:
            self._seen[f"{method} {path}"] += 1
            choice = random.Random(f"{self.seed} {method} {path} {self._seen[f'{method} {path}']}")
        return choice.choice(self.kinds) if self.kinds and choice.random() < self.share else None

    def done(self, request: Request) -> Hook | None:
        """Note what was answered; the hook, if it is this one's."""
        with self._lock:
            self.requests.append(request)
            hook = self.hook
            if hook is None or not (request.mutates or not hook.mutating):
                return None
            self._hooked += 1
            return hook if self._hooked == hook.number else None

    @contextlib.contextmanager
    def noted(self, connection: socket.socket) -> Iterator[None]:
        """Know a connection while it is open, to end it at the end."""
        with self._lock:
            self._connections.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._connections.discard(connection)


@contextlib.contextmanager
def proxied(
    plane: ControlPlane,
    folder: Path,
    *,
    share: float = 0.0,
    seed: int = 1,
    kinds: Sequence[Fault] = tuple(Fault),
    hook: Hook | None = None,
) -> Iterator[Faults]:
    """A proxy before `plane`; its kubeconfig is in `folder`. `share` of the requests get one of `kinds`."""
    faults = Faults(plane, share, seed, kinds, hook, folder)
    faults.start()
    try:
        yield faults
    finally:
        faults.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(faults.plane.folder / "server.crt", faults.plane.folder / "server.key")
        super().__init__(("127.0.0.1", 0), _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with (
            contextlib.suppress(OSError),
            self._tls.wrap_socket(
                request, server_side=True
            ) as connection,  # in a thread of its own: it holds up nobody
            self.faults.noted(connection),
        ):
            super().finish_request(connection, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that is gone is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.upstream: http.client.HTTPSConnection | None = None

    def finish(self) -> None:
        if self.upstream is not None:
            self.upstream.close()
        super().finish()

    def handle_request(self) -> None:
        """Forward one request, with the fault that is due."""
        faults = self.server.faults
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = faults.fault(self.command, self.path)
        status, answer = 0, b""
        headers: dict[str, str] = {}
        if fault in STATUSES:
            status, answer, headers = STATUSES[fault]
        elif fault is not Fault.CUT_BEFORE:
            status, answer, headers = self.forwarded(body)
        own = 0 if fault in STATUSES else status
        request = Request(self.command, self.path, fault, own)
        hook = faults.done(request)
        if hook is not None and hook.before_answer:
            hook.action(request)
        if fault in (Fault.CUT_BEFORE, Fault.CUT_AFTER) or status == 0:
            self.cut()
        else:
            self.answer(status, answer, headers, len(answer) // 2 if fault is Fault.CUT_WITHIN else None)
        if hook is not None and not hook.before_answer:
            hook.action(request)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request  # noqa: N815 - names of http.server

    def forwarded(self, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        """The server's answer; status 0 where it does not answer."""
        headers = {key: value for key, value in self.headers.items() if key.lower() not in ("host", "connection")}
        try:
            if self.upstream is None:
                self.upstream = self.server.faults.plane.connection()
            self.upstream.request(self.command, self.path, body or None, headers)
            answer = self.upstream.getresponse()
            passed = ("Content-Type", "Content-Encoding", "Retry-After", "Audit-Id", "Warning")
            kept = {name: value for name in passed if (value := answer.getheader(name)) is not None}
            return answer.status, answer.read(), kept
        except (OSError, http.client.HTTPException):
            if self.upstream is not None:
                self.upstream.close()
            self.upstream = None
            return 0, b"", {}

    def answer(self, status: int, body: bytes, headers: dict[str, str], only: int | None) -> None:
        """Send an answer; only the first bytes of it, and then cut, if `only` is given."""
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:only])
        if only is not None:
            self.cut()

    def cut(self) -> None:
        """End the connection without a word."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.connection, socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr."""
