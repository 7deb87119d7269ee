"""The way back for the training operator's jobs: what the short forms make of replica types that have much in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from kfspec.kinds.lifting import own_metadata, shorten
from kfspec.kinds.training.queues import QUEUE, lifted_queue
from kfspec.kinds.training.shared import CONTAINER, NOT_OF_LAUNCHED, POD, JobKind
from kfspec.resource import Body


class _Replica(NamedTuple):
    """A replica type, taken apart: what the short form could say of it, by the item's field, and what it could not."""

    fields: dict[str, Any]
    others: list[Any]
    """Containers beside the job's own."""
    container: dict[str, Any]
    pod: dict[str, Any]
    meta: dict[str, Any]
    template: dict[str, Any]
    rest: dict[str, Any]


def lift_job(body: Body, job: JobKind) -> Iterator[dict[str, Any]]:
    """Items that may stand for the job, the shortest first."""
    spec = body.get("spec")
    known = ("runPolicy", *job.extra)
    if not isinstance(spec, dict) or spec.keys() - {*known, job.replicas}:
        return
    rest = {key: spec[key] for key in known if key in spec}
    policy = rest.get("runPolicy")
    if isinstance(policy, dict) and policy.get("suspend") is False and len(policy) > 1:  # what every stored job says
        rest["runPolicy"] = {key: value for key, value in policy.items() if key != "suspend"}
    queue = lifted_queue(body)
    meta = {**queue, **own_metadata(body, (QUEUE,) if queue else ())}
    replicas = spec.get(job.replicas)
    short = _short_form(replicas, job) if isinstance(replicas, dict) else None
    if short is not None:
        left = {job.replicas: short.pop(job.replicas)} if job.replicas in short else {}
        yield {"kind": job.kind, **short, **rest, **left, **meta}
    yield {"kind": job.kind, **rest, job.replicas: shorten(replicas), **meta}
    yield {"kind": job.kind, **rest, job.replicas: replicas, **meta}


def _short_form(replicas: dict[str, Any], job: JobKind) -> dict[str, Any] | None:
    """What all replica types share as the item's own fields, and below the replica types what is left; None where they do
    not even share an image."""
    parts = {name: _apart(replica, job) for name, replica in replicas.items()}
    taken = {name: part for name, part in parts.items() if part is not None}
    if not taken or len(taken) < len(parts):
        return None
    item = {key: value for key in _FIELDS for value in _shared(key, taken, job)}
    if "image" not in item:
        return None
    left = {name: _together(part, _said_of(name, item, job), job) for name, part in taken.items()}
    worker = left.get(job.worker)
    if worker is not None:
        item["workers"] = worker.pop("replicas", 1)
    for leader in job.leaders:
        if left.get(leader, {}).get("replicas") == 1:
            left[leader].pop("replicas")
    left = {name: replica for name, replica in left.items() if replica or name not in (*job.leaders, job.worker)}
    order = [*CONTAINER, "workers", *POD, "restartPolicy", "podLabels", "podAnnotations"]
    result = {key: shorten(item[key], key) for key in order if key in item}
    return {**result, **({job.replicas: shorten(left)} if left else {})}


_FIELDS = (*CONTAINER, *POD, "restartPolicy", "podLabels", "podAnnotations")


def _apart(replica: Any, job: JobKind) -> _Replica | None:
    template = replica.get("template") if isinstance(replica, dict) else None
    pod = template.get("spec") if isinstance(template, dict) else None
    containers = pod.get("containers") if isinstance(pod, dict) else None
    if not isinstance(template, dict) or not isinstance(pod, dict) or not isinstance(containers, list):
        return None
    own = next((c for c in containers if isinstance(c, dict) and c.get("name") == job.container), None)
    meta = template.get("metadata") or {}
    if own is None or not isinstance(meta, dict):
        return None
    fields = {key: own[key] for key in CONTAINER if key in own}
    fields |= {key: pod[key] for key in POD if key in pod}
    fields |= {"restartPolicy": replica["restartPolicy"]} if "restartPolicy" in replica else {}
    fields |= {f"pod{key.capitalize()}": meta[key] for key in ("labels", "annotations") if meta.get(key)}
    return _Replica(
        fields,
        [c for c in containers if c is not own],
        {key: value for key, value in own.items() if key not in CONTAINER},
        {key: value for key, value in pod.items() if key not in ("containers", *POD)},
        {key: value for key, value in meta.items() if key not in ("labels", "annotations")},
        {key: value for key, value in template.items() if key not in ("metadata", "spec")},
        {key: value for key, value in replica.items() if key not in ("template", "restartPolicy")},
    )


def _shared(key: str, parts: dict[str, _Replica], job: JobKind) -> Iterator[Any]:
    """The value that the short form gives to all whom it gives this field; nothing where they differ."""
    given = [part.fields.get(key) for name, part in parts.items() if _speaks_of(name, key, job)]
    if given and given[0] is not None and all(value == given[0] for value in given):
        yield given[0]


def _speaks_of(name: str, key: str, job: JobKind) -> bool:
    return not (job.launcher and key in NOT_OF_LAUNCHED.get(name, ()))


def _said_of(name: str, item: dict[str, Any], job: JobKind) -> set[str]:
    return {key for key in item if _speaks_of(name, key, job)}


def _together(part: _Replica, said: set[str], job: JobKind) -> dict[str, Any]:
    """The replica type without what is said of all."""
    left = {key: value for key, value in part.fields.items() if key not in said}
    container = {**part.container, **{key: left[key] for key in CONTAINER if key in left}}
    containers = ([container] if container.keys() != {"name"} else []) + part.others
    pod = {**part.pod, **{key: left[key] for key in POD if key in left}}
    pod |= {"containers": containers} if containers else {}
    labels = {key.removeprefix("pod").lower(): left[key] for key in ("podLabels", "podAnnotations") if key in left}
    meta = {**part.meta, **labels}
    template = {**part.template, **({"metadata": meta} if meta else {}), **({"spec": pod} if pod else {})}
    rest = {**part.rest, **{key: left[key] for key in ("restartPolicy",) if key in left}}
    return {**rest, **({"template": template} if template else {})}
