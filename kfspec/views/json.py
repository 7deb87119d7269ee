"""Findings as JSON, `formatVersion` 1."""

from __future__ import annotations

import json

from kfspec.diagnostics import Diagnostic, Diagnostics, Severity, format_path

FORMAT_VERSION = 1


def render(diagnostics: Diagnostics) -> str:
    """One JSON document, ending in a newline."""
    counts = {f"{severity}s": sum(d.severity is severity for d in diagnostics) for severity in Severity}
    document = {
        "formatVersion": FORMAT_VERSION,
        "diagnostics": [finding(diagnostic) for diagnostic in diagnostics],
        "summary": counts,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def finding(diagnostic: Diagnostic) -> dict[str, object]:
    """One finding as JSON values."""
    pos = diagnostic.pos
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "path": format_path(diagnostic.path),
        "file": pos.file if pos else None,
        "line": pos.line if pos else None,
        "column": pos.column if pos else None,
        "endLine": pos.end_line if pos else None,
        "endColumn": pos.end_column if pos else None,
        "hint": diagnostic.hint,
        "upstream": diagnostic.upstream.value if diagnostic.upstream else None,
        "notes": [
            {
                "message": note.message,
                "file": note.pos.file if note.pos else None,
                "line": note.pos.line if note.pos else None,
                "column": note.pos.column if note.pos else None,
            }
            for note in diagnostic.notes
        ],
    }
