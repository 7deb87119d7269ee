"""`kfspec sync`: the loop's body for what has only a REST API."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kfspec.diagnostics import Diagnostics

if TYPE_CHECKING:
    from kfspec.sync.engine import Report


@click.command("sync")
@click.argument("backend", type=click.Choice(["kfp", "model-registry"]))
@click.option(
    "--from",
    "directory",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder of payloads that the compiled ConfigMaps are mounted to.",
)
@click.option("--endpoint", help="Where the service is; its address inside the cluster otherwise.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    help="A projected service account token of the service's audience; it is read again as it rotates.",
)
@click.option("--dry-run", is_flag=True, help="Look, and tell what would be done.")
@click.option("--format", "format_name", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@click.option(
    "--timeout", type=click.FloatRange(min=0), default=240.0, show_default=True, help="Seconds to go on trying."
)
def command(
    backend: str,
    directory: Path,
    endpoint: str | None,
    token_file: Path | None,
    dry_run: bool,
    format_name: str,
    timeout: float,
) -> int:
    """Make Kubeflow Pipelines or Model Registry hold what the payloads say, and nothing else of what kfspec made there.

    Exit status 0: it does; 1: something could not be done.
    """
    from kfspec.codes import finding
    from kfspec.sync import payload, report, services
    from kfspec.sync.engine import sync
    from kfspec.sync.service import Access, Patience

    desired, found = payload.read(directory)
    if desired is None:
        return _failed(found, format_name)
    if desired.scope.backend != backend:
        found = (finding("KF620", f"{directory} is for {desired.scope.backend}, not for {backend}"),)
        return _failed(found, format_name)
    found = services.missing(backend)
    if found:
        return _failed(found, format_name)
    service = services.opened(desired, Access(services.endpoint(desired, endpoint), token_file))
    try:
        done = sync(desired, service, Patience(timeout), dry_run)
    finally:
        service.close()
    sys.stdout.write(report.as_json(done) if format_name == "json" else report.as_text(done))
    sys.stdout.flush()
    if not dry_run:
        _tell(done)
    return int(done.failed)


def _tell(done: Report) -> None:
    """Write an Event where one is asked for; a log line where it cannot be."""
    from kfspec.sync import events

    where = os.environ.get(events.VARIABLE)
    if where:
        problem = events.write(done, where)
        if problem is not None:
            sys.stderr.write(f"note: no Event was written: {problem}\n")


def _failed(found: Diagnostics, format_name: str) -> int:
    from kfspec.cli.reporting import report

    report(found, {}, format_name)
    return 1
