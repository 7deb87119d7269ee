"""What a plain scalar means: in YAML 1.2 (core schema), and to kubectl.

kubectl reads through sigs.k8s.io/yaml v1, which is go-yaml v2 (its `resolve.go`), then JSON.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal, TypeAlias

Dialect: TypeAlias = Literal["spec", "kubectl"]
"""Whose reading of a plain scalar counts."""

Scalar: TypeAlias = str | int | float | bool | None

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_GO_TRUE = _TRUE | {"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"}
_GO_FALSE = _FALSE | {"n", "N", "no", "No", "NO", "off", "Off", "OFF"}

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_GO_INT = re.compile(r"[-+]?(?:0[0-7]+|0o[0-7]+|0O[0-7]+|0[xX][0-9a-fA-F]+|0[bB][01]+|0|[1-9][0-9]*)")

_SIMPLE = re.compile(r"[A-Za-z_/$][^\s]*")
"""Most plain scalars begin with a letter; those that are no word of a table are strings at once."""
_WORDS = _NULLS | _GO_TRUE | _GO_FALSE


class NotFiniteError(ValueError):
    """`.inf` or `.nan`: JSON has no such number."""


@lru_cache(maxsize=1 << 16)
def core(text: str) -> Scalar:
    """The value of a plain scalar in YAML 1.2's core schema. Raises NotFiniteError."""
    if _SIMPLE.fullmatch(text) and text not in _WORDS:
        return text
    if text in _NULLS:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if _INT.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return _finite(text)
    if _NOT_FINITE.fullmatch(text):
        raise NotFiniteError(text)
    return text


@lru_cache(maxsize=1 << 16)
def kubectl(text: str) -> Scalar:
    """The value that kubectl gives a plain scalar. Raises NotFiniteError."""
    if _SIMPLE.fullmatch(text) and text not in _WORDS:
        return text
    if text in _NULLS:
        return None
    if text in _GO_TRUE:
        return True
    if text in _GO_FALSE:
        return False
    plain = text.replace("_", "") if text[:1] in "+-.0123456789" else text
    if _GO_INT.fullmatch(plain):
        return _go_integer(plain)
    if _FLOAT.fullmatch(plain):
        return _finite(plain)
    if _NOT_FINITE.fullmatch(text):
        raise NotFiniteError(text)
    return text


def _integer(text: str) -> int | str:
    digits = text.lstrip("+-")
    if len(digits) > 4000:  # Python refuses to convert more, and no field holds such a number
        return text
    return int(text, 0) if digits[:2] in ("0o", "0x") else int(text)


def _go_integer(text: str) -> int | str:
    digits = text.lstrip("+-").lower()
    base = {"0x": 16, "0o": 8, "0b": 2}.get(digits[:2])
    if base is not None:
        number = int(digits[2:], base)
    elif len(digits) > 1 and digits[0] == "0":
        number = int(digits, 8)
    elif len(digits) > 4000:
        return text
    else:
        number = int(digits)
    return -number if text[0] == "-" else number


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise NotFiniteError(text)
    return number


def same(a: Any, b: Any) -> bool:
    """Whether two scalars are equal and of one type."""
    return a is b or (a == b and type(a) is type(b))
