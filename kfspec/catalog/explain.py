"""The slow answer: why an object does not fit its schema, each mistake once, with a hint from the schema itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from kfspec.catalog.schema import Node, Schema
from kfspec.catalog.validator import DATE_TIME, QUANTITY, RANGES, ROOT_FIELDS, refuses_unknown
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, Upstream, field_name, format_path
from kfspec.wording import describe, did_you_mean, nearest

_NAMES = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
}


_RESOURCES = ("cpu", "memory", "ephemeral-storage", "gpu")
"""What people ask a container's resources for: one level down in Kubernetes, and right there in the short form of a spec."""

_WRITTEN_AS_NULL = frozenset({"mainApplicationFile"})
"""Texts that a Go type holds by a pointer, and writes as null where there is none (spark-operator 2.1.0, recorded)."""


def explain(schema: Schema, body: Any, lenient_nulls: bool, remarshalled: bool = False) -> Iterator[Diagnostic]:
    """Every place where `body` breaks the schema. Paths are the object's; metadata is not looked at.

    `remarshalled`: a mutating webhook decodes the object into its Go type and writes it back before the schema is
    checked, so a missing number or text arrives as its zero value: admitted, and not what anybody meant; a missing boolean
    is false, as people mean it.
    """
    return _Explainer(schema, lenient_nulls, remarshalled).walk(schema.root, body, (), ())


class _Explainer:
    """One walk along schema and object."""

    def __init__(self, schema: Schema, lenient_nulls: bool, remarshalled: bool) -> None:
        self.schema = schema
        self.lenient_nulls = lenient_nulls
        self.remarshalled = remarshalled

    def walk(self, node: Node, value: Any, path: Path, above: tuple[Node, ...]) -> Iterator[Diagnostic]:
        has_default = "default" in node
        node = self.schema.node(node)
        if value is None:
            allowed = self.lenient_nulls or node.get("nullable") or has_default or "default" in node
            if not allowed and ("type" in node or node.get("intOrString")):
                yield finding(
                    "KF126", f"{field_name(path)} cannot be null", path, hint="remove the field, or give a value"
                )
            return
        wrong = _wrong_type(node, value)
        if wrong is not None:
            yield finding(
                "KF103", f"{field_name(path)} must be {wrong}, not {describe(value)}", path, hint=_retype(node, value)
            )
            return
        for found in _scalar(node, value, path):
            yield found._replace(upstream=Upstream.DROPS) if self.is_dropped(node, value, path, above) else found
        if isinstance(value, dict):
            yield from self.mapping(node, value, path, above)
        elif isinstance(value, list):
            yield from _lengths(node, len(value), "Items", "entries", path)
            items = node.get("items")
            if isinstance(items, dict):
                for n, item in enumerate(value):
                    yield from self.walk(items, item, (*path, n), (*above, node))
        yield from self.combined(node, value, path)

    def mapping(self, node: Node, value: dict[str, Any], path: Path, above: tuple[Node, ...]) -> Iterator[Diagnostic]:
        properties = node.get("properties") or {}
        extra = node.get("additionalProperties")
        unknown = [key for key in value if key not in properties] if refuses_unknown(node) else []
        missing = [key for key in node.get("required", ()) if key not in value]
        for key in unknown:
            if key not in ROOT_FIELDS or (path and not node.get("embedded")):
                yield self.unknown(key, node, value, path, above, missing)
        for key in missing:
            if not any(nearest(word, [key]) for word in unknown):
                filled_in = self.zero_value_passes(key, node, above)
                if filled_in and self.schema.node(node["properties"][key]).get("type") == "boolean":
                    continue  # false, which is what nothing means
                upstream = Upstream.NEVER_WORKS if filled_in else None
                message = f"{field_name(path)} lacks '{key}'"
                yield finding("KF102", message, path, hint=f"add '{key}:'", at_key=True, upstream=upstream)
        yield from _lengths(node, len(value), "Properties", "fields", path)
        for key, item in value.items():
            sub = properties.get(key, extra)
            if isinstance(sub, dict) and not (path == () and key == "metadata"):
                yield from self.walk(sub, item, (*path, key), (*above, node))

    def is_dropped(self, node: Node, value: Any, path: Path, above: tuple[Node, ...]) -> bool:
        """Whether a webhook leaves out the value: Go writes no empty word of a list of words where none is needed."""
        optional = bool(above) and path[-1] not in above[-1].get("required", ())
        return self.remarshalled and value == "" and "enum" in node and optional

    def zero_value_passes(self, key: str, node: Node, above: tuple[Node, ...]) -> bool:
        """Whether a webhook fills the missing field with its zero value; a list's keys are needed before that."""
        if (
            not self.remarshalled
            or key in _WRITTEN_AS_NULL
            or (above and key in above[-1].get("keys", ()) and len(above[-1]["keys"]) == 1)
        ):
            return False
        wanted = self.schema.node(node["properties"][key])
        return wanted.get("type") in ("string", "integer", "number", "boolean") and "enum" not in wanted

    def unknown(
        self, key: str, node: Node, value: dict[str, Any], path: Path, above: tuple[Node, ...], missing: list[str]
    ) -> Diagnostic:
        properties = node["properties"]
        elsewhere = self.elsewhere(key, node, value, path, above)
        hint = did_you_mean(key, missing) or elsewhere or did_you_mean(key, properties)
        if {"limits", "requests"} <= properties.keys():
            amount = key in _RESOURCES or "/" in key
            near = did_you_mean(key, (*properties, *_RESOURCES), hint)
            hint = f"'{key}' belongs under 'requests' and 'limits'" if amount else near
        if hint is None and len(properties) <= 12:
            hint = f"one of: {', '.join(properties)}"
        message = f"unknown field '{key}' in {field_name(path)}"
        upstream = Upstream.DROPS if node.get("drops") else None
        return finding("KF101", message, (*path, key), hint=hint, at_key=True, upstream=upstream)

    def elsewhere(self, key: str, node: Node, value: dict[str, Any], path: Path, above: tuple[Node, ...]) -> str | None:
        """A field that is known, only not here: one level down, in what is there rather than in what is not, or further up."""
        for name, sub in sorted(node["properties"].items(), key=lambda each: each[0] not in value):
            inner = self.schema.node(sub)
            if key in (inner.get("properties") or {}):
                return f"'{key}' belongs under '{name}'"
        for n in range(len(above) - 1, -1, -1):
            if n == 0 and key in ROOT_FIELDS:
                return "remove it: the whole object has it, and nothing inside"
            if key in (above[n].get("properties") or {}):
                if path[:n] == ("spec",):  # an item of a kfspec file has no such level
                    return f"'{key}' belongs further up, beside '{path[n]}'"
                place = format_path(path[:n]) or "the object itself"
                return f"'{key}' belongs in '{place}'" if path[:n] else f"'{key}' belongs in {place}"
        return None

    def combined(self, node: Node, value: Any, path: Path) -> Iterator[Diagnostic]:
        """anyOf, oneOf, allOf and not, which say which fields go together."""
        for key, wanted in (("anyOf", "at least one"), ("oneOf", "exactly one")):
            branches = node.get(key)
            if not branches:
                continue
            fitting = sum(1 for branch in branches if self.fits(branch, value))
            if fitting < 1 or (key == "oneOf" and fitting > 1):
                groups = [" and ".join(b.get("required", ())) for b in branches if b.get("required")]
                hint = f"{wanted} of: {', '.join(groups)}" if groups else None
                yield finding("KF128", f"{field_name(path)} must match {wanted} of its forms", path, hint=hint)
        for branch in node.get("allOf", ()):
            yield from self.combined(self.schema.node(branch), value, path)
            if not (branch.keys() & {"anyOf", "oneOf"}) and not self.fits(branch, value):
                yield finding("KF128", f"{field_name(path)} does not fit together", path)
        if "not" in node and self.fits(node["not"], value):
            yield finding("KF128", f"{field_name(path)} has a form that is excluded", path)

    def fits(self, branch: Node, value: Any) -> bool:
        branch = {**self.schema.node(branch), "preserve": True}
        return next(self.walk(branch, value, (), ()), None) is None


def _wrong_type(node: Node, value: Any) -> str | None:
    """What the value should have been, None if its type is right."""
    if node.get("format") == "quantity":
        return None if isinstance(value, str | int | float) and not isinstance(value, bool) else "a quantity"
    if node.get("intOrString"):
        whole = isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))
        whole = whole or (isinstance(value, float) and value.is_integer())
        return None if whole else "a string or a whole number"
    wanted = node.get("type")
    if wanted is None or _is(wanted, value):
        return None
    return _NAMES[wanted]


def _is(wanted: str, value: Any) -> bool:
    if wanted == "integer":
        return (isinstance(value, int) and not isinstance(value, bool)) or (
            isinstance(value, float) and value.is_integer()
        )
    if wanted == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, {"string": str, "boolean": bool, "object": dict, "array": list}[wanted])


def _scalar(node: Node, value: Any, path: Path) -> Iterator[Diagnostic]:
    if "enum" in node and value not in node["enum"]:
        allowed = [str(v) for v in node["enum"]]
        hint = did_you_mean(str(value), allowed, f"one of: {', '.join(allowed)}")
        yield finding("KF104", f"{field_name(path)} cannot be {describe(value)}", path, hint=hint)
    if isinstance(value, str):
        yield from _text(node, value, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _number(node, value, path)


def _text(node: Node, value: str, path: Path) -> Iterator[Diagnostic]:
    pattern = node.get("pattern")
    if node.get("format") == "quantity" or (pattern and _is_quantity(pattern)):
        if re.fullmatch(QUANTITY[1:-1], value) is None:
            yield quantity_finding(value, path)
        return
    if pattern and _compiled(pattern).search(value) is None:
        yield finding("KF104", f"{field_name(path)} cannot be {describe(value)}", path, hint=f"must match {pattern}")
    if node.get("format") == "date-time" and re.fullmatch(DATE_TIME[1:-1], value) is None:
        yield finding(
            "KF104", f"{field_name(path)} is no date and time: {describe(value)}", path, hint="2026-03-21T06:00:00Z"
        )
    yield from _lengths(node, len(value), "Length", "characters", path)


def quantity_finding(value: str, path: Path) -> Diagnostic:
    """The finding for text that should be a quantity: the unit is what people get wrong."""
    match = re.fullmatch(r"\s*([+-]?[0-9.]+)\s*([A-Za-z]*)\s*", value)
    hint = "a number and a unit, as 500m, 2, 8Gi, 100M"
    if match is not None:
        unit = match[2].removesuffix("B").removesuffix("b")
        known = {u.lower(): u for u in ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "k", "M", "G", "T", "P", "E", "m")}
        right = unit if unit in known.values() else known.get(unit.lower())
        if right is not None and re.fullmatch(QUANTITY[1:-1], match[1] + right):
            hint = f"did you mean '{match[1]}{right}'?"
    return finding("KF122", f"{field_name(path)} is no quantity: {describe(value)}", path, hint=hint)


def _is_quantity(pattern: str) -> bool:
    return "[KMGTPE]i" in pattern


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("\\z", "\\Z"))


def _number(node: Node, value: float, path: Path) -> Iterator[Diagnostic]:
    low, high = node.get("minimum"), node.get("maximum")
    if low is not None and (value < low or (node.get("exclusiveMinimum") and value == low)):
        yield finding("KF123", f"{field_name(path)} is {value}, below its minimum {low}", path)
    if high is not None and (value > high or (node.get("exclusiveMaximum") and value == high)):
        yield finding("KF123", f"{field_name(path)} is {value}, above its maximum {high}", path)
    bounds = RANGES.get(node.get("format", ""))
    if bounds is not None and not bounds[0] <= value <= bounds[1]:
        yield finding("KF123", f"{field_name(path)} is {value}, which does not fit {node['format']}", path)
    step = node.get("multipleOf")
    if step and value % step:
        yield finding("KF123", f"{field_name(path)} is {value}, no multiple of {step}", path)


def _lengths(node: Node, size: int, what: str, word: str, path: Path) -> Iterator[Diagnostic]:
    low, high = node.get(f"min{what}"), node.get(f"max{what}")
    if low is not None and size < low:
        yield finding("KF123", f"{field_name(path)} has {size} {word}, and needs at least {low}", path)
    if high is not None and size > high:
        yield finding("KF123", f"{field_name(path)} has {size} {word}, and may have at most {high}", path)


def _retype(node: Node, value: Any) -> str | None:
    wanted = node.get("type")
    if wanted not in (None, "array", "object") and isinstance(value, list):
        return "one value, without the brackets"
    if wanted == "string" and isinstance(value, bool | int | float):
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        return f'write it in quotes: "{shown}"'
    if wanted in ("integer", "number") and isinstance(value, str) and re.fullmatch(r"[+-]?\d+(\.\d+)?", value):
        return f"write it without quotes: {value}"
    if wanted == "boolean" and isinstance(value, str):
        word = value.lower()
        return f"write {'true' if word in ('true', 'yes', 'on', 'y') else 'false'}" if word in _BOOLEANS else None
    if wanted in ("integer", "number") and isinstance(value, str):
        number = re.match(r"\d+(?=[a-z%]+$)", value)
        if number:
            return f"write the number alone: {number[0]}"
    if wanted in ("integer", "number"):
        return "a whole number, as 2" if wanted == "integer" else "a number, as 0.5"
    if wanted == "array":
        return "write a list: one '- ' for each entry" if isinstance(value, dict) else "write a list: [...]"
    if wanted == "object":
        fields = node.get("properties") or {}
        key = next((name for name in ("name", *node.get("required", ())) if name in fields), None)
        return f"write {{{key}: {value}}}" if key and isinstance(value, str) else "write a mapping: {...}"
    if node.get("intOrString") and isinstance(value, float):
        return f'write it in quotes: "{value}"'
    return None


_BOOLEANS = ("true", "yes", "on", "y", "false", "no", "off", "n")
