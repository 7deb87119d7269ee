"""`kfspec gc`: delete finished runs beyond each item's history."""

from __future__ import annotations

from pathlib import Path

import click

from kfspec.cli.executing import ALLOW_EXEC, execution
from kfspec.cli.targets import choose, target_options


@click.command("gc")
@target_options
@ALLOW_EXEC
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def command(
    specs: tuple[str, ...],
    environment: str | None,
    kubeconfig: Path | None,
    context: str | None,
    allow_exec: bool,
    yes: bool,
) -> int:
    """Delete superseded runs that are over, beyond `history`; runs that go on are never touched."""
    from kfspec.cli import applying
    from kfspec.cluster.execution import Mode, Options
    from kfspec.cluster.outcome import collection

    chosen = choose(specs, environment, execution(allow_exec))
    options = Options(prune=True, mode=Mode.COLLECT)
    return applying.delete(chosen, kubeconfig, context, collection, options, yes=yes)
