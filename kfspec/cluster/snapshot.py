"""Snapshots: a project's live objects in files, for diffs without credentials.

One file for each kind, an object a line, in the order in which the server lists them; `snapshot.json` says what it is of. The
same cluster gives the same bytes. Secrets are left out.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from kfspec.live import Contents
from kfspec.resource import Body

FORMAT_VERSION = 1
HEAD = "snapshot.json"
_VOLATILE = ("resourceVersion", "selfLink")


class Snapshot(NamedTuple):
    """A snapshot in memory."""

    project: str
    environment: str
    cluster: str
    """The uid of the cluster's namespace kube-system; "" where it may not be read."""
    applied: dict[str, str]
    contents: dict[str, Contents]
    """What is in the project's own namespaces, whoever made it. May be filled while objects are written."""
    objects: tuple[Body, ...] = ()


class SnapshotError(Exception):
    """A snapshot cannot be read or written; the text is for people."""


def write(folder: Path, snapshot: Snapshot, objects: Iterable[tuple[str, Body]]) -> int:
    """Write (`<plural>.<group>`, object) pairs as they come; the folder is replaced as a whole. Returns their number.

    Raises SnapshotError where it cannot be written, or something else stands there.
    """
    if folder.exists() and not (folder / HEAD).is_file() and any(folder.iterdir()):
        raise SnapshotError(f"'{folder}' exists and is no snapshot; nothing is written into it")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            count = _fill(partial, snapshot, objects)
            _swap(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise SnapshotError(f"cannot write '{folder}': {error.strerror or error}") from error
    return count


def _fill(folder: Path, snapshot: Snapshot, objects: Iterable[tuple[str, Body]]) -> int:
    files: dict[str, Any] = {}
    counts: dict[str, int] = {}
    try:
        for resource, body in objects:
            if body["kind"] == "Secret" and body["apiVersion"] == "v1":
                continue
            if resource not in files:
                files[resource] = (folder / f"{resource}.jsonl").open("w", encoding="utf-8")
            counts[resource] = counts.get(resource, 0) + 1
            files[resource].write(json.dumps(_settled(body), sort_keys=True, separators=(",", ":")) + "\n")
    finally:
        for file in files.values():
            file.close()
    contents = {name: inside._asdict() for name, inside in snapshot.contents.items()}
    said = {**snapshot._asdict(), "contents": contents, "objects": dict(sorted(counts.items()))}
    head = {"formatVersion": FORMAT_VERSION, **said}
    (folder / HEAD).write_text(json.dumps(head, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return sum(counts.values())


def _swap(partial: Path, folder: Path) -> None:
    partial.chmod(0o755)
    if folder.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
        folder.replace(old / "it")
        partial.replace(folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        partial.replace(folder)


def _settled(body: Body) -> Body:
    """The object without what the server changes though nothing happened."""
    meta = {key: value for key, value in body["metadata"].items() if key not in _VOLATILE}
    return {**body, "metadata": meta}


def read(folder: Path) -> Snapshot:
    """A snapshot. Raises SnapshotError with what is wrong with it."""
    try:
        head = json.loads((folder / HEAD).read_bytes())
        if not isinstance(head, dict) or head.get("formatVersion") != FORMAT_VERSION:
            raise SnapshotError(f"'{folder}' is no snapshot of this format (formatVersion {FORMAT_VERSION})")
        objects = tuple(body for resource in head["objects"] for body in _objects(folder / f"{resource}.jsonl"))
        if len(objects) != sum(head["objects"].values()):
            raise SnapshotError(f"'{folder}' is damaged: objects are missing")
        contents = {name: Contents(**inside) for name, inside in head.get("contents", {}).items()}
        return Snapshot(head["project"], head["environment"], head["cluster"], dict(head["applied"]), contents, objects)
    except FileNotFoundError as error:
        raise SnapshotError(f"there is no snapshot at '{folder}': {Path(error.filename).name} is missing") from error
    except OSError as error:
        raise SnapshotError(f"cannot read '{folder}': {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SnapshotError(f"'{folder}' is damaged: {error}") from error


def _objects(file: Path) -> Iterator[Body]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            body = json.loads(line)
            if not isinstance(body["metadata"]["name"], str) or not isinstance(body["kind"], str):
                raise SnapshotError(f"'{file}' is damaged: a line holds no object")
            yield body
