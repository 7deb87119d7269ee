"""A Namespace: what its labels and annotations decide."""

from __future__ import annotations

from collections.abc import Callable

from kfspec.diagnostics import Path
from kfspec.kinds.base import Effect, Look, Moment, Outcome, Readiness, State
from kfspec.kinds.status import at
from kfspec.resource import Body, ObjectRef

_PROFILE = "profile-controller v1.10.0, profile_controller.go; executed"
_KATIB = "katib 0.18.0, validation_webhook.go; executed"
_PIPELINES = "kubeflow/manifests v1.10, pipelines-profile-controller/decorator-controller.yaml"
_POD_DEFAULTS = "kubeflow/manifests v1.10, admission-webhook (namespaceSelector); executed"
_INJECTION = "Istio 1.26.1, istio-sidecar-injector (pods, CREATE)"
_SECURITY = "kubernetes v1.37, pod-security admission"
_METRICS = "katib.kubeflow.org/metrics-collector-injection"
_PART_OF = "app.kubernetes.io/part-of"
_KEPT = (_METRICS, "serving.kubeflow.org/inferenceservice", "pipelines.kubeflow.org/enabled", _PART_OF)
"""Labels that the controller puts back where they are missing, and only there (`namespace-labels.yaml`; executed)."""


def _has_profile(moment: Moment) -> bool:
    return ObjectRef("kubeflow.org", "Profile", "", moment.after["metadata"]["name"]) in moment.beside


def _label(moment: Moment, key: str) -> str | None:
    value = at(moment.after, "metadata", "labels", key)
    return value if isinstance(value, str) else None


def _comes_back(key: str) -> Callable[[Moment], bool]:
    return lambda moment: _has_profile(moment) and _label(moment, key) is None


def _is(key: str, value: str, wanted: bool) -> Callable[[Moment], bool]:
    return lambda moment: (_label(moment, key) == value) is wanted


def _path(key: str) -> Path:
    return ("metadata", "labels", key)


EFFECTS = (
    Effect(
        ("metadata", "annotations", "owner"),
        "the profile controller takes {new} for the owner, not {old}",
        _PROFILE,
        when=_has_profile,
    ),
    Effect(
        ("metadata", "annotations", "owner"),
        "the profile controller stops looking after the namespace until its Profile names {new} as the owner",
        _PROFILE,
        Outcome.DISRUPTS,
        when=lambda moment: not _has_profile(moment),
    ),
    *(
        Effect(_path(key), f"no effect: the profile controller puts {key} back", _PROFILE, when=_comes_back(key))
        for key in _KEPT
    ),
    Effect(
        _path(_METRICS),
        "Katib takes experiments in the namespace, and reads the metrics of their trials",
        _KATIB,
        when=_is(_METRICS, "enabled", True),
    ),
    Effect(
        _path(_METRICS),
        "Katib refuses new experiments in the namespace, and no longer reads the metrics of new trials",
        _KATIB,
        Outcome.DISRUPTS,
        when=_is(_METRICS, "enabled", False),
    ),
    Effect(
        _path("pipelines.kubeflow.org/enabled"),
        "Kubeflow Pipelines sets its objects up in the namespace (artifact Secret, ConfigMaps)",
        _PIPELINES,
        when=_is("pipelines.kubeflow.org/enabled", "true", True),
    ),
    Effect(
        _path("pipelines.kubeflow.org/enabled"),
        "Kubeflow Pipelines no longer keeps up its objects in the namespace",
        _PIPELINES,
        Outcome.DISRUPTS,
        when=_is("pipelines.kubeflow.org/enabled", "true", False),
    ),
    Effect(
        _path(_PART_OF),
        "PodDefaults apply to new pods of the namespace",
        _POD_DEFAULTS,
        Outcome.LATER,
        when=_is(_PART_OF, "kubeflow-profile", True),
    ),
    Effect(
        _path(_PART_OF),
        "PodDefaults no longer apply to new pods of the namespace",
        _POD_DEFAULTS,
        Outcome.DISRUPTS,
        when=_is(_PART_OF, "kubeflow-profile", False),
    ),
    Effect(
        _path("istio-injection"),
        "new pods get a sidecar; pods that run stay without",
        _INJECTION,
        Outcome.LATER,
        when=_is("istio-injection", "enabled", True),
    ),
    Effect(
        _path("istio-injection"),
        "new pods get no sidecar, and with it no identity in the mesh; pods that run keep theirs",
        _INJECTION,
        Outcome.DISRUPTS,
        when=_is("istio-injection", "enabled", False),
    ),
    Effect(
        _path("pod-security.kubernetes.io/enforce"),
        "new pods must meet the level {new}, not {old}; pods that run stay",
        _SECURITY,
        Outcome.LATER,
    ),
    Effect(
        _path("pod-security.kubernetes.io/enforce-version"),
        "new pods are judged by the rules of {new}, not {old}; pods that run stay",
        _SECURITY,
        Outcome.LATER,
    ),
)


def ready(body: Body, look: Look) -> Readiness:
    """By its phase."""
    phase = at(body, "status", "phase")
    if phase == "Terminating":
        return Readiness(State.WAITING, "is being deleted")
    return Readiness(State.READY if phase == "Active" else State.WAITING)
