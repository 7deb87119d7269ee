"""What an object and an item refer to: two tables, by kind of object and by block of the spec.

Whatever objects name is known already (`checks/targets.py`); here stands what only the graph asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

from kfspec.checks import targets
from kfspec.diagnostics import Path
from kfspec.kinds.podspec import Reference
from kfspec.lineage.values import Relation
from kfspec.resource import Resource
from kfspec.spec.project import Item

CLAIM, SECRET, CONFIG_MAP, ACCOUNT = "PersistentVolumeClaim", "Secret", "ConfigMap", "ServiceAccount"
STORAGE = "Storage"
"""Stands for a kind where a URI names no object of the cluster."""

_RELATIONS = {
    CLAIM: Relation.MOUNTED_BY,
    SECRET: Relation.READ_BY,
    CONFIG_MAP: Relation.READ_BY,
    ACCOUNT: Relation.IDENTITY_OF,
    "ServingRuntime": Relation.RUNTIME_OF,
    targets.OWN_RUNTIME: Relation.RUNTIME_OF,
    targets.CLUSTER_RUNTIME: Relation.RUNTIME_OF,
    "InferenceService": Relation.CALLED_BY,
    "LocalModelNodeGroup": Relation.HOSTS,
}
"""What a reference to an object of the kind mostly says."""


class Use(NamedTuple):
    """An object's use of another one in its namespace, or of what is no object. The first of `kinds` that exists counts."""

    kinds: tuple[str, ...]
    name: str
    relation: Relation
    optional: bool = False


class _Uri(NamedTuple):
    """A field that holds a URI; `*` stands for every key or entry."""

    path: tuple[str, ...]
    relation: Relation


_RUN = (
    _Uri(("mainApplicationFile",), Relation.RUN_BY),
    *(_Uri(("deps", key, "*"), Relation.RUN_BY) for key in ("jars", "files", "pyFiles", "archives")),
)
"""What a Spark application fetches before it runs (spark-operator 2.1.0, sparkapplication_types.go)."""


def _below(prefix: tuple[str, ...], fields: tuple[_Uri, ...]) -> tuple[_Uri, ...]:
    return tuple(field._replace(path=(*prefix, *field.path)) for field in fields)


_INITIALIZERS = tuple(_Uri(("initializer", key, "storageUri"), Relation.READ_BY) for key in ("dataset", "model"))
_OF_SERVICE = (
    _Uri(("spec", "*", "*", "storageUri"), Relation.SERVED_BY),
    _Uri(("spec", "*", "storageUris", "*", "uri"), Relation.SERVED_BY),
)
_URIS: dict[tuple[str, str], tuple[_Uri, ...]] = {
    (targets.SERVING, "InferenceService"): _OF_SERVICE,
    (targets.SERVING, "LLMInferenceService"): (
        _Uri(("spec", "model", "uri"), Relation.SERVED_BY),
        _Uri(("spec", "model", "lora", "adapters", "*", "uri"), Relation.SERVED_BY),
    ),
    (targets.SERVING, "TrainedModel"): (_Uri(("spec", "model", "storageUri"), Relation.SERVED_BY),),
    (targets.SERVING, "LocalModelCache"): (_Uri(("spec", "sourceModelUri"), Relation.COPIED_INTO),),
    ("tensorboard.kubeflow.org", "Tensorboard"): (_Uri(("spec", "logspath"), Relation.READ_BY),),
    (targets.TRAINER, "TrainJob"): _below(("spec",), _INITIALIZERS),
    ("kubeflow.org", "Experiment"): (
        *_below(("spec", "trialTemplate", "trialSpec", "spec"), _INITIALIZERS),
        *_below(("spec", "trialTemplate", "trialSpec", "spec"), _RUN),
    ),
    (targets.SPARK, "SparkApplication"): _below(("spec",), _RUN),
    (targets.SPARK, "ScheduledSparkApplication"): _below(("spec", "template"), _RUN),
}
"""(group, kind) -> the fields that hold a URI."""

_SCHEMES_OF_PODS = ("local", "file")
"""Schemes of what is in a pod already."""


def of_object(resource: Resource) -> Iterator[Use]:
    """Everything that an object refers to by a name or a URI."""
    for reference in targets.every(resource):
        yield Use(_kinds(reference), reference.name, _relation(reference, resource), reference.optional)
    ref = resource.ref
    if (ref.group, ref.kind) == ("", CLAIM):
        yield from _copied(resource.body.get("spec"))
    if (ref.group, ref.kind) == ("", ACCOUNT):
        for key in ("secrets", "imagePullSecrets"):
            for name in _texts(resource.body, (key, "*", "name")):
                yield Use((SECRET,), name, Relation.READ_BY)
    for field in _URIS.get((ref.group, ref.kind), ()):
        for uri in _texts(resource.body, field.path):
            if _leads_out(uri):
                yield of_uri(uri, field.relation)


def _kinds(reference: Reference) -> tuple[str, ...]:
    """A service takes the cluster's serving runtime where its namespace has none of the name; a job says which it means."""
    return (reference.kind, f"Cluster{reference.kind}") if reference.kind == "ServingRuntime" else (reference.kind,)


def _relation(reference: Reference, resource: Resource) -> Relation:
    if reference.path[-1] in ("storageUri", "uri"):
        return Relation.SERVED_BY
    if reference.kind == "InferenceService" and resource.ref.kind == "TrainedModel":
        return Relation.HOSTS
    return _RELATIONS.get(reference.kind, Relation.READ_BY)


def _leads_out(uri: str) -> bool:
    """Whether the text is no path in a pod's own image."""
    return uri.partition("://")[0] not in _SCHEMES_OF_PODS and not uri.startswith("/")


def _copied(spec: Any) -> Iterator[Use]:
    """The claim or snapshot that a claim is filled from."""
    for key in ("dataSource", "dataSourceRef"):
        source = spec.get(key) if isinstance(spec, dict) else None
        if isinstance(source, dict) and isinstance(source.get("name"), str) and "namespace" not in source:
            yield Use((str(source.get("kind")),), source["name"], Relation.COPIED_INTO)


def of_uri(uri: str, relation: Relation) -> Use:
    """`pvc://claim/path` is a volume; what else a URI names is outside of the cluster."""
    claim = targets.claim_of(uri)
    if claim:
        return Use((CLAIM,), claim, Relation.MOUNTED_BY if relation is Relation.READ_BY else relation)
    return Use((STORAGE,), _shown(uri), relation)


def _shown(uri: str) -> str:
    """The URI without what may be a credential: user and password, and the query, where signatures stand."""
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return uri
    rest, query, _ = rest.partition("?")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}{'?...' if query else ''}"


def _texts(value: Any, path: tuple[str, ...]) -> Iterator[str]:
    """Every text that is not empty at the path."""
    if not path:
        if isinstance(value, str) and value:
            yield value
        return
    head, rest = path[0], path[1:]
    if isinstance(value, dict):
        for key in value if head == "*" else (head,):
            yield from _texts(value.get(key), rest)
    elif isinstance(value, list) and head == "*":
        for entry in value:
            yield from _texts(entry, rest)


# -- items --------------------------------------------------------------------------------------------------------


class Named(NamedTuple):
    """Another item of the same spec, or a part of one."""

    block: str
    name: str


class Part(NamedTuple):
    """What an item has inside of it and others refer to: a node of its own, in the item's profile."""

    block: str
    name: str
    kind: str
    at: Path


class Local(NamedTuple):
    """A file or a folder beside the spec, and the place in the spec that says so."""

    text: str
    at: Path


End: TypeAlias = Named | Part | Local | Use


class Link(NamedTuple):
    """One edge that an item speaks of; an end that is None is the item itself."""

    source: End | None
    target: End | None
    relation: Relation


Rule: TypeAlias = Callable[[Item], Iterator[Link]]


def _code(item: Item) -> Iterator[Link]:
    """`code:` of a job or an application."""
    yield from _files(item.value.get("code"), (*item.path, "code"))


def _trial(item: Item) -> Iterator[Link]:
    """`trial: {trainingJob: ..., code: ...}` of an experiment."""
    trial = item.value.get("trial")
    if isinstance(trial, dict):
        if isinstance(trial.get("trainingJob"), str):
            yield Link(Named("trainingJobs", trial["trainingJob"]), None, Relation.BORROWED_BY)
        yield from _files(trial.get("code"), (*item.path, "trial", "code"))


def _files(value: Any, at: Path) -> Iterator[Link]:
    text = value.get("path") if isinstance(value, dict) else value
    if isinstance(text, str):
        yield Link(Local(text, at), None, Relation.RUN_BY)


def _pipeline(item: Item) -> Iterator[Link]:
    """What a pipeline is compiled from, and what starts it. Its parameters are not guessed at."""
    for field in ("package", "source"):
        if isinstance(item.value.get(field), str):
            file = item.value[field]
            yield Link(
                Local(file.partition(":")[0] if field == "source" else file, (*item.path, field)),
                None,
                Relation.COMPILED_INTO,
            )
    yield from _run(item.value, None)
    for block, kind in (("recurringRuns", "RecurringRun"), ("runs", "Run")):
        for name, run in _maps(item.value.get(block)):
            part = Part(block, f"{item.name}/{name}", kind, (*item.path, block, name))
            yield Link(None, part, Relation.STARTED_AS)
            yield from _run(run, part)


def _run(value: dict[str, Any], part: Part | None) -> Iterator[Link]:
    """What a pipeline's runs act as, and where they write."""
    if isinstance(value.get("serviceAccount"), str):
        yield Link(Use((ACCOUNT,), value["serviceAccount"], Relation.IDENTITY_OF), part, Relation.IDENTITY_OF)
    if isinstance(value.get("pipelineRoot"), str):
        yield Link(part, of_uri(value["pipelineRoot"], Relation.WRITES_TO), Relation.WRITES_TO)


def _model(item: Item) -> Iterator[Link]:
    """The versions of a registered model, and where each is kept."""
    for name, version in _maps(item.value.get("versions")):
        part = Part("modelVersions", f"{item.name}/{name}", "model version", (*item.path, "versions", name))
        yield Link(None, part, Relation.VERSIONED_AS)
        for kept in (version, *(artifact for _, artifact in _maps(version.get("artifacts")))):
            if isinstance(kept.get("uri"), str):
                yield Link(of_uri(kept["uri"], Relation.REGISTERED_AS), part, Relation.REGISTERED_AS)


def _service(item: Item) -> Iterator[Link]:
    """`predictor: {model: {registeredModel: fraud, version: "3"}}`."""
    model = item.value.get("predictor", {}).get("model")
    if isinstance(model, dict) and isinstance(model.get("registeredModel"), str):
        version = Named("modelVersions", f"{model['registeredModel']}/{model.get('version')}")
        yield Link(version, None, Relation.SERVED_BY)


def _maps(value: Any) -> list[tuple[str, dict[str, Any]]]:
    """The entries of a mapping that are mappings; one without any fields may be null."""
    entries = value.items() if isinstance(value, dict) else ()
    return [(str(key), entry or {}) for key, entry in entries if isinstance(entry, dict) or entry is None]


_ITEMS: dict[str, tuple[Rule, ...]] = {
    "trainingJobs": (_code,),
    "sparkApplications": (_code,),
    "experiments": (_trial,),
    "pipelines": (_pipeline,),
    "models": (_model,),
    "inferenceServices": (_service,),
}
"""Block -> what its items say that their objects do not."""

PARTS = ("recurringRuns", "runs", "modelVersions")
"""The blocks of parts."""


def of_item(item: Item) -> Iterator[Link]:
    """Everything that an item feeds or is fed by and that no object of it names."""
    for rule in _ITEMS.get(item.block, ()):
        yield from rule(item)
