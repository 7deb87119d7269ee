"""The pods of a TrainJob: those of its runtime's replicated jobs, with what the job changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kfspec.checks.podmodel import Container, Pods, amounts, containers, meta_of, number, partial
from kfspec.checks.targets import CLUSTER_RUNTIME, OWN_RUNTIME, TRAINER, training_runtimes
from kfspec.diagnostics import Path
from kfspec.kinds.status import at, maps
from kfspec.resource import Body, ObjectRef, Resource

if TYPE_CHECKING:
    from kfspec.catalog import Release

_SCOPED = ("priorityClassName", "activeDeadlineSeconds", "affinity", "hostNetwork")
_OF_NODE = "state them under 'trainer.resourcesPerNode'"
_OF_RUNTIME = "state them in a runtime of your own"


class Runtimes:
    """The training runtimes that are declared, and those that the release ships."""

    def __init__(self, resources: tuple[Resource, ...], release: Release | None) -> None:
        self._declared = training_runtimes(resources)
        self._trainer = release.components.get("trainer") if release is not None else None

    def of(self, body: Body, namespace: str) -> Any:
        """The spec of the runtime that a TrainJob names; None where it is neither."""
        from kfspec.kinds.trainer.templates import shipped_spec  # few projects have such jobs

        kind, name = (
            str(at(body, "spec", "runtimeRef", key) or default)
            for key, default in (("kind", CLUSTER_RUNTIME), ("name", ""))
        )
        found = self._declared.get(ObjectRef(TRAINER, kind, namespace if kind == OWN_RUNTIME else "", name))
        if found is not None:
            return found.get("spec") or {}
        return shipped_spec(name, self._trainer) if kind == CLUSTER_RUNTIME else None


def trained(resource: Resource, body: Body, prefix: Path, runtime: Any) -> Iterator[Pods]:
    """Initializers are gone before the nodes. `runtime`: the spec of the runtime, None where nobody here knows it."""
    yield from _unknown(resource, body, prefix) if runtime is None else _known(resource, body, prefix, runtime)
    yield from partial(resource, TRAINER, body, prefix)


def _known(resource: Resource, body: Body, prefix: Path, runtime: Any) -> Iterator[Pods]:
    from kfspec.kinds.trainer.templates import templates

    for each in templates(body, runtime):
        path = _place(body, prefix)
        inside = []
        for container in containers(each.spec, ()):
            advice = _OF_NODE if container.name in each.sized else _OF_RUNTIME
            inside.append(container._replace(path=path, body={"name": container.name}, advice=advice))
        spec = {"volumes": _claims(each.spec), **{key: each.spec[key] for key in _SCOPED if key in each.spec}}
        count = 0 if each.first else each.pods
        meta = meta_of({"labels": each.labels, "annotations": each.annotations})
        yield Pods(resource, path, spec, tuple(inside), count, count, whole=False, meta=meta)


def _unknown(resource: Resource, body: Body, prefix: Path) -> Iterator[Pods]:
    """As far as the job alone says it."""
    trainer = at(body, "spec", "trainer")
    given = at(trainer, "resourcesPerNode")
    requests, limits = amounts(given)
    path, nodes = _place(body, prefix), number(at(trainer, "numNodes"), 1)
    node = Container(path, {"name": "node"}, requests, limits, complete=isinstance(given, dict), advice=_OF_NODE)
    parts = partial(resource, TRAINER, body, prefix)
    spec = {"volumes": [claim for part in parts for claim in _claims(part.spec)]}
    yield Pods(resource, path, spec, (node,), nodes, nodes, whole=False, scoped=False)


def _place(body: Body, prefix: Path) -> Path:
    return (*prefix, "spec", "trainer") if isinstance(at(body, "spec", "trainer"), dict) else (*prefix, "spec")


def _claims(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [volume for volume in maps(spec.get("volumes")) if "persistentVolumeClaim" in volume]
