"""What a server-side apply would store, without a server: for snapshots, git revisions, and callers who may not dry-run.

Admission is not predicted: webhooks and policies may refuse or change what is said here. Nor are the defaults that Kubernetes'
own kinds get from Go code, but for claims, namespaces and the like; those of an existing object stand in it already.
Source: apimachinery v0.37 `pkg/util/managedfields/internal`, apiextensions-apiserver v0.37 `pkg/apiserver`; held to the real
API server's dry run by tests.
"""

from __future__ import annotations

import json
from typing import Any

from kfspec.differ import same
from kfspec.live import Conflict, Verdict
from kfspec.quantity import canonical as canonical_quantity
from kfspec.resource import Body
from kfspec.ssa.fieldsets import UNOWNED, Fields, canonical, entries, field_set
from kfspec.ssa.merging import ABSENT, changed, intersection, members, merge, opened, prune, union
from kfspec.ssa.types import Served, Type

BEFORE_FIRST_APPLY = "before-first-apply"
"""Whom the server gives all fields of an object that records no owners (`skipnonapplied.go`)."""

_SERVERS = UNOWNED - {"name", "namespace", "clusterName"} | {"deletionTimestamp", "deletionGracePeriodSeconds"}
"""Metadata that only the server writes."""

_POINTERS = frozenset(
    {
        *("storageClassName", "volumeAttributesClassName", "loadBalancerClass", "ingressClassName", "runtimeClassName"),
        *("hostnameOverride", "signerName", "fsType", "holderIdentity", "secretNamespace", "endpointsNamespace"),
    }
)
"""Texts of Kubernetes' own kinds that are kept when they are empty (pointers in k8s.io/api v0.37)."""

_SWITCHES = frozenset(
    {
        *("hostNetwork", "hostPID", "hostIPC", "stdin", "stdinOnce", "tty", "readOnly", "paused"),
        "publishNotReadyAddresses",
    }
)
"""Flags of Kubernetes' own kinds that are dropped where they are false (`omitempty`, k8s.io/api v0.37)."""


def predict(
    desired: Body, live: Body | None, manager: str, force: bool, served: Served, *, recorded: bool = True
) -> Verdict:
    """What applying `desired` as `manager` would give.

    `live` None: the object is created. `recorded` False: the live side comes without managedFields (a git revision), and all of
    it is the manager's own.
    """
    if live is None:
        return Verdict(_stored(merge(served.type, {}, desired), None, served), predicted=True)
    last, others = _managers(live, manager, served, recorded)
    managed = union([opened(field_set(desired, served)), *(fields for _, fields in others)])
    new = prune(served.type, merge(served.type, live, desired), last, managed)
    conflicts = () if force else _conflicts(served, live, new, others)
    body = live if same(new, live) else _stored(new, live, served)
    return Verdict(body, conflicts, predicted=True)


def _managers(live: Body, manager: str, served: Served, recorded: bool) -> tuple[Fields, list[tuple[str, Fields]]]:
    """What the manager applied before, and what all others hold."""
    if not recorded:
        return opened(field_set(live, served)), []
    last: Fields = {}
    others = []
    for entry in entries(live):
        fields = entry.get("fieldsV1")
        held = opened(canonical(fields)) if isinstance(fields, dict) else {}
        if entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource"):
            last = held
        else:
            others.append((str(entry.get("manager", "")), held))
    if not last and not others:
        others = [(BEFORE_FIRST_APPLY, opened(field_set(live, served)))]
    return last, others


def _conflicts(served: Served, live: Body, new: Body, others: list[tuple[str, Fields]]) -> tuple[Conflict, ...]:
    if not others:
        return ()
    touched = changed(served.type, live, new)
    if not served.own_status:
        touched = {key: inner for key, inner in touched.items() if key != "f:status"}
    return tuple(
        Conflict(manager, "".join(map(_shown, place)))
        for manager, fields in others
        for place in members(intersection(fields, touched))
    )


def _shown(part: str) -> str:
    """One element of a field's path as the server writes it (`fieldpath/element.go`)."""
    if part[:1] == "f":
        return f".{part[2:]}"
    if part[:1] == "v":
        return f"[={part[2:]}]"
    try:
        key = json.loads(part[2:])
    except ValueError:  # a snapshot that somebody edited
        key = None
    if not isinstance(key, dict):
        return f"[{part}]"
    return (
        "[" + ",".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in sorted(key.items())) + "]"
    )


# -- as it is stored --------------------------------------------------------------------------------------------------


def _stored(body: Body, live: Body | None, served: Served) -> Body:
    """The object as the server keeps and shows it."""
    skip = {"metadata"} if served.own_status else {"metadata", "status"}
    given = {key: value for key, value in body.items() if key not in skip}
    result: Body = _decoded(served.type, given) if served.builtin else _completed(served.type, given)
    result["metadata"] = {
        key: _texts(value) if key in ("labels", "annotations") else value
        for key, value in body["metadata"].items()
        if key not in _SERVERS and value not in (None, {}, [])
    }
    if live is not None:
        result["metadata"] |= {key: value for key, value in live["metadata"].items() if key in _SERVERS}
        if "status" in live and not served.own_status:
            result["status"] = live["status"]
    return _defaulted(result, live) if served.builtin else result


def _texts(entries: dict[str, Any]) -> dict[str, Any]:
    """Go's map of texts: a null is an empty text."""
    return {key: "" if value is None else value for key, value in entries.items()}


def _completed(kind: Type, value: Any) -> Any:
    """A custom resource's value: nulls that the schema does not permit give way to defaults, or go."""
    if isinstance(value, dict):
        declared = kind.node.get("properties") or {}
        result = {}
        for key, item in value.items():
            _, field, named = kind.field(key)
            described = named or isinstance(kind.node.get("additionalProperties"), dict)
            if item is not None or not described or field.node.get("nullable"):
                result[key] = _completed(field, item)
        for key in declared:
            if key not in result:
                node = kind.field(key).type.node
                if node.get("default") is not None:
                    result[key] = _completed(kind.field(key).type, node["default"])
        return result
    if isinstance(value, list):
        return [_completed(kind.inner(), item) for item in value]
    return value


def _decoded(kind: Type, value: Any, name: str = "") -> Any:
    """A value of Kubernetes' own kinds after its way through Go types; ABSENT for what they leave out.

    `name`: of the declared field; entries of free maps and of lists have none, and are never left out.
    """
    node = kind.node
    if isinstance(value, dict):
        result = {}
        for key, item in value.items():
            _, inner, declared = kind.field(key)
            decoded = _decoded(inner, item, key if declared else "")
            if decoded is not ABSENT or key in node.get("required", ()):
                result[key] = item if decoded is ABSENT else decoded
        return result if result or "properties" in node or not name else ABSENT
    if isinstance(value, list):
        return [_decoded(kind.inner(), item) for item in value] if value or not name else ABSENT
    if name and (value is None or (value is False and name in _SWITCHES)):
        return ABSENT
    if name and value == "" and node.get("type") == "string" and name not in _POINTERS:
        return ABSENT
    if value is None and node.get("type") == "string":
        return ""
    if node.get("format") == "quantity":
        return canonical_quantity(value if isinstance(value, str) else repr(value)) or value
    return value


_RBAC = {"apiGroup": "rbac.authorization.k8s.io"}


def _defaulted(body: Body, live: Body | None) -> Body:
    """What Go code does with the kinds that blocks compile to (kubernetes v1.37 `pkg/apis/{core,rbac}/v1/defaults.go`,
    `pkg/registry/core/{namespace,persistentvolumeclaim}/strategy.go`)."""
    meta = body["metadata"]
    if body["kind"] == "Namespace":
        labels = {**(meta.get("labels") or {}), "kubernetes.io/metadata.name": meta["name"]}
        given = (body.get("spec") or {}).get("finalizers") or []
        spec = {"finalizers": list(dict.fromkeys([*given, "kubernetes"]))} if live is None else live.get("spec", {})
        return {**body, "metadata": {**meta, "labels": labels}, "spec": spec}
    if body["kind"] == "PersistentVolumeClaim":
        spec = {"volumeMode": "Filesystem", **_sources(body.get("spec") or {})}
        if live is None:
            finalizers = [*(meta.get("finalizers") or []), "kubernetes.io/pvc-protection"]
            meta = {**meta, "finalizers": list(dict.fromkeys(finalizers))}
        return {**body, "metadata": meta, "spec": spec}
    if body["kind"] == "LimitRange":
        spec = body.get("spec") or {}
        given = spec.get("limits")  # shown as null where there are none
        limits = [filled_limit(limit) if isinstance(limit, dict) else limit for limit in given] if given else None
        return {**body, "spec": {**spec, "limits": limits}}
    if body["kind"] in ("RoleBinding", "ClusterRoleBinding"):
        given = body.get("subjects") or ()
        subjects = [_RBAC | each if each.get("kind") in ("User", "Group") else each for each in given]
        return {**body, "roleRef": _RBAC | body["roleRef"], **({"subjects": subjects} if subjects else {})}
    return body


LIMITS = ("max", "min", "default", "defaultRequest")
"""The amounts of a limit."""


def filled_limit(limit: dict[str, Any]) -> dict[str, Any]:
    """A container's limit with what the server derives: the default from the maximum, the request from that, else from the
    minimum (kubernetes v1.37, `pkg/apis/core/v1/defaults.go`, SetDefaults_LimitRangeItem; executed)."""
    if limit.get("type") != "Container":
        return limit
    given = {key: limit.get(key) for key in LIMITS}
    if any(value is not None and not isinstance(value, dict) for value in given.values()):
        return limit
    default = {**(given["max"] or {}), **(given["default"] or {})}
    request = {**(given["min"] or {}), **default, **(given["defaultRequest"] or {})}
    made = {"default": default, "defaultRequest": request}
    return {**limit, **{key: value for key, value in made.items() if value or given[key] is not None}}


def _sources(spec: dict[str, Any]) -> dict[str, Any]:
    """A claim's two ways to say where its data comes from: the server keeps both the same, and shows an absent group as null."""
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if reference is None:
        reference = source
    elif source is None and not reference.get("namespace"):
        source = reference
    both = {"dataSource": source, "dataSourceRef": reference}
    return spec | {key: {"apiGroup": None, **value} for key, value in both.items() if value is not None}
