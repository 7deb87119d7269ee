"""One sync of a loop at a time: a Lease beside the loop, of its name.

The CronJob's pod and the Job's may begin at the same instant, and KFP takes two runs of one name: both would look, see none, and
start it. So who works holds the Lease and renews it, and the other waits. One that was killed is taken over once its record has
stood still for as long as it says, by the clock of the one that waits: clocks of other machines are not believed. In the end it
stays, held by nobody, and goes with the loop, which owns it: so nobody needs a right to delete.
"""

from __future__ import annotations

import datetime
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from kfspec.cluster.transport import Answer, Client, ClusterError, path_of
from kfspec.sync import home
from kfspec.sync.home import Home

DURATION = 30
"""Seconds for which a record is good without being renewed."""
_LOOK = 1.0
"""Seconds between two looks at a Lease that another holds."""
_PATIENCE = 15.0
"""Seconds for an API server that does not answer."""
_VERSION, _RESOURCE = "coordination.k8s.io/v1", "leases"
Body = dict[str, Any]


class Turn(NamedTuple):
    """Whether it is this sync's turn."""

    lease: Lease | None = None
    """None where there is none to hold: `problem` or `busy` says why, and outside of a cluster neither."""
    problem: str | None = None
    """Why it goes on without one."""
    busy: str | None = None
    """Who holds it, where the time to wait was up."""

    def lasts(self) -> bool:
        """Whether nobody else can have begun meanwhile."""
        return self.lease is None or self.lease.is_good()

    def abandon(self) -> None:
        """Let nobody else begin at once: what was sent may still arrive, so the next one waits until the record is old."""
        if self.lease is not None:
            self.lease.abandon()


@contextmanager
def taken(where: str | None, seconds: float, kubeconfig: Path | None = None) -> Iterator[Turn]:
    """Hold the Lease of the loop that `where` names, after waiting for it at most so long. `kubeconfig`: for a process outside of
    the cluster."""
    if not where:
        yield Turn()
        return
    place = home.named(where)
    if place is None:
        yield Turn(problem=home.wrong(where))
        return
    turn = _turn(place, seconds, kubeconfig)
    try:
        yield turn
    except BaseException:
        turn.abandon()
        raise
    if turn.lease is not None:
        turn.lease.release()


def _turn(place: Home, seconds: float, kubeconfig: Path | None) -> Turn:
    over = threading.Event()
    with _limit(over, seconds + _PATIENCE):
        try:
            lease = Lease(Client(kubeconfig, cancelled=over), place)
            holder = lease.take(seconds)
        except (ClusterError, OSError) as error:
            return Turn(problem="the API server does not answer" if over.is_set() else str(error))
    return Turn(lease) if holder is None else Turn(busy=holder)


@contextmanager
def _limit(over: threading.Event, seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, over.set)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Lease:
    """The Lease of one loop, for one process."""

    def __init__(self, client: Client, place: Home) -> None:
        """Makes no request."""
        self._client, self._place = client, place
        self._path = path_of(_VERSION, _RESOURCE, place.namespace)
        self._holder = f"{socket.gethostname()}_{secrets.token_hex(4)}"
        self._owner: str | None = None
        self._duration = DURATION
        self._held: Body = {}
        """The object as it was stored last."""
        self._good_until = 0.0
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="kfspec-lease", daemon=True)

    def is_good(self) -> bool:
        """Whether the record is young enough that nobody takes over."""
        return time.monotonic() < self._good_until

    def take(self, seconds: float) -> str | None:
        """Wait for it at most so long; who holds it, None where that is this process now. Raises ClusterError where there can be
        none."""
        end = time.monotonic() + seconds
        self._owner = self._place.uid(self._client)
        seen, since = "", 0.0
        while True:
            began = time.monotonic()
            there = self._read()
            if there is not None and there["metadata"]["resourceVersion"] != seen:
                seen, since = there["metadata"]["resourceVersion"], time.monotonic()
            answer = self._create() if there is None else self._taken_over(there, since)
            if answer is not None and self._took(answer, began):
                return None
            if time.monotonic() >= end:
                return str(_spec(there or {}).get("holderIdentity") or "another sync")
            time.sleep(min(_LOOK, max(0.0, end - time.monotonic())))

    def abandon(self) -> None:
        """Renew it no more."""
        self._ended.set()

    def release(self) -> None:
        """Let others in, if it is still this process's, and was not abandoned."""
        if self._ended.is_set():
            return
        self._ended.set()
        self._keeper.join(_PATIENCE)
        with _limit(self._client.cancelled, _PATIENCE), suppress(ClusterError, OSError):
            there = self._read()
            if there is not None and _spec(there).get("holderIdentity") == self._holder:
                body = self._body(there)
                del body["spec"]["holderIdentity"]
                self._put(body)

    # -- requests ---------------------------------------------------------------------------------------------

    def _create(self) -> Answer:
        return self._client.request("POST", self._path, {}, self._body(None))

    def _taken_over(self, there: Body, since: float) -> Answer | None:
        """The answer to taking a record that nobody holds, or this process (an answer got lost), or that has stood still for too
        long; None where it is another's."""
        spec = _spec(there)
        lasts = spec.get("leaseDurationSeconds")
        until = since + (lasts if isinstance(lasts, int) else DURATION)
        free = spec.get("holderIdentity") in (None, "", self._holder) or time.monotonic() >= until
        return self._put(self._body(there)) if free else None

    def _put(self, body: Body) -> Answer:
        """Written over what was read, unless somebody was faster: then 409."""
        return self._client.request("PUT", f"{self._path}/{self._place.name}", {}, body)

    def _read(self) -> Body | None:
        """What is there. Raises ClusterError where it may not be read."""
        answer = self._client.request("GET", f"{self._path}/{self._place.name}")
        if not answer.ok and answer.status != 404:
            raise ClusterError(answer.message)
        return answer.body if answer.ok else None

    def _body(self, there: Body | None) -> Body:
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        before = _spec(there or {})
        mine = before.get("holderIdentity") == self._holder
        own: Body = {"name": self._place.name, "namespace": self._place.namespace}
        meta = own if there is None else {k: v for k, v in there["metadata"].items() if k != "managedFields"}
        meta["labels"] = {**(meta.get("labels") or {}), "app.kubernetes.io/managed-by": "kfspec"}
        if self._owner is not None:
            loop = {"apiVersion": self._place.api_version, "kind": self._place.kind, "name": self._place.name}
            meta["ownerReferences"] = [{**loop, "uid": self._owner}]
        spec = {
            "holderIdentity": self._holder,
            "leaseDurationSeconds": self._duration,
            "acquireTime": before.get("acquireTime", now) if mine else now,
            "renewTime": now,
            "leaseTransitions": int(before.get("leaseTransitions") or 0) + int(there is not None and not mine),
        }
        return {"apiVersion": _VERSION, "kind": "Lease", "metadata": meta, "spec": spec}

    def _took(self, answer: Answer, began: float) -> bool:
        """Note what was stored, and keep it from now on. Raises ClusterError where it was refused for another reason than that
        somebody was faster."""
        if answer.ok:
            self._stored(answer, began)
            self._keeper.start()
        elif answer.status != 409 and not _gone(answer):
            raise ClusterError(answer.message)
        return answer.ok

    def _stored(self, answer: Answer, began: float) -> None:
        """Good from before it was sent: who waits counts from after it was stored."""
        self._held, self._good_until = answer.body, began + self._duration

    def _keep(self) -> None:
        """Renew until the end. Where that fails it is tried again; in time, `is_good` says that it was too long."""
        while not self._ended.wait(self._duration / 3):
            with suppress(ClusterError, OSError):
                began = time.monotonic()
                answer = self._put(self._body(self._held))
                if answer.status == 409:  # somebody edited it, or the answer to the last one got lost
                    there = self._read()
                    if there is None or _spec(there).get("holderIdentity") != self._holder:
                        self._good_until = 0.0
                        return
                    began, answer = time.monotonic(), self._put(self._body(there))
                if answer.ok:
                    self._stored(answer, began)


def _gone(answer: Answer) -> bool:
    """Whether somebody deleted the Lease, and not its namespace."""
    details = answer.body.get("details") if isinstance(answer.body, dict) else None
    return answer.status == 404 and (details or {}).get("kind") == _RESOURCE


def _spec(body: Body) -> Body:
    return body.get("spec") or {}
