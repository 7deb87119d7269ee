"""check: a resolved document's settings and items, typed."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from pydantic import ValidationError

from kfspec import kinds
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics, Path
from kfspec.document import Document
from kfspec.spec.base import Block
from kfspec.spec.settings import Settings
from kfspec.spec.shape import shape_findings
from kfspec.wording import describe, did_you_mean

_TOP_LEVEL = (*Settings.model_fields, *kinds.BLOCKS, "defaults", "environments", "include", "extends", "requires")
"""Every key that a spec may have, for "did you mean"."""


class Item(NamedTuple):
    """One entry of a block. `value` is what the document holds, `model` its typed form."""

    block: str
    name: str
    module: str
    value: dict[str, Any]
    model: Block

    @property
    def path(self) -> Path:
        """The item's place in the spec."""
        return (self.block, self.name)


class _Known(NamedTuple):
    """Items of an earlier Project, and which of them may not be taken for equal."""

    items: dict[tuple[str, str], Item]
    touched: frozenset[tuple[str, str]] | None

    def item(self, block: str, name: str, value: Any) -> Item | None:
        """The earlier item, if `value` means the same."""
        old = self.items.get((block, name))
        if old is None or old.value is value:
            return old
        same = self.touched is not None and (block, name) not in self.touched and old.value == value
        return old if same else None


class Project(NamedTuple):
    """A spec for one environment, or its top level (`environment` None)."""

    environment: str | None
    settings: Settings
    default_profile: str | None
    items: dict[tuple[str, str], Item]
    document: Document


def check(
    document: Document,
    environment: str | None = None,
    reuse: Project | None = None,
    touched: frozenset[tuple[str, str]] | None = None,
) -> tuple[Project | None, Diagnostics]:
    """The typed form of a resolved document, and every mistake in its shape.

    `reuse`: an earlier Project of the same spec; an item that is the very same value is not judged again, nor is one
    that is equal and not among `touched` (None: only the very same value counts).
    None is returned where the settings are wrong: nothing can be lowered without them.
    """
    root = document.value
    found: list[Diagnostic] = []
    settings = _settings(root, found)
    default_profile = _default_profile(root.get("defaults"), found)
    items: dict[tuple[str, str], Item] = {}
    for block in kinds.BLOCKS:
        _check_block(block, root.get(block), items, found, _Known(reuse.items if reuse else {}, touched))
    if settings is None:
        return None, tuple(found)
    settings = _with_broken(settings, root, items)
    return Project(environment, settings, default_profile, items, document), tuple(found)


_EXTERNALS = {
    "profiles": "profiles",
    "volumes": "volumes",
    "podDefaults": "podDefaults",
    "inferenceServices": "inferenceServices",
    "servingRuntimes": "servingRuntimes",
}
"""Block -> the list under `externals` of what others refer to in the same way."""


def _with_broken(settings: Settings, root: dict[str, Any], items: dict[tuple[str, str], Item]) -> Settings:
    """The settings with every item that could not be read among the externals: it is declared, only not well, and whoever
    refers to it makes no second mistake."""
    more: dict[str, tuple[str, ...]] = {}
    for block, field in _EXTERNALS.items():
        entries = root.get(block)
        broken = [name for name in entries if (block, name) not in items] if isinstance(entries, dict) else []
        if broken:
            more[field] = (*getattr(settings.externals, field), *broken)
    if not more:
        return settings
    return settings.model_copy(update={"externals": settings.externals.model_copy(update=more)})


def _settings(root: dict[str, Any], found: list[Diagnostic]) -> Settings | None:
    beside = {key: value for key, value in root.items() if key not in kinds.BLOCKS and key != "defaults"}
    known = {}
    for key, value in beside.items():
        if key in Settings.model_fields:
            known[key] = value
        else:
            hint = did_you_mean(key, _TOP_LEVEL, f"blocks: {', '.join(kinds.BLOCKS)}")
            found.append(finding("KF101", f"unknown field '{key}' in the spec", (key,), at_key=True, hint=hint))
    try:
        return Settings.model_validate(known)
    except ValidationError as error:
        found.extend(shape_findings(error, Settings, known, ()))
        return None


def _default_profile(defaults: Any, found: list[Diagnostic]) -> str | None:
    if defaults is None:
        return None
    if not isinstance(defaults, dict):
        found.append(finding("KF103", f"'defaults' must be a mapping, not {describe(defaults)}", ("defaults",)))
        return None
    for key in defaults:
        if key != "profile":
            path = ("defaults", key)
            hint = did_you_mean(key, ("profile", *kinds.BLOCKS))
            found.append(finding("KF101", f"unknown field '{key}' in 'defaults'", path, at_key=True, hint=hint))
    profile = defaults.get("profile")
    if profile is not None and not isinstance(profile, str):
        path = ("defaults", "profile")
        found.append(finding("KF103", f"'profile' must be a string, not {describe(profile)}", path))
        return None
    return profile


_FIRST = {"profiles": "owner", "volumes": "size", "notebooks": "image", "tensorboards": "logspath"}
"""Block -> the field that a value in an item's place was meant for."""


def _instead(block: str, name: str, value: Any) -> str:
    """How an item is written that is no mapping."""
    first = _FIRST.get(block)
    if not isinstance(value, str) or first is None:
        return "write its fields, or remove it"
    glued = re.match(r"(\w+):(\S.*)", value)
    if glued is not None and glued[1] in kinds.load(kinds.BLOCKS[block][""]).Item.model_fields:
        return f"write '{glued[1]}: {glued[2]}', with a space"
    return f"write '{name}: {{{first}: {value}}}'"


_NAMED = frozenset({*_FIRST, *_EXTERNALS, "inferenceGraphs", "trainedModels", "modelCaches"})
"""Blocks whose items are objects of their name."""

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def _name_finding(name: str, path: Path) -> Diagnostic:
    import unicodedata  # only mistakes pay

    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    near = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    wanted = "it takes lower-case letters, digits and '-', begins and ends with a letter or digit"
    hint = f"did you mean '{near}'?" if near else "use lower-case letters, digits and '-'"
    return finding("KF130", f"{describe(name)} cannot be a name: {wanted}", path, hint=hint, at_key=True)


def _check_block(
    block: str,
    entries: Any,
    items: dict[tuple[str, str], Item],
    found: list[Diagnostic],
    known: _Known,
) -> None:
    if entries is None:
        return
    if not isinstance(entries, dict):
        message = f"'{block}' must be a mapping of names to items, not {describe(entries)}"
        found.append(finding("KF103", message, (block,), hint=f"write '{block}: {{name: {{...}}}}'"))
        return
    for name, value in entries.items():
        old = known.item(block, name, value)
        if old is not None:
            items[block, name] = old
            continue
        item = _check_item(block, name, value, found)
        if item is not None:
            items[block, name] = item


def _check_item(block: str, name: str, value: Any, found: list[Diagnostic]) -> Item | None:
    path = (block, name)
    if block in _NAMED and _NAME.fullmatch(name) is None:
        found.append(_name_finding(name, path))
        return None
    if not isinstance(value, dict):
        message = f"'{name}' must be a mapping, not {describe(value)}"
        found.append(finding("KF103", message, path, hint=_instead(block, name, value)))
        return None
    module_name = _module_of(block, name, value, found)
    if module_name is None:
        return None
    model = kinds.load(module_name).Item
    try:
        return Item(block, name, module_name, value, model.model_validate(value))
    except ValidationError as error:
        found.extend(shape_findings(error, model, value, path))
        return None


def _module_of(block: str, name: str, value: dict[str, Any], found: list[Diagnostic]) -> str | None:
    modules = kinds.BLOCKS[block]
    if "" in modules:
        return modules[""]
    kind = value.get("kind")
    if isinstance(kind, str) and kind in modules:
        return modules[kind]
    allowed = f"one of: {', '.join(modules)}"
    if kind is None:
        found.append(finding("KF102", f"'{block}.{name}' lacks 'kind'", (block, name), at_key=True, hint=allowed))
    else:
        hint = did_you_mean(str(kind), modules, allowed)
        found.append(finding("KF104", f"'kind' cannot be {describe(kind)}", (block, name, "kind"), hint=hint))
    return None
