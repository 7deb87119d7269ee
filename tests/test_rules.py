"""A failing and a passing case of every rule that no page of tests/mistakes tells: the finding, and its absence."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from kfspec.codes import CODES
from kfspec.diagnostics import Severity
from kfspec.manifests import check_manifests
from kfspec.pipeline import build
from tests.conftest import ROOT

HEAD = """\
apiVersion: kfspec.dev/v1alpha1
project: p
externals: {profiles: [t], volumes: [data]}
defaults: {profile: t}
"""
NOTEBOOK = "notebooks: {explore: {image: a, %s}}"
JOB = "trainingJobs: {train: {kind: PyTorchJob, image: a, %s}}"
JOB_OF = "trainingJobs: {train: {kind: PyTorchJob, image: a, pytorchReplicaSpecs: {Worker: {replicas: %d}}}}"
SERVICE = "inferenceServices: {s: {predictor: {model: {modelFormat: sklearn, storageUri: gs://a}, %s}}}"
EXPERIMENT = (
    "trainingJobs: {train: {kind: %s, run: false, image: a, args: ['${trialParameters.lr}']}}\n"
    "experiments: {%s: {objective: {type: maximize, objectiveMetricName: auc}, algorithm: random, maxTrialCount: 3,"
    " parameters: {lr: {%s}}, %s}}"
)
SYNC = "platform: {syncImage: sync:1, modelRegistry: 'http://registry:8080'}\n"
SYNC_OBJECTS = "platform: {syncImage: sync:1, pipelines: kubernetes}\n"
PACKAGE = "package.yaml"
"""A copy of a compiled pipeline that takes no parameter it has no default for."""
PIPELINE = "pipelines: {%s: {package: package.yaml, recurringRuns: {%s: {interval: 1d}}}}"
MODEL = (
    "models: {m: {versions: {'1': {uri: gs://a, modelFormat: sklearn}}}}\n"
    "inferenceServices: {s: {predictor: {model: {registeredModel: m, %s}}}}"
)
TRIAL = "trial: {trainingJob: train}"
BOUNDS = "min: 0.1, max: 0.2"


def experiment(name: str = "tune", lr: str = BOUNDS, rest: str = TRIAL, kind: str = "PyTorchJob") -> str:
    """An experiment that borrows a job."""
    return EXPERIMENT % (kind, name, lr, rest)


SPECS: dict[str, tuple[str, str]] = {
    "KF061": (JOB % "command: ['${vars.a']", JOB % "command: ['a']"),
    "KF062": (
        "vars: {x: lr}\n" + JOB % "args: ['${trialParameters.${vars.x}}']",
        "vars: {x: lr}\n" + JOB % "args: ['${vars.x}']",
    ),
    "KF063": ("vars: {x: [a]}\n" + JOB % "args: ['a-${vars.x}']", "vars: {x: b}\n" + JOB % "args: ['a-${vars.x}']"),
    "KF070": ("environments: {base: {}}", "environments: {prod: {}}"),
    "KF071": ("environments: {prod: {project: other}}", "environments: {prod: {vars: {a: b}}}"),
    "KF104": (
        "environments: {prod: {delivery: {engine: fluxcd}}}",
        "environments: {prod: {delivery: {engine: flux}}}",
    ),
    "KF123": (
        JOB_OF % -1,
        JOB_OF % 1,
    ),
    "KF126": (
        "resources: {r: {apiVersion: kubeflow.org/v1, kind: Notebook, profile: t, spec: {template: {spec: {containers:"
        " [{name: r, image: null}]}}}}}",
        "resources: {r: {apiVersion: kubeflow.org/v1, kind: Notebook, profile: t, spec: {template: {spec: {containers:"
        " [{name: r, image: a}]}}}}}",
    ),
    "KF127": ("components: {training-operator: 1.8.1}", "components: {training-operator: 1.9.2}"),
    "KF131": (NOTEBOOK % "labels: {'a b': c}", NOTEBOOK % "labels: {a-b: c}"),
    "KF132": (NOTEBOOK % "labels: {o: a@b.c}", NOTEBOOK % "annotations: {o: a@b.c}"),
    "KF202": (
        "defaults: {}\nnotebooks: {explore: {image: a}}",
        "defaults: {}\nnotebooks: {explore: {image: a, profile: t}}",
    ),
    "KF204": (
        NOTEBOOK % "env: {T: {valueFrom: {secretKeyRef: {name: hub, key: t}}}}",
        NOTEBOOK % "env: {T: {valueFrom: {secretKeyRef: {name: mlpipeline-minio-artifact, key: t}}}}",
    ),
    "KF205": (JOB % "serviceAccountName: trainer", JOB % "serviceAccountName: default-editor"),
    "KF206": (
        JOB % "envFrom: [{configMapRef: {name: settings}}]",
        JOB % "envFrom: [{configMapRef: {name: settings, optional: true}}]",
    ),
    "KF210": (
        "models: {m: {versions: {'1': {uri: gs://a}}}}\nplatform: {syncImage: sync:1}",
        "models: {m: {versions: {'1': {uri: gs://a}}}}\nplatform: {syncImage: sync:1, modelRegistry: 'http://registry:8080'}",
    ),
    "KF211": (
        SYNC + "models: {m: {versions: {'1': {uri: gs://a}}}}\nsync: off",
        SYNC + "models: {m: {versions: {'1': {uri: gs://a}}}}\nsync: on",
    ),
    "KF212": (
        SYNC + MODEL % "version: '1', artifact: b",
        SYNC + MODEL % "version: '1', artifact: m",
    ),
    "KF300": ("profiles: {team.a: {owner: a}}", "profiles: {team-a: {owner: a}}"),
    "KF302": (
        "profiles: {x: {owner: a, contributors: {a.b@x.org: edit, a-b@x.org: edit}}}",
        "profiles: {x: {owner: a, contributors: {a.b@x.org: edit, a.c@x.org: edit}}}",
    ),
    "KF304": (
        "profiles: {x: {owner: a, plugins: [{kind: Workloadidentity, spec: {gcpServiceAccount: a}}]}}",
        "profiles: {x: {owner: a, plugins: [{kind: WorkloadIdentity, spec: {gcpServiceAccount: a@b.iam.gserviceaccount.com}}]}}",
    ),
    "KF305": (
        "podDefaults: {a: {selector: {matchExpressions: [{key: a, operator: Exists}]}}}",
        'podDefaults: {a: {selector: {matchLabels: {a: "true"}}}}',
    ),
    "KF307": (
        SYNC_OBJECTS + f"pipelines: {{p: {{package: {PACKAGE}}}}}",
        SYNC_OBJECTS + f"kubeflow: '1.11'\npipelines: {{p: {{package: {PACKAGE}}}}}",
    ),
    "KF322": (NOTEBOOK % "annotations: {kubeflow-resource-stopped: now}", NOTEBOOK % "annotations: {a: now}"),
    "KF325": (experiment("1st"), experiment("first")),
    "KF329": (
        experiment(lr="parameterType: double, feasibleSpace: {list: ['0.1']}"),
        experiment(lr="parameterType: discrete, feasibleSpace: {list: ['0.1']}"),
    ),
    "KF331": (
        experiment(
            rest="trialTemplate: {trialParameters: [{name: lr, reference: lr}], trialSpec: {a: '${trialParameters.lr}'}}"
        ),
        experiment(),
    ),
    "KF339": (experiment(rest=TRIAL + ", resumePolicy: Always"), experiment(rest=TRIAL + ", resumePolicy: Never")),
    "KF341": (NOTEBOOK % "volumeMounts: {data: 7}", NOTEBOOK % "volumeMounts: {data: /data}"),
    "KF343": (
        experiment(rest=TRIAL + ", inPlaceBudget: true, resumePolicy: LongRunning"),
        experiment(rest=TRIAL + ", resumePolicy: LongRunning"),
    ),
    "KF344": (
        experiment(kind="JAXJob", rest="trial: {trainingJob: train, successCondition: a, failureCondition: b}"),
        experiment(),
    ),
    "KF348": (
        SYNC + PIPELINE % ("p" * 90, "r" * 90),
        SYNC + PIPELINE % ("p" * 50, "r" * 50),
    ),
    "KF360": (
        SERVICE.replace("{s:", "{1-s:") % "minReplicas: 1",
        SERVICE % "minReplicas: 1",
    ),
    "KF361": (
        SERVICE.replace("{predictor", "{annotations: {serving.kserve.io/autoscalerClass: magic}, predictor")
        % "minReplicas: 1",
        SERVICE.replace("{predictor", "{annotations: {serving.kserve.io/autoscalerClass: hpa}, predictor")
        % "minReplicas: 1",
    ),
    "KF362": (
        SERVICE.replace("{predictor", "{annotations: {serving.kserve.io/deploymentMode: Raw}, predictor")
        % "minReplicas: 1",
        SERVICE.replace("{predictor", "{annotations: {serving.kserve.io/deploymentMode: RawDeployment}, predictor")
        % "minReplicas: 1",
    ),
    "KF363": ("inferenceServices: {s: {predictor: {minReplicas: 1}}}", SERVICE % "minReplicas: 1"),
    "KF366": (SERVICE % "scaleMetric: cpu", SERVICE % "scaleMetric: concurrency"),
    "KF367": (
        SERVICE[:-2] % "minReplicas: 1" + ", transformer: {containers: {c: {image: a, env: {STORAGE_URI: gs://a}}}}}}",
        SERVICE[:-2] % "minReplicas: 1" + ", transformer: {containers: {c: {image: a, env: {OTHER: gs://a}}}}}}",
    ),
    "KF368": (
        "inferenceServices: {s: {predictor: {containers: {kserve-container: {image: a, resources: {requests: {cpu: 4}}"
        "}}}}}",
        "inferenceServices: {s: {predictor: {containers: {kserve-container: {image: a, resources: {requests: {cpu: 1},"
        " limits: {cpu: 1}}}}}}}",
    ),
    "KF373": (SERVICE % "workerSpec: {pipelineParallelSize: 0}", SERVICE % "minReplicas: 1"),
    "KF374": (
        SERVICE.replace("{s: {", f"{{{'s' * 55}: {{annotations: {{serving.kserve.io/deploymentMode: RawDeployment}}, ")
        % "minReplicas: 1",
        SERVICE.replace("{s: {", "{s: {annotations: {serving.kserve.io/deploymentMode: RawDeployment}, ")
        % "minReplicas: 1",
    ),
    "KF381": (JOB.replace("train:", "1-train:") % "workers: 1", JOB % "workers: 1"),
}
"""Code -> blocks that have it, blocks that do not."""

MANIFEST = "apiVersion: %s\nkind: %s\nmetadata: {name: a%s}\n%s\n"
_PODS = "{template: {spec: {containers: [{name: a, image: b, ports: [{containerPort: 80}%s]}]}}}"

MANIFESTS: dict[str, tuple[str, str]] = {
    "KF124": (
        MANIFEST % ("kubeflow.org/v1", "Notebook", "", "spec: " + _PODS % ", {containerPort: 80}"),
        MANIFEST % ("kubeflow.org/v1", "Notebook", "", "spec: " + _PODS % ", {containerPort: 81}"),
    ),
    "KF125": (
        MANIFEST
        % (
            "security.istio.io/v1",
            "AuthorizationPolicy",
            "",
            "spec: {selector: {matchLabels: {a: b}}, targetRefs: [{group: '', kind: Service, name: s}]}",
        ),
        MANIFEST % ("security.istio.io/v1", "AuthorizationPolicy", "", "spec: {selector: {matchLabels: {a: b}}}"),
    ),
    "KF128": (
        MANIFEST
        % (
            "networking.istio.io/v1",
            "VirtualService",
            "",
            "spec: {hosts: [a], http: [{match: [{uri: {exact: /a, prefix: /b}}], route: [{destination: {host: a}}]}]}",
        ),
        MANIFEST
        % (
            "networking.istio.io/v1",
            "VirtualService",
            "",
            "spec: {hosts: [a], http: [{match: [{uri: {exact: /a}}], route: [{destination: {host: a}}]}]}",
        ),
    ),
    "KF133": (
        MANIFEST % ("kubeflow.org/v1", "Profile", ", namespace: b", "spec: {owner: {kind: User, name: a}}"),
        MANIFEST % ("kubeflow.org/v1", "Profile", "", "spec: {owner: {kind: User, name: a}}"),
    ),
    "KF134": ("- a\n", MANIFEST % ("v1", "ConfigMap", "", "data: {}")),
    "KF136": (
        MANIFEST % ("kubeflow.org/v2", "Notebook", "", "spec: " + _PODS % ""),
        MANIFEST % ("kubeflow.org/v1", "Notebook", "", "spec: " + _PODS % ""),
    ),
    "KF137": (
        MANIFEST % ("external-secrets.io/v1", "ExternalSecret", "", "spec: {}"),
        MANIFEST % ("v1", "ConfigMap", "", "data: {}"),
    ),
    "KF138": (
        MANIFEST % ("kubeflow.org/v1", "Notebook", "", "status: {}\nspec: " + _PODS % ""),
        MANIFEST % ("kubeflow.org/v1", "Notebook", "", "spec: " + _PODS % ""),
    ),
    "KF139": (
        MANIFEST % ("v1", "ConfigMap", ", managedFields: [{manager: a}]", "data: {}"),
        MANIFEST % ("v1", "ConfigMap", "", "data: {}"),
    ),
    "KF321": (
        MANIFEST % ("kubeflow.org/v1", "Notebook", "", "spec: {}"),
        MANIFEST % ("kubeflow.org/v1", "Notebook", "", "spec: " + _PODS % ""),
    ),
    "KF323": (
        MANIFEST % ("kubeflow.org/v1", "Notebook", "", "spec: " + (_PODS % "").replace("name: a", "name: main")),
        MANIFEST % ("kubeflow.org/v1", "Notebook", "", "spec: " + _PODS % ""),
    ),
    "KF369": (
        MANIFEST
        % (
            "serving.kserve.io/v1beta1",
            "InferenceService",
            "",
            "spec: {predictor: {model: {modelFormat: {name: sklearn}, storageUri: gs://a}, sklearn: {storageUri: gs://b}}}",
        ),
        MANIFEST
        % (
            "serving.kserve.io/v1beta1",
            "InferenceService",
            "",
            "spec: {predictor: {model: {modelFormat: {name: sklearn}, storageUri: gs://a}}}",
        ),
    ),
    "KF382": (
        MANIFEST % ("kubeflow.org/v1", "TFJob", "", "spec: {tfReplicaSpecs: {}}"),
        MANIFEST
        % (
            "kubeflow.org/v1",
            "TFJob",
            "",
            "spec: {tfReplicaSpecs: {Worker: {template: {spec: {containers: [{name: tensorflow, image: a}]}}}}}",
        ),
    ),
}
"""Code -> a manifest that has it, one that does not."""


def codes_of(blocks: str, folder: Path) -> tuple[list[str], list[str]]:
    """The codes of a spec's findings, and the errors among them."""
    head = re.sub(r"^defaults: .*\n", "", HEAD, flags=re.MULTILINE) if "defaults:" in blocks else HEAD
    (folder / "kfspec.yaml").write_text(head + blocks + "\n")
    shutil.copyfile(ROOT / "tests" / "ir" / "packages" / "conditions.yaml", folder / PACKAGE)
    found = build(folder / "kfspec.yaml").diagnostics
    return [d.code for d in found], [f"{d.code} {d.message}" for d in found if d.severity is Severity.ERROR]


@pytest.mark.parametrize("code", SPECS)
def test_a_rule_fires_and_does_not(code: str, tmp_path: Path) -> None:
    wrong, right = SPECS[code]
    assert set(codes_of(wrong, tmp_path)[0]) == {code}
    found, errors = codes_of(right, tmp_path)
    assert code not in found
    assert errors == []


@pytest.mark.parametrize("code", MANIFESTS)
def test_a_rule_fires_for_manifests_and_does_not(code: str, tmp_path: Path) -> None:
    wrong, right = MANIFESTS[code]
    (tmp_path / "a.yaml").write_text(wrong)
    assert {d.code for d in check_manifests([str(tmp_path / "a.yaml")], "1.10").diagnostics} == {code}
    (tmp_path / "a.yaml").write_text(right)
    assert check_manifests([str(tmp_path / "a.yaml")], "1.10").diagnostics == ()


def test_every_code_has_a_test() -> None:
    files = [p for p in (ROOT / "tests").rglob("*") if p.suffix in (".py", ".md")]
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    assert [code for code in CODES if code not in text] == []
