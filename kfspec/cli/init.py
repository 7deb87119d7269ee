"""`kfspec init`: a starter project."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from kfspec.cli.common import project_name


@click.command("init")
@click.argument("directory", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--from", "script", type=click.Path(path_type=Path, dir_okay=False), help="A training script to write it around."
)
@click.option("--project", help="The project's name; the directory's otherwise.")
def command(directory: Path, script: Path | None, project: str | None) -> int:
    """Write a commented spec, hooks and a CI job. What is there already is left alone."""
    from kfspec import starter
    from kfspec.includes import project_root

    name = project or project_name(directory.resolve())
    files: dict[str, str] = {}
    if script is None:
        files["kfspec.yaml"] = starter.plain_spec(name)
    else:
        try:
            relative = script.resolve().relative_to(directory.resolve()).as_posix()
        except ValueError as error:
            raise click.UsageError(f"'{script}' stands outside of '{directory}'") from error
        if script.suffix == ".ipynb":
            hint = f"'jupyter nbconvert --to script {script}' makes one of it"
            raise click.UsageError(f"'{script}' is a notebook, and no script: {hint}")
        try:
            known = starter.read_script(script)
        except ValueError as error:  # a zero byte is one too
            raise click.UsageError(f"'{script}' is no UTF-8 text") from error
        except SyntaxError as error:
            line = f"line {error.lineno}: " if error.lineno is not None else ""
            raise click.UsageError(f"'{script}' is no Python: {line}{error.msg}") from error
        except OSError as error:
            raise click.UsageError(f"cannot read '{script}': {error.strerror}") from error
        files["kfspec.yaml"] = starter.spec_for_script(name, relative, known)
        if known.local and "/" not in relative:
            files[".kfspecignore"] = starter.IGNORED
    if project_root(directory / "kfspec.yaml") == directory.resolve():
        files |= starter.gates()
    if (directory / "kfspec.yaml").exists():
        raise click.ClickException(f"'{directory / 'kfspec.yaml'}' exists; init begins where nothing is")
    for file, text in files.items():
        target = directory / file
        if target.exists():
            sys.stdout.write(f"left {target} as it is\n")
            continue
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        except OSError as error:
            raise click.ClickException(f"cannot write '{target}': {error.strerror}") from error
        sys.stdout.write(f"wrote {target}\n")
    sys.stdout.write("next: put your profile's name for 'my-team', then kfspec validate\n")
    return 0
