"""A model server (KServe InferenceService).

`inferenceServices: {scorer: {predictor: {model: {modelFormat: sklearn, storageUri: gs://...}}}}`. `predictor`, `transformer`
and `explainer` take every field of their upstream types. A predictor's model is always written as `predictor.model`: the
older `predictor.sklearn` and its like are rewritten as KServe's own webhook would, or no comparison would ever be equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from kfspec.codes import finding
from kfspec.diagnostics import Path
from kfspec.kinds import base
from kfspec.kinds.base import Context, Lowered
from kfspec.kinds.kserve import effects as kserve_effects
from kfspec.kinds.kserve import rules as kserve_rules
from kfspec.kinds.kserve.defaults import V2
from kfspec.kinds.lifting import own_metadata, shorten
from kfspec.kinds.shortforms import Expansion
from kfspec.resource import GVK, Body, Origin
from kfspec.spec.base import Namespaced

BLOCK = "inferenceServices"
PRODUCES = (GVK("serving.kserve.io", "v1beta1", "InferenceService"),)

_COMPONENTS = ("predictor", "transformer", "explainer")


class Item(Namespaced):
    """A model server."""

    predictor: dict[str, Any] = Field(description="Upstream's predictor: `model`, or custom `containers`.")
    transformer: dict[str, Any] | None = Field(default=None, description="Upstream's transformer.")
    explainer: dict[str, Any] | None = Field(default=None, description="Upstream's explainer.")


def lower(item: Item, ctx: Context) -> Lowered:
    """One InferenceService in its canonical form."""
    expansion = Expansion(ctx)
    spec: dict[str, Any] = {}
    for name in _COMPONENTS:
        component = getattr(item, name)
        if component is not None:
            path = (*ctx.path, name)
            expanded = expansion.expand(component, ("spec", name), path)
            if name == "predictor":
                expanded = _canonical_predictor(expanded, path, expansion)
            spec[name] = _named_container(expanded, name, expansion)
    body = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": base.metadata(ctx, item),
        "spec": spec,
    }
    origins = {**base.base_origins(ctx), **expansion.origins}
    return Lowered((base.resource(ctx, body, origins),), tuple(expansion.found))


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
