"""The JSON Schema (draft 7) of a spec, for editors: completion, explanations, and the plainest mistakes.

Derived from the kinds' models and from the catalogue's schemas of the default release. It admits every spec that kfspec
admits: short forms beside upstream's, `${vars.NAME}` for any scalar, `null` where an environment removes. What needs more
than a schema is `kfspec validate`'s business.
"""

from __future__ import annotations

import json
from collections import deque
from typing import Any

from pydantic import BaseModel

from kfspec import catalog, kinds
from kfspec.catalog.schema import Node, Schema, load_schema
from kfspec.kinds.shortforms import MAP_FORMS
from kfspec.spec.settings import Settings

DEFAULT_RELEASE = "1.10"
_VAR = {"type": "string", "pattern": r"\$\{vars\."}
_FREE_MAPS = frozenset({*MAP_FORMS, "env", "parameters", "algorithmSettings", "trialParameters"})
"""Lists that also take the map form."""
_NAMED = frozenset({"algorithm", "earlyStopping", "modelFormat", "restartPolicy", "supportedModelFormats"})
"""Objects that may be a name alone, and lists of such."""
_ADDED = {
    "model": {
        "registeredModel": {"type": ["string", "null"], "description": "A model of `models`, instead of `storageUri`."},
        "version": {"type": ["string", "null"], "description": "Which of its versions."},
        "artifact": {"type": ["string", "null"], "description": "Which artifact, where the version has several."},
    },
    "steps": {
        "service": {"type": ["string", "null"], "description": "Short for `serviceName`."},
        "node": {"type": ["string", "null"], "description": "Short for `nodeName`."},
    },
}
"""What kfspec takes in an upstream field, or in each entry of its list, beside upstream's own."""
_SCALARS = frozenset({"string", "integer", "number", "boolean"})


def render() -> str:
    """The schema as JSON text, a definition a line, keys in order: equal bytes for equal catalogues."""
    schema = spec_schema()
    definitions = schema.pop("definitions")
    head = json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False)[:-2]
    lines = [
        f" {json.dumps(name)}: {json.dumps(value, separators=(',', ':'), sort_keys=True, ensure_ascii=False)}"
        for name, value in sorted(definitions.items())
    ]
    return f'{head},\n "definitions": {{\n' + ",\n".join(lines) + "\n }\n}\n"


def spec_schema() -> dict[str, Any]:
    """The schema of a whole spec."""
    definitions = _Definitions()
    blocks = {block: definitions.block(block) for block in kinds.BLOCKS}
    settings = definitions.model(Settings)["properties"]
    shared = {
        "defaults": {
            "type": "object",
            "description": "What every item has unless it says otherwise.",
            "properties": {
                "profile": {"type": "string", "description": "The profile of items that name none."},
                **{block: value["additionalProperties"] for block, value in blocks.items()},
            },
            "additionalProperties": False,
        },
        **blocks,
    }
    top = {**settings, **shared}
    environment = {key: value for key, value in top.items() if key not in ("apiVersion", "project")}
    files = {"type": "array", "items": {"type": "string"}}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "kfspec",
        "description": "A Kubeflow project: kfspec.dev/v1alpha1",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **top,
            "environments": {
                "type": "object",
                "description": "Name -> what differs there, in the spec's own structure; null removes.",
                "additionalProperties": {
                    "type": ["object", "null"],
                    "properties": environment,
                    "additionalProperties": False,
                },
            },
            "include": {**files, "description": "Files that hold more of this spec."},
            "extends": {
                "type": ["string", "array"],
                "items": {"type": "string"},
                "description": "Files that share kubeflow, components, platform, policies and defaults.",
            },
            "requires": {"type": "string", "description": "The versions of kfspec that may read this: kfspec>=0.3"},
        },
        "definitions": definitions.made,
    }


class _Definitions:
    """Definitions as they are met: models, and parts of upstream's schemas."""

    def __init__(self) -> None:
        self.made: dict[str, Any] = {}
        self._release, _ = catalog.release(DEFAULT_RELEASE, {})

    def block(self, block: str) -> dict[str, Any]:
        """A block: a map of names to items."""
        modules = kinds.BLOCKS[block]
        if "" in modules:
            item: dict[str, Any] = {"anyOf": [self._item(modules[""]), {"type": "null"}]}
        else:
            names = {kind: self._item(module) for kind, module in modules.items()}
            any_kind: dict[str, Any] = {}
            for reference in names.values():
                any_kind |= dict.fromkeys(self.made[reference["$ref"].rsplit("/", 1)[1]]["properties"], True)
            item = {
                "type": ["object", "null"],
                "properties": {**any_kind, "kind": {"enum": sorted(names)}},
                "additionalProperties": False,
                "allOf": [
                    {"if": {"required": ["kind"], "properties": {"kind": {"const": kind}}}, "then": reference}
                    for kind, reference in sorted(names.items())
                ],
            }
        about = (kinds.load(next(iter(modules.values()))).__doc__ or "").split("\n")[0]
        return {"type": ["object", "null"], "description": about, "additionalProperties": item}

    def _item(self, module_name: str) -> dict[str, Any]:
        module = kinds.load(module_name)
        if module_name not in self.made:
            self.made[module_name] = {}
            schema = self._upstream(module)
            self.made[module_name] = self.model(module.Item, schema)
        return {"$ref": f"#/definitions/{module_name}"}

    def _upstream(self, module: Any) -> tuple[Schema, str] | None:
        """The schema of the object that a kind's items are about, and a name for its parts."""
        if not module.PRODUCES or self._release is None:
            return None
        gvk = module.PRODUCES[0]
        entry = self._release.kind(gvk.group, gvk.kind)
        return (load_schema(entry, gvk.version), entry.file.split("/")[0]) if entry is not None else None

    def model(self, model: type[BaseModel], upstream: tuple[Schema, str] | None = None) -> dict[str, Any]:
        """A typed part of the spec; fields that pass through to upstream get upstream's schema."""
        model.model_rebuild()
        own = model.model_json_schema(ref_template="#/definitions/{model}")
        for name, nested in own.get("$defs", {}).items():
            relaxed = _relaxed(nested)
            if self.made.setdefault(name, relaxed) != relaxed:
                raise TypeError(f"two models are called {name}: a definition is known by its class's name")
        properties: dict[str, Any] = {}
        for field, typed in own.get("properties", {}).items():
            about = model.model_fields[field].description
            found = _find(upstream[0], field) if upstream is not None and _passes_through(model, field) else None
            value = (
                self._node(found, *upstream, field) if found is not None and upstream is not None else _relaxed(typed)
            )
            value = {key: inner for key, inner in value.items() if key not in ("title", "default")}
            if "$ref" in value and about:
                value = {"allOf": [value]}  # draft 7 reads nothing beside a reference
            properties[field] = {**value, **({"description": about} if about else {})}
        extra = bool(model.model_config.get("extra") == "allow")
        return {"type": "object", "properties": properties, "additionalProperties": extra}

    def _node(self, node: Node, schema: Schema, component: str, field: str) -> dict[str, Any]:
        """Upstream's node, with the short forms that a field of this name takes."""
        if "$" in node:
            short = field if field in _FREE_MAPS or field in _NAMED or field in _ADDED or field == "resources" else ""
            name = f"{component}.{node['$']}{'.' + short if short else ''}"
            if name not in self.made:
                self.made[name] = {}
                self.made[name] = self._node(schema.parts[node["$"]], schema, component, field)
            return {"$ref": f"#/definitions/{name}"}
        if field == "resources":
            return {"type": ["object", "null"]}
        if node.get("intOrString") or node.get("format") == "quantity":
            return {"type": ["integer", "number", "string", "null"]}
        kind = node.get("type")
        if kind in _SCALARS:
            return self._scalar(node)
        if kind == "array":
            entry = field if field in _NAMED or field in _ADDED else ""
            items = self._node(node.get("items") or {}, schema, component, entry)
            as_list = {"type": "array", "items": items}
            free = [{"type": "object"}] if field in _FREE_MAPS else []
            return {"anyOf": [as_list, *free, {"type": "null"}, _VAR]}
        if kind == "object" or "properties" in node:
            return self._object(node, schema, component, field)
        return {}

    def _object(self, node: Node, schema: Schema, component: str, field: str) -> dict[str, Any]:
        made: dict[str, Any] = {"type": ["object", "null"]}
        properties = node.get("properties")
        if properties:
            made["properties"] = {key: self._node(sub, schema, component, key) for key, sub in properties.items()}
            made["properties"] |= _ADDED.get(field, {})
            if not node.get("preserve") and not node.get("embedded"):
                made["additionalProperties"] = False
        elif isinstance(node.get("additionalProperties"), dict):
            made["additionalProperties"] = self._node(node["additionalProperties"], schema, component, "")
        if field in _NAMED:
            return {"anyOf": [made, {"type": "string"}]}
        return made

    def _scalar(self, node: Node) -> dict[str, Any]:
        if "enum" in node:
            return {"anyOf": [{"enum": [*node["enum"], None]}, _VAR]}
        if node["type"] == "string":
            return {"type": ["string", "number", "boolean", "null"]}  # numbers keep their text where upstream has text
        return {"anyOf": [{"type": [node["type"], "null"]}, _VAR]}


def _passes_through(model: type[BaseModel], field: str) -> bool:
    """Whether the model leaves a field to upstream's schema."""
    return model.model_fields[field].annotation in (Any, dict[str, Any], dict[str, Any] | None)


def _find(schema: Schema, field: str) -> Node | None:
    """Where a kind lowers a field of the same name to: in `spec`, in the first container, else the nearest below."""
    root = schema.node(schema.root)
    spec = schema.node((root.get("properties") or {}).get("spec", root))
    if field in (spec.get("properties") or {}):
        found: Node = spec["properties"][field]
        return found
    containers = _nearest(schema, spec, "containers")
    if containers is not None:
        container = schema.node(schema.node(containers).get("items") or {})
        if field in (container.get("properties") or {}):
            inner: Node = container["properties"][field]
            return inner
    return _nearest(schema, spec, field)


def _nearest(schema: Schema, start: Node, field: str) -> Node | None:
    """The first node of this name, level by level."""
    queue, seen = deque([start]), set[int]()
    while queue:
        node = schema.node(queue.popleft())
        if id(node) in seen:
            continue
        seen.add(id(node))
        properties = node.get("properties") or {}
        if field in properties:
            found: Node = properties[field]
            return found
        below = [*properties.values(), node.get("items"), node.get("additionalProperties")]
        queue.extend(inner for inner in below if isinstance(inner, dict))
    return None


def _relaxed(node: Any) -> Any:
    """A model's schema for a document that is not resolved yet: null removes, and a var may stand for any scalar."""
    if isinstance(node, list):
        return [_relaxed(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {k: _relaxed(v) for k, v in node.items() if k not in ("title", "default", "required")}
    if "properties" in node:
        made["properties"] = {key: _relaxed(value) for key, value in node["properties"].items()}
        made["type"] = ["object", "null"]
    elif node.get("type") in ("integer", "number", "boolean") or "enum" in node or "const" in node:
        about = {"description": made.pop("description")} if "description" in made else {}
        return {"anyOf": [made, {"type": "null"}, _VAR], **about}
    elif node.get("type") in ("string", "array", "object"):
        made["type"] = [node["type"], "null"]
    return made
