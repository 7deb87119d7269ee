"""Requests against a real API server: who asks, over which way, and what happens when something on the way breaks."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kfspec.cluster import credentials, transport
from kfspec.cluster.kubeconfig import ClusterError
from kfspec.cluster.proxies import proxy_for
from kfspec.cluster.transport import APPLY_PATCH, CancelledError, Client, opening, path_of
from tests.support.controlplane import ControlPlane, running
from tests.support.faults import STATUSES, Fault, Hook, Request, proxied

live = pytest.mark.apiserver
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of this machine's own: no kubeconfig, no proxy, no pod."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def write(path: Path, config: dict[str, Any]) -> Path:
    """A kubeconfig file."""
    path.write_text(json.dumps(config))
    return path


def who(client: Client) -> tuple[str, list[str]]:
    """The user and groups that the API server takes the client for."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = client.request("POST", WHO, {}, body)
    assert answer.status == 201, answer.message
    return answer.body["status"]["userInfo"]["username"], sorted(answer.body["status"]["userInfo"]["groups"])


def failure(work: Callable[[], object]) -> tuple[str, str | None]:
    """Message and hint of the error that must come."""
    with pytest.raises(ClusterError) as caught:
        work()
    return caught.value.message, caught.value.hint


def user(name: str, **fields: Any) -> dict[str, Any]:
    """A kubeconfig's user."""
    return {"name": name, "user": {key.replace("_", "-"): value for key, value in fields.items()}}


def config_map(namespace: str, name: str = "settings") -> dict[str, Any]:
    """A small object."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": {"a": "b"},
    }


def apply(client: Client, body: dict[str, Any]) -> transport.Answer:
    """Server-side apply."""
    path = path_of("v1", "configmaps", body["metadata"]["namespace"], body["metadata"]["name"])
    return client.request("PATCH", path, {"fieldManager": "kfspec", "force": "true"}, body, APPLY_PATCH)


# -- who asks -------------------------------------------------------------------------------------------------


@live
def test_a_context_decides_who_asks(controlplane: ControlPlane) -> None:
    admin, editor = Client(controlplane.kubeconfig), Client(controlplane.kubeconfig, "editor")
    assert (admin.context, admin.host) == ("admin", f"https://127.0.0.1:{controlplane.port}")
    assert who(admin) == ("admin", ["system:authenticated", "system:masters"])
    assert who(editor) == ("editor", ["system:authenticated"])
    assert who(opening(controlplane.kubeconfig, "ci")()) == ("ci", ["system:authenticated"])


@live
def test_two_files_are_one_kubeconfig_and_the_first_one_counts(
    controlplane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca = (controlplane.folder / "ca.crt").read_bytes()
    (tmp_path / "two" / "pki").mkdir(parents=True)
    (tmp_path / "two" / "pki" / "ca.crt").write_bytes(ca)
    (tmp_path / "two" / "editor-token").write_text(controlplane.tokens["editor"] + "\n")
    whole = controlplane.config([user("admin", token="of no use"), user("editor", tokenFile="editor-token")])
    whole["clusters"][0]["cluster"]["certificate-authority"] = "pki/ca.crt"
    second = write(tmp_path / "two" / "config", {**whole, "current-context": "editor"})
    first = {"users": [user("admin", token=controlplane.tokens["admin"])], "current-context": "admin"}
    write(tmp_path / "one", first)
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(tmp_path / "one"), str(tmp_path / "absent"), str(second)]))
    assert who(Client()) == ("admin", ["system:authenticated", "system:masters"])
    assert who(Client(context="editor")) == ("editor", ["system:authenticated"])


@live
def test_a_kubeconfig_may_act_for_another_user(controlplane: ControlPlane, tmp_path: Path) -> None:
    acting = user("bo", token=controlplane.tokens["admin"], **{"as": "bo", "as_groups": ["team-a", "team b"]})
    path = write(tmp_path / "config", controlplane.config([acting]))
    assert who(Client(path)) == ("bo", ["system:authenticated", "team b", "team-a"])


@pytest.fixture(scope="module")
def with_client_certificates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ControlPlane, bytes, bytes]]:
    """A control plane of its own that knows client certificates, and one of user `carol` with its key."""
    from tests.support.controlplane import client_certificate

    with running("--client-ca-file={folder}/ca.crt") as plane:
        yield plane, *client_certificate(plane.folder, "carol", "team-c")


@live
def test_client_certificates_from_files_and_inline(
    with_client_certificates: tuple[ControlPlane, bytes, bytes], tmp_path: Path
) -> None:
    plane, certificate, key = with_client_certificates
    (tmp_path / "carol.crt").write_bytes(certificate)
    (tmp_path / "carol.key").write_bytes(key)
    inline = {
        "client-certificate-data": base64.b64encode(certificate).decode(),
        "client-key-data": base64.b64encode(key).decode(),
    }
    files = {"client-certificate": "carol.crt", "client-key": "carol.key"}
    config = plane.config([{"name": "inline", "user": inline}, {"name": "files", "user": files}])
    path = write(tmp_path / "config", config)
    carol = ("carol", ["system:authenticated", "team-c"])
    assert [who(Client(path, name)) for name in ("inline", "files")] == [carol, carol]


@live
def test_a_token_file_that_changes_is_read_again(
    controlplane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text(controlplane.tokens["editor"])
    path = write(tmp_path / "config", controlplane.config([user("moving", tokenFile="token")]))
    client = Client(path)
    assert who(client)[0] == "editor"
    (tmp_path / "token").write_text(controlplane.tokens["ci"])
    assert who(client)[0] == "editor", "a minute long, nothing is read"
    monkeypatch.setattr(credentials, "_REREAD", 0.0)
    client = Client(path)
    (tmp_path / "token").write_text(controlplane.tokens["editor"])
    assert who(client)[0] == "editor"


# -- credential plugins ---------------------------------------------------------------------------------------

PLUGIN = """
import datetime, json, os, pathlib, sys
folder = pathlib.Path(__file__).parent
number = len((folder / "calls").read_text().splitlines()) + 1 if (folder / "calls").exists() else 1
with (folder / "calls").open("a") as calls:
    calls.write(os.environ["KUBERNETES_EXEC_INFO"] + "\\n")
plan = json.loads((folder / "plan").read_text())
status, said, code = plan[min(number, len(plan)) - 1]
if "lives" in status:
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=status.pop("lives"))
    status["expirationTimestamp"] = end.strftime("%Y-%m-%dT%H:%M:%SZ")
print(said, file=sys.stderr)
if code == 0:
    print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}))
sys.exit(code)
"""


class Plugin:
    """A credential plugin that gives one answer after the other, the last one for ever, and notes how it is called."""

    def __init__(self, folder: Path, *answers: tuple[dict[str, Any], str, int]) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        (folder / "plugin.py").write_text(PLUGIN)
        (folder / "plan").write_text(json.dumps(answers))

    def user(self, **more: Any) -> dict[str, Any]:
        """The kubeconfig's user."""
        plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable}
        return user(
            "plugged", exec={**plugin, "args": [str(self.folder / "plugin.py")], "interactiveMode": "Never", **more}
        )

    @property
    def calls(self) -> list[dict[str, Any]]:
        """What it was told, call by call."""
        return [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]


def gives(token: str, **status: Any) -> tuple[dict[str, Any], str, int]:
    """A plugin's answer with a token."""
    return {"token": token, **status}, "", 0


@live
def test_a_plugin_runs_once_for_many_requests(controlplane: ControlPlane, tmp_path: Path) -> None:
    plugin = Plugin(tmp_path / "p", gives(controlplane.tokens["editor"], lives=30))
    config = controlplane.config([plugin.user(provideClusterInfo=True)])
    client = Client(write(tmp_path / "config", config))
    with ThreadPoolExecutor(16) as pool:
        names = set(pool.map(lambda _: who(client)[0], range(64)))
    assert names == {"editor"}
    ca = base64.b64encode((controlplane.folder / "ca.crt").read_bytes()).decode()
    cluster = {"server": client.host, "certificate-authority-data": ca}
    assert plugin.calls == [
        {
            "apiVersion": "client.authentication.k8s.io/v1",
            "kind": "ExecCredential",
            "spec": {"interactive": False, "cluster": cluster},
        }
    ]


@live
def test_a_token_that_no_longer_counts_is_renewed_once_for_all_threads(
    controlplane: ControlPlane, tmp_path: Path
) -> None:
    plugin = Plugin(tmp_path / "p", gives("not-this-one", lives=3600), gives(controlplane.tokens["editor"], lives=3600))
    client = Client(write(tmp_path / "config", controlplane.config([plugin.user()])))
    with ThreadPoolExecutor(16) as pool:
        names = set(pool.map(lambda _: who(client)[0], range(32)))
    assert (names, len(plugin.calls)) == ({"editor"}, 2)


@live
def test_a_token_is_renewed_before_it_ends(
    controlplane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "_AT_LEAST", 0.5)
    answers = gives(controlplane.tokens["editor"], lives=1), gives(controlplane.tokens["ci"], lives=3600)
    plugin = Plugin(tmp_path / "p", *answers)
    client = Client(write(tmp_path / "config", controlplane.config([plugin.user()])))
    assert who(client)[0] == "editor"
    time.sleep(1)
    assert (who(client)[0], len(plugin.calls)) == ("ci", 2)


@live
def test_a_plugin_may_give_a_certificate(
    with_client_certificates: tuple[ControlPlane, bytes, bytes], tmp_path: Path
) -> None:
    plane, certificate, key = with_client_certificates
    status = {"clientCertificateData": certificate.decode(), "clientKeyData": key.decode(), "lives": 3600}
    plugin = Plugin(tmp_path / "p", (status, "", 0))
    assert who(Client(write(tmp_path / "config", plane.config([plugin.user()]))))[0] == "carol"


def test_what_a_plugin_can_do_wrong(tmp_path: Path) -> None:
    cluster = [{"name": "test", "cluster": {"server": "https://127.0.0.1:1"}}]
    context = [{"name": "test", "context": {"cluster": "test", "user": "plugged"}}]

    def said(given: dict[str, Any]) -> tuple[str, str | None]:
        config = {"current-context": "test", "clusters": cluster, "contexts": context, "users": [given]}
        message, hint = failure(lambda: Client(write(tmp_path / "config", config)))
        return message.replace(sys.executable, "PYTHON"), hint

    what = "the credential plugin 'PYTHON' of context 'test'"
    fails = Plugin(tmp_path / "fails", ({}, "warning: old\nyour session is over: run `cloud login`", 3))
    assert said(fails.user()) == (
        f"{what} failed: your session is over: run `cloud login`",
        "log in again with the tool that the plugin belongs to",
    )
    silent = Plugin(tmp_path / "silent", ({}, "", 3))
    assert said(silent.user())[0] == f"{what} failed with status 3"
    empty = Plugin(tmp_path / "empty", ({"token": ""}, "", 0))
    assert said(empty.user()) == (f"{what} gives neither a token nor a certificate with its key", None)
    other = empty.user(apiVersion="client.authentication.k8s.io/v1beta1")
    assert said(other)[0] == (
        f"{what} speaks client.authentication.k8s.io/v1, and the kubeconfig asks for client.authentication.k8s.io/v1beta1"
    )
    bad = Plugin(tmp_path / "bad", (gives("s3cret-token", expirationTimestamp="tomorrow")))
    assert said(bad.user())[0] == f"{what} answers with something that is no ExecCredential"
    absent = user("plugged", exec={"apiVersion": "v", "command": "no-such-plugin", "installHint": "apt install it"})
    assert said(absent) == (
        "the credential plugin 'no-such-plugin' of context 'test' is not installed",
        "apt install it",
    )


# -- in a pod -------------------------------------------------------------------------------------------------


@pytest.fixture
def pod(controlplane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that a pod finds its account in."""
    from kubernetes.config import incluster_config

    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    (folder / "ca.crt").write_bytes((controlplane.folder / "ca.crt").read_bytes())
    (folder / "token").write_text(controlplane.tokens["ci"])
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(folder / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(folder / "ca.crt"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(controlplane.port))
    return folder


@live
def test_a_pod_uses_its_account_and_follows_its_token(
    pod: Path, controlplane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client()
    assert (client.context, who(client)) == ("in-cluster", ("ci", ["system:authenticated"]))
    rotating = Client()
    (pod / "token").write_text("no longer\n")
    message = "the API server does not accept the credentials of context 'in-cluster'"
    stale = Client()
    assert failure(lambda: who(stale)) == (message, "the pod's token is not of this cluster, or no longer valid")
    (pod / "token").write_text(controlplane.tokens["editor"] + "\n")
    assert who(stale)[0] == "editor", "a 401 makes it look again"
    monkeypatch.setattr(time, "monotonic", lambda now=time.monotonic: now() + 61)
    assert who(rotating)[0] == "editor", "after a minute the file is read again"


@live
def test_a_kubeconfig_goes_before_the_pods_account(pod: Path, controlplane: ControlPlane) -> None:
    (Path.home() / ".kube").mkdir(parents=True)
    (Path.home() / ".kube" / "config").write_text(controlplane.kubeconfig.read_text())
    assert who(Client())[0] == "admin"


# -- the way --------------------------------------------------------------------------------------------------


class ForwardProxy(socketserver.ThreadingTCPServer):
    """An HTTP proxy that knows CONNECT, and may ask for a password."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, password: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.password = password
        self.targets: list[str] = []

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_address[1]}"


class _Tunnel(socketserver.StreamRequestHandler):
    server: ForwardProxy

    def handle(self) -> None:
        method, target, _ = self.rfile.readline().decode().split()
        headers = dict(line.decode().strip().split(": ", 1) for line in iter(self.rfile.readline, b"\r\n"))
        wanted = "Basic " + base64.b64encode(self.server.password.encode()).decode()
        if method != "CONNECT" or (self.server.password and headers.get("proxy-authorization") != wanted):
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return
        self.server.targets.append(target)
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))) as there:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            ends = [self.connection, there]
            while True:
                for end in select.select(ends, [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[end is self.connection].sendall(data)


@contextlib.contextmanager
def forwarding(password: str = "") -> Iterator[ForwardProxy]:
    """A running proxy."""
    with ForwardProxy(password) as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
        yield proxy
        proxy.shutdown()


@live
def test_requests_go_through_the_kubeconfigs_proxy(
    controlplane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")  # of no meaning for what the kubeconfig says
    token = user("admin", token=controlplane.tokens["admin"])
    with forwarding() as proxy:
        config = controlplane.config([token], proxy_url=f"http://{proxy.address}")
        assert who(Client(write(tmp_path / "config", config)))[0] == "admin"
        assert proxy.targets == [f"127.0.0.1:{controlplane.port}"]
    with forwarding("ana:s3cret@word") as proxy:
        config = controlplane.config([token], proxy_url=f"http://ana:s3cret%40word@{proxy.address}")
        assert who(Client(write(tmp_path / "config", config)))[0] == "admin"
        config = controlplane.config([token], proxy_url=f"http://ana:wr0ng@{proxy.address}")
        client = Client(write(tmp_path / "config", config))
        assert failure(lambda: who(client)) == (
            f"cannot reach the API server {client.host} of context 'admin' through the proxy http://{proxy.address}: "
            "the proxy says 407 Proxy Authentication Required",
            "see proxy-url in the kubeconfig, or HTTPS_PROXY",
        )


@pytest.mark.parametrize(
    ("server", "exceptions", "straight"),
    [
        ("https://api.example.com:6443", "", False),
        ("https://api.example.com:6443", "example.com", True),
        ("https://api.example.com:6443", ".example.com", True),
        ("https://api.example.com:6443", "*.example.com", True),
        ("https://example.com", ".example.com", False),
        ("https://example.com", "example.com", True),
        ("https://badexample.com", "example.com", False),
        ("https://api.example.com:6443", "example.com:6443", True),
        ("https://api.example.com:6443", "example.com:443", False),
        ("https://api.example.com", "other.com, API.example.com", True),
        ("https://10.1.2.3:6443", "10.1.0.0/16", True),
        ("https://10.2.2.3:6443", "10.1.0.0/16", False),
        ("https://10.1.2.3:6443", "10.1.2.3:6443", True),
        ("https://10.1.2.3:6443", "1.2.3", False),
        ("https://[fd00::1]:6443", "fd00::/8", True),
        ("https://[fd00::1]:6443", "[fd00::1]:6443", True),
        ("https://api.example.com", "*", True),
        ("https://127.0.0.1:6443", "", True),
        ("https://localhost:6443", "", True),
        ("http://api.example.com", "", True),
    ],
)
def test_the_environments_proxy(server: str, exceptions: str, straight: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "proxy.example.com:3128")
    monkeypatch.setenv("NO_PROXY", exceptions)
    monkeypatch.delenv("HTTP_PROXY", raising=False)
    monkeypatch.delenv("http_proxy", raising=False)
    assert proxy_for(server, None) == (None if straight else "http://proxy.example.com:3128", None)


# -- what people are told -------------------------------------------------------------------------------------


@live
def test_why_a_cluster_is_not_reached(controlplane: ControlPlane, tmp_path: Path) -> None:
    token = user("prod", token="s3cret-token")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = f"https://127.0.0.1:{unused.getsockname()[1]}"
    other = tmp_path / "other.crt"
    import certifi

    other.write_text(Path(certifi.where()).read_text())

    def said(**cluster: Any) -> tuple[str, str | None]:
        client = Client(write(tmp_path / "config", controlplane.config([token], **cluster)))
        started = time.monotonic()
        message, hint = failure(lambda: who(client))
        assert time.monotonic() - started < 2, "a wrong address is told at once"
        assert "s3cret-token" not in message + str(hint) + repr(client)
        return message, hint

    here = f"https://127.0.0.1:{controlplane.port}"
    assert said(server=closed) == (
        f"cannot reach the API server {closed} of context 'prod': connection refused",
        "is the cluster running, and the address in the kubeconfig right?",
    )
    assert said(certificate_authority=str(other)) == (
        f"cannot reach the API server {here} of context 'prod': its certificate is of an authority that is not trusted here",
        "the certificate-authority in the kubeconfig is of another cluster, or a proxy on the way reads along",
    )
    assert said(server=here.replace("127.0.0.1", "127.0.0.2"), tls_server_name="api.example.com")[0] == (
        f"cannot reach the API server {here.replace('127.0.0.1', '127.0.0.2')} of context 'prod': connection refused"
    )
    assert said(tls_server_name="api.example.com") == (
        f"cannot reach the API server {here} of context 'prod': its certificate is for another name",
        "use an address that it is for, or tls-server-name in the kubeconfig",
    )
    assert said(server="https://api.kfspec.invalid:6443") == (
        "cannot reach the API server https://api.kfspec.invalid:6443 of context 'prod': the name is not known",
        "is the address right? some clusters are only known inside a VPN",
    )
    with ForwardProxy() as listening:  # it does not serve, and speaks no TLS
        threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True).start()
        assert said(server=f"https://{listening.address}")[0].startswith(
            f"cannot reach the API server https://{listening.address} of context 'prod': "
        )
        listening.shutdown()
    assert said() == (
        "the API server does not accept the credentials of context 'prod'",
        "log in again, so that the kubeconfig gets new ones",
    )


@live
def test_a_certificate_that_nobody_checks(controlplane: ControlPlane, tmp_path: Path) -> None:
    skipping = {"certificate_authority": None, "insecure_skip_tls_verify": True, "tls_server_name": "api.example.com"}
    config = controlplane.config([user("admin", token=controlplane.tokens["admin"])], **skipping)
    assert who(Client(write(tmp_path / "config", config)))[0] == "admin"


@live
def test_an_expired_token_says_when_it_ran_out(controlplane: ControlPlane, tmp_path: Path) -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": 1_700_000_000, "sub": "ana"}).encode()).decode().rstrip("=")
    token = f"eyJhbGciOiJSUzI1NiJ9.{claims}.c2ln"
    client = Client(write(tmp_path / "config", controlplane.config([user("prod", token=token)])))
    message, hint = failure(lambda: who(client))
    assert message == (
        "the API server does not accept the credentials of context 'prod': the token expired on 2023-11-14 22:13 UTC"
    )
    assert hint == "log in again, so that the kubeconfig gets new ones"
    plugin = Plugin(tmp_path / "p", gives(token))
    client = Client(write(tmp_path / "config", controlplane.config([plugin.user()])))
    assert failure(lambda: who(client)) == (
        message.replace("prod", "plugged"),
        f"log in again: '{sys.executable}' gave them",
    )
    nobody = Client(write(tmp_path / "config", controlplane.config([user("nobody")])))
    told = ("context 'nobody' has no credentials", "log in, or name a user in the kubeconfig")
    assert failure(lambda: nobody.request("GET", "/api/v1/namespaces")) == told


def test_what_a_kubeconfig_can_have_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config"

    def said(content: dict[str, Any] | str | bytes, context: str | None = None) -> tuple[str, str | None]:
        text = content if isinstance(content, str | bytes) else json.dumps(content)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        message, hint = failure(lambda: Client(path, context))
        assert "s3cret" not in f"{message} {hint}"
        return message.replace(str(tmp_path), "DIR"), hint

    config = {
        "current-context": "prod",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": "s3cret"}}],
        "contexts": [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in ("prod", "staging")],
    }

    def with_user(**fields: Any) -> dict[str, Any]:
        return {**config, "users": [user("u", token="s3cret", **fields)]}

    contexts = "one of: prod, staging"
    assert said(config, "prd") == ("there is no context 'prd' in DIR/config", "did you mean 'prod'?")
    assert said(config, "zzz") == ("there is no context 'zzz' in DIR/config", contexts)
    nameless = {key: value for key, value in config.items() if key != "current-context"}
    assert said(nameless) == ("DIR/config names no current context", f"pass --context, {contexts}")
    assert said("") == ("DIR/config names no current context", None)
    assert said({**config, "clusters": []}) == (
        "context 'prod' names the cluster 'c', which is not in DIR/config",
        None,
    )
    assert said({**config, "users": [user("uu", token="s3cret")]}) == (
        "context 'prod' names the user 'u', which is not in DIR/config",
        "did you mean 'uu'?",
    )
    served = {**config, "clusters": [{"name": "c", "cluster": {"server": "api.example.com"}}]}
    assert said(served)[0] == "the cluster of context 'prod' in DIR/config has no server address with https://"
    assert said("[1]")[0] == "DIR/config is no kubeconfig: it has no lists of clusters, users and contexts"
    assert (
        said({**config, "users": ["s3cret"]})[0]
        == "DIR/config is no kubeconfig: users is to be a list of name and user"
    )
    assert said(b"\xff\xfe")[0] == "DIR/config is no kubeconfig: it is no UTF-8 text"
    assert said("a: 1\nusers: [{token: s3cret\nb: }")[0].startswith("DIR/config is no kubeconfig: ")
    gone = with_user(client_certificate="pki/ana.crt")
    assert said(gone)[0] == "the client-certificate of context 'prod' is not there: DIR/pki/ana.crt"
    spoilt = with_user(client_certificate_data="s3cret!", client_key_data="s3cret!")
    assert said(spoilt)[0] == "a certificate or key of context 'prod' is no base64"
    no_pem = with_user(client_certificate_data="czNjcmV0", client_key_data="czNjcmV0")
    assert said(no_pem) == (
        "the client certificate and key of context 'prod' cannot be used",
        "they have to be PEM, and one pair; a key with a password is not supported",
    )
    cluster = {"server": "https://127.0.0.1:1", "certificate-authority-data": "czNjcmV0"}
    no_authority = {**config, "clusters": [{"name": "c", "cluster": cluster}]}
    assert said(no_authority)[0] == "the certificate-authority of context 'prod' is no certificate in PEM"
    broken = {**config, "users": [user("u", token="s3cret\r\nX-Evil: 1")]}
    assert said(broken)[0] == "the token of context 'prod' holds characters that no header can have"
    oidc = {**config, "users": [{"name": "u", "user": {"auth-provider": {"name": "oidc", "config": {"x": "s3cret"}}}}]}
    assert said(oidc)[0] == "the credentials of context 'prod' cannot be used (ConfigException)"
    socks = {
        **config,
        "clusters": [{"name": "c", "cluster": {"server": "https://a.b", "proxy-url": "ftp://u:s3cret@p"}}],
    }
    assert said(socks) == (
        "the proxy's address is none that can be used",
        "http://, https:// or socks5://HOST:PORT",
    )
    absent = tmp_path / "absent"
    assert failure(lambda: Client(absent)) == (f"there is no kubeconfig {absent}", None)
    assert failure(lambda: Client(tmp_path)) == (f"cannot read the kubeconfig {tmp_path}: is a directory", None)
    monkeypatch.setenv("KUBECONFIG", str(absent))
    hint = "set KUBECONFIG, pass --kubeconfig, or log in to a cluster, which writes ~/.kube/config"
    assert failure(lambda: Client()) == ("no cluster is configured", hint)


def test_what_is_no_api_server_is_told(tmp_path: Path) -> None:
    """A portal with a login page, as it stands before clusters."""
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Portal(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302 if self.path == "/moved" else 200)
            self.send_header("Location", "https://login.example.com")
            self.end_headers()
            self.wfile.write(b"<html>Log in</html>")

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Portal) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        host = f"http://127.0.0.1:{server.server_address[1]}"
        cluster = {"name": "c", "cluster": {"server": host}}
        context = {"name": "x", "context": {"cluster": "c"}}
        client = Client(
            write(tmp_path / "config", {"current-context": "x", "clusters": [cluster], "contexts": [context]})
        )
        told = (
            f"what answers at {host} of context 'x' is no API server",
            "is the address right? a login page or a portal may stand before it",
        )
        assert [failure(lambda p=path: client.request("GET", p)) for path in ("/page", "/moved")] == [told, told]
        server.shutdown()


# -- what breaks on the way -----------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits."""
    monkeypatch.setattr(transport, "_LONGEST_WAIT", 0.02)


@live
@pytest.mark.usefixtures("quick")
def test_a_fifth_of_all_requests_fails_and_every_answer_is_right(
    controlplane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    names = [f"settings-{n}" for n in range(150)]
    with proxied(controlplane, tmp_path, share=0.2, seed=5) as faults:
        client = Client(faults.kubeconfig)
        with ThreadPoolExecutor(transport.WORKERS) as pool:
            applied = list(pool.map(lambda name: apply(client, config_map(namespace, name)), names))
            read = list(
                pool.map(lambda name: client.request("GET", path_of("v1", "configmaps", namespace, name)), names)
            )
            deleted = list(
                pool.map(lambda name: client.request("DELETE", path_of("v1", "configmaps", namespace, name)), names)
            )
    happened = {request.fault for request in faults.requests}
    assert happened == {None, *Fault}
    assert {(a.status, a.repeated) for a in applied} == {(201, False), (201, True), (200, True)}
    assert [a.body["metadata"]["name"] for a in applied] == names
    assert {a.status for a in read} == {200}
    assert {(a.status, a.repeated) for a in deleted} == {(200, False), (200, True), (404, True)}
    listed = controlplane.request("GET", path_of("v1", "configmaps", namespace)).body
    assert listed["items"] == []
    assert sum(client.requests.values()) == len(faults.requests)
    share = sum(request.fault is not None for request in faults.requests) / len(faults.requests)
    assert 0.15 < share < 0.25


@live
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("kind", [Fault.BUSY, Fault.WEBHOOK, Fault.ETCD, Fault.GATEWAY])
def test_what_does_not_pass_is_the_answer_in_the_end(controlplane: ControlPlane, tmp_path: Path, kind: Fault) -> None:
    with proxied(controlplane, tmp_path, share=1, kinds=[kind]) as faults:
        answer = Client(faults.kubeconfig).request("GET", "/api/v1/namespaces")
    status, body, _ = STATUSES[kind]
    expected = body.decode() if kind is Fault.GATEWAY else json.loads(body)["message"]
    assert (answer.status, answer.message, len(faults.requests)) == (status, expected, 8)


@live
@pytest.mark.usefixtures("quick")
def test_a_webhook_that_stays_away_is_waited_for_once(controlplane: ControlPlane, tmp_path: Path) -> None:
    with proxied(controlplane, tmp_path, share=1, kinds=[Fault.WEBHOOK]) as faults:
        client = Client(faults.kubeconfig)
        statuses = [client.request("GET", f"/api/v1/namespaces/n{n}").status for n in range(20)]
    assert (statuses, len(faults.requests)) == ([500] * 20, 8 + 19)


@live
def test_an_error_of_the_request_itself_is_not_tried_again(
    controlplane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    with proxied(controlplane, tmp_path) as faults:
        answer = apply(Client(faults.kubeconfig), {**config_map(namespace), "spec": {}})
    assert (answer.status, answer.message, len(faults.requests)) == (
        500,
        f"failed to create typed patch object ({namespace}/settings; /v1, Kind=ConfigMap): "
        ".spec: field not declared in schema",
        1,
    )


@live
def test_a_conflict_of_field_managers_is_an_answer(controlplane: ControlPlane, namespace: str, tmp_path: Path) -> None:
    assert controlplane.apply([config_map(namespace)], manager="somebody")[0].status == 201
    body = {**config_map(namespace), "data": {"a": "other"}}
    path = path_of("v1", "configmaps", namespace, "settings")
    with proxied(controlplane, tmp_path) as faults:
        client = Client(faults.kubeconfig)
        answer = client.request("PATCH", path, {"fieldManager": "kfspec"}, body, APPLY_PATCH)
        stale = {**config_map(namespace), "metadata": {"name": "settings", "resourceVersion": "1"}}
        put = client.request("PUT", path, {}, stale)
    assert (answer.status, [(cause["reason"], cause["field"]) for cause in answer.causes]) == (
        409,
        [("FieldManagerConflict", ".data.a")],
    )
    assert (put.status, put.causes, len(faults.requests)) == (409, [], 2)


@live
def test_a_server_that_says_when_is_asked_then(
    controlplane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, body, _ = STATUSES[Fault.BUSY]
    monkeypatch.setitem(STATUSES, Fault.BUSY, (status, body, {"Retry-After": "1"}))
    monkeypatch.setattr(transport, "_ANSWERED_ATTEMPTS", 2)
    with proxied(controlplane, tmp_path, share=1, kinds=[Fault.BUSY]) as faults:
        started = time.monotonic()
        assert Client(faults.kubeconfig).request("GET", "/api/v1/namespaces").status == 429
        assert 1 <= time.monotonic() - started < 2
    monkeypatch.setitem(STATUSES, Fault.BUSY, (status, body, {"Retry-After": "3600"}))
    monkeypatch.setattr(transport, "_LONGEST_ASKED", 0.2)
    with proxied(controlplane, tmp_path, share=1, kinds=[Fault.BUSY]) as faults:
        started = time.monotonic()
        assert Client(faults.kubeconfig).request("GET", "/api/v1/namespaces").status == 429
        assert 0.2 <= time.monotonic() - started < 1, "nobody waits for an hour"


@live
def test_a_deadline_ends_it(controlplane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "DEADLINE", 1.0)
    with proxied(controlplane, tmp_path, share=1, kinds=[Fault.CUT_AFTER]) as faults:
        client = Client(faults.kubeconfig)
        started = time.monotonic()
        assert failure(lambda: client.request("GET", "/api/v1/namespaces")) == (
            f"cannot reach the API server {client.host} of context 'admin': the connection is cut each time",
            "something between here and the server may not let it through",
        )
        assert time.monotonic() - started < 1.1
        assert len(faults.requests) > 2
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it takes the connection, and never says a word
        host = f"https://127.0.0.1:{silent.getsockname()[1]}"
        config = controlplane.config([user("admin", token="t")], server=host)
        client = Client(write(tmp_path / "config", config))
        started = time.monotonic()
        assert failure(lambda: client.request("GET", "/version"))[0] == (
            f"cannot reach the API server {host} of context 'admin': it does not answer in time"
        )
        assert time.monotonic() - started < 1.5


@live
def test_cancelling_ends_a_wait_at_once(controlplane: ControlPlane, tmp_path: Path) -> None:
    cancelled = threading.Event()
    with proxied(controlplane, tmp_path, share=1, kinds=[Fault.CUT_AFTER]) as faults:
        client = Client(faults.kubeconfig, cancelled=cancelled)
        threading.Timer(1, cancelled.set).start()
        started = time.monotonic()
        with pytest.raises(CancelledError):
            client.request("GET", "/api/v1/namespaces")
        assert 0.9 < time.monotonic() - started < 1.3
        before = len(faults.requests)
        with pytest.raises(CancelledError):
            client.request("GET", "/api/v1/namespaces")
        assert len(faults.requests) == before


@live
def test_aborting_cuts_off_what_is_under_way(controlplane: ControlPlane, tmp_path: Path) -> None:
    waiting, go_on = threading.Event(), threading.Event()

    def hold(request: Request) -> None:
        waiting.set()
        go_on.wait(10)

    with proxied(controlplane, tmp_path, hook=Hook(1, hold, mutating=False)) as faults:
        client = Client(faults.kubeconfig)
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(client.request, "GET", "/api/v1/namespaces")
            assert waiting.wait(5)
            started = time.monotonic()
            client.abort()
            with pytest.raises(CancelledError):
                future.result(2)
            assert time.monotonic() - started < 0.5
        go_on.set()


@live
def test_a_hook_is_called_when_the_server_has_done_it_and_nobody_knows(
    controlplane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    found: list[tuple[Request, list[str]]] = []

    def look(request: Request) -> None:
        listed = controlplane.request("GET", path_of("v1", "configmaps", namespace)).body["items"]
        found.append((request, [body["metadata"]["name"] for body in listed]))

    with proxied(controlplane, tmp_path, hook=Hook(2, look)) as faults:
        client = Client(faults.kubeconfig)
        for name in ("a", "b", "c"):
            assert client.request("GET", f"/api/v1/namespaces/{namespace}").status == 200
            assert apply(client, config_map(namespace, name)).status == 201
    query = "?fieldManager=kfspec&force=true"
    assert found == [(Request("PATCH", f"/api/v1/namespaces/{namespace}/configmaps/b{query}", None, 201), ["a", "b"])]
    assert [request.mutates for request in faults.requests] == [False, True] * 3


@live
def test_an_api_server_that_restarts_is_waited_for(with_client_certificates: tuple[ControlPlane, bytes, bytes]) -> None:
    plane, *_ = with_client_certificates
    client = Client(plane.kubeconfig)
    body = config_map("default", "kept")
    assert apply(client, body).status == 201
    plane.kill_server()
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(client.request, "GET", path_of("v1", "configmaps", "default", "kept")) for _ in range(4)]
        plane.start_server()
        answers = [future.result(60) for future in futures]
    assert {(answer.status, answer.body["data"]["a"], answer.repeated) for answer in answers} == {(200, "b", True)}


@live
def test_the_audit_log_tells_a_dry_run_from_a_write(controlplane: ControlPlane, namespace: str) -> None:
    client = Client(controlplane.acting_as("kim", "system:masters"))
    mark = controlplane.mark()
    path = path_of("v1", "configmaps", namespace, "settings")
    query = {"fieldManager": "kfspec", "dryRun": "All"}
    assert client.request("PATCH", path, query, config_map(namespace), APPLY_PATCH).status == 201
    assert apply(client, config_map(namespace)).status == 201
    assert client.request("GET", path_of("v1", "configmaps", namespace), {"limit": "500"}).status == 200
    assert client.request("DELETE", path).status == 200
    logged = [entry for entry in controlplane.audit(mark) if entry.user == "kim"]
    assert [(e.verb, e.resource, e.dry_run, e.status) for e in logged] == [
        ("patch", "configmaps", True, 201),
        ("patch", "configmaps", False, 201),
        ("list", "configmaps", False, 200),
        ("delete", "configmaps", False, 200),
    ]
    assert client.requests == {"PATCH dry-run": 1, "PATCH": 1, "GET": 1, "DELETE": 1}
