"""Plans on standard output."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

from kfspec.cli.targets import colour
from kfspec.planning import Plan


def print_plans(plans: Sequence[Plan], texts: Mapping[str, str], format_name: str = "text") -> None:
    """Print plans one after the other; several as JSON are one array."""
    if format_name == "text":
        from kfspec.views.plan import text

        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 120
        parts = [text.render(plan, texts, colour=colour(sys.stdout), width=width) for plan in plans]
        sys.stdout.write("\n".join(parts))
        return
    view = import_module(f"kfspec.views.plan.{format_name}")
    parts = [view.render(plan) for plan in plans]
    if format_name == "json" and len(parts) > 1:
        parts = ["[\n", ",\n".join(part.rstrip("\n") for part in parts), "\n]\n"]
    sys.stdout.write("".join(parts))
