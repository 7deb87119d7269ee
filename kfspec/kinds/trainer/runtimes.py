"""Training runtimes as far as TrainJobs depend on them: those that Trainer ships, and those that somebody declares.

Source: Trainer v2.1.0 (in Kubeflow 1.11.0 and 26.03) and v2.2.0, `manifests/base/runtimes`; `torch-distributed-with-cache`
is in an overlay that the platform does not install.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from kfspec.catalog.releases import numbers
from kfspec.kinds.status import at

STEP = "trainer.kubeflow.org/trainjob-ancestor-step"
"""The label that makes a replicated job one of Trainer's steps."""
STEP_CONTAINERS = {
    "dataset-initializer": "dataset-initializer",
    "model-initializer": "model-initializer",
    "trainer": "node",
}
"""Step -> the container that Trainer configures in it (pkg/constants/constants.go)."""
POLICIES = ("torch", "mpi", "jax", "xgboost", "flux")
NODE = "node"
LAUNCHER = "launcher"


class Job(NamedTuple):
    """A replicated job of a runtime."""

    name: str
    containers: tuple[str, ...] = (NODE,)
    """Init containers included: their names are one set."""
    step: str | None = None


class Runtime(NamedTuple):
    """What a TrainJob may rely on."""

    policy: str = ""
    """torch, mpi, jax, xgboost or flux: the ML policy; "" for none."""
    jobs: tuple[Job, ...] = ()
    launcher_as_node: bool = False
    gpus: int = 0
    """GPUs that the trainer's container asks for by itself."""
    claims: tuple[str, ...] = ()
    """Claims that its pods mount, each of which the namespace of every job has to have."""
    nodes: int = 1
    """How many nodes a job has that says nothing."""

    def job(self, name: str) -> Job | None:
        """The replicated job of that name."""
        return next((job for job in self.jobs if job.name == name), None)

    @property
    def training(self) -> tuple[str, ...]:
        """The replicated jobs in which a training container runs."""
        return tuple(job.name for job in self.jobs if NODE in job.containers)

    @property
    def leader(self) -> str:
        """The replicated job whose first pod speaks for the job."""
        return next((job.name for job in self.jobs if job.step == "trainer"), NODE)


_TRAINER = Job(NODE, step="trainer")
_MPI = Runtime("mpi", (Job(LAUNCHER, step="trainer"), Job(NODE)), launcher_as_node=True)
_INITIALIZERS = tuple(
    Job(name, (name,), name) for name in STEP_CONTAINERS if name != "trainer"
)  # each in a job of its own name
_TUNE = Runtime("torch", (*_INITIALIZERS, _TRAINER), gpus=2)
_TUNES = ("torchtune-llama3.2-1b", "torchtune-llama3.2-3b", "torchtune-qwen2.5-1.5b")

_BASE: dict[str, Runtime] = {
    "deepspeed-distributed": _MPI,
    "mlx-distributed": _MPI,
    "torch-distributed": Runtime("torch", (_TRAINER,)),
}

SHIPPED: Mapping[str, Mapping[str, Runtime]] = {
    "2.1.0": {**_BASE, **{name: _TUNE._replace(claims=(name,)) for name in _TUNES}},
    "2.2.0": {
        **_BASE,
        **dict.fromkeys(_TUNES, _TUNE),  # JobSet 0.11 makes the claim
        "jax-distributed": Runtime("jax", (_TRAINER,)),
        "xgboost-distributed": Runtime("xgboost", (_TRAINER,)),
    },
}
"""Trainer version -> name of the ClusterTrainingRuntime -> what it offers."""


def shipped(version: str | None) -> Mapping[str, Runtime]:
    """The runtimes of a version; those of the newest known one for a version that is not listed, none without Trainer."""
    if version is None:
        return {}
    return SHIPPED.get(version) or SHIPPED[max(SHIPPED, key=numbers)]


def described(spec: Any) -> Runtime:
    """What a declared runtime offers: of its spec as an object or an item has it, short forms included."""
    whole = spec if isinstance(spec, dict) else {}
    policy = whole.get("mlPolicy")
    sources = policy if isinstance(policy, dict) else {}
    jobs = list(entries(at(whole, "template", "spec", "replicatedJobs")))
    trainer = next((job for _, job in jobs if _step(job) == "trainer"), {})
    node = dict(entries(pod_of(trainer, "containers"))).get(NODE, {})
    return Runtime(
        next((key for key in POLICIES if key in sources), ""),
        tuple(Job(name, tuple(_containers(job)), _step(job)) for name, job in jobs),
        at(sources, "mpi", "runLauncherAsNode") is True,
        gpus(node.get("resources")),
        tuple(dict.fromkeys(claim for _, job in jobs for claim in _claims(job))),
        nodes if isinstance(nodes := sources.get("numNodes"), int) else 1,
    )


def entries(given: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and value of each entry of a list that upstream keys by `name`, or of its map form."""
    if isinstance(given, dict):
        yield from ((str(name), entry) for name, entry in given.items() if isinstance(entry, dict))
    for entry in given if isinstance(given, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            yield entry["name"], entry


def pod_of(job: dict[str, Any], field: str) -> Any:
    """A field of the pods of a replicated job."""
    return at(job, "template", "spec", "template", "spec", field)


def gpus(resources: Any) -> int:
    """How many GPUs a container asks for, as Trainer counts (2.1.0, pkg/runtime/runtime.go)."""
    groups: Iterable[Any] = ()
    if isinstance(resources, dict):
        groups = [resources[key] for key in ("requests", "limits") if isinstance(resources.get(key), dict)] or [
            resources
        ]
    for group in groups:
        for name, amount in group.items():
            if "gpu" in str(name).lower() and str(amount).isdigit() and int(amount):
                return int(amount)
    return 0


def _step(job: dict[str, Any]) -> str | None:
    step = at(job, "template", "metadata", "labels", STEP)
    return step if isinstance(step, str) else None


def _containers(job: dict[str, Any]) -> Iterator[str]:
    for field in ("initContainers", "containers"):
        yield from (name for name, _ in entries(pod_of(job, field)))


def _claims(job: dict[str, Any]) -> Iterator[str]:
    for _, volume in entries(pod_of(job, "volumes")):
        claim = at(volume, "persistentVolumeClaim", "claimName")
        if isinstance(claim, str):
            yield claim


def longest_suffix(runtime: Runtime | None, nodes: Any) -> str:
    """The longest `-<replicated job>-<index>-<pod>-<random>` of a job's pods, which JobSet wants in 63 characters (0.10.1,
    jobset_webhook.go). Of a runtime that is not known, one replicated job is taken for granted."""
    jobs = runtime.jobs if runtime is not None and runtime.jobs else (_TRAINER,)
    last = nodes - 1 if isinstance(nodes, int) and nodes > 1 else 0
    suffixes = (f"-{job.name}-0-{last if NODE in job.containers else 0}-xxxxx" for job in jobs)
    return max(suffixes, key=len)
