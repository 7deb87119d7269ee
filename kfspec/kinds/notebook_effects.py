"""What a change of a Notebook does, and how far its server is.

Source: notebook-controller v1.10.0, `controllers/notebook_controller.go` (generateStatefulSet, createNotebookStatus) and
`common/reconcilehelper/util.go` (CopyStatefulSetFields: the template's metadata is copied at creation only); executed.
"""

from __future__ import annotations

from kfspec.kinds.base import Effect, Look, Moment, Outcome, Readiness, State
from kfspec.kinds.status import at, condition, count, status, told
from kfspec.resource import Body

_CONTROLLER = "notebook-controller v1.10.0, notebook_controller.go (generateStatefulSet); executed"
_ROUTE = "notebook-controller v1.10.0, notebook_controller.go (generateVirtualService)"
_COPIES = "notebook-controller v1.10.0, reconcilehelper/util.go (CopyStatefulSetFields)"
_DASHBOARD = "jupyter-web-app v1.10.0, backend/apps/common/utils.py"
_CULLER = "notebook-controller v1.10.0, culling_controller.go"
_UI = "notebooks.kubeflow.org"
STOPPED = "kubeflow-resource-stopped"
_NEVER_STARTS = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
    }
)
"""Reasons for which a container waits in vain (kubelet, kubernetes v1.37)."""


def _stopped(moment: Moment) -> bool:
    return at(moment.before, "metadata", "annotations", STOPPED) is not None


def _running(moment: Moment) -> bool:
    return not _stopped(moment)


def _stops(moment: Moment) -> bool:
    return _running(moment) and at(moment.after, "metadata", "annotations", STOPPED) is not None


def _starts(moment: Moment) -> bool:
    return _stopped(moment) and at(moment.after, "metadata", "annotations", STOPPED) is None


def _mark(key: str) -> tuple[str, ...]:
    return ("metadata", "annotations", key)


EFFECTS = (
    Effect(
        _mark(STOPPED),
        "stops the notebook server; unsaved kernel state is lost",
        _CONTROLLER,
        Outcome.LOSES,
        when=_stops,
    ),
    Effect(_mark(STOPPED), "starts the notebook server", _CONTROLLER, when=_starts),
    Effect(
        ("spec", "template", "spec"),
        "restarts the notebook server; unsaved kernel state is lost",
        _CONTROLLER,
        Outcome.LOSES,
        when=_running,
    ),
    Effect(
        ("spec", "template", "spec"),
        "the server is stopped: its next start takes the change",
        _CONTROLLER,
        Outcome.LATER,
        when=_stopped,
    ),
    Effect(_mark(f"{_UI}/http-rewrite-uri"), "requests reach the server at {new}, not {old}", _ROUTE),
    Effect(_mark(f"{_UI}/http-headers-request-set"), "requests reach the server with other headers", _ROUTE),
    Effect(_mark(f"{_UI}/server-type"), "the dashboard shows the server as {new}, not {old}", _DASHBOARD),
    Effect(_mark(f"{_UI}/creator"), "the dashboard shows {new} as the creator, not {old}", _DASHBOARD),
    Effect(_mark(f"{_UI}/last-activity"), "the culler counts the idle time from {new}", _CULLER),
    Effect(_mark(f"{_UI}/last_activity_check_timestamp"), "the culler looks at the server anew", _CULLER),
    Effect(
        ("metadata", "labels"),
        "no effect on the server's pod, and no PodDefault comes or goes, until its StatefulSet is deleted and made again",
        _COPIES,
        Outcome.LATER,
    ),
    Effect(
        ("metadata", "annotations"),
        "no effect on the server's pod until its StatefulSet is deleted and made again",
        _COPIES,
        Outcome.LATER,
    ),
)


def ready(body: Body, look: Look) -> Readiness:
    """By the annotation that stops it, the ready replicas, and what the container and the pod report."""
    running = count(at(body, "status", "readyReplicas"))
    if at(body, "metadata", "annotations", STOPPED) is not None:
        return Readiness(State.SUSPENDED, "is being stopped" if running else "stopped")
    if running:
        return Readiness(State.READY)
    waiting, ended = (at(body, "status", "containerState", key) for key in ("waiting", "terminated"))
    if isinstance(waiting, dict):
        reason = str(waiting.get("reason") or "")
        words = ": ".join(dict.fromkeys(part for part in (reason, told(waiting)) if part))
        return Readiness(State.FAILED if reason in _NEVER_STARTS else State.WAITING, words or "its container waits")
    if isinstance(ended, dict):
        return Readiness(
            State.FAILED, f"its container ended with exit code {count(ended.get('exitCode'))}: {told(ended)}"
        )
    scheduled = condition(body, "PodScheduled")
    if scheduled is not None and scheduled.get("status") == "False":
        return Readiness(State.WAITING, f"no node takes it: {told(scheduled)}")
    if status(body).get("conditions"):
        return Readiness(State.WAITING, told(condition(body, "ContainersReady")) or "its pod is being started")
    return Readiness(State.WAITING, "no pod of it is there yet")
