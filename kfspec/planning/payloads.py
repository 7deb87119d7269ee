"""ConfigMaps whose texts are JSON that kfspec wrote, taken apart, so that a plan shows what changes inside.

What is sent is the text as it was: this is for people, and effects are still looked up by the text's own path.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from kfspec.catalog import dashboard
from kfspec.differ import same
from kfspec.resource import Body

_SYNCED = frozenset({"pipelines", "models", "sync"})
_SHOWN = frozenset({"links", "settings"})
_PLAIN, _PACKED = ".json", ".json.gz.b64"
"""As `sync.payload` has them, which is imported where one is to be read: its schemas take 9 ms to build."""


class Opened(NamedTuple):
    """Two states of an object, with what changed texts hold in their place."""

    before: Body
    after: Body
    keys: frozenset[str]
    """The keys of `data` that are taken apart; one that is packed now and was not stands under the new key alone."""


def opened(before: Body, after: Body) -> Opened:
    """What the texts hold that differ. A text that is not what kfspec writes, or that holds the same, stays a text."""
    fits = _fitting(after)
    if fits is None:
        return Opened(before, after, frozenset())
    old, new = (dict(body.get("data") or {}) for body in (before, after))
    found = {}
    for key, text in new.items():
        was = _earlier(key, old, new)
        if was is not None and fits(key) and old[was] != text:
            values = _value(was, old[was]), _value(key, text)
            if None not in values and not same(*values):
                found[was] = key, *values
    if not found:
        return Opened(before, after, frozenset())
    shown = {found[key][0] if key in found else key: found[key][1] if key in found else old[key] for key in old}
    after_data = new | {key: value for key, _, value in found.values()}
    keys = frozenset(key for key, *_ in found.values())
    return Opened({**before, "data": shown}, {**after, "data": after_data}, keys)


def path_inside(key: str, inside: str) -> str:
    """The place of a value inside of a text, for people: `data["pipelines.train.json"].recurringRuns[name=nightly].cron`."""
    return f'data["{key}"]{"" if not inside or inside.startswith("[") else "."}{inside}'


def _fitting(body: Body) -> Callable[[str], bool] | None:
    """Which of its texts are the sync's or the dashboard's; None where none is."""
    if (body.get("apiVersion"), body.get("kind")) != ("v1", "ConfigMap"):
        return None
    meta = body.get("metadata") or {}
    item = str((meta.get("labels") or {}).get("kfspec.dev/item", ""))
    if item == "dashboard" and meta.get("name") == dashboard.NAME:
        return _SHOWN.__contains__
    carries = str(meta.get("name", "")).startswith("kfspec-") and item.partition(".")[0] in _SYNCED
    return (lambda key: key.endswith((_PLAIN, _PACKED))) if carries else None


def _earlier(key: str, old: Body, new: Body) -> str | None:
    """The key that the same payload had: another one where it grew, or shrank, over the size that is packed."""
    if key in old:
        return key
    other = key.removesuffix(_PACKED) + _PLAIN if key.endswith(_PACKED) else key.removesuffix(_PLAIN) + _PACKED
    return other if other in old and other not in new else None


def _value(key: str, text: Any) -> Any:
    """What a text holds; None where it is no mapping in JSON."""
    from kfspec.sync.payload import unpacked

    try:
        value = json.loads(unpacked(key, text)) if isinstance(text, str) else None
    except (OSError, ValueError, EOFError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
