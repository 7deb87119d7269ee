"""The trial template: what it must hold, how its parameters are used, and the object that it would make.

Source: katib 0.18.0 and 0.19.0, `validator.go` (validateTrialTemplate, validateTrialJob) and `experiment_defaults.go`;
executed for 0.18.0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from kfspec.catalog import Release
from kfspec.catalog.schema import load_schema
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, Severity, Upstream
from kfspec.kinds import status
from kfspec.kinds.base import Facts
from kfspec.kinds.podspec import pod_specs
from kfspec.kinds.podvalues import value_findings
from kfspec.wording import did_you_mean, nearest

AT: Path = ("spec", "trialTemplate")
USE = re.compile(r"\$\{trialParameters\.(.+?)\}")
"""A parameter's place in the template; upstream takes any name up to the next brace."""

_META = re.compile(r"\$\{trialSpec\.(Name|Namespace|Kind|APIVersion|Annotations\[.+\]|Labels\[.+\])\}")

WITH_CONDITIONS = frozenset({"Job", "TFJob", "PyTorchJob", "XGBoostJob", "MPIJob"})
"""Trials whose conditions of success and failure the defaulter writes, by kind alone (katib 0.18.0); the same kinds are
those that the default install watches (katib-config, `trialResources`)."""


_TEXT = "Katib puts a parameter in between quotes; without them it can stand in a template of a 'configMap' only"
"""The object goes through JSON before that (katib 0.18.0, `manifest/generator.go`)."""


def condition(name: str) -> str:
    """The gjson path that is true of a job with this condition."""
    return f'status.conditions.#(type=="{name}")#|#(status=="True")#'


def with_conditions(release: Release) -> frozenset[str]:
    """Those of the release's Katib: 0.19 adds TrainJob to both lists (`experiment_defaults.go`, katib-config)."""
    return WITH_CONDITIONS | {"TrainJob"} if release.since("katib", "0.19") else WITH_CONDITIONS


def trial_findings(spec: dict[str, Any], facts: Facts, namespace: str = "trials") -> Iterator[Diagnostic]:
    """All that is said of `trialTemplate`; `namespace`: where its trials are made."""
    template = spec.get("trialTemplate")
    if not isinstance(template, dict):
        hint = "add 'trial:', or 'trialTemplate:'"
        yield finding("KF331", "the experiment has no trial", ("spec",), hint=hint, at_key=True)
        return
    lacks = list(_lacking(template, facts))
    yield from lacks
    if lacks:
        return
    trial = template.get("trialSpec")
    if trial is None:
        yield from _parameter_names(template, spec)
        return
    yield from _parameter_names(template, spec)
    yield from _usage(template, json.dumps(trial, ensure_ascii=False))
    yield from _references(template, spec)
    yield from _object(template, trial, facts, namespace)


def _lacking(template: dict[str, Any], facts: Facts) -> Iterator[Diagnostic]:
    trial, config_map = template.get("trialSpec"), template.get("configMap")
    if not template.get("primaryContainerName"):
        hint = "the container whose metrics are read"
        yield finding("KF331", "the trial template lacks 'primaryContainerName'", AT, hint=hint, at_key=True)
    if template.get("trialParameters") is None:
        hint = "add 'trialParameters: [{name: ..., reference: ...}]'"
        yield finding("KF331", "the trial template lacks 'trialParameters'", AT, hint=hint, at_key=True)
    if trial is None and config_map is None:
        hint = "add 'trialSpec:', or 'configMap:'"
        yield finding("KF331", "the trial template has no template", AT, hint=hint, at_key=True)
    elif trial is not None and config_map is not None:
        message = "'trialSpec' and 'configMap' exclude each other"
        yield finding("KF331", message, (*AT, "configMap"), hint="keep one of them", at_key=True)
    elif config_map is not None:
        for key in ("configMapName", "configMapNamespace", "templatePath"):
            if not config_map.get(key):
                path = (*AT, "configMap")
                yield finding("KF331", f"the trial's config map lacks '{key}'", path, hint=f"add '{key}:'", at_key=True)
    kind = str((trial or {}).get("kind") or "")
    missing = [key for key in ("successCondition", "failureCondition") if not template.get(key)]
    if missing and kind and kind not in with_conditions(facts.release):
        said = " and ".join(f"'{key}'" for key in missing)
        message = f"the trial template lacks {said}, which Katib knows for its own jobs only"
        done = "Complete" if kind == "TrainJob" else "Succeeded"
        words = {"successCondition": condition(done), "failureCondition": condition("Failed")}
        hint = "add " + " and ".join(f"'{key}: {words[key]}'" for key in missing)
        yield finding("KF331", message, AT, hint=hint, at_key=True)


def _parameter_names(template: dict[str, Any], spec: dict[str, Any]) -> Iterator[Diagnostic]:
    parameters = [str(p.get("name")) for p in spec.get("parameters") or ()]
    names: set[str] = set()
    references: set[str] = set()
    for n, entry in enumerate(template.get("trialParameters") or ()):
        at = (*AT, "trialParameters", n)
        name, reference = entry.get("name") or "", entry.get("reference") or ""
        if not name or not reference:
            missing = "reference" if name else "name"
            message = f"a trial parameter lacks '{missing}'"
            yield finding("KF332", message, at, hint=f"add '{missing}:'", at_key=True)
            continue
        if "{" in name or "}" in name:
            yield finding("KF332", f"no trial parameter can be called '{name}'", (*at, "name"), hint="without braces")
        if name in names:
            message = f"the trial parameter '{name}' is there twice"
            yield finding("KF332", message, (*at, "name"), hint="rename one of them")
        elif reference in references:
            message = f"two trial parameters refer to '{reference}'"
            yield finding("KF332", message, (*at, "reference"), hint="one is enough; it may be used twice")
        elif parameters and reference not in parameters and not _META.fullmatch(reference):
            message = f"the trial parameter '{name}' refers to '{reference}', and no parameter is called so"
            hint = did_you_mean(reference, parameters, f"one of: {', '.join(parameters)}")
            yield finding("KF332", message, (*at, "reference"), hint=hint)
        names.add(name)
        references.add(reference)


def _usage(template: dict[str, Any], text: str) -> Iterator[Diagnostic]:
    declared = [str(p.get("name")) for p in template["trialParameters"]]
    used = list(dict.fromkeys(USE.findall(text)))
    misspelt = {nearest(name, declared) for name in used if name not in declared}
    for n, name in enumerate(declared):
        if name and name not in used and name not in misspelt:
            path = (*AT, "trialParameters", n, "name")
            message = f"the trial parameter '{name}' stands nowhere in the template"
            yield finding("KF332", message, path, hint=f"write ${{trialParameters.{name}}} where it belongs")
    for use in used:
        if use not in declared:
            hint = did_you_mean(use, declared, f"add '{use}' to 'trialParameters'")
            where = place_of(template["trialSpec"], f"${{trialParameters.{use}}}", (*AT, "trialSpec"))
            yield finding("KF332", f"'${{trialParameters.{use}}}' is not declared", where, hint=hint)


def place_of(value: Any, needle: str, at: Path) -> Path:
    """Where a text stands that holds `needle`; `at` itself where it is a key."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in entries:
        if isinstance(item, str) and needle in item:
            return (*at, key)
        found = place_of(item, needle, (*at, key))
        if found != (*at, key):
            return found
    return at


def _references(template: dict[str, Any], spec: dict[str, Any]) -> Iterator[Diagnostic]:
    names = [str(p.get("name")) for p in spec.get("parameters") or ()]
    referred = [str(p.get("reference")) for p in template["trialParameters"]]
    dangling = [each for each in referred if each not in names and not _META.fullmatch(each)]
    if dangling and len(dangling) >= len(set(names) - set(referred)):
        return  # each of these was meant, and is said there
    for n, parameter in enumerate(spec.get("parameters") or ()):
        name = parameter.get("name")
        if name not in referred and not any(nearest(each, names) == name for each in dangling):
            message = f"no trial uses the parameter '{name}'"
            path: Path = ("spec", "parameters", n, "name")
            hint = f"refer to it in 'trialParameters', and write ${{trialParameters.{name}}} where it belongs"
            yield finding("KF330", message, path, hint=hint)


# -- the object -------------------------------------------------------------------------------------------------


def _object(template: dict[str, Any], trial: dict[str, Any], facts: Facts, namespace: str) -> Iterator[Diagnostic]:
    at = (*AT, "trialSpec")
    meta = trial.get("metadata") or {}
    for key in ("name", "namespace"):
        if isinstance(meta, dict) and meta.get(key):
            message = f"Katib gives a trial its {key} itself"
            yield finding("KF333", message, (*at, "metadata", key), hint="remove it", at_key=True)
    for key in ("apiVersion", "kind"):
        if not trial.get(key):
            yield finding("KF333", f"the trial's object lacks '{key}'", at, hint=f"add '{key}:'", at_key=True)
            return
    group = str(trial["apiVersion"]).rpartition("/")[0]
    kind = str(trial["kind"])
    named = {**trial, "metadata": {**(meta if isinstance(meta, dict) else {}), "name": "trial", "namespace": namespace}}
    wrong = absent = False
    for found in facts.judge(named):
        absent = absent or found.code == "KF135"
        if found.code == "KF140":
            yield found._replace(path=(*at, *found.path))
        if found.severity is not Severity.ERROR:
            continue
        if _of_a_parameter(trial, found.path):
            if found.code != "KF103":
                continue  # what a parameter will be is not known, but that it is a text
            found = found._replace(hint=_TEXT)
        wrong = True
        refused = (
            (group, kind) == ("batch", "Job") and found.code in ("KF101", "KF103") and "resources" not in found.path
        )
        upstream = Upstream.REFUSES if refused else Upstream.NEVER_WORKS
        yield found._replace(path=(*at, *found.path), upstream=upstream)
    if (group, kind) == ("batch", "Job"):
        for path in _emptied(facts, trial):
            message = f"'{path[-1]}' is empty, and Katib takes a Job with nothing that its Go type would leave out"
            yield finding("KF333", message, (*at, *path), hint="remove it", at_key=True)
        if not wrong:
            yield from _restarts(trial, at)
            for path, pod in pod_specs(group, kind, trial):
                found_in_pod = value_findings(pod, (*at, *path))
                yield from (d for d in found_in_pod if not _of_a_parameter(trial, d.path[len(at) :]))
    elif kind not in with_conditions(facts.release) and not absent:
        message = f"Katib of the default install watches no {kind}: the trial's end is never seen"
        hint = "list the kind in katib-config under 'trialResources', and let Katib's role read it"
        yield finding("KF344", message, (*at, "kind"), hint=hint)
    if not wrong:
        yield from _primary_container(template, group, kind, trial)


def _restarts(trial: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    """The API server makes no Job whose pods begin again for ever, as they do where nothing is said (Kubernetes,
    `pkg/apis/batch/validation`); Katib lets it pass (katib 0.18.0)."""
    pod = status.at(trial, "spec", "template", "spec")
    if not isinstance(pod, dict) or pod.get("restartPolicy") in ("Never", "OnFailure"):
        return
    said = pod.get("restartPolicy")
    here: Path = (*at, "spec", "template", "spec")
    path = (*here, "restartPolicy") if said else here
    message = f"no Job's pods have the restart policy '{said}'" if said else "a Job says when its pods are restarted"
    hint = "restartPolicy: Never, or OnFailure"
    yield finding("KF333", message, path, hint=hint, at_key=not said, upstream=Upstream.NEVER_WORKS)


def _emptied(facts: Facts, trial: dict[str, Any]) -> Iterator[Path]:
    """Empty texts and lists where the field may be left out: the Job that Katib reads back lacks them, and it compares
    the two (katib 0.18.0, validatePatchJob; resources are not compared)."""
    entry = facts.release.kind("batch", "Job")
    if entry is None:
        return
    schema = load_schema(entry, "v1")

    def walk(value: Any, path: Path) -> Iterator[Path]:
        entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        node = schema.at(path) or {}
        for key, item in entries:
            if key == "resources":
                continue
            declared = key in (node.get("properties") or {}) and key not in node.get("required", ())
            if declared and item.__class__ in (str, list) and not item:
                yield (*path, key)
            yield from walk(item, (*path, key))

    yield from walk(trial.get("spec"), ("spec",))


def _of_a_parameter(trial: Any, path: Path) -> bool:
    """Whether a finding is about a text that a parameter is put into: what it will be is not known yet."""
    value = trial
    for part in path:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return False
    return isinstance(value, str) and "${trialParameters." in value


def _primary_container(template: dict[str, Any], group: str, kind: str, trial: dict[str, Any]) -> Iterator[Diagnostic]:
    if kind == "TrainJob":
        return  # its containers are the runtime's
    pods = [pod for _, pod in pod_specs(group, kind, trial)]
    names = [str(c.get("name")) for pod in pods for c in status.maps(pod.get("containers"))]
    wanted = template["primaryContainerName"]
    if names and wanted not in names:
        message = f"the trial has no container called '{wanted}'"
        hint = did_you_mean(wanted, names, f"one of: {', '.join(dict.fromkeys(names))}")
        yield finding("KF337", message, (*AT, "primaryContainerName"), hint=hint)
