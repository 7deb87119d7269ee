"""The way back for experiments: what the short forms make of upstream's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kfspec.kinds.lifting import own_metadata, shorten
from kfspec.resource import Body

BUDGET = ("maxTrialCount", "parallelTrialCount", "maxFailedTrialCount")
PLAIN = ("objective", "earlyStopping", *BUDGET, "metricsCollectorSpec", "nasConfig", "resumePolicy")
"""Fields that an item has as upstream has them."""
SPACE = ("min", "max", "step", "distribution", "list")
"""Fields of a feasible space, which the short form of a parameter has too."""
_FIELDS = ("algorithm", "parameters", *PLAIN, "trialTemplate")


def lift(body: Body) -> Iterator[dict[str, Any]]:
    """Items that may stand for the Experiment, the shortest first."""
    spec = body.get("spec")
    if not isinstance(spec, dict) or spec.keys() - set(_FIELDS):
        return
    meta = own_metadata(body)
    item = {key: spec[key] for key in _FIELDS if key in spec}
    short = dict(item)
    for key in ("algorithm", "earlyStopping"):
        if isinstance(item.get(key), dict):
            short[key] = _short_algorithm(item[key])
    parameters = item.get("parameters")
    if isinstance(parameters, list) and _unique(parameters):
        short["parameters"] = {entry["name"]: _short_parameter(entry) for entry in parameters}
    template = item.get("trialTemplate")
    if isinstance(template, dict):
        trial = {"trialTemplate": _short_template(template)}
        yield {**_numbers(short), **trial, **meta}
        yield {**short, **trial, **meta}
    yield {**short, **meta}
    yield {**item, **meta}


def _numbers(short: dict[str, Any]) -> dict[str, Any]:
    """The texts that upstream wants of numbers, as the numbers that they are."""
    parameters = short.get("parameters")
    result = dict(short)
    for key in ("algorithm", "earlyStopping"):
        given = short.get(key)
        if isinstance(given, dict) and isinstance(given.get("algorithmSettings"), dict):
            settings = {name: _number(value) for name, value in given["algorithmSettings"].items()}
            result[key] = {**given, "algorithmSettings": settings}
    if isinstance(parameters, dict):
        result["parameters"] = {name: _number_space(entry) for name, entry in parameters.items()}
    return result


def _number_space(entry: Any) -> Any:
    if not isinstance(entry, dict) or "feasibleSpace" in entry:
        return entry  # a list of texts is categorical, of numbers discrete
    space = {key: _number(value) if key in ("min", "max", "step") else value for key, value in entry.items()}
    if entry.keys() == {"parameterType", "list"} and entry["parameterType"] == "discrete":
        numbers = [_number(value) for value in entry["list"]]
        return numbers if all(map(is_number, numbers)) else entry
    return space


def _number(text: Any) -> Any:
    """The number whose plain writing the text is; the text itself where there is none."""
    if not isinstance(text, str) or re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", text) is None:
        return text
    number = float(text) if "." in text else int(text)
    return number if repr(number) == text else text


def _unique(entries: list[Any]) -> bool:
    names = [entry.get("name") for entry in entries if isinstance(entry, dict)]
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(entries)


def _short_algorithm(given: dict[str, Any]) -> Any:
    if given.keys() == {"algorithmName"}:
        return given["algorithmName"]
    settings = given.get("algorithmSettings")
    if isinstance(settings, list) and _unique(settings) and all(s.keys() == {"name", "value"} for s in settings):
        return {**given, "algorithmSettings": {s["name"]: s["value"] for s in settings}}
    return given


def _short_parameter(entry: dict[str, Any]) -> Any:
    kind, space = entry.get("parameterType"), entry.get("feasibleSpace")
    rest = {key: value for key, value in entry.items() if key != "name"}
    if not isinstance(space, dict) or space.keys() - set(SPACE) or rest.keys() - {"parameterType", "feasibleSpace"}:
        return rest
    if kind == "categorical" and space.keys() == {"list"}:
        return space["list"]
    whole = all(str(space[key]).lstrip("+-").isdigit() for key in ("min", "max", "step") if key in space)
    derived = "categorical" if "list" in space else "int" if whole else "double"
    return dict(space) if kind == derived else {"parameterType": kind, **space}


def _short_template(template: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {key: value for key, value in template.items() if key != "trialSpec"}
    parameters = template.get("trialParameters")
    if isinstance(parameters, list) and _unique(parameters):
        if all(entry.keys() == {"name", "reference"} for entry in parameters):
            result["trialParameters"] = {entry["name"]: entry["reference"] for entry in parameters}
    if "trialSpec" in template:
        result["trialSpec"] = shorten(template["trialSpec"])
    return result


def is_number(value: Any) -> bool:
    """Whether a value of a list is a number, and no text of one."""
    return isinstance(value, int | float) and not isinstance(value, bool)
