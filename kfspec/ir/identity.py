"""What makes one version of a pipeline another.

The identity is the SHA-256 of what is sent to the cluster, in one spelling. Left out, because it changes nothing that runs:

- the order of keys, comments, YAML or JSON, null for what is not set, `2.0` for 2 (protobuf keeps doubles), and the proto
  file's own names (`pipeline_info`);
- `sdkVersion`, which KFP shows nowhere: another patch of the SDK makes no new version as long as the same comes out;
- the names of components and executors, whether components share an executor, and what no task leads to: the SDK (2.17.3)
  numbers those of pipelines in pipelines in the order of protobuf's maps, which is another one in every process. Each
  component is named after the first task that runs it, and has its own executor.

Descriptions and display names do count: people read them in the version that they belong to, and a version cannot be changed.

What is emitted is what is hashed (`emitted`): a PipelineVersion of the same name with another spec would be refused as a change
(KFP 2.5.0 `webhook/pipelineversion_webhook.go`, executed).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kfspec.ir.checking import canonical
from kfspec.ir.graph import graph, part, tasks
from kfspec.ir.package import Package
from kfspec.ir.platform import KUBERNETES


def emitted(package: Package) -> tuple[dict[str, Any], dict[str, Any]]:
    """Pipeline and platform spec as they are sent; {} for no platform spec."""
    spec, beside = canonical(package)
    spec.pop("sdkVersion", None)
    return _with_names_of_tasks(spec, beside)


def identity(package: Package) -> str:
    """64 hexadecimal digits that stand for what the package does."""
    import hashlib  # 5 ms, and only specs with pipelines need it
    import json

    spec, beside = emitted(package)
    whole = [spec, beside] if beside else [spec]
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _with_names_of_tasks(spec: dict[str, Any], beside: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same with components named after tasks, from the root on. What is given is used up."""
    pipeline = graph(spec)
    names: dict[str, str] = {}
    waiting = [pipeline.root]
    for component in waiting:
        for _, task in sorted(tasks(component).items()):
            made = pipeline.components.get(task.component)
            if made is not None and made.name not in names:
                names[made.name] = _free(f"comp-{task.name}", names)
                waiting.append(made)
    labels: dict[str, str] = {}
    for component in waiting:
        for task in tasks(component).values():
            _replace(part(task.body, "componentRef"), "name", names)
        label = component.body.get("executorLabel")
        if isinstance(label, str) and label in pipeline.executors():
            own = f"exec-{names.get(component.name, 'root').removeprefix('comp-')}"
            labels[own] = label
            _replace(component.body, "executorLabel", {label: own})
    if pipeline.components:
        spec["components"] = {new: pipeline.components[old].body for old, new in names.items()}
    for settings in (spec.get("deploymentSpec"), part(beside, "platforms", KUBERNETES).get("deploymentSpec")):
        executors = part(settings, "executors")
        if isinstance(settings, dict) and executors:
            settings["executors"] = {own: executors[label] for own, label in labels.items() if label in executors}
    return spec, beside


def _free(name: str, taken: Mapping[str, str]) -> str:
    """The name, or the first with a number after it that nothing has yet."""
    used, number, free = set(taken.values()), 1, name
    while free in used:
        number += 1
        free = f"{name}-{number}"
    return free


def _replace(holder: Any, key: str, names: Mapping[str, str]) -> None:
    if isinstance(holder, dict) and isinstance(holder.get(key), str) and holder[key] in names:
        holder[key] = names[holder[key]]
