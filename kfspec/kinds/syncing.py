"""The loop for what has only a REST API: a ConfigMap per item, a CronJob and a Job that run `kfspec sync` over them, and what
these may do.

All of a namespace's payloads are mounted together, because half of a desired state would delete the other half. The loop is
there without any item too, with an empty desired state, so that the last item goes when it leaves the spec.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path
from kfspec.kinds import base
from kfspec.kinds.base import Context, Synced
from kfspec.resource import GVK, Body, Origin, Resource, ref_of
from kfspec.spec.base import Block
from kfspec.spec.settings import Settings
from kfspec.sync import marker
from kfspec.sync.payload import SCOPE, Backend, Desired, Model, Pipeline, Scope, write

CONFIG_MAP = GVK("", "v1", "ConfigMap")
JOB = GVK("batch", "v1", "Job")
CRON_JOB = GVK("batch", "v1", "CronJob")
ROLE = GVK("rbac.authorization.k8s.io", "v1", "Role")
ROLE_BINDING = GVK("rbac.authorization.k8s.io", "v1", "RoleBinding")
LOOP = (CONFIG_MAP, ROLE, ROLE_BINDING, JOB, CRON_JOB)
"""What items that are synced have beside their own objects."""

LIMIT = 1024 * 1024
"""Bytes that the values of one ConfigMap may have (Kubernetes 1.34, `core.MaxSecretSize`)."""
BACKENDS: tuple[Backend, ...] = ("kfp", "model-registry")
LONGEST_NAME = 246
"""What is left of the 255 characters of KFP's columns (apiserver/model, type:varchar(255)) beside `-<hash8>`."""
ITEM = "sync"
"""The first part of the label `kfspec.dev/item` of what belongs to no single item: `sync.kfp`."""

ACCOUNT = "default-editor"
"""Whom the pods run as: the account that every profile has, and that KFP lets in (kubeflow/manifests v1.10.0, kubeflow-edit)."""
_FOLDER, _TOKENS = "/etc/kfspec/sync", "/var/run/secrets/kfspec"
_AUDIENCE = "pipelines.kubeflow.org"
"""KFP 2.4.1 to 2.16.0, apiserver/common/const.go: the audience that a token must have."""
_LONGEST_CRON_JOB = 52
"""Kubernetes 1.37, batch/validation: a Job of a CronJob has 11 characters more, and a label its name."""
_OBJECT_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,200}[a-z0-9])?")


class Homes(NamedTuple):
    """The namespaces that a loop runs in though no item is there."""

    default: str | None
    declared: tuple[str, ...]


def object_name(prefix: str, name: str, longest: int = 253) -> str:
    """`prefix` and the name; where no object may be called so, what can be read of it, and a digest."""
    whole = prefix + name
    if _OBJECT_NAME.fullmatch(name) and len(whole) <= longest:
        return whole
    readable = re.sub(r"[^a-z0-9]+", "-", whole.lower())[: min(longest, 63) - 9].strip("-")
    return f"{readable}-{base.digest8(name)}"


def names_problems(names: Iterable[str], at: Path) -> Iterable[Diagnostic]:
    """Names of a mapping that stands at a place of the spec which no service takes."""
    for name in names:
        if not name or len(name) > LONGEST_NAME:
            message = f"'{at[-1]}' cannot name something '{name[:20]}{'...' if name else ''}'"
            hint = f"a name has 1 to {LONGEST_NAME} characters"
            yield finding("KF104", message, (*at, name), hint=hint, at_key=True)


def spec_digest(value: Any) -> str:
    """What an item says, in 16 digits: its provenance."""
    import hashlib

    return hashlib.sha256(base.canonical_json(value)).hexdigest()[:16]


def config_map(
    item: Block, ctx: Context, backend: Backend, payload: Pipeline | Model
) -> tuple[Resource | None, Synced | None, tuple[Diagnostic, ...]]:
    """The ConfigMap that carries an item's payload; none where it is too large for one."""
    singular = str(ctx.path[0]).removesuffix("s")
    name = object_name(f"kfspec-{singular}-", ctx.name)
    data = _data(payload)
    size = sum(len(text.encode()) for text in data.values())
    if size > LIMIT:
        message = f"'{'.'.join(map(str, ctx.path))}' has {size:,} bytes compressed, and a ConfigMap takes {LIMIT:,}"
        hint = "put what the components' source brings along into their images"
        return None, None, (finding("KF780", message, ctx.path, hint=hint, at_key=True),)
    body: Body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": base.metadata(ctx, item, name),
        "data": data,
    }
    synced = Synced(backend, ctx.namespace, payload, name, ctx.path)
    return base.resource(ctx, body, {**base.base_origins(ctx), ("data",): Origin(ctx.path, at_key=True)}), synced, ()


def _data(payload: Pipeline | Model) -> dict[str, str]:
    """The payload's file, under a key that a ConfigMap takes."""
    nobody = Scope(project="", environment="", namespace="", backend="kfp")
    pipelines = (payload,) if isinstance(payload, Pipeline) else ()
    models = (payload,) if isinstance(payload, Model) else ()
    files = write(Desired(nobody, pipelines, models))
    return {_key(name, payload.item): text for name, text in files.items() if name != SCOPE}


def _key(name: str, item: str) -> str:
    if re.fullmatch(r"[-._a-zA-Z0-9]{1,253}", name):
        return name
    suffix = name.removeprefix(item)
    return f"{re.sub(r'[^-._a-zA-Z0-9]', '-', item)[:180]}-{base.digest8(item)}{suffix}"


def loops(
    settings: Settings, environment: str, homes: Homes, wanted: Iterable[Synced]
) -> tuple[tuple[Resource, ...], tuple[Diagnostic, ...]]:
    """The objects that run `kfspec sync`, for every namespace of every service; and why they cannot be made."""
    every = list(wanted)
    if settings.sync == "off":
        return (), tuple(_off(every))
    found = [*_unable(settings, every), *_forgotten(settings, environment, every)]
    made: list[Resource] = []
    if settings.platform.syncImage is not None:
        for backend in BACKENDS:
            here = [one for one in every if one.backend == backend]
            if backend == "model-registry" and settings.platform.modelRegistry is None:
                continue
            standing = (homes.default, *(homes.declared if backend == "kfp" else ()))
            for namespace in sorted({*filter(None, standing), *(one.namespace for one in here)}):
                scope = Scope(project=settings.project, environment=environment, namespace=namespace, backend=backend)
                mine = sorted((one for one in here if one.namespace == namespace), key=lambda one: one.config_map)
                made += _loop(settings, scope, mine)
    return tuple(made), tuple(found)


def _off(every: list[Synced]) -> Iterable[Diagnostic]:
    if every:
        message = f"'sync' is off: {_named(every)} {'is' if len(every) == 1 else 'are'} not kept up"
        yield finding("KF211", message, (ITEM,), hint="'sync: on' keeps up what is declared")


def _unable(settings: Settings, every: list[Synced]) -> Iterable[Diagnostic]:
    """What the platform does not say, told once, at the first item that needs it."""
    if every and settings.platform.syncImage is None:
        message = f"'platform.syncImage' is not set, and 'kfspec sync' runs in it to keep {_named(every)}"
        hint = "platform: {syncImage: registry.example.com/kfspec-sync:0.1.0}; deploy/Containerfile makes the image"
        yield finding("KF210", message, every[0].path, at_key=True, hint=hint)
        return
    models = [one for one in every if one.backend == "model-registry"]
    if models and settings.platform.modelRegistry is None:
        message = f"'platform.modelRegistry' does not say where the registry is that keeps {_named(models)}"
        hint = "platform: {modelRegistry: http://model-registry-service.kubeflow.svc:8080}"
        yield finding("KF210", message, models[0].path, at_key=True, hint=hint)


def _named(items: list[Synced]) -> str:
    first = f"'{'.'.join(map(str, items[0].path))}'"
    return first if len(items) == 1 else f"{first} and {len(items) - 1} more"


def _forgotten(settings: Settings, environment: str, every: list[Synced]) -> Iterable[Diagnostic]:
    """Runs of which the marker has no room: the next sync would not know them again."""
    for one in every:
        if not isinstance(one.payload, Pipeline):
            continue
        for run in (*one.payload.recurringRuns, *one.payload.runs):
            mark = marker.Marker(settings.project, environment, f"{one.payload.item}/{run.name}", "0" * 16)
            size = len(marker.short(mark))
            if size > marker.LONGEST:
                message = (
                    f"'{run.name}' cannot be marked as this project's: that takes {size} characters of {marker.LONGEST}"
                )
                hint = "give the run, the pipeline or the project a shorter name"
                yield finding("KF348", message, one.path, at_key=True, hint=hint)


def _loop(settings: Settings, scope: Scope, items: list[Synced]) -> Iterable[Resource]:
    """ConfigMap with the scope, CronJob, the Job that does at once what the CronJob would do later, and their rights."""
    name = loop_name(scope.project, scope.backend)
    pod = _pod(settings, scope, name, [one.config_map for one in items])
    job = {
        "activeDeadlineSeconds": 540,
        "backoffLimit": 2,
        "template": {"metadata": {"labels": _labels(scope)}, "spec": pod},
    }
    content = [one.payload.model_dump(mode="json", exclude={"provenance"}, exclude_none=True) for one in items]
    digest = base.digest8([scope.model_dump(mode="json"), content, job])
    schedule = {
        "concurrencyPolicy": "Forbid",
        "failedJobsHistoryLimit": 2,
        "jobTemplate": {"spec": job},
        "schedule": "*/10 * * * *",
        "startingDeadlineSeconds": 300,
        "successfulJobsHistoryLimit": 1,
    }
    yield _resource(CONFIG_MAP, name, scope, {"data": write(Desired(scope))})
    if settings.platform.syncRole:
        yield _resource(ROLE, name, scope, {"rules": _rules(name)})
        yield _resource(ROLE_BINDING, name, scope, _bound(name, scope))
    yield _resource(CRON_JOB, name, scope, {"spec": schedule})
    yield _resource(JOB, f"{name}-{digest}", scope, {"spec": job})


def loop_name(project: str, backend: str) -> str:
    """What a loop's objects are called, and the Lease that its pods hold."""
    return object_name("kfspec-sync-", f"{project}-{backend}", _LONGEST_CRON_JOB)


def revision_name(project: str) -> str:
    """The ConfigMap in which whoever delivers writes the commit that it delivers."""
    return object_name("kfspec-revision-", project)


def _rules(name: str) -> list[dict[str, Any]]:
    """What the account lacks (kubeflow/manifests v1.10.0 to master, cluster-roles.yaml: no Events, no Leases). A right to create
    cannot be limited by name."""
    leases: dict[str, Any] = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}
    return [
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
        {**leases, "verbs": ["create"]},
        {**leases, "resourceNames": [name], "verbs": ["get", "update"]},
    ]


def _bound(name: str, scope: Scope) -> dict[str, Any]:
    return {
        "roleRef": {"apiGroup": ROLE.group, "kind": ROLE.kind, "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": scope.namespace}],
    }


def _labels(scope: Scope) -> dict[str, str]:
    return {
        "app.kubernetes.io/managed-by": "kfspec",
        "kfspec.dev/project": scope.project,
        "kfspec.dev/item": f"{ITEM}.{scope.backend}",
    }


def _resource(gvk: GVK, name: str, scope: Scope, rest: dict[str, Any]) -> Resource:
    meta = {"name": name, "namespace": scope.namespace, "labels": _labels(scope)}
    body: Body = {"apiVersion": gvk.api_version, "kind": gvk.kind, "metadata": meta, **rest}
    return Resource(ref_of(body), body, {(): Origin(("platform", "syncImage"))}, (ITEM, scope.backend))


def _pod(settings: Settings, scope: Scope, name: str, payloads: list[str]) -> dict[str, Any]:
    """A pod that passes pod security `restricted`, and every quota: it says requests and limits."""
    token: dict[str, Any] = {"expirationSeconds": 3600, "path": "token"}
    args = ["--from", _FOLDER, "--token-file", f"{_TOKENS}/token"]
    if scope.backend == "kfp":
        token["audience"] = _AUDIENCE
    else:
        args += ["--endpoint", str(settings.platform.modelRegistry)]
    sources = [{"configMap": {"name": each}} for each in (name, *payloads)]
    container = {
        "name": "sync",
        "image": settings.platform.syncImage,
        "command": ["kfspec", "sync", scope.backend],
        "args": args,
        "env": [
            {"name": "HOME", "value": "/tmp"},  # noqa: S108 - in the container
            {"name": "KFSPEC_EVENT_OBJECT", "value": f"batch/v1/CronJob/{scope.namespace}/{name}"},
            {
                "name": "KFSPEC_COMMIT",
                "valueFrom": {
                    "configMapKeyRef": {"name": revision_name(scope.project), "key": "commit", "optional": True}
                },
            },
        ],
        "resources": {
            "limits": {"cpu": "1", "memory": "512Mi"},
            "requests": {"cpu": "100m", "memory": "256Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            {"name": "desired", "mountPath": _FOLDER, "readOnly": True},
            {"name": "token", "mountPath": _TOKENS, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - in the container
        ],
    }
    return {
        "containers": [container],
        "restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "serviceAccountName": ACCOUNT,
        "volumes": [
            {"name": "desired", "projected": {"sources": sources}},
            {"name": "token", "projected": {"sources": [{"serviceAccountToken": token}]}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }
