"""What a code is, and the short names that its tables use."""

from __future__ import annotations

from typing import NamedTuple

from kfspec.diagnostics import Severity, Upstream


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


E, W, N = Severity.ERROR, Severity.WARNING, Severity.NOTE
REFUSES, DROPS, NEVER, ADVICE = Upstream.REFUSES, Upstream.DROPS, Upstream.NEVER_WORKS, Upstream.ADVICE
