"""The graph itself: what feeds what, in which environment, and that its value holds together."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kfspec import kinds
from kfspec.checks import targets
from kfspec.lineage.making import graph
from kfspec.lineage.narrowing import find, focus
from kfspec.lineage.values import Graph, Relation, Standing
from kfspec.packages import Execution
from kfspec.pipeline import prepare
from tests.conftest import ROOT
from tests.graph import hostile

HEAD = """
apiVersion: kfspec.dev/v1alpha1
project: p
profiles: {t: {owner: a@example.com}}
defaults: {profile: t}
platform: {syncImage: "registry.example.com/kfspec:1", modelRegistry: "http://registry.kubeflow.svc:8080"}
"""
JOB = "kind: PyTorchJob, image: a:1, command: [a]"


def made(tmp_path: Path, text: str, head: str = HEAD) -> Graph:
    """The graph of one spec."""
    spec = tmp_path / "kfspec.yaml"
    spec.write_text(head + text, encoding="utf-8")
    return graph([prepare(spec, execution=Execution.PASSED_OVER)])


def told(made: Graph) -> list[str]:
    """Its edges in words; what a profile holds is left out, and so are environments that are all."""
    names = {node.id: node.id.removeprefix("p/").removeprefix("external/") for node in made.nodes}
    return [
        f"{names[e.source]} {e.relation.value} {names[e.target]}"
        + ("" if e.environments == made.environments else f" in {', '.join(e.environments)}")
        for e in made.edges
        if e.relation is not Relation.HOLDS
    ]


CASES: dict[str, tuple[str, list[str]]] = {
    "code of a job, and of the trials that borrow it": (
        f"""
trainingJobs: {{train: {{{JOB}, run: false, code: src/}}}}
experiments:
  tune:
    objective: {{type: maximize, objectiveMetricName: auc}}
    algorithm: random
    maxTrialCount: 3
    parameters: {{lr: {{min: 0.1, max: 0.2}}}}
    trial: {{trainingJob: train, code: {{path: ./other/../trial.py}}, args: ["${{trialParameters.lr}}"]}}
""",
        [
            "code.src run-by trainingJobs.train",
            "code.trial.py run-by experiments.tune",
            "trainingJobs.train borrowed-by experiments.tune",
        ],
    ),
    "a bucket, without what may be a credential, and a volume": (
        """
volumes: {m: {size: 1Gi}}
inferenceServices:
  a: {predictor: {model: {modelFormat: sklearn, storageUri: "https://me:secret@host/m?sig=secret"}}}
  b: {predictor: {model: {modelFormat: sklearn, storageUri: "pvc://m/v1", runtime: kserve-sklearnserver}}}
  c: {predictor: {model: {modelFormat: sklearn, storageUri: "hf://org/model@main", runtime: nobodys}}}
""",
        [
            "storage.hf://org/model@main served-by inferenceServices.c",
            "storage.https://host/m?... served-by inferenceServices.a",
            "volumes.m served-by inferenceServices.b",
            "servingRuntimes.kserve-sklearnserver runtime-of inferenceServices.b",
            "servingRuntimes.nobodys runtime-of inferenceServices.c",
        ],
    ),
    "a secret through a controller, a service account and a pod default": (
        """
externals: {secrets: [pull]}
podDefaults: {hub: {env: {T: {valueFrom: {secretKeyRef: {name: made, key: k}}}}}}
notebooks:
  n: {image: a:1, podDefaults: [hub, gone], serviceAccountName: acts}
  plain: {image: a:1, serviceAccountName: default-editor}
resources:
  made: {apiVersion: external-secrets.io/v1, kind: ExternalSecret, spec: {target: {name: made}}}
  acts: {apiVersion: v1, kind: ServiceAccount, imagePullSecrets: [{name: pull}]}
""",
        [
            "secrets.pull read-by resources.acts",
            "podDefaults.gone injected-into notebooks.n",
            "podDefaults.hub injected-into notebooks.n",
            "resources.acts identity-of notebooks.n",
            "resources.made read-by podDefaults.hub",
        ],
    ),
    "the volume that a notebook brings along, copied and mounted": (
        f"""
notebooks: {{n: {{image: a:1, workspace: 1Gi}}}}
volumes: {{copy: {{size: 1Gi, dataSource: {{kind: PersistentVolumeClaim, name: n-workspace}}}}}}
trainingJobs: {{train: {{{JOB}, volumeMounts: {{copy: /a, gone: /b}}}}}}
""",
        [
            "volumes.copy mounted-by trainingJobs.train",
            "volumes.gone mounted-by trainingJobs.train",
            "notebooks.n copied-into volumes.copy",
        ],
    ),
    "other kinds of KServe and Kubeflow": (
        """
volumes: {logs: {size: 1Gi}}
inferenceServices: {a: {predictor: {model: {modelFormat: sklearn, storageUri: "gs://b/a"}}}}
resources:
  route:
    apiVersion: serving.kserve.io/v1alpha1
    kind: InferenceGraph
    spec: {nodes: {root: {routerType: Sequence, steps: [{serviceName: a}, {serviceName: elsewhere}]}}}
  small:
    apiVersion: serving.kserve.io/v1alpha1
    kind: TrainedModel
    spec: {inferenceService: a, model: {storageUri: "gs://b/small", framework: sklearn, memory: 1Gi}}
  board: {apiVersion: tensorboard.kubeflow.org/v1alpha1, kind: Tensorboard, spec: {logspath: "pvc://logs/a"}}
""",
        [
            "storage.gs://b/a served-by inferenceServices.a",
            "storage.gs://b/small served-by resources.small",
            "volumes.logs mounted-by resources.board",
            "inferenceServices.a called-by resources.route",
            "inferenceServices.a hosts resources.small",
            "inferenceServices.elsewhere called-by resources.route",
        ],
    ),
    "a pipeline from its source to its schedules, and a registered model to what serves it": (
        """
externals: {serviceAccounts: [runner]}
pipelines:
  train:
    source: train.py:main
    pipelineRoot: gs://b/root
    serviceAccount: runner
    recurringRuns: {nightly: {cron: "0 2 * * *"}}
    runs: {once: {pipelineRoot: gs://b/once}}
models: {fraud: {versions: {"1": {uri: gs://b/1, modelFormat: sklearn}, "2": {uri: gs://b/2, modelFormat: sklearn}}}}
inferenceServices: {a: {predictor: {model: {registeredModel: fraud, version: "1"}}}}
environments: {dev: {}, prod: {inferenceServices: {a: {predictor: {model: {version: "2"}}}}}}
""",
        [
            "code.train.py compiled-into pipelines.train",
            "storage.gs://b/1 registered-as modelVersions.fraud/1",
            "storage.gs://b/2 registered-as modelVersions.fraud/2",
            "serviceAccounts.runner identity-of pipelines.train",
            "pipelines.train writes-to storage.gs://b/root",
            "pipelines.train started-as recurringRuns.train/nightly",
            "pipelines.train started-as runs.train/once",
            "models.fraud versioned-as modelVersions.fraud/1",
            "models.fraud versioned-as modelVersions.fraud/2",
            "runs.train/once writes-to storage.gs://b/once",
            "modelVersions.fraud/1 served-by inferenceServices.a in dev",
            "modelVersions.fraud/2 served-by inferenceServices.a in prod",
        ],
    ),
    "an application's code, and what it fetches": (
        """
externals: {serviceAccounts: [spark]}
sparkApplications:
  daily:
    schedule: "@daily"
    code: src/
    image: "spark:3.5"
    sparkVersion: 3.5.3
    driver: {serviceAccount: spark}
    executor: {}
  once:
    image: "spark:3.5"
    sparkVersion: 3.5.3
    type: Java
    mainApplicationFile: "https://me:secret@host/job.jar"
    mainClass: a.B
    deps: {jars: ["local:///opt/own.jar", "hdfs://n/udf.jar"], pyFiles: ["file:///opt/a.py"]}
    driver: {serviceAccount: spark}
    executor: {}
""",
        [
            "code.src run-by sparkApplications.daily",
            "storage.hdfs://n/udf.jar run-by sparkApplications.once",
            "storage.https://host/job.jar run-by sparkApplications.once",
            "serviceAccounts.spark identity-of sparkApplications.daily",
            "serviceAccounts.spark identity-of sparkApplications.once",
        ],
    ),
    "trials that are Spark applications": (
        """
externals: {secrets: [hub]}
volumes: {d: {size: 1Gi}}
experiments:
  tune:
    objective: {type: maximize, objectiveMetricName: auc}
    algorithm: random
    maxTrialCount: 3
    parallelTrialCount: 1
    parameters: {lr: {min: 0.1, max: 0.2}}
    trialTemplate:
      primaryContainerName: spark-kubernetes-driver
      trialParameters: [{name: lr, reference: lr}]
      trialSpec:
        apiVersion: sparkoperator.k8s.io/v1beta2
        kind: SparkApplication
        spec:
          type: Python
          mode: cluster
          sparkVersion: 3.5.3
          image: "spark:3.5"
          mainApplicationFile: "gs://b/${trialParameters.lr}.py"
          volumes: [{name: d, persistentVolumeClaim: {claimName: d}}]
          driver: {envSecretKeyRefs: {A: {name: hub, key: k}}}
          executor: {}
""",
        [
            "storage.gs://b/${trialParameters.lr}.py run-by experiments.tune",
            "volumes.d mounted-by experiments.tune",
            "secrets.hub read-by experiments.tune",
        ],
    ),
    "runs that write to where a Tensorboard reads": (
        f"""
volumes: {{logs: {{size: 1Gi}}, other: {{size: 1Gi}}}}
trainingJobs:
  above: {{{JOB}, volumeMounts: {{logs: /logs}}}}
  below: {{{JOB}, volumeMounts: {{logs: {{mountPath: /logs, subPath: runs/a}}}}}}
  beside: {{{JOB}, volumeMounts: {{logs: {{mountPath: /logs, subPath: runs-2}}}}}}
  reads: {{{JOB}, volumeMounts: {{logs: {{mountPath: /logs, readOnly: true}}}}}}
  other: {{{JOB}, volumeMounts: {{other: /logs}}}}
  template: {{{JOB}, run: false, volumeMounts: {{logs: /logs}}}}
notebooks: {{n: {{image: a:1, volumeMounts: {{logs: /logs}}}}}}
tensorboards: {{runs: {{volume: logs, path: runs}}}}
""",
        [
            "volumes.logs mounted-by notebooks.n",
            "volumes.logs mounted-by trainingJobs.above",
            "volumes.logs mounted-by trainingJobs.below",
            "volumes.logs mounted-by trainingJobs.beside",
            "volumes.logs mounted-by trainingJobs.reads",
            "volumes.logs mounted-by trainingJobs.template",
            "volumes.logs mounted-by tensorboards.runs",
            "volumes.other mounted-by trainingJobs.other",
            "trainingJobs.above shown-by tensorboards.runs",
            "trainingJobs.below shown-by tensorboards.runs",
        ],
    ),
    "the copy of a model, and not where it was copied from": (
        """
externals: {modelNodeGroups: [gpus, cpus]}
modelCaches: {m: {sourceModelUri: "hf://o/m", modelSize: 1Gi, nodeGroups: [gpus]}}
inferenceServices:
  same: {predictor: {model: {modelFormat: huggingface, storageUri: "hf://o/m/"}}}
  below: {predictor: {model: {modelFormat: huggingface, storageUri: "hf://o/m/v1"}}}
  longer: {predictor: {model: {modelFormat: huggingface, storageUri: "hf://o/m2"}}}
  off: {annotations: {serving.kserve.io/disable-localmodel: "true"}, predictor: {model: {modelFormat: huggingface, storageUri: "hf://o/m"}}}
  nodes: {annotations: {serving.kserve.io/nodegroup: cpus}, predictor: {model: {modelFormat: huggingface, storageUri: "hf://o/m"}}}
""",
        [
            "storage.hf://o/m served-by inferenceServices.nodes",
            "storage.hf://o/m served-by inferenceServices.off",
            "storage.hf://o/m copied-into modelCaches.m",
            "storage.hf://o/m2 served-by inferenceServices.longer",
            "modelNodeGroups.gpus hosts modelCaches.m",
            "modelCaches.m served-by inferenceServices.below",
            "modelCaches.m served-by inferenceServices.same",
        ],
    ),
    "a runtime of the namespace before the cluster's namesake": (
        """
externals: {profiles: [u]}
resources:
  own:
    apiVersion: serving.kserve.io/v1alpha1
    kind: ServingRuntime
    metadata: {name: ours, namespace: t}
    spec: {supportedModelFormats: [{name: a}], containers: [{name: kserve-container, image: "a:1"}]}
  wide:
    apiVersion: serving.kserve.io/v1alpha1
    kind: ClusterServingRuntime
    metadata: {name: ours}
    spec: {supportedModelFormats: [{name: a}], containers: [{name: kserve-container, image: "a:1"}]}
inferenceServices:
  here: {predictor: {model: {modelFormat: a, storageUri: "gs://b/a", runtime: ours}}}
  there: {profile: u, predictor: {model: {modelFormat: a, storageUri: "gs://b/a", runtime: ours}}}
""",
        [
            "storage.gs://b/a served-by inferenceServices.here",
            "storage.gs://b/a served-by inferenceServices.there",
            "resources.own runtime-of inferenceServices.here",
            "resources.wide runtime-of inferenceServices.there",
        ],
    ),
    "pod defaults of whatever makes pods, in their own namespace": (
        f"""
externals: {{profiles: [u]}}
podDefaults: {{hub: {{env: {{T: a}}}}}}
notebooks:
  n: {{image: a:1, labels: {{hub: "true"}}}}
  away: {{profile: u, image: a:1, labels: {{hub: "true"}}}}
  out: {{image: a:1, labels: {{hub: "true"}}, annotations: {{poddefault.admission.kubeflow.org/exclude: "true"}}}}
trainingJobs: {{train: {{{JOB}, podLabels: {{hub: "true"}}}}}}
inferenceServices: {{s: {{predictor: {{labels: {{hub: "true"}}, model: {{modelFormat: sklearn, storageUri: "gs://b/a"}}}}}}}}
resources:
  web:
    apiVersion: apps/v1
    kind: Deployment
    spec:
      selector: {{matchLabels: {{app: web}}}}
      template:
        metadata: {{labels: {{app: web, hub: "true"}}}}
        spec: {{containers: [{{name: web, image: a:1}}]}}
""",
        [
            "storage.gs://b/a served-by inferenceServices.s",
            "podDefaults.hub injected-into notebooks.n",
            "podDefaults.hub injected-into inferenceServices.s",
            "podDefaults.hub injected-into trainingJobs.train",
            "podDefaults.hub injected-into resources.web",
        ],
    ),
    "who may call a server: the profile's list, the server's own instead, and no principals": (
        """
externals: {profiles: [shop, web]}
environments: {dev: {profiles: {t: {servingAccess: [shop, cluster.local/ns/x/sa/y]}}}}
inferenceServices:
  inherits: {predictor: {model: {modelFormat: sklearn, storageUri: "gs://b/a"}}}
  own: {access: [web, t, gone], predictor: {model: {modelFormat: sklearn, storageUri: "gs://b/a"}}}
  closed: {access: private, predictor: {model: {modelFormat: sklearn, storageUri: "gs://b/a"}}}
inferenceGraphs: {g: {access: [web], nodes: {root: {routerType: Sequence, steps: [{service: own}]}}}}
""",
        [
            "storage.gs://b/a served-by inferenceServices.closed",
            "storage.gs://b/a served-by inferenceServices.inherits",
            "storage.gs://b/a served-by inferenceServices.own",
            "inferenceServices.inherits open-to profiles.shop",
            "inferenceServices.own open-to profiles.gone",
            "inferenceServices.own open-to profiles.web",
            "inferenceServices.own called-by inferenceGraphs.g",
            "inferenceGraphs.g open-to profiles.web",
        ],
    ),
    "what links of the dashboard open": (
        """
externals: {profiles: [u]}
volumes: {d: {size: 1Gi, viewer: true}}
notebooks: {n: {image: a:1}, m: {profile: u, image: a:1}}
tensorboards: {b: {volume: d}}
inferenceServices: {s: {predictor: {model: {modelFormat: sklearn, storageUri: "gs://b/a"}}}}
dashboard:
  own: true
  menuLinks:
    Ours:
      icon: folder
      items:
        Server: {link: "/kserve-endpoints/details/{ns}/s?tab=logs"}
        Files: {link: /pvcviewers/t/d/}
  externalLinks: {There: {link: "https://example.com/notebook/t/n/", icon: link}}
  quickLinks:
    Wrong place: {link: /notebook/t/m/, desc: It is in u}
    Right place: {link: /_/jupyter/notebook/details/t/n, desc: It is in t}
    Pipelines: {link: /pipeline/, desc: All}
  documentationItems: {Curves: {link: /tensorboard/t/b/, desc: Curves}}
""",
        [
            "storage.gs://b/a served-by inferenceServices.s",
            "volumes.d mounted-by tensorboards.b",
            "volumes.d linked-from dashboard.centraldashboard-config",
            "notebooks.n linked-from dashboard.centraldashboard-config",
            "inferenceServices.s linked-from dashboard.centraldashboard-config",
            "tensorboards.b linked-from dashboard.centraldashboard-config",
        ],
    ),
    "what only one environment has": (
        """
volumes: {d: {size: 1Gi}}
notebooks: {n: {image: a:1, volumeMounts: {d: /d}}, m: {image: a:1}}
environments: {dev: {notebooks: {m: {volumeMounts: {d: /d}}}}, prod: {notebooks: {n: null}}}
""",
        ["volumes.d mounted-by notebooks.m in dev", "volumes.d mounted-by notebooks.n in dev"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_feeds_what(name: str, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    for file in ("src/train.py", "trial.py", "train.py"):
        (tmp_path / file).write_text("raise SystemExit('this was run')\n")
    text, wanted = CASES[name]
    assert told(made(tmp_path, text)) == wanted


def test_a_training_runtime_is_of_the_kind_that_the_job_says(tmp_path: Path) -> None:
    """Namesakes of both kinds, and a job that names the wrong one: it gets neither. A cluster's runtime mounts what it mounts
    in the job's namespace."""
    text = """
kubeflow: "1.11"
externals: {profiles: [u]}
volumes: {d: {size: 1Gi}}
trainingRuntimes:
  only-own: {mlPolicy: {torch: {}}, template: {spec: {replicatedJobs: {node: {}}}}}
  only-wide: {clusterScoped: true, mlPolicy: {torch: {}}, template: {spec: {replicatedJobs: {node: {}}}}}
  both: {mlPolicy: {torch: {}}, template: {spec: {replicatedJobs: {node: {}}}}}
resources:
  namesake:
    apiVersion: trainer.kubeflow.org/v1alpha1
    kind: ClusterTrainingRuntime
    metadata: {name: both}
    spec:
      template:
        spec:
          replicatedJobs:
          - name: node
            template:
              metadata: {labels: {trainer.kubeflow.org/trainjob-ancestor-step: trainer}}
              spec:
                template:
                  spec:
                    containers: [{name: node, image: "a:1"}]
                    volumes: [{name: d, persistentVolumeClaim: {claimName: d}}]
trainingJobs:
  own: {kind: TrainJob, runtimeRef: {name: both, kind: TrainingRuntime}}
  wide: {kind: TrainJob, runtimeRef: {name: both, kind: ClusterTrainingRuntime}}
  default: {kind: TrainJob, runtimeRef: {name: both}}
  wrong-wide: {kind: TrainJob, runtimeRef: {name: only-own, kind: ClusterTrainingRuntime}}
  wrong-own: {kind: TrainJob, runtimeRef: {name: only-wide, kind: TrainingRuntime}}
  away: {kind: TrainJob, profile: u, runtimeRef: {name: only-own, kind: TrainingRuntime}}
  shipped: {kind: TrainJob, runtimeRef: {name: torch-distributed, kind: ClusterTrainingRuntime}}
  not-shipped: {kind: TrainJob, runtimeRef: {name: deepspeed-distributed, kind: TrainingRuntime}}
"""
    whole = made(tmp_path, text)
    named = [
        (e.source, e.target.removeprefix("p/trainingJobs.")) for e in whole.edges if e.relation is Relation.RUNTIME_OF
    ]
    assert named == [
        ("p/trainingRuntimes.both", "own"),
        ("external/trainingRuntimes.deepspeed-distributed", "not-shipped"),
        ("external/trainingRuntimes.only-own", "away"),
        ("external/trainingRuntimes.only-own", "wrong-wide"),
        ("external/trainingRuntimes.only-wide", "wrong-own"),
        ("external/trainingRuntimes.torch-distributed", "shipped"),
        ("p/resources.namesake", "default"),
        ("p/resources.namesake", "wide"),
    ]
    assert [edge for edge in told(whole) if "mounted-by" in edge] == [
        "volumes.d mounted-by trainingJobs.default",
        "volumes.d mounted-by trainingJobs.wide",
    ]
    nodes = {node.id: node for node in whole.nodes}
    assert nodes["external/trainingRuntimes.deepspeed-distributed"].standing is Standing.UNDECLARED
    assert nodes["external/trainingRuntimes.only-own"].standing is Standing.UNDECLARED
    assert nodes["external/trainingRuntimes.torch-distributed"].standing is Standing.SHIPPED
    only_wide = nodes["p/trainingRuntimes.only-wide"]
    assert (only_wide.kind, only_wide.profile, only_wide.presences) == (
        "ClusterTrainingRuntime",
        "",
        (("default", "", False),),
    )


def test_who_answers_for_a_node(tmp_path: Path) -> None:
    text = """
externals: {secrets: [unused], volumes: [data]}
notebooks: {n: {image: a:1, volumeMounts: {data: /a, gone: /b}}}
trainingJobs: {train: {kind: PyTorchJob, run: false, image: a:1, command: [a]}}
inferenceServices: {a: {predictor: {model: {modelFormat: onnx, storageUri: "gs://b/a", runtime: kserve-tritonserver}}}}
namespaceMap: {t: t-live}
"""
    nodes = {node.id: node for node in made(tmp_path, text).nodes}
    assert {id_: node.standing for id_, node in nodes.items() if node.standing is not Standing.DECLARED} == {
        "external/storage.gs://b/a": Standing.EXTERNAL,
        "external/volumes.data": Standing.EXTERNAL,
        "external/volumes.gone": Standing.UNDECLARED,
        "external/secrets.unused": Standing.EXTERNAL,
        "external/servingRuntimes.kserve-tritonserver": Standing.SHIPPED,
    }
    train = nodes["p/trainingJobs.train"]
    assert (train.kind, train.profile, train.presences) == ("PyTorchJob", "t", (("default", "t-live", True),))
    assert train.pos is not None
    assert train.pos[1:3] == (10, 16)


def test_what_one_spec_declares_is_another_s_external(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "a.yaml", tmp_path / "b.yaml"
    ours.write_text(f"{HEAD}\nvolumes: {{data: {{size: 1Gi}}}}\n")
    theirs.write_text(
        "apiVersion: kfspec.dev/v1alpha1\nproject: q\nexternals: {profiles: [t], volumes: [data]}\n"
        "defaults: {profile: t}\nnotebooks: {n: {image: a:1, volumeMounts: {data: /d}}}\n"
    )
    both = graph([prepare(theirs), prepare(ours)])
    assert both == graph([prepare(ours), prepare(theirs)])
    assert [node.id for node in both.nodes] == ["p/profiles.t", "p/volumes.data", "q/notebooks.n"]
    assert [(e.source, e.relation.value, e.target) for e in both.edges] == [
        ("p/profiles.t", "holds", "p/volumes.data"),
        ("p/profiles.t", "holds", "q/notebooks.n"),
        ("p/volumes.data", "mounted-by", "q/notebooks.n"),
    ]


NEWEST = ROOT / "tests" / "graph" / "specs" / "newest.yaml"
SPECS = [
    *sorted((ROOT / "tests" / "specs").glob("*.yaml")),
    NEWEST,
    *sorted((ROOT / "examples").glob("*/kfspec.yaml")),
    ROOT / "examples" / "fraud-detection" / "kfspec.yaml",
]


def consistent(made: Graph) -> None:
    """What holds of every graph that is made."""
    nodes = {node.id: node for node in made.nodes}
    assert len(nodes) == len(made.nodes)
    assert len({edge[:3] for edge in made.edges}) == len(made.edges)
    for edge in made.edges:
        assert edge.source != edge.target
        assert (nodes[edge.source].block == "profiles") == (edge.relation is Relation.HOLDS)
        assert (nodes[edge.target].block == "profiles") == (edge.relation is Relation.OPEN_TO)
        where = set(edge.environments)
        assert where
        assert where <= set(nodes[edge.source].environments)
        assert where <= set(nodes[edge.target].environments)
    for node in made.nodes:
        assert node.presences
        assert list(node.environments) == [e for e in made.environments if e in node.environments]


def test_the_newest_spec_has_every_block() -> None:
    """What it has not, the showcase and the retraining have, whose graphs are recorded too."""
    recorded = (NEWEST, *(ROOT / "examples" / name / "kfspec.yaml" for name in ("fraud-detection", "retraining")))
    projects = [result.project for spec in recorded for result in prepare(spec).results]
    used = {block for project in projects if project is not None for block, _ in project.items}
    assert used == set(kinds.BLOCKS)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem if spec.stem != "kfspec" else spec.parent.name)
def test_every_spec_gives_a_graph_that_holds_together(spec: Path) -> None:
    made = graph([prepare(spec)])
    consistent(made)
    declared = {node.label for node in made.nodes if node.standing is Standing.DECLARED}
    for result in prepare(spec).results:
        assert result.project is not None
        assert {f"{block}.{name}" for block, name in result.project.items} <= declared


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem if spec.stem != "kfspec" else spec.parent.name)
def test_no_reference_that_is_judged_is_missing(spec: Path) -> None:
    """Every name that the checks look up is an edge: from the item that makes what is named, or from something outside."""
    whole = graph([prepare(spec)])
    names = {node.id: node for node in whole.nodes}
    fed: dict[tuple[str, str], set[str]] = {}
    for edge in whole.edges:
        for environment in edge.environments:
            fed.setdefault((environment, edge.target), set()).add(edge.source)
    for result in prepare(spec).results:
        assert result.lowering is not None
        makers: dict[tuple[str, str], set[str]] = {}
        for (block, name), (_, lowered) in result.lowering.by_item.items():
            for resource in (*lowered.resources, *lowered.templates):
                makers.setdefault((resource.ref.namespace, resource.ref.name), set()).add(f"{block}.{name}")
        for resource in (*result.lowering.resources, *result.lowering.templates):
            own = ".".join(map(str, resource.item[:2]))
            target = f"{whole.projects[0]}/{own}"
            for wanted in targets.every(resource) if target in names else ():
                if wanted.optional or wanted.name in targets.GIVEN.get(wanted.kind, ()):
                    continue
                sources = {names[source].label for source in fed.get((result.name, target), ())}
                made_by = {m for where in (resource.ref.namespace, "") for m in makers.get((where, wanted.name), ())}
                outside = {label for label in sources if label.partition(".")[2] == wanted.name}
                assert sources & made_by or outside or own in made_by, (own, wanted)


def shuffled(value: Any, how: random.Random) -> Any:
    """The same value with the keys of its mappings in another order; environments keep theirs, which is told."""
    if not isinstance(value, dict):
        return [shuffled(entry, how) for entry in value] if isinstance(value, list) else value
    keys = list(value)
    how.shuffle(keys)
    keys = [key for key in keys if key != "environments"]
    made = {key: shuffled(value[key], how) for key in keys}
    if "environments" in value:
        made["environments"] = {key: shuffled(entry, how) for key, entry in value["environments"].items()}
    return made


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_the_spec_is_not_that_of_the_graph(seed: int, tmp_path: Path) -> None:
    source = ROOT / "tests" / "specs" / "notebooks.yaml"
    spec = tmp_path / "kfspec.yaml"
    spec.write_text(json.dumps(shuffled(yaml.safe_load(source.read_text()), random.Random(seed))))
    wanted, given_back = graph([prepare(source)]), graph([prepare(spec)])
    assert given_back._replace(nodes=tuple(node._replace(pos=None) for node in given_back.nodes)) == wanted._replace(
        nodes=tuple(node._replace(pos=None) for node in wanted.nodes)
    )


@settings(max_examples=150, deadline=None)
@given(hostile.graphs(), st.data(), st.none() | st.integers(0, 3))
def test_a_focus_is_the_part_that_it_says(whole: Graph, data: st.DataObject, depth: int | None) -> None:
    chosen = data.draw(st.lists(st.sampled_from([n.id for n in whole.nodes]), max_size=2)) if whole.nodes else []
    part = focus(whole, chosen, depth)
    kept = {node.id for node in part.nodes}
    assert set(chosen) <= kept
    assert part.nodes == tuple(node for node in whole.nodes if node.id in kept)
    assert part.edges == tuple(edge for edge in whole.edges if edge.source in kept and edge.target in kept)
    assert focus(whole, chosen) == focus(whole, chosen, len(whole.nodes))
    wider = focus(whole, chosen, depth + 1) if depth is not None else whole
    assert kept <= {node.id for node in wider.nodes}


def test_a_focus_goes_one_way_at_a_time_and_a_profile_stands_for_what_it_holds() -> None:
    whole = graph([prepare(SPECS[-1])])

    def labels(text: str, depth: int | None = None) -> list[str]:
        return [node.label for node in focus(whole, [node.id for node in find(whole, text)], depth).nodes]

    assert labels("tune") == [
        "profiles.fraud-research",
        "code.src",
        "volumes.features",
        "trainingJobs.train",
        "experiments.tune",
    ]
    assert labels("experiments.tune", 0) == ["profiles.fraud-research", "experiments.tune"]
    assert labels("code.src", 1) == ["profiles.fraud-research", "code.src", "trainingJobs.train"]
    assert labels("fraud-serving", 0) == ["profiles.fraud-serving", "inferenceServices.scorer", "resources.thresholds"]
    assert [node.id for node in find(whole, "hub-token")] == [
        "external/secrets.hub-token",
        "fraud-detection/podDefaults.hub-token",
    ]
    assert find(whole, "tun") == ()
