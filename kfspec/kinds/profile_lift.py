"""What `import` makes of the objects in a profile's namespace that the profile's item, or a model server's, can say itself.

Each is a proposal: whoever asks lowers the item again, and takes what gives equivalent objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kfspec.kinds.kserve import access
from kfspec.kinds.kubernetes.limitrange import AMOUNTS
from kfspec.kinds.profile_access import binding_name
from kfspec.kinds.status import at, maps
from kfspec.resource import Body

KINDS = frozenset({"RoleBinding", "AuthorizationPolicy", "LimitRange"})
"""Kinds of what may belong to another object's item."""

_ROLE = "kubeflow-"
_FIELDS = {"User": "contributors", "Group": "groups"}
_SECURITY = "pod-security.kubernetes.io/enforce"


class Beside(NamedTuple):
    """What an item may say besides, and the objects that it then stands for."""

    field: str
    value: Any
    """Merged into what the item says already, where both are mappings."""
    bodies: tuple[Body, ...]

    def added(self, item: dict[str, Any]) -> dict[str, Any]:
        """The item with it."""
        had = item.get(self.field)
        merged = {**had, **self.value} if isinstance(had, dict) and isinstance(self.value, dict) else self.value
        return {**item, self.field: merged}


def of_profile(name: str, bodies: Sequence[Body]) -> Iterator[Beside]:
    """Contributors and groups by their pair of objects, the LimitRange, and the namespace's pod security level."""
    policies = {body["metadata"]["name"]: body for body in bodies if body["kind"] == "AuthorizationPolicy"}
    for body in bodies:
        if body["kind"] == "RoleBinding":
            policy = policies.get(body["metadata"]["name"])
            said = _contributor(body)
            if policy is not None and said is not None:
                field, entry = said
                yield Beside(field, entry, (body, policy))
        elif body["kind"] == "LimitRange":
            for value in _limit_range(body):
                yield Beside("limitRange", value, (body,))
        elif body["kind"] == "Namespace" and body["metadata"]["name"] == name:
            level = at(body, "metadata", "labels", _SECURITY)
            if level is not None:
                yield Beside("podSecurity", level, ())


def of_service(name: str, bodies: Sequence[Body]) -> Iterator[Beside]:
    """Who may call a model server."""
    for body in bodies:
        if body["kind"] == "AuthorizationPolicy" and body["metadata"]["name"] == access.policy_name(name):
            for value in access.lift(body):
                yield Beside("access", value, (body,))


def profiles_of(item: Mapping[str, Any]) -> list[str]:
    """The profiles that a model server's item names as its callers."""
    said = item.get("access")
    return [one for one in said if "/" not in one] if isinstance(said, list) else []


def _contributor(binding: Body) -> tuple[str, dict[str, str]] | None:
    """The field and the entry that a binding with the name of a contributor's stands for."""
    subjects, role = maps(binding.get("subjects")), at(binding, "roleRef", "name")
    if len(subjects) != 1 or not isinstance(role, str) or not role.startswith(_ROLE):
        return None
    kind, name = subjects[0].get("kind"), subjects[0].get("name")
    short = role.removeprefix(_ROLE)
    if not isinstance(name, str) or kind not in ("User", "Group"):
        return None
    if binding["metadata"]["name"] != binding_name(name, short, kind):
        return None
    return _FIELDS[kind], {name: short}


def _limit_range(body: Body) -> Iterator[dict[str, Any]]:
    limits = at(body, "spec", "limits")
    if isinstance(limits, list) and len(limits) == 1 and isinstance(limits[0], dict):
        rest = {key: value for key, value in limits[0].items() if key != "type"}
        if limits[0].get("type") == "Container" and rest and not rest.keys() - set(AMOUNTS):
            yield rest
    if isinstance(limits, list):
        yield {"limits": limits}
