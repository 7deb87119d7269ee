"""Who may call the model servers of a profile's namespace, besides its owner, its contributors and its own pods.

Istio refuses everybody else (profile-controller v1.10.0, `ns-owner-access-istio`), so each policy only ever opens. One is made
for each service and each graph, by the label that its pods carry in both of KServe's modes. A graph's router calls its services
from within the namespace, which needs none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path
from kfspec.kinds import base
from kfspec.kinds.base import Context
from kfspec.kinds.status import at, maps
from kfspec.resource import GVK, Body, Origin, Origins, Resource
from kfspec.wording import did_you_mean

Access: TypeAlias = Literal["private", "authenticated", "everyone"] | Annotated[list[str], Field(min_length=1)]

POLICY = GVK("security.istio.io", "v1beta1", "AuthorizationPolicy")
POD_LABEL = "serving.kserve.io/inferenceservice"
"""What the pods of a service carry (KServe 0.14.1 to 0.16.0; `tests/kserve_test.sh` of kubeflow/manifests selects by it)."""
ROUTER_LABEL = "serving.kserve.io/inferencegraph"
"""What the pods of a graph carry (KServe main, constants.InferenceGraphLabel: knative_reconciler.go and raw_ig.go set it)."""

_PRINCIPAL = re.compile(r"[^/*\s]+/ns/[^/*\s]+/sa/[^/*\s]+")
_INJECT = "sidecar.istio.io/inject"


def default_of(ctx: Context) -> tuple[Any, Path]:
    """What the service's profile says of all its services, and where. The profile's own check judges its shape."""
    profile = (ctx.declared.get("profiles") or {}).get(ctx.profile)
    said = profile.get("servingAccess") if isinstance(profile, dict) else None
    return said, ("profiles", ctx.profile, "servingAccess")


def policies(
    own: Access | None, opted_out: bool, ctx: Context, label: str = POD_LABEL
) -> tuple[list[Resource], list[Diagnostic]]:
    """The service's policy, or the graph's, if anybody else may call it. `opted_out`: its pods have no sidecar; `label`: what
    they carry."""
    inherited, place = default_of(ctx)
    said, path = (own, (*ctx.path, "access")) if own is not None else (inherited, place)
    found = list(problems(own, path, ctx)) if own is not None else []
    if said is None or said == "private":
        return [], found
    if opted_out:
        hint = f"let the pods have their sidecar: remove '{_INJECT}'"
        message = f"'{ctx.name}' has no sidecar, so nothing checks who calls it"
        found.append(finding("KF766", message, path if own is not None else ctx.path, hint=hint, at_key=True))
    rules = rules_of(said, ctx)
    if not rules:
        return [], found
    body = {
        "apiVersion": POLICY.api_version,
        "kind": POLICY.kind,
        "metadata": base.metadata(ctx, None, policy_name(ctx.name, label)),
        "spec": {"selector": {"matchLabels": {label: ctx.name}}, "action": "ALLOW", "rules": rules},
    }
    origins: Origins = {(): Origin(ctx.path, at_key=True), ("spec", "rules"): Origin(path)}
    return [base.resource(ctx, body, origins)], found


def policy_name(name: str, label: str = POD_LABEL) -> str:
    """The name of a service's policy, or of a graph's."""
    return f"{label.rpartition('/')[2]}-{name}"


def without_sidecar(*metadata: Any) -> bool:
    """Whether any of these labels or annotations keeps the sidecar out of the pods."""
    return any(isinstance(each, dict) and str(each.get(_INJECT)).lower() == "false" for each in metadata)


def rules_of(said: Any, ctx: Context) -> list[dict[str, Any]]:
    """The rules of a policy; [] for what is none.

    `everyone` is what the platform's own tests apply (kubeflow/manifests v1.10.2 and 26.03, `tests/kserve_test.sh`). Who is
    authenticated has either come through the gateway, which sets the identity header and overwrites anybody else's, or
    carries a token that the pod's own sidecar has checked (v1.11.0's tests ask for that; it takes a RequestAuthentication
    in the namespace, and without one the rule matches nobody).
    """
    if said == "everyone":
        return [{}]
    if said == "authenticated":
        platform = ctx.platform
        header = {"key": f"request.headers[{platform.userIdHeader}]", "values": [f"{platform.userIdPrefix}*"]}
        gateway = {"source": {"principals": list(platform.ingressPrincipals)}}
        return [{"from": [gateway], "when": [header]}, {"from": [{"source": {"requestPrincipals": ["*"]}}]}]
    callers = [one for one in said if isinstance(one, str)] if isinstance(said, list | tuple) else []
    principals = [one for one in callers if "/" in one]
    namespaces = [ctx.namespaces[one] for one in callers if one in ctx.namespaces]
    sources = {"namespaces": namespaces, "principals": principals}
    given = [{"source": {key: value}} for key, value in sources.items() if value]
    return [{"from": given}] if given else []


def problems(said: Access | None, path: Path, ctx: Context) -> Iterator[Diagnostic]:
    """What is wrong with it, or what it opens."""
    if said == "everyone":
        hint = "'authenticated', or a list of profiles and principals"
        message = "whoever reaches the pods may call them: every pod of the cluster, with or without a token"
        yield finding("KF764", message, path, hint=hint)
    for n, one in enumerate(said if isinstance(said, list) else ()):
        if "/" in one:
            if not _PRINCIPAL.fullmatch(one) or one.startswith("spiffe:"):
                form = "<trust domain>/ns/<namespace>/sa/<service account>, as cluster.local/ns/shop/sa/default-editor"
                yield finding("KF765", f"no pod ever has the identity '{one}'", (*path, n), hint=form)
        elif one not in ctx.namespaces:
            near = did_you_mean(one, ctx.namespaces, f"declare it, or 'externals: {{profiles: [{one}]}}'")
            yield finding("KF201", f"profile '{one}' is not declared", (*path, n), hint=near)


# -- the way back -----------------------------------------------------------------------------------------------


def lift(policy: Body) -> Iterator[Any]:
    """What `access` may say for a service's policy, the shortest first; not every one need be exact."""
    yield from ("everyone", "authenticated")
    sources = [
        source
        for rule in maps(at(policy, "spec", "rules"))
        for entry in maps(rule.get("from"))
        if isinstance(source := entry.get("source"), dict)
    ]
    callers = [one for source in sources for key in ("namespaces", "principals") for one in source.get(key) or ()]
    if callers and all(isinstance(one, str) for one in callers):
        yield callers
