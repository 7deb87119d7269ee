"""Objects generated from the schemas: every field that the rules permit is taken by the real API server, and by us."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kfspec import kinds
from kfspec.catalog import Release, release
from kfspec.catalog.schema import load_schema
from kfspec.diagnostics import Severity
from kfspec.equivalence import equivalent
from kfspec.importing import import_manifests
from kfspec.pipeline import build
from kfspec.resource import Resource, ref_of
from kfspec.verification import verify
from kfspec.yamlio.compose import compose
from kfspec.yamlio.dump import dump
from tests.support.controlplane import ControlPlane
from tests.support.generate import objects, paths, present

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

NOT_PERMITTED = {
    "Namespace": {("status",)},
    "PersistentVolumeClaim": {("status",), ("spec", "dataSourceRef", "namespace")},
    "AuthorizationPolicy": {("status",), ("spec", "targetRef", "namespace"), ("spec", "targetRefs", "[]", "namespace")},
    **{
        kind: {("spec", "runPolicy", "ttlSecondsAfterFinished")}
        for kind in ("PyTorchJob", "TFJob", "XGBoostJob", "MPIJob", "PaddleJob", "JAXJob", "MXJob")
    },
    "SparkApplication": {("spec", "timeToLiveSeconds")},
    "TrainJob": {("status",)},
    **{
        kind: {("spec", "template", "spec", "ttlSecondsAfterFinished")}
        for kind in ("TrainingRuntime", "ClusterTrainingRuntime")
    },
    "Experiment": {("status",), ("spec", "metricsCollectorSpec", "collector", "customCollector", "volumeMounts", "[]")},
    "InferenceService": {
        ("spec", "predictor", "deploymentStrategy"),
        ("spec", "transformer", "deploymentStrategy"),
        ("spec", "explainer", "deploymentStrategy"),
        ("spec", "explainer", "containers"),
        ("spec", "predictor", "workerSpec", "containers"),
    },
}
"""Fields that a rule forbids, or that only controllers write, and everything below them. What is left out of InferenceService
stands elsewhere in the same schema part: another component has it."""


TRAINER = {"trainer": "2.1.0"}
OLDER = {
    "MXJob": {"training-operator": "1.8.1"},
    "SparkConnect": {"spark-operator": "2.4.0"},
    "TrainJob": TRAINER,
    "TrainingRuntime": TRAINER,
    "ClusterTrainingRuntime": TRAINER,
}
"""Kinds that only another version of their component serves."""

BLOCKS = {kind for _, kind in kinds.OBJECT_KINDS} - {"LimitRange"}
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
    made = objects(entry, KINDS[key], namespace)
    resources = [Resource(ref_of(body), body, {}) for body in made]
    errors = [d for d in verify(resources, kubeflow) if d.severity is Severity.ERROR]
    assert errors == []
    answers = controlplane.apply(
        made, dry_run=not entry.namespaced
    )  # cluster-scoped ones would meet those of other tests
    assert [answer.message for answer in answers if answer.status not in (200, 201)] == []


@pytest.mark.parametrize("key", KINDS, ids=lambda k: k[1])
def test_the_set_has_every_field(key: tuple[str, str], kubeflow: Release) -> None:
    entry = serving(kubeflow, key).kind(*key)
    assert entry is not None
    schema = load_schema(entry, KINDS[key])
    left_out = NOT_PERMITTED.get(key[1], set())
    wanted = {
        path
        for path in paths(schema, schema.root)
        if path[0] != "metadata" and not any(path[: len(skip)] == skip for skip in left_out)
    }
    have = {path for body in objects(entry, KINDS[key], "n") for path in present(schema, schema.root, body)}
    assert wanted - have == set()


def beside(body: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """What else must be there for `import` to find the kind's item: a viewer belongs to its volume."""
    if body["kind"] != "PVCViewer":
        return ()
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return ({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": dict(body["metadata"]), "spec": spec},)


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
