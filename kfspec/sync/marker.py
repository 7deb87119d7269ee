"""How what we made is told from what people made, where a service has no labels: a line in the description.

`kfspec: project=fraud environment=prod item=pipelines.train/nightly digest=0123456789abcdef`. It may stand anywhere in the
text, so people may write around it. Values are percent-encoded: they hold no space.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from kfspec.sync.payload import Scope

LONGEST = 255
"""KFP keeps descriptions of runs and recurring runs in columns of this width (backend/src/apiserver/model/{job,run}.go)."""
_LINE = re.compile(
    r"kfspec: project=(\S+) environment=(\S+) item=(\S+)(?: digest=(\S+))?(?: commit=(\S+))?(?: spec=(\S+))?"
)
_SAFE = "/._-:@+"


class Marker(NamedTuple):
    """Who made it, for which item, of which content, and where that came from."""

    project: str
    environment: str
    item: str
    digest: str = ""
    commit: str = ""
    spec: str = ""
    """The digest of what the spec said."""

    def of(self, scope: Scope) -> bool:
        """Whether that scope made it."""
        return (self.project, self.environment) == (scope.project, scope.environment)

    def __str__(self) -> str:
        fields = {name: value for name, value in self._asdict().items() if value}
        return "kfspec: " + " ".join(f"{name}={quote(value, safe=_SAFE)}" for name, value in fields.items())


def described(text: str | None, marker: Marker) -> str:
    """A description with the marker as its last line."""
    return f"{text}\n\n{marker}" if text else str(marker)


def short(marker: Marker) -> str:
    """The marker alone, for a narrow column; without what the spec said, and without the commit, where those would not fit."""
    less = (marker, marker._replace(spec=""))
    return next((str(one) for one in less if len(str(one)) <= LONGEST), str(marker._replace(spec="", commit="")))


def marker(description: str | None) -> Marker | None:
    """The marker in a description: the last one."""
    found = _LINE.findall(description or "")
    return Marker(*(unquote(value) for value in found[-1])) if found else None


def without(description: str | None) -> str:
    """What people read: the description but for the marker."""
    return _LINE.sub("", description or "").strip()


def digest(*values: Any) -> str:
    """16 hexadecimal digits that stand for JSON values."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
