"""`kfspec catalog import`: schemas from CustomResourceDefinitions."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.group("catalog")
def command() -> None:
    """Schemas of releases."""


@command.command("import")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--release", "name", required=True, help="The release that the CRDs belong to.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write; the catalogue's own folder.")
def import_(directory: Path, name: str, output: Path | None) -> int:
    """Derive compact schemas from a directory of CRDs and the kustomize patches beside them."""
    from kfspec.catalog import SCHEMAS, release
    from kfspec.catalog.importer import import_directory

    known, found = release(name)
    if known is None:
        raise click.UsageError(f"{found[0].message}; {found[0].hint}")
    try:
        components = import_directory(directory, known.name, output or SCHEMAS)
    except (OSError, ValueError, KeyError) as error:
        raise click.ClickException(f"{directory}: {error}") from error
    sys.stdout.write(f"{known.name}: {', '.join(components)}\n")
    return 0
