"""A ServiceAccount."""

from __future__ import annotations

from kfspec.kinds import base
from kfspec.kinds.base import Effect, Outcome

_ADMISSION = "kubernetes v1.37, plugin/pkg/admission/serviceaccount (pods, CREATE)"

EFFECTS = (
    Effect(("imagePullSecrets",), "new pods pull images with them; pods that run stay", _ADMISSION, Outcome.LATER),
    Effect(
        ("automountServiceAccountToken",),
        "new pods get a token or none by it; pods that run stay",
        _ADMISSION,
        Outcome.LATER,
    ),
)
ready = base.ready_when_there
