"""Objects that the platform's own controllers make in the namespace of every profile are not declared.

Source: profile-controller v1.10.0, profile_controller.go; kubeflow/manifests, pipelines-profile-controller (sync.py of KFP 2.4.1,
2.5.0, 2.15.0 and 2.16.0, decorator-controller.yaml). `kfp-launcher` may be declared: what is there already is left alone, and it
is where the root of pipelines is set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from kfspec.checks.podmodel import owned
from kfspec.checks.services import services_of
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Severity, Upstream
from kfspec.kinds.status import at
from kfspec.resource import Resource, to_spec

if TYPE_CHECKING:
    from kfspec.catalog import Release

_RBAC, _ISTIO, _ISTIO_NET = "rbac.authorization.k8s.io", "security.istio.io", "networking.istio.io"


class _Reserved(NamedTuple):
    """An object of the platform's."""

    group: str
    kind: str
    name: str
    kept: bool = False
    """The controller leaves one alone that is there already."""
    since: str = ""
    """Version of KFP."""
    until: str = ""
    """The first version without it."""
    by: str = "the profile controller"


_KFP = "Kubeflow Pipelines"

_TABLE = (
    _Reserved(_ISTIO, "AuthorizationPolicy", "ns-owner-access-istio"),
    _Reserved(_RBAC, "RoleBinding", "default-editor"),
    _Reserved(_RBAC, "RoleBinding", "default-viewer"),
    _Reserved(_RBAC, "RoleBinding", "namespaceAdmin"),
    _Reserved("", "ResourceQuota", "kf-resource-quota"),
    _Reserved("", "ServiceAccount", "default-editor", kept=True),
    _Reserved("", "ServiceAccount", "default-viewer", kept=True),
    _Reserved("", "Secret", "mlpipeline-minio-artifact", kept=True, by=_KFP),
    _Reserved("", "ConfigMap", "metadata-grpc-configmap", kept=True, by=_KFP),
    _Reserved("", "ConfigMap", "artifact-repositories", kept=True, since="2.15.0", by=_KFP),
    _Reserved("apps", "Deployment", "ml-pipeline-ui-artifact", until="2.15.0", by=_KFP),
    _Reserved("", "Service", "ml-pipeline-ui-artifact", until="2.15.0", by=_KFP),
    _Reserved("apps", "Deployment", "ml-pipeline-visualizationserver", until="2.15.0", by=_KFP),
    _Reserved("", "Service", "ml-pipeline-visualizationserver", until="2.15.0", by=_KFP),
    _Reserved(_ISTIO_NET, "DestinationRule", "ml-pipeline-visualizationserver", until="2.15.0", by=_KFP),
    _Reserved(_ISTIO, "AuthorizationPolicy", "ml-pipeline-visualizationserver", until="2.15.0", by=_KFP),
)


def check(resources: tuple[Resource, ...], release: Release, namespaces: Iterable[str] = ()) -> Iterator[Diagnostic]:
    """One finding for each object of such a name, or whose Service has it. Paths are spec paths. `namespaces`: of profiles."""
    profiles = {r.ref.name for r in resources if (r.ref.group, r.ref.kind) == ("kubeflow.org", "Profile")}
    profiles.update(namespaces)
    profiles.update(r.ref.name for r in resources if r.ref.kind == "Namespace" and _of_profile(r))
    table = {(entry.group, entry.kind, entry.name): entry for entry in _TABLE if _there(entry, release)}
    for resource in resources:
        ref = resource.ref
        if ref.namespace not in profiles or owned(resource):
            continue
        entry = table.get((ref.group, ref.kind, ref.name))
        if entry is not None:
            yield to_spec(resource, _finding(entry))
            continue
        for name in services_of(resource):
            made = table.get(("", "Service", name))
            if made is not None:
                message = f"it is reached through a Service '{name}', which {made.by} has in every profile, and resets"
                found = finding("KF772", message, ("metadata", "name"), hint="give it another name", at_key=True)
                yield to_spec(resource, found)


def _of_profile(resource: Resource) -> bool:
    labels = at(resource.body, "metadata", "labels")
    return isinstance(labels, dict) and labels.get("app.kubernetes.io/part-of") == "kubeflow-profile"


def _there(entry: _Reserved, release: Release) -> bool:
    if entry.since and not release.since("pipelines", entry.since):
        return False
    return not (entry.until and release.since("pipelines", entry.until))


def _finding(entry: _Reserved) -> Diagnostic:
    what, place = f"{entry.kind} '{entry.name}'", ("metadata", "name")
    if entry.kept:
        message = f"{entry.by} makes {what} in every profile: pruning it takes it from everything that uses it"
        hint = "do not declare it, or give yours another name"
        return finding("KF772", message, place, hint=hint, severity=Severity.WARNING, upstream=Upstream.ADVICE)
    if entry.name == "kf-resource-quota":
        message = f"{entry.by} makes {what} of the profile, and deletes or resets any other"
        hint = "say it in 'resourceQuotaSpec' of the profile, or give it another name"
        return finding("KF772", message, place, hint=hint)
    message = f"{entry.by} makes {what} in every profile, and resets what anybody else writes into it"
    return finding("KF772", message, place, hint="give it another name")
