"""What pods of a profile get when they ask for it by a label (PodDefault).

`podDefaults: {hub-token: {desc: ..., env: {HF_TOKEN: {valueFrom: ...}}}}`. A pod asks by the label `<name>: "true"`; a
notebook does so by `podDefaults: [hub-token]`. Every field of upstream's spec is taken; its `labels` and `annotations`,
which are the pod's, are `podLabels` and `podAnnotations` here, as with jobs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path
from kfspec.kinds import base
from kfspec.kinds.base import Context, Effect, Facts, Lowered, Outcome
from kfspec.kinds.lifting import own_metadata, shorten
from kfspec.kinds.shortforms import Expansion
from kfspec.resource import GVK, Body, Origin
from kfspec.spec.base import Json, Namespaced

BLOCK = "podDefaults"
PRODUCES = (GVK("kubeflow.org", "v1alpha1", "PodDefault"),)

_UPSTREAM = {
    "selector": "selector",
    "desc": "desc",
    "env": "env",
    "envFrom": "envFrom",
    "volumes": "volumes",
    "volumeMounts": "volumeMounts",
    "initContainers": "initContainers",
    "sidecars": "sidecars",
    "serviceAccountName": "serviceAccountName",
    "automountServiceAccountToken": "automountServiceAccountToken",
    "podLabels": "labels",
    "podAnnotations": "annotations",
    "tolerations": "tolerations",
    "command": "command",
    "args": "args",
    "imagePullSecrets": "imagePullSecrets",
}
"""Field of the item -> field of upstream's spec."""


class Item(Namespaced):
    """What pods get when they ask for it."""

    desc: Json = Field(default=None, description="Upstream's: what the dashboard shows; the name otherwise.")
    selector: Json = Field(default=None, description='Upstream\'s; `{matchLabels: {<name>: "true"}}` otherwise.')
    env: Json = Field(default=None, description="`{NAME: value}`, or upstream's list.")
    envFrom: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    volumes: Json = Field(default=None, description="`{name: source}`, or upstream's list.")
    volumeMounts: Json = Field(default=None, description="`{name: path}`, or upstream's list.")  # noqa: N815
    initContainers: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    sidecars: Json = Field(default=None, description="Upstream's: containers added to the pod.")
    serviceAccountName: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    automountServiceAccountToken: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    podLabels: Json = Field(default=None, description="Upstream's `labels`, of the pods.")  # noqa: N815
    podAnnotations: Json = Field(default=None, description="Upstream's `annotations`, of the pods.")  # noqa: N815
    tolerations: Json = Field(default=None, description="Upstream's.")
    command: Json = Field(default=None, description="Upstream's, for containers that have none.")
    args: Json = Field(default=None, description="Upstream's, for containers that have none.")
    imagePullSecrets: Json = Field(default=None, description="Upstream's.")  # noqa: N815


def lower(item: Item, ctx: Context) -> Lowered:
    """One PodDefault."""
    expansion = Expansion(ctx)
    expansion.origins["spec",] = Origin(ctx.path)
    spec = {"selector": {"matchLabels": {ctx.name: "true"}}, "desc": ctx.name}
    for field, upstream in _UPSTREAM.items():
        value = getattr(item, field)
        if value is not None:
            at: Path = ("spec", upstream)
            spec[upstream] = expansion.field(upstream, value, at, (*ctx.path, field))
            expansion.origins[at] = Origin((*ctx.path, field))
    body = {
        "apiVersion": "kubeflow.org/v1alpha1",
        "kind": "PodDefault",
        "metadata": base.metadata(ctx, item),
        "spec": spec,
    }
    origins = {**base.base_origins(ctx), **expansion.origins}
    return Lowered((base.resource(ctx, body, origins),), tuple(expansion.found))


def lift(body: Body) -> Iterator[dict[str, Any]]:
    """Items that may stand for the object, the shortest first."""
    spec = body.get("spec")
    fields = {upstream: field for field, upstream in _UPSTREAM.items()}
    if not isinstance(spec, dict) or spec.keys() - fields.keys():
        return
    meta, name = own_metadata(body), (body.get("metadata") or {}).get("name")
    item = {fields[key]: shorten(value, key) for key, value in spec.items()}
    selector = item.pop("selector", None)
    if selector == {"matchLabels": {name: "true"}}:
        yield {**item, **meta}
    yield {fields[key]: value for key, value in spec.items()} | meta


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """The dashboard reads the first label of `selector.matchLabels`, and fails without (jupyter-web-app v1.10.0)."""
    selector = (body.get("spec") or {}).get("selector") or {}
    labels = selector.get("matchLabels") or {}
    at: Path = ("spec", "selector")
    name = body["metadata"].get("name")
    hint = f'matchLabels: {{{name}: "true"}}'
    if not labels:
        message = "the dashboard lists no pod default of the namespace where one has no 'matchLabels'"
        yield finding("KF305", message, at, hint=hint, at_key=True)
    elif len(labels) > 1 or selector.get("matchExpressions") or next(iter(labels.values())) != "true":
        message = 'the dashboard sets the first label to "true" and nothing else: this selector stays unmet there'
        yield finding("KF305", message, at, hint=hint, at_key=True)


EFFECTS = (
    Effect(
        ("spec", "selector"),
        "other pods are selected, as they are made; pods that run stay as they are",
        "admission-webhook v1.10.0, main.go (pods, CREATE)",
        Outcome.LATER,
    ),
    Effect(("spec", "desc"), "the dashboard shows it as {new}, not {old}", "jupyter-web-app v1.10.0, get.py"),
    Effect(
        ("spec",),
        "new pods get the change; pods that run stay as they are",
        "admission-webhook v1.10.0, main.go (pods, CREATE)",
        Outcome.LATER,
    ),
)
ready = base.ready_when_there
