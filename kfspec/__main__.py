"""The console script. `--version` is answered before anything else is imported."""

from __future__ import annotations

import gc
import os
import sys


def main() -> int:
    """Run the command line; returns the exit status of the contract (0, 1, 2, 3, 130)."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from kfspec._version import __version__

        sys.stdout.write(f"kfspec {__version__}\n")
        return 0
    gc.disable()  # a run is short, and its values live as long as it does
    from kfspec.cli import run

    return run()


def script() -> None:
    """The entry point of the command: ends without taking the values of a run apart one by one."""
    status = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


if __name__ == "__main__":
    script()
