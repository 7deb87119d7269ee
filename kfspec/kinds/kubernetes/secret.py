"""A Secret: named, never shown."""

from __future__ import annotations

from kfspec.kinds import base
from kfspec.kinds.base import Effect, Outcome
from kfspec.kinds.kubernetes.data import data_effects

EFFECTS = (
    *data_effects("Secret"),
    Effect(
        ("type",),
        "the type of a Secret cannot change: delete it first, or give the new one another name",
        "kubernetes v1.37, core/validation (ValidateSecretUpdate); executed",
        Outcome.REFUSED,
    ),
)
ready = base.ready_when_there
