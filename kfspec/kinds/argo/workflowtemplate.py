"""A WorkflowTemplate: what workflows are made from."""

from __future__ import annotations

from kfspec.kinds import base
from kfspec.kinds.base import Effect, Outcome

EFFECTS = (
    Effect(
        ("spec",),
        "new workflows take the change; those that have started stay as they are",
        "Argo Workflows 3.5.14, workflow/controller/operator.go (storedWorkflowTemplateSpec)",
        Outcome.LATER,
    ),
)
ready = base.ready_when_there
