"""Reading what controllers write into `status`. Nothing here trusts its shape: a snapshot may hold anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kfspec.resource import Body


def status(body: Body) -> dict[str, Any]:
    """`status`, {} where there is none yet."""
    found = body.get("status")
    return found if isinstance(found, dict) else {}


def condition(body: Body, name: str) -> dict[str, Any] | None:
    """The condition of that type."""
    return next((entry for entry in maps(status(body).get("conditions")) if entry.get("type") == name), None)


def holds(body: Body, name: str) -> bool:
    """Whether the condition of that type is true."""
    found = condition(body, name)
    return found is not None and found.get("status") == "True"


def told(entry: Mapping[str, Any] | None) -> str:
    """What a condition or a container's state says, on one line: its message, else its reason."""
    said = (entry or {}).get("message") or (entry or {}).get("reason")
    return " ".join(said.split()) if isinstance(said, str) else ""


def count(value: Any) -> int:
    """A number in a status; 0 where there is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def at(body: Body, *path: str) -> Any:
    """The value at a path of mappings; None where there is nothing."""
    value: Any = body
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def maps(value: Any) -> list[dict[str, Any]]:
    """The mappings of a list."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
