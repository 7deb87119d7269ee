"""An exchange over a connection, byte by byte, beside urllib3's own reading of the same bytes."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
import urllib3
from hypothesis import given, settings
from hypothesis import strategies as st

from kfspec.cluster.exchange import Exchange


class Tracked(Exchange, urllib3.connection.HTTPConnection):
    """As the transport makes it, without TLS."""


class Peer:
    """A server on 127.0.0.1 that gives the same bytes to every request, in pieces, and may hang up after them."""

    def __init__(self, answer: bytes, pieces: int, hangs_up: bool) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._answer, self._pieces, self._hangs_up = answer, pieces, hangs_up
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        while request := _request(connection):
            self.requests.append(request)
            size = max(1, -(-len(self._answer) // self._pieces))
            for start in range(0, len(self._answer), size):
                connection.sendall(self._answer[start : start + size])
            if self._hangs_up:
                return

    def close(self) -> None:
        """Take no more connections."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def _request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0]):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def peer(answer: bytes, pieces: int = 1, hangs_up: bool = False) -> Iterator[Peer]:
    """A running peer."""
    made = Peer(answer, pieces, hangs_up)
    try:
        yield made
    finally:
        made.close()


class Heard(NamedTuple):
    """What a caller sees of two requests, one after the other."""

    status: int
    reason: str | None
    version: int
    headers: list[tuple[str, str]]
    data: bytes
    connections: int
    """One where the connection was used again."""


def heard(
    kind: type[Any], answer: bytes, *, method: str = "GET", pieces: int = 1, hangs_up: bool = False
) -> Heard | type[Exception]:
    """Two requests through urllib3's pool, and what they gave; or the class of the error."""
    with peer(answer, pieces, hangs_up) as server:
        pool = urllib3.HTTPConnectionPool("127.0.0.1", server.port, maxsize=1, timeout=5)
        pool.ConnectionCls = kind
        try:
            responses = [pool.urlopen(method, "/path?a=b", retries=False, redirect=False) for _ in range(2)]
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return type(error)
        finally:
            pool.close()
        first, second = responses
        assert (first.status, first.data) == (second.status, second.data)
        headers = list(first.headers.items())
        return Heard(first.status, first.reason, first.version, headers, first.data, server.connections)


def answer(*lines: str, content: bytes = b"", status: str = "HTTP/1.1 200 OK") -> bytes:
    """Bytes of an answer."""
    return "".join(f"{line}\r\n" for line in (status, *lines, "")).encode("latin-1") + content


CHUNKED = "Transfer-Encoding: chunked"
PACKED = gzip.compress(b'{"kind":"List"}', mtime=0)
ORDINARY = {
    "a length": answer("Content-Type: application/json", "Content-Length: 2", content=b"{}"),
    "nothing": answer("Content-Length: 0"),
    "chunks": answer(CHUNKED, content=b"2\r\n{ \r\n1\r\n}\r\n0\r\n\r\n"),
    "chunks with extensions and trailers": answer(CHUNKED, content=b"A ; x=y\r\n0123456789\r\n0\r\nDate: now\r\n\r\n"),
    "no chunk": answer(CHUNKED, content=b"0\r\n\r\n"),
    "chunks and a length": answer("Content-Length: 9", CHUNKED, content=b"2\r\n{}\r\n0\r\n\r\n"),
    "an interim answer": answer(status="HTTP/1.1 100 Continue") + answer("Content-Length: 2", content=b"{}"),
    "no content": answer(status="HTTP/1.1 204 No Content"),
    "not modified": answer("Content-Length: 5", status="HTTP/1.1 304 Not Modified"),
    "names in any case": answer("content-LENGTH: 2", "warning: 299 - a", content=b"{}"),
    "a name twice": answer("Warning: 299 - a", "Content-Length: 2", "Warning: 299 - b", content=b"{}"),
    "spaces before values": answer("Content-Length:2", "X:  \t a b", content=b"{}"),
    "no reason": answer("Content-Length: 2", status="HTTP/1.1 404", content=b"{}"),
    "words in Latin 1": answer("Content-Length: 2", "X: caf\xe9", status="HTTP/1.1 400 f\xe9", content=b"{}"),
    "lines that end with a line feed only": answer("Content-Length: 2", content=b"{}").replace(b"\r\n", b"\n"),
    "a redirection": answer("Location: /there", "Content-Length: 0", status="HTTP/1.1 302 Found"),
    "gzip": answer("Content-Encoding: gzip", f"Content-Length: {len(PACKED)}", content=PACKED),
    "gzip in chunks": answer(
        "Content-Encoding: GZIP", CHUNKED, content=b"%x\r\n%b\r\n0\r\n\r\n" % (len(PACKED), PACKED)
    ),
}
LAST = {
    "no length": answer(content=b"{}"),
    "HTTP/1.0": answer("Content-Length: 2", status="HTTP/1.0 200 OK", content=b"{}"),
    "closing": answer("Content-Length: 2", "Connection: close", content=b"{}"),
    "closing, among other words": answer("Content-Length: 2", "Connection: Upgrade, close", content=b"{}"),
    "closing chunks": answer(CHUNKED, "Connection: Close", content=b"2\r\n{}\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("pieces", [1, 3, 1000])
@pytest.mark.parametrize("case", ORDINARY)
def test_an_answer_is_read_as_urllib3_reads_it(case: str, pieces: int) -> None:
    ours = heard(Tracked, ORDINARY[case], pieces=pieces)
    assert ours == heard(urllib3.connection.HTTPConnection, ORDINARY[case], pieces=pieces)
    assert isinstance(ours, Heard)
    assert ours.connections == 1


@pytest.mark.parametrize("case", LAST)
def test_an_answer_that_ends_a_connection(case: str) -> None:
    ours = heard(Tracked, LAST[case], hangs_up=True)
    assert ours == heard(urllib3.connection.HTTPConnection, LAST[case], hangs_up=True)
    assert isinstance(ours, Heard)
    assert (ours.data, ours.connections) == (b"{}", 2)


def test_spaces_after_a_value_are_none_of_it() -> None:
    ours = heard(Tracked, answer("Content-Length: 2 ", "X: a \t", content=b"{}"))
    assert isinstance(ours, Heard)
    assert ours.headers == [("Content-Length", "2"), ("X", "a")]


def test_a_head_has_no_content() -> None:
    promised = answer("Content-Length: 5")
    ours = heard(Tracked, promised, method="HEAD")
    assert ours == heard(urllib3.connection.HTTPConnection, promised, method="HEAD")
    assert isinstance(ours, Heard)
    assert (ours.data, ours.connections) == (b"", 1)


@pytest.mark.parametrize(
    "cut",
    [
        b"",
        b"HTTP/1.1 20",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n",
        answer("Content-Length: 3", content=b"{}"),
        answer(CHUNKED, content=b"2"),
        answer(CHUNKED, content=b"2\r\n{"),
        answer(CHUNKED, content=b"2\r\n{}\r\n"),
        answer(CHUNKED, content=b"2\r\n{}\r\n0\r\n"),
        answer("Content-Encoding: gzip", f"Content-Length: {len(PACKED) - 4}", content=PACKED[:-4]),
    ],
)
def test_what_is_cut_is_never_an_answer(cut: bytes) -> None:
    assert heard(Tracked, cut, hangs_up=True) is urllib3.exceptions.ProtocolError


@pytest.mark.parametrize(
    "wrong",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n",
        answer(status="HTTP/1.1 2000 OK"),
        answer(status="HTTP/1.1 OK"),
        answer("no header", "Content-Length: 0"),
        answer("Content-Length : 0"),
        answer("A: b", " folded", "Content-Length: 0"),
        answer("Content-Length: -1"),
        answer("Content-Length: +2", content=b"{}"),
        answer("Content-Length: 0x2", content=b"{}"),
        answer(CHUNKED, content=b"two\r\n{}\r\n0\r\n\r\n"),
        answer(CHUNKED, content=b"-2\r\n{}\r\n0\r\n\r\n"),
        answer(CHUNKED, content=b"1\r\n{}\r\n0\r\n\r\n"),
        answer("X: " + "x" * 70_000, "Content-Length: 0"),
        answer(*(f"X-{n}: y" for n in range(101)), "Content-Length: 0"),
        answer("Content-Encoding: br", "Content-Length: 2", content=b"{}"),
        answer("Content-Encoding: gzip", "Content-Length: 2", content=b"{}"),
    ],
)
def test_what_is_not_http_is_never_an_answer(wrong: bytes) -> None:
    assert heard(Tracked, wrong, hangs_up=True) is urllib3.exceptions.ProtocolError


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=70_000), max_size=4), st.integers(1, 40))
def test_any_content_comes_through_in_any_pieces(parts: Sequence[bytes], pieces: int) -> None:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    content = b"".join(parts)
    with_chunks = heard(Tracked, answer(CHUNKED, content=chunks + b"0\r\n\r\n"), pieces=pieces)
    with_length = heard(Tracked, answer(f"Content-Length: {len(content)}", content=content), pieces=pieces)
    assert isinstance(with_chunks, Heard)
    assert isinstance(with_length, Heard)
    assert (with_chunks.data, with_chunks.connections) == (content, 1)
    assert (with_length.data, with_length.connections) == (content, 1)


def sent(kind: type[Any], method: str, headers: Any, body: bytes | None) -> tuple[bytes, list[bytes], bytes]:
    """A request as it arrives: its line, its headers in order of their names, its body."""
    with peer(answer("Content-Length: 0")) as server:
        pool = urllib3.HTTPConnectionPool("127.0.0.1", server.port)
        pool.ConnectionCls = kind
        pool.urlopen(method, "/a%20b?c=d%2Fe", body, headers, retries=False)
        pool.close()
        head, _, content = server.requests[0].partition(b"\r\n\r\n")
        line, *rest = head.split(b"\r\n")
        return line, sorted(header.replace(b":%d" % server.port, b":0").lower() for header in rest), content


@pytest.mark.parametrize(
    ("method", "body"), [("GET", None), ("DELETE", b"{}"), ("PATCH", b'{"a": "b"}'), ("POST", b"x" * 300_000)]
)
def test_a_request_is_what_urllib3_would_send(method: str, body: bytes | None) -> None:
    groups = [("Impersonate-Group", "a"), ("Impersonate-Group", "b"), ("X", "caf\xe9")]
    headers = urllib3.HTTPHeaderDict([("Accept-Encoding", "gzip"), ("User-Agent", "kfspec"), *groups])
    ours = sent(Tracked, method, headers, body)
    line, others, content = sent(urllib3.connection.HTTPConnection, method, headers, body)
    assert (ours[0], ours[2]) == (line, content)
    joined = [header for header in others if not header.startswith(b"impersonate-group")]
    assert [header for header in ours[1] if not header.startswith(b"impersonate-group")] == joined
    assert [header for header in ours[1] if header.startswith(b"impersonate-group")] == [
        b"impersonate-group: a",
        b"impersonate-group: b",
    ]


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\x00", "\u20ac"])
def test_what_cannot_be_a_header_is_not_sent(value: str) -> None:
    with peer(answer("Content-Length: 0")) as server:
        pool = urllib3.HTTPConnectionPool("127.0.0.1", server.port)
        pool.ConnectionCls = Tracked
        with pytest.raises(ValueError, match=r"characters that no header can have|latin-1"):
            pool.urlopen("GET", "/", headers={"X": value}, retries=False)
        pool.close()
        assert server.requests == []


def test_an_answer_that_does_not_come_is_a_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        pool = urllib3.HTTPConnectionPool("127.0.0.1", silent.getsockname()[1], timeout=0.05)
        pool.ConnectionCls = Tracked
        with pytest.raises(urllib3.exceptions.ReadTimeoutError):
            pool.urlopen("GET", "/", retries=False)
        pool.close()
