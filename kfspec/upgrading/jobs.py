"""A PyTorchJob's item rewritten as a TrainJob of the shipped runtime `torch-distributed`.

Fields move, and their lines with them: comments and layout are the writer's. A job is rewritten where all of it has a place in
a TrainJob that means the same, in every environment and every experiment that borrows it; else it is left alone, with the
reasons. Source: training-operator 1.9.2, `pkg/controller.v1/pytorch/envvar.go` and `pytorch_defaults.go`; Trainer 2.1.0,
`pkg/runtime/framework/plugins/torch/torch.go` and `manifests/base/runtimes/torch_distributed.yaml`; JobSet 0.10.1,
`jobset_webhook.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from kfspec.diagnostics import Diagnostics, Path, Pos, Severity, format_path
from kfspec.differ import same
from kfspec.document import Document, locate
from kfspec.kinds.training.code import MOUNT_PATH
from kfspec.upgrading.reshaping import Fragment, Move, reshaped
from kfspec.upgrading.texts import Place, node_at, value_at, whole
from kfspec.upgrading.values import JobRewrite

RUNTIME = "torch-distributed"

_KEPT = frozenset(
    {
        "run", "rerun", "onChange", "history", "queue", "profile", "labels", "annotations", "prune", "code", "volumeMounts",
        "serviceAccountName", "nodeSelector", "tolerations", "imagePullSecrets", "podLabels", "podAnnotations",
    }
)  # fmt: skip
_MOVED = {
    "image": "image",
    "command": "command",
    "args": "args",
    "env": "env",
    "resources": "resourcesPerNode",
    "workers": "numNodes",
    "nprocPerNode": "numProcPerNode",
}
"""Field of the job -> field of `trainer`."""
_OF_TRIAL = frozenset(
    {
        "trainingJob", "retain", "primaryContainerName", "primaryPodLabels", "successCondition", "failureCondition",
        "trialParameters",
    }
)  # fmt: skip
_WHY = {
    "workingDir": "a TrainJob cannot change the working directory",
    "restartPolicy": "the pods of the runtime restart on failure, and a TrainJob cannot change that",
    "imagePullPolicy": "a TrainJob cannot change when its image is pulled",
    "envFrom": "a TrainJob takes single variables only",
    "elasticPolicy": f"the runtime '{RUNTIME}' starts a fixed number of nodes",
    "pytorchReplicaSpecs": "a TrainJob has one shape of pod, the runtime's",
    "runPolicy": "its limits belong to the runtime",
    "priorityClassName": "a TrainJob takes the runtime's priority",
}
_PYTHON = ("python", "python3")
_RENDEZVOUS = ("MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE", "RANK")
"""What the training operator sets in every pod, and Trainer does not: torchrun sets it in each process."""


class _Job(NamedTuple):
    """A job, and all places of the spec that say something about it."""

    name: str
    fragments: tuple[Fragment, ...]


class JobPlan(NamedTuple):
    """What becomes of a job of the training operator, and the edits that do it."""

    job: JobRewrite
    places: tuple[Place, ...] = ()

    def spoiled(self, found: Diagnostics) -> str | None:
        """Why the rewritten job would be no good: the first error where it is, or where it is borrowed."""
        own = {(place.path[2:4] if place.path[0] == "environments" else place.path[:2]) for place in self.places}
        for diagnostic in found:
            if diagnostic.severity is Severity.ERROR and diagnostic.path[:2] in own:
                return f"as a TrainJob it would have an error: {diagnostic.message} [{diagnostic.code}]"
        return None

    def left_alone(self, why: str) -> JobPlan:
        """The job as it is."""
        return JobPlan(self.job._replace(done=False, notes=(why,)))


def plan(files: Mapping[str, Document], merged: Document, served: bool) -> list[JobPlan]:
    """Which jobs can be rewritten, and the edits that do it. `merged`: the spec with its included files; `served`: whether the
    new release has TrainJobs."""
    declared = merged.value.get("trainingJobs")
    plans: list[JobPlan] = []
    for name, item in declared.items() if isinstance(declared, dict) else ():
        kind = item.get("kind") if isinstance(item, dict) else None
        if not isinstance(kind, str) or kind == "TrainJob":
            continue
        pos = locate(merged, ("trainingJobs", name), at_key=True)
        if not served:
            plans.append(JobPlan(JobRewrite(name, kind, pos, False, ("the release has no TrainJob",))))
        elif kind != "PyTorchJob":
            why = "only PyTorchJobs are rewritten: declare a runtime for it under 'trainingRuntimes', and a TrainJob that uses it"
            plans.append(JobPlan(JobRewrite(name, kind, pos, False, (why,))))
        else:
            plans.append(_job(_Job(name, tuple(_fragments(files, merged, name))), files, merged, pos))
    return plans


def _fragments(files: Mapping[str, Document], merged: Document, name: str) -> Iterator[Fragment]:
    """Every place that says something about a job: the item, environments' changes of it, and trials that borrow it."""
    trials = _borrowers(merged, name)
    for document in files.values():
        environments = document.value.get("environments")
        roots: list[Path] = [
            (),
            *(("environments", each) for each in environments or () if isinstance(environments, dict)),
        ]
        for root in roots:
            yield from _fragment(document, (*root, "trainingJobs", name), trial=False)
            for experiment in trials:
                yield from _fragment(document, (*root, "experiments", experiment, "trial"), trial=True)


def _fragment(document: Document, path: Path, trial: bool) -> Iterator[Fragment]:
    value, node = value_at(document.value, path), node_at(document, path)
    if isinstance(value, dict) and node is not None:
        yield Fragment(document, path, value, node, trial)


def _borrowers(merged: Document, name: str) -> list[str]:
    """The experiments whose trials are the job."""
    return [experiment for experiment, jobs in _borrowed(merged).items() if name in jobs]


def _borrowed(merged: Document) -> dict[str, set[str]]:
    """Experiment -> the jobs that its trials are, in any environment."""
    found: dict[str, set[str]] = {}
    environments = merged.value.get("environments")
    roots = [merged.value, *(environments.values() if isinstance(environments, dict) else ())]
    for root in roots:
        experiments = root.get("experiments") if isinstance(root, dict) else None
        for experiment in experiments if isinstance(experiments, dict) else ():
            job = value_at(experiments, (experiment, "trial", "trainingJob"))
            if isinstance(job, str):
                found.setdefault(experiment, set()).add(job)
    return found


def _job(job: _Job, files: Mapping[str, Document], merged: Document, pos: Pos) -> JobPlan:
    reasons = list(dict.fromkeys((*_shared(files), *_mixed(job, merged), *_unmapped(job))))
    command = _Command.of(job)
    if command.reason is not None:
        reasons.append(command.reason)
    if reasons:
        return JobPlan(JobRewrite(job.name, "PyTorchJob", pos, False, tuple(reasons)))
    places = []
    for fragment in job.fragments:
        place = reshaped(fragment, _moves(fragment, command))
        if place is not None and not same(place.value, fragment.value):
            if whole(fragment.document, [place]) is None:
                where = format_path(fragment.path)
                why = f"the lines of '{where}' cannot be moved without losing a comment: write it anew by hand"
                return JobPlan(JobRewrite(job.name, "PyTorchJob", pos, False, (why,)))
            places.append(place)
    return JobPlan(JobRewrite(job.name, "PyTorchJob", pos, True, tuple(_notes(job, command))), tuple(places))


def _shared(files: Mapping[str, Document]) -> Iterator[str]:
    """Defaults of the block would be wrong for one of the two kinds."""
    for document in files.values():
        environments = document.value.get("environments")
        roots: list[Path] = [
            (),
            *(("environments", each) for each in environments or () if isinstance(environments, dict)),
        ]
        for root in roots:
            path: Path = (*root, "defaults", "trainingJobs")
            for key in value_at(document.value, path) or ():
                if key not in _KEPT:
                    yield f"'{format_path((*path, key))}' is a field of PyTorchJobs: write it into each job first"
            trial: Path = (*root, "defaults", "experiments", "trial")
            for key in value_at(document.value, trial) or ():
                if key not in _OF_TRIAL:
                    yield f"'{format_path((*trial, key))}' is a field of PyTorchJobs: write it into each trial first"


def _mixed(job: _Job, merged: Document) -> Iterator[str]:
    for experiment, jobs in _borrowed(merged).items():
        if job.name in jobs and len(jobs) > 1:
            yield f"'experiments.{experiment}' borrows several jobs: {', '.join(sorted(jobs))}"


def _unmapped(job: _Job) -> Iterator[str]:
    """What the job says that a TrainJob has no place for."""
    for fragment in job.fragments:
        for key, value in fragment.value.items():
            where = format_path((*fragment.path, key))
            if fragment.trial and key in _OF_TRIAL:
                continue
            if key == "kind" and value == "PyTorchJob":
                continue
            if key == "restartPolicy" and value in ("OnFailure", None):
                continue
            if key == "runPolicy" and value in ({}, None):
                continue
            if key == "volumeMounts" and isinstance(value, list):
                yield f"'{where}': its volumes are not the job's own: write 'volumeMounts: {{VOLUME: PATH}}'"
            elif key == "workers" and not (value is None or (isinstance(value, int) and not isinstance(value, bool))):
                yield f"'{where}' is no number, and numNodes would be one more"
            elif key not in _KEPT and key not in _MOVED:
                yield f"'{where}': {_WHY.get(key, 'a TrainJob has no such field')}"
            elif key in ("command", "args") and any(name in str(value) for name in _RENDEZVOUS):
                yield f"'{where}' names a variable that the training operator sets and Trainer does not"


class _Command(NamedTuple):
    """How the job's processes are started."""

    reason: str | None
    """Why it cannot be said how Trainer would start them."""
    python: bool = False
    """It runs the script itself, where torchrun would have to."""
    code: str | None = None
    """Where its code is mounted, and where the training operator starts it."""
    everywhere: bool = False
    """The job's own item has no command, and each that changes it has."""

    @staticmethod
    def of(job: _Job) -> _Command:
        """Judge all commands that the job has, in any environment or trial."""
        commands = [f.value["command"] for f in job.fragments if f.value.get("command") is not None]
        code, reason = _code(job)
        if reason is not None:
            return _Command(reason)
        if not commands:
            return _Command(f"it has no 'command', and what its image starts has to be torchrun: {_TORCHRUN}")
        kinds = {_started_by(command) for command in commands}
        if len(kinds) > 1 or None in kinds:
            return _Command(f"its command starts neither torchrun nor a script of Python: {_TORCHRUN}")
        python = kinds == {"python"}
        if code is not None and any("-m" in command[:3] for command in commands):
            return _Command(f"'-m' finds a module of its code in the working directory, and {_WHY['workingDir']}")
        if python and any(f.value.get("nprocPerNode") is not None for f in job.fragments):
            return _Command("'nprocPerNode' does nothing for a command of Python, and would start as many processes")
        own = any(f.value.get("command") is not None and not _changes(f) for f in job.fragments)
        return _Command(None, python, code, not own)


_TORCHRUN = "Trainer tells the nodes where they meet in PET_* variables, which only torchrun reads"


def _code(job: _Job) -> tuple[str | None, str | None]:
    """Where the job's code is mounted, and why that cannot be said."""
    paths = set()
    for fragment in job.fragments:
        code = fragment.value.get("code")
        if code is not None:
            paths.add(code.get("mountPath", MOUNT_PATH) if isinstance(code, dict) else MOUNT_PATH)
    if len(paths) > 1:
        return None, "its code is mounted in several places"
    path = next(iter(paths), None)
    if path is not None and not any(f.path[:1] == ("trainingJobs",) and f.value.get("code") for f in job.fragments):
        return None, "only an environment or a trial has 'code'"
    return path, None


def _started_by(command: Any) -> str | None:
    """`torchrun` or `python`; None for anything else."""
    if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
        return None
    first = command[0].rpartition("/")[2]
    if first == "torchrun" or command[1:3] in (["-m", "torch.distributed.run"], ["-m", "torch.distributed.launch"]):
        return "torchrun"
    rest = command[2:] if command[1:2] == ["-u"] else command[1:]
    if first in _PYTHON and rest and (rest[0] == "-m" or not rest[0].startswith("-")):
        return "python"
    return None


def _moves(fragment: Fragment, command: _Command) -> dict[str, Move]:
    """What becomes of each field of a fragment."""
    moves: dict[str, Move] = {}
    for key, value in fragment.value.items():
        if key == "kind" and not fragment.trial:
            moves[key] = Move("kind", "TrainJob", after=("runtime", RUNTIME))
        elif key in ("restartPolicy", "runPolicy"):
            moves[key] = Move(None)
        elif key == "command" and isinstance(value, list):
            new = _words(value, command)
            extra = ("numProcPerNode", 1) if command.python and (command.everywhere or not _changes(fragment)) else None
            moves[key] = Move("command", new if new != value else None, into="trainer", after=extra)
        elif key == "workers":
            moves[key] = Move("numNodes", value + 1 if value is not None else None, into="trainer")
        elif key == "nprocPerNode":
            number = int(value) if isinstance(value, str) and value.isdigit() else None
            moves[key] = Move("numProcPerNode", number, into="trainer")
        elif key in _MOVED:
            moves[key] = Move(_MOVED[key], None, into="trainer")
    return moves


def _changes(fragment: Fragment) -> bool:
    """Whether the fragment is laid on the job's own item, which says it already."""
    return fragment.path[:1] != ("trainingJobs",)


def _words(words: list[str], command: _Command) -> list[str]:
    """The command as a TrainJob takes it: torchrun starts the script, which is named by its whole path."""
    if command.python:
        words = ["torchrun", *(words[2:] if words[1] == "-u" else words[1:])]
    if command.code is None:
        return words
    script = next((n for n, word in enumerate(words) if word.endswith(".py")), None)
    if script is None or words[script].startswith("/"):
        return words
    path = f"{command.code.rstrip('/')}/{words[script].removeprefix('./')}"
    return [*words[:script], path, *words[script + 1 :]]


def _notes(job: _Job, command: _Command) -> Iterator[str]:
    """What to look at in a rewritten job."""
    yield "it is a new run: another object, under another name"
    if command.python:
        yield (
            "torchrun starts the script, one process in each node: it is there that RANK, WORLD_SIZE and the like are set, "
            "which the training operator set for the container"
        )
    if command.code is not None:
        yield f"the working directory is the image's, not {command.code}: files beside the script need their whole path"
    if any("restartPolicy" in fragment.value for fragment in job.fragments):
        yield "'restartPolicy: OnFailure' is left out: the runtime's pods have it"
