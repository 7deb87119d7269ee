"""What stays out of a spec that is made of manifests: literals that look like credentials."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

from kfspec.codes import finding
from kfspec.credentials import env_credential, find_credential
from kfspec.diagnostics import Diagnostic, Path, Severity
from kfspec.resource import Body


def without_credentials(body: Body) -> tuple[Body, dict[str, list[Diagnostic]]]:
    """The object with references to a Secret in the place of literals; the Secret's name -> what was found."""
    secret = f"{body['metadata']['name']}-credentials"
    taken: list[Diagnostic] = []

    def walk(value: Any, path: tuple[str | int, ...]) -> Any:
        if isinstance(value, list):
            return [walk(item, (*path, n)) for n, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        name, literal = value.get("name"), value.get("value")
        if path[-2:-1] == ("env",) and isinstance(name, str) and isinstance(literal, str):
            what = env_credential(name, literal)
            if what is not None:
                hint = f"put it into a Secret '{secret}', under the key '{name}'"
                message = f"the value of '{name}' looks like {what}, and stays out of the spec"
                taken.append(finding("KF350", message, (*path, "value"), hint=hint, severity=Severity.WARNING))
                return _from_secret(name, secret)
        changed = {key: walk(item, (*path, key)) for key, item in value.items()}
        return _without_arguments(changed, path, secret, taken) if "image" in value or "name" in value else changed

    changed: Body = walk(body, ())
    return changed, ({secret: taken} if taken else {})


def _from_secret(name: str, secret: str) -> Body:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": name}}}


def _without_arguments(container: Body, path: Path, secret: str, taken: list[Diagnostic]) -> Body:
    """The container with variables in the place of credentials among its arguments: Kubernetes expands `$(NAME)` there."""
    env = container.get("env") or []
    if not isinstance(env, list):
        return container
    known = {str(entry.get("name")) for entry in env if isinstance(entry, dict)}
    changed: Body = {}
    for field in ("command", "args"):
        arguments = container.get(field)
        for n, text in enumerate(arguments if isinstance(arguments, list) else ()):
            while isinstance(text, str) and (found := find_credential(text)) is not None:
                what, literal = found
                name = next(each for each in _names(text.partition(literal)[0]) if each not in known)
                known.add(name)
                text = text.replace(literal, f"$({name})")
                hint = f"put it into a Secret '{secret}', under the key '{name}'"
                message = f"this argument looks like {what}, and stays out of the spec"
                taken.append(finding("KF350", message, (*path, field, n), hint=hint, severity=Severity.WARNING))
                changed.setdefault(field, list(container[field]))[n] = text
                changed["env"] = [*changed.get("env", env), _from_secret(name, secret)]
    return {**container, **changed}


def _names(before: str) -> Iterator[str]:
    """Names for a variable, the best first. `before`: what stands before its value; `--api-key=` makes it API_KEY."""
    words = [
        word for word in re.findall(r"[A-Za-z][A-Za-z0-9_-]*", before) if len(word) < 32 and not find_credential(word)
    ]
    name = re.sub(r"[^A-Z0-9]+", "_", words[-1].upper()).strip("_") if words else "CREDENTIAL"
    return itertools.chain([name], (f"{name}_{n}" for n in itertools.count(2)))
