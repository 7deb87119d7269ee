"""When KFP would really start: robfig/cron v1.2.0 `Parse`, fields from the left, seconds first."""

from __future__ import annotations

_FIELDS = ("second", "minute", "hour", "day of month", "month", "day of week")


def fields(cron: str) -> dict[str, str] | None:
    """Each field's text; None where the parser refuses. Five fields are six without the last, and that is the trap."""
    if cron.startswith("@"):
        return {"descriptor": cron}
    parts = cron.split()
    if len(parts) not in (5, 6):
        return None
    return dict(zip(_FIELDS, [*parts, "*"][:6], strict=True))
