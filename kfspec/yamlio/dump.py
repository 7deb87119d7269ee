"""JSON values to canonical YAML: equal values give equal bytes, and every reader gets the same values back.

Keys are sorted, the well-known ones first. A string is quoted wherever a YAML 1.1 or 1.2 reader could take it for
something else (`n`, `on`, `017`, `1e5`, `12:30`, dates).
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

_FIRST = {
    key: n
    for n, key in enumerate(("apiVersion", "kind", "metadata", "name", "namespace", "labels", "annotations", "spec"))
}

_PLAIN = re.compile(
    r"[A-Za-z_/][A-Za-z0-9_./@%+=~-]*(?:[ :,;()][A-Za-z0-9_./@%+=~(-]+)*"
    r"|\.\.?/[A-Za-z0-9_./-]*"
    r"|[0-9]+(?:m|[KMGTPE]i)"
)
"""Text that no reader can mistake, if it is no word of `_WORDS`: begins with a letter (no ': ', no ' #'), or is
a relative path, or a quantity with a unit."""

_WORDS = frozenset(
    [
        "~",
        "null",
        "Null",
        "NULL",
        "true",
        "True",
        "TRUE",
        "false",
        "False",
        "FALSE",
        "y",
        "Y",
        "yes",
        "Yes",
        "YES",
        "n",
        "N",
        "no",
        "No",
        "NO",
        "on",
        "On",
        "ON",
        "off",
        "Off",
        "OFF",
    ]
)
_BLOCK = re.compile(
    r"[^\s\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ud800-\udfff][^\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]*"
)
_TRAILING = re.compile(r"[ \t]+(?:\n|\Z)")
_ESCAPES = {0x85: "\\N", 0xA0: "\\_", 0x2028: "\\L", 0x2029: "\\P", 0xFEFF: "\\uFEFF", 0x7F: "\\x7F"}
_NEEDS_ESCAPE = re.compile("[\x7f-\xa0\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff\U00010000-\U0010ffff]")


def dump(value: Any) -> str:
    """One YAML document, ending in a newline, without a document marker.

    `value` is JSON: str keys only, finite numbers. Raises TypeError for anything else.
    """
    out: list[str] = []
    _write(value, "", out, "")
    return "".join(out)


def _write(value: Any, indent: str, out: list[str], lead: str) -> None:
    """Append `value`. `lead` is what stands before it on its line ("key:" or "-"), "" at the root."""
    kind = value.__class__
    if kind is dict:
        if not value:
            out.append(f"{lead} {{}}\n" if lead else "{}\n")
            return
        if lead and not lead.endswith("-"):
            out.append(f"{lead}\n")
            lead = ""
        _write_fields(value, indent, out, f"{lead} " if lead else indent)
    elif kind is list:
        _write_list(value, indent, out, lead)
    else:
        _write_value(value, indent, out, lead)


def _write_fields(value: dict[str, Any], indent: str, out: list[str], before: str) -> None:
    """A mapping's fields. `before` is what stands on the first line before its key; the others begin with `indent`."""
    for key, written in _in_order(tuple(value)):
        item = value[key]
        if item.__class__ is str and "\n" not in item:
            out.append(f"{before}{written} {_scalar(item)}\n")
        else:
            _write_value(item, indent, out, f"{before}{written}")
        before = indent


def _write_value(item: Any, indent: str, out: list[str], start: str) -> None:
    kind = item.__class__
    if kind is str:
        out.append(f"{start} {_scalar(item)}\n" if "\n" not in item else _multiline(item, indent, start))
    elif kind is dict:
        if item:
            out.append(f"{start}\n")
            deeper = f"{indent}  "
            _write_fields(item, deeper, out, deeper)
        else:
            out.append(f"{start} {{}}\n")
    elif kind is list:
        _write_list(item, indent, out, start)
    else:
        out.append(f"{start} {atom(item)}\n" if start else f"{atom(item)}\n")


def _write_list(value: list[Any], indent: str, out: list[str], start: str) -> None:
    if not value:
        out.append(f"{start} []\n" if start else "[]\n")
        return
    if start:
        out.append(f"{start}\n")
    for item in value:
        if item.__class__ is list and item:
            out.append(f"{indent}-\n")
            _write_list(item, f"{indent}  ", out, "")
        elif item.__class__ is dict and item:
            _write(item, f"{indent}  ", out, f"{indent}-")
        else:
            _write_value(item, indent, out, f"{indent}-")


@lru_cache(maxsize=2048)
def _in_order(keys: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The keys as they follow one another, and as they are written: objects of a kind have the same few sets of keys."""
    return tuple((key, f"{key_text(key)}:") for key in sorted(keys, key=_rank))


def _rank(key: str) -> tuple[int, str]:
    return (_FIRST.get(key, len(_FIRST)), key)


@lru_cache(maxsize=4096)
def key_text(key: str) -> str:
    return _double(key) if "\n" in key else _scalar(key)


def atom(value: Any) -> str:
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, str):
        return _scalar(value)
    raise TypeError(f"{type(value).__name__} is no JSON type")


def _float(value: float) -> str:
    if value != value or value in (float("inf"), float("-inf")):
        raise TypeError("JSON has no such number")
    text = repr(value)
    mantissa, exponent, power = text.partition("e")
    if not exponent:
        return text
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{power if power[0] in '+-' else '+' + power}"


@lru_cache(maxsize=16384)
def _scalar(text: str) -> str:
    """A one-line string: plain where that is safe, else quoted."""
    if text not in _WORDS and _PLAIN.fullmatch(text) and not text.endswith(":") and ": " not in text:
        return text
    if text.isprintable() and text.isascii():
        return "'" + text.replace("'", "''") + "'" if "\\" in text or '"' in text else f'"{text}"'
    return _double(text)


def _double(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return _NEEDS_ESCAPE.sub(_escape, quoted)


def _escape(match: re.Match[str]) -> str:
    char = ord(match.group())
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char > 0xFFFF:
        return match.group() if match.group().isprintable() else f"\\U{char:08X}"
    return f"\\u{char:04X}" if char > 0xFF else f"\\x{char:02X}"


def _multiline(text: str, indent: str, start: str) -> str:
    """A literal block where it is exact, else double quotes."""
    if not _BLOCK.fullmatch(text) or _TRAILING.search(text) or not start:
        return f"{start} {_double(text)}\n"
    body = text.rstrip("\n")
    newlines = len(text) - len(body)
    chomp = "-" if newlines == 0 else "" if newlines == 1 else "+"
    pad = f"{indent}  "
    lines = [f"{pad}{line}" if line else "" for line in body.split("\n")]
    return f"{start} |{chomp}\n" + "\n".join(lines) + "\n" * max(1, newlines)
