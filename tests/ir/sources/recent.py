"""What newer servers take: a workspace (2.14), caching by key."""

from kfp import dsl
from kfp.dsl import Dataset


@dsl.component(base_image="python:3.11")
def fit(solver: str, depth: int, path: str) -> float:
    return 0.5


@dsl.component(base_image="python:3.11")
def report(score: float, data: dsl.Input[Dataset], run: str):
    print(score, data.path, run)


@dsl.pipeline(
    name="recent",
    pipeline_config=dsl.PipelineConfig(
        workspace=dsl.WorkspaceConfig(
            size="10Gi", kubernetes=dsl.KubernetesWorkspaceConfig(pvcSpecPatch={"storageClassName": "fast"})
        )
    ),
)
def pipeline(solver: str = "adam", depth: int = 2, run: str = "manual"):
    score = fit(solver=solver, depth=depth, path=dsl.WORKSPACE_PATH_PLACEHOLDER)
    raw = dsl.importer(artifact_uri="gs://acme/raw.csv", artifact_class=Dataset, download_to_workspace=True)
    report(score=score.output, data=raw.output, run=run).set_caching_options(True, cache_key="v1")
