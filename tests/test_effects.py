"""The effect tables: every row fires for a change that it speaks of, and for no other; the API server refuses what they say."""

from __future__ import annotations

import ast
import copy
import subprocess
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pytest
from packaging.specifiers import SpecifierSet

from kfspec import kinds
from kfspec.catalog import Release
from kfspec.catalog.releases import component_of
from kfspec.diagnostics import Path
from kfspec.differ import diff
from kfspec.effects import Leaf, effects, leaves, spoken
from kfspec.kinds.base import Effect, Moment, Outcome
from kfspec.resource import GVK, ObjectRef
from tests.conftest import ROOT
from tests.support.controlplane import Answer, ControlPlane

NAME = "thing"
VERSIONS = {"trainer": "2.1.0"}
"""Components that no release with tests has."""
NAMESPACE = ObjectRef("", "Namespace", "", NAME)
PROFILE = ObjectRef("kubeflow.org", "Profile", "", NAME)


class Case(NamedTuple):
    """A change of one value of an object, and every sentence about it."""

    kind: tuple[str, str]
    path: Path
    old: Any
    new: Any
    words: tuple[str, ...]
    live: Mapping[Path, Any]
    """What else the object holds, before and after."""
    beside: frozenset[ObjectRef]
    components: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.kind[1]}-{'.'.join(map(str, self.path))}-{self.old}-{self.new}"


CASES: list[Case] = []


def case(
    kind: tuple[str, str],
    path: Path,
    old: Any,
    new: Any,
    *words: str,
    live: Mapping[Path, Any] | None = None,
    beside: Iterable[ObjectRef] = (),
    **components: str,
) -> None:
    versions = {name.replace("_", "-"): version for name, version in components.items()}
    CASES.append(Case(kind, path, old, new, words, live or {}, frozenset(beside), versions))


def spec(*path: str) -> Path:
    return ("spec", *path)


def label(key: str) -> Path:
    return ("metadata", "labels", key)


def mark(key: str) -> Path:
    return ("metadata", "annotations", key)


def conditions(*true: str, reason: str = "") -> Mapping[Path, Any]:
    return {("status", "conditions"): [{"type": name, "status": "True", "reason": reason} for name in true]}


# -- Profile and Namespace --------------------------------------------------------------------------------------

K = ("kubeflow.org", "Profile")
case(
    K,
    spec("owner", "name"),
    "ana@example.com",
    "bo@example.com",
    "moves the owner's RoleBinding and AuthorizationPolicy from ana@example.com to bo@example.com",
    beside=[NAMESPACE],
)
case(
    K,
    spec("owner", "name"),
    "ana@example.com",
    "bo@example.com",
    "the controller stops looking after the profile: its namespace names ana@example.com as the owner; declare the profile "
    "under `profiles:`, or beside it its Namespace with the annotation `owner: bo@example.com`",
)
case(K, spec("owner", "kind"), "User", "Group", "the owner's RoleBinding names a subject of another kind")
QUOTA = "changes the quota of the namespace: what runs stays, what is new must fit"
LIFTED = "lifts the quota of the namespace: kf-resource-quota is deleted"
case(K, spec("resourceQuotaSpec", "hard", "cpu"), "8", "16", QUOTA)
case(K, spec("resourceQuotaSpec"), None, {"hard": {"cpu": "8"}}, QUOTA)
case(K, spec("resourceQuotaSpec"), {"hard": {"cpu": "8"}}, {}, LIFTED)
case(K, spec("resourceQuotaSpec"), {"hard": {"cpu": "8"}}, None, LIFTED)
GOOGLE = {"kind": "WorkloadIdentity", "spec": {"gcpServiceAccount": "a@b"}}
AMAZON = {"kind": "AwsIamForServiceAccount", "spec": {"awsIamRole": "arn"}}
GRANTS = "default-editor acts with other cloud rights, from the next token on"
case(K, spec("plugins"), None, [GOOGLE], GRANTS)
STAYS = "what the removed plugin granted stays until the Profile is deleted: revoke it by hand"
case(K, spec("plugins"), [GOOGLE, AMAZON], [GOOGLE], STAYS)

K = ("", "Namespace")
case(
    K,
    mark("owner"),
    "ana",
    "bo",
    "the profile controller takes bo for the owner, not ana",
    beside=[PROFILE],
)
case(
    K,
    mark("owner"),
    "ana",
    "bo",
    "the profile controller stops looking after the namespace until its Profile names bo as the owner",
)
METRICS = "katib.kubeflow.org/metrics-collector-injection"
for key, value in (
    (METRICS, "enabled"),
    ("serving.kubeflow.org/inferenceservice", "enabled"),
    ("pipelines.kubeflow.org/enabled", "true"),
    ("app.kubernetes.io/part-of", "kubeflow-profile"),
):
    case(K, label(key), value, None, f"no effect: the profile controller puts {key} back", beside=[PROFILE])
case(K, label("serving.kubeflow.org/inferenceservice"), "enabled", None)
KATIB_TAKES = "Katib takes experiments in the namespace, and reads the metrics of their trials"
KATIB_REFUSES = "Katib refuses new experiments in the namespace, and no longer reads the metrics of new trials"
case(K, label(METRICS), None, "enabled", KATIB_TAKES)
case(K, label(METRICS), "enabled", "disabled", KATIB_REFUSES, beside=[PROFILE])
case(K, label(METRICS), "enabled", None, KATIB_REFUSES)
PIPELINES = "pipelines.kubeflow.org/enabled"
case(
    K,
    label(PIPELINES),
    None,
    "true",
    "Kubeflow Pipelines sets its objects up in the namespace (artifact Secret, ConfigMaps)",
)
case(K, label(PIPELINES), "true", None, "Kubeflow Pipelines no longer keeps up its objects in the namespace")
PART_OF = "app.kubernetes.io/part-of"
case(K, label(PART_OF), "other", "kubeflow-profile", "PodDefaults apply to new pods of the namespace")
case(K, label(PART_OF), "kubeflow-profile", "other", "PodDefaults no longer apply to new pods of the namespace")
case(K, label("istio-injection"), None, "enabled", "new pods get a sidecar; pods that run stay without")
case(
    K,
    label("istio-injection"),
    "enabled",
    None,
    "new pods get no sidecar, and with it no identity in the mesh; pods that run keep theirs",
)
case(
    K,
    label("pod-security.kubernetes.io/enforce"),
    None,
    "restricted",
    "new pods must meet the level restricted, not nothing; pods that run stay",
)
case(
    K,
    label("pod-security.kubernetes.io/enforce-version"),
    "v1.30",
    "latest",
    "new pods are judged by the rules of latest, not v1.30; pods that run stay",
)
case(
    K,
    ("metadata", "annotations"),
    None,
    {"owner": "bo"},
    "the profile controller takes bo for the owner, not nothing",
    beside=[PROFILE],
)

# -- Notebook, PodDefault and the small servers -----------------------------------------------------------------

K = ("kubeflow.org", "Notebook")
STOPPED = mark("kubeflow-resource-stopped")
RESTARTS = "restarts the notebook server; unsaved kernel state is lost"
NEXT_START = "the server is stopped: its next start takes the change"
POD = spec("template", "spec")
case(K, (*POD, "containers"), [{"name": "a", "image": "x:1"}], [{"name": "a", "image": "x:2"}], RESTARTS)
case(K, (*POD, "serviceAccountName"), None, "default-editor", RESTARTS)
case(K, (*POD, "serviceAccountName"), None, "default-editor", NEXT_START, live={STOPPED: "2026-01-01T00:00:00Z"})
case(K, STOPPED, None, "2026-01-01T00:00:00Z", "stops the notebook server; unsaved kernel state is lost")
case(K, STOPPED, "2026-01-01T00:00:00Z", None, "starts the notebook server")
case(
    K,
    STOPPED,
    "2026-01-01T00:00:00Z",
    "2026-02-02T00:00:00Z",
    "no effect on the server's pod until its StatefulSet is deleted and made again",
)
UI = "notebooks.kubeflow.org"
case(K, mark(f"{UI}/http-rewrite-uri"), None, "/", "requests reach the server at /, not nothing")
case(K, mark(f"{UI}/http-headers-request-set"), "{}", None, "requests reach the server with other headers")
case(K, mark(f"{UI}/server-type"), "jupyter", "group-one", "the dashboard shows the server as group-one, not jupyter")
case(K, mark(f"{UI}/creator"), None, "ana", "the dashboard shows ana as the creator, not nothing")
case(K, mark(f"{UI}/last-activity"), "a", "b", "the culler counts the idle time from b")
case(K, mark(f"{UI}/last_activity_check_timestamp"), "a", "b", "the culler looks at the server anew")
NO_LABEL = (
    "no effect on the server's pod, and no PodDefault comes or goes, until its StatefulSet is deleted and made again"
)
case(K, label("access-ml-pipeline"), None, "true", NO_LABEL)
case(
    K,
    ("metadata", "labels"),
    {"kfspec.dev/item": "notebooks.a"},
    {"kfspec.dev/item": "notebooks.b", "app": "b"},
    NO_LABEL,
)
case(
    K,
    mark("sidecar.istio.io/inject"),
    None,
    "false",
    "no effect on the server's pod until its StatefulSet is deleted and made again",
)
case(K, label("kfspec.dev/environment"), None, "dev")
case(K, label("app.kubernetes.io/managed-by"), None, "kfspec")

K = ("kubeflow.org", "PodDefault")
case(
    K,
    spec("selector", "matchLabels", "a"),
    "true",
    "false",
    "other pods are selected, as they are made; pods that run stay as they are",
)
case(K, spec("desc"), "a", "b", "the dashboard shows it as b, not a")
case(K, spec("env"), None, [{"name": "A", "value": "1"}], "new pods get the change; pods that run stay as they are")

K = ("tensorboard.kubeflow.org", "Tensorboard")
case(
    K,
    spec("logspath"),
    "pvc://logs/a",
    "pvc://logs/b",
    "the controller ignores another logspath, so the Tensorboard is deleted and made again: it keeps nothing of its own",
)

K = ("kubeflow.org", "PVCViewer")
MOUNTS = {spec("podSpec", "volumes"): [{"name": "v", "persistentVolumeClaim": {"claimName": "new"}}]}
case(K, spec("pvc"), "old", "new", "restarts the viewer, on new", live=MOUNTS)
case(
    K,
    spec("pvc"),
    "old",
    "other",
    "the webhook refuses another claim, since the pod it once wrote has old; so the viewer is deleted and made again",
    live=MOUNTS,
)
case(K, spec("podSpec", "serviceAccountName"), None, "default-editor", "restarts the viewer")
case(K, spec("rwoScheduling"), False, True, "restarts the viewer")
case(K, spec("networking", "basePrefix"), "/a", "/b", "changes the address of the viewer")

# -- Volumes ----------------------------------------------------------------------------------------------------

K = ("", "PersistentVolumeClaim")
STORAGE = spec("resources", "requests", "storage")
BOUND = {("status", "phase"): "Bound", ("status", "capacity", "storage"): "10Gi"}
NEVER = "a volume never shrinks: declare a new volume, and copy the data over"
UNBOUND = "a claim without a volume cannot change its size: start a pod that uses it first, or delete it"
case(K, STORAGE, "10Gi", "20Gi", "grows the volume from 10Gi to 20Gi, if its storage class allows it", live=BOUND)
case(K, STORAGE, "10Gi", "5Gi", NEVER, live=BOUND)
case(K, STORAGE, "10Gi", None, NEVER, live=BOUND)
case(K, STORAGE, "20Gi", "15Gi", "gives up the expansion to 20Gi, for 15Gi", live=BOUND)
case(K, STORAGE, "20Gi", "10240Mi", NEVER, live=BOUND)
case(K, STORAGE, "10Gi", "20Gi", UNBOUND, live={("status", "phase"): "Pending"})
FROZEN = "a claim cannot change but for its size: declare a new volume, and copy the data over"
case(K, spec("storageClassName"), "standard", "fast", FROZEN, live=BOUND)
case(
    K,
    spec("volumeAttributesClassName"),
    "silver",
    "gold",
    "the storage driver gives the volume the attributes of class gold, not silver",
    live=BOUND,
)
case(K, spec("volumeAttributesClassName"), None, "gold", FROZEN)

# -- KServe -----------------------------------------------------------------------------------------------------

K = ("serving.kserve.io", "InferenceService")
MODE = mark("serving.kserve.io/deploymentMode")
STOP = mark("serving.kserve.io/stop")
RAW = {MODE: "RawDeployment"}
for part in ("predictor", "transformer", "explainer"):
    canary = spec(part, "canaryTrafficPercent")
    there = {spec(part, "minReplicas"): 1}
    case(K, canary, 10, 50, "shifts traffic to the new revision from 10 % to 50 %", live=there)
    case(
        K,
        canary,
        None,
        10,
        "sends 10 % of the traffic to the newest revision, the rest to the one that had it all before",
        live=there,
    )
    case(K, canary, 10, None, "sends all traffic to the newest revision, which had 10 %", live=there)
    case(K, canary, 10, 50, "no effect: raw mode splits no traffic", live=there | RAW)
    rolls, deploys = f"rolls a new revision of the {part}", f"rolls the {part}'s Deployment"
    other = {spec(part, "timeout"): 5}
    for field, old, new in (
        ("minReplicas", 0, 1),
        ("maxReplicas", 2, 3),
        ("scaleMetric", "cpu", "memory"),
        ("scaleTarget", 1, 2),
    ):
        case(K, spec(part, field), old, new, rolls, live=other)
        case(
            K, spec(part, field), old, new, f"the {part}'s autoscaler takes {field} {new}, not {old}", live=other | RAW
        )
    case(
        K,
        spec(part, "deploymentStrategy", "type"),
        "RollingUpdate",
        "Recreate",
        f"the {part}'s next rollout goes by it",
        live=other | RAW,
    )
    case(K, spec(part, "deploymentStrategy", "type"), "RollingUpdate", "Recreate", rolls, live=other)
    case(
        K, spec(part, "containers"), [{"name": "a", "image": "x:1"}], [{"name": "a", "image": "x:2"}], rolls, live=other
    )
    case(
        K,
        spec(part, "containers"),
        [{"name": "a", "image": "x:1"}],
        [{"name": "a", "image": "x:2"}],
        deploys,
        live=other | RAW,
    )
    if part != "predictor":
        case(K, spec(part), None, {"containers": [{"image": "x"}]}, f"all requests go through the new {part} first")
        case(K, spec(part), {"containers": [{"image": "x"}]}, None, f"requests no longer go through the {part}")
case(
    K,
    spec("predictor"),
    {"minReplicas": 1, "canaryTrafficPercent": 10, "model": {"storageUri": "gs://a/1"}},
    {"minReplicas": 1, "canaryTrafficPercent": 20, "model": {"storageUri": "gs://a/2"}},
    "shifts traffic to the new revision from 10 % to 20 %",
    "rolls a new revision of the predictor",
)
ROLLS = "rolls a new revision: {} are part of its template"
DEPLOYS = "rolls the Deployments: {} are part of their template"
for what, at in (("labels", label), ("annotations", mark)):
    case(K, at("team"), "a", "b", ROLLS.format(what))
    case(K, at("team"), "a", "b", DEPLOYS.format(what), live=RAW)
    case(K, at("kfspec.dev/item"), None, "b", ROLLS.format(what))
VISIBLE = label("networking.knative.dev/visibility")
case(K, VISIBLE, None, "cluster-local", "changes who reaches the servers: cluster-local, not nothing")
case(K, VISIBLE, None, "cluster-local", DEPLOYS.format("labels"), live=RAW)
SWITCH = "starts the servers anew in the other mode; those of the old mode run on until the InferenceService is deleted"
CANNOT = "the deployment mode cannot change: delete the InferenceService first, or make another beside it"
LIVE_MODE = {("status", "deploymentMode"): "Serverless"}
for version in ("0.14.1", "0.15.0"):
    case(K, MODE, None, "RawDeployment", SWITCH, kserve=version)
case(K, MODE, None, "Serverless", ROLLS.format("annotations"))
case(K, MODE, None, "RawDeployment", CANNOT, live=LIVE_MODE, kserve="0.15.2")
case(K, MODE, None, "Serverless", ROLLS.format("annotations"), live=LIVE_MODE, kserve="0.15.2")
case(
    K, MODE, "RawDeployment", "Standard", CANNOT, live={("status", "deploymentMode"): "RawDeployment"}, kserve="0.16.0"
)
case(K, STOP, None, "true", "stops the servers; requests fail", kserve="0.15.2")
case(K, STOP, "true", None, "starts the servers again", kserve="0.15.2")
case(K, STOP, None, "true", ROLLS.format("annotations"), kserve="0.15.0")
case(K, STOP, "true", None, ROLLS.format("annotations"), kserve="0.15.0")
case(K, label("team"), "a", "b", live={MODE: "ModelMesh"})
case(K, mark("team"), "a", "b", live={MODE: "ModelMesh"})

for K in (("serving.kserve.io", "ServingRuntime"), ("serving.kserve.io", "ClusterServingRuntime")):
    LATER = "model servers that use it take the change up when something else reconciles them: an edit, a restart of the controller"
    case(K, spec("containers"), [{"name": "a", "image": "x:1"}], [{"name": "a", "image": "x:2"}], LATER)
    case(
        K,
        spec("containers"),
        [{"name": "a", "image": "x:1"}],
        [{"name": "a", "image": "x:2"}],
        "rolls every model server that uses it, at once",
        kserve="0.16.0",
    )
    WORKER = {"pipelineParallelSize": 2, "containers": [{"name": "worker-container", "image": "x"}]}
    STAYS = "a runtime for several nodes stays one: declare another beside it"
    case(K, spec("workerSpec"), WORKER, None, STAYS, kserve="0.15.2")
    case(K, spec("workerSpec"), WORKER, None, LATER, kserve="0.14.1")
    case(K, spec("workerSpec"), None, WORKER, LATER, kserve="0.15.2")
    case(K, spec("workerSpec", "pipelineParallelSize"), 2, 3, LATER, kserve="0.15.2")
K = ("serving.kserve.io", "InferenceGraph")
case(K, spec("nodes", "root", "routerType"), "Sequence", "Ensemble", "rolls the router; requests go by the new graph")
K = ("serving.kserve.io", "TrainedModel")
case(
    K,
    spec("model", "memory"),
    "1Gi",
    "2Gi",
    "the memory of a model cannot change: delete the TrainedModel first, or make another beside it",
)
case(K, spec("model", "storageUri"), "gs://a", "gs://b", "the server loads the model anew")
case(K, spec("inferenceService"), "a", "b", "moves the model from server a to b")
K = ("serving.kserve.io", "LocalModelCache")
case(K, spec("sourceModelUri"), "hf://a", "hf://b", "a cache stays with its model: declare another beside it")
GROUPS = "copies the model to the nodes of {}; copies elsewhere stay"
case(K, spec("nodeGroups"), ["a"], ["b"], GROUPS.format("the first group"), kserve="0.14.1")
case(K, spec("nodeGroups"), ["a"], ["a", "b"], GROUPS.format("the new groups"), kserve="0.15.2")
case(K, spec("modelSize"), "1Gi", "2Gi", "nothing happens: the size is not compared with the room that there is")
K = ("serving.kserve.io", "LLMInferenceService")
SPREAD = "over how many nodes a model is spread cannot change: declare another service beside it"
for part in (spec("parallelism"), spec("prefill", "parallelism")):
    case(K, (*part, "pipeline"), 2, 3, SPREAD)
    case(K, part, {"data": 4, "dataLocal": 2}, {"data": 8, "dataLocal": 2}, SPREAD)
    case(K, part, {"data": 4, "dataLocal": 2}, {"data": 8, "dataLocal": 4})
    case(K, part, {"tensor": 2}, {"tensor": 4})

# -- Katib ------------------------------------------------------------------------------------------------------

K = ("kubeflow.org", "Experiment")
OVER = (
    "the experiment is completed and takes no other budget: run it under another name (only one that reached maxTrialCount, "
    "with resumePolicy LongRunning or FromVolume, goes on)"
)
SPENT = "maxTrialCount must be above the number of trials so far: raise it, or run the experiment under another name"
GOES_ON = "starts the completed experiment again, where it ended"
RUNNING = conditions("Running") | {("status", "trials"): 5, ("status", "trialsRunning"): 3}
REACHED = conditions("Succeeded", reason="ExperimentMaxTrialsReached") | {("status", "trials"): 5}
RESUMES = {spec("resumePolicy"): "LongRunning"}
ROOM = {spec("maxTrialCount"): 20}
FULL = {spec("maxTrialCount"): 5}
for field, words, more in (
    ("maxTrialCount", "ends after 12 trials, not 10", {}),
    ("parallelTrialCount", "runs 12 trials at a time, not 10", ROOM),
    ("maxFailedTrialCount", "fails after 12 failed trials, not 10", ROOM),
):
    case(K, spec(field), 10, 12, words, live=RUNNING | more)
    case(K, spec(field), 10, 12, OVER, live=conditions("Failed") | more)
    case(K, spec(field), 10, 12, OVER, live=REACHED | more)
    case(K, spec(field), 10, 12, OVER, live=conditions("Succeeded", reason="ExperimentGoalReached") | RESUMES | more)
    case(K, spec(field), 10, 12, GOES_ON, live=REACHED | RESUMES | more)
    if field == "maxTrialCount":
        case(K, spec(field), 10, 5, SPENT, live=RUNNING)
        case(K, spec(field), 10, 4, SPENT, live=REACHED | RESUMES)
    else:
        case(K, spec(field), 10, 12, SPENT, live=RUNNING | FULL)
case(K, spec("parallelTrialCount"), 3, 1, "stops trials that run, until 1 are left of 3", live=RUNNING | ROOM)
case(K, spec("parallelTrialCount"), 5, 3, "runs 3 trials at a time, not 5", live=RUNNING | ROOM)
ONLY_BUDGET = (
    "an experiment cannot change, but for parallelTrialCount, maxTrialCount and maxFailedTrialCount (another order of "
    "parameters counts as a change): run it under another name"
)
case(K, spec("parameters"), [{"name": "a"}, {"name": "b"}], [{"name": "b"}, {"name": "a"}], ONLY_BUDGET)
case(K, spec("objective", "goal"), 1, 2, ONLY_BUDGET)
case(K, label("team"), "a", "b")

# -- Training jobs ----------------------------------------------------------------------------------------------

STARTED = conditions("Created", "Running")
DONE = conditions("Created", "Succeeded")
STAY = "pods that run stay as they are; only pods that are made later get the change"
NO_EFFECT = "no effect: the job is over and does not run again; run it under another name"
HANDED = "hands the job over to kueue.x-k8s.io/multikueue; kubeflow.org/training-operator no longer looks after it"
MANAGERS = ("kubeflow.org/training-operator", "kueue.x-k8s.io/multikueue")
QUEUE = "kueue.x-k8s.io/queue-name"
OTHER_QUEUE = "Kueue refuses another queue for a job that is not stopped: run it under another name"
for kind, replicas, kept in (
    ("PyTorchJob", "pytorchReplicaSpecs", False),
    ("TFJob", "tfReplicaSpecs", True),
    ("XGBoostJob", "xgbReplicaSpecs", True),
    ("MPIJob", "mpiReplicaSpecs", False),
    ("PaddleJob", "paddleReplicaSpecs", True),
    ("JAXJob", "jaxReplicaSpecs", False),
    ("MXJob", "mxReplicaSpecs", False),
):
    K = ("kubeflow.org", kind)
    for stopped, words in ((False, OTHER_QUEUE), (True, "the job waits in queue b, not a")):
        told = [words] if kind not in ("MPIJob", "MXJob") else []  # which Kueue does not look after
        case(K, label(QUEUE), "a", "b", *told, live={spec("runPolicy", "suspend"): stopped})
    image = spec(replicas, "Worker", "template", "spec", "nodeSelector", "zone")
    case(K, image, "a", "b", STAY, live=STARTED)
    case(K, image, "a", "b", NO_EFFECT, live=DONE)
    case(K, image, "a", "b", NO_EFFECT, live=conditions("Failed"))
    scale = spec(replicas, "Worker", "replicas")
    case(
        K,
        scale,
        2,
        3,
        "starts or stops pods until there are 3, not 2; those that run keep the world size they began with",
        live=STARTED,
    )
    case(K, scale, 2, 3, NO_EFFECT, live=DONE)
    suspend = spec("runPolicy", "suspend")
    case(
        K,
        suspend,
        False,
        True,
        "stops the job: its pods are deleted, and what they had not saved is lost",
        live=STARTED,
    )
    case(K, suspend, True, False, "starts the job's pods again, from the beginning", live=conditions("Suspended"))
    case(K, suspend, False, True, NO_EFFECT, live=DONE)
    ttl = spec("runPolicy", "ttlSecondsAfterFinished")
    case(K, ttl, None, 60, "deletes the job 60 s after its end; whoever applies it then runs it again")
    case(K, ttl, 60, None, "keeps the job after its end")
    for field, words in (
        ("activeDeadlineSeconds", "the job fails 2 s after its start, not 1"),
        ("backoffLimit", "the job fails after 2 retries, not 1"),
    ):
        case(K, spec("runPolicy", field), 1, 2, words)
        case(K, spec("runPolicy", field), 1, 2, NO_EFFECT, live=DONE)
    clean = spec("runPolicy", "cleanPodPolicy")
    case(K, clean, "None", "All", "at the job's end, pods are cleaned up by 'All', not 'None'")
    case(K, clean, "None", "All", NO_EFFECT, live=DONE)
    queue = spec("runPolicy", "schedulingPolicy", "queue")
    case(K, queue, "a", "b", "the queue of a job cannot change: run it under another name")
    case(K, queue, None, "b", STAY)
    managed = spec("runPolicy", "managedBy")
    newer = {"training_operator": "1.9.1"}
    if kept:
        case(K, managed, *MANAGERS, "who manages a job cannot change: run it under another name", **newer)
    else:
        case(K, managed, *MANAGERS, HANDED, **newer)
        case(K, managed, *MANAGERS, NO_EFFECT, live=DONE, **newer)
K = ("kubeflow.org", "PyTorchJob")
ELASTIC = {spec("elasticPolicy", "metrics"): [{"type": "Resource"}]}
WORKERS = spec("pytorchReplicaSpecs", "Worker", "replicas")
case(K, WORKERS, 3, 2, "the job's autoscaler goes on from 2 workers, not 3", live=STARTED | ELASTIC)

K = ("trainer.kubeflow.org", "TrainJob")
RUNS_ON = "pods that run stay as they are; run the change under another name"
case(K, label(QUEUE), "a", "b", OTHER_QUEUE)
case(K, label(QUEUE), None, "b", OTHER_QUEUE, live={spec("suspend"): False})
case(K, label(QUEUE), "a", "b", "the job waits in queue b, not a", live={spec("suspend"): True})
case(K, spec("suspend"), False, True, "stops the job: its pods are deleted, and what they had not saved is lost")
case(K, spec("suspend"), True, False, "starts the job's pods again, from the beginning")
case(K, spec("suspend"), True, False, NO_EFFECT, live=conditions("Complete"))
case(K, spec("suspend"), False, True, NO_EFFECT, live=conditions("Failed"))
case(K, spec("runtimeRef", "name"), "a", "b", "the runtimeRef of a TrainJob cannot change: run it under another name")
case(K, spec("runtimeRef"), None, {"name": "b"}, RUNS_ON)
case(K, spec("managedBy"), "a", "b", "the managedBy of a TrainJob cannot change: run it under another name")
case(K, spec("managedBy"), None, "b", RUNS_ON)
for field, old, new in (
    ("trainer", {"numNodes": 1}, {"numNodes": 2}),
    ("initializer", {"dataset": {"storageUri": "a"}}, {"dataset": {"storageUri": "b"}}),
    ("activeDeadlineSeconds", 1, 2),
):
    words = f"the {field} of a TrainJob cannot change: run it under another name"
    case(K, spec(field), old, new, words, trainer="2.2.0")
    case(K, spec(field), None, new, RUNS_ON, trainer="2.2.0")
    case(K, spec(field), old, new, RUNS_ON)
SUSPENDED = {spec("suspend"): True}
for field, version in (("podTemplateOverrides", "2.1.0"), ("runtimePatches", "2.2.0")):
    words = f"{field} can only change while the job is suspended: run it under another name"
    case(K, spec(field), [{"a": 1}], [{"a": 2}], words, trainer=version)
    case(
        K,
        spec(field),
        [{"a": 1}],
        [{"a": 2}],
        "the pods get the change when the job goes on",
        live=SUSPENDED,
        trainer=version,
    )
case(K, spec("trainer", "numNodes"), 1, 2, NO_EFFECT, live=conditions("Complete"))
for K in (("trainer.kubeflow.org", "TrainingRuntime"), ("trainer.kubeflow.org", "ClusterTrainingRuntime")):
    words = "new jobs take the change, and those that go on after a stop; jobs that run stay as they are"
    case(K, spec("mlPolicy", "numNodes"), 1, 2, words)

# -- Spark, Argo, Pipelines -------------------------------------------------------------------------------------

K = ("sparkoperator.k8s.io", "SparkApplication")
AGAIN = "runs the application again from the beginning, though it is over: any change does"
KILLS = "kills the driver, and runs the application again from the beginning: any change does"
COMPLETED = {("status", "applicationState", "state"): "COMPLETED"}
SPARK = {"spark_operator": "2.4.0"}
case(K, spec("executor", "instances"), 1, 2, KILLS)
case(K, spec("executor", "instances"), 1, 2, AGAIN, live=COMPLETED)
case(K, spec("suspend"), False, True, "stops the application: driver and executors are deleted", **SPARK)
case(K, spec("suspend"), True, False, "starts the application again, from the beginning", **SPARK)
case(K, spec("suspend"), False, True, "no effect: the application is over", live=COMPLETED, **SPARK)
case(K, spec("suspend"), True, False, "no effect: the application is over", live=COMPLETED, **SPARK)
case(K, label("team"), "a", "b", "pods that run stay as they are; the next run takes it")
case(K, mark("team"), "a", "b", "pods that run stay as they are; the next run takes it")
K = ("sparkoperator.k8s.io", "ScheduledSparkApplication")
case(K, spec("suspend"), False, True, "starts no more runs; one that runs goes on")
case(K, spec("suspend"), True, None, "starts runs again")
UNREAD = {("status", "scheduleState"): "FailedValidation"}
PLANNED = {("status", "scheduleState"): "Scheduled", ("status", "nextRun"): "2026-01-02T00:00:00Z"}
ANEW = (
    "the operator never looks again at a schedule that it could not read, so it is deleted and made again, with what is left of"
    " its runs"
)
STILL = "the next run is still one of '@daily'; those after it are at '0 2 * * *'"
ZONES = "the next run is still by the time of UTC; those after it are by that of Europe/Berlin"
case(K, spec("schedule"), "@daily", "0 2 * * *", "runs at '0 2 * * *', not '@daily'")
case(K, spec("schedule"), "@daily", "0 2 * * *", STILL, live=PLANNED)
case(K, spec("schedule"), "nightly", "0 2 * * *", ANEW, live=UNREAD)
case(K, spec("timeZone"), "UTC", "Europe/Berlin", ZONES)
case(K, spec("timeZone"), "Berlin", "Europe/Berlin", ANEW, live=UNREAD)
case(K, spec("concurrencyPolicy"), "Allow", "Forbid", "from the next run on: Forbid, not Allow")
case(K, spec("successfulRunHistoryLimit"), 1, 3, "at the next run, keeps 3 runs that succeeded, not 1")
case(K, spec("failedRunHistoryLimit"), 1, 3, "at the next run, keeps 3 runs that failed, not 1")
case(K, spec("template", "executor", "instances"), 1, 2, "the next run takes the change; one that runs stays as it is")
K = ("sparkoperator.k8s.io", "SparkConnect")
case(
    K,
    spec("executor", "instances"),
    1,
    2,
    "the operator takes no change of a server that runs, so it is deleted and made again: whoever is connected loses the session",
    spark_operator="2.4.0",
)
K = ("argoproj.io", "Workflow")
case(K, spec("suspend"), None, True, "stops before the next step, or goes on")
case(K, spec("shutdown"), None, "Stop", "ends the workflow")
case(K, spec("activeDeadlineSeconds"), 1, 2, "the workflow fails 2 s after its start, not 1")
case(K, spec("parallelism"), 1, 2, "runs 2 steps at a time, not 1")
case(K, spec("entrypoint"), "a", "b", "no effect on a workflow that has started: run it under another name")
K = ("argoproj.io", "CronWorkflow")
case(K, spec("suspend"), False, True, "starts no more workflows; those that run go on")
case(K, spec("suspend"), True, False, "starts workflows again")
case(K, spec("schedule"), "0 1 * * *", "0 2 * * *", "runs at '0 2 * * *', not '0 1 * * *'")
case(
    K,
    spec("workflowSpec", "entrypoint"),
    "a",
    "b",
    "the next workflow takes the change; those that run stay as they are",
)
K = ("argoproj.io", "WorkflowTemplate")
case(K, spec("entrypoint"), "a", "b", "new workflows take the change; those that have started stay as they are")
K = ("pipelines.kubeflow.org", "Pipeline")
case(K, spec("description"), "a", "b", "changes how the pipeline is shown; its versions and runs stay")
K = ("pipelines.kubeflow.org", "PipelineVersion")
case(
    K,
    spec("description"),
    "a",
    "b",
    "a pipeline version cannot change, not even its description: give the new one another name",
)

# -- Istio and Kubernetes ---------------------------------------------------------------------------------------

K = ("security.istio.io", "AuthorizationPolicy")
case(K, spec("rules"), [{}], [], "changes who reaches the workloads, in running pods too, within seconds")
case(K, spec("rules"), [], [{}], "lets in whoever reaches the workloads, with or without an identity, within seconds")
WHOEVER_NOT = {spec("action"): "DENY"}
case(
    K,
    spec("rules"),
    [],
    [{}],
    "changes who reaches the workloads, in running pods too, within seconds",
    live=WHOEVER_NOT,
)
ANA = {"kind": "User", "name": "ana"}
BO = {"kind": "User", "name": "bo"}
OWN = {mark("user"): "ana", mark("role"): "edit"}
for K in (("rbac.authorization.k8s.io", "RoleBinding"), ("rbac.authorization.k8s.io", "ClusterRoleBinding")):
    words = "the role of a binding cannot change: delete the binding first, or make another beside it"
    case(K, ("roleRef", "name"), "kubeflow-view", "kubeflow-edit", words)
    case(K, ("subjects",), [ANA], [BO], "changes who has the role, at once", live=OWN)
    words = "the dashboard shows nobody's access to the namespace any more: a contributor's binding needs exactly one subject"
    case(K, ("subjects",), [ANA], [ANA, BO], words, live=OWN)
    case(K, ("subjects",), [ANA], [ANA, BO], "changes who has the role, at once")
for K in (("rbac.authorization.k8s.io", "Role"), ("rbac.authorization.k8s.io", "ClusterRole")):
    case(K, ("rules",), [], [{}], "changes what everybody who has the role may do, at once")
FOLLOW = (
    "files that pods mount follow within about a minute; environment variables and subPath mounts at the next start"
)
IMMUTABLE = {("immutable",): True}
for kind in ("ConfigMap", "Secret"):
    K = ("", kind)
    cannot = f"an immutable {kind} cannot change: give the new one another name"
    for field in ("data", "binaryData") if kind == "ConfigMap" else ("data",):
        case(K, (field, "a.b"), "eA==", "eQ==", FOLLOW)
        case(K, (field, "a.b"), "eA==", "eQ==", cannot, live=IMMUTABLE)
    case(K, ("immutable",), None, True, f"from now on the {kind} cannot change")
    case(K, ("immutable",), True, None, cannot)
case(
    ("", "Secret"),
    ("type",),
    "Opaque",
    "kubernetes.io/tls",
    "the type of a Secret cannot change: delete it first, or give the new one another name",
)
K = ("", "ConfigMap")
CARRIES = {
    block: {("metadata", "name"): f"kfspec-{block[:-1]}-a", ("metadata", "labels", "kfspec.dev/item"): f"{block}.a"}
    for block in ("pipelines", "models")
}
case(
    K,
    ("data", "pipelines.a.json"),
    "{}",
    "{ }",
    "the next sync, at once by a Job or within ten minutes, brings it to Kubeflow Pipelines: a new package is a new "
    "version, a changed schedule is made anew, and a new run starts",
    live=CARRIES["pipelines"],
)
case(
    K,
    ("data", "models.a.json"),
    "{}",
    "{ }",
    "the next sync, at once by a Job or within ten minutes, changes the model in the registry; what left the spec is "
    "archived there",
    live=CARRIES["models"],
)
LINKS = {("metadata", "name"): "centraldashboard-config"}
case(
    K,
    ("data", "links"),
    "{}",
    "{ }",
    "changes everybody's dashboard at the next page load; links that others added and the spec does not say are lost",
    live=LINKS,
)
case(K, ("data", "links"), "{}", "{ }", FOLLOW)
case(K, ("data", "settings"), "{}", "{ }", "changes everybody's dashboard at the next page load", live=LINKS)
TEMPLATE = spec("template", "spec", "serviceAccountName")
for kind in ("Deployment", "DaemonSet"):
    words = f"the selector of a {kind} cannot change: delete it first, or give the new one another name"
    case(("apps", kind), spec("selector", "matchLabels", "a"), "1", "2", words)
K = ("apps", "Deployment")
case(K, TEMPLATE, "a", "b", "rolls the pods")
case(K, TEMPLATE, "a", "b", "stops all pods, and then starts new ones", live={spec("strategy", "type"): "Recreate"})
case(K, TEMPLATE, "a", "b", "no effect until the Deployment is no longer paused", live={spec("paused"): True})
case(K, spec("replicas"), 1, 2, "scales from 1 to 2 pods")
ON_DELETE = {spec("updateStrategy", "type"): "OnDelete"}
UNTIL = "no effect on pods that run: each gets the change when it is deleted and made again"
case(("apps", "DaemonSet"), TEMPLATE, "a", "b", "restarts the pods, node after node")
case(("apps", "DaemonSet"), TEMPLATE, "a", "b", UNTIL, live=ON_DELETE)
K = ("apps", "StatefulSet")
case(K, TEMPLATE, "a", "b", "restarts the pods, one after the other")
case(K, TEMPLATE, "a", "b", UNTIL, live=ON_DELETE)
case(K, spec("replicas"), 1, 2, "scales from 1 to 2 pods")
for field in (
    "ordinals",
    "updateStrategy",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
    "revisionHistoryLimit",
):
    case(K, spec(field), 1, 2, "the next rollout goes by it")
case(
    K,
    spec("serviceName"),
    "a",
    "b",
    "a StatefulSet cannot change but for replicas, template and the way it rolls: delete it first (its volumes stay)",
)
K = ("batch", "Job")
case(K, spec("suspend"), False, True, "stops the job: its pods are deleted, and what they had not saved is lost")
case(K, spec("suspend"), True, False, "starts the job's pods again, from the beginning")
case(K, spec("suspend"), True, False, live=conditions("Complete"))
case(K, spec("suspend"), False, True, live=conditions("Failed"))
case(
    K,
    spec("ttlSecondsAfterFinished"),
    None,
    60,
    "deletes the job 60 s after its end; whoever applies it then runs it again",
)
case(K, spec("ttlSecondsAfterFinished"), 60, None)
case(K, spec("parallelism"), 1, 2, "runs 2 pods at a time, not 1")
for field in ("template", "selector", "completionMode", "manualSelector", "managedBy"):
    case(K, spec(field), "a", "b", f"the {field} of a Job cannot change: run it under another name")
case(K, spec("template"), "a", "b", live={spec("suspend"): True})
K = ("batch", "CronJob")
case(K, spec("suspend"), False, True, "starts no more jobs; those that run go on")
case(K, spec("suspend"), True, False, "starts jobs again")
case(K, spec("schedule"), "0 1 * * *", "0 2 * * *", "runs at '0 2 * * *', not '0 1 * * *'")
case(
    K,
    spec("jobTemplate", "spec", "parallelism"),
    1,
    2,
    "the next job takes the change; those that run stay as they are",
)
K = ("", "Service")
case(K, spec("clusterIP"), "10.0.0.1", "10.0.0.2", "the address of a Service cannot change: delete it first")
case(K, spec("clusterIP"), "10.0.0.1", None, live={spec("type"): "ExternalName"})
case(K, spec("selector", "app"), "a", "b", "new connections go to other pods")
case(K, spec("ports"), [{"port": 80}], [{"port": 81}], "new connections go by the changed ports")
K = ("", "ServiceAccount")
case(K, ("imagePullSecrets",), None, [{"name": "a"}], "new pods pull images with them; pods that run stay")
case(K, ("automountServiceAccountToken",), None, False, "new pods get a token or none by it; pods that run stay")
case(
    ("", "LimitRange"),
    spec("limits"),
    [{"type": "Container", "max": {"cpu": "2"}}],
    [{"type": "Container", "max": {"cpu": "1"}}],
    "what runs stays; what is new must fit",
)
for kind in ("ResourceQuota", "LimitRange"):
    case(("", kind), spec("limits"), None, [{"type": "Pod"}], "what runs stays; what is new must fit")
case(("example.com", "Unknown"), spec("anything"), 1, 2)


# -- The tests --------------------------------------------------------------------------------------------------


def body_of(given: Case, path: Path, value: Any) -> dict[str, Any]:
    """The object with the value at the path, and all that the case says it holds."""
    group, kind = given.kind
    body: dict[str, Any] = {"apiVersion": f"{group}/v1".lstrip("/"), "kind": kind, "metadata": {"name": NAME}}
    for place, held in [*given.live.items(), (path, value)]:
        if held is None:
            continue
        inner = body
        for part in place[:-1]:
            inner = inner.setdefault(str(part), {})
        inner[str(place[-1])] = copy.deepcopy(held)
    return body


def release_of(given: Case, kubeflow: Release) -> Release:
    return kubeflow._replace(components={**kubeflow.components, **VERSIONS, **given.components})


def change_of(given: Case, path: Path) -> tuple[Moment, list[tuple[Path, Any, Any]]]:
    before, after = body_of(given, path, given.old), body_of(given, path, given.new)
    return Moment(before, after, given.beside), [(path, given.old, given.new)]


def rows_spoken(given: Case, kubeflow: Release, path: Path | None = None) -> list[Effect]:
    moment, changes = change_of(given, path or given.path)
    return [
        row for row, _ in spoken(GVK(given.kind[0], "v1", given.kind[1]), changes, moment, release_of(given, kubeflow))
    ]


@pytest.mark.parametrize("given", CASES, ids=str)
def test_a_change_is_told_in_whole_sentences(given: Case, kubeflow: Release) -> None:
    moment, changes = change_of(given, given.path)
    said = effects(GVK(given.kind[0], "v1", given.kind[1]), changes, moment, release_of(given, kubeflow))
    assert tuple(each.words for each in said) == given.words


@pytest.mark.parametrize("given", CASES, ids=str)
def test_the_smallest_steps_of_the_change_say_the_same(given: Case, kubeflow: Release) -> None:
    moment, _ = change_of(given, given.path)
    steps = list(leaves((), moment.before, moment.after))
    said = effects(GVK(given.kind[0], "v1", given.kind[1]), steps, moment, release_of(given, kubeflow))
    assert tuple(each.words for each in said) == given.words
    backwards = effects(GVK(given.kind[0], "v1", given.kind[1]), steps[::-1], moment, release_of(given, kubeflow))
    assert backwards == said


def fits(row: Effect, path: Path) -> bool:
    return len(row.path) <= len(path) and all(a in ("*", b) for a, b in zip(row.path, path, strict=False))


ROWS = [(kind, n, row) for kind in kinds.LIVE for n, row in enumerate(kinds.live(*kind).EFFECTS)]


@pytest.mark.parametrize(("kind", "number", "row"), ROWS, ids=[f"{k[1]}-{n}" for k, n, _ in ROWS])
def test_every_row_speaks_where_it_should_and_nowhere_else(
    kind: tuple[str, str], number: int, row: Effect, kubeflow: Release
) -> None:
    assert row.source
    assert row.words[:1].islower() or row.words.split()[0] in ("Katib", "Kubeflow", "Kueue", "PodDefaults")
    assert not row.words.endswith(".")
    row.words.format(old="", new="")
    firing = [c for c in CASES if c.kind == kind and any(each is row for each in rows_spoken(c, kubeflow))]
    assert firing, "no case fires this row: add one"
    for given in firing:
        if len(given.path) >= len(row.path):
            beside: Path = (*row.path[:-1], "sibling", *given.path[len(row.path) :])
            beside = tuple(have if want == "*" else want for want, have in zip(beside, (*given.path, ""), strict=False))
            assert all(each is not row for each in rows_spoken(given, kubeflow, beside))
    if row.when is not None:
        silent = [
            c
            for c in CASES
            if c.kind == kind
            and any(fits(row, leaf.path) for leaf in leaves(c.path, c.old, c.new))
            and not row.when(change_of(c, c.path)[0])
        ]
        assert silent, "no case shows when this row is silent: add one"
    if row.versions:
        others = [
            v
            for v in ("0.14.1", "0.15.2", "0.16.0", "1.8.1", "1.9.1", "2.1.0", "2.2.0", "2.4.0", "9.0")
            if v not in SpecifierSet(row.versions)
        ]
        assert others
        component = component_of(*kind)
        assert component is not None
        for version in others:
            older = firing[0]._replace(components={component: version})
            assert all(each is not row for each in rows_spoken(older, kubeflow))


def test_every_kind_that_a_block_makes_has_a_table() -> None:
    made = {
        (gvk.group, gvk.kind)
        for modules in kinds.BLOCKS.values()
        for m in modules.values()
        for gvk in kinds.load(m).PRODUCES
    }
    assert made - kinds.LIVE.keys() == set()
    assert kinds.OBJECT_KINDS.keys() - kinds.LIVE.keys() == set()
    assert kinds.RUNS - kinds.LIVE.keys() == set()


def test_a_table_is_read_when_an_object_of_its_kind_changes() -> None:
    """A project without Spark never imports Spark's table."""
    program = """
import sys
from kfspec import kinds
import kfspec.effects
kinds.live("kubeflow.org", "Notebook")
kinds.live("", "ConfigMap")
print(sorted({name.split(".")[2] for name in sys.modules if name.startswith("kfspec.kinds.")}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(ast.literal_eval(done.stdout))
    assert loaded >= {"notebook", "kubernetes"}
    assert not loaded & {"spark", "katib", "kserve", "training", "trainer", "argo", "pipelines", "kubeflow", "istio"}


def test_a_row_for_some_versions_is_silent_where_the_component_is_unknown(kubeflow: Release) -> None:
    moment = Moment({"spec": {"trainer": {"numNodes": 1}}}, {"spec": {"trainer": {"numNodes": 2}}}, frozenset())
    said = effects(
        GVK("trainer.kubeflow.org", "v1alpha1", "TrainJob"), [(("spec", "trainer", "numNodes"), 1, 2)], moment, kubeflow
    )
    assert [each.words for each in said] == ["pods that run stay as they are; run the change under another name"]


def test_outcomes_go_with_the_words(kubeflow: Release) -> None:
    said = {}
    for given in CASES:
        moment, changes = change_of(given, given.path)
        for each in effects(GVK(given.kind[0], "v1", given.kind[1]), changes, moment, release_of(given, kubeflow)):
            said[each.words] = each.outcome
    assert said["restarts the notebook server; unsaved kernel state is lost"] is Outcome.LOSES
    assert {w for w, outcome in said.items() if outcome is Outcome.IGNORED} == {
        "the controller ignores another logspath, so the Tensorboard is deleted and made again: it keeps nothing of its own",
        "the webhook refuses another claim, since the pod it once wrote has old; so the viewer is deleted and made again",
        "the operator takes no change of a server that runs, so it is deleted and made again: whoever is connected loses the session",
        ANEW,
    }
    refused = {words for words, outcome in said.items() if outcome is Outcome.REFUSED}
    assert {words for words in said if "cannot" in words} - refused == {
        "from now on the ConfigMap cannot change",
        "from now on the Secret cannot change",
    }


HURTS = {
    Outcome.LOSES: {
        "changes everybody's dashboard at the next page load; links that others added and the spec does not say are lost",
        "ends the workflow",
        "kills the driver, and runs the application again from the beginning: any change does",
        "restarts the notebook server; unsaved kernel state is lost",
        "stops the application: driver and executors are deleted",
        "stops the job: its pods are deleted, and what they had not saved is lost",
        "stops the notebook server; unsaved kernel state is lost",
        "stops trials that run, until {new} are left of {old}",
    },
    Outcome.DISRUPTS: {
        "Katib refuses new experiments in the namespace, and no longer reads the metrics of new trials",
        "Kubeflow Pipelines no longer keeps up its objects in the namespace",
        "PodDefaults no longer apply to new pods of the namespace",
        "changes everybody's dashboard at the next page load",
        "changes the address of the viewer",
        "deletes the job {new} s after its end; whoever applies it then runs it again",
        "hands the job over to {new}; {old} no longer looks after it",
        "moves the model from server {old} to {new}",
        "moves the owner's RoleBinding and AuthorizationPolicy from {old} to {new}",
        "new connections go by the changed ports",
        "new connections go to other pods",
        "new pods get no sidecar, and with it no identity in the mesh; pods that run keep theirs",
        "restarts the pods, node after node",
        "restarts the pods, one after the other",
        "restarts the viewer",
        "restarts the viewer, on {new}",
        "rolls every model server that uses it, at once",
        "runs the application again from the beginning, though it is over: any change does",
        "starts or stops pods until there are {new}, not {old}; those that run keep the world size they began with",
        "starts the servers anew in the other mode; those of the old mode run on until the InferenceService is deleted",
        "stops all pods, and then starts new ones",
        "stops the servers; requests fail",
        "the dashboard shows nobody's access to the namespace any more: a contributor's binding needs exactly one subject",
        "the owner's RoleBinding names a subject of another kind",
        "the profile controller stops looking after the namespace until its Profile names {new} as the owner",
        "the server loads the model anew",
    },
}


@pytest.mark.parametrize("outcome", HURTS)
def test_what_hurts_is_marked(outcome: Outcome) -> None:
    assert {row.words for _, _, row in ROWS if row.outcome is outcome} == HURTS[outcome]


JUNK: list[Any] = [None, "text", 7, True, [], [1, None], {}, {"a": 1}]


@pytest.mark.parametrize("kind", sorted(kinds.LIVE), ids=lambda k: k[1])
def test_no_condition_fails_on_strange_objects(kind: tuple[str, str]) -> None:
    wheres = {row.path for row in kinds.live(*kind).EFFECTS} | {("status",), ("status", "conditions")}
    for junk in JUNK:
        bodies = [
            {
                "metadata": {"name": NAME, "labels": junk, "annotations": junk},
                "spec": junk,
                "status": junk,
                "subjects": junk,
            }
        ]
        for path in wheres:
            given = Case(kind, path, junk, junk, (), {}, frozenset(), {})
            bodies.append(body_of(given, tuple("x" if part == "*" else part for part in path), junk))
        for row in kinds.live(*kind).EFFECTS:
            for body in bodies:
                assert row.when is None or isinstance(row.when(Moment(body, body, frozenset())), bool)


@pytest.mark.parametrize(
    ("old", "new", "steps"),
    [
        (None, {"a": {"b": 1}, "c": []}, [Leaf(("x", "a", "b"), None, 1), Leaf(("x", "c"), None, [])]),
        ({"a": 1}, "text", [Leaf(("x", "a"), 1, None), Leaf(("x",), None, "text")]),
        ([1, 2], [2, 1], [Leaf(("x", 0), 1, 2), Leaf(("x", 1), 2, 1)]),
        (
            [{"name": "a", "v": 1}, {"name": "b", "v": 2}],
            [{"name": "b", "v": 3}],
            [Leaf(("x", 0, "name"), "a", None), Leaf(("x", 0, "v"), 1, None), Leaf(("x", 0, "v"), 2, 3)],
        ),
        (
            [{"name": "a"}, {"name": "b"}],
            [{"name": "b"}, {"name": "a"}],
            [Leaf(("x",), [{"name": "a"}, {"name": "b"}], [{"name": "b"}, {"name": "a"}])],
        ),
        (None, None, [Leaf(("x",), None, None)]),
    ],
)
def test_a_change_is_taken_apart(old: Any, new: Any, steps: list[Leaf]) -> None:
    assert list(leaves(("x",), old, new)) == steps


REFUSALS: list[tuple[dict[str, Any], dict[str, Any] | None, Path, Any, str]] = []
"""(object, status, path, new value, words of the API server)."""


def pod(image: str = "x") -> dict[str, Any]:
    return {"metadata": {"labels": {"a": "1"}}, "spec": {"containers": [{"name": "c", "image": image}]}}


def refusal(
    kind: tuple[str, str], rest: dict[str, Any], path: Path, new: Any, message: str, status: Any = None
) -> None:
    api_version = {"kubeflow.org": "kubeflow.org/v1", "": "v1"}.get(kind[0], f"{kind[0]}/v1")
    REFUSALS.append(({"apiVersion": api_version, "kind": kind[1], **rest}, status, path, new, message))


CLAIM = {
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast",
        "resources": {"requests": {"storage": "10Gi"}},
    }
}
refusal(("", "PersistentVolumeClaim"), CLAIM, STORAGE, "20Gi", "spec is immutable after creation")
refusal(
    ("", "PersistentVolumeClaim"),
    CLAIM,
    spec("volumeMode"),
    "Block",
    "spec is immutable after creation",
    {"phase": "Bound"},
)
refusal(
    ("", "PersistentVolumeClaim"),
    CLAIM,
    STORAGE,
    "5Gi",
    "field can not be less than status.capacity",
    {"phase": "Bound", "capacity": {"storage": "10Gi"}},
)
ROLE = {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}, "subjects": []}
refusal(("rbac.authorization.k8s.io", "RoleBinding"), ROLE, ("roleRef", "name"), "edit", "field is immutable")
refusal(
    ("", "ConfigMap"),
    {"immutable": True, "data": {"a": "1"}},
    ("data", "a"),
    "2",
    "field is immutable when `immutable` is set",
)
refusal(
    ("", "ConfigMap"),
    {"immutable": True, "data": {"a": "1"}},
    ("immutable",),
    False,
    "field is immutable when `immutable` is set",
)
refusal(
    ("", "Secret"),
    {"immutable": True, "data": {"a": "eA=="}},
    ("data", "a"),
    "eQ==",
    "field is immutable when `immutable` is set",
)
refusal(("", "Secret"), {"type": "a/b", "data": {}}, ("type",), "a/c", "field is immutable")
SELECTS = {"selector": {"matchLabels": {"a": "1"}}, "template": pod()}
refusal(
    ("apps", "Deployment"),
    {"spec": SELECTS},
    spec("selector", "matchLabels"),
    {"a": "1", "b": "2"},
    "field is immutable",
)
refusal(
    ("apps", "DaemonSet"),
    {"spec": SELECTS},
    spec("selector", "matchLabels"),
    {"a": "1", "b": "2"},
    "field is immutable",
)
refusal(
    ("apps", "StatefulSet"), {"spec": {**SELECTS, "serviceName": "a"}}, spec("serviceName"), "b", "field is immutable"
)
JOB = pod()
JOB["spec"]["restartPolicy"] = "Never"
refusal(
    ("batch", "Job"),
    {"spec": {"template": JOB}},
    spec("template", "spec", "serviceAccountName"),
    "b",
    "field is immutable",
)
refusal(("batch", "Job"), {"spec": {"template": JOB}}, spec("completionMode"), "Indexed", "field is immutable")
refusal(
    ("", "Service"),
    {"spec": {"ports": [{"port": 80}], "clusterIP": "10.0.0.77"}},
    spec("clusterIP"),
    "10.0.0.78",
    "may not change once set",
)
TORCH = {"template": {"spec": {"containers": [{"name": "pytorch", "image": "x"}]}}}
QUEUED = {"pytorchReplicaSpecs": {"Master": TORCH}, "runPolicy": {"schedulingPolicy": {"queue": "a"}}}
refusal(
    ("kubeflow.org", "PyTorchJob"),
    {"spec": QUEUED},
    spec("runPolicy", "schedulingPolicy", "queue"),
    "b",
    "spec.runPolicy.schedulingPolicy.queue is immutable",
)


TAKEN: list[tuple[dict[str, Any], dict[str, Any] | None, Path, Any, Outcome | None]] = []
"""(object, status, path, new value, outcome that the table names): what is near a refusal, and none."""


def taken(
    kind: tuple[str, str], rest: dict[str, Any], path: Path, new: Any, outcome: Outcome | None, status: Any = None
) -> None:
    api_version = {"kubeflow.org": "kubeflow.org/v1", "": "v1"}.get(kind[0], f"{kind[0]}/v1")
    TAKEN.append(({"apiVersion": api_version, "kind": kind[1], **rest}, status, path, new, outcome))


ASKED = copy.deepcopy(CLAIM)
ASKED["spec"]["resources"]["requests"]["storage"] = "20Gi"
HAS = {"phase": "Bound", "capacity": {"storage": "10Gi"}}
taken(("", "PersistentVolumeClaim"), ASKED, STORAGE, "15Gi", Outcome.TAKES, HAS)
taken(("", "PersistentVolumeClaim"), ASKED, spec("volumeAttributesClassName"), "gold", Outcome.TAKES, HAS)
taken(
    ("rbac.authorization.k8s.io", "RoleBinding"),
    ROLE,
    ("subjects",),
    [{"kind": "ServiceAccount", "name": "a"}],
    Outcome.TAKES,
)
RULE = {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]}
taken(("rbac.authorization.k8s.io", "Role"), {"rules": [RULE]}, ("rules",), [], Outcome.TAKES)
taken(("", "ConfigMap"), {"data": {"a": "1"}}, ("data", "a"), "2", Outcome.LATER)
taken(("", "ConfigMap"), {"data": {"a": "1"}}, ("immutable",), True, Outcome.TAKES)
taken(
    ("apps", "Deployment"),
    {"spec": SELECTS},
    spec("template", "spec", "containers"),
    [{"name": "c", "image": "y"}],
    Outcome.TAKES,
)
taken(("apps", "StatefulSet"), {"spec": {**SELECTS, "serviceName": "a"}}, spec("minReadySeconds"), 5, Outcome.LATER)
taken(("batch", "Job"), {"spec": {"template": JOB}}, spec("suspend"), True, Outcome.LOSES)
HELD = {"spec": {"template": JOB, "suspend": True}}
taken(("batch", "Job"), HELD, spec("template", "spec", "nodeSelector"), {"zone": "a"}, None)
UNQUEUED = {"spec": {"pytorchReplicaSpecs": {"Master": TORCH}, "runPolicy": {"schedulingPolicy": {"minAvailable": 1}}}}
taken(("kubeflow.org", "PyTorchJob"), UNQUEUED, spec("runPolicy", "schedulingPolicy", "queue"), "b", Outcome.LATER)


def changed(body: dict[str, Any], path: Path, new: Any) -> dict[str, Any]:
    result = copy.deepcopy(body)
    inner = result
    for part in path[:-1]:
        inner = inner.setdefault(str(part), {})
    inner[str(path[-1])] = new
    return result


def tried(
    plane: ControlPlane, body: dict[str, Any], status: dict[str, Any] | None, path: Path, new: Any
) -> tuple[dict[str, Any], Answer]:
    """The object as it is stored, with that status; and what the API server answers to the change."""
    (made,) = plane.apply([body])
    assert made.status == 201, made.message
    live = made.body
    if status is not None:
        where = f"{plane.path_of(body)}/status"
        done = plane.request("PATCH", where, {"status": status}, "application/merge-patch+json")
        assert done.status == 200, done.message
        live = done.body
    (answer,) = plane.apply([changed(body, path, new)], dry_run=True)
    return live, answer


def outcomes(live: dict[str, Any], after: dict[str, Any], kubeflow: Release) -> list[Outcome]:
    group, _, version = live["apiVersion"].rpartition("/")
    moment = Moment(live, after, frozenset())
    return [each.outcome for each in effects(GVK(group, version, live["kind"]), [((), live, after)], moment, kubeflow)]


@pytest.mark.apiserver
@pytest.mark.parametrize(
    ("given", "status", "path", "new", "message"), REFUSALS, ids=[f"{r[0]['kind']}-{r[2][-1]}-{r[3]}" for r in REFUSALS]
)
def test_the_api_server_refuses_what_the_tables_call_refused(
    given: dict[str, Any],
    status: dict[str, Any] | None,
    path: Path,
    new: Any,
    message: str,
    controlplane: ControlPlane,
    namespace: str,
    kubeflow: Release,
) -> None:
    body = {**given, "metadata": {"name": NAME, "namespace": namespace}}
    live, answer = tried(controlplane, body, status, path, new)
    assert answer.status == 422
    assert message in answer.message
    assert outcomes(live, changed(live, path, new), kubeflow) == [Outcome.REFUSED]


@pytest.mark.apiserver
@pytest.mark.parametrize(
    ("given", "status", "path", "new", "outcome"), TAKEN, ids=[f"{t[0]['kind']}-{t[2][-1]}" for t in TAKEN]
)
def test_the_api_server_takes_what_the_tables_do_not_call_refused(
    given: dict[str, Any],
    status: dict[str, Any] | None,
    path: Path,
    new: Any,
    outcome: Outcome | None,
    controlplane: ControlPlane,
    namespace: str,
    kubeflow: Release,
) -> None:
    body = {**given, "metadata": {"name": NAME, "namespace": namespace}}
    live, answer = tried(controlplane, body, status, path, new)
    assert answer.status == 200, answer.message
    before, after = (
        {k: v for k, v in each.items() if k != "metadata"} | {"metadata": {"name": NAME}}
        for each in (live, answer.body)
    )
    assert outcomes(before, after, kubeflow) == ([outcome] if outcome is not None else [])


def test_differences_are_those_of_the_differ() -> None:
    """A step is never lost: what the differ finds, the leaves hold."""
    for given in CASES:
        moment, _ = change_of(given, given.path)
        operations = {operation.path for operation in diff(moment.before, moment.after)}
        steps = [leaf.path for leaf in leaves((), moment.before, moment.after)]
        assert all(any(step[: len(path)] == path for step in steps) for path in operations)
