"""`kfspec explain CODE`: what a finding means, and what to do."""

from __future__ import annotations

import sys

import click

from kfspec.codes import CODES
from kfspec.wording import did_you_mean


@click.command("explain")
@click.argument("code")
def command(code: str) -> int:
    """Tell what a finding's code means."""
    entry = CODES.get(code.upper()) or next((c for c in CODES.values() if c.slug == code), None)
    if entry is None:
        hint = did_you_mean(code.upper(), CODES, "codes are KF and three digits")
        raise click.UsageError(f"there is no code '{code}'; {hint}")
    from kfspec.views.codes import render_code

    sys.stdout.write(render_code(entry))
    return 0
