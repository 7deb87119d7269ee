"""Findings as workflow commands of GitHub Actions: annotations on the lines of a pull request."""

from __future__ import annotations

from kfspec.diagnostics import Diagnostic, Diagnostics, Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(diagnostics: Diagnostics) -> str:
    """One line per finding."""
    return "".join(_line(diagnostic) for diagnostic in diagnostics)


def _line(diagnostic: Diagnostic) -> str:
    pos = diagnostic.pos
    fields = {"title": diagnostic.code}
    if pos is not None:
        fields = {
            "file": pos.file,
            "line": str(pos.line),
            "col": str(pos.column),
            "endLine": str(pos.end_line),
            **fields,
        }
        if pos.end_line == pos.line:
            fields["endColumn"] = str(max(pos.column, pos.end_column - 1))
    text = diagnostic.message + (f"\nhelp: {diagnostic.hint}" if diagnostic.hint else "")
    given = ",".join(f"{key}={_property(value)}" for key, value in fields.items())
    return f"::{_COMMANDS[diagnostic.severity]} {given}::{_data(text)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
