"""The tree on disk: whole or untouched, own files only, byte for byte the same every time."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from kfspec.cli.compile import command as compile_command
from kfspec.kustomize import MARKER, render
from kfspec.pipeline import build
from kfspec.tree import Written, stale, write
from tests.conftest import ROOT

OLD = {"p/base/a.yaml": MARKER + "a: 1\n", "p/base/b.yaml": MARKER + "b: 1\n", "p/dev/c.yaml": MARKER + "c: 1\n"}
NEW = {"p/base/a.yaml": MARKER + "a: 2\n", "p/base/b.yaml": MARKER + "b: 1\n", "p/prod/d.yaml": MARKER + "d: 1\n"}


def content(folder: Path) -> dict[str, str]:
    """Every file below a folder."""
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_what_changed_is_written_and_what_is_stale_goes(tmp_path: Path) -> None:
    out = tmp_path / "overlays"
    assert write(OLD, out, tmp_path) == (Written(tuple(sorted(OLD)), (), (), 0), ())
    before = (out / "p/base/b.yaml").stat().st_mtime_ns
    assert write(OLD, out, tmp_path) == (Written((), (), (), 3), ())
    written, found = write(NEW, out, tmp_path)
    assert (written, found) == (Written(("p/prod/d.yaml",), ("p/base/a.yaml",), ("p/dev/c.yaml",), 1), ())
    assert content(out) == NEW
    assert not (out / "p" / "dev").exists()
    assert (out / "p/base/b.yaml").stat().st_mtime_ns == before
    assert [p.name for p in out.iterdir()] == ["p"]


def test_foreign_files_stay_and_are_told(tmp_path: Path) -> None:
    out = tmp_path / "overlays"
    write(OLD, out, tmp_path)
    (out / "p" / "base" / "notes.txt").write_text("mine")
    (out / "p" / "link").symlink_to(tmp_path)
    (out / "other").mkdir()
    (out / "other" / "x.yaml").write_text("x: 1\n")
    _, found = write(NEW, out, tmp_path)
    assert [(d.code, str(d.severity), d.message) for d in found] == [
        ("KF402", "warning", f"'{out}/p/base/notes.txt' is not kfspec's; it was left as it is"),
        ("KF402", "warning", f"'{out}/p/link' is not kfspec's; it was left as it is"),
    ]
    assert (out / "p/base/notes.txt").read_text() == "mine"
    assert (out / "p" / "link").readlink() == tmp_path
    assert (out / "other" / "x.yaml").exists()


def test_a_foreign_file_in_the_way_stops_everything(tmp_path: Path) -> None:
    out = tmp_path / "overlays"
    write(OLD, out, tmp_path)
    (out / "p" / "prod").mkdir()
    (out / "p" / "prod" / "d.yaml").write_text("mine: 1\n")
    before = content(out)
    written, found = write(NEW, out, tmp_path)
    assert written == Written()
    assert [(d.code, d.message) for d in found] == [
        ("KF400", f"'{out}/p/prod/d.yaml' is not kfspec's, and stands where a compiled file must be")
    ]
    assert content(out) == before


def test_check_names_each_file_that_is_not_current(tmp_path: Path) -> None:
    out = tmp_path / "overlays"
    write(OLD, out, tmp_path)
    assert stale(OLD, out) == ()
    assert {d.code for d in stale(NEW, out)} == {"KF401"}
    assert [d.message for d in stale(NEW, out)] == [
        f"'{out}/p/base/a.yaml' is not what the spec compiles to",
        f"'{out}/p/dev/c.yaml' is left over",
        f"'{out}/p/prod/d.yaml' is missing",
    ]


def test_copied_files_are_own_and_go_with_their_environment(tmp_path: Path) -> None:
    out = tmp_path / "overlays"
    tree, found = render("p", (), {"prod": ()}, {"prod": {"secrets.enc.yaml": b"sops: 1\n"}})
    assert found == ()
    write(tree, out, tmp_path)
    assert (out / "p/prod/encrypted/secrets.enc.yaml").read_bytes() == b"sops: 1\n"
    tree, _ = render("p", (), {"prod": ()}, {})
    _, found = write(tree, out, tmp_path)
    assert found == ()
    assert sorted(content(out)) == ["p/prod/kustomization.yaml"]


def test_a_killed_writer_leaves_the_old_tree_or_the_new_one(tmp_path: Path) -> None:
    many = {f"p/base/{n}.yaml": MARKER + f"n: {n}\n" for n in range(400)}
    old = {path: text + "# old\n" for path, text in many.items()}
    new = {**{path: text + "# new\n" for path, text in many.items()}, "p/base/more.yaml": MARKER}
    program = (
        "import sys, json; from pathlib import Path; from kfspec.tree import write; print('go', flush=True);"
        "write(json.load(sys.stdin), Path(sys.argv[1]), Path(sys.argv[1]).parent)"
    )
    rng = random.Random(3)
    seen = set()
    for attempt in range(25):
        out = tmp_path / f"overlays-{attempt}"
        write(old, out, tmp_path)
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(out)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        process.stdin.write(json.dumps(new).encode())
        process.stdin.close()
        time.sleep(rng.uniform(0.0, 0.06))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        state = {path: text for path, text in content(out).items() if not path.startswith(".")}
        assert state in (old, new)
        seen.add(state == new)
        write(new, out, tmp_path)
        assert content(out) == new
    assert seen  # both outcomes are right; which one occurs is a matter of time


def test_an_interrupt_while_the_objects_are_judged_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr("kfspec.forking.Children.results", interrupted)
    out = tmp_path / "overlays"
    spec = str(ROOT / "examples" / "quickstart" / "kfspec.yaml")
    with pytest.raises(click.Abort):
        compile_command.main([spec, "-o", str(out), "-q"], standalone_mode=False)
    assert not out.exists()


@pytest.mark.parametrize("seed", ["1", "77", "4096"])
def test_the_bytes_do_not_depend_on_hash_seeds(seed: str, tmp_path: Path) -> None:
    """Another hash seed and locale for each run: sets and dictionaries must not decide an order."""
    spec = ROOT / "tests" / "specs" / "notebooks.yaml"
    environment = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": "C"}
    command = [sys.executable, "-m", "kfspec", "compile", str(spec), "-o", str(tmp_path / "out"), "--quiet"]
    subprocess.run(command, check=True, env=environment)
    result = build(spec)
    tree, _ = render(result.project or "", result.base, result.environments, result.files)
    assert content(tmp_path / "out") == tree
