"""Pod security: the same verdict as the API server's, and the words about it."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import pytest

from kfspec.checks.mesh import BASELINE, ENFORCE
from kfspec.checks.podsecurity import RESTRICTED, breaches
from tests.checks.support import said
from tests.support.controlplane import ControlPlane

SAFE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "annotations": {}},
    "spec": {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "initContainers": [
            {
                "name": "first",
                "image": "a",
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
        "containers": [
            {
                "name": "main",
                "image": "a",
                "ports": [{"containerPort": 80}],
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
        "volumes": [{"name": "v", "emptyDir": {}}],
    },
}

GONE = object()
POD, CONTAINER, INIT = ("spec",), ("spec", "containers", 0), ("spec", "initContainers", 0)
CONTEXTS = tuple((*place, "securityContext") for place in (POD, CONTAINER, INIT))

CHANGES: list[tuple[tuple[Any, ...], Any]] = [
    *[((*POD, field), value) for field in ("hostNetwork", "hostPID", "hostIPC") for value in (True, False)],
    *[
        ((*POD, "volumes", 0), {"name": "v", **source})
        for source in (
            {"hostPath": {"path": "/"}},
            {"configMap": {"name": "a"}},
            {"secret": {"secretName": "a"}},
            {"persistentVolumeClaim": {"claimName": "a"}},
            {"projected": {"sources": [{"configMap": {"name": "a"}}]}},
            {"downwardAPI": {"items": [{"path": "a", "fieldRef": {"fieldPath": "metadata.name"}}]}},
            {"csi": {"driver": "a.example.com"}},
            {"image": {"reference": "a", "pullPolicy": "Always"}},
            {
                "ephemeral": {
                    "volumeClaimTemplate": {
                        "spec": {
                            "accessModes": ["ReadWriteOnce"],
                            "resources": {"requests": {"storage": "1Gi"}},
                        }
                    }
                }
            },
            {"nfs": {"server": "a", "path": "/"}},
            {"iscsi": {"targetPortal": "a", "iqn": "iqn.2001-04.com.example:a", "lun": 0}},
            {"awsElasticBlockStore": {"volumeID": "a"}},
        )
    ],
    *[
        ((*POD, "securityContext", "sysctls"), [{"name": name, "value": "1"}])
        for name in (
            "kernel.shm_rmid_forced",
            "net.ipv4.ip_local_port_range",
            "net.ipv4.ip_local_reserved_ports",
            "net.ipv4.ip_unprivileged_port_start",
            "net.ipv4.ping_group_range",
            "net.ipv4.tcp_fin_timeout",
            "net.ipv4.tcp_keepalive_intvl",
            "net.ipv4.tcp_keepalive_probes",
            "net.ipv4.tcp_keepalive_time",
            "net.ipv4.tcp_rmem",
            "net.ipv4.tcp_syncookies",
            "net.ipv4.tcp_wmem",
            "net.core.somaxconn",
            "kernel.msgmax",
        )
    ],
    *[
        ((*context, field), {"type": kind, **({"localhostProfile": "a"} if kind == "Localhost" else {})})
        for context in CONTEXTS
        for field in ("seccompProfile", "appArmorProfile")
        for kind in ("RuntimeDefault", "Localhost", "Unconfined")
    ],
    *[
        ((*context, "seLinuxOptions"), options)
        for context in CONTEXTS
        for options in (
            {"type": "container_t"},
            {"type": "container_init_t"},
            {"type": "container_kvm_t"},
            {"type": "container_engine_t"},
            {"type": "spc_t"},
            {"user": "system_u"},
            {"role": "sysadm_r"},
            {"level": "s0"},
        )
    ],
    *[((*context, "runAsNonRoot"), value) for context in CONTEXTS for value in (True, False, GONE)],
    *[((*context, "runAsUser"), value) for context in CONTEXTS for value in (0, 1000)],
    *[((*context, "seccompProfile"), GONE) for context in CONTEXTS],
    *[
        ((*context, "capabilities"), value)
        for context in CONTEXTS[1:]
        for value in (
            GONE,
            {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
            {"drop": ["ALL"], "add": ["CHOWN"]},
            {"drop": ["ALL"], "add": ["SYS_ADMIN"]},
            {"drop": ["ALL"], "add": ["CHOWN", "NET_RAW"]},
            {"drop": ["NET_RAW"]},
            {"drop": ["NET_RAW", "ALL"]},
        )
    ],
    *[((*context, "allowPrivilegeEscalation"), value) for context in CONTEXTS[1:] for value in (True, GONE)],
    *[((*context, "privileged"), value) for context in CONTEXTS[1:] for value in (True, False)],
    *[((*context, "procMount"), value) for context in CONTEXTS[1:] for value in ("Default", "Unmasked")],
    *[((*place, "securityContext"), GONE) for place in (POD, CONTAINER, INIT)],
    ((*CONTAINER, "ports"), [{"containerPort": 80, "hostPort": 80}]),
    ((*CONTAINER, "ports"), [{"containerPort": 80, "hostPort": 0}]),
    ((*INIT, "ports"), [{"containerPort": 80, "hostPort": 81}]),
    *[
        ((*CONTAINER, probe), {action: {"port": 80, **({} if host is None else {"host": host})}})
        for probe in ("livenessProbe", "readinessProbe", "startupProbe")
        for action in ("httpGet", "tcpSocket")
        for host in (None, "", "127.0.0.1", "::1", "localhost", "10.0.0.1")
    ],
    *[
        ((*CONTAINER, "lifecycle"), {hook: {"httpGet": {"port": 80, "host": host}}})
        for hook in ("postStart", "preStop")
        for host in ("127.0.0.1", "10.0.0.1")
    ],
    *[
        (("metadata", "annotations"), {"container.apparmor.security.beta.kubernetes.io/main": value})
        for value in ("runtime/default", "localhost/a", "unconfined")
    ],
    ((*POD, "hostUsers"), False),
    ((*POD, "os"), {"name": "linux"}),
]


def changed(*changes: tuple[tuple[Any, ...], Any]) -> dict[str, Any]:
    """The safe pod with changes."""
    pod = copy.deepcopy(SAFE)
    for path, value in changes:
        at: Any = pod
        for part in path[:-1]:
            at = at.setdefault(part, {}) if isinstance(at, dict) else at[part]
        if value is GONE:
            at.pop(path[-1], None)
        else:
            at[path[-1]] = copy.deepcopy(value)
    return pod


def pairs() -> list[tuple[tuple[tuple[Any, ...], Any], ...]]:
    """Every change alone, and some by three."""
    drawn = random.Random(7)  # the same pods each time
    return [(), *((change,) for change in CHANGES), *(tuple(drawn.sample(CHANGES, 3)) for _ in range(150))]


@pytest.mark.apiserver
@pytest.mark.parametrize("level", [BASELINE, RESTRICTED])
def test_the_verdict_is_the_servers(controlplane: ControlPlane, namespace: str, level: str) -> None:
    namespace = f"{namespace}-{level}"
    controlplane.create_namespace(namespace, {ENFORCE: level})
    judged, wrong, refusals = 0, [], 0
    for changes in pairs():
        pod = changed(*changes)
        answer = controlplane.request("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", pod)
        refused = answer.status == 403 and "violates PodSecurity" in answer.message
        if answer.status not in (201, 403):
            continue  # it is no valid pod at all
        assert refused or answer.status == 201, answer.message
        judged, refusals = judged + 1, refusals + refused
        if bool(breaches(pod, level)) != refused:
            wrong.append((changes, answer.message))
    assert wrong == [], "\n".join(f"{c} {m[-150:]}" for c, m in wrong)
    assert judged > 250
    assert 60 < refusals < judged - 60


# -- what is said --------------------------------------------------------------------------------------------

NOTEBOOK = {"image": "a"}


def profile(level: str | None = None) -> dict[str, Any]:
    return {"t": {"owner": "ana@example.com", **({"podSecurity": level} if level else {})}}


def deployment(**pod: Any) -> dict[str, Any]:
    """A workload whose pods say these things."""
    spec = {"containers": [{"name": "c", "image": "a"}], **pod}
    meta = {"labels": {"app": "a"}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "namespace": "t"},
        "spec": {"selector": {"matchLabels": meta["labels"]}, "template": {"metadata": meta, "spec": spec}},
    }


def pod(**spec: Any) -> dict[str, Any]:
    body = {"containers": [{"name": "c", "image": "a"}], **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "t"}, "spec": body}


PROBE: dict[str, Any] = {
    "containers": [{"name": "c", "image": "a", "livenessProbe": {"httpGet": {"port": 80, "host": "10.0.0.1"}}}]
}


CODES = ("KF775", "KF776")


def test_baseline_is_what_profiles_have(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        profiles=profile(),
        resources={"d": deployment(hostNetwork=True)},
    ) == [
        "error never-works KF775 resources.d.spec.template.spec.hostNetwork: the pod security level "
        "'baseline' of namespace 't' forbids 'hostNetwork: true': its pods are refused (leave it out, or "
        "give the namespace another level ('podSecurity' of its profile))",
    ]


def test_profiles_of_others_too(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        resources={"d": deployment(hostPID=True)},
    ) == [
        "error never-works KF775 resources.d.spec.template.spec.hostPID: the pod security level 'baseline' "
        "of namespace 't' forbids 'hostPID: true': its pods are refused (leave it out, or give the namespace "
        "another level ('podSecurity' of its profile))",
    ]


def test_not_before_1_10_2(tmp_path: Path) -> None:
    assert (
        said(
            tmp_path,
            *CODES,
            kubeflow="1.10.0",
            profiles=profile(),
            resources={"d": deployment(hostNetwork=True)},
        )
        == []
    )


def test_a_level_before_the_mesh_can_do_with_it(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        kubeflow="1.10.0",
        profiles=profile("baseline"),
        notebooks={"n": NOTEBOOK},
    ) == [
        "warning advice KF776 profiles.t.podSecurity: the mesh of Kubeflow 1.10.0 starts with an init "
        "container that needs NET_ADMIN, which the pod security level 'baseline' forbids: every pod with a "
        "sidecar is refused (install istio-cni (the default from 1.10.2 on), or leave the level at "
        "privileged)",
    ]


def test_no_mesh_no_problem(tmp_path: Path) -> None:
    assert (
        said(
            tmp_path,
            *CODES,
            kubeflow="1.10.0",
            profiles=profile("baseline"),
            platform={"namespaceLabels": {"istio-injection": "disabled"}},
            notebooks={"n": NOTEBOOK},
        )
        == []
    )


def test_privileged_allows_it(tmp_path: Path) -> None:
    assert (
        said(
            tmp_path,
            *CODES,
            profiles=profile("privileged"),
            resources={"d": deployment(hostNetwork=True)},
        )
        == []
    )


def test_the_platform_says_another(tmp_path: Path) -> None:
    assert (
        said(
            tmp_path,
            *CODES,
            platform={"namespaceLabels": {"pod-security.kubernetes.io/enforce": "privileged"}},
            profiles=profile(),
            resources={"d": deployment(hostNetwork=True)},
        )
        == []
    )


def test_a_pod_is_refused_itself(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        profiles=profile(),
        resources={"p": pod(hostIPC=True)},
    ) == [
        "error refuses KF775 resources.p.spec.hostIPC: the pod security level 'baseline' of namespace 't' "
        "forbids 'hostIPC: true': the pod is refused (leave it out, or give the namespace another level "
        "('podSecurity' of its profile))",
    ]


def test_hosts_of_probes(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        profiles=profile(),
        resources={"d": deployment(**PROBE)},
    ) == [
        "warning never-works KF775 resources.d.spec.template.spec.containers[0].livenessProbe.httpGet.host: "
        "from Kubernetes 1.34 on, the pod security level 'baseline' of namespace 't' forbids 'httpGet.host: "
        "10.0.0.1': its pods are refused (leave it out, or give the namespace another level ('podSecurity' "
        "of its profile))",
    ]


def test_a_capability(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        profiles=profile(),
        notebooks={"n": NOTEBOOK | {"securityContext": {"capabilities": {"add": ["CHOWN", "SYS_PTRACE"]}}}},
    ) == [
        "error never-works KF775 notebooks.n.securityContext.capabilities.add[1]: the pod security level "
        "'baseline' of namespace 't' forbids 'capabilities.add: SYS_PTRACE': its pods are refused (leave it "
        "out, or give the namespace another level ('podSecurity' of its profile))",
    ]


def test_root_in_restricted(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        profiles=profile("restricted"),
        inferenceServices={
            "i": {
                "predictor": {
                    "securityContext": {"runAsUser": 0},
                    "model": {"modelFormat": "sklearn", "storageUri": "gs://a"},
                }
            }
        },
    ) == [
        "error never-works KF775 inferenceServices.i.predictor.securityContext.runAsUser: the pod security "
        "level 'restricted' of namespace 't' forbids 'runAsUser: 0': its pods are refused (leave it out, or "
        "give the namespace another level ('podSecurity' of its profile))",
    ]


def test_a_tensorboard_in_restricted(tmp_path: Path) -> None:
    assert said(
        tmp_path,
        *CODES,
        profiles=profile("restricted"),
        tensorboards={"b": {"logspath": "s3://a/b"}},
    ) == [
        "error never-works KF775 tensorboards.b: container 'tensorboard' does not say "
        "allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, runAsNonRoot: true, seccompProfile: "
        "{type: RuntimeDefault}, as the pod security level 'restricted' of namespace 't' demands: its pods "
        "are refused (its controller lets nobody say it: keep it in a namespace with the level baseline)",
    ]


def test_a_runtime_that_no_pod_may_have(tmp_path: Path) -> None:
    container = {"image": "a", "securityContext": {"privileged": True}}
    runtime = {
        "supportedModelFormats": [{"name": "own", "autoSelect": True}],
        "containers": {"kserve-container": container},
    }
    assert said(tmp_path, *CODES, profiles=profile(), servingRuntimes={"r": runtime}) == [
        "error never-works KF775 servingRuntimes.r.containers.kserve-container.securityContext.privileged: the pod security "
        "level 'baseline' of namespace 't' forbids 'privileged: true': its pods are refused (leave it out, or give the "
        "namespace another level ('podSecurity' of its profile))"
    ]
