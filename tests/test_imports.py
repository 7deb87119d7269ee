"""Imports go one way (docs/ARCHITECTURE.md): each layer may import from itself and from the layers before it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "kfspec"

LAYERS = (
    ("_version", "diagnostics", "wording", "codes", "quantity"),
    ("yamlio", "document", "environments", "includes", "interpolation", "merging"),
    (
        "resource",
        "catalog",
        "suppression",
        "spec.base",
        "spec.dashboard",
        "spec.settings",
        "spec.shape",
        "differ",
        "ssa",
        "credentials",
        "live",
        "ir",
    ),
    ("sync.payload", "sync.marker"),
    ("kinds",),
    (
        "spec.project",
        "checks",
        "codefiles",
        "compiling",
        "packages",
        "lowering",
        "verification",
        "ordering",
        "effects",
        "equivalence",
    ),
    ("kustomize", "tree", "planning"),
    (
        "pipeline",
        "manifests",
        "manifestfiles",
        "forking",
        "withholding",
        "importing",
        "starter",
        "revision",
        "lineage",
        "upgrading",
    ),
    ("cluster",),
    ("sync",),
    ("views",),
    ("cli", "__main__"),
)


def layer_of(module: str) -> int:
    """The layer of `kfspec.<module>`: the longest listed prefix decides."""
    best = max(
        (
            (len(name), n)
            for n, names in enumerate(LAYERS)
            for name in names
            if module == name or module.startswith(f"{name}.")
        ),
        default=None,
    )
    assert best is not None, f"kfspec.{module} stands in no layer: add it to LAYERS"
    return best[1]


def imported(path: Path) -> set[str]:
    """What a file imports from kfspec when it runs, `TYPE_CHECKING` blocks left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                target = ROOT.parent.joinpath(*whole.split("."))
                found.add(whole if target.with_suffix(".py").exists() or target.is_dir() else node.module)
    return {name.removeprefix("kfspec.") for name in found if name.startswith("kfspec.")}


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_imports_only_what_stands_before_it(path: Path) -> None:
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts).removesuffix(".__init__")
    if name in ("__init__", "spec", "checks", "views", "cli", "yamlio"):
        return
    here = layer_of(name)
    upward = {other for other in imported(path) if other not in ("spec",) and layer_of(other) > here}
    assert upward == set(), f"kfspec.{name} imports from later layers"
