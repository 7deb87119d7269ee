"""A model in Model Registry: its versions, and where each is kept.

`models: {fraud: {versions: {"3": {uri: gs://acme/fraud/v3, modelFormat: sklearn}}}}`. An InferenceService serves a version with
`model: {registeredModel: fraud, version: "3"}`, which stands for the version's URI when the spec is compiled. `kfspec sync`
keeps the registry; it deletes nothing there, and what leaves the spec is archived.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from pydantic import Field

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, has_errors
from kfspec.kinds import base, syncing
from kfspec.kinds.base import Context, Lowered
from kfspec.spec.base import Json, Model, Namespaced
from kfspec.sync import payload
from kfspec.wording import describe, did_you_mean

BLOCK = "models"
PRODUCES = syncing.LOOP

State = Literal["LIVE", "ARCHIVED"]


class Format(Model):
    """The long form of a model's format."""

    name: str = Field(min_length=1, description="`sklearn`, `onnx`, ...")
    version: str | None = Field(default=None, description="The format's version.")


class Kept(Model):
    """Where a version is kept: upstream's fields of a model artifact."""

    uri: str | None = Field(default=None, min_length=1, description="Upstream's: where the files are.")
    modelFormat: str | Format | None = Field(  # noqa: N815
        default=None,
        description="`sklearn`, or `{name, version}`: short for upstream's `modelFormatName` and `-Version`.",
    )
    modelFormatName: str | None = Field(default=None, description="Upstream's.")  # noqa: N815
    modelFormatVersion: str | None = Field(default=None, description="Upstream's.")  # noqa: N815
    storageKey: str | None = Field(default=None, description="Upstream's.")  # noqa: N815
    storagePath: str | None = Field(default=None, description="Upstream's.")  # noqa: N815
    serviceAccountName: str | None = Field(default=None, description="Upstream's.")  # noqa: N815


class Artifact(Kept):
    """One of several places of a version."""

    description: str | None = Field(default=None, description="What people read beside it.")
    customProperties: dict[str, Json] = Field(  # noqa: N815
        default_factory=dict, description="Name -> text, number, boolean or mapping; upstream's typed form too."
    )


class Version(Kept):
    """A version; with `uri` it has one artifact, of the model's name."""

    artifacts: dict[str, Artifact] = Field(default_factory=dict, description="Name -> where it is, instead of `uri`.")
    description: str | None = Field(default=None, description="What people read beside it.")
    author: str | None = Field(default=None, description="Who made it.")
    customProperties: dict[str, Json] = Field(  # noqa: N815
        default_factory=dict, description="Name -> text, number, boolean or mapping; upstream's typed form too."
    )
    state: State = Field(default="LIVE", description="Upstream's.")


class Item(Namespaced):
    """A registered model."""

    name: str | None = Field(default=None, min_length=1, description="Its name in the registry; the item's otherwise.")
    description: str | None = Field(default=None, description="What people read beside it.")
    owner: str | None = Field(default=None, description="Whose it is.")
    customProperties: dict[str, Json] = Field(  # noqa: N815
        default_factory=dict, description="Name -> text, number, boolean or mapping; upstream's typed form too."
    )
    state: State = Field(default="LIVE", description="Upstream's.")
    versions: dict[str, Version] = Field(
        default_factory=dict,
        description="Version -> `uri` and `modelFormat`, or `artifacts`; `description`, `author`, `state`.",
    )


def lower(item: Item, ctx: Context) -> Lowered:
    """A ConfigMap for the sync."""
    found: list[Diagnostic] = [*syncing.names_problems((ctx.name,), (BLOCK,))]
    found += syncing.names_problems(item.versions, (*ctx.path, "versions"))
    for name, version in item.versions.items():
        found += syncing.names_problems(version.artifacts, (*ctx.path, "versions", name, "artifacts"))
    if has_errors(found):
        return Lowered((), tuple(found))
    versions = [_version(ctx, name, version, item.name or ctx.name, found) for name, version in item.versions.items()]
    properties = _properties(item.customProperties, (*ctx.path, "customProperties"), found)
    if has_errors(found):
        return Lowered((), tuple(found))
    content = payload.Model(
        item=".".join(map(str, ctx.path)),
        name=item.name or ctx.name,
        description=item.description,
        owner=item.owner,
        customProperties=properties,
        state=item.state,
        versions=tuple(versions),
        provenance=payload.Provenance(specDigest=syncing.spec_digest((ctx.declared.get(BLOCK) or {}).get(ctx.name))),
    )
    carried, synced, problems = syncing.config_map(item, ctx, "model-registry", content)
    if carried is None or synced is None:
        return Lowered((), (*found, *problems))
    return Lowered((carried,), tuple(found), synced=(synced,))


def _version(ctx: Context, name: str, version: Version, model: str, found: list[Diagnostic]) -> payload.ModelVersion:
    at = (*ctx.path, "versions", name)
    short = {key for key in Kept.model_fields if getattr(version, key) is not None}
    if version.artifacts and short:
        message = f"'{min(short)}' and 'artifacts' both say where the version is kept"
        found.append(finding("KF340", message, (*at, min(short)), hint="write one of them", at_key=True))
    artifacts: dict[str, Kept] = dict(version.artifacts)
    if not version.artifacts:
        artifacts = {model: version}
        if version.uri is None:
            message = f"'{'.'.join(map(str, at))}' lacks 'uri'"
            found.append(finding("KF102", message, at, hint="add 'uri:', or several 'artifacts:'", at_key=True))
    return payload.ModelVersion(
        name=name,
        description=version.description,
        author=version.author,
        customProperties=_properties(version.customProperties, (*at, "customProperties"), found),
        state=version.state,
        artifacts=tuple(
            _artifact(key, kept, (*at, "artifacts", key) if version.artifacts else at, found)
            for key, kept in artifacts.items()
        ),
    )


def _artifact(name: str, kept: Kept, at: Path, found: list[Diagnostic]) -> payload.Artifact:
    given: dict[str, Any] = {key: getattr(kept, key) for key in Kept.model_fields if key != "modelFormat"}
    if kept.modelFormat is not None:
        clash = next((key for key in ("modelFormatName", "modelFormatVersion") if given[key] is not None), None)
        if clash is not None:
            message = f"'modelFormat' and '{clash}' say the same thing"
            found.append(finding("KF340", message, (*at, clash), hint="write one of them", at_key=True))
        long = kept.modelFormat if isinstance(kept.modelFormat, Format) else Format(name=kept.modelFormat)
        given |= {"modelFormatName": long.name, "modelFormatVersion": long.version}
    if kept.uri is None and isinstance(kept, Artifact):
        message = f"'{'.'.join(map(str, at))}' lacks 'uri'"
        found.append(finding("KF102", message, at, hint="add 'uri:', where the files are", at_key=True))
    if isinstance(kept, Artifact):
        given["description"] = kept.description
        given["customProperties"] = _properties(kept.customProperties, (*at, "customProperties"), found)
    return payload.Artifact(name=name, **{**given, "uri": kept.uri or ""})


_TYPED = {
    "MetadataStringValue": "string_value",
    "MetadataIntValue": "int_value",
    "MetadataDoubleValue": "double_value",
    "MetadataBoolValue": "bool_value",
    "MetadataStructValue": "struct_value",
}
"""Upstream's types of custom properties, and the field that holds the value (OpenAPI v1alpha3, 0.2.15 to 0.3.8)."""


def _properties(given: Mapping[str, Any], at: Path, found: list[Diagnostic]) -> dict[str, Any]:
    """Custom properties as plain values; what the registry cannot hold is told."""
    plain = {}
    for name, value in given.items():
        ok, plain[name] = _plain(value)
        if not ok:
            message = f"custom property '{name}' cannot be {describe(value)}"
            hint = "text, a number, true or false, or a mapping"
            found.append(finding("KF341", message, (*at, name), hint=hint))
    return plain


def _plain(value: Any) -> tuple[bool, Any]:
    """Whether the registry can hold the value, and the value without its type."""
    if isinstance(value, str | bool | int | float):
        return True, value
    if not isinstance(value, dict):
        return False, ""
    if "metadataType" not in value:
        return True, value
    inner = value.get(_TYPED.get(str(value["metadataType"]), ""))
    if inner is None or len(value) != 2:
        return False, ""
    try:
        match value["metadataType"]:
            case "MetadataIntValue":
                return True, int(inner)
            case "MetadataDoubleValue":
                return True, float(inner)
            case "MetadataStructValue":
                struct = json.loads(base64.b64decode(inner, validate=True))
                return isinstance(struct, dict), struct
    except (ValueError, TypeError):
        return False, ""
    wanted = str if value["metadataType"] == "MetadataStringValue" else bool
    return isinstance(inner, wanted), inner


# -- what a model server takes from it ----------------------------------------------------------------------------


class Found(NamedTuple):
    """A version's artifact, as written, and where it stands."""

    artifact: Mapping[str, Any]
    path: Path


REFERENCE = ("registeredModel", "version", "artifact")
"""The fields of a predictor's model that name an artifact."""


def resolve(
    model: Mapping[str, Any], declared: Mapping[str, Any], at: Path
) -> tuple[Found | None, tuple[Diagnostic, ...]]:
    """The artifact that a predictor's model names; None with what is wrong. `declared`: the block of models."""
    name, version, artifact = (model.get(key) for key in REFERENCE)
    if not isinstance(name, str) or not isinstance(declared.get(name), dict):
        hint = did_you_mean(str(name), declared, "declare it under 'models', or write 'storageUri'")
        told = f"registered model {describe(name)} is not declared"
        return None, (finding("KF212", told, (*at, "registeredModel"), hint=hint),)
    versions = declared[name].get("versions")
    versions = versions if isinstance(versions, dict) else {}
    known = ", ".join(f"'{each}'" for each in versions) or "none"
    if version is None:
        hint = f"add 'version:', one of {known}"
        told = f"'registeredModel: {name}' says no version: what is served would change without the spec"
        return None, (finding("KF345", told, (*at, "registeredModel"), hint=hint),)
    if not isinstance(version, str):
        told = f"'version' must be a string, not {describe(version)}"
        return None, (finding("KF212", told, (*at, "version"), hint=f'put it in quotes: "{version}"'),)
    if not isinstance(versions.get(version), dict):
        hint = did_you_mean(version, versions, f"its versions: {known}")
        told = f"model '{name}' has no version {describe(version)}"
        return None, (finding("KF212", told, (*at, "version"), hint=hint),)
    body, path = versions[version], (BLOCK, name, "versions", version)
    artifacts = body.get("artifacts")
    if not isinstance(artifacts, dict) or not artifacts:
        artifacts, places = {declared[name].get("name") or name: body}, {}
    else:
        places = {key: (*path, "artifacts", key) for key in artifacts}
    if artifact is None and len(artifacts) == 1:
        artifact = next(iter(artifacts))
    if not isinstance(artifact, str) or not isinstance(artifacts.get(artifact), dict):
        several = f"one of: {', '.join(artifacts)}"
        if artifact is None:
            told = f"version '{version}' of model '{name}' has {len(artifacts)} artifacts"
            return None, (finding("KF212", told, (*at, "version"), hint=f"add 'artifact:', {several}"),)
        told = f"version '{version}' of model '{name}' has no artifact {describe(artifact)}"
        return None, (finding("KF212", told, (*at, "artifact"), hint=did_you_mean(str(artifact), artifacts, several)),)
    return Found(artifacts[artifact], places.get(artifact, path)), ()


def format_of(artifact: Mapping[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """The field of an artifact that says its format, and the format as KServe has it; None where none is said."""
    short = artifact.get("modelFormat")
    if short is not None:
        return "modelFormat", short if isinstance(short, dict) else {"name": short}
    name, version = artifact.get("modelFormatName"), artifact.get("modelFormatVersion")
    if name is None:
        return "modelFormatName", None
    return "modelFormatName", {"name": name, **({"version": version} if version is not None else {})}


lift = base.no_lift
rules = base.no_rules
EFFECTS = base.no_effects
ready = base.ready_when_there
