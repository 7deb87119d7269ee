"""What a change of a Profile does to what runs, and how far a Profile is."""

from __future__ import annotations

from kfspec.kinds.base import Effect, Look, Moment, Outcome, Readiness, State
from kfspec.kinds.status import at, maps
from kfspec.resource import GVK, Body, ObjectRef

_CONTROLLER = "profile-controller v1.10.0, profile_controller.go; executed"
_REVOKES = "profile-controller v1.10.0, profile_controller.go (plugins are revoked by the finalizer alone)"


def _with_namespace(moment: Moment) -> bool:
    return ObjectRef("", "Namespace", "", moment.after["metadata"]["name"]) in moment.beside


def _alone(moment: Moment) -> bool:
    return not _with_namespace(moment)


def _limits(moment: Moment) -> bool:
    return bool(at(moment.after, "spec", "resourceQuotaSpec", "hard"))


def _lifts(moment: Moment) -> bool:
    return not _limits(moment)


def _drops_plugin(moment: Moment) -> bool:
    def kinds(body: Body) -> set[str]:
        return {str(plugin.get("kind")) for plugin in maps(at(body, "spec", "plugins"))}

    return bool(kinds(moment.before) - kinds(moment.after))


EFFECTS = (
    Effect(
        ("spec", "owner", "name"),
        "moves the owner's RoleBinding and AuthorizationPolicy from {old} to {new}",
        _CONTROLLER,
        Outcome.DISRUPTS,
        when=_with_namespace,
    ),
    Effect(
        ("spec", "owner", "name"),
        "the controller stops looking after the profile: its namespace names {old} as the owner; declare the profile under "
        "`profiles:`, or beside it its Namespace with the annotation `owner: {new}`",
        _CONTROLLER,
        Outcome.REFUSED,
        when=_alone,
    ),
    Effect(("spec", "owner"), "the owner's RoleBinding names a subject of another kind", _CONTROLLER, Outcome.DISRUPTS),
    Effect(
        ("spec", "resourceQuotaSpec"),
        "changes the quota of the namespace: what runs stays, what is new must fit",
        _CONTROLLER,
        when=_limits,
    ),
    Effect(
        ("spec", "resourceQuotaSpec"),
        "lifts the quota of the namespace: kf-resource-quota is deleted",
        _CONTROLLER,
        when=_lifts,
    ),
    Effect(
        ("spec", "plugins"),
        "what the removed plugin granted stays until the Profile is deleted: revoke it by hand",
        _REVOKES,
        Outcome.LATER,
        when=_drops_plugin,
    ),
    Effect(
        ("spec", "plugins"),
        "default-editor acts with other cloud rights, from the next token on",
        "profile-controller v1.10.0, plugin_workload_identity.go, plugin_iam.go",
    ),
)


def ready(body: Body, look: Look) -> Readiness:
    """By its Namespace and the owner's RoleBinding, since its status is never written."""
    name, owner = body["metadata"]["name"], at(body, "spec", "owner", "name")
    namespace = look(GVK("", "v1", "Namespace"), "", name)
    if namespace is None:
        return Readiness(State.WAITING, f"waits for Namespace/{name}")
    named = at(namespace, "metadata", "annotations", "owner")
    if named != owner:
        is_now = f"names {named} as its owner" if named else "names no owner"
        message = f"Namespace/{name} {is_now}, so the controller does nothing: set its annotation `owner: {owner}`"
        return Readiness(State.FAILED, message)
    binding = look(GVK("rbac.authorization.k8s.io", "v1", "RoleBinding"), name, "namespaceAdmin")
    if binding is None:
        return Readiness(State.WAITING, f"waits for RoleBinding/{name}/namespaceAdmin")
    if owner not in [subject.get("name") for subject in maps(binding.get("subjects"))]:
        return Readiness(State.WAITING, f"RoleBinding/{name}/namespaceAdmin does not name {owner} yet")
    return Readiness(State.READY)
