"""Work in other processes, where there are more cores to use and nothing has to be copied to it.

A forked child sees what the parent has made so far. It gives back findings only, which are few and most often none.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from kfspec.diagnostics import Diagnostics

WORTH_IT = 100
"""Objects from which a fork costs less than it saves."""

Work: TypeAlias = Callable[[], Diagnostics]


class _Child(NamedTuple):
    """A process, where its findings can be read, and which works it does."""

    pid: int
    reading: int
    share: Sequence[int]


class Children:
    """Works that are done in child processes while the parent goes on; the first of them start at once, as many as there are
    cores, and the others when the result is asked for or `all_begun`.

    Where the system cannot fork, and where a work is small, it is done when the result is asked for.
    """

    def __init__(self) -> None:
        self._cores = (os.cpu_count() or 1) if hasattr(os, "fork") else 1
        self._works: list[Work] = []
        self._waiting: list[int] = []
        self._here: list[int] = []
        self._children: list[_Child] = []
        self._found: list[Diagnostics] | None = None

    def abandon(self) -> None:
        """End those that nobody will wait for."""
        for child in self._children:
            os.kill(child.pid, signal.SIGKILL)
            os.close(child.reading)
            os.waitpid(child.pid, 0)
        self._children = []

    def begin(self, work: Work, objects: int) -> None:
        """Take on one more. `objects`: how many it has to look at."""
        number = len(self._works)
        self._works.append(work)
        if objects < WORTH_IT or self._cores < 2:
            self._here.append(number)
        elif len(self._children) < self._cores:
            self._start([number])
        else:
            self._waiting.append(number)

    def all_begun(self) -> None:
        """No other work comes: those that wait are dealt out."""
        waiting, self._waiting = self._waiting, []
        for n in range(min(self._cores, len(waiting))):
            self._start(waiting[n :: self._cores])

    def results(self) -> list[Diagnostics]:
        """The findings of every work, in order; waits for them. An exception in a child is raised again as RuntimeError with
        the child's traceback."""
        if self._found is not None:
            return self._found
        self.all_begun()
        found: list[Diagnostics] = [()] * len(self._works)
        for number in self._here:
            found[number] = self._works[number]()
        while self._children:
            child = self._children.pop()
            for number, findings in zip(child.share, _wait(child) or [()] * len(child.share), strict=True):
                found[number] = findings
        self._found = found
        return found

    def _start(self, share: Sequence[int]) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            _work([self._works[number] for number in share], writing)
        os.close(writing)
        self._children.append(_Child(pid, reading, share))


def _wait(child: _Child) -> list[Diagnostics]:
    """What a child found; nothing at all where there was nothing."""
    with os.fdopen(child.reading, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(child.pid, 0)
    if status != 0:
        raise RuntimeError(f"a check failed in its own process:\n{data.decode('utf-8', 'replace')}")
    if not data:
        return []
    import pickle

    found: list[Diagnostics] = pickle.loads(data)  # noqa: S301 - from our own child
    return found


def _work(works: Sequence[Work], writing: int) -> None:
    """The child's life: no handler of the parent runs in it, and it ends here."""
    status = 1
    try:
        with os.fdopen(writing, "wb") as pipe:
            try:
                found = [work() for work in works]
            except BaseException:
                import traceback

                pipe.write(traceback.format_exc().encode())
            else:
                if any(found):
                    import pickle

                    pipe.write(pickle.dumps(found))
                status = 0
    finally:
        os._exit(status)
