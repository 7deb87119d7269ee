"""Every code once: number, slug, default severity, what upstream does, and the text of `kfspec explain`.

Bands: KF0 syntax, KF1 shape and schema, KF2 references, KF3 kinds' own rules, KF4 output, KF5 cluster and plan,
KF6 apply, KF9 internal. A code is stable for ever: it is never renamed and never reused.
"""

from __future__ import annotations

from typing import NamedTuple

from kfspec.diagnostics import Diagnostic, Path, Severity, Upstream


class Code(NamedTuple):
    """One kind of finding, as `kfspec explain` tells it."""

    code: str
    slug: str
    severity: Severity
    upstream: Upstream | None
    what: str
    why: str
    example: str
    instead: str


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE
_REFUSES, _DROPS, _NEVER, _ADVICE = Upstream.REFUSES, Upstream.DROPS, Upstream.NEVER_WORKS, Upstream.ADVICE

_ALL: tuple[Code, ...] = (
    Code(
        "KF101",
        "unknown-field",
        _E,
        _REFUSES,
        "A field is not one that this place knows.",
        "A misspelt field has no effect. The API server refuses it under server-side apply.",
        "notebooks: {explore: {imgae: jupyter:v1}}",
        "notebooks: {explore: {image: jupyter:v1}}",
    ),
)

CODES: dict[str, Code] = {entry.code: entry for entry in _ALL}


def finding(
    code: str,
    message: str,
    path: Path = (),
    *,
    hint: str | None = None,
    at_key: bool = False,
    upstream: Upstream | None = None,
    severity: Severity | None = None,
) -> Diagnostic:
    """A Diagnostic with the code's own severity and upstream class, unless given."""
    entry = CODES[code]
    return Diagnostic(
        code,
        severity or entry.severity,
        message,
        path,
        hint=hint,
        upstream=upstream or entry.upstream,
        at_key=at_key,
    )
