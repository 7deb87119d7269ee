"""What KServe says of an InferenceService: its webhook's rules, and what its controller can never do.

Source: KServe 0.14.1, 0.15.0, 0.15.2 and 0.16.0, `pkg/apis/serving/v1beta1/inference_service_validation.go`,
`component.go`, `predictor.go`; executed for 0.14.1. What depends on the mode is in `autoscaling`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kfspec.catalog.metadata import name_problem
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, Upstream
from kfspec.kinds.base import Facts
from kfspec.kinds.kserve.autoscaling import CLASS, MODE, annotation_findings, is_raw, scaling
from kfspec.kinds.kserve.pods import pod_findings
from kfspec.kinds.kserve.runtimes import PROTOCOLS, Declared, declared, shipped
from kfspec.kinds.kserve.storage import multiple_findings, uri_findings
from kfspec.resource import Body
from kfspec.wording import did_you_mean

MODEL = "model"
CONTAINER = "kserve-container"
"""The name of the container that serves."""

_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
LEGACY = ("sklearn", "xgboost", "tensorflow", "pytorch", "triton", "onnx", "huggingface", "pmml", "lightgbm", "paddle")
"""Predictors of one framework, which the defaulter turns into `model` (KServe 0.14.1, `predictor.go`; recorded)."""
_LEGACY = frozenset(LEGACY)


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """Every finding of one InferenceService that fits its schema. Paths are the object's."""
    meta = body["metadata"]
    name = meta.get("name") or ""
    annotations = meta.get("annotations") or {}
    if isinstance(name, str) and _NAME.fullmatch(name) is None and name_problem(name, "-", "") is None:
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
        models = (MODEL, *_legacy(component))
        yield from pod_findings(component, part, at, models if part == "predictor" else ())
        yield from multiple_findings(component, part, at, models)
    predictor = spec.get("predictor")
    if isinstance(predictor, dict):
        yield from _predictor(predictor, meta, facts)
    if is_raw(annotations, facts):
        yield from _raw_name(meta)
    elif annotations.get(MODE) != "ModelMesh":
        yield from _knative_name(meta, spec)


def _legacy(component: dict[str, Any]) -> tuple[str, ...]:
    """The fields of one framework that it has."""
    return () if _LEGACY.isdisjoint(component) else tuple(name for name in LEGACY if name in component)


def _implementation(component: dict[str, Any], part: str, at: Path) -> Iterator[Diagnostic]:
    """Exactly one thing that serves."""
    custom = bool(component.get("containers"))
    if part == "predictor":
        legacy = [name for name in _legacy(component) if component[name] is not None]
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
    hint = f"give it {wanted}" if part == "transformer" else f"give exactly one of {wanted}"
    yield finding("KF363", message, at, hint=hint, at_key=True)


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


def _predictor(predictor: dict[str, Any], meta: dict[str, Any], facts: Facts) -> Iterator[Diagnostic]:
    at: Path = ("spec", "predictor")
    annotations = meta.get("annotations") or {}
    model = predictor.get("model")
    worker = predictor.get("workerSpec")
    if isinstance(worker, dict):
        yield from _multi_node(predictor, worker, at, facts)
        if isinstance(model, dict):
            yield from _multi_node_class(annotations, at, facts)
    legacy = [name for name in _legacy(predictor) if isinstance(predictor[name], dict)]
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
        yield from uri_findings(predictor[name], (*at, name))
    if facts.release.since("kserve", "0.16"):
        for name in (MODEL, *_legacy(predictor)):
            given = predictor.get(name)
            if isinstance(given, dict) and given.get("name"):
                message = f"KServe takes no name of '{name}' from 0.16 on"
                yield finding("KF377", message, (*at, name, "name"), hint="remove it", at_key=True)


def _model(model: dict[str, Any], at: Path, facts: Facts, beside: list[tuple[Any, Declared]]) -> Iterator[Diagnostic]:
    """`beside`: the runtimes that the project itself declares, by their objects' names."""
    yield from uri_findings(model, at)
    protocol = model.get("protocolVersion")
    if isinstance(protocol, str) and protocol not in PROTOCOLS:
        hint = did_you_mean(protocol, PROTOCOLS, f"one of: {', '.join(PROTOCOLS)}")
        yield finding("KF371", f"no runtime speaks the protocol '{protocol}'", (*at, "protocolVersion"), hint=hint)
        return
    form = model.get("modelFormat") or {}
    name, version = form.get("name"), form.get("version")
    if not name:
        message = "the model says no format, and no runtime serves it"
        yield finding("KF372", message, at, hint="add 'modelFormat:'", at_key=True)
        return
    if model.get("runtime"):
        named = next((runtime for own, runtime in beside if own == model["runtime"]), None)
        if named is not None:
            yield from _named(named, name, version, protocol, at)
        return
    if any(_selected(runtime, name, version, protocol or "v1") for _, runtime in beside):
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


def _multi_node(predictor: dict[str, Any], worker: dict[str, Any], at: Path, facts: Facts) -> Iterator[Diagnostic]:
    """Sizes and storage of a multi-node predictor (KServe 0.15.0, `validateMultiNodeVariables`)."""
    for key in ("pipelineParallelSize", "tensorParallelSize"):
        size = worker.get(key)
        if isinstance(size, int) and size < 1:
            yield finding("KF373", f"'{key}' is {size}, and begins at 1", (*at, "workerSpec", key), hint=f"{key}: 1")
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
        path = (*at, "workerSpec", "containers")
        yield finding("KF373", "'workerSpec' takes one container", path, hint="keep 'worker-container'", at_key=True)


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


def _knative_name(meta: dict[str, Any], spec: dict[str, Any]) -> Iterator[Diagnostic]:
    """Each component is a Knative Service of its own, whose name is a DNS label (knative.dev/pkg v1.16,
    `apis/metadata_validation.go`)."""
    name = meta.get("name") or ""
    part = max((part for part in ("predictor", "transformer", "explainer") if spec.get(part)), key=len, default="")
    length = len(f"{name}-{part}")
    if part and length > 63:
        message = f"Knative refuses the Service '{name}-{part}': it has {length} characters, and may have 63"
        hint = f"shorten the name by {length - 63}"
        yield finding("KF360", message, ("metadata", "name"), hint=hint, upstream=Upstream.NEVER_WORKS)
