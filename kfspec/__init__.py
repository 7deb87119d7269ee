"""kfspec: a declarative GitOps compiler for Kubeflow.

The public API; every name is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kfspec.diagnostics import Diagnostic as Diagnostic
    from kfspec.document import Document as Document
    from kfspec.environments import resolve as resolve
    from kfspec.includes import read_spec as read_spec
    from kfspec.kustomize import render as render
    from kfspec.lowering import lower as lower
    from kfspec.pipeline import Build as Build
    from kfspec.pipeline import build as build
    from kfspec.resource import Resource as Resource
    from kfspec.spec.project import check as check
    from kfspec.verification import verify as verify
    from kfspec.yamlio.load import load as load

_PUBLIC = {
    "Build": "pipeline",
    "Diagnostic": "diagnostics",
    "Document": "document",
    "Resource": "resource",
    "build": "pipeline",
    "check": "spec.project",
    "load": "yamlio.load",
    "lower": "lowering",
    "read_spec": "includes",
    "render": "kustomize",
    "resolve": "environments",
    "verify": "verification",
}
"""Name -> module below `kfspec`."""

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'kfspec' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"kfspec.{_PUBLIC[name]}"), name)
