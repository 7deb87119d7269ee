"""Plans on standard output."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

import click

from kfspec.cli.targets import colour
from kfspec.planning import Plan


def print_plans(plans: Sequence[Plan], texts: Mapping[str, str], format_name: str = "text") -> None:
    """Print plans one after the other; several as JSON are one array. Raises click.UsageError for several pages of HTML."""
    if format_name == "text":
        from kfspec.views.plan import text

        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 120
        parts = [text.render(plan, texts, colour=colour(sys.stdout), width=width) for plan in plans]
        sys.stdout.write("\n".join(parts))
        return
    if format_name == "html" and len(plans) > 1:
        raise click.UsageError("--format html takes one spec: it is one page")
    view = import_module(f"kfspec.views.plan.{format_name}")
    share = {"limit": view.LIMIT // len(plans)} if format_name == "markdown" else {}  # they are one comment together
    parts = [view.render(plan, **share) for plan in plans]
    if format_name == "json" and len(parts) > 1:
        parts = ["[\n", ",\n".join(part.rstrip("\n") for part in parts), "\n]\n"]
    sys.stdout.write("".join(parts))
