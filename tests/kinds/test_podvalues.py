"""What the API server refuses of a pod, whichever kind makes it: kubernetes v1.37, `pkg/apis/core/validation`."""

from __future__ import annotations

from typing import Any

import pytest

from kfspec.diagnostics import format_path
from kfspec.kinds.podvalues import value_findings


def said(pod: dict[str, Any]) -> list[str]:
    return [f"{d.code} {format_path(d.path)}: {d.message} [{d.hint}]" for d in value_findings(pod, ("spec",))]


def container(**fields: Any) -> dict[str, Any]:
    return {"containers": [{"name": "a", "image": "registry.example.com/a:1", **fields}]}


@pytest.mark.parametrize(
    ("pod", "answer"),
    [
        (
            container(imagePullPolicy="ifnotpresent"),
            "KF405 spec.containers[0].imagePullPolicy: 'imagePullPolicy' of a pod cannot be 'ifnotpresent'"
            " [did you mean 'IfNotPresent'?]",
        ),
        (
            {"initContainers": [{"name": "a", "image": " a:1 "}]},
            "KF405 spec.initContainers[0].image: no image can be called ' a:1 ' [without spaces: a:1]",
        ),
        (
            {"tolerations": [{"key": "gpu", "effect": "noschedule"}]},
            "KF405 spec.tolerations[0].effect: 'effect' of a pod cannot be 'noschedule' [did you mean 'NoSchedule'?]",
        ),
        (
            {"tolerations": [{"operator": "Equal", "value": "a"}]},
            "KF405 spec.tolerations[0]: a toleration of no key says Exists [operator: Exists]",
        ),
        (
            {"volumes": [{"name": "shm", "emptyDir": {"medium": "RAM"}}]},
            "KF405 spec.volumes[0].emptyDir.medium: 'medium' of a pod cannot be 'RAM' [one of: Memory, HugePages]",
        ),
        (
            container(resources={"limits": {"ram": "1Gi"}, "requests": {"ram": "1Gi"}}),
            "KF386 spec.containers[0].resources.limits.ram: no container has a resource 'ram' [None]",
        ),
        (
            container(resources={"limits": {"amd.com/gpu": "1500m"}}),
            'KF386 spec.containers[0].resources.limits["amd.com/gpu"]: 1.5 is no whole number of amd.com/gpu'
            " [a whole number]",
        ),
        (
            container(resources={"requests": {"amd.com/gpu": 1}}),
            'KF386 spec.containers[0].resources.requests["amd.com/gpu"]: amd.com/gpu is requested without a limit, which'
            " must be the same [limits: {amd.com/gpu: 1}]",
        ),
        (
            container(resources={"limits": {"cpu": "500m"}, "requests": {"cpu": 1}}),
            "KF386 spec.containers[0].resources.requests.cpu: the request of 1 cpu is above the limit of 500m"
            " [write 500m for both]",
        ),
        (
            container(image="Acme/Server:v1"),
            "KF405 spec.containers[0].image: no image can be called 'Acme/Server:v1' [did you mean 'acme/server:v1'?]",
        ),
        (
            container(image="acme/server:v1:v2"),
            "KF405 spec.containers[0].image: no image can be called 'acme/server:v1:v2'"
            " [a name in lower case, as registry.example.com/team/server:1.0]",
        ),
        (
            container(image="${registry}/server"),
            "KF405 spec.containers[0].image: no image can be called '${registry}/server' [write ${vars.NAME} for a var]",
        ),
        (
            container(image="{{ .Values.image }}"),
            "KF405 spec.containers[0].image: no image can be called '{{ .Values.image }}'"
            " [templates are not read: use 'vars', or render the file first]",
        ),
        (
            container(ports=[{"containerPort": 80800}]),
            "KF405 spec.containers[0].ports[0].containerPort: 'containerPort' is 80800, and a port is 1 to 65535 [1 to 65535]",
        ),
        (
            container(resources={"requests": {"cpu": "-1"}}),
            "KF386 spec.containers[0].resources.requests.cpu: 'cpu' is -1, and cannot be below 0 [0 or more]",
        ),
        (
            container(resources={"limits": {"memory": "512m"}}),
            "KF386 spec.containers[0].resources.limits.memory: 512m of memory is 0.512 bytes, in which no container starts"
            " [did you mean '512Mi'?]",
        ),
        (
            container(resources={"limits": {"memory": "2k"}}),
            "KF386 spec.containers[0].resources.limits.memory: 2k of memory is 2000 bytes, in which no container starts"
            " [write a unit, as 512Mi]",
        ),
        (
            {"volumes": [{"name": "a", "configMap": {"name": "a", "defaultMode": 755}}]},
            "KF405 spec.volumes[0].configMap.defaultMode: the mode 755 of a file is above 511, which is 0o777 [write 0o755]",
        ),
        (
            {"volumes": [{"name": "a", "secret": {"items": [{"key": "a", "path": "a", "mode": 888}]}}]},
            "KF405 spec.volumes[0].secret.items[0].mode: the mode 888 of a file is above 511, which is 0o777"
            " [0o644, which is 420, or 0o755, which is 493]",
        ),
    ],
)
def test_refused(pod: dict[str, Any], answer: str) -> None:
    assert said(pod) == [answer]


@pytest.mark.parametrize(
    "pod",
    [
        {},
        container(imagePullPolicy="", resources={}),
        container(
            resources={"limits": {"hugepages-2Mi": "4Mi", "ephemeral-storage": "1Gi"}, "requests": {"memory": "1Gi"}}
        ),
        container(resources={"limits": {"nvidia.com/gpu": 2}, "requests": {"nvidia.com/gpu": "2"}}),
        {"tolerations": [{"operator": "Exists"}, {"key": "a", "operator": "Lt", "value": "1"}, {"key": "a"}]},
        {"volumes": [{"name": "a", "emptyDir": {"medium": "HugePages-2Mi"}}, {"name": "b", "emptyDir": {}}]},
        {"containers": "${trialParameters.x}", "tolerations": [None], "volumes": [{"emptyDir": 1}]},
        container(resources="${trialParameters.x}"),
        container(resources={"limits": {"nvidia.com/gpu": "${trialParameters.x}"}}),
        container(image="${trialParameters.image}"),
        container(image="acme/server:{{.Labels.version}}"),
        container(image="{username}/server:latest"),
        container(image="LOCALHOST:5000/a__b/c-d.e:V1.0_x"),
        container(image="[::1]:5000/a"),
        container(image=f"acme/server:1@sha256:{'0' * 64}"),
        container(image=f"acme/server@sha256:{'0' * 64}"),
        container(image=""),
        container(ports=[{"containerPort": 65535, "hostPort": 0}], resources={"limits": {"memory": 0, "cpu": 0}}),
        {"volumes": [{"name": "a", "configMap": {"defaultMode": 511, "items": [{"mode": 420}]}}]},
    ],
)
def test_admitted(pod: dict[str, Any]) -> None:
    assert said(pod) == []
