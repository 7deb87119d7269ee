"""`code:` of a run: its files in a ConfigMap that is named by their content, mounted where the command runs."""

from __future__ import annotations

from typing import Any, NamedTuple

from pydantic import Field

from kfspec.diagnostics import Path
from kfspec.kinds import base
from kfspec.kinds.base import Context
from kfspec.kinds.shortforms import Expansion
from kfspec.resource import GVK, Origin, Resource
from kfspec.spec.base import Block, Model

MOUNT_PATH = "/opt/code"
"""Part of every run's identity: another default would start all of them anew."""

CONFIG_MAP = GVK("", "v1", "ConfigMap")
"""What a run with `code` has beside its own object."""

_VOLUME = "code"


class CodeSource(Model):
    """The long form of `code`."""

    path: str = Field(min_length=1, description="A file or a folder, beside the file that names it.")
    mountPath: str = Field(  # noqa: N815
        default=MOUNT_PATH, pattern="^/", description="Where the container finds the files."
    )


class Mounted(NamedTuple):
    """Code as a container's mount and a pod's volume."""

    path: str
    mount: dict[str, Any]
    volume: dict[str, Any]


def mounted(code: str | CodeSource | None, ctx: Context, expansion: Expansion) -> Mounted | None:
    """The volume of an item's `code`, and its ConfigMap among `expansion.code`; None where there is none."""
    if code is None:
        return None
    at: Path = (*ctx.path, "code") if isinstance(code, str) else (*ctx.path, "code", "path")
    files = ctx.code(at)
    if files is None:
        return None
    name = f"{ctx.name}-code-{base.digest8([files.data, files.binary])}"
    expansion.code[name] = files
    path = code.mountPath if isinstance(code, CodeSource) else MOUNT_PATH
    volume = {"name": _VOLUME, "configMap": {"name": name, "items": [dict(item) for item in files.items]}}
    return Mounted(path, {"name": _VOLUME, "mountPath": path}, volume)


def config_maps(item: Block, ctx: Context, expansion: Expansion, *, protect: bool) -> tuple[Resource, ...]:
    """The ConfigMaps of all code that the item mounts. `protect`: as long as superseded runs are kept."""
    made = []
    for name, files in expansion.code.items():
        body: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": base.metadata(ctx, item, name, protect=protect),
            "immutable": True,
        }
        if files.data:
            body["data"] = files.data
        if files.binary:
            body["binaryData"] = files.binary
        made.append(base.resource(ctx, body, {(): Origin((*ctx.path, "code"), at_key=True)}))
    return tuple(made)
