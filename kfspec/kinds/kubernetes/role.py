"""A Role or a ClusterRole: what whoever has it may do."""

from __future__ import annotations

from kfspec.kinds import base
from kfspec.kinds.base import Effect

EFFECTS = (
    Effect(("rules",), "changes what everybody who has the role may do, at once", "kubernetes v1.37, RBAC authorizer"),
)
ready = base.ready_when_there
