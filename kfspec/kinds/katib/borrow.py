"""`trial: {trainingJob: train, args: [...]}`: a declared training job as the trial of an experiment.

The changes are laid on the job's item as an environment's would be, and the result is lowered as the job itself is, so a
trial has every short form that a job has. Findings point at the job's line or at the change's, whichever said it.
"""

from __future__ import annotations

from typing import Any, cast

from kfspec import kinds
from kfspec.codes import finding
from kfspec.diagnostics import Path
from kfspec.kinds.base import Context
from kfspec.kinds.shortforms import Expansion
from kfspec.kinds.training.queues import QUEUE
from kfspec.kinds.training.shared import JobItem, Lent, RunItem, lend_job
from kfspec.merging import Marked, merge
from kfspec.resource import Origin
from kfspec.spec.shape import shape_findings
from kfspec.wording import describe, did_you_mean
from kfspec.yamlio.marks import Node

_OF_RUN = ("run", "rerun", "onChange", "history", "labels", "annotations", "prune", "profile", "kind")
"""Fields of a job that are about its own run, which a trial is not."""


def borrow(given: dict[str, Any], own: tuple[str, ...], ctx: Context, expansion: Expansion) -> Lent | None:
    """The object that the trials of `given` (the item's `trial`) make; None with a finding where there is none.

    `own` are the fields of `given` that are not about the job.
    """
    at = (*ctx.path, "trial")
    declared = ctx.declared.get("trainingJobs")
    jobs = declared if isinstance(declared, dict) else {}
    name = given.get("trainingJob")
    if not isinstance(name, str):
        missing = name is None
        message = "'trial' lacks 'trainingJob'" if missing else f"'trainingJob' cannot be {describe(name)}"
        path = at if missing else (*at, "trainingJob")
        hint = "name a training job, or write 'trialTemplate' instead"
        expansion.found.append(finding("KF102" if missing else "KF103", message, path, hint=hint, at_key=missing))
        return None
    job_item = jobs.get(name)
    if not isinstance(job_item, dict):
        near = did_you_mean(name, jobs, "declare it under 'trainingJobs'")
        message = f"no training job is called '{name}'"
        expansion.found.append(finding("KF342", message, (*at, "trainingJob"), hint=near))
        return None
    module_name = kinds.BLOCKS["trainingJobs"].get(str(job_item.get("kind")))
    if module_name is None:
        return None  # said at the job
    if "run" not in job_item:
        message = f"'{name}' is borrowed as a trial, and does not say whether it runs by itself"
        hint = f"trainingJobs.{name}.run: false, or true"
        expansion.found.append(finding("KF342", message, (*at, "trainingJob"), hint=hint))
    changes = {key: value for key, value in given.items() if key not in (*own, "trainingJob")}
    return _merged(job_item, changes, name, module_name, ctx, expansion)


def _merged(
    job_item: dict[str, Any], changes: dict[str, Any], name: str, module_name: str, ctx: Context, expansion: Expansion
) -> Lent | None:
    from pydantic import ValidationError

    module: Any = kinds.load(module_name)
    at = (*ctx.path, "trial")
    about_run = [key for key in changes if key in _OF_RUN]
    for key in about_run:
        message = f"'{key}' is about a run of the job's own, and a trial has none"
        expansion.found.append(finding("KF342", message, (*at, key), hint="remove it", at_key=True))
        changes = {k: v for k, v in changes.items() if k != key}
    merged = merge(
        Marked(job_item, _paths(job_item, ("trainingJobs", name))), Marked(changes, _paths(changes, at)), "trial"
    )
    try:
        item: RunItem = module.Item.model_validate(merged.value)
    except ValidationError as error:
        for found in shape_findings(error, module.Item, merged.value, at):
            path = _origin(merged.node, found.path[len(at) :])
            if path[: len(at)] == at:  # what is wrong in the job itself is said there
                expansion.found.append(found._replace(path=path))
        return None
    inner = Expansion(
        ctx._replace(
            path=(),
            text=lambda path: ctx.text(_origin(merged.node, path)),
            code=lambda path: ctx.code(_origin(merged.node, path)),
        )
    )
    lent: Lent = (
        module.lend(item, inner.ctx, inner)
        if hasattr(module, "lend")
        else lend_job(cast("JobItem", item), inner.ctx, module.JOB, inner)
    )
    here: Path = ("spec", "trialTemplate", "trialSpec")
    expansion.origins[here] = Origin((*at, "trainingJob"))
    for path, origin in inner.origins.items():
        expansion.origins[*here, *path] = Origin(_origin(merged.node, origin.path), origin.at_key)
    for found in inner.found:
        path = _origin(merged.node, found.path)
        if path[: len(at)] == at:
            expansion.found.append(found._replace(path=path))
    expansion.code.update(inner.code)
    if item.queue is None:
        return lent
    queued = {"labels": {QUEUE: item.queue}}
    expansion.origins[*here, "metadata", "labels", QUEUE] = Origin(_origin(merged.node, ("queue",)))
    return lent._replace(trial={**lent.trial, "metadata": queued})


def _paths(value: Any, path: Path) -> Node:
    """The marks of a value that say where in the spec each part stands."""
    if isinstance(value, dict):
        children: Any = {key: _paths(item, (*path, key)) for key, item in value.items()}
        return Node(path, children, {key: (*path, key) for key in value})  # type: ignore[arg-type]
    if isinstance(value, list):
        return Node(path, [_paths(item, (*path, n)) for n, item in enumerate(value)])  # type: ignore[arg-type]
    return Node(path)  # type: ignore[arg-type]


def _origin(node: Node, path: Path) -> Path:
    """The place in the spec of `path` in the merged item."""
    for n, part in enumerate(path):
        children = node.children
        inside = children.get(part) if isinstance(children, dict) else None
        if isinstance(children, list) and isinstance(part, int) and part < len(children):
            inside = children[part]
        if inside is None:
            return (*node.at, *path[n:])
        node = inside
    return node.at
