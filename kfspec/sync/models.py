"""Plan for Model Registry: from payloads and what is there to steps. Pure.

The registry deletes nothing (v1alpha3, 0.2.15 to 0.3.8): what left the spec is archived, an artifact is marked for deletion,
and what comes back is made live again. Ours is what carries our `externalId`, which is unique per type. A PATCH holds what
differs and nothing else. A map of custom properties replaces the whole map, so people's own are sent along, and which fields
are ours is kept in a property of its own: what left the spec is taken back, what people added is not.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from kfspec.sync.payload import Artifact, Desired, Model, ModelVersion, Provenance, Scope
from kfspec.sync.steps import Action, Step, Steps

MODEL, VERSION, ARTIFACT = "registered model", "model version", "artifact"
FIELDS, DIGEST, COMMIT = "kfspec.fields", "kfspec.specDigest", "kfspec.commit"
"""Custom properties that are kfspec's own: the fields that it set, and where they come from."""
_PROPERTY = "customProperties."
_LIVE, _ARCHIVED, _MARKED = "LIVE", "ARCHIVED", "MARKED_FOR_DELETION"

Body = dict[str, Any]


class Entry(NamedTuple):
    """One registered model, version or artifact that is there: its body as the registry gives it, and what is below it."""

    body: Body
    below: tuple[Entry, ...] = ()

    @property
    def id(self) -> str:
        """The registry's id."""
        return str(self.body["id"])

    @property
    def name(self) -> str:
        """Its name, which never changes."""
        return str(self.body.get("name", ""))

    @property
    def external_id(self) -> str:
        """Whose it is."""
        return str(self.body.get("externalId") or "")


class Actual(NamedTuple):
    """All registered models; those of the scope with their versions and artifacts."""

    models: tuple[Entry, ...] = ()


def plan(desired: Desired, actual: Actual) -> Steps:
    """What makes the registry hold the desired state, and of what is ours nothing else."""
    return tuple(_steps(desired, actual))


def prefix(scope: Scope) -> str:
    """What the externalId of all that a scope made begins with."""
    return f"kfspec/{scope.project}/{scope.environment}/"


def _steps(desired: Desired, actual: Actual) -> Iterator[Step]:
    own = prefix(desired.scope)
    for model in desired.models:
        yield from _model(own, model, actual)
    declared = {own + model.item for model in desired.models}
    for entry in actual.models:
        if entry.external_id.startswith(own) and entry.external_id not in declared:
            yield from _gone(entry, MODEL, entry.external_id.removeprefix(own))


def _model(own: str, model: Model, actual: Actual) -> Iterator[Step]:
    key = own + model.item
    body = {
        "name": model.name,
        "externalId": key,
        **_set(description=model.description, owner=model.owner),
        "state": model.state,
    }
    there, problem = _match(actual.models, key, model.name, MODEL, model.item)
    if problem is not None:
        yield problem
        return
    yield from _upsert(there, MODEL, model.item, (), body, model.customProperties, model.provenance)
    below = there.below if there is not None else ()
    for version in model.versions:
        yield from _version(key, model, version, below)
    declared = {f"{key}/{version.name}" for version in model.versions}
    for entry in below:
        if entry.external_id.startswith(key + "/") and entry.external_id not in declared:
            yield from _gone(entry, VERSION, model.item)


def _version(owner: str, model: Model, version: ModelVersion, others: tuple[Entry, ...]) -> Iterator[Step]:
    key = f"{owner}/{version.name}"
    body = {
        "name": version.name,
        "externalId": key,
        **_set(description=version.description, author=version.author),
        "state": version.state,
    }
    there, problem = _match(others, key, version.name, VERSION, model.item)
    if problem is not None:
        yield problem
        return
    within = (model.name,)
    yield from _upsert(there, VERSION, model.item, within, body, version.customProperties, model.provenance)
    below = there.below if there is not None else ()
    for artifact in version.artifacts:
        yield from _artifact(key, model, version, artifact, below)
    declared = {f"{key}/{artifact.name}" for artifact in version.artifacts}
    for entry in below:
        if entry.external_id.startswith(key + "/") and entry.external_id not in declared:
            yield from _gone(entry, ARTIFACT, model.item)


def _artifact(
    owner: str, model: Model, version: ModelVersion, artifact: Artifact, others: tuple[Entry, ...]
) -> Iterator[Step]:
    key = f"{owner}/{artifact.name}"
    body = {
        "name": artifact.name,
        "externalId": key,
        **artifact.model_dump(exclude={"name", "customProperties"}, exclude_none=True),
        "state": _LIVE,
    }
    there, problem = _match(others, key, artifact.name, ARTIFACT, model.item)
    if problem is not None:
        yield problem
        return
    within = (model.name, version.name)
    yield from _upsert(there, ARTIFACT, model.item, within, body, artifact.customProperties, model.provenance)


def _match(entries: tuple[Entry, ...], key: str, name: str, kind: str, item: str) -> tuple[Entry | None, Step | None]:
    """The entry that is ours, or why there can be none."""
    for entry in entries:
        if entry.external_id == key:
            if entry.name == name:
                return entry, None
            words = f"is registered as '{entry.name}', and names cannot be changed; give the item another name too"
            return None, Step(Action.REFUSE, kind, name, item, words, entry.id, code="KF626")
    for entry in entries:
        if entry.name == name:
            who = f"by {entry.external_id}" if entry.external_id.startswith("kfspec/") else "by nobody knows whom"
            words = f"is there already, and was made {who}; it is not touched"
            return None, Step(Action.REFUSE, kind, name, item, words, entry.id, code="KF621")
    return None, None


def _upsert(
    there: Entry | None,
    kind: str,
    item: str,
    within: tuple[str, ...],
    body: Body,
    properties: Mapping[str, Any],
    provenance: Provenance,
) -> Iterator[Step]:
    mine = {name: typed(value) for name, value in properties.items()}
    fields = sorted([*(set(body) - {"name", "externalId", "state"}), *(_PROPERTY + name for name in mine)])
    mine[FIELDS] = typed(json.dumps(fields, separators=(",", ":")))
    origin = {DIGEST: provenance.specDigest, COMMIT: provenance.commit}
    origins = {name: typed(value) for name, value in origin.items() if value}
    if there is None:
        whole = {**body, "customProperties": {**mine, **origins}}
        yield Step(Action.CREATE, kind, body["name"], item, "is not there", within=within, value=whole)
        return
    patch = _patch(there.body, body, mine, json.loads(_text(there.body, FIELDS) or "[]"))
    if not patch:
        return
    back = there.body.get("state") != body["state"] == _LIVE
    words = f"changes {', '.join(sorted(patch))}" if set(patch) - {"state"} or not back else "is back in the spec"
    action = Action.RESTORE if set(patch) == {"state"} and back else Action.UPDATE
    yield Step(action, kind, there.name, item, words, there.id, within, _originated(patch, there.body, origins))


def _patch(there: Body, body: Body, mine: Body, before: list[str]) -> Body:
    """What differs. `before`: the fields that were ours."""
    patch = {name: value for name, value in body.items() if there.get(name) != value}
    for name in before:
        if not name.startswith(_PROPERTY) and name not in body and there.get(name):
            patch[name] = ""  # null would leave it as it is (internal/core/partial_update_test.go)
    existing = there.get("customProperties") or {}
    removed = {name.removeprefix(_PROPERTY) for name in before if name.startswith(_PROPERTY)} - set(mine)
    wanted = {**{name: value for name, value in existing.items() if name not in removed}, **mine}
    if {n: _plain(v) for n, v in wanted.items()} != {n: _plain(v) for n, v in existing.items()}:
        patch["customProperties"] = wanted
    return patch


def _originated(patch: Body, there: Body, origins: Body) -> Body:
    """A change with where it comes from, which is none by itself."""
    existing: Body = there.get("customProperties") or {}
    if all(existing.get(name) == value for name, value in origins.items()):
        return patch
    return {**patch, "customProperties": {**patch.get("customProperties", existing), **origins}}


def _gone(entry: Entry, kind: str, item: str) -> Iterator[Step]:
    state = _MARKED if kind == ARTIFACT else _ARCHIVED
    if entry.body.get("state") != state:
        words = f"left the spec; the registry deletes nothing, its state becomes {state}"
        yield Step(Action.ARCHIVE, kind, entry.name, item, words, entry.id, value={"state": state})


def _set(**fields: str | None) -> Body:
    return {name: value for name, value in fields.items() if value is not None}


def typed(value: Any) -> Body:
    """A custom property as the registry writes it: a whole number is a string, a mapping is JSON in base64."""
    match value:
        case bool():
            return {"metadataType": "MetadataBoolValue", "bool_value": value}
        case int():
            return {"metadataType": "MetadataIntValue", "int_value": str(value)}
        case float():
            return {"metadataType": "MetadataDoubleValue", "double_value": value}
        case str():
            return {"metadataType": "MetadataStringValue", "string_value": value}
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {"metadataType": "MetadataStructValue", "struct_value": base64.b64encode(text.encode()).decode()}


def _plain(value: Body) -> Any:
    """A custom property in one spelling, for comparing."""
    if value.get("metadataType") != "MetadataStructValue":
        return value
    try:
        return json.loads(base64.b64decode(value["struct_value"]))
    except (ValueError, binascii.Error):
        return value


def _text(body: Body, name: str) -> str:
    value = (body.get("customProperties") or {}).get(name) or {}
    return str(value.get("string_value", ""))
