"""`kfspec apply`: do what the plan says, and nothing else."""

from __future__ import annotations

from pathlib import Path

import click

from kfspec.cli.executing import ALLOW_EXEC, execution
from kfspec.cli.targets import choose, target_options


@click.command("apply")
@target_options
@click.option("--prune", is_flag=True, help="Delete what left the spec.")
@click.option("--wait", is_flag=True, help="Wait until everything is ready and every new run has begun.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--allow-destroy", is_flag=True, help="With --prune: delete what holds data too.")
@click.option("--force-conflicts", is_flag=True, help="Take fields that other managers hold.")
@ALLOW_EXEC
@click.option("--timeout", type=click.FloatRange(min=0), default=600, show_default=True, help="Seconds to wait.")
@click.option("-q", "--quiet", is_flag=True, help="Do not print the plan.")
def command(
    specs: tuple[str, ...],
    environment: str | None,
    kubeconfig: Path | None,
    context: str | None,
    prune: bool,
    wait: bool,
    yes: bool,
    allow_destroy: bool,
    force_conflicts: bool,
    allow_exec: bool,
    timeout: float,
    quiet: bool,
) -> int:
    """Apply specs (kfspec.yaml here) to the cluster of one environment, as their plan says."""
    from kfspec.cli import applying
    from kfspec.cluster.execution import Options

    options = Options(prune, allow_destroy, force_conflicts, timeout)
    chosen = choose(specs, environment, execution(allow_exec))
    return applying.apply(chosen, kubeconfig, context, options, yes=yes, wait=wait, quiet=quiet)
