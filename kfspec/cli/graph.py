"""`kfspec graph`: what feeds what, across the environments of specs."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kfspec.cli.common import DEFAULT_SPEC, known_environments
from kfspec.cli.reporting import report
from kfspec.diagnostics import has_errors
from kfspec.packages import Execution
from kfspec.pipeline import Prepared, prepare

if TYPE_CHECKING:
    from kfspec.lineage.values import Graph

FORMATS = ("mermaid", "dot", "json", "html")
"""Modules of `kfspec.views.graph`."""


@click.command("graph")
@click.argument("specs", nargs=-1)
@click.option("-e", "--environment", "environments", multiple=True, help="Only this environment (repeatable).")
@click.option("--format", "format_name", type=click.Choice(FORMATS), default="mermaid", help="How to print.")
@click.option("--focus", "items", multiple=True, metavar="ITEM", help="What feeds `block.item`, and what it feeds.")
@click.option("--depth", type=click.IntRange(min=0), help="With --focus: at most so many steps away.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file; standard output if not given."
)
def command(
    specs: tuple[str, ...],
    environments: tuple[str, ...],
    format_name: str,
    items: tuple[str, ...],
    depth: int | None,
    output: Path | None,
) -> int:
    """Show what feeds what in specs (kfspec.yaml here). No cluster is asked, no code executed, and nothing judged."""
    if depth is not None and not items:
        raise click.UsageError("--depth goes with --focus")
    prepared = [prepare(Path(spec), environments, Execution.PASSED_OVER) for spec in specs or (DEFAULT_SPEC,)]
    known_environments([spec.build for spec in prepared], environments)
    if any(_broken(spec) for spec in prepared):
        found = tuple(finding for spec in prepared for finding in spec.judge())
        texts = {file: text for spec in prepared for file, text in spec.build.texts.items()}
        if has_errors(found):
            report(found, texts, "text", stream=sys.stderr)
            return 1
    from kfspec.lineage.making import graph

    made = _focused(graph(prepared), items, depth)
    if format_name == "mermaid":
        _warn_of_size(made)
    _write(import_module(f"kfspec.views.graph.{format_name}").render(made), output)
    return 0


def _broken(spec: Prepared) -> bool:
    """Whether a part of the spec became no objects, so that the graph would not be the whole of it."""
    return has_errors(spec.build.diagnostics) or any(has_errors(result.diagnostics) for result in spec.results)


def _focused(made: Graph, items: tuple[str, ...], depth: int | None) -> Graph:
    """The part of the graph that `--focus` asks for. Raises click.UsageError for what is no node, or several."""
    from kfspec.lineage.narrowing import find, focus
    from kfspec.wording import did_you_mean

    chosen = []
    for text in items:
        nodes = find(made, text)
        if not nodes:
            hint = did_you_mean(
                text, (n for node in made.nodes for n in (node.label, node.name)), "name it as `block.item`"
            )
            raise click.UsageError(f"nothing in the graph is called '{text}'; {hint}")
        if len(nodes) > 1:
            raise click.UsageError(f"'{text}' may be any of: {', '.join(node.id for node in nodes)}")
        chosen.append(nodes[0].id)
    return focus(made, chosen, depth) if chosen else made


def _warn_of_size(made: Graph) -> None:
    from kfspec.views.graph.mermaid import MANY

    if len(made.nodes) > MANY:
        click.echo(
            f"note: a chart of {len(made.nodes):,} nodes is hard to read, and GitHub draws none with over 500 edges; "
            "'--focus ITEM --depth N' or '-e ENV' narrows it, '--format html' can be searched",
            err=True,
        )


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write '{output}': {error.strerror}") from error
