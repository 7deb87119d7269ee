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


SPECS = [*sorted((ROOT / "tests" / "specs").glob("*.yaml")), ROOT / "examples" / "fraud-detection" / "kfspec.yaml"]


def consistent(made: Graph) -> None:
    """What holds of every graph that is made."""
    nodes = {node.id: node for node in made.nodes}
    assert len(nodes) == len(made.nodes)
    assert len({edge[:3] for edge in made.edges}) == len(made.edges)
    for edge in made.edges:
        assert edge.source != edge.target
        assert (nodes[edge.source].block == "profiles") == (edge.relation is Relation.HOLDS)
        assert nodes[edge.target].block != "profiles"
        where = set(edge.environments)
        assert where
        assert where <= set(nodes[edge.source].environments)
        assert where <= set(nodes[edge.target].environments)
    for node in made.nodes:
        assert node.presences
        assert list(node.environments) == [e for e in made.environments if e in node.environments]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem if spec.stem != "kfspec" else "showcase")
def test_every_spec_gives_a_graph_that_holds_together(spec: Path) -> None:
    made = graph([prepare(spec)])
    consistent(made)
    declared = {node.label for node in made.nodes if node.standing is Standing.DECLARED}
    for result in prepare(spec).results:
        assert result.project is not None
        assert {f"{block}.{name}" for block, name in result.project.items} <= declared


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
