"""`${vars.NAME}`: the only interpolation there is.

Typed where it is the whole value, text inside a longer string; strict; never inside another tool's `${...}`.
`$${vars.NAME}` stays as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path
from kfspec.merging import Marked
from kfspec.wording import did_you_mean
from kfspec.yamlio.marks import Node

_USE = re.compile(r"\$?\$\{vars\.([^${}]*)(\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_WHOLE = re.compile(r"\$\{vars\.([A-Za-z_][A-Za-z0-9_-]*)\}")
_INSIDE = re.compile(r"\$\{(?!vars\.)[^{}]*\$\{vars\.")


def interpolate(
    root: Marked, values: Mapping[str, Any], texts: Mapping[str, str]
) -> tuple[Marked, list[Diagnostic], set[str]]:
    """The tree with every use of a var replaced, what is wrong with the uses, and the names that were used.

    `texts` holds the source of vars that are numbers or booleans, as written. Subtrees without a use are shared.
    """
    worker = _Interpolation(values, texts)
    done = worker.walk(root.value, root.node, ())
    return Marked(done, root.node), worker.found, worker.used


class _Interpolation:
    """One walk. Marks stay what they are: a value stands where its `${vars...}` stands."""

    def __init__(self, values: Mapping[str, Any], texts: Mapping[str, str]) -> None:
        self.values = values
        self.texts = texts
        self.found: list[Diagnostic] = []
        self.used: set[str] = set()

    def walk(self, value: Any, node: Node, path: Path) -> Any:
        if value.__class__ is str:
            return self.replace(value, path) if "${vars." in value else value
        if value.__class__ is dict:
            changed: dict[str, Any] | None = None
            for key, item in value.items():
                new = self.walk(item, node, (*path, key)) if item.__class__ in _HOLDS else item
                if new is not item:
                    changed = dict(value) if changed is None else changed
                    changed[key] = new
            return value if changed is None else changed
        if value.__class__ is list:
            items = [self.walk(item, node, (*path, n)) for n, item in enumerate(value)]
            return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
        return value

    def replace(self, text: str, path: Path) -> Any:
        if _INSIDE.search(text):
            hint = "use the var outside of the other tool's braces"
            self.found.append(finding("KF062", f"'{text}' uses a var inside another '${{...}}'", path, hint=hint))
            return text
        whole = _WHOLE.fullmatch(text)
        if whole is not None:
            known, value = self.lookup(whole.group(1), path)
            return value if known else text
        return _USE.sub(lambda match: self.inside(match, path), text)

    def inside(self, match: re.Match[str], path: Path) -> str:
        if match.group().startswith("$$"):
            return match.group()[1:]
        name, closed = match.groups()
        if not closed or _NAME.fullmatch(name) is None:
            self.found.append(
                finding("KF061", f"'{match.group()}' is not a use of a var", path, hint="write ${vars.NAME}")
            )
            return match.group()
        known, value = self.lookup(name, path)
        if not known:
            return match.group()
        if isinstance(value, dict | list) or value is None:
            what = "null" if value is None else "a mapping" if isinstance(value, dict) else "a list"
            message = f"the var '{name}' is {what} and cannot be part of a text"
            self.found.append(finding("KF063", message, path, hint=f"use ${{vars.{name}}} as the whole value"))
            return match.group()
        return value if isinstance(value, str) else self.texts.get(name, str(value))

    def lookup(self, name: str, path: Path) -> tuple[bool, Any]:
        self.used.add(name)
        if name in self.values:
            return True, self.values[name]
        hint = did_you_mean(name, self.values, f"declare it: 'vars: {{{name}: ...}}'")
        self.found.append(finding("KF060", f"the var '{name}' is not defined", path, hint=hint))
        return False, None


_HOLDS = (str, dict, list)


def resolve_vars(
    values: Mapping[str, Any], texts: Mapping[str, str]
) -> tuple[dict[str, Any], list[Diagnostic], set[str]]:
    """Vars that use vars, replaced; a cycle is a finding that names its chain."""
    done: dict[str, Any] = {}
    found: list[Diagnostic] = []
    used: set[str] = set()

    def settle(name: str, chain: tuple[str, ...]) -> None:
        if name in done:
            return
        value = values[name]
        if isinstance(value, str) and "${vars." in value:
            if name in chain:
                cycle = " -> ".join((*chain[chain.index(name) :], name))
                found.append(finding("KF064", f"the vars use each other in a circle: {cycle}", ("vars", name)))
                done[name] = value
                return
            for other in [m.group(1) for m in _USE.finditer(value) if not m.group().startswith("$$")]:
                if other in values:
                    settle(other, (*chain, name))
            if name in done:
                return
            worker = _Interpolation({**values, **done}, texts)
            value = worker.replace(value, ("vars", name))
            found.extend(worker.found)
            used.update(worker.used)
        done[name] = value

    for name in values:
        settle(name, ())
    return done, found, used
