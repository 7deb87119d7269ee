"""What JSON Schema cannot say and the server checks: keys of lists, and CEL rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from kfspec.catalog.celrules import evaluate
from kfspec.catalog.schema import Node, Schema
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path


class _Plan(NamedTuple):
    """What is to be done with the values of one node."""

    fields: dict[str, Node]
    """The properties below which something is checked."""
    extra: Node | None
    """The same for values under any other key."""
    items: Node | None
    """The same for entries."""
    keyed: bool
    """Entries have keys, or are a set."""
    rules: bool


class Special:
    """The parts of a schema that hold keyed lists or CEL rules; the rest of an object is not looked at."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._plans: dict[int, _Plan] = {}
        self._matters: dict[int, bool] = {}

    def check(self, body: dict[str, Any]) -> list[Diagnostic]:
        """Findings for one object, which otherwise fits its schema or not: what has the wrong type is passed over."""
        root = self.schema.node(self.schema.root)
        found: list[Diagnostic] = []
        if self._relevant(root):
            self._walk(root, body, (), found)
        return found

    def _relevant(self, node: Node) -> bool:
        node = self.schema.node(node)
        known = self._matters.get(id(node))
        if known is not None:
            return known
        self._matters[id(node)] = False  # a part cannot hold itself, so this is only for safety
        own = node.get("list") in ("map", "set") or any("oldSelf" not in rule["rule"] for rule in node.get("cel", ()))
        inner = [*(node.get("properties") or {}).values(), node.get("items"), node.get("additionalProperties")]
        result = own or any(self._relevant(sub) for sub in inner if isinstance(sub, dict))
        self._matters[id(node)] = result
        return result

    def _plan(self, node: Node) -> _Plan:
        properties = (node.get("properties") or {}).items()
        fields = {name: self.schema.node(sub) for name, sub in properties if self._relevant(sub)}
        extra, items = (
            self.schema.node(sub) if isinstance(sub, dict) and self._relevant(sub) else None
            for sub in (node.get("additionalProperties"), node.get("items"))
        )
        plan = _Plan(fields, extra, items, node.get("list") in ("map", "set"), "cel" in node)
        self._plans[id(node)] = plan
        return plan

    def _walk(self, node: Node, value: Any, path: Path, found: list[Diagnostic]) -> None:
        """Adds to `found`. No generator: most objects have nothing to tell, and this goes along every one of them."""
        fields, extra, items, keyed, rules = self._plans.get(id(node)) or self._plan(node)
        if value.__class__ is dict:
            if fields:
                for name, inner in value.items():
                    if name in fields and inner is not None:
                        self._walk(fields[name], inner, (*path, name), found)
            if extra is not None:
                for name, inner in value.items():
                    self._walk(extra, inner, (*path, name), found)
        elif value.__class__ is list:
            if keyed and len(value) > 1 and not _surely_distinct(node, value):
                found.extend(self._duplicates(node, value, path))
            if items is not None:
                for n, inner in enumerate(value):
                    self._walk(items, inner, (*path, n), found)
        if rules and value is not None:
            found.extend(self._rules(node, value, path))

    def _rules(self, node: Node, value: Any, path: Path) -> Iterator[Diagnostic]:
        whole: Any = None
        for rule in node["cel"]:
            if "oldSelf" in rule["rule"]:
                continue  # a transition rule: it judges a change, not an object
            if "unless" in rule and isinstance(value, dict) and not any(field in value for field in rule["unless"]):
                continue
            whole = self.defaulted(node, value) if whole is None else whole
            verdict = evaluate(rule["rule"], whole)
            message = rule.get("message") or f"failed rule: {rule['rule']}"
            if verdict is False:
                yield finding("KF125", f"'{path[-1] if path else 'object'}': {message}", path)
            elif isinstance(verdict, str):
                name = path[-1] if path else "object"
                hint = f"add '{verdict}:'"
                yield finding("KF125", f"'{name}' lacks '{verdict}': {message}", path, hint=hint, at_key=True)

    def defaulted(self, node: Node, value: Any) -> Any:
        """The value with the schema's defaults, which the server fills in before it evaluates a rule."""
        node = self.schema.node(node)
        if isinstance(value, list):
            items = node.get("items")
            return [self.defaulted(items, each) for each in value] if isinstance(items, dict) else value
        if not isinstance(value, dict):
            return value
        properties, extra = node.get("properties") or {}, node.get("additionalProperties")
        result = {}
        for key, given in value.items():
            sub = properties.get(key, extra)
            result[key] = self.defaulted(sub, given) if isinstance(sub, dict) else given
        for key, sub in properties.items():
            default = sub.get("default", self.schema.node(sub).get("default"))
            if default is not None and result.get(key) is None:
                result[key] = self.defaulted(sub, default)
        return result

    def _duplicates(self, node: Node, value: list[Any], path: Path) -> Iterator[Diagnostic]:
        keys: tuple[str, ...] = tuple(node.get("keys", ()))
        items = self.schema.node(node.get("items") or {})
        seen: dict[Any, int] = {}
        for n, entry in enumerate(value):
            identity = self._identity(entry, keys, items) if keys else _hashable(entry)
            if identity is None:
                continue
            if identity in seen:
                shown = (
                    ", ".join(f"{k}={v}" for k, v in zip(keys, identity, strict=True) if v is not None)
                    if keys
                    else entry
                )
                message = f"two entries of '{path[-1]}' have the same key: {shown}"
                yield finding(
                    "KF124", message, (*path, n), hint=f"the first is entry {seen[identity]}; keep one of them"
                )
            else:
                seen[identity] = n

    def _identity(self, entry: Any, keys: tuple[str, ...], items: Node) -> tuple[Any, ...] | None:
        """The entry's key fields, defaults filled in; None where it has none of them."""
        if not isinstance(entry, dict):
            return None
        properties = items.get("properties") or {}
        values = []
        for key in keys:
            value = entry.get(key)
            if value is None:
                value = self.schema.node(properties.get(key, {})).get("default", properties.get(key, {}).get("default"))
            values.append(_hashable(value))
        return tuple(values) if any(entry.get(key) is not None for key in keys) else None


def _surely_distinct(node: Node, value: list[Any]) -> bool:
    """A quick yes for the common case: one key field, and every entry has another text in it."""
    keys = node.get("keys", ())
    if len(keys) != 1:
        return False
    key = keys[0]
    names = {entry.get(key) for entry in value if entry.__class__ is dict and entry.get(key).__class__ is str}
    return len(names) == len(value)


def _hashable(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else repr(value)
