"""`kfspec schema`: the JSON Schema of a spec."""

from __future__ import annotations

import sys

import click


@click.command("schema")
def command() -> int:
    """Print the JSON Schema of a spec: editors complete, explain and check by it while one types."""
    from kfspec.views.schema import render

    sys.stdout.write(render())
    return 0
