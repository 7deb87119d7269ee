"""Pods as the rules between objects see them, and the parts that every maker of pods shares."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

from kfspec.diagnostics import Path
from kfspec.kinds.podspec import pod_specs
from kfspec.kinds.status import at
from kfspec.quantity import parse
from kfspec.resource import Body, Resource

Amounts: TypeAlias = dict[str, Any]
"""Resource -> how much, as it is written, or a Decimal; `amount` reads it."""


class Container(NamedTuple):
    """One container of a pod."""

    path: Path
    body: dict[str, Any]
    """As far as the object has it."""
    requests: Amounts
    limits: Amounts
    init: bool = False
    """It runs before the others, and ends."""
    complete: bool = True
    """`requests` and `limits` are all that it will have."""
    stays: bool = False
    """It starts with the init containers, and does not end."""
    adder: str = ""
    """Who puts it into the pod; "" for one that the object has."""
    advice: str = ""
    """How its amounts are stated, where not under `resources`."""

    @property
    def name(self) -> str:
        """Its name; what stands for it where it has none in the object."""
        name = self.body.get("name")
        return name if isinstance(name, str) and name else str(self.path[-1])


class Meta(NamedTuple):
    """Labels and annotations of pods, as far as they are known."""

    labels: dict[str, Any] = {}  # noqa: RUF012 - never changed
    annotations: dict[str, Any] = {}  # noqa: RUF012 - never changed


class Pods(NamedTuple):
    """Pods that are all alike."""

    resource: Resource
    path: Path
    """Where the pod spec stands in the object."""
    spec: dict[str, Any]
    containers: tuple[Container, ...]
    at_once: int = 1
    """How many the object asks for at once."""
    needed: int = 1
    """How many of them it does not work without."""
    most: int | None = None
    """How many autoscaling may make of them; None where nothing scales."""
    run: bool = False
    """They come to an end."""
    whole: bool = True
    """The pod spec and its containers are what the pod has, but for what admission adds."""
    meta: Meta = Meta()
    knative: bool = False
    """Knative runs them."""
    scoped: bool = True
    """`spec` has their deadline and their priority, if they have any."""

    @property
    def item(self) -> str:
        """The item that makes them, as a message names it; of a plain manifest, the object."""
        return named(self.resource)


def named(resource: Resource) -> str:
    """What made an object: its item, or the object where a plain manifest did."""
    item = resource.item
    return ".".join(map(str, item)) if item and isinstance(item[0], str) else str(resource.ref)


def owned(resource: Resource) -> bool:
    """Whether a controller made the object: then it is not declared, and its owner speaks for it."""
    return bool(at(resource.body, "metadata", "ownerReferences"))


def meta_of(*given: Any) -> Meta:
    """Labels and annotations of several `metadata` in one; a later one wins."""
    labels: dict[str, Any] = {}
    annotations: dict[str, Any] = {}
    for each in given:
        if not isinstance(each, dict):
            continue
        if isinstance(found := each.get("labels"), dict):
            labels.update(found)
        if isinstance(found := each.get("annotations"), dict):
            annotations.update(found)
    return Meta(labels, annotations)


def number(value: Any, default: int) -> int:
    """A count; the default for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else default


def partial(resource: Resource, group: str, body: Body, prefix: Path) -> Iterator[Pods]:
    """Pod specs that are a part of what pods will be, which are counted elsewhere."""
    for path, pod in pod_specs(group, str(body.get("kind")), body):
        inside = tuple(each._replace(complete=False) for each in containers(pod, (*prefix, *path)))
        yield Pods(resource, (*prefix, *path), pod, inside, 0, 0, whole=False)


def containers(pod: Any, path: Path) -> Iterator[Container]:
    """The containers of a pod spec that is given in whole."""
    for field in ("initContainers", "containers"):
        listed = at(pod, field)
        for n, entry in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(entry, dict):
                requests, limits = amounts(entry.get("resources"))
                first = field == "initContainers"
                stays = first and entry.get("restartPolicy") == "Always"
                yield Container((*path, field, n), entry, requests, limits, first and not stays, stays=stays)


def amounts(resources: Any) -> tuple[Amounts, Amounts]:
    """Requests and limits; a request is the limit where only that is given (kubernetes, core/v1/defaults.go)."""
    limits = quantities(at(resources, "limits"))
    return {**limits, **quantities(at(resources, "requests"))}, limits


def quantities(given: Any) -> Amounts:
    """Amounts by resource; none where there is no mapping."""
    return given if isinstance(given, dict) else {}


def amount(value: Any) -> Decimal | None:
    """What an amount is; None for what is none. Most amounts are never asked for: few namespaces have a quota."""
    if isinstance(value, Decimal):
        return value
    quantity = parse(str(value)) if value.__class__ in (str, int, float) else None
    return quantity.value if quantity is not None else None
