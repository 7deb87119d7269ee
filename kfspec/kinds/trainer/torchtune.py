"""What Trainer can make of `command: [tune, run]`: the model is read from the runtime's name, the recipe from the rest.

Source: Trainer 2.1.0 and 2.2.0, `plugins/torch/torchtune.go`; read again at commits of main before and after 2.2, of which
1dcef5a refuses LoRA on several nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, Severity, Upstream
from kfspec.kinds.status import at
from kfspec.kinds.trainer.runtimes import Runtime, gpus

_MODELS = ("llama3_2/1B", "llama3_2/3B", "llama3_3/70B", "qwen2_5/1.5B")
_ON_SEVERAL_NODES = "llama3_3/70B"
_NO_QLORA = "qwen2_5/1.5B"
_QLORA_ON_ONE_GPU = ("llama3_2/1B", "llama3_2/3B")
_AT: Path = ("spec", "trainer")


def torchtune(spec: dict[str, Any], trainer: dict[str, Any], runtime: Runtime, newer: bool) -> Iterator[Diagnostic]:
    """The limits of the recipes; Trainer 2.1 looks at them only where it is told the number of processes."""
    processes, nodes = trainer.get("numProcPerNode"), trainer.get("numNodes")
    if not newer and processes is None:
        return
    name = str(at(spec, "runtimeRef", "name"))
    model = _model(name)
    if model not in _MODELS:
        message = f"the runtime's name, '{name}', names no model that Trainer tunes"
        known = ", ".join(f"torchtune-{each.replace('_', '.').replace('/', '-').lower()}" for each in _MODELS)
        yield finding("KF398", message, ("spec", "runtimeRef", "name"), hint=f"one of: {known}")
        return
    if nodes is None and not newer:
        message = "the webhook of Trainer 2.1 fails where torchtune is not told its number of nodes"
        yield finding("KF398", message, _AT, hint="add 'numNodes: 1'", at_key=True)
        return
    if isinstance(nodes, int) and nodes > 1 and model != _ON_SEVERAL_NODES:
        yield finding("KF398", f"{model} is tuned on one node, not {nodes}", (*_AT, "numNodes"), hint="numNodes: 1")
        return
    if isinstance(nodes, int) and nodes > 1 and _lora(trainer.get("args")):
        message = f"{model} is tuned whole on several nodes: what 'args' say of LoRA is passed over"
        hint = "numNodes: 1, or remove 'model.lora_attn_modules' from 'args'"
        dropped = (*_AT, "args")
        yield finding("KF398", message, dropped, hint=hint, severity=Severity.WARNING, upstream=Upstream.DROPS)
    if (nodes or 1) == 1 and _qlora(trainer.get("args")):
        asked = gpus(trainer["resourcesPerNode"]) if trainer.get("resourcesPerNode") is not None else runtime.gpus
        if model == _NO_QLORA:
            message, hint = f"{model} is not tuned with QLoRA", "remove 'model.quantize_base' from 'args'"
            yield finding("KF398", message, (*_AT, "args"), hint=hint)
        elif model in _QLORA_ON_ONE_GPU and processes != 1 and asked != 1:
            path = (*_AT, "numProcPerNode") if processes is not None else _AT
            message = f"{model} is tuned with QLoRA in one process on one GPU"
            yield finding("KF398", message, path, hint="numProcPerNode: 1", at_key=processes is None)


def _model(runtime: str) -> str:
    """`torchtune-llama3.2-1b` -> `llama3_2/1B`."""
    parts = runtime.split("-")
    return f"{parts[1].replace('.', '_')}/{parts[2].upper()}" if len(parts) == 3 else ""


def _lora(args: Any) -> bool:
    return any("model.lora_attn_modules" in str(arg) for arg in args) if isinstance(args, list) else False


def _qlora(args: Any) -> bool:
    words = [str(arg) for arg in args] if isinstance(args, list) else []
    return any("model.quantize_base" in word for word in words) and not any("model.use_dora" in word for word in words)
