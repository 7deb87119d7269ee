"""CustomResourceDefinitions and OpenAPI documents to compact structural schemas.

Prose goes, structure stays: types, required fields, enums, bounds, patterns, formats, defaults, list types and keys,
CEL rules. A part that several kinds of a component repeat (a pod spec occurs dozens of times) is stored once.

A schema file holds `{"versions": {"v1": node}}`; a node is JSON Schema with these words of its own: `$` (a number: a part
of `parts.json`), `intOrString`, `preserve`, `embedded`, `drops` (unknown fields vanish), `list` and `keys`, `map`, `cel`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from kfspec.catalog import katib
from kfspec.catalog.celrules import holds
from kfspec.catalog.releases import KUBERNETES, RELEASES, component_of

Node: TypeAlias = dict[str, Any]

_PLAIN = [
    "type",
    "format",
    "enum",
    "pattern",
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
    "nullable",
    "default",
]
_WORDS = {
    "x-kubernetes-int-or-string": "intOrString",
    "x-kubernetes-preserve-unknown-fields": "preserve",
    "x-kubernetes-embedded-resource": "embedded",
    "x-kubernetes-list-type": "list",
    "x-kubernetes-list-map-keys": "keys",
    "x-kubernetes-map-type": "map",
}
_SHARE_FROM = 60
"""Characters from which a repeated node is worth a part of its own."""

_SKIP_PATCHES = ("conversion", "cainjection", "webhook")


def import_directory(source: Path, release: str, out: Path) -> list[str]:
    """Derive the schemas of a release from a directory of CRDs; returns the names of the components written.

    JSON 6902 patches in `source/patches` are applied, those for conversion webhooks and CA injection are not.
    Raises ValueError for a CRD of a component that the release does not have, OSError for unreadable files.
    """
    crds = {path.name: _read(path) for path in sorted(source.glob("*.yaml"))}
    for patch in sorted((source / "patches").glob("*.yaml")):
        operations = _read(patch)
        if isinstance(operations, list) and not any(word in patch.name for word in _SKIP_PATCHES):
            _apply(operations, _target(patch.name, crds))
    components: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {}
    for name, crd in crds.items():
        spec = crd["spec"]
        component = component_of(spec["group"], spec["names"]["kind"])
        if component is None or component not in RELEASES[release].versions:
            raise ValueError(f"{name}: release {release} has no component that serves {spec['names']['kind']}")
        components.setdefault(component, {})[spec["names"]["kind"]] = (name, crd)
    for component, kinds in components.items():
        version = RELEASES[release].versions[component]
        described = {kind: _kind_of_crd(name, crd, source) for kind, (name, crd) in kinds.items()}
        nodes = {kind: _versions(crd) for kind, (_, crd) in kinds.items()}
        if component == "katib":
            written = katib.types(_container(crds))
            nodes = {kind: dict.fromkeys(versions, written[kind]) for kind, versions in nodes.items()}
        _write(out, component, version, f"kubeflow/manifests {RELEASES[release].tag}", described, nodes)
    return sorted(components)


def import_components(
    source: Path, versions: Mapping[str, str], borrow: Mapping[str, list[str]], out: Path
) -> list[str]:
    """Derive the schemas of single components' versions from the CRDs in `source`; returns the names of those written.

    `borrow` maps another version to kinds whose schemas stand in for those that are not in `source`. Raises ValueError
    for a CRD of a component that `versions` does not name, OSError for unreadable files.
    """
    components: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {}
    for path in sorted(source.glob("*.yaml")):
        crd = _read(path)
        kind = crd["spec"]["names"]["kind"]
        component = component_of(crd["spec"]["group"], kind)
        if component is None or component not in versions:
            raise ValueError(f"{path.name}: {' and '.join(versions)} does not serve {kind}")
        components.setdefault(component, {})[kind] = (path.name, crd)
    for component, kinds in components.items():
        described = {kind: _kind_of_crd(name, crd, source) for kind, (name, crd) in kinds.items()}
        nodes = {kind: _versions(crd) for kind, (_, crd) in kinds.items()}
        version = versions[component]
        _write(out, component, version, f"{component} v{version}", described, nodes, borrow)
    return sorted(components)


def _container(crds: Mapping[str, Any]) -> Node:
    """Kubernetes' Container, as the CRD of PyTorchJob has it."""
    version = crds["kubeflow.org_pytorchjobs.yaml"]["spec"]["versions"][0]
    spec = reduce_schema(version["schema"]["openAPIV3Schema"])["properties"]["spec"]
    replica = spec["properties"]["pytorchReplicaSpecs"]["additionalProperties"]
    node: Node = replica["properties"]["template"]["properties"]["spec"]["properties"]["containers"]["items"]
    return node


def _read(path: Path) -> Any:
    return yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)


def _target(patch: str, crds: Mapping[str, Any]) -> Any:
    """The CRD that a patch file means: `notebook-controller__validation_patches.yaml` -> notebooks."""
    stem = patch.split("__")[0].removesuffix("-controller").rstrip("s")
    return next(crd for name, crd in crds.items() if name.split("_")[-1].removesuffix(".yaml").rstrip("s") == stem)


def _apply(operations: list[dict[str, Any]], target: Any) -> None:
    """The `add` and `replace` operations of JSON 6902; others do not occur in these patches."""
    for operation in operations:
        *parents, last = operation["path"].lstrip("/").split("/")
        value = target
        for part in parents:
            value = value[int(part)] if isinstance(value, list) else value[part]
        if operation["op"] not in ("add", "replace"):
            raise ValueError(f"unsupported operation {operation['op']}")
        value[last] = operation["value"]


def _kind_of_crd(name: str, crd: dict[str, Any], source: Path) -> dict[str, Any]:
    spec = crd["spec"]
    storage = next(v["name"] for v in spec["versions"] if v["storage"])
    subresources = {v["name"]: v["subresources"] for v in spec["versions"] if v.get("subresources")}
    return {
        "group": spec["group"],
        "plural": spec["names"]["plural"],
        "namespaced": spec["scope"] == "Namespaced",
        "storage": storage,
        "versions": [v["name"] for v in spec["versions"] if v.get("served")],
        "subresources": subresources,
        "source": name,
        "sha256": hashlib.sha256((source / name).read_bytes()).hexdigest(),
    }


def _versions(crd: dict[str, Any]) -> dict[str, Node]:
    return {
        version["name"]: reduce_schema((version.get("schema") or {}).get("openAPIV3Schema") or {"type": "object"})
        for version in crd["spec"]["versions"]
    }


def reduce_schema(schema: Mapping[str, Any]) -> Node:
    """An OpenAPI v3 schema without its prose, in the words of a node."""
    node: Node = {key: schema[key] for key in _PLAIN if key in schema}
    for key, word in _WORDS.items():
        if key in schema:
            node[word] = schema[key]
    if "x-kubernetes-validations" in schema:
        node["cel"] = [_rule(rule) for rule in schema["x-kubernetes-validations"]]
    if "properties" in schema:
        node["properties"] = {name: reduce_schema(sub) for name, sub in schema["properties"].items()}
    for key in ("items", "not"):
        if key in schema:
            node[key] = reduce_schema(schema[key])
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict):
        node["additionalProperties"] = reduce_schema(extra)
    elif extra is not None:
        node["additionalProperties"] = extra
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema and not node.get("intOrString"):
            node[key] = [reduce_schema(sub) for sub in schema[key]]
    return node


_SELF = re.compile(r"\bself\b(\.([A-Za-z_]\w*)\b(?!\())?")


def _rule(given: Mapping[str, Any]) -> dict[str, Any]:
    """A CEL rule. `unless` lists the fields that it looks at, where it is true of an object that has none of them: most
    objects then need no evaluation."""
    rule: dict[str, Any] = {
        k: given[k] for k in ("rule", "message", "messageExpression", "reason", "fieldPath") if k in given
    }
    uses = _SELF.findall(rule["rule"])
    if uses and all(name for _, name in uses) and "oldSelf" not in rule["rule"] and holds(rule["rule"], {}):
        rule["unless"] = sorted({name for _, name in uses})
    return rule


# -- built-in kinds ---------------------------------------------------------------------------------------------

_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_NOT_ENFORCED = {"io.k8s.api.core.v1.LimitRangeSpec": frozenset({"limits"})}
"""Fields that OpenAPI calls required and the server does without (kubernetes v1.37, executed)."""

_OPAQUE = frozenset(
    {
        "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1",
        "io.k8s.apimachinery.pkg.runtime.RawExtension",
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps",
    }
)


def import_builtin(source: Path, scopes: Mapping[tuple[str, str], tuple[str, bool]], out: Path) -> int:
    """Derive the schemas of Kubernetes' own kinds from an API server's OpenAPI v3 documents; returns their number.

    `source` holds one `<group>_<version>.json` per group and version; `scopes` maps (group, kind) to (plural,
    namespaced), as the server's discovery says.
    """
    described: dict[str, dict[str, Any]] = {}
    nodes: dict[str, dict[str, Node]] = {}
    for path in sorted(source.glob("*.json")):
        document = path.read_bytes()
        schemas = json.loads(document)["components"]["schemas"]
        for _name, schema in sorted(schemas.items()):
            for gvk in schema.get("x-kubernetes-group-version-kind", ()):
                group, version, kind = gvk["group"], gvk["version"], gvk["kind"]
                if (group, kind) not in scopes or f"{group or 'core'}_{version}" != path.stem:
                    continue
                plural, namespaced = scopes[group, kind]
                node = _inlined(schema, schemas, ())
                entry = described.setdefault(
                    kind,
                    {"group": group, "plural": plural, "namespaced": namespaced, "storage": version, "versions": []},
                )
                entry["versions"].append(version)
                entry["storage"] = version
                entry |= {"subresources": {}, "source": f"/openapi/v3 {path.stem}"}
                entry["sha256"] = hashlib.sha256(document).hexdigest()
                nodes.setdefault(kind, {})[version] = node
    _write(out, "kubernetes", KUBERNETES, f"kube-apiserver v{KUBERNETES}", described, nodes)
    return len(described)


def _inlined(schema: Mapping[str, Any], schemas: Mapping[str, Any], chain: tuple[str, ...]) -> Node:
    """A node with every reference followed; the writer finds the repetitions again."""
    reference = schema.get("$ref") or next((s["$ref"] for s in schema.get("allOf", ()) if "$ref" in s), None)
    if reference is not None:
        name = reference.rsplit("/", 1)[-1]
        beside = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
        return {**_named(name, schemas, chain), **reduce_schema(beside)}
    node = reduce_schema({k: v for k, v in schema.items() if k not in ("properties", "items", "additionalProperties")})
    node.pop("default", None)
    if "properties" in schema:
        node["properties"] = {name: _inlined(sub, schemas, chain) for name, sub in schema["properties"].items()}
    if "items" in schema:
        node["items"] = _inlined(schema["items"], schemas, chain)
    if isinstance(schema.get("additionalProperties"), dict):
        node["additionalProperties"] = _inlined(schema["additionalProperties"], schemas, chain)
    return node


def _named(name: str, schemas: Mapping[str, Any], chain: tuple[str, ...]) -> Node:
    if name == _QUANTITY:
        return {"type": "string", "intOrString": True, "format": "quantity"}
    if name == _INT_OR_STRING:
        return {"intOrString": True}
    if name in _OPAQUE or name in chain:
        return {"type": "object", "preserve": True}
    node = _inlined(schemas[name], schemas, (*chain, name))
    if name in _NOT_ENFORCED:
        node["required"] = [field for field in node["required"] if field not in _NOT_ENFORCED[name]]
    return node


# -- writing ----------------------------------------------------------------------------------------------------


def _write(
    out: Path,
    component: str,
    version: str,
    source: str,
    described: dict[str, dict[str, Any]],
    nodes: dict[str, dict[str, Node]],
    borrow: Mapping[str, list[str]] | None = None,
) -> None:
    """Write a component's directory; a version that equals another one only says which."""
    kinds = {kind: described[kind] for kind in sorted(described)}
    for kind, entry in kinds.items():
        entry["file"] = f"{kind.lower()}.json"
    directory = out / f"{component}-{version}"
    directory.mkdir(parents=True, exist_ok=True)
    parts, shared = _share({kind: nodes[kind] for kind in kinds})
    content = {"parts.json": _lines(parts)}
    content |= {kinds[kind]["file"]: _versions_text(versions) for kind, versions in shared.items()}
    digest = hashlib.sha256("".join(f"{n}\0{content[n]}\0" for n in sorted(content)).encode()).hexdigest()
    before = directory / "component.json"
    if before.exists() and json.loads(before.read_text(encoding="utf-8"))["digest"] == digest:
        return  # the same version in another release: the first one's provenance stands
    for stale in directory.glob("*.json"):
        stale.unlink()
    twin = _twin(out, component, version, digest)
    header = {"component": component, "version": version, "source": source, "digest": digest}
    extra = {**({"sameAs": twin} if twin else {}), **({"borrows": dict(borrow)} if borrow else {})}
    index = {**header, **extra, "kinds": kinds}
    (directory / "component.json").write_text(_index_text(index), encoding="utf-8")
    if twin is None:
        for name, text in content.items():
            (directory / name).write_text(text, encoding="utf-8")


def _twin(out: Path, component: str, version: str, digest: str) -> str | None:
    for path in sorted(out.glob(f"{component}-*/component.json")):
        other = json.loads(path.read_text(encoding="utf-8"))
        same = other["component"] == component and other["version"] != version and other["digest"] == digest
        if same and "sameAs" not in other:
            return str(other["version"])
    return None


def _share(kinds: dict[str, dict[str, Node]]) -> tuple[list[Node], dict[str, dict[str, Node]]]:
    """Nodes that occur more than once become parts; a part may use earlier parts only."""
    counts: Counter[str] = Counter()
    texts: dict[int, str] = {}
    keep: list[Node] = []

    def count(node: Node) -> str:
        inner = {key: value for key, value in node.items() if key not in _NESTED}
        for key, sub in _children(node):
            inner.setdefault("", []).append((key, count(sub)))
        text = hashlib.sha256(json.dumps(inner, sort_keys=True).encode()).hexdigest()
        texts[id(node)] = text
        keep.append(node)
        counts[text] += 1
        return text

    for versions in kinds.values():
        for node in versions.values():
            count(node)
    parts: list[Node] = []
    numbers: dict[str, int] = {}

    def emit(node: Node) -> Node:
        text = texts[id(node)]
        if text in numbers:
            return {"$": numbers[text]}
        small = {key: value for key, value in node.items() if key not in _NESTED}
        for key in _NESTED:
            if key == "properties" and key in node:
                small[key] = {name: emit(node[key][name]) for name in sorted(node[key])}
            elif key in ("anyOf", "oneOf", "allOf") and key in node:
                small[key] = [emit(sub) for sub in node[key]]
            elif key in node:
                small[key] = emit(node[key]) if isinstance(node[key], dict) else node[key]
        if counts[text] > 1 and len(json.dumps(small)) >= _SHARE_FROM:
            numbers[text] = len(parts)
            parts.append(small)
            return {"$": numbers[text]}
        return small

    return parts, {kind: {v: emit(n) for v, n in versions.items()} for kind, versions in sorted(kinds.items())}


_NESTED = ("properties", "items", "additionalProperties", "not", "anyOf", "oneOf", "allOf")


def _children(node: Node) -> Iterator[tuple[str, Node]]:
    for key in _NESTED:
        value = node.get(key)
        if key == "properties" and value:
            yield from ((f"properties.{name}", value[name]) for name in sorted(value))
        elif isinstance(value, list):
            yield from ((f"{key}.{n}", sub) for n, sub in enumerate(value))
        elif isinstance(value, dict):
            yield key, value
        elif value is not None:
            yield f"{key}={value}", {}


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _lines(parts: list[Node]) -> str:
    return "[\n" + ",\n".join(map(_compact, parts)) + "\n]\n"


def _versions_text(versions: dict[str, Node]) -> str:
    return '{"versions":{\n' + ",\n".join(f'"{v}":{_compact(n)}' for v, n in versions.items()) + "\n}}\n"


def _index_text(index: dict[str, Any]) -> str:
    head = {key: value for key, value in index.items() if key != "kinds"}
    kinds = ",\n".join(f"{_compact(kind)}:{_compact(entry)}" for kind, entry in index["kinds"].items())
    return _compact(head)[:-1] + ',"kinds":{\n' + kinds + "\n}}\n"
