"""Words of messages: values as they are named, and "did you mean"."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate closest to `word`, or None if none is close.

    Case is ignored first (`imageuri` finds `imageUri`), then edits are counted.
    """
    names = sorted(set(candidates))
    folded = {name.casefold(): name for name in names}
    if word.casefold() in folded:
        return folded[word.casefold()]
    from difflib import get_close_matches  # 7 ms to import, and only mistakes pay

    found = get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def did_you_mean(word: str, candidates: Iterable[str], fallback: str | None = None) -> str | None:
    """A hint for an unknown `word`, else `fallback`."""
    near = nearest(word, candidates)
    return f"did you mean '{near}'?" if near is not None else fallback


def describe(value: Any) -> str:
    """A value as a message names it: short and typed, never a whole tree."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        line = value.partition("\n")[0]
        return f"'{value}'" if line == value and len(value) <= 60 else f"'{line[:57]}...'"
    if isinstance(value, int | float):
        return f"the number {value}"
    return "a mapping" if isinstance(value, dict) else "a list"
