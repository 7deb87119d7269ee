"""A spec's other files: what it includes and extends, each inside the project."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from types import MappingProxyType
from typing import NamedTuple

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics, Note, Path, Pos
from kfspec.document import Document, locate, place
from kfspec.merging import Marked, at, merge, with_key, without
from kfspec.wording import did_you_mean
from kfspec.yamlio.load import load
from kfspec.yamlio.marks import Range

SHARED = ("kubeflow", "components", "platform", "policies", "defaults")
"""What `extends` takes from another file."""

_OWN = frozenset(
    {"apiVersion", "project", "kubeflow", "components", "platform", "policies", "defaults", "requires", "extends"}
)
"""What an included file may not say: there is one of each in a project."""


AS_THEY_ARE: Mapping[FilePath, bytes] = MappingProxyType({})
"""No file's content is replaced."""


class _Reading(NamedTuple):
    """What a spec's files share while they are read."""

    root: FilePath
    texts: dict[str, str]
    found: list[Diagnostic]
    instead: Mapping[FilePath, bytes]


def project_root(spec: FilePath) -> FilePath:
    """The git top level that holds the spec, else the spec's directory. Resolved: no symlink is left in it."""
    directory = spec.resolve().parent
    for candidate in (directory, *directory.parents):
        if (candidate / ".git").exists():
            return candidate
    return directory


def read_file(path: FilePath, root: FilePath, at_path: Path) -> tuple[bytes | None, Diagnostics]:
    """The content of a regular file below `root`, symlinks resolved; else a finding at `at_path`."""
    try:
        real = path.resolve()
        if not real.is_relative_to(root):
            hint = f"only files below {root} are read"
            return None, (finding("KF052", f"'{path}' leaves the project", at_path, hint=hint),)
        if not stat.S_ISREG(real.stat().st_mode):
            return None, (finding("KF051", f"'{path}' is not a regular file", at_path),)
        return real.read_bytes(), ()
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return None, (finding("KF051", f"cannot read '{path}': {reason}", at_path),)


def read_spec(path: FilePath, instead: Mapping[FilePath, bytes] = AS_THEY_ARE) -> tuple[Document | None, Diagnostics]:
    """The spec with everything that it includes and extends. Findings are placed.

    `instead`: resolved file -> a content that is taken for the one on disk. None is returned where there is no mapping to
    go on with. This is the only place that reads spec files.
    """
    file = str(path)
    start = Pos(file, 1, 1, 1, 1)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return None, (finding("KF001", f"'{path}' is not a regular file")._replace(pos=start),)
        data = instead.get(path.resolve()) or path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        hint = "name the spec's file" if path.name != "kfspec.yaml" else "run it where kfspec.yaml is, or name the file"
        return None, (finding("KF001", f"cannot read '{path}': {reason}", hint=hint)._replace(pos=start),)
    reading = _Reading(project_root(path), {}, [], instead)
    document = _parse(data, path, reading)
    if document is None:
        return None, tuple(reading.found)
    own = Marked(document.value, document.marks)
    reading.found.extend(place(document, _requirement(own)))
    whole = _included(own, document, path, reading, (path.resolve(),))
    whole = _extended(whole, document, path, reading, (path.resolve(),))
    whole = without(whole, frozenset({"include", "extends", "requires"}))
    return Document(whole.value, whole.node, file, reading.texts), tuple(reading.found)


def _parse(data: bytes, path: FilePath, reading: _Reading) -> Document | None:
    """The one mapping that a file must hold."""
    file = str(path)
    documents, found = load(data, file)
    reading.found.extend(found)
    reading.texts[file] = documents[0].texts[file] if documents else data.decode("utf-8", "replace")
    start = Pos(file, 1, 1, 1, 1)
    if not documents:
        if not found:
            hint = "begin with 'apiVersion: kfspec.dev/v1alpha1'"
            reading.found.append(finding("KF050", f"'{path}' is empty", hint=hint)._replace(pos=start))
        return None
    if len(documents) > 1:
        second = locate(documents[1], ())
        reading.found.append(finding("KF050", "a second document", hint="a spec is one document")._replace(pos=second))
    document = documents[0]
    if not isinstance(document.value, dict):
        pos = locate(document, ())
        reading.found.append(finding("KF050", "a spec is a mapping, not a list or a single value")._replace(pos=pos))
        return None
    return document


def _requirement(own: Marked) -> Diagnostics:
    """`requires: kfspec>=0.3`."""
    wanted = own.value.get("requires")
    if wanted is None:
        return ()
    from packaging.requirements import InvalidRequirement, Requirement

    from kfspec._version import __version__

    try:
        requirement = Requirement(wanted) if isinstance(wanted, str) else None
    except InvalidRequirement:
        requirement = None
    if requirement is None or requirement.name != "kfspec":
        return (finding("KF056", f"'requires' cannot be {wanted!r}", ("requires",), hint="write 'kfspec>=0.3'"),)
    if not requirement.specifier.contains(__version__, prereleases=True):
        message = f"the spec requires {wanted}, and this is kfspec {__version__}"
        return (finding("KF057", message, ("requires",), hint=f"install a version of kfspec {requirement.specifier}"),)
    return ()


def _paths(whole: Marked, key: str, one_too: bool, document: Document, reading: _Reading) -> list[tuple[Path, str]]:
    """The file names under `include` or `extends`, with their places."""
    value = whole.value.get(key)
    if value is None:
        return []
    names = [value] if one_too and isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        message = f"'{key}' must be a list of file names"
        reading.found.extend(place(document, (finding("KF103", message, (key,)),)))
        return []
    single = isinstance(value, str)
    return [((key,) if single else (key, n), name) for n, name in enumerate(names)]


def _each(
    whole: Marked,
    document: Document,
    path: FilePath,
    reading: _Reading,
    chain: tuple[FilePath, ...],
    key: str,
    take: Callable[[Marked, Marked, Document, FilePath, tuple[FilePath, ...]], Marked],
) -> Marked:
    """Read every file under `key` and let `take` combine it with what is there already."""
    for place_of, name in _paths(whole, key, key == "extends", document, reading):
        target = path.parent / name
        try:
            real = target.resolve()
        except (OSError, RuntimeError, ValueError):
            real = target
        if real in chain:
            names = " -> ".join(p.name for p in (*chain[chain.index(real) :], real))
            problem = finding("KF053", f"the files {key} each other in a circle: {names}", place_of)
            reading.found.extend(place(document, (problem,)))
            continue
        data, problems = read_file(target, reading.root, place_of)
        reading.found.extend(place(document, problems))
        other = _parse(reading.instead.get(real, data), target, reading) if data is not None else None
        if other is not None:
            whole = take(whole, Marked(other.value, other.marks), other, target, (*chain, real))
    return whole


def _included(
    own: Marked, document: Document, path: FilePath, reading: _Reading, chain: tuple[FilePath, ...]
) -> Marked:
    def take(whole: Marked, part: Marked, source: Document, file: FilePath, links: tuple[FilePath, ...]) -> Marked:
        part = _included(part, source, file, reading, links)
        for key in part.value:
            if key in _OWN:
                hint = "say it in the including file"
                problem = finding("KF054", f"an included file cannot say '{key}'", (key,), at_key=True, hint=hint)
                reading.found.extend(place(source, (problem,)))
        return _joined(whole, without(part, _OWN | {"include"}), (), reading)

    return _each(own, document, path, reading, chain, "include", take)


def _joined(whole: Marked, part: Marked, path: Path, reading: _Reading) -> Marked:
    """Two files' blocks as one; a name may stand in one of them only."""
    for key, value in part.value.items():
        new = Marked(value, part.node.children[key])
        old = at(whole, key)
        keys = part.node.keys or {}
        if old is None:
            whole = _with(whole, key, new, keys.get(key))
        elif (
            isinstance(old.value, dict)
            and isinstance(value, dict)
            and len(path) < (3 if path[:1] == ("environments",) else 1)
        ):
            whole = _with(whole, key, _joined(old, new, (*path, key), reading), None)
        else:
            first = (whole.node.keys or {}).get(key)
            here = keys.get(key, new.node.at)
            where = ".".join(map(str, (*path, key)))
            note = Note("first declared here", Pos(*first) if first else None)
            twice = finding("KF055", f"'{where}' is declared in two files", (*path, key), hint="keep one of them")
            reading.found.append(twice._replace(pos=Pos(*here), notes=(note,)))
    return whole


def _with(whole: Marked, key: str, new: Marked, marks: Range | None) -> Marked:
    joined = with_key(whole, key, new)
    if marks is not None and joined.node.keys is not None:
        joined.node.keys[key] = marks
    return joined


def _extended(
    own: Marked, document: Document, path: FilePath, reading: _Reading, chain: tuple[FilePath, ...]
) -> Marked:
    def take(whole: Marked, part: Marked, source: Document, file: FilePath, links: tuple[FilePath, ...]) -> Marked:
        part = _extended(part, source, file, reading, links)
        for key in part.value:
            if key not in (*SHARED, "extends", "apiVersion"):
                hint = did_you_mean(key, SHARED, f"extends takes {', '.join(SHARED)}")
                problem = finding("KF058", f"an extended file cannot share '{key}'", (key,), at_key=True, hint=hint)
                reading.found.extend(place(source, (problem,)))
        for key in SHARED:
            theirs, own = at(part, key), at(whole, key)
            if theirs is not None:
                new = merge(theirs, own, key) if own is not None else theirs
                whole = _with(whole, key, new, (part.node.keys or {}).get(key) if own is None else None)
        return whole

    return _each(own, document, path, reading, chain, "extends", take)
