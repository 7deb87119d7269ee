"""Derive `kfspec/ir/proto.json`, the messages of KFP's compiled pipelines, from the packages that carry their descriptors.

    python -m tests.support.irproto SERVER=DIR [SERVER=DIR ...]

Each DIR holds the unpacked wheels `kfp-pipeline-spec` and `kfp-kubernetes`, in the order of the KFP servers that parse with
them; what the first one lacks gets `since`, what a later one lacks `until`, with that server. Needs `protobuf`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[2] / "kfspec" / "ir" / "proto.json"
MODULES = ("pipeline_spec/pipeline_spec_pb2.py", "kubernetes/kubernetes_executor_config_pb2.py")
ROOTS = ("PipelineSpec", "PlatformSpec", "PipelineDeploymentConfig", "KubernetesExecutorConfig")
PACKAGES = ("ml_pipelines.", "kfp_kubernetes.")
SCALARS = {1: "double", 3: "int64", 5: "int32", 8: "bool", 9: "string"}
MESSAGE, ENUM = 11, 14


def short(name: str) -> str:
    """`ml_pipelines.PipelineSpec` -> `PipelineSpec`; well-known types keep their names."""
    for package in PACKAGES:
        name = name.removeprefix(package)
    return name


def load_pool(directory: Path) -> Any:
    """The descriptors of one release, from the bytes that its generated modules hold."""
    from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, duration_pb2, struct_pb2
    from google.rpc import status_pb2

    pool = descriptor_pool.DescriptorPool()
    for known in (any_pb2, struct_pb2, duration_pb2, status_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    for module in MODULES:
        source = next(directory.rglob(module)).read_text(encoding="utf-8")
        found = re.search(r"AddSerializedFile\((b(?:'.*?(?<!\\)'|\".*?(?<!\\)\"))\)", source, re.S)
        assert found is not None, module
        file = descriptor_pb2.FileDescriptorProto.FromString(eval(found.group(1)))  # a bytes literal
        for n, name in enumerate(file.dependency):
            if name.endswith("pipeline_spec.proto"):
                file.dependency[n] = "pipeline_spec.proto"
        if module.startswith("pipeline_spec"):
            file.name = "pipeline_spec.proto"
        pool.AddSerializedFile(file.SerializeToString())
    return pool


def describe(field: Any) -> tuple[str, Any]:
    """A field as the table writes it, and the message or enum it leads to."""
    inner, template = field, "[{}]" if field.label == 3 else "{}"
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        inner, template = field.message_type.fields_by_name["value"], "{{{}}}"
    target = inner.message_type or inner.enum_type
    name = short(target.full_name) if target is not None else SCALARS[inner.type]
    text = template.format(name)
    oneof = field.containing_oneof
    if oneof is not None and len(oneof.fields) > 1:
        text += f" oneof={oneof.name}"
    return text, target


def table(directory: Path) -> dict[str, dict[str, Any]]:
    """Messages and enums of one release that the roots lead to."""
    pool = load_pool(directory)
    messages: dict[str, Any] = {}
    enums: dict[str, Any] = {}
    waiting = [
        pool.FindMessageTypeByName(package + root)
        for root in ROOTS
        for package in PACKAGES
        if (package == "kfp_kubernetes.") == root.startswith("Kubernetes")
    ]
    while waiting:
        message = waiting.pop()
        name = short(message.full_name)
        if name in messages or name.startswith("google."):
            continue
        fields = messages[name] = {}
        for field in message.fields:
            text, target = describe(field)
            fields[field.json_name] = text
            if target is None:
                continue
            if hasattr(target, "values"):
                assert [value.number for value in target.values] == list(range(len(target.values)))
                enums[short(target.full_name)] = [value.name for value in target.values]
            else:
                waiting.append(target)
    return {"messages": messages, "enums": enums}


def main(arguments: list[str]) -> None:
    """Write the table of all releases."""
    if arguments[:1] == ["--one"]:
        print(json.dumps(table(Path(arguments[1]))))
        return
    merged: dict[str, dict[str, Any]] = {"messages": {}, "enums": {}}
    sources: dict[str, str] = {}
    first = True
    for argument in arguments:
        server, _, directory = argument.partition("=")
        out = subprocess.run(
            [sys.executable, "-m", "tests.support.irproto", "--one", directory], check=True, capture_output=True
        ).stdout
        one = json.loads(out)
        sources[server] = ", ".join(sorted(path.name for path in Path(directory).iterdir()))
        note = "" if first else f" since={server}"
        for name, fields in one["messages"].items():
            known = merged["messages"].setdefault(name, {})
            for field, text in fields.items():
                kept = known.get(field, text + note)
                # a message may have moved between files: its JSON stayed the same
                known[field] = text + (" since=" + kept.split(" since=")[1] if " since=" in kept else "")
        for name, values in one["enums"].items():
            known = merged["enums"].setdefault(name, {})
            for value in values:
                known.setdefault(value, "" if first else server)
        for name, fields in merged["messages"].items():
            for field, text in fields.items():
                if field not in one["messages"].get(name, {}) and " until=" not in text:
                    fields[field] = f"{text} until={server}"
        first = False
    used = {
        re.split(r"[]}]? |[]}]$", text.lstrip("[{"))[0]
        for fields in merged["messages"].values()
        for text in fields.values()
    }
    for name in sorted(merged["messages"].keys() - one["messages"].keys() - used):
        del merged["messages"][name]
    written = {
        "comment": "Written by tests/support/irproto.py. KFP server -> the packages whose descriptors it shares.",
        "sources": sources,
        "enums": dict(sorted(merged["enums"].items())),
        "messages": dict(sorted(merged["messages"].items())),
    }
    TARGET.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
