"""Plans for the commands that print one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kfspec.cli.common import DEFAULT_SPEC
from kfspec.cli.targets import Chosen
from kfspec.cluster.session import Target, target
from kfspec.cluster.sources import SOURCES, plan_against
from kfspec.diagnostics import Diagnostic, Diagnostics, has_errors
from kfspec.packages import Execution
from kfspec.planning import Plan

if TYPE_CHECKING:
    from kfspec.sync.payload import Backend
    from kfspec.sync.service import Access


def targets(chosen: Chosen, manager: str | None = None) -> list[Target] | None:
    """The environment of every spec; None where one of them could not be read, which its findings say."""
    environments = [one.environment(chosen.environment) for one in chosen.prepared]
    found = [target(one, manager) if one is not None else None for one in environments]
    return None if None in found else [one for one in found if one is not None]


def plans(
    chosen: Chosen,
    specs: tuple[str, ...],
    against: str,
    kubeconfig: Path | None,
    context: str | None,
    manager: str | None,
    *,
    exact: bool,
    execution: Execution = Execution.REFUSED,
    accesses: Mapping[Backend, Access] | None = None,
) -> tuple[list[Plan] | None, Diagnostics]:
    """A plan for every spec; None where one could not be made. `accesses`: services to look at too."""
    kind, _, what = against.partition(":")
    if kind not in SOURCES or bool(what) != (kind != "cluster"):
        raise click.UsageError("--against takes cluster, snapshot:PATH or git:REV")
    goals = targets(chosen, manager)
    if goals is None:
        return None, ()
    made: list[Plan] = []
    found: list[Diagnostic] = []
    for goal, spec in zip(goals, specs or (DEFAULT_SPEC,), strict=True):
        plan, problems = plan_against(goal, Path(spec), against, kubeconfig, context, exact=exact, execution=execution)
        found.extend(problems)
        if plan is None:
            return None, tuple(found)
        if accesses:
            from kfspec.cli.services import looked_at  # few ask, and their clients are large

            services, problems = looked_at(goal, accesses)
            found.extend(problems)
            if has_errors(problems):
                return None, tuple(found)
            plan = plan._replace(services=services)
        made.append(plan)
    return made, tuple(found)
