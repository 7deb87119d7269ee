"""One spec compiled for every release differs only where upstream differs: each difference is in a golden file, with its reason.

`python -m tests.releases.test_differences` prints the files anew; a difference without a reason fails either way.
"""

from __future__ import annotations

import copy
import difflib
import itertools
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kfspec.diagnostics import Severity, format_path
from kfspec.kinds import BLOCKS
from kfspec.kinds.lifting import run_name
from kfspec.pipeline import Build, build
from kfspec.yamlio.dump import dump
from kfspec.yamlio.load import load
from tests.conftest import ROOT

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
SPECS = [HERE / "platform.yaml", *sorted((ROOT / "tests" / "specs").glob("*.yaml"))]
"""A platform with every block; each block with every field."""

RELEASES = ("1.10.0", "1.10", "1.11", "26.03")
STEPS = tuple(itertools.pairwise(RELEASES))
GONE = object()


class Need(NamedTuple):
    """What a person changes in a spec to have it in a release, because there it is an error as it stands."""

    path: tuple[str, ...]
    """The whole spec if empty."""
    code: str
    """Of the error."""
    value: Any = GONE
    """What is written instead; nothing if it is left out."""


_MODE = "serving.kserve.io/deploymentMode"
_CLASS = "serving.kserve.io/autoscalerClass"
_NO_TRAINER = (
    Need(("trainingRuntimes",), "KF135"),
    Need(("trainingJobs", "lines"), "KF135"),
    Need(("trainingJobs", "shipped"), "KF135"),
    Need(("trainingJobs", "template"), "KF135"),
    Need(("experiments", "tune-lines"), "KF342"),  # it borrows a job that is left out
)
_NEWER_SPARK = Need(("sparkConnects",), "KF135")
_NO_OBJECTS = Need(("environments", "objects"), "KF307")
_LLM = Need(("resources", "llm"), "KF135")
_NODES = ("inferenceServices", "several-nodes")
_UNSCALED = Need((*_NODES, "annotations", _CLASS), "KF373", "none")
_WORKERS = ("servingRuntimes", "long", "workerSpec")

NEEDS: dict[tuple[str, str], tuple[Need, ...]] = {
    ("platform", "1.10.0"): (*_NO_TRAINER, _NEWER_SPARK, _NO_OBJECTS, _LLM, Need(_NODES, "KF101")),
    ("platform", "1.10"): (*_NO_TRAINER, _NEWER_SPARK, _NO_OBJECTS, _LLM),
    ("platform", "1.11"): (_LLM, _UNSCALED),
    ("platform", "26.03"): (
        _UNSCALED,
        Need(("inferenceServices", "raw", "annotations", _MODE), "KF375", "Standard"),
        Need(("inferenceServices", "serverless", "annotations", _MODE), "KF375", "Knative"),
        Need(("inferenceServices", "serverless", "predictor", "model", "name"), "KF377"),
    ),
    ("inferenceservices", "26.03"): (
        Need(("inferenceServices", "every-field", "annotations", _MODE), "KF375", "Standard"),
    ),
    ("serving", "1.10.0"): (
        Need((*_WORKERS, "pipelineParallelSize"), "KF101"),
        Need((*_WORKERS, "tensorParallelSize"), "KF101"),
    ),
    ("sparkapplications", "1.10.0"): (
        Need(("sparkApplications", "python", "driver", "memoryLimit"), "KF101"),
        Need(("sparkApplications", "nightly", "timeZone"), "KF101"),
    ),
    **{("trainjobs", name): (Need((), "KF135"),) for name in ("1.10.0", "1.10")},
    **{("sparkconnects", name): (Need((), "KF135"),) for name in ("1.10.0", "1.10")},
    **{("pipelineobjects", name): (Need((), "KF307"),) for name in ("1.10.0", "1.10")},
}
"""(Spec, release) -> all of it."""


class Reason(NamedTuple):
    """Why upstream makes a difference."""

    key: str
    fits: str
    """A pattern of what is told of a difference."""
    why: str


REASONS = (
    Reason(
        "training-operator",
        r"^said KF140 .*: training-operator is not installed by default$",
        "the default install leaves the training operator out, and brings Trainer (kubeflow/manifests v1.11.0,"
        " example/kustomization.yaml)",
    ),
    Reason(
        "trainer",
        r"^database: (TrainJob|TrainingRuntime|Experiment)/\S+ is new$"
        r"|^everything is new: ClusterTrainingRuntime, TrainingRuntime, ",
        "Trainer 2.1 with its kinds, and Katib's trials of them (kubeflow/manifests v1.11.0; katib 0.19.0)",
    ),
    Reason(
        "spark-operator",
        r"^no more KF140 .*: spark-operator is not installed by default$",
        "the default install has the Spark operator (kubeflow/manifests v1.10.2, example/kustomization.yaml)",
    ),
    Reason(
        "spark-connect",
        r"^database: SparkConnect/\S+ is new$|^everything is new: SparkConnect$",
        "SparkConnect comes with spark-operator 2.4.0 (api/v1alpha1)",
    ),
    Reason(
        "spark-fields",
        r"^\w+: (SparkApplication/team/python|ScheduledSparkApplication/team/nightly)\n([ +-].*\n)*\+ +(memoryLimit|timeZone): ",
        "memoryLimit and the time zone of a schedule come with spark-operator 2.2.0 (api/v1beta2)",
    ),
    Reason(
        "pipeline-objects",
        r"^environment objects is new, and only it has: Pipeline, PipelineVersion$"
        r"|^everything is new: Pipeline, PipelineVersion, ",
        "Pipeline and PipelineVersion keep display name and platform spec from KFP 2.15.0 on (kubeflow/manifests v1.11.0, CRDs)",
    ),
    Reason(
        "kfp-fields",
        r"^(said|no more) KF319 pipelines\.\w+\.package: KFP has ",
        "what kubernetes_platform can say grows with KFP 2.5.0 and 2.15.0 (kubernetes_platform/proto)",
    ),
    Reason(
        "kserve-workers",
        r"^database: InferenceService/team/several-nodes is new$"
        r"|^database: AuthorizationPolicy/team/inferenceservice-several-nodes is new$"
        r"|^\w+: ServingRuntime/serving/long\n.*\n\+ +pipelineParallelSize: 2\n\+ +tensorParallelSize: 1$",
        "the parallel sizes of a multi-node runtime come with KServe 0.15.0 (pkg/apis/serving)",
    ),
    Reason(
        "kserve-unscaled",
        r"^database: InferenceService/team/several-nodes\n.*\n-.*autoscalerClass: external\n\+.*autoscalerClass: none\n",
        "a multi-node predictor is of the autoscaler class 'none' from KServe 0.15.2 on (inference_service_validation.go)",
    ),
    Reason(
        "kserve-modes",
        r"^\w+: InferenceService/\S+\n.*\n-.*/deploymentMode: (RawDeployment|Serverless)\n\+.*/deploymentMode: (Standard|Knative)\n",
        "KServe 0.16.0 renames the deployment modes, and takes no name of a predictor's model (pkg/constants,"
        " inference_service_validation.go)",
    ),
    Reason(
        "llm",
        r"^\w+: LLMInferenceService/\S+ is new$",
        "LLMInferenceService comes with KServe 0.16.0 (pkg/apis/serving/v1alpha1)",
    ),
    Reason(
        "dashboard",
        r'^\w+: ConfigMap/kubeflow/centraldashboard-config\n.*\n(\+.*\n)*\+ +"text": "Model Registry",\n',
        "the dashboard's menu has an entry for Model Registry (kubeflow/manifests 26.03)",
    ),
    Reason(
        "istio-cni",
        r"^no more KF776 ",
        "with istio-cni, the default from 1.10.2 on, pods need no NET_ADMIN for the mesh (kubeflow/manifests v1.10.2)",
    ),
)


def value_of(spec: Path) -> dict[str, Any]:
    """The spec, for no release."""
    (document,), found = load(spec.read_bytes(), str(spec))
    assert found == ()
    value: dict[str, Any] = copy.deepcopy(document.value)
    value.pop("kubeflow", None)
    if spec.stem == "sparkconnects":
        del value["components"]  # of a spec for 1.10
    return value


def changed(value: dict[str, Any], needs: tuple[Need, ...]) -> dict[str, Any]:
    """The spec as a release needs it."""
    made = copy.deepcopy(value)
    for need in needs:
        at = made
        for part in need.path[:-1]:
            at = at[part]
        assert need.path[-1] in at, need.path
        if need.value is GONE:
            del at[need.path[-1]]
        else:
            at[need.path[-1]] = need.value
    return made


def compiled(spec: Path, name: str, needs: tuple[Need, ...], folder: Path) -> Build:
    """What the spec becomes in a release."""
    shutil.copytree(ROOT / "tests" / "specs" / "packages", folder / "packages", dirs_exist_ok=True)
    file = folder / f"{spec.stem}-{name}.yaml"
    file.write_text(dump({**changed(value_of(spec), needs), "kubeflow": name}), encoding="utf-8")
    return build(file)


def errors(built: Build) -> list[str]:
    """The codes of what is wrong."""
    return [d.code for d in built.diagnostics if d.severity is Severity.ERROR]


def in_release(spec: Path, name: str, folder: Path) -> Build | None:
    """What the spec becomes in a release; None where all of it is left out."""
    needs = NEEDS.get((spec.stem, name), ())
    if any(not need.path for need in needs):
        return None
    built = compiled(spec, name, needs, folder)
    assert errors(built) == [], (spec.stem, name, built.diagnostics)
    return built


def differences(before: Build | None, after: Build | None) -> Iterator[str]:
    """How two releases differ: objects line by line, and what is said."""
    if after is None:
        return
    if before is None:
        yield f"everything is new: {_kinds(after, set())}"
        return
    for environment in after.environments:
        old, new = objects(before, environment), objects(after, environment)
        if environment not in before.environments:
            known = {ref for other in before.environments for ref in objects(after, other)}
            yield f"environment {environment} is new, and only it has: {_kinds(after, known, environment)}"
            continue
        for ref in dict.fromkeys([*old, *new]):
            if ref not in old:
                yield f"{environment}: {ref} is new"
                continue
            lines = difflib.unified_diff(old[ref], new.get(ref, []), n=1, lineterm="")
            differing = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
            if differing:
                yield "\n".join([f"{environment}: {ref}", *differing])
    said_before, said_after = (findings(built) for built in (before, after))
    yield from (f"no more {line}" for line in said_before if line not in said_after)
    yield from (f"said {line}" for line in said_after if line not in said_before)


def objects(built: Build, environment: str) -> dict[str, list[str]]:
    """Each object's text; a run by its name without the hash of its content."""
    return {run_name(str(r.ref)): dump(r.body).splitlines() for r in built.environments.get(environment, ())}


def _kinds(built: Build, known: set[str], *environments: str) -> str:
    """The kinds of the objects that are not known."""
    refs = (ref for environment in environments or built.environments for ref in objects(built, environment))
    return ", ".join(dict.fromkeys(ref.partition("/")[0] for ref in refs if ref not in known))


def findings(built: Build) -> list[str]:
    """What is said, without the release's own number."""
    lines = (f"{d.code} {format_path(d.path)}: {d.message}" for d in built.diagnostics)
    return [re.sub(r"(?<=Kubeflow )[\d.]+\d(?=:)", "*", line) for line in lines]


def reason_of(difference: str) -> str:
    """The key of the one reason for a difference."""
    found = [reason.key for reason in REASONS if re.search(reason.fits, difference)]
    return found[0] if len(found) == 1 else f"no one reason: {found}"


def golden(folder: Path) -> dict[str, str]:
    """File name -> all differences between two releases that follow each other."""
    texts = {}
    for old, new in STEPS:
        parts, used = [], set()
        for spec in SPECS:
            lines = []
            for difference in differences(in_release(spec, old, folder), in_release(spec, new, folder)):
                key = reason_of(difference)
                head, *rest = difference.splitlines()
                lines += [f"{head}   [{key}]", *rest]
                used.add(key)
            absent = in_release(spec, new, folder) is None
            parts.append("\n".join([f"== {spec.stem}", *(lines or ["not there yet" if absent else "the same"]), ""]))
        why = [f"[{reason.key}] {reason.why}" for reason in REASONS if reason.key in used]
        texts[f"{old}-{new}.txt"] = "\n".join([*parts, *why, ""])
    return texts


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The files as they are now."""
    return golden(tmp_path_factory.mktemp("releases"))


def test_the_differences_are_those_that_are_known(made: dict[str, str]) -> None:
    assert made == {path.name: path.read_text(encoding="utf-8") for path in sorted(GOLDEN.iterdir())}


def test_every_difference_has_one_reason_and_every_reason_is_one(made: dict[str, str]) -> None:
    keys = re.findall(r"   \[([^\]]*)\]$", "".join(made.values()), re.MULTILINE)
    assert set(keys) == {reason.key for reason in REASONS}


@pytest.mark.parametrize(("stem", "name"), NEEDS)
def test_what_is_changed_for_a_release_is_an_error_without_the_change(stem: str, name: str, tmp_path: Path) -> None:
    (spec,) = (spec for spec in SPECS if spec.stem == stem)
    needs = NEEDS[stem, name]
    for need in needs:
        others = tuple(each for each in needs if each is not need)
        found = compiled(spec, name, others, tmp_path).diagnostics
        wrong = [d for d in found if d.severity is Severity.ERROR]
        assert wrong
        assert {d.code for d in wrong} == {need.code}
        if need.path and need.path[0] in BLOCKS:
            at = [d.path[: len(need.path)] for d in wrong]
            assert need.path in at or need.path[:2] in [path[:2] for path in at], need


def test_the_platform_has_every_block_in_every_release() -> None:
    value = value_of(HERE / "platform.yaml")
    blocks = {*BLOCKS, "dashboard"}
    assert blocks - value.keys() == set()
    kept = {name: changed(value, NEEDS["platform", name]).keys() & blocks for name in RELEASES}
    assert {name: blocks - there for name, there in kept.items()} == {
        "1.10.0": {"trainingRuntimes", "sparkConnects"},
        "1.10": {"trainingRuntimes", "sparkConnects"},
        "1.11": set(),
        "26.03": set(),
    }


def test_the_specs_have_every_block() -> None:
    assert {*BLOCKS, "dashboard"} - {key for spec in SPECS[1:] for key in value_of(spec)} == set()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        for file, text in golden(Path(scratch)).items():
            (GOLDEN / file).write_text(text, encoding="utf-8")
