"""`kfspec destroy`: retire a project."""

from __future__ import annotations

from pathlib import Path

import click

from kfspec.cli.executing import ALLOW_EXEC, execution
from kfspec.cli.targets import choose, target_options


@click.command("destroy")
@target_options
@ALLOW_EXEC
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--allow-destroy", is_flag=True, help="Delete what holds data too: volumes, profiles, experiments, runs.")
def command(
    specs: tuple[str, ...],
    environment: str | None,
    kubeconfig: Path | None,
    context: str | None,
    allow_exec: bool,
    yes: bool,
    allow_destroy: bool,
) -> int:
    """Delete everything of specs (kfspec.yaml here) from the cluster of one environment."""
    from kfspec.cli import applying
    from kfspec.cluster.execution import Mode, Options
    from kfspec.cluster.outcome import retirement

    chosen = choose(specs, environment, execution(allow_exec))
    options = Options(prune=True, allow_destroy=allow_destroy, mode=Mode.DESTROY)
    return applying.delete(chosen, kubeconfig, context, retirement, options, yes=yes)
