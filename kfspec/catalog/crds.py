"""The way back: CustomResourceDefinitions from the derived schemas.

A test API server is loaded with these, which proves that the derivation lost nothing that the server acts on.
"""

from __future__ import annotations

from typing import Any

from kfspec.catalog import KindEntry, Release, kinds_of
from kfspec.catalog.schema import Node, Schema, load_schema

_WORDS = {
    "intOrString": "x-kubernetes-int-or-string",
    "preserve": "x-kubernetes-preserve-unknown-fields",
    "embedded": "x-kubernetes-embedded-resource",
    "list": "x-kubernetes-list-type",
    "keys": "x-kubernetes-list-map-keys",
    "map": "x-kubernetes-map-type",
    "cel": "x-kubernetes-validations",
}

_OWN_TYPES = "katib"
"""Katib's schemas are written out here; its installed CRDs preserve whatever they are given (katib v0.18.0)."""


def crds(release: Release) -> list[dict[str, Any]]:
    """Every CustomResourceDefinition of a release."""
    entries = (
        entry
        for component, version in sorted(release.components.items())
        if component != "kubernetes"
        for entry in kinds_of(component, version)
    )
    return [_crd(entry) for entry in entries]


def _crd(entry: KindEntry) -> dict[str, Any]:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{entry.plural}.{entry.group}", "annotations": _approval(entry.group)},
        "spec": {
            "group": entry.group,
            "names": {
                "kind": entry.kind,
                "plural": entry.plural,
                "singular": entry.kind.lower(),
                "listKind": f"{entry.kind}List",
            },
            "scope": "Namespaced" if entry.namespaced else "Cluster",
            "versions": [_version(entry, version) for version in entry.versions],
        },
    }


def _approval(group: str) -> dict[str, str]:
    """Groups below k8s.io need this annotation on a CRD."""
    protected = group.endswith((".k8s.io", ".kubernetes.io"))
    return {"api-approved.kubernetes.io": "unapproved, test data"} if protected else {}


def _version(entry: KindEntry, version: str) -> dict[str, Any]:
    if entry.component == _OWN_TYPES:
        schema: dict[str, Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    else:
        loaded = load_schema(entry, version)
        schema = _openapi(loaded, loaded.root)
    result = {
        "name": version,
        "served": True,
        "storage": version == entry.storage_version,
        "schema": {"openAPIV3Schema": schema},
    }
    if version in entry.subresources:
        result["subresources"] = entry.subresources[version]
    return result


def _openapi(schema: Schema, node: Node) -> dict[str, Any]:
    node = schema.node(node)
    result: dict[str, Any] = {}
    for key, value in node.items():
        if key == "properties":
            result[key] = {name: _openapi(schema, sub) for name, sub in value.items()}
        elif key in ("anyOf", "oneOf", "allOf"):
            result[key] = [_openapi(schema, sub) for sub in value]
        elif key in ("items", "additionalProperties", "not") and isinstance(value, dict):
            result[key] = _openapi(schema, value)
        elif key == "cel":
            result[_WORDS[key]] = [{k: v for k, v in rule.items() if k != "unless"} for rule in value]
        else:
            result[_WORDS.get(key, key)] = value
    if node.get("intOrString"):
        result["anyOf"] = [{"type": "integer"}, {"type": "string"}]
        result.pop("type", None)
    return result
