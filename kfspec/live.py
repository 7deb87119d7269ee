"""What is live, and what applying would give: the values that observing yields and planning reads.

They are the same whether a cluster answered, a snapshot was read or a git revision was compiled.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from kfspec.diagnostics import Diagnostics
from kfspec.resource import Body, ObjectRef


class Applier(NamedTuple):
    """Whoever applies in an environment, and as whom the diff speaks."""

    engine: str
    manager: str
    """The field manager."""
    force: bool
    """Whether it takes fields from other managers without asking."""


APPLIERS = {
    "kfspec": Applier("kfspec", "kfspec", False),
    "flux": Applier("flux", "kustomize-controller", True),
    "argocd": Applier("argocd", "argocd-controller", True),
}
"""The engines as they apply (kustomize-controller 1.9, Argo CD 3.4; executed)."""


class Source(StrEnum):
    """Where the live side comes from."""

    CLUSTER = "cluster"
    SNAPSHOT = "snapshot"
    GIT = "git"


class Verb(StrEnum):
    """How an object is written, as far as the caller's rights go."""

    APPLY = "apply"
    """Server-side apply: needs the right to patch."""
    UPDATE = "update"
    """The whole object, as read and changed: needs the right to update."""
    RECREATE = "recreate"
    """Deleted and created: all that a namespace user may do with some kinds (kubeflow/manifests v1.10, cluster roles)."""
    NONE = "none"
    """Not at all: the caller may only look."""


class Why(StrEnum):
    """Why an object cannot be applied."""

    FORBIDDEN = "forbidden"
    """The caller may not."""
    NO_KIND = "kind-not-served"
    NO_NAMESPACE = "namespace-missing"
    ADMISSION = "admission"
    """A webhook or an admission policy says no."""
    INVALID = "invalid"
    """The API server itself says no: schema, field validation, immutability."""
    OTHER = "other"


class Conflict(NamedTuple):
    """A field that another manager holds with another value."""

    manager: str
    field: str
    """As the API server writes it: `.spec.predictor.minReplicas`."""


class Refusal(NamedTuple):
    """The answer of whoever refused."""

    why: Why
    message: str
    fields: tuple[str, ...] = ()
    """The fields that it names, as the server writes them: `spec.template.spec.containers[0].name`."""


class Verdict(NamedTuple):
    """What applying a desired object would give."""

    body: Body | None
    """The object as it would be stored; with conflicts, as forcing would store it. Where it is refused: as it would be
    stored if it were not, or None if nobody knows."""
    conflicts: tuple[Conflict, ...] = ()
    refusal: Refusal | None = None
    predicted: bool = False
    """Whether kfspec predicted it, and no server was asked."""


class Seen(NamedTuple):
    """One object of the project, desired or live or both."""

    ref: ObjectRef
    desired: Body | None
    """As the engine applies it, its own marks included; None for what nothing in the spec makes."""
    live: Body | None
    """None where there is none, and for an unchanged object, whose content is of no interest."""
    verdict: Verdict | None = None
    """None where applying was not tried: unchanged, not desired, or not possible yet."""
    unchanged: bool = False
    verb: Verb = Verb.APPLY


class Contents(NamedTuple):
    """What goes with a namespace."""

    volumes: int
    goes_with_profile: bool
    """Whether the Profile owns the Namespace, so that deleting the one deletes the other."""


class Observation(NamedTuple):
    """Everything that planning needs to know of the live side."""

    seen: tuple[Seen, ...]
    """Desired objects first, in their order; then what is live and not desired."""
    source: Source = Source.CLUSTER
    problems: Diagnostics = ()
    """What could not be looked at (KF5)."""
    applied: dict[str, str] = {}  # noqa: RUF012 - never changed
    """`planning.record_key(ref)` -> digest of what kfspec applied last; empty where nobody recorded it."""
    contents: dict[str, Contents] = {}  # noqa: RUF012 - never changed
    """Namespace -> what is in it, for namespaces that deleting something would delete."""
