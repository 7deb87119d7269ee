"""As whom requests are made: the configuration that the `kubernetes` package makes of an access, and when to make it anew.

Exec plugins are run here, and their credentials handed to the package as if they stood in the kubeconfig: it would log a
plugin's failure and go on as nobody, and run one again for each request whose token lives for less than five minutes
(kubernetes 30 to 37, config/kube_config.py).
"""

from __future__ import annotations

import base64
import datetime
import json
import math
import os
import sys
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from kfspec.cluster.kubeconfig import Access, ClusterError
from kfspec.cluster.proxies import proxy_for

if TYPE_CHECKING:
    from kubernetes.client import Configuration

IN_CLUSTER = "in-cluster"
"""The context's name inside of a pod."""
_REREAD = 60.0
"""Seconds after which a file with a token is read again (as client-go does), or a token provider asked again."""
_PLUGIN_TIMEOUT = 120
_PLUGIN_TIMEOUT_WITH_PERSON = 600
_AT_LEAST = 10.0
"""Seconds between two runs of a plugin, whatever expiry it gives: 401 renews sooner."""


class Grant(NamedTuple):
    """One caller's credentials, as long as they last."""

    configuration: Configuration
    headers: tuple[tuple[str, str], ...]
    """Of every request: Authorization, and whom the caller acts for. A name may stand there several times."""
    renew_at: float
    """On the clock of `time.monotonic`; infinite for what does not change."""

    def __repr__(self) -> str:
        """Without any secret."""
        return f"Grant({self.configuration.host!r})"


def grant(access: Access | None) -> Grant:
    """Credentials for an access, or those of the pod that this runs in. Raises ClusterError where there are none."""
    from kubernetes import client

    config: Any = import_module("kubernetes.config")  # it has no types
    made = client.Configuration()
    renew_at = math.inf
    try:
        if access is None:
            config.load_incluster_config(client_configuration=made, try_refresh_token=False)
            renew_at = time.monotonic() + _REREAD
        elif "auth-provider" in access.user:
            files = os.pathsep.join(str(file) for file in access.files)
            config.load_kube_config(config_file=files, context=access.context, client_configuration=made)
            renew_at = time.monotonic() + _REREAD
        else:
            whole, renew_at = _resolved(access)
            config.load_kube_config_from_dict(whole, client_configuration=made, persist_config=False)
    except Exception as error:  # the package raises what it happens to run into, with the user's entry in the text
        if isinstance(error, ClusterError):
            raise
        raise _unusable(access, error) from None
    _check_files(made, access.context if access is not None else IN_CLUSTER)
    given = access.cluster.get("proxy-url") if access is not None else None
    made.proxy, made.proxy_headers = proxy_for(made.host, given)
    made.no_proxy = ""  # heeded already
    return Grant(made, _headers(made, access), renew_at)


def in_cluster() -> bool:
    """Whether this runs in a pod that has an account."""
    if not os.environ.get("KUBERNETES_SERVICE_HOST"):
        return False
    from kubernetes.config import incluster_config

    return Path(incluster_config.SERVICE_TOKEN_FILENAME).is_file()


def expired_at(grant: Grant) -> str | None:
    """When the token ran out, for people; None if it did not, or does not say."""
    parts = dict(grant.headers).get("authorization", "").partition(" ")[2].split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        moment = datetime.datetime.fromtimestamp(float(claims["exp"]), datetime.UTC)
    except (ValueError, KeyError, TypeError, OverflowError):
        return None
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment < datetime.datetime.now(datetime.UTC) else None


def _unusable(access: Access | None, error: Exception) -> ClusterError:
    if access is None:
        return ClusterError("this pod's own account cannot be used", "is the service account's token mounted whole?")
    if isinstance(error, ValueError):  # of base64
        return ClusterError(f"a certificate or key of context '{access.context}' is no base64")
    return ClusterError(f"the credentials of context '{access.context}' cannot be used ({type(error).__name__})")


def _check_files(configuration: Configuration, context: str) -> None:
    """Whether certificates can be used: once a connection is opened, nobody could tell whose fault it is."""
    import ssl

    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if configuration.ssl_ca_cert:
            bare.load_verify_locations(configuration.ssl_ca_cert)
    except OSError:
        raise ClusterError(f"the certificate-authority of context '{context}' is no certificate in PEM") from None
    try:
        if configuration.cert_file:  # with a password that is none, OpenSSL does not ask for one at the terminal
            bare.load_cert_chain(configuration.cert_file, configuration.key_file, password="")
    except (OSError, ValueError):
        message = f"the client certificate and key of context '{context}' cannot be used"
        raise ClusterError(
            message, "they have to be PEM, and one pair; a key with a password is not supported"
        ) from None


def _headers(configuration: Configuration, access: Access | None) -> tuple[tuple[str, str], ...]:
    """Authorization as the package words it, and the impersonation of a kubeconfig, which it does not know (37.0)."""
    setting = configuration.auth_settings().get("BearerToken")
    found = [("authorization", str(setting["value"]).strip())] if setting else []
    user = access.user if access is not None else {}
    if user.get("as"):
        found.append(("Impersonate-User", str(user["as"])))
        found.extend(("Impersonate-Group", str(group)) for group in user.get("as-groups") or ())
        found.extend([("Impersonate-Uid", str(user["as-uid"]))] if user.get("as-uid") else ())
        for key, values in (user.get("as-user-extra") or {}).items():
            found.extend((f"Impersonate-Extra-{quote(str(key), safe='')}", str(value)) for value in values)
    for name, value in found:
        if not value.isprintable() or not value.isascii():  # http.client would quote it in its error
            where = f"context '{access.context}'" if access is not None else "this pod"
            what = "token" if name == "authorization" else "impersonated user"
            raise ClusterError(f"the {what} of {where} holds characters that no header can have")
    return tuple(found)


def _resolved(access: Access) -> tuple[dict[str, Any], float]:
    """A kubeconfig of one context that holds its credentials, and when to make it anew."""
    user = {key: value for key, value in access.user.items() if value is not None}
    renew_at = math.inf
    if user.get("tokenFile"):  # where both stand, client-go takes the file; the package takes the older `token`
        user.pop("token", None)
        renew_at = time.monotonic() + _REREAD
    elif user.get("exec") and not user.get("token"):
        found, renew_at = _run_plugin(access, user.pop("exec"))
        user.update(found)
    name = access.context
    return {
        "current-context": name,
        "clusters": [{"name": name, "cluster": {k: v for k, v in access.cluster.items() if k != "proxy-url"}}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }, renew_at


def _run_plugin(access: Access, plugin: Mapping[str, Any]) -> tuple[dict[str, str], float]:
    """What a credential plugin (client.authentication.k8s.io) gives, in a kubeconfig's words, and when it runs out."""
    import subprocess

    command = str(plugin.get("command") or "")
    what = f"the credential plugin '{command}' of context '{access.context}'"
    hint = str(plugin["installHint"]).strip() if plugin.get("installHint") else None
    interactive = plugin.get("interactiveMode") != "Never" and sys.stdin is not None and sys.stdin.isatty()
    variables = {str(v["name"]): str(v["value"]) for v in plugin.get("env") or ()}
    information = {
        "apiVersion": plugin.get("apiVersion"),
        "kind": "ExecCredential",
        "spec": {"interactive": interactive, **_cluster_information(access, plugin)},
    }
    try:
        done = subprocess.run(  # noqa: S603 - the user's kubeconfig names it
            [command, *(str(argument) for argument in plugin.get("args") or ())],
            env={**os.environ, **variables, "KUBERNETES_EXEC_INFO": json.dumps(information)},
            stdin=None if interactive else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=None if interactive else subprocess.PIPE,
            timeout=_PLUGIN_TIMEOUT_WITH_PERSON if interactive else _PLUGIN_TIMEOUT,
            check=False,
        )
    except FileNotFoundError:
        raise ClusterError(f"{what} is not installed", hint) from None
    except subprocess.TimeoutExpired:
        raise ClusterError(f"{what} gave no answer in {_PLUGIN_TIMEOUT} s", hint) from None
    except OSError as error:
        raise ClusterError(f"{what} cannot be run: {(error.strerror or '').lower()}", hint) from None
    if done.returncode != 0:
        said = (done.stderr or b"").decode("utf-8", "replace").strip().splitlines()
        reason = f": {said[-1].strip()[:300]}" if said else f" with status {done.returncode}"
        raise ClusterError(f"{what} failed{reason}", "log in again with the tool that the plugin belongs to")
    return _plugin_answer(what, plugin, done.stdout)


def _plugin_answer(what: str, plugin: Mapping[str, Any], output: bytes) -> tuple[dict[str, str], float]:
    """The parsed output of a plugin. It holds secrets: no error quotes it."""
    try:
        answer = json.loads(output)
        status = answer["status"]
        said = answer["apiVersion"]
        expiry = status.get("expirationTimestamp")
        lifetime = _seconds_until(expiry) if expiry else math.inf
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ClusterError(f"{what} answers with something that is no ExecCredential") from None
    if said != plugin.get("apiVersion"):
        raise ClusterError(f"{what} speaks {said}, and the kubeconfig asks for {plugin.get('apiVersion')}")
    user: dict[str, str] = {}
    if status.get("token"):
        user["token"] = str(status["token"]).strip()
    if status.get("clientCertificateData") and status.get("clientKeyData"):
        for key, name in (("client-certificate-data", "clientCertificateData"), ("client-key-data", "clientKeyData")):
            user[key] = base64.b64encode(str(status[name]).encode()).decode()
    if not user:
        raise ClusterError(f"{what} gives neither a token nor a certificate with its key")
    # a fifth before the end, at most a minute: time for the requests that are under way
    return user, time.monotonic() + max(_AT_LEAST, lifetime - min(60.0, lifetime / 5))


def _cluster_information(access: Access, plugin: Mapping[str, Any]) -> dict[str, Any]:
    """The cluster as a plugin may ask to be told of it (client.authentication.k8s.io/v1, Cluster)."""
    if not plugin.get("provideClusterInfo"):
        return {}
    same = ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url")
    told = {key: access.cluster[key] for key in same if access.cluster.get(key)}
    if access.cluster.get("certificate-authority"):
        content = Path(access.cluster["certificate-authority"]).read_bytes()
        told["certificate-authority-data"] = base64.b64encode(content).decode()
    for extension in access.cluster.get("extensions") or ():
        if extension.get("name") == "client.authentication.k8s.io/exec":
            told["config"] = extension.get("extension")
    return {"cluster": told}


def _seconds_until(moment: str) -> float:
    """From now to a moment as RFC 3339 writes it."""
    return (datetime.datetime.fromisoformat(moment) - datetime.datetime.now(datetime.UTC)).total_seconds()
