"""The command line: a lazy table of commands, and the one edge where errors end."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from types import ModuleType

import click

from kfspec._version import __version__

COMMANDS = {
    "init": ("init", "Begin a project, or write a spec around a script."),
    "validate": ("validate", "Check a spec, or plain manifests, offline."),
    "compile": ("compile", "Write a spec's kustomize base and overlays."),
    "graph": ("graph", "Show what feeds what."),
    "diff": ("diff", "Print what applying a spec would do."),
    "apply": ("apply", "Do what the plan says."),
    "status": ("status", "Tell how ready each item is, and how its runs ended."),
    "gc": ("gc", "Delete finished runs beyond each item's history."),
    "destroy": ("destroy", "Delete a project's objects from a cluster."),
    "snapshot": ("snapshot", "Write live objects to files, for diffs without credentials."),
    "watch": ("watch", "Repeat the diff, and tell each change."),
    "sync": ("sync", "Make KFP or Model Registry hold what payloads say."),
    "import": ("importing", "Write a spec for existing manifests."),
    "upgrade": ("upgrade", "Tell what another release means to a spec, and rewrite it."),
    "fmt": ("fmt", "Lay out spec files; comments stay."),
    "schema": ("schema", "Print the JSON Schema of a spec, for editors."),
    "explain": ("explain", "Tell what a finding's code means."),
    "catalog": ("catalog", "Derive schemas from CustomResourceDefinitions."),
}
"""Command -> module below `kfspec.cli`, and what `--help` says."""


class _Commands(click.Group):
    """Imports a command when it is called, not to list it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = import_module(f"kfspec.cli.{entry[0]}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from kfspec.wording import did_you_mean

            hint = did_you_mean(args[0], COMMANDS, "see 'kfspec --help'")
            raise click.UsageError(f"there is no command '{args[0]}'; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", "-V", message="kfspec %(version)s")
def cli() -> None:
    """terraform plan for Kubeflow: one spec file, validated, compared, compiled into kustomize overlays."""


def _without_plugins() -> None:
    """pydantic looks for plugins in the metadata of every installed package, which costs more than a small spec; its own
    switch leaves the import of what reads metadata, a tenth of a small run."""
    finder = ModuleType("pydantic.plugin._loader")
    finder.get_plugins = tuple  # type: ignore[attr-defined]
    sys.modules.setdefault(finder.__name__, finder)


def run() -> int:
    """Run the command that `sys.argv` names; every error ends here, as an exit status and plain words."""
    _without_plugins()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        status = cli.main(standalone_mode=False, prog_name="kfspec")
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter complains about it at its end
        return 0
    except Exception as error:
        return _internal(error)


def _internal(error: Exception) -> int:
    """A mistake of kfspec's own: the details go into a file, and the user is told where."""
    import tempfile
    import traceback

    if os.environ.get("KFSPEC_DEBUG"):
        raise error
    with tempfile.NamedTemporaryFile("w", prefix="kfspec-", suffix=".log", delete=False) as log:
        log.write(f"kfspec {__version__}, Python {sys.version}\n{' '.join(sys.argv)}\n\n")
        log.write("".join(traceback.format_exception(error)))
    sys.stderr.write(
        f"error[KF900]: kfspec failed: {type(error).__name__}: {error}\n"
        f"   = help: this is a mistake of kfspec, not yours; please report it with {log.name}\n"
    )
    return 3
