"""Why a cluster cannot be reached, in a sentence and a hint for people, and whether trying again can help."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kfspec.cluster.credentials import Grant, expired_at
from kfspec.cluster.kubeconfig import Access, ClusterError

if TYPE_CHECKING:
    from kubernetes.client import Configuration

# OpenSSL's numbers (x509_vfy.h)
_EXPIRED, _NOT_YET, _OTHER_NAME, _OTHER_ADDRESS = 10, 9, 62, 64


def unreachable(host: str, context: str, configuration: Configuration, error: Exception) -> ClusterError:
    """No request gets an answer."""
    reason, hint = _explained(error)
    proxy = f" through the proxy {_bare(configuration.proxy)}" if configuration.proxy else ""
    return ClusterError(f"cannot reach the API server {host} of context '{context}'{proxy}: {reason}", hint)


def unauthorized(context: str, access: Access | None, grant: Grant) -> ClusterError:
    """The API server does not know who asks."""
    ended = expired_at(grant)
    message = f"the API server does not accept the credentials of context '{context}'"
    message += f": the token expired on {ended}" if ended else ""
    user = access.user if access is not None else {}
    if access is None:
        return ClusterError(message, "the pod's token is not of this cluster, or no longer valid")
    if not grant.headers and not grant.configuration.cert_file:
        return anonymous(context)
    if user.get("exec"):
        return ClusterError(message, f"log in again: '{user['exec'].get('command')}' gave them")
    return ClusterError(message, "log in again, so that the kubeconfig gets new ones")


def anonymous(context: str) -> ClusterError:
    """Nobody asks."""
    return ClusterError(f"context '{context}' has no credentials", "log in, or name a user in the kubeconfig")


def no_api_server(host: str, context: str) -> ClusterError:
    """Somebody else answers."""
    hint = "is the address right? a login page or a portal may stand before it"
    return ClusterError(f"what answers at {host} of context '{context}' is no API server", hint)


def no_pool(configuration: Configuration, error: Exception) -> ClusterError:
    """The connections cannot even be prepared."""
    if (configuration.proxy or "").startswith("socks"):
        return ClusterError(f"the proxy {_bare(configuration.proxy)} needs PySocks", "pip install 'urllib3[socks]'")
    return ClusterError(f"no connection to {configuration.host} can be made ({type(error).__name__})")


def is_lasting(error: Exception) -> bool:
    """Whether no further attempt can succeed: a certificate, an address that is none."""
    for inner in _chain(error):
        if isinstance(inner, ssl.SSLCertVerificationError) or "LocationParseError" in type(inner).__name__:
            return True
        if isinstance(inner, OSError) and str(inner).startswith("Tunnel connection failed: 4"):
            return True
    return False


def is_slow(error: Exception) -> bool:
    """Whether waiting was what failed."""
    return any(isinstance(inner, TimeoutError) or "Timeout" in type(inner).__name__ for inner in _chain(error))


def is_local(host: str) -> bool:
    """Whether the server is on this machine."""
    name = urlsplit(host).hostname or ""
    return name in ("localhost", "::1") or name.startswith("127.")


def _explained(error: Exception) -> tuple[str, str | None]:
    """The innermost reason that says something, in few words, and what to do."""
    for inner in _chain(error):
        if isinstance(inner, ssl.SSLCertVerificationError):
            return _certificate(inner)
        if isinstance(inner, ssl.SSLError) and "WRONG_VERSION_NUMBER" in str(inner):
            return "it does not speak TLS", "is the port right?"
        if isinstance(inner, socket.gaierror):
            return "the name is not known", "is the address right? some clusters are only known inside a VPN"
        if isinstance(inner, ConnectionRefusedError):
            return "connection refused", "is the cluster running, and the address in the kubeconfig right?"
        if isinstance(inner, OSError) and inner.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
            return "there is no route to it", "some clusters are only reached inside a VPN"
        if isinstance(inner, OSError) and str(inner).startswith("Tunnel connection failed"):
            return f"the proxy says {str(inner).partition(': ')[2]}", "see proxy-url in the kubeconfig, or HTTPS_PROXY"
    if is_slow(error):
        return "it does not answer in time", "some clusters are only reached inside a VPN"
    return "the connection is cut each time", "something between here and the server may not let it through"


def _certificate(error: ssl.SSLCertVerificationError) -> tuple[str, str]:
    if error.verify_code in (_OTHER_NAME, _OTHER_ADDRESS):
        return (
            "its certificate is for another name",
            "use an address that it is for, or tls-server-name in the kubeconfig",
        )
    if error.verify_code == _EXPIRED:
        return "its certificate has expired", "the cluster's administrator has to renew it"
    if error.verify_code == _NOT_YET:
        return "its certificate is not valid yet", "is this machine's clock right?"
    hint = "the certificate-authority in the kubeconfig is of another cluster, or a proxy on the way reads along"
    return "its certificate is of an authority that is not trusted here", hint


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it was raised from, the outermost first."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        inner = waiting.pop(0)
        if id(inner) in seen:
            continue
        seen.add(id(inner))
        yield inner
        parts = (inner.__cause__, inner.__context__, getattr(inner, "reason", None), *inner.args)
        waiting.extend(part for part in parts if isinstance(part, BaseException))


def _bare(url: str | None) -> str:
    """An address without a password."""
    parts = urlsplit(url or "")
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
