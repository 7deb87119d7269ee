"""The flag that lets a spec's own code run, for the commands that compile it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from kfspec.packages import Execution

ALLOW_EXEC = click.option(
    "--allow-exec", is_flag=True, help="Compile pipelines from their 'source:', which runs those files."
)


def execution(allowed: bool, *, without: bool = False) -> Execution:
    """What the flag means. `without`: the command can do its work without what a source compiles to."""
    from kfspec.packages import Execution  # with it comes all that reads a spec

    if allowed:
        return Execution.ALLOWED
    return Execution.PASSED_OVER if without else Execution.REFUSED
