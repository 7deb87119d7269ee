"""The page of all blocks and their fields, from the kinds' own docstrings and field descriptions."""

from __future__ import annotations

import inspect
from typing import Any

from kfspec import kinds
from kfspec.kinds import dashboard
from kfspec.spec.base import Model
from kfspec.spec.dashboard import Dashboard


def render_kinds() -> str:
    """`docs/kinds.md`."""
    parts = [
        "# Blocks\n\nGenerated from the modules of `kfspec/kinds` by `make docs`.\n\n"
        "*Upstream's* means: the field of that name in the Kubernetes object, in its own form.\n\n"
        "Every item takes `labels`, `annotations` and `prune: allow`, and every item of a namespace `profile`.\n"
    ]
    common = {"labels", "annotations", "prune", "profile"}
    for block, modules in kinds.BLOCKS.items():
        for kind, name in modules.items():
            module: Any = kinds.load(name)
            title = f"{block}, `kind: {kind}`" if kind else block
            parts.append(f"\n## {title}\n\n{inspect.cleandoc(module.__doc__ or '')}\n\n")
            if module.PRODUCES:
                made = ", ".join(f"{gvk.kind} (`{gvk.api_version}`)" for gvk in module.PRODUCES)
                parts.append(f"Compiles to: {made}.\n\n")
            parts.append(_fields(module.Item, common))
    parts.append(f"\n## dashboard\n\nOne thing, and no block. {inspect.cleandoc(dashboard.__doc__ or '')}\n\n")
    parts.append(f"Compiles to: {', '.join(f'{gvk.kind} (`{gvk.api_version}`)' for gvk in dashboard.PRODUCES)}.\n\n")
    parts.append(_fields(Dashboard, set()))
    return "".join(parts)


def _fields(model: type[Model], common: set[str]) -> str:
    rows = ["| field | |\n|---|---|\n"]
    for name, field in model.model_fields.items():
        if name in common:
            continue
        needed = " *(required)*" if field.is_required() else ""
        rows.append(f"| `{name}` | {(field.description or '').replace('|', chr(92) + '|')}{needed} |\n")
    return "".join(rows)
