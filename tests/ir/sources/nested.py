"""Pipelines in pipelines, with defaults and outputs of their own; one used twice."""

# ruff: noqa: UP045  (the SDK wants it so)

from typing import NamedTuple, Optional

from kfp import dsl
from kfp.dsl import Dataset, Input, Model, Output


@dsl.component(base_image="python:3.11")
def load(uri: str, out: Output[Dataset]) -> int:
    return 1


@dsl.component(base_image="python:3.11")
def fit(data: Input[Dataset], epochs: int, model: Output[Model]) -> float:
    return 0.5


@dsl.component(base_image="python:3.11")
def compare(a: float, b: float, model: Input[Model]) -> str:
    return "a" if a > b else "b"


class Out(NamedTuple):
    score: float
    model: Model
    rows: int


@dsl.pipeline(name="train-one")
def train_one(uri: str, epochs: int = 3, note: Optional[str] = None) -> Out:
    data = load(uri=uri)
    fitted = fit(data=data.outputs["out"], epochs=epochs)
    with dsl.If(note == "twice"):
        fit(data=data.outputs["out"], epochs=epochs)
    return Out(fitted.outputs["Output"], fitted.outputs["model"], data.outputs["Output"])


@dsl.pipeline(name="both")
def both(left: str, right: str) -> float:
    one = train_one(uri=left, epochs=5)
    two = train_one(uri=right)
    compare(a=one.outputs["score"], b=two.outputs["score"], model=one.outputs["model"])
    return two.outputs["score"]


@dsl.pipeline(name="nested", display_name="Nested pipelines")
def pipeline(left: str = "gs://a", right: str = "gs://b") -> float:
    return both(left=left, right=right).output
