"""A model server (KServe InferenceService).

`inferenceServices: {scorer: {predictor: {model: {modelFormat: sklearn, storageUri: gs://...}}}}`. `predictor`, `transformer`
and `explainer` take every field of their upstream types. A predictor's model is always written as `predictor.model`: the
older `predictor.sklearn` and its like are rewritten as KServe's own webhook would, or no comparison would ever be equal.
`model.runtime` names one of `servingRuntimes`, by the item's name, or any other that the namespace sees.
`model: {registeredModel: fraud, version: "3"}` serves a version of `models`, by its URI. `access` opens the service to more
than its namespace, by a policy of its own; where it says nothing, the profile's `servingAccess` holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from kfspec.codes import finding
from kfspec.diagnostics import Path
from kfspec.kinds import base
from kfspec.kinds.base import Context, Lowered
from kfspec.kinds.kserve import access as kserve_access
from kfspec.kinds.kserve import effects as kserve_effects
from kfspec.kinds.kserve import rules as kserve_rules
from kfspec.kinds.kserve.access import Access
from kfspec.kinds.kserve.defaults import V2
from kfspec.kinds.lifting import own_metadata, shorten
from kfspec.kinds.shortforms import Expansion
from kfspec.resource import GVK, Body, Origin
from kfspec.spec.base import Namespaced

BLOCK = "inferenceServices"
PRODUCES = (GVK("serving.kserve.io", "v1beta1", "InferenceService"), kserve_access.POLICY)
DERIVES_FROM = ("profiles", "models", "servingRuntimes")

_COMPONENTS = ("predictor", "transformer", "explainer")


class Item(Namespaced):
    """A model server."""

    predictor: dict[str, Any] = Field(description="Upstream's predictor: `model`, or custom `containers`.")
    transformer: dict[str, Any] | None = Field(default=None, description="Upstream's transformer.")
    explainer: dict[str, Any] | None = Field(default=None, description="Upstream's explainer.")
    access: Access | None = Field(
        default=None,
        description="Who else may call it: private, authenticated, everyone, or a list of profiles and principals "
        "(the profile's `servingAccess`).",
    )


def lower(item: Item, ctx: Context) -> Lowered:
    """One InferenceService in its canonical form, and who may call it."""
    expansion = Expansion(ctx)
    spec: dict[str, Any] = {}
    for name in _COMPONENTS:
        component = getattr(item, name)
        if component is not None:
            path = (*ctx.path, name)
            if name == "predictor":
                component = _with_registered_model(component, ctx, expansion)
            if component is None:
                return Lowered((), tuple(expansion.found))
            expanded = expansion.expand(component, ("spec", name), path)
            if name == "predictor":
                expanded = _with_runtime(_canonical_predictor(expanded, path, expansion), ctx)
            spec[name] = _named_container(expanded, name, expansion)
    body = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": base.metadata(ctx, item),
        "spec": spec,
    }
    origins = {**base.base_origins(ctx), **expansion.origins}
    policies, found = kserve_access.policies(item.access, _without_sidecar(item), ctx)
    return Lowered((base.resource(ctx, body, origins), *policies), (*expansion.found, *found))


def _without_sidecar(item: Item) -> bool:
    """Whether pods of the service are kept out of the mesh."""
    given = [component for name in _COMPONENTS if (component := getattr(item, name)) is not None]
    return kserve_access.without_sidecar(
        item.annotations, *(component.get(key) for component in given for key in ("labels", "annotations"))
    )


def _with_registered_model(predictor: dict[str, Any], ctx: Context, expansion: Expansion) -> dict[str, Any] | None:
    """The predictor with the URI, and where it says none the format, of the model's version that it names; None where
    it names none, which is told."""
    given = predictor.get("model")
    if not isinstance(given, dict) or "registeredModel" not in given:
        return predictor
    from kfspec.kinds import model  # few services name one

    at: Path = (*ctx.path, "predictor", "model")
    made = {key: value for key, value in given.items() if key not in model.REFERENCE}
    for own in ("storageUri", "storage"):
        if made.pop(own, None) is not None:
            message = f"'registeredModel' and '{own}' both say where the model is"
            expansion.found.append(finding("KF340", message, (*at, own), hint="keep 'registeredModel'", at_key=True))
    found, problems = model.resolve(given, ctx.declared.get("models") or {}, at)
    expansion.found += problems
    if found is None:
        return None
    to: Path = ("spec", "predictor", "model")
    made["storageUri"] = found.artifact.get("uri")
    expansion.origins[*to, "storageUri"] = Origin((*found.path, "uri"))
    field, kept = model.format_of(found.artifact)
    if "modelFormat" not in made and kept is not None:
        made["modelFormat"] = kept
        expansion.origins[*to, "modelFormat"] = Origin((*found.path, field))
    return {**predictor, "model": made}


def _canonical_predictor(predictor: dict[str, Any], path: Path, expansion: Expansion) -> dict[str, Any]:
    legacy = [name for name in kserve_rules.LEGACY if isinstance(predictor.get(name), dict)]
    if len(legacy) != 1:
        return predictor
    name = legacy[0]
    if "model" in predictor:
        hint = f"KServe would throw 'model' away; keep it, and remove '{name}'"
        message = f"the predictor has both 'model' and '{name}'"
        expansion.found.append(finding("KF340", message, (*path, name), hint=hint, at_key=True))
        return {key: value for key, value in predictor.items() if key != name}
    old: dict[str, Any] = predictor[name]
    model = {"modelFormat": {"name": name}, **old}
    if name in V2:
        model.setdefault("protocolVersion", "v2")
    if name == "pytorch" and "modelClassName" in model:
        del model["modelClassName"]
    _move(expansion, ("spec", "predictor", name), ("spec", "predictor", "model"), (*path, name))
    return {**{key: value for key, value in predictor.items() if key != name}, "model": model}


def _with_runtime(predictor: dict[str, Any], ctx: Context) -> dict[str, Any]:
    """The predictor with the name of its runtime's object, where it names one of `servingRuntimes`."""
    given = predictor.get("model")
    name = given.get("runtime") if isinstance(given, dict) else None
    if not isinstance(name, str) or not ctx.declared.get("servingRuntimes"):
        return predictor
    from kfspec.kinds.kserve import servingruntime  # few specs declare one

    found = servingruntime.resolve(name, ctx)
    if not isinstance(given, dict) or found in (None, name):
        return predictor
    return {**predictor, "model": {**given, "runtime": found}}


def _move(expansion: Expansion, old: Path, new: Path, spec: Path) -> None:
    """Origins below `old` stand below `new` now."""
    for path, origin in list(expansion.origins.items()):
        if path[: len(old)] == old:
            expansion.origins[(*new, *path[len(old) :])] = origin
    expansion.origins[new] = Origin(spec)


def _named_container(component: dict[str, Any], name: str, expansion: Expansion) -> dict[str, Any]:
    """A single custom container goes by the name that the defaulter would give it (KServe 0.14.1; recorded)."""
    containers = component.get("containers")
    if name == "explainer" or not isinstance(containers, list) or len(containers) != 1 or "model" in component:
        return component
    only = containers[0]
    if not isinstance(only, dict) or only.get("name") == kserve_rules.CONTAINER:
        return component
    at: Path = ("spec", name, "containers", 0)
    if "name" not in only:
        where = expansion.origins.get(at, expansion.origins["spec", name])
        expansion.origins[*at, "name"] = Origin(where.path, where.at_key)
    return {**component, "containers": [{**only, "name": kserve_rules.CONTAINER}]}


def lift(body: Body) -> Iterator[dict[str, Any]]:
    """Items that may stand for the object, the shortest first."""
    spec = body.get("spec")
    if isinstance(spec, dict) and not spec.keys() - set(_COMPONENTS):
        meta = own_metadata(body)
        yield {**shorten(spec), **meta}
        yield {**spec, **meta}


rules = kserve_rules.rules
EFFECTS = kserve_effects.EFFECTS
ready = kserve_effects.ready
