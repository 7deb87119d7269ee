"""Desired states to sync, and how to sync them without waiting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kfspec.sync.engine import Report, sync
from kfspec.sync.payload import Desired, Model, Pipeline, Scope
from kfspec.sync.service import Access, Patience
from kfspec.sync.services import opened

PACKAGE = """\
pipelineInfo: {name: train}
schemaVersion: 2.1.0
root:
  inputDefinitions:
    parameters:
      rows: {parameterType: NUMBER_INTEGER}
      note: {parameterType: STRING, isOptional: true}
  dag:
    tasks:
      fit: {cachingOptions: {enableCache: true}, componentRef: {name: comp-fit}, taskInfo: {name: fit}}
components:
  comp-fit: {executorLabel: exec-fit}
deploymentSpec:
  executors:
    exec-fit: {container: {image: "registry.example.com/fit:1"}}
"""

KFP = Scope(project="fraud", environment="prod", namespace="fraud-prod", backend="kfp")
REGISTRY = KFP.model_copy(update={"backend": "model-registry"})
NIGHTLY = {"name": "nightly", "cron": "0 0 2 * * *", "parameters": {"rows": 5}}
HOURLY = {"name": "hourly", "intervalSeconds": 3600, "parameters": {"rows": 1}, "maxConcurrency": 2, "enabled": False}
ONCE = {"name": "backfill-0a1b2c3d", "parameters": {"rows": 9}, "experiment": "backfills"}

TRAIN = {
    "item": "pipelines.train",
    "name": "train",
    "displayName": "Train",
    "description": "Trains the scorer.",
    "version": "train-11111111",
    "package": PACKAGE,
    "pipelineRoot": "s3://acme/roots",
    "recurringRuns": [NIGHTLY, HOURLY],
    "runs": [ONCE],
    "provenance": {"specDigest": "d1", "commit": "c0ffee0"},
}
REPORT = {"item": "pipelines.report", "name": "report", "version": "report-22222222", "package": PACKAGE}

FRAUD = {
    "item": "models.fraud",
    "name": "fraud",
    "description": "Scores payments.",
    "owner": "ana@example.com",
    "customProperties": {"team": "risk", "tier": 1, "auc": 0.91, "audited": True, "limits": {"eu": 2}},
    "versions": [
        {
            "name": "3",
            "author": "bo@example.com",
            "artifacts": [{"name": "model", "uri": "s3://acme/fraud/3", "modelFormatName": "sklearn"}],
        },
        {"name": "2", "artifacts": [{"name": "model", "uri": "s3://acme/fraud/2"}]},
    ],
    "provenance": {"specDigest": "d1", "commit": "c0ffee0"},
}


def kfp(*pipelines: dict[str, Any], scope: Scope = KFP) -> Desired:
    """A desired state of pipelines."""
    return Desired(scope, tuple(Pipeline.model_validate(pipeline) for pipeline in pipelines))


def registry(*models: dict[str, Any], scope: Scope = REGISTRY) -> Desired:
    """A desired state of models."""
    return Desired(scope, models=tuple(Model.model_validate(model) for model in models))


def synced(
    desired: Desired, endpoint: str, *, token_file: Path | None = None, seconds: float = 240.0, dry_run: bool = False
) -> Report:
    """One sync, as the command does it; `seconds=0` gives up at the first failure."""
    service = opened(desired, Access(endpoint, token_file))
    passed = [0.0]

    def sleep(pause: float) -> None:
        passed[0] += pause

    try:
        return sync(desired, service, Patience(seconds, sleep=sleep, clock=lambda: passed[0]), dry_run)
    finally:
        service.close()


def told(report: Report) -> list[str]:
    """Its steps and findings in words."""
    return [step.line for step in report.steps] + [f"{found.code}: {found.message}" for found in report.findings]
