"""Who gets into a profile's namespace besides its owner: users and groups.

A user's two objects are what the access-management service writes, with its annotations, so that the dashboard shows and
removes them. A group's carry none: the service takes whatever has them for a user, and one such binding without exactly one
subject makes it list nobody of the whole namespace (kfam v1.10.0, bindings.go; executed).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path
from kfspec.kinds import base
from kfspec.kinds.base import Context
from kfspec.resource import Origin, Origins, Resource
from kfspec.spec.settings import Platform

Role = Literal["admin", "edit", "view"]
Kind = Literal["User", "Group"]

_RBAC = "rbac.authorization.k8s.io"
_ALIKE: dict[Kind, str] = {
    "User": "the access-management service cannot tell them apart",
    "Group": "the objects' names have nothing else of them",
}
_FIELDS: dict[Kind, str] = {"User": "contributors", "Group": "groups"}


class Contributor(NamedTuple):
    """Somebody with a role in the namespace."""

    kind: Kind
    name: str
    role: str
    path: Path

    @property
    def binding(self) -> str:
        """The name of the two objects."""
        return binding_name(self.name, self.role, self.kind)


def contributors(
    users: Mapping[str, str], groups: Mapping[str, str], owner: str, ctx: Context
) -> tuple[list[Resource], list[Diagnostic]]:
    """A RoleBinding and an AuthorizationPolicy for each."""
    resources: list[Resource] = []
    found: list[Diagnostic] = []
    taken: dict[str, str] = {}
    given: tuple[tuple[Kind, Mapping[str, str]], ...] = (("User", users), ("Group", groups))
    for kind, roles in given:
        for name, role in roles.items():
            one = Contributor(kind, name, role, (*ctx.path, _FIELDS[kind], name))
            if one.binding in taken:
                message = f"'{name}' and '{taken[one.binding]}' give the same object name, {one.binding}"
                hint = f"{_ALIKE[kind]}; use an id that differs in letters or digits"
                found.append(finding("KF302", message, one.path, hint=hint, at_key=True))
                continue
            taken[one.binding] = name
            found += _problems(one, ctx.platform)
            resources += _pair(one, ctx)
    if owner in users:
        path = (*ctx.path, "contributors", owner)
        message = f"the owner '{owner}' is a contributor too"
        found.append(finding("KF303", message, path, hint="the owner has every right already", at_key=True))
    return resources, found


def wildcard(name: Any) -> bool:
    """Whether Istio reads the name as a pattern: `*`, `*@example.com`, `ana*`."""
    return isinstance(name, str) and (name.startswith("*") or name.endswith("*"))


def _problems(one: Contributor, platform: Platform) -> Iterator[Diagnostic]:
    if not one.name:
        message = f"a {one.kind.lower()} without a name is nobody"
        yield finding("KF760", message, one.path, hint="name them as the identity provider does", at_key=True)
    elif wildcard(one.name):
        hint = f"name each {one.kind.lower()}"
        message = f"Istio reads '{one.name}' as a pattern, and lets in whoever fits; Kubernetes reads it as a name"
        yield finding("KF760", message, one.path, hint=hint, at_key=True)
    elif one.kind == "Group" and "," in one.name and platform.groupsClaim is None:
        hint = "set 'platform: {groupsClaim: groups}', or use a group without a comma"
        message = f"the gateway separates groups by commas, so nobody is ever in '{one.name}'"
        yield finding("KF760", message, one.path, hint=hint, at_key=True)
    elif one.kind == "User" and one.name.startswith("group:"):
        name = one.name.removeprefix("group:")
        hint = f"write 'groups: {{{name or 'NAME'}: {one.role}}}'"
        yield finding("KF761", f"'{one.name}' is the id of a user here", one.path, hint=hint, at_key=True)


def binding_name(name: str, role: str, kind: Kind = "User") -> str:
    """The name of a contributor's two objects, as kfam makes it (kfam v1.10.0, `bindings.go`): no group's is a user's."""
    return _dashed("-".join((kind, _dashed(name), "ClusterRole", role))).lower()


def _dashed(text: str) -> str:
    return re.sub(r"[^a-zA-Z0-9]+", "-", text)


def _pair(one: Contributor, ctx: Context) -> list[Resource]:
    annotations = {"user": one.name, "role": one.role} if one.kind == "User" else None
    origins: Origins = {(): Origin(one.path, at_key=True)}

    def meta() -> dict[str, Any]:
        return base.metadata(ctx, None, one.binding, annotations=annotations)

    binding = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": meta(),
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": f"kubeflow-{one.role}"},
        "subjects": [{"apiGroup": _RBAC, "kind": one.kind, "name": one.name}],
    }
    rule = {
        "from": [{"source": {"principals": list(ctx.platform.ingressPrincipals)}}],
        "when": [_condition(one, ctx.platform)],
    }
    policy = {
        "apiVersion": "security.istio.io/v1beta1",
        "kind": "AuthorizationPolicy",
        "metadata": meta(),
        "spec": {"rules": [rule]},
    }
    return [base.resource(ctx, binding, origins), base.resource(ctx, policy, origins)]


def _condition(one: Contributor, platform: Platform) -> dict[str, Any]:
    """What the request must say.

    Istio compares a header whole, by its beginning or by its end, so a group is found where it stands alone, first or last;
    of a claim that is a list it looks at each entry (Istio 1.24.3 to 1.29.1, security/v1beta1 AuthorizationPolicy).
    """
    name = one.name
    if one.kind == "User":
        return {"key": f"request.headers[{platform.userIdHeader}]", "values": [f"{platform.userIdPrefix}{name}"]}
    if platform.groupsClaim is not None:
        return {"key": f"request.auth.claims[{platform.groupsClaim}]", "values": [name]}
    return {"key": f"request.headers[{platform.groupsHeader}]", "values": [name, f"{name},*", f"*,{name}"]}
