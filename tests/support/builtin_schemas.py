"""Derive `schemas/kubernetes-*` from a real API server: `python -m tests.support.builtin_schemas`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from kfspec.catalog.importer import import_builtin
from kfspec.catalog.releases import component_of
from tests.support.controlplane import ControlPlane, running

SCHEMAS = Path(__file__).parent.parent.parent / "schemas"

_NOT_DECLARED = frozenset({"Binding", "Eviction", "Scale", "Event", "ComponentStatus", "TokenRequest"})
"""Kinds that nobody declares in git."""


def dump(plane: ControlPlane, out: Path) -> dict[tuple[str, str], tuple[str, bool]]:
    """Write the OpenAPI v3 documents of the built-in groups; returns (group, kind) -> (plural, namespaced)."""
    scopes: dict[tuple[str, str], tuple[str, bool]] = {}
    for path, entry in plane.request("GET", "/openapi/v3").body["paths"].items():
        parts = path.split("/")
        if path != "api/v1" and not (parts[0] == "apis" and len(parts) == 3):
            continue
        group, version = ("", "v1") if path == "api/v1" else (parts[1], parts[2])
        if component_of(group, "") != "kubernetes" or "alpha" in version or "beta" in version:
            continue
        document = plane.request("GET", entry["serverRelativeURL"]).body
        (out / f"{group or 'core'}_{version}.json").write_text(json.dumps(document, sort_keys=True))
        for resource in plane.request("GET", f"/{path}").body["resources"]:
            if "/" not in resource["name"] and resource["kind"] not in _NOT_DECLARED:
                scopes[group, resource["kind"]] = (resource["name"], resource["namespaced"])
    return scopes


if __name__ == "__main__":
    with running() as plane, tempfile.TemporaryDirectory() as folder:
        scopes = dump(plane, Path(folder))
        print(import_builtin(Path(folder), scopes, SCHEMAS), "kinds")
