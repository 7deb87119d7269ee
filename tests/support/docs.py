"""`make docs`: the generated pages."""

from __future__ import annotations

from pathlib import Path

from kfspec.catalog import SCHEMAS
from kfspec.views.codes import render_page
from kfspec.views.kinds import render_kinds
from kfspec.views.schema import render as render_schema

DOCS = Path(__file__).parent.parent.parent / "docs"


def pages() -> dict[Path, str]:
    """Every generated page: file -> text."""
    return {
        DOCS / "codes.md": render_page(),
        DOCS / "kinds.md": render_kinds(),
        SCHEMAS / "kfspec.schema.json": render_schema(),
    }


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(DOCS.parent))
