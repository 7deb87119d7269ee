"""JSON values to YAML for people: keys in the given order, what is short and flat on one line.

The other writer, `dump`, makes equal bytes of equal values; this one makes a spec that its author goes on with.
"""

from __future__ import annotations

import re
from typing import Any

from kfspec.yamlio.dump import atom, dump, key_text

_WIDTH = 100
_IN_FLOW = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@-]*(?::[A-Za-z0-9][A-Za-z0-9_./@-]*)?|[0-9]+(?:m|[KMGTPE]i)")
"""Text that needs no quotes between braces and commas, if `dump` would leave it plain too."""


def compose(value: dict[str, Any]) -> str:
    """One YAML document, ending in a newline; the top-level blocks stand apart."""
    out: list[str] = []
    for key, item in value.items():
        nested = isinstance(item, dict) and any(isinstance(inner, dict | list) for inner in item.values())
        if nested and out:
            out.append("")
        _field(key, item, "", out)
    return "\n".join(out) + "\n"


def _field(key: str, item: Any, indent: str, out: list[str]) -> None:
    name = f"{indent}{key_text(key)}:"
    flat = _flow(item)
    if flat is not None and len(name) + 1 + len(flat) <= _WIDTH:
        out.append(f"{name} {flat}")
    elif isinstance(item, dict):
        out.append(name)
        for inner, value in item.items():
            _field(inner, value, f"{indent}  ", out)
    elif isinstance(item, list):
        out.append(name)
        _entries(item, indent, out)
    else:
        lines = dump({key: item}).rstrip("\n").split("\n")
        out.extend(indent + line if line else line for line in lines)


def _entries(items: list[Any], indent: str, out: list[str]) -> None:
    for item in items:
        flat = _flow(item)
        if flat is not None and len(indent) + 2 + len(flat) <= _WIDTH:
            out.append(f"{indent}- {flat}")
        elif isinstance(item, dict) and item:
            inner: list[str] = []
            for key, value in item.items():
                _field(key, value, f"{indent}  ", inner)
            inner[0] = f"{indent}- {inner[0][len(indent) + 2 :]}"
            out.extend(inner)
        elif isinstance(item, list) and item:
            out.append(f"{indent}-")
            _entries(item, f"{indent}  ", out)
        else:
            lines = dump([item]).rstrip("\n").split("\n")
            out.extend(indent + line if line else line for line in lines)


def _flow(value: Any, depth: int = 0) -> str | None:
    """The value on one line; None where it holds collections of collections, or text of several lines."""
    if isinstance(value, dict | list):
        if depth > 1 or (depth and not value):
            return "{}" if value == {} else "[]" if value == [] else None
        entries = value.items() if isinstance(value, dict) else ((None, item) for item in value)
        parts = []
        for key, item in entries:
            part = _flow(item, depth + 1)
            if part is None:
                return None
            parts.append(part if key is None else f"{_flow_text(key)}: {part}")
        text = ", ".join(parts)
        return f"{{{text}}}" if isinstance(value, dict) else f"[{text}]"
    if isinstance(value, str):
        if "\n" in value or len(value) > _WIDTH:
            return None
        return _flow_text(value) if depth else atom(value)
    return atom(value)


def _flow_text(text: str) -> str:
    plain = atom(text)
    if plain == text and not _IN_FLOW.fullmatch(text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return plain
