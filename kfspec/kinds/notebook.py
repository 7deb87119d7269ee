"""A notebook server: Jupyter, VS Code or RStudio, with its volumes.

`notebooks: {explore: {image: ..., volumeMounts: {features: /home/jovyan/features}}}`. The fields beside `template` describe
the first container and its pod; `template: {spec: ...}` takes everything that a pod spec has. Whether the server is stopped
belongs to its user, who stops and starts it in the dashboard: kfspec never owns that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path
from kfspec.kinds import base, notebook_effects, volume
from kfspec.kinds.base import Context, Facts, Lowered
from kfspec.kinds.lifting import own_metadata, shorten
from kfspec.kinds.shortforms import Expansion
from kfspec.resource import GVK, Body, Origin, Resource
from kfspec.spec.base import Json, Namespaced
from kfspec.wording import did_you_mean

BLOCK = "notebooks"
PRODUCES = (GVK("kubeflow.org", "v1", "Notebook"), GVK("", "v1", "PersistentVolumeClaim"))
DERIVES_FROM = ("volumes",)

HOME = "/home/jovyan"
"""Where the images of Kubeflow keep the user's home (jupyter-web-app v1.10.0, `spawner_ui_config.yaml`)."""

_CONTAINER = [
    "image",
    "imagePullPolicy",
    "command",
    "args",
    "env",
    "envFrom",
    "resources",
    "ports",
    "lifecycle",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "securityContext",
    "workingDir",
    "stdin",
    "tty",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "volumeDevices",
]
_POD = [
    "serviceAccountName",
    "nodeSelector",
    "tolerations",
    "affinity",
    "imagePullSecrets",
    "priorityClassName",
    "runtimeClassName",
]

_SERVER_TYPES = {"jupyter": "jupyter", "vscode": "group-one", "rstudio": "group-two"}
"""Ours -> the annotation's value by which the dashboard shows the server (jupyter-web-app v1.10.0)."""

_UI = "notebooks.kubeflow.org"
_STOPPED = "kubeflow-resource-stopped"
_RUNTIME_ANNOTATIONS = (_STOPPED, f"{_UI}/last-activity", f"{_UI}/last_activity_check_timestamp")

NAME_LIMIT = 52
"""The pod's label `controller-revision-hash` is the name and eleven characters (notebook-controller v1.10.0, executed)."""


class Workspace(volume.Claim):
    """The volume of the user's home, a claim of its own called `<notebook>-workspace`."""

    mountPath: str = Field(default=HOME, description="Where it is mounted.")  # noqa: N815


class Item(Namespaced):
    """A notebook server."""

    image: Json = Field(default=None, description="The image of the server.")
    serverType: Literal["jupyter", "vscode", "rstudio"] = Field(  # noqa: N815
        default="jupyter", description="Which server the image runs; decides how the dashboard reaches it."
    )
    creator: str | None = Field(default=None, description="The user whom the dashboard shows as its creator.")
    workspace: str | Workspace | None = Field(
        default=None, description="The home volume: a size (`10Gi`), or the fields of a volume and `mountPath`."
    )
    volumeMounts: Json = Field(  # noqa: N815
        default=None, description="Volume -> path, or `{mountPath, subPath, readOnly}`; declared or external volumes."
    )
    sharedMemory: bool | str | None = Field(  # noqa: N815
        default=None, description="`true` or a size: memory-backed /dev/shm, which PyTorch's data loaders need."
    )
    podDefaults: tuple[str, ...] = Field(  # noqa: N815
        default=(), strict=False, description="PodDefaults to select, by the label that they go by."
    )
    imagePullPolicy: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    command: Json = Field(default=None, description="Upstream's.")
    args: Json = Field(default=None, description="Upstream's.")
    env: Json = Field(default=None, description="`{NAME: value}`, or upstream's list.")
    envFrom: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    resources: Json = Field(default=None, description="`{cpu, memory, gpu}`, or upstream's requests and limits.")
    ports: Json = Field(default=None, description="`{name: number}`, or upstream's list.")
    lifecycle: Json = Field(default=None, description="Upstream's.")
    livenessProbe: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    readinessProbe: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    startupProbe: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    securityContext: Json = Field(default=None, description="Upstream's, of the container.")  # noqa: N815
    workingDir: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    stdin: Json = Field(default=None, description="Upstream's.")
    tty: Json = Field(default=None, description="Upstream's.")
    terminationMessagePath: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    terminationMessagePolicy: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    volumeDevices: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    serviceAccountName: Json = Field(default=None, description="Upstream's; the profile brings `default-editor`.")  # noqa: N815
    nodeSelector: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    tolerations: Json = Field(default=None, description="Upstream's.")
    affinity: Json = Field(default=None, description="Upstream's.")
    imagePullSecrets: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    priorityClassName: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    runtimeClassName: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    template: Json = Field(default=None, description="Upstream's: `{spec: <pod spec>}`, for what has no field here.")


def lower(item: Item, ctx: Context) -> Lowered:
    """The Notebook, and the claim of its workspace."""
    expansion = Expansion(ctx)
    pod_path: Path = ("spec", "template", "spec")
    pod = dict(_template_pod(item, ctx, expansion))
    own = {key: value for key in _CONTAINER if (value := getattr(item, key)) is not None}
    container = _container(item, ctx, expansion, own, pod)
    for key in _POD:
        value = getattr(item, key)
        if value is not None:
            if key in pod:
                expansion.found.append(_twice(key, ctx))
            pod[key] = expansion.field(key, value, (*pod_path, key), (*ctx.path, key))
            expansion.origins[(*pod_path, key)] = Origin((*ctx.path, key))
    resources: list[Resource] = []
    volumes, mounts = _volumes(item, ctx, expansion, resources, len(pod.get("volumes") or ()))
    if volumes:
        pod["volumes"] = [*(pod.get("volumes") or ()), *volumes]
    if container is not None:
        if mounts:
            container["volumeMounts"] = mounts
        pod["containers"] = [container, *(pod.get("containers") or ())]
    elif (
        mounts
        and isinstance(pod.get("containers"), list)
        and pod["containers"]
        and isinstance(pod["containers"][0], dict)
    ):
        first = pod["containers"][0]
        pod["containers"] = [
            {**first, "volumeMounts": [*(first.get("volumeMounts") or ()), *mounts]},
            *pod["containers"][1:],
        ]
    body = {
        "apiVersion": "kubeflow.org/v1",
        "kind": "Notebook",
        "metadata": _metadata(item, ctx),
        "spec": {"template": {"spec": pod}},
    }
    origins = {**base.base_origins(ctx), **expansion.origins}
    return Lowered((*resources, base.resource(ctx, body, origins)), tuple(expansion.found))


def _metadata(item: Item, ctx: Context) -> dict[str, Any]:
    annotations = {f"{_UI}/server-type": _SERVER_TYPES[item.serverType]}
    if item.serverType != "jupyter":
        annotations[f"{_UI}/http-rewrite-uri"] = "/"
    if item.serverType == "rstudio":
        root = f"/notebook/{ctx.namespace}/{ctx.name}/"
        annotations[f"{_UI}/http-headers-request-set"] = f'{{"X-RStudio-Root-Path":"{root}"}}'
    if item.creator is not None:
        annotations[f"{_UI}/creator"] = item.creator
    labels = {"app": ctx.name, **dict.fromkeys(item.podDefaults, "true")}
    return base.metadata(ctx, item, labels=labels, annotations=annotations)


def _template_pod(item: Item, ctx: Context, expansion: Expansion) -> dict[str, Any]:
    """The pod spec that the item gives in full; what is no pod spec is left for the schema to refuse."""
    if item.template is None:
        return {}
    path = (*ctx.path, "template")
    expanded = expansion.expand(item.template, ("spec", "template"), path)
    if not isinstance(expanded, dict) or not isinstance(expanded.get("spec", {}), dict) or expanded.keys() - {"spec"}:
        extra = sorted(expanded.keys() - {"spec"}) if isinstance(expanded, dict) else []
        where = (*path, extra[0]) if extra else path
        message = (
            f"unknown field '{extra[0]}' in 'template'" if extra else "'template' must be a mapping with a pod 'spec'"
        )
        hint = did_you_mean(extra[0], ["spec"], "'template' holds 'spec' alone") if extra else None
        expansion.found.append(finding("KF101" if extra else "KF103", message, where, hint=hint, at_key=bool(extra)))
        return {}
    spec: dict[str, Any] = expanded.get("spec", {})
    return spec


def _container(
    item: Item, ctx: Context, expansion: Expansion, own: dict[str, Any], pod: dict[str, Any]
) -> dict[str, Any] | None:
    """The first container, where the item describes it by its own fields."""
    listed = pod.get("containers")
    if not own and listed:
        return None
    at: Path = ("spec", "template", "spec", "containers", 0)
    if item.image is None:
        if listed:
            key = next(iter(own))
            hint = f"put '{key}' into the container under 'template'"
            message = f"'{key}' describes the first container, which 'template' lists"
            expansion.found.append(finding("KF340", message, (*ctx.path, key), hint=hint, at_key=True))
            return None
        message = f"'notebooks.{ctx.name}' lacks 'image'"
        expansion.found.append(finding("KF102", message, ctx.path, hint="add 'image:'", at_key=True))
    if listed:
        _shift(expansion, len(listed))
        if any(isinstance(c, dict) and c.get("name") == ctx.name for c in listed):
            hint = "keep 'image' and the fields beside it, or the container under 'template'"
            message = f"the container '{ctx.name}' is described twice"
            expansion.found.append(finding("KF340", message, (*ctx.path, "image"), hint=hint, at_key=True))
    expansion.origins[at] = Origin(ctx.path)
    expansion.origins[*at, "name"] = Origin(ctx.path, at_key=True)
    container: dict[str, Any] = {"name": ctx.name}
    for key, value in own.items():
        container[key] = expansion.field(key, value, (*at, key), (*ctx.path, key))
    return container


def _shift(expansion: Expansion, count: int) -> None:
    """Containers that `template` lists stand after the item's own: their origins move by one."""
    at: Path = ("spec", "template", "spec", "containers")
    moved = {}
    for path, origin in list(expansion.origins.items()):
        if path[: len(at)] == at and len(path) > len(at):
            moved[(*at, int(path[len(at)]) + 1, *path[len(at) + 1 :])] = origin
            del expansion.origins[path]
    for n in range(count):
        listed = expansion.origins.get(("spec", "template"), Origin(()))
        moved.setdefault((*at, n + 1), Origin((*listed.path, "spec", "containers", n)))
    expansion.origins.update(moved)


def _volumes(
    item: Item, ctx: Context, expansion: Expansion, resources: list[Resource], start: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The pod's volumes and the first container's mounts that the item's own fields ask for."""
    volumes: list[dict[str, Any]] = []
    mounts: list[dict[str, Any]] = []

    def add(volume_body: dict[str, Any], mount: dict[str, Any], path: Path, *, at_key: bool = False) -> None:
        at: Path = ("spec", "template", "spec", "volumes", start + len(volumes))
        expansion.origins[at] = Origin(path, at_key)
        expansion.origins["spec", "template", "spec", "containers", 0, "volumeMounts", len(mounts)] = Origin(
            path, at_key
        )
        volumes.append(volume_body)
        mounts.append(mount)

    if item.workspace is not None:
        claim = f"{ctx.name}-workspace"
        size = isinstance(item.workspace, str)
        workspace = Workspace(size=item.workspace) if isinstance(item.workspace, str) else item.workspace
        path = (*ctx.path, "workspace")
        resources.append(_workspace(workspace, ctx, claim, path, size, expansion))
        body = {"name": "workspace", "persistentVolumeClaim": {"claimName": claim}}
        add(body, {"name": "workspace", "mountPath": workspace.mountPath}, path)
    if isinstance(item.volumeMounts, dict):
        for name, value in item.volumeMounts.items():
            path = (*ctx.path, "volumeMounts", name)
            mount = {"mountPath": value} if isinstance(value, str) else value
            if not isinstance(mount, dict):
                hint = "write the path where it is mounted, or {mountPath: ..., subPath: ..., readOnly: ...}"
                expansion.found.append(finding("KF341", f"'{name}' has no path to be mounted at", path, hint=hint))
                continue
            body = {"name": name, "persistentVolumeClaim": {"claimName": name}}
            at: Path = ("spec", "template", "spec", "containers", 0, "volumeMounts", len(mounts), "mountPath")
            add(body, {"name": name, **mount}, path, at_key=True)
            expansion.origins[at] = Origin(path if isinstance(value, str) else (*path, "mountPath"))
    elif item.volumeMounts is not None:
        path = (*ctx.path, "volumeMounts")
        expansion.origins["spec", "template", "spec", "containers", 0, "volumeMounts"] = Origin(path)
        mounts.extend(item.volumeMounts if isinstance(item.volumeMounts, list) else [item.volumeMounts])
    if item.sharedMemory:
        path = (*ctx.path, "sharedMemory")
        empty: dict[str, Any] = {"medium": "Memory"}
        if isinstance(item.sharedMemory, str):
            at = ("spec", "template", "spec", "volumes", start + len(volumes), "emptyDir", "sizeLimit")
            expansion.origins[at] = Origin(path)
            empty["sizeLimit"] = expansion.quantity(item.sharedMemory)
        add({"name": "dshm", "emptyDir": empty}, {"name": "dshm", "mountPath": "/dev/shm"}, path)  # noqa: S108
    return volumes, mounts


def _workspace(workspace: Workspace, ctx: Context, claim: str, path: Path, size: bool, notebook: Expansion) -> Resource:
    expansion = Expansion(ctx)
    spec = volume.claim_spec(workspace, path, expansion)
    if size:
        expansion.origins["spec", "resources", "requests", "storage"] = Origin(path)
    notebook.found.extend(expansion.found)
    meta = base.metadata(ctx, workspace, claim, protect=True)
    body = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}
    return base.resource(ctx, body, {(): Origin(path, at_key=True), **expansion.origins})


def _twice(key: str, ctx: Context) -> Diagnostic:
    hint = "keep one of them"
    return finding("KF340", f"'{key}' is given here and under 'template'", (*ctx.path, key), hint=hint, at_key=True)


def lift(body: Body) -> Iterator[dict[str, Any]]:
    """Items that may stand for the Notebook, the shortest first."""
    spec, name = body.get("spec"), (body.get("metadata") or {}).get("name")
    template = spec.get("template") if isinstance(spec, dict) and spec.keys() == {"template"} else None
    pod = template.get("spec") if isinstance(template, dict) and template.keys() == {"spec"} else None
    if not isinstance(pod, dict):
        return
    given = (body["metadata"].get("annotations") or {}).get(f"{_UI}/server-type")
    server = next((ours for ours, theirs in _SERVER_TYPES.items() if theirs == given), "jupyter")
    kept = {f"{_UI}/{key}" for key in ("server-type", "http-rewrite-uri", "http-headers-request-set", "creator")}
    meta = own_metadata(body, labels=("app",), annotations={*kept, *_RUNTIME_ANNOTATIONS})
    creator = (body["metadata"].get("annotations") or {}).get(f"{_UI}/creator")
    head = {
        **({"serverType": server} if server != "jupyter" else {}),
        **({"creator": creator} if creator is not None else {}),
    }
    containers: list[Any] = pod["containers"] if isinstance(pod.get("containers"), list) else []
    first = containers[0] if containers else None
    if (
        isinstance(first, dict)
        and first.get("name") == name
        and not first.keys() - {"name", "volumeMounts", *_CONTAINER}
    ):
        own = {key: shorten(first[key], key) for key in _CONTAINER if key in first}
        own |= {key: pod[key] for key in _POD if key in pod}
        rest = {key: value for key, value in pod.items() if key not in (*_POD, "containers", "volumes")}
        if len(containers) > 1:
            rest["containers"] = containers[1:]
        mounts = _short_mounts(first.get("volumeMounts") or [], pod.get("volumes") or [])
        if mounts is not None:
            yield {**head, **own, **mounts, **({"template": {"spec": rest}} if rest else {}), **meta}
    yield {**head, "template": {"spec": shorten(pod)}, **meta}
    yield {**head, "template": {"spec": pod}, **meta}


def _short_mounts(mounts: list[Any], volumes: list[Any]) -> dict[str, Any] | None:
    """The mounts of claims by their name; None where there is anything else."""
    claims = {v.get("name"): (v.get("persistentVolumeClaim") or {}).get("claimName") for v in volumes}
    if any(name != claim for name, claim in claims.items()) or {m.get("name") for m in mounts} != claims.keys():
        return None
    if len(mounts) != len(claims):
        return None
    short = {}
    for mount in mounts:
        rest = {key: value for key, value in mount.items() if key != "name"}
        short[mount["name"]] = rest["mountPath"] if rest.keys() == {"mountPath"} else rest
    return {"volumeMounts": short} if short else {}


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """The notebook controller's traps: upstream has no webhook, and admits whatever fits the schema.

    Source: notebook-controller v1.10.0, `notebook_controller.go` and `culling_controller.go`; executed.
    """
    meta = body["metadata"]
    name = meta.get("name", "")
    if isinstance(name, str):
        yield from _name(name)
    for key in _RUNTIME_ANNOTATIONS:
        if key in (meta.get("annotations") or {}):
            path = ("metadata", "annotations", key)
            message = f"'{key}' is the dashboard's to set: who starts the server would be undone by the next apply"
            yield finding("KF322", message, path, hint="remove it", at_key=True)
    pod = ((body.get("spec") or {}).get("template") or {}).get("spec")
    containers = pod.get("containers") if isinstance(pod, dict) else None
    if not containers:
        message = "a Notebook without a container crashes the controller, for everybody's notebooks"
        yield finding("KF321", message, ("spec",), hint="add 'template: {spec: {containers: [...]}}'", at_key=True)
        return
    assert isinstance(pod, dict)
    at: Path = ("spec", "template", "spec")
    if containers[0].get("name") != name:
        message = f"the first container is called '{containers[0].get('name')}', not '{name}' as the notebook"
        hint = "the dashboard shows the state of the container that has the notebook's name"
        yield finding("KF323", message, (*at, "containers", 0, "name"), hint=hint)
    yield from mount_findings(pod, at)


def _name(name: str) -> Iterator[Diagnostic]:
    if len(name) > NAME_LIMIT:
        message = f"the name has {len(name)} characters; a notebook's pods start with at most {NAME_LIMIT}"
        yield finding("KF320", message, ("metadata", "name"), hint=f"shorten it by {len(name) - NAME_LIMIT}")
    elif re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name) is None:
        message = f"no Service can be called '{name}', and a notebook is reached through one of its name"
        yield finding("KF320", message, ("metadata", "name"), hint="begin with a letter; use letters, digits and '-'")


def mount_findings(pod: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    """Mounts that the API server refuses when the pod is made (core/v1 validation, kubernetes v1.37)."""
    known = [v.get("name") for v in pod.get("volumes") or () if isinstance(v, dict)]
    for group in ("initContainers", "containers"):
        for n, container in enumerate(pod.get(group) or ()):
            paths: dict[str, int] = {}
            for m, mount in enumerate(container.get("volumeMounts") or ()):
                path = (*at, group, n, "volumeMounts", m)
                where, volume_name = mount.get("mountPath"), mount.get("name")
                if volume_name not in known:
                    hint = did_you_mean(str(volume_name), [str(k) for k in known], "declare it under 'volumes'")
                    yield finding("KF324", f"the pod has no volume '{volume_name}'", (*path, "name"), hint=hint)
                if where in paths:
                    message = f"two volumes are mounted at '{where}'"
                    yield finding("KF324", message, (*path, "mountPath"), hint="every mount needs a path of its own")
                paths.setdefault(where, m)


EFFECTS = notebook_effects.EFFECTS
ready = notebook_effects.ready
