"""Work in other processes gives what it would give here, and leaves no process behind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostics
from kfspec.forking import WORTH_IT, Children
from kfspec.pipeline import build, prepare, together
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The processes that are started, by id."""
    started: list[int] = []
    fork = os.fork

    def noted() -> int:
        child = fork()
        if child:
            started.append(child)
        return child

    monkeypatch.setattr(os, "fork", noted)
    return started


def gone(children: list[int]) -> bool:
    """Whether every one has ended, and was waited for."""
    for child in children:
        with pytest.raises(ChildProcessError):
            os.waitpid(child, os.WNOHANG)
    return True


def work(number: int, there: list[int] | None = None) -> Callable[[], Diagnostics]:
    """Finds one thing for an odd number, and tells in which process."""

    def found() -> Diagnostics:
        if there is not None:
            there.append(os.getpid())  # seen by the parent only if it did the work itself
        return (finding("KF102", f"{number} in {os.getpid()}"),) if number % 2 else ()

    return found


@pytest.mark.parametrize("cores", [1, 2, 3])
def test_the_findings_keep_the_order_of_the_works(
    cores: int, forked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    children = Children()
    here: list[int] = []
    for number in range(9):
        children.begin(work(number, here), WORTH_IT)
    found = children.results()
    assert [[d.message.split()[0] for d in each] for each in found] == [
        [str(number)] if number % 2 else [] for number in range(9)
    ]
    processes = {d.message.split()[-1] for each in found for d in each}
    assert (processes == {str(os.getpid())}) is (cores == 1)
    assert len(here) == (9 if cores == 1 else 0)
    assert children.results() is found  # asked twice, done once
    assert len(forked) == (0 if cores == 1 else 2 * cores)
    assert gone(forked)


def test_little_work_is_done_at_once() -> None:
    children = Children()
    here: list[int] = []
    children.begin(work(1, here), WORTH_IT - 1)
    assert here == []
    children.results()
    assert here == [os.getpid()]


def test_a_mistake_in_a_child_comes_with_its_place(forked: list[int]) -> None:
    def broken() -> Diagnostics:
        raise KeyError("somewhere")

    children = Children()
    children.begin(broken, WORTH_IT)
    children.begin(work(1), WORTH_IT)
    with pytest.raises(RuntimeError, match=r"(?s)a check failed in its own process.*in broken.*KeyError: 'somewhere'"):
        children.results()
    children.abandon()
    assert len(forked) == 2
    assert gone(forked)


def test_who_is_abandoned_ends(forked: list[int]) -> None:
    def long() -> Diagnostics:
        time.sleep(600)
        return ()

    children = Children()
    children.begin(long, WORTH_IT)
    children.abandon()
    assert len(forked) == 1
    assert gone(forked)


def test_a_spec_that_is_judged_apart_has_the_same_findings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kfspec.forking.WORTH_IT", 0)
    text = (ROOT / "examples" / "quickstart" / "kfspec.yaml").read_text(encoding="utf-8")
    spec = tmp_path / "kfspec.yaml"
    spec.write_text(text.replace("minReplicas: 3", "minReplicas: -3").replace("memory: 8Gi", "memory: 8"))
    children = Children()
    prepared = prepare(spec, begin=children.begin)
    (found,) = together([prepared], children.results())
    assert found == build(spec).diagnostics
    assert {d.code for d in found} == {"KF364", "KF386"}
