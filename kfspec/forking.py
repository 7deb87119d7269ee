"""Work in a second process, where there is one core more to use and nothing has to be copied to it.

A forked child sees what the parent has made so far. It gives back findings only, which are few and most often none.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from kfspec.diagnostics import Diagnostics

WORTH_IT = 200
"""Objects from which a fork costs less than it saves."""


def in_child(work: Callable[[], Diagnostics], objects: int) -> Callable[[], Diagnostics]:
    """Start `work` in a child process; the result waits for it and gives its findings.

    Where the system cannot fork, or the work is small, it is done when the result is asked for. An exception in the child
    is raised again as RuntimeError with the child's traceback.
    """
    if objects < WORTH_IT or not hasattr(os, "fork") or (os.cpu_count() or 1) < 2:
        return work
    sys.stdout.flush()
    sys.stderr.flush()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _work(work, writing)
    os.close(writing)

    def result() -> Diagnostics:
        with os.fdopen(reading, "rb") as pipe:
            data = pipe.read()
        _, status = os.waitpid(child, 0)
        if not data and status == 0:
            return ()
        if status != 0:
            raise RuntimeError(f"a check failed in its own process:\n{data.decode('utf-8', 'replace')}")
        import pickle

        found: Diagnostics = pickle.loads(data)  # noqa: S301 - from our own child
        return found

    return result


def _work(work: Callable[[], Diagnostics], writing: int) -> None:
    """The child's life: no handler of the parent runs in it, and it ends here."""
    status = 1
    try:
        with os.fdopen(writing, "wb") as pipe:
            try:
                found = work()
            except BaseException:
                import traceback

                pipe.write(traceback.format_exc().encode())
            else:
                if found:
                    import pickle

                    pipe.write(pickle.dumps(found))
                status = 0
    finally:
        os._exit(status)
