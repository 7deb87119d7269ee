"""Generated pages and committed overlays are current, and documented commands exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import kfspec
from kfspec.cli import COMMANDS
from kfspec.codes import CODES, TABLES
from tests.conftest import ROOT
from tests.support.docs import pages

KFSPEC = Path(sys.executable).parent / "kfspec"


def test_generated_pages_are_current() -> None:
    assert [path.name for path, text in pages().items() if path.read_text(encoding="utf-8") != text] == []


def test_the_committed_overlays_are_what_the_examples_compile_to() -> None:
    specs = [str(p.relative_to(ROOT)) for p in sorted((ROOT / "examples").glob("*/kfspec.yaml"))]
    done = subprocess.run([KFSPEC, "compile", *specs, "--check"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "overlays is what the spec compiles to\n")


def test_every_code_that_is_used_is_in_the_table_and_every_code_of_the_table_is_used() -> None:
    used = set()
    for path in (ROOT / "kfspec").rglob("*.py"):
        if path.parent.name != "codes":
            used |= set(re.findall(r"\bKF\d{3}\b", path.read_text(encoding="utf-8")))
    assert used == set(CODES)


def test_codes_are_in_order_with_one_slug_each() -> None:
    assert len(CODES) == sum(len(table.ENTRIES) for table in TABLES), "a code stands twice"
    assert list(CODES) == sorted(CODES)
    assert len({code.slug for code in CODES.values()}) == len(CODES)


def test_the_readme_lists_the_commands_that_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `kfspec (\w+)", text, re.MULTILINE)) == set(COMMANDS)


def test_the_public_names() -> None:
    assert kfspec.__all__ == [
        "Build",
        "Change",
        "Diagnostic",
        "Document",
        "Observation",
        "Plan",
        "Resource",
        "Session",
        "build",
        "check",
        "connect",
        "execute",
        "load",
        "lower",
        "plan",
        "prepare",
        "read_spec",
        "render",
        "resolve",
        "target",
        "verify",
    ]
    assert all(getattr(kfspec, name).__doc__ for name in kfspec.__all__)
