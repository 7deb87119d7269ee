"""All that can be said of a package before a server sees it, in the order in which a server would.

What does not parse is told alone, because everything behind it would be guessed; what is unused only where all else is right,
because a name that is wrong leaves the right one unused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics, Severity, Upstream
from kfspec.document import place
from kfspec.ir import flow, platform, references, shape, unused, values
from kfspec.ir.graph import graph, part
from kfspec.ir.package import Package
from kfspec.wording import describe

SCHEMA_VERSION = "2.1.0"

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")


def check(package: Package, server: str) -> Diagnostics:
    """What is wrong with a package for a KFP server of that version (`2.5.0`), each finding with its place."""
    version = shape.server_of(server)
    of_spec = tuple(_check_shape(package.spec.value, version))
    of_platform = tuple(platform.check_shape(package.platform.value, version)) if package.platform else ()
    if not any(d.code in ("KF310", "KF311") for d in (*of_spec, *of_platform)):
        spec, beside = canonical(package)
        pipeline = graph(spec)
        of_spec += tuple(references.check(pipeline))
        of_spec += tuple(flow.check(pipeline))
        of_spec += tuple(values.check(pipeline))
        of_platform += tuple(platform.check(pipeline, beside))
        if all(d.code == "KF319" for d in (*of_spec, *of_platform)):
            of_spec += tuple(unused.check(pipeline, platform.inputs(beside)))
    placed = place(package.spec, of_spec)
    return placed + (place(package.platform, of_platform) if package.platform else ())


def canonical(package: Package) -> tuple[dict[str, Any], dict[str, Any]]:
    """Pipeline and platform spec in one spelling, whatever way they were written; {} for no platform spec."""
    spec = shape.canonical("PipelineSpec", package.spec.value)
    deployment = spec.get("deploymentSpec")
    if isinstance(deployment, dict):
        spec["deploymentSpec"] = shape.canonical("PipelineDeploymentConfig", deployment)
    if package.platform is None:
        return spec, {}
    beside = shape.canonical("PlatformSpec", package.platform.value)
    deployment = part(beside, "platforms", platform.KUBERNETES, "deploymentSpec")
    if isinstance(executors := deployment.get("executors"), dict):
        for label, settings in executors.items():
            if isinstance(settings, dict):
                executors[label] = shape.canonical("KubernetesExecutorConfig", settings)
    return spec, beside


def _check_shape(value: dict[str, Any], server: shape.Server) -> Iterator[Diagnostic]:
    """What the API server looks at when a version is uploaded, and the deployment that it reads for a run."""
    schema = value.get("schemaVersion", value.get("schema_version"))
    if schema != SCHEMA_VERSION:
        told = (
            f"KFP takes schemaVersion {SCHEMA_VERSION} only, not {describe(schema) if schema is not None else 'none'}"
        )
        yield finding("KF310", told, ("schemaVersion",), hint="compile it with kfp 2")
        return
    found = tuple(shape.check("PipelineSpec", value, (), shape.Reader(server)))
    yield from found
    yield from _check_deployment(value, server)
    if any(d.code == "KF311" for d in found):
        return
    name = part(value, "pipelineInfo").get("name", part(value, "pipeline_info").get("name"))
    if not name:
        yield finding("KF312", "the pipeline has no name", ("pipelineInfo", "name"))
    elif not _NAME.fullmatch(name):
        yield finding(
            "KF312", f"{describe(name)} is no name of a pipeline", ("pipelineInfo", "name"), hint=_better(name)
        )
    if value.get("root") is None:
        yield finding("KF310", "the pipeline has no root", ("root",))


def _check_deployment(value: dict[str, Any], server: shape.Server) -> Iterator[Diagnostic]:
    """The executors: to an upload any mapping, parsed only for a run."""
    key = "deploymentSpec" if "deploymentSpec" in value else "deployment_spec"
    deployment = value.get(key)
    if isinstance(deployment, dict):
        reader = shape.Reader(server, Upstream.DROPS, Upstream.NEVER_WORKS, Severity.WARNING)
        yield from shape.check("PipelineDeploymentConfig", deployment, (key,), reader)


def _better(name: str) -> str:
    """A name that KFP takes."""
    better = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:128]
    rule = "lower-case letters, digits and '-', 128 at most"
    return f"{rule}, such as '{better}'" if better else rule
