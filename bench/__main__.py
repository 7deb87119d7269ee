"""`make bench`: every speed claim of the README, as a ratio against its peer in the same run."""

from __future__ import annotations

import itertools
import sys
import tempfile
from collections.abc import Iterator
from compileall import compile_dir
from pathlib import Path

from bench import live, workload
from bench.measure import Command, Figure, medians
from bench.peers import binary, isvc_json_schema

BIN = Path(sys.executable).parent
KFSPEC = str(BIN / "kfspec")
QUICKSTART = Path(__file__).parent.parent / "examples" / "quickstart" / "kfspec.yaml"


def figures(work: Path, rounds: int) -> Iterator[Figure]:
    """Every measurement, one after the other."""
    yield from _compiling(work, rounds)
    yield from _validating(work, rounds)
    yield from _starting(rounds * 3)
    yield from live.figures(work, rounds)


def _compiling(work: Path, rounds: int) -> Iterator[Figure]:
    kustomize = str(binary("kustomize"))
    small, large = work / "small", work / "large"
    for directory, count in ((small, 1_000), (large, 10_000)):
        directory.mkdir()
        (directory / "kfspec.yaml").write_text(workload.spec(count))
    overlay = workload.kustomization(work / "by-hand", 1_000)
    compile_small = _compile("kfspec", small)
    peer = Command("kustomize", lambda: [kustomize, "build", str(overlay)])
    times = medians([compile_small, peer], rounds)
    yield Figure("compile 1,000 services / kustomize build", times["kfspec"], times["kustomize"], 1 / 3)
    times = medians([_recompile("again", small), peer], rounds)
    yield Figure("  the same, tree already current", times["again"], times["kustomize"], 1 / 3)
    times = medians([compile_small, _compile("large", large)], max(1, rounds // 2))
    yield Figure("compile 10,000 services / 1,000", times["large"], times["kfspec"], 12)
    _print_sizes(small / "out" / "0" / "bench")


def _compile(name: str, directory: Path) -> Command:
    """A first compile: every round writes into a folder of its own, for removing thousands of files slows a disk down."""
    numbers = itertools.count()

    def arguments() -> list[str]:
        out = directory / "out" / str(next(numbers))
        return [KFSPEC, "compile", str(directory / "kfspec.yaml"), "-o", str(out), "--quiet"]

    return Command(name, arguments)


def _recompile(name: str, directory: Path) -> Command:
    out = directory / "out" / "0"
    return Command(name, lambda: [KFSPEC, "compile", str(directory / "kfspec.yaml"), "-o", str(out), "--quiet"])


def _print_sizes(project: Path) -> None:
    def size(directory: Path) -> int:
        return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())

    base = size(project / "base")
    for environment in sorted(p for p in project.iterdir() if p.name != "base"):
        overlay = size(environment)
        print(f"overlay bytes / base bytes, {environment.name}: {overlay:,} / {base:,} = {overlay / base:.3f}")


def _validating(work: Path, rounds: int) -> Iterator[Figure]:
    manifests = workload.files(work / "manifests", 1_000)
    schema = isvc_json_schema(work / "schema")
    ours = Command("kfspec", lambda: [KFSPEC, "validate", "--manifests", str(manifests), "--quiet"])
    kubeconform = [str(binary("kubeconform")), "-strict", "-schema-location", schema, str(manifests)]
    peer = Command("kubeconform", lambda: kubeconform)
    times = medians([ours, peer], rounds)
    yield Figure("validate --manifests, 1,000 files / kubeconform", times["kfspec"], times["kubeconform"], 1)


def _starting(rounds: int) -> Iterator[Figure]:
    python = sys.executable
    model = "from pydantic import BaseModel\nclass M(BaseModel):\n    a: int\n"
    commands = [
        Command("version", lambda: [KFSPEC, "--version"]),
        Command("pass", lambda: [python, "-c", "pass"]),
        Command("validate", lambda: [KFSPEC, "validate", str(QUICKSTART), "--quiet"]),
        Command("pydantic", lambda: [python, "-c", model]),
    ]
    times = medians(commands, rounds)
    yield Figure("kfspec --version / python -c pass", times["version"], times["pass"], 3)
    yield Figure("kfspec validate (quickstart) / pydantic and one class", times["validate"], times["pydantic"], 2)


def main() -> int:
    """Print the table; exit 1 when a claim is missed."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f"medians of {rounds} interleaved rounds, wall-clock time, kfspec first, its peer second")
    compile_dir(str(Path(__file__).parent.parent / "kfspec"), quiet=1)  # as an installer does
    missed = False
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as work:
        for figure in figures(Path(work), rounds):
            print(figure.line(), flush=True)
            missed |= figure.ratio > figure.at_most
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
