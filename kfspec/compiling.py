"""A pipeline's source compiled by the KFP SDK: somebody's Python, run in a process of its own and never imported here.

The process gets no variable of ours (they may hold credentials), an empty home folder, and a time limit that ends its children
too. It is no sandbox: it may do what its user may. That is why it needs `--allow-exec`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics, Note

TIMEOUT = 120.0
"""Seconds that a compilation may take; the SDK alone takes about two to import."""
_LARGEST = 32 << 20
_TOLD = 8192
"""Bytes of what the process said that are looked at, from the end."""

NO_SDK, NO_PIPELINE = 3, 4
"""Exit statuses of the process, beside those of Python."""

_SCRIPT = """\
import importlib.util, os, sys
file, name, target = sys.argv[1:]
sys.path.insert(0, os.path.dirname(file))
try:
    from kfp import compiler
    from kfp.dsl.base_component import BaseComponent
    from kfp.dsl.graph_component import GraphComponent
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(3)
spec = importlib.util.spec_from_file_location("pipeline_source", file)
module = importlib.util.module_from_spec(spec)
sys.modules["pipeline_source"] = module
spec.loader.exec_module(module)
found = {key: value for key, value in vars(module).items() if isinstance(value, GraphComponent)}
if name:
    made = getattr(module, name, None)
    if not isinstance(made, BaseComponent):
        known = ", ".join(sorted(found)) or "none"
        print(f"it has no pipeline '{name}'; its pipelines: {known}", file=sys.stderr)
        sys.exit(4)
elif len({id(value) for value in found.values()}) == 1:
    made = next(iter(found.values()))
else:
    known = ", ".join(sorted(found)) or "none"
    print(f"it has not one pipeline, but these: {known}", file=sys.stderr)
    sys.exit(4)
compiler.Compiler().compile(made, target)
"""


def compiled(file: Path, function: str | None, timeout: float = TIMEOUT) -> tuple[bytes | None, Diagnostics]:
    """The package that a source compiles to, or why there is none. Findings have no path."""
    source = file.resolve()
    with tempfile.TemporaryDirectory(prefix="kfspec-compile-") as folder:
        target, said = Path(folder, "package.yaml"), Path(folder, "said.txt")
        command = [sys.executable, "-I", "-B", "-c", _SCRIPT, str(source), function or "", str(target)]
        status = _run(command, source.parent, Path(folder), said, timeout)
        if status is None:
            hint = "a pipeline is compiled, not run: what takes long belongs into its components"
            return None, (finding("KF213", f"compiling it took more than {timeout:g} seconds", (), hint=hint),)
        if status != 0:
            return None, (_failed(status, said),)
        try:
            if target.stat().st_size > _LARGEST:
                return None, (finding("KF213", "what it compiles to is larger than 32 MiB", ()),)
            return target.read_bytes(), ()
        except OSError:
            return None, (finding("KF213", "it compiles to nothing", ()),)


def _run(command: list[str], where: Path, home: Path, said: Path, timeout: float) -> int | None:
    """The exit status; None where time was up. What it prints goes to a file, so that no child of it keeps us waiting."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
    }
    with said.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - no shell; that it runs code is its purpose
            command,
            cwd=where,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and whatever it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _failed(status: int, said: Path) -> Diagnostic:
    lines = [line for line in _last(said).splitlines() if line.strip()]
    last = lines[-1].strip() if lines else f"exit status {status}"
    if status == NO_SDK:
        told = finding("KF213", "the KFP SDK cannot be imported", (), hint="pip install 'kfspec[pipelines]'")
        return told._replace(notes=(Note(last),))
    if status == NO_PIPELINE:
        return finding("KF213", last, (), hint="name one of them: 'source: train.py:pipeline'")
    return finding("KF213", f"it does not compile: {last}", (), hint="run it with the KFP SDK to see all that it says")


def _last(said: Path) -> str:
    with said.open("rb") as output:
        output.seek(max(0, said.stat().st_size - _TOLD))
        return output.read().decode("utf-8", "replace")
