"""Objects generated from a kind's schema, every field at least once over the set, made to satisfy the kind's rules."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kfspec.catalog import KindEntry, Release
from kfspec.catalog.celrules import holds
from kfspec.catalog.releases import numbers
from kfspec.catalog.schema import Node, Schema, load_schema
from kfspec.diagnostics import Diagnostic, Path, Severity
from kfspec.resource import Resource, ref_of
from kfspec.verification import verify

Body = dict[str, Any]


def everything(schema: Schema, node: Node, name: str = "") -> Any:
    """A value that has every field of the node, with plausible leaves."""
    node = schema.node(node)
    if "enum" in node:
        return next((v for v in node["enum"] if v), node["enum"][0])
    if node.get("format") == "quantity" or node.get("intOrString"):
        return _fitting(node, ("1", 1))
    kind = node.get("type")
    if kind == "object" or "properties" in node:
        return _object(schema, node)
    if kind == "array":
        return [everything(schema, node.get("items", {"type": "string"}), name)]
    if kind == "boolean":
        return True
    if kind in ("integer", "number"):
        return max(1, node.get("minimum", 1))
    return _text(node, name)


def _object(schema: Schema, node: Node) -> Body:
    value = {key: everything(schema, sub, key) for key, sub in (node.get("properties") or {}).items()}
    extra = node.get("additionalProperties")
    if isinstance(extra, dict):
        value["key"] = everything(schema, extra, "key")
    if node.get("embedded"):
        value |= {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    elif node.get("preserve") and not value:
        value["free"] = {"form": 1}
    return value


def _text(node: Node, name: str) -> str:
    if node.get("format") == "date-time":
        return "2026-03-21T06:00:00Z"
    if node.get("format") == "byte":
        return "aGk="
    quoted = (word for rule in node.get("cel") or () for word in re.findall(r"'([^']+)'", rule["rule"]))
    usual = {"apiVersion": "v1"}.get(name, "x" * max(1, node.get("minLength", 1)))
    text: str = _fitting(node, (usual, "1", "/x", "1s", "x.y/z", *quoted, ""))
    return text


def _fitting(node: Node, candidates: Iterable[Any]) -> Any:
    """The first candidate that the node's pattern and rules take."""
    candidates = list(candidates)
    rules = [rule["rule"] for rule in node.get("cel") or () if "oldSelf" not in rule["rule"]]
    pattern = node.get("pattern")
    fitting = (
        each
        for each in candidates
        if (pattern is None or re.search(pattern, str(each))) and all(holds(rule, each) for rule in rules)
    )
    return next(fitting, candidates[0])


def paths(schema: Schema, node: Node, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every declared field below a node, list entries as `[]`, entries of free maps as `{}`."""
    node = schema.node(node)
    for key, sub in (node.get("properties") or {}).items():
        yield (*at, key)
        yield from paths(schema, sub, (*at, key))
    if isinstance(node.get("items"), dict):
        yield from paths(schema, node["items"], (*at, "[]"))
    if isinstance(node.get("additionalProperties"), dict):
        yield from paths(schema, node["additionalProperties"], (*at, "{}"))


def present(schema: Schema, node: Node, value: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The declared fields that a value has."""
    node = schema.node(node)
    properties = node.get("properties") or {}
    for key, item in value.items() if isinstance(value, dict) else ():
        if key in properties:
            yield (*at, key)
            yield from present(schema, properties[key], item, (*at, key))
        elif isinstance(node.get("additionalProperties"), dict):
            yield from present(schema, node["additionalProperties"], item, (*at, "{}"))
    for item in value if isinstance(value, list) else ():
        yield from present(schema, node.get("items") or {}, item, (*at, "[]"))


def objects(entry: KindEntry, version: str, namespace: str) -> list[Body]:
    """A set of valid objects of a kind that together have every field which its rules permit."""
    schema = load_schema(entry, version)
    body = everything(schema, schema.root)
    _words(body)
    api = f"{entry.group}/{version}" if entry.group else version
    meta: Body = {"name": "generated", "labels": {"a": "b"}, "annotations": {"c": "d"}}
    if entry.kind == "InferenceService":  # it has several nodes, and has to say that it is not scaled
        unscaled = "none" if numbers(entry.component_version) >= (0, 15, 2) else "external"
        meta["annotations"] = {"serving.kserve.io/autoscalerClass": unscaled}
    if entry.namespaced:
        meta["namespace"] = namespace
    body |= {"apiVersion": api, "kind": entry.kind, "metadata": meta}
    made = ADAPT.get(entry.kind, lambda b: [b])(body)
    for n, each in enumerate(made):
        own = (each["metadata"] or {}).get("annotations") or meta["annotations"]
        each["metadata"] = {**meta, "name": f"generated-{n}", "annotations": own}
        if entry.kind == "Notebook":
            each["spec"]["template"]["spec"]["containers"][0]["name"] = f"generated-{n}"
        if entry.kind == "PVCViewer":  # as it shows the volume of its name
            each["spec"]["pvc"] = f"generated-{n}"
            each["spec"]["podSpec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] = f"generated-{n}"
            _pod(each["spec"]["podSpec"])
    return made


def complete(entry: KindEntry, version: str, namespace: str, release: Release) -> list[Body]:
    """Such a set for a kind of which nobody has written down what its rules want.

    What its CEL rules and exclusive forms do not take is cut down to what is required; then each field that is missing so
    far gets an object with little else.
    """
    schema = load_schema(entry, version)
    api = f"{entry.group}/{version}"

    def dressed(body: Body, n: int) -> Body:
        meta = {"name": f"generated-{n}", **({"namespace": namespace} if entry.namespaced else {})}
        return {**body, "apiVersion": api, "kind": entry.kind, "metadata": meta}

    made: list[Body] = []
    for whole in FORMS.get(entry.kind, lambda body: [body])(everything(schema, schema.root)):
        _words(whole)
        for policy in _claim_policies(whole):
            for template in policy["templates"]:  # a rule wants them to have metadata, and no namespace in it
                template["metadata"].pop("namespace", None)
        while errors := _errors(dressed(whole, 0), release):
            _cut(schema, whole, errors[0].path)
        made.append(dressed(whole, len(made)))
    have = {path for each in made for path in present(schema, schema.root, each)}
    for path in sorted(paths(schema, schema.root), key=len, reverse=True):
        if path not in have and path[0] not in ("metadata", "apiVersion", "kind"):
            one = dressed(_along(schema, schema.root, path), len(made))
            for error in _errors(one, release):
                _fill(schema, one, error.path)
            if _errors(one, release):
                one = dressed(_along(schema, schema.root, path, "/x"), len(made))
            if not _errors(one, release):
                made.append(one)
                have |= set(present(schema, schema.root, one))
    return made


def _errors(body: Body, release: Release) -> list[Diagnostic]:
    found = verify([Resource(ref_of(body), body, {})], release)
    return [each for each in found if each.severity is Severity.ERROR]


def _cut(schema: Schema, body: Body, path: Path) -> None:
    """Replace the value at a path by what it must have, or remove it if it has no more than that."""
    value: Any = body
    for part in path[:-1]:
        value = value[part]
    node = schema.at(path)
    assert node is not None
    least = _least(schema, node)
    if value[path[-1]] != least:
        value[path[-1]] = least
    elif isinstance(value, dict):
        del value[path[-1]]
    else:
        _cut(schema, body, path[:-1])


def _fill(schema: Schema, body: Body, path: Path) -> None:
    """Add the plain fields of an object in which something is missing that only a rule asks for."""
    value: Any = body
    for part in path:
        value = value[part]
    node = schema.at(path)
    if isinstance(value, dict) and node is not None:
        for key, sub in (node.get("properties") or {}).items():
            if schema.node(sub).get("type") in ("string", "integer", "boolean") and "enum" not in schema.node(sub):
                value.setdefault(key, everything(schema, sub, key))


def _claim_policies(value: Any) -> Iterator[Body]:
    """Every `volumeClaimPolicies` entry, which JobSet 0.11 brings and Trainer 2.2 embeds."""
    for key, item in value.items() if isinstance(value, dict) else ():
        if key == "volumeClaimPolicies":
            yield from item
        else:
            yield from _claim_policies(item)


def _least(schema: Schema, node: Node) -> Any:
    node = schema.node(node)
    if "properties" in node:
        return {key: _least(schema, node["properties"][key]) for key in node.get("required", ())}
    if node.get("type") == "array":
        return [_least(schema, node["items"]) for _ in range(node.get("minItems", 0))]
    return everything(schema, node)


def _along(schema: Schema, node: Node, path: tuple[str, ...], text: str | None = None) -> Any:
    """A value with what must be there and one field more, and of what tells forms apart, the form of that field.

    `text`: the field's value, if it is a text that rules elsewhere look at.
    """
    node = schema.node(node)
    if not path:
        return text if text is not None and node.get("type") == "string" else everything(schema, node)
    first, *rest = path
    if first == "[]":
        return [_along(schema, node["items"], tuple(rest), text)] * max(1, node.get("minItems", 1))
    if first == "{}":
        return {"key": _along(schema, node["additionalProperties"], tuple(rest), text)}
    value: Body = _least(schema, node)
    for key, sub in node["properties"].items():
        form = next((v for v in schema.node(sub).get("enum", ()) if str(v).lower() == first.lower()), None)
        if form is not None:
            value[key] = form
    value[first] = _along(schema, node["properties"][first], tuple(rest), text)
    return value


def _pod(pod: Body, container: str | None = None) -> None:
    """Make what a pod spec refers to in itself agree."""
    for group in ("containers", "initContainers"):
        for entry in pod.get(group) or ():
            for mount in entry.get("volumeMounts") or ():
                mount["name"] = pod["volumes"][0]["name"]
    if container is not None:
        pod["containers"][0]["name"] = container


def _words(value: Any) -> None:
    """Make the words and the resources of whatever looks like a part of a pod such as the API server knows."""
    for entry in value if isinstance(value, list) else ():
        _words(entry)
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if key == "imagePullPolicy":
            value[key] = "Always"
        elif key == "tolerations":
            for toleration in item:
                toleration |= {"operator": "Equal", "effect": "NoExecute"}
        elif key == "emptyDir" and "medium" in item:
            item["medium"] = "Memory"
        elif key in ("containers", "initContainers", "ephemeralContainers", "sidecars"):
            for container in item:
                if "resources" in container:
                    _resources(container["resources"])
        _words(item)


def _resources(resources: Body) -> None:
    for amounts in ("limits", "requests"):
        resources[amounts] = {"cpu": "1"}


def _notebook(body: Body) -> list[Body]:
    _pod(body["spec"]["template"]["spec"])
    return [body]


def _profile(body: Body) -> list[Body]:
    body["spec"]["owner"]["kind"] = "User"
    body["spec"]["plugins"][0] = {
        "kind": "WorkloadIdentity",
        "apiVersion": "v1",
        "spec": {"gcpServiceAccount": "a@b.iam.gserviceaccount.com"},
    }
    return [body]


def _limitrange(body: Body) -> list[Body]:
    """One limit for each type, as there may be no two of one."""
    given = body["spec"]["limits"][0]
    container = {key: {"cpu": "1"} for key in given if key != "type"}
    claim = {"type": "PersistentVolumeClaim", "max": {"storage": "1"}}
    body["spec"]["limits"] = [{"type": "Container", **container}, claim]
    return [body]


def _replica(spec: Body, field: str, container: str) -> Body:
    """The one replica that a generated job has, without its place."""
    replica: Body = spec[field].pop("key")
    replica["restartPolicy"] = "OnFailure"
    _pod(replica["template"]["spec"], container)
    return replica


def _job(field: str, container: str, *types: str) -> Callable[[Body], list[Body]]:
    """Makes a job of these replica types."""

    def adapt(body: Body) -> list[Body]:
        spec = body["spec"]
        replica = _replica(spec, field, container)
        spec[field] = {name: copy.deepcopy(replica) for name in types}
        spec["runPolicy"]["cleanPodPolicy"] = "None"
        if "managedBy" in spec["runPolicy"]:
            spec["runPolicy"]["managedBy"] = "kubeflow.org/training-operator"
        del spec["runPolicy"]["ttlSecondsAfterFinished"]
        return [body]

    return adapt


def _pytorchjob(body: Body) -> list[Body]:
    _job("pytorchReplicaSpecs", "pytorch", "Master", "Worker")(body)
    spec = body["spec"]
    spec["nprocPerNode"] = "auto"
    spec["elasticPolicy"]["rdzvBackend"] = "c10d"
    older = copy.deepcopy(body)
    del older["spec"]["nprocPerNode"]
    del spec["elasticPolicy"]["nProcPerNode"]
    return [body, older]


def _tfjob(body: Body) -> list[Body]:
    body["spec"]["successPolicy"] = "AllWorkers"
    return _job("tfReplicaSpecs", "tensorflow", "Chief", "PS", "Worker", "Evaluator")(body)


def _mpijob(body: Body) -> list[Body]:
    body["spec"] |= {"cleanPodPolicy": "Running", "mainContainer": "mpi"}
    return _job("mpiReplicaSpecs", "mpi", "Launcher", "Worker")(body)


def _mxjob(body: Body) -> list[Body]:
    body["spec"]["jobMode"] = "MXTrain"
    tune = copy.deepcopy(body)
    tune["spec"]["jobMode"] = "MXTune"
    train = _job("mxReplicaSpecs", "mxnet", "Scheduler", "Server", "Worker")(body)
    return [*train, *_job("mxReplicaSpecs", "mxnet", "Tuner", "TunerServer", "TunerTracker")(tune)]


def _poddefault(body: Body) -> list[Body]:
    spec = body["spec"]
    spec["selector"]["matchLabels"] = {"generated": "true"}
    exact = copy.deepcopy(body)
    exact["spec"]["selector"].pop("matchExpressions")
    return [exact, body]


TRIAL: Body = {
    "apiVersion": "kubeflow.org/v1",
    "kind": "PyTorchJob",
    "spec": {
        "pytorchReplicaSpecs": {
            "Master": {
                "replicas": 1,
                "template": {
                    "spec": {
                        "containers": [
                            {"name": "pytorch", "image": "x", "args": ["${trialParameters.x}", "${trialParameters.z}"]}
                        ]
                    }
                },
            }
        }
    },
}
"""What a generated experiment runs."""


def _experiment(body: Body) -> list[Body]:
    """One of each metrics collector, one of architectures, one whose template is a ConfigMap's."""
    body.pop("status", None)
    spec = body["spec"]
    spec["algorithm"] = {"algorithmName": "tpe", "algorithmSettings": [{"name": "gamma", "value": "0.5"}]}
    stop = [{"name": "start_step", "value": "2"}]
    spec["earlyStopping"] = {"algorithmName": "medianstop", "algorithmSettings": stop}
    spec["resumePolicy"] = "Never"
    spec["objective"] |= {
        "type": "maximize",
        "additionalMetricNames": ["loss"],
        "metricStrategies": [{"name": "x", "value": "max"}, {"name": "loss", "value": "latest"}],
    }
    space = {"min": "0.1", "max": "0.2", "step": "0.01", "distribution": "uniform"}
    spec["parameters"] = [
        {"name": "x", "parameterType": "double", "feasibleSpace": space},
        {"name": "y", "parameterType": "categorical", "feasibleSpace": {"list": ["a", "b"]}},
    ]
    nas = spec.pop("nasConfig")
    operations = [{"operationType": "convolution", "parameters": copy.deepcopy(spec["parameters"])}]
    template = spec["trialTemplate"]
    config_map = template.pop("configMap")
    template |= {"trialSpec": TRIAL, "primaryContainerName": "pytorch"}
    given = template["trialParameters"][0]
    template["trialParameters"] = [{**given, "name": "x", "reference": "x"}, {"name": "z", "reference": "y"}]
    collector = spec.pop("metricsCollectorSpec")
    custom, source = collector["collector"]["customCollector"], collector["source"]
    source["filter"]["metricsFormat"] = ["(a+)=(b+)"]
    files = {"path": "/a", "kind": "File", "format": "TEXT"}
    collectors: list[Body] = [
        {"collector": {"kind": "File"}, "source": {"fileSystemPath": files, "filter": source["filter"]}},
        {
            "collector": {"kind": "PrometheusMetric"},
            "source": {"httpGet": {**source["httpGet"], "port": "80", "path": "/m"}},
        },
        {"collector": {"kind": "Custom", "customCollector": custom}, "source": {"fileSystemPath": files}},
    ]
    made = []
    for each in collectors:
        one = copy.deepcopy(body)
        one["spec"]["metricsCollectorSpec"] = each
        made.append(one)
    architectures = copy.deepcopy(body)
    del architectures["spec"]["parameters"]
    architectures["spec"]["algorithm"] = {"algorithmName": "enas"}
    architectures["spec"]["nasConfig"] = {**nas, "operations": operations}
    del architectures["spec"]["earlyStopping"]
    architectures["spec"]["trialTemplate"]["trialParameters"] = [
        {**given, "name": "x", "reference": "architecture"},
        {"name": "z", "reference": "nn_config"},
    ]
    shared = copy.deepcopy(body)
    del shared["spec"]["trialTemplate"]["trialSpec"]
    shared["spec"]["trialTemplate"]["configMap"] = config_map
    return [*made, architectures, shared]


def _inferenceservice(body: Body) -> list[Body]:
    from kfspec.kinds.kserve.rules import CONTAINER, LEGACY

    predictor = body["spec"]["predictor"]
    strategies = {part: component.pop("deploymentStrategy") for part, component in body["spec"].items()}
    for component in body["spec"].values():
        component |= {"scaleMetric": "concurrency", "canaryTrafficPercent": 1, "timeout": 1}
        for name in ("containers", "initContainers"):
            for n, container in enumerate(component.get(name) or ()):
                container["name"] = CONTAINER if name == "containers" else f"x{n}"
        _mounts(component)
    for container in (*(predictor[name] for name in ("model", *LEGACY)), body["spec"]["explainer"]["art"]):
        _resources(container["resources"])
    own = body["spec"]["explainer"].pop("containers")
    models = {part: component.pop("storageUris", None) for part, component in body["spec"].items()}
    for name in ("model", *LEGACY):
        predictor[name] |= {"storageUri": "pvc://x/y", "protocolVersion": "v2"}
        if models["predictor"]:
            predictor[name].pop("name")
    predictor["model"] |= {"modelFormat": {"name": "sklearn", "version": "1"}, "runtime": "kserve-sklearnserver"}
    made = []
    for kept in ("model", *LEGACY, "containers"):
        one = copy.deepcopy(body)
        for name in {"model", *LEGACY, "containers"} - {kept}:
            one["spec"]["predictor"].pop(name)
        made.append(one)
    explained = copy.deepcopy(made[0])
    explained["spec"]["explainer"].pop("art")
    explained["spec"]["explainer"]["containers"] = own
    made += [explained, _raw(made[0], strategies, newer=bool(models["predictor"]))]
    if not models["predictor"]:
        return made
    several = copy.deepcopy(made[0])
    del several["spec"]["predictor"]["model"]["storageUri"]
    del several["spec"]["predictor"]["workerSpec"]
    for part, uris in models.items():
        several["spec"][part]["storageUris"] = uris
    return [*made, several]


def _raw(served: Body, strategies: Body, *, newer: bool) -> Body:
    """One without Knative: only there are strategies of Deployments, and the mode has another name from KServe 0.16 on."""
    raw = copy.deepcopy(served)
    raw["metadata"] = {"annotations": {"serving.kserve.io/deploymentMode": "Standard" if newer else "RawDeployment"}}
    del raw["spec"]["predictor"]["workerSpec"]
    for part, component in raw["spec"].items():
        component |= {"deploymentStrategy": strategies[part], "scaleMetric": "cpu"}
        del component["canaryTrafficPercent"]
    return raw


def _servingruntime(body: Body) -> list[Body]:
    spec = body["spec"]
    spec |= {"protocolVersions": ["v2"], "disabled": False, "multiModel": False}
    spec["annotations"] = {"serving.kserve.io/gpu-resource-types": '["key"]'}
    spec["containers"][0]["name"] = "kserve-container"
    spec["workerSpec"]["containers"][0]["name"] = "worker-container"
    for pod in (spec, spec["workerSpec"]):
        _mounts(pod)
    return [body]


def _inferencegraph(body: Body) -> list[Body]:
    spec = body["spec"]
    step = {**spec["nodes"]["key"]["steps"][0], "dependency": "Hard", "data": "$request"}
    targets = {key: step.pop(key) for key in ("nodeName", "serviceName", "serviceUrl")}
    steps = [{**step, "name": key, "weight": weight} for key, weight in zip(targets, (40, 30, 30), strict=True)]
    for each, (key, value) in zip(steps, targets.items(), strict=True):
        each[key] = {"nodeName": "next", "serviceUrl": "http://x"}.get(key, value)
    spec["nodes"] = {
        "root": {"routerType": "Splitter", "steps": steps},
        "next": {"routerType": "Sequence", "steps": [{"serviceUrl": "http://x"}]},
    }
    return [body]


def _trainedmodel(body: Body) -> list[Body]:
    body["spec"]["model"]["storageUri"] = "gs://x"
    return [body]


def _mounts(component: Body) -> None:
    if component.get("volumes"):
        for group in ("containers", "initContainers"):
            for entry in component.get(group) or ():
                for mount in entry.get("volumeMounts") or ():
                    mount["name"] = component["volumes"][0]["name"]


def _claim(body: Body) -> list[Body]:
    spec = body["spec"]
    spec |= {
        "accessModes": ["ReadWriteOnce"],
        "volumeMode": "Filesystem",
        "resources": {"requests": {"storage": "1"}, "limits": {"storage": "1"}},
    }
    spec["selector"] = {
        "matchLabels": {"a": "b"},
        "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}],
    }
    spec["dataSource"] = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "x"}
    spec["dataSourceRef"] = dict(spec["dataSource"])
    body.pop("status")
    return [body]


def _binding(body: Body) -> list[Body]:
    body["roleRef"] = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "kubeflow-edit"}
    user = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "a"}
    body["subjects"] = [user, {"kind": "ServiceAccount", "name": "a", "namespace": "b"}]
    return [body]


def _namespace(body: Body) -> list[Body]:
    body["spec"]["finalizers"] = ["kubernetes"]
    body.pop("status")
    return [body]


def _policy(body: Body) -> list[Body]:
    spec = body["spec"]
    selector, reference, references = spec.pop("selector"), spec.pop("targetRef"), spec.pop("targetRefs")
    provider = spec.pop("provider", None)
    body.pop("status", None)
    source = spec["rules"][0]["from"][0]["source"]
    accounts = {key: source.pop(key) for key in ("serviceAccounts", "notServiceAccounts") if key in source}
    spec["rules"][0]["from"].append({"source": accounts})
    target = {"kind": "Service", "group": "", "name": "x", "namespace": ""}
    cases: list[tuple[str, Any]] = [("selector", selector), ("targetRef", target), ("targetRefs", [target])]
    made = []
    for key, value in cases:
        one = copy.deepcopy(body)
        one["spec"][key] = value
        made.append(one)
    assert reference
    assert references
    if provider is not None:
        made[0]["spec"] |= {"provider": provider, "action": "CUSTOM"}
    return made


def _llminferenceservice(body: Body) -> list[Body]:
    """Over a pipeline, and over data."""
    made = []
    for left_out in (("data", "dataLocal"), ("pipeline",)):
        one = copy.deepcopy(body)
        for workload in (one["spec"], one["spec"]["prefill"]):
            for key in left_out:
                del workload["parallelism"][key]
        made.append(one)
    return made


def _trainjob(body: Body) -> list[Body]:
    spec = body["spec"]
    spec["runtimeRef"] |= {"apiGroup": "trainer.kubeflow.org", "kind": "TrainingRuntime"}
    _resources(spec["trainer"]["resourcesPerNode"])
    for patch in spec.get("runtimePatches") or ():
        patch["manager"] = "example.com/x"
    return [body]


def _trainingruntime(body: Body) -> list[Body]:
    """One for each ML policy."""
    spec = body["spec"]
    job_set = spec["template"]["spec"]
    for policy in _claim_policies(job_set):
        for template in policy["templates"]:
            template["metadata"].pop("namespace", None)
    policies = spec.pop("mlPolicy")
    nodes = policies.pop("numNodes")
    if "jax" not in policies:  # Trainer 2.1 would start a job again that JobSet deleted
        del job_set["ttlSecondsAfterFinished"]
    job = job_set["replicatedJobs"][0]
    job["template"]["metadata"]["labels"] = {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}
    job["template"]["spec"]["template"]["spec"]["containers"][0]["name"] = "node"
    made = []
    for name, policy in policies.items():
        one = copy.deepcopy(body)
        elastic = isinstance(policy, dict) and "elasticPolicy" in policy
        one["spec"]["mlPolicy"] = {name: policy, **({} if elastic else {"numNodes": nodes})}
        made.append(one)
    return made


FORMS: dict[str, Callable[[Body], list[Body]]] = {"LLMInferenceService": _llminferenceservice}
"""Kind -> the forms of its whole object that exclude each other, where `complete` finds out the rest."""


def _sparkapplication(body: Body) -> list[Body]:
    """One whose nodes are selected once, and its pods written by the operator's webhook; one with pod templates."""
    spec = body["spec"]
    del spec["timeToLiveSeconds"]
    return [{**body, "spec": each} for each in _applications(spec)]


def _scheduledsparkapplication(body: Body) -> list[Body]:
    spec = body["spec"] | {"schedule": "0 2 * * *", "concurrencyPolicy": "Forbid"}
    if "timeZone" in spec:
        spec["timeZone"] = "Europe/Berlin"
    return [{**body, "spec": {**spec, "template": each}} for each in _applications(spec["template"])]


def _applications(spec: Body) -> list[Body]:
    spec |= {"sparkVersion": "3.5.3", "mainApplicationFile": "local:///x.jar", "type": "Scala"}
    for role in ("driver", "executor"):
        spec[role] |= {"memory": "1g", "memoryOverhead": "512m"}
    fields, templates = copy.deepcopy(spec), spec
    del fields["nodeSelector"]
    for role in ("driver", "executor"):
        del fields[role]["template"]
        named = ("coreLimit", "cores", "memory", "serviceAccount", "template", "instances")
        templates[role] = {key: value for key, value in templates[role].items() if key in named}
    return [fields, templates]


def _sparkconnect(body: Body) -> list[Body]:
    spec = body["spec"]
    spec["sparkVersion"] = "4.0.0"
    for role in ("server", "executor"):
        spec[role]["memory"] = "1g"
    return [body]


PIPELINE: Body = {
    "schemaVersion": "2.1.0",
    "sdkVersion": "kfp-2.17.0",
    "pipelineInfo": {"name": "x"},
    "root": {"dag": {"tasks": {"step": {"taskInfo": {"name": "step"}, "componentRef": {"name": "comp-step"}}}}},
    "components": {"comp-step": {"executorLabel": "exec-step"}},
    "deploymentSpec": {"executors": {"exec-step": {"container": {"image": "x", "command": ["x"]}}}},
}
PLATFORM: Body = {
    "platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec-step": {"imagePullPolicy": "Always"}}}}}
}
"""What a generated version of a pipeline does."""


def _pipelineversion(body: Body) -> list[Body]:
    spec = body["spec"]
    spec["pipelineSpec"] = copy.deepcopy(PIPELINE)
    if "platformSpec" in spec:
        spec["platformSpec"] = copy.deepcopy(PLATFORM)
    body.pop("status")
    return [body]


def _tensorboard(body: Body) -> list[Body]:
    return [{**body, "spec": {"logspath": path}} for path in ("pvc://x/a/b", "gs://x/a")]


ADAPT: dict[str, Callable[[Body], list[Body]]] = {
    "Notebook": _notebook,
    "Profile": _profile,
    "LimitRange": _limitrange,
    "PyTorchJob": _pytorchjob,
    "TFJob": _tfjob,
    "XGBoostJob": _job("xgbReplicaSpecs", "xgboost", "Master", "Worker"),
    "MPIJob": _mpijob,
    "PaddleJob": _job("paddleReplicaSpecs", "paddle", "Master", "Worker"),
    "JAXJob": _job("jaxReplicaSpecs", "jax", "Worker"),
    "MXJob": _mxjob,
    "Experiment": _experiment,
    "SparkApplication": _sparkapplication,
    "ScheduledSparkApplication": _scheduledsparkapplication,
    "SparkConnect": _sparkconnect,
    "Tensorboard": _tensorboard,
    "PipelineVersion": _pipelineversion,
    "PodDefault": _poddefault,
    "InferenceService": _inferenceservice,
    "ServingRuntime": _servingruntime,
    "ClusterServingRuntime": _servingruntime,
    "InferenceGraph": _inferencegraph,
    "TrainedModel": _trainedmodel,
    "TrainJob": _trainjob,
    "TrainingRuntime": _trainingruntime,
    "ClusterTrainingRuntime": _trainingruntime,
    "PersistentVolumeClaim": _claim,
    "RoleBinding": _binding,
    "Namespace": _namespace,
    "AuthorizationPolicy": _policy,
}
"""Kind -> what its rules want of a generated object; several objects where fields exclude each other."""
