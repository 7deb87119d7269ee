"""Replicas and autoscaling of an InferenceService's components, by deployment mode and autoscaler.

Source: KServe 0.14.1, 0.15.2 and 0.16.0, `pkg/apis/serving/v1beta1/inference_service_validation.go`
(`validateAutoScalingCompExtension` and what it calls), `component.go`; executed for 0.14.1. 0.15.0 is taken to be as 0.15.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from kfspec import quantity
from kfspec.catalog.releases import numbers
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, Severity, Upstream
from kfspec.kinds.base import Facts
from kfspec.wording import did_you_mean

PREFIX = "serving.kserve.io"
CLASS = f"{PREFIX}/autoscalerClass"
MODE = f"{PREFIX}/deploymentMode"

RENAMED = {"Serverless": "Knative", "RawDeployment": "Standard"}
"""Names of modes before KServe 0.16 -> from then on (`pkg/constants/constants.go`)."""

_RESOURCE_TARGETS = {"cpu": ("Utilization",), "memory": ("Utilization", "AverageValue")}
"""What KEDA may scale by, and the types of target that KServe takes for it."""

_SOURCES = {"Resource": "resource", "External": "external", "PodMetric": "podmetric"}
"""`type` of a metric -> the field that describes it."""


class Modes(NamedTuple):
    """What a version of KServe calls its deployment modes, and its autoscalers."""

    raw: str
    known: tuple[str, ...]
    others: dict[str, str]
    """Names of other versions -> this one's."""
    classes: tuple[str, ...]
    """Values of the annotation autoscalerClass (`constants.AutoscalerAllowedClassList`)."""
    keda: bool
    """Whether the autoscaler class decides what is checked, and `autoScaling` exists."""


def modes(facts: Facts) -> Modes:
    """The names of the release's KServe."""
    return _modes(facts.release.components.get("kserve", "0"))


@cache
def _modes(kserve: str) -> Modes:
    version = numbers(kserve)
    classes: tuple[str, ...] = ("hpa", "external")
    if version >= (0, 15):
        classes = (*classes, "keda")
    if version >= (0, 15, 2):
        classes = (*classes, "none")
    keda = "keda" in classes
    if version >= (0, 16):
        return Modes("Standard", ("Knative", "Standard", "ModelMesh"), RENAMED, classes, keda)
    older = {new: old for old, new in RENAMED.items()}
    return Modes("RawDeployment", ("Serverless", "RawDeployment", "ModelMesh"), older, classes, keda)


def is_raw(annotations: dict[str, Any], facts: Facts) -> bool:
    """Whether a service runs without Knative. To people one that uses another version's name means the mode; to admission
    it does not."""
    names = modes(facts)
    given = annotations.get(MODE)
    return given == names.raw or (not facts.admission_only and names.others.get(str(given)) == names.raw)


def annotation_findings(annotations: dict[str, Any], facts: Facts) -> Iterator[Diagnostic]:
    """The annotations that choose mode and autoscaler."""
    if not annotations:
        return
    names = modes(facts)
    value = annotations.get(CLASS)
    if value is not None and value not in names.classes:
        hint = did_you_mean(str(value), names.classes, f"one of: {', '.join(names.classes)}")
        yield finding("KF361", f"'{value}' is no autoscaler class", ("metadata", "annotations", CLASS), hint=hint)
    value = annotations.get(MODE)
    if value in RENAMED and names.others is RENAMED:
        version = facts.release.components["kserve"]
        message = (
            f"KServe {version} calls '{value}' '{RENAMED[value]}', and refuses every change of a service that does not"
        )
        yield finding("KF375", message, ("metadata", "annotations", MODE), hint=f"{MODE}: {RENAMED[value]}")
    elif value is not None and value not in names.known:
        near = did_you_mean(str(value), names.known, f"one of: {', '.join(names.known)}")
        hint = f"KServe 0.16 brings this name; before it is '{names.others[value]}'" if value in names.others else near
        message = f"'{value}' is no deployment mode; KServe would take the default one"
        yield finding("KF362", message, ("metadata", "annotations", MODE), hint=hint)
    key = f"{PREFIX}/targetUtilizationPercentage"
    value = annotations.get(key)
    if value is not None and not (isinstance(value, str) and value.isdigit() and 1 <= int(value) <= 100):
        message = f"the target utilization must be 1 to 100, not {value!r}"
        yield finding("KF361", message, ("metadata", "annotations", key), hint='a whole number in quotes, as "80"')
    yield from _other_spellings(annotations, key)


def _other_spellings(annotations: dict[str, Any], target: str) -> Iterator[Diagnostic]:
    """Annotations of KServe's in the style of others: it looks for its own spelling, and passes over the rest."""
    right = {_plain(key): key for key in (MODE, CLASS, target)}
    for given in annotations:
        wanted = right.get(_plain(given)) if given.startswith(f"{PREFIX}/") else None
        if wanted is not None and wanted != given:
            hint = f"did you mean '{wanted}'?"
            message = f"KServe does not know the annotation '{given}'"
            path: Path = ("metadata", "annotations", given)
            yield finding("KF362", message, path, hint=hint, at_key=True)


def _plain(key: str) -> str:
    return key.casefold().replace("-", "").replace("_", "")


def _below(component: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    """A component's own annotations are its pods': the mode is the service's (KServe 0.14.1, controller.go)."""
    given = component.get("annotations")
    if isinstance(given, dict) and MODE in given:
        message = "KServe reads the mode from the service's own annotations, not from those of a component's pods"
        hint = f"'{MODE}' belongs further up, under the service's 'annotations'"
        yield finding("KF362", message, (*at, "annotations", MODE), hint=hint, at_key=True)


def scaling(component: dict[str, Any], at: Path, annotations: dict[str, Any], facts: Facts) -> Iterator[Diagnostic]:
    """How far and by what a component is scaled."""
    yield from _numbers(component, at)
    yield from _below(component, at)
    names = modes(facts)
    if is_raw(annotations, facts) and component.get("canaryTrafficPercent") is not None:
        message = "'canaryTrafficPercent' does nothing without Knative: all traffic goes to the new version at once"
        path: Path = (*at, "canaryTrafficPercent")
        hint = "remove it, or leave the mode to Knative"
        yield finding(
            "KF365", message, path, hint=hint, severity=Severity.WARNING, upstream=Upstream.ADVICE, at_key=True
        )
    elif component.get("canaryTrafficPercent") is not None:
        yield from _canary(component["canaryTrafficPercent"], (*at, "canaryTrafficPercent"))
    if not is_raw(annotations, facts):
        yield from _knative(component, at, annotations, names)
        return
    chosen = annotations.get(CLASS)
    if chosen == "hpa" or chosen is None:
        # without the annotation the webhook of 0.15 and later checks nothing, and the controller takes the HPA
        never = names.keda and chosen is None
        yield from _hpa(component, at, names, Upstream.NEVER_WORKS if never else Upstream.REFUSES)
    elif chosen == "keda" and names.keda:
        yield from _keda(component, at)


def _numbers(component: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    low, high = component.get("minReplicas"), component.get("maxReplicas")
    for key, value in (
        ("minReplicas", low),
        ("maxReplicas", high),
        ("containerConcurrency", component.get("containerConcurrency")),
    ):
        if isinstance(value, int) and value < 0:
            yield finding("KF364", f"'{key}' is {value}, and cannot be below 0", (*at, key), hint="0 or more")
    if isinstance(low, int) and isinstance(high, int) and high and low > high >= 0:
        message = f"'minReplicas' is {low}, above 'maxReplicas' {high}"
        yield finding("KF364", message, (*at, "minReplicas"), hint=f"at most {high}")
    timeout = component.get("timeout")
    if isinstance(timeout, int) and timeout < 0:
        message = f"'timeout' is {timeout}, which Knative refuses"
        yield finding("KF364", message, (*at, "timeout"), hint="seconds, as 60", upstream=Upstream.NEVER_WORKS)


def _canary(percent: Any, at: Path) -> Iterator[Diagnostic]:
    if isinstance(percent, int) and not 0 <= percent <= 100:
        message = f"'canaryTrafficPercent' is {percent}; Knative refuses the route"
        yield finding("KF365", message, at, hint="0 to 100")


def _hpa(component: dict[str, Any], at: Path, names: Modes, upstream: Upstream) -> Iterator[Diagnostic]:
    metric, target = component.get("scaleMetric"), component.get("scaleTarget")
    if metric is not None and metric not in ("cpu", "memory"):
        hint = "cpu or memory, or serverless mode"
        message = f"a {names.raw} cannot scale by '{metric}'"
        yield finding("KF366", message, (*at, "scaleMetric"), hint=hint, upstream=upstream)
    elif isinstance(target, int) and ((metric != "memory" and target < 1) or target > 100):
        message = f"'scaleTarget' is {target}; the utilization of a {names.raw} is 1 to 100 percent"
        yield finding("KF366", message, (*at, "scaleTarget"), hint="1 to 100", upstream=upstream)
    elif isinstance(target, int) and names.keda and target < 1:
        message = f"'scaleTarget' is {target}; memory begins at 1"
        yield finding("KF366", message, (*at, "scaleTarget"), hint="1 to 100", upstream=upstream)
    for n, given in _metrics(component):
        kind, here = given.get("type"), (*at, "autoScaling", "metrics", n)
        if kind != "Resource":
            message = f"the HPA scales by no metric of type '{kind}'"
            hint = f"type: Resource, or the annotation {CLASS}: keda"
            yield finding("KF366", message, (*here, "type"), hint=hint, upstream=upstream)
        elif given.get("resource") is None:
            yield _lacks("resource", here, upstream)


def _metrics(component: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    given = component.get("autoScaling")
    metrics = given.get("metrics") if isinstance(given, dict) else None
    yield from ((n, metric) for n, metric in enumerate(metrics or ()) if isinstance(metric, dict))


def _lacks(field: str, at: Path, upstream: Upstream = Upstream.REFUSES) -> Diagnostic:
    return finding("KF366", f"the metric lacks '{field}'", at, hint=f"add '{field}:'", at_key=True, upstream=upstream)


def _keda(component: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    if component.get("scaleMetric") is not None:
        hint = "name it under 'autoScaling.metrics'"
        yield finding("KF366", "KEDA takes no 'scaleMetric'", (*at, "scaleMetric"), hint=hint, at_key=True)
    for n, metric in _metrics(component):
        here = (*at, "autoScaling", "metrics", n)
        field = _SOURCES.get(str(metric.get("type")))
        if field is None:
            continue  # no value of the schema's
        source = metric.get(field)
        if not isinstance(source, dict):
            yield _lacks(field, here)
        elif field == "resource":
            yield from _keda_resource(source, (*here, field))
        elif not (source.get("metric") or {}).get("query"):
            yield _lacks("query", (*here, field, "metric"))
        elif (source.get("target") or {}).get("value") is None:
            yield _lacks("value", (*here, field, "target"))
        else:
            yield from _target(source["target"], (*here, field, "target"))


def _keda_resource(source: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    name, target = source.get("name"), source.get("target") or {}
    allowed = _RESOURCE_TARGETS.get(str(name))
    if allowed is None:
        yield finding("KF366", f"KEDA scales by no resource '{name}'", (*at, "name"), hint="cpu or memory")
    elif target.get("type") not in allowed:
        message = f"KEDA scales by {name} with a target of type {' or '.join(allowed)}, not '{target.get('type')}'"
        yield finding("KF366", message, (*at, "target", "type"), hint=f"type: {allowed[0]}")
    elif target["type"] == "AverageValue" and _below_a_mebibyte(target.get("averageValue")):
        message = f"'averageValue' is {target.get('averageValue')}; KEDA's memory target begins at 1Mi"
        yield finding("KF366", message, (*at, "target", "averageValue"), hint="1Mi or more, as 500Mi")
    else:
        yield from _target(target, (*at, "target"))


def _below_a_mebibyte(given: Any) -> bool:
    parsed = quantity.parse(str(given)) if given is not None else None
    return parsed is not None and parsed.value < 2**20


def _target(target: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    kind = target.get("type")
    field = {"Utilization": "averageUtilization", "AverageValue": "averageValue", "Value": "value"}.get(str(kind))
    value = target.get(field) if field else None
    if field and value is None:
        yield _lacks(field, at)
    elif field == "averageUtilization" and isinstance(value, int) and not 1 <= value <= 100:
        message = f"'averageUtilization' is {value}; a utilization is 1 to 100 percent"
        yield finding("KF366", message, (*at, field), hint="1 to 100")


def _knative(component: dict[str, Any], at: Path, annotations: dict[str, Any], names: Modes) -> Iterator[Diagnostic]:
    metric, target = component.get("scaleMetric"), component.get("scaleTarget")
    by_hpa = annotations.get("autoscaling.knative.dev/class") == "hpa.autoscaling.knative.dev"
    if metric in ("cpu", "memory") and not by_hpa:
        hint = f"concurrency or rps, or the annotation {MODE}: {names.raw}"
        yield finding("KF366", f"a serverless service cannot scale by '{metric}'", (*at, "scaleMetric"), hint=hint)
    elif metric in ("concurrency", "rps") and by_hpa:
        yield finding("KF366", f"the HPA class cannot scale by '{metric}'", (*at, "scaleMetric"), hint="cpu or memory")
    elif metric == "rps" and isinstance(target, int) and target < 1:
        message = f"'scaleTarget' is {target}; requests per second begin at 1"
        yield finding("KF366", message, (*at, "scaleTarget"), hint="1 or more")
    if component.get("deploymentStrategy"):
        hint = f"remove it, or use {names.raw}"
        message = "a serverless service has no 'deploymentStrategy'"
        yield finding("KF366", message, (*at, "deploymentStrategy"), hint=hint, at_key=True)
