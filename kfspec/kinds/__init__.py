"""The explicit table of blocks. A kind's module is imported when a spec uses it, not before."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

from kfspec.resource import GVK

if TYPE_CHECKING:
    from kfspec.kinds.base import Kind, Live

BLOCKS: dict[str, dict[str, str]] = {
    "profiles": {"": "profile"},
    "volumes": {"": "volume"},
    "podDefaults": {"": "poddefault"},
    "notebooks": {"": "notebook"},
    "servingRuntimes": {"": "kserve.servingruntime"},
    "inferenceServices": {"": "inferenceservice"},
    "inferenceGraphs": {"": "kserve.inferencegraph"},
    "trainedModels": {"": "kserve.trainedmodel"},
    "modelCaches": {"": "kserve.modelcache"},
    "trainingRuntimes": {"": "trainer.trainingruntime"},
    "trainingJobs": {
        "PyTorchJob": "training.pytorchjob",
        "TFJob": "training.tfjob",
        "XGBoostJob": "training.xgboostjob",
        "MPIJob": "training.mpijob",
        "PaddleJob": "training.paddlejob",
        "JAXJob": "training.jaxjob",
        "MXJob": "training.mxjob",
        "TrainJob": "trainer.trainjob",
    },
    "experiments": {"": "katib.experiment"},
    "sparkApplications": {"": "spark.sparkapplication"},
    "sparkConnects": {"": "spark.sparkconnect"},
    "tensorboards": {"": "kubeflow.tensorboard"},
    "pipelines": {"": "pipelines.pipeline"},
    "models": {"": "model"},
    "resources": {"": "resources"},
}
"""Block -> value of the item's `kind:` ("" where the block has one kind) -> module below `kfspec.kinds`."""

OBJECT_KINDS: dict[tuple[str, str], str] = {
    ("", "LimitRange"): "kubernetes.limitrange",
    ("", "PersistentVolumeClaim"): "volume",
    ("kubeflow.org", "Profile"): "profile",
    ("kubeflow.org", "Notebook"): "notebook",
    ("kubeflow.org", "PodDefault"): "poddefault",
    ("kubeflow.org", "PVCViewer"): "kubeflow.pvcviewer",
    ("tensorboard.kubeflow.org", "Tensorboard"): "kubeflow.tensorboard",
    ("sparkoperator.k8s.io", "SparkApplication"): "spark.rules",
    ("sparkoperator.k8s.io", "ScheduledSparkApplication"): "spark.rules",
    ("sparkoperator.k8s.io", "SparkConnect"): "spark.rules",
    ("kubeflow.org", "Experiment"): "katib.rules",
    ("pipelines.kubeflow.org", "PipelineVersion"): "pipelines.pipelineversion",
    ("kubeflow.org", "PyTorchJob"): "training.pytorchjob",
    ("kubeflow.org", "TFJob"): "training.tfjob",
    ("kubeflow.org", "XGBoostJob"): "training.xgboostjob",
    ("kubeflow.org", "MPIJob"): "training.mpijob",
    ("kubeflow.org", "PaddleJob"): "training.paddlejob",
    ("kubeflow.org", "JAXJob"): "training.jaxjob",
    ("kubeflow.org", "MXJob"): "training.mxjob",
    ("trainer.kubeflow.org", "TrainJob"): "trainer.trainjob",
    ("trainer.kubeflow.org", "TrainingRuntime"): "trainer.trainingruntime",
    ("trainer.kubeflow.org", "ClusterTrainingRuntime"): "trainer.trainingruntime",
    ("serving.kserve.io", "InferenceService"): "kserve.rules",
    ("serving.kserve.io", "ServingRuntime"): "kserve.servingruntime",
    ("serving.kserve.io", "ClusterServingRuntime"): "kserve.servingruntime",
    ("serving.kserve.io", "InferenceGraph"): "kserve.inferencegraph",
    ("serving.kserve.io", "TrainedModel"): "kserve.trainedmodel",
    ("serving.kserve.io", "LocalModelCache"): "kserve.modelcache",
    ("serving.kserve.io", "LLMInferenceService"): "kserve.llminferenceservice",
}
"""(group, kind) of a Kubernetes object -> the module whose rules judge it, whichever way it came to be."""

COMPILED: tuple[GVK, ...] = (
    GVK("", "v1", "Namespace"),
    GVK("kubeflow.org", "v1", "Profile"),
    GVK("", "v1", "LimitRange"),
    GVK("rbac.authorization.k8s.io", "v1", "Role"),
    GVK("rbac.authorization.k8s.io", "v1", "RoleBinding"),
    GVK("security.istio.io", "v1beta1", "AuthorizationPolicy"),
    GVK("", "v1", "ConfigMap"),
    GVK("", "v1", "PersistentVolumeClaim"),
    GVK("kubeflow.org", "v1alpha1", "PodDefault"),
    GVK("kubeflow.org", "v1", "Notebook"),
    GVK("serving.kserve.io", "v1alpha1", "ServingRuntime"),
    GVK("serving.kserve.io", "v1alpha1", "ClusterServingRuntime"),
    GVK("serving.kserve.io", "v1beta1", "InferenceService"),
    GVK("serving.kserve.io", "v1alpha1", "InferenceGraph"),
    GVK("serving.kserve.io", "v1alpha1", "TrainedModel"),
    GVK("serving.kserve.io", "v1alpha1", "LocalModelCache"),
    GVK("kubeflow.org", "v1", "PyTorchJob"),
    GVK("kubeflow.org", "v1", "TFJob"),
    GVK("kubeflow.org", "v1", "XGBoostJob"),
    GVK("kubeflow.org", "v1", "MPIJob"),
    GVK("kubeflow.org", "v1", "PaddleJob"),
    GVK("kubeflow.org", "v1", "JAXJob"),
    GVK("kubeflow.org", "v1", "MXJob"),
    GVK("trainer.kubeflow.org", "v1alpha1", "ClusterTrainingRuntime"),
    GVK("trainer.kubeflow.org", "v1alpha1", "TrainingRuntime"),
    GVK("trainer.kubeflow.org", "v1alpha1", "TrainJob"),
    GVK("kubeflow.org", "v1beta1", "Experiment"),
    GVK("kubeflow.org", "v1alpha1", "PVCViewer"),
    GVK("tensorboard.kubeflow.org", "v1alpha1", "Tensorboard"),
    GVK("sparkoperator.k8s.io", "v1beta2", "SparkApplication"),
    GVK("sparkoperator.k8s.io", "v1beta2", "ScheduledSparkApplication"),
    GVK("sparkoperator.k8s.io", "v1alpha1", "SparkConnect"),
    GVK("pipelines.kubeflow.org", "v2beta1", "Pipeline"),
    GVK("pipelines.kubeflow.org", "v2beta1", "PipelineVersion"),
    GVK("batch", "v1", "CronJob"),
    GVK("batch", "v1", "Job"),
)
"""All that the blocks' modules say they produce: where a project's objects are looked for, without loading a module."""

LIVE: dict[tuple[str, str], str] = {
    ("kubeflow.org", "Profile"): "profile",
    ("kubeflow.org", "Notebook"): "notebook",
    ("kubeflow.org", "PodDefault"): "poddefault",
    ("kubeflow.org", "PVCViewer"): "kubeflow.pvcviewer",
    ("kubeflow.org", "Experiment"): "katib.experiment",
    ("kubeflow.org", "PyTorchJob"): "training.pytorchjob",
    ("kubeflow.org", "TFJob"): "training.tfjob",
    ("kubeflow.org", "XGBoostJob"): "training.xgboostjob",
    ("kubeflow.org", "MPIJob"): "training.mpijob",
    ("kubeflow.org", "PaddleJob"): "training.paddlejob",
    ("kubeflow.org", "JAXJob"): "training.jaxjob",
    ("kubeflow.org", "MXJob"): "training.mxjob",
    ("tensorboard.kubeflow.org", "Tensorboard"): "kubeflow.tensorboard",
    ("serving.kserve.io", "InferenceService"): "inferenceservice",
    ("serving.kserve.io", "InferenceGraph"): "kserve.inferencegraph",
    ("serving.kserve.io", "TrainedModel"): "kserve.trainedmodel",
    ("serving.kserve.io", "ServingRuntime"): "kserve.servingruntime",
    ("serving.kserve.io", "ClusterServingRuntime"): "kserve.servingruntime",
    ("serving.kserve.io", "LocalModelCache"): "kserve.modelcache",
    ("serving.kserve.io", "LLMInferenceService"): "kserve.llminferenceservice",
    ("pipelines.kubeflow.org", "Pipeline"): "pipelines.pipeline",
    ("pipelines.kubeflow.org", "PipelineVersion"): "pipelines.pipelineversion",
    ("trainer.kubeflow.org", "TrainJob"): "trainer.trainjob",
    ("trainer.kubeflow.org", "TrainingRuntime"): "trainer.trainingruntime",
    ("trainer.kubeflow.org", "ClusterTrainingRuntime"): "trainer.trainingruntime",
    ("sparkoperator.k8s.io", "SparkApplication"): "spark.sparkapplication",
    ("sparkoperator.k8s.io", "ScheduledSparkApplication"): "spark.scheduledsparkapplication",
    ("sparkoperator.k8s.io", "SparkConnect"): "spark.sparkconnect",
    ("argoproj.io", "Workflow"): "argo.workflow",
    ("argoproj.io", "CronWorkflow"): "argo.cronworkflow",
    ("argoproj.io", "WorkflowTemplate"): "argo.workflowtemplate",
    ("security.istio.io", "AuthorizationPolicy"): "istio.authorizationpolicy",
    ("rbac.authorization.k8s.io", "Role"): "kubernetes.role",
    ("rbac.authorization.k8s.io", "ClusterRole"): "kubernetes.role",
    ("rbac.authorization.k8s.io", "RoleBinding"): "kubernetes.rolebinding",
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): "kubernetes.rolebinding",
    ("apps", "Deployment"): "kubernetes.deployment",
    ("apps", "StatefulSet"): "kubernetes.statefulset",
    ("apps", "DaemonSet"): "kubernetes.daemonset",
    ("batch", "Job"): "kubernetes.job",
    ("batch", "CronJob"): "kubernetes.cronjob",
    ("", "Namespace"): "kubernetes.namespace",
    ("", "PersistentVolumeClaim"): "volume",
    ("", "ConfigMap"): "kubernetes.configmap",
    ("", "Secret"): "kubernetes.secret",
    ("", "Service"): "kubernetes.service",
    ("", "ServiceAccount"): "kubernetes.serviceaccount",
    ("", "ResourceQuota"): "kubernetes.resourcequota",
    ("", "LimitRange"): "kubernetes.limitrange",
}
"""(group, kind) of a Kubernetes object -> the module that tells what a change of it does, and how far it is."""

RUNS: frozenset[tuple[str, str]] = frozenset(
    {
        ("kubeflow.org", "Experiment"),
        ("kubeflow.org", "PyTorchJob"),
        ("kubeflow.org", "TFJob"),
        ("kubeflow.org", "XGBoostJob"),
        ("kubeflow.org", "MPIJob"),
        ("kubeflow.org", "PaddleJob"),
        ("kubeflow.org", "JAXJob"),
        ("kubeflow.org", "MXJob"),
        ("trainer.kubeflow.org", "TrainJob"),
        ("sparkoperator.k8s.io", "SparkApplication"),
        ("argoproj.io", "Workflow"),
        ("batch", "Job"),
    }
)
"""(group, kind) of what runs to an end, and does not run again."""


@cache
def load(module: str) -> Kind:
    """The kind's module."""
    return cast("Kind", import_module(f"kfspec.kinds.{module}"))


def live(group: str, kind: str) -> Live:
    """The module that speaks of live objects of a kind; of one that is in no table, what `resources` says of any."""
    return load(LIVE.get((group, kind), "resources"))
