"""Models on the contract servers of every release's Model Registry."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kfspec.sync.payload import at_commit
from tests.contract.registry import VERSIONS, RegistryServer
from tests.contract.serving import Broken, seeded
from tests.sync.samples import FRAUD, REGISTRY, registry, synced, told

pytest.importorskip("model_registry", reason="the extra [registry] is not installed")

API = "/api/model_registry/v1alpha3"


@pytest.fixture(params=VERSIONS)
def server(request: pytest.FixtureRequest, shared: Path) -> Iterator[RegistryServer]:
    """A server that runs, and that nobody has asked or answered against its document in the end."""
    one = RegistryServer(shared, request.param)
    with one.running():
        yield one
    assert one.problems == []


def state(server: RegistryServer) -> dict[str, dict[str, Any]]:
    """What the server holds, by externalId or name, without what the server gives."""
    given = ("id", "createTimeSinceEpoch", "lastUpdateTimeSinceEpoch", "registeredModelId")
    tables = (server.models, server.versions, server.artifacts)
    return {
        one.get("externalId") or one["name"]: {name: value for name, value in one.items() if name not in given}
        for table in tables
        for one in table.values()
    }


def states(server: RegistryServer) -> dict[str, str]:
    """Whose state is what."""
    return {key.removeprefix("kfspec/fraud/prod/models."): one["state"] for key, one in state(server).items()}


def edited(whole: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A copy with other fields; None takes one away."""
    return {name: value for name, value in {**copy.deepcopy(whole), **fields}.items() if value is not None}


def version(name: str, **fields: Any) -> dict[str, Any]:
    """A version of FRAUD with other fields."""
    return edited(next(one for one in FRAUD["versions"] if one["name"] == name), **fields)


def text(value: str) -> dict[str, str]:
    """A custom property."""
    return {"metadataType": "MetadataStringValue", "string_value": value}


def test_the_first_sync_creates_and_the_second_changes_nothing(server: RegistryServer) -> None:
    report = synced(registry(FRAUD), server.endpoint)
    assert told(report) == [
        "create registered model fraud: is not there",
        "create model version 3: is not there",
        "create artifact model: is not there",
        "create model version 2: is not there",
        "create artifact model: is not there",
    ]
    assert state(server)["kfspec/fraud/prod/models.fraud"] == {
        "name": "fraud",
        "externalId": "kfspec/fraud/prod/models.fraud",
        "description": "Scores payments.",
        "owner": "ana@example.com",
        "state": "LIVE",
        "customProperties": {
            "team": text("risk"),
            "tier": {"metadataType": "MetadataIntValue", "int_value": "1"},
            "auc": {"metadataType": "MetadataDoubleValue", "double_value": 0.91},
            "audited": {"metadataType": "MetadataBoolValue", "bool_value": True},
            "limits": {"metadataType": "MetadataStructValue", "struct_value": "eyJldSI6Mn0="},
            "kfspec.fields": text(
                '["customProperties.auc","customProperties.audited","customProperties.limits",'
                '"customProperties.team","customProperties.tier","description","owner"]'
            ),
            "kfspec.specDigest": text("d1"),
            "kfspec.commit": text("c0ffee0"),
        },
    }
    assert state(server)["kfspec/fraud/prod/models.fraud/3/model"]["uri"] == "s3://acme/fraud/3"
    server.forget()
    assert (told(synced(registry(FRAUD), server.endpoint)), server.said()) == ([], [])


def test_a_dry_run_tells_the_same_and_does_nothing(server: RegistryServer) -> None:
    report = synced(registry(FRAUD), server.endpoint, dry_run=True)
    assert server.said() == []
    assert told(report) == told(synced(registry(FRAUD), server.endpoint))


@pytest.mark.parametrize(
    ("change", "sent"),
    [
        ({"description": "Scores all."}, {"description": "Scores all."}),
        ({"owner": "bo@example.com"}, {"owner": "bo@example.com"}),
        ({"state": "ARCHIVED"}, {"state": "ARCHIVED"}),
    ],
)
def test_an_edit_sends_what_differs(server: RegistryServer, change: dict[str, Any], sent: dict[str, Any]) -> None:
    synced(registry(FRAUD), server.endpoint)
    server.forget()
    synced(registry(edited(FRAUD, **change)), server.endpoint)
    (only,) = server.mutations
    assert (only.method, only.path, only.body) == ("PATCH", f"{API}/registered_models/1", sent)


def test_edits_below_a_model(server: RegistryServer) -> None:
    synced(registry(FRAUD), server.endpoint)
    server.forget()
    artifact = {**FRAUD["versions"][0]["artifacts"][0], "uri": "s3://acme/fraud/3b"}
    new = {"name": "4", "artifacts": [{"name": "model", "uri": "s3://acme/fraud/4"}]}
    versions = [version("3", artifacts=[artifact]), version("2", description="Old."), new]
    synced(registry(edited(FRAUD, versions=versions)), server.endpoint)
    asked = [(one.method, one.path.removeprefix(API), one.body) for one in server.mutations]
    assert asked[0] == ("PATCH", "/model_artifacts/3", {"artifactType": "model-artifact", "uri": "s3://acme/fraud/3b"})
    fields = {
        "kfspec.fields": text('["description"]'),
        "kfspec.specDigest": text("d1"),
        "kfspec.commit": text("c0ffee0"),
    }
    assert asked[1] == ("PATCH", "/model_versions/4", {"description": "Old.", "customProperties": fields})
    assert [line[:2] for line in asked[2:]] == [("POST", "/model_versions"), ("POST", "/model_versions/6/artifacts")]


def test_another_commit_is_no_change_and_rides_along_with_one(server: RegistryServer) -> None:
    synced(registry(FRAUD), server.endpoint)
    server.forget()
    later = edited(FRAUD, provenance={"specDigest": "d2", "commit": "c0ffee1"})
    synced(registry(later), server.endpoint)
    assert server.said() == []
    synced(registry(edited(later, owner="bo@example.com")), server.endpoint)
    properties = state(server)["kfspec/fraud/prod/models.fraud"]["customProperties"]
    assert properties["kfspec.commit"] == text("c0ffee1")
    assert len(server.mutations) == 1


def test_what_people_add_to_ours_stays_and_what_left_the_spec_goes(server: RegistryServer) -> None:
    synced(registry(FRAUD), server.endpoint)
    server.models["1"]["customProperties"]["reviewed"] = text("")
    by_hand = {} if server.version == "0.2.15" else {"readme": "By hand."}
    server.models["1"].update(by_hand)
    synced(registry(edited(FRAUD, customProperties={"tier": 2}, owner=None)), server.endpoint)
    model = state(server)["kfspec/fraud/prod/models.fraud"]
    assert {name: model[name] for name in (*by_hand, "owner")} == {**by_hand, "owner": ""}
    assert sorted(model["customProperties"]) == [
        "kfspec.commit",
        "kfspec.fields",
        "kfspec.specDigest",
        "reviewed",
        "tier",
    ]
    server.forget()
    assert told(synced(registry(edited(FRAUD, customProperties={"tier": 2}, owner=None)), server.endpoint)) == []


def test_what_left_the_spec_is_archived_and_comes_back(server: RegistryServer) -> None:
    synced(registry(FRAUD), server.endpoint)
    whole = state(server)
    less = edited(FRAUD, versions=[version("3", artifacts=[])])
    assert told(synced(registry(less), server.endpoint)) == [
        "archive artifact model: left the spec; the registry deletes nothing, its state becomes MARKED_FOR_DELETION",
        "archive model version 2: left the spec; the registry deletes nothing, its state becomes ARCHIVED",
    ]
    assert states(server) == {
        "fraud": "LIVE",
        "fraud/3": "LIVE",
        "fraud/3/model": "MARKED_FOR_DELETION",
        "fraud/2": "ARCHIVED",
        "fraud/2/model": "LIVE",
    }
    assert [step.kind for step in synced(registry(), server.endpoint).steps] == ["registered model"]
    server.forget()
    assert (told(synced(registry(), server.endpoint)), server.said()) == ([], [])
    assert told(synced(registry(FRAUD), server.endpoint)) == [
        "restore registered model fraud: is back in the spec",
        "restore artifact model: is back in the spec",
        "restore model version 2: is back in the spec",
    ]
    assert state(server) == whole


def test_what_comes_back_bears_the_commit_that_brought_it_and_keeps_its_words(server: RegistryServer) -> None:
    synced(registry(FRAUD), server.endpoint)
    synced(registry(), server.endpoint)
    server.models["1"]["customProperties"]["reviewed"] = text("by bo")
    before = state(server)["kfspec/fraud/prod/models.fraud"]["customProperties"]
    later = at_commit(registry(FRAUD), "c0ffee1")
    assert told(synced(later, server.endpoint)) == ["restore registered model fraud: is back in the spec"]
    after = state(server)["kfspec/fraud/prod/models.fraud"]["customProperties"]
    assert after == {**before, "kfspec.commit": text("c0ffee1")}
    server.forget()
    synced(at_commit(registry(FRAUD), "c0ffee2"), server.endpoint)
    assert server.said() == []


def test_what_people_made_is_never_touched(server: RegistryServer) -> None:
    synced(registry(FRAUD, scope=REGISTRY.model_copy(update={"environment": "dev"})), server.endpoint)
    before = copy.deepcopy((server.models, server.versions, server.artifacts))
    server.forget()
    report = synced(registry(FRAUD), server.endpoint)
    assert told(report) == [
        "KF621: models.fraud: registered model 'fraud' is there already, and was made by kfspec/fraud/dev/models.fraud; it is not touched"
    ]
    del server.models["1"]["externalId"]
    before[0]["1"].pop("externalId")
    assert told(synced(registry(FRAUD), server.endpoint)) == [
        "KF621: models.fraud: registered model 'fraud' is there already, and was made by nobody knows whom; it is not touched"
    ]
    assert told(synced(registry(), server.endpoint)) == []
    assert (server.said(), (server.models, server.versions, server.artifacts)) == ([], before)


def test_a_version_and_an_artifact_by_hand_in_a_model_of_ours(server: RegistryServer) -> None:
    synced(registry(edited(FRAUD, versions=[version("3", artifacts=[])])), server.endpoint)
    server._ids = iter(range(50, 60))
    by_hand = {"name": "2", "registeredModelId": "1", "id": "40", "state": "LIVE"}
    server.versions["40"] = by_hand
    server.artifacts["41"] = {
        "artifactType": "model-artifact",
        "name": "model",
        "id": "41",
        "uri": "s3://theirs",
        "state": "LIVE",
    }
    server.parents["41"] = "2"
    report = synced(registry(FRAUD), server.endpoint)
    assert told(report) == [
        "KF621: models.fraud: artifact 'model' is there already, and was made by nobody knows whom; it is not touched",
        "KF621: models.fraud: model version '2' is there already, and was made by nobody knows whom; it is not touched",
    ]
    synced(registry(), server.endpoint)
    assert (server.versions["40"]["state"], server.artifacts["41"]["state"]) == ("LIVE", "LIVE")


def test_a_name_cannot_be_changed(server: RegistryServer) -> None:
    synced(registry(FRAUD), server.endpoint)
    server.forget()
    assert told(synced(registry(edited(FRAUD, name="fraud2")), server.endpoint)) == [
        "KF626: models.fraud: registered model 'fraud2' is registered as 'fraud', and names cannot be changed; give the item another name too"
    ]
    assert server.said() == []


def test_a_crash_after_any_request_is_healed(server: RegistryServer) -> None:
    first = registry(FRAUD)
    second = registry(
        edited(FRAUD, owner="bo@example.com", versions=[version("3", author="cy@example.com"), {"name": "4"}])
    )

    def clear() -> None:
        for table in (server.models, server.versions, server.artifacts, server.parents):
            table.clear()

    wanted = []
    for desired in (first, second):
        synced(desired, server.endpoint)
        wanted.append(state(server))
    number, crashed = 0, True
    while crashed:
        number, crashed = number + 1, False
        clear()
        for desired, whole in zip((first, second), wanted, strict=True):
            server.crash_after(number)
            crashed |= synced(desired, server.endpoint, seconds=0).failed
            server.crash_after(None)
            assert not synced(desired, server.endpoint).failed
            assert state(server) == whole, number
            server.forget()
            synced(desired, server.endpoint)
            assert server.said() == [], number
    assert number > 8


@pytest.mark.parametrize("seed", range(4))
def test_with_every_fifth_request_failing_it_converges(server: RegistryServer, seed: int) -> None:
    synced(registry(FRAUD), server.endpoint)
    wanted = state(server)
    server.faults = seeded(seed, 0.2)
    synced(registry(), server.endpoint)
    assert states(server)["fraud"] == "ARCHIVED"
    assert synced(registry(FRAUD), server.endpoint).failed is False
    assert state(server) == wanted


def test_all_pages_are_read(server: RegistryServer) -> None:
    server.largest_page = 2
    models = [
        {"item": f"models.m{n}", "name": f"m{n}", "versions": [{"name": str(v)} for v in range(5)]} for n in range(5)
    ]
    synced(registry(*models), server.endpoint)
    assert (len(server.models), len(server.versions)) == (5, 25)
    server.forget()
    assert told(synced(registry(*models), server.endpoint)) == []
    tokens = [one.query.get("nextPageToken") for one in server.asked if one.path == f"{API}/registered_models"]
    assert tokens == [None, "page-2", "page-4"]


def test_a_rotated_token_is_read_again(server: RegistryServer, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old\n")
    server.tokens = {"old"}

    def rotate(number: int, method: str) -> None:
        if number == 3:
            server.tokens = {"new"}
            token.write_text("new\n")

    server.watch = rotate
    assert synced(registry(FRAUD), server.endpoint, token_file=token).failed is False
    assert len(server.artifacts) == 2


def test_an_expired_token_is_told(server: RegistryServer, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    server.tokens = {"new"}
    assert told(synced(registry(FRAUD), server.endpoint, token_file=token)) == [
        "KF622: the service does not answer: Unauthenticated: the token is invalid or has expired (401)"
    ]


def test_an_answer_that_got_lost_makes_no_second_entry(server: RegistryServer) -> None:
    server.faults = lambda number, method: Broken(503, done=True) if method == "POST" else None
    report = synced(registry(FRAUD), server.endpoint)
    assert (report.failed, len(report.steps)) == (False, 5)
    assert (len(server.models), len(server.versions), len(server.artifacts)) == (1, 2, 2)
