"""A serving runtime's name is its content: frozen. Changing one of these names rolls every service that names a runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kfspec.diagnostics import has_errors
from kfspec.pipeline import build
from kfspec.yamlio.dump import dump

BASE: dict[str, Any] = {
    "supportedModelFormats": ["acme"],
    "containers": {"kserve-container": {"image": "registry.example.com/acme:1"}},
}
WORKERS = {
    "pipelineParallelSize": 2,
    "containers": [{"name": "worker-container", "image": "registry.example.com/acme:1"}],
}


def name_of(item: dict[str, Any], tmp_path: Path) -> str:
    """The name of the one runtime that an item compiles to."""
    spec = {
        "apiVersion": "kfspec.dev/v1alpha1",
        "project": "p",
        "externals": {"profiles": ["t"]},
        "defaults": {"profile": "t"},
        "servingRuntimes": {"custom": item},
    }
    path = tmp_path / "kfspec.yaml"
    path.write_text(dump(spec))
    result = build(path)
    assert not has_errors(result.diagnostics), result.diagnostics
    return result.environments["default"][0].ref.name


GOLDEN: dict[str, tuple[dict[str, Any], str]] = {
    "an image": ({}, "custom-957070d5"),
    "a cluster's": ({"clusterScoped": True}, "custom-1973ccd8"),
    "protocols": ({"protocolVersions": ["v2"]}, "custom-ebd33bbc"),
    "a version": ({"supportedModelFormats": [{"name": "acme", "version": "1"}]}, "custom-19b57dfb"),
    "pod labels": ({"podLabels": {"team": "ml"}}, "custom-99f05719"),
    "pod annotations": ({"podAnnotations": {"a": "b"}}, "custom-d4ad2c12"),
    "workers": ({"workerSpec": WORKERS}, "custom-f5889431"),
    "a volume": ({"volumes": {"shm": {"emptyDir": {"medium": "Memory"}}}}, "custom-060f9df9"),
}


@pytest.mark.parametrize("case", GOLDEN)
def test_the_name_of_a_runtime_is_frozen(case: str, tmp_path: Path) -> None:
    item, name = GOLDEN[case]
    assert name_of({**BASE, **item}, tmp_path) == name


SAME: dict[str, dict[str, Any]] = {
    "the long form": {
        "supportedModelFormats": [{"name": "acme"}],
        "containers": [{"name": "kserve-container", "image": "registry.example.com/acme:1"}],
    },
    "a label of the object": {"labels": {"team": "ml"}},
    "an annotation of the object": {"annotations": {"a": "b"}},
}


@pytest.mark.parametrize("case", SAME)
def test_what_merely_describes_a_runtime_does_not_rename_it(case: str, tmp_path: Path) -> None:
    assert name_of({**BASE, **SAME[case]}, tmp_path) == GOLDEN["an image"][1]


def test_without_a_hash_it_keeps_its_name(tmp_path: Path) -> None:
    assert name_of({**BASE, "hashed": False}, tmp_path) == "custom"
