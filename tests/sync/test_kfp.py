"""Pipelines on the contract servers of every release's Kubeflow Pipelines."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.contract.kfp import VERSIONS, KfpServer
from tests.contract.serving import Broken, seeded
from tests.sync.samples import HOURLY, KFP, NIGHTLY, ONCE, PACKAGE, REPORT, TRAIN, kfp, synced, told

pytest.importorskip("kfp", reason="the extra [pipelines] is not installed")

API = "/apis/v2beta1"


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """Each server version."""
    return str(request.param)


@pytest.fixture
def server(shared: Path, version: str) -> Iterator[KfpServer]:
    """A server that runs, and that nobody has asked or answered against its document in the end."""
    one = KfpServer(shared, version)
    with one.running():
        yield one
    assert one.problems == []
    assert {len(cron.split()) for cron in one.crons} <= {6}  # five would start at other times


def state(server: KfpServer) -> dict[str, list[Any]]:
    """What the server holds, without ids: what two syncs have in common."""
    names = {key: one.get("name") or one["display_name"] for key, one in server.versions.items()}
    return {
        "pipelines": sorted((p["display_name"], p["description"]) for p in server.pipelines.values()),
        "versions": sorted(
            (server.pipelines[v["pipeline_id"]]["display_name"], names[k]) for k, v in server.versions.items()
        ),
        "experiments": sorted(e["display_name"] for e in server.experiments.values()),
        "recurring": sorted(
            (
                r["display_name"],
                r["mode"],
                str(r["trigger"]),
                r["runtime_config"]["parameters"].get("rows"),
                names[r["pipeline_version_reference"]["pipeline_version_id"]],
            )
            for r in server.recurring_runs.values()
        ),
        "runs": sorted(r["display_name"] for r in server.runs.values()),
    }


def changed(whole: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A copy with other fields."""
    return {**copy.deepcopy(whole), **fields}


def of(server: KfpServer, table: str, name: str) -> dict[str, Any]:
    """The one thing of that display name."""
    (found,) = [one for one in getattr(server, table).values() if one["display_name"] == name]
    return dict(found)


def test_the_first_sync_creates_and_the_second_changes_nothing(server: KfpServer) -> None:
    report = synced(kfp(TRAIN, REPORT), server.endpoint)
    assert told(report) == [
        "create experiment Default: is not there",
        "create experiment backfills: is not there",
        "create pipeline train: is not there",
        "create pipeline version train-11111111: is not there",
        "create recurring run nightly: is not there; disabled at first",
        "enable recurring run nightly: the spec says so",
        "create recurring run hourly: is not there; disabled at first",
        "start run backfill-0a1b2c3d: was not started yet",
        "create pipeline report: is not there",
        "create pipeline version report-22222222: is not there",
    ]
    nightly = of(server, "recurring_runs", "nightly")
    assert nightly["description"].startswith(
        "kfspec: project=fraud environment=prod item=pipelines.train/nightly digest="
    )
    assert server.schedule(nightly)["hour"] == "2"
    assert {name: nightly[name] for name in ("mode", "max_concurrency", "no_catchup", "service_account")} == {
        "mode": "ENABLE",
        "max_concurrency": "1",
        "no_catchup": True,
        "service_account": "default-editor",
    }
    assert nightly["runtime_config"] == {"parameters": {"rows": 5}, "pipeline_root": "s3://acme/roots"}
    train = of(server, "pipelines", "Train" if server.names else "train")
    assert (
        train["description"]
        == "Trains the scorer.\n\nkfspec: project=fraud environment=prod item=pipelines.train commit=c0ffee0 spec=d1"
    )
    server.forget()
    again = synced(kfp(TRAIN, REPORT), server.endpoint)
    assert (told(again), server.said()) == ([], [])


def test_a_dry_run_tells_the_same_and_does_nothing(server: KfpServer) -> None:
    report = synced(kfp(TRAIN), server.endpoint, dry_run=True)
    assert server.said() == []
    assert told(report) == told(synced(kfp(TRAIN), server.endpoint))


def test_a_new_package_is_a_new_version_and_what_uses_it_follows(server: KfpServer) -> None:
    synced(kfp(TRAIN), server.endpoint)
    old, hourly = of(server, "recurring_runs", "nightly"), of(server, "recurring_runs", "hourly")
    train = next(iter(server.pipelines))
    server.forget()
    edited = changed(TRAIN, version="train-33333333", recurringRuns=[NIGHTLY])
    synced(kfp(edited), server.endpoint)
    new = of(server, "recurring_runs", "nightly")
    assert server.said() == [
        f"POST {API}/pipelines/upload_version",
        f"POST {API}/recurringruns",
        f"DELETE {API}/recurringruns/{old['recurring_run_id']}",
        f"POST {API}/recurringruns/{new['recurring_run_id']}:enable",
        f"DELETE {API}/recurringruns/{hourly['recurring_run_id']}",
    ]
    assert [v["display_name"] for v in server.versions.values()] == ["train-11111111", "train-33333333"]
    assert state(server)["recurring"] == [("nightly", "ENABLE", str(new["trigger"]), 5, "train-33333333")]
    pinned = of(server, "runs", ONCE["name"])["pipeline_version_reference"]
    assert pinned == {"pipeline_id": train, "pipeline_version_id": next(iter(server.versions))}


@pytest.mark.parametrize(
    "field",
    [
        {"cron": "0 30 2 * * *"},
        {"parameters": {"rows": 6}},
        {"maxConcurrency": 3},
        {"catchup": True},
        {"startTime": "2026-02-01T00:00:00Z"},
        {"serviceAccount": "trainer"},
        {"pipelineRoot": "s3://acme/other"},
    ],
    ids=lambda field: next(iter(field)),
)
def test_an_edited_schedule_is_made_anew_and_nothing_else(shared: Path, field: dict[str, Any]) -> None:
    server = KfpServer(shared, VERSIONS[-1])
    with server.running():
        synced(kfp(TRAIN, REPORT), server.endpoint)
        old = of(server, "recurring_runs", "nightly")["recurring_run_id"]
        server.forget()
        synced(kfp(changed(TRAIN, recurringRuns=[{**NIGHTLY, **field}, HOURLY]), REPORT), server.endpoint)
        new = of(server, "recurring_runs", "nightly")["recurring_run_id"]
        assert server.said() == [
            f"POST {API}/recurringruns",
            f"DELETE {API}/recurringruns/{old}",
            f"POST {API}/recurringruns/{new}:enable",
        ]
        assert server.mutations[0].body["mode"] == "DISABLE"
    assert server.problems == []


def test_pausing_is_one_request(server: KfpServer) -> None:
    synced(kfp(TRAIN), server.endpoint)
    key = of(server, "recurring_runs", "nightly")["recurring_run_id"]
    for enabled, verb in ((False, "disable"), (True, "enable")):
        server.forget()
        synced(kfp(changed(TRAIN, recurringRuns=[{**NIGHTLY, "enabled": enabled}, HOURLY])), server.endpoint)
        assert server.said() == [f"POST {API}/recurringruns/{key}:{verb}"]


def test_another_commit_is_no_change(server: KfpServer) -> None:
    synced(kfp(TRAIN), server.endpoint)
    server.forget()
    synced(kfp(changed(TRAIN, provenance={"specDigest": "d2", "commit": "c0ffee1"})), server.endpoint)
    assert server.said() == []


def test_what_was_deleted_by_hand_comes_back(server: KfpServer) -> None:
    synced(kfp(TRAIN), server.endpoint)
    whole = state(server)
    tables = ("recurring_runs", "runs", "versions", "pipelines")
    for table in tables:
        for key in list(getattr(server, table)):
            del getattr(server, table)[key]
            if table == "pipelines":
                server.versions.clear()
            synced(kfp(TRAIN), server.endpoint)
            assert state(server) == whole, (table, key)
            assert len(server.recurring_runs) == 2


def test_what_left_the_spec_goes_and_runs_stay(server: KfpServer) -> None:
    synced(kfp(TRAIN, REPORT), server.endpoint)
    synced(kfp(changed(TRAIN, version="train-33333333"), REPORT), server.endpoint)
    train = next(iter(server.pipelines))
    versions = [key for key, one in server.versions.items() if one["pipeline_id"] == train]
    schedules = list(server.recurring_runs)
    server.forget()
    synced(kfp(REPORT), server.endpoint)
    assert server.said() == [
        *(f"DELETE {API}/recurringruns/{key}" for key in schedules),
        *(f"DELETE {API}/pipelines/{train}/versions/{key}" for key in versions),
        f"DELETE {API}/pipelines/{train}",
    ]
    assert all(one.query == {} for one in server.mutations)  # never `cascade`
    assert state(server)["pipelines"] == [("report", "kfspec: project=fraud environment=prod item=pipelines.report")]
    assert state(server)["versions"] == [("report", "report-22222222")]
    assert server.recurring_runs == {}
    assert [run["display_name"] for run in server.runs.values()] == [ONCE["name"]]
    synced(kfp(), server.endpoint)
    assert (server.pipelines, server.versions) == ({}, {})
    server.forget()
    assert (told(synced(kfp(), server.endpoint)), server.said()) == ([], [])


def test_what_people_made_is_never_touched(server: KfpServer) -> None:
    synced(kfp(REPORT, scope=KFP.model_copy(update={"project": "other"})), server.endpoint)
    theirs = {"display_name": "train", "namespace": "fraud-prod", **({"name": "train"} if server.names else {})}
    hand = server._store(server.pipelines, "pipeline_id", theirs)
    before = copy.deepcopy((server.pipelines, server.versions))
    server.forget()
    report = synced(kfp(TRAIN, REPORT), server.endpoint)
    assert told(report) == [
        "KF621: pipelines.train: pipeline 'train' is there already, and was made by nobody knows whom; it is not touched",
        "KF621: pipelines.report: pipeline 'report' is there already, and was made by pipelines.report of other, prod; it is not touched",
    ]
    assert report.failed
    assert server.said() == []
    assert told(synced(kfp(), server.endpoint)) == []
    assert (server.pipelines, server.versions) == before
    assert hand["pipeline_id"] in server.pipelines


def test_a_pipeline_that_others_use_is_kept(server: KfpServer) -> None:
    synced(kfp(TRAIN), server.endpoint)
    (pipeline,), (version,) = server.pipelines, server.versions
    theirs = {
        **of(server, "recurring_runs", "nightly"),
        "display_name": "mine",
        "description": "by hand",
    }
    del theirs["recurring_run_id"]
    hand = server._store(server.recurring_runs, "recurring_run_id", theirs)
    upload = {"pipeline_id": pipeline, "pipeline_spec": {}, "display_name": "try", "description": ""}
    server._store(server.versions, "pipeline_version_id", {**upload, **({"name": "try"} if server.names else {})})
    report = synced(kfp(), server.endpoint)
    assert told(report)[-1] == (
        "KF625: pipelines.train: pipeline 'train' left the spec and is kept: it has what kfspec did not make "
        "(pipeline version try, recurring run mine)"
    )
    assert not report.failed
    assert list(server.recurring_runs) == [hand["recurring_run_id"]]
    assert sorted(v["display_name"] for v in server.versions.values()) == ["train-11111111", "try"]
    assert version in server.versions


def test_a_description_that_people_wrote_around_the_marker_is_recognised(server: KfpServer) -> None:
    synced(kfp(TRAIN), server.endpoint)
    for pipeline in server.pipelines.values():
        pipeline["description"] = f"Ask Ana first.\n  {pipeline['description'].splitlines()[-1]}  \nThanks!"
    server.forget()
    report = synced(kfp(TRAIN), server.endpoint)
    assert told(report) == [
        "KF626: pipelines.train: pipeline 'train' keeps its description: KFP cannot change a pipeline"
    ]
    assert (server.said(), report.failed) == ([], False)


def test_a_half_done_earlier_sync_is_finished(server: KfpServer) -> None:
    """A pipeline without a version, a schedule made twice, one that was never enabled, and one enabled beside its successor."""
    synced(kfp(TRAIN), server.endpoint)
    whole = state(server)
    nightly = of(server, "recurring_runs", "nightly")
    for fields in (
        {},
        {"mode": "DISABLE", "status": "DISABLED"},
        {"description": nightly["description"][:-16] + "0" * 16},
    ):
        copied = {name: value for name, value in nightly.items() if name not in ("recurring_run_id", "created_at")}
        server._store(server.recurring_runs, "recurring_run_id", {**copied, **fields})
    server.recurring_runs[nightly["recurring_run_id"]].update(mode="DISABLE", status="DISABLED")
    synced(kfp(TRAIN), server.endpoint)
    assert state(server) == whole
    server.versions.clear()
    synced(kfp(TRAIN), server.endpoint)
    assert state(server)["recurring"] == whole["recurring"]


def test_a_crash_after_any_request_is_healed(shared: Path, version: str) -> None:
    """For each number of requests: the first sync, and one that replaces a schedule and deletes a pipeline."""
    first, second = (
        kfp(TRAIN, REPORT),
        kfp(changed(TRAIN, version="train-33333333", recurringRuns=[{**NIGHTLY, "parameters": {"rows": 7}}])),
    )
    server = KfpServer(shared, version)
    with server.running():
        synced(first, server.endpoint)
        wanted_first = state(server)
        synced(second, server.endpoint)
        wanted_second = state(server)
        number, crashed = 0, True
        while crashed:
            number += 1
            for table in (server.experiments, server.pipelines, server.versions, server.recurring_runs, server.runs):
                table.clear()
            crashed = False
            for desired, wanted in ((first, wanted_first), (second, wanted_second)):
                server.crash_after(number)
                crashed |= synced(desired, server.endpoint, seconds=0).failed
                server.crash_after(None)
                assert synced(desired, server.endpoint).failed is False
                assert state(server) == wanted, (number, desired.pipelines)
                server.forget()
                synced(desired, server.endpoint)
                assert server.said() == [], number
        assert server.enabled_at_once == 1
        assert number > 15
    assert server.problems == []


@pytest.mark.parametrize("seed", range(4))
def test_with_every_fifth_request_failing_it_converges(shared: Path, version: str, seed: int) -> None:
    server = KfpServer(shared, version)
    with server.running():
        synced(kfp(TRAIN, REPORT), server.endpoint)
        wanted = state(server)
        server.faults = seeded(seed, 0.2)
        synced(kfp(), server.endpoint)
        assert server.pipelines == {}
        assert synced(kfp(TRAIN, REPORT), server.endpoint).failed is False
        assert state(server) == wanted
        assert server.enabled_at_once == 1
    assert server.problems == []


def test_all_pages_are_read(shared: Path, version: str) -> None:
    server = KfpServer(shared, version, largest_page=2)
    names = [f"p{number}" for number in range(7)]
    desired = kfp(
        *(
            changed(REPORT, item=f"pipelines.{n}", name=n, version=f"{n}-44444444", recurringRuns=[NIGHTLY])
            for n in names
        )
    )
    with server.running():
        synced(desired, server.endpoint)
        server.forget()
        assert told(synced(desired, server.endpoint)) == []
        tokens = [one.query.get("page_token") for one in server.asked if one.path == f"{API}/pipelines"]
        assert tokens == ["", "page-2", "page-4", "page-6"]
        synced(kfp(), server.endpoint)
        assert (server.pipelines, server.recurring_runs) == ({}, {})
    assert server.problems == []


def test_a_rotated_token_is_read_again(server: KfpServer, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old\n")
    server.tokens = {"old"}

    def rotate(number: int, method: str) -> None:
        if number == 6:
            server.tokens = {"new"}
            token.write_text("new\n")

    server.watch = rotate
    assert synced(kfp(TRAIN), server.endpoint, token_file=token).failed is False
    assert len(server.recurring_runs) == 2


def test_an_expired_token_is_told(server: KfpServer, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    server.tokens = {"new"}
    report = synced(kfp(TRAIN), server.endpoint, token_file=token)
    assert told(report) == [
        "KF622: the service does not answer: Unauthenticated: the token is invalid or has expired (401)"
    ]
    assert (
        report.findings[0].hint
        == "the token must be one of the service's audience (KFP: pipelines.kubeflow.org) and still valid"
    )


def test_a_token_that_expires_before_an_upload(server: KfpServer, tmp_path: Path) -> None:
    """An upload says 400 where others say 401."""
    token = tmp_path / "token"
    token.write_text("old")
    server.tokens = {"old"}

    def rotate(number: int, method: str) -> None:
        if server.tokens == {"new"}:
            token.write_text("new")
        elif server.pipelines:
            server.tokens = {"new"}

    server.watch = rotate
    report = synced(kfp(REPORT), server.endpoint, token_file=token)
    assert report.failed is False
    assert [one.status for one in server.asked if one.path.endswith("upload_version")] == [400, 200]


def test_another_namespace_is_refused(server: KfpServer, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("theirs")
    server.rights["theirs"] = {"elsewhere"}
    report = synced(kfp(TRAIN), server.endpoint, token_file=token)
    assert told(report) == ["KF622: the service does not answer: User is not authorized in namespace fraud-prod (403)"]


def test_what_is_refused_stops_its_item_only(server: KfpServer) -> None:
    wrong = changed(TRAIN, recurringRuns=[{**NIGHTLY, "parameters": {"row": 5}}])
    report = synced(kfp(wrong, REPORT), server.endpoint)
    assert told(report)[-1] == (
        "KF623: pipelines.train: cannot create recurring run 'nightly': input parameter 'row' is not declared (400)"
    )
    assert report.failed
    assert ("report", "report-22222222") in state(server)["versions"]
    assert server.recurring_runs == {}


def test_an_item_that_fails_does_not_keep_others_from_what_they_share(server: KfpServer) -> None:
    broken = changed(REPORT, package="schemaVersion: 2.1.0\n", recurringRuns=[HOURLY])
    report = synced(kfp(broken, TRAIN), server.endpoint)
    assert told(report)[-1] == (
        "KF623: pipelines.report: cannot create pipeline version 'report-22222222': no pipeline spec is provided (400)"
    )
    assert sorted(one["display_name"] for one in server.recurring_runs.values()) == ["hourly", "nightly"]


def test_a_schedule_that_the_server_refuses_leaves_the_old_one_running(server: KfpServer) -> None:
    synced(kfp(TRAIN), server.endpoint)
    wrong = changed(TRAIN, recurringRuns=[{**NIGHTLY, "parameters": {"row": 5}}, HOURLY])
    assert synced(kfp(wrong), server.endpoint).failed
    assert of(server, "recurring_runs", "nightly")["mode"] == "ENABLE"


def test_an_archived_experiment(server: KfpServer) -> None:
    synced(kfp(TRAIN), server.endpoint)
    for experiment in server.experiments.values():
        experiment["storage_state"] = "ARCHIVED"
    server.forget()
    synced(kfp(TRAIN), server.endpoint)
    assert [line.rpartition(":")[2] for line in server.said()] == ["unarchive", "unarchive"]
    for experiment in server.experiments.values():
        experiment.update(storage_state="ARCHIVED", description="by hand")
    assert told(synced(kfp(TRAIN), server.endpoint)) == [
        "KF621: pipelines.train: experiment 'Default' is archived, and not by kfspec; restore it, or choose another for 'nightly'"
    ]


def test_an_answer_that_got_lost_makes_no_second_schedule(server: KfpServer) -> None:
    posts = []

    def fault(number: int, method: str) -> Broken | None:
        if method == "POST":
            posts.append(number)
            return Broken(503, done=True)
        return None

    server.faults = fault
    report = synced(kfp(TRAIN), server.endpoint)
    assert not report.failed
    assert len(server.recurring_runs) == 2
    assert len(server.runs) == 1
    assert len(report.steps) == len(posts) == 8


def test_what_somebody_undoes_is_told(server: KfpServer) -> None:
    server.watch = lambda number, method: server.recurring_runs.clear() if method == "POST" else None
    report = synced(kfp(changed(TRAIN, recurringRuns=[HOURLY])), server.endpoint)
    assert told(report)[-1] == (
        "KF623: 'hourly' does not stay as it is made: create recurring run hourly: is not there; disabled at first"
    )


def test_two_syncs_at_once_settle_on_the_same(server: KfpServer) -> None:
    """What may happen meanwhile is two schedules of one name; both syncs keep the same one of them."""
    desired = kfp(changed(TRAIN, runs=[]), REPORT)
    synced(desired, server.endpoint)
    wanted = state(server)
    for _ in range(5):
        synced(kfp(), server.endpoint)
        with ThreadPoolExecutor(2) as pool:
            reports = list(pool.map(lambda one: synced(one, server.endpoint), (desired, desired)))
        assert [report.failed for report in reports] == [False, False]
        assert state(server) == wanted


def test_caching_is_switched_in_the_package(server: KfpServer) -> None:
    synced(
        kfp(changed(REPORT, caching=False), changed(TRAIN, caching=True, recurringRuns=[], runs=[])), server.endpoint
    )
    options = {
        (v["display_name"]): v["pipeline_spec"]["root"]["dag"]["tasks"]["fit"]["cachingOptions"]
        for v in server.versions.values()
    }
    assert options == {"report-22222222": {}, "train-11111111": {"enableCache": True}}


def test_the_samples_are_pipelines() -> None:
    from kfp.components import load_component_from_text

    assert load_component_from_text(PACKAGE).pipeline_spec.pipeline_info.name == "train"


OBJECTS = {name: value for name, value in TRAIN.items() if name != "package"}


@pytest.fixture(params=["2.15.0", "2.16.0"])
def objects(shared: Path, request: pytest.FixtureRequest) -> Iterator[KfpServer]:
    """A server whose pipelines are objects of Kubernetes."""
    one = KfpServer(shared, str(request.param), objects=True)
    with one.running():
        yield one
    assert one.problems == []


def test_what_starts_a_pipeline_waits_for_its_objects(objects: KfpServer) -> None:
    words = "is an object that is not there yet; its schedules and runs wait for it"
    waiting = synced(kfp(OBJECTS), objects.endpoint)
    assert (told(waiting), waiting.failed) == ([f"KF627: pipelines.train: pipeline 'train' {words}"], True)
    objects.applied("fraud-prod", "train", "train-00000000", PACKAGE)
    waiting = synced(kfp(OBJECTS), objects.endpoint)
    assert told(waiting) == [f"KF627: pipelines.train: pipeline version 'train-11111111' {words}"]
    assert objects.said() == []
    objects.applied("fraud-prod", "train", "train-11111111", PACKAGE)
    report = synced(kfp(OBJECTS), objects.endpoint)
    assert (told(report), report.failed) == (
        [
            "create experiment Default: is not there",
            "create experiment backfills: is not there",
            "create recurring run nightly: is not there; disabled at first",
            "enable recurring run nightly: the spec says so",
            "create recurring run hourly: is not there; disabled at first",
            "start run backfill-0a1b2c3d: was not started yet",
        ],
        False,
    )
    assert [row[4] for row in state(objects)["recurring"]] == ["train-11111111", "train-11111111"]
    objects.forget()
    assert (told(synced(kfp(OBJECTS), objects.endpoint)), objects.said()) == ([], [])


def test_a_schedule_stays_as_it_is_until_the_new_version_is_an_object(objects: KfpServer) -> None:
    objects.applied("fraud-prod", "train", "train-11111111", PACKAGE)
    synced(kfp(OBJECTS), objects.endpoint)
    before = copy.deepcopy(objects.recurring_runs)
    edited = changed(OBJECTS, version="train-33333333")
    objects.forget()
    assert synced(kfp(edited), objects.endpoint).failed
    assert (objects.said(), objects.recurring_runs) == ([], before)
    objects.applied("fraud-prod", "train", "train-33333333", PACKAGE)
    assert told(synced(kfp(edited), objects.endpoint)) == [
        "create recurring run nightly: is changed; disabled at first",
        "delete recurring run nightly: is replaced",
        "enable recurring run nightly: the spec says so",
        "create recurring run hourly: is changed; disabled at first",
        "delete recurring run hourly: is replaced",
    ]


def test_objects_are_never_deleted_and_what_started_them_is(objects: KfpServer) -> None:
    objects.applied("fraud-prod", "train", "train-11111111", PACKAGE)
    synced(kfp(OBJECTS), objects.endpoint)
    there = copy.deepcopy((objects.pipelines, objects.versions))
    objects.forget()
    assert told(synced(kfp(), objects.endpoint)) == [
        "delete recurring run nightly: left the spec",
        "delete recurring run hourly: left the spec",
    ]
    assert (objects.pipelines, objects.versions) == there
