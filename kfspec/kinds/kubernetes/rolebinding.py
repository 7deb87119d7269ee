"""A RoleBinding or a ClusterRoleBinding: who has a role."""

from __future__ import annotations

from kfspec.kinds import base
from kfspec.kinds.base import Effect, Moment, Outcome
from kfspec.kinds.status import at


def _breaks_contributors(moment: Moment) -> bool:
    """The access-management service lists no binding of a namespace where one of its own has not exactly one subject."""
    marks = at(moment.after, "metadata", "annotations")
    subjects = moment.after.get("subjects")
    own = isinstance(marks, dict) and {"user", "role"} <= marks.keys()
    return own and len(subjects if isinstance(subjects, list) else ()) != 1


EFFECTS = (
    Effect(
        ("roleRef",),
        "the role of a binding cannot change: delete the binding first, or make another beside it",
        "kubernetes v1.37, rbac/validation (ValidateRoleBindingUpdate); executed",
        Outcome.REFUSED,
    ),
    Effect(
        ("subjects",),
        "the dashboard shows nobody's access to the namespace any more: a contributor's binding needs exactly one subject",
        "kfam v1.10.0, bindings.go; executed",
        Outcome.DISRUPTS,
        when=_breaks_contributors,
    ),
    Effect(("subjects",), "changes who has the role, at once", "kubernetes v1.37, RBAC authorizer"),
)
ready = base.ready_when_there
