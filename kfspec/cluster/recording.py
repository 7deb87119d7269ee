"""Recording a snapshot: a project's live objects, page by page, straight into files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kfspec.cluster.observation import HOLDERS
from kfspec.cluster.session import Session
from kfspec.cluster.snapshot import Snapshot, write
from kfspec.cluster.transport import path_of
from kfspec.diagnostics import Diagnostics
from kfspec.live import Contents
from kfspec.resource import Body, gvk_of, ref_of


def record(session: Session, folder: Path) -> tuple[int, Diagnostics]:
    """Write the snapshot; how many objects it has, and what could not be read. Raises SnapshotError."""
    scope = session.target.scope
    answer = session.client.request("GET", path_of("v1", "namespaces", None, "kube-system"))
    uid = str(answer.body["metadata"]["uid"]) if answer.ok else ""
    applied = dict(session.observer.read_inventory().applied)
    contents: dict[str, Contents] = {}
    snapshot = Snapshot(scope.project, scope.environment, uid, applied, contents)
    return write(folder, snapshot, _objects(session, contents)), session.observer.problems


def _objects(session: Session, contents: dict[str, Contents]) -> Iterator[tuple[str, Body]]:
    """Every live object of the project, and those that the spec declares though they are not the project's yet.

    Fills in what its namespaces hold.
    """
    observer = session.observer
    seen = set()
    for kind, body in observer.each_live(session.target.bodies):
        ref = ref_of(body)
        seen.add(ref)
        if ref[:2] in HOLDERS and ref.name not in contents:
            contents[ref.name] = observer.contents(ref.name)
        yield kind.resource, body
    for desired in session.target.bodies:
        ref = ref_of(desired)
        if ref not in seen:
            other, found = observer.kinds.get(gvk_of(desired)), observer.get(gvk_of(desired), ref.namespace, ref.name)
            if other is not None and found is not None:
                yield other.resource, found
