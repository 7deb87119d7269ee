"""A PVCViewer: a file browser for a volume, declared as the `viewer` of the volume."""

from __future__ import annotations

from collections.abc import Iterator

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic
from kfspec.kinds.base import Effect, Facts, Look, Moment, Outcome, Readiness, State
from kfspec.kinds.podvalues import template_findings
from kfspec.kinds.status import at, condition, maps, told
from kfspec.resource import Body


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """The webhook's rules, and names that its controller can make no Service of (pvcviewer-controller v1.10.0)."""
    spec = body.get("spec") or {}
    claim, pod = spec.get("pvc"), spec.get("podSpec")
    if not claim:
        hint = "pvc: the name of a volume"
        yield finding("KF740", "the viewer names no volume", ("spec", "pvc") if "pvc" in spec else ("spec",), hint=hint)
        return
    claims = [
        at(volume, "persistentVolumeClaim", "claimName") for volume in maps(at(body, "spec", "podSpec", "volumes"))
    ]
    if isinstance(pod, dict) and pod and claim not in claims:
        hint = f"add a volume with 'persistentVolumeClaim: {{claimName: {claim}}}' to 'podSpec'"
        message = f"'podSpec' has no volume of the claim '{claim}', which the viewer is to show"
        yield finding("KF740", message, ("spec", "podSpec"), hint=hint, at_key=True)
    yield from template_findings("kubeflow.org", "PVCViewer", body)


_WRITTEN = {
    "FB_ADDRESS": "0.0.0.0",  # noqa: S104 - the webhook's
    "FB_PORT": "8080",
    "FB_DATABASE": "/tmp/filebrowser.db",  # noqa: S108
    "FB_NOAUTH": "true",
}
"""The variables of the pod that the webhook writes, but for its address."""


def defaulted(body: Body) -> Body:
    """The object without the pod that the webhook has written, where it is still the webhook's, and with the zero values
    that it writes (pvcviewer_webhook.go)."""
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return body
    filled: Body = {"networking": {}, "rwoScheduling": False, **spec}
    if isinstance(spec.get("podSpec"), dict) and _written(spec["podSpec"], spec.get("pvc")):
        del filled["podSpec"]
    return {**body, "spec": filled}


def _written(pod: Body, claim: object) -> bool:
    volume = {"name": "viewer-volume", "persistentVolumeClaim": {"claimName": claim}}
    containers = maps(pod.get("containers"))
    if pod.keys() - {"containers", "volumes"} or pod.get("volumes") != [volume] or len(containers) != 1:
        return False
    rest = {key: value for key, value in containers[0].items() if value != {}}
    variables = {str(entry.get("name")): entry.get("value") for entry in maps(rest.pop("env", None))}
    variables.pop("FB_BASEURL", None)
    return variables == _WRITTEN and rest == {
        "name": "pvcviewer",
        "image": "filebrowser/filebrowser:latest",
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "volumeMounts": [{"mountPath": "/data", "name": "viewer-volume"}],
        "workingDir": "/data",
    }


_CONTROLLER = "pvcviewer-controller v1.10.0, pvcviewer_controller.go"


def _mounts(moment: Moment) -> bool:
    """Whether the pod uses the claim that the viewer names, as the webhook demands."""
    volumes = maps(at(moment.after, "spec", "podSpec", "volumes"))
    names = [at(volume, "persistentVolumeClaim", "claimName") for volume in volumes]
    return at(moment.after, "spec", "pvc") in names


EFFECTS = (
    Effect(
        ("spec", "pvc"),
        "the webhook refuses another claim, since the pod it once wrote has {old}; so the viewer is deleted and made again",
        "pvcviewer-controller v1.10.0, pvcviewer_webhook.go; executed",
        Outcome.IGNORED,
        when=lambda moment: not _mounts(moment),
    ),
    Effect(("spec", "pvc"), "restarts the viewer, on {new}", _CONTROLLER, Outcome.DISRUPTS, when=_mounts),
    Effect(("spec", "podSpec"), "restarts the viewer", _CONTROLLER, Outcome.DISRUPTS),
    Effect(("spec", "rwoScheduling"), "restarts the viewer", _CONTROLLER, Outcome.DISRUPTS),
    Effect(("spec", "networking"), "changes the address of the viewer", _CONTROLLER, Outcome.DISRUPTS),
)


def ready(body: Body, look: Look) -> Readiness:
    """By `status.ready`."""
    if at(body, "status", "ready") is True:
        return Readiness(State.READY)
    return Readiness(State.WAITING, told(condition(body, "Available")) or "waits for its pod")
