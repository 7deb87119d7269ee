"""`kfspec diff --kfp-endpoint`, `--registry-endpoint`: what is kept in services, looked at and not touched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kfspec.diagnostics import Diagnostics, has_errors
from kfspec.planning import Service, ServiceStep
from kfspec.sync import services
from kfspec.sync.compiled import desired_states
from kfspec.sync.engine import sync
from kfspec.sync.service import Access, Patience

if TYPE_CHECKING:
    from kfspec.cluster.session import Target
    from kfspec.sync.payload import Backend, Desired

_PATIENCE = 30.0
"""Seconds to go on asking: somebody waits for the answer."""
_UNKNOWN = "KF622"


def looked_at(goal: Target, accesses: Mapping[Backend, Access]) -> tuple[tuple[Service, ...], Diagnostics]:
    """What would be synced, in every namespace of the environment; and what kept it from being looked at at all."""
    desired, found = desired_states(goal.bodies, accesses)
    absent = tuple(
        one for backend in dict.fromkeys(each.scope.backend for each in desired) for one in services.missing(backend)
    )
    if absent or has_errors(found):
        return (), (*found, *absent)
    return tuple(_looked_at(one, accesses[one.scope.backend]) for one in desired), found


def _looked_at(desired: Desired, access: Access) -> Service:
    endpoint = services.endpoint(desired, access.endpoint)
    service = services.opened(desired, access._replace(endpoint=endpoint))
    try:
        report = sync(desired, service, Patience(_PATIENCE), dry_run=True)
    finally:
        service.close()
    return Service(
        desired.scope.backend,
        desired.scope.namespace,
        endpoint,
        tuple(ServiceStep(str(step.action), step.kind, step.name, step.item, step.words) for step in report.steps),
        report.findings,
        all(one.code != _UNKNOWN for one in report.findings),
    )
