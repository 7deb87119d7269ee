"""verify: every object against its schema, its metadata, and the rules of its kind.

Plain manifests and a spec's objects take this same way, so they get the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from kfspec import kinds
from kfspec.catalog import KindEntry, Release, releases_with, versions_with
from kfspec.catalog.explain import explain
from kfspec.catalog.lists import Special
from kfspec.catalog.metadata import check_metadata
from kfspec.catalog.releases import Presence, component_of, short
from kfspec.catalog.schema import Schema, load_schema
from kfspec.catalog.validator import compile_validator
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics, Severity, Upstream
from kfspec.kinds.base import Facts
from kfspec.kinds.kserve.runtimes import RUNTIMES
from kfspec.resource import GVK, Body, ObjectRef, Resource, to_spec
from kfspec.wording import describe, did_you_mean

_REMARSHALLED = frozenset(
    {
        ("serving.kserve.io", "InferenceService"),
        ("kubeflow.org", "PVCViewer"),
        ("sparkoperator.k8s.io", "SparkApplication"),
        ("sparkoperator.k8s.io", "ScheduledSparkApplication"),
    }
)
"""Kinds with a mutating webhook that patches in the difference to the object as its Go type writes it (controller-runtime
`admission.Defaulter`; KServe 0.14.1, pvcviewer-controller v1.10.0, spark-operator 2.1.0; recorded)."""


_OTHER_OPERATORS = {
    ("MPIJob", "kubeflow.org/v2beta1"): (
        "that is the mpi-operator's, which no release brings; v1 is the training operator's, and has no "
        "'sshAuthMountPath', 'launcherCreationPolicy', 'runLauncherAsWorker' and 'mpiImplementation'"
    )
}
"""Versions that another program serves under the same name (mpi-operator 0.6.0, training-operator 1.9.1)."""

_COMPILE_FROM = 12
"""Objects of one kind from which compiling a validator costs less than walking along each of them."""


class _Checks:
    """What one served version of a kind is judged with."""

    def __init__(self, entry: KindEntry, version: str) -> None:
        self.schema = load_schema(entry, version)
        self.special = Special(self.schema)
        self.lenient_nulls = entry.component == "kubernetes"
        self.remarshalled = (entry.group, entry.kind) in _REMARSHALLED
        self.seen = 0
        self.validator: Any = None

    def mistakes(self, body: dict[str, Any]) -> list[Diagnostic]:
        """Where the object does not fit its schema."""
        self.seen += 1
        if self.validator is None and self.seen >= _COMPILE_FROM:
            self.validator = compile_validator(self.schema, self.lenient_nulls)
        if self.validator is not None and self.validator.is_valid(body):
            return []
        return list(explain(self.schema, body, self.lenient_nulls, self.remarshalled))


def verify(resources: Iterable[Resource], release: Release, *, admission_only: bool = False) -> Diagnostics:
    """Findings for every object, paths already those of the spec (`resource.to_spec`).

    `admission_only` keeps to what Kubeflow and Kubernetes themselves refuse.
    """
    resources = tuple(resources)
    facts = Facts(
        release,
        admission_only,
        lambda body: _judge(body, facts),
        beside=_beside(resources),
        runtimes=_runtimes(resources),
    )
    return tuple(
        to_spec(resource, diagnostic)
        for resource in resources
        for diagnostic in _judge(resource.body, facts)
        if not admission_only or _refuses(diagnostic)
    )


def _beside(resources: tuple[Resource, ...]) -> Callable[[ObjectRef], Body | None]:
    """`Facts.beside` of objects that are applied together."""

    @cache
    def by_ref() -> dict[ObjectRef, Body]:
        return {resource.ref: resource.body for resource in resources}

    return lambda ref: by_ref().get(ref)


def _runtimes(resources: tuple[Resource, ...]) -> Callable[[str], tuple[Body, ...]]:
    """`Facts.runtimes` of objects that are applied together."""
    known = [
        (r.ref, r.body)
        for r in resources
        if r.ref.group == "serving.kserve.io" and r.ref.kind in RUNTIMES and isinstance(r.body.get("metadata"), dict)
    ]
    own = [(ref.namespace, body) for ref, body in known if ref.kind == "ServingRuntime"]
    cluster = tuple(body for ref, body in known if ref.kind != "ServingRuntime")
    return lambda namespace: (*(body for where, body in own if where == namespace), *cluster)


def _refuses(diagnostic: Diagnostic) -> bool:
    return diagnostic.severity is Severity.ERROR and diagnostic.upstream is Upstream.REFUSES


def _judge(body: Any, facts: Facts) -> Iterator[Diagnostic]:
    gvk = _gvk(body)
    if not isinstance(gvk, GVK):
        yield gvk
        return
    entry = facts.release.kind(gvk.group, gvk.kind)
    served = _served(gvk, entry, facts.release)
    if served is not None:
        yield served
    yield from check_metadata(body, entry)
    if entry is None or gvk.version not in entry.versions:
        return
    checks = _checks(entry, gvk.version)
    mistakes = checks.mistakes(body)
    yield from (d for d in mistakes if d.path[:1] != ("status",) or _status_matters(d, checks.schema, body))
    yield from checks.special.check(body)
    yield from _scale(entry, gvk.version, body)
    if "status" in body and "status" in (entry.subresources.get(gvk.version) or {}):
        message = "the status is the controller's; the server ignores this one"
        yield finding("KF138", message, ("status",), hint="remove it", at_key=True)
    module = kinds.OBJECT_KINDS.get((gvk.group, gvk.kind))
    if module is None or not _has_metadata(body):  # that it is none was said
        return
    if not mistakes or (facts.admission_only and not any(map(_refuses, mistakes))):
        # what a dropped field makes of the rest is upstream's verdict; to people the dropped field is the whole story
        yield from kinds.load(module).rules(body, facts)


def _has_metadata(body: dict[str, Any]) -> bool:
    """Whether rules can read the object's metadata."""
    meta = body.get("metadata")
    if not isinstance(meta, dict) or not all(isinstance(meta.get(key) or "", str) for key in ("name", "namespace")):
        return False
    return all(isinstance(meta.get(key) or {}, dict) for key in ("labels", "annotations"))


def _status_matters(diagnostic: Diagnostic, schema: Schema, body: Body) -> bool:
    """The server throws a desired status away before it validates, but not before it converts it for server-side apply:
    unknown fields and other types are refused, and times are of no type there but scalars (kube-openapi `schemaconv`, v0.37).
    Where a status keeps unknown fields, as KServe's does, nothing in it has a type (executed)."""
    value: Any = body
    for n, part in enumerate(diagnostic.path):
        if (schema.at(diagnostic.path[:n]) or {}).get("preserve"):
            return False
        value = value[part]
    node = schema.at(diagnostic.path) or {}
    of_no_type = node.get("format") == "date-time" and not isinstance(value, dict | list)
    return diagnostic.code == "KF101" or (diagnostic.code == "KF103" and not of_no_type)


def _scale(entry: KindEntry, version: str, body: dict[str, Any]) -> Iterator[Diagnostic]:
    """The scale subresource wants the number of replicas, where it stands, not to be negative."""
    scale = (entry.subresources.get(version) or {}).get("scale")
    if not scale:
        return
    path = tuple(scale["specReplicasPath"].strip(".").split("."))
    value: Any = body
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, int) and not isinstance(value, bool) and value < 0:
        yield finding("KF123", f"'{path[-1]}' is {value}, below its minimum 0", path)


def _gvk(body: Any) -> GVK | Diagnostic:
    if not isinstance(body, dict):
        return finding("KF134", f"a Kubernetes object is a mapping, not {describe(body)}")
    for key in ("apiVersion", "kind"):
        value = body.get(key)
        if value is None or value == "":
            return finding("KF134", f"the object lacks '{key}'", (), hint=f"add '{key}:'")
        if not isinstance(value, str):
            return finding("KF134", f"'{key}' must be a string, not {describe(value)}", (key,))
    group, _, version = body["apiVersion"].rpartition("/")
    if "/" in group or not version:
        return finding("KF134", f"'apiVersion' cannot be {describe(body['apiVersion'])}", ("apiVersion",))
    return GVK(group, version, body["kind"])


def _served(gvk: GVK, entry: KindEntry | None, release: Release) -> Diagnostic | None:
    """Whether the release serves the kind in this version."""
    if entry is None:
        return _absent(gvk, release)
    if gvk.version not in entry.versions:
        hint = _OTHER_OPERATORS.get((gvk.kind, gvk.api_version)) or f"served: {', '.join(entry.versions)}"
        message = f"{entry.kind} is not served as {gvk.api_version}"
        return finding("KF136", message, ("apiVersion",), hint=hint)
    if release.presence(gvk.group, gvk.kind) is Presence.OPTIONAL:
        what = "the Kubernetes-native API" if gvk.group in release.optional else entry.component
        message = f"{gvk.kind} is optional in Kubeflow {release.name}: {what} is not installed by default"
        hint = f"'components: {{{entry.component}: {entry.component_version}}}' says that your cluster has it"
        return finding("KF140", message, ("kind",), hint=_or_instead(hint, gvk.kind, release))
    return None


def _absent(gvk: GVK, release: Release) -> Diagnostic:
    """A kind that the release does not serve, in any version."""
    component = component_of(gvk.group, gvk.kind)
    elsewhere = releases_with(gvk.group, gvk.kind)
    if elsewhere and release.name not in elsewhere:
        message = f"Kubeflow {release.name} does not serve {gvk.kind} ({gvk.api_version})"
        return finding("KF135", message, ("kind",), hint=f"releases that do: {', '.join(map(short, elsewhere))}")
    ours = component is not None or gvk.group.endswith(("kubeflow.org", "kserve.io"))
    home = next((e for e in _entries(release) if ours and e.kind == gvk.kind), None)
    if home is not None and component in (None, home.component):
        message = f"{gvk.api_version} has no kind '{gvk.kind}' in Kubeflow {release.name}"
        return finding("KF135", message, ("apiVersion",), hint=f"apiVersion: {_api_version(home)}")
    if component is not None and component in release.components:
        versions = versions_with(component, gvk.kind)
        if versions:
            message = f"{component} {release.components[component]} does not serve {gvk.kind}"
            hint = f"'components: {{{component}: {versions[-1]}}}' does"
            return finding("KF135", message, ("kind",), hint=_or_instead(hint, gvk.kind, release))
        near = did_you_mean(gvk.kind, _kind_names(component, release))
        message = f"{gvk.api_version} has no kind '{gvk.kind}' in Kubeflow {release.name}"
        return finding("KF135", message, ("kind",), hint=near)
    if component is not None or gvk.group.endswith(("kubeflow.org", "kserve.io")):
        message = f"Kubeflow {release.name} does not serve {gvk.kind} ({gvk.api_version})"
        return finding("KF135", message, ("kind",))
    return finding(
        "KF137", f"{gvk.kind} ({gvk.api_version}) is not in the catalogue; only its metadata is checked", ("kind",)
    )


def _or_instead(hint: str, kind: str, release: Release) -> str:
    """The hint, and what to use instead of a job kind of training-operator."""
    if component_of("kubeflow.org", kind) != "training-operator":
        return hint
    if release.presence("trainer.kubeflow.org", "TrainJob") is Presence.INSTALLED:
        return f"{hint}; or use a TrainJob"
    return f"{hint}; or use a PyTorchJob or a TFJob" if kind == "MXJob" else hint


def _entries(release: Release) -> Iterator[KindEntry]:
    from kfspec.catalog import kinds_of

    for component, version in release.components.items():
        yield from kinds_of(component, version)


def _api_version(entry: KindEntry) -> str:
    return "/".join(part for part in (entry.group, entry.storage_version) if part)


def _kind_names(component: str, release: Release) -> list[str]:
    from kfspec.catalog import kinds_of

    return [entry.kind for entry in kinds_of(component, release.components[component])]


_KNOWN: dict[tuple[str, str], _Checks] = {}
"""Made once in a process: a schema never changes while it runs."""


def _checks(entry: KindEntry, version: str) -> _Checks:
    checks = _KNOWN.get((entry.file, version))
    if checks is None:
        checks = _KNOWN[entry.file, version] = _Checks(entry, version)
    return checks
