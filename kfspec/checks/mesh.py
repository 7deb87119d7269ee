"""Which pods get the mesh's sidecar: by the labels of their namespace, and by what they say themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from kfspec.catalog.releases import numbers
from kfspec.checks.podmodel import Pods
from kfspec.kinds.status import at
from kfspec.resource import Resource

if TYPE_CHECKING:
    from kfspec.catalog import Release

ENFORCE = "pod-security.kubernetes.io/enforce"
BASELINE = "baseline"
SINCE = "1.10.2"
"""The first release that labels profiles, and whose mesh needs no init container with rights (istio-cni)."""

_INJECTION = "istio-injection"
_INJECT = "sidecar.istio.io/inject"

Labels = dict[str, dict[str, Any]]
"""Namespace -> its labels."""


def labels_of(
    resources: tuple[Resource, ...], release: Release, namespaces: Iterable[str], platform: Mapping[str, str]
) -> Labels:
    """The labels of the namespaces; the profile controller adds its own to one that lacks them, and changes none.
    `namespaces`: those of profiles; `platform`: what the platform gives them besides."""
    profiles = {r.ref.name for r in resources if (r.ref.group, r.ref.kind) == ("kubeflow.org", "Profile")}
    level = {ENFORCE: BASELINE} if numbers(release.name) >= numbers(SINCE) else {}
    known: Labels = {name: {_INJECTION: "enabled", **level, **platform} for name in {*profiles, *namespaces}}
    for resource in resources:
        if (resource.ref.group, resource.ref.kind) == ("", "Namespace"):
            given = at(resource.body, "metadata", "labels")
            known[resource.ref.name] = {
                **known.get(resource.ref.name, {}),
                **(given if isinstance(given, dict) else {}),
            }
    return known


def meshed(pods: Pods, labels: Labels) -> bool:
    """Whether they get a sidecar: not on the node's own network (istio 1.24 to 1.29, injectRequired), and not where label or
    annotation says no (kubeflow/manifests, istio-sidecar-injector)."""
    if labels.get(pods.resource.ref.namespace, {}).get(_INJECTION) != "enabled" or pods.spec.get("hostNetwork") is True:
        return False
    return "false" not in (pods.meta.labels.get(_INJECT), pods.meta.annotations.get(_INJECT))
