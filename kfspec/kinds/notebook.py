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

from kfspec.catalog.metadata import name_problem
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path
from kfspec.kinds import base, notebook_effects, notebook_lift, volume
from kfspec.kinds.base import Context, Facts, Lowered
from kfspec.kinds.mounts import mount_findings
from kfspec.kinds.notebook_lift import CONTAINER, POD, SERVER_TYPES, UI
from kfspec.kinds.podvalues import value_findings
from kfspec.kinds.shortforms import Expansion
from kfspec.resource import GVK, Body, Origin, Resource
from kfspec.spec.base import Json, Namespaced
from kfspec.wording import did_you_mean

BLOCK = "notebooks"
PRODUCES = (GVK("kubeflow.org", "v1", "Notebook"), GVK("", "v1", "PersistentVolumeClaim"))
DERIVES_FROM = ("volumes",)

HOME = "/home/jovyan"
"""Where the images of Kubeflow keep the user's home (jupyter-web-app v1.10.0, `spawner_ui_config.yaml`)."""

_STOPPED = "kubeflow-resource-stopped"
_RUNTIME_ANNOTATIONS = (_STOPPED, f"{UI}/last-activity", f"{UI}/last_activity_check_timestamp")

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
    given = _template_pod(item, ctx, expansion)
    if given is None:
        return Lowered((), tuple(expansion.found))
    pod = dict(given)
    own = {key: value for key in CONTAINER if (value := getattr(item, key)) is not None}
    container = _container(item, ctx, expansion, own, pod)
    for key in POD:
        value = getattr(item, key)
        if value is not None:
            if key in pod:
                expansion.found.append(_twice(key, ctx))
            pod[key] = expansion.field(key, value, (*pod_path, key), (*ctx.path, key))
            expansion.origins[(*pod_path, key)] = Origin((*ctx.path, key))
    resources: list[Resource] = []
    listed = pod.get("volumes")
    known = listed if isinstance(listed, list) else []
    volumes, mounts = _volumes(item, ctx, expansion, resources, len(known))
    if volumes and known is (listed or known):  # what is no list is the schema's business
        pod["volumes"] = [*known, *volumes]
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
    if container is not None and item.image is None:  # was said, and the schema need not say it again
        return Lowered(tuple(resources), tuple(expansion.found))
    body = {
        "apiVersion": "kubeflow.org/v1",
        "kind": "Notebook",
        "metadata": _metadata(item, ctx),
        "spec": {"template": {"spec": pod}},
    }
    origins = {**base.base_origins(ctx), **expansion.origins}
    return Lowered((*resources, base.resource(ctx, body, origins)), tuple(expansion.found))


def _metadata(item: Item, ctx: Context) -> dict[str, Any]:
    annotations = {f"{UI}/server-type": SERVER_TYPES[item.serverType]}
    if item.serverType != "jupyter":
        annotations[f"{UI}/http-rewrite-uri"] = "/"
    if item.serverType == "rstudio":
        root = f"/notebook/{ctx.namespace}/{ctx.name}/"
        annotations[f"{UI}/http-headers-request-set"] = f'{{"X-RStudio-Root-Path":"{root}"}}'
    if item.creator is not None:
        annotations[f"{UI}/creator"] = item.creator
    labels = {"app": ctx.name, **dict.fromkeys(item.podDefaults, "true")}
    return base.metadata(ctx, item, labels=labels, annotations=annotations)


def _template_pod(item: Item, ctx: Context, expansion: Expansion) -> dict[str, Any] | None:
    """The pod spec that the item gives in full; None where it gives something else, which is said."""
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
        hint = "write 'template: {spec: {...}}'"
        if extra and extra[0] == "metadata":
            hint = "write 'labels' and 'annotations' of the notebook: its pod has the labels too"
        elif extra:
            hint = did_you_mean(extra[0], ["spec"]) or f"'{extra[0]}' belongs under 'spec'"
        expansion.found.append(finding("KF101" if extra else "KF103", message, where, hint=hint, at_key=bool(extra)))
        return None
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


lift = notebook_lift.lift


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """The notebook controller's traps: upstream has no webhook, and admits whatever fits the schema.

    Source: notebook-controller v1.10.0, `notebook_controller.go` and `culling_controller.go`; executed.
    """
    meta = body["metadata"]
    name = meta.get("name", "")
    if isinstance(name, str) and name_problem(name, "-", "") is None:
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
    yield from value_findings(pod, at)


def _name(name: str) -> Iterator[Diagnostic]:
    if len(name) > NAME_LIMIT:
        message = f"the name has {len(name)} characters; a notebook's pods start with at most {NAME_LIMIT}"
        yield finding("KF320", message, ("metadata", "name"), hint=f"shorten it by {len(name) - NAME_LIMIT}")
    elif re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name) is None:
        message = f"no Service can be called '{name}', and a notebook is reached through one of its name"
        yield finding("KF320", message, ("metadata", "name"), hint="begin with a letter; use letters, digits and '-'")


EFFECTS = notebook_effects.EFFECTS
ready = notebook_effects.ready
