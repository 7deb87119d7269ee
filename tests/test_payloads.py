"""What a plan shows of ConfigMaps whose texts are JSON: the values inside; and what it does where they are not."""

from __future__ import annotations

import base64
import copy
import gzip
import json
from typing import Any

import pytest

from kfspec.catalog import release
from kfspec.catalog.dashboard import NAME, SETTINGS, links
from kfspec.live import Seen, Verdict
from kfspec.planning.deltas import Step, deltas
from kfspec.planning.payloads import opened
from kfspec.planning.values import Delta
from kfspec.resource import Body, ref_of
from kfspec.ssa.types import served
from kfspec.sync.payload import write
from tests.sync.samples import FRAUD, HOURLY, NIGHTLY, TRAIN, kfp, registry

MANAGER = "kfspec"


def carrier(data: dict[str, str], item: str = "pipelines.train", name: str = "kfspec-pipeline-train") -> Body:
    """A ConfigMap of an item."""
    meta = {"name": name, "namespace": "team", "labels": {"kfspec.dev/item": item}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def payloads(desired: Any) -> dict[str, str]:
    return {name: text for name, text in write(desired).items() if name != "scope.json"}


def compared(before: Body, after: Body) -> tuple[tuple[Delta, ...], tuple[Step, ...]]:
    """What planning finds, where the live object is `before`."""
    kubeflow, _ = release("1.10")
    assert kubeflow is not None
    entry = kubeflow.kind("", "ConfigMap")
    seen = Seen(ref_of(after), after, before, Verdict(after))
    return deltas(seen, MANAGER, served(entry, "v1"), {})


def shown(before: Body, after: Body) -> list[tuple[str, str, Any, Any]]:
    return [delta[:4] for delta in compared(before, after)[0]]


def test_a_changed_schedule_is_one_value() -> None:
    edited = {**TRAIN, "recurringRuns": [{**NIGHTLY, "cron": "0 0 3 * * *"}, HOURLY]}
    before, after = carrier(payloads(kfp(TRAIN))), carrier(payloads(kfp(edited)))
    path = 'data["pipelines.train.json"].recurringRuns[name=nightly].cron'
    found, steps = compared(before, after)
    assert [delta[:4] for delta in found] == [("replace", path, "0 0 2 * * *", "0 0 3 * * *")]
    key = "pipelines.train.json"
    assert steps == (Step(("data", key), before["data"][key], after["data"][key]),), "effects look at the text"


def test_what_is_packed_is_opened_on_either_side() -> None:
    large = {**TRAIN, "package": "# " + "long " * 5000}
    small = {**TRAIN, "package": "# short"}
    edited = {**large, "recurringRuns": [NIGHTLY]}
    packed = 'data["pipelines.train.json.gz.b64"]'
    gone = next(run for run in kfp(TRAIN).pipelines[0].recurringRuns if run.name == "hourly")
    assert shown(carrier(payloads(kfp(large))), carrier(payloads(kfp(edited)))) == [
        ("remove", f"{packed}.recurringRuns[name=hourly]", gone.model_dump(mode="json", exclude_none=True), None)
    ]
    grown = shown(carrier(payloads(kfp(small))), carrier(payloads(kfp(large))))
    assert grown == [("replace", f"{packed}.package", "# short", large["package"])]
    shrunk = shown(carrier(payloads(kfp(large))), carrier(payloads(kfp(small))))
    assert shrunk == [("replace", 'data["pipelines.train.json"].package', large["package"], "# short")]


def test_a_model_and_the_scope() -> None:
    edited = {**FRAUD, "customProperties": {**FRAUD["customProperties"], "auc": 0.95}}  # type: ignore[dict-item]
    name, item = "kfspec-model-fraud", "models.fraud"
    before, after = (carrier(payloads(registry(one)), item, name) for one in (FRAUD, edited))
    assert shown(before, after) == [("replace", 'data["models.fraud.json"].customProperties.auc', 0.91, 0.95)]
    scopes = [{"scope.json": json.dumps({"environment": environment})} for environment in ("dev", "prod")]
    before, after = (carrier(data, "sync.kfp", "kfspec-sync-p-kfp") for data in scopes)
    assert shown(before, after) == [("replace", 'data["scope.json"].environment', "dev", "prod")]


def test_the_dashboard_is_shown_link_by_link() -> None:
    live = links("1.10.2")
    theirs = {"desc": "of another team", "link": "/theirs/", "text": "Theirs"}
    wanted = copy.deepcopy(live)
    live["quickLinks"].append(theirs)
    wanted["menuLinks"][0]["link"] = "/elsewhere/"
    first = wanted["menuLinks"][0]["text"]
    before, after = (
        carrier({"links": json.dumps(value), "settings": json.dumps(SETTINGS)}, "dashboard", NAME)
        for value in (live, wanted)
    )
    assert shown(before, after) == [
        ("replace", f'data["links"].menuLinks[text={first}].link', live["menuLinks"][0]["link"], "/elsewhere/"),
        ("remove", 'data["links"].quickLinks[text=Theirs]', theirs, None),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "null",
        json.dumps(json.loads(payloads(kfp(TRAIN))["pipelines.train.json"])),
        "[" * 100_000,
    ],
    ids=["broken", "a list", "nothing", "the same in another layout", "deep"],
)
def test_what_cannot_be_opened_stays_a_text(text: str) -> None:
    after = carrier(payloads(kfp(TRAIN)))
    key = "pipelines.train.json"
    assert shown(carrier({key: text}), after) == [("replace", f"data.{key}", text, after["data"][key])]


def test_what_is_badly_packed_stays_a_text() -> None:
    key = "pipelines.train.json.gz.b64"
    bad = (
        "no",
        "%",
        base64.b64encode(gzip.compress(b"{}")[:-4]).decode(),
        base64.b64encode(gzip.compress(bytes(40_000_000))).decode(),
    )
    good = base64.b64encode(gzip.compress(b'{"a": 1}')).decode()
    for text in bad:
        assert shown(carrier({key: text}), carrier({key: good})) == [("replace", f"data.{key}", text, good)]


def test_other_config_maps_are_none_of_its_business() -> None:
    data = [{"a.json": json.dumps({"a": n}), "links": json.dumps({"a": n})} for n in (1, 2)]
    for item, name in (("resources.x", "kfspec-x"), ("pipelines.x", "mine"), ("dashboard", "other"), ("", NAME)):
        before, after = (carrier(one, item, name) for one in data)
        assert opened(before, after) == (before, after, frozenset())
