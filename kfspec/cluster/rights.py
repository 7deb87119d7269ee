"""What the caller may do: asked only where the server has said no."""

from __future__ import annotations

from kfspec.cluster.transport import Client
from kfspec.live import Verb, Verdict
from kfspec.resource import GVK, Body
from kfspec.ssa.fieldsets import own_entries
from kfspec.ssa.prediction import predict
from kfspec.ssa.types import Served

_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

NEVER_PUT = frozenset({("sparkoperator.k8s.io", "SparkApplication")})
"""Kinds whose webhook writes defaults that a PUT would drop, and whose controller takes that for a new run (spark-operator
v2.1.0, event_filter.go)."""


class Rights:
    """Answers of SelfSubjectAccessReviews, each asked once. Safe to use from several threads: at worst, twice."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[tuple[str, str, str, str], bool] = {}

    def may(self, verb: str, group: str, plural: str, namespace: str) -> bool:
        """Whether the caller may do `verb` with objects of the kind; `namespace` "" means everywhere."""
        key = (verb, group, plural, namespace)
        if key not in self._known:
            attributes = {"verb": verb, "group": group, "resource": plural, "namespace": namespace}
            review = {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": attributes},
            }
            answer = self._client.request("POST", _REVIEW, {}, review)
            self._known[key] = bool(answer.ok and answer.body["status"].get("allowed"))
        return self._known[key]

    def verb(self, gvk: GVK, plural: str, namespace: str) -> Verb:
        """The best way in which the caller may write objects of the kind that exist or not."""
        if self.may("patch", gvk.group, plural, namespace):
            return Verb.APPLY
        if not self.may("create", gvk.group, plural, namespace):
            return Verb.NONE
        if (gvk.group, gvk.kind) not in NEVER_PUT and self.may("update", gvk.group, plural, namespace):
            return Verb.UPDATE
        return Verb.RECREATE if self.may("delete", gvk.group, plural, namespace) else Verb.NONE


def written(desired: Body, live: Body | None, manager: str, force: bool, served: Served) -> Verdict:
    """What writing the object as a whole gives, by a caller who may not patch: what the manager wrote before, and does not
    desire any more, goes as it would by an apply."""
    if live is None or len(own := own_entries(live, manager)) != 1 or own[0].get("operation") != "Update":
        return predict(desired, live, manager, force, served)
    meta = live["metadata"]
    as_applied = [{**entry, "operation": "Apply"} if entry is own[0] else entry for entry in meta["managedFields"]]
    verdict = predict(desired, {**live, "metadata": {**meta, "managedFields": as_applied}}, manager, force, served)
    if verdict.body is None:
        return verdict
    body = {**verdict.body, "metadata": {**verdict.body["metadata"], "managedFields": meta["managedFields"]}}
    return verdict._replace(body=body)
