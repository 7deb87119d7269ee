"""Model Registry's REST server, v1alpha3, as far as a reconciler meets it.

Beyond the documents, from upstream's source (0.2.15 to 0.3.8): nothing is ever deleted; names are unique within their parent
and cannot be changed; `externalId` is unique per type; what a PATCH leaves out stays, an empty string is set, and a map of
`customProperties` replaces the whole map.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from tests.contract.openapi import contract
from tests.contract.serving import Call, ContractServer, Refusal, page

VERSIONS = ("0.2.15", "0.2.19", "0.3.4", "0.3.8")
_BASE = "/api/model_registry/v1alpha3/"
_DEFAULT_PAGE = 100

Stored = dict[str, Any]


class RegistryServer(ContractServer):
    """One registry with its database."""

    def __init__(self, shared: Path, version: str, largest_page: int = 1000) -> None:
        super().__init__(contract(shared / "rest" / f"model-registry-{version}.openapi.yaml"))
        self.version = version
        self.largest_page = largest_page
        self.models: dict[str, Stored] = {}
        self.versions: dict[str, Stored] = {}
        self.artifacts: dict[str, Stored] = {}
        self.parents: dict[str, str] = {}
        """Artifact -> its version."""
        self._ids = itertools.count(1)

    def refusal(self, status: int, message: str, path: str) -> Any:
        """The document's Error."""
        return {"code": str(status), "message": message}

    def handle(self, call: Call) -> tuple[int, Any]:
        """By what the path names."""
        match call.operation.method, call.operation.path.removeprefix(_BASE):
            case "GET", "registered_model":
                return 200, self._found(self.models, call, None)
            case "GET", "registered_models":
                return 200, self._list(call, list(self.models.values()))
            case "POST", "registered_models":
                return 201, self._create(call, self.models, call.body, None)
            case "GET", "registered_models/{registeredmodelId}":
                return 200, self._one(self.models, call)
            case "PATCH", "registered_models/{registeredmodelId}":
                return 200, self._patch(call, self.models)
            case "GET", "registered_models/{registeredmodelId}/versions":
                owner = self._one(self.models, call)["id"]
                own = [v for v in self.versions.values() if v["registeredModelId"] == owner]
                return 200, self._list(call, own)
            case "POST", "model_versions":
                self._lookup(self.models, call.body["registeredModelId"])
                return 201, self._create(call, self.versions, call.body, "registeredModelId")
            case "GET", "model_version":
                return 200, self._found(self.versions, call, "registeredModelId")
            case "PATCH", "model_versions/{modelversionId}":
                return 200, self._patch(call, self.versions)
            case "GET", "model_versions/{modelversionId}/artifacts":
                owner = self._one(self.versions, call)["id"]
                return 200, self._list(call, [a for a in self.artifacts.values() if self.parents[a["id"]] == owner])
            case "POST", "model_versions/{modelversionId}/artifacts":
                return self._add_artifact(call)
            case "PATCH", "model_artifacts/{modelartifactId}":
                return 200, self._patch(call, self.artifacts)
        raise Refusal(500, f"{call.operation.name} is not played")

    def _add_artifact(self, call: Call) -> tuple[int, Any]:
        owner = self._one(self.versions, call)["id"]
        siblings = {key: a for key, a in self.artifacts.items() if self.parents[key] == owner}
        self._free(call, siblings, "name", call.body.get("name"))
        made = self._create(call, self.artifacts, {"state": "UNKNOWN", **call.body}, "", named=False)
        self.parents[made["id"]] = owner
        return (201 if "201" in call.operation.responses else 200), made

    def _create(
        self, call: Call, table: dict[str, Stored], body: Stored, parent: str | None, named: bool = True
    ) -> Stored:
        if "id" in body:
            raise Refusal(400, "an id is the server's to give")
        scope = {k: v for k, v in table.items() if not parent or v[parent] == body[parent]}
        if named:
            self._free(call, scope, "name", body.get("name"))
        self._free(call, table, "externalId", body.get("externalId"))
        number = next(self._ids)
        times = {name: str(1_767_225_600_000 + number) for name in ("createTimeSinceEpoch", "lastUpdateTimeSinceEpoch")}
        made = {"id": str(number), **times, **({"state": "LIVE"} if named else {}), **body}
        table[made["id"]] = made
        return made

    def _free(self, call: Call, table: dict[str, Stored], field: str, value: Any) -> None:
        if value is not None and any(one.get(field) == value for one in table.values()):
            status = 409 if "409" in call.operation.responses else 400
            raise Refusal(status, f"{field} {value} already exists")

    def _patch(self, call: Call, table: dict[str, Stored]) -> Stored:
        one = self._one(table, call)
        if "externalId" in call.body:
            others = {key: other for key, other in table.items() if key != one["id"]}
            self._free(call, others, "externalId", call.body["externalId"])
        one.update(call.body)
        return one

    def _one(self, table: dict[str, Stored], call: Call) -> Stored:
        return self._lookup(table, next(iter(call.params.values())))

    def _lookup(self, table: dict[str, Stored], key: str) -> Stored:
        if key not in table:
            raise Refusal(404, f"no {key} found")
        return table[key]

    def _found(self, table: dict[str, Stored], call: Call, parent: str | None) -> Stored:
        name, external = call.query.get("name"), call.query.get("externalId")
        for one in table.values():
            of_parent = parent is None or one[parent] == call.query.get("parentResourceId")
            if external is not None and one.get("externalId") == external:
                return one
            if external is None and one["name"] == name and of_parent:
                return one
        raise Refusal(404, f"nothing found for {call.query}")

    def _list(self, call: Call, items: list[Stored]) -> Any:
        for field in ("name", "externalId"):
            if field in call.query:
                items = [one for one in items if one.get(field) == call.query[field]]
        size = min(int(call.query.get("pageSize") or _DEFAULT_PAGE), self.largest_page)
        chosen, token = page(items, call.query.get("nextPageToken", ""), size)
        return {"items": chosen, "nextPageToken": token, "pageSize": size, "size": len(chosen)}
