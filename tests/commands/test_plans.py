"""What a plan says of what changed: in the spec, in the cluster, under another name, in runs, and what stands in the way."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from tests.commands.harness import Desk, change_of, effects_of, summary

pytestmark = pytest.mark.apiserver

SCORER = "serving.kserve.io/v1beta1/inferenceservices/scorer"
SPEC = """
inferenceServices:
  scorer: {predictor: {minReplicas: 1, maxReplicas: 3, model: {modelFormat: sklearn, storageUri: gs://acme/v1}}}
"""


# -- not there yet ------------------------------------------------------------------------------------------------


def test_what_the_same_plan_makes_first_is_named(desk: Desk) -> None:
    desk.spec(
        """
profiles: {{ns}-new: {owner: ana@example.com}}
defaults: {profile: {ns}-new}
experiments:
  tune:
    objective: {type: maximize, objectiveMetricName: auc}
    algorithm: {algorithmName: random}
    maxTrialCount: 2
    parallelTrialCount: 1
    parameters: {lr: {min: 0.1, max: 0.2}}
    trial: {trainingJob: train, args: ["--lr=${trialParameters.lr}"]}
trainingJobs: {train: {kind: PyTorchJob, run: false, image: "registry.example.com/train:1", command: [python, train.py]}}
resources:
  widgets:
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition  # kfspec: ignore[KF135] the platform's own, in no release
    metadata: {name: widgets.{ns}.example.com}
    spec:
      group: {ns}.example.com
      scope: Namespaced
      names: {kind: Widget, plural: widgets, singular: widget, listKind: WidgetList}
      versions:
        - name: v1
          served: true
          storage: true
          schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
  small: {apiVersion: {ns}.example.com/v1, kind: Widget, spec: {size: 1}}
"""
    )
    plan = desk.plan()
    assert summary(plan).items() >= {
        ("Experiment/tune-HASH", ("new-run", "after")),
        ("Namespace/team-new", ("create", "missing")),
        ("Profile/team-new", ("create", "missing")),
        ("Widget/small", ("create", "after")),
    }
    after = {c["object"]["kind"]: [ref["kind"] for ref in c["after"]] for c in plan["changes"] if c["after"]}
    assert (after["Experiment"], after["Widget"]) == (["Namespace"], ["Namespace", "CustomResourceDefinition"])


def test_a_label_of_the_namespace_that_the_same_plan_adds_is_waited_for(desk: Desk, katib: None) -> None:
    new = f"{desk.namespace}-new"
    desk.plane.create_namespace(new, {"guarded": desk.namespace})
    desk.spec(
        """
profiles: {{ns}-new: {owner: ana@example.com}}
defaults: {profile: {ns}-new}
experiments:
  tune:
    objective: {type: maximize, objectiveMetricName: auc}
    algorithm: {algorithmName: random}
    maxTrialCount: 2
    parallelTrialCount: 1
    parameters: {lr: {min: 0.1, max: 0.2}}
    trial: {trainingJob: train, args: ["--lr=${trialParameters.lr}"]}
trainingJobs: {train: {kind: PyTorchJob, run: false, image: "registry.example.com/train:1", command: [python, train.py]}}
"""
    )
    plan = desk.plan()
    assert summary(plan) == {
        "Experiment/tune-HASH": ("new-run", "after"),
        "Namespace/team-new": ("adopt", "not-yet-owned"),
        "Profile/team-new": ("create", "missing"),
    }
    desk.apply()
    assert desk.told() == {}


@pytest.fixture
def katib(desk: Desk) -> Any:
    """Katib's rule that an experiment's namespace has its label, for namespaces that say so."""
    name = f"katib-{desk.namespace}"
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": ["kubeflow.org"],
                        "apiVersions": ["*"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": ["experiments"],
                    }
                ]
            },
            "validations": [
                {
                    "expression": "has(namespaceObject.metadata.labels) && "
                    "'katib.kubeflow.org/metrics-collector-injection' in namespaceObject.metadata.labels",
                    "message": "the namespace lacks a label",
                }
            ],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"guarded": desk.namespace}}},
        },
    }
    probe = f"{desk.namespace}-probe"
    desk.plane.create_namespace(probe, {"guarded": desk.namespace})
    assert [a.status for a in desk.plane.apply([policy, binding], workers=1)] == [201, 201]
    trial = {"apiVersion": "kubeflow.org/v1beta1", "kind": "Experiment", "metadata": {"name": "p", "namespace": probe}}
    deadline = time.monotonic() + 30
    while desk.plane.apply([trial], dry_run=True)[0].status != 422:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield
    for body in (binding, policy):
        desk.plane.request("DELETE", desk.plane.path_of(body))


def test_a_namespace_that_nobody_makes_blocks(desk: Desk) -> None:
    desk.spec("externals: {profiles: [{ns}-not]}\ndefaults: {profile: {ns}-not}\nvolumes: {data: {size: 1Gi}}\n")
    change = change_of(desk.plan(), "PersistentVolumeClaim/data")
    assert (change["action"], change["reason"], change["detail"]) == (
        "blocked",
        "namespace-missing",
        "there is no namespace team-not",
    )


def test_a_kind_that_the_cluster_does_not_serve_blocks(desk: Desk) -> None:
    desk.standing("resources: {a: {apiVersion: nowhere.example.com/v1, kind: Widget, spec: {}}}\n")
    change = change_of(desk.plan(), "Widget/a")
    assert (change["action"], change["reason"], change["detail"]) == (
        "blocked",
        "kind-not-served",
        "there is no Widget of nowhere.example.com/v1",
    )


# -- changed here, changed there ----------------------------------------------------------------------------------


def test_what_somebody_edits_is_drift_and_what_the_spec_changes_is_not(desk: Desk) -> None:
    desk.standing(SPEC)
    desk.apply()
    desk.edit(SCORER, {"spec": {"predictor": {"minReplicas": 2}}})
    (drifted,) = desk.plan()["changes"]
    assert (drifted["action"], drifted["reason"], drifted["deltas"]) == (
        "blocked",
        "conflict",
        [
            {
                "op": "replace",
                "path": "spec.predictor.minReplicas",
                "old": 2,
                "new": 1,
                "managers": ["kubectl-edit"],
                "drift": True,
            }
        ],
    )
    assert drifted["conflicts"] == [{"manager": "kubectl-edit", "field": ".spec.predictor.minReplicas"}]
    desk.standing(SPEC.replace("maxReplicas: 3", "maxReplicas: 5"))
    both = desk.plan("--field-manager", "kfspec")["changes"][0]
    assert {d["path"]: (d["old"], d["new"], d["drift"]) for d in both["deltas"]} == {
        "spec.predictor.maxReplicas": (3, 5, False),
        "spec.predictor.minReplicas": (2, 1, True),
    }
    only = desk.plan("--drift-only")["changes"][0]
    assert {d["path"]: (d["old"], d["new"], d["drift"]) for d in only["deltas"]} == {
        "spec.predictor.minReplicas": (2, 1, True)
    }
    desk.apply("--force-conflicts")
    assert desk.told() == {}
    desk.standing(SPEC.replace("maxReplicas: 3", "maxReplicas: 4"))
    plan = desk.plan()
    assert summary(plan) == {"InferenceService/scorer": ("update", "spec-changed")}
    assert (desk.run("diff", "--drift-only").status, desk.run("diff").status) == (0, 1)


def test_what_somebody_removes_is_drift_where_it_is_recorded_what_was_applied(desk: Desk) -> None:
    desk.standing(SPEC)
    desk.apply()

    def without_it(body: dict[str, Any]) -> None:
        del body["spec"]["predictor"]["maxReplicas"]

    desk.edit(SCORER, without_it)
    plan = desk.plan()
    assert summary(plan) == {"InferenceService/scorer": ("update", "drift")}
    assert change_of(plan, "InferenceService/scorer")["deltas"] == [
        {"op": "add", "path": "spec.predictor.maxReplicas", "new": 3, "managers": [], "drift": True}
    ]
    desk.delete(f"v1/configmaps/kfspec-shop-{desk.namespace}-default")  # nobody knows any more
    assert summary(desk.plan()) == {"InferenceService/scorer": ("update", "spec-changed")}
    desk.apply()
    assert desk.told() == {}


def test_what_somebody_deletes_is_drift(desk: Desk) -> None:
    desk.standing(
        SPEC + "trainingJobs: {train: {kind: PyTorchJob, image: 'registry.example.com/train:1', command: [a]}}\n"
    )
    desk.apply()
    (job,) = desk.names("kubeflow.org/v1/pytorchjobs")
    desk.delete(SCORER)
    desk.delete(f"kubeflow.org/v1/pytorchjobs/{job}")
    plan = desk.plan("--drift-only")
    assert summary(plan) == {
        "InferenceService/scorer": ("create", "drift"),
        "PyTorchJob/train-HASH": ("new-run", "drift"),
    }
    assert effects_of(plan, "PyTorchJob/train-HASH") == ["starts the run again from its beginning"]
    desk.apply()
    assert desk.told() == {}


def test_what_somebody_adds_beside_is_not_the_projects_business(desk: Desk) -> None:
    desk.standing(SPEC)
    desk.apply()
    desk.edit(SCORER, {"metadata": {"annotations": {"seen": "yes"}}, "spec": {"predictor": {"timeout": 60}}})
    assert desk.run("diff").status == 0
    assert desk.run("diff", "--exact").status == 0


# -- renames ------------------------------------------------------------------------------------------------------


def test_renames_are_recognised(desk: Desk) -> None:
    text = """
volumes: {NAME-data: {size: 5Gi}}
notebooks: {NAME-lab: {image: "registry.example.com/jupyter:1", workspace: 1Gi}}
inferenceServices: {NAME-scorer: {predictor: {model: {modelFormat: sklearn, storageUri: gs://acme/v1}}}}
"""
    desk.standing(text.replace("NAME", "a"))
    desk.apply()
    desk.standing(text.replace("NAME", "b"))
    plan = desk.plan()
    assert summary(plan) == {
        "InferenceService/a-scorer": ("prune", "renamed"),
        "InferenceService/b-scorer": ("create", "renamed"),
        "Notebook/a-lab": ("prune", "renamed"),
        "Notebook/b-lab": ("create", "renamed"),
        "PersistentVolumeClaim/a-data": ("prune", "renamed"),
        "PersistentVolumeClaim/b-data": ("create", "renamed"),
        "PersistentVolumeClaim/a-lab-workspace": ("prune", "renamed"),
        "PersistentVolumeClaim/b-lab-workspace": ("create", "renamed"),
    }
    assert {name: effects_of(plan, name) for name in summary(plan) if "/b-" in name} == {
        "InferenceService/b-scorer": ["serves under a new URL; that of a-scorer goes"],
        "Notebook/b-lab": ["starts as a new server under a new URL"],
        "PersistentVolumeClaim/b-data": ["the new volume is empty; the data stays in a-data"],
        "PersistentVolumeClaim/b-lab-workspace": ["the new volume is empty; the data stays in a-lab-workspace"],
    }
    desk.apply("--prune")
    assert desk.names("v1/persistentvolumeclaims") == ["a-data", "a-lab-workspace", "b-data", "b-lab-workspace"]
    assert desk.names("kubeflow.org/v1/notebooks") == ["b-lab"]


def test_what_may_be_several_is_no_rename(desk: Desk) -> None:
    desk.standing("volumes: {a: {size: 5Gi}, b: {size: 5Gi}}\n")
    desk.apply()
    desk.standing("volumes: {c: {size: 5Gi}}\n")
    assert desk.told() == {
        "PersistentVolumeClaim/a": ("prune", "left-the-spec"),
        "PersistentVolumeClaim/b": ("prune", "left-the-spec"),
        "PersistentVolumeClaim/c": ("create", "missing"),
    }


# -- runs ---------------------------------------------------------------------------------------------------------

JOB = "trainingJobs: {train: {kind: PyTorchJob, image: 'registry.example.com/train:1', command: [python]ON}}\n"


@pytest.mark.parametrize("fate", ["keep", "replace"])
def test_a_changed_run_starts_beside_the_old_one_or_in_its_place(desk: Desk, fate: str) -> None:
    first = JOB.replace("ON", f", onChange: {fate}")
    desk.standing(first)
    plan = desk.plan()
    assert summary(plan) == {"PyTorchJob/train-HASH": ("new-run", "missing")}
    assert effects_of(plan, "PyTorchJob/train-HASH") == ["starts the first run"]
    desk.apply()
    (old,) = desk.names("kubeflow.org/v1/pytorchjobs")
    desk.standing(first.replace("train:1", "train:2"))
    plan = desk.plan()
    run = plan["changes"][0]
    assert (run["action"], run["reason"], run["detail"]) == ("new-run", "supersedes", "train-HASH")
    words = "is kept" if fate == "keep" else "is stopped and deleted"
    assert [effect["text"] for effect in run["effects"]] == [f"starts a new run; train-HASH {words}"]
    if fate == "keep":
        assert [(kept["object"]["name"], kept["reason"]) for kept in plan["kept"]] == [("train-HASH", "superseded")]
    else:
        gone = plan["changes"][1]
        assert (gone["object"]["name"], gone["action"], gone["reason"]) == ("train-HASH", "prune", "superseded")
        assert [effect["text"] for effect in gone["effects"]] == ["stops the run if it is not over"]
    desk.apply("--prune")
    left = desk.names("kubeflow.org/v1/pytorchjobs")
    assert len(left) == (2 if fate == "keep" else 1)
    assert (old in left) is (fate == "keep")
    desk.standing(SPEC)
    plan = desk.plan()
    if fate == "keep":
        assert [kept["reason"] for kept in plan["kept"]] == ["protected"] * 2
    else:
        gone = change_of(plan, "PyTorchJob/train-HASH")
        assert (gone["action"], gone["reason"], gone["data"]) == ("prune", "left-the-spec", False)
        assert [effect["text"] for effect in gone["effects"]] == ["stops the run if it is not over"]
    desk.apply("--prune")
    assert len(desk.names("kubeflow.org/v1/pytorchjobs")) == (2 if fate == "keep" else 0)


# -- what stands in the way ---------------------------------------------------------------------------------------


def test_an_owner_change_moves_the_bindings_of_a_declared_profile(desk: Desk) -> None:
    text = "profiles: {{ns}-p: {owner: OWNER}}\n"
    desk.spec(text.replace("OWNER", "ana@example.com"))
    desk.apply()
    desk.spec(text.replace("OWNER", "bo@example.com"))
    plan = desk.plan()
    assert summary(plan) == {
        "Namespace/team-p": ("update", "spec-changed"),
        "Profile/team-p": ("update", "spec-changed"),
    }
    assert effects_of(plan, "Profile/team-p") == [
        "moves the owner's RoleBinding and AuthorizationPolicy from ana@example.com to bo@example.com"
    ]
    desk.apply()
    assert desk.told() == {}


def test_an_owner_change_beside_a_foreign_namespace_is_blocked_with_the_recipe(desk: Desk) -> None:
    desk.plane.create_namespace(f"{desk.namespace}-p")
    text = "resources:\n  p: {apiVersion: kubeflow.org/v1, kind: Profile, metadata: {name: {ns}-p}, spec: {owner: {kind: User, name: OWNER}}}\n"
    desk.spec(text.replace("OWNER", "ana@example.com"))
    desk.apply()
    desk.spec(text.replace("OWNER", "bo@example.com"))
    change = change_of(desk.plan(), "Profile/team-p")
    recipe = (
        "the controller stops looking after the profile: its namespace names ana@example.com as the owner; declare the profile "
        "under `profiles:`, or beside it its Namespace with the annotation `owner: bo@example.com`"
    )
    assert (change["action"], change["reason"], change["detail"]) == ("blocked", "refused", recipe)
    done = desk.run("apply", "--yes")
    assert (done.status, done.err.splitlines()[0]) == (1, f"error[KF601]: cannot apply Profile/team-p: {recipe}")


def test_a_volume_never_shrinks(desk: Desk) -> None:
    desk.standing("volumes:\n  data: {size: 5Gi}\n")
    desk.apply()
    desk.edit("v1/persistentvolumeclaims/data", {"spec": {"volumeName": "pv-1"}}, "binder")
    desk.status_of("v1/persistentvolumeclaims/data", {"phase": "Bound", "capacity": {"storage": "5Gi"}})
    desk.standing("volumes:\n  data: {size: 2Gi}\n")
    change = change_of(desk.plan(), "PersistentVolumeClaim/data")
    assert (change["action"], change["reason"]) == ("blocked", "refused")
    assert change["place"] == {"file": "kfspec.yaml", "line": 7, "column": 16}
    assert "a volume never shrinks" in change["effects"][0]["text"]
    assert desk.run("apply", "--yes").status == 1


def test_a_changed_log_path_replaces_the_tensorboard(desk: Desk) -> None:
    text = "resources: {logs: {apiVersion: tensorboard.kubeflow.org/v1alpha1, kind: Tensorboard, spec: {logspath: 's3://PATH'}}}\n"
    desk.standing(text.replace("PATH", "a/logs"))
    desk.apply()
    before = (desk.get("tensorboard.kubeflow.org/v1alpha1/tensorboards/logs") or {})["metadata"]["uid"]
    desk.standing(text.replace("PATH", "b/logs"))
    assert desk.told() == {"Tensorboard/logs": ("replace", "ignored-by-controller")}
    desk.apply()
    after = desk.get("tensorboard.kubeflow.org/v1alpha1/tensorboards/logs") or {}
    assert (after["metadata"]["uid"] != before, after["spec"]) == (True, {"logspath": "s3://b/logs"})
    assert desk.told() == {}


def test_the_role_of_a_binding_cannot_change(desk: Desk) -> None:
    text = """
resources:
  can:
    apiVersion: rbac.authorization.k8s.io/v1
    kind: RoleBinding
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ROLE}
    subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: ana}]
"""
    desk.standing(text.replace("ROLE", "view"))
    desk.apply()
    desk.standing(text.replace("ROLE", "edit"))
    change = change_of(desk.plan(), "RoleBinding/can")
    assert (change["action"], change["reason"]) == ("blocked", "refused")
    assert [d["path"] for d in change["deltas"]] == ["roleRef.name"]


def test_the_budget_of_a_completed_experiment_cannot_change(desk: Desk) -> None:
    text = """
trainingJobs: {train: {kind: PyTorchJob, run: false, image: "registry.example.com/train:1", command: [python, train.py]}}
experiments:
  tune:
    objective: {type: maximize, objectiveMetricName: auc}
    algorithm: {algorithmName: random}
    maxTrialCount: COUNT
    parallelTrialCount: 1
    inPlaceBudget: true
    resumePolicy: Never
    parameters: {lr: {min: 0.1, max: 0.2}}
    trial: {trainingJob: train, args: ["--lr=${trialParameters.lr}"]}
"""
    text = text.replace("Never", "LongRunning")
    desk.standing(text.replace("COUNT", "2"))
    desk.apply()
    (name,) = desk.names("kubeflow.org/v1beta1/experiments")
    condition = {"type": "Succeeded", "status": "True", "reason": "ExperimentGoalReached", "message": "goal"}
    desk.status_of(f"kubeflow.org/v1beta1/experiments/{name}", {"conditions": [condition], "trials": 2})
    desk.standing(text.replace("COUNT", "4"))
    change = change_of(desk.plan(), "Experiment/tune-HASH")
    assert (change["action"], change["reason"]) == ("blocked", "refused")


def test_deleting_a_namespace_says_how_many_volumes_go_along(desk: Desk) -> None:
    team = f"{desk.namespace}-p"
    desk.spec(
        "profiles: {{ns}-p: {owner: ana@example.com}}\ndefaults: {profile: {ns}-p}\nvolumes: {a: {size: 1Gi}, b: {size: 1Gi}}\n"
    )
    desk.apply()
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    meta = {"name": "of-somebody", "namespace": team}
    desk.make({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": claim})
    desk.standing("resources: {a: {apiVersion: v1, kind: ConfigMap, data: {}}}\n")
    plan = desk.plan()
    assert effects_of(plan, "Namespace/team-p") == ["deletes namespace team-p with 3 volumes"]
    assert {named: change_of(plan, named)["data"] for named in summary(plan) if "prune" in summary(plan)[named]} == {
        "Namespace/team-p": True,
        "Profile/team-p": True,
        "PersistentVolumeClaim/a": True,
        "PersistentVolumeClaim/b": True,
    }
    done = desk.run("apply", "--prune", "--yes")
    assert done.err.splitlines()[-1] == "done: 1 change"
    spared = re.findall(r"left alone (\S+): left the spec and holds data; --prune --allow-destroy deletes it", done.err)
    assert sorted(spared) == [
        "Namespace/team-p",
        "PersistentVolumeClaim/team-p/a",
        "PersistentVolumeClaim/team-p/b",
        "Profile/team-p",
    ]
    assert desk.plane.request("GET", f"/api/v1/namespaces/{team}").body["status"]["phase"] == "Active"
    desk.apply("--prune", "--allow-destroy")
    assert desk.plane.request("GET", f"/api/v1/namespaces/{team}").body["status"]["phase"] == "Terminating"
