"""What only some releases, collectors and algorithms make of an Experiment that Katib admits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kfspec.diagnostics import format_path
from kfspec.pipeline import build
from kfspec.yamlio.dump import dump

JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "spec": {
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "containers": [{"name": "main", "image": "a:1", "args": ["${trialParameters.lr}"]}],
            }
        }
    },
}


def said(tmp_path: Path, kubeflow: str = "1.10", **fields: Any) -> list[str]:
    item = {
        "objective": {"type": "maximize", "objectiveMetricName": "auc"},
        "algorithm": "random",
        "maxTrialCount": 12,
        "parameters": {"lr": {"min": 1, "max": 9}},
        "trialTemplate": {"trialSpec": JOB},
        **fields,
    }
    spec = {
        "apiVersion": "kfspec.dev/v1alpha1",
        "project": "p",
        "kubeflow": kubeflow,
        "externals": {"profiles": ["t"]},
        "defaults": {"profile": "t"},
        "experiments": {"tune": item},
    }
    path = tmp_path / "kfspec.yaml"
    path.write_text(dump(spec))
    return [f"{d.severity} {d.code} {format_path(d.path[2:])}: {d.message} [{d.hint}]" for d in build(path).diagnostics]


def test_optuna_of_katib_0_19_draws_no_normal_values(tmp_path: Path) -> None:
    fields = {
        "algorithm": "multivariate-tpe",
        "parameters": {"lr": {"min": 0.1, "max": 0.9, "distribution": "logNormal"}},
    }
    assert said(tmp_path, "1.10", **fields) == []
    assert said(tmp_path, "1.11", **fields) == [
        "error KF336 parameters.lr.distribution: multivariate-tpe draws no value that is logNormal: 'lr' never gets one"
        " [uniform or logUniform, or the algorithm tpe]"
    ]
    assert said(tmp_path, "1.11", **{**fields, "algorithm": "tpe"}) == []


@pytest.mark.parametrize(
    ("algorithm", "low", "words"),
    [("random", -1, "'min' of 'lr' is -1, and logNormal begins above 0"), ("random", 0.5, None), ("sobol", -1, None)],
)
def test_a_logarithm_begins_above_zero(algorithm: str, low: float, words: str | None, tmp_path: Path) -> None:
    parameters = {"lr": {"min": low, "max": 9, "distribution": "logNormal"}}
    wanted = [f"error KF330 parameters.lr.min: {words} [a small number above 0, as 0.00001]"] if words else []
    assert said(tmp_path, algorithm=algorithm, parameters=parameters) == wanted


@pytest.mark.parametrize(
    ("collector", "severity"),
    [
        ({"kind": "StdOut"}, None),
        ({"kind": "File"}, None),
        ({"kind": "TensorFlowEvent"}, "error"),
        ({"kind": "Push"}, "warning"),
    ],
)
def test_who_stops_a_trial_early(collector: dict[str, Any], severity: str | None, tmp_path: Path) -> None:
    words = f"no trial is stopped early by what a {collector['kind']} collector reads"
    wanted = [f"{severity} KF336 earlyStopping: {words} [a StdOut or File collector, or no 'earlyStopping']"]
    spec = {"collector": collector}
    assert said(tmp_path, earlyStopping="medianstop", metricsCollectorSpec=spec) == (wanted if severity else [])
    assert said(tmp_path, metricsCollectorSpec=spec) == []


def test_strategies_are_for_metrics_that_are_named(tmp_path: Path) -> None:
    objective = {"type": "maximize", "objectiveMetricName": "auc", "additionalMetricNames": ["loss"]}
    given = [{"name": "auc", "value": "latest"}, {"name": "loss", "value": "min"}]
    assert said(tmp_path, objective={**objective, "metricStrategies": given}) == []
    assert said(tmp_path, objective={**objective, "metricStrategies": [{"name": "acc", "value": "max"}]}) == [
        "error KF327 objective.metricStrategies[0].name: the strategy is for 'acc', and no metric is called so"
        " [did you mean 'auc'?]"
    ]
    assert said(tmp_path, objective={**objective, "metricStrategies": [{"name": "auc"}]}) == [
        "error KF327 objective.metricStrategies[0]: the strategy of 'auc' has no value [one of: min, max, latest]"
    ]


def test_every_dangling_reference_is_told_once_and_what_is_left_too(tmp_path: Path) -> None:
    parameters = {"lr": {"min": 1, "max": 9}, "momentum": {"min": 1, "max": 9}}
    template = {"trialSpec": JOB, "trialParameters": {"lr": "learning"}}
    assert said(tmp_path, parameters=parameters, trialTemplate=template) == [
        "error KF330 parameters.lr: no trial uses the parameter 'lr' [refer to it in 'trialParameters', and write"
        " ${trialParameters.lr} where it belongs]",
        "error KF330 parameters.momentum: no trial uses the parameter 'momentum' [refer to it in 'trialParameters', and"
        " write ${trialParameters.momentum} where it belongs]",
        "error KF332 trialTemplate.trialParameters.lr: the trial parameter 'lr' refers to 'learning', and no parameter is"
        " called so [one of: lr, momentum]",
    ]
    assert said(tmp_path, trialTemplate=template) == [
        "error KF332 trialTemplate.trialParameters.lr: the trial parameter 'lr' refers to 'learning', and no parameter is"
        " called so [one of: lr]"
    ]


@pytest.mark.parametrize("value", ["${trialParameters.lr}", 7, [[1]], {"a": None}])
@pytest.mark.parametrize(
    "path", [("spec",), ("spec", "template"), ("spec", "template", "spec", "containers"), ("kind",)]
)
def test_a_trial_of_any_form_is_judged(path: tuple[str, ...], value: Any, tmp_path: Path) -> None:
    trial: dict[str, Any] = {"args": "${trialParameters.lr}", **JOB}
    at = trial
    for part in path[:-1]:
        at[part] = dict(at[part])
        at = at[part]
    at[path[-1]] = value
    assert said(tmp_path, trialTemplate={"primaryContainerName": "main", "trialSpec": trial}) != []
