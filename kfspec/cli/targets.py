"""What the commands that look at a cluster share: one environment of each spec, and the way to its cluster."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import click

from kfspec.cli.common import DEFAULT_SPEC, begun
from kfspec.cli.reporting import report
from kfspec.diagnostics import Diagnostics, has_errors
from kfspec.document import place
from kfspec.packages import Execution
from kfspec.pipeline import Prepared, together

Command = Callable[..., int]


def target_options(command: Command) -> Command:
    """`SPEC... -e ENV --kubeconfig --context`, and words for a cluster that does not answer: exit status 1."""
    return _with_target(command, 1)


def looking_options(command: Command) -> Command:
    """The same for commands whose exit status 1 means changes: 2."""
    return _with_target(command, 2)


def _with_target(command: Command, failed: int) -> Command:
    @functools.wraps(command)
    def guarded(*args: Any, **options: Any) -> int:
        try:
            return command(*args, **options)
        except Exception as error:
            from kfspec.cluster.kubeconfig import ClusterError
            from kfspec.cluster.session import unreachable

            if not isinstance(error, ClusterError):
                raise
            report((unreachable(error),), {}, "text", stream=sys.stderr)
            return failed

    decorated = guarded
    for decorate in (
        click.option("--context", help="The kubeconfig's context; else the environment's `cluster.context`."),
        click.option("--kubeconfig", type=click.Path(path_type=Path), help="Another kubeconfig than $KUBECONFIG."),
        click.option("-e", "--environment", help="Which environment; needed where the spec has several."),
        click.argument("specs", nargs=-1),
    ):
        decorated = decorate(decorated)
    return decorated


class Chosen(NamedTuple):
    """One environment of every spec."""

    prepared: list[Prepared]
    environment: str
    judge: Callable[[], Diagnostics]
    """The findings of all specs; the long part, begun already."""

    @property
    def texts(self) -> dict[str, str]:
        """File -> source, for excerpts."""
        return {file: text for one in self.prepared for file, text in one.build.texts.items()}

    def stop_if_wrong(self) -> bool:
        """Print the findings; whether one is an error, so that nothing may be compared or applied."""
        found = self.judge()
        if found:
            report(found, self.texts, "text", quiet=not has_errors(found), stream=sys.stderr)
        return has_errors(found)

    def say(self, found: Diagnostics) -> None:
        """Print findings that came up later."""
        placed = [self._placed(one) for one in found]
        report(tuple(placed), self.texts, "text", stream=sys.stderr)

    def _placed(self, diagnostic: Any) -> Any:
        for one in self.prepared:
            environment = one.environment(self.environment)
            if environment is not None and diagnostic.path:
                return place(environment.document, (diagnostic,))[0]
        return diagnostic


def choose(specs: Sequence[str], environment: str | None, execution: Execution = Execution.REFUSED) -> Chosen:
    """Read and lower the specs. Raises click.UsageError where it is not clear which environment is meant."""
    prepared, children = begun(specs or (DEFAULT_SPEC,), (environment,) if environment else (), execution)
    declared = list(dict.fromkeys(name for one in prepared for name in one.build.environment_names))
    if environment is None and len(declared) > 1:
        children.abandon()
        raise click.UsageError(f"say which environment with -e: {', '.join(declared)}")

    def judge() -> Diagnostics:
        return tuple(chain.from_iterable(together(prepared, children.results())))

    return Chosen(prepared, environment or (declared[0] if declared else ""), judge)


def colour(stream: Any) -> bool:
    """Whether to colour what is written there."""
    return bool(stream.isatty() and not os.environ.get("NO_COLOR"))
