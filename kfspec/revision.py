"""A spec as it was at a git revision: its files in a temporary folder, so that it can be compiled like any other; and which
revision it is of.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class RevisionError(Exception):
    """The revision cannot be had; the text is for people."""


@contextmanager
def checked_out(spec: Path, revision: str) -> Iterator[Path]:
    """The path of `spec` in a temporary copy of the work tree at `revision`; the repository is only read.

    Raises RevisionError where there is no repository, no such revision, or no such spec in it.
    """
    try:
        import git  # 90 ms, and only this needs it
    except ImportError as error:  # what the package says where it finds no git
        raise RevisionError("git is not installed") from error
    try:
        repository = git.Repo(spec.resolve().parent, search_parent_directories=True)
        root = Path(str(repository.working_tree_dir)).resolve()
        commit = repository.git.rev_parse("--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except git.InvalidGitRepositoryError as error:
        raise RevisionError(f"'{spec}' is not in a git repository") from error
    except git.GitCommandNotFound as error:
        raise RevisionError("git is not installed") from error
    except git.GitError as error:
        raise RevisionError(f"there is no revision '{revision}' in this repository") from error
    with tempfile.TemporaryDirectory(prefix="kfspec-revision-") as folder:
        copy = Path(folder).resolve() / "tree"
        copy.mkdir()
        try:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            with repository.git.custom_environment(**index):
                repository.git.read_tree(commit)
                repository.git.checkout_index("--all", "--quiet", f"--prefix={copy}{os.sep}")
        except git.GitError as error:
            raise RevisionError(
                f"cannot read revision '{revision}': {str(getattr(error, 'stderr', error)).strip()}"
            ) from error
        (copy / ".git").mkdir(exist_ok=True)  # paths of the spec stay inside the top level, as in the repository
        there = copy / spec.resolve().relative_to(root)
        if not there.is_file():
            raise RevisionError(f"'{spec}' was not there at revision '{revision}'")
        yield there


def committed(files: Iterable[str]) -> str | None:
    """The commit that these files are of; None where they are in no repository, and where anything in their folders is not as it
    was committed: a spec reads what lies beside it. The repository is only read."""
    try:
        import git
    except ImportError:  # git itself is not installed
        return None
    folders = sorted({str(Path(file).resolve().parent) for file in files})
    try:
        repository = git.Repo(folders[0], search_parent_directories=True)
        with repository.git.custom_environment(GIT_OPTIONAL_LOCKS="0"):
            changed = repository.git.status("--porcelain", "--untracked-files=all", "--", *folders)
            return None if changed else str(repository.git.rev_parse("--verify", "--quiet", "HEAD^{commit}"))
    except (git.GitError, IndexError, OSError):
        return None
