"""A language model on many accelerators (KServe LLMInferenceService, from 0.16 on), passed through by `resources`.

Source: KServe 0.16.0, `pkg/controller/v1alpha1/llmisvc/validation/llminferenceservice_validator.go`. What a service inherits by
`baseRefs` the webhook does not look at, and neither do these rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path
from kfspec.kinds import base
from kfspec.kinds.base import Effect, Facts, Look, Moment, Outcome, Readiness
from kfspec.kinds.status import at
from kfspec.resource import Body


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """The webhook's rules that hold of one object by itself."""
    spec = body.get("spec") or {}
    yield from _workload(spec, ("spec",))
    if isinstance(spec.get("prefill"), dict):
        yield from _workload(spec["prefill"], ("spec", "prefill"))
    router = spec.get("router")
    if isinstance(router, dict):
        yield from _router(router, ("spec", "router"))


def _workload(workload: dict[str, Any], path: Path) -> Iterator[Diagnostic]:
    given = workload.get("parallelism")
    sizes = given if isinstance(given, dict) else {}
    pipeline, data = _size(sizes, "pipeline"), max(_size(sizes, "data"), _size(sizes, "dataLocal"))
    where: Path = (*path, "parallelism")
    if workload.get("worker") is not None and pipeline <= 0 and data <= 0:
        hint = "parallelism: {pipeline: ...}, or {data: ..., dataLocal: ...}"
        message = "'worker' needs data or pipeline parallelism"
        yield finding("KF379", message, (*path, "worker"), hint=hint, at_key=True)
    if pipeline > 0 and data > 0:
        message = "'parallelism' is over a pipeline or over data, not both"
        yield finding("KF379", message, where, hint="remove 'pipeline', or 'data' and 'dataLocal'", at_key=True)
    for one, other in (("data", "dataLocal"), ("dataLocal", "data")):
        if one in sizes and other not in sizes:
            hint = f"add '{other}:'"
            yield finding("KF379", f"'{one}' is given without '{other}'", (*where, one), hint=hint, at_key=True)


def _size(sizes: dict[str, Any], key: str) -> int:
    value = sizes.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _router(router: dict[str, Any], path: Path) -> Iterator[Diagnostic]:
    """Whose route goes with whose gateway."""
    gateway, route = router.get("gateway"), router.get("route")
    if not isinstance(route, dict):
        return
    of_others = gateway.get("refs") if isinstance(gateway, dict) else None
    http = route.get("http")
    if not isinstance(http, dict):
        if of_others is not None:
            hint = "give 'route.http.refs', or remove 'gateway.refs'"
            message = "KServe's own route does not go through a gateway of others"
            yield finding("KF379", message, (*path, "gateway", "refs"), hint=hint, at_key=True)
        return
    refs, spec = http.get("refs") or [], http.get("spec")
    if refs and spec is not None:
        message = "'refs' and 'spec' of the route exclude each other"
        yield finding("KF379", message, (*path, "route", "http", "spec"), hint="keep one of them", at_key=True)
    if refs and isinstance(gateway, dict) and not of_others:
        hint = "name the gateway in 'gateway.refs', or remove 'gateway'"
        message = "routes of others do not go through KServe's own gateway"
        yield finding("KF379", message, (*path, "route", "http", "refs"), hint=hint, at_key=True)
    if spec is not None and of_others:
        hint = "remove 'spec', or 'gateway.refs'"
        message = "a route that KServe makes does not go through a gateway of others"
        yield finding("KF379", message, (*path, "route", "http", "spec"), hint=hint, at_key=True)


def _total(body: Body, *path: str) -> int:
    """How many nodes one copy of the model takes (KServe 0.16.0, `GetSize`)."""
    given = at(body, *path)
    sizes = given if isinstance(given, dict) else {}
    data, local = _size(sizes, "data"), _size(sizes, "dataLocal")
    if data > 0 or local > 0:
        return max(max(data, 1) // max(local, 1), 1)
    return max(_size(sizes, "pipeline"), 1)


def _resized(*path: str) -> Callable[[Moment], bool]:
    return lambda moment: _total(moment.before, *path) != _total(moment.after, *path)


_WEBHOOK = "KServe 0.16.0, pkg/controller/v1alpha1/llmisvc/validation/llminferenceservice_validator.go"

EFFECTS = tuple(
    Effect(
        path,
        "over how many nodes a model is spread cannot change: declare another service beside it",
        _WEBHOOK,
        Outcome.REFUSED,
        when=_resized(*path),
    )
    for path in (("spec", "parallelism"), ("spec", "prefill", "parallelism"))
)


def ready(body: Body, look: Look) -> Readiness:
    """By the condition Ready."""
    return base.by_condition(body, "Ready")
