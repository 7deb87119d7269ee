"""A request and its answer over a connection of urllib3's, in HTTP/1.1 (RFC 9112).

Pools, TLS, timeouts and errors stay urllib3's. What lies between a pool and the socket is written anew, because a thousand
objects are two thousand requests: http.client and urllib3 write headers and body apart, check each header of a request again,
and read the headers of an answer as those of a mail, which is 40 % of the client's time (docs/adr/0013).
"""

from __future__ import annotations

import http.client
import io
import re
import zlib
from collections.abc import Mapping
from typing import IO, Any

import urllib3

_LONGEST_LINE = 65_536
_MOST_HEADERS = 100
_UNFIT = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""What no value of a header holds."""


class Exchange(urllib3.connection.HTTPConnection):
    """What the pool of an API server calls for each request. Stands before a connection class of urllib3 among the bases; not
    for proxies, which want requests in another form."""

    _reader: IO[bytes] | None = None
    """One buffer for as long as the connection stands."""
    _method: str | None = None
    """Of the request whose answer is not read yet."""
    _head: tuple[tuple[tuple[str, str], ...], bytes] = ((), b"")
    """Headers and how they are written: the same for request after request."""

    def close(self) -> None:
        """As urllib3's."""
        reader, self._reader, self._method = self._reader, None, None
        if reader is not None:
            reader.close()  # the socket is open for as long as one of both is
        super().close()

    def request(
        self, method: str, url: str, body: Any = None, headers: Mapping[str, Any] | None = None, **options: Any
    ) -> None:
        """Send a request; a body is bytes. Raises ValueError for what no header can be, OSError where the connection breaks."""
        if self.sock is None:
            self.connect()
        self.sock.settimeout(self.timeout)
        self._method = method
        line = f"{method} {url} HTTP/1.1\r\n".encode("ascii")
        length = b"" if body is None else b"Content-Length: %d\r\n" % len(body)
        self.sock.sendall(b"%b%b%b\r\n%b" % (line, self._written(headers or {}), length, body or b""))

    def _written(self, headers: Mapping[str, Any]) -> bytes:
        items = tuple(headers.items())
        if not self._head[1] or self._head[0] != items:
            for name, value in items:
                if _UNFIT.search(f"{name}{value}"):
                    raise ValueError(f"the header {name} holds characters that no header can have")
            host = f"[{self.host}]" if ":" in self.host else self.host
            port = "" if self.port == self.default_port else f":{self.port}"
            lines = (f"{name}: {value}\r\n" for name, value in (("Host", f"{host}{port}"), *items))
            self._head = items, "".join(lines).encode("latin-1")
        return self._head[1]

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override] # as urllib3's, which is none of http.client's
        """Read the whole answer. Raises OSError where the connection breaks, HTTPException for what is not HTTP."""
        method, self._method = self._method, None
        if method is None:
            raise http.client.ResponseNotReady
        self.sock.settimeout(self.timeout)
        if self._reader is None:
            self._reader = self.sock.makefile("rb")
        version, status, reason, headers = _head_of(self._reader)
        data, ends = _content(self._reader, method, status, headers)
        if ends or version == 10 or "close" in headers.get("Connection", "").lower():
            self.close()
        return urllib3.HTTPResponse(
            _unpacked(data, headers) or io.BytesIO(),  # of no bytes it would make None
            headers,
            status,
            version,
            f"HTTP/1.{version - 10}",
            reason,
            preload_content=False,
            decode_content=False,
            request_method=method,
        )


def _head_of(reader: IO[bytes]) -> tuple[int, int, str, urllib3.HTTPHeaderDict]:
    """Version (10 or 11), status, reason and headers of the final answer: interim ones say nothing."""
    while True:
        line = _line(reader)
        if not line:
            raise http.client.RemoteDisconnected("Remote end closed connection without response")
        version, _, rest = line.decode("latin-1").rstrip().partition(" ")
        code, _, reason = rest.partition(" ")
        if version not in ("HTTP/1.0", "HTTP/1.1") or not (len(code) == 3 and code.isdecimal()):
            raise http.client.BadStatusLine(line.decode("latin-1"))
        headers = _headers(reader)
        if int(code) >= 200:
            return 10 + int(version[-1]), int(code), reason, headers


def _headers(reader: IO[bytes]) -> urllib3.HTTPHeaderDict:
    """The headers, or trailers, up to the empty line after them."""
    found: list[tuple[str, str]] = []
    while (line := _line(reader)) not in (b"\r\n", b"\n"):
        name, colon, value = line.decode("latin-1").partition(":")
        if not line.endswith(b"\n") or not colon or name != name.strip() or len(found) == _MOST_HEADERS:
            raise http.client.HTTPException(f"unreadable headers at {line[:80]!r}")
        found.append((name, value.strip()))
    return urllib3.HTTPHeaderDict(found)


def _content(reader: IO[bytes], method: str, status: int, headers: urllib3.HTTPHeaderDict) -> tuple[bytes, bool]:
    """The content of an answer, and whether it lasted until the connection ended."""
    if method == "HEAD" or status in (204, 304):
        return b"", False
    if headers.get("Transfer-Encoding", "").lower() == "chunked":
        return _chunks(reader), False
    if "Transfer-Encoding" not in headers and "Content-Length" in headers:
        return _exactly(reader, _number(headers["Content-Length"], 10)), False
    return reader.read(), True


def _chunks(reader: IO[bytes]) -> bytes:
    parts = []
    while size := _number(_line(reader).partition(b";")[0].decode("latin-1"), 16):
        parts.append(_exactly(reader, size))
        if _line(reader) not in (b"\r\n", b"\n"):
            raise http.client.HTTPException("a chunk is longer than it says")
    _headers(reader)
    return b"".join(parts)


def _line(reader: IO[bytes]) -> bytes:
    line = reader.readline(_LONGEST_LINE + 1)
    if len(line) > _LONGEST_LINE:
        raise http.client.LineTooLong("answer")
    return line


def _exactly(reader: IO[bytes], size: int) -> bytes:
    data = reader.read(size)
    if len(data) < size:
        raise http.client.IncompleteRead(data, size - len(data))
    return data


def _number(text: str, base: int) -> int:
    digits = text.strip()
    if not re.fullmatch("[0-9A-Fa-f]+" if base == 16 else "[0-9]+", digits):
        raise http.client.HTTPException(f"no length of an answer: {digits[:80]!r}")
    return int(digits, base)


def _unpacked(data: bytes, headers: urllib3.HTTPHeaderDict) -> bytes:
    """The content as it was before it was packed. Only what was asked for is known: gzip."""
    coding = headers.get("Content-Encoding", "identity").lower()
    if coding == "identity" or not data:
        return data
    if coding not in ("gzip", "x-gzip"):
        raise http.client.HTTPException(f"content packed as {coding[:80]!r}, which was not asked for")
    try:
        return zlib.decompress(data, 16 + zlib.MAX_WBITS)
    except zlib.error as error:
        raise http.client.HTTPException(f"the packed content is broken: {error}") from None
