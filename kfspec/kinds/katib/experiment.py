"""A hyperparameter search (Katib Experiment).

`experiments: {tune: {objective: ..., algorithm: tpe, maxTrialCount: 30, parameters: {lr: {min: 0.0001, max: 0.1}}, trial:
{trainingJob: train, args: ["--lr=${trialParameters.lr}"]}}}`. `trial` borrows a declared training job, with changes;
`trialTemplate` takes upstream's form. An Experiment runs once per content: its object is `<name>-<hash8>`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, Severity
from kfspec.kinds import base
from kfspec.kinds.base import RUN_SUFFIX, Context, Lowered
from kfspec.kinds.katib import effects as katib_effects
from kfspec.kinds.katib import lifting as katib_lifting
from kfspec.kinds.katib import rules as katib_rules
from kfspec.kinds.katib.borrow import borrow
from kfspec.kinds.katib.lifting import BUDGET, PLAIN, SPACE, is_number
from kfspec.kinds.katib.trial import USE, condition, place_of, with_conditions
from kfspec.kinds.podspec import pod_specs
from kfspec.kinds.shortforms import Expansion
from kfspec.kinds.training.code import CONFIG_MAP, config_maps
from kfspec.kinds.training.shared import Lent
from kfspec.resource import GVK, Origin, origin_of
from kfspec.spec.base import Json, Namespaced
from kfspec.wording import describe, did_you_mean

BLOCK = "experiments"
PRODUCES = (GVK("kubeflow.org", "v1beta1", "Experiment"), CONFIG_MAP)
DERIVES_FROM = ("trainingJobs", "trainingRuntimes")

_OF_TEMPLATE = (
    "retain",
    "primaryContainerName",
    "primaryPodLabels",
    "successCondition",
    "failureCondition",
    "trialParameters",
)
"""Fields of upstream's trialTemplate that `trial` takes beside the changes to the job."""


class Item(Namespaced):
    """A hyperparameter search."""

    objective: Json = Field(default=None, description="Upstream's: type, goal, objectiveMetricName, ...")
    algorithm: Json = Field(
        default=None, description="A name, or upstream's; settings also as a map, numbers as written."
    )
    earlyStopping: Json = Field(default=None, description="A name, or upstream's.")  # noqa: N815
    parameters: Json = Field(
        default=None, description="`{lr: {min, max, step, distribution}, optimizer: [adam, sgd]}`, or upstream's list."
    )
    maxTrialCount: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    parallelTrialCount: Json = Field(default=None, description="Upstream's; Katib takes 3 if nothing is said.")  # noqa: N815
    maxFailedTrialCount: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    metricsCollectorSpec: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    nasConfig: Json = Field(default=None, description="Upstream's, instead of `parameters`.")  # noqa: N815
    resumePolicy: Json = Field(default=None, description="Upstream's: Never, LongRunning or FromVolume.")  # noqa: N815
    trial: dict[str, Any] | None = Field(
        default=None, description="`{trainingJob: NAME, ...}`: a declared job, with changes for the trials."
    )
    trialTemplate: Json = Field(default=None, description="Upstream's: a raw trialSpec, or a configMap.")  # noqa: N815
    inPlaceBudget: bool = Field(  # noqa: N815
        default=False, description="`true`: another number of trials changes the running experiment, not its name."
    )
    rerun: str | None = Field(default=None, description="Another text starts a new run of the same content.")
    onChange: Literal["keep", "replace"] = Field(  # noqa: N815
        default="keep", description="What becomes of the run that a change supersedes."
    )
    history: int = Field(default=2, ge=0, description="How many finished runs `gc` leaves.")


_BY_RELEASE = ("successCondition", "failureCondition", "primaryPodLabels")


def lower(item: Item, ctx: Context) -> Lowered:
    """One Experiment named `<name>-<hash8>`."""
    expansion = Expansion(ctx)
    spec = _spec(item, ctx, expansion)
    if item.trial is not None and "trialSpec" not in spec.get("trialTemplate", {}):
        return Lowered((), tuple(expansion.found))  # what it borrows is missing or wrong, which was said
    if any(found.code in ("KF101", "KF341") for found in expansion.found):
        return Lowered((), tuple(expansion.found))  # what a parameter means is not known, nor what follows from it
    if katib_rules.NAME.fullmatch(ctx.name) is None:
        near = re.sub(r"[^a-z0-9]+", "-", ctx.name.lower()).strip("-")
        known = katib_rules.NAME.fullmatch(near) is not None
        wanted = f"did you mean '{near}'?" if known else "begin with a lower-case letter"
        message = f"no Experiment can be called '{ctx.name}'"
        return Lowered((), (*expansion.found, finding("KF325", message, ctx.path, hint=wanted, at_key=True)))
    if len(ctx.name) > katib_rules.NAME_LIMIT - RUN_SUFFIX:
        limit = katib_rules.NAME_LIMIT - RUN_SUFFIX
        message = f"the name has {len(ctx.name)} characters; with its hash an Experiment may have {limit}"
        hint = f"shorten it by {len(ctx.name) - limit}"
        return Lowered((), (*expansion.found, finding("KF325", message, ctx.path, hint=hint, at_key=True)))
    hashed = _said(item, spec)
    if item.inPlaceBudget:
        hashed = {key: value for key, value in hashed.items() if key not in BUDGET}
        expansion.found.append(_in_place(item, ctx))
    identity = {"kind": "Experiment", "spec": hashed, **({"rerun": item.rerun} if item.rerun is not None else {})}
    protect = item.onChange == "keep"
    body = {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": base.metadata(ctx, item, f"{ctx.name}-{base.digest8(identity)}", protect=protect),
        "spec": spec,
    }
    origins = {**base.base_origins(ctx), **expansion.origins}
    code = config_maps(item, ctx, expansion, protect=protect)
    return Lowered((*code, base.resource(ctx, body, origins)), tuple(expansion.found))


def _said(item: Item, spec: dict[str, Any]) -> dict[str, Any]:
    """The spec without what a release makes necessary: Katib knows by itself how a TrainJob ends from 0.19 on, and an
    upgrade must start nothing."""
    template = spec.get("trialTemplate")
    if (
        item.trial is None
        or not isinstance(template, dict)
        or (template.get("trialSpec") or {}).get("kind") != "TrainJob"
    ):
        return spec
    kept = {key: value for key, value in template.items() if key not in _BY_RELEASE or key in item.trial}
    return {**spec, "trialTemplate": kept}


def _in_place(item: Item, ctx: Context) -> Diagnostic:
    path = (*ctx.path, "inPlaceBudget")
    if item.resumePolicy in ("LongRunning", "FromVolume"):
        message = "a completed experiment refuses another number of trials, and whoever applies it stops there"
        return finding("KF343", message, path, hint="leave it out to start a new run instead")
    message = "an experiment that cannot be resumed takes no other number of trials"
    return finding("KF343", message, path, hint="resumePolicy: LongRunning", severity=Severity.ERROR)


def _spec(item: Item, ctx: Context, expansion: Expansion) -> dict[str, Any]:
    expansion.origins["spec",] = Origin(ctx.path)
    spec: dict[str, Any] = {}
    for key in PLAIN:
        value = getattr(item, key)
        if value is not None:
            spec[key] = expansion.expand(value, ("spec", key), (*ctx.path, key))
    for key in ("algorithm", "earlyStopping"):
        value = getattr(item, key)
        if value is not None:
            spec[key] = _algorithm(value, expansion, ("spec", key), (*ctx.path, key))
    if item.parameters is not None:
        spec["parameters"] = _parameters(item.parameters, expansion, ("spec", "parameters"), (*ctx.path, "parameters"))
    _operations(spec, ctx, expansion)
    template = _template(item, ctx, expansion)
    if template is not None:
        spec["trialTemplate"] = template
    return spec


def _algorithm(value: Any, expansion: Expansion, at: Path, path: Path) -> Any:
    """A name, or upstream's with its settings as a list or a map."""
    if isinstance(value, str):
        expansion.origins[*at, "algorithmName"] = Origin(path)
        return {"algorithmName": value}
    if not isinstance(value, dict) or not isinstance(value.get("algorithmSettings"), dict | list):
        return value
    given = value["algorithmSettings"]
    settings: list[Any] = []
    entries = given.items() if isinstance(given, dict) else enumerate(given)
    for key, entry in entries:
        place, here = (*path, "algorithmSettings", key), (*at, "algorithmSettings", len(settings))
        expansion.origins[here] = Origin(place)
        if isinstance(given, dict):
            expansion.origins[*here, "name"] = Origin(place, at_key=True)
            expansion.origins[*here, "value"] = Origin(place)
            settings.append({"name": key, "value": _text(entry, expansion, place)})
        elif isinstance(entry, dict) and "value" in entry:
            settings.append({**entry, "value": _text(entry["value"], expansion, (*place, "value"))})
        else:
            settings.append(entry)
    return {**value, "algorithmSettings": settings}


def _text(value: Any, expansion: Expansion, path: Path) -> Any:
    """A scalar as the text that upstream wants, as it is written; anything else is the schema's business."""
    return expansion.text(value, path) if isinstance(value, str | int | float) else value


# -- parameters -------------------------------------------------------------------------------------------------


def _operations(spec: dict[str, Any], ctx: Context, expansion: Expansion) -> None:
    """The parameters of a neural architecture's operations take the same forms."""
    nas = spec.get("nasConfig")
    if not isinstance(nas, dict) or not isinstance(nas.get("operations"), list):
        return
    operations = nas["operations"]
    changed = []
    for n, operation in enumerate(operations):
        if isinstance(operation, dict) and "parameters" in operation:
            rest = ("nasConfig", "operations", n, "parameters")
            given = _parameters(operation["parameters"], expansion, ("spec", *rest), (*ctx.path, *rest))
            operation = {**operation, "parameters": given}
        changed.append(operation)
    spec["nasConfig"] = {**nas, "operations": changed}


def _parameters(given: Any, expansion: Expansion, at: Path, path: Path) -> Any:
    """Upstream's list, from a map by name or from a list whose numbers are not yet texts."""
    expansion.origins.setdefault(at, Origin(path))
    if isinstance(given, list):
        strange = next((n for n, entry in enumerate(given) if not isinstance(entry, dict)), None)
        if strange is not None:
            message = f"a parameter cannot be {describe(given[strange])}"
            hint = "write a mapping instead of the list: 'NAME: {min: ..., max: ...}', or 'NAME: [a, b]'"
            expansion.found.append(finding("KF341", message, (*path, strange), hint=hint))
        return [_space_texts(entry, expansion, (*path, n)) for n, entry in enumerate(given)]
    if not isinstance(given, dict):
        return given
    result: list[dict[str, Any]] = []
    for name, value in given.items():
        place, here = (*path, name), (*at, len(result))
        expansion.origins[here] = Origin(place)
        expansion.origins[*here, "name"] = Origin(place, at_key=True)
        entry = _parameter(name, value, expansion, here, place)
        if entry is not None:
            result.append({"name": name, **entry})
    return result


def _parameter(name: str, value: Any, expansion: Expansion, at: Path, path: Path) -> dict[str, Any] | None:
    """`[a, b]`, `{min, max}`, or upstream's entry without its name."""
    if isinstance(value, list):
        value, list_path = {"list": value}, path
    elif isinstance(value, dict):
        list_path = (*path, "list")
    else:
        hint = "write {min: ..., max: ...}, or a list"
        message = f"the parameter '{name}' cannot be {describe(value)}"
        expansion.found.append(finding("KF341", message, path, hint=hint))
        return None
    short = [key for key in SPACE if key in value]
    unknown = [key for key in value if key not in (*SPACE, "name", "parameterType", "feasibleSpace")]
    if unknown and "feasibleSpace" not in value:
        near = did_you_mean(str(unknown[0]), SPACE, f"one of: {', '.join(SPACE)}")
        message = f"unknown field '{unknown[0]}' in '{name}'"
        expansion.found.append(finding("KF101", message, (*path, unknown[0]), hint=near, at_key=True))
        return None
    if "feasibleSpace" in value or not short:
        for key in (*short, *(("name",) if "name" in value else ())):
            hint = (
                f"write '{key}' under 'feasibleSpace'" if key != "name" else f"the key '{name}' is the name; remove it"
            )
            message = f"'{name}' mixes the short and the long form"
            expansion.found.append(finding("KF340", message, (*path, key), hint=hint, at_key=True))
        return {k: v for k, v in _space_texts(value, expansion, path).items() if k not in (*short, "name")}
    space = {key: value[key] for key in short}
    if isinstance(space.get("list"), list):
        texts = [_text(entry, expansion, (*list_path, n)) for n, entry in enumerate(space["list"])]
        derived = "discrete" if all(is_number(entry) for entry in space["list"]) else "categorical"
        expansion.origins[*at, "feasibleSpace", "list"] = Origin(list_path)
        space["list"] = texts
    else:
        derived = "int"
    for key in short:
        if key != "list":
            space[key] = _text(space[key], expansion, (*path, key))
            expansion.origins[*at, "feasibleSpace", key] = Origin((*path, key))
            if key != "distribution" and isinstance(space[key], str) and not space[key].lstrip("+-").isdigit():
                derived = "double"
    expansion.origins[*at, "feasibleSpace"] = Origin(path)
    expansion.origins.setdefault((*at, "parameterType"), Origin(path))
    rest = {key: entry for key, entry in value.items() if key not in short}
    return {"parameterType": derived, **rest, "feasibleSpace": space}


def _space_texts(entry: Any, expansion: Expansion, path: Path) -> Any:
    """A long entry with the numbers of its feasible space as texts."""
    space = entry.get("feasibleSpace") if isinstance(entry, dict) else None
    if not isinstance(space, dict):
        return entry
    here = (*path, "feasibleSpace")
    texts = {key: _text(value, expansion, (*here, key)) for key, value in space.items()}
    if isinstance(space.get("list"), list):
        texts["list"] = [_text(value, expansion, (*here, "list", n)) for n, value in enumerate(space["list"])]
    return {**entry, "feasibleSpace": texts}


# -- the trial --------------------------------------------------------------------------------------------------


def _template(item: Item, ctx: Context, expansion: Expansion) -> Any:
    """The trial template, with what follows from the trial itself filled in."""
    at: Path = ("spec", "trialTemplate")
    if item.trial is not None and item.trialTemplate is not None:
        hint = "keep 'trial' for a declared job, 'trialTemplate' for anything else"
        message = "'trial' and 'trialTemplate' say the same thing"
        expansion.found.append(finding("KF340", message, (*ctx.path, "trial"), hint=hint, at_key=True))
        return None
    if item.trial is not None:
        borrowed = borrow(item.trial, _OF_TEMPLATE, ctx, expansion)
        path = (*ctx.path, "trial")
        expansion.origins[at] = Origin(path)
        given = {key: item.trial[key] for key in _OF_TEMPLATE if key in item.trial}
        return _completed(
            {**given, **({"trialSpec": borrowed.trial} if borrowed else {})}, borrowed, expansion, at, path
        )
    if not isinstance(item.trialTemplate, dict):
        return item.trialTemplate
    path = (*ctx.path, "trialTemplate")
    template = expansion.expand(item.trialTemplate, at, path)
    config_map = template.get("configMap")
    if isinstance(config_map, dict):
        template = {**template, "configMap": {"configMapNamespace": ctx.namespace, **config_map}}
    return _completed(template, None, expansion, at, path)


def _completed(
    template: dict[str, Any], borrowed: Lent | None, expansion: Expansion, at: Path, path: Path
) -> dict[str, Any]:
    trial = template.get("trialSpec")
    parameters = template.get("trialParameters")
    result = dict(template)
    if isinstance(parameters, dict):
        for n, name in enumerate(parameters):
            place = (*path, "trialParameters", name)
            expansion.origins[*at, "trialParameters", n, "name"] = Origin(place, at_key=True)
            expansion.origins[*at, "trialParameters", n, "reference"] = Origin(place)
        result["trialParameters"] = [{"name": name, "reference": to} for name, to in parameters.items()]
    if not isinstance(trial, dict):
        return result
    if parameters is None:
        used = dict.fromkeys(USE.findall(json.dumps(trial, ensure_ascii=False)))
        result["trialParameters"] = [{"name": name, "reference": name} for name in used]
        expansion.origins[*at, "trialParameters"] = Origin(path)
        for n, name in enumerate(used):
            where = place_of(trial, f"${{trialParameters.{name}}}", (*at, "trialSpec"))
            origin = origin_of(expansion.origins, where)
            for key in ("name", "reference"):
                expansion.origins[*at, "trialParameters", n, key] = origin
    main = borrowed.container if borrowed is not None else _main_container(trial)
    if main is not None:
        result.setdefault("primaryContainerName", main)
    known = str(trial.get("kind")) in with_conditions(expansion.ctx.release)
    if borrowed is not None and not known:
        result.setdefault("successCondition", condition(borrowed.done))
        result.setdefault("failureCondition", condition("Failed"))
    if borrowed is not None and not (known and borrowed.usual_leader):
        result.setdefault("primaryPodLabels", borrowed.leader_labels)
    return result


def _main_container(trial: dict[str, Any]) -> str | None:
    """The only container, or the one that Trainer knows by its name: a TrainJob need not mention it."""
    if trial.get("kind") == "TrainJob":
        return "node"
    names = [name for _, name in _containers(trial)]
    return names[0] if len(set(names)) == 1 else None


def _containers(trial: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    kind = str(trial.get("kind"))
    group = "batch" if kind == "Job" else str(trial.get("apiVersion")).rpartition("/")[0]  # `v1` is a common slip
    for path, pod in pod_specs(group, kind, trial):
        containers = pod.get("containers")
        for n, container in enumerate(containers if isinstance(containers, list) else ()):
            if isinstance(container, dict) and isinstance(container.get("name"), str):
                yield (*path, "containers", n), container["name"]


lift = katib_lifting.lift
rules = katib_rules.rules
EFFECTS = katib_effects.EFFECTS
ready = katib_effects.ready
