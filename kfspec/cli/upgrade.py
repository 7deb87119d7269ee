"""`kfspec upgrade`: what another release means to a spec, and the rewrite that it needs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from kfspec.cli.common import DEFAULT_SPEC
from kfspec.cli.executing import ALLOW_EXEC, execution
from kfspec.cli.reporting import report
from kfspec.codes import finding_at
from kfspec.diagnostics import Pos
from kfspec.tree import replace_file
from kfspec.upgrading.values import FileChange, Refused, Upgrade


@click.command("upgrade")
@click.argument("specs", nargs=-1)
@click.option("--to", required=True, metavar="REL", help="A release of Kubeflow; an older one is a way back.")
@click.option("--write", is_flag=True, help="Write the rewrite; else it is printed as a diff.")
@click.option(
    "--rewrite-jobs", is_flag=True, help="Rewrite PyTorchJobs as TrainJobs too, where all of one has a place."
)
@click.option("--format", "format_name", type=click.Choice(("text", "json")), default="text", help="How to print.")
@ALLOW_EXEC
def command(
    specs: tuple[str, ...], to: str, write: bool, rewrite_jobs: bool, format_name: str, allow_exec: bool
) -> int:
    """Tell what another release means to specs (kfspec.yaml here), and rewrite what can be. No cluster is asked.

    Exits 0 when nothing is to do, 1 when something is.
    """
    _known(to)
    from kfspec.upgrading.making import upgrade

    mode = execution(allow_exec, without=True)
    found = [upgrade(Path(spec), to, mode, rewrite_jobs=rewrite_jobs) for spec in specs or (DEFAULT_SPEC,)]
    upgrades = [each for each in found if isinstance(each, Upgrade)]
    refused = [each for each in found if isinstance(each, Refused)]
    for each in refused:
        report(each.diagnostics, each.texts, "text", stream=sys.stderr)
    if refused:
        click.echo("error: an upgrade begins with a spec that has no errors under its own release", err=True)
        return 1
    started = any(each.started for each in upgrades)
    changes = [change for each in upgrades for change in each.files] if write and not started else []
    written = write and not started and not sum(not _write(change) for change in changes)
    _print(upgrades, format_name, written)
    if started:
        return 3
    return int(any(each.remaining if written else each.todo for each in upgrades))


def _known(to: str) -> None:
    """Raises click.UsageError for a release that there is not."""
    from kfspec.catalog import release
    from kfspec.catalog.releases import ALIASES, RELEASES

    known, found = release(to)
    if known is None:
        raise click.UsageError(f"{found[0].message}; one of: {', '.join([*ALIASES, *RELEASES])}")


def _write(change: FileChange) -> bool:
    """Whether the file has its new content; its byte order mark stays."""
    file = Path(change.file)
    try:
        mark = b"\xef\xbb\xbf" if file.read_bytes().startswith(b"\xef\xbb\xbf") else b""
        replace_file(file, mark + change.after.encode())
    except OSError as error:
        problem = finding_at("KF404", f"cannot write '{file}': {error.strerror}", Pos(change.file, 1, 1, 1, 1))
        report((problem,), {}, "text", stream=sys.stderr)
        return False
    return True


def _print(upgrades: list[Upgrade], format_name: str, written: bool) -> None:
    from kfspec.cli.targets import colour
    from kfspec.views import upgrade as view

    if format_name == "json":
        sys.stdout.write(view.render_json(upgrades, written=written))
    else:
        sys.stdout.write("\n".join(view.render(u, colour=colour(sys.stdout), written=written) for u in upgrades))
