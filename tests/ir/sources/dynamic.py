"""Images, resources and claims that are parameters; text put together; inputs that may be absent."""

# ruff: noqa: UP045  (the SDK wants it so)

from typing import Optional

from kfp import dsl, kubernetes
from kfp.dsl import Artifact, Dataset, Input, Model, Output


@dsl.container_component
def run(script: str, note: Optional[str] = None, data: Input[Artifact] = None):
    return dsl.ContainerSpec(
        image="python:3.11",
        command=["run", dsl.ConcatPlaceholder(["--script=", script])],
        args=[dsl.IfPresentPlaceholder(input_name="note", then=["--note", note], else_=["--quiet"]), data.uri],
    )


@dsl.component(base_image="python:3.11")
def make(seed: int, out: Output[Artifact]) -> str:
    return "gs://acme/model"


@dsl.component(base_image="python:3.11")
def draw(seed: int, out: Output[Artifact]):
    print(seed, out.path)


@dsl.component(base_image="python:3.11")
def look(job: str, seed: Optional[int] = None, data: Optional[Input[Dataset]] = None):
    print(job, seed, data)


@dsl.pipeline(name="once")
def once(seed: int, data: Input[Artifact]) -> Artifact:
    run(script="a.py", data=data)
    with dsl.If(seed > 1):
        made = draw(seed=seed)
    with dsl.Else():
        other = draw(seed=0)
    return dsl.OneOf(made.outputs["out"], other.outputs["out"])


@dsl.pipeline(name="dynamic")
def pipeline(seed: int = 1, image: str = "python:3.12", memory: str = "1Gi", gpus: str = "1", claim: str = "work"):
    made = make(seed=seed)
    made.set_container_image(image).set_memory_limit(memory).set_accelerator_type("nvidia.com/gpu")
    made.set_accelerator_limit(gpus)
    again = once(seed=seed, data=made.outputs["out"])
    run(script="b.py", note=made.outputs["Output"], data=again.output)
    model = dsl.importer(artifact_uri=made.outputs["Output"], artifact_class=Model)
    run(script="c.py", data=model.output)
    look(job=dsl.PIPELINE_JOB_NAME_PLACEHOLDER, seed=seed)
    with dsl.ParallelFor(items=["a", "b"]) as letter:
        inner = look(job=letter)
        kubernetes.mount_pvc(inner, pvc_name=claim, mount_path="/work")
