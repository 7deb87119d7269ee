"""An AuthorizationPolicy: who reaches the workloads."""

from __future__ import annotations

from kfspec.kinds import base
from kfspec.kinds.base import Effect

EFFECTS = (
    Effect(
        ("spec",),
        "changes who reaches the workloads, in running pods too, within seconds",
        "Istio 1.26.1, security/v1beta1 AuthorizationPolicy (pushed to the sidecars)",
    ),
)
ready = base.ready_when_there
