"""A Tensorboard over logs on a volume, or in a bucket.

`tensorboards: {training: {volume: features, path: runs}}`, or upstream's `logspath: gs://acme/runs`. The controller takes no
other log path for a Tensorboard that is there, so the plan makes it anew; it keeps nothing of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from kfspec.catalog.metadata import name_problem
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic
from kfspec.kinds import base
from kfspec.kinds.base import Context, Effect, Facts, Look, Lowered, Outcome, Readiness, State
from kfspec.kinds.lifting import own_metadata
from kfspec.kinds.podspec import LEGACY_CLAIM
from kfspec.kinds.status import at, count
from kfspec.resource import GVK, Body, Origin
from kfspec.spec.base import Json, Namespaced

BLOCK = "tensorboards"
PRODUCES = (GVK("tensorboard.kubeflow.org", "v1alpha1", "Tensorboard"),)

NAME_LIMIT = 58
"""The port of its Service is called `http-<name>`, in 63 characters (tensorboard-controller v1.10.0; executed for Notebooks)."""

_CLOUD = ("gs://", "s3://", "/cns/")


class Item(Namespaced):
    """A Tensorboard."""

    volume: str | None = Field(default=None, description="The volume that holds the logs; declared or external.")
    path: str | None = Field(default=None, description="Where on the volume, from its root.")
    logspath: Json = Field(
        default=None, description="Upstream's URI: `pvc://<volume>/<path>`, `gs://...` or `s3://...`."
    )
    podDefaults: tuple[str, ...] = Field(  # noqa: N815
        default=(), strict=False, description="PodDefaults to select, by the label that they go by."
    )


def lower(item: Item, ctx: Context) -> Lowered:
    """One Tensorboard."""
    found = list(_forms(item, ctx))
    origins = {**base.base_origins(ctx), ("spec",): Origin(ctx.path)}
    logs = item.logspath
    if item.volume is not None:
        origins["spec", "logspath"] = Origin((*ctx.path, "volume"))
        logs = f"pvc://{item.volume}/{(item.path or '').strip('/')}"
    labels = dict.fromkeys(item.podDefaults, "true")
    body = {
        "apiVersion": PRODUCES[0].api_version,
        "kind": "Tensorboard",
        "metadata": base.metadata(ctx, item, labels=labels),
        "spec": {"logspath": logs} if logs is not None else {},
    }
    return Lowered((base.resource(ctx, body, origins),) if not found else (), tuple(found))


def _forms(item: Item, ctx: Context) -> Iterator[Diagnostic]:
    """A volume, or a URI."""
    if item.volume is None and item.logspath is None:
        message = f"'{'.'.join(map(str, ctx.path))}' lacks 'volume'"
        yield finding("KF102", message, ctx.path, hint="add 'volume:', or 'logspath:' for a bucket", at_key=True)
    elif item.volume is not None and item.logspath is not None:
        message = "'volume' and 'logspath' say the same thing"
        yield finding("KF340", message, (*ctx.path, "logspath"), hint="keep one of them", at_key=True)
    elif item.path is not None and item.volume is None:
        message = "'path' is one on a volume, and there is none"
        yield finding("KF340", message, (*ctx.path, "path"), hint="put it into 'logspath'", at_key=True)
    elif ".." in (item.path or "").split("/"):
        message = f"'{item.path}' is no path below a volume's root, and no pod mounts it"
        yield finding("KF741", message, (*ctx.path, "path"), hint="a path without '..'")


def lift(body: Body) -> Iterator[dict[str, Any]]:
    """Items that may stand for the Tensorboard, the shortest first."""
    spec = body.get("spec")
    if not isinstance(spec, dict) or spec.keys() != {"logspath"}:
        return
    logs, meta = spec["logspath"], own_metadata(body)
    if isinstance(logs, str) and logs.startswith("pvc://"):
        claim, _, path = logs.removeprefix("pvc://").partition("/")
        yield {"volume": claim, **({"path": path} if path else {}), **meta}
    yield {"logspath": logs, **meta}


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """The controller's traps; upstream has no webhook, and the controller fails without a word in the status.

    Source: tensorboard-controller v1.10.0, tensorboard_controller.go (generateDeployment, generateService); executed.
    """
    name, logs = body["metadata"].get("name"), (body.get("spec") or {}).get("logspath")
    if isinstance(name, str) and name_problem(name, "-", "") is None:
        yield from _name(name)
    if not isinstance(logs, str) or logs.startswith(_CLOUD):
        return
    path = ("spec", "logspath")
    if logs.startswith("pvc://"):
        claim, _, below = logs.removeprefix("pvc://").partition("/")
        if not claim:
            yield finding("KF741", f"'{logs}' names no volume", path, hint="pvc://<volume>/<path>")
        elif below.startswith("/") or ".." in below.split("/"):
            message = f"'{below}' is no path below a volume's root, and no pod mounts it"
            yield finding("KF741", message, path, hint=f"pvc://{claim}/<path>, without '..' and a second '/'")
    elif "://" in logs:
        message = f"the controller reads no '{logs.split('://')[0]}://', and mounts the claim '{LEGACY_CLAIM}' instead"
        yield finding("KF741", message, path, hint="pvc://, gs:// or s3://")
    elif not logs.startswith("/"):
        message = f"'{logs}' is no path in a container" if logs else "the log path is empty, and no pod can be made"
        yield finding("KF741", message, path, hint="pvc://<volume>/<path>, gs://... or s3://...")


def _name(name: str) -> Iterator[Diagnostic]:
    if len(name) > NAME_LIMIT:
        message = f"the name has {len(name)} characters; the port of its Service leaves room for {NAME_LIMIT}"
        yield finding("KF741", message, ("metadata", "name"), hint=f"shorten it by {len(name) - NAME_LIMIT}")
    elif re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name) is None:
        message = f"no Service can be called '{name}', and a Tensorboard is reached through one of its name"
        yield finding("KF741", message, ("metadata", "name"), hint="begin with a letter; use letters, digits and '-'")


EFFECTS = (
    Effect(
        ("spec", "logspath"),
        "the controller ignores another logspath, so the Tensorboard is deleted and made again: it keeps nothing of its own",
        "tensorboard-controller v1.10.0, tensorboard_controller.go (CopyDeploymentSetFields)",
        Outcome.IGNORED,
    ),
)


def ready(body: Body, look: Look) -> Readiness:
    """By its ready replicas."""
    if count(at(body, "status", "readyReplicas")):
        return Readiness(State.READY)
    path = at(body, "spec", "logspath")
    if not at(body, "status", "conditions") and isinstance(path, str) and path.startswith("pvc://"):
        claim = path.removeprefix("pvc://").split("/")[0]
        return Readiness(State.WAITING, f"waits for its Deployment, which needs PersistentVolumeClaim/{claim}")
    return Readiness(State.WAITING, "waits for its pod")
