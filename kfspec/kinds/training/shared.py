"""What the training operator's job kinds have in common: short forms and run identity. Their rules are in `rules`.

Source: training-operator 1.9.1 and 1.9.2, `pkg/webhooks/*`, `pkg/apis/kubeflow.org/v1/*_types.go`; executed for 1.9.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from pydantic import Field

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path
from kfspec.kinds import base
from kfspec.kinds.base import RUN_SUFFIX, Context, Lowered
from kfspec.kinds.shortforms import Expansion
from kfspec.kinds.training.code import CodeSource, config_maps, mounted
from kfspec.kinds.training.queues import queue_labels
from kfspec.resource import Origin
from kfspec.spec.base import Json, Namespaced


class JobKind(NamedTuple):
    """What tells one job kind from another."""

    kind: str
    replicas: str
    """The field of the spec that holds the replica types."""
    container: str
    """The name of the container that the operator looks for."""
    types: tuple[str, ...]
    leaders: tuple[str, ...]
    """The replica types that the short form starts once, beside the workers."""
    worker: str
    extra: tuple[str, ...]
    """Fields of the spec beside replicas and runPolicy."""
    launcher: bool = False
    """Whether `command` and `args` are the leader's alone, and `resources` the worker's (MPI)."""
    webhook: bool = True
    """Whether a webhook judges the kind at all."""
    strict_types: bool = True
    """Whether the webhook refuses other replica types."""
    admits_none: bool = False
    """Whether the webhook lets a job without any replica type pass."""
    counts_replicas: bool = False
    """Whether the kind's own rules judge how many replicas a type has."""
    named_container: bool = True
    """Whether the operator looks for the container by its name."""
    judges_run_policy: bool = True
    """Whether the webhook looks at `runPolicy.managedBy`."""
    services: bool = True
    """Whether every pod gets a Service of its name."""


class RunItem(Namespaced):
    """Fields that every training job takes, of whichever operator."""

    kind: str = Field(description="The kind of job.")
    run: bool = Field(default=True, description="`false`: a template only, checked and referable, and not run.")
    rerun: str | None = Field(default=None, description="Another text starts a new run of the same content.")
    onChange: Literal["keep", "replace"] = Field(  # noqa: N815
        default="keep", description="What becomes of the run that a change supersedes."
    )
    history: int = Field(default=2, ge=0, description="How many finished runs `gc` leaves.")
    queue: str | None = Field(
        default=None, min_length=1, description="The LocalQueue of Kueue that the job waits in: a label."
    )


class JobItem(RunItem):
    """Fields that every job of the training operator takes."""

    image: Json = Field(default=None, description="The image of every replica.")
    imagePullPolicy: Json = Field(default=None, description="Upstream's, for every replica.")  # noqa: N815
    command: Json = Field(default=None, description="Upstream's, for every replica.")
    args: Json = Field(default=None, description="Upstream's, for every replica.")
    workingDir: Json = Field(default=None, description="Upstream's, for every replica.")  # noqa: N815
    env: Json = Field(default=None, description="`{NAME: value}`, or upstream's list, for every replica.")
    envFrom: Json = Field(default=None, description="Upstream's, for every replica.")  # noqa: N815
    resources: Json = Field(default=None, description="`{cpu, memory, gpu}`, or upstream's, for every replica.")
    volumeMounts: Json = Field(  # noqa: N815
        default=None, description="Volume -> path, or `{mountPath, subPath, readOnly}`, for every replica."
    )
    workers: int | None = Field(default=None, ge=0, description="How many workers run beside the leader.")
    restartPolicy: Json = Field(default=None, description="Upstream's, for every replica type.")  # noqa: N815
    serviceAccountName: Json = Field(default=None, description="Upstream's, for every replica.")  # noqa: N815
    nodeSelector: Json = Field(default=None, description="Upstream's, for every replica.")  # noqa: N815
    tolerations: Json = Field(default=None, description="Upstream's, for every replica.")
    imagePullSecrets: Json = Field(default=None, description="Upstream's, for every replica.")  # noqa: N815
    priorityClassName: Json = Field(default=None, description="Upstream's, for every replica.")  # noqa: N815
    podLabels: dict[str, str] | None = Field(default=None, description="Labels of every replica's pods.")  # noqa: N815
    podAnnotations: dict[str, str] | None = Field(default=None, description="Annotations of every replica's pods.")  # noqa: N815
    runPolicy: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    code: str | CodeSource | None = Field(
        default=None, description="A local file or folder, mounted into every replica; a change of it is a new run."
    )


class Lent(NamedTuple):
    """A job as the trial of an experiment."""

    trial: dict[str, Any]
    """The object that every trial makes, without a name."""
    container: str
    """The container whose metrics count."""
    leader_labels: dict[str, str]
    """Labels of the one pod whose metrics count."""
    done: str = "Succeeded"
    """The condition that says that it went well."""
    usual_leader: bool = True
    """Whether Katib takes that pod by itself, where it knows the kind."""


_DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
CONTAINER = ["image", "imagePullPolicy", "command", "args", "workingDir", "env", "envFrom", "resources"]
POD = ["serviceAccountName", "nodeSelector", "tolerations", "imagePullSecrets", "priorityClassName"]
NOT_OF_LAUNCHED = {"Worker": ("command", "args"), "Launcher": ("resources",)}
"""What the short form of an MPIJob leaves out: workers wait to be called, the launcher only calls (1.9.1)."""
_SHORT = (*CONTAINER, "volumeMounts", "code", "workers", "restartPolicy", *POD, "podLabels", "podAnnotations")


def lower_job(item: JobItem, ctx: Context, job: JobKind) -> Lowered:
    """One run: an object named `<name>-<hash8>`; nothing for a template (`run: false`) but its findings.

    The hash is over the kind, the canonical spec and `rerun`: what would run, and nothing that merely describes it.
    """
    expansion = Expansion(ctx)
    spec = job_spec(item, ctx, job, expansion)
    if job.replicas not in spec:
        return Lowered((), tuple(expansion.found))  # there is nothing that could run, which was said
    identity = {"kind": job.kind, "spec": spec, **({"rerun": item.rerun} if item.rerun is not None else {})}
    name = f"{ctx.name}-{base.digest8(identity)}"
    too_long = [d._replace(path=ctx.path) for d in _name_findings(ctx.name, job, spec)]
    if too_long:
        return Lowered((), (*expansion.found, *too_long))
    queue = queue_labels(item, item.queue, ctx, expansion)
    meta = base.metadata(ctx, item, name, labels=queue, protect=item.onChange == "keep")
    body = {"apiVersion": "kubeflow.org/v1", "kind": job.kind, "metadata": meta, "spec": spec}
    origins = {**base.base_origins(ctx), **expansion.origins}
    made = (*config_maps(item, ctx, expansion, protect=item.onChange == "keep"), base.resource(ctx, body, origins))
    return Lowered(made if item.run else (), tuple(expansion.found), () if item.run else made)


def job_spec(item: JobItem, ctx: Context, job: JobKind, expansion: Expansion) -> dict[str, Any]:
    """The spec of a job: upstream's own fields, and what the short form makes of the others."""
    expansion.origins["spec",] = Origin(ctx.path)
    spec: dict[str, Any] = {}
    for key in ("runPolicy", *job.extra):
        value = getattr(item, key, None)
        if value is not None:
            spec[key] = expansion.expand(value, ("spec", key), (*ctx.path, key))
    given = [key for key in _SHORT if getattr(item, key) is not None]
    long = getattr(item, job.replicas)
    replicas: Any = (
        expansion.expand(long, ("spec", job.replicas), (*ctx.path, job.replicas)) if long is not None else {}
    )
    if given and isinstance(replicas, dict):
        replicas = _with_short_form(item, ctx, job, expansion, dict(replicas))
    if not given and long is None:
        path = ctx.path
        message = f"'{'.'.join(map(str, path))}' lacks 'image'"
        expansion.found.append(finding("KF102", message, path, hint=f"add 'image:', or '{job.replicas}:'", at_key=True))
    if replicas or long is not None:
        spec[job.replicas] = replicas
    return spec


def lend_job(item: JobItem, ctx: Context, job: JobKind, expansion: Expansion) -> Lent:
    """The job as a trial. The operator marks one pod as the master: the Master's, or the first worker where there is none
    (1.9.1)."""
    labels = (
        {"training.kubeflow.org/job-role": "master"}
        if "Master" in job.types
        else {
            "training.kubeflow.org/replica-type": job.worker.lower(),
            "training.kubeflow.org/replica-index": "0",
        }
    )
    spec = job_spec(item, ctx, job, expansion)
    return Lent({"apiVersion": "kubeflow.org/v1", "kind": job.kind, "spec": spec}, job.container, labels)


def _with_short_form(
    item: JobItem, ctx: Context, job: JobKind, expansion: Expansion, replicas: dict[str, Any]
) -> dict[str, Any]:
    """Every replica type gets the short form's container; what the long form says of a type wins, field by field."""
    wanted: dict[str, int | None] = {}
    for leader in job.leaders:
        wanted[leader] = 1
    if item.workers == 0 and not job.leaders and not replicas:
        message = f"'workers' is 0, and {article(job.kind)} has nothing else that runs"
        expansion.found.append(finding("KF390", message, (*ctx.path, "workers"), hint="workers: 1"))
        wanted[job.worker] = 1
    if item.workers or (item.workers is None and (not job.leaders or job.launcher)):
        wanted[job.worker] = item.workers if item.workers is not None else 1
    for name in replicas:
        wanted.setdefault(name, None)
    result = {}
    for name, count in wanted.items():
        own = replicas.get(name, {})
        if not isinstance(own, dict):
            result[name] = own
            continue
        if name == job.worker and item.workers is not None and "replicas" in own:
            path = (*ctx.path, "workers")
            hint = "keep one of them"
            message = f"'workers' and '{job.replicas}.{name}.replicas' say the same thing"
            expansion.found.append(finding("KF340", message, path, hint=hint, at_key=True))
        result[name] = _replica(item, ctx, job, expansion, name, count, own)
    return result


def _replica(
    item: JobItem, ctx: Context, job: JobKind, expansion: Expansion, name: str, count: int | None, own: dict[str, Any]
) -> dict[str, Any]:
    at: Path = ("spec", job.replicas, name)
    replica = dict(own)
    if count is not None:
        replica.setdefault("replicas", count)
        if name == job.worker and item.workers is not None:
            expansion.origins[*at, "replicas"] = Origin((*ctx.path, "workers"))
    if item.restartPolicy is not None:
        replica.setdefault("restartPolicy", item.restartPolicy)
        expansion.origins.setdefault((*at, "restartPolicy"), Origin((*ctx.path, "restartPolicy")))
    template = replica.get("template", {})
    if not isinstance(template, dict) or not isinstance(template.get("spec", {}), dict):
        return replica
    pod = dict(template.get("spec", {}))
    listed = pod.get("containers")
    if any(pod.get(key) is not None and not isinstance(pod[key], list) for key in ("containers", "volumes")):
        return replica
    container_at: Path = (*at, "template", "spec", "containers", 0)
    mine = next((c for c in listed or () if isinstance(c, dict) and c.get("name") == job.container), None)
    container = {"name": job.container, **(mine or {})}
    for key in mine or ():
        there = (*ctx.path, job.replicas, name, "template", "spec", "containers", (listed or []).index(mine), key)
        expansion.origins[*container_at, key] = Origin(there)
    for key in CONTAINER:
        value = getattr(item, key)
        if value is None or (job.launcher and key in NOT_OF_LAUNCHED.get(name, ())):
            continue
        if mine is not None and key in mine:
            _mixed(expansion, ctx, key, name)
            continue
        container[key] = expansion.field(key, value, (*container_at, key), (*ctx.path, key))
        expansion.origins[*container_at, key] = Origin((*ctx.path, key))
    mounts, volumes = _mounts(
        item, ctx, expansion, container_at, (*at, "template", "spec"), len(pod.get("volumes") or ())
    )
    code = mounted(item.code, ctx, expansion)
    if code is not None:
        expansion.origins[*container_at, "volumeMounts", len(mounts)] = Origin((*ctx.path, "code"))
        mounts, volumes = [*mounts, code.mount], [*volumes, code.volume]
        container.setdefault("workingDir", code.path)
    if mounts:
        container["volumeMounts"] = [*(container.get("volumeMounts") or ()), *mounts]
        pod["volumes"] = [*(pod.get("volumes") or ()), *volumes] if volumes else pod.get("volumes", [])
    for key in POD:
        value = getattr(item, key)
        if value is not None and key not in pod:
            pod[key] = expansion.field(key, value, (*at, "template", "spec", key), (*ctx.path, key))
            expansion.origins[*at, "template", "spec", key] = Origin((*ctx.path, key))
    others = [c for c in listed or () if c is not mine]
    pod["containers"] = [container, *others]
    expansion.origins.setdefault(container_at, Origin(ctx.path))
    meta = dict(template.get("metadata") or {})
    for key, field in (("labels", "podLabels"), ("annotations", "podAnnotations")):
        value = getattr(item, field)
        if value:
            meta[key] = {**value, **(meta.get(key) or {})}
            expansion.origins[*at, "template", "metadata", key] = Origin((*ctx.path, field))
    replica["template"] = {**template, **({"metadata": meta} if meta else {}), "spec": pod}
    return replica


def _mixed(expansion: Expansion, ctx: Context, key: str, name: str) -> None:
    message = f"'{key}' is given for every replica, and for {name} again"
    diagnostic = finding("KF340", message, (*ctx.path, key), hint="keep one of them", at_key=True)
    if diagnostic not in expansion.found:
        expansion.found.append(diagnostic)


def _mounts(
    item: JobItem, ctx: Context, expansion: Expansion, container: Path, pod: Path, start: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Mounts of volumes by name, and the pod's volumes behind them."""
    if isinstance(item.volumeMounts, list):
        expansion.origins[*container, "volumeMounts"] = Origin((*ctx.path, "volumeMounts"))
        return item.volumeMounts, []
    return named_mounts(item.volumeMounts, ctx, expansion, container, pod, start)


def named_mounts(
    given: Any, ctx: Context, expansion: Expansion, container: Path, pod: Path, start: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The same of `volumeMounts: {data: /data}`; `start` is how many volumes the pod has already."""
    mounts: list[dict[str, Any]] = []
    volumes: list[dict[str, Any]] = []
    for name, value in given.items() if isinstance(given, dict) else ():
        path = (*ctx.path, "volumeMounts", name)
        mount = {"mountPath": value} if isinstance(value, str) else value
        if not isinstance(mount, dict):
            hint = "write the path where it is mounted, or {mountPath: ..., subPath: ..., readOnly: ...}"
            problem = finding("KF341", f"'{name}' has no path to be mounted at", path, hint=hint)
            if problem not in expansion.found:
                expansion.found.append(problem)
            continue
        expansion.origins[*container, "volumeMounts", len(mounts)] = Origin(path)
        expansion.origins[*container, "volumeMounts", len(mounts), "name"] = Origin(path, at_key=True)
        expansion.origins[*pod, "volumes", start + len(volumes)] = Origin(path, at_key=True)
        mounts.append({"name": name, **mount})
        volumes.append({"name": name, "persistentVolumeClaim": {"claimName": name}})
    return mounts, volumes


def _name_findings(name: str, job: JobKind, spec: dict[str, Any]) -> Iterator[Diagnostic]:
    """A run's pods and Services are named `<name>-<hash8>-<type>-<index>`, in 63 characters that a label may have."""
    if _DNS_1035.fullmatch(name) is None:
        near = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        hint = "begin with a letter; use lower-case letters, digits and '-'"
        hint = f"did you mean '{near}'?" if _DNS_1035.fullmatch(near) else hint
        yield finding("KF381", f"no {job.kind} can be called '{name}'", (), hint=hint, at_key=True)
        return
    longest = longest_suffix(job, spec)
    limit = 63 - longest - RUN_SUFFIX
    if len(name) > limit:
        message = (
            f"the name has {len(name)} characters; with its hash{_said_suffix(job, spec)} "
            f"{article(job.kind)} may have {limit}"
        )
        yield finding("KF380", message, (), hint=f"shorten it by {len(name) - limit}", at_key=True)


def _said_suffix(job: JobKind, spec: dict[str, Any]) -> str:
    return f" and '{'-' + '-'.join(_suffix_parts(job, spec))}'" if job.services else ""


def article(kind: str) -> str:
    """`a TFJob`, `an XGBoostJob`."""
    return f"{'an' if kind[0] in 'AEIMOX' else 'a'} {kind}"


def longest_suffix(job: JobKind, spec: dict[str, Any]) -> int:
    """Characters of the longest `-<type>-<index>` that a job's Services have."""
    if not job.services:
        return 0
    return 1 + len("-".join(_suffix_parts(job, spec)))


def _suffix_parts(job: JobKind, spec: dict[str, Any]) -> tuple[str, str]:
    replicas = spec.get(job.replicas)
    parts = [(job.worker.lower(), "0")]
    for name, replica in replicas.items() if isinstance(replicas, dict) else ():
        count = replica.get("replicas", 1) if isinstance(replica, dict) else 1
        parts.append((name.lower(), str(max(0, count - 1)) if isinstance(count, int) else "0"))
    return max(parts, key=lambda part: (len(part[0]) + len(part[1]), part[1]))
