"""`# kfspec: ignore[KF338]`: what a team has looked at and means.

The comment stands at the end of the line that a finding points at, or alone on the line before. What cannot be read at
all (KF0) and kfspec's own mistakes (KF9) cannot be ignored; a comment that ignores nothing is said, or it would stay for ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from kfspec.codes import CODES, finding_at
from kfspec.diagnostics import Diagnostic, Diagnostics, Pos
from kfspec.wording import did_you_mean
from kfspec.yamlio.marks import lines

MARK = "kfspec: ignore"

_COMMENT = re.compile(r"(?:^|\s)#\s*kfspec: ignore(?:\[([^\]]*)\])?")
_NEVER = ("KF0", "KF9")


class _Ignore(NamedTuple):
    code: str
    line: int
    """The line whose findings it is about."""
    pos: Pos


def suppress(diagnostics: Iterable[Diagnostic], texts: Mapping[str, str]) -> Diagnostics:
    """The findings less those that a comment ignores, and one for each comment that ignores nothing."""
    given = tuple(diagnostics)
    marked = {file: text for file, text in texts.items() if MARK in text}
    if not marked:
        return given
    found: list[Diagnostic] = []
    ignores: dict[tuple[str, int, str], _Ignore] = {}
    for file, text in marked.items():
        for ignore in _ignores(file, text, found):
            ignores[file, ignore.line, ignore.code] = ignore
    used = set()
    kept = []
    for diagnostic in given:
        key = (diagnostic.pos.file, diagnostic.pos.line, diagnostic.code) if diagnostic.pos else None
        if key in ignores:
            used.add(key)
        else:
            kept.append(diagnostic)
    unused = [ignore for key, ignore in ignores.items() if key not in used]
    found += [finding_at("KF072", f"no {i.code} is found here", i.pos, "remove the comment") for i in unused]
    return (*kept, *found)


def _ignores(file: str, text: str, found: list[Diagnostic]) -> Iterator[_Ignore]:
    for number, line in enumerate(lines(text), 1):
        match = _COMMENT.search(line) if MARK in line else None
        if match is None:
            continue
        alone = not line[: match.start()].strip()
        pos = Pos(file, number, match.start() + 2 - (line[match.start()] == "#"), number, match.end() + 1)
        codes = [code.strip() for code in (match[1] or "").split(",") if code.strip()]
        if not codes:
            hint = "name the code, as '# kfspec: ignore[KF338]'"
            found.append(finding_at("KF072", "the comment does not say what to ignore", pos, hint))
        for code in codes:
            if code not in CODES:
                found.append(finding_at("KF072", f"there is no code '{code}'", pos, did_you_mean(code, CODES)))
            elif code.startswith(_NEVER):
                found.append(finding_at("KF072", f"{code} cannot be ignored", pos, "mend what it says"))
            else:
                yield _Ignore(code, number + alone, pos)
