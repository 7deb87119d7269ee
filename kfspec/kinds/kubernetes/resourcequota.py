"""A ResourceQuota: what the pods of a namespace may ask for together; a LimitRange's change does the same."""

from __future__ import annotations

from kfspec.kinds import base
from kfspec.kinds.base import Effect, Outcome

EFFECTS = (
    Effect(
        ("spec",),
        "what runs stays; what is new must fit",
        "kubernetes v1.37, plugin/pkg/admission/resourcequota and limitranger (CREATE)",
        Outcome.LATER,
    ),
)
ready = base.ready_when_there
