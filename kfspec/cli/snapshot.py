"""`kfspec snapshot`: live objects in files, for diffs without credentials."""

from __future__ import annotations

from pathlib import Path

import click

from kfspec.cli.executing import ALLOW_EXEC, execution
from kfspec.cli.targets import choose, target_options


@click.command("snapshot")
@target_options
@ALLOW_EXEC
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder.")
def command(
    specs: tuple[str, ...],
    environment: str | None,
    kubeconfig: Path | None,
    context: str | None,
    allow_exec: bool,
    output: Path,
) -> int:
    """Write what is live of a spec (kfspec.yaml here) to a folder; Secrets are left out.

    `kfspec diff --against snapshot:DIR` then needs no cluster.
    """
    from kfspec.cli import applying
    from kfspec.cluster.recording import record
    from kfspec.cluster.snapshot import SnapshotError
    from kfspec.codes import finding
    from kfspec.diagnostics import has_errors

    if len(specs) > 1:
        raise click.UsageError("a snapshot is of one spec")
    chosen = choose(specs, environment, execution(allow_exec))
    opened = applying.sessions(chosen, kubeconfig, context)
    if opened is None:
        return 1
    try:
        count, found = record(opened[0], output)
    except SnapshotError as error:
        chosen.say((finding("KF404", str(error)),))
        return 1
    if found:
        chosen.say(found)
    click.echo(f"wrote {output}: {count} objects", err=True)
    return int(has_errors(found))
