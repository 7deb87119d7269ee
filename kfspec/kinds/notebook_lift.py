"""What `import` makes of a Notebook: the item that people would write for what the dashboard has stored.

Also what an item's own fields stand for: those of the first container, and those of its pod.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from kfspec.kinds.lifting import own_metadata, shorten
from kfspec.resource import Body

UI = "notebooks.kubeflow.org"

CONTAINER = [
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
POD = [
    "serviceAccountName",
    "nodeSelector",
    "tolerations",
    "affinity",
    "imagePullSecrets",
    "priorityClassName",
    "runtimeClassName",
]

SERVER_TYPES = {"jupyter": "jupyter", "vscode": "group-one", "rstudio": "group-two"}
"""Ours -> the annotation's value by which the dashboard shows the server (jupyter-web-app v1.10.0)."""

_MADE = {
    "jupyter": (),
    "vscode": ("http-rewrite-uri",),
    "rstudio": ("http-rewrite-uri", "http-headers-request-set"),
}
"""What the kind of server makes of itself among the annotations."""


def lift(body: Body) -> Iterator[dict[str, Any]]:
    """Items that may stand for the Notebook, the shortest first."""
    spec, name = body.get("spec"), (body.get("metadata") or {}).get("name")
    template = spec.get("template") if isinstance(spec, dict) and spec.keys() == {"template"} else None
    pod = template.get("spec") if isinstance(template, dict) and template.keys() == {"spec"} else None
    if not isinstance(pod, dict):
        return
    given = (body["metadata"].get("annotations") or {}).get(f"{UI}/server-type")
    server = next((ours for ours, theirs in SERVER_TYPES.items() if theirs == given), "jupyter")
    made = ("server-type", "creator", *_MADE[server])
    meta = own_metadata(body, labels=("app",), annotations={f"{UI}/{key}" for key in made})
    creator = (body["metadata"].get("annotations") or {}).get(f"{UI}/creator")
    head = {
        **({"serverType": server} if server != "jupyter" else {}),
        **({"creator": creator} if creator is not None else {}),
    }
    containers: list[Any] = pod["containers"] if isinstance(pod.get("containers"), list) else []
    first = containers[0] if containers else None
    if (
        isinstance(first, dict)
        and first.get("name") == name
        and not first.keys() - {"name", "volumeMounts", *CONTAINER}
    ):
        own = {key: shorten(first[key], key) for key in CONTAINER if first.get(key, []) != []}
        own |= {key: pod[key] for key in POD if pod.get(key, []) != []}
        rest = {key: value for key, value in pod.items() if key not in (*POD, "containers", "volumes")}
        if len(containers) > 1:
            rest["containers"] = containers[1:]
        for mounts, volumes in _mounts(first.get("volumeMounts") or [], pod.get("volumes") or []):
            inside = shorten({**rest, **({"volumes": volumes} if volumes else {})})
            yield {**head, **own, **mounts, **({"template": {"spec": inside}} if inside else {}), **meta}
    yield {**head, "template": {"spec": shorten(pod)}, **meta}
    yield {**head, "template": {"spec": pod}, **meta}


def defaulted(body: Body) -> Body:
    """The object without the empty lists that the dashboard writes, and with volumes and mounts by name: their order says
    nothing to a pod."""
    spec = body.get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    pod = template.get("spec") if isinstance(template, dict) else None
    if not isinstance(spec, dict) or not isinstance(template, dict) or not isinstance(pod, dict):
        return body
    ordered = _ordered(pod, "volumes", lambda volume: str(volume.get("name")))
    for group in ("initContainers", "containers"):
        given = ordered.get(group)
        if isinstance(given, list):
            ordered[group] = [
                _ordered(each, "volumeMounts", lambda mount: str(mount.get("mountPath")))
                if isinstance(each, dict)
                else each
                for each in given
            ]
    return {**body, "spec": {**spec, "template": {**template, "spec": ordered}}}


def _ordered(value: dict[str, Any], field: str, key: Callable[[dict[str, Any]], str]) -> dict[str, Any]:
    """The mapping without empty lists, and with the entries of one list by their key."""
    result = {name: item for name, item in value.items() if item != []}
    entries = result.get(field)
    if isinstance(entries, list) and all(isinstance(each, dict) for each in entries):
        result[field] = sorted(entries, key=key)
    return result


_SHM = {"name": "dshm", "mountPath": "/dev/shm"}  # noqa: S108


def _mounts(mounts: list[Any], volumes: list[Any]) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """What an item's own fields may say of the first container's mounts, and the volumes that are left for `template`."""
    given = {each.get("name"): each.get("emptyDir") for each in volumes if each.keys() == {"name", "emptyDir"}}
    memory = given.get(_SHM["name"]) or {}
    shared: dict[str, Any] = {}
    if _SHM in mounts and memory.get("medium") == "Memory" and not memory.keys() - {"medium", "sizeLimit"}:
        shared = {"sharedMemory": memory.get("sizeLimit", True)}
        mounts = [each for each in mounts if each != _SHM]
        volumes = [each for each in volumes if each.get("name") != _SHM["name"]]
    short = _short_mounts(mounts, volumes)
    if short is not None:
        yield {**shared, **short}, []
    yield {**shared, **({"volumeMounts": mounts} if mounts else {})}, volumes


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
