"""The pages of tests/mistakes: one mistake, one finding, and a hint that mends it."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from kfspec.diagnostics import Diagnostics
from kfspec.pipeline import build
from kfspec.views import human

PAGES = Path(__file__).parent / "mistakes"

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


class Mistake(NamedTuple):
    """One section of a page."""

    page: str
    title: str
    head: str
    wrong: str
    said: str
    mended: str


def mistakes() -> Iterator[Mistake]:
    """Every section of every page."""
    for path in sorted(PAGES.glob("*.md")):
        if path.name == "README.md":
            continue
        first, *sections = re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        (_, head), *_ = _BLOCK.findall(first)
        for section in sections:
            title = section.split("\n", 1)[0]
            (_, wrong), (_, said), (_, mended) = _BLOCK.findall(section)
            yield Mistake(path.stem, title, head, wrong, said, mended)


def judged(text: str, folder: Path) -> tuple[Diagnostics, str]:
    """The findings of a spec, and how they are printed."""
    spec = folder / "kfspec.yaml"
    shutil.copytree(PAGES / "files", folder, dirs_exist_ok=True)
    spec.write_text(text, encoding="utf-8")
    built = build(spec)
    shown = human.render(built.diagnostics, built.texts).replace(f"{folder}/", "")
    return built.diagnostics, shown.rsplit("\n\n", 1)[0] + "\n"


@pytest.mark.parametrize("mistake", list(mistakes()), ids=lambda m: f"{m.page}: {m.title}")
def test_one_finding_says_it_and_its_hint_mends_it(mistake: Mistake, tmp_path: Path) -> None:
    found, shown = judged(mistake.head + mistake.wrong, tmp_path)
    assert shown == mistake.said
    assert len(found) == 1
    assert found[0].hint
    assert judged(mistake.head + mistake.mended, tmp_path)[0] == ()


def test_there_are_forty() -> None:
    assert len(list(mistakes())) >= 40


def rewrite() -> None:
    """Write what is printed into the pages; for whoever reads the diff afterwards."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for mistake in mistakes():
            _, shown = judged(mistake.head + mistake.wrong, Path(folder))
            page = PAGES / f"{mistake.page}.md"
            text = page.read_text(encoding="utf-8")
            old = f"```yaml\n{mistake.wrong}```\n\n```text\n{mistake.said}```\n"
            assert text.count(old) == 1, mistake.title
            page.write_text(
                text.replace(old, f"```yaml\n{mistake.wrong}```\n\n```text\n{shown}```\n"), encoding="utf-8"
            )


if __name__ == "__main__":
    sys.exit(rewrite())
