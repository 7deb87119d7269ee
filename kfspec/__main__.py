"""The console script. `--version` is answered before anything else is imported."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; returns the exit status of the contract (0, 1, 2, 3, 130)."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from kfspec._version import __version__

        sys.stdout.write(f"kfspec {__version__}\n")
        return 0
    from kfspec.cli import run

    return run()


if __name__ == "__main__":
    raise SystemExit(main())
