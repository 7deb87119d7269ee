"""An Event on the object that started the sync, where the service account may write one. It never fails the sync.

Nothing is written when there was nothing to do: a sync runs every few minutes.
"""

from __future__ import annotations

import datetime
import threading
from pathlib import Path

from kfspec.sync import home
from kfspec.sync.engine import Report
from kfspec.sync.home import Home
from kfspec.sync.report import summary

_LONGEST_MESSAGE = 1024
"""The API server refuses longer ones (core/v1 Event)."""
_PATIENCE = 15.0


def write(report: Report, where: str, kubeconfig: Path | None = None) -> str | None:
    """Write the Event on the object that `where` names (`home.VARIABLE`); what went wrong, None where nothing did. `kubeconfig`:
    for a process outside of the cluster."""
    if not report.steps and not report.failed:
        return None
    place = home.named(where)
    if place is None:
        return home.wrong(where)
    from kfspec.cluster.transport import Client, ClusterError, path_of

    over = threading.Event()
    timer = threading.Timer(_PATIENCE, over.set)
    timer.daemon = True
    timer.start()
    try:
        client = Client(kubeconfig, cancelled=over)
        event = _event(report, place, place.uid(client))
        answer = client.request("POST", path_of("v1", "events", place.namespace), {}, event)
        return None if answer.ok else answer.message
    except (ClusterError, OSError) as error:
        return str(error)
    finally:
        timer.cancel()


def _event(report: Report, place: Home, uid: str | None) -> dict[str, object]:
    involved = {"apiVersion": place.api_version, "kind": place.kind, "namespace": place.namespace, "name": place.name}
    lines = [summary(report), *(found.message for found in report.findings), *(step.line for step in report.steps)]
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": "kfspec-sync-", "namespace": place.namespace},
        "involvedObject": {**involved, **({"uid": uid} if uid else {})},
        "reason": "SyncFailed" if report.failed else "Synced",
        "type": "Warning" if report.failed else "Normal",
        "message": "\n".join(lines)[:_LONGEST_MESSAGE],
        "source": {"component": "kfspec"},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
