"""The way back from objects of Kubeflow Pipelines: an item is a Pipeline and the newest of its versions.

The latest version is the one with the newest creationTimestamp (KFP 2.15.0, `apiserver/storage/pipeline_store_kubernetes.go`).
Files that nobody exported from a cluster have none, so of several versions in them none can be taken for the pipeline.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kfspec.credentials import env_credential, looks_like_credential
from kfspec.diagnostics import Path
from kfspec.kinds.lifting import own_metadata
from kfspec.kinds.status import at
from kfspec.resource import Body

BLOCK = "pipelines"
GROUP = "pipelines.kubeflow.org"

_OWN_LABELS = (f"{GROUP}/pipeline", f"{GROUP}/pipeline-id")


def stored(body: Body) -> Body:
    """The object without what the webhook of KFP writes into a version: two labels, and the Pipeline as owner.

    KFP 2.15.0 `apiserver/webhook/pipelineversion_webhook.go`.
    """
    if body["kind"] != "PipelineVersion":
        return body
    meta = dict(body["metadata"])
    labels = {key: value for key, value in (meta.pop("labels", None) or {}).items() if key not in _OWN_LABELS}
    owners = [o for o in meta.pop("ownerReferences", None) or () if o.get("kind") != "Pipeline"]
    kept = {**({"labels": labels} if labels else {}), **({"ownerReferences": owners} if owners else {})}
    return {**body, "metadata": {**meta, **kept}}


def credential(body: Body) -> tuple[Path, str] | None:
    """The place of the first literal in a PipelineVersion that looks like a credential, and what it looks like.

    It cannot be taken out: with a reference in its place the version would be another one.
    """
    if body["kind"] != "PipelineVersion":
        return None
    return next(_credentials(body.get("spec"), ("spec",)), None)


def _credentials(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        what = next((w for line in value.splitlines() if (w := looks_like_credential(line)) is not None), None)
        if what is not None:
            yield path, what
        return
    name, literal = (value.get(key) if isinstance(value, dict) else None for key in ("name", "value"))
    if path[-2:-1] == ("env",) and isinstance(name, str) and isinstance(literal, str):
        what = env_credential(name, literal)
        if what is not None:
            yield (*path, "value"), what
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in entries:
        yield from _credentials(item, (*path, key))


def version_of(pipeline: Body, bodies: Sequence[Body]) -> tuple[Body | None, str]:
    """The version that stands for the pipeline; else why there is none."""
    meta = pipeline["metadata"]
    versions = [
        body
        for body in bodies
        if (body["apiVersion"].partition("/")[0], body["kind"]) == (GROUP, "PipelineVersion")
        and at(body, "spec", "pipelineName") == meta["name"]
        and body["metadata"].get("namespace") == meta.get("namespace")
    ]
    if not versions:
        return None, "no PipelineVersion of it is among the manifests"
    if len(versions) == 1:
        return versions[0], ""
    made = [str(version["metadata"].get("creationTimestamp") or "") for version in versions]
    newest = max(made)
    if not all(made) or made.count(newest) > 1:
        return None, f"which of its {len(versions)} versions is the newest cannot be told"
    return versions[made.index(newest)], ""


def items(pipeline: Body, version: Body) -> Iterator[dict[str, Any]]:
    """Items that may stand for the two, the shortest first: named by its content, then by its own name."""
    spec = version.get("spec") or {}
    ir, platform = spec.get("pipelineSpec"), spec.get("platformSpec")
    if not isinstance(ir, dict):
        return
    shown = pipeline.get("spec") or {}
    item = {
        **{key: shown[key] for key in ("displayName", "description") if key in shown},
        **own_metadata(pipeline),
        "package": {**ir, **(platform if isinstance(platform, dict) else {})},
    }
    yield item
    said = ("displayName", "description", "codeSourceURL", "pipelineSpecURI")
    named = {"name": version["metadata"]["name"], **{key: spec[key] for key in said if key in spec}}
    yield {"version": named, **item}
