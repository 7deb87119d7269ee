"""What the compiler emits for a sync: one JSON file per pipeline or model, and `scope.json`, mounted from ConfigMaps.

`scope.json` alone is a desired state too: an empty one, so what is ours and still there goes. A file ends in `.json`, or in
`.json.gz.b64` where the text is large: gzip in base64, since a ConfigMap holds a megabyte.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics

FORMAT = 1
SCOPE = "scope.json"
PLAIN, PACKED = ".json", ".json.gz.b64"
_PACK_FROM = 16 * 1024
"""Bytes from which a payload is packed: below, people read it with kubectl."""
_LARGEST = 32 * 1024 * 1024
Backend = Literal["kfp", "model-registry"]
Scalar = str | bool | int | float
P = TypeVar("P", bound=BaseModel)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Scope(_Part):
    """Whose desired state this is, and where it is kept."""

    formatVersion: Literal[1] = 1  # noqa: N815
    project: str
    environment: str
    namespace: str
    backend: Backend


class Provenance(_Part):
    """Where a payload comes from; it rides along with a change, and is no change by itself."""

    specDigest: str = ""  # noqa: N815
    commit: str | None = None


class Start(_Part):
    """What a run and a recurring run have in common; what is not said is the pipeline's."""

    name: str = Field(min_length=1, max_length=255)
    parameters: dict[str, Any] = {}
    experiment: str | None = None
    pipelineRoot: str | None = None  # noqa: N815
    serviceAccount: str | None = None  # noqa: N815


class Run(Start):
    """A run, started once: its name holds a hash of its content."""


class RecurringRun(Start):
    """A schedule."""

    cron: str | None = None
    intervalSeconds: int | None = Field(default=None, gt=0)  # noqa: N815
    maxConcurrency: int = Field(default=1, ge=1, le=10)  # noqa: N815
    catchup: bool = False
    enabled: bool = True
    startTime: str | None = None  # noqa: N815
    endTime: str | None = None  # noqa: N815

    @field_validator("cron")
    @classmethod
    def _six_fields(cls, cron: str | None) -> str | None:
        if cron is not None and not cron.startswith("@") and len(cron.split()) != 6:
            # robfig/cron v1.2.0 takes five fields for six without a day of week, and starts at other times (KFP 2.4.1-2.16.0).
            raise ValueError(f"KFP reads six fields, seconds first, and would misread '{cron}'")
        return cron

    @model_validator(mode="after")
    def _one_trigger(self) -> RecurringRun:
        if (self.cron is None) == (self.intervalSeconds is None):
            raise ValueError("a recurring run has either cron or intervalSeconds")
        return self


class Pipeline(_Part):
    """A pipeline with the one version that is current."""

    formatVersion: Literal[1] = 1  # noqa: N815
    item: str
    name: str = Field(min_length=1)
    displayName: str | None = None  # noqa: N815
    description: str | None = None
    version: str = Field(min_length=1)
    package: str | None = Field(default=None, min_length=1)
    """None where pipeline and version are objects of Kubernetes, which is not the sync's business: it starts runs of them."""
    experiment: str = "Default"
    pipelineRoot: str | None = None  # noqa: N815
    serviceAccount: str | None = None  # noqa: N815
    caching: bool | None = None
    """Counts in the version's name: whoever emits hashes it with the package."""
    recurringRuns: tuple[RecurringRun, ...] = Field(default=(), strict=False)  # noqa: N815
    runs: tuple[Run, ...] = Field(default=(), strict=False)
    provenance: Provenance = Provenance()


class Artifact(_Part):
    """Where a version of a model is kept."""

    name: str = Field(min_length=1)
    uri: str
    modelFormatName: str | None = None  # noqa: N815
    modelFormatVersion: str | None = None  # noqa: N815
    storageKey: str | None = None  # noqa: N815
    storagePath: str | None = None  # noqa: N815
    serviceAccountName: str | None = None  # noqa: N815
    description: str | None = None
    customProperties: dict[str, Scalar | dict[str, Any]] = {}  # noqa: N815


class ModelVersion(_Part):
    """A version of a model."""

    name: str = Field(min_length=1)
    description: str | None = None
    author: str | None = None
    customProperties: dict[str, Scalar | dict[str, Any]] = {}  # noqa: N815
    state: Literal["LIVE", "ARCHIVED"] = "LIVE"
    artifacts: tuple[Artifact, ...] = Field(default=(), strict=False)


class Model(_Part):
    """A registered model."""

    formatVersion: Literal[1] = 1  # noqa: N815
    item: str
    name: str = Field(min_length=1)
    description: str | None = None
    owner: str | None = None
    customProperties: dict[str, Scalar | dict[str, Any]] = {}  # noqa: N815
    state: Literal["LIVE", "ARCHIVED"] = "LIVE"
    versions: tuple[ModelVersion, ...] = Field(default=(), strict=False)
    provenance: Provenance = Provenance()


W = TypeVar("W", Pipeline, Model)


class Desired(NamedTuple):
    """A whole desired state: all that one project keeps in one namespace of one service."""

    scope: Scope
    pipelines: tuple[Pipeline, ...] = ()
    models: tuple[Model, ...] = ()


def at_commit(desired: Desired, commit: str) -> Desired:
    """The same, from that commit: a payload itself holds none, which the next commit would make untrue."""
    return desired._replace(
        pipelines=tuple(_at_commit(pipeline, commit) for pipeline in desired.pipelines),
        models=tuple(_at_commit(model, commit) for model in desired.models),
    )


def _at_commit(part: W, commit: str) -> W:
    return part.model_copy(update={"provenance": part.provenance.model_copy(update={"commit": commit})})


def write(desired: Desired) -> dict[str, str]:
    """File name -> text. The same state gives the same bytes."""
    files = {SCOPE: _json(desired.scope)}
    payloads: tuple[Pipeline | Model, ...] = (*desired.pipelines, *desired.models)
    for payload in payloads:
        name, text = _file(payload.item, _json(payload))
        files[name] = text
    return files


def read(directory: Path) -> tuple[Desired | None, Diagnostics]:
    """The desired state in a directory; None with the findings where any of it cannot be read, since half of a desired state
    would delete the other half."""
    found: list[Diagnostic] = []
    return _desired(dict(_texts(directory, found)), str(directory), found)


def parse(files: Mapping[str, str], where: str) -> tuple[Desired | None, Diagnostics]:
    """The same of files that are at hand: what ConfigMaps hold. `where`: what holds them, for people."""
    found: list[Diagnostic] = []
    texts = {}
    for name, text in files.items():
        if name.endswith((PLAIN, PACKED)):
            try:
                texts[name] = unpacked(name, text)
            except (OSError, ValueError, EOFError) as error:
                found.append(finding("KF620", f"{where} cannot be read: {error}"))
    return _desired(texts, where, found)


def _desired(texts: dict[str, str], where: str, found: list[Diagnostic]) -> tuple[Desired | None, Diagnostics]:
    scope: Scope | None = None
    parts: list[Pipeline | Model] = []
    if SCOPE in texts:
        scope = _parsed(Scope, SCOPE, texts.pop(SCOPE), found)
    elif not found:
        hint = "mount every ConfigMap of the sync, the one with scope.json among them"
        found.append(finding("KF620", f"{where} holds no {SCOPE}", hint=hint))
    if scope is not None:
        kind: type[Pipeline] | type[Model] = Pipeline if scope.backend == "kfp" else Model
        parsed = (_parsed(kind, name, text, found) for name, text in texts.items())
        parts = [part for part in parsed if part is not None]
    found += _twice(parts)
    if scope is None or found:
        return None, tuple(found)
    pipelines = tuple(part for part in parts if isinstance(part, Pipeline))
    return Desired(scope, pipelines, tuple(part for part in parts if isinstance(part, Model))), ()


def _twice(parts: list[Pipeline | Model]) -> Iterator[Diagnostic]:
    seen: dict[str, str] = {}
    for part in parts:
        if part.name in seen:
            message = f"'{part.name}' is declared twice: {seen[part.name]} and {part.item}"
            yield finding("KF620", message, hint="names are unique in a namespace: rename one of them")
        seen[part.name] = part.item
        if isinstance(part, Pipeline):
            yield from _repeated(part.item, [one.name for one in (*part.recurringRuns, *part.runs)])
        else:
            yield from _repeated(part.item, [one.name for one in part.versions])


def _repeated(item: str, names: list[str]) -> Iterator[Diagnostic]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield finding("KF620", f"{item} declares '{name}' twice")


def _texts(directory: Path, found: list[Diagnostic]) -> Iterator[tuple[str, str]]:
    """Every payload's name and text. The kubelet keeps a volume's data in folders that begin with `..`, and links to them."""
    try:
        paths = sorted(path for path in directory.rglob("*") if path.is_file())
        inside = [(path, path.relative_to(directory)) for path in paths]
        for path, relative in inside:
            if any(part.startswith(".") for part in relative.parts):
                continue
            if path.name.endswith((PLAIN, PACKED)):
                yield path.name, unpacked(path.name, path.read_text(encoding="utf-8"))
        if not directory.is_dir():
            found.append(finding("KF620", f"{directory} is no directory"))
    except (OSError, ValueError, EOFError) as error:
        found.append(finding("KF620", f"{directory} cannot be read: {error}"))


def unpacked(name: str, text: str) -> str:
    """The JSON in a file of that name. Raises OSError, ValueError or EOFError where it is not packed as the name says."""
    if not name.endswith(PACKED):
        return text
    with gzip.open(io.BytesIO(base64.b64decode(text, validate=False))) as packed:
        data = packed.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ValueError(f"{name} holds more than {_LARGEST} bytes")
    return data.decode("utf-8")


def _parsed(kind: type[P], name: str, text: str, found: list[Diagnostic]) -> P | None:
    try:
        return kind.model_validate(json.loads(text))
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            place = ".".join(str(part) for part in problem["loc"])
            found.append(finding("KF620", f"{name}: {place + ': ' if place else ''}{problem['msg']}"))
    except ValueError as error:
        found.append(finding("KF620", f"{name}: {error}"))
    return None


def _json(part: BaseModel) -> str:
    value = part.model_dump(mode="json", exclude_none=True)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1) + "\n"


def _file(item: str, text: str) -> tuple[str, str]:
    data = text.encode()
    if len(data) < _PACK_FROM:
        return item + PLAIN, text
    return item + PACKED, base64.b64encode(gzip.compress(data, mtime=0)).decode() + "\n"
