"""Which commit the files of a spec are of."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kfspec.revision import committed


def git(folder: Path, *arguments: str) -> str:
    """What git says."""
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A spec, what it includes from another folder, and a folder that is none of its business; committed."""
    for name in ("team/kfspec.yaml", "team/src/train.py", "common/parts.yaml", "other/notes.txt"):
        path = tmp_path / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a\n")
    work = tmp_path / "work"
    (work / ".gitignore").write_text("*.log\n")
    git(work, "init", "-q")
    git(work, "add", ".")
    git(work, "commit", "-qm", "a")
    return work


def of(repository: Path) -> str | None:
    """The commit of the spec and of what it includes."""
    return committed([str(repository / "team" / "kfspec.yaml"), str(repository / "common" / "parts.yaml")])


def test_what_is_as_it_was_committed_is_of_that_commit(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    (repository / "other" / "notes.txt").write_text("b\n")
    (repository / "other" / "new.txt").write_text("b\n")
    (repository / "team" / "run.log").write_text("b\n")
    before = (repository / ".git" / "index").read_bytes()
    assert of(repository) == head
    assert (repository / ".git" / "index").read_bytes() == before


@pytest.mark.parametrize("name", ["team/kfspec.yaml", "team/src/train.py", "team/src/new.py", "common/parts.yaml"])
def test_what_is_not_is_of_none(repository: Path, name: str) -> None:
    (repository / name).write_text("b\n")
    assert of(repository) is None
    git(repository, "add", ".")
    assert of(repository) is None
    git(repository, "commit", "-qm", "b")
    assert of(repository) == git(repository, "rev-parse", "HEAD")


def test_outside_of_a_repository_and_before_the_first_commit_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "kfspec.yaml").write_text("a\n")
    assert committed([str(tmp_path / "kfspec.yaml")]) is None
    assert committed([]) is None
    (tmp_path / "new").mkdir()
    git(tmp_path / "new", "init", "-q")
    assert committed([str(tmp_path / "new" / "kfspec.yaml")]) is None
    assert committed([str(tmp_path / "gone" / "kfspec.yaml")]) is None


def test_without_git_there_is_none(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "git", None)
    assert of(repository) is None
