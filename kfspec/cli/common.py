"""What the commands share: arguments, reporting, exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

import click

from kfspec.diagnostics import Diagnostics, Severity
from kfspec.pipeline import Build, build

DEFAULT_SPEC = "kfspec.yaml"


def builds(specs: Sequence[str], environments: Sequence[str]) -> list[Build]:
    """Every spec through the pipeline. Raises click.UsageError for an environment that none of them declares."""
    results = [build(Path(spec), environments) for spec in specs or (DEFAULT_SPEC,)]
    known_environments(results, environments)
    return results


def known_environments(results: Sequence[Build], environments: Sequence[str]) -> None:
    """Raises click.UsageError for an environment that no spec declares."""
    declared = {name for result in results for name in result.environment_names}
    for name in environments:
        if declared and name not in declared:
            from kfspec.wording import did_you_mean

            hint = did_you_mean(name, declared, f"declared: {', '.join(sorted(declared))}")
            raise click.UsageError(f"no spec declares the environment '{name}'; {hint}")


def report(
    diagnostics: Diagnostics,
    texts: Mapping[str, str],
    format_name: str,
    *,
    quiet: bool = False,
    done: str = "",
    stream: TextIO | None = None,
) -> None:
    """Print findings: JSON on stdout, text on `stream` (stdout), with `done` in the last line where none is an error."""
    if format_name == "json":
        from kfspec.views import json as view

        sys.stdout.write(view.render(diagnostics))
        return
    from kfspec.views import human

    out = stream or sys.stdout
    colour = out.isatty() and not os.environ.get("NO_COLOR")
    text = human.render(diagnostics, texts, colour=colour, done=done)
    if not quiet or any(d.severity is Severity.ERROR for d in diagnostics):
        out.write(text)


def status(diagnostics: Diagnostics, strict: bool = False) -> int:
    """0 clean, 1 with errors, or with warnings under `--strict`."""
    bad = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    return int(any(d.severity in bad for d in diagnostics))
