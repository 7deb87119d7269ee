"""Words and amounts of a pod that the API server refuses, whichever kind the pod is for.

The schemas of the kinds take any text there: the object is stored, and no pod of it is ever made. Source: kubernetes v1.37,
`pkg/apis/core/validation`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, Severity, Upstream
from kfspec.kinds.podspec import pod_specs
from kfspec.quantity import parse
from kfspec.resource import Body
from kfspec.wording import did_you_mean

_PULL = ("Always", "IfNotPresent", "Never")
_OPERATORS = ("Exists", "Equal", "Lt", "Gt")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_NATIVE = re.compile(r"cpu|memory|ephemeral-storage|hugepages-.+")
_USUAL = ("cpu", "memory")
_LEAST = 2**20
"""Bytes below which an amount of memory has lost its unit: runtimes want several MiB to start a container."""

_LATER = re.compile(r"\$\{trialParameters\.|(?<!\$)\{")
"""What somebody else fills in: Katib for each trial, KServe for each service, whoever follows a tutorial."""

_TEMPLATED = "templates are not read: use 'vars', or render the file first"
_HOST = r"[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?"
_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?:(?:{_HOST}(?:\.{_HOST})*|\[[0-9A-Fa-f:]+\])(?::\d+)?/)?{_PART}(?:/{_PART})*"
    r"(?::\w[-\w.]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]{32,})?",
    re.ASCII,
)
"""How an image is named (github.com/distribution/reference v0.6, `reference.go`): the kubelet makes no container of another."""

_DEVICES = ("nvidia.com/gpu", "amd.com/gpu", "habana.ai/gaudi", "aws.amazon.com/neuron", "google.com/tpu")


def value_findings(pod: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    """What is wrong with the containers, tolerations and volumes of a pod's spec, which stands at `at`."""
    for group in ("initContainers", "containers"):
        for n, container in enumerate(_maps(pod.get(group)) if group in pod else ()):
            yield from container_findings(container, (*at, group, n))
    for n, toleration in enumerate(_maps(pod.get("tolerations")) if "tolerations" in pod else ()):
        yield from _toleration(toleration, (*at, "tolerations", n))
    for n, volume in enumerate(_maps(pod.get("volumes")) if "volumes" in pod else ()):
        empty = volume.get("emptyDir")
        medium = empty.get("medium") if isinstance(empty, dict) else None
        if medium and medium != "Memory" and not str(medium).startswith("HugePages"):
            path = (*at, "volumes", n, "emptyDir", "medium")
            yield _word("medium", medium, ("Memory", "HugePages"), path)
        for path, mode in _modes(volume, (*at, "volumes", n)):
            hint = f"write 0o{mode}" if _octal(mode) else "0o644, which is 420, or 0o755, which is 493"
            yield finding("KF405", f"the mode {mode} of a file is above 511, which is 0o777", path, hint=hint)


def template_findings(group: str, kind: str, body: Body) -> Iterator[Diagnostic]:
    """The same for every pod spec that an object of the kind holds, in whole or in part."""
    for path, pod in pod_specs(group, kind, body):
        yield from value_findings(pod, path)


def container_findings(container: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    """What is wrong with a container, or with what has a container's fields."""
    image, policy = container.get("image"), container.get("imagePullPolicy")
    if not isinstance(image, str) or _IMAGE.fullmatch(image):
        pass
    elif re.search(r"\s", image):
        message = f"no image can be called '{image}'"
        hint = _TEMPLATED if "{{" in image else f"without spaces: {''.join(image.split())}"
        yield finding("KF405", message, (*at, "image"), hint=hint)
    elif image and not _LATER.search(image):
        hint = "a name in lower case, as registry.example.com/team/server:1.0"
        if _IMAGE.fullmatch(image.lower()):
            hint = f"did you mean '{image.lower()}'?"
        elif "${" in image:
            hint = "write ${vars.NAME} for a var"
        yield finding("KF405", f"no image can be called '{image}'", (*at, "image"), hint=hint)
    if policy and policy not in _PULL:
        yield _word("imagePullPolicy", policy, _PULL, (*at, "imagePullPolicy"))
    for n, port in enumerate(_maps(container.get("ports")) if "ports" in container else ()):
        for key in ("containerPort", "hostPort"):
            number = port.get(key)
            if isinstance(number, int) and not 0 < number < 65536 and (number or key == "containerPort"):
                message = f"'{key}' is {number}, and a port is 1 to 65535"
                yield finding("KF405", message, (*at, "ports", n, key), hint="1 to 65535")
    resources = container.get("resources")
    if isinstance(resources, dict):
        yield from resource_findings(resources, (*at, "resources"))


def resource_findings(resources: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    """Resources that there are not, requests above limits, and devices that are shared or not limited."""
    limits, requests = (
        given if isinstance(given, dict) else {} for given in map(resources.get, ("limits", "requests"))
    )
    for kind, amounts in (("limits", limits), ("requests", requests)):
        for key, value in amounts.items():
            if _nothing_wrong(key, value):
                continue
            if kind == "limits" or key not in limits:  # the same mistake twice is one
                yield from _resource(key, value, (*at, kind))
    for key, value in requests.items():
        if value == limits.get(key):
            continue
        asked = parse(str(value))
        allowed = parse(str(limits[key])) if key in limits else None
        if asked is None or (allowed is not None and allowed.value < 0):
            continue  # of which something was said
        if allowed is None:
            if "/" in key and key not in limits:
                message = f"{key} is requested without a limit, which must be the same"
                hint = f"limits: {{{key}: {value}}}"
                yield finding("KF386", message, (*at, "requests", key), hint=hint, at_key=True)
        elif asked.value > allowed.value or ("/" in key and asked.value != allowed.value):
            word = "must equal the limit" if "/" in key else "is above the limit"
            message = f"the request of {value} {key} {word} of {limits[key]}"
            yield finding("KF386", message, (*at, "requests", key), hint=f"write {limits[key]} for both")


def _nothing_wrong(key: str, value: Any) -> bool:
    """A quick yes for what nearly every container states."""
    if key not in _USUAL or value.__class__ is not str:
        return False
    amount = parse(value)
    return amount is not None and amount.value >= (_LEAST if key == "memory" else 0)


def _resource(key: str, value: Any, at: Path) -> Iterator[Diagnostic]:
    amount = parse(str(value))
    if "/" not in key and key not in _USUAL and _NATIVE.fullmatch(key) is None:
        near = next((name for name in _DEVICES if name.rpartition("/")[2] == key), None)
        hint = f"did you mean '{near}'?" if near else did_you_mean(key, ("cpu", "memory", "ephemeral-storage"))
        yield finding("KF386", f"no container has a resource '{key}'", (*at, key), hint=hint, at_key=True)
    elif "/" in key and amount is not None and amount.value % 1:
        message = f"{amount.value.normalize():f} is no whole number of {key}"
        yield finding("KF386", message, (*at, key), hint="a whole number")
    elif "/" in key and (near := _misspelt_device(key)):
        message = f"no device is known as '{key}', and a pod waits for one for ever"
        hint = f"did you mean '{near}'?"
        yield finding(
            "KF386", message, (*at, key), hint=hint, severity=Severity.WARNING, upstream=Upstream.ADVICE, at_key=True
        )
    elif amount is not None and amount.value < 0:
        yield finding("KF386", f"'{key}' is {value}, and cannot be below 0", (*at, key), hint="0 or more")
    elif key == "memory" and amount is not None and 0 < amount.value < _LEAST:
        number = str(value).removesuffix("m")
        hint = f"did you mean '{number}Mi'?" if number.isdigit() else "write a unit, as 512Mi"
        size = f"{amount.value.normalize():f}"
        yield finding(
            "KF386", f"{value} of memory is {size} bytes, in which no container starts", (*at, key), hint=hint
        )


@cache
def _misspelt_device(key: str) -> str | None:
    """The device that the name is a slip of the pen away from."""
    if key in _DEVICES:
        return None
    from difflib import get_close_matches  # few pods have a device of another name

    return next(iter(get_close_matches(key, _DEVICES, 1, 0.93)), None)


def _modes(volume: dict[str, Any], at: Path) -> Iterator[tuple[Path, int]]:
    """The modes of a volume's files that are none, with their places."""
    for kind in ("configMap", "secret", "downwardAPI", "projected"):
        source = volume.get(kind)
        if not isinstance(source, dict):
            continue
        items = ((("items", n, "mode"), each.get("mode")) for n, each in enumerate(_maps(source.get("items"))))
        for path, mode in ((("defaultMode",), source.get("defaultMode")), *items):
            if isinstance(mode, int) and mode > 0o777:
                yield (*at, kind, *path), mode


def _octal(mode: int) -> bool:
    """Whether the number is a mode that was meant to be octal."""
    return mode <= 777 and not set(str(mode)) & {"8", "9"}


def _toleration(toleration: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    operator, effect = toleration.get("operator"), toleration.get("effect")
    if operator and operator not in _OPERATORS:
        yield _word("operator", operator, _OPERATORS[:2], (*at, "operator"))
    elif operator == "Exists" and toleration.get("value"):
        message = "a toleration that says Exists has no value"
        yield finding("KF405", message, (*at, "value"), hint="remove it, or 'operator: Equal'", at_key=True)
    elif operator != "Exists" and not toleration.get("key"):
        yield finding("KF405", "a toleration of no key says Exists", at, hint="operator: Exists")
    if effect and effect not in _EFFECTS:
        yield _word("effect", effect, _EFFECTS, (*at, "effect"))


def _word(name: str, value: Any, known: tuple[str, ...], path: Path) -> Diagnostic:
    hint = did_you_mean(str(value), known, f"one of: {', '.join(known)}")
    return finding("KF405", f"'{name}' of a pod cannot be '{value}'", path, hint=hint)


def _maps(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
