"""Object metadata as the API server judges it, for every kind.

Source: apimachinery v0.37 `pkg/api/validation/objectmeta.go` and `pkg/util/validation/validation.go`; tried on
kube-apiserver v1.37.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from kfspec.catalog import KindEntry
from kfspec.catalog.releases import numbers
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path
from kfspec.wording import describe, did_you_mean

_FIELDS = [
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
]
_LABEL = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_DNS_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_SERVICE = re.compile(r"[a-z](?:[-a-z0-9]*[a-z0-9])?")

_LABEL_NAMED = frozenset({("", "Namespace")})
_SERVICE_NAMED = frozenset({("", "Service")})
_PATH_NAMED = frozenset(
    ("rbac.authorization.k8s.io", kind) for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
)
_ANNOTATIONS_LIMIT = 256 * 1024


def check_metadata(body: dict[str, Any], entry: KindEntry | None) -> Iterator[Diagnostic]:
    """What is wrong with `metadata`. `entry` None: a kind that the catalogue does not know."""
    meta = body.get("metadata")
    if not isinstance(meta, dict):
        if meta is None:
            yield finding(
                "KF102", "the object lacks 'metadata.name'", (), at_key=True, hint="add 'metadata: {name: ...}'"
            )
        else:
            yield finding("KF103", f"'metadata' must be a mapping, not {describe(meta)}", ("metadata",))
        return
    for key in meta:
        if key not in _FIELDS:
            path = ("metadata", key)
            hint = did_you_mean(key, _FIELDS)
            yield finding("KF101", f"unknown field '{key}' in 'metadata'", path, at_key=True, hint=hint)
    yield from _names(meta, entry)
    yield from _keys_and_values(meta)
    yield from _other_fields(meta)


def _names(meta: dict[str, Any], entry: KindEntry | None) -> Iterator[Diagnostic]:
    name, namespace = meta.get("name"), meta.get("namespace")
    path: Path = ("metadata", "name")
    if name is None:
        hint = "apply needs a name; generateName is for create" if "generateName" in meta else "add 'name:'"
        yield finding("KF102", "'metadata' lacks 'name'", ("metadata",), hint=hint, at_key=True)
    elif not isinstance(name, str):
        yield finding(
            "KF103", f"'name' must be a string, not {describe(name)}", path, hint=f'write it in quotes: "{name}"'
        )
    else:
        problem = _name_problem(name, entry)
        if problem is not None:
            near = _mended(name.lower(), "-a-z0-9", lambda text: _name_problem(text, entry) is None)
            yield finding("KF130", f"'{name}' cannot be a name: {problem}", path, hint=near)
    path = ("metadata", "namespace")
    if namespace is not None and not isinstance(namespace, str):
        yield finding("KF103", f"'namespace' must be a string, not {describe(namespace)}", path)
    elif isinstance(namespace, str) and namespace:
        if entry is not None and not entry.namespaced:
            message = f"{entry.kind} is cluster-scoped and takes no namespace"
            yield finding("KF133", message, path, hint="remove 'namespace'", at_key=True)
        elif len(namespace) > 63 or _DNS_LABEL.fullmatch(namespace) is None:
            near = _mended(namespace.lower(), "-a-z0-9", lambda text: name_problem(text, "", "Namespace") is None)
            yield finding("KF130", f"'{namespace}' cannot be a namespace: {_WANTED_LABEL}", path, hint=near)


def _name_problem(name: str, entry: KindEntry | None) -> str | None:
    """Why the API server or the kind's webhook would refuse this name, None if neither would."""
    problem = name_problem(name, entry.group if entry else "-", entry.kind if entry else "")
    if problem is None and entry is not None and _names_services(entry):
        return None if len(name) <= 63 and _SERVICE.fullmatch(name) else _WANTED_BY_SPARK
    return problem


def _names_services(entry: KindEntry) -> bool:
    """Kinds whose webhook wants the name of a Service, because the controller makes one that is called so (spark-operator
    2.4.0, `validateName` of both validators; 2.2.0 has none)."""
    spark = entry.kind in ("SparkApplication", "ScheduledSparkApplication")
    return spark and entry.component == "spark-operator" and numbers(entry.component_version) >= (2, 4)


_WANTED_BY_SPARK = (
    "spark-operator takes lower-case letters, digits and '-' from 2.4 on, beginning with a letter, at most 63"
)
_WANTED_LABEL = "it takes lower-case letters, digits and '-', begins and ends with a letter or digit, at most 63"
_WANTED_SUBDOMAIN = (
    "it takes lower-case letters, digits, '-' and '.', begins and ends with a letter or digit, at most 253"
)


def name_problem(name: str, group: str, kind: str) -> str | None:
    """Why the API server would refuse this name for this kind, None if it would not."""
    if (group, kind) in _PATH_NAMED:
        return None if name and name not in (".", "..") and not set("/%") & set(name) else "it takes no '/' or '%'"
    if (group, kind) in _LABEL_NAMED:
        return None if len(name) <= 63 and _DNS_LABEL.fullmatch(name) else _WANTED_LABEL
    if (group, kind) in _SERVICE_NAMED:
        return None if len(name) <= 63 and _SERVICE.fullmatch(name) else _WANTED_LABEL + ", and begins with a letter"
    return None if len(name) <= 253 and _SUBDOMAIN.fullmatch(name) else _WANTED_SUBDOMAIN


def _keys_and_values(meta: dict[str, Any]) -> Iterator[Diagnostic]:
    size = 0
    for field in ("labels", "annotations"):
        entries = meta.get(field)
        if entries is None:
            continue
        if not isinstance(entries, dict):
            yield finding("KF103", f"'{field}' must be a mapping, not {describe(entries)}", ("metadata", field))
            continue
        for key, value in entries.items():
            path: Path = ("metadata", field, key)
            problem = key_problem(key if field == "labels" else key.lower())
            if problem is not None:
                near = _mended(key, "-A-Za-z0-9_./", lambda text: key_problem(text) is None)
                yield finding("KF131", f"'{key}' cannot be a key of {field}: {problem}", path, at_key=True, hint=near)
            if value is not None and not isinstance(value, str):
                shown = str(value).lower() if isinstance(value, bool) else value
                hint = f'write it in quotes: "{shown}"' if isinstance(value, bool | int | float) else None
                yield finding("KF103", f"'{key}' must be a string, not {describe(value)}", path, hint=hint)
            elif field == "labels" and isinstance(value, str) and label_problem(value):
                message = f"{describe(value)} cannot be a label's value: {label_problem(value)}"
                near = _mended(value, "-A-Za-z0-9_.", lambda text: label_problem(text) is None)
                yield finding("KF132", message, path, hint=near)
            elif isinstance(value, str) and field == "annotations":
                size += len(key) + len(value.encode())
    if size > _ANNOTATIONS_LIMIT:
        message = f"the annotations hold {size:,} bytes, and may hold {_ANNOTATIONS_LIMIT:,}"
        yield finding("KF123", message, ("metadata", "annotations"))


@lru_cache(maxsize=1024)
def key_problem(key: str) -> str | None:
    """Why the text cannot be the key of a label or an annotation."""
    prefix, slash, name = key.rpartition("/")
    if slash and (not prefix or len(prefix) > 253 or _SUBDOMAIN.fullmatch(prefix) is None):
        return "what stands before '/' must be a DNS name"
    if len(name) > 63 or _LABEL.fullmatch(name) is None:
        return "the name takes letters, digits, '-', '_' and '.', begins and ends with a letter or digit, at most 63"
    return None


def label_problem(value: str) -> str | None:
    """Why the text cannot be a label's value."""
    if value == "" or (len(value) <= 63 and _LABEL.fullmatch(value)):
        return None
    return "it takes letters, digits, '-', '_' and '.', begins and ends with a letter or digit, at most 63"


def _mended(text: str, allowed: str, fits: Callable[[str], bool]) -> str | None:
    """A hint with the nearest text that fits: what is not allowed becomes '-'. None where there is none."""
    near = re.sub(f"[^{allowed}]+", "-", text).strip("-_./")
    return f"did you mean '{near}'?" if near and fits(near) else None


def _other_fields(meta: dict[str, Any]) -> Iterator[Diagnostic]:
    if meta.get("managedFields") is not None:
        path: Path = ("metadata", "managedFields")
        yield finding("KF139", "'managedFields' is the server's own", path, hint="remove it", at_key=True)
    for n, finalizer in enumerate(_list(meta, "finalizers")):
        if not isinstance(finalizer, str):
            path = ("metadata", "finalizers", n)
            yield finding("KF103", f"a finalizer must be a string, not {describe(finalizer)}", path)
    for n, owner in enumerate(_list(meta, "ownerReferences")):
        path = ("metadata", "ownerReferences", n)
        if not isinstance(owner, dict):
            yield finding("KF103", f"an owner must be a mapping, not {describe(owner)}", path)
            continue
        for key in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(key):
                yield finding(
                    "KF102", f"'ownerReferences[{n}]' lacks '{key}'", path, hint="the uid is the cluster's own"
                )


def _list(meta: dict[str, Any], key: str) -> list[Any]:
    value = meta.get(key)
    return value if isinstance(value, list) else []
