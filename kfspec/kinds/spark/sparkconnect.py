"""A Spark Connect server that stands: notebooks share it, and its executors.

`sparkConnects: {shared: {image: 'spark:4.0.0', sparkVersion: 4.0.0, executor: {instances: 2, memory: 4g}}}`; from Kubeflow 1.11
on. The operator makes the server's pod once and takes no change for it, so the plan makes the server anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from kfspec.kinds import base
from kfspec.kinds.base import Context, Effect, Look, Lowered, Outcome, Readiness, State
from kfspec.kinds.lifting import own_metadata, shorten
from kfspec.kinds.shortforms import Expansion
from kfspec.kinds.spark import rules as spark_rules
from kfspec.kinds.spark.fields import ACCOUNT, ACCOUNT_CONF, DRIVER_CONTAINER, given
from kfspec.kinds.status import at, condition, told
from kfspec.resource import GVK, Body, Origin
from kfspec.spec.base import Json, Model, Namespaced

BLOCK = "sparkConnects"
PRODUCES = (GVK("sparkoperator.k8s.io", "v1alpha1", "SparkConnect"),)


class Pod(Model):
    """Fields that the server and its executors share."""

    cores: Json = Field(default=None, description="Upstream's: a whole number.")
    memory: Json = Field(default=None, description="Upstream's, in Spark's own units: `4g`, `512m`.")
    template: Json = Field(default=None, description="Upstream's pod template.")


class SessionServer(Pod):
    """The server, which is the driver too."""

    service: Json = Field(default=None, description="Upstream's: the Service by which the server is reached.")
    serviceAccount: str | None = Field(  # noqa: N815
        default=None,
        description="The service account of the server's pod, in its `template`; the profile's `default-editor` where nothing is"
        ' said, for the server makes its executors itself. `""` leaves it to the cluster.',
    )


class SessionExecutor(Pod):
    """The executors."""

    instances: Json = Field(default=None, description="Upstream's: how many.")


class Item(Namespaced):
    """A Spark Connect server."""

    sparkVersion: Json = Field(default=None, description="Upstream's, required there.")  # noqa: N815
    image: Json = Field(default=None, description="Upstream's, for server and executors.")
    sparkConf: Json = Field(default=None, description="Upstream's map; numbers and booleans are taken as text.")  # noqa: N815
    hadoopConf: Json = Field(default=None, description="Upstream's map; numbers and booleans are taken as text.")  # noqa: N815
    dynamicAllocation: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    server: SessionServer | None = Field(default=None, description="The server's pod and its Service.")
    executor: SessionExecutor | None = Field(default=None, description="The executors' pods.")


_FIELDS = ("sparkVersion", "image", "sparkConf", "hadoopConf", "dynamicAllocation")


def lower(item: Item, ctx: Context) -> Lowered:
    """One SparkConnect."""
    expansion = Expansion(ctx)
    expansion.origins["spec",] = Origin(ctx.path)
    spec: dict[str, Any] = {}
    for key, value in given(item, _FIELDS).items():
        path = (*ctx.path, key)
        if key in ("sparkConf", "hadoopConf") and isinstance(value, dict):
            spec[key] = {
                name: expansion.text(entry, (*path, name)) if isinstance(entry, bool | int | float) else entry
                for name, entry in value.items()
            }
        else:
            spec[key] = expansion.field(key, value, ("spec", key), path)
    spec["server"] = _pod(item.server or SessionServer(), "server", ctx, expansion)
    spec["executor"] = _pod(item.executor or SessionExecutor(), "executor", ctx, expansion)
    _account(item, spec, ctx, expansion)
    body = {
        "apiVersion": PRODUCES[0].api_version,
        "kind": "SparkConnect",
        "metadata": base.metadata(ctx, item),
        "spec": spec,
    }
    origins = {**base.base_origins(ctx), **expansion.origins}
    return Lowered((base.resource(ctx, body, origins),), tuple(expansion.found))


def _pod(pod: Pod, role: str, ctx: Context, expansion: Expansion) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for key, value in given(pod, tuple(type(pod).model_fields)).items():
        path = (*ctx.path, role, key)
        if key == "memory" and isinstance(value, int | float) and not isinstance(value, bool):
            body[key] = expansion.text(value, path)
        elif key == "service":  # a Service's ports are no container's
            body[key] = value
        elif key != "serviceAccount":
            body[key] = expansion.field(key, value, ("spec", role, key), path)
    return body


def _account(item: Item, spec: dict[str, Any], ctx: Context, expansion: Expansion) -> None:
    """The server's service account, which upstream takes in the pod template alone."""
    named = item.server.serviceAccount if item.server is not None else None
    server = spec["server"]
    template = server.get("template", {})
    pod = template.get("spec", {}) if isinstance(template, dict) else None
    conf = spec.get("sparkConf")
    if named == "" or not isinstance(pod, dict) or pod.get("serviceAccountName") or pod.get("serviceAccount"):
        return
    if named is None and isinstance(conf, dict) and ACCOUNT_CONF in conf:
        return
    origin = Origin((*ctx.path, "server", "serviceAccount") if named is not None else ctx.path)
    expansion.origins["spec", "server", "template", "spec", "serviceAccountName"] = origin
    containers = pod.get("containers", [{"name": DRIVER_CONTAINER}])  # a pod spec has to have some
    server["template"] = {
        **template,
        "spec": {**pod, "containers": containers, "serviceAccountName": named or ACCOUNT},
    }


def lift(body: Body) -> Iterator[dict[str, Any]]:
    """Items that may stand for the SparkConnect, the shortest first."""
    spec = body.get("spec")
    if not isinstance(spec, dict) or spec.keys() - {*_FIELDS, "server", "executor"}:
        return
    server, executor = spec.get("server"), spec.get("executor")
    if not isinstance(server, dict) or not isinstance(executor, dict):
        return
    meta = own_metadata(body)
    head = {key: spec[key] for key in _FIELDS if key in spec}
    template = server.get("template")
    pod = template.get("spec") if isinstance(template, dict) else None
    account = pod.get("serviceAccountName") if isinstance(pod, dict) else None
    plain: dict[str, Any] = {"serviceAccount": ""} if account is None else {}
    if account == ACCOUNT and template == {
        "spec": {"containers": [{"name": DRIVER_CONTAINER}], "serviceAccountName": account}
    }:
        rest = {key: value for key, value in server.items() if key != "template"}
        yield {**head, **_said("server", rest), **_said("executor", _shortened(executor)), **meta}
    yield {
        **head,
        **_said("server", {**_shortened(server), **plain}),
        **_said("executor", _shortened(executor)),
        **meta,
    }
    yield {**head, **_said("server", {**server, **plain}), **_said("executor", executor), **meta}


def _said(role: str, pod: dict[str, Any]) -> dict[str, Any]:
    return {role: pod} if pod else {}


def _shortened(pod: dict[str, Any]) -> dict[str, Any]:
    return {key: shorten(value) if key == "template" else value for key, value in pod.items()}


rules = spark_rules.rules

_RECONCILER = "spark-operator 2.4.0, internal/controller/sparkconnect/reconciler.go (mutateServerPod)"

EFFECTS = (
    Effect(
        ("spec",),
        "the operator takes no change of a server that runs, so it is deleted and made again: whoever is connected loses the"
        " session",
        _RECONCILER,
        Outcome.IGNORED,
    ),
)

_WORDS = {
    "": "the operator has not taken it up yet",
    "Provisioning": "waits for its server",
    "NotReady": "waits for its server",
}


def ready(body: Body, look: Look) -> Readiness:
    """By its state (spark-operator 2.4.0, api/v1alpha1/sparkconnect_types.go)."""
    state = str(at(body, "status", "state") or "")
    said = told(condition(body, "ServerPodReady"))
    if state == "Ready":
        return Readiness(State.READY)
    if state == "Failed":
        return Readiness(State.FAILED, said or "its server has failed")
    return Readiness(State.WAITING, said or _WORDS.get(state, "waits for its server"))
