"""Local files that a run brings along: `code: src/` on a training job, or on the trials of an experiment.

They travel in a ConfigMap that is named by its content, so a change of one script is another object and a new run.
"""

from __future__ import annotations

import base64
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path as FilePath
from typing import Any

from kfspec.codes import finding
from kfspec.credentials import env_credential, looks_like_credential
from kfspec.diagnostics import Diagnostic, Note, Path, Pos
from kfspec.document import locate
from kfspec.includes import read_file
from kfspec.kinds.base import CodeFiles, digest8
from kfspec.spec.project import Project

IGNORE_FILE = ".kfspecignore"
LIMIT = 1024 * 1024
"""Bytes that the values of one ConfigMap may have (Kubernetes 1.34, `core.MaxSecretSize`)."""

_NEVER = (
    "/.git/",
    ".git",
    "__pycache__/",
    "*.pyc",
    ".ipynb_checkpoints/",
    ".venv/",
    ".DS_Store",
    IGNORE_FILE,
)
"""What no script needs at run time, in the words of an ignore file."""

_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=[\"']?([^\"'\s]+)[\"']?\s*")
"""A line of a shell script or of an `.env` file."""


class CodeReader:
    """Reads the code that a project's items name, each folder once however many environments share it."""

    def __init__(self, root: FilePath) -> None:
        self._root = root
        self._known: dict[FilePath, tuple[CodeFiles | None, tuple[Diagnostic, ...]]] = {}

    def read(self, project: Project) -> tuple[dict[Path, CodeFiles], tuple[Diagnostic, ...]]:
        """Spec path of each `code:` -> its files, and what is wrong with them."""
        codes: dict[Path, CodeFiles] = {}
        found: list[Diagnostic] = []
        for path, name in _uses(project):
            source = FilePath(locate(project.document, path).file).parent / name
            if source not in self._known:
                own = {FilePath(file).resolve() for file in project.document.texts}
                self._known[source] = _read(source, name, self._root, own)
            code, problems = self._known[source]
            found.extend(d._replace(path=path) for d in problems)
            if code is not None:
                codes[path] = code
        return codes, tuple(found)


def _uses(project: Project) -> Iterator[tuple[Path, str]]:
    """The place and the text of every path under `code:`."""
    for item in project.items.values():
        trial = getattr(item.model, "trial", None)
        if getattr(item.model, "code", None) is not None:
            yield from _paths(item.value["code"], (*item.path, "code"))
        if isinstance(trial, dict) and "code" in trial:
            yield from _paths(trial["code"], (*item.path, "trial", "code"))


def _paths(value: Any, at: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, dict) and isinstance(value.get("path"), str):
        yield (*at, "path"), value["path"]


def _read(
    source: FilePath, name: str, root: FilePath, own: set[FilePath]
) -> tuple[CodeFiles | None, tuple[Diagnostic, ...]]:
    found: list[Diagnostic] = []
    contents: dict[str, tuple[FilePath, bytes]] = {}
    total = 0
    try:
        files = list(_files(source, root, own, found))
    except OSError as error:
        return None, (finding("KF051", f"cannot read '{name}': {error.strerror}", ()),)
    sizes: dict[str, int] = {}
    for relative, file in files:
        try:
            sizes[relative] = file.stat().st_size
        except OSError as error:
            found.append(finding("KF051", f"cannot read '{file}': {error.strerror}", ()))
    total = sum(sizes.values())
    if total > LIMIT:
        return None, (*found, _too_large(name, total, sizes))
    for relative, file in files:
        content, problems = read_file(file, root, ())
        found.extend(problems)
        if content is not None:
            contents[relative] = (file, content)
            found.extend(_credentials(file, content))
    if not files and not found:
        found.append(
            finding(
                "KF354", f"'{name}' holds no file that is not ignored", (), hint="name a file, or a folder with some"
            )
        )
    return (None if found else _code(contents)), tuple(found)


def _too_large(name: str, total: int, sizes: dict[str, int]) -> Diagnostic:
    largest = sorted(sizes, key=lambda key: (-sizes[key], key))[:3]
    notes = tuple(Note(f"{key}: {sizes[key]:,} bytes") for key in largest)
    message = f"'{name}' has {total:,} bytes, and a ConfigMap takes {LIMIT:,}"
    hint = f"name what the run does not need in {IGNORE_FILE}; put data into a volume, and much code into an image"
    return finding("KF352", message, (), hint=hint)._replace(notes=notes)


def _files(
    source: FilePath, root: FilePath, own: set[FilePath], found: list[Diagnostic]
) -> Iterator[tuple[str, FilePath]]:
    """(path in the container, file), in order. Raises OSError where `source` cannot be looked at."""
    mode = source.stat().st_mode
    if not source.resolve().is_relative_to(root):
        yield source.name, source  # reading it says that it leaves the project
        return
    if not stat.S_ISDIR(mode):
        yield source.name, source
        return
    ignored = _Ignored(source.resolve(), root)

    def fail(error: OSError) -> None:
        found.append(finding("KF051", f"cannot read '{error.filename}': {error.strerror}", ()))

    for directory, folders, names in os.walk(source, onerror=fail):
        here = FilePath(directory)
        at = here.relative_to(source)
        kept = []
        for folder in sorted(folders):
            if ignored.holds(f"{(at / folder).as_posix()}/"):
                continue
            if (here / folder).is_symlink():
                message = f"'{here / folder}' is a link to a folder, and links are not followed"
                found.append(finding("KF051", message, (), hint=f"copy it, or name it in {IGNORE_FILE}"))
                continue
            kept.append(folder)
        folders[:] = kept
        for name in sorted(names):
            relative = (at / name).as_posix()
            if not ignored.holds(relative) and (here / name).resolve() not in own:
                yield relative, here / name


class _Ignored:
    """What the ignore files of a folder, and of those above it in the project, leave out. Paths are the folder's."""

    def __init__(self, folder: FilePath, root: FilePath) -> None:
        from pathspec import GitIgnoreSpec  # here: few specs bring code along

        self._specs = [("", GitIgnoreSpec.from_lines(_NEVER))]
        for above in (folder, *folder.parents):
            file = above / IGNORE_FILE
            if file.is_file():
                prefix = folder.relative_to(above).as_posix()
                lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
                self._specs.append(("" if prefix == "." else f"{prefix}/", GitIgnoreSpec.from_lines(lines)))
            if above == root:
                break

    def holds(self, relative: str) -> bool:
        relative = relative.removeprefix("./")
        return any(spec.match_file(prefix + relative) for prefix, spec in self._specs)


def _code(contents: dict[str, tuple[FilePath, bytes]]) -> CodeFiles:
    data: dict[str, str] = {}
    binary: dict[str, str] = {}
    items = []
    for relative, (file, content) in sorted(contents.items()):
        key = _key(relative)
        text = _text(content)
        if text is not None:
            data[key] = text
        else:
            binary[key] = base64.b64encode(content).decode()
        item: dict[str, Any] = {"key": key, "path": relative}
        if file.stat().st_mode & stat.S_IXUSR:
            item["mode"] = 0o755
        items.append(item)
    return CodeFiles(data, binary, tuple(items))


def _key(relative: str) -> str:
    """A ConfigMap's key for a path: the path itself where it may be one, else one that no other path has."""
    if _KEY.fullmatch(relative) and not relative.startswith(".."):
        return relative
    plain = re.sub(r"[^-._a-zA-Z0-9]", "-", relative)[-200:].lstrip(".")
    return f"{plain}-{digest8(relative)}"


def _text(content: bytes) -> str | None:
    """The text that every YAML reader would give back byte for byte; None for what must travel as base64."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if all(c.isprintable() or c in "\n\t" for c in text) else None


def _credentials(file: FilePath, content: bytes) -> Iterable[Diagnostic]:
    """The first line that looks like a credential; the line itself is never shown."""
    script = file.name.startswith(".env") or file.suffix in (".env", ".sh", ".bash")
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
        what = looks_like_credential(line)
        assigned = _ASSIGNMENT.fullmatch(line) if script and what is None else None
        if assigned is not None:
            what = env_credential(assigned.group(1), assigned.group(2))
        if what is not None:
            note = Note("it stands here", Pos(str(file), number, 1, number, 1))
            hint = f"read it from a Secret at run time, or name the file in {IGNORE_FILE}"
            yield finding("KF353", f"'{file.name}' holds what looks like {what}", (), hint=hint)._replace(notes=(note,))
            return
