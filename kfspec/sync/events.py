"""An Event on the object that started the sync, where the service account may write one. It never fails the sync.

`KFSPEC_EVENT_OBJECT` names it: `batch/v1/CronJob/<namespace>/<name>`. Nothing is written when there was nothing to do: a sync
runs every few minutes.
"""

from __future__ import annotations

import datetime
import threading
from pathlib import Path

from kfspec.sync.engine import Report
from kfspec.sync.report import summary

VARIABLE = "KFSPEC_EVENT_OBJECT"
_LONGEST_MESSAGE = 1024
"""The API server refuses longer ones (core/v1 Event)."""
_PATIENCE = 15.0


def write(report: Report, where: str, kubeconfig: Path | None = None) -> str | None:
    """Write the Event; what went wrong, None where nothing did. `kubeconfig`: for a process outside of the cluster."""
    if not report.steps and not report.failed:
        return None
    parts = where.rsplit("/", 3)
    if len(parts) != 4:
        return f"{VARIABLE} is '{where}', and is to be like batch/v1/CronJob/<namespace>/<name>"
    from kfspec.cluster.transport import Client, ClusterError, path_of

    over = threading.Event()
    timer = threading.Timer(_PATIENCE, over.set)
    timer.daemon = True
    timer.start()
    try:
        client = Client(kubeconfig, cancelled=over)
        version, kind, namespace, name = parts
        owner = client.request("GET", path_of(version, kind.lower() + "s", namespace, name))
        uid = owner.body["metadata"]["uid"] if owner.ok else None
        path = path_of("v1", "events", namespace)
        answer = client.request("POST", path, body=_event(report, parts, uid), content_type="application/json")
        return None if answer.ok else answer.message
    except (ClusterError, OSError) as error:
        return str(error)
    finally:
        timer.cancel()


def _event(report: Report, parts: list[str], uid: str | None) -> dict[str, object]:
    version, kind, namespace, name = parts
    involved = {"apiVersion": version, "kind": kind, "namespace": namespace, "name": name}
    lines = [summary(report), *(found.message for found in report.findings), *(step.line for step in report.steps)]
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": "kfspec-sync-", "namespace": namespace},
        "involvedObject": {**involved, **({"uid": uid} if uid else {})},
        "reason": "SyncFailed" if report.failed else "Synced",
        "type": "Warning" if report.failed else "Normal",
        "message": "\n".join(lines)[:_LONGEST_MESSAGE],
        "source": {"component": "kfspec"},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
