"""Whatever stands in an object, the rules between objects answer."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import pytest

from kfspec.catalog import release
from kfspec.checks import together
from kfspec.pipeline import build
from kfspec.resource import Resource, ref_of

SPECS = sorted((Path(__file__).parent.parent / "specs").glob("*.yaml"))
ODD: tuple[Any, ...] = (None, "", "x", 0, -1, 1.5, True, [], {}, [None], [[]], {"x": None}, [{}], {"a": [{"b": {}}]})


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path below a value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, child in inside for deeper in places(child, (*path, key)))]


def spoilt(body: dict[str, Any], path: tuple[Any, ...], odd: Any) -> dict[str, Any]:
    """A copy with something odd at a path."""
    body = copy.deepcopy(body)
    at: Any = body
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = odd
    return body


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_odd_values_are_no_exceptions(path: Path) -> None:
    known, _ = release("1.10")
    assert known is not None
    environments = build(path).environments
    resources: tuple[Resource, ...] = next(iter(environments.values()), ())
    drawn = random.Random(path.stem)  # the same mistakes each time
    for _ in range(60):
        odd = []
        for resource in resources:
            below = [at for at in places(resource.body) if at and at[0] not in ("apiVersion", "kind")]
            spot = drawn.choice(below)
            odd.append(resource._replace(body=spoilt(resource.body, spot, drawn.choice(ODD))))
        labels = {"pod-security.kubernetes.io/enforce": drawn.choice(["baseline", "restricted"])}
        spaces = {resource.ref.namespace for resource in odd}
        quotas = [quota(space) for space in sorted(spaces) if space]
        list(together.check((*odd, *quotas), known, namespaces=spaces, labels=labels))


def quota(namespace: str) -> Resource:
    """A quota of everything."""
    body = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "q", "namespace": namespace},
        "spec": {"hard": {"limits.cpu": 1, "requests.memory": "1Gi", "requests.storage": "1", "count/pods": "0"}},
    }
    return Resource(ref_of(body), body, {})
