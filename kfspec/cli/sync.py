"""`kfspec sync`: the loop's body for what has only a REST API."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kfspec.diagnostics import Diagnostics

if TYPE_CHECKING:
    from kfspec.sync.engine import Report
    from kfspec.sync.payload import Desired
    from kfspec.sync.service import Access

_COMMIT = re.compile(r"[^\s\x00-\x1f]{1,100}")


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
@click.option(
    "--commit",
    envvar="KFSPEC_COMMIT",
    show_envvar=True,
    metavar="SHA",
    help="The git commit that the payloads come from: what is made or changed now bears it.",
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
    commit: str | None,
    dry_run: bool,
    format_name: str,
    timeout: float,
) -> int:
    """Make Kubeflow Pipelines or Model Registry hold what the payloads say, and nothing else of what kfspec made there.

    Exit status 0: it does; 1: something could not be done.
    """
    from kfspec.codes import finding
    from kfspec.sync import payload, report, services
    from kfspec.sync.service import Access

    desired, found = payload.read(directory)
    if desired is None:
        return _failed(found, format_name)
    if desired.scope.backend != backend:
        found = (finding("KF620", f"{directory} is for {desired.scope.backend}, not for {backend}"),)
        return _failed(found, format_name)
    found = services.missing(backend)
    if found:
        return _failed(found, format_name)
    access = Access(services.endpoint(desired, endpoint), token_file)
    done = _synced(_from(desired, commit), access, timeout, dry_run)
    sys.stdout.write(report.as_json(done) if format_name == "json" else report.as_text(done))
    sys.stdout.flush()
    if not dry_run:
        _tell(done)
    return int(done.failed)


def _from(desired: Desired, commit: str | None) -> Desired:
    """The desired state with where it comes from; what is no commit is passed over, since nothing depends on it."""
    from kfspec.sync import payload

    given = (commit or "").strip()
    if _COMMIT.fullmatch(given):
        return payload.at_commit(desired, given)
    if given:
        _note("the commit is not noted: it is to be one word of at most 100 characters")
    return desired


def _synced(desired: Desired, access: Access, timeout: float, dry_run: bool) -> Report:
    """Wait for the turn, where there are turns, and sync in what is left of the time. A dry run needs none: it only reads."""
    from kfspec.codes import finding
    from kfspec.sync import home, lease, services
    from kfspec.sync.engine import Report, sync
    from kfspec.sync.service import Patience

    began = time.monotonic()
    with lease.taken(None if dry_run else os.environ.get(home.VARIABLE), timeout) as turn:
        if turn.busy is not None:
            message = f"another sync is at work, and holds the Lease: {turn.busy}"
            return Report(desired, (), (finding("KF628", message, hint="the next sync looks again"),))
        if turn.problem is not None:
            _note(f"no Lease is held, so another sync may be at work too: {turn.problem}")
        service = services.opened(desired, access)
        try:
            patience = Patience(max(0.0, timeout - (time.monotonic() - began)))
            done = sync(desired, service, patience, dry_run, turn.lasts)
        finally:
            service.close()
        if any(one.code == "KF622" for one in done.findings):  # whether the last request was done is not known
            turn.abandon()
        return done


def _tell(done: Report) -> None:
    """Write an Event where one is asked for; a log line where it cannot be."""
    from kfspec.sync import events, home

    where = os.environ.get(home.VARIABLE)
    if where:
        problem = events.write(done, where)
        if problem is not None:
            _note(f"no Event was written: {problem}")


def _note(words: str) -> None:
    sys.stderr.write(f"note: {words}\n")
    sys.stderr.flush()


def _failed(found: Diagnostics, format_name: str) -> int:
    from kfspec.cli.reporting import report

    report(found, {}, format_name)
    return 1
