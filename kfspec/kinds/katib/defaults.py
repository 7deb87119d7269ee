"""What the Experiment defaulter makes of one (katib 0.18.0, `experiment_defaults.go`; recorded)."""

from __future__ import annotations

from typing import Any

from kfspec.kinds.katib.algorithms import NUMERIC
from kfspec.kinds.katib.trial import WITH_CONDITIONS, condition
from kfspec.resource import Body

_STRATEGY = {"minimize": "min", "maximize": "max"}
_MASTER = {"training.kubeflow.org/job-role": "master"}
_NODE = {"jobset.sigs.k8s.io/replicatedjob-name": "node", "batch.kubernetes.io/job-completion-index": "0"}
"""The one pod of a TrainJob whose metrics count (katib 0.19.0; an older Katib knows no TrainJob)."""


def defaulted(body: Body) -> Body:
    """The object as it is stored, less what only the server knows."""
    spec = dict(body.get("spec") or {})
    spec.setdefault("parallelTrialCount", 3)
    spec["resumePolicy"] = spec.get("resumePolicy") or "Never"
    if isinstance(spec.get("objective"), dict):
        spec["objective"] = _objective(spec["objective"])
    if isinstance(spec.get("parameters"), list):
        spec["parameters"] = [_parameter(parameter) for parameter in spec["parameters"]]
    if isinstance(spec.get("trialTemplate"), dict):
        spec["trialTemplate"] = _template(spec["trialTemplate"])
    spec["metricsCollectorSpec"] = _collector(spec.get("metricsCollectorSpec") or {})
    return {**body, "spec": spec}


def _objective(objective: dict[str, Any]) -> dict[str, Any]:
    wanted = [objective.get("objectiveMetricName"), *(objective.get("additionalMetricNames") or ())]
    given = list(objective.get("metricStrategies") or ())
    have = {entry.get("name") for entry in given}
    value = _STRATEGY.get(str(objective.get("type")))
    return {**objective, "metricStrategies": [*given, *({"name": n, "value": value} for n in wanted if n not in have)]}


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    if parameter.get("parameterType") not in NUMERIC:
        return parameter
    return {**parameter, "feasibleSpace": {"distribution": "uniform", **(parameter.get("feasibleSpace") or {})}}


def _template(template: dict[str, Any]) -> dict[str, Any]:
    kind = str((template.get("trialSpec") or {}).get("kind"))
    if kind not in WITH_CONDITIONS and kind != "TrainJob":
        return template
    done = "Complete" if kind in ("Job", "TrainJob") else "Succeeded"
    added: dict[str, Any] = {"successCondition": condition(done), "failureCondition": condition("Failed")}
    if kind != "Job":
        added["primaryPodLabels"] = dict(_NODE if kind == "TrainJob" else _MASTER)
    return {**added, **template}


def _collector(given: dict[str, Any]) -> dict[str, Any]:
    collector = given.get("collector") or {"kind": "StdOut"}
    source = dict(given.get("source") or {})
    kind = collector.get("kind")
    if kind == "File":
        path = {"path": "/var/log/katib/metrics.log", "kind": "File", "format": "TEXT"}
        source["fileSystemPath"] = {**path, **(source.get("fileSystemPath") or {})}
    elif kind == "TensorFlowEvent":
        path = {"path": "/var/log/katib/tfevent/", "kind": "Directory"}
        source["fileSystemPath"] = {**path, **(source.get("fileSystemPath") or {})}
    elif kind == "PrometheusMetric":
        source["httpGet"] = {"path": "/metrics", "port": 8080, **(source.get("httpGet") or {})}
    return {**given, "collector": collector, **({"source": source} if source else {})}
