"""Pod defaults against the pods that Trainer makes of a job and its runtime, declared or shipped, in both versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.checks.support import said

TUNE = "torchtune-llama3.2-1b"
STEP = {"labels": {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}}
VERSIONS = ("2.1.0", "2.2.0")
OF_NODE = "the pods of the job 'node' of its runtime"


def default(**fields: Any) -> dict[str, Any]:
    """A pod default by the label `cache`."""
    return {"cache": {"desc": "A cache.", **fields}}


def own(**pod: Any) -> dict[str, Any]:
    """A runtime with one job."""
    metadata = {"metadata": pod.pop("metadata")} if "metadata" in pod else {}
    container = {"name": "node", "image": "a", **pod.pop("container", {})}
    template = {**metadata, "spec": {"containers": [container], **pod}}
    job = {"name": "node", "template": {"metadata": STEP, "spec": {"template": template}}}
    return {"ours": {"mlPolicy": {"torch": {}}, "template": {"spec": {"replicatedJobs": [job]}}}}


def conflicts(folder: Path, version: str, job: dict[str, Any], **blocks: Any) -> list[str]:
    """What is said of one job."""
    externals = {"profiles": ["t"], "volumes": ["data", "models", TUNE]}
    known = {"kubeflow": "1.11", "components": {"trainer": version}, "externals": externals}
    jobs = {"a": {"kind": "TrainJob", **job}}
    return said(folder, "KF306", **known, trainingJobs=jobs, **blocks)


def refused(what: str, owner: str = OF_NODE) -> list[str]:
    """The one conflict."""
    message = f"pod default 'cache' and {owner} differ on {what}, so the pod is refused"
    return [f"error never-works KF306 trainingJobs.a: {message} (say it in one of them, or do not select 'cache')"]


ASKS = {"podLabels": {"cache": "true"}}
A = {"env": {"A": "b"}}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_variable_of_the_job(version: str, tmp_path: Path) -> None:
    beside = {"podDefaults": default(**A)}
    job = {"runtime": "torch-distributed", **ASKS, "trainer": {"env": {"A": "c"}}}
    assert conflicts(tmp_path, version, job, **beside) == refused("the variable 'A'", "container 'node'")
    assert conflicts(tmp_path, version, {**job, "trainer": A}, **beside) == []
    assert conflicts(tmp_path, version, {**job, "podLabels": {"cache": "false"}}, **beside) == []
    excluded = {**job, "podAnnotations": {"poddefault.admission.kubeflow.org/exclude": "true"}}
    assert conflicts(tmp_path, version, excluded, **beside) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_shipped_runtime_has(version: str, tmp_path: Path) -> None:
    """The volume of the runtime is in all of its pods; `podLabels` are of those that train."""
    fields = {
        "volumes": [{"name": "cache", "emptyDir": {}}],
        "volumeMounts": [{"name": "cache", "mountPath": "/workspace"}],
    }
    beside = {"podDefaults": default(**fields)}
    job = {"runtime": TUNE, **ASKS}
    assert conflicts(tmp_path, version, job, **beside) == refused("the mount at '/workspace'", "container 'node'")
    assert conflicts(tmp_path, version, {**job, "runtime": "torch-distributed"}, **beside) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_declared_runtime_has(version: str, tmp_path: Path) -> None:
    """Its template may ask for the default by itself, or bring what differs from it."""
    volume = {"name": "cache", "emptyDir": {}}
    beside = {"podDefaults": default(volumes=[{"name": "cache", "emptyDir": {"medium": "Memory"}}])}
    asks = own(metadata={"labels": {"cache": "true"}}, volumes=[volume])
    job = {"runtime": "ours"}
    assert conflicts(tmp_path, version, job, trainingRuntimes=asks, **beside) == refused("the volume 'cache'")
    plain = own(volumes=[volume])
    assert conflicts(tmp_path, version, job, trainingRuntimes=plain, **beside) == []
    assert conflicts(tmp_path, version, {**job, **ASKS}, trainingRuntimes=plain, **beside) == refused(
        "the volume 'cache'"
    )


def test_a_tolerance_of_an_override(tmp_path: Path) -> None:
    beside = {"podDefaults": default(tolerations=[{"key": "gpu", "operator": "Exists"}])}
    change = {"targetJobs": ["node"], "spec": {"tolerations": [{"key": "gpu", "operator": "Equal", "value": "a"}]}}
    job = {
        "runtime": "torch-distributed",
        "podTemplateOverrides": [{**change, "metadata": {"labels": {"cache": "true"}}}],
    }
    assert conflicts(tmp_path, "2.1.0", job, **beside) == refused("the toleration 'gpu'")


def test_annotations_of_the_pods(tmp_path: Path) -> None:
    beside = {"podDefaults": default(podAnnotations={"sidecar.istio.io/inject": "false"})}
    job = {"runtime": "torch-distributed", **ASKS, "podAnnotations": {"sidecar.istio.io/inject": "true"}}
    assert conflicts(tmp_path, "2.2.0", job, **beside) == refused("the annotation 'sidecar.istio.io/inject'")


def test_by_a_label_that_jobs_always_have(tmp_path: Path) -> None:
    """JobSet labels pods with the names of its jobs."""
    label = {"matchLabels": {"jobset.sigs.k8s.io/replicatedjob-name": "node"}}
    beside = {"podDefaults": default(selector=label, **A)}
    job = {"runtime": "torch-distributed", "trainer": {"env": {"A": "c"}}}
    assert conflicts(tmp_path, "2.1.0", job, **beside) == refused("the variable 'A'", "container 'node'")


@pytest.mark.parametrize("job", [{"runtime": "of-somebody-else"}, {"runtime": 7}, {}])
def test_a_runtime_that_nobody_knows_says_nothing(job: dict[str, Any], tmp_path: Path) -> None:
    assert conflicts(tmp_path, "2.1.0", {**job, **ASKS}, podDefaults=default(**A)) == []


def test_a_deployment_is_no_exception(tmp_path: Path) -> None:
    """The webhook looks at every pod of the namespace, and at none that does not ask."""

    def web(**labels: str) -> dict[str, Any]:
        pod = {"containers": [{"name": "web", "image": "a", "env": [{"name": "A", "value": "c"}]}]}
        template = {"metadata": {"labels": {"app": "web", **labels}}, "spec": pod}
        spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template}
        return {"web": {"apiVersion": "apps/v1", "kind": "Deployment", "spec": spec}}

    beside = {"podDefaults": default(**A)}
    message = "pod default 'cache' and container 'web' differ on the variable 'A', so the pod is refused"
    hint = "say it in one of them, or do not select 'cache'"
    at = "resources.web.spec.template.spec.containers[0].env[0]"
    found = said(tmp_path, "KF306", resources=web(cache="true"), **beside)
    assert found == [f"error never-works KF306 {at}: {message} ({hint})"]
    assert said(tmp_path, "KF306", resources=web(), **beside) == []
