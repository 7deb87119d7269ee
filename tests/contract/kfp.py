"""Kubeflow Pipelines' API server, v2beta1, multi-user, database mode, as far as a reconciler meets it.

Beyond the documents, from upstream's source (2.4.1 to 2.16.0): names are unique per namespace and recurring runs' are not;
there is no update; namespaces of runs come from the experiment; a pipeline with versions is deleted only with `cascade` from
2.15 on, and takes them along before; `name` beside `display_name` from 2.14 on; descriptions of runs and of recurring runs
are columns of 255 characters; an upload that may not be answers 400; cron has seconds first, and five fields are shifted.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tests.contract.openapi import contract
from tests.contract.robfig import fields
from tests.contract.serving import Call, ContractServer, Refusal, page

VERSIONS = ("2.4.1", "2.5.0", "2.15.0", "2.16.0")
_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 429: 8, 500: 13, 503: 14}
_COLUMN = 255
_OPERATIONS = {1: "EQUALS", 2: "NOT_EQUALS", 8: "IN", 9: "IS_SUBSTRING"}
_DEFAULT_PAGE, _LARGEST_PAGE = 20, 200

Stored = dict[str, Any]


class KfpServer(ContractServer):
    """One API server with its database."""

    def __init__(self, shared: Path, version: str, largest_page: int = _LARGEST_PAGE, *, objects: bool = False) -> None:
        super().__init__(contract(shared / "rest" / f"kfp-{version}.swagger.json"))
        self.version = version
        self.names = self.contract.has("v2beta1Pipeline", "name")
        self.largest_page = largest_page
        self.objects = objects
        """Whether pipelines are objects of Kubernetes (`--pipelinesStoreKubernetes`): they come by `applied`."""
        self.rights: dict[str, set[str]] = {}
        """Token -> the namespaces that its owner may use; all where a token is not listed."""
        self.experiments: dict[str, Stored] = {}
        self.pipelines: dict[str, Stored] = {}
        self.versions: dict[str, Stored] = {}
        self.recurring_runs: dict[str, Stored] = {}
        self.runs: dict[str, Stored] = {}
        self.enabled_at_once = 0
        """The most recurring runs of one name that were ever enabled together."""
        self.crons: set[str] = set()
        """Every schedule that was ever sent."""
        self._ids = itertools.count(1)

    def undocumented(self, path: str, status: int) -> bool:
        """Uploads pass the gateway by, and write errors of their own (pipeline_upload_server.go, `writeErrorToResponse`)."""
        return "/upload" in path and status >= 400

    def refusal(self, status: int, message: str, path: str) -> Any:
        """gRPC's status as the gateway writes it; `error` beside `message` up to 2.5."""
        if self.undocumented(path, status):
            return {"error_message": message, "error_details": message}
        body = {"code": _CODES.get(status, 2), "message": message, "details": []}
        return {"error": message, **body} if self.contract.has("runtimeError") else body

    def let_in(self, path: str, headers: dict[str, str]) -> None:
        """An upload answers 400 to who shows no good token."""
        try:
            super().let_in(path, headers)
        except Refusal as no:
            if "/upload" in path:
                raise Refusal(400, f"Authorization Failure: {no.message}") from no
            raise

    def applied(self, namespace: str, pipeline: str, version: str, package: str) -> None:
        """Somebody applies a Pipeline and a PipelineVersion; without a display name, the name is shown."""
        found = [p for p in self.pipelines.values() if (p["namespace"], p["name"]) == (namespace, pipeline)]
        shown: Stored = {"name": pipeline, "display_name": pipeline, "namespace": namespace, "description": ""}
        owner = found[0] if found else self._store(self.pipelines, "pipeline_id", shown)
        named = {"pipeline_id": owner["pipeline_id"], "name": version, "display_name": version}
        self._store(self.versions, "pipeline_version_id", {**named, "pipeline_spec": yaml.safe_load(package)})

    def schedule(self, recurring_run: Stored) -> dict[str, str]:
        """When it would really start."""
        return fields(recurring_run["trigger"]["cron_schedule"]["cron"]) or {}

    def handle(self, call: Call) -> tuple[int, Any]:
        """By the path's first word."""
        words = call.operation.path.removeprefix("/apis/v2beta1/").partition("/")
        handler = getattr(self, "_" + words[0])
        answer = handler(call, call.operation.method, words[2])
        names = [one["display_name"] for one in self.recurring_runs.values() if one["mode"] == "ENABLE"]
        self.enabled_at_once = max([self.enabled_at_once, *(names.count(name) for name in names)])
        return 200, answer

    # What each resource answers.

    def _healthz(self, call: Call, method: str, rest: str) -> Any:
        return {
            "multi_user": True,
            **({"pipeline_store": "kubernetes" if self.objects else "database"} if self.names else {}),
        }

    def _experiments(self, call: Call, method: str, rest: str) -> Any:
        if not rest and method == "GET":
            return self._list(call, "experiments", self.experiments.values(), self._namespace(call))
        if not rest:
            body, namespace = call.body, self._namespace(call, call.body)
            self._unique(self.experiments.values(), "display_name", body.get("display_name"), namespace=namespace)
            return self._store(self.experiments, "experiment_id", {**body, "storage_state": "AVAILABLE"})
        one = self._one(self.experiments, call.params["experiment_id"])
        self._allowed(call, one["namespace"])
        if method == "GET":
            return one
        if rest.endswith("archive"):
            one["storage_state"] = "AVAILABLE" if rest.endswith(":unarchive") else "ARCHIVED"
        else:
            del self.experiments[one["experiment_id"]]
        return {}

    def _pipelines(self, call: Call, method: str, rest: str) -> Any:
        if "versions" in rest or rest == "upload_version":
            return self._pipeline_versions(call, method, rest)
        if not rest and method == "GET":
            return self._list(call, "pipelines", self.pipelines.values(), self._namespace(call))
        if rest.startswith("names/"):
            field, namespace = "name" if self.names else "display_name", call.query.get("namespace", "")
            found = [p for p in self.pipelines.values() if p[field] == call.params["name"]]
            self._allowed(call, namespace)
            return self._first([p for p in found if p["namespace"] == namespace], call.params["name"])
        if not rest:
            return self._create_pipeline(call, call.body)
        if rest == "upload":
            made = self._create_pipeline(call, call.query)
            self._add_version(made, {"name": call.query.get("name")}, call.parts["uploadfile"].decode())
            return made
        if rest == "create":
            raise Refusal(400, "kfspec has no package by URL")
        return self._pipeline(call, method)

    def _pipeline(self, call: Call, method: str) -> Any:
        one = self._one(self.pipelines, call.params["pipeline_id"])
        self._allowed(call, one["namespace"])
        if method == "GET":
            return one
        versions = [key for key, v in self.versions.items() if v["pipeline_id"] == one["pipeline_id"]]
        if versions and self.contract.has("v2beta1Pipeline", "name") and call.query.get("cascade") != "true":
            raise Refusal(400, f"pipeline {one['pipeline_id']} has existing pipeline versions")
        for key in versions:
            del self.versions[key]
        del self.pipelines[one["pipeline_id"]]
        return {}

    def _create_pipeline(self, call: Call, body: dict[str, Any]) -> Stored:
        namespace = self._namespace(call, body)
        self._unique(self.pipelines.values(), "display_name", body.get("display_name") or body.get("name"), namespace)
        fields = {name: body[name] for name in ("description", "namespace") if name in body}
        return self._store(self.pipelines, "pipeline_id", {**self._named(body), **fields})

    def _pipeline_versions(self, call: Call, method: str, rest: str) -> Any:
        if rest == "upload_version":
            owner = self._one(self.pipelines, call.query.get("pipelineid", ""))
            try:
                self._allowed(call, owner["namespace"])
            except Refusal as no:
                raise Refusal(400, f"Failed to create a pipeline version: Authorization Failure: {no.message}") from no
            return self._add_version(owner, call.query, call.parts["uploadfile"].decode())
        owner = self._one(self.pipelines, call.params["pipeline_id"])
        self._allowed(call, owner["namespace"])
        own = {k: v for k, v in self.versions.items() if v["pipeline_id"] == owner["pipeline_id"]}
        if "pipeline_version_id" not in call.params:
            if method == "POST":
                raise Refusal(400, "kfspec has no package by URL")
            if self.objects and "EQUALS" in call.query.get("filter", ""):
                raise Refusal(400, "the filter 'eq' is not supported in the Kubernetes store")
            return self._list(call, "pipeline_versions", own.values(), None)
        one = self._one(own, call.params["pipeline_version_id"])
        if method == "DELETE":
            del self.versions[one["pipeline_version_id"]]
            return {}
        return one

    def _add_version(self, owner: Stored, asked: dict[str, Any], package: str) -> Stored:
        spec = next(iter(yaml.safe_load_all(package)), None)
        if not isinstance(spec, dict) or "root" not in spec or spec.get("schemaVersion") != "2.1.0":
            raise Refusal(400, "no pipeline spec is provided")
        siblings = [v for v in self.versions.values() if v["pipeline_id"] == owner["pipeline_id"]]
        self._unique(siblings, "display_name", asked.get("display_name") or asked.get("name"))
        fields = {"pipeline_id": owner["pipeline_id"], "description": asked.get("description", "")}
        body = {**self._named(asked), **fields, "pipeline_spec": spec}
        return self._store(self.versions, "pipeline_version_id", body)

    def _recurringruns(self, call: Call, method: str, rest: str) -> Any:
        if not rest and method == "GET":
            return self._list(call, "recurringRuns", self.recurring_runs.values(), self._namespace(call))
        if not rest:
            body = self._run_body(call)
            self._checked_trigger(body)
            mode = body.get("mode", "MODE_UNSPECIFIED")
            if mode not in ("ENABLE", "DISABLE"):
                raise Refusal(400, f"recurring run mode {mode} is invalid")
            if not 1 <= int(body.get("max_concurrency", 0)) <= 10:
                raise Refusal(400, "max concurrency of the recurring run must be in the range [1, 10]")
            status = "ENABLED" if mode == "ENABLE" else "DISABLED"
            return self._store(self.recurring_runs, "recurring_run_id", {**body, "status": status})
        one = self._one(self.recurring_runs, call.params["recurring_run_id"])
        self._allowed(call, one["namespace"])
        if method == "GET":
            return one
        if method == "DELETE":
            del self.recurring_runs[one["recurring_run_id"]]
            return {}
        enable = rest.endswith(":enable")
        one.update(mode="ENABLE" if enable else "DISABLE", status="ENABLED" if enable else "DISABLED")
        return {}

    def _runs(self, call: Call, method: str, rest: str) -> Any:
        if not rest and method == "GET":
            return self._list(call, "runs", self.runs.values(), self._namespace(call))
        if not rest:
            body = self._run_body(call)
            del body["namespace"]
            body["pipeline_version_reference"] = dict(body["pipeline_version_reference"])
            return self._store(self.runs, "run_id", {**body, "state": "PENDING", "storage_state": "AVAILABLE"})
        one = self._one(self.runs, call.params["run_id"])
        if method == "GET":
            return one
        raise Refusal(400, "kfspec never changes a run")

    # What they share.

    def _run_body(self, call: Call) -> Stored:
        body = dict(call.body)
        experiment = self._one(self.experiments, body.get("experiment_id", ""))
        self._allowed(call, experiment["namespace"])
        if experiment["storage_state"] == "ARCHIVED":
            raise Refusal(400, f"experiment {body['experiment_id']} is archived")
        if not body.get("display_name"):
            raise Refusal(400, "the display name must not be empty")
        if len(body.get("description", "")) > _COLUMN or len(body["display_name"]) > _COLUMN:
            raise Refusal(500, "Error 1406: Data too long for column 'Description' at row 1")
        reference = body.get("pipeline_version_reference", {})
        version = self._one(self.versions, reference.get("pipeline_version_id", ""))
        if version["pipeline_id"] != reference.get("pipeline_id"):
            raise Refusal(400, f"the version is not one of pipeline {reference.get('pipeline_id')}")
        self._checked_parameters(version["pipeline_spec"], body.get("runtime_config", {}).get("parameters", {}))
        defaults = {"service_account": "default-editor", "namespace": experiment["namespace"]}
        return {**defaults, **body}

    def _checked_parameters(self, spec: Stored, given: dict[str, Any]) -> None:
        declared = spec.get("root", {}).get("inputDefinitions", {}).get("parameters", {})
        for name in given:
            if name not in declared:
                raise Refusal(400, f"input parameter '{name}' is not declared")
        for name, entry in declared.items():
            if name not in given and "defaultValue" not in entry and not entry.get("isOptional"):
                raise Refusal(400, f"required input parameter '{name}' is missing")

    def _checked_trigger(self, body: Stored) -> None:
        trigger = body.get("trigger", {})
        if ("cron_schedule" in trigger) == ("periodic_schedule" in trigger):
            raise Refusal(400, "the trigger is a cron schedule or a periodic schedule")
        if "cron_schedule" not in trigger:
            return
        self.crons.add(trigger["cron_schedule"].get("cron", ""))
        if fields(trigger["cron_schedule"].get("cron", "")) is None:
            raise Refusal(400, f"cron {trigger['cron_schedule']} cannot be parsed")

    def _named(self, body: dict[str, Any]) -> Stored:
        name = body.get("name") or body.get("display_name")
        display = body.get("display_name") or body.get("name")
        return {"name": name, "display_name": display} if self.names else {"display_name": display}

    def _unique(self, others: Iterable[Stored], field: str, value: Any, namespace: str | None = None) -> None:
        if not value:
            raise Refusal(400, "the name must not be empty")
        for other in others:
            if other[field] == value and (namespace is None or other.get("namespace") == namespace):
                raise Refusal(409, f"Already exist error: the name {value} already exists. Please specify a new name")

    def _store(self, table: dict[str, Stored], key: str, body: Stored) -> Stored:
        number = next(self._ids)
        seconds = f"{number // 60 % 60:02}:{number % 60:02}"
        made = {key: f"00000000-0000-4000-8000-{number:012}", "created_at": f"2026-01-01T00:{seconds}Z", **body}
        table[made[key]] = made
        return made

    def _one(self, table: dict[str, Stored], key: str) -> Stored:
        if key not in table:
            raise Refusal(404, f"ResourceNotFoundError: {key} not found")
        return table[key]

    def _first(self, found: list[Stored], name: str) -> Stored:
        if not found:
            raise Refusal(404, f"ResourceNotFoundError: {name} not found")
        return found[0]

    def _namespace(self, call: Call, body: dict[str, Any] | None = None) -> str:
        namespace = (call.query if body is None else body).get("namespace", "")
        if not namespace:
            raise Refusal(400, "In multi-user mode, a namespace must be given")
        self._allowed(call, namespace)
        return str(namespace)

    def _allowed(self, call: Call, namespace: str) -> None:
        token = call.headers.get("authorization", "").removeprefix("Bearer ")
        if token in self.rights and namespace not in self.rights[token]:
            raise Refusal(403, f"User is not authorized in namespace {namespace}")

    def _list(self, call: Call, key: str, items: Iterable[Stored], namespace: str | None) -> Any:
        found = [one for one in items if namespace is None or self._space(one) == namespace]
        found = [one for one in found if _matches(one, call.query.get("filter"))]
        size = min(int(call.query.get("page_size") or _DEFAULT_PAGE), self.largest_page)
        chosen, token = page(found, call.query.get("page_token", ""), size)
        # An empty field is left out: protobuf's JSON.
        answer = {key: chosen} if chosen else {}
        return {**answer, "total_size": len(found), **({"next_page_token": token} if token else {})}

    def _space(self, one: Stored) -> str:
        if "namespace" in one:
            return str(one["namespace"])
        return str(self.experiments[one["experiment_id"]]["namespace"])


def _matches(one: Stored, text: str | None) -> bool:
    if not text:
        return True
    for predicate in json.loads(text)["predicates"]:
        operation = _OPERATIONS.get(predicate["operation"], predicate["operation"])
        if predicate["key"] not in one:
            raise Refusal(400, f"cannot filter by '{predicate['key']}'")
        value, wanted = one[predicate["key"]], predicate.get("string_value", predicate.get("stringValue"))
        if (operation == "EQUALS" and value != wanted) or (operation == "IS_SUBSTRING" and wanted not in value):
            return False
        if operation not in ("EQUALS", "IS_SUBSTRING"):
            raise Refusal(400, f"operation {operation} is not played")
    return True
