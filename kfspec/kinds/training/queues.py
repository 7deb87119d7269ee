"""`queue:` of a job: the label by which Kueue lets it wait until there is room, and what goes with it.

Source: Kueue 0.14, `pkg/controller/jobframework` and `pkg/controller/jobs`. No release of the platform brings Kueue; where it is
not installed, the label means nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Severity, Upstream
from kfspec.kinds.base import Context, Effect, Outcome
from kfspec.kinds.shortforms import Expansion
from kfspec.kinds.status import at
from kfspec.resource import Body, Origin
from kfspec.spec.base import Block

QUEUE = "kueue.x-k8s.io/queue-name"
MULTIKUEUE = "kueue.x-k8s.io/multikueue"
_UNKNOWN = frozenset({"MPIJob", "MXJob"})
"""Kinds of the training operator that no integration of Kueue looks after: its MPIJob is mpi-operator's v2beta1."""
_LABEL = ("metadata", "labels", QUEUE)
_UPDATE = "Kueue 0.14, pkg/controller/jobframework/validation.go (validateUpdateForQueueName)"


def queue_labels(item: Block, queue: str | None, ctx: Context, expansion: Expansion) -> dict[str, str]:
    """The label of `queue:`."""
    if queue is None:
        return {}
    if QUEUE in item.labels:
        message = f"'queue' and the label '{QUEUE}' say the same thing"
        expansion.found.append(finding("KF340", message, (*ctx.path, "queue"), hint="keep 'queue'", at_key=True))
    expansion.origins[_LABEL] = Origin((*ctx.path, "queue"))
    return {QUEUE: queue}


def lifted_queue(body: Body) -> dict[str, Any]:
    """`queue:` for the label of an object."""
    name = at(body, *_LABEL)
    return {"queue": name} if isinstance(name, str) and name else {}


def queue_findings(body: Body, suspend: tuple[str, ...], managed: tuple[str, ...]) -> Iterator[Diagnostic]:
    """What keeps Kueue from its work; `suspend` and `managed` are the paths of those fields in this kind."""
    name, kind = at(body, *_LABEL), str(body.get("kind"))
    if not isinstance(name, str) or not name:
        if at(body, *managed) == MULTIKUEUE:
            message = "the job is left to MultiKueue, and names no queue"
            hint = f"the label {QUEUE}, or 'queue:'"
            upstream, severity = Upstream.ADVICE, Severity.WARNING  # a Kueue may look after jobs without a queue too
            yield finding("KF394", message, managed, hint=hint, upstream=upstream, severity=severity)
        return
    if kind in _UNKNOWN:
        message = f"Kueue looks after no {kind} of the training operator: this one starts at once, wherever it queues"
        yield finding("KF394", message, _LABEL, hint="remove it")
    elif at(body, *suspend) is not None:
        message = "Kueue stops and starts a job of a queue by 'suspend'; whoever applies this one undoes it"
        yield finding("KF394", message, suspend, hint="remove it: Kueue stops the job when it is made", at_key=True)


def queue_effects(kind: str, *suspend: str) -> tuple[Effect, ...]:
    """The rows about another queue, for a kind with its `suspend` there."""
    if kind in _UNKNOWN:
        return ()
    words = "Kueue refuses another queue for a job that is not stopped: run it under another name"
    return (
        Effect(
            _LABEL, "the job waits in queue {new}, not {old}", _UPDATE, when=lambda m: at(m.after, *suspend) is True
        ),
        Effect(_LABEL, words, _UPDATE, Outcome.REFUSED),
    )
