"""What a change of an Experiment does, and how far one is.

Source: katib 0.18.0, `pkg/webhook/v1beta1/experiment/validator/validator.go` (ValidateExperiment on update) and
`pkg/controller.v1beta1/experiment/experiment_controller.go`; executed. An experiment under `experiments` is named by its
content, so what is refused here comes from `resources:` alone, and the budget from `inPlaceBudget: true`.
"""

from __future__ import annotations

from typing import Any

from kfspec.kinds.base import Effect, Look, Moment, Outcome, Readiness, State
from kfspec.kinds.status import at, condition, count, holds, maps, status, told
from kfspec.resource import Body

_WEBHOOK = "katib 0.18.0, validator.go; executed"
_CONTROLLER = "katib 0.18.0, experiment_controller.go (ReconcileTrials)"
_MAX_REACHED = "ExperimentMaxTrialsReached"
_RESUMES = ("LongRunning", "FromVolume")


def _completed(moment: Moment) -> bool:
    return holds(moment.before, "Succeeded") or holds(moment.before, "Failed")


def _restartable(moment: Moment) -> bool:
    succeeded = condition(moment.before, "Succeeded") or {}
    reached = succeeded.get("status") == "True" and succeeded.get("reason") == _MAX_REACHED
    return reached and at(moment.before, "spec", "resumePolicy") in _RESUMES


def _too_late(moment: Moment) -> bool:
    return _completed(moment) and not _restartable(moment)


def _spent(moment: Moment) -> bool:
    most, so_far = at(moment.after, "spec", "maxTrialCount"), at(moment.before, "status", "trials")
    return isinstance(most, int) and isinstance(so_far, int) and most <= so_far


def _goes_on(moment: Moment) -> bool:
    return _completed(moment) and _restartable(moment) and not _spent(moment)


def _runs(moment: Moment) -> bool:
    return not _completed(moment) and not _spent(moment)


def _narrows(moment: Moment) -> bool:
    old, new = (at(body, "spec", "parallelTrialCount") for body in (moment.before, moment.after))
    running = count(at(moment.before, "status", "trialsRunning")) + count(at(moment.before, "status", "trialsPending"))
    return _runs(moment) and isinstance(new, int) and isinstance(old, int) and new < old and running > new


def _budget(field: str, words: str) -> tuple[Effect, ...]:
    path = ("spec", field)
    over = (
        "the experiment is completed and takes no other budget: run it under another name (only one that reached "
        "maxTrialCount, with resumePolicy LongRunning or FromVolume, goes on)"
    )
    spent = (
        "maxTrialCount must be above the number of trials so far: raise it, or run the experiment under another name"
    )
    return (
        Effect(path, over, _WEBHOOK, Outcome.REFUSED, when=_too_late),
        Effect(path, spent, _WEBHOOK, Outcome.REFUSED, when=_spent),
        Effect(path, "starts the completed experiment again, where it ended", _CONTROLLER, when=_goes_on),
        Effect(path, words, _CONTROLLER, when=_runs),
    )


EFFECTS = (
    Effect(
        ("spec", "parallelTrialCount"),
        "stops trials that run, until {new} are left of {old}",
        _CONTROLLER,
        Outcome.LOSES,
        when=_narrows,
    ),
    *_budget("maxTrialCount", "ends after {new} trials, not {old}"),
    *_budget("parallelTrialCount", "runs {new} trials at a time, not {old}"),
    *_budget("maxFailedTrialCount", "fails after {new} failed trials, not {old}"),
    Effect(
        ("spec",),
        "an experiment cannot change, but for parallelTrialCount, maxTrialCount and maxFailedTrialCount (another order of "
        "parameters counts as a change): run it under another name",
        _WEBHOOK,
        Outcome.REFUSED,
    ),
)


def ready(body: Body, look: Look) -> Readiness:
    """How far the experiment is: trials, and the best result so far."""
    for name, state in (("Failed", State.FAILED), ("Succeeded", State.SUCCEEDED)):
        if holds(body, name):
            parts = (told(condition(body, name)), _trials(body), _best(body))
            return Readiness(state, "; ".join(part for part in parts if part))
    if holds(body, "Restarting") or holds(body, "Running"):
        return Readiness(State.RUNNING, "; ".join(part for part in (_trials(body), _best(body)) if part))
    if holds(body, "Created"):
        return Readiness(State.WAITING, "waits for its first trials")
    return Readiness(State.WAITING, "Katib has not taken it up yet")


def _trials(body: Body) -> str:
    found = status(body)
    ended = ("trialsSucceeded", "trialsFailed", "trialsKilled", "trialsEarlyStopped", "trialMetricsUnavailable")
    done, most = sum(count(found.get(key)) for key in ended), at(body, "spec", "maxTrialCount")
    parts = [f"{done} of {most} trials done" if isinstance(most, int) else f"{done} trials done"]
    for key, word in (("trialsRunning", "running"), ("trialsPending", "pending"), ("trialsFailed", "failed")):
        if count(found.get(key)):
            parts.append(f"{count(found.get(key))} {word}")
    if count(found.get("trialMetricsUnavailable")):
        parts.append(f"{count(found.get('trialMetricsUnavailable'))} without metrics")
    return ", ".join(parts)


def _best(body: Body) -> str:
    """The best value of the objective so far, in the way that its strategy counts it."""
    objective = at(body, "spec", "objective")
    metrics = at(body, "status", "currentOptimalTrial", "observation", "metrics")
    if not isinstance(objective, dict):
        return ""
    name = objective.get("objectiveMetricName")
    strategy = _strategy(objective, name)
    for metric in maps(metrics):
        if metric.get("name") == name and metric.get(strategy) not in (None, ""):
            return f"best {name} {metric[strategy]}"
    return ""


def _strategy(objective: dict[str, Any], name: Any) -> str:
    for entry in maps(objective.get("metricStrategies")):
        if entry.get("name") == name and entry.get("value") in ("min", "max", "latest"):
            return str(entry["value"])
    return "min" if objective.get("type") == "minimize" else "max"
