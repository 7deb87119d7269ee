"""What ConfigMaps and Secrets have in common."""

from __future__ import annotations

from kfspec.kinds.base import Effect, Moment, Outcome

_KUBELET = "kubernetes v1.37, kubelet (volumes are synchronised, environments and subPath mounts are not)"
_VALIDATION = "kubernetes v1.37, core/validation (immutable); executed"


def _immutable(moment: Moment) -> bool:
    return moment.before.get("immutable") is True


def data_effects(kind: str) -> tuple[Effect, ...]:
    """The table of one of them."""
    refused = f"an immutable {kind} cannot change: give the new one another name"
    fields = ("data", "binaryData") if kind == "ConfigMap" else ("data",)
    follow = (
        "files that pods mount follow within about a minute; environment variables and subPath mounts at the next start"
    )
    return (
        *(Effect((field,), refused, _VALIDATION, Outcome.REFUSED, when=_immutable) for field in (*fields, "immutable")),
        Effect(("immutable",), f"from now on the {kind} cannot change", _VALIDATION),
        *(Effect((field,), follow, _KUBELET, Outcome.LATER) for field in fields),
    )
