"""What the suggestion services want of settings and parameters; they look after admission, and the Experiment fails.

Source: katib 0.18.0, `pkg/suggestion/v1beta1/**` and `pkg/earlystopping/v1beta1/medianstop`; the names are those of the
ConfigMap katib-config that kubeflow/manifests v1.10 installs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path
from kfspec.wording import describe, did_you_mean


class Setting(NamedTuple):
    """The values that a setting takes. Bounds with `open_` are not values themselves."""

    type: str
    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False
    values: tuple[str, ...] = ()
    or_none: bool = False
    required: bool = False

    def wants(self) -> str:
        """In words: `a whole number from 0`."""
        if self.values:
            return f"one of: {', '.join(self.values)}"
        text = {"int": "a whole number", "float": "a number", "str": "a text"}[self.type]
        if self.low is not None:
            text += f" {'above' if self.open_low else 'from'} {self.low:g}"
        if self.high is not None:
            text += f"{' and' if self.low is not None else ''} {'below' if self.open_high else 'to'} {self.high:g}"
        return text + (", or None" if self.or_none else "")

    def takes(self, text: str) -> bool:
        """Whether the service takes this text."""
        if self.or_none and text == "None":
            return True
        if self.values:
            return text in self.values
        if self.type == "str":
            return True
        number = as_number(text, whole=self.type == "int")
        if number is None:
            return False
        if self.low is not None and (number < self.low or (self.open_low and number == self.low)):
            return False
        return self.high is None or number < self.high or (number == self.high and not self.open_high)


class Algorithm(NamedTuple):
    """An algorithm of the default install."""

    settings: dict[str, Setting]
    strict: bool = True
    """Whether its service refuses settings that it does not know."""
    nas: bool = False
    """Whether it searches architectures, and needs `nasConfig`."""


_COUNT = Setting("int", low=0)
_FROM_1 = Setting("int", low=1)
_FROM_0 = Setting("float", low=0)
_POSITIVE = Setting("float", low=0, open_low=True)
_POSITIVE_OR_NONE = Setting("float", low=0, open_low=True, or_none=True)
_SHARE = Setting("float", low=0, open_low=True, high=1)

ALGORITHMS: dict[str, Algorithm] = {
    "random": Algorithm({"random_state": _COUNT}),
    "tpe": Algorithm(
        {
            "gamma": Setting("float", low=0, open_low=True, high=1, open_high=True),
            "prior_weight": _POSITIVE,
            "n_EI_candidates": Setting("int", low=0, open_low=True),
            "random_state": _COUNT,
        }
    ),
    "grid": Algorithm({"random_state": _COUNT}),
    "multivariate-tpe": Algorithm({"n_startup_trials": _COUNT, "n_ei_candidates": _COUNT, "random_state": _COUNT}),
    "cmaes": Algorithm(
        {
            "random_state": Setting("int"),
            "sigma": Setting("float"),
            "restart_strategy": Setting("str", values=("ipop", "bipop", "none")),
        },
        strict=False,
    ),
    "sobol": Algorithm({}, strict=False),
    "bayesianoptimization": Algorithm(
        {
            "base_estimator": Setting("str", values=("GP", "RF", "ET", "GBRT")),
            "n_initial_points": _COUNT,
            "acq_func": Setting("str", values=("gp_hedge", "LCB", "EI", "PI", "EIps", "PIps")),
            "acq_optimizer": Setting("str", values=("auto", "sampling", "lbfgs")),
            "random_state": _COUNT,
        }
    ),
    "hyperband": Algorithm(
        {
            "r_l": Setting("float", low=0, open_low=True, required=True),
            "resource_name": Setting("str", required=True),
            "eta": Setting("float", low=2),  # its whole part is the base of a logarithm
        },
        strict=False,
    ),
    "enas": Algorithm(
        {
            "controller_hidden_size": _FROM_1,
            "controller_temperature": _POSITIVE_OR_NONE,
            "controller_tanh_const": _POSITIVE_OR_NONE,
            "controller_entropy_weight": _POSITIVE_OR_NONE,
            "controller_baseline_decay": _SHARE,
            "controller_learning_rate": _SHARE,
            "controller_skip_target": _SHARE,
            "controller_skip_weight": _POSITIVE_OR_NONE,
            "controller_train_steps": _FROM_1,
            "controller_log_every_steps": _FROM_1,
        },
        nas=True,
    ),
    "darts": Algorithm(
        {
            "num_epochs": Setting("int", low=0, open_low=True),
            **dict.fromkeys(
                ("w_lr", "w_lr_min", "alpha_lr", "w_weight_decay", "alpha_weight_decay", "w_momentum", "w_grad_clip"),
                _FROM_0,
            ),
            "batch_size": Setting("int", low=1, or_none=True),
            "num_workers": _COUNT,
            **dict.fromkeys(("init_channels", "print_step", "num_nodes", "stem_multiplier"), _FROM_1),
        },
        strict=False,
        nas=True,
    ),
    "pbt": Algorithm(
        {
            "suggestion_trial_dir": Setting("str", required=True),
            "n_population": Setting("int", low=5, required=True),
            "truncation_threshold": Setting("float", low=0, high=1, required=True),
        },
        strict=False,
    ),
}

EARLY_STOPPING: dict[str, Algorithm] = {
    "medianstop": Algorithm({"min_trials_required": Setting("int", low=0, open_low=True), "start_step": _FROM_1})
}

NUMERIC = ("int", "double")


def as_number(text: str, *, whole: bool = False) -> float | None:
    """The number that a text is to Python's `float` or `int`, which the services call; None for what is none."""
    try:
        number = int(text) if whole else float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def setting_findings(given: dict[str, Any], known: dict[str, Algorithm], at: Path) -> Iterator[Diagnostic]:
    """Settings of `algorithm` or `earlyStopping`, which stand at `at`."""
    name = str(given.get("algorithmName"))
    algorithm = known.get(name)
    if algorithm is None:
        return
    seen: set[str] = set()
    for n, setting in enumerate(given.get("algorithmSettings") or ()):
        path = (*at, "algorithmSettings", n)
        key, value = setting.get("name", ""), setting.get("value", "")
        if key in seen:
            yield finding("KF335", f"the setting '{key}' is given twice", path, hint="keep one of them")
        seen.add(key)
        wanted = algorithm.settings.get(key)
        if name == "pbt" and key == "resample_probability":
            message = "pbt compares 'resample_probability' as a text with a number, and fails"
            yield finding("KF335", message, path, hint="leave it out")
        elif wanted is None and algorithm.strict:
            known_names = ", ".join(algorithm.settings)
            hint = did_you_mean(key, algorithm.settings, f"one of: {known_names}" if known_names else None)
            yield finding("KF335", f"{name} has no setting '{key}'", (*path, "name"), hint=hint)
        elif wanted is not None and not wanted.takes(value):
            near = did_you_mean(value, wanted.values) if wanted.values else None
            message = f"'{key}' of {name} cannot be {describe(value)}"
            yield finding("KF335", message, (*path, "value"), hint=near or f"write {wanted.wants()}")
    for key, wanted in algorithm.settings.items():
        if wanted.required and key not in seen:
            yield finding("KF335", f"{name} needs the setting '{key}'", at, hint=f"write {wanted.wants()}", at_key=True)


def need_findings(spec: dict[str, Any]) -> Iterator[Diagnostic]:
    """What the algorithm wants of the parameters and of the budget."""
    given = spec.get("algorithm") or {}
    name = given.get("algorithmName")
    algorithm = ALGORITHMS.get(str(name))
    if algorithm is None:
        return
    at: Path = ("spec", "algorithm", "algorithmName")
    if algorithm.nas != (spec.get("nasConfig") is not None):
        message = f"{name} searches architectures, and needs 'nasConfig'" if algorithm.nas else None
        message = message or f"{name} searches parameters, and there is only a 'nasConfig'"
        yield finding("KF336", message, at, hint=None if algorithm.nas else "enas or darts")
        return
    parameters = [p for p in spec.get("parameters") or () if isinstance(p, dict)]
    settings = {s.get("name"): s.get("value", "") for s in given.get("algorithmSettings") or ()}
    if name == "pbt":
        yield from _pbt(parameters, spec)
    elif name == "grid":
        yield from _grid(parameters, spec)
    elif name == "cmaes" and sum(p.get("parameterType") in NUMERIC for p in parameters) < 2:
        yield finding("KF336", "cmaes needs two parameters that are int or double", at, hint="random or tpe")
    elif name == "hyperband":
        yield from _hyperband(parameters, settings, spec)


def _pbt(parameters: list[dict[str, Any]], spec: dict[str, Any]) -> Iterator[Diagnostic]:
    """It walks in steps, and every trial mounts the volume of its checkpoints (`pbt/service.py`, `inject_webhook.go`)."""
    yield from _lacks_step("pbt", parameters)
    if spec.get("resumePolicy") != "FromVolume":
        message = "pbt keeps checkpoints on a volume that there is only with the resume policy FromVolume"
        said = "resumePolicy" in spec
        path: Path = ("spec", "resumePolicy") if said else ("spec", "algorithm", "algorithmName")
        yield finding("KF336", message, path, hint="resumePolicy: FromVolume")


def _lacks_step(name: str, parameters: list[dict[str, Any]]) -> Iterator[Diagnostic]:
    for n, parameter in enumerate(parameters):
        if parameter.get("parameterType") == "double" and not (parameter.get("feasibleSpace") or {}).get("step"):
            message = f"{name} needs a step for the double '{parameter.get('name')}'"
            yield finding("KF336", message, ("spec", "parameters", n, "feasibleSpace"), hint="add 'step:'", at_key=True)
            return


def _grid(parameters: list[dict[str, Any]], spec: dict[str, Any]) -> Iterator[Diagnostic]:
    lacks = list(_lacks_step("grid", parameters))
    yield from lacks
    if lacks:
        return
    combinations: float = 1
    for parameter in parameters:
        space = parameter.get("feasibleSpace") or {}
        step = space.get("step")
        if space.get("list"):
            combinations *= len(space["list"])
            continue
        low, high = as_number(space.get("min", "")), as_number(space.get("max", ""))
        width = as_number(step or "1")
        if low is None or high is None or not width or low > high:
            return
        combinations *= math.floor((high - low) / width + 1e-9) + 1
    limit = spec.get("maxTrialCount")
    if isinstance(limit, int) and limit > combinations:
        message = f"'maxTrialCount' is {limit}, and the grid has {combinations:g} points"
        yield finding("KF336", message, ("spec", "maxTrialCount"), hint=f"maxTrialCount: {combinations:g}")


def _hyperband(
    parameters: list[dict[str, Any]], settings: dict[Any, Any], spec: dict[str, Any]
) -> Iterator[Diagnostic]:
    at: Path = ("spec", "algorithm", "algorithmSettings")
    names = [str(p.get("name")) for p in parameters]
    resource = settings.get("resource_name")
    if resource and resource not in names:
        message = f"'resource_name' of hyperband is '{resource}', and no parameter is called so"
        yield finding("KF336", message, at, hint=did_you_mean(str(resource), names))
    eta, total = as_number(settings.get("eta") or "3"), as_number(settings.get("r_l") or "")
    if not eta or eta < 2 or total is None or total < 1:
        return
    eta = math.floor(eta)
    least = math.floor(eta ** math.floor(math.log(total) / math.log(eta) + 1e-9) + 1e-9)
    parallel = spec.get("parallelTrialCount", 3)
    if isinstance(parallel, int) and parallel < least:
        message = f"hyperband with r_l {total:g} and eta {eta:g} starts {least} trials at once"
        path: Path = ("spec", "parallelTrialCount") if "parallelTrialCount" in spec else ("spec",)
        yield finding("KF336", message, path, hint=f"parallelTrialCount: {least}")
