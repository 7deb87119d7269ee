"""Which proxy stands before a cluster, by the rules of kubectl (Go, golang.org/x/net/http/httpproxy).

The `kubernetes` package knows `proxy-url` and the environment only in its latest versions (37.0), and then lets NO_PROXY
overrule a kubeconfig, which kubectl does not.
"""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import unquote, urlsplit

from kfspec.cluster.kubeconfig import ClusterError


def proxy_for(server: str, configured: str | None) -> tuple[str | None, dict[str, str] | None]:
    """The proxy's address and the headers it asks for; None where requests go straight to the server."""
    url = configured or _of_environment(server)
    if not url:
        return None, None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in ("http", "https", "socks5", "socks5h") or not parts.hostname:
        raise ClusterError("the proxy's address is none that can be used", "http://, https:// or socks5://HOST:PORT")
    if parts.scheme.startswith("socks") or parts.username is None:  # a SOCKS proxy takes the password in its address
        return parts.geturl(), None
    import urllib3

    person = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    headers = urllib3.make_headers(proxy_basic_auth=person)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(), dict(headers)


def _of_environment(server: str) -> str | None:
    parts = urlsplit(server)
    scheme, host = parts.scheme, parts.hostname or ""
    url = _variable(f"{scheme}_proxy")
    if not url or _is_loopback(host):
        return None
    port = str(parts.port or (443 if scheme == "https" else 80))
    excepted = (entry.strip().lower() for entry in (_variable("no_proxy") or "").split(","))
    return None if any(_excepts(entry, host, port) for entry in excepted if entry) else url


def _variable(name: str) -> str | None:
    return os.environ.get(name.upper()) or os.environ.get(name)


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _excepts(entry: str, host: str, port: str) -> bool:
    """Whether an entry of NO_PROXY means the host: `*`, an address, a network, a name with all below it, each with or
    without a port; `.name` and `*.name` mean only what is below."""
    if entry == "*":
        return True
    address = _address(host)
    if "/" in entry:
        try:
            return address is not None and address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    bare = entry.strip("[]")
    if _address(bare) is None and entry.rpartition(":")[2].isdigit():
        bare, _, wanted = entry.rpartition(":")
        bare = bare.strip("[]")
        if wanted != port:
            return False
    if address is not None:
        return address == _address(bare)
    below = bare.removeprefix("*") if bare.startswith(("*.", ".")) else f".{bare}"
    return host.endswith(below) or (not bare.startswith((".", "*")) and host == bare)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
