"""Every code once: number, slug, default severity, what upstream does, and the text of `kfspec explain`.

Bands: KF0 syntax, KF1 shape and schema, KF2 references, KF3 kinds' own rules, KF4 output, KF5 cluster and plan,
KF6 apply, KF7 kinds' own rules again, KF9 internal. A code is stable for ever: it is never renamed and never reused.
"""

from __future__ import annotations

from kfspec.codes import cluster, components, references, rules, shape, syntax, workloads
from kfspec.codes.entry import Code as Code
from kfspec.diagnostics import Diagnostic, Path, Pos, Severity, Upstream

TABLES = (syntax, shape, references, rules, workloads, components, cluster)
CODES: dict[str, Code] = {entry.code: entry for entry in sorted(e for table in TABLES for e in table.ENTRIES)}


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


def finding_at(code: str, message: str, pos: Pos, hint: str | None = None) -> Diagnostic:
    """The same for what has a place and no path: a file, or a text that is no document yet."""
    return finding(code, message, hint=hint)._replace(pos=pos)
