"""Objects generated from the schemas: every field that the rules permit is taken by the real API server, and by us."""

from __future__ import annotations

import pytest

from kfspec.catalog import Release
from kfspec.catalog.schema import load_schema
from kfspec.diagnostics import Severity
from kfspec.resource import Resource, ref_of
from kfspec.verification import verify
from tests.support.controlplane import ControlPlane
from tests.support.generate import objects, paths, present

KINDS = {
    ("", "Namespace"): "v1",
    ("", "PersistentVolumeClaim"): "v1",
    ("rbac.authorization.k8s.io", "RoleBinding"): "v1",
    ("security.istio.io", "AuthorizationPolicy"): "v1beta1",
    ("kubeflow.org", "Profile"): "v1",
    ("kubeflow.org", "Notebook"): "v1",
    ("kubeflow.org", "PyTorchJob"): "v1",
    ("serving.kserve.io", "InferenceService"): "v1beta1",
}
"""What the blocks compile to, and the version that they use."""

NOT_PERMITTED = {
    "Namespace": {("status",)},
    "PersistentVolumeClaim": {("status",), ("spec", "dataSourceRef", "namespace")},
    "AuthorizationPolicy": {("status",), ("spec", "targetRef", "namespace"), ("spec", "targetRefs", "[]", "namespace")},
    "PyTorchJob": {("spec", "runPolicy", "ttlSecondsAfterFinished")},
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


@pytest.mark.apiserver
@pytest.mark.parametrize("key", KINDS, ids=lambda k: k[1])
def test_every_field_passes_strict_apply(
    key: tuple[str, str], controlplane: ControlPlane, namespace: str, kubeflow: Release
) -> None:
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
    entry = kubeflow.kind(*key)
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
