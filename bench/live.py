"""diff and apply against a real API server, beside kubectl: the same objects, one run, nothing else on the server."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench import workload
from bench.measure import Command, Figure, medians, seconds
from kfspec.catalog import release
from kfspec.catalog.crds import crds
from kfspec.yamlio.dump import dump
from tests.support.controlplane import ControlPlane, running

BIN = Path(sys.executable).parent
KFSPEC, KUBECTL = str(BIN / "kfspec"), str(BIN / "kubectl")
COUNT, CHANGED, LARGE = 1_000, 10, 10_000


def figures(work: Path, rounds: int) -> Iterator[Figure]:
    """Every measurement; kubectl has its objects in a namespace of its own, applied by itself."""
    known, _ = release("1.10")
    assert known is not None
    with running() as plane:
        plane.install_crds(crds(known))
        plane.create_namespace("kubeflow")
        yield from _first_apply(plane, work, rounds)
        yield from _diffs(plane, work, rounds)
    with running() as plane:
        plane.install_crds(crds(known))
        plane.create_namespace("kubeflow")
        _memory(plane, work / "large")


def _first_apply(plane: ControlPlane, work: Path, rounds: int) -> Iterator[Figure]:
    """Every time into a new namespace."""
    ours, theirs = _namespaces(plane, "ours"), _namespaces(plane, "theirs")

    def kfspec() -> list[str]:
        name = next(ours)
        return _kfspec(plane, "apply", _spec(work / name, name, COUNT), "--yes", "--quiet")

    def kubectl() -> list[str]:
        name = next(theirs)
        return _kubectl(plane, "apply", _manifests(work / name, name, COUNT))

    times = medians([Command("kfspec", kfspec), Command("kubectl", kubectl)], rounds)
    claim = f"first apply of {COUNT:,} / kubectl apply --server-side"
    yield Figure(claim, times["kfspec"], times["kubectl"], 1)


def _namespaces(plane: ControlPlane, whose: str) -> Iterator[str]:
    for n in itertools.count():
        plane.create_namespace(f"{whose}-{n}")
        yield f"{whose}-{n}"


def _diffs(plane: ControlPlane, work: Path, rounds: int) -> Iterator[Figure]:
    spec, manifests = work / "ours-0" / "kfspec.yaml", work / "theirs-0" / "manifests.yaml"
    noop = Command("kfspec", lambda: _kfspec(plane, "diff", spec))
    peer = Command("kubectl", lambda: _kubectl(plane, "diff", manifests))
    times = medians([noop, peer], rounds)
    yield Figure(f"diff of {COUNT:,} unchanged / kubectl diff --server-side", times["kfspec"], times["kubectl"], 1 / 8)
    changed = _spec(work / "changed", "ours-0", COUNT, CHANGED)
    others = _manifests(work / "changed", "theirs-0", COUNT, CHANGED)
    ours = Command("kfspec", lambda: _kfspec(plane, "diff", changed), status=1)
    peer = Command("kubectl", lambda: _kubectl(plane, "diff", others), status=1)
    times = medians([ours, peer], rounds)
    yield Figure(f"  the same, {CHANGED} of them changed", times["kfspec"], times["kubectl"], 1 / 6)


def _memory(plane: ControlPlane, folder: Path) -> None:
    """Peak memory of a diff of ten thousand objects, stage by stage."""
    plane.create_namespace("large")
    spec = _spec(folder, "large", LARGE)
    seconds(Command("kfspec", lambda: _kfspec(plane, "apply", spec, "--yes", "--quiet")))
    command = [sys.executable, "-m", "bench.memory", str(spec), str(plane.kubeconfig)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own module
    print(done.stdout, end="")


def _spec(folder: Path, namespace: str, count: int, changed: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "kfspec.yaml"
    path.write_text(workload.live_spec(namespace, count, changed))
    return path


def _manifests(folder: Path, namespace: str, count: int, changed: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "manifests.yaml"
    path.write_text("---\n".join(map(dump, workload.objects(count, namespace, changed))))
    return path


def _kfspec(plane: ControlPlane, command: str, spec: Path, *more: str) -> list[str]:
    return [KFSPEC, command, str(spec), "--kubeconfig", str(plane.kubeconfig), *more]


def _kubectl(plane: ControlPlane, command: str, manifests: Path) -> list[str]:
    return [KUBECTL, command, "--kubeconfig", str(plane.kubeconfig), "--server-side", "-f", str(manifests)]
