"""A Spark application: one run, or with `schedule` what starts a run at every moment of it.

`sparkApplications: {features: {image: 'spark:3.5.3', sparkVersion: 3.5.3, code: features.py, executor: {instances: 2}}}`. Every
field of the application's spec is taken; `code` brings a local file or folder along. Without `schedule` the application is run
once per content, as a SparkApplication that is named by it. With `schedule` it stands, as a ScheduledSparkApplication, and a
change holds for its next run; so one environment can run at night what another runs once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic
from kfspec.kinds import base
from kfspec.kinds.base import RUN_SUFFIX, Context, Effect, Look, Lowered, Moment, Outcome, Readiness, State
from kfspec.kinds.lifting import own_metadata
from kfspec.kinds.shortforms import Expansion
from kfspec.kinds.spark import rules as spark_rules
from kfspec.kinds.spark.application import lift_application, lower_application
from kfspec.kinds.spark.fields import APPLICATION, Application, given
from kfspec.kinds.status import at
from kfspec.kinds.training.code import CONFIG_MAP, CodeSource, config_maps
from kfspec.resource import GVK, Body, Origin
from kfspec.spec.base import Json

BLOCK = "sparkApplications"
PRODUCES = (
    GVK("sparkoperator.k8s.io", "v1beta2", "SparkApplication"),
    GVK("sparkoperator.k8s.io", "v1beta2", "ScheduledSparkApplication"),
    CONFIG_MAP,
)

_SCHEDULE = (
    "schedule",
    "timeZone",
    "concurrencyPolicy",
    "successfulRunHistoryLimit",
    "failedRunHistoryLimit",
    "suspend",
)
_OF_A_RUN = ("run", "rerun", "onChange", "history")
_OF_A_SCHEDULE = (*_SCHEDULE[1:-1], "template")


class Item(Application):
    """A Spark application."""

    run: bool = Field(default=True, description="`false`: a template only, checked and not run.")
    rerun: str | None = Field(default=None, description="Another text starts a new run of the same content.")
    onChange: Literal["keep", "replace"] = Field(  # noqa: N815
        default="keep", description="What becomes of the run that a change supersedes."
    )
    history: int = Field(default=2, ge=0, description="How many finished runs `gc` leaves.")
    code: str | CodeSource | None = Field(
        default=None,
        description="A local file or folder, mounted into driver and executors; a file alone is the main file.",
    )
    suspend: Json = Field(
        default=None,
        description="Upstream's: of a run from spark-operator 2.4 on, where it is no part of the run's identity; of a schedule"
        " always.",
    )
    schedule: Json = Field(
        default=None,
        description="Upstream's: five fields, `@daily` or `@every 6h`. The item stands, and is no run itself.",
    )
    timeZone: Json = Field(  # noqa: N815
        default=None,
        description="Upstream's, with `schedule`, from spark-operator 2.2 on: the operator's own otherwise.",
    )
    concurrencyPolicy: Json = Field(  # noqa: N815
        default=None,
        description="Upstream's, with `schedule`: Allow, Forbid or Replace; `Allow` where nothing is said, for without one the"
        ' operator starts no second run. `""` leaves it out.',
    )
    successfulRunHistoryLimit: Json = Field(default=None, description="Upstream's, with `schedule`.")  # noqa: N815
    failedRunHistoryLimit: Json = Field(default=None, description="Upstream's, with `schedule`.")  # noqa: N815
    template: Json = Field(
        default=None,
        description="Upstream's, with `schedule`: the runs' spec as a whole, in the place of the fields here.",
    )


def lower(item: Item, ctx: Context) -> Lowered:
    """One run, or what starts runs; nothing for a template (`run: false`) but its findings."""
    expansion = Expansion(ctx)
    expansion.origins["spec",] = Origin(ctx.path)
    standing = item.schedule is not None
    suffix = spark_rules.SCHEDULED_SUFFIX if standing else RUN_SUFFIX
    expansion.found.extend(_misplaced(item, ctx, standing=standing))
    if len(ctx.name) > spark_rules.NAME_LIMIT - suffix:
        expansion.found.append(_too_long(ctx, spark_rules.NAME_LIMIT - suffix, standing=standing))
        return Lowered((), tuple(expansion.found))
    return _lower_schedule(item, ctx, expansion) if standing else _lower_run(item, ctx, expansion)


def _lower_run(item: Item, ctx: Context, expansion: Expansion) -> Lowered:
    """The hash is over the kind, the spec and `rerun`; whether the run is suspended may change while it lives."""
    spec = lower_application(item, ctx, ("spec",), expansion, item.code)
    identity = {
        "kind": "SparkApplication",
        "spec": spec,
        **({"rerun": item.rerun} if item.rerun is not None else {}),
    }
    name = f"{ctx.name}-{base.digest8(identity)}"
    if item.suspend is not None:
        spec = {**spec, "suspend": item.suspend}
    kept = item.onChange == "keep"
    body = {
        "apiVersion": PRODUCES[0].api_version,
        "kind": "SparkApplication",
        "metadata": base.metadata(ctx, item, name, protect=kept),
        "spec": spec,
    }
    origins = {**base.base_origins(ctx), **expansion.origins}
    made = (*config_maps(item, ctx, expansion, protect=kept), base.resource(ctx, body, origins))
    return Lowered(made if item.run else (), tuple(expansion.found), () if item.run else made)


def _lower_schedule(item: Item, ctx: Context, expansion: Expansion) -> Lowered:
    expansion.origins["spec", "template"] = Origin(ctx.path)
    spec: dict[str, Any] = given(item, _SCHEDULE)
    if item.concurrencyPolicy is None:
        spec["concurrencyPolicy"] = "Allow"
    elif item.concurrencyPolicy == "":
        del spec["concurrencyPolicy"]
    if item.template is not None:
        spec["template"] = expansion.expand(item.template, ("spec", "template"), (*ctx.path, "template"))
        expansion.origins["spec", "template"] = Origin((*ctx.path, "template"))
    else:
        spec["template"] = lower_application(item, ctx, ("spec", "template"), expansion, item.code)
    body = {
        "apiVersion": PRODUCES[1].api_version,
        "kind": "ScheduledSparkApplication",
        "metadata": base.metadata(ctx, item),
        "spec": spec,
    }
    origins = {**base.base_origins(ctx), **expansion.origins}
    # a run that has started mounts its code in every executor to come, and again where it is tried once more
    made = (*config_maps(item, ctx, expansion, protect=True), base.resource(ctx, body, origins))
    return Lowered(made, tuple(expansion.found))


def _misplaced(item: Item, ctx: Context, *, standing: bool) -> Iterator[Diagnostic]:
    """Fields that say nothing here."""
    for key in _OF_A_RUN if standing else _OF_A_SCHEDULE:
        if key not in item.model_fields_set or getattr(item, key) is None:
            continue
        told = (
            "a scheduled application, which stands and is no run" if standing else "an application without 'schedule'"
        )
        hint = f"remove '{key}'" if standing else f"add 'schedule:', or remove '{key}'"
        yield finding("KF726", f"'{key}' says nothing about {told}", (*ctx.path, key), hint=hint, at_key=True)
    beside = [key for key in (*APPLICATION, "code") if getattr(item, key) is not None]
    if standing and item.template is not None and beside:
        message = f"'{beside[0]}' is given beside 'template', which is the whole spec of the runs"
        path = (*ctx.path, beside[0])
        yield finding(
            "KF340", message, path, hint=f"put '{beside[0]}' into 'template', or drop 'template'", at_key=True
        )


def _too_long(ctx: Context, limit: int, *, standing: bool) -> Diagnostic:
    added = "the moment of a run" if standing else "its hash"
    message = f"the name has {len(ctx.name)} characters; with {added} a Spark application may have {limit}"
    return finding("KF720", message, ctx.path, hint=f"shorten it by {len(ctx.name) - limit}", at_key=True)


def lift(body: Body) -> Iterator[dict[str, Any]]:
    """Items that may stand for the application, or for its schedule, the shortest first."""
    spec, meta = body.get("spec"), own_metadata(body)
    if not isinstance(spec, dict):
        return
    if body.get("kind") != "ScheduledSparkApplication":
        yield from ({**item, **meta} for item in lift_application(spec))
        return
    if spec.keys() - {*_SCHEDULE, "template"}:
        return
    head = {key: spec[key] for key in _SCHEDULE if key in spec}
    head.setdefault("concurrencyPolicy", "")
    if head["concurrencyPolicy"] == "Allow":
        del head["concurrencyPolicy"]
    template = spec.get("template")
    if isinstance(template, dict) and "suspend" not in template:
        yield from ({**head, **item, **meta} for item in lift_application(template))
    yield {**head, "template": template, **meta}


rules = spark_rules.rules

_FILTER = "spark-operator 2.2.0, internal/controller/sparkapplication/event_filter.go (Update)"
_SUSPEND = "spark-operator 2.4.0, internal/controller/sparkapplication/controller.go"
_OVER = ("COMPLETED", "FAILED")


def _state(body: Body) -> str:
    return str(at(body, "status", "applicationState", "state") or "")


def _over(moment: Moment) -> bool:
    return _state(moment.before) in _OVER


def _stops(moment: Moment) -> bool:
    return not _over(moment) and at(moment.after, "spec", "suspend") is True


def _starts(moment: Moment) -> bool:
    return not _over(moment) and at(moment.after, "spec", "suspend") is not True


EFFECTS = (
    Effect(
        ("spec", "suspend"),
        "stops the application: driver and executors are deleted",
        _SUSPEND,
        Outcome.LOSES,
        ">=2.4",
        _stops,
    ),
    Effect(
        ("spec", "suspend"),
        "starts the application again, from the beginning",
        _SUSPEND,
        Outcome.TAKES,
        ">=2.4",
        _starts,
    ),
    Effect(("spec", "suspend"), "no effect: the application is over", _SUSPEND, Outcome.LATER, ">=2.4", _over),
    Effect(
        ("spec",),
        "runs the application again from the beginning, though it is over: any change does",
        _FILTER,
        Outcome.DISRUPTS,
        when=_over,
    ),
    Effect(
        ("spec",),
        "kills the driver, and runs the application again from the beginning: any change does",
        _FILTER,
        Outcome.LOSES,
        when=lambda moment: not _over(moment),
    ),
    Effect(("metadata", "labels"), "pods that run stay as they are; the next run takes it", _FILTER, Outcome.LATER),
    Effect(
        ("metadata", "annotations"), "pods that run stay as they are; the next run takes it", _FILTER, Outcome.LATER
    ),
)

_STATES = {
    "COMPLETED": State.SUCCEEDED,
    "FAILED": State.FAILED,
    "RUNNING": State.RUNNING,
    "SUCCEEDING": State.RUNNING,
    "FAILING": State.RUNNING,
    "SUSPENDED": State.SUSPENDED,
    "SUSPENDING": State.SUSPENDED,
    "UNKNOWN": State.UNKNOWN,
}
_WORDS = {
    "": "the operator has not taken it up yet",
    "SUBMITTED": "submitted; waits for its driver",
    "SUBMISSION_FAILED": "could not be submitted; tried again",
    "PENDING_RERUN": "waits to be run again",
    "INVALIDATING": "is being stopped, to run with its new spec",
    "RESUMING": "is being started again",
    "SUCCEEDING": "the driver is done",
    "FAILING": "the driver has failed",
    "SUSPENDING": "is being stopped",
}
"""`status.applicationState.state` (spark-operator 2.4.0, api/v1beta2/sparkapplication_types.go)."""


def ready(body: Body, look: Look) -> Readiness:
    """By the state of the application, with the error that the operator names."""
    state = _state(body)
    error = at(body, "status", "applicationState", "errorMessage")
    words = [_WORDS.get(state, ""), " ".join(error.split()) if isinstance(error, str) else ""]
    return Readiness(_STATES.get(state, State.WAITING), "; ".join(word for word in words if word))
