"""Compile tests/ir/sources again, with the KFP SDK that is installed: `python -m tests.ir.compile [DIR]`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).parent
PACKAGES = HERE / "packages"
SOURCES = tuple(sorted(path.stem for path in (HERE / "sources").glob("*.py") if path.stem != "__init__"))


def compile_all(target: Path) -> None:
    """Write a package for each source."""
    from kfp import compiler

    for name in SOURCES:
        module = importlib.import_module(f"tests.ir.sources.{name}")
        compiler.Compiler().compile(module.pipeline, str(target / f"{name}.yaml"))


if __name__ == "__main__":
    compile_all(Path(sys.argv[1]) if len(sys.argv) > 1 else PACKAGES)
