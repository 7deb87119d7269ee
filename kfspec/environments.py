"""resolve: one environment merged into the spec, defaults and vars applied. Marks travel with the values."""

from __future__ import annotations

import re
from typing import Any

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics
from kfspec.document import Document, place, source_text
from kfspec.interpolation import interpolate, resolve_vars
from kfspec.merging import Marked, at, merge, with_key, without

DEFAULT = "default"
"""The one environment of a spec that declares none."""

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def environment_names(document: Document) -> tuple[str, ...]:
    """The declared environments, in the order of the spec; `("default",)` where there are none."""
    declared = document.value.get("environments")
    return tuple(declared) if isinstance(declared, dict) and declared else (DEFAULT,)


def declared_in_environment_only(document: Document, environment: str) -> frozenset[tuple[str, str]]:
    """(block, item) of everything that the top level does not declare and the environment does."""
    declared = document.value.get("environments")
    own = declared.get(environment) if isinstance(declared, dict) else None
    if not isinstance(own, dict):
        return frozenset()
    alone: set[tuple[str, str]] = set()
    for block, items in own.items():
        top = document.value.get(block)
        known = top if isinstance(top, dict) else {}
        if isinstance(items, dict):
            alone.update((block, name) for name in items if name not in known)
    return frozenset(alone)


def touched(document: Document, environment: str) -> frozenset[tuple[str, str]] | None:
    """(block, item) of everything that the environment says something about; None where it could be anything.

    An item that is not touched and equal to the top level's has the same text behind its values.
    """
    declared = document.value.get("environments")
    own = declared.get(environment) if isinstance(declared, dict) else None
    if not isinstance(own, dict):
        return frozenset()
    if "vars" in own or "defaults" in own:
        return None
    return frozenset((block, name) for block, items in own.items() if isinstance(items, dict) for name in items)


def resolve(document: Document, environment: str | None) -> tuple[Document, Diagnostics]:
    """The spec as one environment sees it; `None` is the top level, without any environment.

    Items that the environment does not touch are the same objects as in `document`, unless a var or a default
    changes them. At the top level a var that only environments define has the first such environment's value.
    """
    root = Marked(document.value, document.marks)
    found: list[Diagnostic] = []
    declared = at(root, "environments")
    whole = without(root, frozenset({"environments"}))
    if declared is not None and declared.value is not None:
        found.extend(_names(declared.value))
        if isinstance(declared.value, dict):
            whole = _merged(whole, declared, environment, found)
        else:
            whole = with_key(whole, "environments", declared)  # or what was found would have no place
    whole = _with_defaults(whole)
    whole, problems = _with_vars(whole, document)
    found.extend(problems)
    merged = Document(whole.value, whole.node, document.file, document.texts)
    return merged, place(merged, found)


def _names(declared: Any) -> list[Diagnostic]:
    path: tuple[str, ...] = ("environments",)
    if not isinstance(declared, dict):
        listed = [name for name in declared if isinstance(name, str)] if isinstance(declared, list) else []
        names = listed or ([declared] if isinstance(declared, str) else ["dev", "prod"])
        hint = f"environments: {{{', '.join(f'{name}: {{}}' for name in names)}}}"
        return [finding("KF103", "'environments' must be a mapping of names to changes", path, hint=hint)]
    found = []
    for name, value in declared.items():
        if name == "base":
            hint = "base is what all environments share; choose another name"
            found.append(
                finding("KF070", "'base' is a reserved environment name", (*path, name), at_key=True, hint=hint)
            )
        elif _NAME.fullmatch(name) is None:
            hint = "use lower-case letters, digits and '-', at most 63"
            found.append(
                finding("KF070", f"'{name}' cannot name an environment", (*path, name), at_key=True, hint=hint)
            )
        if value is not None and not isinstance(value, dict):
            hint = f"{name}: {{}}, or the changes of its items"
            found.append(finding("KF103", f"environment '{name}' must be a mapping", (*path, name), hint=hint))
        elif isinstance(value, dict):
            for key in value.keys() & {"environments", "include", "extends", "requires", "apiVersion", "project"}:
                message = f"an environment cannot change '{key}'"
                hint = "it is the whole spec's: write it at the top level"
                found.append(finding("KF071", message, (*path, name, key), at_key=True, hint=hint))
    return found


def _merged(whole: Marked, declared: Marked, environment: str | None, found: list[Diagnostic]) -> Marked:
    if found:
        # a broken environment would only produce findings about itself: place them in the tree that still has it
        return with_key(whole, "environments", declared)
    if environment is not None:
        own = at(declared, environment)
        return merge(whole, own) if own is not None and isinstance(own.value, dict) else whole
    values = at(whole, "vars")
    for name in reversed(declared.value):
        theirs = at(declared, name, "vars")
        if theirs is not None and isinstance(theirs.value, dict):
            values = merge(theirs, values) if values is not None else theirs
    own_vars = at(whole, "vars")
    if values is not None and values.value:
        values = merge(values, own_vars) if own_vars is not None else values
        return with_key(whole, "vars", values)
    return whole


def _with_defaults(whole: Marked) -> Marked:
    """`defaults.<block>` laid under every item of the block."""
    defaults = at(whole, "defaults")
    if defaults is None or not isinstance(defaults.value, dict):
        return whole
    applied = set()
    for block, partial in defaults.value.items():
        items = at(whole, block)
        if block == "profile" or not isinstance(partial, dict):
            continue
        if items is None or not isinstance(items.value, dict):
            continue
        applied.add(block)
        under = Marked(partial, defaults.node.children[block])
        for name, value in items.value.items():
            if isinstance(value, dict):
                item = Marked(value, items.node.children[name])
                items = with_key(items, name, merge(under, item))
        whole = with_key(whole, block, items)
    return with_key(whole, "defaults", without(defaults, frozenset(applied))) if applied else whole


def _with_vars(whole: Marked, document: Document) -> tuple[Marked, list[Diagnostic]]:
    values = whole.value.get("vars")
    used_anywhere = any("${vars." in text for text in document.texts.values())
    if not used_anywhere or (values is not None and not isinstance(values, dict)):
        return whole, []
    source = Document(whole.value, whole.node, document.file, document.texts)
    texts = {
        name: source_text(source, ("vars", name)) or str(value)
        for name, value in (values or {}).items()
        if isinstance(value, int | float) and not isinstance(value, str)
    }
    settled, found, _ = resolve_vars(values or {}, texts)
    rest = without(whole, frozenset({"vars"}))
    done, problems, _ = interpolate(rest, settled, texts)
    if values is None:
        return done, found + problems
    marks = whole.node.children["vars"]
    return with_key(done, "vars", Marked(settled, marks)), found + problems
