"""Where nodes stand in a drawing from left to right: in which column, and in which order there (after Sugiyama)."""

from __future__ import annotations

from typing import NamedTuple

from kfspec.lineage.values import Graph
from kfspec.views.graph import words

_SWEEPS = 8


class Layout(NamedTuple):
    """Numbers of nodes, in the order of the graph."""

    columns: tuple[tuple[int, ...], ...]
    """From left to right; each from top to bottom."""
    alone: tuple[int, ...]
    """What neither feeds anything nor is fed."""


def layout(graph: Graph) -> Layout:
    """What feeds stands left of what it feeds, as far as nothing goes round in a circle; few lines cross."""
    homes = {n.id for group in words.groups(graph) if group.profile is not None for n in (group.profile,)}
    number = {node.id: n for n, node in enumerate(graph.nodes)}
    up: dict[int, set[int]] = {}
    down: dict[int, set[int]] = {}
    for edge in words.drawn(graph):
        source, target = number[edge.source], number[edge.target]
        down.setdefault(source, set()).add(target)
        up.setdefault(target, set()).add(source)
    linked = sorted(up.keys() | down.keys())
    alone = tuple(n for n, node in enumerate(graph.nodes) if n not in up and n not in down and node.id not in homes)
    layers = _layers(linked, up, down)
    rows: list[list[int]] = [[] for _ in range(max(layers.values(), default=-1) + 1)]
    for n in sorted(linked, key=lambda n: (graph.nodes[n].profile, n)):
        rows[layers[n]].append(n)
    return Layout(tuple(tuple(row) for row in _untangled(rows, up, down) if row), alone)


def _layers(linked: list[int], up: dict[int, set[int]], down: dict[int, set[int]]) -> dict[int, int]:
    """The longest way from a beginning; beginnings stand right before the first that they feed."""
    left = {n: len(up.get(n, ())) for n in linked}
    layers = dict.fromkeys(linked, 0)
    ready = [n for n in linked if not left[n]]
    while left:
        if not ready:
            ready = [min(left, key=lambda n: (left[n], n))]  # a circle: it is cut before one of its nodes
        n = ready.pop()
        del left[n]
        for other in down.get(n, ()):
            if other in left:
                layers[other] = max(layers[other], layers[n] + 1)
                left[other] -= 1
                if not left[other]:
                    ready.append(other)
    for n in linked:
        if n not in up:
            layers[n] = max(0, min(layers[other] for other in down[n]) - 1)
    return layers


def _untangled(rows: list[list[int]], up: dict[int, set[int]], down: dict[int, set[int]]) -> list[list[int]]:
    """Each column ordered by where the neighbours stand, to and fro some times."""
    for sweep in range(_SWEEPS):
        place = {n: i / len(row) for row in rows for i, n in enumerate(row)}
        for row in rows if sweep % 2 == 0 else reversed(rows):
            near = up if sweep % 2 == 0 else down

            def wanted(n: int, near: dict[int, set[int]] = near, place: dict[int, float] = place) -> float:
                others = near.get(n)
                return sum(place[o] for o in others) / len(others) if others else place[n]

            row.sort(key=wanted)
            place.update((n, i / len(row)) for i, n in enumerate(row))
    return rows
