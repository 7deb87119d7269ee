"""Loops in loops, over literals, parameters and outputs; what they collect."""

# ruff: noqa: SIM117, UP006, UP035  (the SDK wants it so)

from typing import List

from kfp import dsl
from kfp.dsl import Dataset, Input, Output


@dsl.component(base_image="python:3.11")
def shards(count: int) -> List[int]:
    return list(range(count))


@dsl.component(base_image="python:3.11")
def prepare(shard: int, out: Output[Dataset]) -> int:
    return shard


@dsl.component(base_image="python:3.11")
def fit(rate: float, depth: int, data: Input[Dataset]) -> float:
    return rate


@dsl.component(base_image="python:3.11")
def best(scores: List[int], data: Input[List[Dataset]]) -> int:
    return max(scores)


@dsl.pipeline(name="loops")
def pipeline(rates: List[float], count: int = 4):
    parts = shards(count=count)
    with dsl.ParallelFor(items=parts.output, parallelism=2) as shard:
        part = prepare(shard=shard)
        with dsl.ParallelFor(items=rates) as rate:
            with dsl.ParallelFor(items=[{"depth": 3, "w": 1}, {"depth": 5, "w": 2}]) as model:
                fit(rate=rate, depth=model.depth, data=part.outputs["out"])
    best(scores=dsl.Collected(part.outputs["Output"]), data=dsl.Collected(part.outputs["out"]))
