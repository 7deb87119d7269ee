"""Katib's types, written out: its CRDs carry no schema (katib v0.18.0 and v0.19.0, which do not differ:
`pkg/apis/controller/*/v1beta1`).

The mutating webhook decodes an Experiment into these types and writes it back, so a field that they do not have is dropped
without a word, and a value of another type is refused.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Node: TypeAlias = dict[str, Any]

_TEXT: Node = {"type": "string"}
_BOOL: Node = {"type": "boolean"}
_INT32: Node = {"type": "integer", "format": "int32"}
_RAW: Node = {"type": "object", "preserve": True}
_LABELS: Node = {"type": "object", "additionalProperties": _TEXT}


def _struct(**fields: Node) -> Node:
    return {"type": "object", "drops": True, "properties": fields}


def _list(items: Node) -> Node:
    return {"type": "array", "items": items}


_SETTINGS = _list(_struct(name=_TEXT, value=_TEXT))
_ALGORITHM = _struct(algorithmName=_TEXT, algorithmSettings=_SETTINGS)
_OBJECTIVE = _struct(
    type=_TEXT,
    goal={"type": "number"},
    objectiveMetricName=_TEXT,
    additionalMetricNames=_list(_TEXT),
    metricStrategies=_list(_struct(name=_TEXT, value=_TEXT)),
)
_FEASIBLE_SPACE = _struct(max=_TEXT, min=_TEXT, list=_list(_TEXT), step=_TEXT, distribution=_TEXT)
_PARAMETERS = _list(_struct(name=_TEXT, parameterType=_TEXT, feasibleSpace=_FEASIBLE_SPACE))
_TRIAL_TEMPLATE = _struct(
    retain=_BOOL,
    trialSpec=_RAW,
    configMap=_struct(configMapName=_TEXT, configMapNamespace=_TEXT, templatePath=_TEXT),
    trialParameters=_list(_struct(name=_TEXT, description=_TEXT, reference=_TEXT)),
    primaryPodLabels=_LABELS,
    primaryContainerName=_TEXT,
    successCondition=_TEXT,
    failureCondition=_TEXT,
)
_NAS = _struct(
    graphConfig=_struct(numLayers=_INT32, inputSizes=_list(_INT32), outputSizes=_list(_INT32)),
    operations=_list(_struct(operationType=_TEXT, parameters=_PARAMETERS)),
)


def _collector(container: Node) -> Node:
    http = _struct(
        path=_TEXT,
        port={"intOrString": True},
        host=_TEXT,
        scheme=_TEXT,
        httpHeaders=_list(_struct(name=_TEXT, value=_TEXT)),
    )
    source = _struct(
        httpGet=http,
        fileSystemPath=_struct(path=_TEXT, kind=_TEXT, format=_TEXT),
        filter=_struct(metricsFormat=_list(_TEXT)),
    )
    return _struct(source=source, collector=_struct(kind=_TEXT, customCollector=container))


def types(container: Node) -> dict[str, Node]:
    """Kind -> the node of its objects. `container` is Kubernetes' own Container, of which a custom collector is one."""
    collector = _collector(container)
    specs = {
        "Experiment": _struct(
            parameters=_PARAMETERS,
            objective=_OBJECTIVE,
            algorithm=_ALGORITHM,
            earlyStopping=_ALGORITHM,
            trialTemplate=_TRIAL_TEMPLATE,
            parallelTrialCount=_INT32,
            maxTrialCount=_INT32,
            maxFailedTrialCount=_INT32,
            metricsCollectorSpec=collector,
            nasConfig=_NAS,
            resumePolicy=_TEXT,
        ),
        "Suggestion": _struct(algorithm=_ALGORITHM, earlyStopping=_ALGORITHM, requests=_INT32, resumePolicy=_TEXT),
        "Trial": _struct(
            objective=_OBJECTIVE,
            parameterAssignments=_SETTINGS,
            earlyStoppingRules=_list(_struct(name=_TEXT, value=_TEXT, comparison=_TEXT, startStep={"type": "integer"})),
            runSpec=_RAW,
            metricsCollector=collector,
            primaryPodLabels=_LABELS,
            primaryContainerName=_TEXT,
            successCondition=_TEXT,
            failureCondition=_TEXT,
            retainRun=_BOOL,
            labels=_LABELS,
        ),
    }
    return {kind: {**_struct(spec=spec, status=_RAW)} for kind, spec in specs.items()}
