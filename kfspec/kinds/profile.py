"""A profile: the namespace of a team, its owner, its contributors and its quota.

`profiles: {fraud: {owner: ana@example.com, contributors: {bo@example.com: edit}}}`. The Namespace is declared beside the
Profile, so that everything in it can be applied in the same pass and deleting the Profile does not delete the data; the
controller adopts a namespace whose annotation `owner` names the same owner (profile-controller v1.10.0, executed).
Contributors are the pairs of RoleBinding and AuthorizationPolicy that the access-management service would write (kfam
v1.10.0).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic
from kfspec.kinds import base
from kfspec.kinds.base import Context, Effect, Facts, Look, Lowered, Moment, Outcome, Readiness, State
from kfspec.kinds.lifting import own_metadata
from kfspec.kinds.shortforms import Expansion
from kfspec.kinds.status import at, maps
from kfspec.resource import GVK, Body, ObjectRef, Origin, Origins, Resource
from kfspec.spec.base import Block, Json, Model
from kfspec.wording import describe

BLOCK = "profiles"
PRODUCES = (
    GVK("", "v1", "Namespace"),
    GVK("kubeflow.org", "v1", "Profile"),
    GVK("rbac.authorization.k8s.io", "v1", "RoleBinding"),
    GVK("security.istio.io", "v1beta1", "AuthorizationPolicy"),
)

NAMESPACE_LABELS = {
    "istio-injection": "enabled",
    "katib.kubeflow.org/metrics-collector-injection": "enabled",
    "serving.kubeflow.org/inferenceservice": "enabled",
    "pipelines.kubeflow.org/enabled": "true",
    "app.kubernetes.io/part-of": "kubeflow-profile",
}
"""What the profile controller labels a namespace with (kubeflow/manifests v1.10, `namespace-labels.yaml`); it leaves
`istio-injection` out where it adopts one."""

_PLUGINS = ("WorkloadIdentity", "AwsIamForServiceAccount")
"""The plugins that the controller knows (profile-controller v1.10.0)."""

Role = Literal["admin", "edit", "view"]


class Owner(Model):
    """Upstream's subject."""

    kind: str = Field(description="User.")
    name: str = Field(description="The user's id, as the identity header says it: most often an e-mail address.")
    apiGroup: str | None = Field(default=None, description="Upstream's.")  # noqa: N815
    namespace: str | None = Field(default=None, description="Upstream's, for a ServiceAccount.")


class Item(Block):
    """A profile."""

    owner: str | Owner = Field(description="The owner: a user's id, or upstream's subject.")
    contributors: dict[str, Role] = Field(default_factory=dict, description="User -> admin, edit or view.")
    resourceQuotaSpec: Json = Field(default=None, description="Upstream's ResourceQuota spec.")  # noqa: N815
    plugins: Json = Field(default=None, description="Upstream's cloud identity plugins.")
    podSecurity: Literal["privileged", "baseline", "restricted"] | None = Field(  # noqa: N815
        default=None, description="The pod security level that the namespace enforces."
    )


def lower(item: Item, ctx: Context) -> Lowered:
    """Namespace, Profile, and a pair of objects for each contributor."""
    expansion = Expansion(ctx)
    wrong = _name_finding(ctx.namespace)
    if wrong is not None:  # said once, and not again of every object in that namespace
        return Lowered((), (wrong._replace(path=ctx.path, at_key=True),))
    owner = (
        {"kind": "User", "name": item.owner}
        if isinstance(item.owner, str)
        else item.owner.model_dump(exclude_none=True)
    )
    resources = [_namespace(item, ctx, owner["name"]), _profile(item, ctx, owner, expansion)]
    found = list(expansion.found)
    taken: dict[str, str] = {}
    for user, role in item.contributors.items():
        name = binding_name(user, role)
        path = (*ctx.path, "contributors", user)
        if name in taken:
            message = f"'{user}' and '{taken[name]}' give the same object name, {name}"
            hint = "the access-management service cannot tell them apart; use an id that differs in letters or digits"
            found.append(finding("KF302", message, path, hint=hint, at_key=True))
            continue
        taken[name] = user
        resources += _contributor(ctx, item, user, role, name)
    if owner["name"] in item.contributors:
        path = (*ctx.path, "contributors", owner["name"])
        hint = "the owner has every right already"
        found.append(
            finding("KF303", f"the owner '{owner['name']}' is a contributor too", path, hint=hint, at_key=True)
        )
    return Lowered(tuple(resources), tuple(found))


def _name_finding(name: str) -> Diagnostic | None:
    """A Profile's name is its namespace's, a DNS label; the API server takes dots and 253 characters."""
    if len(name) <= 63 and "." not in name:
        return None
    hint = "use lower-case letters, digits and '-', at most 63"
    return finding("KF300", f"no namespace can be called '{name}'", ("metadata", "name"), hint=hint)


def _namespace(item: Item, ctx: Context, owner: str) -> Resource:
    labels = {**NAMESPACE_LABELS, **ctx.platform.namespaceLabels}
    if item.podSecurity is not None:
        labels["pod-security.kubernetes.io/enforce"] = item.podSecurity
    meta = base.metadata(
        ctx, item, ctx.namespace, namespaced=False, labels=labels, annotations={"owner": owner}, protect=True
    )
    origins = base.base_origins(ctx)
    origins["metadata", "annotations", "owner"] = Origin((*ctx.path, "owner"))
    origins["metadata", "labels", "pod-security.kubernetes.io/enforce"] = Origin((*ctx.path, "podSecurity"))
    return base.resource(ctx, {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}, origins)


def _profile(item: Item, ctx: Context, owner: dict[str, Any], expansion: Expansion) -> Resource:
    origins: Origins = base.base_origins(ctx)
    origins["spec",] = Origin(ctx.path)
    if isinstance(item.owner, str):
        origins["spec", "owner", "name"] = Origin((*ctx.path, "owner"))
    spec: dict[str, Any] = {"owner": owner}
    for key in ("plugins", "resourceQuotaSpec"):
        value = getattr(item, key)
        if value is not None:
            spec[key] = expansion.expand(value, ("spec", key), (*ctx.path, key))
    body = {
        "apiVersion": "kubeflow.org/v1",
        "kind": "Profile",
        "metadata": base.metadata(ctx, item, ctx.namespace, namespaced=False, protect=True),
        "spec": spec,
    }
    return base.resource(ctx, body, {**origins, **expansion.origins})


def binding_name(user: str, role: str) -> str:
    """The name of a contributor's two objects, as kfam makes it (kfam v1.10.0, `bindings.go`)."""
    return _dashed("-".join(("User", _dashed(user), "ClusterRole", role))).lower()


def _dashed(text: str) -> str:
    return re.sub(r"[^a-zA-Z0-9]+", "-", text)


def _contributor(ctx: Context, item: Item, user: str, role: str, name: str) -> list[Resource]:
    path = (*ctx.path, "contributors", user)
    annotations = {"user": user, "role": role}
    origins: Origins = {(): Origin(path, at_key=True)}

    def meta() -> dict[str, Any]:
        return base.metadata(ctx, None, name, annotations=annotations)

    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": meta(),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": f"kubeflow-{role}"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }
    header = f"request.headers[{ctx.platform.userIdHeader}]"
    rule = {
        "from": [{"source": {"principals": list(ctx.platform.ingressPrincipals)}}],
        "when": [{"key": header, "values": [f"{ctx.platform.userIdPrefix}{user}"]}],
    }
    policy = {
        "apiVersion": "security.istio.io/v1beta1",
        "kind": "AuthorizationPolicy",
        "metadata": meta(),
        "spec": {"rules": [rule]},
    }
    return [base.resource(ctx, binding, origins), base.resource(ctx, policy, origins)]


def lift(body: Body) -> Iterator[dict[str, Any]]:
    """Items that may stand for the Profile, the shortest first; its contributors are objects of their own."""
    spec = body.get("spec")
    if not isinstance(spec, dict) or spec.keys() - {"owner", "resourceQuotaSpec", "plugins"}:
        return
    meta = own_metadata(body)
    owner = spec.get("owner")
    if isinstance(owner, dict) and owner.keys() == {"kind", "name"} and owner["kind"] == "User":
        yield {**spec, "owner": owner["name"], **meta}
    yield {**spec, **meta}


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """The profile controller's traps: upstream has no webhook, and a Profile that cannot work says nothing.

    Source: profile-controller v1.10.0, `profile_controller.go`; executed.
    """
    name = body["metadata"].get("name", "")
    wrong = _name_finding(name) if isinstance(name, str) else None
    if wrong is not None:
        yield wrong
    owner = (body.get("spec") or {}).get("owner")
    if not isinstance(owner, dict):
        message = "the Profile has no owner, so nobody gets into its namespace"
        yield finding("KF301", message, ("spec",), hint="add 'owner: {kind: User, name: ...}'", at_key=True)
    elif owner.get("kind") != "User":
        message = f"an owner of kind {describe(owner.get('kind'))} never gets in"
        yield finding("KF301", message, ("spec", "owner", "kind"), hint="the identity header names a User")
    elif not owner.get("name"):
        yield finding("KF301", "an owner without a name never gets in", ("spec", "owner", "name"))
    for n, plugin in enumerate((body.get("spec") or {}).get("plugins") or ()):
        if plugin.get("kind") not in _PLUGINS:
            message = f"the controller has no plugin {describe(plugin.get('kind'))}"
            path = ("spec", "plugins", n, "kind")
            yield finding("KF304", message, path, hint=f"one of: {', '.join(_PLUGINS)}")


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
