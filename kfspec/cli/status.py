"""`kfspec status`: how ready each item is, and how its runs ended."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from kfspec.cli.executing import ALLOW_EXEC, execution
from kfspec.cli.targets import choose, colour, target_options


@click.command("status")
@target_options
@ALLOW_EXEC
@click.option("--format", "format_name", type=click.Choice(["text", "json"]), default="text", help="How to print.")
def command(
    specs: tuple[str, ...],
    environment: str | None,
    kubeconfig: Path | None,
    context: str | None,
    allow_exec: bool,
    format_name: str,
) -> int:
    """Tell how far every item of specs (kfspec.yaml here) is in the cluster.

    Exit status 0: all is ready, or runs, or ended well; 1: something is missing, waits or failed.
    """
    from kfspec.cli import applying
    from kfspec.cluster.outcome import SETTLED, statuses
    from kfspec.views import status as view

    chosen = choose(specs, environment, execution(allow_exec))
    opened = applying.sessions(chosen, kubeconfig, context)
    if opened is None:
        return 1
    found = [view.Report(one.target.scope.project, chosen.environment, one.name, statuses(one)) for one in opened]
    for one in opened:
        if one.observer.problems:
            chosen.say(one.observer.problems)
    render = view.as_json if format_name == "json" else view.as_text
    sys.stdout.write(render(found, colour=colour(sys.stdout)))
    return int(any(item.readiness.state not in SETTLED for report in found for item in report.items))
