"""Runs and recurring runs of a pipeline: what they may say, and what `kfspec sync` is told of them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import Field

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, has_errors
from kfspec.ir.arguments import check_arguments
from kfspec.ir.cron import cron
from kfspec.ir.package import Package
from kfspec.kinds import base
from kfspec.spec.base import Json, Model
from kfspec.sync import payload
from kfspec.wording import describe, did_you_mean

DEFAULT_ACCOUNT = "default-editor"
"""What KFP runs as in a profile that says nothing (multi-user install, DEFAULT_SERVICE_ACCOUNT)."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_DURATION = re.compile(r"(?:\d+[smhd])+")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_ROOT = re.compile(r"(?:gs|s3|minio|mem):///?[^/?]+(?:/[^?]*)?(?:\?.+)?")
"""KFP 2.4.1 to 2.16.0, v2/objectstore/config.go, ParseBucketPathToConfig."""


class Start(Model):
    """What a run and a recurring run have in common; what is not said is the pipeline's."""

    parameters: dict[str, Json] = Field(default_factory=dict, description="The pipeline's parameters.")
    experiment: str | None = Field(default=None, min_length=1, description="The experiment of KFP that holds it.")
    pipelineRoot: str | None = Field(default=None, description="Where its artifacts go.")  # noqa: N815
    serviceAccount: str | None = Field(default=None, description="What it runs as.")  # noqa: N815


class Run(Start):
    """A run: started once for its content."""

    rerun: str | None = Field(default=None, description="Another text starts a new run of the same content.")


class RecurringRun(Start):
    """A schedule."""

    cron: str | None = Field(default=None, description="Five fields, as everywhere; KFP gets its seconds by itself.")
    interval: int | str | None = Field(default=None, description="Instead of `cron`: seconds, or `90m`, `1d`.")
    maxConcurrency: int = Field(default=1, ge=1, le=10, description="How many of its runs may be at work.")  # noqa: N815
    catchup: bool = Field(default=False, description="Whether missed runs are made up for.")
    enabled: bool = Field(default=True, description="`false`: it is there, and starts nothing.")
    startTime: str | None = Field(default=None, description="Nothing starts before: `2026-01-31T00:00:00Z`.")  # noqa: N815
    endTime: str | None = Field(default=None, description="Nothing starts after.")  # noqa: N815


class Around(NamedTuple):
    """What runs take from their pipeline."""

    package: Package
    version: str
    server: str
    accounts: frozenset[str]
    """The service accounts that are known to be there."""
    inherited: Start
    """What the pipeline says for runs that do not."""


def seconds(value: int | str) -> int:
    """The length of an interval, 0 for what is none."""
    if isinstance(value, int):
        return value
    if not _DURATION.fullmatch(value):
        return 0
    return sum(int(number) * _SECONDS[unit] for number, unit in re.findall(r"(\d+)([smhd])", value))


def recurring(
    runs: Mapping[str, RecurringRun], at: Path, around: Around, found: list[Diagnostic]
) -> tuple[payload.RecurringRun, ...]:
    """The schedules that stand at a place of the spec; those that are wrong are left out, and told."""
    made = []
    for name, run in runs.items():
        here = (*at, name)
        problems, schedule, every = _trigger(run, here)
        problems += start_problems(run, here, around)
        found += problems
        if has_errors(problems):
            continue
        given = {"startTime": run.startTime, "endTime": run.endTime} | common(run)
        made.append(
            payload.RecurringRun(
                name=name,
                cron=schedule,
                intervalSeconds=every,
                maxConcurrency=run.maxConcurrency,
                catchup=run.catchup,
                enabled=run.enabled,
                **{key: value for key, value in given.items() if value is not None},
            )
        )
    return tuple(made)


def once(runs: Mapping[str, Run], at: Path, around: Around, found: list[Diagnostic]) -> tuple[payload.Run, ...]:
    """The runs that stand at a place of the spec, each named by its content."""
    made = []
    for name, run in runs.items():
        problems = start_problems(run, (*at, name), around)
        found += problems
        if not has_errors(problems):
            whole = {**common(around.inherited), **common(run)}
            identity = {"version": around.version, **whole, **({"rerun": run.rerun} if run.rerun is not None else {})}
            made.append(payload.Run(name=f"{name}-{base.digest8(identity)}", **common(run)))
    return tuple(made)


def common(run: Start) -> dict[str, Any]:
    """What both kinds give on, as far as it is said."""
    given = {
        "parameters": run.parameters,
        "experiment": run.experiment,
        "pipelineRoot": run.pipelineRoot,
        "serviceAccount": account(run.serviceAccount),
    }
    return {key: value for key, value in given.items() if value}


def account(name: str | None) -> str | None:
    """A service account; None for the platform's default, which is not said."""
    return None if name == DEFAULT_ACCOUNT else name


def start_problems(run: Start, here: Path, around: Around) -> list[Diagnostic]:
    """What is wrong with parameters, root and account."""
    found = list(check_arguments(around.package, run.parameters, (*here, "parameters"), around.server))
    found += place_problems(run.pipelineRoot, run.serviceAccount, here, around.accounts)
    return found


def place_problems(
    root: str | None, service_account: str | None, here: Path, accounts: Iterable[str]
) -> list[Diagnostic]:
    """The same of what a pipeline may say too."""
    found: list[Diagnostic] = []
    if root is not None and not _ROOT.fullmatch(root):
        message = f"'pipelineRoot' cannot be {describe(root)}"
        hint = "a bucket of one of gs://, s3:// and minio://"
        found.append(finding("KF346", message, (*here, "pipelineRoot"), hint=hint))
    known = frozenset(accounts)
    if service_account is not None and service_account not in known:
        fallback = f"declare it, or 'externals: {{serviceAccounts: [{service_account}]}}'"
        message = f"'{'.'.join(map(str, here))}' refers to service account '{service_account}', which is not declared"
        told = finding("KF205", message, (*here, "serviceAccount"), hint=did_you_mean(service_account, known, fallback))
        found.append(told)
    return found


def _trigger(run: RecurringRun, here: Path) -> tuple[list[Diagnostic], str | None, int | None]:
    """What is wrong with when it starts; the schedule as KFP reads it, or the seconds between two."""
    found: list[Diagnostic] = []
    schedule: str | None = None
    if run.cron is not None and run.interval is not None:
        message = "'cron' and 'interval' both say when it starts"
        found.append(finding("KF340", message, (*here, "interval"), hint="write one of them", at_key=True))
    elif run.cron is None and run.interval is None:
        message = f"'{'.'.join(map(str, here))}' lacks 'cron'"
        hint = "add 'cron:', as \"0 2 * * *\", or 'interval:', as 90m"
        found.append(finding("KF102", message, here, hint=hint, at_key=True))
    elif run.cron is not None:
        schedule, problems = cron(run.cron, (*here, "cron"))
        found += problems
    if run.interval is not None and seconds(run.interval) < 1:
        message = f"'interval' cannot be {describe(run.interval)}"
        hint = "seconds from 1 on, or such as 90m, 1h30m or 1d"
        found.append(finding("KF308", message, (*here, "interval"), hint=hint))
    found += _period(run, here)
    return found, schedule, seconds(run.interval) if run.interval is not None else None


def _period(run: RecurringRun, here: Path) -> list[Diagnostic]:
    """What is wrong with the times between which it starts runs."""
    found = []
    times = []
    for field in ("startTime", "endTime"):
        text = getattr(run, field)
        time = _moment(text) if text is not None else None
        if text is not None and time is None:
            message = f"'{field}' cannot be {describe(text)}"
            hint = "write it like 2026-01-31T00:00:00Z, with a zone"
            found.append(finding("KF308", message, (*here, field), hint=hint))
        times.append(time)
    start, end = times
    if start is not None and end is not None and end <= start:
        message = "the schedule ends before it starts"
        found.append(finding("KF308", message, (*here, "endTime"), hint="'endTime' is the later of the two"))
    return found


def _moment(text: str) -> datetime.datetime | None:
    if not _TIME.fullmatch(text):
        return None
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
