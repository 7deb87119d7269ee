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
        "KF001",
        "cannot-read",
        _E,
        None,
        "A file cannot be read.",
        "It is missing, no regular file, or not readable by this user.",
        "kfspec validate nowhere.yaml",
        "Check the path and its permissions.",
    ),
    Code(
        "KF002",
        "not-text",
        _E,
        None,
        "A file is not UTF-8 text.",
        "YAML is text; a binary file, UTF-16 or a control character cannot be part of it.",
        "a file saved as UTF-16",
        "Save the file as UTF-8.",
    ),
    Code(
        "KF003",
        "too-large",
        _E,
        None,
        "A file is larger than 32 MiB.",
        "A spec is written by people; something else was meant.",
        "a data file named kfspec.yaml",
        "Split the spec with `include:`.",
    ),
    Code(
        "KF004",
        "yaml-syntax",
        _E,
        _REFUSES,
        "The text is not valid YAML.",
        "Nothing after this place can be understood.",
        "notebooks: {explore: {image: a}",
        "notebooks: {explore: {image: a}}",
    ),
    Code(
        "KF005",
        "duplicate-key",
        _E,
        _REFUSES,
        "A mapping has the same key twice.",
        "Most YAML readers silently keep the last one; kubectl and kustomize refuse it.",
        "{image: a, image: b}",
        "{image: b}",
    ),
    Code(
        "KF006",
        "key-not-a-string",
        _E,
        _REFUSES,
        "A mapping key is a number, a boolean, null or a collection.",
        "JSON, and so Kubernetes, has string keys only.",
        "labels: {1: a}",
        "labels: {\"1\": a}",
    ),
    Code(
        "KF007",
        "too-deep",
        _E,
        None,
        "Values are nested more than 100 levels deep.",
        "No Kubernetes object is; deep nesting is a mistake or an attack.",
        "[[[[...]]]]",
        "Flatten the value.",
    ),
    Code(
        "KF008",
        "too-many-values",
        _E,
        None,
        "A document has more than a million values once its aliases are expanded.",
        "Aliases of aliases multiply: a few lines can fill the memory.",
        "a: &a [1, 1], b: &b [*a, *a], c: [*b, *b]",
        "Write the values out, or use `defaults`.",
    ),
    Code(
        "KF009",
        "bad-alias",
        _E,
        _REFUSES,
        "An alias names no anchor, or the value that it stands in.",
        "There is nothing to put in its place.",
        "a: *b",
        "a: &b 1, c: *b",
    ),
    Code(
        "KF010",
        "merge-key",
        _E,
        None,
        "A merge key `<<` is used.",
        "YAML 1.2 has none; readers disagree about what it does.",
        "<<: *base",
        "defaults: {notebooks: {...}}",
    ),
    Code(
        "KF011",
        "tag",
        _E,
        _REFUSES,
        "A value has an explicit tag.",
        "A spec holds JSON's types only; a tag would mean something else to every reader.",
        "size: !!str 5",
        "size: \"5\"",
    ),
    Code(
        "KF012",
        "not-finite",
        _E,
        _REFUSES,
        "A number is infinite or not a number.",
        "JSON has no such number.",
        "goal: .inf",
        "goal: 1e9",
    ),
    Code(
        "KF013",
        "kubectl-reads-otherwise",
        _W,
        _ADVICE,
        "kubectl reads a plain scalar as something else than YAML 1.2 does.",
        "kubectl follows YAML 1.1: `yes` is true, `017` is fifteen.",
        "enabled: yes",
        "enabled: \"yes\", or enabled: true",
    ),
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
