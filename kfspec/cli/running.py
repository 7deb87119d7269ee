"""Executing a plan at a terminal: the question, progress on stderr, and what a signal does."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TextIO

import click

from kfspec.cli.targets import Chosen
from kfspec.cluster.consent import objections
from kfspec.cluster.execution import Event, Happening, Options, execute
from kfspec.cluster.session import Session
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, has_errors
from kfspec.planning import Plan

_FINDINGS = {
    Happening.DIFFERS: "KF604",
    Happening.FAILED: "KF605",
    Happening.STOPPED: "KF606",
}


def agreed(question: str, yes: bool) -> bool:
    """Whether the user consents. Raises click.UsageError where nobody can be asked."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked here: --yes consents")
    return click.confirm(question, err=True)


def refused(chosen: Chosen, sessions: list[Session], plans: list[Plan], options: Options) -> bool:
    """Print what stands against executing the plans; whether anything does."""
    found = [
        diagnostic
        for session, plan in zip(sessions, plans, strict=True)
        for diagnostic in objections(plan, options, session.observer.inventory, session.target.scope.parent)
    ]
    say(chosen, found)
    return has_errors(found)


def run(chosen: Chosen, session: Session, plan: Plan, options: Options) -> bool:
    """Execute a plan and tell each step; whether it ended well."""
    found: list[Diagnostic] = []
    with stoppable(session.client.cancelled, session.client.abort):
        for event in execute(plan, session.client, session.observer, session.target.scope, options):
            code = _FINDINGS.get(event.happening)
            if code is None:
                tell(_line(event))
            else:
                what = f"{event.ref}: " if event.ref is not None else ""
                found.append(finding(code, f"{what}{event.message}", hint=_hint(event)))
    say(chosen, found)
    return not has_errors(found)


def say(chosen: Chosen, found: Sequence[Diagnostic]) -> None:
    """Print findings, if there are any."""
    if found:
        with unread(sys.stderr):
            chosen.say(tuple(found))
            sys.stderr.flush()


def tell(line: str) -> None:
    """A line of progress. Nobody has to read it: what was begun is not left half done because a pipe was closed."""
    with unread(sys.stderr):
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


@contextmanager
def unread(stream: TextIO) -> Iterator[None]:
    """Go on where the reader of `stream` is gone; nothing more is written to it."""
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _line(event: Event) -> str:
    count = f"[{event.done}/{event.total}] " if event.total else ""
    words = {Happening.SKIPPED: "left alone", Happening.WAITING: "waiting", Happening.DELETED: "deleted"}
    done = words.get(event.happening, event.message)
    detail = f": {event.message}" if event.happening in (Happening.SKIPPED, Happening.WAITING) else ""
    return f"{count}{done} {event.ref}{detail}"


def _hint(event: Event) -> str | None:
    if event.happening is Happening.DIFFERS:
        return "see 'kfspec diff'"
    return f"{event.done} of {event.total} done; run it again to go on"


@contextmanager
def stoppable(cancelled: threading.Event, abort: Callable[[], None] | None = None) -> Iterator[None]:
    """The first SIGINT or SIGTERM lets what is under way end and begins nothing more; a second one cuts it off (`abort`)."""

    def stop(number: int, frame: Any) -> None:
        if cancelled.is_set():
            signal.signal(number, before[signal.Signals(number)])
            if abort is not None:
                abort()
            return
        cancelled.set()
        with suppress(OSError):  # not through the stream, which may be in the middle of a line
            os.write(2, b"stopping after what is under way ...\n")

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
