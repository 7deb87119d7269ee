"""What the views say of the services that were looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kfspec.planning import Service
from kfspec.views.plan.lines import clip

NAMES = {"kfp": "Kubeflow Pipelines", "model-registry": "Model Registry"}
_SIGNS = {"create": "+", "start": "+", "delete": "-", "archive": "-"}
NOTHING = "services: the environment keeps nothing in those that were asked"


class Line(NamedTuple):
    """A step, or what cannot be done."""

    sign: str
    """`+`, `-`, `~`; `!` for what cannot be done."""
    text: str


def title(service: Service) -> str:
    """`Kubeflow Pipelines in team (http://kfp): 2 steps to do`."""
    number = len(service.steps)
    told = f"{number} step{'' if number == 1 else 's'} to do" if number else "nothing to do"
    if not service.complete:
        told = "could not be looked at"
    elif service.pending and not number:
        told = "not as the spec says"
    name = NAMES.get(service.backend, clip(service.backend, 80))
    return f"{name} in {clip(service.namespace, 80)} ({clip(service.endpoint, 200)}): {told}"


def lines(service: Service) -> Iterator[Line]:
    """Every step, in the order in which a sync would do them; then what it could not do."""
    for step in service.steps:
        text = f"{step.action} {step.kind} {step.name}: {step.why}  ({step.item})"
        yield Line(_SIGNS.get(step.action, "~"), clip(text, 600))
    for found in service.findings:
        hint = f" ({found.hint})" if found.hint else ""
        yield Line("!", clip(f"{found.severity}[{found.code}]: {found.message}{hint}", 1000))
