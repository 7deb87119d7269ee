"""What KServe's newest objects and trials of other kinds name is looked up like everything else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.checks.support import said

CODES = ("KF203", "KF204", "KF205", "KF206", "KF207")


def chat(**spec: Any) -> dict[str, Any]:
    """A language model."""
    return {"chat": {"apiVersion": "serving.kserve.io/v1alpha1", "kind": "LLMInferenceService", "spec": spec}}


HUB = {"envFrom": [{"secretRef": {"name": "hub"}}]}


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        ({"template": {"containers": [{"name": "main", **HUB}]}}, "template.containers[0].envFrom[0].secretRef.name"),
        ({"worker": {"containers": [{"name": "main", **HUB}]}}, "worker.containers[0].envFrom[0].secretRef.name"),
        (
            {"prefill": {"template": {"containers": [{"name": "main", **HUB}]}}},
            "prefill.template.containers[0].envFrom[0].secretRef.name",
        ),
        (
            {"router": {"scheduler": {"template": {"containers": [{"name": "main", **HUB}]}}}},
            "router.scheduler.template.containers[0].envFrom[0].secretRef.name",
        ),
    ],
)
def test_the_secret_of_a_language_model(spec: dict[str, Any], place: str, tmp_path: Path) -> None:
    model = {"model": {"uri": "hf://a/b"}}
    known = {"kubeflow": "26.03", "resources": chat(**model, **spec)}
    message = "'resources.chat' refers to secret 'hub', which is not declared"
    hint = "declare it, or 'externals: {secrets: [hub]}'"
    assert said(tmp_path, *CODES, **known) == [f"note advice KF204 resources.chat.spec.{place}: {message} ({hint})"]
    assert said(tmp_path, *CODES, **known, externals={"profiles": ["t"], "secrets": ["hub"]}) == []


def test_the_volume_of_a_language_model(tmp_path: Path) -> None:
    known = {"kubeflow": "26.03", "resources": chat(model={"uri": "pvc://models/chat"})}
    message = "'resources.chat' refers to volume 'models', which is not declared"
    hint = "declare it, or 'externals: {volumes: [models]}'"
    assert said(tmp_path, *CODES, **known) == [
        f"error never-works KF203 resources.chat.spec.model.uri: {message} ({hint})"
    ]
    assert said(tmp_path, *CODES, **known, volumes={"models": {"size": "1Gi"}}) == []


def test_what_trials_name_that_are_spark_applications(tmp_path: Path) -> None:
    def tune(**spec: Any) -> dict[str, Any]:
        application = {
            "type": "Python",
            "mode": "cluster",
            "sparkVersion": "3.5.3",
            "image": "spark:3.5",
            "mainApplicationFile": "local:///a.py",
            "arguments": ["${trialParameters.lr}"],
            "driver": {},
            "executor": {},
            **spec,
        }
        trial = {"apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication", "spec": application}
        return {
            "tune": {
                "objective": {"type": "maximize", "objectiveMetricName": "auc"},
                "algorithm": "random",
                "maxTrialCount": 3,
                "parallelTrialCount": 1,
                "parameters": {"lr": {"min": 0.1, "max": 0.2}},
                "trialTemplate": {
                    "primaryContainerName": "spark-kubernetes-driver",
                    "trialParameters": [{"name": "lr", "reference": "lr"}],
                    "trialSpec": trial,
                },
            }
        }

    at = "experiments.tune.trialTemplate.trialSpec.spec"
    message = "'experiments.tune' refers to secret 'hub', which is not declared"
    hint = "declare it, or 'externals: {secrets: [hub]}'"
    driver = {"envSecretKeyRefs": {"A": {"name": "hub", "key": "k"}}}
    assert said(tmp_path, *CODES, experiments=tune(driver=driver)) == [
        f"note advice KF204 {at}.driver.envSecretKeyRefs.A.name: {message} ({hint})"
    ]
    executor = {"template": {"spec": {"containers": [{"name": "spark-kubernetes-executor", **HUB}]}}}
    assert said(tmp_path, *CODES, experiments=tune(executor=executor)) == [
        f"note advice KF204 {at}.executor.template.spec.containers[0].envFrom[0].secretRef.name: {message} ({hint})"
    ]
    assert said(tmp_path, *CODES, experiments=tune()) == []
