"""Specs of a few blocks, and what is said of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kfspec.diagnostics import Diagnostic, format_path
from kfspec.pipeline import build
from kfspec.yamlio.dump import dump


def said(folder: Path, *codes: str, **blocks: Any) -> list[str]:
    """The findings of a project of these blocks, those of the codes only: severity, code, place, message, notes and hint."""
    spec = {
        "apiVersion": "kfspec.dev/v1alpha1",
        "project": "p",
        "defaults": {"profile": "t"},
        **({} if "profiles" in blocks else {"externals": {"profiles": ["t"]}}),
        **blocks,
    }
    path = folder / "kfspec.yaml"
    path.write_text(dump(spec), encoding="utf-8")
    return [shown(d) for d in build(path).diagnostics if not codes or d.code in codes]


def shown(found: Diagnostic) -> str:
    """One finding on one line."""
    notes = "".join(f" [{note.message}]" for note in found.notes)
    hint = f" ({found.hint})" if found.hint else ""
    upstream = f" {found.upstream}" if found.upstream else ""
    return f"{found.severity}{upstream} {found.code} {format_path(found.path)}: {found.message}{notes}{hint}"
