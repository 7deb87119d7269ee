"""The texts of `kfspec explain`, and the page of all of them."""

from __future__ import annotations

from kfspec.codes import CODES, Code


def render_code(code: Code) -> str:
    """One code, for a terminal."""
    upstream = f"   upstream: {code.upstream.value}" if code.upstream else ""
    return (
        f"{code.code} ({code.slug})   {code.severity.value}{upstream}\n\n"
        f"{code.what}\n\nWhy: {code.why}\n\nInstead of:\n  {_indent(code.example)}\nwrite:\n  {_indent(code.instead)}\n"
    )


def _indent(text: str) -> str:
    return text.replace("\n", "\n  ")


def render_page() -> str:
    """`docs/codes.md`."""
    parts = ["# Codes\n\nGenerated from `kfspec/codes` by `make docs`. `kfspec explain CODE` prints the same.\n"]
    for code in CODES.values():
        upstream = f", upstream {code.upstream.value}" if code.upstream else ""
        parts.append(
            f"\n## {code.code} {code.slug}\n\n*{code.severity.value}{upstream}.* {code.what}\n\n{code.why}\n\n"
            f"```yaml\n# instead of\n{code.example}\n# write\n{code.instead}\n```\n"
        )
    return "".join(parts)
