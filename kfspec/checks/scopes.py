"""Which pods a scoped quota counts.

Every scope has to fit, and a quota with scopes counts pods alone. Source: kubernetes main, pkg/quota/v1/evaluator/core/pods.go
(podMatchesScopeFunc); executed against v1.37.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kfspec.checks.podmodel import Pods
from kfspec.kinds.status import at, maps

_TERMS = ("podAffinity", "podAntiAffinity")


class Scope(NamedTuple):
    """One condition."""

    name: str
    operator: str = "Exists"
    values: tuple[str, ...] = ()


def scopes_of(spec: Any) -> tuple[Scope, ...]:
    """Of a quota's spec, both ways of saying them."""
    listed = at(spec, "scopes")
    plain = [Scope(name) for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    selected = maps(at(spec, "scopeSelector", "matchExpressions"))
    return (*plain, *(_selected(entry) for entry in selected))


def _selected(entry: dict[str, Any]) -> Scope:
    values = entry.get("values")
    given = tuple(str(value) for value in values) if isinstance(values, list) else ()
    return Scope(str(entry.get("scopeName")), str(entry.get("operator")), given)


def counts(scope: Scope, pods: Pods, effort: bool | None, usual: str) -> bool | None:
    """Whether the pods fit; None where nobody here knows. `effort`: whether any container states CPU or memory; `usual`: the
    priority class of pods that name none."""
    if scope.name in ("BestEffort", "NotBestEffort"):
        return None if effort is None else effort is (scope.name == "NotBestEffort")
    if not pods.scoped:
        return None
    if scope.name in ("Terminating", "NotTerminating"):
        deadline = pods.spec.get("activeDeadlineSeconds")
        ends = isinstance(deadline, int) and not isinstance(deadline, bool) and deadline >= 0
        return ends is (scope.name == "Terminating")
    if scope.name == "PriorityClass":
        return _prior(scope, str(pods.spec.get("priorityClassName") or usual))
    return scope.name == "CrossNamespacePodAffinity" and _abroad(pods.spec.get("affinity"))


def _prior(scope: Scope, name: str) -> bool:
    if scope.operator == "In":
        return name in scope.values
    if scope.operator == "NotIn":
        return name not in scope.values
    return bool(name) is (scope.operator == "Exists")


def _abroad(affinity: Any) -> bool:
    """Whether any term looks at pods of other namespaces."""
    for kind in _TERMS:
        required = maps(at(affinity, kind, "requiredDuringSchedulingIgnoredDuringExecution"))
        weighed = maps(at(affinity, kind, "preferredDuringSchedulingIgnoredDuringExecution"))
        terms = [*required, *(at(each, "podAffinityTerm") for each in weighed)]
        if any(at(term, "namespaces") or at(term, "namespaceSelector") is not None for term in terms):
            return True
    return False
