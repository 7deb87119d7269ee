"""Findings as SARIF 2.1.0, for code scanning."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from kfspec._version import __version__
from kfspec.codes import CODES
from kfspec.diagnostics import Diagnostic, Diagnostics, format_path

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render(diagnostics: Diagnostics) -> str:
    """One JSON document with one run, ending in a newline. Columns count code points."""
    used = sorted({diagnostic.code for diagnostic in diagnostics})
    driver = {"name": "kfspec", "semanticVersion": __version__, "rules": [_rule(code) for code in used]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(diagnostic, used) for diagnostic in diagnostics],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rule(code: str) -> dict[str, Any]:
    entry = CODES[code]
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in entry.slug.split("-")),
        "shortDescription": {"text": entry.what},
        "fullDescription": {"text": f"{entry.what} {entry.why}"},
        "help": {"text": f"Instead of `{entry.example}`: {entry.instead}"},
        "defaultConfiguration": {"level": entry.severity.value},
    }


def _result(diagnostic: Diagnostic, used: list[str]) -> dict[str, Any]:
    text = diagnostic.message + (f" ({diagnostic.hint})" if diagnostic.hint else "")
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": used.index(diagnostic.code),
        "level": diagnostic.severity.value,
        "message": {"text": text},
    }
    pos = diagnostic.pos
    if pos is not None:
        region = {
            "startLine": pos.line,
            "startColumn": pos.column,
            "endLine": pos.end_line,
            "endColumn": pos.end_column,
        }
        place: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": _uri(pos.file)}, "region": region}}
        if diagnostic.path:
            place["logicalLocations"] = [{"fullyQualifiedName": format_path(diagnostic.path)}]
        result["locations"] = [place]
    if diagnostic.upstream is not None:
        result["properties"] = {"upstream": diagnostic.upstream.value}
    return result


def _uri(file: str) -> str:
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
