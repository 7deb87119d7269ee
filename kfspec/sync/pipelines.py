"""Plan for Kubeflow Pipelines: from payloads and what is there to steps. Pure.

KFP has no update (v2beta1, 2.4.1 to 2.16.0). New content of a pipeline is a new version, and old ones stay as history. A
changed recurring run is made anew: created disabled, then the old one is deleted, then the new one enabled, so that wherever
this is cut off never two are enabled, and the next sync ends what was begun. Its name is not unique, so duplicates of a
half-done run are told by the marker and deleted. Runs are started once and never deleted.

Where pipelines are objects of Kubernetes (`package` is None), they and their versions are somebody else's: only what starts
them is kept here, once they are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kfspec.sync.marker import LONGEST, Marker, digest, marker, short, without
from kfspec.sync.payload import Desired, Pipeline, RecurringRun, Run, Scope, Start
from kfspec.sync.steps import Action, Step, Steps

PIPELINE, VERSION, EXPERIMENT = "pipeline", "pipeline version", "experiment"
RECURRING, RUN = "recurring run", "run"


class ActualVersion(NamedTuple):
    """A version that is there."""

    id: str
    name: str
    description: str = ""


class ActualPipeline(NamedTuple):
    """A pipeline that is there, with the versions that matter: of a desired one that which is current; all of one that is an
    object, and of ours that left the spec."""

    id: str
    name: str
    display_name: str
    description: str = ""
    versions: tuple[ActualVersion, ...] = ()


class ActualExperiment(NamedTuple):
    """An experiment that is there."""

    id: str
    name: str
    archived: bool = False
    description: str = ""


class ActualRecurringRun(NamedTuple):
    """A recurring run that is there."""

    id: str
    name: str
    enabled: bool
    pipeline_id: str
    version_id: str
    experiment_id: str
    created: str = ""
    description: str = ""


class ActualRun(NamedTuple):
    """A run that is there."""

    id: str
    name: str
    description: str = ""


class Actual(NamedTuple):
    """What a namespace holds, as far as it matters."""

    pipelines: tuple[ActualPipeline, ...] = ()
    experiments: tuple[ActualExperiment, ...] = ()
    recurring_runs: tuple[ActualRecurringRun, ...] = ()
    runs: tuple[ActualRun, ...] = ()
    names: bool = True
    """Whether the server tells a name from a display name (2.14 on)."""


def plan(desired: Desired, actual: Actual) -> Steps:
    """What makes the service hold the desired state, and of what is ours nothing else."""
    return tuple(_Planner(desired, actual).steps())


def ours(description: str, scope: Scope) -> bool:
    """Whether that scope made what is described so."""
    found = marker(description)
    return found is not None and found.of(scope)


def mark(scope: Scope, pipeline: Pipeline, name: str = "", content: str = "") -> Marker:
    """The marker of what is made for an item, or for a part of it."""
    item = f"{pipeline.item}/{name}" if name else pipeline.item
    origin = pipeline.provenance
    return Marker(scope.project, scope.environment, item, content, origin.commit or "", origin.specDigest)


def content_of(pipeline: Pipeline, run: RecurringRun) -> str:
    """The digest of all that a recurring run is made of. Not whether it is enabled: that can be changed."""
    own = run.model_dump(exclude={"enabled"}, exclude_none=True)
    return digest(own, pipeline.version, started_with(pipeline, run))


def started_with(pipeline: Pipeline, run: Start) -> tuple[str, str | None, str | None]:
    """Experiment, pipeline root and service account: the run's own, or the pipeline's."""
    return (
        run.experiment or pipeline.experiment,
        run.pipelineRoot or pipeline.pipelineRoot,
        run.serviceAccount or pipeline.serviceAccount,
    )


class _Planner:
    def __init__(self, desired: Desired, actual: Actual) -> None:
        self.scope, self.desired, self.actual = desired.scope, desired, actual
        self.experiments = {experiment.name: experiment for experiment in actual.experiments}
        self.prepared: set[str] = set()

    def steps(self) -> Iterator[Step]:
        """Experiments first, since items share them; what is declared; and what left the spec."""
        problems = {pipeline.item: self._impossible(pipeline) for pipeline in self.desired.pipelines}
        possible = [pipeline for pipeline in self.desired.pipelines if problems[pipeline.item] is None]
        for pipeline in possible:
            for run in (*pipeline.recurringRuns, *pipeline.runs):
                yield from self._experiment(pipeline, started_with(pipeline, run)[0])
        for pipeline in possible:
            yield from self._pipeline(pipeline)
        yield from (problem for problem in problems.values() if problem is not None)
        yield from self._left()

    def _pipeline(self, pipeline: Pipeline) -> Iterator[Step]:
        there = self._there(pipeline)
        if pipeline.package is None:
            pass
        elif there is None:
            yield Step(Action.CREATE, PIPELINE, pipeline.name, pipeline.item, "is not there", value=pipeline)
        else:
            yield from self._fixed(pipeline, there)
        version = self._current(pipeline)
        if version is None and pipeline.package is not None:
            why = "is not there" if there is None else "the package is new"
            within = (pipeline.name,)
            yield Step(Action.CREATE, VERSION, pipeline.version, pipeline.item, why, within=within, value=pipeline)
        for recurring in pipeline.recurringRuns:
            yield from self._recurring(pipeline, recurring, version)
        for once in pipeline.runs:
            yield from self._run(pipeline, once)

    def _there(self, pipeline: Pipeline) -> ActualPipeline | None:
        return next((one for one in self.actual.pipelines if one.name == pipeline.name), None)

    def _current(self, pipeline: Pipeline) -> ActualVersion | None:
        there = self._there(pipeline)
        return next((v for v in there.versions if v.name == pipeline.version), None) if there is not None else None

    def _impossible(self, pipeline: Pipeline) -> Step | None:
        """Why nothing of an item can be done: somebody else's things stand in its way, a marker has no room, or an object is
        to come first."""
        if pipeline.package is None:
            return self._unfit(pipeline) or self._missing(pipeline)
        return self._taken(pipeline) or self._unfit(pipeline)

    def _missing(self, pipeline: Pipeline) -> Step | None:
        """What Kubernetes does not hold yet: the objects come by another way, and perhaps later."""
        words = "is an object that is not there yet; its schedules and runs wait for it"
        if self._there(pipeline) is None:
            return Step(Action.WAIT, PIPELINE, pipeline.name, pipeline.item, words, code="KF627")
        if self._current(pipeline) is None:
            return Step(Action.WAIT, VERSION, pipeline.version, pipeline.item, words, code="KF627")
        return None

    def _taken(self, pipeline: Pipeline) -> Step | None:
        there = self._there(pipeline)
        if there is not None and not ours(there.description, self.scope):
            return self._refused(pipeline, PIPELINE, pipeline.name, there.description, there.id)
        for version in there.versions if there is not None else ():
            if version.name == pipeline.version and not ours(version.description, self.scope):
                return self._refused(pipeline, VERSION, version.name, version.description, version.id)
        return None

    def _unfit(self, pipeline: Pipeline) -> Step | None:
        for run in (*pipeline.recurringRuns, *pipeline.runs):
            experiment = self.experiments.get(started_with(pipeline, run)[0])
            if experiment is not None and experiment.archived and not ours(experiment.description, self.scope):
                words = f"is archived, and not by kfspec; restore it, or choose another for '{run.name}'"
                return Step(
                    Action.REFUSE, EXPERIMENT, experiment.name, pipeline.item, words, experiment.id, code="KF621"
                )
            if len(short(mark(self.scope, pipeline, run.name, "0" * 16))) > LONGEST:
                words = f"needs a description of more than {LONGEST} characters to be known again; shorten its name"
                kind = RUN if isinstance(run, Run) else RECURRING
                return Step(Action.REFUSE, kind, run.name, pipeline.item, words, code="KF620")
        return None

    def _refused(self, pipeline: Pipeline, kind: str, name: str, description: str, key: str) -> Step:
        found = marker(description)
        owner = "nobody knows whom" if found is None else f"{found.item} of {found.project}, {found.environment}"
        words = f"is there already, and was made by {owner}; it is not touched"
        return Step(Action.REFUSE, kind, name, pipeline.item, words, key, code="KF621")

    def _fixed(self, pipeline: Pipeline, there: ActualPipeline) -> Iterator[Step]:
        """What differs and cannot be changed."""
        differs = []
        if without(there.description) != (pipeline.description or "").strip():
            differs.append("description")
        if self.actual.names and there.display_name != (pipeline.displayName or pipeline.name):
            differs.append("display name")
        if differs:
            words = f"keeps its {' and its '.join(differs)}: KFP cannot change a pipeline"
            yield Step(Action.KEEP, PIPELINE, pipeline.name, pipeline.item, words, there.id, code="KF626")

    def _experiment(self, pipeline: Pipeline, name: str) -> Iterator[Step]:
        there = self.experiments.get(name)
        if name in self.prepared or (there is not None and not there.archived):
            return
        self.prepared.add(name)
        if there is None:
            yield Step(Action.CREATE, EXPERIMENT, name, pipeline.item, "is not there", value=pipeline)
        else:
            yield Step(Action.RESTORE, EXPERIMENT, name, pipeline.item, "is archived", there.id)

    def _recurring(self, pipeline: Pipeline, run: RecurringRun, version: ActualVersion | None) -> Iterator[Step]:
        content, item = content_of(pipeline, run), f"{pipeline.item}/{run.name}"
        same = [one for one in self._own_recurring() if self._item(one.description) == item]
        experiment = self.experiments.get(started_with(pipeline, run)[0])
        good = [
            one
            for one in same
            if self._digest(one.description) == content
            and version is not None
            and experiment is not None
            and (one.name, one.version_id, one.experiment_id) == (run.name, version.id, experiment.id)
        ]
        kept = min(good, key=lambda one: (not one.enabled, one.created, one.id), default=None)
        within = (pipeline.name, pipeline.version, started_with(pipeline, run)[0])
        if kept is None:
            why = "is changed" if same else "is not there"
            words = f"{why}; disabled at first"
            yield Step(Action.CREATE, RECURRING, run.name, pipeline.item, words, within=within, value=(pipeline, run))
        for other in same:
            if other is not kept:
                words = "is there twice" if kept is not None else "is replaced"
                yield Step(Action.DELETE, RECURRING, run.name, pipeline.item, words, other.id)
        if run.enabled != (kept is not None and kept.enabled):
            action = Action.ENABLE if run.enabled else Action.DISABLE
            words = "the spec says so"
            yield Step(
                action, RECURRING, run.name, pipeline.item, words, kept.id if kept else "", within, (pipeline, run)
            )

    def _run(self, pipeline: Pipeline, run: Run) -> Iterator[Step]:
        item = f"{pipeline.item}/{run.name}"
        for one in self.actual.runs:
            if one.name == run.name and ours(one.description, self.scope) and self._item(one.description) == item:
                return
        within = (pipeline.name, pipeline.version, started_with(pipeline, run)[0])
        words = "was not started yet"
        yield Step(Action.START, RUN, run.name, pipeline.item, words, within=within, value=(pipeline, run))

    def _left(self) -> Iterator[Step]:
        """What is ours and not declared: schedules first, or they would start what is being taken away."""
        declared = {f"{p.item}/{run.name}" for p in self.desired.pipelines for run in p.recurringRuns}
        for recurring in self._own_recurring():
            item = self._item(recurring.description)
            if item not in declared:
                words = "left the spec"
                yield Step(Action.DELETE, RECURRING, recurring.name, item.partition("/")[0], words, recurring.id)
        names = {pipeline.name for pipeline in self.desired.pipelines}
        for there in self.actual.pipelines:
            if there.name not in names and ours(there.description, self.scope):
                yield from self._remove(there)

    def _remove(self, there: ActualPipeline) -> Iterator[Step]:
        """Versions first; the pipeline itself only when nobody else has anything in it."""
        item = self._item(there.description)
        others = [r for r in self.actual.recurring_runs if r.pipeline_id == there.id and not self._is_ours(r)]
        used = {other.version_id for other in others}
        foreign = [v for v in there.versions if not ours(v.description, self.scope)]
        for version in there.versions:
            if version not in foreign and version.id not in used:
                words, within = "its pipeline left the spec", (there.name, there.id)
                yield Step(Action.DELETE, VERSION, version.name, item, words, version.id, within)
        if foreign or others:
            held = [f"{VERSION} {v.name}" for v in foreign] + [f"{RECURRING} {other.name}" for other in others]
            words = f"left the spec and is kept: it has what kfspec did not make ({', '.join(held)})"
            yield Step(Action.KEEP, PIPELINE, there.name, item, words, there.id, code="KF625")
        else:
            yield Step(Action.DELETE, PIPELINE, there.name, item, "left the spec", there.id)

    def _own_recurring(self) -> Iterable[ActualRecurringRun]:
        return [one for one in self.actual.recurring_runs if self._is_ours(one)]

    def _is_ours(self, recurring: ActualRecurringRun) -> bool:
        return ours(recurring.description, self.scope)

    @staticmethod
    def _item(description: str) -> str:
        found = marker(description)
        return found.item if found is not None else ""

    @staticmethod
    def _digest(description: str) -> str:
        found = marker(description)
        return found.digest if found is not None else ""
