"""What the Experiment webhook refuses, and what it admits though no trial ever succeeds.

Source: katib 0.18.0, `pkg/webhook/v1beta1/experiment/validator/validator.go` and `experiment_defaults.go`; executed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, Severity, Upstream
from kfspec.kinds.base import Facts
from kfspec.kinds.katib.algorithms import (
    ALGORITHMS,
    EARLY_STOPPING,
    NUMERIC,
    Algorithm,
    as_number,
    need_findings,
    setting_findings,
)
from kfspec.kinds.katib.trial import trial_findings
from kfspec.resource import Body
from kfspec.wording import did_you_mean

NAME_LIMIT = 40
NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
"""The webhook looks at the beginning only."""

_TYPES = ("double", "int", "categorical", "discrete")
_DISTRIBUTIONS = ("uniform", "logUniform", "normal", "logNormal")
_LOGARITHMIC = ("logUniform", "logNormal")
_STRATEGIES = ("min", "max", "latest")
_POLICIES = ("Never", "LongRunning", "FromVolume")
_COLLECTORS = ("StdOut", "File", "TensorFlowEvent", "PrometheusMetric", "Custom", "Push")
_PARALLEL = 3
"""What parallelTrialCount is where nothing is said."""


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """One Experiment; names and numbers first, in upstream's order."""
    spec = body.get("spec") or {}
    name = body["metadata"].get("name")
    if isinstance(name, str):
        yield from _name(name)
    yield from _budget(spec)
    yield from _objective(spec.get("objective"))
    yield from _algorithm(spec, "algorithm", ALGORITHMS)
    yield from _algorithm(spec, "earlyStopping", EARLY_STOPPING)
    policy = spec.get("resumePolicy")
    if policy and policy not in _POLICIES:
        hint = did_you_mean(policy, _POLICIES, f"one of: {', '.join(_POLICIES)}")
        yield finding("KF339", f"Katib has no resume policy '{policy}'", ("spec", "resumePolicy"), hint=hint)
    yield from _parameters(spec, facts)
    yield from trial_findings(spec, facts, body["metadata"].get("namespace") or "trials")
    yield from _collector(spec.get("metricsCollectorSpec"))
    yield from _stopping(spec)


def _name(name: str) -> Iterator[Diagnostic]:
    path: Path = ("metadata", "name")
    if len(name) > NAME_LIMIT:
        message = f"the name has {len(name)} characters; an Experiment may have {NAME_LIMIT}"
        yield finding("KF325", message, path, hint=f"shorten it by {len(name) - NAME_LIMIT}")
    elif NAME.match(name) is None:
        yield finding("KF325", f"no Experiment can be called '{name}'", path, hint="begin with a lower-case letter")


def _budget(spec: dict[str, Any]) -> Iterator[Diagnostic]:
    most, failed = spec.get("maxTrialCount"), spec.get("maxFailedTrialCount")
    parallel = spec.get("parallelTrialCount")
    if failed is not None and failed < 0:
        yield finding("KF326", f"'maxFailedTrialCount' is {failed}, and begins at 0", ("spec", "maxFailedTrialCount"))
    for key, value in (("maxTrialCount", most), ("parallelTrialCount", parallel)):
        if value is not None and value <= 0:
            yield finding("KF326", f"'{key}' is {value}, and begins at 1", ("spec", key))
    if most is None:
        hint = "add 'maxTrialCount:'"
        yield finding("KF338", "the experiment has no limit of trials", ("spec",), hint=hint, at_key=True)
    elif most > 0:
        if failed is not None and failed > most:
            message = f"'maxFailedTrialCount' is {failed}, above 'maxTrialCount' {most}"
            yield finding("KF326", message, ("spec", "maxFailedTrialCount"), hint=f"at most {most}")
        if parallel is not None and parallel > most:
            message = f"'parallelTrialCount' is {parallel}, above 'maxTrialCount' {most}"
            yield finding("KF326", message, ("spec", "parallelTrialCount"), hint=f"at most {most}")
        elif parallel is None and most < _PARALLEL:
            message = f"'maxTrialCount' is {most}, below 'parallelTrialCount', which is {_PARALLEL} if nothing is said"
            yield finding("KF326", message, ("spec", "maxTrialCount"), hint=f"add 'parallelTrialCount: {most}'")


def _objective(objective: Any) -> Iterator[Diagnostic]:
    at: Path = ("spec", "objective")
    if not isinstance(objective, dict):
        hint = "add 'objective: {type: maximize, objectiveMetricName: ...}'"
        yield finding("KF327", "the experiment has no objective", ("spec",), hint=hint, at_key=True)
        return
    kind, metric = objective.get("type"), objective.get("objectiveMetricName")
    if kind not in ("minimize", "maximize"):
        path = (*at, "type") if kind is not None else at
        near = did_you_mean(str(kind), ("minimize", "maximize"), "minimize or maximize")
        message = f"an objective cannot be '{kind}'" if kind else "the objective lacks 'type'"
        yield finding("KF327", message, path, hint=near, at_key=kind is None)
    if not metric:
        hint = "add 'objectiveMetricName:'"
        yield finding("KF327", "the objective names no metric", at, hint=hint, at_key=True)
    additional = objective.get("additionalMetricNames") or ()
    if metric and metric in additional:
        path = (*at, "additionalMetricNames", additional.index(metric))
        yield finding("KF327", f"'{metric}' is the objective itself, and no additional metric", path, hint="remove it")
    for n, strategy in enumerate(objective.get("metricStrategies") or ()):
        yield from _strategy(strategy, [str(name) for name in (metric, *additional)], (*at, "metricStrategies", n))


def _strategy(strategy: dict[str, Any], metrics: list[str], at: Path) -> Iterator[Diagnostic]:
    """Which of a metric's values counts. The webhook does not look, and of another strategy no value ever comes
    (`status_util.go`, getObjectiveMetricValue)."""
    name, value = strategy.get("name"), strategy.get("value")
    if value not in _STRATEGIES:
        hint = did_you_mean(str(value), _STRATEGIES, f"one of: {', '.join(_STRATEGIES)}")
        message = f"no metric is read by the strategy '{value}'" if value else f"the strategy of '{name}' has no value"
        path = (*at, "value") if value else at
        yield finding("KF327", message, path, hint=hint, at_key=not value, upstream=Upstream.NEVER_WORKS)
    elif name not in metrics:
        message = f"the strategy is for '{name}', and no metric is called so"
        hint = did_you_mean(str(name), metrics, f"one of: {', '.join(metrics)}")
        yield finding("KF327", message, (*at, "name"), hint=hint, upstream=Upstream.NEVER_WORKS)


def _algorithm(spec: dict[str, Any], key: str, known: dict[str, Algorithm]) -> Iterator[Diagnostic]:
    given = spec.get(key)
    at: Path = ("spec", key)
    if not isinstance(given, dict):
        if key == "algorithm":
            hint = "add 'algorithm: {algorithmName: random}'"
            yield finding("KF328", "the experiment has no algorithm", ("spec",), hint=hint, at_key=True)
        return
    name = given.get("algorithmName")
    if not name:
        hint = f"one of: {', '.join(known)}"
        yield finding("KF328", f"'{key}' lacks 'algorithmName'", at, hint=hint, at_key=True)
    elif name not in known:
        near = did_you_mean(name, known, f"one of: {', '.join(known)}")
        yield finding("KF328", f"Katib has no algorithm '{name}' for '{key}'", (*at, "algorithmName"), hint=near)
    else:
        yield from setting_findings(given, known, at)
        if key == "algorithm":
            yield from need_findings(spec)


# -- parameters -------------------------------------------------------------------------------------------------


def _parameters(spec: dict[str, Any], facts: Facts) -> Iterator[Diagnostic]:
    parameters, nas = spec.get("parameters"), spec.get("nasConfig")
    if not parameters and nas is None:
        hint = "add 'parameters:', or 'nasConfig:'"
        yield finding("KF329", "the experiment has nothing to search", ("spec",), hint=hint, at_key=True)
    elif parameters and nas is not None:
        hint = "keep 'parameters'"
        yield finding(
            "KF329", "'parameters' and 'nasConfig' exclude each other", ("spec", "nasConfig"), hint=hint, at_key=True
        )
    counts = Counter(p.get("name") for p in parameters or ())
    for n, parameter in enumerate(parameters or ()):
        at: Path = ("spec", "parameters", n)
        name = parameter.get("name")
        yield from _parameter(parameter, at)
        if counts[name] > 1:
            counts[name] = 0
            yield finding("KF330", f"the parameter '{name}' is there twice", (*at, "name"), hint="rename one of them")
        else:
            yield from _distribution(parameter, str((spec.get("algorithm") or {}).get("algorithmName")), facts, at)


def _parameter(parameter: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    kind, space = parameter.get("parameterType"), parameter.get("feasibleSpace") or {}
    name = parameter.get("name")
    where = (*at, "feasibleSpace")
    if kind == "unknown":
        return
    if kind not in _TYPES:
        path = (*at, "parameterType") if kind is not None else at
        hint = did_you_mean(str(kind), _TYPES, f"one of: {', '.join(_TYPES)}")
        message = f"no parameter is of type '{kind}'" if kind else f"the parameter '{name}' has no type"
        yield finding("KF329", message, path, hint=hint, at_key=kind is None)
        return
    distribution = space.get("distribution")
    if distribution and distribution not in (*_DISTRIBUTIONS, "unknown"):
        hint = did_you_mean(distribution, _DISTRIBUTIONS, f"one of: {', '.join(_DISTRIBUTIONS)}")
        message = f"Katib has no distribution '{distribution}'"
        yield finding("KF329", message, (*where, "distribution"), hint=hint)
    if kind in NUMERIC:
        missing = [key for key in ("min", "max") if not space.get(key)]
        if space.get("list"):
            message = f"'{name}' is {kind}, and takes no list"
            yield finding("KF329", message, (*where, "list"), hint="parameterType: discrete", at_key=True)
        if missing:
            message = f"'{name}' is {kind}, and lacks '{missing[0]}'"
            path = where if "feasibleSpace" in parameter else at
            yield finding("KF329", message, path, hint=f"add '{missing[0]}:'", at_key=True)
        else:
            yield from _bounds(str(name), str(kind), space, where)
        return
    if not space:
        yield finding("KF329", f"'{name}' has nothing to choose from", at, hint="add 'feasibleSpace:'", at_key=True)
    numeric = next((key for key in ("min", "max", "step") if space.get(key)), None)
    if numeric is not None:
        message = f"'{name}' is {kind}, and takes no '{numeric}'"
        hint = "keep the list" if space.get("list") else "parameterType: double, or a 'list:'"
        yield finding("KF329", message, (*where, numeric), hint=hint, at_key=True)
    elif space and not space.get("list"):
        message = f"'{name}' has nothing to choose from"
        yield finding("KF330", message, where, hint="add 'list: [...]'", at_key=True)
    if kind == "discrete":
        for n, value in enumerate(space.get("list") or ()):
            if as_number(value) is None:
                message = f"'{name}' is discrete, and '{value}' is no number"
                yield finding("KF330", message, (*where, "list", n), hint="parameterType: categorical")


def _bounds(name: str, kind: str, space: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    numbers: dict[str, float] = {}
    for key in ("min", "max", "step"):
        text = space.get(key)
        if not text:
            continue
        number = as_number(text, whole=kind == "int")
        if number is None:
            word = "whole number" if kind == "int" else "number"
            with_point = text.replace(",", ".")
            hint = "parameterType: double" if kind == "int" and as_number(text) is not None else None
            hint = hint or (f"write {with_point}" if as_number(with_point) is not None else f"write a {word}")
            yield finding("KF330", f"'{key}' of '{name}' is '{text}', which is no {word}", (*at, key), hint=hint)
        else:
            numbers[key] = number
    if {"min", "max"} <= numbers.keys() and numbers["min"] > numbers["max"]:
        message = f"'min' of '{name}' is {space['min']}, above 'max' {space['max']}"
        yield finding("KF330", message, (*at, "min"), hint="exchange them")
    if numbers.get("step", 1) <= 0:
        yield finding("KF330", f"'step' of '{name}' is {space['step']}", (*at, "step"), hint="above 0")


def _distribution(parameter: dict[str, Any], algorithm: str, facts: Facts, at: Path) -> Iterator[Diagnostic]:
    """What the service that draws the values makes of the distribution (katib 0.18.0 and 0.19.0,
    `pkg/suggestion/v1beta1/hyperopt/base_service.py`, `optuna/service.py`); the other services do not look."""
    space, name = parameter.get("feasibleSpace") or {}, parameter.get("name")
    distribution, low = space.get("distribution"), as_number(space.get("min") or "")
    if parameter.get("parameterType") not in NUMERIC:
        return
    if algorithm in ("random", "tpe") and distribution in _LOGARITHMIC and low is not None and low <= 0:
        message = f"'min' of '{name}' is {space['min']}, and {distribution} begins above 0"
        yield finding("KF330", message, (*at, "feasibleSpace", "min"), hint="a small number above 0, as 0.00001")
    drawn = algorithm == "multivariate-tpe" and facts.release.since("katib", "0.19")
    if drawn and distribution in ("normal", "logNormal"):
        message = f"{algorithm} draws no value that is {distribution}: '{name}' never gets one"
        hint = "uniform or logUniform, or the algorithm tpe"
        yield finding("KF336", message, (*at, "feasibleSpace", "distribution"), hint=hint)


# -- metrics ----------------------------------------------------------------------------------------------------


def _collector(given: Any) -> Iterator[Diagnostic]:
    if not isinstance(given, dict):
        return
    at: Path = ("spec", "metricsCollectorSpec")
    collector = given.get("collector")
    kind = collector.get("kind", "") if isinstance(collector, dict) else "StdOut"
    source = given.get("source") or {}
    if kind not in _COLLECTORS:
        path = (*at, "collector", "kind") if kind else (*at, "collector")
        hint = did_you_mean(kind, _COLLECTORS, f"one of: {', '.join(_COLLECTORS)}")
        message = f"Katib has no metrics collector '{kind}'" if kind else "the metrics collector has no kind"
        yield finding("KF334", message, path, hint=hint, at_key=not kind)
        return
    if kind in ("StdOut", "Push"):
        return
    if kind in ("File", "TensorFlowEvent", "Custom"):
        yield from _file_system_path(kind, source, (*at, "source"))
    if kind == "PrometheusMetric":
        yield from _http(source.get("httpGet") or {}, (*at, "source", "httpGet"))
    if kind == "Custom" and not (isinstance(collector, dict) and collector.get("customCollector")):
        hint = "add 'customCollector: {name: ..., image: ...}'"
        yield finding("KF334", "a custom collector brings its container", (*at, "collector"), hint=hint, at_key=True)
    for n, pattern in enumerate((source.get("filter") or {}).get("metricsFormat") or ()):
        yield from _metrics_format(pattern, (*at, "source", "filter", "metricsFormat", n))


def _stopping(spec: dict[str, Any]) -> Iterator[Diagnostic]:
    """Rules that stop a trial are looked at by the collectors that read lines; that of TensorFlow's events ends at once where
    it is given one, and the trial is without metrics (katib 0.18.0 and 0.19.0, `cmd/metricscollector/v1beta1`)."""
    collector = (spec.get("metricsCollectorSpec") or {}).get("collector")
    kind = collector.get("kind") if isinstance(collector, dict) else None
    if not spec.get("earlyStopping") or kind not in ("TensorFlowEvent", "PrometheusMetric", "Custom", "Push"):
        return
    message = f"no trial is stopped early by what a {kind} collector reads"
    hint = "a StdOut or File collector, or no 'earlyStopping'"
    severity = Severity.ERROR if kind == "TensorFlowEvent" else Severity.WARNING
    yield finding("KF336", message, ("spec", "earlyStopping"), hint=hint, at_key=True, severity=severity)


def _file_system_path(kind: str, source: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    given = source.get("fileSystemPath")
    if not isinstance(given, dict):
        return  # the defaulter says where, but for a custom collector, which may do without
    here = (*at, "fileSystemPath")
    path, what, form = given.get("path"), given.get("kind"), given.get("format")
    wanted = {"File": ("File",), "TensorFlowEvent": ("Directory",), "Custom": ("File", "Directory")}[kind]
    if (path and not path.startswith("/")) or (not path and kind == "Custom"):
        message = f"'{path}' is no absolute path" if path else "the collector needs a path"
        yield finding("KF334", message, (*here, "path") if path else here, hint="begin with '/'", at_key=not path)
    if (what and what not in wanted) or (not what and kind == "Custom"):
        message = f"a {kind} collector reads a {' or a '.join(wanted)}" + (f", not a '{what}'" if what else "")
        yield finding("KF334", message, (*here, "kind") if what else here, hint=f"kind: {wanted[0]}", at_key=not what)
    if kind == "TensorFlowEvent" and form:
        hint = "remove it"
        yield finding("KF334", "TensorFlow's events have one format", (*here, "format"), hint=hint, at_key=True)
    if kind == "File" and form and form not in ("TEXT", "JSON"):
        near = did_you_mean(form, ("TEXT", "JSON"), "TEXT or JSON")
        yield finding("KF334", f"metrics are read as TEXT or JSON, not '{form}'", (*here, "format"), hint=near)
    if kind == "File" and form == "JSON" and source.get("filter") is not None:
        message = "a file of JSON is read as it is, and takes no filter"
        yield finding("KF334", message, (*at, "filter"), hint="remove it, or 'format: TEXT'", at_key=True)


def _http(given: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    port, path = given.get("port"), given.get("path")
    number = as_number(str(port), whole=True) if port is not None else 1
    if number is None or number < 0:
        yield finding("KF334", f"'{port}' is no port", (*at, "port"), hint="a number from 1")
    if path and not path.startswith("/"):
        yield finding("KF334", f"'{path}' does not begin with '/'", (*at, "path"), hint=f"'/{path}'")


def _metrics_format(pattern: str, at: Path) -> Iterator[Diagnostic]:
    """Go's RE2 and Python's syntax agree on what people write here."""
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        yield finding("KF334", f"'{pattern}' is no regular expression: {error.msg}", at)
        return
    if groups < 2:
        message = "a metrics format needs two groups, for the name and the value"
        yield finding("KF334", message, at, hint=r"as ([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?)")
