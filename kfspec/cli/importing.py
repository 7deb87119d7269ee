"""`kfspec import`: a spec for existing manifests."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from kfspec.cli.common import project_name
from kfspec.cli.reporting import report, status


@click.command("import")
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="A new file; standard output if not given."
)
@click.option("--project", help="The project's name; the directory's otherwise.")
@click.option("--kubeflow", default="1.10", show_default=True, help="The release that the manifests are for.")
@click.option(
    "--component",
    "components",
    multiple=True,
    metavar="NAME=VERSION",
    help="A component at another version than the release's (trainer=2.2.0).",
)
def command(
    paths: tuple[str, ...], output: Path | None, project: str | None, kubeflow: str, components: tuple[str, ...]
) -> int:
    """Write a spec for existing manifests: files, directories, or `-`."""
    from kfspec.diagnostics import has_errors
    from kfspec.importing import import_manifests
    from kfspec.yamlio.compose import compose

    if output is not None and output.exists():
        raise click.ClickException(f"'{output}' exists; import writes new files only")
    versions = dict(each.partition("=")[::2] for each in components)
    if not all(versions.values()):
        raise click.UsageError("--component takes NAME=VERSION, as trainer=2.2.0")
    name = project or project_name(output.resolve().parent if output is not None else Path.cwd())
    imported = import_manifests(paths, name, kubeflow, versions)
    lifted = imported.objects - imported.passed_through
    done = f"{imported.objects} object{'s' * (imported.objects != 1)} imported, {lifted} in blocks of their own"
    if imported.objects:
        text = compose(imported.spec)
        if output is None:
            sys.stdout.write(text)
        else:
            try:
                output.write_text(text, encoding="utf-8")
            except OSError as error:
                raise click.ClickException(f"cannot write '{output}': {error.strerror}") from error
    report(imported.diagnostics, imported.texts, "text", done=done, stream=sys.stderr)
    return status(imported.diagnostics) if not has_errors(imported.diagnostics) else 1
