"""A TrainingRuntime or a ClusterTrainingRuntime: what TrainJobs are made from."""

from __future__ import annotations

from kfspec.kinds import base
from kfspec.kinds.base import Effect, Outcome

EFFECTS = (
    Effect(
        ("spec",),
        "new jobs take the change, and those that go on after a stop; jobs that run stay as they are",
        "Trainer 2.1.0, pkg/runtime/core/trainingruntime.go",
        Outcome.LATER,
    ),
)
ready = base.ready_when_there
