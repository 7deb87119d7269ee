"""One environment of a spec and the cluster that it means: what diff, apply, status and the others begin with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path as FilePath
from typing import NamedTuple

from kfspec.cluster.inventory import parent_of
from kfspec.cluster.observation import Observer, Scope
from kfspec.cluster.transport import Client, ClusterError, opening, path_of
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics, Path, Pos
from kfspec.document import locate
from kfspec.kustomize import with_environment
from kfspec.live import APPLIERS, Applier, Observation
from kfspec.pipeline import Environment
from kfspec.planning.leftovers import RunPolicy
from kfspec.planning.making import Subject, plan
from kfspec.planning.values import Plan
from kfspec.resource import Body, Resource
from kfspec.spec.settings import Cluster

SYNCS = ("sync.kfp", "sync.model-registry")
"""The items of the objects that run `kfspec sync`, as `kinds.syncing` labels them; that module is more than a label is worth."""


class Target(NamedTuple):
    """One environment of a spec, ready to be compared with something live."""

    environment: Environment
    resources: tuple[Resource, ...]
    scope: Scope

    @property
    def bodies(self) -> list[Body]:
        """The desired objects as kustomize puts them out, without an engine's own marks."""
        return [with_environment(resource.body, self.environment.name) for resource in self.resources]

    def plan(self, observation: Observation, cluster: str, force: bool = False) -> Plan:
        """What applying the environment would do to what was observed. `cluster`: what that is, for people."""
        release = self.environment.release
        assert release is not None  # `target` makes none without
        scope = self.scope
        marks = scope.parent.marks if scope.keeps_inventory else {}
        subject = Subject(
            scope.project,
            scope.environment,
            scope.applier,
            marks,
            release,
            self.policies,
            self._locate,
            cluster,
            force,
        )
        return plan(subject, self.resources, observation)

    @property
    def policies(self) -> dict[str, RunPolicy]:
        """What every item of runs says about those that are over. A sync's Job is superseded by that of another content."""
        found = dict.fromkeys(SYNCS, RunPolicy(keep=False, history=0))
        for item in self.environment.project.items.values() if self.environment.project is not None else ():
            keep = getattr(item.model, "onChange", None)
            if keep is not None:
                found[f"{item.block}.{item.name}"] = RunPolicy(keep == "keep", getattr(item.model, "history", 0))
        return found

    def _locate(self, path: Path, at_key: bool) -> Pos | None:
        return locate(self.environment.document, path, at_key)


def target(environment: Environment, manager: str | None = None) -> Target | None:
    """The target of an environment that went through the stages; None where it did not. `manager`: another field manager."""
    project, lowering = environment.project, environment.lowering
    if project is None or lowering is None or environment.release is None:
        return None
    settings = project.settings
    applier = APPLIERS[settings.delivery.engine]
    name = manager or settings.delivery.fieldManager or applier.manager
    parent = parent_of(settings.project, environment.name, settings.platform.inventoryNamespace)
    scope = Scope(settings.project, environment.name, Applier(applier.engine, name, applier.force), parent)
    return Target(environment, lowering.resources, scope)


class Session(NamedTuple):
    """A cluster that is the right one."""

    client: Client
    observer: Observer
    target: Target

    @property
    def name(self) -> str:
        """The cluster, for people."""
        return f"{self.client.context} ({self.client.host})"

    def afresh(self) -> Session:
        """The same, with nothing remembered of earlier looks: kinds and rights come and go while one watches."""
        release = self.target.environment.release
        assert release is not None  # a target has one
        return self._replace(observer=Observer(self.client, release, self.target.scope))

    def plan(self, exact: bool = False, force: bool = False) -> Plan:
        """Look, and plan."""
        return self.target.plan(self.observer.observe(self.target.bodies, exact), self.name, force)


def connect(goal: Target, kubeconfig: FilePath | None, context: str | None) -> tuple[Session | None, Diagnostics]:
    """The cluster that an environment means, see `connecting`."""
    return connecting(goal, kubeconfig, context)()


def connecting(
    goal: Target, kubeconfig: FilePath | None, context: str | None
) -> Callable[[], tuple[Session | None, Diagnostics]]:
    """Make ready to talk to the cluster that an environment means; the result connects. Another cluster is refused: by the uid
    of its namespace kube-system, or by the name of the context where the environment says no uid."""
    project = goal.environment.project
    assert project is not None  # a target has one
    client = opening(kubeconfig, context or project.settings.cluster.context)
    return lambda: _connected(goal, project.settings.cluster, client)


def _connected(goal: Target, cluster: Cluster, opened: Callable[[], Client]) -> tuple[Session | None, Diagnostics]:
    path: Path = ("cluster",)
    try:
        client = opened()
    except ClusterError as error:
        return None, (finding("KF500", str(error), hint=error.hint),)
    try:
        found = list(_wrong_cluster(client, cluster.context, cluster.uid, path))
    except ClusterError as error:
        return None, (unreachable(error),)
    if found:
        return None, tuple(found)
    release = goal.environment.release
    assert release is not None  # a target has one
    return Session(client, Observer(client, release, goal.scope), goal), ()


def unreachable(error: ClusterError) -> Diagnostic:
    """The finding for a cluster that does not answer."""
    return finding("KF501", str(error), hint=error.hint)


def _wrong_cluster(client: Client, context: str | None, uid: str | None, path: Path) -> Iterable[Diagnostic]:
    if uid is not None:
        answer = client.request("GET", path_of("v1", "namespaces", None, "kube-system"))
        actual = answer.body["metadata"]["uid"] if answer.ok else None
        if actual is None:
            hint = "grant get on namespaces, so that the cluster can be told from others"
            yield finding("KF502", f"cannot tell which cluster this is: {answer.message}", (*path, "uid"), hint=hint)
        elif actual != uid:
            message = (
                f"this is another cluster: context '{client.context}' has uid {actual}, the environment means {uid}"
            )
            yield finding("KF502", message, (*path, "uid"), hint="choose the right --context, or correct the uid")
    elif context is not None and client.context not in (context, "in-cluster"):
        message = f"the environment means context '{context}', and '{client.context}' was asked for"
        hint = "leave out --context, or write 'cluster: {uid: ...}' so that contexts may have any name"
        yield finding("KF502", message, (*path, "context"), hint=hint)
