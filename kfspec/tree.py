"""The compiled tree on disk: written whole or not at all, and compared with what a spec compiles to.

A project's directory is built beside the old one and put in its place in one step, so a process that dies at any moment
leaves the old tree or the new one. Files that kfspec did not write are carried over, never changed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics, Pos, Severity, has_errors
from kfspec.kustomize import ENCRYPTED, MARKER

_MARKER = MARKER.encode()


class Written(NamedTuple):
    """What a write did: paths below the output directory."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: int = 0


class _Existing(NamedTuple):
    """What stands in a project's directory: own files with their content, and what is foreign."""

    own: dict[str, bytes]
    foreign: tuple[str, ...]


class Pending(NamedTuple):
    """A tree that is built beside the old one and waits to take its place."""

    plans: tuple[_Plan, ...] = ()
    diagnostics: Diagnostics = ()
    lock: int | None = None
    made: tuple[Path, ...] = ()
    """Directories that were made for it, outermost first."""

    def commit(self) -> tuple[Written, Diagnostics]:
        """Put it in its place. With an error among the findings, nothing is changed."""
        if has_errors(self.diagnostics):
            self.abandon()
            return Written(), self.diagnostics
        try:
            for plan in self.plans:
                if plan.fresh is not None:
                    _exchange(plan.fresh, plan.target)
        except OSError as error:
            return Written(), (_error(error, self.plans[0].target),)
        finally:
            self.abandon()
        results = [plan.result for plan in self.plans]
        return Written(
            tuple(p for r in results for p in r.added),
            tuple(p for r in results for p in r.changed),
            tuple(p for r in results for p in r.removed),
            sum(r.unchanged for r in results),
        ), self.diagnostics

    def abandon(self) -> None:
        """Remove what was built, or what it replaced, and let the next writer in."""
        for plan in self.plans:
            if plan.fresh is not None:
                _remove(plan.fresh)
        for folder in reversed(self.made):
            with contextlib.suppress(OSError):  # it holds something now
                folder.rmdir()
        if self.lock is not None:
            os.close(self.lock)


def write(tree: Mapping[str, str | bytes], directory: Path, root: Path) -> tuple[Written, Diagnostics]:
    """Make `directory` hold the tree. With an error among the findings, nothing was changed.

    `tree` maps `<project>/...` to content; `root` is the project's root, which the directory may not leave through a
    symlink. Foreign files are reported as warnings.
    """
    return stage(tree, directory, root).commit()


def stage(tree: Mapping[str, str | bytes], directory: Path, root: Path) -> Pending:
    """The first half of `write`: everything but the last step."""
    projects = sorted({path.split("/", 1)[0] for path in tree})
    wanted = {
        p: {path.split("/", 1)[1]: _bytes(c) for path, c in tree.items() if path.startswith(f"{p}/")} for p in projects
    }
    problem = _unusable(directory, root)
    if problem is not None:
        return Pending(diagnostics=(problem,))
    lock = None
    made: tuple[Path, ...] = ()
    plans: list[_Plan] = []
    try:
        made = tuple(reversed([folder for folder in (directory, *directory.parents) if not folder.exists()]))
        directory.mkdir(parents=True, exist_ok=True)
        lock = os.open(directory, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)  # on the directory itself, so that it leaves no file
        existing, found = _survey(wanted, directory)
        if not has_errors(found):
            for project in projects:
                plans.append(_plan(wanted[project], existing[project], directory / project))
    except OSError as error:
        found = (_error(error, directory),)
        _remove(directory / f".{projects[0]}.kfspec-new")
    return Pending(tuple(plans), found, lock, made)


def stale(tree: Mapping[str, str | bytes], directory: Path) -> Diagnostics:
    """A finding for each file that is missing, differs, or is left over."""
    found: list[Diagnostic] = []
    for project in sorted({path.split("/", 1)[0] for path in tree}):
        wanted = {p.split("/", 1)[1]: _bytes(c) for p, c in tree.items() if p.startswith(f"{project}/")}
        try:
            existing = _existing(directory / project)
        except OSError as error:
            return (_error(error, directory),)
        for path in sorted(wanted.keys() | existing.own.keys()):
            file = directory / project / path
            if path not in existing.own:
                found.append(_stale(file, "is missing"))
            elif path not in wanted:
                found.append(_stale(file, "is left over"))
            elif wanted[path] != existing.own[path]:
                found.append(_stale(file, "is not what the spec compiles to"))
    return tuple(found)


def _stale(file: Path, what: str) -> Diagnostic:
    pos = Pos(str(file), 1, 1, 1, 1)
    return finding("KF401", f"'{file}' {what}", hint="run 'kfspec compile' and commit the result")._replace(pos=pos)


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _unusable(directory: Path, root: Path) -> Diagnostic | None:
    """Why nothing may be written there: a file in the way, or a symlink that leads out of the project."""
    for part in (directory, *directory.parents):
        if part.is_symlink() and not part.resolve().is_relative_to(root) and part.absolute().is_relative_to(root):
            return _refusal(f"'{part}' is a symlink that leads out of the project", part)
        if part.exists() and not part.is_dir():
            return _refusal(f"'{part}' is a file, and stands where a directory must be", part)
    return None


def _refusal(message: str, where: Path, hint: str | None = None) -> Diagnostic:
    return finding("KF400", message, hint=hint)._replace(pos=Pos(str(where), 1, 1, 1, 1))


def _error(error: OSError, directory: Path) -> Diagnostic:
    where = Path(error.filename) if isinstance(error.filename, str) else directory
    return _refusal(f"cannot write '{where}': {error.strerror or error}", where)


def _survey(wanted: Mapping[str, Mapping[str, bytes]], directory: Path) -> tuple[dict[str, _Existing], Diagnostics]:
    """What stands in every project's directory, and whether anything is in the way."""
    found: list[Diagnostic] = []
    existing: dict[str, _Existing] = {}
    for project, files in wanted.items():
        target = directory / project
        _recover(target)
        if target.is_symlink() or (target.exists() and not target.is_dir()):
            return {}, (_refusal(f"'{target}' is not a directory", target),)
        existing[project] = _existing(target)
        blocked = _blocked(files, existing[project], target)
        if blocked is not None:
            return {}, (blocked,)
        found.extend(_foreign(existing[project], target))
    return existing, tuple(found)


def _existing(target: Path) -> _Existing:
    own: dict[str, bytes] = {}
    foreign: list[str] = []
    pending = [""] if target.is_dir() else []
    while pending:
        prefix = pending.pop()
        contents: dict[str, bytes] = {}
        with os.scandir(target / prefix) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(f"{prefix}{entry.name}/")
                elif entry.is_file(follow_symlinks=False):
                    contents[entry.name] = _content(entry.path)
                else:
                    foreign.append(prefix + entry.name)
        generated = contents.get("kustomization.yaml", b"").startswith(_MARKER)
        copies = prefix.endswith(f"{ENCRYPTED}/") and generated
        listed = contents["kustomization.yaml"].decode().splitlines() if copies else []
        for name, content in contents.items():
            ours = content.startswith(_MARKER) or f"- {name}" in listed or f'- "{name}"' in listed
            if ours:
                own[prefix + name] = content
            else:
                foreign.append(prefix + name)
    return _Existing(own, tuple(sorted(foreign)))


def _blocked(files: Mapping[str, bytes], existing: _Existing, target: Path) -> Diagnostic | None:
    """A foreign file where an own one, or a folder of own ones, must stand."""
    folders = {folder for path in files for folder in _parents(path)}
    for path in existing.foreign:
        if path in files or path in folders:
            hint = "move it away; kfspec does not overwrite what it did not write"
            return _refusal(
                f"'{target / path}' is not kfspec's, and stands where a compiled file must be", target / path, hint
            )
    return None


def _parents(path: str) -> Iterator[str]:
    parts = path.split("/")[:-1]
    yield from ("/".join(parts[: n + 1]) for n in range(len(parts)))


def _foreign(existing: _Existing, target: Path) -> Iterator[Diagnostic]:
    for path in existing.foreign:
        message = f"'{target / path}' is not kfspec's; it was left as it is"
        where = Pos(str(target / path), 1, 1, 1, 1)
        yield finding("KF402", message, severity=Severity.WARNING)._replace(pos=where)


class _Plan(NamedTuple):
    """One project's directory: what would change, and the new one if anything does."""

    target: Path
    fresh: Path | None
    result: Written


def _plan(files: Mapping[str, bytes], existing: _Existing, target: Path) -> _Plan:
    """Build the new directory beside the old one. Raises OSError, with nothing left behind."""
    added = tuple(f"{target.name}/{p}" for p in sorted(files.keys() - existing.own.keys()))
    removed = tuple(f"{target.name}/{p}" for p in sorted(existing.own.keys() - files.keys()))
    changed = tuple(f"{target.name}/{p}" for p in sorted(files) if p in existing.own and existing.own[p] != files[p])
    result = Written(added, changed, removed, len(files) - len(added) - len(changed))
    if not (added or removed or changed):
        return _Plan(target, None, result)
    fresh = target.with_name(f".{target.name}.kfspec-new")
    _remove(fresh)
    try:
        _fill(fresh, files, existing, target)
    except OSError:
        _remove(fresh)
        raise
    return _Plan(target, fresh, result)


def _fill(fresh: Path, files: Mapping[str, bytes], existing: _Existing, target: Path) -> None:
    base = str(fresh)
    for folder in sorted({"", *(f for path in (*files, *existing.foreign) for f in _parents(path))}):
        os.makedirs(f"{base}/{folder}", exist_ok=True)  # noqa: PTH103 - hot
    for path, content in files.items():
        if existing.own.get(path) == content:
            os.link(f"{target}/{path}", f"{base}/{path}")  # keeps the time of what did not change
            continue
        _create(f"{base}/{path}", content)
    for path in existing.foreign:
        source = target / path
        if source.is_symlink():
            (fresh / path).symlink_to(source.readlink())
        elif source.is_file():
            os.link(source, fresh / path)
        else:
            os.rename(source, fresh / path)  # noqa: PTH104 - a socket, a pipe: neither copied nor opened
    for folder, _, _ in os.walk(target):  # empty folders that somebody made stay; ours go with their files
        if not any(os.scandir(folder)):
            (fresh / os.path.relpath(folder, target)).mkdir(parents=True, exist_ok=True)


def _create(path: str, content: bytes) -> None:
    """A new file, by system calls: `open` takes twice as long, and there are thousands."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        rest = content
        while rest:
            rest = rest[os.write(file, rest) :]
    finally:
        os.close(file)


def _content(path: str) -> bytes:
    """What a file holds, by system calls."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = [os.read(file, 1 << 16)]
        while parts[-1]:
            parts.append(os.read(file, 1 << 16))
    finally:
        os.close(file)
    return b"".join(parts)


def _exchange(fresh: Path, target: Path) -> None:
    """Put `fresh` in the place of `target`, which is in the place of `fresh` afterwards, or gone."""
    if not target.exists():
        os.rename(fresh, target)  # noqa: PTH104
        return
    if _swap(fresh, target):
        return
    old = _old(target)
    os.rename(target, old)  # noqa: PTH104 - dying here leaves the old tree under `old`: see _recover
    os.rename(fresh, target)  # noqa: PTH104
    _remove(old)


def _swap(fresh: Path, target: Path) -> bool:
    """Linux's RENAME_EXCHANGE: both names change at once. False where the system has no such thing."""
    import ctypes

    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    at_cwd, exchange = -100, 2
    return bool(rename(at_cwd, os.fsencode(fresh), at_cwd, os.fsencode(target), exchange) == 0)


def _old(target: Path) -> Path:
    return target.with_name(f".{target.name}.kfspec-old")


def _remove(folder: Path) -> None:
    """Remove a folder with all that is in it, if it is there."""
    if folder.exists():
        import shutil  # brings three compressors along, and most runs remove nothing

        shutil.rmtree(folder, ignore_errors=True)


def _recover(target: Path) -> None:
    """Finish what an earlier process died in: the old tree comes back, and leftovers go."""
    old = _old(target)
    if old.exists() and not target.exists():
        os.rename(old, target)  # noqa: PTH104
    for leftover in (old, target.with_name(f".{target.name}.kfspec-new")):
        if leftover.exists():
            _remove(leftover)


def replace_file(file: Path, content: bytes) -> None:
    """Put new content in a file's place at once, its permissions kept; a symlink's target is replaced. Raises OSError."""
    target = file.resolve()
    fresh = target.with_name(f".{target.name}.kfspec-new")
    mode = target.stat().st_mode
    try:
        fresh.unlink(missing_ok=True)
        _create(str(fresh), content)
        fresh.chmod(mode & 0o7777)
        fresh.replace(target)
    except OSError:
        if fresh.is_file():
            fresh.unlink()
        raise
