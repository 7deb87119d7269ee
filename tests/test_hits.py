"""Whom a changed runtime or PodDefault hits: by name, nobody beside them, in every format of a plan."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from kfspec.cluster import recorded
from kfspec.cluster.session import target
from kfspec.live import Source
from kfspec.pipeline import prepare
from kfspec.planning import Action, Plan
from kfspec.planning.hits import _RULES
from kfspec.resource import Body
from kfspec.views.plan import html, markdown, text
from kfspec.views.plan import json as view
from kfspec.yamlio.dump import dump

BEFORE_0_16, SINCE_0_16 = "1.10", "26.03"
"""Releases: KServe 0.14 and 0.15 watch no runtimes, 0.16 does."""


def plan(
    folder: Path, before: str, after: str, release: str = BEFORE_0_16, live: Callable[[Body], None] = lambda body: None
) -> Plan:
    """The plan for `after` in a cluster that holds `before`, as it was applied and as `live` changes each object."""
    goals = []
    for name, blocks in (("before", before), ("after", after)):
        spec = folder / name / "kfspec.yaml"
        spec.parent.mkdir(parents=True, exist_ok=True)
        given = {"externals": {"profiles": ["t", "u"]}, **(yaml.safe_load(blocks) or {})}
        head = {"apiVersion": "kfspec.dev/v1alpha1", "project": "p", "kubeflow": release, "defaults": {"profile": "t"}}
        spec.write_text(dump({**head, **given}), encoding="utf-8")
        result = prepare(spec).results[0]
        errors = [d.message for d in result.diagnostics if d.severity == "error"]
        assert errors == []
        goals.append(target(result, None))
    old, goal = goals
    assert old is not None
    assert goal is not None
    known = goal.environment.release
    assert known is not None
    bodies = [recorded.as_applied(body, goal.scope, known) for body in old.bodies]
    for body in bodies:
        live(body)
    observation = recorded.observe(goal.bodies, bodies, goal.scope, known, Source.SNAPSHOT)
    made = goal.plan(observation, "there")
    assert isinstance(made, Plan)
    return made


def hits(made: Plan) -> dict[str, list[str]]:
    """What is said of every runtime and PodDefault that changes."""
    return {
        f"{change.action.value} {re.sub('-[0-9a-f]{8}$', '-HASH', str(change.ref))}": [
            f"{said.outcome.value}: {re.sub('-[0-9a-f]{8}', '-HASH', said.words)}" for said in change.effects
        ]
        for change in made.changes
        if (change.ref.group, change.ref.kind) in _RULES and change.action is not Action.UNCHANGED
    }


# -- serving runtimes -------------------------------------------------------------------------------------------------

RUNTIME = """
servingRuntimes:
  ours:
    {more}
    supportedModelFormats: [{{name: ours{select}}}]
    protocolVersions: [v1]
    containers: {{kserve-container: {{image: "server:1"}}}}
  other:
    supportedModelFormats: [other]
    containers: {{kserve-container: {{image: "server:1"}}}}
"""
SERVICES = """
inferenceServices:
  b: {predictor: {model: {modelFormat: ours, runtime: ours, storageUri: "gs://x/b"}}}
  a: {predictor: {model: {modelFormat: ours, runtime: ours, storageUri: "gs://x/a"}}}
  else: {predictor: {model: {modelFormat: other, runtime: other, storageUri: "gs://x/else"}}}
  shipped: {predictor: {model: {modelFormat: sklearn, storageUri: "gs://x/shipped"}}}
"""
NEXT = (
    "later: model servers that use it take the change up when something else reconciles them: an edit, a restart of the"
    " controller"
)
ROLLS = "disrupts: rolls every model server that uses it, at once"


def runtime(more: str = "hashed: false", select: str = "") -> str:
    return RUNTIME.format(more=more, select=select)


def newer(blocks: str) -> str:
    """The first runtime with another image."""
    return blocks.replace("server:1", "server:2", 1)


def test_services_move_to_the_next_version_of_a_runtime_that_is_named_by_its_content(tmp_path: Path) -> None:
    spec = runtime("hashed: true") + SERVICES
    made = plan(tmp_path, spec, newer(spec))
    assert hits(made) == {
        "create ServingRuntime/t/ours-HASH": [
            "takes: inferenceServices.a and inferenceServices.b move to it from ours-HASH"
        ],
        "prune ServingRuntime/t/ours-HASH": [
            "takes: inferenceServices.a and inferenceServices.b leave it for ours-HASH"
        ],
    }
    assert {change.item for change in made.pending} == {
        "servingRuntimes.ours",
        "inferenceServices.a",
        "inferenceServices.b",
    }


def test_a_first_version_moves_nobody(tmp_path: Path) -> None:
    spec = runtime() + SERVICES
    assert hits(plan(tmp_path, "", spec)) == {
        "create ServingRuntime/t/ours": [],
        "create ServingRuntime/t/other-HASH": [],
    }


NAMES = {
    "hashed: false": "ServingRuntime/t/ours",
    "hashed: false\n    clusterScoped: true": "ClusterServingRuntime/ours",
}


@pytest.mark.parametrize("scope", NAMES, ids=NAMES.values())
def test_a_runtime_that_keeps_its_name(scope: str, tmp_path: Path) -> None:
    spec = runtime(scope) + SERVICES
    changed = newer(spec).replace("gs://x/a", "gs://x/a2")
    assert hits(plan(tmp_path, spec, changed)) == {
        f"update {NAMES[scope]}": [
            NEXT,
            "disrupts: rolls inferenceServices.a at once, since the plan changes it too",
            "later: inferenceServices.b uses it, and takes the change up at its next reconcile",
        ]
    }


@pytest.mark.parametrize("scope", NAMES, ids=NAMES.values())
def test_kserve_0_16_rolls_all_at_once(scope: str, tmp_path: Path) -> None:
    held = SERVICES.replace("  b: {", '  b: {annotations: {serving.kserve.io/disable-auto-update: "true"}, ')
    spec = runtime(scope) + held
    assert hits(plan(tmp_path, spec, newer(spec), SINCE_0_16)) == {
        f"update {NAMES[scope]}": [
            ROLLS,
            "disrupts: rolls inferenceServices.a",
            "later: inferenceServices.b keeps what it has as long as it is ready, for it says"
            " serving.kserve.io/disable-auto-update",
        ]
    }


def test_what_is_no_part_of_the_spec_hits_nobody(tmp_path: Path) -> None:
    spec = runtime() + SERVICES
    labelled = spec.replace("hashed: false", "hashed: false\n    labels: {team: a}")
    assert hits(plan(tmp_path, spec, labelled)) == {"update ServingRuntime/t/ours": []}


def test_a_runtime_that_nobody_uses(tmp_path: Path) -> None:
    spec = runtime() + SERVICES.replace("runtime: ours", "runtime: kserve-mlserver")
    assert hits(plan(tmp_path, spec, newer(spec))) == {
        "update ServingRuntime/t/ours": [NEXT, "takes: no model server of the spec uses it"]
    }


def test_many_names_are_counted(tmp_path: Path) -> None:
    named = "\n".join(
        f'  s{n}: {{predictor: {{model: {{modelFormat: ours, runtime: ours, storageUri: "gs://x"}}}}}}'
        for n in range(9)
    )
    spec = f"{runtime()}inferenceServices:\n{named}\n"
    assert hits(plan(tmp_path, spec, newer(spec), SINCE_0_16)) == {
        "update ServingRuntime/t/ours": [
            ROLLS,
            "disrupts: rolls inferenceServices.s0, inferenceServices.s1, inferenceServices.s2, inferenceServices.s3,"
            " inferenceServices.s4, inferenceServices.s5 and 3 more",
        ]
    }


def test_a_service_of_another_namespace_and_a_namesake_of_the_namespace_are_not_hit(tmp_path: Path) -> None:
    """The cluster's runtime `ours` serves the namespace u; in t there is one of that name, which is what t's services mean."""
    spec = """
resources:
  everybodys:
    apiVersion: serving.kserve.io/v1alpha1
    kind: ClusterServingRuntime
    metadata: {name: ours}
    spec:
      supportedModelFormats: [{name: ours}]
      containers: [{name: kserve-container, image: "server:1"}]
  own:
    apiVersion: serving.kserve.io/v1alpha1
    kind: ServingRuntime
    metadata: {name: ours, namespace: t}
    spec:
      supportedModelFormats: [{name: ours}]
      containers: [{name: kserve-container, image: "server:3"}]
inferenceServices:
  here: {predictor: {model: {modelFormat: ours, runtime: ours, storageUri: "gs://x/a"}}}
  there: {profile: u, predictor: {model: {modelFormat: ours, runtime: ours, storageUri: "gs://x/a"}}}
"""
    of_cluster = plan(tmp_path, spec, newer(spec), SINCE_0_16)
    assert hits(of_cluster) == {"update ClusterServingRuntime/ours": [ROLLS, "disrupts: rolls inferenceServices.there"]}
    own = plan(tmp_path / "own", spec, spec.replace("server:3", "server:4"), SINCE_0_16)
    assert hits(own) == {"update ServingRuntime/t/ours": [ROLLS, "disrupts: rolls inferenceServices.here"]}


UNNAMED = """
inferenceServices:
  a: {predictor: {model: {modelFormat: ours, storageUri: "gs://x/a"}}}
  z: {predictor: {model: {modelFormat: sklearn, storageUri: "gs://x/z"}}}
"""


def test_a_service_that_names_none_may_get_it_by_its_format(tmp_path: Path) -> None:
    spec = runtime("hashed: false", ", autoSelect: true") + UNNAMED
    assert hits(plan(tmp_path, spec, newer(spec))) == {
        "update ServingRuntime/t/ours": [
            NEXT,
            "later: inferenceServices.a may use it, since KServe chooses by the format",
        ]
    }
    assert hits(plan(tmp_path / "new", spec, newer(spec), SINCE_0_16)) == {
        "update ServingRuntime/t/ours": [
            ROLLS,
            "disrupts: rolls inferenceServices.a as well, if KServe chose it for the format",
        ]
    }


def test_what_kserve_says_that_it_chose_is_no_guess(tmp_path: Path) -> None:
    spec = runtime("hashed: false", ", autoSelect: true") + UNNAMED

    def live(body: Body) -> None:
        if body["kind"] == "InferenceService":
            body["status"] = {"servingRuntimeName": {"a": "elsewhere", "z": "ours"}[body["metadata"]["name"]]}

    changed = newer(spec).replace("gs://x/", "gs://y/")
    assert hits(plan(tmp_path, spec, changed, SINCE_0_16, live)) == {
        "update ServingRuntime/t/ours": [ROLLS, "disrupts: rolls inferenceServices.z"]
    }


def test_a_new_runtime_may_take_over_a_service_that_names_none(tmp_path: Path) -> None:
    spec = runtime("hashed: false", ", autoSelect: true")
    free = '  free: {predictor: {model: {modelFormat: ours, storageUri: "gs://x/free"}}}\n'
    other = SERVICES.replace("runtime: ours", "runtime: late", 1).replace("runtime: ours", "runtime: kserve-mlserver")
    assert hits(plan(tmp_path, spec + SERVICES + free, spec.replace("  ours:", "  late:") + other + free)) == {
        "create ServingRuntime/t/late": [
            "takes: inferenceServices.b moves to it from ours",
            "later: inferenceServices.free may get it at the next reconcile, since KServe chooses by the format",
        ],
        "prune ServingRuntime/t/ours": [
            "takes: inferenceServices.a and inferenceServices.b leave it for kserve-mlserver and late"
        ],
    }


def test_a_runtime_that_goes_while_services_name_it(tmp_path: Path) -> None:
    """It is said to be somebody else's from now on, and is deleted all the same."""
    spec = runtime() + SERVICES
    after = yaml.safe_load(spec)
    del after["servingRuntimes"]["ours"]
    after["externals"] = {"profiles": ["t"], "servingRuntimes": ["ours"]}
    assert hits(plan(tmp_path, spec, yaml.safe_dump(after))) == {
        "prune ServingRuntime/t/ours": ["disrupts: inferenceServices.a and inferenceServices.b still name it"]
    }


# -- training runtimes ------------------------------------------------------------------------------------------------

TRAINERS = """
trainingRuntimes:
  ours: &ours
    mlPolicy: {torch: {}}
    template:
      spec:
        replicatedJobs:
          node:
            template:
              metadata: {labels: {trainer.kubeflow.org/trainjob-ancestor-step: trainer}}
              spec: {template: {spec: {containers: [{name: node, image: "server:1"}]}}}
  everywhere: {<<: *ours, clusterScoped: true}
"""
JOBS = """
trainingJobs:
  going: {kind: TrainJob, runtimeRef: {name: ours, kind: TrainingRuntime}}
  stopped: {kind: TrainJob, runtimeRef: {name: ours, kind: TrainingRuntime}, suspend: true}
  base: {kind: TrainJob, run: false, runtimeRef: {name: ours, kind: TrainingRuntime}, trainer: {args: [a]}}
  wide: {kind: TrainJob, runtimeRef: {name: everywhere, kind: ClusterTrainingRuntime}}
  shipped: {kind: TrainJob, runtime: torch-distributed}
experiments:
  tune:
    objective: {type: maximize, objectiveMetricName: auc}
    algorithm: random
    maxTrialCount: 3
    parameters: {lr: {min: 0.1, max: 0.2}}
    trial: {trainingJob: base, trainer: {args: ["${trialParameters.lr}"]}}
"""
NEW_JOBS = "later: new jobs take the change, and those that go on after a stop; jobs that run stay as they are"


def test_a_training_runtime_hits_what_is_still_to_start(tmp_path: Path) -> None:
    spec = yaml.safe_load(TRAINERS + JOBS)
    changed = yaml.safe_load(newer(TRAINERS) + JOBS)
    changed["trainingRuntimes"]["everywhere"] = spec["trainingRuntimes"]["everywhere"]
    changed["trainingJobs"]["again"] = {**spec["trainingJobs"]["going"], "trainer": {"numNodes": 2}}
    made = plan(tmp_path, yaml.safe_dump(spec), yaml.safe_dump(changed), "1.11")
    assert hits(made) == {
        "update TrainingRuntime/t/ours": [
            NEW_JOBS,
            "takes: trainingJobs.again starts on it",
            "later: trainingJobs.stopped takes it when it goes on",
            "later: trainingJobs.going stays as it is, and takes it only if it is suspended and goes on",
            "later: trials that experiments.tune starts from now on take it, earlier ones did not",
        ]
    }


def test_the_kind_of_a_training_runtime_counts(tmp_path: Path) -> None:
    """The cluster's runtime goes by the same name as that of the namespace, and each job says which it means."""
    spec = yaml.safe_load(TRAINERS + JOBS)
    wide = spec["trainingRuntimes"].pop("everywhere")
    body = {key: value for key, value in wide.items() if key != "clusterScoped"}
    job = body["template"]["spec"]["replicatedJobs"]["node"]
    body["template"] = {"spec": {"replicatedJobs": [{"name": "node", **job}]}}
    spec["resources"] = {
        "wide": {
            "apiVersion": "trainer.kubeflow.org/v1alpha1",
            "kind": "ClusterTrainingRuntime",
            "metadata": {"name": "ours"},
            "spec": body,
        }
    }
    spec["trainingJobs"]["wide"]["runtimeRef"]["name"] = "ours"
    before = json.dumps(spec)
    assert before.count("server:1") == 2
    first, _, last = before.rpartition("server:1")
    made = plan(tmp_path, before, f"{first}server:2{last}", "1.11")
    assert hits(made) == {
        "update ClusterTrainingRuntime/ours": [
            NEW_JOBS,
            "later: trainingJobs.wide stays as it is, and takes it only if it is suspended and goes on",
        ]
    }


def test_a_training_runtime_that_nobody_names(tmp_path: Path) -> None:
    assert hits(plan(tmp_path, TRAINERS, newer(TRAINERS), "1.11")) == {
        f"update {name}": [NEW_JOBS, "takes: no job of the spec names it"]
        for name in ("ClusterTrainingRuntime/everywhere", "TrainingRuntime/t/ours")
    }


# -- PodDefaults ------------------------------------------------------------------------------------------------------

DEFAULTS = """
podDefaults:
  proxy: {desc: A proxy., env: {PROXY: a}}
  other: {env: {OTHER: a}}
notebooks:
  b: {image: "n:1", podDefaults: [proxy]}
  a: {image: "n:1", podDefaults: [proxy]}
  plain: {image: "n:1"}
  elsewhere: {profile: u, image: "n:1", labels: {proxy: "true"}}
trainingJobs:
  train: {kind: PyTorchJob, image: "t:1", command: [train], podLabels: {proxy: "true"}}
inferenceServices:
  s: {labels: {other: "true"}, predictor: {model: {modelFormat: sklearn, storageUri: "gs://x/a"}}}
resources:
  web:
    apiVersion: apps/v1
    kind: Deployment
    spec:
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web, proxy: "true"}}
        spec: {containers: [{name: web, image: "web:1"}]}
"""
NEW_PODS = "later: new pods get the change; pods that run stay as they are"
SELECTED = "later: other pods are selected, as they are made; pods that run stay as they are"
ASK = "notebooks.a, notebooks.b, resources.web and trainingJobs.train"


def test_a_pod_default_hits_the_pods_that_select_it(tmp_path: Path) -> None:
    changed = DEFAULTS.replace("PROXY: a", "PROXY: b")
    assert hits(plan(tmp_path, DEFAULTS, changed)) == {
        "update PodDefault/t/proxy": [NEW_PODS, f"later: new pods of {ASK} get the change"]
    }
    other = DEFAULTS.replace("OTHER: a", "OTHER: b")
    assert hits(plan(tmp_path, DEFAULTS, other)) == {
        "update PodDefault/t/other": [NEW_PODS, "later: new pods of inferenceServices.s get the change"]
    }


def test_what_the_plan_restarts_starts_with_it(tmp_path: Path) -> None:
    changed = DEFAULTS.replace("PROXY: a", "PROXY: b").replace('b: {image: "n:1"', 'b: {image: "n:2"')
    assert hits(plan(tmp_path, DEFAULTS, changed)) == {
        "update PodDefault/t/proxy": [
            NEW_PODS,
            "takes: notebooks.b, which the plan restarts, starts with it",
            "later: new pods of notebooks.a, resources.web and trainingJobs.train get the change",
        ]
    }


def test_what_the_dashboard_says_of_it_hits_nobody(tmp_path: Path) -> None:
    changed = DEFAULTS.replace("A proxy.", "The proxy.")
    assert hits(plan(tmp_path, DEFAULTS, changed)) == {
        "update PodDefault/t/proxy": ["takes: the dashboard shows it as The proxy., not A proxy."]
    }


def test_another_selector(tmp_path: Path) -> None:
    changed = DEFAULTS.replace("desc: A proxy.", "desc: A proxy., selector: {matchLabels: {app: web}}")
    changed = changed.replace(", podDefaults: [proxy]", ', labels: {proxy: "true"}')
    assert hits(plan(tmp_path, DEFAULTS, changed)) == {
        "update PodDefault/t/proxy": [
            SELECTED,
            "later: new pods of notebooks.a, notebooks.b and trainingJobs.train no longer get it",
        ]
    }
    assert hits(plan(tmp_path / "back", changed, DEFAULTS)) == {
        "update PodDefault/t/proxy": [
            SELECTED,
            "later: new pods of notebooks.a, notebooks.b and trainingJobs.train get it",
        ]
    }


def test_one_that_comes_or_goes(tmp_path: Path) -> None:
    without = DEFAULTS.replace("  proxy: {desc: A proxy., env: {PROXY: a}}\n", "")
    without = without.replace(", podDefaults: [proxy]", ', labels: {proxy: "true"}')
    with_it = DEFAULTS.replace(", podDefaults: [proxy]", ', labels: {proxy: "true"}')
    assert hits(plan(tmp_path, without, with_it)) == {"create PodDefault/t/proxy": [f"later: new pods of {ASK} get it"]}
    assert hits(plan(tmp_path, with_it, without)) == {
        "prune PodDefault/t/proxy": [f"later: new pods of {ASK} no longer get it"]
    }
    assert hits(plan(tmp_path, "", DEFAULTS)) == {"create PodDefault/t/other": [], "create PodDefault/t/proxy": []}


# -- views ------------------------------------------------------------------------------------------------------------


def test_every_format_of_a_plan_says_it(tmp_path: Path) -> None:
    spec = runtime() + SERVICES
    made = plan(tmp_path, spec, newer(spec))
    words = "inferenceServices.a and inferenceServices.b use it, and take the change up at their next reconcile"
    source = "KServe 0.15.2, pkg/controller/v1beta1/inferenceservice/controller.go (does not watch runtimes)"
    assert f"    later      {words}\n" in text.render(made)
    changed = json.loads(view.render(made))["changes"][0]
    assert changed["effects"][-1] == {"text": words, "outcome": "later", "source": source}
    assert words in markdown.render(made)
    assert words in html.render(made)
