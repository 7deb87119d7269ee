"""The JSON of an upgrade: its shape, which `upgrade.schema.json` has."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from kfspec.upgrading.making import upgrade
from kfspec.upgrading.values import Upgrade
from kfspec.views import upgrade as view
from tests.conftest import ROOT
from tests.test_cli import run
from tests.upgrade.test_upgrade import GOLDEN, REPORTS

SCHEMA = json.loads(Path(__file__).with_name("upgrade.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
GOLDENS = sorted(GOLDEN.glob("*.json"))


def wrong(document: Any) -> list[str]:
    """What the schema says of a document."""
    return [error.message for error in VALIDATOR.iter_errors(document)]


@pytest.fixture
def whole() -> dict[str, Any]:
    """The golden with something of everything."""
    document: dict[str, Any] = json.loads((GOLDEN / "everything-26.03.json").read_text(encoding="utf-8"))
    return document


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("file", GOLDENS, ids=lambda file: file.stem)
def test_every_golden_conforms(file: Path) -> None:
    assert wrong(json.loads(file.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("name", [name for name in REPORTS if name.endswith(".txt")])
def test_every_report_conforms(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    _, (spec, _, to, *rest) = REPORTS[name]
    made = upgrade(Path(spec), to, rewrite_jobs="--rewrite-jobs" in rest)
    assert isinstance(made, Upgrade)
    assert wrong(json.loads(view.render_json([made]))) == []


def test_several_specs_are_an_array() -> None:
    specs = [f"examples/{name}/kfspec.yaml" for name in ("quickstart", "serving-ab")]
    _, out, err = run("upgrade", *specs, "--to", "1.11", "--format", "json", cwd=ROOT)
    assert err == ""
    document = json.loads(out)
    assert [each["spec"] for each in document] == specs
    assert wrong(document) == []


def test_the_golden_has_every_part(whole: dict[str, Any]) -> None:
    """Else conforming says nothing of what is empty; remarks are what breaks are."""
    parts = ("components", "breaks", "advice", "environments", "rewritten", "jobs", "remaining")
    assert [part for part in parts if not whole[part]] == []
    actions = {change["action"] for environment in whole["environments"] for change in environment["changes"]}
    assert actions == {"add", "remove", "change"}
    assert any(environment["restarted"] for environment in whole["environments"])


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("formatVersion",), 2),
        (("more",), 1),
        (("from",), []),
        (("breaks", 0, "code"), "K1"),
        (("breaks", 0, "more"), 1),
        (("breaks", 0, "environments"), []),
        (("components", 0, "optionalAfter"), None),
        (("advice", 0, "items"), []),
        (("environments", 0, "changes", 0, "action"), "rename"),
        (("environments", 0, "changes", 0, "operations"), [{"op": "move", "path": "a", "value": 1}]),
        (("rewritten", 0, "line"), 0),
        (("jobs", 0, "rewritten"), "yes"),
        (("patch",), None),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else None,
)
def test_the_schema_is_strict(where: tuple[str | int, ...], value: object, whole: dict[str, Any]) -> None:
    document = copy.deepcopy(whole)
    at: Any = document
    for part in where[:-1]:
        at = at[part]
    at[where[-1]] = value
    assert wrong(document) != []


@pytest.mark.parametrize("key", SCHEMA["$defs"]["upgrade"]["required"])
def test_nothing_may_be_missing(key: str, whole: dict[str, Any]) -> None:
    del whole[key]
    assert wrong(whole) != []
