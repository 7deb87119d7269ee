"""Profiles: groups, limits, cloud identities, and who may call the model servers of a namespace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kfspec.catalog import Release, release
from kfspec.diagnostics import Severity
from kfspec.equivalence import equivalent
from kfspec.importing import import_manifests
from kfspec.kinds.kubernetes.limitrange import defaulted
from kfspec.kinds.profile_access import binding_name
from kfspec.pipeline import Build, build
from kfspec.resource import Body, Resource, ref_of
from kfspec.verification import verify
from kfspec.yamlio.compose import compose
from kfspec.yamlio.dump import dump
from tests.conftest import ROOT
from tests.support.controlplane import ControlPlane

OWNER = {"owner": "ana@example.com"}
MODEL = {"model": {"modelFormat": "sklearn", "storageUri": "gs://acme/a"}}
GATEWAY = [
    "cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account",
    "cluster.local/ns/kubeflow/sa/ml-pipeline-ui",
]


def built(folder: Path, profile: dict[str, Any], **spec: Any) -> Build:
    """A project of one profile."""
    given = {
        "apiVersion": "kfspec.dev/v1alpha1",
        "project": "p",
        "defaults": {"profile": "t"},
        "profiles": {"t": {**OWNER, **profile}},
        **spec,
    }
    (folder / "kfspec.yaml").write_text(dump(given))
    return build(folder / "kfspec.yaml")


def objects(folder: Path, profile: dict[str, Any], env: str = "default", **spec: Any) -> dict[str, Body]:
    """Its objects by kind and name; there must be no error."""
    result = built(folder, profile, **spec)
    assert [d.message for d in result.diagnostics if d.severity is Severity.ERROR] == []
    return {f"{r.ref.kind}/{r.ref.name}": r.body for r in result.environments[env]}


def said(folder: Path, profile: dict[str, Any], **spec: Any) -> list[str]:
    return [f"{d.code} {d.message}" for d in built(folder, profile, **spec).diagnostics]


# -- Names ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["default", "kubeflow", "kube-system", "kube-node-lease", "istio-system", "oauth2-proxy"]
)
def test_no_profile_takes_over_a_namespace_of_the_platform(name: str, tmp_path: Path) -> None:
    spec = {"apiVersion": "kfspec.dev/v1alpha1", "project": "p", "profiles": {name: OWNER}}
    (tmp_path / "kfspec.yaml").write_text(dump(spec))
    result = build(tmp_path / "kfspec.yaml")
    message = f"'{name}' is a namespace of the platform, not a team's: the Profile would take it over"
    assert [(d.code, d.message, d.path) for d in result.diagnostics] == [("KF300", message, ("profiles", name))]
    assert result.environments["default"] == ()


@pytest.mark.parametrize("name", ["kube", "kubeflow-user-example-com", "istio"])
def test_a_name_that_is_only_like_one(name: str, tmp_path: Path) -> None:
    spec = {"apiVersion": "kfspec.dev/v1alpha1", "project": "p", "profiles": {name: OWNER}}
    (tmp_path / "kfspec.yaml").write_text(dump(spec))
    assert build(tmp_path / "kfspec.yaml").diagnostics == ()


# -- Groups -----------------------------------------------------------------------------------------------------


def test_a_group_is_bound_without_the_marks_of_the_access_service(tmp_path: Path) -> None:
    made = objects(tmp_path, {"groups": {"data-science": "edit"}})
    name = "group-data-science-clusterrole-edit"
    binding, policy = made[f"RoleBinding/{name}"], made[f"AuthorizationPolicy/{name}"]
    assert "annotations" not in binding["metadata"]
    assert "annotations" not in policy["metadata"]
    rbac = "rbac.authorization.k8s.io"
    assert binding["roleRef"] == {"apiGroup": rbac, "kind": "ClusterRole", "name": "kubeflow-edit"}
    assert binding["subjects"] == [{"apiGroup": rbac, "kind": "Group", "name": "data-science"}]
    values = ["data-science", "data-science,*", "*,data-science"]
    when = [{"key": "request.headers[kubeflow-groups]", "values": values}]
    assert policy["spec"] == {"rules": [{"from": [{"source": {"principals": GATEWAY}}], "when": when}]}


@pytest.mark.parametrize(
    ("platform", "condition"),
    [
        ({"groupsHeader": "x-groups"}, {"key": "request.headers[x-groups]", "values": ["a", "a,*", "*,a"]}),
        ({"groupsClaim": "groups"}, {"key": "request.auth.claims[groups]", "values": ["a"]}),
        ({"groupsClaim": "roles", "groupsHeader": "x"}, {"key": "request.auth.claims[roles]", "values": ["a"]}),
    ],
)
def test_the_platform_says_where_groups_stand(
    platform: dict[str, str], condition: dict[str, Any], tmp_path: Path
) -> None:
    made = objects(tmp_path, {"groups": {"a": "view"}}, platform=platform)
    policy = made["AuthorizationPolicy/group-a-clusterrole-view"]
    assert policy["spec"]["rules"][0]["when"] == [condition]


def test_a_group_and_a_user_of_one_name_are_two() -> None:
    assert binding_name("ana@example.com", "edit") == "user-ana-example-com-clusterrole-edit"
    assert binding_name("ana@example.com", "edit", "Group") == "group-ana-example-com-clusterrole-edit"


@pytest.mark.parametrize("name", ["*", "*@example.com", "ana*"])
def test_a_pattern_is_no_name(name: str, tmp_path: Path) -> None:
    told = [f"KF760 Istio reads '{name}' as a pattern, and lets in whoever fits; Kubernetes reads it as a name"]
    assert said(tmp_path, {"owner": name}) == told
    assert said(tmp_path, {"groups": {name: "view"}}) == told
    assert said(tmp_path, {"contributors": {name: "view"}}) == told
    assert said(tmp_path, {"contributors": {"a*b": "view"}}) == []


def test_nobody_is_no_contributor(tmp_path: Path) -> None:
    told = ["KF760 a user without a name is nobody", "KF760 a group without a name is nobody"]
    assert said(tmp_path, {"contributors": {"": "view"}, "groups": {"": "view"}}) == told


# -- Cloud identities -------------------------------------------------------------------------------------------

GSA, ARN = "t@acme.iam.gserviceaccount.com", "arn:aws:iam::123456789012:role/path/team"
GOOGLE = {"kind": "WorkloadIdentity", "spec": {"gcpServiceAccount": GSA}}


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ({"workloadIdentity": GSA}, [GOOGLE]),
        ({"awsIamRole": ARN}, [{"kind": "AwsIamForServiceAccount", "spec": {"awsIamRole": ARN}}]),
        (
            {"awsIamRole": ARN, "annotateOnly": False, "workloadIdentity": GSA},
            [GOOGLE, {"kind": "AwsIamForServiceAccount", "spec": {"awsIamRole": ARN, "annotateOnly": False}}],
        ),
        ({}, []),
    ],
)
def test_plugins_are_named_by_what_they_need(short: Any, long: Any, tmp_path: Path) -> None:
    (of_short, of_long) = (objects(tmp_path, {"plugins": given})["Profile/t"] for given in (short, long))
    assert of_short == of_long
    assert of_short["spec"]["plugins"] == long


@pytest.mark.parametrize(
    ("plugin", "told"),
    [
        ({"kind": "WorkloadIdentity"}, "the plugin WorkloadIdentity lacks 'gcpServiceAccount'"),
        ({"kind": "WorkloadIdentity", "spec": {"gcpServiceAccount": 1}}, "the number 1 is the identity of nobody"),
        ({"kind": "WorkloadIdentity", "spec": {"gcpServiceAccount": "a@b.com"}}, "'a@b.com' is the identity of nobody"),
        (
            {"kind": "AwsIamForServiceAccount", "spec": {"annotateOnly": True}},
            "the plugin AwsIamForServiceAccount lacks 'awsIamRole'",
        ),
        (
            {"kind": "AwsIamForServiceAccount", "spec": {"awsIamRole": "arn:aws:iam::1:role/a"}},
            "'arn:aws:iam::1:role/a' is the identity of nobody",
        ),
    ],
)
def test_a_plugin_of_nobody(plugin: dict[str, Any], told: str, tmp_path: Path) -> None:
    assert said(tmp_path, {"plugins": [plugin]}) == [f"KF762 {told}"]


@pytest.mark.parametrize("arn", [ARN, "arn:aws-cn:iam::123456789012:role/a", "arn:aws-us-gov:iam::123456789012:role/a"])
def test_a_role_of_every_partition(arn: str, tmp_path: Path) -> None:
    assert said(tmp_path, {"plugins": {"awsIamRole": arn}}) == []


# -- Limits -----------------------------------------------------------------------------------------------------


def limit_range(*limits: dict[str, Any], name: str = "kf-limit-range", namespace: str = "t") -> Body:
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "LimitRange", "metadata": meta, "spec": {"limits": list(limits)}}


def test_limits_are_those_of_a_container(tmp_path: Path) -> None:
    given = {"default": {"cpu": 2, "memory": "4096Mi"}, "defaultRequest": {"cpu": 0.5}, "max": {"gpu": 1}}
    made = objects(tmp_path, {"limitRange": given}, platform={"gpuResource": "amd.com/gpu"})
    amounts = {"default": {"cpu": "2", "memory": "4Gi"}, "defaultRequest": {"cpu": "500m"}, "max": {"amd.com/gpu": "1"}}
    assert made["LimitRange/kf-limit-range"]["spec"] == {"limits": [{"type": "Container", **amounts}]}


def test_a_resource_is_named_once(tmp_path: Path) -> None:
    told = "KF340 'gpu' and 'nvidia.com/gpu' are the same resource"
    assert said(tmp_path, {"limitRange": {"max": {"gpu": 1, "nvidia.com/gpu": 1}}}) == [told]


LIMITS: list[tuple[dict[str, Any], ...]] = [
    ({"type": "Container", "max": {"cpu": "2"}},),
    ({"type": "Container", "min": {"cpu": "100m"}},),
    ({"type": "Container", "default": {"cpu": "1"}, "min": {"cpu": "10m", "memory": "1Mi"}},),
    ({"type": "Container", "defaultRequest": {"cpu": "1"}, "max": {"cpu": "2000m", "memory": "2048Mi"}},),
    ({"type": "Container", "default": {"cpu": "4"}, "max": {"cpu": "2"}},),
    ({"type": "Container", "default": {"cpu": "1"}, "min": {"cpu": "2"}},),
    ({"type": "Container", "defaultRequest": {"cpu": "3"}, "max": {"cpu": "2"}},),
    ({"type": "Container", "defaultRequest": {"cpu": "3"}, "default": {"cpu": "2"}},),
    ({"type": "Container", "defaultRequest": {"cpu": "1"}, "min": {"cpu": "2"}},),
    ({"type": "Container", "max": {"cpu": "1"}, "min": {"cpu": "2"}},),
    ({"type": "Container", "maxLimitRequestRatio": {"cpu": "500m"}},),
    ({"type": "Container", "maxLimitRequestRatio": {"cpu": "4"}},),
    ({"type": "Container", "maxLimitRequestRatio": {"cpu": "4"}, "min": {"cpu": "1"}, "max": {"cpu": "2"}},),
    ({"type": "Container", "maxLimitRequestRatio": {"cpu": "2"}, "min": {"cpu": "1"}, "max": {"cpu": "2"}},),
    ({"type": "Container", "maxLimitRequestRatio": {"cpu": "2"}, "max": {"cpu": "2"}},),
    ({"type": "Container", "max": {"cpu": "1"}}, {"type": "Container", "min": {"memory": "1"}}),
    ({"type": "Pod", "max": {"cpu": "1"}},),
    ({"type": "Pod", "default": {"cpu": "1"}},),
    ({"type": "Pod", "defaultRequest": {"cpu": "1"}},),
    ({"type": "Pod", "min": {"cpu": "2"}, "max": {"cpu": "1"}},),
    ({"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}},),
    ({"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}},),
    ({"type": "PersistentVolumeClaim"},),
    ({"type": "PersistentVolumeClaim", "default": {"storage": "1Gi"}},),
    ({"type": "example.com/Thing", "max": {"cpu": "1"}},),
]


@pytest.mark.apiserver
@pytest.mark.parametrize(
    "limits", LIMITS, ids=lambda given: "+".join("-".join(map(str, one.values())) for one in given)
)
def test_limits_are_judged_and_filled_as_the_server_does(
    limits: tuple[dict[str, Any], ...], controlplane: ControlPlane, namespace: str, kubeflow: Release
) -> None:
    body = limit_range(*limits, name="judged", namespace=namespace)
    found = verify([Resource(ref_of(body), body, {})], kubeflow)
    (answer,) = controlplane.apply([body])
    assert {d.code for d in found} <= {"KF763"}
    assert (answer.status in (200, 201)) == (not found), (answer.message, found)
    if not found:
        assert answer.body["spec"] == defaulted(body)["spec"]


# -- Who may call the model servers -----------------------------------------------------------------------------


def test_without_a_word_nobody_else_may(tmp_path: Path) -> None:
    made = objects(tmp_path, {}, inferenceServices={"a": {"predictor": MODEL}})
    assert [key for key in made if key.startswith("AuthorizationPolicy")] == []


@pytest.mark.parametrize("kubeflow", ["1.10.0", "1.10.2", "1.11.0", "26.03"])
@pytest.mark.parametrize(
    ("access", "rules"),
    [
        ("everyone", [{}]),
        (
            "authenticated",
            [
                {
                    "from": [{"source": {"principals": GATEWAY}}],
                    "when": [{"key": "request.headers[kubeflow-userid]", "values": ["*"]}],
                },
                {"from": [{"source": {"requestPrincipals": ["*"]}}]},
            ],
        ),
        (
            ["shop", "cluster.local/ns/web/sa/front"],
            [
                {
                    "from": [
                        {"source": {"namespaces": ["shop-live"]}},
                        {"source": {"principals": ["cluster.local/ns/web/sa/front"]}},
                    ]
                }
            ],
        ),
    ],
)
def test_a_policy_opens_the_pods_of_one_service(kubeflow: str, access: Any, rules: Any, tmp_path: Path) -> None:
    spec: dict[str, Any] = {
        "kubeflow": kubeflow,
        "externals": {"profiles": ["shop"]},
        "namespaceMap": {"shop": "shop-live"},
        "inferenceServices": {"a": {"predictor": MODEL}},
    }
    of_profile = objects(tmp_path, {"servingAccess": access}, **spec)
    spec["inferenceServices"] = {"a": {"predictor": MODEL, "access": access}}
    of_service = objects(tmp_path, {"servingAccess": "private"}, **spec)
    name = "AuthorizationPolicy/inferenceservice-a"
    assert of_profile[name] == of_service[name]
    selector = {"matchLabels": {"serving.kserve.io/inferenceservice": "a"}}
    assert of_profile[name]["spec"] == {"selector": selector, "action": "ALLOW", "rules": rules}


def test_a_service_says_otherwise_than_its_profile(tmp_path: Path) -> None:
    services = {"a": {"predictor": MODEL}, "b": {"predictor": MODEL, "access": "private"}}
    made = objects(tmp_path, {"servingAccess": "authenticated"}, inferenceServices=services)
    assert [key for key in made if key.startswith("AuthorizationPolicy")] == ["AuthorizationPolicy/inferenceservice-a"]


def test_an_environment_changes_what_the_profile_says(tmp_path: Path) -> None:
    spec = {
        "inferenceServices": {"a": {"predictor": MODEL}},
        "environments": {"dev": {}, "prod": {"profiles": {"t": {"servingAccess": "authenticated"}}}},
    }
    assert "AuthorizationPolicy/inferenceservice-a" not in objects(tmp_path, {}, "dev", **spec)
    assert "AuthorizationPolicy/inferenceservice-a" in objects(tmp_path, {}, "prod", **spec)


@pytest.mark.parametrize(
    "service",
    [
        {"annotations": {"sidecar.istio.io/inject": "false"}, "predictor": MODEL},
        {"predictor": {**MODEL, "labels": {"sidecar.istio.io/inject": "false"}}},
        {"predictor": MODEL, "transformer": {"annotations": {"sidecar.istio.io/inject": "false"}, "containers": []}},
    ],
)
def test_a_policy_needs_a_sidecar(service: dict[str, Any], tmp_path: Path) -> None:
    told = "KF766 'a' has no sidecar, so nothing checks who calls it"
    assert told in said(tmp_path, {"servingAccess": "authenticated"}, inferenceServices={"a": service})
    assert told not in said(tmp_path, {}, inferenceServices={"a": service})


@pytest.mark.parametrize("access", ["anyone", [], 1, {"a": "b"}, [1], None])
def test_what_is_no_access_is_an_error_and_opens_nothing(access: Any, tmp_path: Path) -> None:
    result = built(tmp_path, {"servingAccess": access}, inferenceServices={"a": {"predictor": MODEL}})
    wrong = {d.path[:3] for d in result.diagnostics if d.severity is Severity.ERROR}
    assert (("profiles", "t", "servingAccess") in wrong) == (access is not None)
    made = [r.ref.name for r in result.environments.get("default", ()) if r.ref.kind == "AuthorizationPolicy"]
    assert made == []


# -- Import -----------------------------------------------------------------------------------------------------

BESIDE: dict[str, Any] = {
    "contributors": {"bo@example.com": "edit", "cy@example.com": "view"},
    "groups": {"data-science": "edit", "on-call": "view"},
    "limitRange": {"default": {"cpu": "2"}, "max": {"cpu": "4"}},
    "podSecurity": "baseline",
    "plugins": {"workloadIdentity": GSA},
}


def imported(folder: Path, bodies: list[Body]) -> dict[str, Any]:
    (folder / "all.yaml").write_text("---\n".join(map(dump, bodies)))
    return import_manifests([str(folder / "all.yaml")], "p").spec


@pytest.mark.parametrize("backwards", [False, True])
def test_what_compiles_is_imported_as_it_was_written(backwards: bool, tmp_path: Path) -> None:
    services = {
        "a": {"predictor": MODEL, "access": "authenticated"},
        "b": {"predictor": MODEL, "access": ["shop", "cluster.local/ns/web/sa/front"]},
        "c": {"predictor": MODEL},
    }
    made = objects(tmp_path, BESIDE, externals={"profiles": ["shop"]}, inferenceServices=services)
    bodies = list(made.values())
    spec = imported(tmp_path, bodies[::-1] if backwards else bodies)
    assert spec.get("resources") is None
    assert spec["profiles"] == {"t": {**OWNER, **BESIDE}}
    assert spec["inferenceServices"] == services
    assert spec["externals"] == {"profiles": ["shop"]}
    (tmp_path / "again.yaml").write_text(compose(spec))
    again = [r.body for r in build(tmp_path / "again.yaml").environments["default"]]
    known, _ = release("1.10")
    assert known is not None
    assert all(any(equivalent(body, other, known) for other in again) for body in bodies)


def test_what_is_another_s_stays_what_it_is(tmp_path: Path) -> None:
    """A pair that lacks a half, a binding by another name or with marks, limits by another name."""
    made = objects(tmp_path, {"groups": {"a": "edit", "b": "edit", "c": "edit"}, "limitRange": {"max": {"cpu": 1}}})
    pairs = {key: body for key, body in made.items() if "group-" in key}
    del pairs["AuthorizationPolicy/group-a-clusterrole-edit"]
    pairs["RoleBinding/group-b-clusterrole-edit"]["metadata"]["annotations"] = {"user": "b", "role": "edit"}
    for kind in ("RoleBinding", "AuthorizationPolicy"):
        pairs[f"{kind}/group-c-clusterrole-edit"]["metadata"]["name"] = "group-c"
    made["LimitRange/kf-limit-range"]["metadata"]["name"] = "limits"
    spec = imported(tmp_path, [made["Profile/t"], *pairs.values(), made["LimitRange/kf-limit-range"]])
    assert spec["profiles"] == {"t": OWNER}
    kinds = sorted(item["kind"] for item in spec["resources"].values())
    assert kinds == ["AuthorizationPolicy"] * 2 + ["LimitRange"] + ["RoleBinding"] * 3


def test_the_server_s_own_form_of_limits_is_imported(tmp_path: Path) -> None:
    stored = defaulted(limit_range({"type": "Container", "max": {"cpu": "2"}}))
    profile = objects(tmp_path, {})["Profile/t"]
    amounts = {"max": {"cpu": "2"}, "default": {"cpu": "2"}, "defaultRequest": {"cpu": "2"}}
    assert imported(tmp_path, [profile, stored])["profiles"]["t"]["limitRange"] == amounts
    both = limit_range({"type": "Container", "max": {"cpu": "2000m"}}, {"type": "Pod", "max": {"memory": "1024Mi"}})
    assert imported(tmp_path, [profile, both])["profiles"]["t"]["limitRange"] == both["spec"]


def test_the_example_says_a_group() -> None:
    result = build(ROOT / "examples" / "serving-ab" / "kfspec.yaml")
    assert result.diagnostics == ()
    made = {str(r.ref) for r in result.environments["prod"]}
    assert "RoleBinding/ranking/group-ranking-on-call-clusterrole-view" in made
    assert "AuthorizationPolicy/ranking/inferenceservice-champion" in made
