"""What kubeconfig files say of one context: its cluster, its user, all paths made absolute.

They are read here, as kubectl does, because the `kubernetes` package (37.0, config/kube_config.py) takes the current context
of the last file where kubectl takes that of the first, and words its errors for programmers. What it is good at, making
a configuration and TLS of one context, is left to it (`credentials.py`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kfspec.wording import did_you_mean


class ClusterError(Exception):
    """The cluster cannot be reached, or the configuration names none. Both texts are for people, and hold no secret."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Access(NamedTuple):
    """How to reach a cluster, and as whom."""

    context: str
    cluster: Mapping[str, Any]
    user: Mapping[str, Any]
    files: tuple[Path, ...]
    """Where it was read."""

    def __repr__(self) -> str:
        """Without the user, who holds secrets."""
        return f"Access({self.context!r}, {self.cluster.get('server')!r})"


class _Entry(NamedTuple):
    """A named cluster, user or context, and the folder that its paths are relative to."""

    value: Mapping[str, Any]
    folder: Path


_PATHS = {"cluster": ("certificate-authority",), "user": ("client-certificate", "client-key", "tokenFile")}
_KINDS = {"clusters": "cluster", "users": "user", "contexts": "context"}


def access(kubeconfig: Path | None = None, context: str | None = None) -> Access | None:
    """The access that a kubeconfig gives; None where no file is there to say anything.

    Without `kubeconfig`: the files of `KUBECONFIG`, else `~/.kube/config`. Raises ClusterError where they give none.
    """
    files = [kubeconfig] if kubeconfig is not None else _usual_files()
    present = tuple(file for file in files if kubeconfig is not None or file.exists())
    if not present:
        return None
    entries, current = _merged(present)
    where = ", ".join(str(file) for file in present)
    name = context or current
    contexts = entries["contexts"]
    choice = f"one of: {', '.join(sorted(contexts))}" if contexts else None
    if not name:
        raise ClusterError(f"{where} names no current context", f"pass --context, {choice}" if choice else None)
    if name not in contexts:
        raise ClusterError(f"there is no context '{name}' in {where}", did_you_mean(name, contexts, choice))
    chosen = contexts[name].value
    cluster = _referred(entries, "clusters", name, chosen.get("cluster"), where)
    user = _referred(entries, "users", name, chosen["user"], where) if chosen.get("user") else {}
    server = cluster.get("server")
    if not isinstance(server, str) or not server.startswith(("https://", "http://")):
        raise ClusterError(f"the cluster of context '{name}' in {where} has no server address with https://")
    return Access(name, cluster, user, present)


def _usual_files() -> list[Path]:
    named = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return [Path(part).expanduser() for part in named or ["~/.kube/config"]]


def _merged(files: Iterable[Path]) -> tuple[dict[str, dict[str, _Entry]], str]:
    """All files' entries by section and name, and the current context. Of two that say the same, the first counts."""
    merged: dict[str, dict[str, _Entry]] = {section: {} for section in _KINDS}
    current = ""
    for file in files:
        content = _read(file)
        current = current or str(content.get("current-context") or "")
        for section, kind in _KINDS.items():
            for entry in content.get(section) or ():
                value = entry.get(kind) if isinstance(entry, dict) else None
                if not isinstance(entry, dict) or "name" not in entry or not isinstance(value, dict | None):
                    raise ClusterError(f"{file} is no kubeconfig: {section} is to be a list of name and {kind}")
                merged[section].setdefault(str(entry["name"]), _Entry(value or {}, file.absolute().parent))
    return merged, current


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ClusterError(f"there is no kubeconfig {file}") from None
    except OSError as error:
        raise ClusterError(f"cannot read the kubeconfig {file}: {(error.strerror or '').lower()}") from error
    except ValueError:
        raise ClusterError(f"{file} is no kubeconfig: it is no UTF-8 text") from None
    import yaml  # `kubernetes` imports it anyway

    try:
        content = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe one
    except yaml.MarkedYAMLError as error:  # its whole text would quote the line, and a token may stand there
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark is not None else ""
        raise ClusterError(f"{file} is no kubeconfig: {error.problem or 'it is no YAML'}{line}") from None
    except yaml.YAMLError:
        raise ClusterError(f"{file} is no kubeconfig: it is no YAML") from None
    if content is None:
        return {}
    sections = content if isinstance(content, dict) else None
    if sections is None or any(not isinstance(sections.get(name), list | None) for name in _KINDS):
        raise ClusterError(f"{file} is no kubeconfig: it has no lists of clusters, users and contexts")
    return sections


def _referred(
    entries: Mapping[str, Mapping[str, _Entry]], section: str, context: str, name: Any, where: str
) -> dict[str, Any]:
    """The cluster or user that a context names, its paths absolute."""
    kind = _KINDS[section]
    if name not in entries[section]:
        hint = did_you_mean(str(name), entries[section])
        raise ClusterError(f"context '{context}' names the {kind} '{name}', which is not in {where}", hint)
    entry = entries[section][name]
    value = dict(entry.value)
    for key in _PATHS[kind]:
        if value.get(key):
            value[key] = str(entry.folder / str(value[key]))
            if not Path(value[key]).is_file():
                raise ClusterError(f"the {key} of context '{context}' is not there: {value[key]}")
    plugin = value.get("exec")
    if kind == "user" and isinstance(plugin, dict) and os.sep in str(plugin.get("command") or ""):
        value["exec"] = {**plugin, "command": str(entry.folder / plugin["command"])}  # as kubectl looks for it
    return value
