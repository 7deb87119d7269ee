"""The tools that kfspec is measured against, built from pinned Go modules."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from kfspec.catalog import release
from kfspec.catalog.crds import crds
from tests.support.gobuild import built

_PROGRAMS = {
    "kustomize": "sigs.k8s.io/kustomize/kustomize/v5",
    "kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform",
}


@lru_cache(maxsize=1)
def _folder() -> Path:
    return built("peers", Path(__file__).parent, _PROGRAMS, {name: ["-ldflags", "-s -w"] for name in _PROGRAMS})


def binary(name: str) -> Path:
    """The peer's program: `kustomize` or `kubeconform`."""
    return _folder() / name


def isvc_json_schema(folder: Path) -> str:
    """Write InferenceService's schema as kubeconform reads it; returns the location pattern that finds it."""
    known, _ = release("1.10")
    assert known is not None
    crd = next(c for c in crds(known) if c["spec"]["names"]["kind"] == "InferenceService")
    schema = _strict(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    schema["properties"] |= {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
    }
    folder.mkdir(parents=True)
    (folder / "inferenceservice-serving-v1beta1.json").write_text(json.dumps(schema))
    return f"{folder}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json"


def _strict(node: Any) -> Any:
    """OpenAPI v3 as JSON Schema, unknown fields refused: what kubeconform's own converter makes of a CRD."""
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    result = {key: _strict(value) for key, value in node.items()}
    if "properties" in node and not node.get("x-kubernetes-preserve-unknown-fields"):
        result["additionalProperties"] = False
    return result
