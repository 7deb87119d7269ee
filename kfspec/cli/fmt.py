"""`kfspec fmt`: the one layout of spec files."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from kfspec.cli.common import DEFAULT_SPEC
from kfspec.cli.reporting import report
from kfspec.codes import finding_at
from kfspec.diagnostics import Diagnostic, Pos
from kfspec.tree import replace_file
from kfspec.yamlio.edit import reformat


@click.command("fmt")
@click.argument("files", nargs=-1)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file has another layout.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing unless there are errors.")
def command(files: tuple[str, ...], check: bool, quiet: bool) -> int:
    """Lay out spec files (kfspec.yaml here); comments stay, values never change."""
    found: list[Diagnostic] = []
    texts: dict[str, str] = {}
    changed: list[str] = []
    for file in files or (DEFAULT_SPEC,):
        start = Pos(file, 1, 1, 1, 1)
        try:
            data = Path(file).read_bytes()
        except OSError as error:
            found.append(finding_at("KF001", f"cannot read '{file}': {error.strerror}", start))
            continue
        texts[file] = data.decode("utf-8", "replace")
        text, problems = reformat(data, file)
        found.extend(problems)
        if text is None or text.encode() == data:
            continue
        if not check:
            try:
                replace_file(Path(file), text.encode())
            except OSError as error:
                found.append(finding_at("KF404", f"cannot write '{file}': {error.strerror}", start))
                continue
        changed.append(file)
    if found:
        report(tuple(found), texts, "text", stream=sys.stderr)
    if not quiet:
        for file in changed:
            sys.stdout.write(f"{'would lay out' if check else 'laid out'} {file}\n")
    return int(bool(found) or (check and bool(changed)))
