"""What KServe says of an InferenceService: its webhook's rules, and what its controller can never do.

Source: KServe 0.14.1, 0.15.0, 0.15.2 and 0.16.0, `pkg/apis/serving/v1beta1/inference_service_validation.go`,
`component.go`, `predictor.go`; executed for 0.14.1. What depends on the mode is in `autoscaling`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from kfspec import quantity
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path
from kfspec.kinds.base import Facts
from kfspec.kinds.kserve.autoscaling import CLASS, annotation_findings, is_raw, scaling
from kfspec.kinds.kserve.runtimes import PROTOCOLS, Declared, declared, shipped
from kfspec.resource import Body
from kfspec.wording import did_you_mean

CONTAINER = "kserve-container"
"""The name of the container that serves."""

MODELS = "/mnt/models"
"""Where a model is mounted if nothing is said (KServe, `storageUris[].mountPath`)."""

_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
LEGACY = ("sklearn", "xgboost", "tensorflow", "pytorch", "triton", "onnx", "huggingface", "pmml", "lightgbm", "paddle")
"""Predictors of one framework, which the defaulter turns into `model` (KServe 0.14.1, `predictor.go`; recorded)."""

_STORAGE = re.compile(r"(?:gs|s3|pvc|file|https?|hdfs|webhdfs|oci|hf|model-registry)://")
_DEFAULT_RESOURCES = {"cpu": "1", "memory": "2Gi"}
"""What the defaulter fills into a custom container, each missing limit and request by itself (KServe 0.14.1)."""


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """Every finding of one InferenceService that fits its schema. Paths are the object's."""
    meta = body["metadata"]
    name = meta.get("name") or ""
    annotations = meta.get("annotations") or {}
    if isinstance(name, str) and _NAME.fullmatch(name) is None:
        hint = "begin with a letter; use lower-case letters, digits and '-', no dots"
        yield finding("KF360", f"no InferenceService can be called '{name}'", ("metadata", "name"), hint=hint)
    yield from annotation_findings(annotations, facts)
    spec = body.get("spec") or {}
    for part in ("predictor", "transformer", "explainer"):
        component = spec.get(part)
        if component is None and part == "predictor":
            component = {}  # no pointer in Go: a missing predictor is an empty one
        if not isinstance(component, dict):
            continue
        at: Path = ("spec", part)
        yield from _implementation(component, part, at)
        yield from scaling(component, at, annotations, facts)
        yield from _containers(component, part, at)
        yield from _storage_uris(component, part, at)
    predictor = spec.get("predictor")
    if isinstance(predictor, dict):
        yield from _predictor(predictor, meta, facts)
    if is_raw(annotations, facts):
        yield from _raw_name(meta)


def _implementation(component: dict[str, Any], part: str, at: Path) -> Iterator[Diagnostic]:
    """Exactly one thing that serves."""
    custom = bool(component.get("containers"))
    if part == "predictor":
        legacy = [name for name in LEGACY if component.get(name) is not None]
        model = component.get("model") is not None
        names = [c.get("name") for c in component.get("containers") or () if isinstance(c, dict)]
        serving = custom and (
            not (legacy or model) or CONTAINER in names or (len(names) == 1 and not _collocated(names))
        )
        count = (len(legacy) or int(model)) + int(serving)
        wanted = "'model' or 'containers'"
    elif part == "explainer":
        count = int(component.get("art") is not None) + int(custom)
        wanted = "'art' or 'containers'"
    else:
        count, wanted = int(custom), "'containers'"
    if count == 1:
        return
    message = f"the {part} has nothing that serves" if count == 0 else f"the {part} has {count} things that serve"
    yield finding("KF363", message, at, hint=f"give exactly one of {wanted}", at_key=True)


def _collocated(names: list[Any]) -> bool:
    return names == ["transformer-container"]


def _containers(component: dict[str, Any], part: str, at: Path) -> Iterator[Diagnostic]:
    containers = [c for c in component.get("containers") or () if isinstance(c, dict)]
    for n, container in enumerate(containers):
        path = (*at, "containers", n)
        given = [e.get("name") for e in container.get("env") or () if isinstance(e, dict)]
        if "STORAGE_URI" in given and (part == "transformer" or container.get("name") == "transformer-container"):
            message = "a transformer cannot have STORAGE_URI: the model is the predictor's"
            yield finding("KF367", message, (*path, "env", given.index("STORAGE_URI")), hint="remove it")
    if containers and part != "explainer" and component.get("model") is None:
        yield from _filled_in(containers[0], (*at, "containers", 0))


def _filled_in(container: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    """The defaulter fills in each missing limit and request of a custom container by itself."""
    resources = container.get("resources") or {}
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    for key, default in _DEFAULT_RESOURCES.items():
        asked, allowed = _value(requests.get(key, default)), _value(limits.get(key, default))
        if asked is not None and allowed is not None and asked > allowed:
            where = "requests" if key in requests else "limits"
            added = "" if key in requests and key in limits else f" (KServe adds {default} where nothing is said)"
            message = f"the container requests {requests.get(key, default)} of {key} and is limited to {limits.get(key, default)}"
            hint = "give both requests and limits"
            yield finding("KF368", message + added, (*at, "resources", where, key), hint=hint)


def _value(text: Any) -> Decimal | None:
    parsed = quantity.parse(text if isinstance(text, str) else repr(text))
    return parsed.value if parsed is not None else None


def _predictor(predictor: dict[str, Any], meta: dict[str, Any], facts: Facts) -> Iterator[Diagnostic]:
    at: Path = ("spec", "predictor")
    annotations = meta.get("annotations") or {}
    model = predictor.get("model")
    worker = predictor.get("workerSpec")
    if isinstance(worker, dict):
        yield from _multi_node(predictor, worker, at, facts)
        if isinstance(model, dict):
            yield from _multi_node_class(annotations, at, facts)
    legacy = [name for name in LEGACY if isinstance(predictor.get(name), dict)]
    if isinstance(model, dict) and legacy:
        message = f"KServe replaces 'model' by '{legacy[0]}'"
        hint = "keep 'model'"
        yield finding("KF369", message, (*at, legacy[0]), hint=hint, at_key=True)
    if isinstance(model, dict) and not legacy:
        beside = [
            (body["metadata"].get("name"), declared(body)) for body in facts.runtimes(meta.get("namespace") or "")
        ]
        yield from _model(model, (*at, "model"), facts, beside)
    for name in legacy:
        yield from _storage(predictor[name], (*at, name))
    if facts.release.since("kserve", "0.16"):
        for name in ("model", *LEGACY):
            given = predictor.get(name)
            if isinstance(given, dict) and given.get("name"):
                message = f"KServe takes no name of '{name}' from 0.16 on"
                yield finding("KF377", message, (*at, name, "name"), hint="remove it", at_key=True)


def _model(model: dict[str, Any], at: Path, facts: Facts, beside: list[tuple[Any, Declared]]) -> Iterator[Diagnostic]:
    """`beside`: the runtimes that the project itself declares, by their objects' names."""
    yield from _storage(model, at)
    protocol = model.get("protocolVersion")
    if isinstance(protocol, str) and protocol not in PROTOCOLS:
        hint = did_you_mean(protocol, PROTOCOLS, f"one of: {', '.join(PROTOCOLS)}")
        yield finding("KF371", f"no runtime speaks the protocol '{protocol}'", (*at, "protocolVersion"), hint=hint)
        return
    form = model.get("modelFormat") or {}
    name, version = form.get("name"), form.get("version")
    if model.get("runtime"):
        named = next((runtime for own, runtime in beside if own == model["runtime"]), None)
        if named is not None:
            yield from _named(named, name, version, protocol, at)
        return
    if not name or any(_selected(runtime, name, version, protocol or "v1") for _, runtime in beside):
        return
    known = shipped(facts.release.components["kserve"])
    wanted = protocol or "v1"
    by_name = [r for r in known.values() if name in r.formats]
    if not by_name:
        names = {f for r in known.values() for f in r.formats}
        hint = did_you_mean(str(name), names, "name a 'runtime' of the namespace that serves it")
        message = f"no runtime that comes with KServe serves the format '{name}'"
        yield finding("KF372", message, (*at, "modelFormat", "name"), hint=hint)
        return
    fitting = [r for r in by_name if wanted in r.protocols]
    if not fitting:
        spoken = sorted({p for r in by_name for p in r.protocols})
        said = "by default" if protocol is None else ""
        message = f"no runtime serves the format '{name}' with the protocol {wanted} {said}".rstrip()
        path = (*at, "protocolVersion") if protocol is not None else at
        yield finding("KF372", message, path, hint=f"protocolVersion: {spoken[0]}")
    elif isinstance(version, str) and not any(version.split(".")[0] in r.formats[name] for r in fitting):
        versions = sorted({v for r in fitting for v in r.formats[name]})
        message = f"no runtime serves version {version} of the format '{name}'"
        path = (*at, "modelFormat", "version")
        yield finding("KF372", message, path, hint=f"versions: {', '.join(versions)}")


def _selected(runtime: Declared, name: Any, version: Any, protocol: str) -> bool:
    """Whether KServe may take the runtime for a service that names none (0.14.1, `GetSupportingRuntimes`)."""
    usable = not runtime.disabled and not runtime.multi_model and runtime.speaks(protocol)
    return usable and runtime.serves(name, version, named=False)


def _named(runtime: Declared, name: Any, version: Any, protocol: Any, at: Path) -> Iterator[Diagnostic]:
    """Why the runtime that a service names does not serve it (KServe 0.14.1, components/predictor.go)."""
    who = f"the runtime '{runtime.name}'"
    if runtime.disabled:
        yield finding(
            "KF372", f"{who} is disabled", (*at, "runtime"), hint="name another one, or remove its 'disabled'"
        )
    elif isinstance(protocol, str) and not runtime.speaks(protocol):
        hint = f"protocolVersion: {runtime.protocols[0]}"
        yield finding("KF372", f"{who} does not speak {protocol}", (*at, "protocolVersion"), hint=hint)
    elif not runtime.serves(name, None, named=True):
        formats = list(dict.fromkeys(each.name for each in runtime.formats))
        near = did_you_mean(str(name), formats, f"one of: {', '.join(formats)}" if formats else None)
        yield finding("KF372", f"{who} serves no format '{name}'", (*at, "modelFormat", "name"), hint=near)
    elif not runtime.serves(name, version, named=True):
        versions = [each.version for each in runtime.formats if each.name == name and each.version is not None]
        hint = f"versions: {', '.join(versions)}" if versions else "leave 'version' out: the runtime lists none"
        message = f"{who} serves no version {version} of the format '{name}'"
        yield finding("KF372", message, (*at, "modelFormat", "version"), hint=hint)


def _storage(model: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    uri = model.get("storageUri")
    if isinstance(uri, str) and "://" in uri and _STORAGE.match(uri) is None:
        hint = "gs://, s3://, pvc://, https://, http://, hdfs://, webhdfs://, hf://, oci://, file:// or a custom container's"
        yield finding("KF370", f"KServe reads no '{uri.split('://')[0]}://'", (*at, "storageUri"), hint=hint)


def _storage_uris(component: dict[str, Any], part: str, at: Path) -> Iterator[Diagnostic]:
    """Several models of one component (KServe 0.16.0, `validateMultipleStorageURIs`; earlier ones have no such field)."""
    given = component.get("storageUris")
    if not isinstance(given, list):
        return
    path = (*at, "storageUris")
    one = next((name for name in ("model", *LEGACY) if (component.get(name) or {}).get("storageUri") is not None), None)
    containers = component.get("containers") or [{}]
    if one is not None and part == "predictor":
        message = f"'storageUri' of '{one}' and 'storageUris' exclude each other"
        yield finding("KF376", message, path, hint="keep one of them", at_key=True)
    elif any(e.get("name") == "STORAGE_URI" for e in containers[0].get("env") or () if isinstance(e, dict)):
        message = "STORAGE_URI of the container and 'storageUris' exclude each other"
        yield finding("KF376", message, path, hint="keep one of them", at_key=True)
    mounts: dict[str, list[str]] = {"pvc": [], "": []}
    for n, entry in enumerate(given):
        mount = entry.get("mountPath", MODELS)
        if mount == "/" or ".." in mount:
            yield finding("KF376", f"no model can be at '{mount}'", (*path, n, "mountPath"), hint=f"{MODELS}/...")
            return
        mounts["pvc" if entry["uri"].startswith("pvc://") else ""].append(mount)
    if len(mounts[""]) < 2:
        return  # upstream compares the paths of claims only where there are several others
    twice = next((mount for mount in mounts["pvc"] if mounts["pvc"].count(mount) > 1), None)
    if twice is not None:
        yield finding("KF376", f"two claims are mounted at '{twice}'", path, hint="give each a 'mountPath'")
    elif posixpath.commonpath(mounts[""]) == "/":
        message = f"the paths {' and '.join(mounts[''])} lie in no common folder"
        yield finding("KF376", message, path, hint=f"{MODELS}/...")


def _multi_node(predictor: dict[str, Any], worker: dict[str, Any], at: Path, facts: Facts) -> Iterator[Diagnostic]:
    """Sizes and storage of a multi-node predictor (KServe 0.15.0, `validateMultiNodeVariables`)."""
    for key in ("pipelineParallelSize", "tensorParallelSize"):
        size = worker.get(key)
        if isinstance(size, int) and size < 1:
            yield finding("KF373", f"'{key}' is {size}, and begins at 1", (*at, "workerSpec", key))
    model = predictor.get("model")
    uri = model.get("storageUri") if isinstance(model, dict) else None
    from_image = facts.release.since("kserve", "0.16") and isinstance(uri, str) and uri.startswith("oci://")
    if isinstance(uri, str) and not uri.startswith("pvc://") and not from_image:
        message = "a multi-node predictor reads its model from a volume"
        yield finding("KF373", message, (*at, "model", "storageUri"), hint="pvc://<volume>/<path>")
    elif isinstance(model, dict) and uri is None:
        message = "a multi-node predictor needs 'storageUri'"
        yield finding("KF373", message, (*at, "model"), hint="storageUri: pvc://<volume>/<path>", at_key=True)
    if len(worker.get("containers") or ()) > 1:
        yield finding("KF373", "'workerSpec' takes one container", (*at, "workerSpec", "containers"))


def _multi_node_class(annotations: dict[str, Any], at: Path, facts: Facts) -> Iterator[Diagnostic]:
    """Nothing may scale a multi-node predictor, and the annotation has to say so: `external` before KServe 0.15.2."""
    wanted = "none" if facts.release.since("kserve", "0.15.2") else "external"
    given = annotations.get(CLASS)
    if given != wanted:
        path: Path = ("metadata", "annotations", CLASS) if given is not None else (*at, "workerSpec")
        message = "a multi-node predictor is not scaled" + (
            f" by '{given}'" if given is not None else ", and has to say so"
        )
        yield finding("KF373", message, path, hint=f"the annotation {CLASS}: {wanted}", at_key=given is None)


def _raw_name(meta: dict[str, Any]) -> Iterator[Diagnostic]:
    name, namespace = meta.get("name") or "", meta.get("namespace") or ""
    length = len(name) + len("-predictor-") + len(namespace)
    if namespace and length > 63:
        message = f"the host name '{name}-predictor-{namespace}' has {length} characters, and may have 63"
        yield finding("KF374", message, ("metadata", "name"), hint=f"shorten the name by {length - 63}")
