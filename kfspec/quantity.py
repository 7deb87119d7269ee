"""Kubernetes quantities: parse, compare, and write as the API server stores them.

Source: apimachinery `pkg/api/resource/quantity.go` (v0.33): a number with a binary suffix (Ki ... Ei), a decimal suffix
(n u m k M G T P E) or an exponent; stored with the largest suffix that needs no fraction.
"""

from __future__ import annotations

import re
from decimal import ROUND_UP, Decimal
from functools import lru_cache
from typing import NamedTuple

_SYNTAX = re.compile(r"([+-]?)(\d+\.?\d*|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d+|)")
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = {-9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
_EXPONENT = {suffix: exponent for exponent, suffix in _DECIMAL.items()}
_NANO = Decimal("1e-9")


class Quantity(NamedTuple):
    """A parsed quantity: its value and the family of suffixes it was written in."""

    value: Decimal
    family: str
    """`binary`, `decimal` or `exponent`."""


@lru_cache(maxsize=4096)
def parse(text: str) -> Quantity | None:
    """The quantity, or None if `text` is not one (`20gi`, `1 Gi`, `lots`)."""
    match = _SYNTAX.fullmatch(text)
    if match is None:
        return None
    sign, digits, suffix = match.groups()
    number = Decimal(digits)
    if suffix.endswith("i"):
        value, family = number * 1024 ** _BINARY.index(suffix), "binary"
    elif suffix in _EXPONENT:
        value, family = number.scaleb(_EXPONENT[suffix]), "decimal"
    else:
        value, family = number.scaleb(int(suffix[1:])), "exponent"
    value = value.quantize(_NANO, rounding=ROUND_UP) if value.as_tuple().exponent < -9 else value
    return Quantity(-value if sign == "-" else value, family)


@lru_cache(maxsize=4096)
def canonical(text: str) -> str | None:
    """`text` as the API server would store it (`1000m` -> `1`, `1024Mi` -> `1Gi`), or None if it is no quantity."""
    quantity = parse(text)
    if quantity is None:
        return None
    value, family = quantity
    if family == "binary" and -1024 < value < 1024:
        family = "decimal"
    if family == "binary":
        return _binary(value)
    return _decimal(value, "exponent" if family == "exponent" else "decimal")


def _binary(value: Decimal) -> str:
    number = int(value.to_integral_value(rounding=ROUND_UP))
    power = 0
    while number and number % 1024 == 0 and power < len(_BINARY) - 1:
        number, power = number // 1024, power + 1
    return f"{number}{_BINARY[power]}"


def _decimal(value: Decimal, family: str) -> str:
    if not value:
        return "0"
    exponent = -9
    number = int(value.scaleb(9).to_integral_value(rounding=ROUND_UP))
    while number % 1000 == 0 and (exponent < 18 or family == "exponent"):
        number, exponent = number // 1000, exponent + 3
    if family == "exponent":
        return f"{number}e{exponent}" if exponent else str(number)
    return f"{number}{_DECIMAL[exponent]}"
