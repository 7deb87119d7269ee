"""Artifacts between components, several outputs of one component, an importer."""

from typing import NamedTuple

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output


@dsl.component(base_image="python:3.11", packages_to_install=["pandas==2.2.3"])
def split(raw: Input[Dataset], ratio: float, train: Output[Dataset], test: Output[Dataset]) -> int:
    return 0


@dsl.component(base_image="python:3.11")
def fit(data: Input[Dataset], rows: int, model: Output[Model]) -> NamedTuple(
    "Result", [("auc", float), ("steps", int)]
):
    return (0.9, rows)


@dsl.component(base_image="python:3.11")
def evaluate(model: Input[Model], data: Input[Dataset], auc: float, metrics: Output[Metrics]):
    metrics.log_metric("auc", auc)


@dsl.pipeline(name="artifacts")
def pipeline(uri: str = "gs://acme/raw.csv", ratio: float = 0.8):
    raw = dsl.importer(artifact_uri=uri, artifact_class=Dataset, reimport=False, metadata={"owner": "ml"})
    parts = split(raw=raw.output, ratio=ratio)
    fitted = fit(data=parts.outputs["train"], rows=parts.outputs["Output"])
    evaluate(model=fitted.outputs["model"], data=parts.outputs["test"], auc=fitted.outputs["auc"])
