"""CEL rules of kinds, evaluated."""

from __future__ import annotations

from functools import lru_cache
from typing import Any


def holds(rule: str, value: Any) -> bool | None:
    """Whether the rule is true of `self`; None where it calls a function of Kubernetes that this evaluator lacks."""
    result = evaluate(rule, value)
    return False if isinstance(result, str) else result


def evaluate(rule: str, value: Any) -> bool | str | None:
    """As `holds`; a text is the field that the rule needs and `self` lacks.

    To the API server an error is a refusal: a field that is not there, or an operator that does not take the value's type
    (tried: `self > 0` of a text, `self.templates.all(...)` without templates).
    """
    try:
        return bool(_program(rule).execute({"self": value}))
    except KeyError as error:
        return str(error.args[0])
    except TypeError as error:
        return False if str(error).startswith("No such overload") else None
    except (ValueError, RuntimeError):
        return None


@lru_cache(maxsize=128)
def _program(rule: str) -> Any:
    import sys
    from types import ModuleType

    # The package imports its own command line, and with it 80 ms of terminal libraries that nothing here uses.
    sys.modules.setdefault("cel.cli", ModuleType("cel.cli"))
    import cel

    return cel.compile(rule)
