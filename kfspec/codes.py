"""Every code once: number, slug, default severity, what upstream does, and the text of `kfspec explain`.

Bands: KF0 syntax, KF1 shape and schema, KF2 references, KF3 kinds' own rules, KF4 output, KF5 cluster and plan,
KF6 apply, KF9 internal. A code is stable for ever: it is never renamed and never reused.
"""

from __future__ import annotations

from typing import NamedTuple

from kfspec.diagnostics import Diagnostic, Path, Severity, Upstream


class Code(NamedTuple):
    """One kind of finding, as `kfspec explain` tells it."""

    code: str
    slug: str
    severity: Severity
    upstream: Upstream | None
    what: str
    why: str
    example: str
    instead: str


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE
_REFUSES, _DROPS, _NEVER, _ADVICE = Upstream.REFUSES, Upstream.DROPS, Upstream.NEVER_WORKS, Upstream.ADVICE

_ALL: tuple[Code, ...] = (
    Code(
        "KF101",
        "unknown-field",
        _E,
        _REFUSES,
        "A field is not one that this place knows.",
        "A misspelt field has no effect. The API server refuses it under server-side apply.",
        "notebooks: {explore: {imgae: jupyter:v1}}",
        "notebooks: {explore: {image: jupyter:v1}}",
    ),
    Code(
        "KF102",
        "missing-field",
        _E,
        _REFUSES,
        "A field that must be there is missing.",
        "Without it there is nothing that could be compiled.",
        "notebooks: {explore: {resources: {cpu: 2}}}",
        "notebooks: {explore: {image: jupyter:v1, resources: {cpu: 2}}}",
    ),
    Code(
        "KF103",
        "wrong-type",
        _E,
        _REFUSES,
        "A value has another type than its field takes.",
        "kfspec never converts: what is written is what is meant, and the API server would refuse it too.",
        "profiles: {fraud: {owner: 7}}",
        "profiles: {fraud: {owner: ana@example.com}}",
    ),
    Code(
        "KF104",
        "wrong-value",
        _E,
        _REFUSES,
        "A value has the right type but is not one that its field takes.",
        "The field has a closed list of values or a fixed form.",
        "environments: {prod: {delivery: {engine: fluxcd}}}",
        "environments: {prod: {delivery: {engine: flux}}}",
    ),
    Code(
        "KF105",
        "override-of-nothing",
        _E,
        None,
        "An environment changes an item that the spec does not declare, and what it says is no complete item.",
        "An item that exists only in an environment must be complete there; most often its name is misspelt.",
        "environments: {prod: {notebooks: {explor: {env: {A: b}}}}}",
        "environments: {prod: {notebooks: {explore: {env: {A: b}}}}}",
    ),
    Code(
        "KF106",
        "same-object-twice",
        _E,
        None,
        "Two items compile to the same object.",
        "A cluster holds one object of a kind, namespace and name: the second would overwrite the first.",
        "resources: {a: {kind: ConfigMap, metadata: {name: x}}, b: {kind: ConfigMap, metadata: {name: x}}}",
        "Give one of them another name, or another profile.",
    ),
    Code(
        "KF201",
        "unknown-profile",
        _E,
        _REFUSES,
        "An item belongs to a profile that is neither declared nor external.",
        "Its namespace would not exist, and the API server refuses objects in a namespace that does not exist.",
        "notebooks: {explore: {profile: fruad, image: jupyter:v1}}",
        "profiles: {fraud: {...}}, or externals: {profiles: [fraud]}",
    ),
    Code(
        "KF202",
        "no-profile",
        _E,
        _REFUSES,
        "An item says no profile, and there is no default one.",
        "Every namespaced object needs the namespace that its profile gives.",
        "notebooks: {explore: {image: jupyter:v1}}",
        "defaults: {profile: fraud}",
    ),
    Code(
        "KF203",
        "unknown-volume",
        _E,
        _NEVER,
        "A pod mounts a volume that is neither declared nor external.",
        "A pod that mounts a PersistentVolumeClaim which does not exist stays Pending for ever.",
        "notebooks: {explore: {volumeMounts: {feature: /data}}}",
        "volumes: {features: {size: 10Gi}}, or externals: {volumes: [features]}",
    ),
    Code(
        "KF204",
        "undeclared-secret",
        _N,
        _ADVICE,
        "A pod refers to a Secret that the spec does not know.",
        "kfspec never holds secrets, so it cannot see whether this one exists; declaring it says that somebody makes it.",
        "env: {TOKEN: {valueFrom: {secretKeyRef: {name: hub, key: token}}}}",
        "externals: {secrets: [hub]}",
    ),
    Code(
        "KF205",
        "undeclared-service-account",
        _N,
        _ADVICE,
        "A pod runs as a ServiceAccount that the spec does not know.",
        "Profiles bring `default`, `default-editor` and `default-viewer`; others come from elsewhere.",
        "serviceAccountName: trainer",
        "externals: {serviceAccounts: [trainer]}",
    ),
    Code(
        "KF206",
        "undeclared-config-map",
        _N,
        _ADVICE,
        "A pod refers to a ConfigMap that the spec does not know.",
        "A container whose ConfigMap does not exist is not started.",
        "envFrom: [{configMapRef: {name: settings}}]",
        "resources: {settings: {kind: ConfigMap, ...}}, or externals: {configMaps: [settings]}",
    ),
    Code(
        "KF207",
        "unknown-serving-runtime",
        _E,
        _NEVER,
        "An InferenceService names a runtime that is neither declared, external, nor shipped with its KServe version.",
        "KServe accepts it and then reports that no such runtime exists; no pod is ever started.",
        "predictor: {model: {modelFormat: sklearn, runtime: kserve-sklearn}}",
        "predictor: {model: {modelFormat: sklearn, runtime: kserve-sklearnserver}}",
    ),
    Code(
        "KF208",
        "unknown-pod-default",
        _E,
        _NEVER,
        "An item asks for a PodDefault that is neither declared nor external.",
        "The label would select nothing, and the pod would start without what the PodDefault should have added.",
        "notebooks: {explore: {podDefaults: [hf-tokn]}}",
        "externals: {podDefaults: [hf-token]}",
    ),
)

CODES: dict[str, Code] = {entry.code: entry for entry in _ALL}


def finding(
    code: str,
    message: str,
    path: Path = (),
    *,
    hint: str | None = None,
    at_key: bool = False,
    upstream: Upstream | None = None,
    severity: Severity | None = None,
) -> Diagnostic:
    """A Diagnostic with the code's own severity and upstream class, unless given."""
    entry = CODES[code]
    return Diagnostic(
        code,
        severity or entry.severity,
        message,
        path,
        hint=hint,
        upstream=upstream or entry.upstream,
        at_key=at_key,
    )
