"""A Workflow: run once."""

from __future__ import annotations

from kfspec.kinds.base import Effect, Look, Outcome, Readiness, State
from kfspec.kinds.status import at
from kfspec.resource import Body

_CONTROLLER = "Argo Workflows 3.5.14, workflow/controller/operator.go"

EFFECTS = (
    Effect(("spec", "suspend"), "stops before the next step, or goes on", _CONTROLLER),
    Effect(("spec", "shutdown"), "ends the workflow", _CONTROLLER, Outcome.LOSES),
    Effect(("spec", "activeDeadlineSeconds"), "the workflow fails {new} s after its start, not {old}", _CONTROLLER),
    Effect(("spec", "parallelism"), "runs {new} steps at a time, not {old}", _CONTROLLER),
    Effect(
        ("spec",),
        "no effect on a workflow that has started: run it under another name",
        _CONTROLLER,
        Outcome.LATER,
    ),
)

_PHASES = {"Succeeded": State.SUCCEEDED, "Failed": State.FAILED, "Error": State.FAILED, "Running": State.RUNNING}


def ready(body: Body, look: Look) -> Readiness:
    """By its phase; a mistake that no admission looks for shows up here."""
    phase, message, progress = (at(body, "status", key) for key in ("phase", "message", "progress"))
    if not isinstance(phase, str):
        return Readiness(State.WAITING, "Argo has not taken it up yet")
    words = [f"{progress} steps" if phase == "Running" and progress else "", str(message or "")]
    return Readiness(_PHASES.get(phase, State.WAITING), "; ".join(word for word in words if word))
