"""The links and settings of the Central Dashboard.

`dashboard: {own: true, menuLinks: {MLflow: {link: /mlflow/, icon: timeline}}}`. The dashboard reads one ConfigMap, with two JSON
texts that every profile of the cluster shares. So a spec has to say `own: true` before it owns them; what it adds is merged into
what the release ships, entry by entry. What others added in the cluster is not in either, and goes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kfspec.catalog import Release
from kfspec.catalog.dashboard import NAME, SETTINGS, links
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path
from kfspec.kinds import base
from kfspec.resource import GVK, Body, Origin, Origins, Resource, ref_of
from kfspec.spec.dashboard import Dashboard, Link

PRODUCES = (GVK("", "v1", "ConfigMap"),)
ITEM: Path = ("dashboard",)

_NEEDS = {
    "menuLinks": ("link", "icon"),
    "externalLinks": ("link", "icon"),
    "quickLinks": ("link", "desc"),
    "documentationItems": ("link", "desc"),
}
"""What a new entry of each list must say (centraldashboard v1.10.0, app/api.ts and the components that show them)."""


def lower(dashboard: Dashboard, project: str, release: Release) -> tuple[tuple[Resource, ...], tuple[Diagnostic, ...]]:
    """The ConfigMap; none without consent."""
    if not dashboard.own:
        message = "'dashboard' owns what the whole cluster sees, and does not say so"
        name = f"ConfigMap/{dashboard.namespace}/{NAME}"
        hint = f"add 'own: true'; what others added to {name} and the spec does not say would go"
        return (), (finding("KF347", message, ITEM, hint=hint, at_key=True),)
    found: list[Diagnostic] = []
    shown = {
        field: _merged(shipped, getattr(dashboard, field), (*ITEM, field), _NEEDS[field], found)
        for field, shipped in links(release.name).items()
    }
    body: Body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": NAME,
            "namespace": dashboard.namespace,
            "labels": {
                "app.kubernetes.io/managed-by": "kfspec",
                "kfspec.dev/project": project,
                "kfspec.dev/item": "dashboard",
            },
            "annotations": dict(base.PROTECT),
        },
        "data": {"links": _json(shown), "settings": _json({**SETTINGS, **dashboard.settings}, 2)},
    }
    origins: Origins = {
        (): Origin(ITEM, at_key=True),
        ("data", "links"): Origin(ITEM, at_key=True),
        ("data", "settings"): Origin((*ITEM, "settings"), at_key=True),
        ("metadata", "namespace"): Origin((*ITEM, "namespace")),
    }
    return ((Resource(ref_of(body), body, origins, ITEM),) if not found else ()), tuple(found)


def _merged(
    shipped: list[dict[str, Any]],
    given: Mapping[str, Link],
    at: Path,
    needs: tuple[str, ...],
    found: list[Diagnostic],
) -> list[dict[str, Any]]:
    """The shipped entries, those of the same text changed, and the new ones after them."""
    result = {entry["text"]: entry for entry in shipped}
    for text, link in given.items():
        old = result.get(text)
        entry = _entry(text, link, at, old, found)
        if old is None:
            wanted = ("icon", "items") if link.items is not None else needs
            for field in wanted:
                if entry.get(field) is None:
                    message = f"'{text}' lacks '{field}'"
                    found.append(finding("KF102", message, (*at, text), hint=f"add '{field}:'", at_key=True))
        result[text] = entry
    return list(result.values())


def _entry(text: str, link: Link, at: Path, old: dict[str, Any] | None, found: list[Diagnostic]) -> dict[str, Any]:
    own = {key: value for key, value in link.model_dump(exclude={"items"}).items() if value is not None}
    if at[-1] in ("menuLinks", "externalLinks", "items") and old is None:
        own.setdefault("type", "section" if link.items is not None else "item")
    if at[-1] == "externalLinks" and old is None:
        own.setdefault("iframe", False)
    if link.items is not None:
        before = (old or {}).get("items") or []
        own["items"] = _merged(before, link.items, (*at, text, "items"), ("link",), found)
    return dict(sorted({**(old or {}), **own, "text": text}.items()))


def _json(value: Any, indent: int = 4) -> str:
    """In the layout that is shipped, so that a diff shows what differs."""
    return json.dumps(value, ensure_ascii=False, indent=indent)
