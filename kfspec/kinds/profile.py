"""A profile: the namespace of a team, its owner, its contributors, its quota and its limits.

`profiles: {fraud: {owner: ana@example.com, contributors: {bo@example.com: edit}}}`. The Namespace is declared beside the
Profile, so that everything in it can be applied in the same pass and deleting the Profile does not delete the data; the
controller adopts a namespace whose annotation `owner` names the same owner (profile-controller v1.10.0, executed).
Contributors are the pairs of RoleBinding and AuthorizationPolicy that the access-management service would write (kfam
v1.10.0).

`groups: {data-science: edit}` gives a role to everybody of a group. The dashboard knows users only: it neither lists a group
among the contributors nor shows the namespace to its members, and its web apps ask Kubernetes about the user alone (kubeflow
v1.10.0). Members get in by kubectl and by the address of a notebook or a model server. The gateway's header
(`platform.groupsHeader`) must be the group alone, or a list that begins or ends with it; Istio itself copies a token's list of
groups there in base64, which matches nobody. Where users have several groups, set `platform.groupsClaim`, and declare a
RequestAuthentication in the namespace: then each entry of the token's claim counts. Kubernetes and the gateway must call a
group by the same name.

`servingAccess` says who else may call the model servers that are declared in the namespace: `authenticated`, `everyone`, or a
list of profiles and of principals (`cluster.local/ns/shop/sa/default-editor`), whose pods need a sidecar. Each service may say
otherwise in `access`. Whoever comes by neither the gateway nor a token, such as through a VirtualService of one's own at the
cluster-local gateway, is not `authenticated`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path
from kfspec.kinds import base, profile_effects
from kfspec.kinds.base import Context, Facts, Lowered
from kfspec.kinds.kserve import access
from kfspec.kinds.kserve.access import Access
from kfspec.kinds.lifting import own_metadata
from kfspec.kinds.profile_access import Role, contributors, wildcard
from kfspec.kinds.shortforms import Expansion
from kfspec.kinds.status import at, maps
from kfspec.resource import GVK, Body, Origin, Origins, Resource
from kfspec.spec.base import Block, Json, Model
from kfspec.wording import describe

BLOCK = "profiles"
PRODUCES = (
    GVK("", "v1", "Namespace"),
    GVK("kubeflow.org", "v1", "Profile"),
    GVK("", "v1", "LimitRange"),
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

_PLATFORM = frozenset(
    {
        "default",
        "kubeflow",
        "kubeflow-system",
        "istio-system",
        "knative-serving",
        "knative-eventing",
        "cert-manager",
        "auth",
        "oauth2-proxy",
    }
)
"""Namespaces that Kubernetes and the default install bring (kubeflow/manifests v1.10.0 to 26.03, `example/`); those that begin
with `kube-` are Kubernetes' own."""

_PLUGINS = ("WorkloadIdentity", "AwsIamForServiceAccount")
"""The plugins that the controller knows (profile-controller v1.10.0)."""

_GSA = re.compile(r"[a-z0-9][-a-z0-9]*@[a-z0-9][-a-z0-9.:]*\.gserviceaccount\.com")
_ROLE = re.compile(r"arn:aws[-a-z]*:iam::\d{12}:role/\S+")

LIMIT_RANGE = "kf-limit-range"
"""The name of a profile's LimitRange, beside the controller's `kf-resource-quota`."""


class Owner(Model):
    """Upstream's subject."""

    kind: str = Field(description="User.")
    name: str = Field(description="The user's id, as the identity header says it: most often an e-mail address.")
    apiGroup: str | None = Field(default=None, description="Upstream's.")  # noqa: N815
    namespace: str | None = Field(default=None, description="Upstream's, for a ServiceAccount.")


class Plugins(Model):
    """The controller's plugins by what they need."""

    workloadIdentity: str | None = Field(  # noqa: N815
        default=None, description="Google Cloud: the service account that `default-editor` acts as."
    )
    awsIamRole: str | None = Field(  # noqa: N815
        default=None, description="AWS: the ARN of the role that `default-editor` acts as."
    )
    annotateOnly: bool | None = Field(  # noqa: N815
        default=None, description="Upstream's, with `awsIamRole`: leave the role's trust policy alone."
    )


class Limits(Model):
    """A LimitRange: one limit for containers, or upstream's list."""

    default: dict[str, Json] | None = Field(default=None, description="The limits of a container that says none.")
    defaultRequest: dict[str, Json] | None = Field(  # noqa: N815
        default=None, description="The requests of a container that says none."
    )
    max: dict[str, Json] | None = Field(default=None, description="The highest limit of a container.")
    min: dict[str, Json] | None = Field(default=None, description="The lowest request of a container.")
    maxLimitRequestRatio: dict[str, Json] | None = Field(  # noqa: N815
        default=None, description="How many times its request a limit may be."
    )
    limits: list[Json] | None = Field(default=None, description="Upstream's list, for pods and claims too.")


class Item(Block):
    """A profile."""

    owner: str | Owner = Field(description="The owner: a user's id, or upstream's subject.")
    contributors: dict[str, Role] = Field(default_factory=dict, description="User -> admin, edit or view.")
    groups: dict[str, Role] = Field(
        default_factory=dict, description="Group -> admin, edit or view; the dashboard does not show them."
    )
    resourceQuotaSpec: Json = Field(default=None, description="Upstream's ResourceQuota spec.")  # noqa: N815
    limitRange: Limits | None = Field(  # noqa: N815
        default=None,
        description="`{default, defaultRequest, max, min}` of a container, or upstream's `limits`: a LimitRange.",
    )
    plugins: Plugins | list[Json] | None = Field(
        default=None,
        description="`{workloadIdentity: ...}`, `{awsIamRole: ...}`, or upstream's cloud identity plugins.",
    )
    servingAccess: Access | None = Field(  # noqa: N815
        default=None,
        description="Who else may call the namespace's model servers: private, authenticated, everyone, or a list of "
        "profiles and principals.",
    )
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
    if item.limitRange is not None:
        resources += _limit_range(item.limitRange, ctx, expansion)
    of_contributors, found = contributors(item.contributors, item.groups, owner["name"], ctx)
    found = [*expansion.found, *found, *access.problems(item.servingAccess, (*ctx.path, "servingAccess"), ctx)]
    return Lowered((*resources, *of_contributors), tuple(found))


def _name_finding(name: str) -> Diagnostic | None:
    """A Profile's name is its namespace's, a DNS label; the API server takes dots and 253 characters."""
    if name in _PLATFORM or name.startswith("kube-"):
        message = f"'{name}' is a namespace of the platform, not a team's: the Profile would take it over"
        return finding("KF300", message, ("metadata", "name"), hint="give the profile a name of its own")
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
    if isinstance(item.plugins, Plugins):
        spec["plugins"] = _plugins(item.plugins, (*ctx.path, "plugins"), expansion)
    for key in ("plugins", "resourceQuotaSpec"):
        value = getattr(item, key)
        if value is not None and key not in spec:
            spec[key] = expansion.expand(value, ("spec", key), (*ctx.path, key))
    body = {
        "apiVersion": "kubeflow.org/v1",
        "kind": "Profile",
        "metadata": base.metadata(ctx, item, ctx.namespace, namespaced=False, protect=True),
        "spec": spec,
    }
    return base.resource(ctx, body, {**origins, **expansion.origins})


def _plugins(given: Plugins, path: Path, expansion: Expansion) -> list[dict[str, Any]]:
    """Upstream's list of the plugins that the short form names."""
    made: list[dict[str, Any]] = []
    if given.workloadIdentity is not None:
        expansion.origins["spec", "plugins", len(made)] = Origin((*path, "workloadIdentity"))
        made.append({"kind": "WorkloadIdentity", "spec": {"gcpServiceAccount": given.workloadIdentity}})
    if given.awsIamRole is not None:
        only = {} if given.annotateOnly is None else {"annotateOnly": given.annotateOnly}
        expansion.origins["spec", "plugins", len(made)] = Origin((*path, "awsIamRole"))
        made.append({"kind": "AwsIamForServiceAccount", "spec": {"awsIamRole": given.awsIamRole, **only}})
    elif given.annotateOnly is not None:
        message = "'annotateOnly' is about a role, and there is none"
        found = finding("KF762", message, (*path, "annotateOnly"), hint="add 'awsIamRole: arn:...'", at_key=True)
        expansion.found.append(found)
    return made


def _limit_range(given: Limits, ctx: Context, expansion: Expansion) -> list[Resource]:
    """The namespace's LimitRange; none where short and long form are mixed, or nothing is said."""
    from kfspec.kinds.kubernetes import limitrange  # here: few profiles have one

    path = (*ctx.path, "limitRange")
    short = [key for key in limitrange.AMOUNTS if getattr(given, key) is not None]
    if given.limits is not None and short:
        message = f"'limitRange' mixes the short form ('{short[0]}') and the long form ('limits')"
        hint = f"write 'limits', or '{short[0]}' alone"
        expansion.found.append(finding("KF340", message, (*path, short[0]), hint=hint, at_key=True))
        return []
    origins: Origins = {(): Origin(path, at_key=True)}
    if given.limits is not None:
        origins["spec", "limits"] = Origin((*path, "limits"))
        limits = [limitrange.canonical_limit(one) if isinstance(one, dict) else one for one in given.limits]
    elif short:
        origins["spec", "limits", 0] = Origin(path)
        amounts = {key: _amounts(getattr(given, key), key, ctx, expansion, origins) for key in short}
        limits = [limitrange.canonical_limit({"type": "Container", **amounts})]
    else:
        expansion.found.append(
            finding("KF102", "'limitRange' lacks every limit", path, hint="add 'default:'", at_key=True)
        )
        return []
    body = {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": base.metadata(ctx, None, LIMIT_RANGE),
        "spec": {"limits": limits},
    }
    return [base.resource(ctx, body, origins)]


def _amounts(given: dict[str, Any], key: str, ctx: Context, expansion: Expansion, origins: Origins) -> dict[str, Any]:
    """Resource -> amount; `gpu` is the platform's."""
    made: dict[str, Any] = {}
    for name, amount in given.items():
        place = (*ctx.path, "limitRange", key, name)
        stored = ctx.platform.gpuResource if name == "gpu" else name
        if stored in made:
            message = f"'gpu' and '{stored}' are the same resource"
            expansion.found.append(finding("KF340", message, place, hint="keep one of them", at_key=True))
        made[stored] = amount
        origins["spec", "limits", 0, key, stored] = Origin(place)
    return made


def lift(body: Body) -> Iterator[dict[str, Any]]:
    """Items that may stand for the Profile, the shortest first; what stands in its namespace is `lift_beside`'s."""
    spec = body.get("spec")
    if not isinstance(spec, dict) or spec.keys() - {"owner", "resourceQuotaSpec", "plugins"}:
        return
    meta = own_metadata(body)
    plugins = _short_plugins(spec.get("plugins"))
    if plugins is not None:
        yield from lift({**body, "spec": {**spec, "plugins": plugins}})
    owner = spec.get("owner")
    if isinstance(owner, dict) and owner.keys() == {"kind", "name"} and owner["kind"] == "User":
        yield {**spec, "owner": owner["name"], **meta}
    yield {**spec, **meta}


def _short_plugins(given: Any) -> dict[str, Any] | None:
    """The short form of upstream's list, if there is one."""
    made: dict[str, Any] = {}
    fields = {"WorkloadIdentity": {"gcpServiceAccount": "workloadIdentity"}, "AwsIamForServiceAccount": {}}
    for plugin in given if isinstance(given, list) and given else ():
        names = fields.pop(str(plugin.get("kind")), None) if isinstance(plugin, dict) else None
        if names is None or not isinstance(plugin.get("spec"), dict):
            return None
        made |= {names.get(key, key): value for key, value in plugin["spec"].items()}
    return made or None


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
    elif wildcard(owner["name"]):
        message = f"Istio reads '{owner['name']}' as a pattern, and lets in whoever fits; Kubernetes reads it as a name"
        yield finding("KF760", message, ("spec", "owner", "name"), hint="name one user")
    for n, plugin in enumerate(maps(at(body, "spec", "plugins"))):
        yield from _of_plugin(plugin, ("spec", "plugins", n))


def _of_plugin(plugin: dict[str, Any], path: Path) -> Iterator[Diagnostic]:
    """The plugins annotate `default-editor`, whatever they are given (v1.10.0, plugin_workload_identity.go, plugin_iam.go)."""
    kind = plugin.get("kind")
    if kind not in _PLUGINS:
        message = f"the controller has no plugin {describe(kind)}"
        yield finding("KF304", message, (*path, "kind"), hint=f"one of: {', '.join(_PLUGINS)}")
        return
    field, pattern, hint = {
        "WorkloadIdentity": ("gcpServiceAccount", _GSA, "<name>@<project>.iam.gserviceaccount.com"),
        "AwsIamForServiceAccount": ("awsIamRole", _ROLE, "arn:aws:iam::<account>:role/<name>"),
    }[str(kind)]
    value = at(plugin, "spec", field)
    if value is None or value == "":
        yield finding("KF762", f"the plugin {kind} lacks '{field}'", path, hint=f"{field}: {hint}", at_key=True)
    elif not isinstance(value, str) or not pattern.fullmatch(value):
        message = f"{describe(value)} is the identity of nobody"
        yield finding("KF762", message, (*path, "spec", field), hint=hint)


EFFECTS = profile_effects.EFFECTS
ready = profile_effects.ready
