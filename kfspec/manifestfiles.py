"""The files of plain manifests: what is named, and what a search of directories finds.

A repository holds more YAML than objects. What kustomize and Helm read for themselves is told by their own files, and passed
over; so are hidden files and directories. A file that is named is read, whatever it is.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Pos
from kfspec.yamlio.load import load

SUFFIXES = (".yaml", ".yml", ".json")
"""Files that a directory is searched for."""

KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml")
"""What kustomize calls its file; it needs neither apiVersion nor kind (kustomize 5.7.1, `konfig`)."""

_CHART = "Chart.yaml"
_PATHS = ("patchesStrategicMerge", "configurations", "generators", "transformers", "validators", "crds")
"""Fields of a kustomization that are lists of files (or of what could stand in them) that are no resources."""
_WITH_PATH = ("patches", "patchesJson6902", "replacements")
_GENERATED = ("configMapGenerator", "secretGenerator")
_HELM = ("valuesFile", "additionalValuesFiles")


class ManifestFile(NamedTuple):
    """A file with its content."""

    name: str
    data: bytes
    found: bool = False
    """It was found in a directory: nobody says that it holds objects."""


class Search(NamedTuple):
    """What there is to read."""

    files: list[ManifestFile]
    passed_over: list[str]
    """What was found and belongs to kustomize or Helm."""


def search(paths: Sequence[str], found: list[Diagnostic]) -> Search:
    """Every file that the paths mean, `-` being standard input; what cannot be read is added to `found`."""
    result = Search([], [])
    for name in paths:
        if name == "-":
            result.files.append(ManifestFile("<stdin>", sys.stdin.buffer.read()))
        elif Path(name).is_dir():
            _search(Path(name), result, found)
        else:
            result.files.extend(_read(Path(name), False, found))
    return result


def _search(root: Path, result: Search, found: list[Diagnostic]) -> None:
    files: list[Path] = []
    for folder, folders, names in os.walk(root):
        if _CHART in names:
            result.passed_over.append(str(Path(folder, _CHART)))
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [Path(folder, name) for name in names if name.endswith(SUFFIXES) and not name.startswith(".")]
    read = [each for path in sorted(files) if path.is_file() for each in _read(path, True, found)]
    used: set[str] = set()
    resources: set[str] = set()
    for each in read:
        if Path(each.name).name in KUSTOMIZATIONS:
            _of_kustomization(each, used, resources)
    for each in read:
        real = os.path.realpath(each.name)
        if real in used and real not in resources:
            result.passed_over.append(each.name)
        else:
            result.files.append(each)


def _read(path: Path, found_there: bool, found: list[Diagnostic]) -> Iterator[ManifestFile]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError("it is not a regular file")
        yield ManifestFile(str(path), path.read_bytes(), found_there)
    except OSError as error:
        reason = error.strerror or str(error)
        found.append(finding("KF001", f"cannot read '{path}': {reason}")._replace(pos=Pos(str(path), 1, 1, 1, 1)))


def _of_kustomization(file: ManifestFile, used: set[str], resources: set[str]) -> None:
    """Add the files that a kustomization uses besides its resources, and those that are its resources."""
    documents, _ = load(file.data, file.name, dialect="kubectl")
    value = documents[0].value if documents else None
    if not isinstance(value, dict):
        return  # what is wrong with it is told where it is judged
    here = Path(file.name).parent

    def add(into: set[str], names: Iterator[Any]) -> None:
        into.update(os.path.realpath(here / name) for name in names if isinstance(name, str) and "\n" not in name)

    add(resources, (name for key in ("resources", "bases") for name in _list(value.get(key))))
    add(used, (name for key in _PATHS for name in _list(value.get(key))))
    add(used, (entry.get("path") for key in _WITH_PATH for entry in _maps(value.get(key))))
    for entry in (each for key in _GENERATED for each in _maps(value.get(key))):
        names = (str(name).rpartition("=")[2] for key in ("files", "envs") for name in _list(entry.get(key)))
        add(used, iter([*names, entry.get("env")]))
    for chart in _maps(value.get("helmCharts")):
        add(used, iter([chart.get(_HELM[0]), *_list(chart.get(_HELM[1]))]))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _maps(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in _list(value) if isinstance(entry, dict)]
