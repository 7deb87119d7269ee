"""From the spec to the service: what the compiler emits, mounted as a pod has it, and synced with the contract servers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kfspec.sync.payload import Desired
from tests.contract.kfp import KfpServer
from tests.contract.registry import RegistryServer
from tests.sync.samples import synced, told
from tests.test_pipelines import EXAMPLE, built, mounted

KFP, REGISTRY = "cards/kfspec-sync-retraining-kfp", "cards/kfspec-sync-retraining-model-registry"
Compile = Callable[..., Desired]


@pytest.fixture
def compile_(tmp_path: Path) -> Compile:
    """What a loop of the example reads in production, after changes of the spec's text."""
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    spec = tmp_path / "kfspec.yaml"
    original = spec.read_text()

    def compiled(loop: str, *changes: tuple[str, str]) -> Desired:
        text = original
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        spec.write_text(text)
        return mounted(built(spec), loop, tmp_path, "prod")

    return compiled


def without(block: str, following: str) -> tuple[str, str]:
    """A change that takes a block out of the example."""
    text = (EXAMPLE / "kfspec.yaml").read_text()
    start, end = text.index(f"\n{block}:"), text.index(f"\n{following}:")
    return text[start:end], ""


@pytest.fixture
def pipelines(shared: Path) -> Iterator[KfpServer]:
    """A server of the example's release that runs."""
    pytest.importorskip("kfp", reason="the extra [pipelines] is not installed")
    one = KfpServer(shared, "2.5.0")
    with one.running():
        yield one
    assert one.problems == []


@pytest.fixture
def registry(shared: Path) -> Iterator[RegistryServer]:
    """A registry that runs."""
    pytest.importorskip("model_registry", reason="the extra [registry] is not installed")
    one = RegistryServer(shared, "0.2.19")
    with one.running():
        yield one
    assert one.problems == []


def test_the_example_on_the_server_of_pipelines(pipelines: KfpServer, compile_: Compile) -> None:
    desired = compile_(KFP)
    (pipeline,) = desired.pipelines
    (run,) = pipeline.runs
    assert told(synced(desired, pipelines.endpoint)) == [
        "create experiment fraud: is not there",
        "create pipeline retrain: is not there",
        f"create pipeline version {pipeline.version}: is not there",
        "create recurring run nightly: is not there; disabled at first",
        "enable recurring run nightly: the spec says so",
        f"start run {run.name}: was not started yet",
    ]
    assert pipelines.crons == {"0 0 2 * * *"}
    assert told(synced(compile_(KFP), pipelines.endpoint)) == []
    later = compile_(KFP, ('cron: "0 2 * * *"', 'cron: "0 3 * * *"'))
    assert told(synced(later, pipelines.endpoint)) == [
        "create recurring run nightly: is changed; disabled at first",
        "delete recurring run nightly: is replaced",
        "enable recurring run nightly: the spec says so",
    ]
    gone = compile_(
        KFP,
        without("pipelines", "models"),
        ("    pipelines: {retrain: {recurringRuns: {nightly: {enabled: false}}}}\n", "    {}\n"),
    )
    assert gone.pipelines == ()
    assert [line.split(":")[0] for line in told(synced(gone, pipelines.endpoint))] == [
        "delete recurring run nightly",
        f"delete pipeline version {pipeline.version}",
        "delete pipeline retrain",
    ]


def test_the_example_on_the_registry(registry: RegistryServer, compile_: Compile) -> None:
    assert [line.split(":")[0] for line in told(synced(compile_(REGISTRY), registry.endpoint))] == [
        "create registered model fraud",
        "create model version 6",
        "create artifact fraud",
        "create model version 7",
        "create artifact fraud",
    ]
    assert told(synced(compile_(REGISTRY), registry.endpoint)) == []
    (step,) = told(synced(compile_(REGISTRY, ("auc: 0.973", "auc: 0.981")), registry.endpoint))
    assert step == "update model version 7: changes customProperties"
    service = '      model: {registeredModel: fraud, version: "7"}'
    uri = "      model: {modelFormat: sklearn, storageUri: gs://acme/fraud/v7}"
    gone = compile_(REGISTRY, without("models", "inferenceServices"), (service, uri))
    assert [line.split(":")[0] for line in told(synced(gone, registry.endpoint))] == ["archive registered model fraud"]
