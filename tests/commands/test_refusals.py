"""Who says no is told as such, whatever the status code: webhooks, policies, the API server's own rules."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.commands.harness import Desk, change_of
from tests.support.controlplane import ControlPlane

pytestmark = pytest.mark.apiserver

ANSWERS = {
    "katib": (400, "spec.maxTrialCount must be greater than 0"),
    "kserve": (403, "the predictor has no model"),
}
"""ConfigMap -> what the webhook says of it: Katib's answers 400, KServe's 403 (executed)."""


class _Webhook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request = review["request"]
        code, message = ANSWERS.get(request["name"], (0, ""))
        answer: dict[str, Any] = {"uid": request["uid"], "allowed": not code}
        if code:
            answer["status"] = {"code": code, "message": message}
        data = json.dumps({**review, "request": None, "response": answer}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def webhook(desk: Desk, controlplane: ControlPlane) -> Iterator[None]:
    """A validating webhook for the ConfigMaps of the namespace."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Webhook)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(controlplane.folder / "server.crt", controlplane.folder / "server.key")
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    name = f"refusing-{desk.namespace}"
    authority = base64.b64encode((controlplane.folder / "ca.crt").read_bytes()).decode()
    hook = {
        "name": "validator.example.com",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "clientConfig": {"url": f"https://127.0.0.1:{server.server_address[1]}/validate", "caBundle": authority},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": desk.namespace}},
        "rules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"]}
        ],
    }
    api = "admissionregistration.k8s.io/v1"
    body = {"apiVersion": api, "kind": "ValidatingWebhookConfiguration", "metadata": {"name": name}, "webhooks": [hook]}
    (answer,) = controlplane.apply([body])
    assert answer.status == 201, answer.body
    probe = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "katib", "namespace": desk.namespace}}
    deadline = time.monotonic() + 30
    while controlplane.apply([probe], dry_run=True)[0].status != 400:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield
    controlplane.request("DELETE", controlplane.path_of(body))
    server.shutdown()
    server.server_close()


def test_a_webhooks_no_is_told_in_its_words(desk: Desk, webhook: None) -> None:
    item = "{apiVersion: v1, kind: ConfigMap, data: {a: b}}"
    desk.standing(f"resources:\n  fine: {item}\n  katib: {item}\n  kserve: {item}\n")
    plan = desk.plan()
    said = {c["object"]["name"]: (c["action"], c["reason"], c["detail"], c["place"]["line"]) for c in plan["changes"]}
    denied = 'admission webhook "validator.example.com" denied the request: '
    assert said == {
        "fine": ("create", "missing", "", 7),
        "katib": ("blocked", "refused", denied + ANSWERS["katib"][1], 8),
        "kserve": ("blocked", "refused", denied + ANSWERS["kserve"][1], 9),
    }
    done = desk.run("apply", "--yes")
    assert done.status == 1
    assert [line for line in done.err.splitlines() if line.startswith("error")] == [
        f"error[KF601]: cannot apply ConfigMap/team/{name}: {denied}{ANSWERS[name][1]}" for name in ("katib", "kserve")
    ]
    assert desk.get("v1/configmaps/fine") is None


def widgets(desk: Desk) -> None:
    """A kind that no catalogue knows."""
    group = f"{desk.namespace}.example.com"
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer", "maximum": 9}}}},
    }
    spec = {
        "group": group,
        "scope": "Namespaced",
        "names": {"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
    }
    api = "apiextensions.k8s.io/v1"
    meta = {"name": f"widgets.{group}"}
    desk.plane.install_crds([{"apiVersion": api, "kind": "CustomResourceDefinition", "metadata": meta, "spec": spec}])


def test_the_servers_own_no_stands_at_the_line_that_it_is_about(desk: Desk) -> None:
    widgets(desk)
    desk.standing(
        """
resources:
  undeclared:
    apiVersion: {ns}.example.com/v1
    kind: Widget
    spec: {size: 1, colour: red}
  large:
    apiVersion: {ns}.example.com/v1
    kind: Widget
    spec:
      size: 10
"""
    )
    plan = desk.plan()
    undeclared, large = change_of(plan, "Widget/undeclared"), change_of(plan, "Widget/large")
    assert (undeclared["action"], undeclared["reason"], undeclared["detail"]) == (
        "blocked",
        "refused",
        "failed to create typed patch object (team/undeclared; team.example.com/v1, Kind=Widget): "
        ".spec.colour: field not declared in schema",
    )  # by status 500 (executed)
    assert (large["action"], large["reason"], large["place"]) == (
        "blocked",
        "refused",
        {"file": "kfspec.yaml", "line": 16, "column": 13},
    )
    assert large["detail"] == (
        'Widget.team.example.com "large" is invalid: spec.size: Invalid value: 10: spec.size in body should be less than or '
        "equal to 9"
    )


def test_a_policys_no_is_told_too(desk: Desk) -> None:
    """A quota is the API server's own rule, and answers 403."""
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "q"},
        "spec": {"hard": {"count/configmaps": "0"}},
    }
    desk.make(quota)
    desk.status_of("v1/resourcequotas/q", {"hard": {"count/configmaps": "0"}, "used": {"count/configmaps": "0"}})
    desk.standing("resources: {a: {apiVersion: v1, kind: ConfigMap, data: {a: b}}}\n")
    change = change_of(desk.plan(), "ConfigMap/a")
    assert (change["action"], change["reason"], change["detail"]) == (
        "blocked",
        "refused",
        'configmaps "a" is forbidden: exceeded quota: q, requested: count/configmaps=1, used: count/configmaps=0, '
        "limited: count/configmaps=0",
    )
