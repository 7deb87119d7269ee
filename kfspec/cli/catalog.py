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
@click.option("--release", "name", help="The release that the CRDs belong to.")
@click.option("--component", "parts", metavar="NAME=VERSION", multiple=True, help="Or single components' versions.")
@click.option("--borrow", metavar="VERSION:KIND,...", multiple=True, help="Kinds to check as another version has them.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write; the catalogue's own folder.")
def import_(
    directory: Path, name: str | None, parts: tuple[str, ...], borrow: tuple[str, ...], output: Path | None
) -> int:
    """Derive compact schemas from a directory of CRDs and the kustomize patches beside them."""
    from kfspec.catalog import SCHEMAS, release
    from kfspec.catalog.importer import import_components, import_directory

    if (name is None) is not bool(parts):
        raise click.UsageError("give --release or --component")
    if parts:
        versions = {component: version for component, _, version in (part.partition("=") for part in parts)}
        borrowed = {other: kinds.split(",") for other, _, kinds in (entry.partition(":") for entry in borrow)}
        try:
            import_components(directory, versions, borrowed, output or SCHEMAS)
        except (OSError, ValueError, KeyError) as error:
            raise click.ClickException(f"{directory}: {error}") from error
        sys.stdout.write("".join(f"{component} {version}\n" for component, version in versions.items()))
        return 0
    known, found = release(name or "")
    if known is None:
        raise click.UsageError(f"{found[0].message}; {found[0].hint}")
    try:
        components = import_directory(directory, known.name, output or SCHEMAS)
    except (OSError, ValueError, KeyError) as error:
        raise click.ClickException(f"{directory}: {error}") from error
    sys.stdout.write(f"{known.name}: {', '.join(components)}\n")
    return 0
