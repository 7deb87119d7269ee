"""The shape of a package by the protobuf messages that KFP parses it into.

The table `proto.json` comes from the descriptors that KFP's own packages carry (tests/support/irproto.py). The reading is
that of protobuf's JSON mapping as Go does it (google.golang.org/protobuf `protojson`): names in camelCase or as in the proto
file, null for what is not set, whole numbers also as text, an enum's value by name or number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, Severity, Upstream, field_name
from kfspec.wording import describe, did_you_mean

Server = tuple[int, int]
"""Major and minor version of a KFP server."""

_DURATION = re.compile(r"-?[0-9]+(?:\.[0-9]{1,9})?s")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|NaN|-?Infinity")
_SNAKE = re.compile(r"(?<=[a-z0-9])([A-Z])")
_LONGEST_DURATION = 315_576_000_000

_NOUNS = {
    "PipelineSpec": "a pipeline",
    "ComponentSpec": "a component",
    "PipelineTaskSpec": "a task",
    "DagSpec": "a dag",
    "ComponentInputsSpec.ParameterSpec": "an input parameter",
    "ComponentOutputsSpec.ParameterSpec": "an output parameter",
    "ComponentInputsSpec.ArtifactSpec": "an input artifact",
    "ComponentOutputsSpec.ArtifactSpec": "an output artifact",
    "TaskInputsSpec.InputParameterSpec": "a task's input parameter",
    "TaskInputsSpec.InputArtifactSpec": "a task's input artifact",
    "PipelineDeploymentConfig.ExecutorSpec": "an executor",
    "PipelineDeploymentConfig.PipelineContainerSpec": "a container",
    "PipelineDeploymentConfig.PipelineContainerSpec.ResourceSpec": "the resources of a container",
    "PipelineDeploymentConfig.ImporterSpec": "an importer",
    "PlatformSpec": "the platform spec",
    "SinglePlatformSpec": "the settings of a platform",
    "PipelineConfig": "the pipeline's settings",
    "KubernetesExecutorConfig": "an executor's Kubernetes settings",
}


class Field(NamedTuple):
    """A field of a message."""

    type: str
    """A scalar, an enum or a message."""
    many: str
    """`list`, `map`, or "" for one value."""
    oneof: str
    since: Server
    """The first server that has it; (0, 0) for what all have."""
    until: Server | None
    """The first server that has it no more."""


class Reader(NamedTuple):
    """Who parses, and what becomes of what it does not take."""

    server: Server
    unknown: Upstream = Upstream.REFUSES
    """What happens to a field that the message does not have."""
    wrong: Upstream = Upstream.REFUSES
    """What happens to a value of another type."""
    late: Severity = Severity.ERROR
    """How sure it is that a field of a later server does harm."""


class _Table(NamedTuple):
    messages: Mapping[str, Mapping[str, Field]]
    enums: Mapping[str, Mapping[str, Server]]


@lru_cache(maxsize=1)
def _table() -> _Table:
    data = json.loads(FilePath(__file__).with_name("proto.json").read_text(encoding="utf-8"))
    messages = {
        name: {field: _field(text) for field, text in fields.items()} for name, fields in data["messages"].items()
    }
    enums = {name: {value: server_of(since) for value, since in e.items()} for name, e in data["enums"].items()}
    return _Table(messages, enums)


def _field(text: str) -> Field:
    target, *rest = text.split(" ")
    notes = dict(part.split("=") for part in rest)
    many = {"[": "list", "{": "map"}.get(target[0], "")
    until = notes.get("until")
    return Field(
        target.strip("[]{}"),
        many,
        notes.get("oneof", ""),
        server_of(notes.get("since", "")),
        server_of(until) if until else None,
    )


def server_of(version: str) -> Server:
    """`2.5.0` -> (2, 5); (0, 0) for what is no version."""
    found = re.match(r"([0-9]+)\.([0-9]+)", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def check(message: str, value: Any, path: Path, reader: Reader) -> Iterator[Diagnostic]:
    """What of a value does not fit a message."""
    fields = _table().messages[message]
    if not isinstance(value, dict):
        yield _wrong(path, "a mapping", value, reader)
        return
    chosen: dict[str, str] = {}
    for key, item in value.items():
        name = key if key in fields else _camel(key)
        field = fields.get(name)
        here = (*path, key)
        if field is None:
            yield _unknown(message, key, here, fields, reader)
            continue
        if not field.since <= reader.server or (field.until is not None and reader.server >= field.until):
            yield _of_another_time(message, key, here, field, reader)
            continue
        if item is None and field.type != "google.protobuf.Value":
            continue
        if name in chosen:
            yield _finding("KF311", f"'{key}' is given twice, as '{chosen[name]}' too", here, reader.wrong, at_key=True)
        if field.oneof and (other := chosen.get(f"oneof {field.oneof}")) is not None:
            told = f"'{other}' and '{key}' exclude each other"
            yield _finding("KF311", told, here, reader.wrong, at_key=True)
        chosen[name] = key
        if field.oneof:
            chosen[f"oneof {field.oneof}"] = key
        yield from _check_field(field, item, here, reader)


def _check_field(field: Field, value: Any, path: Path, reader: Reader) -> Iterator[Diagnostic]:
    if not field.many:
        yield from _check_one(field.type, value, path, reader)
        return
    if not isinstance(value, list if field.many == "list" else dict):
        yield _wrong(path, "a list" if field.many == "list" else "a mapping", value, reader)
        return
    for key, item in enumerate(value) if isinstance(value, list) else value.items():
        yield from _check_one(field.type, item, (*path, key), reader)


def _check_one(kind: str, value: Any, path: Path, reader: Reader) -> Iterator[Diagnostic]:
    table = _table()
    if kind in table.messages:
        yield from check(kind, value, path, reader)
    elif kind in table.enums:
        yield from _check_enum(table.enums[kind], value, path, reader)
    elif not _FITS[kind][1](value):
        yield _wrong(path, _FITS[kind][0], value, reader)


def _check_enum(values: Mapping[str, Server], value: Any, path: Path, reader: Reader) -> Iterator[Diagnostic]:
    if not isinstance(value, str) and _whole(value, -(1 << 31), (1 << 31) - 1):
        return
    known = [name for name, since in values.items() if since <= reader.server and not name.endswith("UNSPECIFIED")]
    if not isinstance(value, str) or value not in values:
        hint = did_you_mean(value, known) if isinstance(value, str) else None
        told = f"{field_name(path)} must be one of {', '.join(known)}, not {describe(value)}"
        yield _finding("KF311", told, path, reader.wrong, hint=hint)
    elif values[value] > reader.server:
        since, here = _version(values[value]), _version(reader.server)
        told = f"KFP takes {describe(value)} for {field_name(path)} from {since} on; this platform has {here}"
        yield _finding("KF319", told, path, reader.wrong)


def _whole(value: Any, low: int, high: int) -> bool:
    if isinstance(value, str):
        if not re.fullmatch(r"-?(?:0|[1-9][0-9]*)", value):
            return False
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return float(value).is_integer() and low <= value <= high


def _double(value: Any) -> bool:
    if isinstance(value, str):
        return _NUMBER.fullmatch(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _duration(value: Any) -> bool:
    return (
        isinstance(value, str)
        and _DURATION.fullmatch(value) is not None
        and abs(float(value[:-1])) <= _LONGEST_DURATION
    )


_FITS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "string": ("a string", lambda v: isinstance(v, str)),
    "bool": ("true or false", lambda v: isinstance(v, bool)),
    "int32": ("a whole number of 32 bits", lambda v: _whole(v, -(1 << 31), (1 << 31) - 1)),
    "int64": ("a whole number", lambda v: _whole(v, -(1 << 63), (1 << 63) - 1)),
    "double": ("a number", _double),
    "google.protobuf.Struct": ("a mapping", lambda v: isinstance(v, dict)),
    "google.protobuf.Value": ("a value", lambda v: True),
    "google.protobuf.Duration": ("a duration in seconds, such as '60s'", _duration),
}


def _unknown(message: str, key: str, path: Path, fields: Mapping[str, Field], reader: Reader) -> Diagnostic:
    hint = did_you_mean(key, (name for name, field in fields.items() if field.since <= reader.server))
    return _finding("KF311", f"unknown field '{key}' in {_noun(message)}", path, reader.unknown, hint=hint, at_key=True)


def _of_another_time(message: str, key: str, path: Path, field: Field, reader: Reader) -> Diagnostic:
    change = (
        f"from {_version(field.since)} on" if reader.server < field.since else f"only before {_version(field.until)}"
    )
    told = f"KFP has '{key}' in {_noun(message)} {change}; this platform has {_version(reader.server)}"
    return finding("KF319", told, path, at_key=True, upstream=reader.unknown, severity=reader.late)


def _version(server: Server | None) -> str:
    return ".".join(map(str, server or ()))


def _noun(message: str) -> str:
    name = message.rpartition(".")[2]
    return _NOUNS.get(message) or f"'{name[0].lower()}{name[1:]}'"


def _wrong(path: Path, wanted: str, value: Any, reader: Reader) -> Diagnostic:
    return _finding("KF311", f"{field_name(path)} must be {wanted}, not {describe(value)}", path, reader.wrong)


def _finding(
    code: str, message: str, path: Path, upstream: Upstream, *, hint: str | None = None, at_key: bool = False
) -> Diagnostic:
    return finding(code, message, path, hint=hint, at_key=at_key, upstream=upstream)


def canonical(message: str, value: dict[str, Any]) -> dict[str, Any]:
    """A value that fits, in one spelling: camelCase names, enum values by name, nothing that is null, 2 for 2.0."""
    fields = _table().messages[message]
    out: dict[str, Any] = {}
    for key, item in value.items():
        name = key if key in fields else _camel(key)
        field = fields.get(name)
        if field is None:
            out[key] = plain(item)
        elif item is not None or field.type == "google.protobuf.Value":
            out[name] = _canonical_field(field, item)
    return out


def _canonical_field(field: Field, value: Any) -> Any:
    if field.many == "list" and isinstance(value, list):
        return [_canonical_one(field.type, item) for item in value]
    if field.many == "map" and isinstance(value, dict):
        return {key: _canonical_one(field.type, item) for key, item in value.items()}
    return _canonical_one(field.type, value)


def _canonical_one(kind: str, value: Any) -> Any:
    table = _table()
    if kind in table.messages and isinstance(value, dict):
        return canonical(kind, value)
    if kind in table.enums and isinstance(value, int | float):
        names = list(table.enums[kind])
        return names[int(value)] if 0 <= value < len(names) else int(value)
    return plain(value)


def plain(value: Any) -> Any:
    """JSON in which equal numbers look the same: protobuf keeps them as doubles."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 53:
        return int(value)
    return value


def _camel(key: str) -> str:
    """`pipeline_info` -> `pipelineInfo`, if that is a proto name at all."""
    name = re.sub(r"_([a-z0-9])", lambda m: m[1].upper(), key)
    return name if _SNAKE.sub(lambda m: f"_{m[1].lower()}", name) == key else key
