"""Payloads: written, mounted, read; and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kfspec.sync.marker import LONGEST, Marker, described, marker, short, without
from kfspec.sync.payload import Desired, read, write
from tests.sync.samples import FRAUD, KFP, NIGHTLY, PACKAGE, REPORT, TRAIN, kfp, registry


def mounted(folder: Path, files: dict[str, str]) -> Path:
    """As the kubelet does it: data in a hidden folder, links to it."""
    data = folder / "..2026_01_01"
    data.mkdir(parents=True)
    (folder / "..data").symlink_to(data.name)
    for name, text in files.items():
        (data / name).write_text(text, encoding="utf-8")
        (folder / name).symlink_to(f"..data/{name}")
    return folder


@pytest.mark.parametrize(
    "desired", [kfp(TRAIN, REPORT), kfp(), registry(FRAUD), registry()], ids=["kfp", "none", "models", "no models"]
)
def test_what_is_written_is_read(tmp_path: Path, desired: Desired) -> None:
    again, found = read(mounted(tmp_path, write(desired)))
    assert found == ()
    assert again is not None
    assert again.scope == desired.scope
    assert sorted(again.pipelines, key=lambda one: one.item) == sorted(desired.pipelines, key=lambda one: one.item)
    assert again.models == desired.models


def test_a_large_payload_is_packed_and_the_same_each_time(tmp_path: Path) -> None:
    large = kfp({**REPORT, "package": PACKAGE + "# ü" * 20_000})
    files = write(large)
    assert sorted(files) == ["pipelines.report.json.gz.b64", "scope.json"]
    assert len(files["pipelines.report.json.gz.b64"]) < 2_000
    assert write(large) == files
    assert read(mounted(tmp_path, files)) == (large, ())


def test_scope_alone_is_an_empty_state(tmp_path: Path) -> None:
    (tmp_path / "scope.json").write_text(write(kfp())["scope.json"])
    assert read(tmp_path) == (Desired(KFP), ())


@pytest.mark.parametrize(
    ("files", "messages"),
    [
        ({}, ["{folder} holds no scope.json"]),
        (
            {"scope.json": "{"},
            ["scope.json: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"],
        ),
        (
            {
                "scope.json": '{"formatVersion": 2, "project": "a", "environment": "b", "namespace": "c", "backend": "kfp"}'
            },
            ["scope.json: formatVersion: Input should be 1"],
        ),
        (
            {"pipelines.a.json": '{"item": "pipelines.a"}'},
            [f"pipelines.a.json: {field}: Field required" for field in ("name", "version")],
        ),
        ({"pipelines.a.json.gz.b64": "bm8="}, ["{folder} cannot be read: Not a gzipped file (b'no')"]),
        (
            {"pipelines.a.json": json.dumps({**REPORT, "recurringRuns": [{**NIGHTLY, "cron": "0 2 * * *"}]})},
            [
                "pipelines.a.json: recurringRuns.0.cron: Value error, KFP reads six fields, seconds first, and would misread '0 2 * * *'"
            ],
        ),
        (
            {"pipelines.a.json": json.dumps({**REPORT, "recurringRuns": [{**NIGHTLY, "intervalSeconds": 60}]})},
            ["pipelines.a.json: recurringRuns.0: Value error, a recurring run has either cron or intervalSeconds"],
        ),
        (
            {"a.json": json.dumps(REPORT), "b.json": json.dumps({**REPORT, "item": "pipelines.b"})},
            ["'report' is declared twice: pipelines.report and pipelines.b"],
        ),
        (
            {"a.json": json.dumps({**REPORT, "recurringRuns": [NIGHTLY, NIGHTLY]})},
            ["pipelines.report declares 'nightly' twice"],
        ),
        ({"a.json": json.dumps({**REPORT, "labels": {}})}, ["a.json: labels: Extra inputs are not permitted"]),
    ],
    ids=lambda value: next(iter(value), "nothing") if isinstance(value, dict) else "",
)
def test_what_is_wrong_is_told_and_nothing_is_done(tmp_path: Path, files: dict[str, Any], messages: list[str]) -> None:
    whole = files if not files or "scope.json" in files else {**write(kfp()), **files}
    desired, found = read(mounted(tmp_path / "mounted", whole) if whole else tmp_path)
    folder = tmp_path / "mounted" if whole else tmp_path
    assert desired is None
    assert [one.message for one in found] == [message.format(folder=folder) for message in messages]
    assert {one.code for one in found} == {"KF620"}


def test_a_marker_is_found_whatever_stands_around_it() -> None:
    mine = Marker("fraud", "prod", "pipelines.train/every night", "0123", "c0ffee", "d1")
    text = described("Trains.\nEvery night.", mine)
    assert text.splitlines()[-1] == (
        "kfspec: project=fraud environment=prod item=pipelines.train/every%20night digest=0123 commit=c0ffee spec=d1"
    )
    assert marker(f"> {text} <\nmore") == mine
    assert (without(text), without(str(mine)), marker("kfspec made this"), marker(None)) == (
        "Trains.\nEvery night.",
        "",
        None,
        None,
    )


def test_a_marker_fits_its_column() -> None:
    long = Marker("p" * 60, "e" * 60, "pipelines.train/nightly", "0" * 16, "c" * 40, "d" * 16)
    longer = long._replace(commit="c" * 64)
    whole = long._replace(commit="c" * 7)
    assert len(str(longer)) > len(str(long)) > LONGEST
    assert [marker(short(one)) for one in (whole, long, longer)] == [
        whole,
        long._replace(spec=""),
        long._replace(spec="", commit=""),
    ]
