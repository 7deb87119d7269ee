"""What KServe says of a serving runtime: its webhook's rules, and what no service can use.

Source: KServe 0.14.1, 0.15.2 and 0.16.0, `pkg/webhook/admission/servingruntime/servingruntime_webhook.go`,
`pkg/controller/v1beta1/inferenceservice/components/predictor.go`; executed for ClusterServingRuntime 0.14.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, Severity
from kfspec.kinds.base import Facts
from kfspec.kinds.kserve.rules import CONTAINER
from kfspec.kinds.kserve.runtimes import PROTOCOLS, RUNTIMES, Declared, as_declared, clash, declared, shipped
from kfspec.kinds.podvalues import value_findings
from kfspec.resource import Body
from kfspec.wording import did_you_mean


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """Every finding of one runtime that fits its schema. Paths are the object's."""
    spec = body.get("spec") or {}
    new = declared(body)
    if not new.disabled:  # the webhook looks at enabled runtimes only
        if not (facts.admission_only and body["kind"] == RUNTIMES[False]):  # an only one in its namespace is admitted
            yield from _priorities(spec)
        yield from _clashes(body, new, facts)
        if facts.release.since("kserve", "0.15"):
            yield from _multi_node(spec, facts)
    if not new.multi_model:
        yield from _containers(spec)
    yield from value_findings(spec, ("spec",))
    if isinstance(spec.get("workerSpec"), dict):
        yield from value_findings(spec["workerSpec"], ("spec", "workerSpec"))
    for n, protocol in enumerate(spec.get("protocolVersions") or ()):
        if protocol not in PROTOCOLS:
            hint = did_you_mean(str(protocol), PROTOCOLS, f"one of: {', '.join(PROTOCOLS)}")
            yield finding("KF371", f"KServe knows no protocol '{protocol}'", ("spec", "protocolVersions", n), hint=hint)


def _priorities(spec: dict[str, Any]) -> Iterator[Diagnostic]:
    """A format has one priority, however many versions of it a runtime lists."""
    first: dict[str, int] = {}
    for n, each in enumerate(spec.get("supportedModelFormats") or ()):
        priority = each.get("priority")
        if each.get("autoSelect") is not True or priority is None:
            continue
        if first.setdefault(each["name"], priority) != priority:
            message = f"the format '{each['name']}' has priority {first[each['name']]} and {priority} in one runtime"
            path = ("spec", "supportedModelFormats", n, "priority")
            yield finding("KF349", message, path, hint=f"priority: {first[each['name']]}")
            return


def _clashes(body: Body, new: Declared, facts: Facts) -> Iterator[Diagnostic]:
    """Of two runtimes that clash, the later one is told; a shipped one was there first."""
    cluster, own = body["kind"] == RUNTIMES[True], body["metadata"].get("name")
    others: list[Declared] = []
    for beside in facts.runtimes("" if cluster else body["metadata"].get("namespace") or ""):
        if beside["kind"] != body["kind"]:
            continue
        if beside["metadata"].get("name") == own:
            break
        others.append(declared(beside))
    if cluster:
        known = shipped(facts.release.components["kserve"]).items()
        others += [as_declared(name, runtime) for name, runtime in known if name != own]
    for other in others:
        found = clash(new, other)
        if found is None:
            continue
        n = new.formats.index(found)
        message = (
            f"'{other.name}' is selected for '{found.name}'{f' {found.version}' if found.version else ''} too,"
            f" with the same priority {found.priority}"
        )
        hint = "another 'priority' (the higher is taken), or no 'autoSelect'"
        yield finding("KF349", message, ("spec", "supportedModelFormats", n, "priority"), hint=hint)
        return


def _containers(spec: dict[str, Any]) -> Iterator[Diagnostic]:
    containers = spec.get("containers") or []
    names = [each.get("name") for each in containers]
    if CONTAINER not in names:
        path: Path = ("spec", "containers")
        only = names[0] if len(names) == 1 else None
        hint = f"call '{only}' '{CONTAINER}'" if only else f"call the one that serves '{CONTAINER}'"
        yield finding("KF356", f"no container is called '{CONTAINER}'", path, hint=hint, at_key=True)
    for n, each in enumerate(containers):
        if not each.get("image"):
            serves = each.get("name") == CONTAINER
            message = f"the container '{each.get('name')}' has no image"
            said = "; only services that bring an image of their own start" if serves else ""
            severity = Severity.WARNING if serves else Severity.ERROR
            path = ("spec", "containers", n)
            yield finding("KF356", message + said, path, hint="add 'image:'", severity=severity)


def _multi_node(spec: dict[str, Any], facts: Facts) -> Iterator[Diagnostic]:
    """What the webhook wants of a runtime for several nodes (KServe 0.15.2, `validateMultiNodeSpec`)."""
    worker = spec.get("workerSpec")
    if not isinstance(worker, dict):
        return
    path: Path = ("spec", "workerSpec")
    containers = worker.get("containers") or []
    if len(containers) != 1:
        yield finding("KF373", "'workerSpec' takes one container", (*path, "containers"), at_key=True)
    all_: Path = ("spec", "containers")
    serving = [((*all_, n), each) for n, each in enumerate(spec["containers"]) if each.get("name") == CONTAINER]
    for where, container in serving:
        for n, variable in enumerate(container.get("env") or ()):
            name = variable.get("name")
            if name in ("PIPELINE_PARALLEL_SIZE", "TENSOR_PARALLEL_SIZE"):
                words = str(name).lower().split("_")
                hint = f"workerSpec.{words[0]}{''.join(word.capitalize() for word in words[1:])}"
                yield finding("KF373", f"KServe sets '{name}' itself", (*where, "env", n, "name"), hint=hint)
    workers = [((*path, "containers", 0), c) for c in containers[:1] if c.get("name") == "worker-container"]
    if "serving.kserve.io/gpu-resource-types" not in (spec.get("annotations") or {}):
        for where, container in (*serving, *workers):
            yield from _unknown_gpu(container, where)
    for key in ("pipelineParallelSize", "tensorParallelSize"):
        size = worker.get(key)
        if isinstance(size, int) and size < 1:
            yield finding("KF373", f"'{key}' is {size}, and begins at 1", (*path, key), hint=f"{key}: 1")


_KNOWN_RESOURCES = frozenset(
    {
        "cpu",
        "memory",
        "storage",
        "ephemeral-storage",
        "nvidia.com/gpu",
        "amd.com/gpu",
        "intel.com/gpu",
        "habana.ai/gaudi",
    }
)
"""What the containers of several nodes may ask for (KServe 0.15.2, `HasUnknownGpuResourceType`)."""


def _unknown_gpu(container: dict[str, Any], where: Path) -> Iterator[Diagnostic]:
    for group in ("limits", "requests"):
        asked = (container.get("resources") or {}).get(group) or {}
        unknown = next((name for name in asked if name not in _KNOWN_RESOURCES), None)
        if unknown is not None:
            hint = f"podAnnotations: {{serving.kserve.io/gpu-resource-types: '[\"{unknown}\"]'}}"
            message = f"KServe takes '{unknown}' for no GPU of a multi-node runtime"
            yield finding("KF373", message, (*where, "resources", group, unknown), hint=hint)
            return
