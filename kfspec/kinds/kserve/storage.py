"""Where the models of an InferenceService are: what KServe can fetch, and what it refuses.

Source: KServe 0.14.1, 0.15.2 and 0.16.0, `pkg/controller/v1beta1/inferenceservice/utils/utils.go`, `pkg/utils/storage.go`,
`pkg/apis/serving/v1beta1/inference_service_validation.go`, `python/kserve` `storage.py`; executed for 0.14.1.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path

MODELS = "/mnt/models"
"""Where a model is mounted if nothing is said (KServe, `storageUris[].mountPath`)."""

_SCHEMES = ("gs", "s3", "pvc", "file", "https", "http", "hdfs", "webhdfs", "oci", "hf", "model-registry")
_KNOWN = re.compile(rf"(?:{'|'.join(_SCHEMES)})://")
_BROKEN = re.compile(rf"({'|'.join(_SCHEMES)}):?/+", re.IGNORECASE)
_OTHERS = {"gcs": "gs", "minio": "s3", "s3a": "s3", "s3n": "s3", "huggingface": "hf", "docker": "oci"}
"""What other programs call a scheme of KServe's."""

_ALL = "gs://, s3://, pvc://, https://, http://, hdfs://, webhdfs://, hf://, oci://, file:// or a custom container's"


def uri_findings(model: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    """The `storageUri` of a model: a controller's error and an event, or a download that ends at once."""
    uri, path = model.get("storageUri"), (*at, "storageUri")
    if not isinstance(uri, str):
        return
    if not uri:
        yield finding("KF370", "the URI of the model is empty", path, hint="gs://<bucket>/<path>, or remove it")
        return
    scheme, parts, rest = uri.partition("://")
    if not parts and not uri.startswith("/"):  # a path is one of the initializer's own image, which has no models
        broken = _BROKEN.match(uri)
        right = f"{broken[1].lower()}://{uri[broken.end() :]}" if broken else None
        hint = f"did you mean '{right}'?" if right else f"begin with {_ALL}"
        yield finding("KF370", f"KServe fetches nothing from '{uri}', which has no scheme", path, hint=hint)
    elif parts and _KNOWN.match(uri) is None:
        near = _OTHERS.get(scheme) or (scheme.lower() if scheme.lower() in _SCHEMES else None)
        hint = f"did you mean '{near}://{rest}'?" if near else _ALL
        yield finding("KF370", f"KServe reads no '{scheme}://'", path, hint=hint)
    elif parts and scheme != "file" and not rest.partition("/")[0]:
        what = {"pvc": "volume", "gs": "bucket", "s3": "bucket"}.get(scheme, "place")
        yield finding("KF370", f"'{uri}' names no {what}", path, hint=f"{scheme}://<{what}>/<path>")


def multiple_findings(component: dict[str, Any], part: str, at: Path, served: tuple[str, ...]) -> Iterator[Diagnostic]:
    """Several models of one component (KServe 0.16.0, `validateMultipleStorageURIs`; earlier ones have no such field).
    `served`: the fields of a predictor that hold one model."""
    given = component.get("storageUris")
    if not isinstance(given, list):
        return
    path = (*at, "storageUris")
    one = next((name for name in served if (component.get(name) or {}).get("storageUri") is not None), None)
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
