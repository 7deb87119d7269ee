"""The contract servers themselves: what is not in a document is caught, and they behave as upstream's source says."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.contract import kfp, registry
from tests.contract.robfig import fields
from tests.contract.serving import ContractServer, Cut, seeded

KFP, MR = "/apis/v2beta1", "/api/model_registry/v1alpha3"
PIPELINE = {"display_name": "train", "namespace": "fraud"}


def ask(server: ContractServer, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """One request, by hand."""
    connection = http.client.HTTPConnection(urlsplit(server.endpoint).netloc, timeout=10)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("method", "path", "body", "problem"),
    [
        ("GET", f"{KFP}/pipelnes", None, "GET /apis/v2beta1/pipelnes: not in the document"),
        ("PATCH", f"{KFP}/pipelines/1", {}, "PATCH /apis/v2beta1/pipelines/1: not in the document"),
        (
            "GET",
            f"{KFP}/pipelines?namespace=fraud&page=2",
            None,
            "GET /apis/v2beta1/pipelines: no query parameter 'page'",
        ),
        (
            "GET",
            f"{KFP}/pipelines?namespace=fraud&page_size=many",
            None,
            "GET /apis/v2beta1/pipelines: query parameter 'page_size' is no integer: many",
        ),
        (
            "POST",
            f"{KFP}/pipelines",
            {**PIPELINE, "labels": {}},
            "POST /apis/v2beta1/pipelines: body: Additional properties are not allowed ('labels' was unexpected)",
        ),
        (
            "POST",
            f"{KFP}/experiments",
            {"display_name": 5},
            'POST /apis/v2beta1/experiments: body.display_name: 5 is not of type "string"',
        ),
        (
            "POST",
            f"{KFP}/recurringruns",
            {"max_concurrency": "many"},
            r'POST /apis/v2beta1/recurringruns: body.max_concurrency: "many" does not match "^-?\d+$"',
        ),
        (
            "POST",
            f"{KFP}/recurringruns",
            {"namespace": "fraud"},
            'POST /apis/v2beta1/recurringruns: body.namespace: False schema does not allow "fraud"',
        ),
        ("POST", f"{KFP}/pipelines", None, 'POST /apis/v2beta1/pipelines: body: null is not of type "object"'),
    ],
)
def test_kfp_catches(shared: Path, method: str, path: str, body: Any, problem: str) -> None:
    server = kfp.KfpServer(shared, "2.15.0")
    with server.running():
        status, _ = ask(server, method, path, body)
    assert (status in (400, 404), server.problems) == (True, [problem])


def test_kfp_before_2_14_knows_no_names(shared: Path) -> None:
    server = kfp.KfpServer(shared, "2.5.0")
    with server.running():
        ask(server, "POST", f"{KFP}/pipelines", {**PIPELINE, "name": "train"})
    assert server.problems == [
        "POST /apis/v2beta1/pipelines: body: Additional properties are not allowed ('name' was unexpected)"
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "problem"),
    [
        ("DELETE", f"{MR}/registered_models/1", None, f"DELETE {MR}/registered_models/1: not in the document"),
        (
            "GET",
            "/api/model_registry/v1/registered_models",
            None,
            "GET /api/model_registry/v1/registered_models: not in the document",
        ),
        (
            "POST",
            f"{MR}/registered_models",
            {"description": "a"},
            f'POST {MR}/registered_models: body: "name" is a required property',
        ),
        (
            "PATCH",
            f"{MR}/registered_models/1",
            {"name": "b"},
            f"PATCH {MR}/registered_models/{{registeredmodelId}}: body: "
            "Additional properties are not allowed ('name' was unexpected)",
        ),
    ],
)
@pytest.mark.parametrize("version", registry.VERSIONS)
def test_the_registry_catches(shared: Path, version: str, method: str, path: str, body: Any, problem: str) -> None:
    server = registry.RegistryServer(shared, version)
    with server.running():
        status, _ = ask(server, method, path, body)
    assert (status in (400, 404), server.problems) == (True, [problem])


def test_a_whole_number_of_the_registry_is_a_string(shared: Path) -> None:
    server = registry.RegistryServer(shared, "0.2.19")
    value = {"metadataType": "MetadataIntValue", "int_value": 1}
    with server.running():
        ask(server, "POST", f"{MR}/registered_models", {"name": "a", "customProperties": {"tier": value}})
        ask(
            server,
            "POST",
            f"{MR}/registered_models",
            {"name": "b", "customProperties": {"tier": {**value, "int_value": "1"}}},
        )
    assert [problem.partition(": ")[2][:29] for problem in server.problems] == ["body.customProperties.tier: {"]
    assert [one["name"] for one in server.models.values()] == ["b"]


def test_a_response_is_judged_too(shared: Path) -> None:
    server = kfp.KfpServer(shared, "2.16.0")
    server.pipelines["1"] = {"pipeline_id": "1", "namespace": "fraud", "created_at": "yesterday"}
    with server.running():
        ask(server, "GET", f"{KFP}/pipelines?namespace=fraud")
    assert [problem.partition(" does not match")[0] for problem in server.problems] == [
        'GET /apis/v2beta1/pipelines answers 200: body.pipelines.0.created_at: "yesterday"'
    ]


@pytest.mark.parametrize("version", kfp.VERSIONS)
def test_kfp_behaves(shared: Path, version: str) -> None:
    server = kfp.KfpServer(shared, version)
    with server.running():
        status, made = ask(server, "POST", f"{KFP}/pipelines", PIPELINE)
        assert status == 200
        status, answer = ask(server, "POST", f"{KFP}/pipelines", PIPELINE)
        assert (status, answer["code"]) == (409, 6)
        assert ("error" in answer) == (version in ("2.4.1", "2.5.0"))
        server._store(server.versions, "pipeline_version_id", {"pipeline_id": made["pipeline_id"], "display_name": "1"})
        path = f"{KFP}/pipelines/{made['pipeline_id']}"
        kept = version in ("2.15.0", "2.16.0")
        assert ask(server, "DELETE", path)[0] == (400 if kept else 200)
        assert ask(server, "DELETE", f"{path}?cascade=true" if kept else path)[0] == (200 if kept else 404)
        assert server.versions == {}
    assert server.problems == []


@pytest.mark.parametrize("version", registry.VERSIONS)
def test_the_registry_behaves(shared: Path, version: str) -> None:
    server = registry.RegistryServer(shared, version)
    with server.running():
        body = {"name": "a", "externalId": "x", "description": "old", "owner": "ana"}
        assert ask(server, "POST", f"{MR}/registered_models", body)[0] == 201
        assert ask(server, "POST", f"{MR}/registered_models", {"name": "a"})[0] == 409
        assert ask(server, "POST", f"{MR}/registered_models", {"name": "b", "externalId": "x"})[0] == 409
        assert ask(server, "GET", f"{MR}/registered_model?externalId=x")[1]["name"] == "a"
        assert ask(server, "GET", f"{MR}/registered_model?name=b")[0] == 404
        _, patched = ask(server, "PATCH", f"{MR}/registered_models/1", {"description": ""})
        assert (patched["description"], patched["owner"], patched["state"]) == ("", "ana", "LIVE")
    assert server.problems == []


def test_five_fields_start_at_other_times() -> None:
    assert fields("0 2 * * *") == {
        "second": "0",
        "minute": "2",
        "hour": "*",
        "day of month": "*",
        "month": "*",
        "day of week": "*",
    }
    assert fields("0 0 2 * * *") == {**(fields("0 2 * * *") or {}), "minute": "0", "hour": "2"}
    assert fields("0 2 * *") is None


def test_a_crash_and_cut_connections(shared: Path) -> None:
    server = kfp.KfpServer(shared, "2.16.0")
    server.faults = lambda number, method: Cut(done=method == "POST")
    with server.running():
        for method, path in (("POST", f"{KFP}/pipelines"), ("GET", f"{KFP}/healthz")):
            with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
                ask(server, method, path, PIPELINE if method == "POST" else None)
        assert [len(server.pipelines), server.said()] == [1, [f"POST {KFP}/pipelines"]]
    chosen = seeded(7, 0.2)
    failed = sum(chosen(number, "GET") is not None for number in range(1000))
    assert 150 < failed < 250
