"""The runtimes that TrainJobs name are declared, external, or shipped with Trainer; so are the volumes that a runtime of the
whole cluster mounts in a job's namespace. Those of trials too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kfspec.checks.targets import CLUSTER_RUNTIME, OWN_RUNTIME, TRAINER, training_runtime, training_runtimes
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic
from kfspec.kinds.podspec import Reference
from kfspec.resource import ObjectRef, Resource, to_spec
from kfspec.spec.settings import Externals
from kfspec.wording import did_you_mean

if TYPE_CHECKING:
    from kfspec.catalog import Release


def check(resources: tuple[Resource, ...], externals: Externals, release: Release) -> Iterator[Diagnostic]:
    """One finding for each runtime that is nowhere, and for each volume. Paths are spec paths."""
    jobs = list(_jobs(resources))
    if not jobs or "trainer" not in release.components:
        return  # without Trainer, no TrainJob is served at all
    around = _Around(resources, release)
    for resource, named in jobs:
        if named.kind not in (CLUSTER_RUNTIME, OWN_RUNTIME):
            continue  # which the rules of the job say
        item = ".".join(str(part) for part in resource.item)
        if named.name in (*around.seen(named.kind, resource), *externals.trainingRuntimes):
            for claim in around.missing(named, resource):
                if claim not in externals.volumes:
                    message = (
                        f"'{item}' names the runtime '{named.name}', which mounts volume '{claim}', not declared here"
                    )
                    hint = f"declare it under 'volumes' in the job's profile, or 'externals: {{volumes: [{claim}]}}'"
                    yield to_spec(resource, finding("KF203", message, named.path, hint=hint))
            continue
        message = f"'{item}' names the training runtime '{named.name}', which is not declared"
        instead = around.hint(named, resource, externals)
        yield to_spec(resource, finding("KF216", message, named.path, hint=instead))


def undeclared(resources: tuple[Resource, ...], release: Release) -> Iterator[tuple[str, str]]:
    """(list under `externals`, name) of the runtimes that jobs name and nobody declares, and of volumes that runtimes mount."""
    jobs = list(_jobs(resources))
    if not jobs:
        return
    around = _Around(resources, release)
    for resource, named in jobs:
        if named.name not in around.seen(named.kind, resource):
            yield "trainingRuntimes", named.name
        else:
            yield from (("volumes", claim) for claim in around.missing(named, resource))


def mounted(resources: tuple[Resource, ...], release: Release) -> Iterator[tuple[Resource, str]]:
    """The objects that name a runtime of the whole cluster, each with a claim of their own namespace that it mounts."""
    jobs = list(_jobs(resources))
    if jobs:
        around = _Around(resources, release)
        yield from ((resource, claim) for resource, named in jobs for claim in around.claims_of(named))


class _Around:
    """The runtimes and the claims that are applied with the jobs."""

    def __init__(self, resources: tuple[Resource, ...], release: Release) -> None:
        from kfspec.kinds.trainer.runtimes import described, shipped  # few projects have such jobs

        self.described = described
        self.runtimes = training_runtimes(resources)
        self.claims = {(r.ref.namespace, r.ref.name) for r in resources if r.ref.kind == "PersistentVolumeClaim"}
        self.shipped = shipped(release.components.get("trainer"))

    def seen(self, kind: str, resource: Resource) -> list[str]:
        """The names that a job may give for a runtime of the kind."""
        where = resource.ref.namespace if kind == OWN_RUNTIME else ""
        own = sorted(ref.name for ref in self.runtimes if (ref.kind, ref.namespace) == (kind, where))
        return [*own, *(self.shipped if kind == CLUSTER_RUNTIME else ())]

    def claims_of(self, named: Reference) -> tuple[str, ...]:
        """The claims that a runtime of the whole cluster mounts; a runtime of the namespace speaks for itself."""
        own = self.runtimes.get(ObjectRef(TRAINER, CLUSTER_RUNTIME, "", named.name))
        runtime = self.described(own.get("spec")) if own is not None else self.shipped.get(named.name)
        return runtime.claims if named.kind == CLUSTER_RUNTIME and runtime is not None else ()

    def missing(self, named: Reference, resource: Resource) -> Iterator[str]:
        """Those of them that the job's namespace does not get."""
        yield from (claim for claim in self.claims_of(named) if (resource.ref.namespace, claim) not in self.claims)

    def hint(self, named: Reference, resource: Resource, externals: Externals) -> str | None:
        """What to write instead of a runtime that the job does not see."""
        for ref in sorted(self.runtimes):
            if ref.name == named.name and ref.kind == OWN_RUNTIME and ref.namespace != resource.ref.namespace:
                return f"it is in namespace {ref.namespace}: declare it with 'clusterScoped: true', or once more here"
            if ref.name == named.name:
                return f"runtimeRef: {{name: {ref.name}, kind: {ref.kind}}}, or 'runtime: {ref.name}'"
        known = (*self.seen(named.kind, resource), *externals.trainingRuntimes)
        return did_you_mean(named.name, known, f"declare it, or 'externals: {{trainingRuntimes: [{named.name}]}}'")


def _jobs(resources: tuple[Resource, ...]) -> Iterator[tuple[Resource, Reference]]:
    """The objects that name a training runtime, and how."""
    for resource in resources:
        named = training_runtime(resource)
        if named is not None:
            yield resource, named
