"""Kubeflow Pipelines, through the `kfp` package's client.

What had to be done to use it (kfp 2.17 against servers 2.4.1 to 2.16.0):
- `kfp.Client`'s own methods print links, know no time limit, and cannot make a pipeline without a version, give a version
  without a file, or a schedule that is described and points to a version by id. So its generated API objects
  (`client.pipelines`, `client.recurring_runs`, ...) are called, which are part of it.
- The client uploads files only, so a version's package goes through a temporary file.
- `name` beside `display_name` is sent to servers that know it (2.14 on): the health endpoint of those tells `pipeline_store`.
- A token goes through `credentials=`, whose hook is called before every request: so the file is read anew each time.
- The client retries a broken connection itself (urllib3, three times), for what may be sent twice: GET and DELETE.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kfspec.sync import pipelines
from kfspec.sync.marker import described, marker, short
from kfspec.sync.payload import Desired, Pipeline, RecurringRun, Run, Start
from kfspec.sync.pipelines import (
    Actual,
    ActualExperiment,
    ActualPipeline,
    ActualRecurringRun,
    ActualRun,
    ActualVersion,
    content_of,
    mark,
    ours,
    started_with,
)
from kfspec.sync.service import TIMEOUT, Access, ServiceError, Trouble, trouble_of
from kfspec.sync.steps import Action, Step, Steps

DEFAULT_ENDPOINT = "http://ml-pipeline.kubeflow.svc:8888"
_PAGE = 100
_DENIED = re.compile(r"authenticat|authoriz", re.IGNORECASE)
"""What an upload says with 400 where others say 401 and 403 (backend/src/apiserver/server/pipeline_upload_server.go)."""
_NOBODY = "default"
"""The namespace that the client is made for. It is never used, since every call names its own; but for its default, `kubeflow`,
the client asks the server and writes a file into the home folder."""


class KfpService:
    """One namespace of one API server."""

    def __init__(self, access: Access, desired: Desired) -> None:
        """Makes no request."""
        self._namespace = desired.scope.namespace
        self._scope = desired.scope
        self._client = _client(access)
        self._names = False
        self._ids: dict[tuple[str, ...], str] = {}
        """What steps refer to by name: kind and names -> id."""

    def plan(self, desired: Desired) -> Steps:
        """Look, and plan."""
        actual = self._observe(desired)
        self._names = actual.names
        self._ids = {(pipelines.PIPELINE, one.name): one.id for one in actual.pipelines}
        for one in actual.pipelines:
            self._ids |= {(pipelines.VERSION, one.name, version.name): version.id for version in one.versions}
        self._ids |= {(pipelines.EXPERIMENT, experiment.name): experiment.id for experiment in actual.experiments}
        return pipelines.plan(desired, actual)

    def do(self, step: Step) -> None:
        """One step."""
        with _told():
            match step.action, step.kind:
                case Action.CREATE, pipelines.PIPELINE:
                    self._create_pipeline(step.value)
                case Action.CREATE, pipelines.VERSION:
                    self._upload(step.value)
                case Action.CREATE, pipelines.EXPERIMENT:
                    self._create_experiment(step.name, step.value)
                case Action.CREATE, pipelines.RECURRING:
                    self._create_recurring(step, *step.value)
                case Action.START, pipelines.RUN:
                    self._start(step, *step.value)
                case Action.DELETE, _:
                    self._delete(step)
                case _:
                    self._switch(step)

    def close(self) -> None:
        """Nothing to do: the client closes its connections itself."""

    # Looking.

    def _observe(self, desired: Desired) -> Actual:
        with _told():
            health = self._client.healthzs.healthz_service_get_healthz(_request_timeout=TIMEOUT_SECONDS)
            found = [_pipeline(one) for one in self._pages("pipelines", self._list_pipelines)]
            wanted = {pipeline.name: pipeline for pipeline in desired.pipelines}
            versions = {one.id: self._versions(one, wanted.get(one.name)) for one in found}
            return Actual(
                tuple(one._replace(versions=versions[one.id]) for one in found),
                tuple(self._experiments(desired)),
                tuple(_recurring(one) for one in self._pages("recurring_runs", self._list_recurring)),
                tuple(run for pipeline in desired.pipelines for one in pipeline.runs for run in self._named(one.name)),
                health.pipeline_store is not None,
            )

    def _versions(self, there: ActualPipeline, wanted: Pipeline | None) -> tuple[ActualVersion, ...]:
        """Of a desired pipeline the current one: each comes with its whole package. Of one that goes all of them, and of
        objects: there the server refuses to look for one (2.15.0, common/filter, FilterK8sPipelineVersions)."""
        objects = wanted is not None and wanted.package is None
        if not objects and not ours(there.description, self._scope):
            return ()
        only = None if wanted is None or objects else _equals(wanted.version)

        def ask(**page: Any) -> Any:
            return self._client.pipelines.pipeline_service_list_pipeline_versions(there.id, filter=only, **page)

        return tuple(
            ActualVersion(one.pipeline_version_id, one.name or one.display_name, one.description or "")
            for one in self._pages("pipeline_versions", ask)
        )

    def _experiments(self, desired: Desired) -> Iterator[ActualExperiment]:
        names = {
            started_with(pipeline, run)[0]
            for pipeline in desired.pipelines
            for run in (*pipeline.recurringRuns, *pipeline.runs)
        }
        for name in sorted(names):

            def ask(name: str = name, **page: Any) -> Any:
                return self._client.experiments.experiment_service_list_experiments(
                    namespace=self._namespace, filter=_equals(name), **page
                )

            for one in self._pages("experiments", ask):
                if one.display_name == name:
                    archived = one.storage_state == "ARCHIVED"
                    yield ActualExperiment(one.experiment_id, name, archived, one.description or "")

    def _named(self, name: str) -> list[ActualRun]:
        def ask(**page: Any) -> Any:
            return self._client.runs.run_service_list_runs(namespace=self._namespace, filter=_equals(name), **page)

        found = self._pages("runs", ask)
        return [ActualRun(one.run_id, one.display_name, one.description or "") for one in found]

    def _list_pipelines(self, **page: Any) -> Any:
        return self._client.pipelines.pipeline_service_list_pipelines(namespace=self._namespace, **page)

    def _list_recurring(self, **page: Any) -> Any:
        return self._client.recurring_runs.recurring_run_service_list_recurring_runs(namespace=self._namespace, **page)

    def _pages(self, field: str, ask: Callable[..., Any]) -> list[Any]:
        """All pages of a list. The server may give fewer than are asked for."""
        items: list[Any] = []
        token = ""
        while True:
            answer = ask(page_token=token, page_size=_PAGE, _request_timeout=TIMEOUT_SECONDS)
            items += getattr(answer, field) or ()
            token = answer.next_page_token or ""
            if not token:
                return items

    # Doing.

    def _create_pipeline(self, pipeline: Pipeline) -> None:
        own = {"name": pipeline.name} if self._names else {}
        body = self._client.api_models.V2beta1Pipeline(
            display_name=(pipeline.displayName or pipeline.name) if self._names else pipeline.name,
            description=described(pipeline.description, mark(self._scope, pipeline)),
            namespace=self._namespace,
            **own,
        )
        made = self._client.pipelines.pipeline_service_create_pipeline(body, _request_timeout=TIMEOUT_SECONDS)
        self._ids[pipelines.PIPELINE, pipeline.name] = made.pipeline_id

    def _upload(self, pipeline: Pipeline) -> None:
        with tempfile.TemporaryDirectory(prefix="kfspec-") as folder:
            path = Path(folder, "package.yaml")
            path.write_text(_package(pipeline), encoding="utf-8")
            made = self._client.pipeline_uploads.upload_pipeline_version(
                str(path),
                name=pipeline.version,
                pipelineid=self._id(pipelines.PIPELINE, pipeline.name),
                description=described(pipeline.description, mark(self._scope, pipeline)),
                _request_timeout=TIMEOUT_SECONDS,
            )
        self._ids[pipelines.VERSION, pipeline.name, pipeline.version] = made.pipeline_version_id

    def _create_experiment(self, name: str, pipeline: Pipeline) -> None:
        body = self._client.api_models.V2beta1Experiment(
            display_name=name, description=str(mark(self._scope, pipeline)), namespace=self._namespace
        )
        made = self._client.experiments.experiment_service_create_experiment(body, _request_timeout=TIMEOUT_SECONDS)
        self._ids[pipelines.EXPERIMENT, name] = made.experiment_id

    def _create_recurring(self, step: Step, pipeline: Pipeline, run: RecurringRun) -> None:
        """Disabled: it is enabled once nothing else of it is."""
        models = self._client.api_models
        limits = {"start_time": run.startTime, "end_time": run.endTime}
        trigger = (
            models.V2beta1Trigger(cron_schedule=models.V2beta1CronSchedule(cron=run.cron, **limits))
            if run.cron is not None
            else models.V2beta1Trigger(
                periodic_schedule=models.V2beta1PeriodicSchedule(interval_second=str(run.intervalSeconds), **limits)
            )
        )
        body = models.V2beta1RecurringRun(
            **self._common(step, pipeline, run, content_of(pipeline, run)),
            trigger=trigger,
            mode="DISABLE",
            max_concurrency=str(run.maxConcurrency),
            no_catchup=not run.catchup,
        )
        made = self._client.recurring_runs.recurring_run_service_create_recurring_run(
            body, _request_timeout=TIMEOUT_SECONDS
        )
        self._ids[pipelines.RECURRING, pipeline.name, run.name] = made.recurring_run_id

    def _start(self, step: Step, pipeline: Pipeline, run: Run) -> None:
        """Looked for once more: a run cannot be taken back, and another sync may be at work."""
        item = f"{pipeline.item}/{run.name}"
        for one in self._named(run.name):
            found = marker(one.description)
            if found is not None and found.of(self._scope) and found.item == item:
                return
        body = self._client.api_models.V2beta1Run(**self._common(step, pipeline, run, ""))
        self._client.runs.run_service_create_run(body, _request_timeout=TIMEOUT_SECONDS)

    def _common(self, step: Step, pipeline: Pipeline, run: Start, content: str) -> dict[str, Any]:
        """What a run and a recurring run are made of alike."""
        models = self._client.api_models
        name, version, experiment = step.within
        _, root, account = started_with(pipeline, run)
        return {
            "display_name": run.name,
            "description": short(mark(self._scope, pipeline, run.name, content)),
            "experiment_id": self._id(pipelines.EXPERIMENT, experiment),
            "pipeline_version_reference": models.V2beta1PipelineVersionReference(
                pipeline_id=self._id(pipelines.PIPELINE, name),
                pipeline_version_id=self._id(pipelines.VERSION, name, version),
            ),
            "runtime_config": models.V2beta1RuntimeConfig(parameters=run.parameters, pipeline_root=root),
            "service_account": account,
        }

    def _id(self, kind: str, *names: str) -> str:
        """Of what is there, or was made by a step before."""
        if (kind, *names) not in self._ids:
            raise ServiceError(Trouble.REFUSED, f"{kind} '{names[-1]}' is not there")
        return self._ids[(kind, *names)]

    def _delete(self, step: Step) -> None:
        """Gone already is as good."""
        try:
            if step.kind == pipelines.RECURRING:
                self._client.recurring_runs.recurring_run_service_delete_recurring_run(
                    step.id, _request_timeout=TIMEOUT_SECONDS
                )
            elif step.kind == pipelines.VERSION:
                self._client.pipelines.pipeline_service_delete_pipeline_version(
                    step.within[1], step.id, _request_timeout=TIMEOUT_SECONDS
                )
            else:
                # Never with `cascade`: a version that somebody adds meanwhile is not ours to delete (2.15 on refuses then).
                self._client.pipelines.pipeline_service_delete_pipeline(step.id, _request_timeout=TIMEOUT_SECONDS)
        except Exception as error:
            if getattr(error, "status", None) != 404:
                raise

    def _switch(self, step: Step) -> None:
        """Enable, disable, or restore an experiment."""
        if step.kind == pipelines.EXPERIMENT:
            self._client.experiments.experiment_service_unarchive_experiment(step.id, _request_timeout=TIMEOUT_SECONDS)
            return
        key = step.id or self._id(pipelines.RECURRING, step.within[0], step.name)
        api = self._client.recurring_runs
        if step.action is Action.ENABLE:
            api.recurring_run_service_enable_recurring_run(key, _request_timeout=TIMEOUT_SECONDS)
        else:
            api.recurring_run_service_disable_recurring_run(key, _request_timeout=TIMEOUT_SECONDS)


TIMEOUT_SECONDS = int(TIMEOUT)
"""The client takes whole seconds only, and ignores others."""


def _client(access: Access) -> Any:
    import kfp
    from kfp.client.token_credentials_base import TokenCredentialsBase

    class Token(TokenCredentialsBase):  # type: ignore[misc]
        """Reads the file before every request."""

        def refresh_api_key_hook(self, config: Any) -> None:
            config.api_key["authorization"] = access.token()

    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # "Retrying ...": its own business
    credentials = None if access.token_file is None else Token()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "This client only works with Kubeflow Pipeline v2.0.0-beta.2 and later"
        return kfp.Client(host=access.endpoint, namespace=_NOBODY, credentials=credentials)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """The client's errors as ours."""
    import urllib3
    from kfp_server_api.exceptions import ApiException

    try:
        yield
    except ApiException as error:
        message = _message(error.body) or str(error.reason or "no answer").strip()
        trouble = trouble_of(error.status) if error.status else Trouble.REFUSED
        if error.status == 400 and _DENIED.search(message):
            trouble = Trouble.EXPIRED
        raise ServiceError(trouble, f"{message} ({error.status})" if error.status else message) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise ServiceError(Trouble.PASSING, str(error)) from error


def _message(body: Any) -> str:
    try:
        answer = json.loads(body or "null")
    except ValueError:
        return str(body).strip()[:300]
    found = answer.get("message") or answer.get("error_message") if isinstance(answer, dict) else None
    return str(found or "")


def _equals(name: str) -> str:
    return json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "string_value": name}]})


def _pipeline(one: Any) -> ActualPipeline:
    return ActualPipeline(
        one.pipeline_id, one.name or one.display_name, one.display_name or one.name, one.description or ""
    )


def _recurring(one: Any) -> ActualRecurringRun:
    reference = one.pipeline_version_reference
    return ActualRecurringRun(
        one.recurring_run_id,
        one.display_name,
        one.mode == "ENABLE",
        (reference.pipeline_id if reference is not None else None) or "",
        (reference.pipeline_version_id if reference is not None else None) or "",
        one.experiment_id or "",
        str(one.created_at or ""),
        one.description or "",
    )


def _package(pipeline: Pipeline) -> str:
    """The package, with caching switched for every task where the spec says so."""
    package = pipeline.package
    assert package is not None  # no step uploads what Kubernetes holds
    if pipeline.caching is None:
        return package
    import yaml

    documents = list(yaml.safe_load_all(package))
    spec = documents[0]
    dags = [spec.get("root"), *(spec.get("components") or {}).values()]
    for task in (task for dag in dags for task in ((dag or {}).get("dag") or {}).get("tasks", {}).values()):
        task["cachingOptions"] = {"enableCache": True} if pipeline.caching else {}
    return yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True)
