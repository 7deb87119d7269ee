"""The rules about objects that share a namespace, in a row: what makes pods is looked at once for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from kfspec.checks import podsecurity, quota, reserved, services, sharing
from kfspec.checks.mesh import labels_of
from kfspec.checks.pods import pods_of
from kfspec.diagnostics import Diagnostic
from kfspec.resource import Resource

if TYPE_CHECKING:
    from kfspec.catalog import Release


def check(
    resources: tuple[Resource, ...],
    release: Release,
    *,
    templates: tuple[Resource, ...] = (),
    namespaces: Iterable[str] = (),
    labels: Mapping[str, str] | None = None,
) -> Iterator[Diagnostic]:
    """What is wrong with the objects as neighbours. Paths are spec paths. `templates` do not run, and are no neighbours;
    `namespaces`: those of profiles that are made elsewhere; `labels`: what the platform labels profiles with."""
    namespaces = tuple(namespaces)
    pods, known = pods_of(resources, templates, release), labels_of(resources, release, namespaces, labels or {})
    yield from services.check(resources)
    yield from reserved.check(resources, release, namespaces)
    yield from quota.check(resources, pods, release, known)
    yield from sharing.check(resources, pods)
    yield from podsecurity.check(resources, pods, release, known)
