"""What both servers share: threads, the log of requests, problems with the contract, injected faults, and a crash."""

from __future__ import annotations

import contextlib
import email.parser
import email.policy
import json
import random
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from tests.contract.openapi import Contract, Operation


class Asked(NamedTuple):
    """One request as it was answered."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    status: int

    @property
    def mutating(self) -> bool:
        """Whether it may have changed something."""
        return self.method != "GET"


class Call(NamedTuple):
    """One request as a handler gets it."""

    operation: Operation
    params: dict[str, str]
    query: dict[str, str]
    body: Any
    parts: dict[str, bytes]
    headers: dict[str, str]


class Refusal(Exception):  # noqa: N818 - an answer, not a failure of the test
    """The server says no."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Cut(NamedTuple):
    """A fault: the connection is cut, `done` says whether the request was carried out before."""

    done: bool


class Broken(NamedTuple):
    """A fault: an error status, instead of carrying the request out or after it."""

    status: int
    done: bool = False


Fault = Cut | Broken | None
Faults = Callable[[int, str], Fault]
"""The number of the request, counted from 1, and its method -> what goes wrong with it."""


def no_faults(number: int, method: str) -> Fault:
    """Nothing goes wrong."""
    return None


def seeded(seed: int, share: float) -> Faults:
    """That share of requests fails, in every way, the same for the same seed."""
    chance = random.Random(seed)
    kinds: tuple[Fault, ...] = (Cut(False), Cut(True), Broken(500), Broken(500, True), Broken(503), Broken(429))

    def fault(number: int, method: str) -> Fault:
        return chance.choice(kinds) if chance.random() < share else None

    return fault


class ContractServer:
    """A server on 127.0.0.1 that is held to a contract. Subclasses answer in `handle`."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.asked: list[Asked] = []
        self.problems: list[str] = []
        """What was asked or answered against the document. A test ends with none."""
        self.faults: Faults = no_faults
        self.tokens: set[str] | None = None
        """Tokens that are let in; None where nobody has to show one."""
        self.watch: Callable[[int, str], None] = lambda number, method: None
        """Told of every request once it is done."""
        self._crash: int | None = None
        self._number = 0
        self.lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def handle(self, call: Call) -> tuple[int, Any]:
        """Status and body. Raises Refusal."""
        raise NotImplementedError

    def refusal(self, status: int, message: str, path: str) -> Any:
        """The body of an error."""
        raise NotImplementedError

    def undocumented(self, path: str, status: int) -> bool:
        """Whether upstream itself answers something else than its document says."""
        return False

    @property
    def mutations(self) -> list[Asked]:
        """The requests that may have changed something."""
        return [one for one in self.asked if one.mutating]

    def said(self) -> list[str]:
        """The same as `METHOD path`."""
        return [f"{one.method} {one.path}" for one in self.mutations]

    def forget(self) -> None:
        """Begin a new log."""
        self.asked.clear()
        self._number = 0

    def crash_after(self, number: int | None) -> None:
        """Carry `number` requests out, and never answer again: to the client's state it is as if it had died there."""
        self._crash, self._number = number, 0

    def answer(self, method: str, target: str, headers: dict[str, str], raw: bytes) -> tuple[int, Any] | None:
        """Status and body; None for a cut connection."""
        with self.lock:
            self._number += 1
            if self._crash is not None and self._number > self._crash:
                return None
            fault = self.faults(self._number, method)
            if isinstance(fault, Cut) and not fault.done:
                return None
            if isinstance(fault, Broken) and not fault.done:
                return fault.status, self.refusal(fault.status, "injected", target)
            try:
                done = self._carry_out(method, target, headers, raw)
            except Exception as error:
                self.problems.append(f"{method} {target}: the contract server failed: {error!r}")
                return 501, self.refusal(501, repr(error), target)
            self.watch(self._number, method)
            if isinstance(fault, Cut) or self._number == self._crash:
                return None
            if isinstance(fault, Broken):
                return fault.status, self.refusal(fault.status, "injected", target)
            return done

    def _carry_out(self, method: str, target: str, headers: dict[str, str], raw: bytes) -> tuple[int, Any]:
        url = urlsplit(target)
        path, query = unquote(url.path), parse_qs(url.query, keep_blank_values=True)
        operation, params = self.contract.operation(method, path)
        if operation is None:
            self.problems.append(f"{method} {path}: not in the document")
            return 404, self.refusal(404, "Not Found", path)
        body, parts = _read(headers.get("content-type", ""), raw)
        wrong = list(self.contract.request(operation, query, body, set(parts)))
        self.problems += wrong
        flat = {name: values[0] for name, values in query.items()}
        try:
            if wrong:
                raise Refusal(400, "; ".join(wrong))
            self.let_in(path, headers)
            status, answer = self.handle(Call(operation, params, flat, body, parts, headers))
        except Refusal as no:
            status, answer = no.status, self.refusal(no.status, no.message, path)
        if not self.undocumented(path, status):
            self.problems += self.contract.response(operation, status, answer)
        self.asked.append(Asked(method, path, flat, body, status))
        return status, answer

    def let_in(self, path: str, headers: dict[str, str]) -> None:
        """Raises Refusal for who shows no good token."""
        if self.tokens is not None and headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            raise Refusal(401, "Unauthenticated: the token is invalid or has expired")

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Serve meanwhile."""
        self._thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()


def page(items: list[Any], token: str, size: int) -> tuple[list[Any], str]:
    """One page and the token of the next, "" for the last."""
    start = int(token.removeprefix("page-") or 0) if token else 0
    end = start + size
    return items[start:end], f"page-{end}" if end < len(items) else ""


def _read(content_type: str, raw: bytes) -> tuple[Any, dict[str, bytes]]:
    if content_type.startswith("multipart/"):
        head = f"Content-Type: {content_type}\r\n\r\n".encode()
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + raw)
        return None, {
            str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True) or b""
            for part in message.iter_parts()
        }
    return (json.loads(raw) if raw else None), {}


def _handler(server: ContractServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = server.answer(self.command, self.path, headers, raw)
            if answer is None:
                self.close_connection = True
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                return
            data = json.dumps(answer[1]).encode()
            self.send_response(answer[0])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def finish(self) -> None:
            with contextlib.suppress(OSError, ValueError):
                super().finish()

    return Handler
