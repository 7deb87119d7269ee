"""Kinds load on demand: what `kfspec validate` imports for a spec is what its blocks and objects need, and nothing beside."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from kfspec.kinds import BLOCKS, OBJECT_KINDS
from kfspec.pipeline import build
from tests.conftest import ROOT

QUICKSTART = ROOT / "examples" / "quickstart" / "kfspec.yaml"
SPECS = sorted((ROOT / "tests" / "specs").glob("*.yaml"))

PROGRAM = """
import json, os, sys
from kfspec import cli
status = cli.run()
installed = {name.partition(".")[0] for name, module in sys.modules.items()
             if (getattr(module, "__file__", None) or "").startswith((PURE, PLAT))}
own = [name.removeprefix("kfspec.") for name in sys.modules if name.startswith("kfspec.")]
json.dump({"status": status, "own": own, "installed": sorted(installed)}, sys.stderr)
"""

EVERY = {"base", "kserve", "kserve.runtimes", "lifting", "podspec", "shortforms", "status"}
"""What every spec loads of `kfspec.kinds`: the helpers of all kinds, and the serving runtimes that a release ships, which the
check of references knows by name."""

USES = {
    "inferenceservice": {"kserve.access", "kserve.defaults", "kserve.effects", "kserve.rules"},
    "kserve.pods": {"mounts", "podvalues"},
    "kserve.rules": {"kserve.autoscaling", "kserve.pods", "kserve.storage"},
    "notebook": {"mounts", "notebook_effects", "notebook_lift", "podvalues", "volume"},  # a workspace is a volume
    "profile": {"kserve.access", "profile_access", "profile_effects"},  # who may call what its namespace serves
    "kserve.servingruntime": {"kserve.runtime_rules", "kserve.rules", "podvalues"},
}
"""Module -> what it needs besides `EVERY`: its own other modules, and those kinds that it has a part of."""

LAYERS = {
    "_version",
    "catalog",
    "checks",
    "cli",
    "codefiles",
    "codes",
    "credentials",
    "diagnostics",
    "document",
    "environments",
    "forking",
    "includes",
    "interpolation",
    "ir",
    "kinds",
    "lowering",
    "merging",
    "packages",
    "pipeline",
    "quantity",
    "resource",
    "spec",
    "suppression",
    "verification",
    "views",
    "wording",
    "yamlio",
}
"""What `validate` loads of `kfspec`, beside its kinds: nothing that plans, talks to a cluster or syncs."""

INSTALLED = {
    "annotated_types",
    "cel",  # Profile and PersistentVolumeClaim have rules in CEL
    "click",
    "pydantic",
    "pydantic_core",
    "typing_extensions",
    "typing_inspection",
}
"""Packages of others. None of them talks to anything, and none of them reads YAML: the quickstart is plain enough for us."""


class Loaded(NamedTuple):
    """What a fresh interpreter holds after a run."""

    kinds: set[str]
    layers: set[str]
    installed: set[str]


def loaded(spec: Path) -> Loaded:
    """What `kfspec validate` of a spec imports."""
    places = {name: sysconfig.get_path(key) for name, key in (("PURE", "purelib"), ("PLAT", "platlib"))}
    program = "\n".join(f"{name} = {place!r}" for name, place in places.items()) + PROGRAM
    command = [sys.executable, "-c", program, "validate", str(spec)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    said: dict[str, Any] = json.loads(done.stderr)
    assert said["status"] == 0, done.stdout
    own = {str(name) for name in said["own"]}
    return Loaded(
        {name.removeprefix("kinds.") for name in own if name.startswith("kinds.")},
        {name.partition(".")[0] for name in own},
        # an editable install is no package, and setuptools hooks itself into every interpreter
        {
            name
            for name in said["installed"]
            if name not in ("_distutils_hack",) and not name.startswith("__editable__")
        },
    )


def of_blocks(spec: Path) -> Iterator[str]:
    """The modules of the items that a spec has, in any environment."""
    root = yaml.safe_load(spec.read_text(encoding="utf-8"))
    for part in (root, *(root.get("environments") or {}).values()):
        for block in BLOCKS.keys() & (part or {}).keys():
            modules = BLOCKS[block]
            for item in part[block].values():
                module = modules.get("", modules.get((item or {}).get("kind", "")))
                if module is not None:
                    yield module


def of_objects(spec: Path) -> Iterator[str]:
    """The modules that judge the objects of a spec, those inside of others too: the jobs of trials, the steps of workflows."""
    result = build(spec)
    for judged in (result.environments, {"base": result.base}):
        for resource in (r for resources in judged.values() for r in resources):
            for body in _objects(resource.body):
                key = (body["apiVersion"].rpartition("/")[0], body["kind"])
                if key in OBJECT_KINDS:
                    yield OBJECT_KINDS[key]


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict) and isinstance(value.get("apiVersion"), str) and isinstance(value.get("kind"), str):
        yield value
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _objects(item)


def with_what_they_use(modules: set[str]) -> set[str]:
    """The modules, what they need, and the packages that hold them."""
    whole = set(modules)
    while more := {use for module in whole for use in USES.get(module, ())} - whole:
        whole |= more
    return whole | {module.partition(".")[0] for module in whole}


def test_the_quickstart_loads_what_it_uses_and_nothing_else() -> None:
    used = {*of_blocks(QUICKSTART), *of_objects(QUICKSTART)}
    assert used == {"profile", "volume", "notebook", "inferenceservice", "kserve.rules"}
    assert loaded(QUICKSTART) == Loaded(EVERY | with_what_they_use(used), LAYERS, INSTALLED)


def test_nobody_reads_the_metadata_of_installed_packages() -> None:
    """pydantic would, to find plugins, before its first model."""
    program = "import sys; from kfspec import cli; status = cli.run(); sys.exit(status or 'importlib.metadata' in sys.modules)"
    subprocess.run([sys.executable, "-c", program, "validate", "-q", str(QUICKSTART)], check=True, timeout=60)


MORE_LAYERS = {"sync", "differ", "live", "ssa"}
"""Of a spec that carries something for the sync (its payloads alone), or limits (a prediction of what is stored)."""

MORE_INSTALLED = {"pathspec", "jsonschema_rs", "tzdata", "yaml"}
"""Of a spec with `code`, with many objects of one kind, with time zones, with texts of several lines."""

KINDS = {module for modules in BLOCKS.values() for module in modules.values()} | set(OBJECT_KINDS.values())
"""The modules that are kinds, and no helpers."""


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_no_spec_loads_a_kind_that_it_does_not_use(spec: Path) -> None:
    used = with_what_they_use({*of_blocks(spec), *of_objects(spec)})
    found = loaded(spec)
    assert (found.kinds & KINDS) - used == set()
    assert found.layers - LAYERS <= MORE_LAYERS
    assert found.installed - INSTALLED <= MORE_INSTALLED


def test_every_kind_is_in_one_of_the_specs() -> None:
    """Else the test before says nothing of it."""
    of_specs = {module for spec in SPECS for module in (*of_blocks(spec), *of_objects(spec))}
    assert KINDS - of_specs == {"kserve.llminferenceservice"}  # verified where 26.03 has it; no block makes one
