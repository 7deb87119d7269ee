"""A real kube-apiserver and etcd on 127.0.0.1, started and stopped within seconds.

The envtest convention: `KUBEBUILDER_ASSETS` names a folder with `kube-apiserver` and `etcd`; else both are built once from
the Go modules pinned in `tests/controlplane`.
"""

from __future__ import annotations

import contextlib
import datetime
import http.client
import ipaddress
import json
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from tests.support.gobuild import built

VERSION = "1.37.2"
_MODULE = Path(__file__).parent.parent / "controlplane"
_STAMP = "k8s.io/component-base/version"
_FLUSH = "kfspec-flush"
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}


USERS = {"admin": "system:masters", "ci": "", "editor": ""}
"""Users with a token, and their group; but for `admin` they may do what a test grants them."""


class Logged(NamedTuple):
    """One request as the audit log has it."""

    verb: str
    """`get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`."""
    resource: str
    """`serving.kserve.io/inferenceservices`, with `/status` or another subresource; "" for what is no resource."""
    path: str
    """With the query."""
    user: str
    """Who it was done as: the impersonated user, if there is one."""
    dry_run: bool
    status: int


class Answer(NamedTuple):
    """An API server's answer: HTTP status and parsed body."""

    status: int
    body: Any

    @property
    def message(self) -> str:
        """The Status message, "" for an object."""
        return self.body.get("message", "") if isinstance(self.body, dict) and self.body.get("kind") == "Status" else ""


def assets() -> Path:
    """The folder of the two programs."""
    given = os.environ.get("KUBEBUILDER_ASSETS")
    if given:
        return Path(given)
    major, minor, _ = VERSION.split(".")
    stamp = {"gitVersion": f"v{VERSION}", "gitMajor": major, "gitMinor": minor}
    ldflags = "-s -w " + " ".join(f"-X {_STAMP}.{key}={value}" for key, value in stamp.items())
    programs = {"kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver", "etcd": "go.etcd.io/etcd/server/v3"}
    return built(
        "controlplane", _MODULE, programs, {"kube-apiserver": ["-ldflags", ldflags], "etcd": ["-ldflags", "-s -w"]}
    )


class ControlPlane:
    """One running API server. Use `running()`; it stops what it started, by process id."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.folder = folder
        self.flags = flags
        self.processes: list[subprocess.Popen[bytes]] = []
        self.tokens = {name: secrets.token_hex(16) for name in USERS}
        self.port = 0
        self._etcd = ""
        self._programs = Path()
        self._plurals: dict[tuple[str, str], tuple[str, bool]] = {}

    # -- life -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start both programs; raises RuntimeError with the end of the log if they do not answer within a minute."""
        self._programs = programs = assets()
        _certificates(self.folder)
        client, peer, self.port = _free_ports(3)
        groups = {name: f",{group}" if group else "" for name, group in USERS.items()}
        lines = (f"{token},{name},{name}{groups[name]}\n" for name, token in self.tokens.items())
        (self.folder / "tokens.csv").write_text("".join(lines))
        (self.folder / "audit.json").write_text(json.dumps(_AUDIT_POLICY))
        self._etcd = etcd = f"http://127.0.0.1:{client}"
        self._run(
            "etcd",
            [programs / "etcd", "--data-dir", self.folder / "etcd", "--unsafe-no-fsync", "--listen-client-urls", etcd]
            + ["--advertise-client-urls", etcd, "--listen-peer-urls", f"http://127.0.0.1:{peer}", "--log-level=warn"],
        )
        self.start_server()
        self._write_kubeconfig()

    def start_server(self) -> None:
        """Start the API server, on its port and over the data that etcd has, and wait until it answers."""
        self._run("kube-apiserver", [self._programs / "kube-apiserver", *self._flags(self._etcd)])
        self._await_ready()

    def kill_server(self) -> None:
        """End the API server as a crash would; etcd stays. Only for a control plane of the test's own."""
        server = self.processes.pop()
        server.kill()
        server.wait()

    def restart(self) -> None:
        """Kill the API server and start it again."""
        self.kill_server()
        self.start_server()

    def _flags(self, etcd: str) -> list[str]:
        at = self.folder
        return [
            f"--etcd-servers={etcd}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--cert-dir={at}",
            f"--tls-cert-file={at / 'server.crt'}",
            f"--tls-private-key-file={at / 'server.key'}",
            f"--token-auth-file={at / 'tokens.csv'}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={at / 'server.key'}",
            f"--service-account-signing-key-file={at / 'server.key'}",
            "--authorization-mode=RBAC",
            "--disable-admission-plugins=ServiceAccount",
            "--runtime-config=admissionregistration.k8s.io/v1beta1=true",
            "--feature-gates=MutatingAdmissionPolicy=true",
            f"--audit-policy-file={at / 'audit.json'}",
            f"--audit-log-path={at / 'audit.log'}",
            "--audit-log-maxsize=4096",  # one file: a mark is a place in it
            "--max-requests-inflight=3000",
            "--max-mutating-requests-inflight=1000",
            "--endpoint-reconciler-type=none",
            "--profiling=false",
            *(flag.format(folder=at) for flag in self.flags),
        ]

    def _run(self, name: str, command: Sequence[object]) -> None:
        log = (self.folder / f"{name}.log").open("wb")
        arguments = [str(part) for part in command]
        self.processes.append(subprocess.Popen(arguments, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder))
        log.close()

    def _await_ready(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if any(process.poll() is not None for process in self.processes):
                break
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.request("GET", "/readyz").status == 200:
                    return
            time.sleep(0.1)
        logs = "\n".join(
            (self.folder / f"{n}.log").read_text(errors="replace")[-1500:] for n in ("etcd", "kube-apiserver")
        )
        self.stop()
        raise RuntimeError(f"the control plane does not answer:\n{logs}")

    def stop(self) -> None:
        """End the processes that this object started."""
        for process in self.processes:  # nothing of theirs is kept, so there is nothing to close gracefully
            process.kill()
        for process in self.processes:
            process.wait()
        self.processes.clear()

    def _write_kubeconfig(self) -> None:
        users = [{"name": name, "user": {"token": token}} for name, token in self.tokens.items()]
        self.kubeconfig.write_text(json.dumps(self.config(users)))

    def config(self, users: Sequence[dict[str, Any]], **cluster: Any) -> dict[str, Any]:
        """A kubeconfig with one context for each user, the first one current. `cluster` replaces fields of the cluster."""
        whole = {"server": f"https://127.0.0.1:{self.port}", "certificate-authority": str(self.folder / "ca.crt")}
        whole |= {key.replace("_", "-"): value for key, value in cluster.items()}
        names = [user["name"] for user in users]
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": names[0],
            "clusters": [{"name": "test", "cluster": {key: v for key, v in whole.items() if v is not None}}],
            "users": list(users),
            "contexts": [{"name": name, "context": {"cluster": "test", "user": name}} for name in names],
        }

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig with one context for each of `USERS`; `admin` is the current one."""
        return self.folder / "kubeconfig.json"

    def acting_as(self, user: str, *groups: str) -> Path:
        """A kubeconfig of any user, with any groups: `admin` acts for them."""
        acting = {"token": self.tokens["admin"], "as": user, "as-groups": ["system:authenticated", *groups]}
        path = self.folder / f"as-{secrets.token_hex(4)}.json"
        path.write_text(json.dumps(self.config([{"name": user, "user": acting}])))
        return path

    # -- audit ------------------------------------------------------------------------------------------------

    def mark(self) -> int:
        """The place in the audit log after all that was answered until now."""
        self._flush_audit()
        return (self.folder / "audit.log").stat().st_size

    def audit(self, mark: int) -> list[Logged]:
        """What was requested since a mark, each request once, in the order of the answers."""
        self._flush_audit()
        with (self.folder / "audit.log").open("rb") as log:
            log.seek(mark)
            events = [json.loads(line) for line in log if line.endswith(b"\n")]
        last = {event["auditID"]: event for event in events}  # a watch is logged at its start and at its end
        return [_logged(event) for event in last.values() if _FLUSH not in event["requestURI"]]

    def _flush_audit(self) -> None:
        """Wait until the log has caught up: an event is written after its answer."""
        name = f"{_FLUSH}={secrets.token_hex(8)}"
        self.request("GET", f"/version?{name}")
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with (self.folder / "audit.log").open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - 65536))
                if name.encode() in log.read():
                    return
            time.sleep(0.01)
        raise AssertionError("the audit log does not go on")

    # -- requests ---------------------------------------------------------------------------------------------

    def connection(self) -> http.client.HTTPSConnection:
        """A new connection to the API server."""
        context = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=30)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = "application/json",
        connection: http.client.HTTPSConnection | None = None,
    ) -> Answer:
        """One request as admin."""
        own = connection or self.connection()
        headers = {"Authorization": f"Bearer {self.tokens['admin']}", "Content-Type": content_type}
        own.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = own.getresponse()
        data = answer.read()
        if connection is None:
            own.close()
        try:
            return Answer(answer.status, json.loads(data))
        except ValueError:
            return Answer(answer.status, data.decode("utf-8", "replace"))

    def path_of(self, body: dict[str, Any], namespace: str = "default") -> str:
        """The URL path of an object, by discovery."""
        group, _, version = body["apiVersion"].rpartition("/")
        prefix = f"/apis/{body['apiVersion']}" if group else f"/api/{version}"
        key = (body["apiVersion"], body["kind"])
        if key not in self._plurals:
            listed = self.request("GET", prefix).body
            for entry in listed.get("resources", ()) if isinstance(listed, dict) else ():
                if "/" not in entry["name"]:
                    self._plurals[body["apiVersion"], entry["kind"]] = (entry["name"], entry["namespaced"])
        if key not in self._plurals:
            raise LookupError(f"{key} is not served")
        plural, namespaced = self._plurals[key]
        meta = body.get("metadata") or {}
        middle = f"/namespaces/{meta.get('namespace', namespace)}" if namespaced else ""
        return f"{prefix}{middle}/{plural}/{meta.get('name', '')}"

    def apply(
        self,
        objects: Iterable[dict[str, Any]],
        *,
        manager: str = "kfspec",
        force: bool = False,
        strict: bool = True,
        dry_run: bool = False,
        workers: int = 4,
    ) -> list[Answer]:
        """Server-side apply of each object, answers in the same order."""
        query = f"?fieldManager={manager}&force={str(force).lower()}"
        query += "&fieldValidation=Strict" if strict else ""
        query += "&dryRun=All" if dry_run else ""
        bodies = list(objects)
        for body in bodies:
            with contextlib.suppress(LookupError):
                self.path_of(body)

        def send(chunk: list[dict[str, Any]]) -> list[Answer]:
            connection = self.connection()
            answers = []
            for body in chunk:
                try:
                    path = self.path_of(body)
                except LookupError as error:
                    answers.append(Answer(404, {"kind": "Status", "message": str(error)}))
                    continue
                answers.append(self.request("PATCH", path + query, body, "application/apply-patch+yaml", connection))
            connection.close()
            return answers

        size = max(1, -(-len(bodies) // workers))
        chunks = [bodies[n : n + size] for n in range(0, len(bodies), size)]
        with ThreadPoolExecutor(workers) as pool:
            return [answer for part in pool.map(send, chunks) for answer in part]

    def install_crds(self, crds: Iterable[dict[str, Any]]) -> None:
        """Create CustomResourceDefinitions and wait until they are served."""
        bodies = list(crds)
        for body, answer in zip(bodies, self.apply(bodies, strict=False), strict=True):
            assert answer.status in (200, 201), f"{body['metadata']['name']}: {answer.message}"
        deadline = time.monotonic() + 60
        waiting = {body["metadata"]["name"] for body in bodies}
        while waiting and time.monotonic() < deadline:
            listed = self.request("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions").body["items"]
            for crd in listed:
                conditions = (crd.get("status") or {}).get("conditions") or []
                if any(c["type"] == "Established" and c["status"] == "True" for c in conditions):
                    waiting.discard(crd["metadata"]["name"])
            time.sleep(0.1)
        assert not waiting, f"not established: {sorted(waiting)}"
        self._plurals.clear()

    def create_namespace(self, name: str, labels: dict[str, str] | None = None) -> None:
        """Create a namespace, as a profile's would be."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels or {}}}
        answer = self.request("POST", "/api/v1/namespaces", body)
        assert answer.status in (201, 409), answer.message


@contextlib.contextmanager
def running(*flags: str) -> Iterator[ControlPlane]:
    """A started control plane in a folder of its own, both gone afterwards. `flags`: more of the API server's; `{folder}`
    in them is that folder. Who restarts it, or kills it, takes one of these and not the one that all tests share."""
    folder = Path(tempfile.mkdtemp(prefix="kfspec-controlplane-"))
    try:
        for attempt in range(3):  # another process may take a port between the look and the start
            plane = ControlPlane(folder, *flags)
            try:
                plane.start()
                break
            except RuntimeError:
                if attempt == 2:
                    raise
        try:
            yield plane
        finally:
            plane.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _logged(event: dict[str, Any]) -> Logged:
    ref = event.get("objectRef") or {}
    group = f"{ref['apiGroup']}/" if ref.get("apiGroup") else ""
    resource = group + "/".join(filter(None, (ref.get("resource"), ref.get("subresource"))))
    uri = event["requestURI"]
    query = parse_qs(urlsplit(uri).query)
    user = (event.get("impersonatedUser") or event["user"])["username"]
    status = (event.get("responseStatus") or {}).get("code", 0)
    return Logged(event["verb"], resource, uri, user, query.get("dryRun") == ["All"], status)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _certificates(folder: Path) -> None:
    """A throw-away authority and a server certificate for 127.0.0.1."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    now = datetime.datetime.now(datetime.UTC)
    authority_key, server_key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)

    def certificate(subject: str, key: rsa.RSAPrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("kfspec tests"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=2))
        )

    authority = (
        certificate("kfspec tests", authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    server = (
        certificate("127.0.0.1", server_key)
        .add_extension(names, critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "ca.crt").write_bytes(authority.public_bytes(pem))
    (folder / "ca.key").write_bytes(_private(authority_key))
    (folder / "server.crt").write_bytes(server.public_bytes(pem))
    (folder / "server.key").write_bytes(_private(server_key))
    (folder / "server.key").chmod(0o600)


def client_certificate(folder: Path, user: str, group: str) -> tuple[bytes, bytes]:
    """A certificate of the authority in `folder` for a user, and its key, as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID

    authority = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
    signer = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    assert isinstance(signer, rsa.RSAPrivateKey)
    key = rsa.generate_private_key(65537, 2048)
    subject = [
        x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, group),
        x509.NameAttribute(x509.NameOID.COMMON_NAME, user),
    ]
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(authority.not_valid_before_utc)
        .not_valid_after(authority.not_valid_after_utc)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM), _private(key)


def _private(key: Any) -> bytes:
    """A private key as PEM."""
    from cryptography.hazmat.primitives import serialization

    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    data: bytes = key.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    return data
