"""kfspec: a declarative GitOps compiler for Kubeflow.

The public API; every name is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kfspec.cluster.execution import execute as execute
    from kfspec.cluster.session import Session as Session
    from kfspec.cluster.session import connect as connect
    from kfspec.cluster.session import target as target
    from kfspec.diagnostics import Diagnostic as Diagnostic
    from kfspec.document import Document as Document
    from kfspec.environments import resolve as resolve
    from kfspec.includes import read_spec as read_spec
    from kfspec.kustomize import render as render
    from kfspec.live import Observation as Observation
    from kfspec.lowering import lower as lower
    from kfspec.pipeline import Build as Build
    from kfspec.pipeline import build as build
    from kfspec.pipeline import prepare as prepare
    from kfspec.planning import Change as Change
    from kfspec.planning import Plan as Plan
    from kfspec.planning.making import plan as plan
    from kfspec.resource import Resource as Resource
    from kfspec.spec.project import check as check
    from kfspec.verification import verify as verify
    from kfspec.yamlio.load import load as load

_PUBLIC = {
    "Build": "pipeline",
    "Change": "planning",
    "Diagnostic": "diagnostics",
    "Document": "document",
    "Observation": "live",
    "Plan": "planning",
    "Resource": "resource",
    "Session": "cluster.session",
    "build": "pipeline",
    "check": "spec.project",
    "connect": "cluster.session",
    "execute": "cluster.execution",
    "load": "yamlio.load",
    "lower": "lowering",
    "plan": "planning.making",
    "prepare": "pipeline",
    "read_spec": "includes",
    "render": "kustomize",
    "resolve": "environments",
    "target": "cluster.session",
    "verify": "verification",
}
"""Name -> module below `kfspec`."""

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'kfspec' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"kfspec.{_PUBLIC[name]}"), name)
