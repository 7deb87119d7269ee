"""Every release: its kinds against a real API server with its CRDs, and its rules by component version.

Schemas that two releases share are tried once: the CRDs of 1.10.2 are those of the control plane that all tests use, and
another release's server gets the CRDs that differ from all before.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from kfspec.catalog import SCHEMAS, KindEntry, Release, kinds_of, release
from kfspec.catalog.crds import crds
from kfspec.catalog.schema import load_schema
from kfspec.diagnostics import Severity
from kfspec.kinds.katib.defaults import defaulted
from kfspec.resource import Resource, ref_of
from kfspec.verification import verify
from tests.support.controlplane import ControlPlane, running
from tests.support.generate import ADAPT, complete, objects, present
from tests.test_generated import KINDS, NOT_PERMITTED, OF_CONTROLLERS, declared, errors, whole, with_field
from tests.test_mutations import Verdicts, judged

SETS: dict[str, tuple[str, dict[str, str]]] = {
    "1.10": ("1.10", {}),
    "1.10.0": ("1.10.0", {"trainer": "2.2.0", "jobset": "0.11.0"}),
    "1.11": ("1.11", {}),
    "26.03": ("26.03", {}),
}
"""Name -> release and components. Trainer 2.2.0 is in no release; 1.10.0 has no Trainer that would be in its way."""

NAMESPACE = "generated"
_FRAMEWORKS = (
    "sklearn",
    "xgboost",
    "tensorflow",
    "pytorch",
    "triton",
    "onnx",
    "huggingface",
    "pmml",
    "lightgbm",
    "paddle",
)
_CLAIM = ("volumeClaimPolicies", "[]", "templates", "[]", "metadata", "namespace")
NOT_PERMITTED_HERE: dict[tuple[str, str], dict[tuple[str, ...], str]] = {
    ("26.03", "InferenceService"): {("spec", "predictor", name, "name"): "KF377" for name in ("model", *_FRAMEWORKS)},
    ("1.10.0", "JobSet"): {("spec", *_CLAIM): "KF125"},
    ("1.10.0", "TrainingRuntime"): {("spec", "template", "spec", *_CLAIM): "KF125"},
    ("1.10.0", "ClusterTrainingRuntime"): {("spec", "template", "spec", *_CLAIM): "KF125"},
}
"""Fields that a rule of these versions forbids, and its code."""

ELSEWHERE = {"kubernetes-1.37", "training-operator-1.8.1"}
"""Versions of components that no set has. What of Kubernetes' own kinds the blocks compile to is in `test_generated`, and so is
MXJob, the one kind that training-operator 1.8.1 has otherwise than 1.9; the rest is for `resources`, which only checks."""


def of(name: str) -> Release:
    """One of the sets."""
    known, found = release(*SETS[name])
    assert known is not None, found
    return known


class Case(NamedTuple):
    """A served version of a kind whose schema no set before has."""

    of: str
    entry: KindEntry
    version: str

    @property
    def id(self) -> str:
        """As pytest prints it."""
        return f"{self.of}-{self.entry.kind}-{self.version}"


def cases() -> Iterator[Case]:
    """Every schema of the catalogue but those of built-in kinds, in the first set that has it."""
    seen: set[str] = set()
    for name in SETS:
        entries = [
            entry
            for component, version in of(name).components.items()
            for entry in kinds_of(component, version)
            if component != "kubernetes" and entry.file not in seen
        ]
        seen |= {entry.file for entry in entries}
        yield from (Case(name, entry, version) for entry in entries for version in entry.versions)


CASES = list(cases())
EVERY = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)


def _pipelines(name: str) -> list[dict[str, Any]]:
    """The CRDs of Pipeline and PipelineVersion."""
    return [crd for crd in crds(of(name)) if crd["spec"]["group"] == "pipelines.kubeflow.org"]


class Planes:
    """A server for each set, started when it is first asked for."""

    def __init__(self, shared: ControlPlane, stack: contextlib.ExitStack) -> None:
        self.started = {"1.10": shared}
        self.stack = stack
        shared.create_namespace(NAMESPACE)
        shared.install_crds(_pipelines("1.10"))  # other tests have those of 1.11 on it, which keep more
        stack.callback(shared.install_crds, _pipelines("1.11"))

    def of(self, name: str) -> ControlPlane:
        """The server of a set, with the CRDs of its cases."""
        if name not in self.started:
            plane = self.stack.enter_context(running())
            wanted = {f"{case.entry.plural}.{case.entry.group}" for case in CASES if case.of == name}
            plane.install_crds(crd for crd in crds(of(name)) if crd["metadata"]["name"] in wanted)
            plane.create_namespace(NAMESPACE)
            self.started[name] = plane
        return self.started[name]


@pytest.fixture(scope="module")
def planes(controlplane: ControlPlane) -> Iterator[Planes]:
    """The servers, all of them gone afterwards but for the one that other tests use."""
    with contextlib.ExitStack() as stack:
        yield Planes(controlplane, stack)


def generated(case: Case) -> list[dict[str, object]]:
    """Objects of a case, with every field."""
    if case.entry.kind in ADAPT:
        return objects(case.entry, case.version, NAMESPACE)
    return complete(case.entry, case.version, NAMESPACE, of(case.of))


@pytest.mark.apiserver
@EVERY
def test_every_field_of_every_kind_passes_strict_apply(case: Case, planes: Planes) -> None:
    made = generated(case)
    found = verify([Resource(ref_of(body), body, {}) for body in made], of(case.of))
    assert [d for d in found if d.severity is Severity.ERROR] == []
    answers = planes.of(case.of).apply(made, dry_run=True)
    assert [answer.message for answer in answers if answer.status not in (200, 201)] == []


@EVERY
def test_what_other_releases_have_in_the_same_form_is_no_error_in_them(case: Case) -> None:
    made = [Resource(ref_of(body), body, {}) for body in generated(case)]
    for name in SETS:
        entry = of(name).kind(case.entry.group, case.entry.kind)
        if name != case.of and entry is not None and entry.file == case.entry.file:
            assert [d for d in verify(made, of(name)) if d.severity is Severity.ERROR] == [], name


@EVERY
def test_the_objects_have_every_field(case: Case) -> None:
    schema = load_schema(case.entry, case.version)
    made = whole(case.entry, case.version, NAMESPACE) if case.entry.kind in OF_CONTROLLERS else generated(case)
    have = {path for body in made for path in present(schema, schema.root, body)}
    assert declared(schema) - have == set(left_out(case))


def left_out(case: Case) -> dict[tuple[str, ...], str]:
    """The fields that the objects of a case do without, and the code of the rule."""
    known = declared(load_schema(case.entry, case.version))
    every = NOT_PERMITTED.get(case.entry.kind, {}) | NOT_PERMITTED_HERE.get((case.of, case.entry.kind), {})
    return {path: code for path, code in every.items() if path in known and not _permitted(case, path)}


def _permitted(case: Case, path: tuple[str, ...]) -> bool:
    """Trainer 2.2 looks at a job that JobSet deleted, and does not start it again."""
    return (
        case.entry.component == "trainer"
        and case.entry.component_version != "2.1.0"
        and path[-1] == "ttlSecondsAfterFinished"
    )


@EVERY
def test_what_the_objects_do_without_is_an_error(case: Case) -> None:
    schema = load_schema(case.entry, case.version)
    for path, code in left_out(case).items():
        tried = [with_field(schema, body, path) for body in generated(case) if _reaches(body, path)]
        assert tried
        assert [code in {d.code for d in errors(body, of(case.of))} for body in tried] == [True] * len(tried)


def _reaches(body: Any, path: tuple[str, ...]) -> bool:
    """Whether the object has all that the field would be part of."""
    for part in path[:-1]:
        if part == "[]":
            return any(_reaches(item, path[path.index("[]") + 1 :]) for item in body)
        if part not in body:
            return False
        body = body[part]
    return True


def test_every_schema_of_the_catalogue_is_tried() -> None:
    tried = {(case.entry.file, case.version) for case in CASES}
    missing = {
        folder.name
        for folder in SCHEMAS.iterdir()
        if folder.is_dir()
        for entry in kinds_of(*folder.name.rsplit("-", 1))
        for version in entry.versions
        if (entry.file, version) not in tried
    }
    assert missing == ELSEWHERE
    older = {entry.kind for entry in kinds_of("training-operator", "1.8.1") if entry.file not in {f for f, _ in tried}}
    assert older == {"MXJob"} <= {kind for _, kind in KINDS}


RESTRUCTURED: dict[str, set[str]] = {
    "1.10": set(),
    "1.10.0": {"TrainJob", "TrainingRuntime", "JobSet"},
    "1.11": {"TrainJob", "TrainingRuntime", "ClusterTrainingRuntime", "JobSet", "SparkConnect", "PipelineVersion"},
    "26.03": {"InferenceService", "ServingRuntime", "InferenceGraph", "LLMInferenceService"},
}
"""Kinds that a set has in another form than those before it, or as the first."""

EDITS = 60


@pytest.mark.apiserver
@pytest.mark.parametrize("case", [c for c in CASES if c.entry.kind in RESTRUCTURED[c.of]], ids=lambda case: case.id)
def test_the_verdict_on_an_edited_object_is_the_servers(case: Case, planes: Planes) -> None:
    assert judged(generated(case), case.entry, of(case.of), planes.of(case.of), EDITS) == Verdicts([], [])


# -- rules by component version ---------------------------------------------------------------------------------


def said(body: dict[str, Any], name: str, *, admission_only: bool = False, **components: str) -> list[str]:
    """All that is found in an object, as one line each."""
    known, notes = release(name, {key.replace("_", "-"): version for key, version in components.items()})
    assert known is not None, notes
    found = verify([Resource(ref_of(body), body, {})], known, admission_only=admission_only)
    return [f"{d.severity} {d.code} {d.message}" + (f" [{d.hint}]" if d.hint else "") for d in found]


def service(annotations: dict[str, str] | None = None, predictor: dict[str, Any] | None = None) -> dict[str, Any]:
    """An InferenceService, `annotations` without their prefix."""
    given = {f"serving.kserve.io/{key}": value for key, value in (annotations or {}).items()}
    model = {"modelFormat": {"name": "sklearn"}, "storageUri": "gs://a/b"}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "scorer", "namespace": "t", "annotations": given},
        "spec": {"predictor": {"model": model, **(predictor or {})}},
    }


def job(kind: str, api: str = "kubeflow.org/v1") -> dict[str, Any]:
    """A job that is right, of training-operator or Trainer."""
    pods = {"template": {"spec": {"containers": [{"name": "pytorch", "image": "a"}]}}}
    spec: dict[str, Any] = {
        "PyTorchJob": {"pytorchReplicaSpecs": {"Master": {"replicas": 1, **pods}}},
        "MXJob": {"jobMode": "MXTrain", "mxReplicaSpecs": {}},
        "TrainJob": {"runtimeRef": {"name": "torch-distributed"}},
    }[kind]
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "train", "namespace": "t"}, "spec": spec}


TRAINER = "trainer.kubeflow.org/v1alpha1"


def test_a_kind_that_the_release_has_as_an_option_is_a_note() -> None:
    note = (
        "note KF140 PyTorchJob is optional in Kubeflow 1.11.0: training-operator is not installed by default"
        " ['components: {training-operator: 1.9.2}' says that your cluster has it; or use a TrainJob]"
    )
    assert said(job("PyTorchJob"), "1.11") == [note]
    assert said(job("PyTorchJob"), "26.03") == [note.replace("1.11.0", "26.03")]
    assert said(job("PyTorchJob"), "1.11", training_operator="1.9.2") == []
    assert said(job("PyTorchJob"), "1.10") == []
    assert said(job("PyTorchJob"), "1.11", admission_only=True) == []
    pipeline = {
        "apiVersion": "pipelines.kubeflow.org/v2beta1",
        "kind": "Pipeline",
        "metadata": {"name": "p", "namespace": "t"},
        "spec": {"description": "d"},
    }
    assert said(pipeline, "1.10") == [
        "note KF140 Pipeline is optional in Kubeflow 1.10.2: the Kubernetes-native API is not installed by default"
        " ['components: {pipelines: 2.5.0}' says that your cluster has it]"
    ]
    assert said(pipeline, "1.10", pipelines="2.5.0") == []


def test_a_kind_that_the_release_does_not_have_is_an_error_that_names_those_that_do() -> None:
    absent = (
        "error KF135 Kubeflow 1.10.2 does not serve TrainJob (trainer.kubeflow.org/v1alpha1)"
        " [releases that do: 1.11, 26.03]"
    )
    assert said(job("TrainJob", TRAINER), "1.10") == [absent]
    assert said(job("TrainJob", TRAINER), "1.11") == []
    assert said(job("TrainJob", TRAINER), "26.03") == []
    assert said(job("MXJob"), "1.11") == [
        "error KF135 training-operator 1.9.2 does not serve MXJob"
        " ['components: {training-operator: 1.8.1}' does; or use a TrainJob]"
    ]
    assert said(job("MXJob"), "1.10") == [
        "error KF135 training-operator 1.9.2 does not serve MXJob"
        " ['components: {training-operator: 1.8.1}' does; or use a PyTorchJob or a TFJob]"
    ]
    llm = {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "LLMInferenceService",
        "metadata": {"name": "a", "namespace": "t"},
        "spec": {"model": {"uri": "hf://a/b"}},
    }
    assert said(llm, "1.11") == [
        "error KF135 Kubeflow 1.11.0 does not serve LLMInferenceService (serving.kserve.io/v1alpha1)"
        " [releases that do: 26.03]"
    ]
    assert said(llm, "26.03") == []
    assert said(llm, "26.03", kserve="0.15.2") == [
        "error KF135 kserve 0.15.2 does not serve LLMInferenceService ['components: {kserve: 0.16.0}' does]"
    ]


@pytest.mark.parametrize("name", ["1.11", "26.03"])
def test_trainer_2_2_has_other_fields(name: str) -> None:
    older = job("TrainJob", TRAINER)
    older["spec"]["podTemplateOverrides"] = [{"targetJobs": [{"name": "node"}]}]
    newer = job("TrainJob", TRAINER)
    newer["spec"]["activeDeadlineSeconds"] = 60
    assert said(older, name) == []
    assert [line[:11] for line in said(older, name, trainer="2.2.0")] == ["error KF101"]
    assert [line[:11] for line in said(newer, name)] == ["error KF101"]
    assert said(newer, name, trainer="2.2.0") == []


def test_the_modes_of_kserve_are_renamed_in_0_16() -> None:
    mode = "deploymentMode"
    for name in ("1.10.0", "1.10", "1.11"):
        assert said(service({mode: "RawDeployment"}), name) == []
        assert said(service({mode: "Serverless"}), name) == []
        assert said(service({mode: "Standard"}), name) == [
            "error KF362 'Standard' is no deployment mode; KServe would take the default one"
            " [KServe 0.16 brings this name; before it is 'RawDeployment']"
        ]
    assert said(service({mode: "Standard"}), "26.03") == []
    assert said(service({mode: "Knative"}), "26.03") == []
    assert said(service({mode: "Standrad"}), "26.03") == [
        "error KF362 'Standrad' is no deployment mode; KServe would take the default one [did you mean 'Standard'?]"
    ]
    for old, new in (("RawDeployment", "Standard"), ("Serverless", "Knative")):
        assert said(service({mode: old}), "26.03") == [
            f"error KF375 KServe 0.16.0 calls '{old}' '{new}', and refuses every change of a service that does not"
            f" [serving.kserve.io/deploymentMode: {new}]"
        ]
        assert said(service({mode: old}), "26.03", admission_only=True) == []


def test_admission_of_0_16_takes_an_old_name_for_the_default_mode() -> None:
    body = service({"deploymentMode": "RawDeployment", "autoscalerClass": "hpa"}, {"scaleMetric": "cpu"})
    assert [line[:11] for line in said(body, "26.03")] == ["error KF375"]
    assert [line[:11] for line in said(body, "26.03", admission_only=True)] == ["error KF366"]
    assert said(body, "1.11") == []


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("1.10.0", {"hpa", "external"}),
        ("1.10", {"hpa", "external", "keda"}),
        ("1.11", {"hpa", "external", "keda", "none"}),
        ("26.03", {"hpa", "external", "keda", "none"}),
    ],
)
def test_the_autoscaler_classes(name: str, allowed: set[str]) -> None:
    every = ("hpa", "external", "keda", "none")
    assert {each for each in every if not said(service({"autoscalerClass": each}), name)} == allowed


KEDA = {"deploymentMode": "RawDeployment", "autoscalerClass": "keda"}


def metric(**target: Any) -> dict[str, Any]:
    """Autoscaling by one metric of memory."""
    return {"autoScaling": {"metrics": [{"type": "Resource", "resource": {"name": "memory", "target": target}}]}}


@pytest.mark.parametrize("name", ["1.10", "1.11"])
def test_keda_scales_by_metrics(name: str) -> None:
    assert said(service(KEDA, {"scaleMetric": "cpu"}), name) == [
        "error KF366 KEDA takes no 'scaleMetric' [name it under 'autoScaling.metrics']"
    ]
    assert said(service(KEDA, metric(type="Utilization", averageUtilization=80)), name) == []
    assert said(service(KEDA, metric(type="AverageValue", averageValue="1Gi")), name) == []
    assert said(service(KEDA, metric(type="Utilization", averageUtilization=180)), name) == [
        "error KF366 'averageUtilization' is 180; a utilization is 1 to 100 percent [1 to 100]"
    ]
    assert said(service(KEDA, metric(type="Utilization")), name) == [
        "error KF366 the metric lacks 'averageUtilization' [add 'averageUtilization:']"
    ]
    assert said(service(KEDA, metric(type="AverageValue", averageValue="1k")), name) == [
        "error KF366 'averageValue' is 1k; KEDA's memory target begins at 1Mi [1Mi or more, as 500Mi]"
    ]
    assert said(service(KEDA, metric(type="Value", value="1Gi")), name) == [
        "error KF366 KEDA scales by memory with a target of type Utilization or AverageValue, not 'Value'"
        " [type: Utilization]"
    ]
    external = {"type": "External", "external": {"metric": {"backend": "prometheus"}, "target": {"type": "Value"}}}
    assert said(service(KEDA, {"autoScaling": {"metrics": [external]}}), name) == [
        "error KF366 the metric lacks 'query' [add 'query:']"
    ]
    by_hpa = {"deploymentMode": "RawDeployment", "autoscalerClass": "hpa"}
    assert said(service(by_hpa, {"autoScaling": {"metrics": [external]}}), name) == [
        "error KF366 the HPA scales by no metric of type 'External'"
        " [type: Resource, or the annotation serving.kserve.io/autoscalerClass: keda]"
    ]


def test_without_a_class_only_the_controller_objects_from_0_15_on() -> None:
    body = service({"deploymentMode": "RawDeployment"}, {"scaleMetric": "rps"})
    message = "error KF366 a RawDeployment cannot scale by 'rps' [cpu or memory, or serverless mode]"
    assert said(body, "1.10.0") == said(body, "1.10") == said(body, "1.11") == [message]
    assert said(body, "1.10.0", admission_only=True) == [message]
    assert said(body, "1.10", admission_only=True) == said(body, "1.11", admission_only=True) == []


def test_a_predictor_has_no_name_from_0_16_on() -> None:
    body = service()
    body["spec"]["predictor"]["model"]["name"] = "m"
    assert said(body, "1.11") == []
    assert said(body, "26.03") == ["error KF377 KServe takes no name of 'model' from 0.16 on [remove it]"]


def test_several_models_exclude_one_and_lie_in_one_folder() -> None:
    def several(*mounts: str, one: bool = False, scheme: str = "gs") -> list[str]:
        uris = [{"uri": f"{scheme}://a/{n}", "mountPath": mount} for n, mount in enumerate(mounts)]
        body = service(predictor={"storageUris": uris})
        if not one:
            del body["spec"]["predictor"]["model"]["storageUri"]
        return said(body, "26.03")

    assert several("/mnt/models/a", "/mnt/models/b") == []
    assert several("/a") == []
    assert several("/a", one=True) == [
        "error KF376 'storageUri' of 'model' and 'storageUris' exclude each other [keep one of them]"
    ]
    assert several("/a", "/b") == ["error KF376 the paths /a and /b lie in no common folder [/mnt/models/...]"]
    assert several("/a/../b") == ["error KF376 no model can be at '/a/../b' [/mnt/models/...]"]
    assert several("/a", "/b", scheme="pvc") == []
    with_field = service(predictor={"storageUris": [{"uri": "gs://a"}]})
    assert [line[:11] for line in said(with_field, "1.11")] == ["error KF101"]


@pytest.mark.parametrize(("name", "wanted"), [("1.10", "external"), ("1.11", "none"), ("26.03", "none")])
def test_a_multi_node_predictor_says_that_it_is_not_scaled(name: str, wanted: str) -> None:
    workers = {"workerSpec": {"pipelineParallelSize": 2}}

    def multi(given: dict[str, str], uri: str | None = "pvc://a/b") -> list[str]:
        body = service(given, workers)
        body["spec"]["predictor"]["model"] = {"modelFormat": {"name": "huggingface"}}
        body["spec"]["predictor"]["model"] |= {"storageUri": uri} if uri else {}
        return said(body, name)

    hint = f"[the annotation serving.kserve.io/autoscalerClass: {wanted}]"
    volume = "error KF373 a multi-node predictor reads its model from a volume [pvc://<volume>/<path>]"
    assert multi({"autoscalerClass": wanted}) == []
    assert multi({}) == [f"error KF373 a multi-node predictor is not scaled, and has to say so {hint}"]
    assert multi({"autoscalerClass": "hpa"}) == [f"error KF373 a multi-node predictor is not scaled by 'hpa' {hint}"]
    assert multi({"autoscalerClass": wanted}, "gs://a") == [volume]
    assert multi({"autoscalerClass": wanted}, "oci://a") == ([] if name == "26.03" else [volume])
    assert multi({"autoscalerClass": wanted}, None) == [
        "error KF373 a multi-node predictor needs 'storageUri' [storageUri: pvc://<volume>/<path>]"
    ]


def experiment(trial: dict[str, Any]) -> dict[str, Any]:
    """An experiment over one parameter."""
    trial = {key: value for key, value in trial.items() if key != "metadata"}
    trial["metadata"] = {"annotations": {"lr": "${trialParameters.lr}"}}
    space = {"min": "0.1", "max": "0.2"}
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": {"name": "tune", "namespace": "t"},
        "spec": {
            "objective": {"type": "maximize", "objectiveMetricName": "auc"},
            "algorithm": {"algorithmName": "random"},
            "maxTrialCount": 3,
            "parameters": [{"name": "lr", "parameterType": "double", "feasibleSpace": space}],
            "trialTemplate": {
                "primaryContainerName": "pytorch",
                "trialParameters": [{"name": "lr", "reference": "lr"}],
                "trialSpec": trial,
            },
        },
    }


def test_katib_0_19_knows_train_jobs_and_1_11_has_no_others_by_default() -> None:
    assert said(experiment(job("PyTorchJob")), "1.10") == []
    assert [line.split(" [")[0] for line in said(experiment(job("PyTorchJob")), "1.11")] == [
        "note KF140 PyTorchJob is optional in Kubeflow 1.11.0: training-operator is not installed by default"
    ]
    assert said(experiment(job("PyTorchJob")), "1.11", training_operator="1.9.2") == []
    assert said(experiment(job("TrainJob", TRAINER)), "1.11") == []
    assert said(experiment(job("TrainJob", TRAINER)), "26.03") == []
    wanted = [
        "error KF331 the trial template lacks 'successCondition' and 'failureCondition', which Katib knows for its own jobs "
        'only [add \'successCondition: status.conditions.#(type=="Complete")#|#(status=="True")#\' and '
        '\'failureCondition: status.conditions.#(type=="Failed")#|#(status=="True")#\']'
    ]
    assert said(experiment(job("TrainJob", TRAINER)), "1.10", trainer="2.1.0") == wanted
    body = experiment(job("TrainJob", TRAINER))
    body["spec"]["trialTemplate"] |= {"successCondition": "a", "failureCondition": "b"}
    assert [line.split(" [")[0] for line in said(body, "1.10", trainer="2.1.0")] == [
        "warning KF344 Katib of the default install watches no TrainJob: the trial's end is never seen"
    ]
    assert said(body, "1.11") == []


def test_katib_0_19_writes_the_conditions_of_a_train_job() -> None:
    template = defaulted(experiment(job("TrainJob", TRAINER)))["spec"]["trialTemplate"]
    assert {key: template[key] for key in ("successCondition", "failureCondition", "primaryPodLabels")} == {
        "successCondition": 'status.conditions.#(type=="Complete")#|#(status=="True")#',
        "failureCondition": 'status.conditions.#(type=="Failed")#|#(status=="True")#',
        "primaryPodLabels": {
            "jobset.sigs.k8s.io/replicatedjob-name": "node",
            "batch.kubernetes.io/job-completion-index": "0",
        },
    }


@pytest.mark.parametrize("kind", ["SparkApplication", "ScheduledSparkApplication"])
def test_spark_2_4_wants_the_name_of_a_service(kind: str) -> None:
    application = {
        "type": "Python",
        "sparkVersion": "3.5.5",
        "mainApplicationFile": "local:///a.py",
        "driver": {"serviceAccount": "default-editor"},
        "executor": {},
    }
    schedule = {"schedule": "0 2 * * *", "concurrencyPolicy": "Forbid", "template": application}
    spec = application if kind == "SparkApplication" else schedule
    body = {
        "apiVersion": "sparkoperator.k8s.io/v1beta2",
        "kind": kind,
        "metadata": {"name": "1.features", "namespace": "t"},
        "spec": spec,
    }
    assert said(body, "1.10") == [
        "error KF720 no Service can be called '1.features', and the operator makes one that begins so [begin with a letter; use"
        " letters, digits and '-']"
    ]
    assert said(body, "1.11") == said(body, "26.03")
    assert said(body, "1.11") == [
        "error KF130 '1.features' cannot be a name: spark-operator takes lower-case letters, digits and '-' from 2.4 on,"
        " beginning with a letter, at most 63"
    ]
    body["metadata"] = {"name": "features-1", "namespace": "t"}
    assert said(body, "1.11") == []
