"""Declared pods against the pod security level of their namespace.

The level is a label of the namespace; kubeflow/manifests v1.10.2 and later label every profile's with `baseline`
(applications/profiles/pss). A pod that breaks it is refused, which only an event of its owner tells. Source: the Pod Security
Standards as kubernetes v1.37 enforces them (staging/src/k8s.io/pod-security-admission/policy); executed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from kfspec.catalog.releases import numbers
from kfspec.checks.mesh import BASELINE, ENFORCE, SINCE, Labels, meshed
from kfspec.checks.podmodel import Pods
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, Severity, Upstream, format_path
from kfspec.kinds.status import at
from kfspec.resource import Resource, to_spec

if TYPE_CHECKING:
    from kfspec.catalog import Release

RESTRICTED = "restricted"

_CAPABILITIES = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)
_SYSCTLS = frozenset(
    {
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
    }
)
_SELINUX = frozenset({"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
_CONFINED = ("RuntimeDefault", "Localhost")
_VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
_HANDLERS: tuple[tuple[str, ...], ...] = (
    ("livenessProbe",),
    ("readinessProbe",),
    ("startupProbe",),
    ("lifecycle", "postStart"),
    ("lifecycle", "preStop"),
)
_ARMOR = "container.apparmor.security.beta.kubernetes.io/"

_ESCALATION = "allowPrivilegeEscalation: false"
_DROP = "capabilities: {drop: [ALL]}"
_NON_ROOT = "runAsNonRoot: true"
_SECCOMP = "seccompProfile: {type: RuntimeDefault}"


class Breach(NamedTuple):
    """What a level does not allow: a field, or that fields are missing."""

    path: Path
    """In the object."""
    value: Any = None
    """The forbidden value."""
    lacks: tuple[str, ...] = ()
    """What a container must say and does not; `value` is the container's name then."""


class _Parts(NamedTuple):
    """A pod spec with its place and its containers'."""

    spec: dict[str, Any]
    path: Path
    containers: tuple[tuple[Path, dict[str, Any]], ...]
    notes: dict[str, Any] = {}  # noqa: RUF012 - never changed
    """Annotations of the pod."""
    notes_path: Path = ()


def check(
    resources: tuple[Resource, ...],
    pods: list[Pods],
    release: Release,
    known: Labels,
) -> Iterator[Diagnostic]:
    """One finding for each field that the level of its namespace does not allow. Paths are spec paths. `known`: the
    labels of namespaces."""
    levels = {name: given.get(ENFORCE) for name, given in known.items()}
    before = numbers(release.name) < numbers(SINCE)
    unable = set()
    for each in pods:
        namespace = each.resource.ref.namespace
        level = levels.get(namespace)
        if level not in (BASELINE, RESTRICTED) or (level == BASELINE and not before and _plain(each)):
            continue
        mesh = (before or level == RESTRICTED) and meshed(each, known)
        if mesh and before:
            unable.add(namespace)
            continue
        parts = _parts(each)
        found = list(_of_baseline(parts))
        if level == RESTRICTED:
            found += _of_restricted(parts, each.whole)
            lacking = any(breach.lacks for breach in found)
            if mesh and each.whole and not lacking and not at(parts.spec, "securityContext", "seccompProfile", "type"):
                yield _sidecar(each)
        yield from (_finding(each, breach, level) for breach in found)
    for resource in resources:
        if (resource.ref.kind, resource.ref.group) == ("Namespace", "") and resource.ref.name in unable:
            yield _no_mesh(resource, known[resource.ref.name][ENFORCE], release)


def breaches(pod: Mapping[str, Any], level: str) -> list[Breach]:
    """What a level does not allow in a pod that is given in whole."""
    spec = pod.get("spec")
    spec = spec if isinstance(spec, dict) else {}
    notes = at(dict(pod), "metadata", "annotations")
    listed = tuple(
        (("spec", field, n), entry)
        for field in ("initContainers", "containers", "ephemeralContainers")
        for n, entry in enumerate(spec.get(field) or ())
        if isinstance(entry, dict)
    )
    parts = _Parts(spec, ("spec",), listed, notes if isinstance(notes, dict) else {}, ("metadata", "annotations"))
    return [*_of_baseline(parts), *(_of_restricted(parts, True) if level == RESTRICTED else ())]


_OF_POD = frozenset({"hostNetwork", "hostPID", "hostIPC", "volumes", "securityContext"})
_OF_CONTAINER = frozenset({"securityContext", "ports", *(handler[0] for handler in _HANDLERS)})


def _plain(pods: Pods) -> bool:
    """A quick yes for pods that say nothing of what baseline is about."""
    if pods.meta.annotations or not _OF_POD.isdisjoint(pods.spec):
        return False
    return all(_OF_CONTAINER.isdisjoint(each.body) for each in pods.containers)


def _metadata(pods: Pods) -> tuple[dict[str, Any], Path]:
    """The metadata of the pods; a notebook's is its own (notebook-controller v1.10.0)."""
    path = pods.path[:-1]
    value: Any = pods.resource.body
    for part in path:
        value = value[part]
    meta = value.get("metadata") if isinstance(value, dict) else None
    if pods.resource.ref.kind == "Notebook":
        meta, path = pods.resource.body.get("metadata"), ()
    return (meta if isinstance(meta, dict) else {}), (*path, "metadata")


def _parts(pods: Pods) -> _Parts:
    meta, path = _metadata(pods)
    notes = meta.get("annotations")
    listed = tuple((container.path, container.body) for container in pods.containers)
    return _Parts(pods.spec, pods.path, listed, notes if isinstance(notes, dict) else {}, (*path, "annotations"))


def _of_baseline(parts: _Parts) -> Iterator[Breach]:
    """What baseline forbids, and so restricted too."""
    spec, path = parts.spec, parts.path
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field) is True:
            yield Breach((*path, field), True)
    for n, volume in enumerate(_list(spec.get("volumes"))):
        if isinstance(volume, dict) and volume.get("hostPath") is not None:
            yield Breach((*path, "volumes", n, "hostPath"), at(volume, "hostPath", "path"))
    context = _map(spec.get("securityContext"))
    for n, entry in enumerate(_list(context.get("sysctls"))):
        if isinstance(entry, dict) and str(entry.get("name")) not in _SYSCTLS:
            yield Breach((*path, "securityContext", "sysctls", n, "name"), entry.get("name"))
    yield from _of_context(context, (*path, "securityContext"))
    for name, value in parts.notes.items():
        plain = isinstance(value, str) and (value in ("", "runtime/default") or value.startswith("localhost/"))
        if name.startswith(_ARMOR) and not plain:
            yield Breach((*parts.notes_path, name), value)
    for place, container in parts.containers:
        yield from _of_container(container, place)


def _of_context(context: dict[str, Any], path: Path) -> Iterator[Breach]:
    """What a pod's and a container's security context have in common."""
    for field in ("seccompProfile", "appArmorProfile"):
        kind = at(context, field, "type")
        if kind is not None and kind not in _CONFINED:
            yield Breach((*path, field, "type"), kind)
    options = _map(context.get("seLinuxOptions"))
    if str(options.get("type", "")) not in _SELINUX:
        yield Breach((*path, "seLinuxOptions", "type"), options["type"])
    for field in ("user", "role"):
        if options.get(field):
            yield Breach((*path, "seLinuxOptions", field), options[field])
    if at(context, "windowsOptions", "hostProcess") is True:
        yield Breach((*path, "windowsOptions", "hostProcess"), True)


def _of_container(container: dict[str, Any], path: Path) -> Iterator[Breach]:
    context, here = _map(container.get("securityContext")), (*path, "securityContext")
    if context.get("privileged") is True:
        yield Breach((*here, "privileged"), True)
    for n, name in enumerate(_list(at(context, "capabilities", "add"))):
        if str(name) not in _CAPABILITIES:
            yield Breach((*here, "capabilities", "add", n), name)
    if context.get("procMount") not in (None, "Default"):
        yield Breach((*here, "procMount"), context["procMount"])
    yield from _of_context(context, here)
    for n, port in enumerate(_list(container.get("ports"))):
        if isinstance(port, dict) and port.get("hostPort"):
            yield Breach((*path, "ports", n, "hostPort"), port["hostPort"])
    for handler in _HANDLERS:
        if container.get(handler[0]) is None:
            continue
        for action in ("httpGet", "tcpSocket"):
            host = at(container, *handler, action, "host")
            if host:
                yield Breach((*path, *handler, action, "host"), host)


def _of_restricted(parts: _Parts, whole: bool) -> Iterator[Breach]:
    """What restricted forbids besides, and what it wants said where the containers are known in `whole`."""
    spec, path = parts.spec, parts.path
    context = _map(spec.get("securityContext"))
    windows = at(spec, "os", "name") == "windows"
    for n, volume in enumerate(_list(spec.get("volumes"))):
        for kind in sorted(_map(volume).keys() - {"name", "hostPath"} - _VOLUMES):
            yield Breach((*path, "volumes", n, kind), at(volume, kind, "path") or kind)
    for place, given in ((path, context), *((p, _map(c.get("securityContext"))) for p, c in parts.containers)):
        for field, wrong in (("runAsNonRoot", False), ("runAsUser", 0)):
            if given.get(field) is wrong or (field == "runAsUser" and given.get(field) == 0):
                yield Breach((*place, "securityContext", field), given[field])
    for place, container in parts.containers:
        own, here = _map(container.get("securityContext")), (*place, "securityContext")
        if own.get("allowPrivilegeEscalation") is True and not windows:
            yield Breach((*here, "allowPrivilegeEscalation"), True)
        for n, name in enumerate(_list(at(own, "capabilities", "add"))):
            if str(name) in _CAPABILITIES and name != "NET_BIND_SERVICE" and not windows:
                yield Breach((*here, "capabilities", "add", n), name)
        lacks = tuple(_lacks(own, context, windows)) if whole else ()
        if lacks:
            yield Breach(here if own else place, container.get("name"), lacks)


def _lacks(own: dict[str, Any], of_pod: dict[str, Any], windows: bool) -> Iterator[str]:
    if not windows:
        if own.get("allowPrivilegeEscalation") is None:
            yield _ESCALATION
        if "ALL" not in _list(at(own, "capabilities", "drop")):
            yield _DROP
    if own.get("runAsNonRoot") is None and of_pod.get("runAsNonRoot") is None:
        yield _NON_ROOT
    if not windows and not at(own, "seccompProfile", "type") and not at(of_pod, "seccompProfile", "type"):
        yield _SECCOMP


def _finding(pods: Pods, breach: Breach, level: str) -> Diagnostic:
    alone = pods.resource.ref.kind == "Pod"
    refused = "the pod is refused" if alone else "its pods are refused"
    upstream = Upstream.REFUSES if alone else None
    whose = f"the pod security level '{level}' of namespace '{pods.resource.ref.namespace}'"
    if breach.lacks:
        message = f"container '{breach.value}' does not say {', '.join(breach.lacks)}, as {whose} demands: {refused}"
        hint = f"securityContext: {{{', '.join(breach.lacks)}}}"
        if pods.resource.ref.kind == "Tensorboard":
            hint = "its controller lets nobody say it: keep it in a namespace with the level baseline"
    else:
        message = f"{whose} forbids '{_written(breach)}': {refused}"
        hint = "leave it out, or give the namespace another level ('podSecurity' of its profile)"
    found = finding("KF775", message, breach.path, hint=hint, upstream=upstream, at_key=True)
    if breach.path[-1] == "host":  # no release of Kubeflow asks for a Kubernetes that new
        found = found._replace(severity=Severity.WARNING, message=f"from Kubernetes 1.34 on, {message}")
    return to_spec(pods.resource, found)


def _written(breach: Breach) -> str:
    """The field as somebody wrote it."""
    *_, last = breach.path
    names = [part for part in breach.path if isinstance(part, str)]
    field = names[-1]
    if field in ("name", "type", "host", "user", "role") or isinstance(last, int):
        field = format_path(tuple(names[-2:]))
    value = str(breach.value).lower() if isinstance(breach.value, bool) else breach.value
    return field if value in (None, field) else f"{field}: {value}"


def _sidecar(pods: Pods) -> Diagnostic:
    """Istio's containers run as somebody without rights, and name no seccomp profile of their own."""
    message = (
        "the mesh's sidecar takes its seccompProfile from the pod, which names none, as the pod security level "
        f"'restricted' of namespace '{pods.resource.ref.namespace}' demands: its pods are refused"
    )
    hint = f"securityContext: {{{_SECCOMP}}} in the pod spec, not in its containers alone"
    return to_spec(pods.resource, finding("KF775", message, pods.path, hint=hint, at_key=True))


def _no_mesh(resource: Resource, level: str, release: Release) -> Diagnostic:
    message = (
        f"the mesh of Kubeflow {release.name} starts with an init container that needs NET_ADMIN, which the pod security "
        f"level '{level}' forbids: every pod with a sidecar is refused"
    )
    hint = "install istio-cni (the default from 1.10.2 on), or leave the level at privileged"
    found = finding("KF776", message, ("metadata", "labels", ENFORCE), hint=hint)
    return to_spec(resource, found)


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
