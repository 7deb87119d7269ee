"""Where the live side of a plan comes from: the cluster, a snapshot, or an earlier revision of the spec."""

from __future__ import annotations

from pathlib import Path as FilePath

from kfspec.cluster import recorded
from kfspec.cluster.session import Target, connect, target, unreachable
from kfspec.cluster.transport import ClusterError
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics, Severity, has_errors
from kfspec.live import Contents, Source
from kfspec.packages import Execution
from kfspec.planning.values import Plan
from kfspec.resource import Body

SOURCES = ("cluster", "snapshot", "git")


def plan_against(
    goal: Target,
    spec: FilePath,
    against: str,
    kubeconfig: FilePath | None,
    context: str | None,
    *,
    exact: bool = False,
    execution: Execution = Execution.REFUSED,
) -> tuple[Plan | None, Diagnostics]:
    """The plan for a target. `against`: `cluster`, `snapshot:PATH` or `git:REV`. Never writes. `execution`: whether sources of
    pipelines may be run, which a revision has its own of."""
    kind, _, what = against.partition(":")
    if kind == "snapshot":
        return _of_snapshot(goal, FilePath(what))
    if kind == "git":
        return _of_revision(goal, spec, what, execution)
    session, found = connect(goal, kubeconfig, context)
    if session is None:
        return None, found
    try:
        return session.plan(exact), found
    except ClusterError as error:
        return None, (*found, unreachable(error))


def _of_snapshot(goal: Target, folder: FilePath) -> tuple[Plan | None, Diagnostics]:
    from kfspec.cluster.snapshot import SnapshotError, read

    try:
        snapshot = read(folder)
    except SnapshotError as error:
        return None, (finding("KF506", str(error), hint="kfspec snapshot -e ENV -o DIR makes one"),)
    scope = goal.scope
    meant = goal.environment.project
    if (snapshot.project, snapshot.environment) != (scope.project, scope.environment):
        message = f"'{folder}' is of project '{snapshot.project}', environment '{snapshot.environment}'"
        return None, (finding("KF506", message, hint=f"this is '{scope.project}', '{scope.environment}'"),)
    uid = meant.settings.cluster.uid if meant is not None else None
    if uid is not None and snapshot.cluster not in ("", uid):
        message = f"'{folder}' is of another cluster: its uid is {snapshot.cluster}, the environment means {uid}"
        return None, (finding("KF502", message, ("cluster", "uid")),)
    known = (snapshot.applied, snapshot.contents)
    return _predicted(goal, snapshot.objects, Source.SNAPSHOT, str(folder), *known), ()


def _of_revision(goal: Target, spec: FilePath, revision: str, execution: Execution) -> tuple[Plan | None, Diagnostics]:
    from kfspec.pipeline import prepare
    from kfspec.revision import RevisionError, checked_out

    name = goal.environment.name
    try:
        with checked_out(spec, revision) as there:
            prepared = prepare(there, (name,), execution)
            earlier = prepared.environment(name)
            wrong = has_errors(prepared.build.diagnostics) or (earlier is not None and has_errors(earlier.diagnostics))
            old = target(earlier, goal.scope.applier.manager) if earlier is not None else None
            if wrong or (old is None and earlier is not None):
                return None, (
                    _unfit(revision, (*prepared.build.diagnostics, *(earlier.diagnostics if earlier else ()))),
                )
            bodies = old.bodies if old is not None else []  # an environment that was not there yet had no objects
    except RevisionError as error:
        return None, (finding("KF507", str(error)),)
    release = goal.environment.release
    assert release is not None  # a target has one
    live = [recorded.as_applied(body, goal.scope, release) for body in bodies]
    return _predicted(goal, live, Source.GIT, revision, {}, {}), ()


def _unfit(revision: str, found: Diagnostics) -> Diagnostic:
    """Why a revision's spec does not compile."""
    errors = {each.code for each in found if each.severity is Severity.ERROR}
    if errors == {"KF209"}:
        message = f"a pipeline's source at revision '{revision}' is not compiled, for that would run it"
        return finding("KF507", message, hint="--allow-exec runs it")
    return finding("KF507", f"the spec has errors at revision '{revision}'")


def _predicted(
    goal: Target,
    live: list[Body] | tuple[Body, ...],
    source: Source,
    name: str,
    applied: dict[str, str],
    contents: dict[str, Contents],
) -> Plan:
    release = goal.environment.release
    assert release is not None  # a target has one
    observation = recorded.observe(goal.bodies, live, goal.scope, release, source, applied, contents)
    return goal.plan(observation, name)
