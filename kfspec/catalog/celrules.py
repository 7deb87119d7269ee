"""CEL rules of kinds, evaluated."""

from __future__ import annotations

from functools import lru_cache
from typing import Any


def holds(rule: str, value: Any) -> bool | None:
    """Whether the rule is true of `self`; None where it cannot be evaluated: a field that it needs is missing, or it calls
    a function of Kubernetes that this evaluator lacks."""
    try:
        return bool(_program(rule).execute({"self": value}))
    except (ValueError, TypeError, RuntimeError, KeyError):
        return None


@lru_cache(maxsize=128)
def _program(rule: str) -> Any:
    import sys
    from types import ModuleType

    # The package imports its own command line, and with it 80 ms of terminal libraries that nothing here uses.
    sys.modules.setdefault("cel.cli", ModuleType("cel.cli"))
    import cel

    return cel.compile(rule)
