"""Short forms of upstream fields, told apart by shape and lowered to upstream's own.

One pass over an item's upstream part; what is in upstream's form already is shared, not copied.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kfspec.codes import finding
from kfspec.credentials import env_credential, looks_like_credential
from kfspec.diagnostics import Diagnostic, Path
from kfspec.kinds.base import CodeFiles, Context
from kfspec.quantity import canonical
from kfspec.resource import Origin, Origins
from kfspec.wording import describe

_OPAQUE = frozenset(
    [
        "labels",
        "annotations",
        "nodeSelector",
        "matchLabels",
        "data",
        "stringData",
        "binaryData",
        "matchExpressions",
        "podAnnotations",
        "podLabels",
    ]
)
"""Maps whose keys are the user's own: never read as fields."""

_ARGUMENTS = frozenset({"args", "command"})
_CONTAINERS = frozenset({"containers", "initContainers", "sidecars"})
_OF_CONTAINER = frozenset({"name", "image", "command", "args", "env", "resources", "ports", "volumeMounts"})
"""What people write of the only container in the place of the list."""

_LONG_RESOURCES = frozenset({"limits", "requests", "claims"})
_NATIVE_RESOURCES = frozenset({"cpu", "memory", "ephemeral-storage", "gpu"})
_QUANTITY_MAPS = frozenset({"limits", "requests", "hard", "capacity", "minResources", "maxResources"})
_QUANTITIES = frozenset({"sizeLimit", "divisor"})


class Expansion:
    """One item on its way to upstream's form: the findings and origins that come up."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.origins: Origins = {}
        self.found: list[Diagnostic] = []
        self.code: dict[str, CodeFiles] = {}
        """ConfigMaps that the item mounts its code from, by name."""

    def expand(self, value: Any, at: Path, spec: Path) -> Any:
        """`value`, which stands at `spec` and goes to `at` in the object, in upstream's form."""
        self.origins.setdefault(at, Origin(spec))
        return self._walk(value, at, spec)

    def _walk(self, value: Any, at: Path, spec: Path) -> Any:
        if value.__class__ is dict:
            changed: dict[str, Any] | None = None
            for key, item in value.items():
                kind = item.__class__
                if kind is dict or kind is list or key in _SCALAR_FORMS:
                    new = self.field(key, item, (*at, key), (*spec, key))
                    if new is not item:
                        changed = dict(value) if changed is None else changed
                        changed[key] = new
            return value if changed is None else changed
        if value.__class__ is list:
            entries: list[Any] | None = None
            for n, item in enumerate(value):
                kind = item.__class__
                if kind is dict or kind is list:
                    new = self._walk(item, (*at, n), (*spec, n))
                    if new is not item:
                        entries = list(value) if entries is None else entries
                        entries[n] = new
            return value if entries is None else entries
        return value

    def field(self, key: str, item: Any, at: Path, spec: Path) -> Any:
        """One field by its name: the short form that it may have, else whatever is below it."""
        if key in _OPAQUE:
            return item
        if key == "env":
            return self.env(item, at, spec)
        if key == "resources" and isinstance(item, dict):
            return self.resources(item, at, spec)
        if key in _QUANTITY_MAPS and isinstance(item, dict):
            return self.quantities(item)
        if key in _QUANTITIES:
            return self.quantity(item)
        if key == "modelFormat" and isinstance(item, str):
            self.origins[*at, "name"] = Origin(spec)
            return {"name": item}
        if key in _ARGUMENTS and isinstance(item, list):
            self._arguments(item, spec)
            return item
        if key in MAP_FORMS and isinstance(item, dict):
            return self.keyed(item, at, spec, key)
        return self._walk(item, at, spec)

    def keyed(self, entries: dict[str, Any], at: Path, spec: Path, key: str) -> list[Any]:
        """The map form of the list `key`, which upstream keys by `name`."""
        entry = MAP_FORMS[key]
        result: list[Any] = []
        for name, value in entries.items():
            here, place = (*at, len(result)), (*spec, name)
            body = value if isinstance(value, dict) else entry(value)
            if body is None:
                message, hint = (
                    f"'{name}' cannot be {describe(value)} here",
                    "write the entry as a mapping of its fields",
                )
                if key == "ports" and isinstance(value, str) and value.isdigit():
                    hint = f"write it without quotes: {value}"
                elif key in _CONTAINERS and name in _OF_CONTAINER:
                    hint = f"write a list of containers, or a mapping by their names: {{<name>: {{{name}: ...}}}}"
                self.found.append(finding("KF341", message, place, hint=hint))
                if key in _CONTAINERS:  # there is one, whatever it is
                    result.append({"name": name, "image": name})
                continue
            if "name" in body:
                hint = f"the key '{name}' is the name; remove 'name', or write a list"
                self.found.append(
                    finding("KF340", f"'{name}' mixes the short and the long form", (*place, "name"), hint=hint)
                )
                continue
            self.origins[here] = Origin(place)
            self.origins[*here, "name"] = Origin(place, at_key=True)
            for field in () if isinstance(value, dict) else body:
                self.origins[*here, field] = Origin(place)
            result.append({"name": name, **self._walk(body, here, place)})
        return result

    def env(self, value: Any, at: Path, spec: Path) -> Any:
        """`{A: x, N: 5, T: {valueFrom: ...}}`, numbers as written; upstream's list passes through."""
        if isinstance(value, list):
            for n, entry in enumerate(value):
                if isinstance(entry, dict) and isinstance(entry.get("value"), str):
                    self._credential(str(entry.get("name", "")), entry["value"], (*spec, n, "value"))
            return self._pairs(value, spec)
        if not isinstance(value, dict):
            return value
        result: list[Any] = []
        for name, item in value.items():
            place, here = (*spec, name), (*at, len(result))
            self.origins[here] = Origin(place)
            self.origins[*here, "name"] = Origin(place, at_key=True)
            if isinstance(item, dict):
                if "name" in item:
                    hint = f"the key '{name}' is the name; remove 'name', or write a list"
                    message = f"'{name}' mixes the short and the long form"
                    self.found.append(finding("KF340", message, (*place, "name"), hint=hint))
                    continue
                result.append({"name": name, **item})
                continue
            if item is None or isinstance(item, list):
                message = f"the variable '{name}' cannot be {describe(item)}"
                self.found.append(finding("KF341", message, place, hint='write a text, "" for an empty one'))
                continue
            text = item if isinstance(item, str) else self.text(item, place)
            self._credential(name, text, place)
            self.origins[*here, "value"] = Origin(place)
            result.append({"name": name, "value": text})
        return result

    def _pairs(self, entries: list[Any], spec: Path) -> list[Any]:
        """The list without entries that say `A=b` or `{A: b}`: a map's, which are told."""
        kept: list[Any] = []
        for n, entry in enumerate(entries):
            name, value = _pair(entry)
            if name is None:
                kept.append(entry)
            else:
                message = f"the variable '{name}' is an entry of a list, which has 'name' and 'value'"
                hint = f"write a mapping, as env: {{{name}: {value}}}"
                self.found.append(finding("KF341", message, (*spec, n), hint=hint))
        return entries if len(kept) == len(entries) else kept

    def text(self, value: Any, spec: Path) -> str:
        """A number or a boolean as text, as it is written in the spec."""
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        written = self.ctx.text(spec)
        return written if written is not None else str(value)

    def resources(self, value: dict[str, Any], at: Path, spec: Path) -> dict[str, Any]:
        """`{cpu: 2, memory: 8Gi, gpu: 1}` asks for that much and allows no more."""
        long = [key for key in value if key in _LONG_RESOURCES]
        short = [key for key in value if key in _NATIVE_RESOURCES or "/" in key or key.startswith("hugepages-")]
        if long and short:
            message = f"'resources' mixes the short form ('{short[0]}') and the long form ('{long[0]}')"
            hint = f"write 'requests' and 'limits', or '{short[0]}' alone"
            self.found.append(finding("KF340", message, (*spec, short[0]), hint=hint, at_key=True))
            return {key: value[key] for key in value if key not in short}
        if not short:
            return _mapped(value, lambda group: self.quantities(group) if group.__class__ is dict else group)
        amounts: dict[str, Any] = {}
        for key, amount in value.items():
            name = self.ctx.platform.gpuResource if key == "gpu" else key
            for group in ("limits", "requests"):
                self.origins[*at, group, name] = Origin((*spec, key))
            if name in amounts:
                message = f"'{key}' and '{name}' are the same resource"
                self.found.append(finding("KF340", message, (*spec, key), hint="keep one of them", at_key=True))
            amounts[name] = self.quantity(amount, text=True)
        unknown = [key for key in value if key not in short]
        if unknown:
            self.origins[*at, unknown[0]] = Origin((*spec, unknown[0]))
        kept = {key: amounts[key] for key in amounts if key not in unknown}
        return {**{key: value[key] for key in unknown}, "limits": kept, "requests": dict(kept)}

    def quantities(self, value: dict[str, Any]) -> dict[str, Any]:
        """Every value of the map in its canonical form."""
        return _mapped(value, self.quantity)

    def quantity(self, value: Any, *, text: bool = False) -> Any:
        """A quantity as the server stores it. What is none is left as it is: the schema check says so."""
        if value.__class__ is str:
            found = canonical(value)
            return value if found is None or found == value else found
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value
        found = canonical(repr(value))
        if found is None:
            return str(value) if text else value
        return found

    def _arguments(self, values: list[Any], spec: Path) -> None:
        for n, value in enumerate(values):
            what = looks_like_credential(value) if isinstance(value, str) else None
            if what is not None:
                hint = "keep it in a Secret, take it into 'env', and write $(NAME) here"
                message = f"this argument looks like {what}"
                self.found.append(finding("KF350", message, (*spec, n), hint=hint))

    def _credential(self, name: str, value: str, spec: Path) -> None:
        what = env_credential(name, value)
        if what is not None:
            hint = f"keep it in a Secret: {name}: {{valueFrom: {{secretKeyRef: {{name: ..., key: ...}}}}}}"
            message = f"the value of '{name}' looks like {what}"
            self.found.append(finding("KF350", message, spec, hint=hint))


def _pair(entry: Any) -> tuple[str | None, str]:
    """Name and value of an entry that is `A=b` or `{A: b}`, not `{name: A, value: b}`."""
    if isinstance(entry, str):
        name, _, value = entry.partition("=")
        return name, value or '""'
    if isinstance(entry, dict) and len(entry) == 1 and not entry.keys() & {"name", "value", "valueFrom"}:
        ((name, value),) = entry.items()
        return name, "{...}" if isinstance(value, dict | list) else str(value)
    return None, ""


def _mapped(value: dict[str, Any], each: Callable[[Any], Any]) -> dict[str, Any]:
    """The map with `each` done to its values; the very same map where that changes nothing."""
    changed: dict[str, Any] | None = None
    for key, item in value.items():
        new = each(item)
        if new is not item:
            changed = dict(value) if changed is None else changed
            changed[key] = new
    return value if changed is None else changed


def _mount(value: Any) -> dict[str, Any] | None:
    return {"mountPath": value} if isinstance(value, str) else None


def _port(value: Any) -> dict[str, Any] | None:
    return {"containerPort": value} if isinstance(value, int) and not isinstance(value, bool) else None


def _mapping_only(value: Any) -> dict[str, Any] | None:
    return None


MAP_FORMS: dict[str, Callable[[Any], dict[str, Any] | None]] = {
    "containers": _mapping_only,
    "initContainers": _mapping_only,
    "replicatedJobs": _mapping_only,
    "sidecars": _mapping_only,
    "volumes": _mapping_only,
    "volumeMounts": _mount,
    "ports": _port,
    "imagePullSecrets": lambda value: {} if value is True else None,
}
"""Fields whose list takes the map form by name, and what a short entry means."""

_SCALAR_FORMS = frozenset({"modelFormat", *_QUANTITIES})
"""Fields with a short form that is no collection."""
