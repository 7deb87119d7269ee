"""What the commands share: which specs and environments are meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import click

from kfspec.forking import Children
from kfspec.packages import Execution
from kfspec.pipeline import Build, Prepared, prepare, together

DEFAULT_SPEC = "kfspec.yaml"


def builds(specs: Sequence[str], environments: Sequence[str], execution: Execution) -> list[Build]:
    """Every spec through the pipeline. Raises click.UsageError for an environment that none of them declares."""
    prepared, children = begun(specs or (DEFAULT_SPEC,), environments, execution)
    judged = together(prepared, children.results())
    return [each.build._replace(diagnostics=found) for each, found in zip(prepared, judged, strict=True)]


def begun(specs: Sequence[str], environments: Sequence[str], execution: Execution) -> tuple[list[Prepared], Children]:
    """Every spec lowered, and its environments being judged. Raises click.UsageError for an environment that none of them
    declares; whatever is raised, nothing goes on."""
    children = Children()
    try:
        prepared = [prepare(Path(spec), environments, execution, begin=children.begin) for spec in specs]
        known_environments([each.build for each in prepared], environments)
    except BaseException:
        children.abandon()
        raise
    children.all_begun()
    return prepared, children


def known_environments(results: Sequence[Build], environments: Sequence[str]) -> None:
    """Raises click.UsageError for an environment that no spec declares."""
    declared = {name for result in results for name in result.environment_names}
    for name in environments:
        if declared and name not in declared:
            from kfspec.wording import did_you_mean

            hint = did_you_mean(name, declared, f"declared: {', '.join(sorted(declared))}")
            raise click.UsageError(f"no spec declares the environment '{name}'; {hint}")


def project_name(directory: Path) -> str:
    """A project's name from the directory that its spec stands in."""
    name = re.sub(r"[^a-z0-9]+", "-", directory.name.lower()).strip("-")[:53].strip("-")
    return name or "project"
