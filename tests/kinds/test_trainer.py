"""Trainer v2: what items become under 2.1 and 2.2, what is said of jobs and runtimes, and the way back."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kfspec import cli
from kfspec.catalog import Release, release
from kfspec.catalog.crds import crds
from kfspec.diagnostics import Severity, format_path
from kfspec.effects import effects
from kfspec.equivalence import equivalent
from kfspec.importing import import_manifests
from kfspec.kinds.base import Moment, Outcome
from kfspec.kinds.trainer.runtimes import LAUNCHER, NODE, SHIPPED, Job, Runtime, described, longest_suffix, shipped
from kfspec.kinds.trainer.templates import Template, merged, shipped_spec, templates
from kfspec.pipeline import Build, build
from kfspec.resource import Resource, gvk_of, ref_of
from kfspec.verification import verify
from kfspec.yamlio.compose import compose
from kfspec.yamlio.dump import dump
from tests.conftest import ROOT
from tests.support.controlplane import ControlPlane, running

NEWER = {"trainer": "2.2.0"}
HEAD: dict[str, Any] = {
    "apiVersion": "kfspec.dev/v1alpha1",
    "project": "p",
    "kubeflow": "1.11",
    "externals": {
        "profiles": ["t", "u"],
        "volumes": ["data", *(n for n in SHIPPED["2.1.0"] if "tune" in n)],
        "secrets": ["hub"],
    },
    "defaults": {"profile": "t"},
}
RUNTIME: dict[str, Any] = {
    "mlPolicy": {"torch": {}},
    "template": {
        "spec": {
            "replicatedJobs": {
                "node": {
                    "template": {
                        "metadata": {"labels": {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}},
                        "spec": {"template": {"spec": {"containers": {"node": {"image": "a"}, "log": {"image": "b"}}}}},
                    }
                }
            }
        }
    },
}


def built(folder: Path, **blocks: Any) -> Build:
    """A spec of these blocks."""
    path = folder / "kfspec.yaml"
    path.write_text(dump({**HEAD, **blocks}))
    return build(path)


def jobs(**items: dict[str, Any]) -> dict[str, Any]:
    """A block of TrainJobs; `runtime` is torch-distributed unless one says another."""
    return {
        name: {"kind": "TrainJob", **({} if "runtimeRef" in job else {"runtime": "torch-distributed"}), **job}
        for name, job in items.items()
    }


def said(result: Build) -> list[str]:
    """The findings, a line each."""
    return [
        f"{d.severity} {d.code} {format_path(d.path)}: {d.message}" + (f" [{d.hint}]" if d.hint else "")
        for d in result.diagnostics
    ]


def body(result: Build, kind: str = "TrainJob") -> dict[str, Any]:
    """The one object of a kind."""
    (found,) = [r.body for r in result.environments["default"] if r.ref.kind == kind]
    return found


# -- short forms, in the words of each version ------------------------------------------------------------------

POD = {
    "volumeMounts": {"data": "/data"},
    "code": "code.py",
    "nodeSelector": {"pool": "gpu"},
    "podLabels": {"team": "ml"},
    "trainer": {"command": ["python", "/opt/code/code.py"]},
    "jobSet": {"labels": {"tier": "gold"}},
}
CHANGE = {
    "metadata": {"labels": {"team": "ml"}},
    "spec": {
        "nodeSelector": {"pool": "gpu"},
        "containers": [
            {
                "name": "node",
                "volumeMounts": [
                    {"name": "data", "mountPath": "/data"},
                    {"name": "code", "mountPath": "/opt/code"},
                ],
            }
        ],
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
            {
                "name": "code",
                "configMap": {"name": "a-code-11bbd701", "items": [{"key": "code.py", "path": "code.py"}]},
            },
        ],
    },
}


def test_changes_of_pods_are_overrides_under_2_1(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("print(1)\n")
    result = built(tmp_path, trainingJobs=jobs(a=POD))
    assert said(result) == []
    assert body(result)["spec"] == {
        "runtimeRef": {"name": "torch-distributed"},
        "trainer": {"command": ["python", "/opt/code/code.py"]},
        "labels": {"tier": "gold"},
        "podTemplateOverrides": [{"targetJobs": [{"name": "node"}], **CHANGE}],
    }
    assert body(result, "ConfigMap")["data"] == {"code.py": "print(1)\n"}


def test_and_patches_under_2_2(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("print(1)\n")
    result = built(tmp_path, trainingJobs=jobs(a=POD), components=NEWER)
    assert said(result) == []
    assert body(result)["spec"] == {
        "runtimeRef": {"name": "torch-distributed"},
        "trainer": {"command": ["python", "/opt/code/code.py"]},
        "runtimePatches": [
            {
                "manager": "kfspec.dev/spec",
                "trainingRuntimeSpec": {
                    "template": {
                        "metadata": {"labels": {"tier": "gold"}},
                        "spec": {
                            "replicatedJobs": [{"name": "node", "template": {"spec": {"template": CHANGE}}}],
                        },
                    }
                },
            }
        ],
    }


@pytest.mark.parametrize("components", [{}, NEWER], ids=["2.1", "2.2"])
def test_launcher_and_nodes_get_the_mounts(components: dict[str, str], tmp_path: Path) -> None:
    job = {"runtime": "deepspeed-distributed", "volumeMounts": {"data": "/data"}}
    spec = body(built(tmp_path, trainingJobs=jobs(a=job), components=components))["spec"]
    if components:
        template = spec["runtimePatches"][0]["trainingRuntimeSpec"]["template"]
        assert [job["name"] for job in template["spec"]["replicatedJobs"]] == ["launcher", "node"]
    else:
        assert spec["podTemplateOverrides"][0]["targetJobs"] == [{"name": "launcher"}, {"name": "node"}]


def test_what_the_versions_do_not_share_says_how_to_write_it(tmp_path: Path) -> None:
    newer = {
        "activeDeadlineSeconds": 60,
        "runtimePatches": [{"manager": "example.com/me"}],
    }
    older = {"podTemplateOverrides": [{"targetJobs": ["node"]}], "trainer": {"numProcPerNode": "auto"}}
    assert said(built(tmp_path, trainingJobs=jobs(a=newer))) == [
        "error KF395 trainingJobs.a.activeDeadlineSeconds: Trainer has 'activeDeadlineSeconds' from 2.2 on; this is 2.1.0"
        " [set it in the runtime, at template.spec.replicatedJobs[].template.spec.activeDeadlineSeconds, or"
        " 'components: {trainer: 2.2.0}']",
        "error KF395 trainingJobs.a.runtimePatches: Trainer has 'runtimePatches' from 2.2 on; this is 2.1.0"
        " [write 'podTemplateOverrides: [{targetJobs: [node], spec: ...}]', or 'components: {trainer: 2.2.0}']",
    ]
    assert said(built(tmp_path, trainingJobs=jobs(a=newer), components=NEWER)) == []
    assert said(built(tmp_path, trainingJobs=jobs(a=older))) == []
    assert said(built(tmp_path, trainingJobs=jobs(a=older), components=NEWER)) == [
        "error KF395 trainingJobs.a.podTemplateOverrides: Trainer has 'podTemplateOverrides' before 2.2; this is 2.2.0"
        " [write 'runtimePatches: [{manager: example.com/me, trainingRuntimeSpec: {template: {spec: {replicatedJobs:"
        " [{name: node, template: {spec: {template: {spec: ...}}}}]}}}}]']",
        "error KF395 trainingJobs.a.trainer.numProcPerNode: Trainer takes 'auto' as 'numProcPerNode' before 2.2; this is"
        " 2.2.0 [leave it out: as many as a node has GPUs, or CPUs without any]",
    ]


def test_so_do_runtimes(tmp_path: Path) -> None:
    older = {**RUNTIME, "mlPolicy": {"torch": {"numProcPerNode": "auto", "elasticPolicy": {"maxNodes": 2}}}}
    newer = {**RUNTIME, "mlPolicy": {"jax": {}}}
    assert said(built(tmp_path, trainingRuntimes={"a": older})) == []
    assert said(built(tmp_path, trainingRuntimes={"a": older}, components=NEWER)) == [
        "error KF395 trainingRuntimes.a.mlPolicy.torch.elasticPolicy: Trainer has 'elasticPolicy' of a runtime before 2.2;"
        " this is 2.2.0 [write 'torch: {}' and 'mlPolicy.numNodes']",
        "error KF395 trainingRuntimes.a.mlPolicy.torch.numProcPerNode: Trainer has 'numProcPerNode' of a runtime before"
        " 2.2; this is 2.2.0 [write 'torch: {}'; a job says 'trainer.numProcPerNode', a number]",
    ]
    assert said(built(tmp_path, trainingRuntimes={"a": newer}, components=NEWER)) == []
    assert said(built(tmp_path, trainingRuntimes={"a": newer})) == [
        "error KF395 trainingRuntimes.a.mlPolicy.jax: Trainer has the ML policy 'jax' from 2.2 on; this is 2.1.0"
        " [leave it out, and set what nodes find each other by in the template; or 'components: {trainer: 2.2.0}']"
    ]


def test_a_runtime_is_of_a_namespace_or_of_all(tmp_path: Path) -> None:
    mine = {"runtime": "ours"}
    result = built(tmp_path, trainingRuntimes={"ours": RUNTIME}, trainingJobs=jobs(a=mine))
    assert (said(result), body(result)["spec"]["runtimeRef"]) == ([], {"name": "ours", "kind": "TrainingRuntime"})
    everywhere = {"ours": {**RUNTIME, "clusterScoped": True}}
    result = built(tmp_path, trainingRuntimes=everywhere, trainingJobs=jobs(a=mine))
    assert (said(result), body(result)["spec"]["runtimeRef"]) == ([], {"name": "ours"})
    assert "namespace" not in body(result, "ClusterTrainingRuntime")["metadata"]


def test_a_spec_of_cluster_scoped_runtimes_needs_no_profile(tmp_path: Path) -> None:
    path = tmp_path / "kfspec.yaml"
    head = {key: value for key, value in HEAD.items() if key not in ("externals", "defaults")}
    path.write_text(dump({**head, "trainingRuntimes": {"ours": {**RUNTIME, "clusterScoped": True}}}))
    assert build(path).diagnostics == ()


# -- names ------------------------------------------------------------------------------------------------------


def test_what_describes_a_job_is_no_part_of_its_name(tmp_path: Path) -> None:
    job = {"trainer": {"env": {"A": "1"}, "resourcesPerNode": {"cpu": 1}}}
    name = body(built(tmp_path, trainingJobs=jobs(a=job)))["metadata"]["name"]
    long = {
        "env": [{"name": "A", "value": "1"}],
        "resourcesPerNode": {"limits": {"cpu": "1000m"}, "requests": {"cpu": 1}},
    }
    same: list[dict[str, Any]] = [
        {**job, "queue": "team-a"},
        {**job, "labels": {"a": "b"}, "history": 7, "onChange": "replace"},
        {"runtimeRef": {"name": "torch-distributed"}, "trainer": long},
    ]
    for other in same:
        assert body(built(tmp_path, trainingJobs=jobs(a=other)))["metadata"]["name"] == name


@pytest.mark.parametrize(
    ("runtime", "nodes", "suffix"),
    [
        ("torch-distributed", None, "-node-0-0-xxxxx"),
        ("torch-distributed", 100, "-node-0-99-xxxxx"),
        ("deepspeed-distributed", 2, "-launcher-0-1-xxxxx"),
        ("torchtune-llama3.2-1b", None, "-dataset-initializer-0-0-xxxxx"),
    ],
)
def test_a_name_leaves_room_for_those_of_pods(runtime: str, nodes: int | None, suffix: str, tmp_path: Path) -> None:
    assert longest_suffix(shipped("2.1.0")[runtime], nodes) == suffix
    limit = 63 - len(suffix) - 9
    job = {"runtime": runtime, **({"trainer": {"numNodes": nodes}} if nodes else {})}
    assert said(built(tmp_path, trainingJobs=jobs(**{"a" * limit: job}))) == []
    assert said(built(tmp_path, trainingJobs=jobs(**{"a" * (limit + 1): job}))) == [
        f"error KF380 trainingJobs.{'a' * (limit + 1)}: the name has {limit + 1} characters; with its hash and '{suffix}' a"
        f" TrainJob may have {limit} [shorten it by 1]"
    ]


# -- what is said -----------------------------------------------------------------------------------------------

OURS = {"trainingRuntimes": {"ours": RUNTIME}}
MPI = {
    "ours": {
        "mlPolicy": {"mpi": {"runLauncherAsNode": True}},
        "template": {"spec": {"replicatedJobs": {"launcher": RUNTIME["template"]["spec"]["replicatedJobs"]["node"]}}},
    }
}
TUNE = {"command": ["tune", "run"], "numNodes": 1, "numProcPerNode": 1}
LLAMA = {"runtime": "torchtune-llama3.2-1b"}

CASES: dict[str, tuple[dict[str, Any], dict[str, Any], str, dict[str, Any]]] = {
    "a runtime that is not there": (
        {},
        {"runtime": "torch-distributd"},
        "error KF216 trainingJobs.a.runtime: 'trainingJobs.a' names the training runtime 'torch-distributd', which is not"
        " declared [did you mean 'torch-distributed'?]",
        {"runtime": "torch-distributed"},
    ),
    "a runtime of another version": (
        {},
        {"runtime": "jax-distributed"},
        "error KF216 trainingJobs.a.runtime: 'trainingJobs.a' names the training runtime 'jax-distributed', which is not"
        " declared [did you mean 'mlx-distributed'?]",
        {"runtime": "mlx-distributed"},
    ),
    "a runtime of another namespace": (
        {"trainingRuntimes": {"ours": {**RUNTIME, "profile": "u"}}},
        {"runtime": "ours"},
        "error KF216 trainingJobs.a.runtime: 'trainingJobs.a' names the training runtime 'ours', which is not declared [it is"
        " in namespace u: declare it with 'clusterScoped: true', or once more here]",
        {"runtime": "ours", "profile": "u"},
    ),
    "a runtime of the other kind": (
        OURS,
        {"runtimeRef": {"name": "ours"}},
        "error KF216 trainingJobs.a.runtimeRef.name: 'trainingJobs.a' names the training runtime 'ours', which is not declared"
        " [runtimeRef: {name: ours, kind: TrainingRuntime}, or 'runtime: ours']",
        {"runtime": "ours"},
    ),
    "no kind of runtime": (
        {},
        {"runtimeRef": {"name": "torch-distributed", "kind": "ClusterTrainRuntime"}},
        "error KF216 trainingJobs.a.runtimeRef.kind: no runtime has the kind 'ClusterTrainRuntime' [did you mean"
        " 'ClusterTrainingRuntime'?]",
        {"runtimeRef": {"name": "torch-distributed", "kind": "ClusterTrainingRuntime"}},
    ),
    "an initializer that the runtime has no job for": (
        {},
        {"initializer": {"dataset": "hf://a/b"}},
        "error KF396 trainingJobs.a.initializer.dataset: the runtime has no replicated job 'dataset-initializer', which"
        " 'dataset' is for [torchtune-llama3.2-1b, torchtune-llama3.2-3b, torchtune-qwen2.5-1.5b have it; or leave 'dataset'"
        " out]",
        {**LLAMA, "initializer": {"dataset": "hf://a/b"}},
    ),
    "an override of no job": (
        OURS,
        {"runtime": "ours", "podTemplateOverrides": [{"targetJobs": ["nod"]}]},
        "error KF396 trainingJobs.a.podTemplateOverrides[0].targetJobs[0]: the runtime has no replicated job 'nod' [did you"
        " mean 'node'?]",
        {"runtime": "ours", "podTemplateOverrides": [{"targetJobs": ["node"]}]},
    ),
    "an override of no container": (
        OURS,
        {"runtime": "ours", "podTemplateOverrides": [{"targetJobs": ["node"], "spec": {"containers": {"lg": {}}}}]},
        "error KF396 trainingJobs.a.podTemplateOverrides[0].spec.containers.lg: the runtime's job 'node' has no container"
        " 'lg' [did you mean 'log'?]",
        {"runtime": "ours", "podTemplateOverrides": [{"targetJobs": ["node"], "spec": {"containers": {"log": {}}}}]},
    ),
    "an override of the trainer's environment": (
        {},
        {"podTemplateOverrides": [{"targetJobs": ["node"], "spec": {"containers": {"node": {"env": {"A": "b"}}}}}]},
        "error KF397 trainingJobs.a.podTemplateOverrides[0].spec.containers.node.env: the environment of 'node' is not changed"
        " here [write it under 'trainer.env']",
        {"trainer": {"env": {"A": "b"}}},
    ),
    "a reserved variable, with processes": (
        {},
        {"trainer": {"numProcPerNode": 2, "env": {"PET_NNODES": "2"}}},
        "error KF397 trainingJobs.a.trainer.env.PET_NNODES: 'PET_NNODES' is for the runtime to set [write 'trainer.numNodes'"
        " instead]",
        {"trainer": {"numProcPerNode": 2, "numNodes": 2}},
    ),
    "a reserved variable, without": (
        {},
        {"trainer": {"env": {"PET_MASTER_PORT": "2"}}},
        "warning KF397 trainingJobs.a.trainer.env.PET_MASTER_PORT: 'PET_MASTER_PORT' is for the runtime to set [remove it]",
        {"trainer": {"env": {"MASTER_PORT": "2"}}},
    ),
    "processes that torchrun does not know": (
        {},
        {"trainer": {"numProcPerNode": "gpus"}},
        "error KF392 trainingJobs.a.trainer.numProcPerNode: a runtime for torch runs no 'gpus' processes on a node [did you"
        " mean 'gpu'?]",
        {"trainer": {"numProcPerNode": "gpu"}},
    ),
    "processes that MPI does not know": (
        {},
        {"runtime": "mlx-distributed", "trainer": {"numProcPerNode": "auto"}},
        "error KF392 trainingJobs.a.trainer.numProcPerNode: a runtime for mpi runs no 'auto' processes on a node [a number]",
        {"runtime": "mlx-distributed", "trainer": {"numProcPerNode": 2}},
    ),
    "MPI without nodes": (
        {"trainingRuntimes": MPI},
        {"runtime": "ours", "trainer": {"numNodes": 2}},
        "error KF396 trainingJobs.a.trainer.numNodes: 2 nodes need a replicated job 'node', which the runtime does not have"
        " [numNodes: 1, or add 'node']",
        {"runtime": "ours", "trainer": {"numNodes": 1}},
    ),
    "nodes that are not told of each other": (
        {"trainingRuntimes": {"ours": {**RUNTIME, "mlPolicy": {"numNodes": 4, "torch": {}}}}},
        {"runtime": "ours"},
        "error KF396 trainingJobs.a: the runtime has 4 nodes, and tells them of each other only where a job has a 'trainer'"
        " [add 'trainer: {numNodes: 4}']",
        {"runtime": "ours", "trainer": {"numNodes": 4}},
    ),
    "nodes of Flux without a trainer": (
        {"components": NEWER, "trainingRuntimes": {"ours": {**RUNTIME, "mlPolicy": {"numNodes": 2, "flux": {}}}}},
        {"runtime": "ours"},
        "error KF396 trainingJobs.a: Trainer 2.2 fails at a job of Flux that does not say its number of nodes [add 'trainer:"
        " {numNodes: 2}']",
        {"runtime": "ours", "trainer": {"numNodes": 2}},
    ),
    "a trainer of Flux without its nodes": (
        {"components": NEWER, "trainingRuntimes": {"ours": {**RUNTIME, "mlPolicy": {"flux": {}}}}},
        {"runtime": "ours", "trainer": {"image": "a"}},
        "error KF396 trainingJobs.a.trainer: Trainer 2.2 fails at a job of Flux that does not say its number of nodes [add"
        " 'numNodes: 1']",
        {"runtime": "ours", "trainer": {"image": "a", "numNodes": 1}},
    ),
    "no processes": (
        {},
        {"runtime": "mlx-distributed", "trainer": {"numProcPerNode": 0}},
        "error KF392 trainingJobs.a.trainer.numProcPerNode: 'numProcPerNode' is 0, and a node without processes trains nothing"
        " [begin at 1, or leave it out]",
        {"runtime": "mlx-distributed", "trainer": {"numProcPerNode": 1}},
    ),
    "LoRA on several nodes": (
        {"trainingRuntimes": {"torchtune-llama3.3-70b": RUNTIME}},
        {
            "runtime": "torchtune-llama3.3-70b",
            "trainer": {**TUNE, "numNodes": 2, "args": ["model.lora_attn_modules=[q_proj]"]},
        },
        "warning KF398 trainingJobs.a.trainer.args: llama3_3/70B is tuned whole on several nodes: what 'args' say of LoRA is"
        " passed over [numNodes: 1, or remove 'model.lora_attn_modules' from 'args']",
        {"runtime": "torchtune-llama3.3-70b", "trainer": {**TUNE, "args": ["model.lora_attn_modules=[q_proj]"]}},
    ),
    "no nodes": (
        {},
        {"trainer": {"numNodes": 0}},
        "error KF390 trainingJobs.a.trainer.numNodes: 'numNodes' is 0, and a job without nodes trains nothing [begin at 1, or"
        " leave it out]",
        {"trainer": {"numNodes": 1}},
    ),
    "more than allowed": (
        {},
        {"trainer": {"resourcesPerNode": {"limits": {"cpu": 1}, "requests": {"cpu": 2}}}},
        "error KF386 trainingJobs.a.trainer.resourcesPerNode.requests.cpu: the request of 2 cpu is above the limit of 1 [write"
        " 1 for both]",
        {"trainer": {"resourcesPerNode": {"limits": {"cpu": 2}, "requests": {"cpu": 2}}}},
    ),
    "torchtune of no model": (
        {},
        {"trainer": TUNE},
        "error KF398 trainingJobs.a.runtime: the runtime's name, 'torch-distributed', names no model that Trainer tunes [one of:"
        " torchtune-llama3.2-1b, torchtune-llama3.2-3b, torchtune-llama3.3-70b, torchtune-qwen2.5-1.5b]",
        {**LLAMA, "trainer": TUNE},
    ),
    "torchtune on nodes": (
        {},
        {**LLAMA, "trainer": {**TUNE, "numNodes": 2}},
        "error KF398 trainingJobs.a.trainer.numNodes: llama3_2/1B is tuned on one node, not 2 [numNodes: 1]",
        {**LLAMA, "trainer": TUNE},
    ),
    "torchtune without a number of nodes": (
        {},
        {**LLAMA, "trainer": {"command": ["tune", "run"], "numProcPerNode": 1}},
        "error KF398 trainingJobs.a.trainer: the webhook of Trainer 2.1 fails where torchtune is not told its number of nodes"
        " [add 'numNodes: 1']",
        {**LLAMA, "trainer": TUNE},
    ),
    "QLoRA on two GPUs": (
        {},
        {**LLAMA, "trainer": {**TUNE, "numProcPerNode": 2, "args": ["model.quantize_base=True"]}},
        "error KF398 trainingJobs.a.trainer.numProcPerNode: llama3_2/1B is tuned with QLoRA in one process on one GPU"
        " [numProcPerNode: 1]",
        {**LLAMA, "trainer": {**TUNE, "args": ["model.quantize_base=True"]}},
    ),
    "QLoRA of qwen": (
        {},
        {"runtime": "torchtune-qwen2.5-1.5b", "trainer": {**TUNE, "args": ["model.quantize_base=True"]}},
        "error KF398 trainingJobs.a.trainer.args: qwen2_5/1.5B is not tuned with QLoRA [remove 'model.quantize_base' from"
        " 'args']",
        {
            "runtime": "torchtune-qwen2.5-1.5b",
            "trainer": {**TUNE, "args": ["model.use_dora=True", "model.quantize_base=x"]},
        },
    ),
    "a queue and suspend": (
        {},
        {"queue": "team-a", "suspend": True},
        "error KF394 trainingJobs.a.suspend: Kueue stops and starts a job of a queue by 'suspend'; whoever applies this one"
        " undoes it [remove it: Kueue stops the job when it is made]",
        {"queue": "team-a"},
    ),
    "MultiKueue without a queue": (
        {},
        {"managedBy": "kueue.x-k8s.io/multikueue"},
        "warning KF394 trainingJobs.a.managedBy: the job is left to MultiKueue, and names no queue [the label"
        " kueue.x-k8s.io/queue-name, or 'queue:']",
        {"managedBy": "kueue.x-k8s.io/multikueue", "queue": "team-a"},
    ),
    "a queue twice": (
        {},
        {"queue": "a", "labels": {"kueue.x-k8s.io/queue-name": "a"}},
        "error KF340 trainingJobs.a.queue: 'queue' and the label 'kueue.x-k8s.io/queue-name' say the same thing [keep 'queue']",
        {"labels": {"kueue.x-k8s.io/queue-name": "a"}},
    ),
    "a manager that nobody can be": (
        {"components": NEWER},
        {"runtimePatches": [{"manager": "me"}]},
        "error KF750 trainingJobs.a.runtimePatches[0].manager: 'me' is no domain with a path [a domain and a path, as"
        " example.com/me]",
        {"runtimePatches": [{"manager": "example.com/me"}]},
    ),
    "a patch of no job": (
        {"components": NEWER},
        {
            "runtimePatches": [
                {
                    "manager": "example.com/me",
                    "trainingRuntimeSpec": {"template": {"spec": {"replicatedJobs": {"worker": {}}}}},
                }
            ]
        },
        "error KF396 trainingJobs.a.runtimePatches[0].trainingRuntimeSpec.template.spec.replicatedJobs.worker: the runtime has no"
        " replicated job 'worker' [one of: node]",
        {
            "runtimePatches": [
                {
                    "manager": "example.com/me",
                    "trainingRuntimeSpec": {"template": {"spec": {"replicatedJobs": {"node": {}}}}},
                }
            ]
        },
    ),
    "a reserved variable of xgboost": (
        {"components": NEWER},
        {"runtime": "xgboost-distributed", "trainer": {"env": {"DMLC_TASK_ID": "1"}}},
        "error KF397 trainingJobs.a.trainer.env.DMLC_TASK_ID: 'DMLC_TASK_ID' is for the runtime to set [remove it]",
        {"runtime": "xgboost-distributed", "trainer": {"env": {"TASK_ID": "1"}}},
    ),
    "two forms of the runtime": (
        {},
        {"runtime": "torch-distributed", "runtimeRef": {"name": "torch-distributed"}},
        "error KF340 trainingJobs.a.runtime: 'runtime' and 'runtimeRef' say the same thing [keep one of them]",
        {"runtimeRef": {"name": "torch-distributed"}},
    ),
    "a secret that is not there": (
        {},
        {**LLAMA, "initializer": {"model": {"storageUri": "hf://a", "secretRef": "hbu"}}},
        "note KF204 trainingJobs.a.initializer.model.secretRef: 'trainingJobs.a' refers to secret 'hbu', which is not declared"
        " [did you mean 'hub'?]",
        {**LLAMA, "initializer": {"model": {"storageUri": "hf://a", "secretRef": "hub"}}},
    ),
    "a volume that is not there": (
        {},
        {"volumeMounts": {"dta": "/data"}},
        "error KF203 trainingJobs.a.volumeMounts.dta: 'trainingJobs.a' refers to volume 'dta', which is not declared [did you"
        " mean 'data'?]",
        {"volumeMounts": {"data": "/data"}},
    ),
}
"""What -> blocks beside it, a job that has the mistake, all that is said, the job mended."""


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_one_finding(case: str, tmp_path: Path) -> None:
    beside, wrong, words, right = CASES[case]
    assert said(built(tmp_path, trainingJobs=jobs(a=wrong), **beside)) == [words]
    assert said(built(tmp_path, trainingJobs=jobs(a=right), **beside)) == []


def test_nodes_of_jax_know_each_other_without_a_trainer(tmp_path: Path) -> None:
    ours = {"ours": {**RUNTIME, "mlPolicy": {"numNodes": 4, "jax": {}}}}
    result = built(tmp_path, components=NEWER, trainingRuntimes=ours, trainingJobs=jobs(a={"runtime": "ours"}))
    assert said(result) == []


def test_a_runtime_of_the_cluster_finds_its_volumes_in_every_namespace(tmp_path: Path) -> None:
    words = (
        "error KF203 trainingJobs.a.runtime: 'trainingJobs.a' names the runtime '{}', which mounts volume '{}', not declared"
        " here [declare it under 'volumes' in the job's profile, or 'externals: {{volumes: [{}]}}']"
    )
    llama, none = "torchtune-llama3.2-1b", {"externals": {"profiles": ["t", "u"]}}
    claim = {"size": "1Gi"}
    assert said(built(tmp_path, trainingJobs=jobs(a=LLAMA), **none)) == [words.format(llama, llama, llama)]
    assert said(built(tmp_path, trainingJobs=jobs(a=LLAMA), volumes={llama: claim}, **none)) == []
    assert said(built(tmp_path, trainingJobs=jobs(a={**LLAMA, "profile": "u"}), volumes={llama: claim}, **none)) == [
        words.format(llama, llama, llama)
    ]
    assert said(built(tmp_path, trainingJobs=jobs(a=LLAMA), components=NEWER, **none)) == []  # JobSet makes it
    mounting = copy.deepcopy({**RUNTIME, "clusterScoped": True})
    pod = mounting["template"]["spec"]["replicatedJobs"]["node"]["template"]["spec"]["template"]["spec"]
    pod["volumes"] = {"scratch": {"persistentVolumeClaim": {"claimName": "scratch"}}}
    ours = {"trainingRuntimes": {"ours": mounting}, "trainingJobs": jobs(a={"runtime": "ours"})}
    assert said(built(tmp_path, **ours)) == [words.format("ours", "scratch", "scratch")]
    assert said(built(tmp_path, volumes={"scratch": claim}, **ours)) == []


def test_code_is_named_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("print(1)\n")
    wrong = {"code": "code.py", "trainer": {"command": ["python", "code.py"]}}
    assert said(built(tmp_path, trainingJobs=jobs(a=wrong))) == [
        "warning KF751 trainingJobs.a.code: the code is mounted at '/opt/code', and nothing under 'trainer' names that place"
        " [a command such as [python, /opt/code/...]; the working directory stays the image's]"
    ]
    right = {"code": {"path": "code.py", "mountPath": "/w"}, "trainer": {"args": ["/w/code.py"]}}
    assert said(built(tmp_path, trainingJobs=jobs(a=right))) == []


def test_code_needs_a_container_to_be_in(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("print(1)\n")
    runtime = {"template": {"spec": {"replicatedJobs": {"main": {"template": {"spec": {"template": {"spec": {
        "containers": {"main": {"image": "a"}}}}}}}}}}}  # fmt: skip
    job = {"runtime": "ours", "code": "code.py"}
    assert said(built(tmp_path, trainingRuntimes={"ours": runtime}, trainingJobs=jobs(a=job))) == [
        "error KF396 trainingJobs.a.code: the runtime has no container 'node' that 'code' could be about [name its training"
        " container 'node']",
        "warning KF399 trainingRuntimes.ours.template.spec.replicatedJobs: no replicated job is the step 'trainer': what jobs"
        " say under 'trainer' goes nowhere [the label 'trainer.kubeflow.org/trainjob-ancestor-step: trainer' in its"
        " 'template.metadata.labels']",
    ]


# -- runtimes ---------------------------------------------------------------------------------------------------


def runtime(step: str = "trainer", **job: Any) -> dict[str, Any]:
    """A runtime object of one step."""
    container = job.pop("container", "node")
    pods = {"spec": {"template": {"spec": {"containers": [{"name": container, "image": "a"}], **job.pop("pod", {})}}}}
    template = {"metadata": {"labels": {"trainer.kubeflow.org/trainjob-ancestor-step": step}}, **pods}
    top = job.pop("top", {})
    return {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "ClusterTrainingRuntime",
        "metadata": {"name": "ours"},
        "spec": {
            "template": {"spec": {"replicatedJobs": [{"name": "node", "template": template, **job}], **top}},
            "mlPolicy": {"numNodes": 1},
        },
    }


def judged(body: dict[str, Any], known: Release, *, admission_only: bool = False) -> list[str]:
    """What is said of an object."""
    found = verify([Resource(ref_of(body), body, {})], known, admission_only=admission_only)
    return [f"{d.code} {format_path(d.path)}: {d.message}" for d in found]


@pytest.fixture(scope="module")
def v2_1() -> Release:
    known, _ = release("1.11")
    assert known is not None
    return known


@pytest.fixture(scope="module")
def v2_2() -> Release:
    known, _ = release("26.03", {"trainer": "2.2.0", "jobset": "0.11.0"})
    assert known is not None
    return known


JOB = "spec.template.spec.replicatedJobs[0]"


def test_a_step_runs_once_in_its_container(v2_1: Release, v2_2: Release) -> None:
    for known in (v2_1, v2_2):
        assert judged(runtime(), known) == []
        for only in (True, False):
            assert judged(runtime(replicas=2), known, admission_only=only) == [
                f"KF399 {JOB}.replicas: the step 'trainer' has 2 replicas, and always runs once"
            ]
            assert judged(runtime(container="main"), known, admission_only=only) == [
                f"KF399 {JOB}.template.spec.template.spec.containers[0].name: the step 'trainer' has no container 'node', by"
                " which Trainer finds it"
            ]
        wrong = runtime("model-initializer")
        assert judged(wrong, known, admission_only=True) == [
            f"KF399 {JOB}.template.spec.template.spec.containers[0].name: the step 'model-initializer' has no container"
            " 'model-initializer', by which Trainer finds it"
        ]
        assert judged(runtime("step", replicas=2), known, admission_only=True) == []


def test_a_deleted_run_is_started_again_by_2_1(v2_1: Release, v2_2: Release) -> None:
    body = runtime(top={"ttlSecondsAfterFinished": 60})
    assert judged(body, v2_1) == [
        "KF389 spec.template.spec.ttlSecondsAfterFinished: JobSet deletes a finished run after that time, and Trainer 2.1"
        " starts it again, for ever"
    ]
    assert judged(body, v2_1, admission_only=True) == []
    assert judged(body, v2_2) == []


def test_the_installer_of_flux_is_reserved(v2_2: Release) -> None:
    body = runtime(pod={"initContainers": [{"name": "flux-installer", "image": "a"}]})
    body["spec"]["mlPolicy"] = {"flux": {}}
    assert judged(body, v2_2) == [
        f"KF399 {JOB}.template.spec.template.spec.initContainers[0].name: the init container 'flux-installer' is Trainer's own:"
        " every job of the runtime is refused"
    ]


def test_manifests_get_the_same_rules(v2_1: Release) -> None:
    job: dict[str, Any] = {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainJob",
        "metadata": {"name": "a" * 49, "namespace": "t"},
        "spec": {"runtimeRef": {"name": "ours"}, "initializer": {"model": {"storageUri": "hf://a"}}},
    }
    assert judged(job, v2_1) == [
        "KF381 metadata.name: the name has 49 characters; '-node-0-0-xxxxx' leaves a TrainJob 48"
    ]
    assert judged(job, v2_1, admission_only=True) == []  # nobody knows that runtime
    bodies = [job, runtime()]
    found = verify([Resource(ref_of(body), body, {}) for body in bodies], v2_1, admission_only=True)
    assert [d.message for d in found] == ["the runtime has no replicated job 'model-initializer', which 'model' is for"]


def test_a_runtime_is_described_in_either_form() -> None:
    assert described(RUNTIME) == Runtime("torch", (Job(NODE, ("node", "log"), "trainer"),))
    assert described(runtime(resources=1)["spec"]) == Runtime("", (Job(NODE, ("node",), "trainer"),))
    assert described(MPI["ours"]).launcher_as_node
    for broken in (
        None,
        7,
        {"template": 1},
        {"mlPolicy": [], "template": {"spec": {"replicatedJobs": [1, {"name": 2}]}}},
    ):
        assert described(broken) == Runtime()


@pytest.mark.parametrize(("version", "count"), [("2.1.0", 6), ("2.2.0", 8)])
def test_the_shipped_runtimes(version: str, count: int) -> None:
    known = shipped(version)
    assert len(known) == count
    assert shipped(None) == {}
    assert {name for name, each in known.items() if each.leader == LAUNCHER} == {
        "deepspeed-distributed",
        "mlx-distributed",
    }


@pytest.mark.corpus
def test_the_samples_of_shipped_runtimes_are_what_the_table_says(shared: Path) -> None:
    seen = set()
    for path in sorted((shared / "samples").glob("clustertrainingruntime-*.yaml")):
        sample = yaml.safe_load(path.read_text())
        name = sample["metadata"]["name"]
        if name in shipped("2.2.0"):
            seen.add(name)
            assert described(sample["spec"]) == shipped("2.2.0")[name]
    assert len(seen) == 5


# -- the pods of a job ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", SHIPPED)
def test_the_spec_of_a_shipped_runtime_says_what_the_table_says(version: str) -> None:
    for name, runtime in SHIPPED[version].items():
        assert described(shipped_spec(name, version)) == runtime
    assert shipped_spec("torch-distributd", version) is None
    assert shipped_spec("torch-distributed", None) is None


def pods_of_job(runtime: str, version: str, **spec: Any) -> dict[str, Template]:
    """The pods of a job of a shipped runtime."""
    body = {"metadata": {"name": "a"}, "spec": spec}
    return {each.job: each for each in templates(body, shipped_spec(runtime, version))}


def test_a_job_that_tunes_loads_first() -> None:
    given = {"dataset": {"storageUri": "hf://a/b", "env": [{"name": "A", "value": "b"}]}}
    pods = pods_of_job(
        "torchtune-llama3.2-1b", "2.1.0", initializer=given, trainer={"resourcesPerNode": {"limits": {"cpu": 1}}}
    )
    assert [(name, each.first, each.pods) for name, each in pods.items()] == [
        ("dataset-initializer", True, 1),
        ("model-initializer", True, 1),
        ("node", False, 1),
    ]
    assert pods["dataset-initializer"].spec["containers"][0]["env"] == [
        {"name": "STORAGE_URI", "value": "hf://a/b"},
        {"name": "A", "value": "b"},
    ]
    assert pods["model-initializer"].spec["containers"][0]["env"] == [{"name": "STORAGE_URI", "value": "hf://..."}]
    assert pods["node"].spec["containers"][0]["resources"] == {"limits": {"cpu": 1}}
    assert pods["node"].spec["volumes"] == [
        {"name": "initializer", "persistentVolumeClaim": {"claimName": "torchtune-llama3.2-1b"}}
    ]


def test_a_claim_is_made_for_each_job_of_2_2() -> None:
    pods = pods_of_job("torchtune-llama3.2-1b", "2.2.0")
    made = [{"name": "initializer", "persistentVolumeClaim": {"claimName": "initializer-a"}}]
    assert [each.spec["volumes"] for each in pods.values()] == [made, made, made]


@pytest.mark.parametrize(
    ("runtime", "nodes", "pods"),
    [
        ("torch-distributed", None, {"node": 1}),
        ("torch-distributed", 4, {"node": 4}),
        ("deepspeed-distributed", None, {"launcher": 1, "node": 1}),
        ("deepspeed-distributed", 4, {"launcher": 1, "node": 3}),
    ],
)
def test_nodes_are_pods(runtime: str, nodes: int | None, pods: dict[str, int]) -> None:
    trainer = {"numNodes": nodes} if nodes else {}
    assert {name: each.pods for name, each in pods_of_job(runtime, "2.1.0", trainer=trainer).items()} == pods


def test_either_version_changes_the_pods_of_the_jobs_that_are_named() -> None:
    change = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "node", "volumeMounts": []}]}}
    older = {
        "podTemplateOverrides": [{**change, "targetJobs": [{"name": "node"}, {"name": "none"}]}, {"targetJobs": [7]}]
    }
    inside = {"replicatedJobs": [{"name": "node", "template": {"spec": {"template": change}}}]}
    newer = {"runtimePatches": [{"manager": "a.b/c", "trainingRuntimeSpec": {"template": {"spec": inside}}}]}
    for spec in (older, newer):
        pods = pods_of_job("deepspeed-distributed", "2.2.0", **spec)
        assert (pods["node"].labels["a"], pods["launcher"].labels.get("a")) == ("b", None)
        assert pods["node"].labels["jobset.sigs.k8s.io/jobset-name"] == "a"


def test_changes_are_merged_as_the_server_does() -> None:
    base = {
        "containers": [{"name": "a", "image": "1", "args": ["x"]}],
        "tolerations": [{"key": "a"}],
        "nodeSelector": {"a": "b"},
    }
    change = {
        "containers": [{"name": "a", "args": ["y"]}, {"name": "b"}],
        "tolerations": [{"key": "b"}],
        "nodeSelector": {"c": "d"},
    }
    assert merged(base, change) == {
        "containers": [{"name": "a", "image": "1", "args": ["y"]}, {"name": "b"}],
        "tolerations": [{"key": "b"}],
        "nodeSelector": {"a": "b", "c": "d"},
    }


@pytest.mark.parametrize(
    "broken", [None, 7, {"template": []}, {"template": {"spec": {"replicatedJobs": [1, {"name": 2}]}}}]
)
def test_a_runtime_in_pieces_has_no_pods_to_speak_of(broken: Any) -> None:
    assert all(not each.spec["containers"] for each in templates({"metadata": {}, "spec": {"trainer": 7}}, broken))


# -- trials -----------------------------------------------------------------------------------------------------

SEARCH: dict[str, Any] = {
    "objective": {"type": "maximize", "objectiveMetricName": "auc"},
    "algorithm": "random",
    "maxTrialCount": 3,
    "parameters": {"lr": {"min": 0.1, "max": 0.2}},
}
ARGS = {"args": ["--lr=${trialParameters.lr}"]}


def trial(
    folder: Path, job: dict[str, Any], changes: dict[str, Any], **blocks: Any
) -> tuple[list[str], dict[str, Any]]:
    """What is said of an experiment that borrows a job, and its template."""
    search = {**SEARCH, "trial": {"trainingJob": "a", **changes}}
    block = jobs(a={"run": False, "trainer": ARGS, **job})
    result = built(folder, trainingJobs=block, experiments={"tune": search}, **blocks)
    return said(result), body(result, "Experiment")["spec"]["trialTemplate"]


def test_katib_knows_the_pod_of_a_train_job(tmp_path: Path) -> None:
    words, template = trial(tmp_path, {}, {"trainer": {"numNodes": 2}})
    assert words == []
    assert template == {
        "trialSpec": {
            "apiVersion": "trainer.kubeflow.org/v1alpha1",
            "kind": "TrainJob",
            "spec": {"runtimeRef": {"name": "torch-distributed"}, "trainer": {**ARGS, "numNodes": 2}},
        },
        "trialParameters": [{"name": "lr", "reference": "lr"}],
        "primaryContainerName": "node",
    }


def test_and_is_told_of_a_launcher(tmp_path: Path) -> None:
    words, template = trial(tmp_path, {"runtime": "mlx-distributed"}, {})
    assert words == []
    assert template["primaryPodLabels"] == {
        "jobset.sigs.k8s.io/replicatedjob-name": "launcher",
        "batch.kubernetes.io/job-completion-index": "0",
    }
    assert "successCondition" not in template


def test_an_older_katib_is_told_everything(tmp_path: Path) -> None:
    words, template = trial(tmp_path, {}, {}, kubeflow="1.10", components={"trainer": "2.1.0"})
    assert [line.split(":")[0] for line in words] == ["warning KF344 experiments.tune.trial.trainingJob"]
    assert template["successCondition"] == 'status.conditions.#(type=="Complete")#|#(status=="True")#'
    assert template["failureCondition"] == 'status.conditions.#(type=="Failed")#|#(status=="True")#'
    assert template["primaryPodLabels"]["jobset.sigs.k8s.io/replicatedjob-name"] == "node"


def test_trials_wait_in_the_queue_of_their_job(tmp_path: Path) -> None:
    words, template = trial(tmp_path, {"queue": "team-a"}, {})
    assert words == []
    assert template["trialSpec"]["metadata"] == {"labels": {"kueue.x-k8s.io/queue-name": "team-a"}}
    _, template = trial(tmp_path, {"queue": "team-a"}, {"queue": "team-b"})
    assert template["trialSpec"]["metadata"] == {"labels": {"kueue.x-k8s.io/queue-name": "team-b"}}


def test_a_trial_is_judged_by_its_runtime(tmp_path: Path) -> None:
    assert trial(tmp_path, {}, {"runtime": "torch"})[0] == [
        "error KF216 experiments.tune.trial.runtime: 'experiments.tune' names the training runtime 'torch', which is not"
        " declared [declare it, or 'externals: {trainingRuntimes: [torch]}']"
    ]
    words, _ = trial(tmp_path, {"runtime": "ours"}, {"podTemplateOverrides": [{"targetJobs": ["nod"]}]}, **OURS)
    assert words == [
        "error KF396 experiments.tune.trial.podTemplateOverrides[0].targetJobs[0]: the runtime has no replicated job 'nod'"
        " [did you mean 'node'?]"
    ]


# -- queues of the other kinds ----------------------------------------------------------------------------------

OLD: dict[str, Any] = {"kind": "PyTorchJob", "image": "a"}


def test_a_queue_is_a_label_of_every_kind(tmp_path: Path) -> None:
    plain = built(tmp_path, trainingJobs={"a": OLD}, kubeflow="1.10")
    result = built(tmp_path, trainingJobs={"a": {**OLD, "queue": "team-a"}}, kubeflow="1.10")
    assert said(result) == []
    assert body(result, "PyTorchJob")["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "team-a"
    assert body(result, "PyTorchJob")["metadata"]["name"] == body(plain, "PyTorchJob")["metadata"]["name"]


@pytest.mark.parametrize("kind", ["TFJob", "XGBoostJob", "PaddleJob", "JAXJob"])
def test_kueue_looks_after_it(kind: str, tmp_path: Path) -> None:
    job = {"kind": kind, "image": "a", "workers": 1, "queue": "team-a"}
    assert said(built(tmp_path, trainingJobs={"a": job}, kubeflow="1.10")) == []
    stopped = {**job, "runPolicy": {"suspend": False}}
    assert [line.split(":")[0] for line in said(built(tmp_path, trainingJobs={"a": stopped}, kubeflow="1.10"))] == [
        "error KF394 trainingJobs.a.runPolicy.suspend"
    ]


def test_kueue_knows_another_mpi_job(tmp_path: Path) -> None:
    job = {"kind": "MPIJob", "image": "a", "workers": 1, "queue": "team-a"}
    assert said(built(tmp_path, trainingJobs={"a": job}, kubeflow="1.10")) == [
        "error KF394 trainingJobs.a.queue: Kueue looks after no MPIJob of the training operator: this one starts at once,"
        " wherever it queues [remove it]"
    ]


# -- the way back, and the server -------------------------------------------------------------------------------


def returned(bodies: list[dict[str, Any]], known: Release, folder: Path, kubeflow: str, **given: str) -> dict[str, Any]:
    """The spec that objects are imported as; compiling it gives equivalent ones."""
    manifest = folder / "objects.yaml"
    manifest.write_text("---\n".join(map(dump, bodies)))
    imported = import_manifests([str(manifest)], "imported", kubeflow, given)
    assert [d for d in imported.diagnostics if d.severity is Severity.ERROR] == []
    spec = folder / "imported.yaml"
    spec.write_text(compose(imported.spec))
    result = build(spec)
    assert [d.message for d in result.diagnostics if d.severity is Severity.ERROR] == []
    compiled = [r.body for r in result.environments["default"]]
    assert [b["metadata"]["name"] for b in bodies if not any(equivalent(b, other, known) for other in compiled)] == []
    return imported.spec


@pytest.mark.corpus
def test_the_samples_of_2_2_import_and_compile_to_equivalent_objects(
    shared: Path, v2_2: Release, tmp_path: Path
) -> None:
    paths = sorted([*(shared / "samples").glob("clustertrainingruntime-*"), *(shared / "samples").glob("trainjob-*")])
    bodies = [yaml.safe_load(path.read_text()) for path in paths]
    assert len(bodies) == 7
    spec = returned(bodies, v2_2, tmp_path, "26.03", **NEWER)
    assert "resources" not in spec
    assert spec["trainingJobs"] == {
        "lammps-flux-interactive": {
            "kind": "TrainJob",
            "runtime": "flux-runtime",
            "trainer": {
                "numNodes": 4,
                "image": "ghcr.io/converged-computing/metric-lammps:latest",
                "command": ["sleep", "infinity"],
            },
        }
    }
    assert spec["trainingRuntimes"]["xgboost-distributed"]["framework"] == "xgboost"
    for body in bodies:
        alone = returned([body], v2_2, tmp_path, "26.03", **NEWER)
        assert "resources" not in alone
    assert alone["externals"]["trainingRuntimes"] == ["flux-runtime"]


def test_the_version_is_given_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    body = {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainJob",
        "metadata": {"name": "train", "namespace": "t"},
        "spec": {"runtimeRef": {"name": "jax-distributed"}, "activeDeadlineSeconds": 60},
    }
    (tmp_path / "a.yaml").write_text(dump(body))
    arguments = ["kfspec", "import", str(tmp_path / "a.yaml"), "--project", "p", "--kubeflow", "26.03"]
    monkeypatch.setattr(sys, "argv", [*arguments, "--component", "trainer=2.2.0"])
    assert cli.run() == 0
    assert yaml.safe_load(capsys.readouterr().out) == {
        "apiVersion": "kfspec.dev/v1alpha1",
        "project": "p",
        "kubeflow": "26.03",
        "components": {"trainer": "2.2.0"},
        "externals": {"profiles": ["t"]},
        "defaults": {"profile": "t"},
        "trainingJobs": {"train": {"kind": "TrainJob", "runtime": "jax-distributed", "activeDeadlineSeconds": 60}},
    }
    monkeypatch.setattr(sys, "argv", [*arguments, "--component", "trainer"])
    assert cli.run() == 2
    assert "--component takes NAME=VERSION, as trainer=2.2.0" in capsys.readouterr().err


def test_a_job_comes_back_in_short_forms(v2_1: Release, tmp_path: Path) -> None:
    job = {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainJob",
        "metadata": {"name": "train", "namespace": "t", "labels": {"kueue.x-k8s.io/queue-name": "team-a", "a": "b"}},
        "spec": {
            "runtimeRef": {"name": "torchtune-llama3.2-1b", "kind": "ClusterTrainingRuntime"},
            "suspend": False,
            "labels": {"tier": "gold"},
            "trainer": {
                "env": [{"name": "A", "value": "b"}],
                "resourcesPerNode": {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}},
            },
            "initializer": {
                "dataset": {"storageUri": "hf://a"},
                "model": {"storageUri": "hf://b", "secretRef": {"name": "hub"}},
            },
        },
    }
    del job["spec"]["suspend"]  # type: ignore[attr-defined]
    assert returned([job], v2_1, tmp_path, "1.11")["trainingJobs"]["train"] == {
        "kind": "TrainJob",
        "runtime": "torchtune-llama3.2-1b",
        "trainer": {"env": {"A": "b"}, "resourcesPerNode": {"cpu": "1"}},
        "initializer": {"dataset": "hf://a", "model": {"storageUri": "hf://b", "secretRef": "hub"}},
        "jobSet": {"labels": {"tier": "gold"}},
        "queue": "team-a",
        "labels": {"a": "b"},
    }


@pytest.fixture(scope="module")
def plane_2_2(v2_2: Release) -> Iterator[ControlPlane]:
    """A server with Trainer 2.2."""
    with running() as plane:
        plane.install_crds(crd for crd in crds(v2_2) if crd["spec"]["group"] == "trainer.kubeflow.org")
        plane.create_namespace("team")
        yield plane


@pytest.mark.apiserver
def test_the_spec_with_every_field_is_taken_under_2_2(plane_2_2: ControlPlane, tmp_path: Path) -> None:
    spec: dict[str, Any] = yaml.safe_load((ROOT / "tests" / "specs" / "trainjobs.yaml").read_text())
    spec |= {"components": NEWER, "environments": {"default": {}}}
    del spec["experiments"]
    long = spec["trainingJobs"]["long"]
    del long["podTemplateOverrides"]
    del spec["trainingJobs"]["short"]["trainer"]["numProcPerNode"]
    spec["trainingRuntimes"]["ours"]["mlPolicy"] = {"numNodes": 1, "torch": {}}
    long["activeDeadlineSeconds"] = 60
    pod = {"serviceAccountName": "trainer", "securityContext": {"runAsUser": 1000}}
    patch = {"replicatedJobs": {"node": {"template": {"spec": {"template": {"spec": pod}}}}}}
    long["runtimePatches"] = [{"manager": "example.com/me", "trainingRuntimeSpec": {"template": {"spec": patch}}}]
    (tmp_path / "kfspec.yaml").write_text(dump(spec))
    result = build(tmp_path / "kfspec.yaml")
    assert said(result) == []
    bodies = [r.body for r in result.environments["default"]]
    assert [a.message for a in plane_2_2.apply(bodies, workers=1) if a.status not in (200, 201)] == []
    versions = [a.body["metadata"]["resourceVersion"] for a in plane_2_2.apply(bodies, workers=1)]
    assert [a.body["metadata"]["resourceVersion"] for a in plane_2_2.apply(bodies, workers=1)] == versions


@pytest.mark.apiserver
@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("runtimeRef", "name"), "other"),
        (("managedBy",), "kueue.x-k8s.io/multikueue"),
        (("trainer", "numNodes"), 2),
        (("initializer", "dataset", "storageUri"), "hf://b"),
        (("activeDeadlineSeconds",), 120),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else str(value),
)
def test_the_server_refuses_what_the_effects_call_refused(
    path: tuple[str, ...], value: Any, plane_2_2: ControlPlane, v2_2: Release
) -> None:
    live: dict[str, Any] = {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainJob",
        "metadata": {"name": "-".join(path).lower(), "namespace": "team"},
        "spec": {
            "runtimeRef": {"name": "ours"},
            "managedBy": "trainer.kubeflow.org/trainjob-controller",
            "trainer": {"numNodes": 1},
            "initializer": {"dataset": {"storageUri": "hf://a"}},
            "activeDeadlineSeconds": 60,
        },
    }
    after = copy.deepcopy(live)
    inner = after["spec"]
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    assert plane_2_2.apply([live])[0].status == 201
    answer = plane_2_2.apply([after], dry_run=True)[0]
    assert (answer.status, "immutable" in answer.message) == (422, True)
    said = effects(gvk_of(live), [((), live, after)], Moment(live, after, frozenset()), v2_2)
    assert [each.outcome for each in said] == [Outcome.REFUSED]


def test_a_runtime_stands_in_the_stage_before_its_jobs(tmp_path: Path) -> None:
    from kfspec.ordering import stages

    result = built(tmp_path, trainingJobs=jobs(a={"runtime": "ours"}), **OURS)
    assert {ref.kind: stage for ref, stage in stages(result.environments["default"]).items()} == {
        "TrainingRuntime": "stage-1",
        "TrainJob": "stage-2",
    }


def test_a_release_without_trainer_says_so_once(tmp_path: Path) -> None:
    job = {"runtime": "torch", "activeDeadlineSeconds": 5}
    assert said(built(tmp_path, trainingJobs=jobs(a=job), kubeflow="1.10")) == [
        "error KF135 trainingJobs.a.kind: Kubeflow 1.10.2 does not serve TrainJob (trainer.kubeflow.org/v1alpha1) [releases that"
        " do: 1.11, 26.03]"
    ]
