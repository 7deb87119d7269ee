"""Upstream's defaulting webhooks as MutatingAdmissionPolicies, for namespaces that say so by a label.

They write what `shared/admission/defaulted` records (KServe 0.14.1, Katib 0.18.0; executed). CEL cannot write a quantity in its
canonical form, nor the zeros of Go's own types (`port: 0` in a probe without one).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from tests.support.controlplane import ControlPlane

LABEL = "kfspec-tests-defaulted"
_API = "admissionregistration.k8s.io/v1beta1"
_INDICES = "[0, 1, 2, 3, 4, 5, 6, 7]"


def _add(path: str, value: str) -> str:
    return f'JSONPatch{{op: "add", path: "{path}", value: {value}}}'


def _if_absent(path: str, value: str) -> str:
    """A patch that adds a value where there is none."""
    place = "object" + path.replace("/", ".")
    return f"!has({place}) ? [{_add(path, value)}] : []"


def _for_each(entries: str, condition: str, path: str, value: str) -> str:
    """A patch of every entry of a list (`e`) that fulfils a condition. CEL has no index: a list has up to eight entries."""
    place = "object" + entries.replace("/", ".")
    inner = (
        f'JSONPatch{{op: "add", path: "{entries}/" + string(i) + "{path}", value: {value.replace("@", f"{place}[i]")}}}'
    )
    chosen = f"{_INDICES}.filter(i, i < size({place})).filter(i, {condition.replace('@', f'{place}[i]')})"
    return f"has({place}) ? {chosen}.map(i, {inner}) : []"


def _container_defaults(component: str) -> list[str]:
    """`resources` of every container, filled in key by key."""
    containers = f"/spec/{component}/containers"
    made = [
        _for_each(containers, "!has(@.resources)", "/resources", "dyn({})"),
        _for_each(containers, "!has(@.resources.limits)", "/resources/limits", "dyn({})"),
        _for_each(containers, "!has(@.resources.requests)", "/resources/requests", "dyn({})"),
    ]
    for kind in ("limits", "requests"):
        for name, amount in (("cpu", "1"), ("memory", "2Gi")):
            absent = f'!("{name}" in @.resources.{kind})'
            made.append(_for_each(containers, absent, f"/resources/{kind}/{name}", f'"{amount}"'))
    return [f"has(object.spec.{component}) ? ({patch}) : []" for patch in made]


_FRAMEWORKS = (
    "sklearn",
    "xgboost",
    "tensorflow",
    "pytorch",
    "triton",
    "onnx",
    "huggingface",
    "pmml",
    "lightgbm",
    "paddle",
)
_SECOND_PROTOCOL = ("triton", "onnx", "huggingface")


def _legacy(framework: str) -> str:
    """`predictor.<framework>` becomes `predictor.model`, whatever stood there."""
    place = f"object.spec.predictor.{framework}"
    move = f'JSONPatch{{op: "move", from: "/spec/predictor/{framework}", path: "/spec/predictor/model"}}'
    named = _add("/spec/predictor/model/modelFormat", f'{{"name": "{framework}"}}')
    patch = f"has({place}) ? [{move}, {named}] : []"
    if framework not in _SECOND_PROTOCOL:
        return patch
    spoken = _add("/spec/predictor/model/protocolVersion", '"v2"')
    return patch.replace(" : []", f" + (has({place}.protocolVersion) ? [] : [{spoken}]) : []")


def _only_container(component: str) -> str:
    """The only container is called `kserve-container`, whatever it was called."""
    containers = f"object.spec.{component}.containers"
    renamed = _add(f"/spec/{component}/containers/0/name", '"kserve-container"')
    return f"has(object.spec.{component}) && has({containers}) && size({containers}) == 1 ? [{renamed}] : []"


KSERVE = [
    *map(_legacy, _FRAMEWORKS),
    *(
        f"has(object.spec.predictor.model) ? ({_if_absent(f'/spec/predictor/model/{field}', value)}) : []"
        for field, value in (("name", '""'), ("resources", "dyn({})"))
    ),
    *map(_only_container, ("predictor", "transformer")),
    *_container_defaults("predictor"),
    *_container_defaults("transformer"),
]

_DIRECTION = 'object.spec.objective.type == "minimize" ? "min" : "max"'
_JOBS = {
    '== "Job"': ('type==\\"Complete\\"', 'type==\\"Failed\\"'),
    'in ["PyTorchJob", "TFJob", "XGBoostJob", "MPIJob"]': ('type==\\"Succeeded\\"', 'type==\\"Failed\\"'),
}


def _of_trials(kinds: str, field: str, value: str) -> str:
    """A default of `trialTemplate` by the kind of its trials."""
    kind = f"has(object.spec.trialTemplate.trialSpec) && object.spec.trialTemplate.trialSpec.kind {kinds}"
    return f"has(object.spec.trialTemplate) && {kind} ? ({_if_absent(f'/spec/trialTemplate/{field}', value)}) : []"


def _condition(done: str) -> str:
    return f'"status.conditions.#({done})#|#(status==\\"True\\")#"'


KATIB = [
    _if_absent("/spec/parallelTrialCount", "3"),
    _if_absent("/spec/resumePolicy", '"Never"'),
    _if_absent("/spec/metricsCollectorSpec", "dyn({})"),
    _if_absent("/spec/metricsCollectorSpec/collector", 'dyn({"kind": "StdOut"})'),
    "has(object.spec.objective) && !has(object.spec.objective.metricStrategies) ? ["
    + _add(
        "/spec/objective/metricStrategies",
        "([object.spec.objective.objectiveMetricName]"
        " + (has(object.spec.objective.additionalMetricNames) ? object.spec.objective.additionalMetricNames : []))"
        f'.map(name, {{"name": dyn(name), "value": dyn({_DIRECTION})}})',
    )
    + "] : []",
    _for_each(
        "/spec/parameters",
        '@.parameterType in ["int", "double"] && has(@.feasibleSpace) && !has(@.feasibleSpace.distribution)',
        "/feasibleSpace/distribution",
        '"uniform"',
    ),
    *(
        _of_trials(kinds, field, _condition(done))
        for kinds, conditions in _JOBS.items()
        for field, done in zip(("successCondition", "failureCondition"), conditions, strict=True)
    ),
    _of_trials(
        'in ["PyTorchJob", "TFJob", "XGBoostJob"]',
        "primaryPodLabels",
        'dyn({"training.kubeflow.org/job-role": "master"})',
    ),
]


def _policy(name: str, group: str, plural: str, patches: list[str]) -> list[dict[str, Any]]:
    spec = {
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": [group],
                    "apiVersions": ["*"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": [plural],
                }
            ]
        },
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": patch}} for patch in patches],
    }
    bound = {"namespaceSelector": {"matchLabels": {LABEL: "true"}}}
    return [
        {"apiVersion": _API, "kind": "MutatingAdmissionPolicy", "metadata": {"name": name}, "spec": spec},
        {
            "apiVersion": _API,
            "kind": "MutatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "matchResources": bound},
        },
    ]


@contextlib.contextmanager
def defaulting(plane: ControlPlane, namespace: str) -> Iterator[None]:
    """KServe's and Katib's defaulters in one namespace, which is made for it; gone afterwards."""
    made = [
        *_policy(f"kserve-{namespace}", "serving.kserve.io", "inferenceservices", KSERVE),
        *_policy(f"katib-{namespace}", "kubeflow.org", "experiments", KATIB),
    ]
    plane.create_namespace(namespace, {LABEL: "true"})
    try:
        answers = plane.apply(made, workers=1)
        refused = [answer.message for answer in answers if answer.status not in (200, 201)]
        assert refused == [], refused
        _await(plane, namespace)
        yield
    finally:
        for body in reversed(made):
            plane.request("DELETE", plane.path_of(body))


def _await(plane: ControlPlane, namespace: str) -> None:
    """Policies take effect once the server's caches have them."""
    meta = {"name": "probe", "namespace": namespace}
    service = {"predictor": {"model": {"modelFormat": {"name": "sklearn"}}}}
    probes: list[dict[str, Any]] = [
        {"apiVersion": "kubeflow.org/v1beta1", "kind": "Experiment", "metadata": meta, "spec": {"maxTrialCount": 1}},
        {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": meta, "spec": service},
    ]
    deadline = time.monotonic() + 30
    while True:
        answers = plane.apply(probes, dry_run=True, workers=1)
        specs = [answer.body.get("spec") or {} for answer in answers]
        if "resumePolicy" in specs[0] and "resources" in (specs[1].get("predictor") or {}).get("model", {}):
            return
        assert time.monotonic() < deadline, [answer.body for answer in answers]
        time.sleep(0.1)
