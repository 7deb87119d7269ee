"""How a kind is addressed in a cluster, and how its objects merge."""

from __future__ import annotations

from typing import NamedTuple

from kfspec.catalog import Release
from kfspec.cluster.transport import Answer, Client, path_of
from kfspec.resource import GVK, Body
from kfspec.ssa.types import Served, served


class Kind(NamedTuple):
    """One served kind."""

    gvk: GVK
    plural: str
    namespaced: bool
    served: Served
    """How the server merges its objects, as far as the catalogue knows."""

    def path(self, namespace: str = "", name: str | None = None) -> str:
        """The URL path of the collection (in a namespace), or of one object."""
        return path_of(self.gvk.api_version, self.plural, namespace if self.namespaced else None, name)

    @property
    def resource(self) -> str:
        """`notebooks.kubeflow.org`, as roles and error messages say it."""
        return f"{self.plural}.{self.gvk.group}" if self.gvk.group else self.plural


def catalogued(release: Release, gvk: GVK) -> Kind | None:
    """The kind as the catalogue has it; None for a kind or a version that it does not know."""
    entry = release.kind(gvk.group, gvk.kind)
    if entry is None or gvk.version not in entry.versions:
        return None
    return Kind(gvk, entry.plural, entry.namespaced, served(entry, gvk.version))


class Kinds:
    """The kinds of one cluster: from the catalogue, else from the cluster's own discovery. Safe to use from threads."""

    def __init__(self, client: Client, release: Release) -> None:
        self._client = client
        self._release = release
        self._found: dict[GVK, Kind] = {}
        self._discovered: dict[str, Answer] = {}

    def get(self, gvk: GVK) -> Kind | None:
        """The kind; None where neither catalogue nor cluster knows it yet: a definition may be applied in between."""
        found = self._found.get(gvk) or catalogued(self._release, gvk) or self._discover(gvk)
        if found is not None:
            self._found[gvk] = found
        return found

    def of(self, body: Body) -> Kind | None:
        """The kind of an object."""
        group, _, version = body["apiVersion"].rpartition("/")
        return self.get(GVK(group, version, body["kind"]))

    def preferred(self, group: str, kind: str) -> Kind | None:
        """The kind in the version that the cluster prefers, for objects that no spec names any more."""
        entry = self._release.kind(group, kind)
        if entry is not None:
            return self.get(GVK(group, entry.storage_version, kind))
        answer = self._ask(f"/apis/{group}" if group else "/api")
        version = answer.body.get("preferredVersion", {}).get("version", "v1") if answer.ok else None
        return self.get(GVK(group, version, kind)) if version is not None else None

    def _discover(self, gvk: GVK) -> Kind | None:
        answer = self._ask(path_of(gvk.api_version, "").rstrip("/"))
        for resource in answer.body.get("resources", ()) if answer.ok else ():
            if resource["kind"] == gvk.kind and "/" not in resource["name"]:
                return Kind(gvk, resource["name"], resource["namespaced"], served(None, gvk.version))
        return None

    def _ask(self, path: str) -> Answer:
        answer = self._discovered.get(path) or self._client.request("GET", path)
        if answer.ok and path.count("/") < 3:  # what a version serves may grow; which version is preferred stays
            self._discovered[path] = answer
        return answer
