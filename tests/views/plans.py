"""Plans made by hand: every action, every reason and every outcome at least once."""

from __future__ import annotations

from typing import Any

from kfspec.diagnostics import Diagnostic, Pos, Severity
from kfspec.kinds.base import Outcome
from kfspec.live import APPLIERS, Conflict, Source, Verb
from kfspec.planning import Action, Change, Delta, Plan, Reason, Said, Service, ServiceStep
from kfspec.planning.deltas import MASKED
from kfspec.resource import ObjectRef

KSERVE = "serving.kserve.io"
KUBEFLOW = "kubeflow.org"

TRAIN_OLD = """\
import argparse
import torch

def main():
    model = torch.nn.Linear(4, 2)
    for epoch in range(10):
        step(model)
    save(model)

main()
"""
TRAIN_NEW = TRAIN_OLD.replace("range(10)", "range(args.epochs)").replace(
    "def main():\n", "def main():\n    args = parse()\n"
)


def ref(kind: str, name: str, namespace: str = "fraud", group: str = KUBEFLOW) -> ObjectRef:
    """An object of the project."""
    return ObjectRef(group, kind, namespace, name)


def pos(line: int, column: int = 3) -> Pos:
    """A place in the spec."""
    return Pos("kfspec.yaml", line, column, line, column + 6)


NAMESPACE = ref("Namespace", "fraud", "", "")
CREATE = (
    Change(NAMESPACE, Action.CREATE, Reason.MISSING, item="profiles.fraud", pos=pos(9), stage="stage-1"),
    Change(
        ref("Profile", "fraud", ""), Action.CREATE, Reason.MISSING, item="profiles.fraud", pos=pos(9), stage="stage-1"
    ),
    Change(
        ref("Notebook", "explore"),
        Action.CREATE,
        Reason.AFTER,
        after=(NAMESPACE, ref("PersistentVolumeClaim", "features", group="")),
        item="notebooks.explore",
        pos=pos(24),
        stage="stage-2",
        predicted=True,
    ),
    Change(
        ref("PersistentVolumeClaim", "features-v2", group=""),
        Action.CREATE,
        Reason.RENAMED,
        "features",
        item="volumes.features-v2",
        pos=pos(20),
        stage="stage-2",
    ),
)
RUNS = (
    Change(
        ref("PyTorchJob", "train-5d2a91c0"),
        Action.RUN,
        Reason.SUPERSEDES,
        "train-0f3b77aa",
        (Said("starts a new run; the one before is kept", Outcome.TAKES, "design 1.6"),),
        item="trainingJobs.train",
        pos=pos(31),
        stage="stage-2",
    ),
    Change(
        ref("Experiment", "tune-93bb20f1"),
        Action.RUN,
        Reason.MISSING,
        item="experiments.tune",
        pos=pos(40),
        stage="stage-2",
    ),
)
SCORER = Change(
    ref("InferenceService", "scorer", group=KSERVE),
    Action.UPDATE,
    Reason.BOTH,
    effects=(
        Said("rolls a new revision", Outcome.TAKES, "kserve 0.15.0, pkg/controller/v1beta1/inferenceservice"),
        Said("shifts traffic from 10 % to 50 %", Outcome.TAKES, "kserve 0.15.0, ksvc_reconciler.go"),
        Said("the model server restarts in place, requests in flight are cut", Outcome.DISRUPTS, "executed"),
    ),
    deltas=(
        Delta("replace", "spec.predictor.canaryTrafficPercent", 10, 50),
        Delta("replace", "spec.predictor.minReplicas", 5, 3, ("kubectl-edit",), True),
        Delta("replace", "spec.predictor.model.storageUri", "gs://acme-dev/scorer/v7", "gs://acme-prod/scorer/v8"),
        Delta(
            "add",
            "spec.predictor.model.env",
            None,
            [{"name": "LOG_LEVEL", "value": "debug"}, {"name": "N", "value": "1"}],
        ),
        Delta("add", "spec.predictor.model.resources.limits.cpu", None, "4", (), True),
        Delta("remove", "spec.predictor.timeout", 60, None, ("kube-scheduler-tuner",)),
        Delta("remove", "metadata.labels.team", "red", None, ("argocd-controller", "kubectl-edit"), True),
    ),
    conflicts=(
        Conflict("kubectl-edit", ".spec.predictor.minReplicas"),
        Conflict("hpa-controller", ".spec.predictor.maxReplicas"),
        Conflict("kubectl-edit", ".spec.predictor.scaleTarget"),
    ),
    item="inferenceServices.scorer",
    pos=pos(44),
    stage="stage-2",
)
UPDATES = (
    SCORER,
    Change(
        ref("Notebook", "looked-at"),
        Action.UPDATE,
        Reason.AFTER,
        after=(NAMESPACE,),
        item="notebooks.looked-at",
        pos=pos(50),
        stage="stage-2",
        verb=Verb.NONE,
    ),
    Change(
        ref("ConfigMap", "settings", group=""),
        Action.UPDATE,
        Reason.SPEC,
        effects=(Said("pods that mount it see it within a minute", Outcome.LATER, "kubelet"),),
        deltas=(
            Delta("replace", "data[train.py]", TRAIN_OLD, TRAIN_NEW),
            Delta(
                "replace",
                "data.url",
                "https://example.com/" + "a" * 200 + "?v=1",
                "https://example.com/" + "a" * 200 + "?v=2",
            ),
            Delta("add", "data.words", None, "".join(f"word {n}\n" for n in range(40))),
            Delta("remove", "data.old", {"a": {"b": [1, 2, {"c": None}]}, "d": "x"}, None),
        ),
        item="resources.settings",
        pos=pos(60),
        stage="stage-2",
        verb=Verb.UPDATE,
    ),
    Change(
        ref("PodDefault", "gpu"),
        Action.UPDATE,
        Reason.DRIFT,
        deltas=(Delta("replace", "spec.desc", "mine now", "GPU nodes", ("kubectl-edit",), True),),
        item="podDefaults.gpu",
        pos=pos(66),
        stage="stage-2",
    ),
)
REPLACES = (
    Change(
        ref("Notebook", "lab"),
        Action.REPLACE,
        Reason.IGNORED,
        effects=(
            Said(
                "the notebook restarts, unsaved kernel state is lost",
                Outcome.LOSES,
                "notebooks 1.10.0, notebook_controller.go",
            ),
            Said("labels of pods are only set when the StatefulSet is made", Outcome.IGNORED, "executed"),
        ),
        deltas=(Delta("replace", "metadata.labels.team", "red", "blue"),),
        item="notebooks.lab",
        pos=pos(28),
        stage="stage-2",
    ),
    Change(
        ref("TensorBoard", "logs", group="tensorboard.kubeflow.org"),
        Action.REPLACE,
        Reason.RIGHTS,
        deltas=(Delta("replace", "spec.logspath", "pvc://a", "pvc://b"),),
        item="resources.logs",
        pos=pos(70),
        stage="stage-2",
        verb=Verb.RECREATE,
    ),
    Change(
        ref("Workflow", "w", group="argoproj.io"),
        Action.REPLACE,
        Reason.SPEC,
        item="resources.w",
        pos=pos(75),
        stage="stage-2",
        verb=Verb.RECREATE,
    ),
)
ADOPTS = (
    Change(
        ref("ServiceAccount", "runner", group=""),
        Action.ADOPT,
        Reason.FOREIGN,
        "kubectl-client-side-apply applied it",
        item="resources.runner",
        pos=pos(80),
        stage="stage-2",
    ),
)
BLOCKED = (
    Change(
        ref("Experiment", "old"),
        Action.BLOCKED,
        Reason.REFUSED,
        'admission webhook "validator.experiment.katib.kubeflow.org" denied the request: spec: Forbidden: only '
        "spec.parallelTrialCount, spec.maxTrialCount and spec.maxFailedTrialCount are editable",
        (
            Said(
                "a completed experiment refuses it: give it another name", Outcome.REFUSED, "katib 0.18.0, validator.go"
            ),
        ),
        item="experiments.old",
        pos=pos(85),
        stage="stage-2",
    ),
    Change(
        ref("Notebook", "shared"),
        Action.BLOCKED,
        Reason.OTHER_PROJECT,
        "it belongs to project 'risk'",
        item="notebooks.shared",
        pos=pos(90),
        stage="stage-2",
    ),
    Change(
        ref("Notebook", "held"),
        Action.BLOCKED,
        Reason.CONFLICT,
        "kubectl-edit",
        item="notebooks.held",
        pos=pos(91),
        stage="stage-2",
    ),
    Change(
        ref("Notebook", "denied"),
        Action.BLOCKED,
        Reason.FORBIDDEN,
        "patch notebooks.kubeflow.org in namespace fraud",
        item="notebooks.denied",
        pos=pos(92),
        stage="stage-2",
    ),
    Change(
        ref("TrainJob", "tj", group="trainer.kubeflow.org"),
        Action.BLOCKED,
        Reason.NO_KIND,
        item="resources.tj",
        pos=pos(93),
        stage="stage-2",
    ),
    Change(
        ref("Notebook", "lost", "nowhere"),
        Action.BLOCKED,
        Reason.NO_NAMESPACE,
        item="notebooks.lost",
        pos=pos(94),
        stage="stage-2",
    ),
)
PRUNES = (
    Change(ref("ConfigMap", "code-1", group=""), Action.PRUNE, Reason.SUPERSEDED, "no run mounts it any more"),
    Change(ref("Namespace", "old", "", ""), Action.PRUNE, Reason.PROTECTED, data=True),
    Change(ref("Notebook", "gone"), Action.PRUNE, Reason.LEFT, item="notebooks.gone", uid="7a1c"),
    Change(
        ref("PersistentVolumeClaim", "features", group=""),
        Action.PRUNE,
        Reason.RENAMED,
        "features-v2",
        (Said("deletes what the volume holds", Outcome.LOSES, "executed"),),
        item="volumes.features",
        data=True,
        uid="7a1d",
    ),
    Change(
        ref("PyTorchJob", "fit-00000001"),
        Action.PRUNE,
        Reason.SUPERSEDED,
        "fit-00000002",
        item="trainingJobs.fit",
        uid="7a1e",
    ),
)
KEPT = (
    *(
        Change(
            ref("PyTorchJob", f"train-{n:08x}"),
            Action.KEEP,
            Reason.SUPERSEDED,
            "train-5d2a91c0",
            item="trainingJobs.train",
        )
        for n in range(6)
    ),
    Change(ref("Profile", "archive", ""), Action.KEEP, Reason.PROTECTED, item="profiles.archive"),
    Change(ref("Profile", "moved", ""), Action.KEEP, Reason.RENAMED, "moved-on", item="profiles.moved"),
    Change(ref("Experiment", "e-00000001"), Action.KEEP, Reason.LEFT, item="experiments.e"),
)
SAME = tuple(
    Change(
        ref("Notebook", f"same-{n}"),
        Action.UNCHANGED,
        Reason.SAME,
        item=f"notebooks.same-{n}",
        pos=pos(100 + n),
        stage="stage-2",
    )
    for n in range(3)
)
PROBLEMS = (
    Diagnostic(
        "KF501",
        Severity.ERROR,
        "may not list notebooks.kubeflow.org in namespace fraud",
        ("notebooks", "explore"),
        pos(24),
        "grant list on notebooks",
    ),
    Diagnostic("KF502", Severity.WARNING, "the cluster's identity was not checked", hint="set cluster.uid"),
)


def plan(*changes: Change, **fields: Any) -> Plan:
    """A plan of the project, applied by kfspec to a cluster."""
    given = {"applier": APPLIERS["kfspec"], "source": Source.CLUSTER, "cluster": "prod-eu", **fields}
    return Plan("fraud", "prod", changes=changes, **given)


EVERYTHING = plan(*CREATE, *RUNS, *UPDATES, *REPLACES, *ADOPTS, *BLOCKED, *PRUNES, *KEPT, *SAME, problems=PROBLEMS)
SMALL = plan(
    *CREATE[:2],
    UPDATES[3]._replace(stage="stage-1"),
    *SAME,
    applier=APPLIERS["flux"],
    source=Source.GIT,
    cluster="main",
)
FORCED = plan(SCORER, PRUNES[1], applier=APPLIERS["argocd"])
CALM = plan(*SAME, *KEPT[-1:])
EMPTY = plan(source=Source.SNAPSHOT, cluster="")
BLIND = plan(*SAME[:1], problems=PROBLEMS)
SECRET = plan(
    Change(
        ref("Secret", "s", group=""),
        Action.UPDATE,
        Reason.SPEC,
        deltas=(
            Delta("replace", "data.key", MASKED, MASKED),
            Delta("add", "stringData", None, {"token": MASKED}),
        ),
    )
)

SERVICES = plan(
    *SAME[:1],
    services=(
        Service(
            "kfp",
            "fraud",
            "http://127.0.0.1:8888",
            (
                ServiceStep("create", "recurring run", "nightly", "pipelines.train", "is changed; disabled at first"),
                ServiceStep("delete", "recurring run", "nightly", "pipelines.train", "is replaced"),
                ServiceStep("enable", "recurring run", "nightly", "pipelines.train", "the spec says so"),
            ),
            (
                Diagnostic(
                    "KF621",
                    Severity.ERROR,
                    "pipelines.report: pipeline 'report' is there already, and was made by nobody knows whom; it is not touched",
                    hint="Rename the item, or delete what is there.",
                ),
            ),
        ),
        Service("kfp", "fraud-dev", "http://127.0.0.1:8888"),
        Service(
            "model-registry",
            "fraud",
            "http://127.0.0.1:8080",
            (),
            (Diagnostic("KF622", Severity.ERROR, "the service does not answer: connection refused"),),
            complete=False,
        ),
    ),
)
NO_SERVICES = plan(*SAME[:1], services=())

PLANS = {
    "services": SERVICES,
    "no-services": NO_SERVICES,
    "everything": EVERYTHING,
    "small": SMALL,
    "forced": FORCED,
    "calm": CALM,
    "empty": EMPTY,
    "blind": BLIND,
    "secret": SECRET,
}


def big(number: int) -> Plan:
    """A plan of many changes of all sorts."""
    sorts = (*CREATE, *RUNS, *UPDATES, *REPLACES, *ADOPTS, *BLOCKED, *PRUNES)
    changes = [
        sort._replace(ref=sort.ref._replace(name=f"{sort.ref.name}-{n:04}"))
        for n, sort in ((n, sorts[n % len(sorts)]) for n in range(number))
    ]
    return plan(*changes, *SAME)
