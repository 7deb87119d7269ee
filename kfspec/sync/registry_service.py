"""Model Registry, through the `model-registry` package's client.

What had to be done to use it (model-registry 0.3 against servers 0.2.15 to 0.3.8):
- `ModelRegistry` cannot set an `externalId` on what it registers and sends every field on each update. So the API client
  below it is used (`model_registry.core.ModelRegistryAPIClient`), and the generated API object that it hands out.
- The models for updates bring a state of their own when none is given; it is taken out, so that a PATCH holds what differs.
- The client is asynchronous; one event loop lives as long as the service.
- The token is a field of the configuration: set anew before every request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import urlsplit

from kfspec.sync import models
from kfspec.sync.models import Actual, Body, Entry, prefix
from kfspec.sync.payload import Desired
from kfspec.sync.service import TIMEOUT, Access, ServiceError, Trouble, trouble_of
from kfspec.sync.steps import Action, Step, Steps

DEFAULT_ENDPOINT = "http://model-registry-service.{namespace}.svc:8080"
_PAGE = "100"


class RegistryService:
    """One registry."""

    def __init__(self, access: Access, desired: Desired) -> None:
        """Makes no request."""
        self._access = access
        self._runner = asyncio.Runner()
        self._connection: AbstractAsyncContextManager[Any] | None = None
        self._api: Any = None
        self._configuration: Any = None
        self._ids: dict[tuple[str, ...], str] = {}
        """What steps refer to by name: kind and names -> id."""

    def plan(self, desired: Desired) -> Steps:
        """Look, and plan."""
        actual = self._run(self._observe(desired))
        self._ids = {}
        for model in actual.models:
            self._ids[models.MODEL, model.name] = model.id
            for version in model.below:
                self._ids[models.VERSION, model.name, version.name] = version.id
        return models.plan(desired, actual)

    def do(self, step: Step) -> None:
        """One step."""
        self._run(self._create(step) if step.action is Action.CREATE else self._patch(step))

    def close(self) -> None:
        """Close the connections and the event loop."""
        if self._connection is not None:
            self._runner.run(self._connection.__aexit__(None, None, None))
        self._runner.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Work on the event loop, the client's errors as ours."""
        import aiohttp
        import pydantic
        from mr_openapi.exceptions import ApiException

        try:
            return self._runner.run(work)
        except ApiException as error:
            message = _message(error)
            raise ServiceError(trouble_of(int(error.status or 0)), f"{message} ({error.status})") from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise ServiceError(Trouble.PASSING, str(error) or type(error).__name__) from error
        except pydantic.ValidationError as error:
            raise ServiceError(Trouble.REFUSED, f"the answer is not one of Model Registry: {error}") from error

    async def _ask(self, method: str, *args: Any, **kwargs: Any) -> Any:
        if self._api is None:
            await self._connect()
        self._configuration.access_token = self._access.token()
        return await getattr(self._api, method)(*args, _request_timeout=TIMEOUT, **kwargs)

    async def _connect(self) -> None:
        from model_registry.core import ModelRegistryAPIClient

        url = urlsplit(self._access.endpoint)
        if url.scheme == "https":
            token = self._access.token() or ""
            client = ModelRegistryAPIClient.secure_connection(self._access.endpoint, user_token=token)
        else:
            client = ModelRegistryAPIClient.insecure_connection(self._access.endpoint, 80)
        self._configuration = client.config
        self._connection = client.get_client()
        self._api = await self._connection.__aenter__()

    # Looking.

    async def _observe(self, desired: Desired) -> Actual:
        own = prefix(desired.scope)
        found = []
        for body in await self._pages("get_registered_models"):
            mine = str(body.get("externalId") or "").startswith(own)
            found.append(Entry(body, await self._versions(body["id"]) if mine else ()))
        return Actual(tuple(found))

    async def _versions(self, model: str) -> tuple[Entry, ...]:
        found = []
        for body in await self._pages("get_registered_model_versions", model):
            below = tuple(Entry(one) for one in await self._pages("get_model_version_artifacts", body["id"]))
            found.append(Entry(body, below))
        return tuple(found)

    async def _pages(self, method: str, *args: str) -> list[Body]:
        items: list[Body] = []
        token = None
        while True:
            answer = await self._ask(method, *args, page_size=_PAGE, next_page_token=token)
            items += (one.to_dict() for one in answer.items or ())
            token = answer.next_page_token or None
            if token is None:
                return items

    # Doing.

    async def _create(self, step: Step) -> None:
        import mr_openapi

        match step.kind:
            case models.MODEL:
                body = mr_openapi.RegisteredModelCreate.from_dict(step.value)
                made = await self._ask("create_registered_model", body)
                self._ids[models.MODEL, step.name] = made.id
            case models.VERSION:
                owner = self._id(models.MODEL, *step.within)
                version = mr_openapi.ModelVersionCreate.from_dict({**step.value, "registeredModelId": owner})
                made = await self._ask("create_model_version", version)
                self._ids[models.VERSION, step.within[0], step.name] = made.id
            case _:
                owner = self._id(models.VERSION, *step.within)
                artifact = mr_openapi.ModelArtifact.from_dict({**step.value, "artifactType": "model-artifact"})
                await self._ask("upsert_model_version_artifact", owner, mr_openapi.Artifact(artifact))

    def _id(self, kind: str, *names: str) -> str:
        """Of what is there, or was made by a step before."""
        if (kind, *names) not in self._ids:
            raise ServiceError(Trouble.REFUSED, f"{kind} '{names[-1]}' is not there")
        return self._ids[(kind, *names)]

    async def _patch(self, step: Step) -> None:
        import mr_openapi

        kinds: dict[str, tuple[str, Callable[[Body], Any]]] = {
            models.MODEL: ("update_registered_model", mr_openapi.RegisteredModelUpdate.from_dict),
            models.VERSION: ("update_model_version", mr_openapi.ModelVersionUpdate.from_dict),
            models.ARTIFACT: ("update_model_artifact", mr_openapi.ModelArtifactUpdate.from_dict),
        }
        method, make = kinds[step.kind]
        body = make(step.value)
        if "state" not in step.value:
            body.state = None
        await self._ask(method, step.id, body)


def _message(error: Any) -> str:
    data = getattr(error, "data", None)
    return str(getattr(data, "message", None) or error.body or error.reason or "no answer").strip()[:300]
