"""The pods that Trainer makes of a job and its runtime.

Source: Trainer main at commits with the fields of 2.1 (ac90e6f) and of 2.2 (067e5c6), `pkg/runtime/core/trainingruntime.go`
(strategic merges of the job's changes), `plugins/jobset/{jobset,builder}.go`, `plugins/mpi/mpi.go`; JobSet main,
`jobset_controller.go` (labelAndAnnotateObject); the shipped runtimes as in `runtimes`. The variables that ML policies set are
left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from kfspec.kinds.status import at, maps
from kfspec.kinds.trainer.runtimes import LAUNCHER, NODE, STEP, STEP_CONTAINERS, Runtime, shipped
from kfspec.resource import Body

_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "volumeMounts": "mountPath",
}
"""Lists of a pod that a strategic merge joins by a key; it replaces the others."""

_STORAGE = "STORAGE_URI"
_WORKSPACE = "/workspace"
_INITIALIZER = "initializer"
"""The volume of the shipped runtimes that tune models."""


class Template(NamedTuple):
    """The pods of one replicated job."""

    job: str
    labels: dict[str, Any]
    annotations: dict[str, Any]
    spec: dict[str, Any]
    pods: int
    first: bool
    """They are over before the nodes start."""
    sized: frozenset[str]
    """Containers that `trainer.resourcesPerNode` is about."""


def templates(body: Body, runtime: Any) -> list[Template]:
    """The pods of a TrainJob, by replicated job. `runtime`: the spec of its runtime."""
    made = []
    for job in maps(at(runtime, "template", "spec", "replicatedJobs")):
        name = str(job.get("name"))
        template = _mapping(at(job, "template", "spec", "template"))
        for target, change in _changes(_mapping(body.get("spec"))):
            if target == name:
                template = merged(template, change)
        step = at(job, "template", "metadata", "labels", STEP)
        sized = _sized(name, runtime)
        spec = _with_claims(_mapping(template.get("spec")), runtime, at(body, "metadata", "name"))
        spec = _with_initializer(_with_trainer(spec, at(body, "spec", "trainer"), sized), step, body)
        meta = _mapping(template.get("metadata"))
        labels = {**_mapping(meta.get("labels")), **_of_job_set(at(body, "metadata", "name"), name)}
        count = _count(job, step, at(body, "spec", "trainer", "numNodes"), runtime)
        first = isinstance(step, str) and step != "trainer" and step in STEP_CONTAINERS
        made.append(Template(name, labels, _mapping(meta.get("annotations")), spec, count, first, sized))
    return made


def merged(base: Any, change: Any) -> Any:
    """A strategic merge of a pod template."""
    if not isinstance(base, dict) or not isinstance(change, dict):
        return change
    result = dict(base)
    for key, value in change.items():
        by = _KEYS.get(key)
        if by is not None and isinstance(value, list):
            result[key] = _joined(maps(result.get(key)), maps(value), by)
        else:
            result[key] = merged(result[key], value) if key in result else value
    return result


def _joined(base: list[dict[str, Any]], change: list[dict[str, Any]], by: str) -> list[dict[str, Any]]:
    result = list(base)
    for entry in change:
        known = next((n for n, each in enumerate(result) if each.get(by) == entry.get(by)), None)
        if known is None:
            result.append(entry)
        else:
            result[known] = merged(result[known], entry)
    return result


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _changes(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Replicated job, and what the job changes of its pod template; in both versions' words."""
    for override in maps(spec.get("podTemplateOverrides")):
        change = {key: override[key] for key in ("metadata", "spec") if isinstance(override.get(key), dict)}
        yield from ((str(target.get("name")), change) for target in maps(override.get("targetJobs")))
    for patch in maps(spec.get("runtimePatches")):
        for job in maps(at(patch, "trainingRuntimeSpec", "template", "spec", "replicatedJobs")):
            yield str(job.get("name")), _mapping(at(job, "template", "spec", "template"))


def _as_node(runtime: Any) -> bool:
    return at(runtime, "mlPolicy", "mpi", "runLauncherAsNode") is True


def _sized(job: str, runtime: Any) -> frozenset[str]:
    return frozenset({NODE, LAUNCHER} if _as_node(runtime) else {NODE})


def _with_trainer(spec: dict[str, Any], trainer: Any, sized: frozenset[str]) -> dict[str, Any]:
    """What a job says under `trainer`, in every container that is its own: amounts take the place of the runtime's."""
    given, env = at(trainer, "resourcesPerNode"), maps(at(trainer, "env"))
    amounts = {key: given[key] for key in ("requests", "limits") if isinstance(at(given, key), dict)}
    change = {**({"env": env} if env else {})}
    inside = []
    for container in maps(spec.get("containers")):
        if str(container.get("name")) in sized:
            container = merged(container, change)
            container = {**container, "resources": amounts} if amounts else container
        inside.append(container)
    return {**spec, "containers": inside}


def _with_initializer(spec: dict[str, Any], step: Any, body: Body) -> dict[str, Any]:
    """What a job says under `initializer`, in the container of that step."""
    key = str(step).removesuffix("-initializer")
    given = at(body, "spec", "initializer", key) if key in ("dataset", "model") else None
    uri = at(_mapping(given), "storageUri")
    env = [*([{"name": _STORAGE, "value": uri}] if isinstance(uri, str) else []), *maps(at(_mapping(given), "env"))]
    change = {"containers": [{"name": str(step), "env": env}]}
    there = any(container.get("name") == step for container in maps(spec.get("containers")))
    return _mapping(merged(spec, change)) if env and there else spec


def _with_claims(spec: dict[str, Any], runtime: Any, job: Any) -> dict[str, Any]:
    """The volumes that JobSet adds for the claims that it makes (0.11, `volumeClaimPolicies`)."""
    mounted = {str(mount.get("name")) for c in maps(spec.get("containers")) for mount in maps(c.get("volumeMounts"))}
    made = []
    for policy in maps(at(runtime, "template", "spec", "volumeClaimPolicies")):
        names = (at(claim, "metadata", "name") for claim in maps(policy.get("templates")))
        made += [name for name in names if isinstance(name, str) and name in mounted]
    volumes = [{"name": name, "persistentVolumeClaim": {"claimName": f"{name}-{job}"}} for name in made]
    return {**spec, "volumes": [*maps(spec.get("volumes")), *volumes]} if volumes else spec


def _of_job_set(name: Any, job: str) -> dict[str, Any]:
    """The labels that JobSet gives pods by which anybody would select them."""
    return {
        "jobset.sigs.k8s.io/jobset-name": name,
        "jobset.sigs.k8s.io/replicatedjob-name": job,
        "batch.kubernetes.io/job-name": f"{name}-{job}-0",
    }


def _count(job: dict[str, Any], step: Any, nodes: Any, runtime: Any) -> int:
    """How many pods: the nodes in the job of the trainer's step; of MPI in the job `node`, less a launcher that is one."""
    said = nodes if isinstance(nodes, int) and not isinstance(nodes, bool) and nodes > 0 else None
    usual = at(runtime, "mlPolicy", "numNodes")
    parallel = at(job, "template", "spec", "parallelism")
    alone = parallel if isinstance(parallel, int) and parallel >= 0 else 1
    if isinstance(at(runtime, "mlPolicy", "mpi"), dict):
        if job.get("name") != NODE or said is None:
            return alone
        return max(said - 1, 1) if _as_node(runtime) else said
    if step != "trainer":
        return alone
    return said or (usual if isinstance(usual, int) and usual > 0 else alone)


# -- what is shipped --------------------------------------------------------------------------------------------


def shipped_spec(name: str, version: str | None) -> dict[str, Any] | None:
    """The spec of a runtime that Trainer ships, as far as pods depend on it; None for any other name."""
    runtime = shipped(version).get(name)
    if runtime is None:
        return None
    policy: dict[str, Any] = {"numNodes": runtime.nodes, runtime.policy: {}}
    if runtime.policy == "mpi":
        policy["mpi"] = {"runLauncherAsNode": runtime.launcher_as_node}
    tunes = runtime.job("model-initializer") is not None
    jobs = [_shipped_job(job.name, job.containers, job.step, runtime, tunes) for job in runtime.jobs]
    job_set: dict[str, Any] = {"replicatedJobs": jobs}
    if tunes and not runtime.claims:
        job_set["volumeClaimPolicies"] = [{"templates": [{"metadata": {"name": _INITIALIZER}}]}]
    return {"mlPolicy": policy, "template": {"spec": job_set}}


def _shipped_job(name: str, inside: tuple[str, ...], step: str | None, runtime: Runtime, tunes: bool) -> dict[str, Any]:
    containers: list[dict[str, Any]] = []
    for each in inside:
        container: dict[str, Any] = {"name": each}
        if tunes:
            container["volumeMounts"] = [{"name": _INITIALIZER, "mountPath": _WORKSPACE}]
        if tunes and each != NODE:
            container["env"] = [{"name": _STORAGE, "value": "hf://..."}]
        if tunes and each == NODE:
            container["resources"] = {"limits": {"nvidia.com/gpu": str(runtime.gpus)}}
        containers.append(container)
    pod: dict[str, Any] = {"containers": containers}
    if tunes and runtime.claims:
        pod["volumes"] = [{"name": _INITIALIZER, "persistentVolumeClaim": {"claimName": runtime.claims[0]}}]
    labels = {"metadata": {"labels": {STEP: step}}} if step is not None else {}
    return {"name": name, "template": {**labels, "spec": {"template": {"spec": pod}}}}
