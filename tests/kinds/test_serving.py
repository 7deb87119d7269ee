"""KServe around an inference service: runtimes by content, what a graph may say, and what a version of KServe changes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from kfspec.catalog import release
from kfspec.diagnostics import format_path
from kfspec.importing import import_manifests
from kfspec.kinds.base import Readiness, State
from kfspec.kinds.kserve import modelcache
from kfspec.kinds.kserve.runtimes import SHIPPED, as_declared, clash
from kfspec.pipeline import Build, build
from kfspec.resource import ObjectRef, Resource, ref_of
from kfspec.verification import verify
from kfspec.yamlio.compose import compose
from tests.commands.harness import Desk, effects_of, named
from tests.support.controlplane import ControlPlane

HEAD = """\
apiVersion: kfspec.dev/v1alpha1
project: p
externals: {profiles: [t, other], inferenceServices: [a, b]}
defaults: {profile: t}
"""
RUNTIME = "supportedModelFormats: [acme], containers: {kserve-container: {image: 'acme/server:%s'}}"
SERVICE = "{predictor: {model: {modelFormat: acme, runtime: custom, storageUri: 'gs://a/b'}}}"


def built(text: str, folder: Path) -> Build:
    """A spec through every stage."""
    (folder / "kfspec.yaml").write_text(HEAD + text)
    return build(folder / "kfspec.yaml")


def said(result: Build) -> list[str]:
    """All findings, one line each."""
    return [f"{d.severity} {d.code} {d.message}" + (f" [{d.hint}]" if d.hint else "") for d in result.diagnostics]


def names(result: Build, environment: str = "default") -> dict[str, str]:
    """Kind/name of every object -> the runtime that it names."""
    return {
        f"{r.ref.kind}/{r.ref.name}": ((r.body["spec"].get("predictor") or {}).get("model") or {}).get("runtime", "")
        for r in result.environments[environment]
    }


# -- where models are, and what their pods are ------------------------------------------------------------------


def service(predictor: dict[str, Any], name: str = "s", **more: Any) -> dict[str, Any]:
    annotations = more.pop("annotations", {})
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": name, "namespace": "t", "annotations": annotations},
        "spec": {"predictor": predictor, **more},
    }


def at(uri: str) -> dict[str, Any]:
    return {"model": {"modelFormat": {"name": "sklearn"}, "storageUri": uri}}


ALL = "gs://, s3://, pvc://, https://, http://, hdfs://, webhdfs://, hf://, oci://, file:// or a custom container's"


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("s3://b", None),
        ("pvc://claim", None),
        ("hf://acme/llm", None),
        ("oci://registry.example.com/model:1", None),
        ("https://acme.blob.core.windows.net/models/a", None),
        ("model-registry://fraud/v1", None),
        ("file:///opt/model", None),
        ("/mnt/models/a", None),
        ("gcs://b/a", "KServe reads no 'gcs://' [did you mean 'gs://b/a'?]"),
        ("S3://b/a", "KServe reads no 'S3://' [did you mean 's3://b/a'?]"),
        ("ftp://b/a", f"KServe reads no 'ftp://' [{ALL}]"),
        ("gs:/b/a", "KServe fetches nothing from 'gs:/b/a', which has no scheme [did you mean 'gs://b/a'?]"),
        ("s3//b/a", "KServe fetches nothing from 's3//b/a', which has no scheme [did you mean 's3://b/a'?]"),
        ("models/a", f"KServe fetches nothing from 'models/a', which has no scheme [begin with {ALL}]"),
        ("pvc:///a", "'pvc:///a' names no volume [pvc://<volume>/<path>]"),
        ("gs://", "'gs://' names no bucket [gs://<bucket>/<path>]"),
        ("", "the URI of the model is empty [gs://<bucket>/<path>, or remove it]"),
    ],
)
def test_where_a_model_is(uri: str, message: str | None) -> None:
    expected = [] if message is None else [f"KF370 never-works spec.predictor.model.storageUri {message}"]
    assert told(service(at(uri))) == expected
    assert told(service({"sklearn": {"storageUri": uri}})) == [
        line.replace(".model.", ".sklearn.") for line in expected
    ]


def told(body: dict[str, Any], version: str = "1.10") -> list[str]:
    """What is said of an object: code, what upstream does, place, message and hint."""
    known, _ = release(version)
    assert known is not None
    found = verify([Resource(ref_of(body), body, {})], known)
    return [f"{d.code} {d.upstream} {format_path(d.path)} {d.message} [{d.hint}]" for d in found]


RAW = {"serving.kserve.io/deploymentMode": "RawDeployment"}
CONTAINER = {"name": "kserve-container", "image": "a"}
PODS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a container without an image": (
        service({"containers": [{"name": "kserve-container"}]}),
        ["KF405 never-works spec.predictor.containers[0] the container 'kserve-container' has no image [add 'image:']"],
    ),
    "one whose image is the runtime's": (
        service({**at("gs://a/b"), "containers": [{"name": "transformer-container"}]}),
        [],
    ),
    "a mount of nothing": (
        service({"containers": [{**CONTAINER, "volumeMounts": [{"name": "a", "mountPath": "/a"}]}]}),
        [
            "KF324 never-works spec.predictor.containers[0].volumeMounts[0].name the pod has no volume 'a' "
            "[declare it under 'volumes']"
        ],
    ),
    "a mount of what the runtime may bring": (
        service({"model": {**at("gs://a/b")["model"], "volumeMounts": [{"name": "a", "mountPath": "/a"}]}}),
        [],
    ),
    "a model that asks for more than it may have": (
        service({"model": {**at("gs://a")["model"], "resources": {"requests": {"cpu": "4"}, "limits": {"cpu": "2"}}}}),
        [
            "KF386 never-works spec.predictor.model.resources.requests.cpu the request of 4 cpu is above the limit of 2 "
            "[write 2 for both]"
        ],
    ),
    "a container whose limit KServe fills in": (
        service({"containers": [{**CONTAINER, "resources": {"requests": {"cpu": "4"}}}]}),
        [
            "KF368 never-works spec.predictor.containers[0].resources.requests.cpu the container requests 4 of cpu and is "
            "limited to 1 (KServe adds 1 where nothing is said) [give both requests and limits]"
        ],
    ),
    "one that says both, once": (
        service({"containers": [{**CONTAINER, "resources": {"requests": {"cpu": "4"}, "limits": {"cpu": "2"}}}]}),
        [
            "KF386 never-works spec.predictor.containers[0].resources.requests.cpu the request of 4 cpu is above the limit "
            "of 2 [write 2 for both]"
        ],
    ),
    "an explainer that says half": (
        service(at("gs://a/b"), explainer={"containers": [{**CONTAINER, "resources": {"requests": {"cpu": "4"}}}]}),
        [],
    ),
    "a toleration of a worker": (
        service({**at("gs://a/b"), "tolerations": [{"key": "a", "operator": "Exist"}]}),
        [
            "KF405 never-works spec.predictor.tolerations[0].operator 'operator' of a pod cannot be 'Exist' "
            "[did you mean 'Exists'?]"
        ],
    ),
    "a model of no format": (
        service({"model": {"storageUri": "gs://a/b", "runtime": "mine"}}),
        [
            "KF372 never-works spec.predictor.model the model says no format, and no runtime serves it [add 'modelFormat:']"
        ],
    ),
    "a canary": (service({**at("gs://a/b"), "canaryTrafficPercent": 10}), []),
    "a canary without Knative": (
        service({**at("gs://a/b"), "canaryTrafficPercent": 10}, annotations=RAW),
        [
            "KF365 advice spec.predictor.canaryTrafficPercent 'canaryTrafficPercent' does nothing without Knative: all "
            "traffic goes to the new version at once [remove it, or leave the mode to Knative]"
        ],
    ),
    "a mode among the pods' annotations": (
        service({**at("gs://a/b"), "annotations": RAW}),
        [
            'KF362 never-works spec.predictor.annotations["serving.kserve.io/deploymentMode"] KServe reads the mode from the '
            "service's own annotations, not from those of a component's pods ['serving.kserve.io/deploymentMode' belongs "
            "further up, under the service's 'annotations']"
        ],
    ),
    "an annotation with hyphens": (
        service(at("gs://a/b"), annotations={"serving.kserve.io/autoscaler-class": "hpa"}),
        [
            'KF362 never-works metadata.annotations["serving.kserve.io/autoscaler-class"] KServe does not know the annotation '
            "'serving.kserve.io/autoscaler-class' [did you mean 'serving.kserve.io/autoscalerClass'?]"
        ],
    ),
    "somebody else's": (service(at("gs://a/b"), annotations={"acme.example.com/deployment-mode": "a"}), []),
    "the longest name of a Knative service": (service(at("gs://a/b"), "s" * 53), []),
    "a longer one": (
        service(at("gs://a/b"), "s" * 54),
        [
            f"KF360 never-works metadata.name Knative refuses the Service '{'s' * 54}-predictor': it has 64 characters, and "
            "may have 63 [shorten the name by 1]"
        ],
    ),
    "one with a transformer": (
        service(at("gs://a/b"), "s" * 52, transformer={"containers": [CONTAINER]}),
        [
            f"KF360 never-works metadata.name Knative refuses the Service '{'s' * 52}-transformer': it has 64 characters, "
            "and may have 63 [shorten the name by 1]"
        ],
    ),
    "one of ModelMesh, which makes none": (
        service(at("gs://a/b"), "s" * 60, annotations={"serving.kserve.io/deploymentMode": "ModelMesh"}),
        [],
    ),
}


@pytest.mark.parametrize("case", PODS)
def test_pods_that_never_start(case: str) -> None:
    body, found = PODS[case]
    assert told(body) == found


# -- runtimes by content ----------------------------------------------------------------------------------------


def test_a_service_names_the_runtime_by_its_content(tmp_path: Path) -> None:
    one = names(built(f"servingRuntimes: {{custom: {{{RUNTIME % 1}}}}}\ninferenceServices: {{s: {SERVICE}}}", tmp_path))
    two = names(built(f"servingRuntimes: {{custom: {{{RUNTIME % 2}}}}}\ninferenceServices: {{s: {SERVICE}}}", tmp_path))
    assert set(one) == {f"ServingRuntime/{one['InferenceService/s']}", "InferenceService/s"}
    assert re.fullmatch(r"custom-[0-9a-f]{8}", one["InferenceService/s"])
    assert one["InferenceService/s"] != two["InferenceService/s"]
    assert f"ServingRuntime/{two['InferenceService/s']}" in two


@pytest.mark.parametrize(
    ("more", "kind", "named"),
    [
        ("hashed: false, ", "ServingRuntime/custom", "custom"),
        ("hashed: false, clusterScoped: true, ", "ClusterServingRuntime/custom", "custom"),
    ],
)
def test_a_runtime_without_a_hash_keeps_its_name(more: str, kind: str, named: str, tmp_path: Path) -> None:
    result = built(
        f"servingRuntimes: {{custom: {{{more}{RUNTIME % 1}}}}}\ninferenceServices: {{s: {SERVICE}}}", tmp_path
    )
    assert said(result) == []
    assert names(result) == {kind: "", "InferenceService/s": named}


def test_a_runtime_of_the_cluster_serves_every_profile_and_needs_none(tmp_path: Path) -> None:
    text = (
        f"servingRuntimes: {{custom: {{clusterScoped: true, {RUNTIME % 1}}}}}\n"
        f"inferenceServices: {{s: {{profile: other, {SERVICE[1:]}}}"
    )
    result = built(text, tmp_path)
    assert said(result) == []
    runtime, service = result.environments["default"]
    assert "namespace" not in runtime.body["metadata"]
    assert service.body["spec"]["predictor"]["model"]["runtime"] == runtime.ref.name
    (tmp_path / "kfspec.yaml").write_text(
        f"apiVersion: kfspec.dev/v1alpha1\nproject: p\nservingRuntimes: {{custom: {{clusterScoped: true, {RUNTIME % 1}}}}}\n"
    )
    assert said(build(tmp_path / "kfspec.yaml")) == []


def test_the_older_form_of_a_predictor_names_it_too(tmp_path: Path) -> None:
    text = (
        "servingRuntimes: {custom: {supportedModelFormats: [sklearn], containers: {kserve-container: {image: a}}}}\n"
        "inferenceServices: {s: {predictor: {sklearn: {runtime: custom, storageUri: 'gs://a/b'}}}}"
    )
    assert re.fullmatch(r"custom-[0-9a-f]{8}", names(built(text, tmp_path))["InferenceService/s"])


def test_a_runtime_that_an_environment_changes_takes_its_services_along(tmp_path: Path) -> None:
    text = (
        f"servingRuntimes: {{custom: {{{RUNTIME % 1}}}}}\ninferenceServices: {{s: {SERVICE}}}\n"
        "environments: {dev: {}, prod: {servingRuntimes: {custom: {containers: {kserve-container: {image: 'acme/server:2'}}}}}}"
    )
    result = built(text, tmp_path)
    dev, prod = names(result, "dev"), names(result, "prod")
    assert dev["InferenceService/s"] != prod["InferenceService/s"]
    assert set(dev) == {f"ServingRuntime/{dev['InferenceService/s']}", "InferenceService/s"}
    assert set(prod) == {f"ServingRuntime/{prod['InferenceService/s']}", "InferenceService/s"}


def test_runtimes_that_exist_keep_their_names(tmp_path: Path) -> None:
    body = {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ClusterServingRuntime",
        "metadata": {"name": "custom-0123abcd"},
        "spec": {
            "supportedModelFormats": [{"name": "acme"}],
            "containers": [{"name": "kserve-container", "image": "a"}],
        },
    }
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(body))
    imported = import_manifests([str(tmp_path / "a.yaml")], "p")
    assert imported.spec["servingRuntimes"] == {
        "custom-0123abcd": {
            "supportedModelFormats": ["acme"],
            "containers": {"kserve-container": {"image": "a"}},
            "clusterScoped": True,
            "hashed": False,
        }
    }
    (tmp_path / "kfspec.yaml").write_text(compose(imported.spec))
    assert names(build(tmp_path / "kfspec.yaml")) == {"ClusterServingRuntime/custom-0123abcd": ""}


def test_a_runtime_of_the_cluster_is_in_no_profile(tmp_path: Path) -> None:
    assert said(
        built(f"servingRuntimes: {{custom: {{clusterScoped: true, profile: t, {RUNTIME % 1}}}}}", tmp_path)
    ) == [
        "error KF340 'profile' and 'clusterScoped' exclude each other: the cluster's runtimes are in no namespace"
        " [keep one of them]"
    ]


@pytest.mark.parametrize(
    "junk",
    [
        "[]",
        "7",
        "{custom: []}",
        "{custom: {hashed: 7}}",
        "{custom: {supportedModelFormats: [acme], containers: 7}}",
        "{custom: null}",
    ],
)
def test_a_runtime_that_is_none_is_told_once_and_stops_nothing(junk: str, tmp_path: Path) -> None:
    result = built(f"servingRuntimes: {junk}\ninferenceServices: {{s: {SERVICE}}}", tmp_path)
    assert "InferenceService/s" in names(result)
    assert {line.split()[1] for line in said(result)} <= {"KF101", "KF103", "KF207"}


def test_strange_runtimes_beside_a_service_stop_nothing() -> None:
    service = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "s", "namespace": "t"},
        "spec": {"predictor": {"model": {"modelFormat": {"name": "sklearn"}, "storageUri": "gs://a"}}},
    }
    junk: Any
    for junk in (None, 7, "a", [], [None], {"a": 1}):
        strange: list[dict[str, Any]] = [
            {**runtime(), "spec": junk},
            {**runtime(), "metadata": {"name": "r", "namespace": "t", "labels": junk}},
            runtime(supportedModelFormats=junk, protocolVersions=junk, containers=junk),
            {**runtime(), "metadata": junk},
        ]
        for beside in strange:
            known, _ = release("1.10")
            assert known is not None
            resources = [Resource(ObjectRef("serving.kserve.io", "ServingRuntime", "t", "r"), beside, {})]
            resources.append(Resource(ref_of(service), service, {}))
            assert [d for d in verify(resources, known) if d.code in ("KF372", "KF900")] == []


@pytest.mark.parametrize("version", SHIPPED)
def test_what_comes_with_kserve_does_not_clash(version: str) -> None:
    shipped = [as_declared(name, runtime) for name, runtime in SHIPPED[version].items()]
    assert [(a.name, b.name) for a in shipped for b in shipped if a is not b and clash(a, b) is not None] == []


def test_a_declared_runtime_that_is_selected_serves_its_format(tmp_path: Path) -> None:
    service = "inferenceServices: {s: {predictor: {model: {modelFormat: acme, %sstorageUri: 'gs://a/b'}}}}"
    runtime = (
        "servingRuntimes: {custom: {hashed: false, %ssupportedModelFormats: [{name: acme, autoSelect: %s}], %s}}\n"
    )
    serves = "containers: {kserve-container: {image: a}}"
    unknown = "error KF372 no runtime that comes with KServe serves the format 'acme' [name a 'runtime' of the namespace that serves it]"
    assert said(built(runtime % ("", "true", serves) + service % "", tmp_path)) == []
    assert said(built(runtime % ("", "false", serves) + service % "", tmp_path)) == [unknown]
    assert said(built(runtime % ("disabled: true, ", "true", serves) + service % "", tmp_path)) == [unknown]
    assert said(built(runtime % ("profile: other, ", "true", serves) + service % "", tmp_path)) == [unknown]
    spoken = runtime % ("protocolVersions: [v2], ", "true", serves)
    assert said(built(spoken + service % "", tmp_path)) == [unknown]
    assert said(built(spoken + service % "protocolVersion: v2, ", tmp_path)) == []


def test_a_disabled_runtime_serves_nobody(tmp_path: Path) -> None:
    text = f"servingRuntimes: {{custom: {{disabled: true, {RUNTIME % 1}}}}}\ninferenceServices: {{s: {SERVICE}}}"
    assert said(built(text, tmp_path)) == [
        "error KF372 the runtime 'custom' is disabled [name another one, or remove its 'disabled']"
    ]


@pytest.mark.apiserver
def test_a_change_of_a_runtime_is_told_at_the_services_that_it_rolls(
    controlplane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    desk = Desk(controlplane, tmp_path, namespace)
    spec = f"servingRuntimes: {{custom: {{{RUNTIME}}}}}\ninferenceServices: {{s: {SERVICE}, beside: {OTHER}}}\n"
    desk.standing(spec % 1)
    desk.apply()
    assert desk.told() == {}
    desk.standing(spec % 2)
    plan = desk.plan()
    assert effects_of(plan, "InferenceService/s") == ["rolls a new revision of the predictor"]
    assert sorted((named(c["object"]), c["action"], c["reason"]) for c in plan["changes"]) == [
        ("InferenceService/s", "update", "spec-changed"),
        ("ServingRuntime/custom-HASH", "create", "missing"),
        ("ServingRuntime/custom-HASH", "prune", "left-the-spec"),
    ]
    desk.apply("--prune")
    assert desk.told() == {}
    left = controlplane.request("GET", f"/apis/serving.kserve.io/v1alpha1/namespaces/{namespace}/servingruntimes").body
    stored = desk.get("serving.kserve.io/v1beta1/inferenceservices/s")
    assert stored is not None
    assert [each["metadata"]["name"] for each in left["items"]] == [stored["spec"]["predictor"]["model"]["runtime"]]


OTHER = "{predictor: {model: {modelFormat: sklearn, storageUri: 'gs://a/b'}}}"


@pytest.mark.apiserver
def test_the_server_keeps_a_cache_with_its_model(controlplane: ControlPlane, namespace: str) -> None:
    body: dict[str, Any] = {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "LocalModelCache",
        "metadata": {"name": namespace},
        "spec": {"sourceModelUri": "hf://a", "modelSize": "1Gi", "nodeGroups": ["g"]},
    }
    assert controlplane.apply([body])[0].status == 201
    (answer,) = controlplane.apply([{**body, "spec": {**body["spec"], "sourceModelUri": "hf://b"}}])
    assert answer.status == 422
    assert "StorageUri is immutable" in answer.message


# -- plain objects, by version ----------------------------------------------------------------------------------


def judged(
    body: dict[str, Any], kubeflow: str = "1.10", *, beside: tuple[dict[str, Any], ...] = (), admission: bool = False
) -> list[str]:
    """All that is found in an object, as one line each."""
    known, notes = release(kubeflow)
    assert known is not None, notes
    together = [Resource(ref_of(each), each, {}) for each in (*beside, body)]
    before = len(verify(together[:-1], known, admission_only=admission))
    return [f"{d.code} {d.message}" for d in verify(together, known, admission_only=admission)[before:]]


def runtime(kind: str = "ServingRuntime", name: str = "r", **spec: Any) -> dict[str, Any]:
    """A runtime that is right."""
    serves = [{"name": "kserve-container", "image": "a"}]
    meta = {"name": name, **({"namespace": "t"} if kind == "ServingRuntime" else {})}
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": kind,
        "metadata": meta,
        "spec": {"containers": serves, **spec},
    }


def selected(priority: int | None, version: str | None = None, name: str = "acme") -> dict[str, Any]:
    """An entry of `supportedModelFormats`."""
    given = {"name": name, "version": version, "priority": priority}
    return {"autoSelect": True, **{key: value for key, value in given.items() if value is not None}}


CLASH = "KF349 'q' is selected for 'acme' too, with the same priority 1"
SHARED: dict[str, Any] = {"protocolVersions": ["v1"], "supportedModelFormats": [selected(1)]}


@pytest.mark.parametrize(
    ("one", "found"),
    [
        ({}, [CLASH]),
        ({"protocolVersions": ["v2"]}, []),
        ({"protocolVersions": []}, []),
        ({"supportedModelFormats": [selected(2)]}, []),
        ({"supportedModelFormats": [selected(None)]}, []),
        ({"supportedModelFormats": [selected(1, "1")]}, []),
        ({"supportedModelFormats": [selected(1, name="ACME")]}, [CLASH.replace("'acme'", "'ACME'")]),
        ({"supportedModelFormats": [{"name": "acme", "priority": 1}]}, []),
        ({"disabled": True}, []),
        ({"multiModel": True}, []),
    ],
)
def test_runtimes_clash(one: dict[str, Any], found: list[str]) -> None:
    beside = runtime(name="q", **SHARED)
    assert judged(runtime(**{**SHARED, **one}), beside=(beside,)) == found
    assert judged(runtime("ClusterServingRuntime", **{**SHARED, **one}), beside=(beside,)) == []


def test_a_runtime_may_take_the_place_of_a_shipped_one() -> None:
    formats: dict[str, Any] = {"protocolVersions": ["v1"], "supportedModelFormats": [selected(1, "1", "sklearn")]}
    for admission in (False, True):
        assert judged(runtime("ClusterServingRuntime", **formats), admission=admission) == [
            "KF349 'kserve-sklearnserver' is selected for 'sklearn' 1 too, with the same priority 1"
        ]
    assert judged(runtime("ClusterServingRuntime", name="kserve-sklearnserver", **formats)) == []
    assert judged(runtime(**formats)) == []


def test_priorities_within_a_runtime() -> None:
    two: dict[str, Any] = {"supportedModelFormats": [selected(1, "1"), selected(2, "2")]}
    message = "KF349 the format 'acme' has priority 1 and 2 in one runtime"
    assert judged(runtime(**two)) == [message]
    assert judged(runtime("ClusterServingRuntime", **two), admission=True) == [message]
    assert judged(runtime(**two), admission=True) == []  # the only one of its namespace is admitted
    assert judged(runtime(supportedModelFormats=[selected(1, "1"), {"name": "acme", "priority": 2}])) == []


def test_containers_of_a_runtime() -> None:
    assert judged(runtime(containers=[{"name": "server", "image": "a"}])) == [
        "KF356 no container is called 'kserve-container'"
    ]
    assert judged(runtime(containers=[{"name": "server", "image": "a"}], multiModel=True)) == []
    assert judged(runtime(containers=[{"name": "kserve-container"}])) == [
        "KF356 the container 'kserve-container' has no image; only services that bring an image of their own start"
    ]
    assert judged(runtime(containers=[{"name": "kserve-container"}]), admission=True) == []


WORKERS: dict[str, Any] = {"containers": [{"name": "worker-container", "image": "a"}]}


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ({"workerSpec": WORKERS}, []),
        ({"workerSpec": {"containers": []}}, ["KF373 'workerSpec' takes one container"]),
        (
            {"workerSpec": {"containers": [*WORKERS["containers"], {"name": "b", "image": "b"}]}},
            ["KF373 'workerSpec' takes one container"],
        ),
        (
            {
                "workerSpec": WORKERS,
                "containers": [
                    {"name": "kserve-container", "image": "a", "resources": {"limits": {"cpu": "1", "acme.com/x": "1"}}}
                ],
            },
            ["KF373 KServe takes 'acme.com/x' for no GPU of a multi-node runtime"],
        ),
        (
            {
                "workerSpec": WORKERS,
                "containers": [{"name": "kserve-container", "image": "a", "env": [{"name": "TENSOR_PARALLEL_SIZE"}]}],
            },
            ["KF373 KServe sets 'TENSOR_PARALLEL_SIZE' itself"],
        ),
        (
            {"containers": [{"name": "kserve-container", "image": "a", "env": [{"name": "TENSOR_PARALLEL_SIZE"}]}]},
            [],
        ),
    ],
)
def test_runtimes_of_several_nodes_are_judged_from_0_15_on(spec: dict[str, Any], found: list[str]) -> None:
    for kubeflow in ("1.10", "1.11", "26.03"):
        assert judged(runtime(**spec), kubeflow) == found
        assert judged(runtime(**spec), kubeflow, admission=True) == found
    assert judged(runtime(**spec), "1.10.0") == []


def graph(nodes: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A graph of these nodes."""
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "InferenceGraph",
        "metadata": {"name": spec.pop("name", "g"), "namespace": "t"},
        "spec": {"nodes": nodes, **spec},
    }


def steps(kind: str, *targets: str, **more: Any) -> dict[str, Any]:
    """A node whose steps lead to services, or to the nodes in capitals."""
    made = [{"nodeName": t} if t.isupper() else {"serviceName": t} for t in targets]
    return {"routerType": kind, "steps": [{**each, **more} for each in made]}


CONDITION = {"condition": "a"}
FINE = steps("Sequence", "a")
GRAPHS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a sequence": (graph({"root": FINE}), []),
    "a tree": (graph({"root": steps("Ensemble", "A", "B"), "A": FINE, "B": FINE}), []),
    "a node twice": (graph({"root": steps("Sequence", "A", "A"), "A": FINE}), []),
    "a diamond": (
        graph(
            {"root": steps("Ensemble", "A", "B"), "A": steps("Sequence", "C"), "B": steps("Sequence", "C"), "C": FINE}
        ),
        [],
    ),
    "a switch": (graph({"root": steps("Switch", "a", "b", **CONDITION)}), []),
    "a node that leads to itself": (
        graph({"root": steps("Sequence", "A"), "A": steps("Switch", "A", **CONDITION)}),
        ["KF359 the way through A -> A never ends"],
    ),
    "a circle that nobody enters": (
        graph({"root": FINE, "A": steps("Sequence", "B"), "B": steps("Sequence", "A")}),
        [
            "KF359 the way through A -> B -> A never ends",
            "KF359 no way leads from 'root' to the node 'A'",
            "KF359 no way leads from 'root' to the node 'B'",
        ],
    ),
    "no steps of an ensemble": (graph({"root": steps("Ensemble")}), ["KF359 the node 'root' has no steps"]),
    "no steps of a splitter": (
        graph({"root": steps("Splitter")}),
        ["KF358 the weights of the node add up to 0, and must to 100"],
    ),
    "a name of 64 characters": (
        graph({"root": FINE}, name="g" * 64),
        [f"KF360 the router's Service is called '{'g' * 64}': 64 characters, and it may have 63"],
    ),
    "a name with a digit first": (graph({"root": FINE}, name="1st"), ["KF360 no InferenceGraph can be called '1st'"]),
    "more replicas at least than at most": (
        graph({"root": FINE}, minReplicas=3, maxReplicas=2),
        ["KF364 'minReplicas' is 3, above 'maxReplicas' 2"],
    ),
    "an address without its scheme": (
        graph({"root": {"routerType": "Sequence", "steps": [{"serviceUrl": "//a.t/v1"}]}}),
        ["KF359 the router sends no request to '//a.t/v1'"],
    ),
    "no upper bound": (graph({"root": FINE}, minReplicas=3, maxReplicas=0), []),
}


@pytest.mark.parametrize("case", GRAPHS)
def test_graphs(case: str) -> None:
    body, found = GRAPHS[case]
    assert judged(body) == found


ADMITTED = {"a node that leads to itself", "a circle that nobody enters", "no steps of an ensemble"}


@pytest.mark.parametrize("case", sorted(ADMITTED | {"a name of 64 characters", "more replicas at least than at most"}))
def test_what_never_works_is_admitted(case: str) -> None:
    assert judged(GRAPHS[case][0], admission=True) == []


def test_a_chain_of_ten_thousand_nodes_is_read() -> None:
    nodes = {f"N{n}": steps("Sequence", f"N{n + 1}") for n in range(10_000)}
    assert judged(graph({"root": steps("Sequence", "N0"), **nodes, "N10000": FINE})) == []


def test_a_step_in_two_forms(tmp_path: Path) -> None:
    text = "inferenceGraphs: {g: {nodes: {root: {routerType: Sequence, steps: [{service: a, serviceName: b}]}}}}"
    assert said(built(text, tmp_path)) == [
        "error KF340 'service' and 'serviceName' say the same thing [keep 'service']"
    ]


# -- LLMInferenceService ----------------------------------------------------------------------------------------

DATA = {"data": 4, "dataLocal": 2}
MADE: dict[str, Any] = {"spec": {}}
OTHERS: dict[str, Any] = {"refs": [{"name": "g"}]}
LLM: dict[str, tuple[dict[str, Any], list[str]]] = {
    "one node": ({}, []),
    "a pipeline": ({"worker": {"containers": [{"name": "a"}]}, "parallelism": {"pipeline": 2}}, []),
    "data": ({"worker": {"containers": [{"name": "a"}]}, "parallelism": DATA}, []),
    "workers of nothing": (
        {"worker": {"containers": [{"name": "a"}]}},
        ["KF379 'worker' needs data or pipeline parallelism"],
    ),
    "both": (
        {"parallelism": {"pipeline": 2, **DATA}},
        ["KF379 'parallelism' is over a pipeline or over data, not both"],
    ),
    "half of data": ({"prefill": {"parallelism": {"data": 2}}}, ["KF379 'data' is given without 'dataLocal'"]),
    "its own route and gateway": ({"router": {"route": {}, "gateway": {}}}, []),
    "its own route through others' gateway": (
        {"router": {"route": {}, "gateway": OTHERS}},
        ["KF379 KServe's own route does not go through a gateway of others"],
    ),
    "a route of its own, and of others": (
        {"router": {"route": {"http": {**OTHERS, **MADE}}}},
        ["KF379 'refs' and 'spec' of the route exclude each other"],
    ),
    "others' route through its own gateway": (
        {"router": {"route": {"http": OTHERS}, "gateway": {}}},
        ["KF379 routes of others do not go through KServe's own gateway"],
    ),
    "a given route through others' gateway": (
        {"router": {"route": {"http": MADE}, "gateway": OTHERS}},
        ["KF379 a route that KServe makes does not go through a gateway of others"],
    ),
    "others' route through others' gateway": ({"router": {"route": {"http": OTHERS}, "gateway": OTHERS}}, []),
}


@pytest.mark.parametrize("case", LLM)
def test_language_models(case: str) -> None:
    spec, found = LLM[case]
    body = {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "LLMInferenceService",
        "metadata": {"name": "a", "namespace": "t"},
        "spec": {"model": {"uri": "hf://a/b"}, **spec},
    }
    assert judged(body, "26.03") == found
    assert judged(body, "26.03", admission=True) == found


# -- model caches -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("copies", "expected"),
    [
        (None, Readiness(State.WAITING, "its controller has not found a node for it yet")),
        ({"total": 2, "available": 1}, Readiness(State.WAITING, "1 of 2 nodes have the model")),
        (
            {"total": 2, "available": 1, "failed": 1},
            Readiness(State.FAILED, "1 of 2 nodes could not download the model"),
        ),
        ({"total": 2, "available": 2}, Readiness(State.READY)),
        ("junk", Readiness(State.WAITING, "its controller has not found a node for it yet")),
    ],
)
def test_a_cache_is_ready_when_every_node_has_its_copy(copies: Any, expected: Readiness) -> None:
    body = {"metadata": {"name": "a"}, "status": {"copies": copies}}
    assert modelcache.ready(body, lambda gvk, namespace, name: None) == expected
