"""Objects generated from the schemas: every field that the rules permit is taken by the real API server, and by us."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from kfspec import kinds
from kfspec.catalog import KindEntry, Release, release
from kfspec.catalog.schema import Node, Schema, load_schema
from kfspec.diagnostics import Diagnostic, Severity
from kfspec.equivalence import equivalent
from kfspec.importing import import_manifests
from kfspec.pipeline import build
from kfspec.resource import Resource, ref_of
from kfspec.verification import verify
from kfspec.yamlio.compose import compose
from kfspec.yamlio.dump import dump
from tests.support.controlplane import ControlPlane
from tests.support.generate import PIPELINE, everything, objects, paths, present

KINDS = {
    ("", "Namespace"): "v1",
    ("", "PersistentVolumeClaim"): "v1",
    ("", "LimitRange"): "v1",
    ("rbac.authorization.k8s.io", "RoleBinding"): "v1",
    ("security.istio.io", "AuthorizationPolicy"): "v1beta1",
    ("kubeflow.org", "Profile"): "v1",
    ("kubeflow.org", "Notebook"): "v1",
    ("kubeflow.org", "PodDefault"): "v1alpha1",
    ("kubeflow.org", "PyTorchJob"): "v1",
    ("kubeflow.org", "TFJob"): "v1",
    ("kubeflow.org", "XGBoostJob"): "v1",
    ("kubeflow.org", "MPIJob"): "v1",
    ("kubeflow.org", "PaddleJob"): "v1",
    ("kubeflow.org", "JAXJob"): "v1",
    ("kubeflow.org", "MXJob"): "v1",
    ("kubeflow.org", "Experiment"): "v1beta1",
    ("trainer.kubeflow.org", "TrainJob"): "v1alpha1",
    ("trainer.kubeflow.org", "TrainingRuntime"): "v1alpha1",
    ("trainer.kubeflow.org", "ClusterTrainingRuntime"): "v1alpha1",
    ("kubeflow.org", "PVCViewer"): "v1alpha1",
    ("tensorboard.kubeflow.org", "Tensorboard"): "v1alpha1",
    ("pipelines.kubeflow.org", "Pipeline"): "v2beta1",
    ("pipelines.kubeflow.org", "PipelineVersion"): "v2beta1",
    ("sparkoperator.k8s.io", "SparkApplication"): "v1beta2",
    ("sparkoperator.k8s.io", "ScheduledSparkApplication"): "v1beta2",
    ("sparkoperator.k8s.io", "SparkConnect"): "v1alpha1",
    ("serving.kserve.io", "InferenceService"): "v1beta1",
    ("serving.kserve.io", "ServingRuntime"): "v1alpha1",
    ("serving.kserve.io", "ClusterServingRuntime"): "v1alpha1",
    ("serving.kserve.io", "InferenceGraph"): "v1alpha1",
    ("serving.kserve.io", "TrainedModel"): "v1alpha1",
    ("serving.kserve.io", "LocalModelCache"): "v1alpha1",
}
"""What the blocks compile to, and the version that they use."""

_TTL = "ttlSecondsAfterFinished"
NOT_PERMITTED: dict[str, dict[tuple[str, ...], str]] = {
    **{
        kind: {("spec", "runPolicy", _TTL): "KF389"}
        for kind in ("PyTorchJob", "TFJob", "XGBoostJob", "MPIJob", "PaddleJob", "JAXJob", "MXJob")
    },
    "SparkApplication": {("spec", "timeToLiveSeconds"): "KF389"},
    **{kind: {("spec", "template", "spec", _TTL): "KF389"} for kind in ("TrainingRuntime", "ClusterTrainingRuntime")},
}
"""Fields that a rule forbids, and its code: the objects do without them, and a test tries each."""

GATED = {("", "PersistentVolumeClaim"): ("spec", "dataSourceRef", "namespace")}
"""Fields that the API server takes and drops, with the reference that they are part of, while a feature gate of it is off."""

OF_CONTROLLERS = ("Namespace", "PersistentVolumeClaim", "AuthorizationPolicy", "Experiment", "PipelineVersion")
"""Kinds whose objects have no status, because the tests that edit them would edit what the server throws away: here they get one."""

FIXED = {
    ("", "ConfigMap"): "data and binaryData, whose keys and values kfspec makes",
    ("rbac.authorization.k8s.io", "Role"): "the sync's, whose rules kfspec writes",
    ("batch", "Job"): "the sync's, whose pod kfspec writes",
    ("batch", "CronJob"): "the sync's, whose pod kfspec writes",
}
"""What the blocks compile to in one form that no field of a spec widens: `tests/specs` take it to the server."""


TRAINER = {"trainer": "2.1.0"}
PIPELINES = {"pipelines": "2.15.0"}
OLDER = {
    "MXJob": {"training-operator": "1.8.1"},
    "SparkConnect": {"spark-operator": "2.4.0"},
    "TrainJob": TRAINER,
    "TrainingRuntime": TRAINER,
    "ClusterTrainingRuntime": TRAINER,
    "Pipeline": PIPELINES,
    "PipelineVersion": PIPELINES,
}
"""Kinds that only another version of their component serves."""


BLOCKS = {kind for _, kind in kinds.OBJECT_KINDS} - {"LimitRange"} | {"Pipeline"}
"""Kinds that a block is about: `import` finds it. A LimitRange is the profile's if it has a certain name
(`tests/kinds/test_profiles.py`)."""


def serving(kubeflow: Release, key: tuple[str, str]) -> Release:
    """The release that has the kind."""
    if key[1] not in OLDER:
        return kubeflow
    other, _ = release(kubeflow.name, OLDER[key[1]])
    assert other is not None
    return other


@pytest.mark.apiserver
@pytest.mark.parametrize("key", KINDS, ids=lambda k: k[1])
def test_every_field_passes_strict_apply(
    key: tuple[str, str], controlplane: ControlPlane, namespace: str, kubeflow: Release
) -> None:
    kubeflow = serving(kubeflow, key)
    entry = kubeflow.kind(*key)
    assert entry is not None
    made = whole(entry, KINDS[key], namespace)
    resources = [Resource(ref_of(body), body, {}) for body in made]
    errors = [d for d in verify(resources, kubeflow) if d.severity is Severity.ERROR]
    assert errors == []
    answers = controlplane.apply(
        made, dry_run=not entry.namespaced
    )  # cluster-scoped ones would meet those of other tests
    assert [answer.message for answer in answers if answer.status not in (200, 201)] == []


def whole(entry: KindEntry, version: str, namespace: str) -> list[dict[str, Any]]:
    """The objects, one with a status where they have none."""
    made = objects(entry, version, namespace)
    if entry.kind not in OF_CONTROLLERS:
        return made
    schema = load_schema(entry, version)
    node = schema.at(("status",))
    assert node is not None
    assert all("status" not in body for body in made)
    return [{**made[0], "status": everything(schema, node)}, *made[1:]]


@pytest.mark.parametrize("key", KINDS, ids=lambda k: k[1])
def test_the_set_has_every_field(key: tuple[str, str], kubeflow: Release) -> None:
    entry = serving(kubeflow, key).kind(*key)
    assert entry is not None
    schema = load_schema(entry, KINDS[key])
    have = {path for body in whole(entry, KINDS[key], "n") for path in present(schema, schema.root, body)}
    left_out = {*NOT_PERMITTED.get(key[1], ()), *([GATED[key]] if key in GATED else [])}
    assert declared(schema) - have == left_out


def declared(schema: Schema) -> set[tuple[str, ...]]:
    """Every field of a kind but those of every object's metadata."""
    return {path for path in paths(schema, schema.root) if path[0] != "metadata"}


def with_field(schema: Schema, body: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """The object with a field that it does without, wherever the path leads."""
    made = copy.deepcopy(body)

    def put(node: Node, value: Any, rest: tuple[str, ...]) -> None:
        node = schema.node(node)
        if rest[0] == "[]":
            for item in value:
                put(node["items"], item, rest[1:])
            return
        sub = node["properties"][rest[0]]
        if len(rest) == 1:
            value[rest[0]] = everything(schema, sub, rest[0])
        else:
            put(sub, value[rest[0]], rest[1:])

    put(schema.root, made, path)
    return made


@pytest.mark.parametrize(
    ("kind", "path"), [(kind, path) for kind, fields in NOT_PERMITTED.items() for path in fields], ids=str
)
def test_what_the_objects_do_without_is_an_error(kind: str, path: tuple[str, ...], kubeflow: Release) -> None:
    (key,) = (key for key in KINDS if key[1] == kind)
    release = serving(kubeflow, key)
    entry = release.kind(*key)
    assert entry is not None
    schema = load_schema(entry, KINDS[key])
    for body in objects(entry, KINDS[key], "n"):
        other = with_field(schema, body, path)
        before, after = ({d.code for d in errors(each, release)} for each in (body, other))
        assert after - before == {NOT_PERMITTED[kind][path]}


def errors(body: dict[str, Any], release: Release) -> list[Diagnostic]:
    """What is wrong with an object."""
    found = verify([Resource(ref_of(body), body, {})], release)
    return [d for d in found if d.severity is Severity.ERROR]


@pytest.mark.apiserver
def test_a_gated_field_is_taken_and_dropped(controlplane: ControlPlane, namespace: str, kubeflow: Release) -> None:
    for key, path in GATED.items():
        entry = kubeflow.kind(*key)
        assert entry is not None
        schema = load_schema(entry, KINDS[key])
        made = [with_field(schema, body, path) for body in objects(entry, KINDS[key], namespace)]
        for answer in controlplane.apply(made, dry_run=True):
            assert answer.status == 201, answer.message
            assert path not in set(present(schema, schema.root, answer.body))


def test_every_compiled_kind_is_generated_or_has_one_form() -> None:
    assert {(kind.group, kind.kind) for kind in kinds.COMPILED} - KINDS.keys() == FIXED.keys()


def beside(body: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """What else must be there for `import` to find the kind's item: a viewer belongs to its volume, a pipeline to a version."""
    api, meta = body["apiVersion"], body["metadata"]
    if body["kind"] == "PVCViewer":
        spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        return ({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": dict(meta), "spec": spec},)
    if body["kind"] == "Pipeline":
        spec = {"pipelineName": meta["name"], "pipelineSpec": PIPELINE}
        return ({"apiVersion": api, "kind": "PipelineVersion", "metadata": {**meta, "name": "v1"}, "spec": spec},)
    if body["kind"] == "PipelineVersion":
        other = {**meta, "name": body["spec"]["pipelineName"]}
        return ({"apiVersion": api, "kind": "Pipeline", "metadata": other, "spec": {"description": "x"}},)
    return ()


_OF_THE_NAMESPACE = ("KF775", "KF776")
"""What the pod security level of a namespace forbids: objects with every field have that too."""


@pytest.mark.apiserver
@pytest.mark.parametrize("key", [key for key in KINDS if key[1] in BLOCKS], ids=lambda k: k[1])
def test_every_field_goes_through_import_and_compile(
    key: tuple[str, str], controlplane: ControlPlane, namespace: str, kubeflow: Release, tmp_path: Path
) -> None:
    kubeflow = serving(kubeflow, key)
    entry = kubeflow.kind(*key)
    assert entry is not None
    made = objects(entry, KINDS[key], namespace)
    for n, body in enumerate(made):
        if entry.namespaced:
            body["metadata"]["namespace"] = namespace
        manifest = tmp_path / f"{n}.yaml"
        manifest.write_text("---\n".join(map(dump, (body, *beside(body)))))
        imported = import_manifests([str(manifest)], "generated", kubeflow.name, OLDER.get(key[1]))
        assert [d for d in imported.diagnostics if d.severity is Severity.ERROR] == []
        assert "resources" not in imported.spec, f"{key[1]} {n} is passed through"
        spec = tmp_path / f"kfspec-{n}.yaml"
        spec.write_text(compose(imported.spec))
        built = build(spec)
        wrong = [d for d in built.diagnostics if d.severity is Severity.ERROR and d.code not in _OF_THE_NAMESPACE]
        assert [f"{d.code} {d.message} {d.path}" for d in wrong] == []
        compiled = [r.body for r in built.environments["default"]]
        assert any(equivalent(body, other, kubeflow) for other in compiled), (body, compiled)
        own = [b for b in compiled if b["metadata"].get("namespace") == namespace]
        answers = controlplane.apply(own or compiled, dry_run=not own)
        assert [a.message for a in answers if a.status not in (200, 201)] == []
