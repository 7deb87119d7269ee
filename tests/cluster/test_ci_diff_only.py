"""deploy/ci-diff-only.yaml: under it, a CI identity reads and tries what kfspec manages, and nothing is ever stored."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kfspec import kinds
from kfspec.catalog import Release, component_versions, kinds_of, release
from kfspec.catalog.releases import RELEASES
from kfspec.cluster.transport import APPLY_PATCH, Answer, Client, path_of
from kfspec.kustomize import with_environment
from kfspec.pipeline import build
from kfspec.resource import Body, ref_of
from tests.conftest import ROOT
from tests.support.controlplane import ControlPlane

DOCUMENTS = list(yaml.safe_load_all((ROOT / "deploy" / "ci-diff-only.yaml").read_text()))
ACCOUNT = "system:serviceaccount:kfspec-ci:kfspec-ci-diff"
REFUSAL = (
    "ValidatingAdmissionPolicy 'kfspec-ci-diff' with binding 'kfspec-ci-diff' denied request: "
    "this identity is for `kfspec diff` in CI, and may only try changes (dryRun=All); apply with another one"
)
SPECS = sorted((ROOT / "tests" / "specs").glob("*.yaml"))
PLATFORM = ("kubernetes", "istio")
"""Components whose kinds the role names one by one, as far as blocks produce them."""

live = pytest.mark.apiserver


def document(kind: str) -> dict[str, Any]:
    """The object of a kind in the file."""
    (found,) = (d for d in DOCUMENTS if d["kind"] == kind)
    return found


def releases() -> Iterator[Release]:
    """Every release, and the older training operator that has MXJob."""
    for name in RELEASES:
        for components in ({}, {"training-operator": "1.8.1"}):
            known, _ = release(name, components)
            assert known is not None
            yield known


def plurals() -> dict[tuple[str, str], str]:
    """Every kind of the catalogue -> its plural."""
    return {
        (entry.group, entry.kind): entry.plural
        for known in releases()
        for component, version in known.components.items()
        for entry in kinds_of(component, version)
    }


def wanted() -> set[tuple[str, str]]:
    """(group, plural) of what blocks produce and of every namespaced kind of Kubeflow's components."""
    names = plurals()
    produced = {
        (gvk.group, names[gvk.group, gvk.kind])
        for modules in kinds.BLOCKS.values()
        for module in modules.values()
        for gvk in kinds.load(module).PRODUCES
    }
    namespaced = {
        (entry.group, entry.plural)
        for known in releases()
        for component, version in known.components.items()
        if component not in PLATFORM
        for entry in kinds_of(component, version)
        if entry.namespaced
    }
    return produced | namespaced


def test_the_role_names_exactly_the_kinds_that_kfspec_manages() -> None:
    granted: dict[tuple[Any, ...], set[tuple[str, str]]] = defaultdict(set)
    for rule in document("ClusterRole")["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                granted[tuple(rule["verbs"]), *rule.get("resourceNames", ())].add((group, resource))
    tried = granted.pop((("get", "list", "patch", "create"),))
    assert (sorted(wanted() - tried), sorted(tried - wanted())) == ([], []), "missing in the role, and not needed in it"
    assert granted == {
        (("bind",), "kubeflow-admin", "kubeflow-edit", "kubeflow-view"): {
            ("rbac.authorization.k8s.io", "clusterroles")
        },
        (("create",),): {("", "events")},
        (("create", "get", "update"),): {("coordination.k8s.io", "leases")},
    }
    assert component_versions("training-operator")[0] == "1.8.1", "MXJob is in no later one"


@pytest.fixture(scope="module")
def installed(controlplane: ControlPlane) -> ControlPlane:
    """The control plane with the file applied, in the file's order."""
    answers = [controlplane.apply([body], force=True)[0] for body in DOCUMENTS]
    assert [answer.message for answer in answers] == [""] * len(DOCUMENTS)
    probe = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe", "namespace": "kfspec-ci"}}
    client = Client(controlplane.acting_as(ACCOUNT))
    for _ in range(100):  # the API server takes up a new policy within a second or two
        answer = apply(client, probe, controlplane, {})
        if answer.status == 403:
            break
        controlplane.request("DELETE", "/api/v1/namespaces/kfspec-ci/configmaps/probe")
        time.sleep(0.1)
    assert answer.message == f'configmaps "probe" is forbidden: {REFUSAL}'
    return controlplane


@pytest.fixture(scope="module")
def identity_file(installed: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kubeconfig of the ServiceAccount, with a token as `kubectl create token` makes it."""
    path = "/api/v1/namespaces/kfspec-ci/serviceaccounts/kfspec-ci-diff/token"
    answer = installed.request(
        "POST", path, {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    )
    assert answer.status == 201, answer.message
    kubeconfig = tmp_path_factory.mktemp("ci") / "kubeconfig.json"
    user = {"name": "ci", "user": {"token": answer.body["status"]["token"]}}
    kubeconfig.write_text(json.dumps(installed.config([user])))
    return kubeconfig


@pytest.fixture(scope="module")
def identity(identity_file: Path) -> Client:
    """The ServiceAccount."""
    return Client(identity_file)


@pytest.fixture(scope="module")
def powerful(installed: ControlPlane) -> Iterator[Client]:
    """Another account of that name, which somebody made an administrator: the policy alone is left."""
    name = {"name": "kfspec-ci-diff-mistake"}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": name,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "kfspec-ci-diff", "namespace": "elsewhere"}],
    }
    (answer,) = installed.apply([binding])
    assert answer.status == 201
    yield Client(installed.acting_as("system:serviceaccount:elsewhere:kfspec-ci-diff"))
    installed.request("DELETE", f"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{name['name']}")


def apply(client: Client, body: Body, plane: ControlPlane, query: dict[str, str] | None = None) -> Answer:
    """Server-side apply by the client; a dry run unless another query is given."""
    how = {"dryRun": "All"} if query is None else query
    return client.request(
        "PATCH", plane.path_of(body), {"fieldManager": "kfspec", "force": "true", **how}, body, APPLY_PATCH
    )


def objects() -> dict[tuple[str, str], Body]:
    """One object of each kind that blocks produce, from the specs of every field."""
    found: dict[tuple[str, str], Body] = {}
    for spec in SPECS:
        for name, resources in build(spec).environments.items():
            for resource in resources:
                ref = ref_of(resource.body)
                if ref.kind == "RoleBinding" and resource.body["roleRef"]["kind"] == "Role":
                    continue  # its Role is to be there first: a test of its own tries them together
                found.setdefault((ref.group, ref.kind), with_environment(resource.body, name))
    return found


@live
def test_it_lists_reads_and_tries_every_kind(identity: Client, installed: ControlPlane, namespace: str) -> None:
    bodies = objects()
    produced = {(g.group, g.kind) for ms in kinds.BLOCKS.values() for m in ms.values() for g in kinds.load(m).PRODUCES}
    assert produced - set(bodies) == set(), "no spec has one"
    said = {}
    for key in sorted(produced):
        body = json.loads(json.dumps(bodies[key]))
        if body["metadata"].get("namespace"):
            body["metadata"]["namespace"] = namespace
        else:  # another test may have stored one of that name in the same cluster
            body["metadata"]["name"] = f"diff-only-{namespace}"
        path, _, name = installed.path_of(body).rpartition("/")
        tried = apply(identity, body, installed)
        answers = (tried, identity.request("GET", path, {"limit": "500"}), identity.request("GET", f"{path}/{name}"))
        said[key] = tuple(answer.status for answer in answers), "" if tried.ok else tried.message
    assert said == dict.fromkeys(sorted(produced), ((201, 200, 404), ""))


@live
def test_it_lists_every_kind_of_kubeflow(identity: Client, controlplane: ControlPlane, kubeflow: Release) -> None:
    entries = [e for c, v in kubeflow.components.items() if c not in PLATFORM for e in kinds_of(c, v) if e.namespaced]
    paths = [path_of(f"{entry.group}/{entry.storage_version}", entry.plural) for entry in entries]
    assert {path: identity.request("GET", path, {"limit": "500"}).status for path in paths} == dict.fromkeys(paths, 200)


@live
def test_a_loop_with_its_role_is_tried_whole(
    installed: ControlPlane, identity_file: Path, namespace: str, tmp_path: Path
) -> None:
    """Also before the Role is there, without which the API server finds nothing to bind (404)."""
    spec = tmp_path / "kfspec.yaml"
    spec.write_text(
        f"apiVersion: kfspec.dev/v1alpha1\nproject: {namespace}\nexternals: {{profiles: [{namespace}]}}\n"
        f"defaults: {{profile: {namespace}}}\nplatform: {{syncImage: sync:1, inventoryNamespace: {namespace}}}\n"
    )
    command = [
        sys.executable,
        "-m",
        "kfspec",
        "diff",
        str(spec),
        "--kubeconfig",
        str(identity_file),
        "--format",
        "json",
    ]
    seen = []
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        assert (done.returncode, done.stderr) == (1, "")
        plan = json.loads(done.stdout)
        seen.append({change["object"]["kind"]: (change["action"], change["reason"]) for change in plan["changes"]})
        (role,) = [r.body for r in build(spec).environments["default"] if r.ref.kind == "Role"]
        installed.apply([role])
    assert seen[0] == {
        "Role": ("create", "missing"),
        "RoleBinding": ("create", "after"),
        "ConfigMap": ("create", "missing"),
        "CronJob": ("create", "missing"),
        "Job": ("new-run", "missing"),
    }
    assert seen[1]["RoleBinding"] == ("create", "missing")


@live
def test_a_role_that_gives_more_is_not_tried(identity: Client, installed: ControlPlane, namespace: str) -> None:
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    meta = {"name": "a", "namespace": namespace}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": meta, "rules": [rule]}
    answer = apply(identity, role, installed)
    assert (answer.status, answer.message.splitlines()[0].partition(" (groups")[0]) == (
        403,
        f'roles.rbac.authorization.k8s.io "a" is forbidden: user "{ACCOUNT}"',
    )


def notebook(namespace: str, name: str = "lab") -> Body:
    """A small notebook."""
    container = {"name": name, "image": "registry.example.com/jupyter:1"}
    spec = {"template": {"spec": {"containers": [container]}}}
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "kubeflow.org/v1", "kind": "Notebook", "metadata": meta, "spec": spec}


NOTEBOOKS = "/apis/kubeflow.org/v1/namespaces/{}/notebooks"


@live
def test_what_its_role_allows_the_policy_refuses(identity: Client, installed: ControlPlane, namespace: str) -> None:
    assert installed.apply([notebook(namespace)])[0].status == 201
    real = {"fieldManager": "kfspec", "force": "true"}
    changed = notebook(namespace)
    changed["metadata"]["labels"] = {"a": "b"}
    refused = f'notebooks.kubeflow.org "lab" is forbidden: {REFUSAL}'
    answers = [
        apply(identity, changed, installed, real),
        apply(identity, notebook(namespace, "new"), installed, real),
        identity.request("POST", NOTEBOOKS.format(namespace), {}, notebook(namespace, "new")),
    ]
    assert [(answer.status, answer.message) for answer in answers] == [
        (403, refused),
        (403, refused.replace('"lab"', '"new"')),
        (403, refused.replace('"lab"', '"new"')),
    ]
    assert answers[0].by_webhook, "the diff takes it for a policy's word"
    listed = installed.request("GET", NOTEBOOKS.format(namespace)).body["items"]
    assert [(body["metadata"]["name"], body["metadata"].get("labels")) for body in listed] == [("lab", None)]


@live
def test_what_its_role_does_not_name_is_refused_by_name(
    identity: Client, installed: ControlPlane, namespace: str
) -> None:
    assert installed.apply([notebook(namespace)])[0].status == 201
    lab = NOTEBOOKS.format(namespace) + "/lab"
    secret = f"/api/v1/namespaces/{namespace}/secrets"
    pod = f"/api/v1/namespaces/{namespace}/pods"
    merge = "application/merge-patch+json"
    answers = {
        "delete": identity.request("DELETE", lab),
        "dry delete": identity.request("DELETE", lab, {"dryRun": "All"}),
        "deletecollection": identity.request("DELETE", NOTEBOOKS.format(namespace)),
        "update": identity.request("PUT", lab, {}, notebook(namespace)),
        "status": identity.request("PATCH", f"{lab}/status", {}, {"status": {"readyReplicas": 1}}, merge),
        "secret": identity.request("GET", f"{secret}/any"),
        "secrets": identity.request("GET", secret),
        "watch": identity.request("GET", f"/api/v1/namespaces/{namespace}/configmaps", {"watch": "true"}),
        "exec": identity.request("POST", f"{pod}/any/exec", {"command": "sh"}),
        "token": identity.request(
            "POST",
            "/api/v1/namespaces/kfspec-ci/serviceaccounts/kfspec-ci-diff/token",
            {},
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
        ),
    }
    cannot = f'User "{ACCOUNT}" cannot'
    core, kf, inside = 'in API group ""', 'in API group "kubeflow.org"', f'in the namespace "{namespace}"'
    book = 'notebooks.kubeflow.org "lab" is forbidden:'
    assert {name: (answer.status, answer.message) for name, answer in answers.items()} == {
        "delete": (403, f'{book} {cannot} delete resource "notebooks" {kf} {inside}'),
        "dry delete": (403, f'{book} {cannot} delete resource "notebooks" {kf} {inside}'),
        "deletecollection": (
            403,
            f'notebooks.kubeflow.org is forbidden: {cannot} deletecollection resource "notebooks" {kf} {inside}',
        ),
        "update": (403, f'{book} {cannot} update resource "notebooks" {kf} {inside}'),
        "status": (403, f'{book} {cannot} patch resource "notebooks/status" {kf} {inside}'),
        "secret": (403, f'secrets "any" is forbidden: {cannot} get resource "secrets" {core} {inside}'),
        "secrets": (403, f'secrets is forbidden: {cannot} list resource "secrets" {core} {inside}'),
        "watch": (403, f'configmaps is forbidden: {cannot} watch resource "configmaps" {core} {inside}'),
        "exec": (403, f'pods "any" is forbidden: {cannot} create resource "pods/exec" {core} {inside}'),
        "token": (
            403,
            f'serviceaccounts "kfspec-ci-diff" is forbidden: {cannot} create resource "serviceaccounts/token" {core} '
            'in the namespace "kfspec-ci"',
        ),
    }


@live
def test_the_policy_holds_whatever_a_role_grants(powerful: Client, installed: ControlPlane, namespace: str) -> None:
    assert installed.apply([notebook(namespace)])[0].status == 201
    before = installed.request("GET", installed.path_of(notebook(namespace))).body
    changed = {**before, "metadata": {**before["metadata"], "labels": {"a": "b"}}}
    del changed["metadata"]["managedFields"]
    books = NOTEBOOKS.format(namespace)
    merge = "application/merge-patch+json"
    status = {"status": {"readyReplicas": 7, "conditions": [], "containerState": {}}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": namespace}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": namespace}}
    pod["spec"] = {"containers": [{"name": "c", "image": "i"}]}
    assert installed.apply([pod])[0].status == 201
    answers = {
        "apply": apply(powerful, changed | {"metadata": notebook(namespace)["metadata"]}, installed, {}),
        "create": powerful.request("POST", books, {}, notebook(namespace, "new")),
        "update": powerful.request("PUT", f"{books}/lab", {}, changed),
        "merge patch": powerful.request("PATCH", f"{books}/lab", {}, {"metadata": {"labels": {"a": "b"}}}, merge),
        "delete": powerful.request("DELETE", f"{books}/lab"),
        "deletecollection": powerful.request("DELETE", books),
        "status": powerful.request("PATCH", f"{books}/lab/status", {}, status, merge),
        "secret": powerful.request("POST", f"/api/v1/namespaces/{namespace}/secrets", {}, secret),
        "namespace": powerful.request("DELETE", f"/api/v1/namespaces/{namespace}"),
        "exec": powerful.request("POST", f"/api/v1/namespaces/{namespace}/pods/p/exec", {"command": "sh"}),
        "token": powerful.request(
            "POST",
            "/api/v1/namespaces/kfspec-ci/serviceaccounts/kfspec-ci-diff/token",
            {},
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
        ),
    }
    unrefused = {
        name: a.message for name, a in answers.items() if not (a.status == 403 and a.message.endswith(REFUSAL))
    }
    assert unrefused == {}
    after = installed.request("GET", installed.path_of(notebook(namespace))).body
    assert after == before
    tries = {
        "apply": apply(powerful, notebook(namespace, "new"), installed),
        "update": powerful.request("PUT", f"{books}/lab", {"dryRun": "All"}, changed),
        "delete": powerful.request("DELETE", f"{books}/lab", {"dryRun": "All"}),
    }
    assert {name: answer.status for name, answer in tries.items()} == {"apply": 201, "update": 200, "delete": 200}


@live
def test_it_may_ask_for_its_own_rights(identity: Client) -> None:
    rules = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": "default"},
    }
    right = {"namespace": "default", "verb": "delete", "group": "kubeflow.org", "resource": "notebooks"}
    access = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    root = "/apis/authorization.k8s.io/v1"
    assert identity.request("POST", f"{root}/selfsubjectrulesreviews", {}, rules).status == 201
    answer = identity.request(
        "POST", f"{root}/selfsubjectaccessreviews", {}, {**access, "spec": {"resourceAttributes": right}}
    )
    assert (answer.status, answer.body["status"]["allowed"]) == (201, False)


@live
def test_the_group_is_held_to_it_and_nobody_else_is(installed: ControlPlane, namespace: str) -> None:
    member = Client(installed.acting_as("https://ci.example.com#repo", "kfspec:ci-diff"))
    assert apply(member, notebook(namespace), installed).status == 201
    answer = apply(member, notebook(namespace), installed, {"fieldManager": "kfspec"})
    assert (answer.status, answer.message) == (403, f'notebooks.kubeflow.org "lab" is forbidden: {REFUSAL}')
    assert apply(Client(installed.kubeconfig), notebook(namespace), installed, {}).status == 201


def test_kustomize_moves_the_account_and_its_binding(tmp_path: Path) -> None:
    from tests.test_apply import built_by_kustomize

    (tmp_path / "ci-diff-only.yaml").write_text((ROOT / "deploy" / "ci-diff-only.yaml").read_text())
    (tmp_path / "kustomization.yaml").write_text("namespace: platform-ci\nresources: [ci-diff-only.yaml]\n")
    built = {body["kind"]: body for body in built_by_kustomize(tmp_path)}
    assert built["ServiceAccount"]["metadata"]["namespace"] == "platform-ci"
    assert built["Namespace"]["metadata"]["name"] == "platform-ci"
    assert built["ClusterRoleBinding"]["subjects"][0]["namespace"] == "platform-ci"
    assert built["ValidatingAdmissionPolicy"]["spec"] == document("ValidatingAdmissionPolicy")["spec"]
