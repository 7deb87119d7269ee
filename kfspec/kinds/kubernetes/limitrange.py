"""A LimitRange: what a container asks for where it says nothing, and how much it may ask for.

Source: kubernetes v1.37, `pkg/apis/core/v1/defaults.go` (SetDefaults_LimitRangeItem) and `core/validation`
(ValidateLimitRange); executed.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path
from kfspec.kinds.base import Facts
from kfspec.kinds.kubernetes import resourcequota
from kfspec.kinds.status import at, maps
from kfspec.quantity import canonical, parse
from kfspec.resource import Body
from kfspec.ssa.prediction import filled_limit

AMOUNTS = ("default", "defaultRequest", "max", "maxLimitRequestRatio", "min")
"""The fields of a limit that map resources to quantities."""

_ASCENDING = (
    ("min", "max"),
    ("min", "defaultRequest"),
    ("min", "default"),
    ("defaultRequest", "max"),
    ("default", "max"),
    ("defaultRequest", "default"),
)
"""Pairs of which the first may not be above the second."""


def canonical_limit(limit: dict[str, Any]) -> dict[str, Any]:
    """A limit with its quantities as the server stores them; the rest, and what is none, as it is."""
    return {
        key: {name: _stored(amount) for name, amount in value.items()}
        if key in AMOUNTS and isinstance(value, dict)
        else value
        for key, value in limit.items()
    }


def _stored(amount: Any) -> Any:
    if isinstance(amount, bool) or not isinstance(amount, str | int | float):
        return amount
    found = canonical(amount if isinstance(amount, str) else repr(amount))
    return amount if found is None else found


def defaulted(body: Body) -> Body:
    """The object as it is stored."""
    limits = at(body, "spec", "limits")
    if not isinstance(limits, list):
        return body
    filled = [filled_limit(canonical_limit(limit)) if isinstance(limit, dict) else limit for limit in limits]
    return {**body, "spec": {**body["spec"], "limits": filled}}


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """What the API server refuses, by limit."""
    seen: set[str] = set()
    for n, limit in enumerate(maps(at(body, "spec", "limits"))):
        path: Path = ("spec", "limits", n)
        kind = limit.get("type")
        if not isinstance(kind, str):
            continue
        if kind in seen:
            yield finding("KF763", f"two limits of type {kind}", (*path, "type"), hint="make them one")
        seen.add(kind)
        if kind == "Pod":
            for key in ("default", "defaultRequest"):
                if limit.get(key):
                    hint = "containers have defaults: write it in a limit of type Container"
                    yield finding(
                        "KF763", f"a limit of type Pod takes no '{key}'", (*path, key), hint=hint, at_key=True
                    )
            limit = {key: value for key, value in limit.items() if key not in ("default", "defaultRequest")}
        if kind == "PersistentVolumeClaim" and not (
            _amount(limit, "min", "storage") or _amount(limit, "max", "storage")
        ):
            hint = "add 'min: {storage: ...}' or 'max: {storage: ...}'"
            yield finding("KF763", "a limit of claims says nothing of storage", path, hint=hint)
        yield from _orders(limit, path)


def _orders(limit: dict[str, Any], path: Path) -> Iterator[Diagnostic]:
    """Amounts that exceed others, once for each resource."""
    filled = filled_limit(limit)
    names = dict.fromkeys(name for key in AMOUNTS if isinstance(filled.get(key), dict) for name in filled[key])
    for name in names:
        pairs = sorted(_ASCENDING, key=lambda pair: sum(_amount(limit, key, name) is None for key in pair))
        for low, high in pairs:  # what is written speaks before what is derived from it
            below, above = _amount(filled, low, name), _amount(filled, high, name)
            if below is not None and above is not None and below > above:
                written = low if _amount(limit, low, name) is not None else high
                shown = ", ".join(f"'{key}' is {filled[key][name]}" for key in (low, high))
                message = f"'{low}' of {name} is above '{high}': {shown}{_derived(limit, low, high, name)}"
                hint = f"lower '{low}', or raise '{high}'"
                yield finding("KF763", message, (*path, written, name), hint=hint)
                break
        ratio = _amount(limit, "maxLimitRequestRatio", name)
        if ratio is not None:
            where = (*path, "maxLimitRequestRatio", name)
            yield from _of_ratio(ratio, _amount(limit, "min", name), _amount(limit, "max", name), name, where)


def _of_ratio(
    ratio: Decimal, low: Decimal | None, high: Decimal | None, name: str, where: Path
) -> Iterator[Diagnostic]:
    """A ratio is at least 1, and no more than what minimum and maximum leave room for."""
    if ratio < 1:
        message = f"no limit is below its request, so the ratio of {name} cannot be {ratio.normalize():f}"
        yield finding("KF763", message, where, hint="a ratio is 1 or more")
    elif low and high is not None and ratio > high / low:
        most = (high / low).normalize()
        message = f"'max' of {name} is {most:f} times 'min', so the ratio cannot be {ratio.normalize():f}"
        yield finding("KF763", message, where, hint=f"{most:f} at most, or another 'min' or 'max'")


def _derived(limit: dict[str, Any], low: str, high: str, name: str) -> str:
    """Which of two amounts the server made of another."""
    made = [key for key in (low, high) if _amount(limit, key, name) is None]
    return f" ('{made[0]}' is what the server makes of the others)" if made else ""


def _amount(limit: dict[str, Any], key: str, name: str) -> Decimal | None:
    group = limit.get(key)
    value = group.get(name) if isinstance(group, dict) else None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    quantity = parse(value if isinstance(value, str) else repr(value))
    return None if quantity is None else quantity.value


EFFECTS = resourcequota.EFFECTS
ready = resourcequota.ready
