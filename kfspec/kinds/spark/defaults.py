"""What the defaulter makes of a SparkApplication (spark-operator 2.1.0, recorded; 2.4.0, sparkapplication_defaulter.go)."""

from __future__ import annotations

from typing import Any

from kfspec.kinds.spark.fields import given_conf
from kfspec.resource import Body

_RETRY = 5


def defaulted(body: Body) -> Body:
    """The object as it is stored. What only later versions write, earlier ones mean: Spark's own defaults are the same."""
    spec = dict(body.get("spec") or {})
    conf = given_conf(spec)
    spec.setdefault("mode", "cluster")
    spec.setdefault("deps", {})
    policy = dict(spec.get("restartPolicy") or {})
    policy["type"] = policy.get("type") or "Never"
    if policy["type"] != "Never":
        for key in ("onFailureRetryInterval", "onSubmissionFailureRetryInterval"):
            policy.setdefault(key, _RETRY)
    spec["restartPolicy"] = policy
    for role in ("driver", "executor"):
        if isinstance(spec.get(role), dict):
            spec[role] = _pod(spec[role], role, conf)
    allocation = spec.get("dynamicAllocation")
    enabled = isinstance(allocation, dict) and allocation.get("enabled") is True
    if isinstance(allocation, dict) and enabled:
        spec["dynamicAllocation"] = {"shuffleTrackingEnabled": True, **allocation}
    alone = not enabled and not {"spark.dynamicAllocation.enabled", "spark.executor.instances"} & conf.keys()
    if isinstance(spec.get("executor"), dict) and alone:
        spec["executor"].setdefault("instances", 1)
    return {**body, "spec": spec}


def _pod(pod: dict[str, Any], role: str, conf: dict[str, Any]) -> dict[str, Any]:
    result = dict(pod)
    for key, value in (("cores", 1), ("memory", "1g")):
        if f"spark.{role}.{key}" not in conf:
            result.setdefault(key, value)
    template = result.get("template")
    if isinstance(template, dict):  # Go writes the time that a template has not
        meta = template.get("metadata") or {}
        if isinstance(meta, dict):
            kept = {key: value for key, value in meta.items() if value is not None}
            result["template"] = {**template, "metadata": kept}
    return result
