"""How far objects are: statuses as the controllers write them, and exactly what kfspec says of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kfspec import kinds
from kfspec.kinds.base import Look, Readiness, State
from kfspec.kinds.readiness import finished, readiness
from kfspec.resource import GVK

Case = tuple[str, dict[str, Any], Readiness]
NAME = "thing"


def nothing(gvk: GVK, namespace: str, name: str) -> None:
    return None


def looking(*bodies: dict[str, Any]) -> Look:
    """Finds these objects."""
    held = {(b["kind"], b["metadata"].get("namespace", ""), b["metadata"]["name"]): b for b in bodies}

    def look(gvk: GVK, namespace: str, name: str) -> dict[str, Any] | None:
        return held.get((gvk.kind, namespace, name))

    return look


def body(kind: str, spec: Any = None, status: Any = None, *, version: str = "", **meta: Any) -> dict[str, Any]:
    api_version = version or next(f"{group}/v1".lstrip("/") for group, k in kinds.LIVE if k == kind)
    made: dict[str, Any] = {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": NAME, "namespace": "team", **meta},
    }
    if spec is not None:
        made["spec"] = spec
    if status is not None:
        made["status"] = status
    return made


def conditions(*entries: tuple[str, str, str]) -> list[dict[str, Any]]:
    return [{"type": name, "status": status, "message": message} for name, status, message in entries]


READY = Readiness(State.READY)


def waiting(message: str = "") -> Readiness:
    return Readiness(State.WAITING, message)


def failed(message: str) -> Readiness:
    return Readiness(State.FAILED, message)


# -- Notebooks --------------------------------------------------------------------------------------------------

STOPPED = {"kubeflow-resource-stopped": "2026-01-01T00:00:00Z"}
UNSCHEDULED = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."

NOTEBOOKS = [
    (body("Notebook"), waiting("no pod of it is there yet")),
    (
        body("Notebook", {}, {"readyReplicas": 0, "conditions": [], "containerState": {}}),
        waiting("no pod of it is there yet"),
    ),
    (
        body(
            "Notebook", {}, {"readyReplicas": 1, "containerState": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}
        ),
        READY,
    ),
    (body("Notebook", {}, {"readyReplicas": 0}, annotations=STOPPED), Readiness(State.SUSPENDED, "stopped")),
    (body("Notebook", {}, {"readyReplicas": 1}, annotations=STOPPED), Readiness(State.SUSPENDED, "is being stopped")),
    (
        body("Notebook", {}, {"readyReplicas": 0, "conditions": conditions(("PodScheduled", "False", UNSCHEDULED))}),
        waiting(f"no node takes it: {UNSCHEDULED}"),
    ),
    (
        body("Notebook", {}, {"containerState": {"waiting": {"reason": "PodInitializing"}}}),
        waiting("PodInitializing"),
    ),
    (
        body(
            "Notebook",
            {},
            {"containerState": {"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "x"'}}},
        ),
        failed('ImagePullBackOff: Back-off pulling image "x"'),
    ),
    (
        body("Notebook", {}, {"containerState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}),
        failed("its container ended with exit code 137: OOMKilled"),
    ),
    (
        body(
            "Notebook",
            {},
            {
                "conditions": conditions(
                    ("PodScheduled", "True", ""), ("ContainersReady", "False", "containers with unready status: [a]")
                )
            },
        ),
        waiting("containers with unready status: [a]"),
    ),
    (
        body("Notebook", {}, {"conditions": conditions(("Initialized", "True", ""))}),
        waiting("its pod is being started"),
    ),
]

# -- KServe -----------------------------------------------------------------------------------------------------


def served(*entries: tuple[str, str, str], **status: Any) -> dict[str, Any]:
    return body("InferenceService", {}, {"conditions": conditions(*entries), **status}, generation=7)


REVISIONS = {
    "predictor": {"latestCreatedRevision": "scorer-predictor-00002", "latestReadyRevision": "scorer-predictor-00001"}
}
KSERVE = [
    (body("InferenceService"), waiting("its controller has not reported yet")),
    (body("InferenceService", {}, {"components": {}}), waiting("its controller has not reported yet")),
    (served(("Ready", "True", ""), observedGeneration=2), READY),
    (
        served(
            ("IngressReady", "False", "Predictor ingress not created"),
            ("PredictorReady", "False", "RevisionMissing: Configuration is waiting for a Revision to become ready."),
            ("Ready", "False", "Predictor ingress not created"),
        ),
        waiting(
            "PredictorReady: RevisionMissing: Configuration is waiting for a Revision to become ready.; "
            "IngressReady: Predictor ingress not created"
        ),
    ),
    (served(("PredictorReady", "Unknown", ""), ("Ready", "Unknown", "")), waiting("PredictorReady: not yet")),
    (
        served(("Ready", "True", ""), components=REVISIONS),
        waiting("waits for revision scorer-predictor-00002 of the predictor"),
    ),
    (served(("Ready", "True", ""), components=REVISIONS, deploymentMode="RawDeployment"), READY),
    (
        served(
            ("Ready", "False", ""),
            modelStatus={
                "transitionStatus": "InvalidSpec",
                "lastFailureInfo": {
                    "reason": "NoSupportingRuntime",
                    "message": "No runtime found to support specified predictor with model type sklaern",
                },
            },
        ),
        failed("No runtime found to support specified predictor with model type sklaern"),
    ),
    (
        served(
            ("Ready", "False", ""),
            modelStatus={
                "transitionStatus": "BlockedByFailedLoad",
                "lastFailureInfo": {"reason": "ModelLoadFailed", "message": "Error:\n  no such file", "exitCode": 1},
            },
        ),
        failed("Error: no such file"),
    ),
    (
        served(("Ready", "False", ""), modelStatus={"transitionStatus": "BlockedByFailedLoad"}),
        failed("the model cannot be loaded"),
    ),
    (
        body(
            "InferenceService",
            {},
            {"conditions": conditions(("Stopped", "True", ""), ("Ready", "False", "Stopped"))},
            annotations={"serving.kserve.io/stop": "true"},
        ),
        Readiness(State.SUSPENDED, "stopped"),
    ),
    (
        body(
            "InferenceGraph",
            {},
            {"conditions": conditions(("Ready", "True", "")), "observedGeneration": 1},
            generation=4,
        ),
        READY,
    ),
    (
        body("InferenceGraph", {}, {"conditions": conditions(("Ready", "False", "Failed to reconcile"))}),
        waiting("Failed to reconcile"),
    ),
    (body("LocalModelCache", {}, {}), waiting("its controller has not found a node for it yet")),
    (body("LocalModelCache", {}, {"copies": {"total": 2, "available": 1}}), waiting("1 of 2 nodes have the model")),
    (
        body("LocalModelCache", {}, {"copies": {"total": 2, "available": 1, "failed": 1}}),
        failed("1 of 2 nodes could not download the model"),
    ),
    (body("LocalModelCache", {}, {"copies": {"total": 2, "available": 2}}), READY),
    (body("LLMInferenceService", {}, {"conditions": conditions(("Ready", "True", ""))}), READY),
    (
        body("LLMInferenceService", {}, {"conditions": conditions(("Ready", "False", "no gateway"))}),
        waiting("no gateway"),
    ),
    (
        body("TrainedModel", {}, {"conditions": conditions(("Ready", "False", "Inference Service not ready"))}),
        waiting("Inference Service not ready"),
    ),
    (body("TrainedModel", {}, {"conditions": conditions(("Ready", "True", ""))}), READY),
    (body("ServingRuntime", {}), READY),
    (body("ClusterServingRuntime", {}), READY),
]

# -- Runs -------------------------------------------------------------------------------------------------------

REPLICAS = {"pytorchReplicaSpecs": {"Master": {"replicas": 1}, "Worker": {"replicas": 3}}}
CREATED = ("Created", "True", "PyTorchJob thing is created.")
RUNNING = ("Running", "True", "PyTorchJob team/thing is running.")


def torch(*entries: tuple[str, str, str], **counts: dict[str, int]) -> dict[str, Any]:
    return body("PyTorchJob", REPLICAS, {"conditions": conditions(*entries), "replicaStatuses": counts})


RUNS = [
    (body("PyTorchJob", REPLICAS), waiting("the operator has not taken it up yet")),
    (torch(CREATED, Master={}, Worker={}), waiting("waits for 1 of 1 Master, 3 of 3 Worker")),
    (torch(CREATED, Master={"active": 1}, Worker={"active": 1}), waiting("waits for 2 of 3 Worker")),
    (torch(CREATED, Master={"active": 1}, Worker={"active": 3}), waiting("PyTorchJob thing is created.")),
    (
        torch(CREATED, RUNNING, Master={"active": 1}, Worker={"active": 1, "succeeded": 1}),
        Readiness(State.RUNNING, "1 of 1 Master, 2 of 3 Worker running"),
    ),
    (
        torch(
            CREATED,
            ("Running", "False", ""),
            ("Restarting", "True", "PyTorchJob team/thing is restarting because 1 Worker replica(s) failed."),
        ),
        Readiness(State.RUNNING, "PyTorchJob team/thing is restarting because 1 Worker replica(s) failed."),
    ),
    (
        torch(CREATED, ("Suspended", "True", "PyTorchJob thing is suspended.")),
        Readiness(State.SUSPENDED, "PyTorchJob thing is suspended."),
    ),
    (
        torch(
            CREATED, ("Running", "False", ""), ("Succeeded", "True", "PyTorchJob team/thing successfully completed.")
        ),
        Readiness(State.SUCCEEDED, "PyTorchJob team/thing successfully completed."),
    ),
    (
        torch(
            CREATED,
            ("Failed", "True", "PyTorchJob thing has failed because it has reached the specified backoff limit"),
        ),
        failed("PyTorchJob thing has failed because it has reached the specified backoff limit"),
    ),
    (
        body("MPIJob", {"mpiReplicaSpecs": {}}),
        waiting("the operator has not taken it up; its events say why, if it is no valid MPIJob"),
    ),
    (
        body("JAXJob", {"jaxReplicaSpecs": {"Worker": {}}}, {"conditions": conditions(("Created", "True", ""))}),
        waiting("waits for 1 of 1 Worker"),
    ),
    (body("TrainJob", {}), waiting("Trainer has not taken it up yet")),
    (body("TrainJob", {}, {"jobsStatus": [{"name": "node", "active": 0}]}), waiting("waits for its pods")),
    (body("TrainJob", {}, {"jobsStatus": [{"name": "node", "active": 2}]}), Readiness(State.RUNNING, "node: 2 active")),
    (
        body("TrainJob", {}, {"conditions": conditions(("Suspended", "True", "TrainJob is suspended"))}),
        Readiness(State.SUSPENDED, "TrainJob is suspended"),
    ),
    (
        body(
            "TrainJob",
            {},
            {
                "conditions": conditions(
                    ("Suspended", "False", ""), ("Complete", "True", "jobset completed successfully")
                )
            },
        ),
        Readiness(State.SUCCEEDED, "jobset completed successfully"),
    ),
    (
        body(
            "TrainJob",
            {},
            {"conditions": conditions(("Failed", "True", "jobset failed due to one or more job failures"))},
        ),
        failed("jobset failed due to one or more job failures"),
    ),
    (body("Job", {"completions": 3}), waiting("its controller has not reported yet")),
    (body("Job", {"completions": 3}, {"ready": 0}), waiting("waits for its pods")),
    (body("Job", {"completions": 3}, {"active": 1, "succeeded": 2}), Readiness(State.RUNNING, "2 of 3 done")),
    (body("Job", {}, {"conditions": conditions(("Complete", "True", ""))}), Readiness(State.SUCCEEDED)),
    (
        body("Job", {}, {"conditions": conditions(("Failed", "True", "Job has reached the specified backoff limit"))}),
        failed("Job has reached the specified backoff limit"),
    ),
    (
        body("Job", {}, {"conditions": conditions(("Suspended", "True", "Job suspended"))}),
        Readiness(State.SUSPENDED, "Job suspended"),
    ),
]


def spark(state: str, error: str = "") -> dict[str, Any]:
    return body(
        "SparkApplication", {}, {"applicationState": {"state": state, **({"errorMessage": error} if error else {})}}
    )


RUNS += [
    (body("SparkApplication", {}), waiting("the operator has not taken it up yet")),
    (spark("SUBMITTED"), waiting("submitted; waits for its driver")),
    (spark("RUNNING"), Readiness(State.RUNNING)),
    (spark("SUCCEEDING"), Readiness(State.RUNNING, "the driver is done")),
    (spark("COMPLETED"), Readiness(State.SUCCEEDED)),
    (spark("FAILED", "driver container failed\nwith ExitCode: 1"), failed("driver container failed with ExitCode: 1")),
    (spark("SUBMISSION_FAILED", "no such image"), waiting("could not be submitted; tried again; no such image")),
    (spark("INVALIDATING"), waiting("is being stopped, to run with its new spec")),
    (spark("SUSPENDED"), Readiness(State.SUSPENDED)),
    (spark("SUSPENDING"), Readiness(State.SUSPENDED, "is being stopped")),
    (spark("UNKNOWN"), Readiness(State.UNKNOWN)),
    (body("Workflow", {}), waiting("Argo has not taken it up yet")),
    (
        body("Workflow", {}, {"phase": "Pending", "message": "Workflow processing has been postponed"}),
        waiting("Workflow processing has been postponed"),
    ),
    (body("Workflow", {}, {"phase": "Running", "progress": "1/3"}), Readiness(State.RUNNING, "1/3 steps")),
    (body("Workflow", {}, {"phase": "Succeeded", "progress": "3/3"}), Readiness(State.SUCCEEDED)),
    (
        body("Workflow", {}, {"phase": "Error", "message": "invalid spec: spec.entrypoint is required"}),
        failed("invalid spec: spec.entrypoint is required"),
    ),
]

# -- Experiments ------------------------------------------------------------------------------------------------

OBJECTIVE = {"type": "maximize", "objectiveMetricName": "auc"}
BEST = {
    "bestTrialName": "tune-1",
    "observation": {
        "metrics": [
            {"name": "loss", "min": "0.1", "max": "0.9", "latest": "0.2"},
            {"name": "auc", "min": "0.51", "max": "0.97", "latest": "0.93"},
        ]
    },
}


def tune(*entries: tuple[str, str, str], objective: Any = OBJECTIVE, **status: Any) -> dict[str, Any]:
    return body(
        "Experiment", {"maxTrialCount": 30, "objective": objective}, {"conditions": conditions(*entries), **status}
    )


COUNTS = {"trials": 15, "trialsSucceeded": 10, "trialsFailed": 1, "trialsEarlyStopped": 1, "trialsRunning": 3}
EXPERIMENTS = [
    (body("Experiment", {}), waiting("Katib has not taken it up yet")),
    (tune(("Created", "True", "Experiment is created")), waiting("waits for its first trials")),
    (
        tune(("Created", "True", ""), ("Running", "True", "Experiment is running"), **COUNTS, currentOptimalTrial=BEST),
        Readiness(State.RUNNING, "12 of 30 trials done, 3 running, 1 failed; best auc 0.97"),
    ),
    (
        tune(("Running", "True", ""), objective={**OBJECTIVE, "type": "minimize"}, currentOptimalTrial=BEST),
        Readiness(State.RUNNING, "0 of 30 trials done; best auc 0.51"),
    ),
    (
        tune(
            ("Restarting", "True", "Experiment is restarting"),
            objective={**OBJECTIVE, "metricStrategies": [{"name": "auc", "value": "latest"}]},
            trialsPending=2,
            trialMetricsUnavailable=1,
            currentOptimalTrial=BEST,
        ),
        Readiness(State.RUNNING, "1 of 30 trials done, 2 pending, 1 without metrics; best auc 0.93"),
    ),
    (
        tune(
            ("Running", "False", ""),
            ("Succeeded", "True", "Experiment has succeeded because Objective goal has reached"),
            trialsSucceeded=30,
            currentOptimalTrial=BEST,
        ),
        Readiness(
            State.SUCCEEDED,
            "Experiment has succeeded because Objective goal has reached; 30 of 30 trials done; best auc 0.97",
        ),
    ),
    (
        tune(("Failed", "True", "Experiment has failed because max failed count has reached"), trialsFailed=4),
        failed("Experiment has failed because max failed count has reached; 4 of 30 trials done, 4 failed"),
    ),
]

# -- The rest ---------------------------------------------------------------------------------------------------

CLAIM = {"storageClassName": "standard"}
DEPLOYED = {"replicas": 3}
PROGRESSED = conditions(("Progressing", "False", 'ReplicaSet "a" has timed out progressing.'))
OTHERS = [
    (body("Namespace", {}, {"phase": "Active"}), READY),
    (body("Namespace", {}, {"phase": "Terminating"}), waiting("is being deleted")),
    (body("PersistentVolumeClaim", CLAIM, {"phase": "Bound"}), READY),
    (
        body(
            "PersistentVolumeClaim",
            CLAIM,
            {
                "phase": "Bound",
                "conditions": conditions(("FileSystemResizePending", "True", "Waiting for user to (re-)start a pod")),
            },
        ),
        Readiness(State.READY, "Waiting for user to (re-)start a pod"),
    ),
    (body("PersistentVolumeClaim", CLAIM, {"phase": "Lost"}), failed("its PersistentVolume is gone")),
    (
        body("PersistentVolumeClaim", {"volumeName": "disk"}, {"phase": "Pending"}),
        waiting("waits for PersistentVolume/disk"),
    ),
    (
        body("PersistentVolumeClaim", {}, {"phase": "Pending"}),
        waiting("waits for a PersistentVolume, and names no storage class that would make one"),
    ),
    (
        body("PersistentVolumeClaim", CLAIM, {"phase": "Pending"}),
        Readiness(State.UNKNOWN, "not bound yet; StorageClass/standard is not there, or may not be read"),
    ),
    (body("Deployment", DEPLOYED), waiting("its controller has not reported yet")),
    (
        body("Deployment", DEPLOYED, {"observedGeneration": 1}, generation=2),
        waiting("its controller has not seen the change yet"),
    ),
    (
        body("Deployment", DEPLOYED, {"observedGeneration": 2, "updatedReplicas": 1}, generation=2),
        waiting("waits for 2 of 3 pods to be updated"),
    ),
    (body("Deployment", DEPLOYED, {"updatedReplicas": 3, "availableReplicas": 1}), waiting("waits for 2 of 3 pods")),
    (body("Deployment", DEPLOYED, {"updatedReplicas": 3, "availableReplicas": 3}), READY),
    (body("Deployment", {}, {"updatedReplicas": 1, "availableReplicas": 1}), READY),
    (body("Deployment", {"replicas": 0}, {"observedGeneration": 1}, generation=1), READY),
    (body("Deployment", DEPLOYED, {"conditions": PROGRESSED}), failed('ReplicaSet "a" has timed out progressing.')),
    (body("StatefulSet", DEPLOYED, {"updatedReplicas": 3, "readyReplicas": 2}), waiting("waits for 1 of 3 pods")),
    (body("StatefulSet", DEPLOYED, {"updatedReplicas": 3, "readyReplicas": 3}), READY),
    (
        body(
            "StatefulSet",
            {**DEPLOYED, "updateStrategy": {"type": "OnDelete"}},
            {"updatedReplicas": 1, "readyReplicas": 3},
        ),
        READY,
    ),
    (
        body("DaemonSet", {}, {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 1}),
        waiting("waits for 1 of 2 pods"),
    ),
    (
        body("DaemonSet", {}, {"desiredNumberScheduled": 2, "updatedNumberScheduled": 1}),
        waiting("waits for 1 of 2 pods to be updated"),
    ),
    (body("CronJob", {"suspend": True}), Readiness(State.SUSPENDED)),
    (body("CronJob", {}), READY),
    (
        body("Service", {"type": "LoadBalancer"}, {"loadBalancer": {}}),
        waiting("waits for the address of its load balancer"),
    ),
    (body("Service", {"type": "LoadBalancer"}, {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}), READY),
    (body("Service", {"type": "ClusterIP"}, {"loadBalancer": {}}), READY),
    (
        body("Tensorboard", {"logspath": "pvc://logs/a"}),
        waiting("waits for its Deployment, which needs PersistentVolumeClaim/logs"),
    ),
    (body("Tensorboard", {"logspath": "gs://a"}), waiting("waits for its pod")),
    (
        body("Tensorboard", {"logspath": "pvc://logs/a"}, {"conditions": [{"deploymentState": "Progressing"}]}),
        waiting("waits for its pod"),
    ),
    (body("Tensorboard", {"logspath": "pvc://logs/a"}, {"readyReplicas": 1}), READY),
    (body("PVCViewer", {}, {"ready": True, "url": "/pvcviewers/team/thing/"}), READY),
    (
        body(
            "PVCViewer",
            {},
            {
                "ready": False,
                "conditions": conditions(("Available", "False", "Deployment does not have minimum availability.")),
            },
        ),
        waiting("Deployment does not have minimum availability."),
    ),
    (body("PVCViewer", {}), waiting("waits for its pod")),
    (
        body("ScheduledSparkApplication", {}, {"scheduleState": "Scheduled", "nextRun": "2026-01-01T02:00:00Z"}),
        Readiness(State.READY, "next run at 2026-01-01T02:00:00Z"),
    ),
    (
        body(
            "ScheduledSparkApplication",
            {},
            {"scheduleState": "FailedValidation", "reason": "expected exactly 5 fields"},
        ),
        failed("expected exactly 5 fields"),
    ),
    (body("SparkConnect", {}), waiting("the operator has not taken it up yet")),
    (
        body(
            "SparkConnect",
            {},
            {
                "state": "NotReady",
                "conditions": conditions(("ServerPodReady", "False", "Server pod is not ready: no node")),
            },
        ),
        waiting("Server pod is not ready: no node"),
    ),
    (body("SparkConnect", {}, {"state": "Provisioning"}), waiting("waits for its server")),
    (body("SparkConnect", {}, {"state": "Ready"}), READY),
    (body("SparkConnect", {}, {"state": "Failed"}), failed("its server has failed")),
    (body("ScheduledSparkApplication", {"suspend": True}), Readiness(State.SUSPENDED)),
    (body("ScheduledSparkApplication", {}), waiting("the operator has not taken it up yet")),
    (
        body("CronWorkflow", {}, {"conditions": conditions(("SpecError", "True", "cron schedule is malformed"))}),
        failed("cron schedule is malformed"),
    ),
    (body("CronWorkflow", {"suspend": True}), Readiness(State.SUSPENDED)),
    (body("CronWorkflow", {}, {"conditions": conditions(("SpecError", "False", ""))}), READY),
    *[
        (body(kind), READY)
        for kind in (
            "AuthorizationPolicy",
            "ClusterRole",
            "ClusterRoleBinding",
            "ClusterTrainingRuntime",
            "ConfigMap",
            "LimitRange",
            "Pipeline",
            "PipelineVersion",
            "PodDefault",
            "ResourceQuota",
            "Role",
            "RoleBinding",
            "Secret",
            "ServiceAccount",
            "TrainingRuntime",
            "WorkflowTemplate",
        )
    ],
    (body("Certificate", {}, version="cert-manager.io/v1"), READY),
    (
        body(
            "Certificate",
            {},
            {"conditions": conditions(("Ready", "False", "Issuing certificate"))},
            version="cert-manager.io/v1",
        ),
        waiting("Issuing certificate"),
    ),
    (
        body("Certificate", {}, {"conditions": conditions(("Ready", "Unknown", ""))}, version="cert-manager.io/v1"),
        waiting("not Ready yet"),
    ),
    (
        body(
            "APIService", {}, {"conditions": conditions(("Available", "True", ""))}, version="apiregistration.k8s.io/v1"
        ),
        READY,
    ),
    (
        body("Certificate", {}, {"observedGeneration": 1}, version="cert-manager.io/v1", generation=2),
        waiting("its controller has not seen the change yet"),
    ),
    (body("Notebook", {}, {"readyReplicas": 1}, deletionTimestamp="2026-01-01T00:00:00Z"), waiting("is being deleted")),
    (
        body("Profile", {}, deletionTimestamp="2026-01-01T00:00:00Z", finalizers=["profile-finalizer"]),
        waiting("is being deleted; held by profile-finalizer"),
    ),
]

CASES = [*NOTEBOOKS, *KSERVE, *RUNS, *EXPERIMENTS, *OTHERS]


@pytest.mark.parametrize(
    ("given", "expected"), CASES, ids=[f"{n}-{given['kind']}" for n, (given, _) in enumerate(CASES)]
)
def test_an_object_says_how_far_it_is(given: dict[str, Any], expected: Readiness) -> None:
    assert readiness(given, nothing) == expected


def test_every_kind_is_covered() -> None:
    told = {given["kind"] for given, _ in CASES} | {"Profile"}
    same = {"TFJob", "XGBoostJob", "PaddleJob", "MXJob"}  # one function for all job kinds, as PyTorchJob shows
    assert {kind for _, kind in kinds.LIVE} - told == same


# -- What needs a look at another object ------------------------------------------------------------------------

PROFILE = body("Profile", {"owner": {"kind": "User", "name": "ana@example.com"}})


def namespace(owner: str | None) -> dict[str, Any]:
    marks = {"annotations": {"owner": owner}} if owner else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAME, **marks}}


def binding(owner: str) -> dict[str, Any]:
    meta = {"name": "namespaceAdmin", "namespace": NAME}
    return {"kind": "RoleBinding", "metadata": meta, "subjects": [{"kind": "User", "name": owner}]}


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        (nothing, waiting("waits for Namespace/thing")),
        (
            looking(namespace("bo@example.com"), binding("bo@example.com")),
            failed(
                "Namespace/thing names bo@example.com as its owner, so the controller does nothing: set its annotation "
                "`owner: ana@example.com`"
            ),
        ),
        (
            looking(namespace(None)),
            failed(
                "Namespace/thing names no owner, so the controller does nothing: set its annotation `owner: ana@example.com`"
            ),
        ),
        (looking(namespace("ana@example.com")), waiting("waits for RoleBinding/thing/namespaceAdmin")),
        (
            looking(namespace("ana@example.com"), binding("bo@example.com")),
            waiting("RoleBinding/thing/namespaceAdmin does not name ana@example.com yet"),
        ),
        (looking(namespace("ana@example.com"), binding("ana@example.com")), READY),
    ],
)
def test_a_profile_is_ready_when_its_owner_gets_in(look: Look, expected: Readiness) -> None:
    assert readiness(PROFILE, look) == expected


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("WaitForFirstConsumer", Readiness(State.READY, "bound at first use")),
        ("Immediate", waiting("waits for a volume of StorageClass/standard")),
    ],
)
def test_a_claim_waits_as_its_storage_class_says(mode: str, expected: Readiness) -> None:
    storage = {"kind": "StorageClass", "metadata": {"name": "standard"}, "volumeBindingMode": mode}
    assert readiness(body("PersistentVolumeClaim", CLAIM, {"phase": "Pending"}), looking(storage)) == expected


# -- The end of runs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"), [*RUNS, *EXPERIMENTS], ids=lambda v: v["kind"] if isinstance(v, dict) else v.state
)
def test_a_run_is_finished_when_it_has_an_outcome(given: dict[str, Any], expected: Readiness) -> None:
    assert finished(given) is (expected.state in (State.SUCCEEDED, State.FAILED))


def test_what_is_no_run_is_never_finished() -> None:
    assert not finished(body("Notebook", {}, {"containerState": {"terminated": {"exitCode": 1}}}))
    assert not finished(body("Deployment", {}, {"conditions": PROGRESSED}))
    assert not finished(body("Certificate", {}, version="cert-manager.io/v1"))


JUNK: list[Any] = [
    None,
    "text",
    7,
    True,
    [],
    [1, None, "x"],
    {},
    {"a": 1},
    [{}],
    [{"type": "Ready"}],
    {"conditions": 3},
]
FIELDS = (
    "conditions",
    "phase",
    "replicaStatuses",
    "modelStatus",
    "components",
    "jobsStatus",
    "applicationState",
    "containerState",
)


@pytest.mark.parametrize("kind", sorted(kinds.LIVE), ids=lambda k: k[1])
@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_no_status_is_too_strange(kind: tuple[str, str], junk: Any) -> None:
    look: Callable[..., Any] = looking(namespace("ana"))
    version = f"{kind[0]}/v1".lstrip("/")
    for given in (
        body(kind[1], junk, junk, version=version),
        body(kind[1], {"owner": {"name": "ana"}}, dict.fromkeys(FIELDS, junk), version=version),
    ):
        assert isinstance(readiness(given, look).state, State)
        assert isinstance(finished(given), bool)
