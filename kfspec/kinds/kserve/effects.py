"""What a change of an InferenceService does, and how far one is.

In Knative's mode, which is the default, everything but the traffic is part of a revision's template, metadata included
(KServe 0.14.1, `reconcilers/knative/ksvc_reconciler.go`); in raw mode the replicas belong to an autoscaler, and the rest to
a Deployment's template (`reconcilers/deployment/deployment_reconciler.go`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from kfspec.diagnostics import Path
from kfspec.kinds import base
from kfspec.kinds.base import Effect, Look, Moment, Outcome, Readiness, State
from kfspec.kinds.status import at, condition, holds, status, told
from kfspec.resource import Body

_KNATIVE = "KServe 0.14.1, reconcilers/knative/ksvc_reconciler.go"
_RAW = "KServe 0.14.1, reconcilers/deployment/deployment_reconciler.go"
_HPA = "KServe 0.14.1, reconcilers/hpa/hpa_reconciler.go"
_WEBHOOK = "KServe 0.15.2, inference_service_validation.go (validateDeploymentMode)"
_INGRESS = "KServe 0.14.1, reconcilers/ingress/ingress_reconciler.go"
_MODE = "serving.kserve.io/deploymentMode"
_MODES = {"RawDeployment": "raw", "Standard": "raw", "ModelMesh": "mesh"}
"""The annotation's values, with the names that 0.16 gave them; all others are Knative's."""


def _mode(body: Body) -> str:
    given = at(body, "metadata", "annotations", _MODE) or status(body).get("deploymentMode")
    return _MODES.get(given, "knative") if isinstance(given, str) else "knative"


def _raw(moment: Moment) -> bool:
    return _mode(moment.after) == "raw"


def _knative(moment: Moment) -> bool:
    return _mode(moment.after) == "knative"


def _switches(moment: Moment) -> bool:
    return _mode(moment.before) != _mode(moment.after)


def _frozen(moment: Moment) -> bool:
    wanted, is_now = at(moment.after, "metadata", "annotations", _MODE), status(moment.before).get("deploymentMode")
    return wanted is not None and is_now is not None and wanted != is_now


def _stops(moment: Moment) -> bool:
    return bool(at(moment.after, "metadata", "annotations", "serving.kserve.io/stop") == "true")


def _canary(part: str, before: bool, after: bool) -> Callable[[Moment], bool]:
    def when(moment: Moment) -> bool:
        path = ("spec", part, "canaryTrafficPercent")
        had, has = at(moment.before, *path) is not None, at(moment.after, *path) is not None
        return _knative(moment) and (had, has) == (before, after)

    return when


def _joins(part: str) -> Callable[[Moment], bool]:
    return lambda moment: at(moment.before, "spec", part) is None


def _leaves(part: str) -> Callable[[Moment], bool]:
    return lambda moment: at(moment.after, "spec", part) is None


def _traffic(part: str) -> Iterator[Effect]:
    path: Path = ("spec", part, "canaryTrafficPercent")
    yield Effect(
        path,
        "shifts traffic to the new revision from {old} % to {new} %",
        _KNATIVE,
        when=_canary(part, True, True),
    )
    yield Effect(
        path,
        "sends {new} % of the traffic to the newest revision, the rest to the one that had it all before",
        _KNATIVE,
        when=_canary(part, False, True),
    )
    yield Effect(
        path, "sends all traffic to the newest revision, which had {old} %", _KNATIVE, when=_canary(part, True, False)
    )
    yield Effect(path, "no effect: raw mode splits no traffic", f"{_RAW} (never reads it)", Outcome.LATER, when=_raw)


def _component(part: str) -> Iterator[Effect]:
    for field in ("minReplicas", "maxReplicas", "scaleMetric", "scaleTarget"):
        yield Effect(
            ("spec", part, field), f"the {part}'s autoscaler takes {field} {{new}}, not {{old}}", _HPA, when=_raw
        )
    yield Effect(
        ("spec", part, "deploymentStrategy"), f"the {part}'s next rollout goes by it", _RAW, Outcome.LATER, when=_raw
    )
    if part != "predictor":
        yield Effect(("spec", part), f"all requests go through the new {part} first", _INGRESS, when=_joins(part))
        yield Effect(("spec", part), f"requests no longer go through the {part}", _INGRESS, when=_leaves(part))
    yield Effect(("spec", part), f"rolls a new revision of the {part}", _KNATIVE, when=_knative)
    yield Effect(("spec", part), f"rolls the {part}'s Deployment", _RAW, when=_raw)


def _metadata() -> Iterator[Effect]:
    mode: Path = ("metadata", "annotations", _MODE)
    yield Effect(
        mode,
        "the deployment mode cannot change: delete the InferenceService first, or make another beside it",
        _WEBHOOK,
        Outcome.REFUSED,
        ">=0.15.2",
        _frozen,
    )
    yield Effect(
        mode,
        "starts the servers anew in the other mode; those of the old mode run on until the InferenceService is deleted",
        "executed (KServe 0.14.1)",
        Outcome.DISRUPTS,
        "<0.15.2",
        _switches,
    )
    stop: Path = ("metadata", "annotations", "serving.kserve.io/stop")
    source = "KServe 0.15.2, pkg/controller/v1beta1/inferenceservice/controller.go"
    yield Effect(stop, "stops the servers; requests fail", source, Outcome.DISRUPTS, ">=0.15.2", _stops)
    yield Effect(stop, "starts the servers again", source, versions=">=0.15.2", when=lambda moment: not _stops(moment))
    yield Effect(
        ("metadata", "labels", "networking.knative.dev/visibility"),
        "changes who reaches the servers: {new}, not {old}",
        "KServe 0.14.1, constants.go (RevisionTemplateLabelDisallowedList)",
        when=_knative,
    )
    for field in ("labels", "annotations"):
        words = "rolls a new revision: {} are part of its template"
        yield Effect(("metadata", field), words.format(field), _KNATIVE, when=_knative)
        words = "rolls the Deployments: {} are part of their template"
        yield Effect(("metadata", field), words.format(field), _RAW, when=_raw)


_PARTS = ("predictor", "transformer", "explainer")

EFFECTS = (
    *(row for part in _PARTS for row in _traffic(part)),
    *(row for part in _PARTS for row in _component(part)),
    *_metadata(),
)


def ready(body: Body, look: Look) -> Readiness:
    """By the condition Ready, the model's state, and the revision that is to come.

    `status.observedGeneration` is the child's and says nothing of the InferenceService (kserve/kserve#6081). Until there is a
    condition Ready it waits: engines that take a missing one for ready are wrong (executed).
    """
    failure = at(body, "status", "modelStatus", "lastFailureInfo")
    transition = at(body, "status", "modelStatus", "transitionStatus")
    if transition in ("InvalidSpec", "BlockedByFailedLoad"):
        reason = told(failure if isinstance(failure, dict) else None)
        return Readiness(State.FAILED, reason or "the model cannot be loaded")
    if holds(body, "Stopped") and at(body, "metadata", "annotations", "serving.kserve.io/stop") == "true":
        return Readiness(State.SUSPENDED, "stopped")
    if not holds(body, "Ready"):
        found = base.by_condition(body, "Ready")
        parts = [f"{name}: {told(condition(body, name)) or 'not yet'}" for name in _open(body)]
        return found._replace(message="; ".join(parts)) if parts else found
    for part, revisions in _revisions(body):
        if revisions.get("latestCreatedRevision") != revisions.get("latestReadyRevision"):
            return Readiness(State.WAITING, f"waits for revision {revisions['latestCreatedRevision']} of the {part}")
    return Readiness(State.READY)


def _open(body: Body) -> list[str]:
    """The components whose condition is not true, each with a condition of its own."""
    names = ("PredictorReady", "TransformerReady", "ExplainerReady", "IngressReady")
    return [name for name in names if condition(body, name) is not None and not holds(body, name)]


def _revisions(body: Body) -> Iterator[tuple[str, dict[str, Any]]]:
    """The components that have revisions: Knative's, not Deployments'."""
    components = status(body).get("components")
    for part, found in (components if isinstance(components, dict) else {}).items():
        if isinstance(found, dict) and found.get("latestCreatedRevision") and _mode(body) == "knative":
            yield part, found
