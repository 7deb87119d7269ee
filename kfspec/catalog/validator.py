"""The fast answer: whether an object fits its schema, by one compiled validator for each kind.

What does not fit is explained by `kfspec.catalog.explain`.
"""

from __future__ import annotations

from typing import Any

from kfspec.catalog.schema import Node, Schema

QUANTITY = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$"
DATE_TIME = r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$"
RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
"""Formats that the API server checks as ranges (apiextensions-apiserver, kube-openapi `validate`)."""

ROOT_FIELDS = ("apiVersion", "kind", "metadata")
"""Every object has them, whether its schema says so or not; they are checked elsewhere."""

_SAME = [
    "enum",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "required",
]


def compile_validator(schema: Schema, lenient_nulls: bool) -> Any:
    """A jsonschema_rs validator that accepts what strict server-side apply accepts, metadata and lists' keys aside.

    `lenient_nulls`: built-in kinds drop nulls when they are decoded; custom resources refuse them, but where a default
    stands in (both tried on kube-apiserver v1.37).
    """
    import jsonschema_rs

    return jsonschema_rs.validator_for(json_schema(schema, lenient_nulls))


def json_schema(schema: Schema, lenient_nulls: bool) -> dict[str, Any]:
    """The structural schema as JSON Schema 2020-12."""
    parts = {str(n): _translate(part, lenient_nulls) for n, part in enumerate(schema.parts)}
    root = _translate(schema.node(schema.root), lenient_nulls)
    root["properties"] = {**root.get("properties", {}), **{key: {} for key in ROOT_FIELDS}}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": parts, **root}


def _translate(node: Node, lenient: bool, *, nullable: bool = False) -> dict[str, Any]:
    if "$" in node:
        reference = {"$ref": f"#/$defs/{node['$']}"}
        return {"anyOf": [{"type": "null"}, reference]} if lenient or nullable else reference
    out: dict[str, Any] = {key: node[key] for key in _SAME if key in node}
    _exclusive(out)
    types = _types(node)
    may_be_null = lenient or nullable or node.get("nullable") or "default" in node
    if types:
        out["type"] = [*types, "null"] if may_be_null else types
    if may_be_null and "enum" in out:
        out["enum"] = [*out["enum"], None]
    pattern = _pattern(node)
    if pattern is not None:
        out["pattern"] = pattern
    if node.get("format") in RANGES:
        low, high = RANGES[node["format"]]
        out.setdefault("minimum", low)
        out.setdefault("maximum", high)
    _nested(node, out, lenient)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in node:
            out[key] = [_translate_bare(sub, lenient) for sub in node[key]]
    if "not" in node:
        out["not"] = _translate_bare(node["not"], lenient)
    return out


def _translate_bare(node: Node, lenient: bool) -> dict[str, Any]:
    """A branch of a combination: it says something about a value, and lets unknown fields pass."""
    bare = _translate({**node, "preserve": True}, lenient)
    if lenient and "type" not in node:
        bare.pop("type", None)
    return bare


def _exclusive(out: dict[str, Any]) -> None:
    """OpenAPI 3.0's boolean exclusiveMinimum and exclusiveMaximum, as numbers."""
    for flag, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if out.get(flag) is True:
            out[flag] = out.pop(bound)
        elif out.get(flag) is False:
            del out[flag]


def _types(node: Node) -> list[str]:
    if node.get("format") == "quantity":
        return ["string", "number"]
    if node.get("intOrString"):
        return ["integer", "string"]
    return [node["type"]] if "type" in node else []


def _pattern(node: Node) -> str | None:
    if "pattern" in node:
        return str(node["pattern"])
    return {"quantity": QUANTITY, "date-time": DATE_TIME}.get(node.get("format", ""))


def _nested(node: Node, out: dict[str, Any], lenient: bool) -> None:
    properties = node.get("properties")
    if properties is not None:
        out["properties"] = {
            name: _translate(sub, lenient, nullable="default" in sub) for name, sub in properties.items()
        }
    extra = node.get("additionalProperties")
    if isinstance(extra, dict):
        out["additionalProperties"] = _translate(extra, lenient)
    elif refuses_unknown(node):
        out["additionalProperties"] = False
    if node.get("embedded"):
        out.setdefault("properties", {}).update({"apiVersion": {}, "kind": {}, "metadata": {}})
    if "items" in node:
        out["items"] = _translate(node["items"], lenient)


def refuses_unknown(node: Node) -> bool:
    """Whether the server refuses a field of this object that the schema does not name.

    An object without any declared field is no exception: server-side apply takes it as free-form, and the server then
    prunes it, silently.
    """
    return (
        bool(node.get("properties"))
        and not node.get("preserve")
        and not isinstance(node.get("additionalProperties"), dict)
    )
