"""How commands report: findings on a stream, and the exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import TextIO

from kfspec.diagnostics import Diagnostics, Severity

FORMATS = ("text", "json", "github", "sarif")
"""What `--format` takes; all but text are modules of `kfspec.views`."""


def report(
    diagnostics: Diagnostics,
    texts: Mapping[str, str],
    format_name: str,
    *,
    quiet: bool = False,
    done: str = "",
    stream: TextIO | None = None,
) -> None:
    """Print findings: for machines on stdout, as text on `stream` (stdout), with `done` last where none is an error."""
    if format_name != "text":
        view: ModuleType = import_module(f"kfspec.views.{format_name}")
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
