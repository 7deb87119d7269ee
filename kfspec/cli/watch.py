"""`kfspec watch`: the diff, again and again, a line for each change of it."""

from __future__ import annotations

import threading
from pathlib import Path

import click

from kfspec.cli.executing import ALLOW_EXEC, execution
from kfspec.cli.targets import choose, looking_options


@click.command("watch")
@looking_options
@ALLOW_EXEC
@click.option(
    "--interval", type=click.FloatRange(min=0.1), default=60, show_default=True, help="Seconds between looks."
)
@click.option("--count", type=click.IntRange(min=1), help="How many looks; for ever if not given.")
@click.option("--until-change", is_flag=True, help="End with exit status 1 at the first look that finds a change.")
@click.option("--drift-only", is_flag=True, help="Only what somebody changed in the cluster.")
def command(
    specs: tuple[str, ...],
    environment: str | None,
    kubeconfig: Path | None,
    context: str | None,
    allow_exec: bool,
    interval: float,
    count: int | None,
    until_change: bool,
    drift_only: bool,
) -> int:
    """Look at the cluster again and again, and print what began to differ from specs (kfspec.yaml here), or ceased to.

    Exit status 0: the last look found no change; 1: it found changes; 2: it could not be made. Specs are read once.
    """
    from kfspec.cli import applying
    from kfspec.cli.running import stoppable
    from kfspec.cli.watching import Watcher

    chosen = choose(specs, environment, execution(allow_exec))
    opened = applying.sessions(chosen, kubeconfig, context)
    if opened is None:
        return 2
    watcher = Watcher(opened, drift_only)
    cancelled = threading.Event()
    with stoppable(cancelled):
        looks = 0
        while True:
            status = watcher.look()
            looks += 1
            if looks == count or (until_change and status == 1) or cancelled.wait(interval):
                return applying.INTERRUPTED if cancelled.is_set() else status
