"""Requests to an API server: raw JSON through the connection pool and TLS that the `kubernetes` package configures.

Every request that kfspec makes may be made again: reads, dry runs, applies of a whole object, deletes by uid. So what can
pass by itself is tried again here, within bounds, and nobody above has to think of it.

Making a Client costs 110 ms of imports (kubernetes 37; 250 ms with 30), and the run of a credential plugin:
`opening()` does it in a thread, beside other work.
"""

from __future__ import annotations

import functools
import itertools
import json
import random
import re
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from kfspec.cluster import credentials, failures
from kfspec.cluster.credentials import Grant, grant
from kfspec.cluster.kubeconfig import ClusterError as ClusterError
from kfspec.cluster.kubeconfig import access

WORKERS = 16
"""Requests at the same time."""
APPLY_PATCH = "application/apply-patch+yaml"
DEADLINE = 120.0
"""Seconds for one request with all its attempts."""
_ANSWERED_ATTEMPTS = 8
"""Attempts of what is answered each time: with every fifth request failing, one in 400,000 fails eight times."""
_FIRST_ATTEMPTS = 3
"""Attempts before the server was ever reached: a wrong address is to be told at once."""
_CONNECT, _READ = 10.0, 60.0
_LONGEST_WAIT, _LONGEST_ASKED = 5.0, 30.0
_WEBHOOK_REST = 30.0
"""Seconds in which a webhook that did not come back is not waited for again."""

_PASSING = ("failed calling webhook", "conversion webhook", "etcdserver:", "rpc error:", "leader changed", "timed out")
"""What a 500 says that passes by itself (kube-apiserver 1.37). Others do not: server-side apply answers an undeclared field
with 500 `failed to create typed patch object` for ever (executed)."""
_JSON = json.JSONEncoder(separators=(",", ":"))
_WEBHOOK = re.compile(r'failed calling webhook "([^"]+)"')


class CancelledError(ClusterError):
    """The caller wants no more requests."""


class Answer(NamedTuple):
    """HTTP status and parsed body."""

    status: int
    body: Any
    repeated: bool = False
    """Whether an earlier attempt may have been done too: its answer, if there was one, got lost. A delete then says 404."""

    @property
    def ok(self) -> bool:
        """Whether the request was done."""
        return 200 <= self.status < 300

    @property
    def message(self) -> str:
        """The message of a Status, or the text of what is no JSON."""
        if isinstance(self.body, dict):
            return str(self.body.get("message") or self.body.get("reason") or f"status {self.status}")
        return str(self.body or f"status {self.status}")

    @property
    def causes(self) -> list[dict[str, str]]:
        """The causes of a Status: field, message, reason."""
        details = self.body.get("details") if isinstance(self.body, dict) else None
        return list((details or {}).get("causes") or ())

    @property
    def by_webhook(self) -> bool:
        """Whether an admission webhook or policy said no, and not the API server's own rules."""
        return not self.ok and ("admission webhook" in self.message or "ValidatingAdmissionPolicy" in self.message)


class _Session(NamedTuple):
    """A grant and the connections that are made with it."""

    grant: Grant
    manager: Any
    """Pools of connections by host, and the way to a proxy."""
    pool: Any
    """The connections to the API server itself: what a manager does for each request takes a fifth of it. None where a proxy
    is between."""

    @property
    def host(self) -> str:
        """The API server's address."""
        return str(self.grant.configuration.host)

    @property
    def root(self) -> str:
        """What stands before each path, where the API server is not at the root of its host."""
        return urlsplit(self.host).path.rstrip("/")

    @property
    def tls(self) -> tuple[Any, ...]:
        """What its connections depend on."""
        return _tls(self.grant)


class _Call(NamedTuple):
    """One request, ready to be sent any number of times."""

    method: str
    path: str
    """With the query."""
    data: bytes | None
    headers: tuple[tuple[str, str], ...]


class Client:
    """One cluster. Safe to use from several threads."""

    def __init__(
        self, kubeconfig: Path | None = None, context: str | None = None, cancelled: threading.Event | None = None
    ) -> None:
        """Raises ClusterError where no cluster is configured. Makes no request."""
        found = access(kubeconfig, context)
        if found is None and (context is not None or not credentials.in_cluster()):
            hint = "set KUBECONFIG, pass --kubeconfig, or log in to a cluster, which writes ~/.kube/config"
            raise ClusterError("no cluster is configured", hint)
        self.cancelled = cancelled or threading.Event()
        """Once set, no wait goes on and no attempt begins: `request` raises CancelledError. What is under way is finished."""
        self.requests: Counter[str] = Counter()
        """Attempts by method; dry runs as `PATCH dry-run`."""
        self.context = found.context if found is not None else credentials.IN_CLUSTER
        self._access = found
        self._lock = threading.Lock()
        self._connections: weakref.WeakSet[Any] = weakref.WeakSet()
        self._reached = False
        self._absent: dict[str, float] = {}
        self._session = self._open(None)
        self.host: str = self._session.host

    def request(
        self, method: str, path: str, query: dict[str, str] | None = None, body: Any = None, content_type: str = ""
    ) -> Answer:
        """One request, tried again where the server is busy or the connection broke.

        Raises ClusterError where the server cannot be reached or does not know the caller, CancelledError where nothing more is
        wanted. Every other answer is the caller's to read; of what did not pass by itself, the last one.
        """
        call = _call(self.host, method, path, query, body, content_type)
        end = time.monotonic() + DEADLINE
        repeated = renewed = False
        for attempt in itertools.count(1):
            session = self._current()
            outcome = self._send(session, call, end - time.monotonic())
            if isinstance(outcome, Exception):
                if not self._may_pass(outcome, attempt) or not self._pause(attempt, None, end):
                    raise self._unreachable(session, outcome) from None
                repeated = True
                continue
            answer, asked = outcome
            if answer.status == 401 and not renewed:
                renewed = self._renew(session)
                continue
            if self._is_final(method, answer, attempt) or not self._pause(attempt, asked, end):
                return self._judged(session, answer._replace(repeated=repeated))
            repeated = repeated or answer.status != 429
        raise AssertionError  # count() does not end

    def abort(self) -> None:
        """As `cancelled.set()`, and requests under way are cut off: whether they were done is then not known."""
        import socket

        self.cancelled.set()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            try:
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)  # wakes the thread that reads from it
            except (OSError, TypeError):  # closed already, or not open yet
                continue

    def close(self) -> None:
        """Give all idle connections back."""
        with self._lock:
            session = self._session
            session.manager.clear()
            self._session = session._replace(pool=_of_host(session.manager, session.host))

    # -- credentials ------------------------------------------------------------------------------------------

    def _current(self) -> _Session:
        session = self._session
        if time.monotonic() < session.grant.renew_at:
            return session
        with self._lock:
            if self._session is session:
                self._session = self._open(session)
            return self._session

    def _renew(self, session: _Session) -> bool:
        """After a 401: whether the session of now has other credentials, made by this thread or another. Raises where not."""
        with self._lock:
            if self._session is session:
                renewed = self._open(session)
                if (renewed.grant.headers, renewed.tls) == (session.grant.headers, session.tls):
                    raise failures.unauthorized(self.context, self._access, session.grant)
                self._session = renewed
        return True

    def _open(self, before: _Session | None) -> _Session:
        """A session with credentials made anew; connections are kept where they do not depend on them."""
        given = grant(self._access)
        if before is not None and before.tls == _tls(given):
            return before._replace(grant=given)
        manager = _manager(given, self._connected)
        return _Session(given, manager, _of_host(manager, str(given.configuration.host)))

    def _connected(self, connection: Any) -> None:
        with self._lock:
            self._connections.add(connection)
        self._reached = True

    # -- one attempt ------------------------------------------------------------------------------------------

    def _send(self, session: _Session, call: _Call, left: float) -> tuple[Answer, str | None] | Exception:
        """The answer and how long the server asks to wait, or what broke."""
        import urllib3

        if self.cancelled.is_set():
            raise CancelledError("cancelled")
        with self._lock:
            self.requests[call.method + (" dry-run" if "dryRun=All" in call.path else "")] += 1
        given = (*call.headers, *session.grant.headers)
        headers: Any = dict(given)
        if len(headers) < len(given):  # a name may have several values
            headers = urllib3.HTTPHeaderDict(given)
        timeout = urllib3.Timeout(connect=max(0.1, min(_CONNECT, left)), read=max(0.1, min(_READ, left)))
        pool, before = (session.pool, session.root) if session.pool is not None else (session.manager, session.host)
        options = {"retries": False, "redirect": False, "timeout": timeout}
        try:
            raw = pool.urlopen(call.method, before + call.path, body=call.data, headers=headers, **options)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return error
        self._reached = True
        return Answer(raw.status, _parsed(raw.data)), raw.headers.get("Retry-After")

    def _may_pass(self, error: Exception, attempt: int) -> bool:
        """Whether another attempt may reach the server. One that was there comes back; until then, only a little patience."""
        if self.cancelled.is_set() or failures.is_lasting(error):
            return False
        return self._reached or (attempt < _FIRST_ATTEMPTS and not failures.is_slow(error))

    def _is_final(self, method: str, answer: Answer, attempt: int) -> bool:
        """Whether an answer is to be taken for what it says."""
        if answer.status == 409:  # an optimistic lock inside the server, which an apply does not ask for
            locked = method == "PATCH" and not answer.causes and "object has been modified" in answer.message
            return not locked or attempt >= _ANSWERED_ATTEMPTS
        if answer.status not in (429, 500, 502, 503, 504):
            return True
        if answer.status == 500 and isinstance(answer.body, dict):
            if not any(words in answer.message for words in _PASSING):
                return True
            webhook = _WEBHOOK.search(answer.message)
            if webhook is not None:
                return self._is_absent(webhook[1], attempt)
        return attempt >= _ANSWERED_ATTEMPTS

    def _is_absent(self, webhook: str, attempt: int) -> bool:
        """Whether a webhook was waited for long enough: the first request waits, those after it need not do it again."""
        now = time.monotonic()
        if attempt >= _ANSWERED_ATTEMPTS:
            self._absent[webhook] = now + _WEBHOOK_REST
        return self._absent.get(webhook, 0) > now

    def _pause(self, attempt: int, asked: str | None, end: float) -> bool:
        """Wait before the next attempt: as long as the server asks, or twice as long each time, spread. False if that is no
        use: the time is up."""
        delay = min(0.1 * 2 ** min(attempt - 1, 10), _LONGEST_WAIT) * random.uniform(0.5, 1)  # noqa: S311 - no secret
        if asked and asked.isdigit():
            delay = max(delay, min(float(asked), _LONGEST_ASKED) * random.uniform(1, 1.2))  # noqa: S311
        if time.monotonic() + delay >= end:
            return False
        if self.cancelled.wait(delay):
            raise CancelledError("cancelled")
        return True

    # -- the last word ----------------------------------------------------------------------------------------

    def _judged(self, session: _Session, answer: Answer) -> Answer:
        """The answer, if an API server gave it to somebody whom it knows."""
        if answer.status == 401:
            raise failures.unauthorized(self.context, self._access, session.grant)
        if answer.status == 403 and '"system:anonymous"' in answer.message:
            raise failures.anonymous(self.context)
        if 300 <= answer.status < 400 or (answer.ok and not isinstance(answer.body, dict)):
            raise failures.no_api_server(self.host, self.context)
        return answer

    def _unreachable(self, session: _Session, error: Exception) -> ClusterError:
        if self.cancelled.is_set():
            return CancelledError("cancelled")
        return failures.unreachable(self.host, self.context, session.grant.configuration, error)


def opening(
    kubeconfig: Path | None = None, context: str | None = None, cancelled: threading.Event | None = None
) -> Callable[[], Client]:
    """Make a client in a thread; the result waits for it, and raises what making it raised.

    Fork before, not after: a child sees the imports of its parent's threads half done.
    """
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(1, "kfspec-cluster")
    future = pool.submit(Client, kubeconfig, context, cancelled)
    pool.shutdown(wait=False)
    return future.result


def path_of(api_version: str, plural: str, namespace: str | None = None, name: str | None = None) -> str:
    """The URL path of a collection, or of one object."""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    middle = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return f"{root}{middle}/{plural}{'/' + quote(name, safe='') if name else ''}"


def _call(host: str, method: str, path: str, query: dict[str, str] | None, body: Any, content_type: str) -> _Call:
    coding = "identity" if failures.is_local(host) else "gzip"  # on the way elsewhere, packing costs less than it saves
    headers = [("Accept", "application/json"), ("Accept-Encoding", coding), ("User-Agent", "kfspec")]
    data = None
    if body is not None:
        headers.append(("Content-Type", content_type or "application/json"))
        data = _JSON.encode(body).encode()
    return _Call(method, f"{path}{_encoded(tuple(query.items())) if query else ''}", data, tuple(headers))


@functools.lru_cache(maxsize=32)
def _encoded(query: tuple[tuple[str, str], ...]) -> str:
    """A query as a URL has it: a thousand requests ask the same."""
    return f"?{urlencode(query)}"


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode("utf-8", "replace").strip()


def _tls(given: Grant) -> tuple[Any, ...]:
    made = given.configuration
    return (
        made.host,
        made.ssl_ca_cert,
        made.cert_file,
        made.key_file,
        made.verify_ssl,
        made.tls_server_name,
        made.proxy,
    )


def _of_host(manager: Any, host: str) -> Any:
    return None if manager.proxy is not None else manager.connection_from_url(host)


def _manager(given: Grant, connected: Callable[[Any], None]) -> Any:
    """The pool manager that the package makes; its connections say when they stand."""
    import urllib3
    from kubernetes import client

    from kfspec.cluster.exchange import Exchange

    made = given.configuration
    made.connection_pool_maxsize = WORKERS
    if not made.verify_ssl:  # the kubeconfig says so, and a line for each request would not be read
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    try:
        manager: Any = client.ApiClient(made).rest_client.pool_manager
    except (ImportError, ValueError, OSError, urllib3.exceptions.HTTPError) as error:
        raise failures.no_pool(made, error) from None
    for scheme, pool in dict(manager.pool_classes_by_scheme).items():
        plain = pool.ConnectionCls
        bases = (plain,) if manager.proxy is not None else (Exchange, plain)

        def connect(self: Any, plain: Any = plain) -> None:
            plain.connect(self)
            connected(self)

        tracked = type(plain.__name__, bases, {"connect": connect})
        own = type(pool.__name__, (pool,), {"ConnectionCls": tracked})
        manager.pool_classes_by_scheme = {**manager.pool_classes_by_scheme, scheme: own}
    return manager
