"""Packaging that pyproject.toml cannot say: the derived schemas travel inside the package."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithSchemas(build_py):
    """Copies `schemas/` to `kfspec/_schemas` in whatever is built; a checkout reads them where they are."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            shutil.copytree("schemas", Path(self.build_lib) / "kfspec" / "_schemas", dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithSchemas})
