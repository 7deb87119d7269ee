"""A ConfigMap."""

from __future__ import annotations

from collections.abc import Callable

from kfspec.kinds import base
from kfspec.kinds.base import Effect, Moment, Outcome
from kfspec.kinds.kubernetes.data import data_effects
from kfspec.kinds.status import at

_SYNC = "kfspec, sync/pipelines.py and sync/models.py"
_DASHBOARD = "centraldashboard v1.10.0, app/k8s_service.ts (read at each page load)"


def _of_item(block: str) -> Callable[[Moment], bool]:
    """Whether the object carries an item of the block to `kfspec sync`."""

    def holds(moment: Moment) -> bool:
        name = str(at(moment.after, "metadata", "name"))
        item = str(at(moment.after, "metadata", "labels", "kfspec.dev/item"))
        return name.startswith("kfspec-") and item.startswith(f"{block}.")

    return holds


def _dashboard(moment: Moment) -> bool:
    return bool(at(moment.after, "metadata", "name") == "centraldashboard-config")


EFFECTS = (
    Effect(
        ("data",),
        "the next sync, at once by a Job or within ten minutes, brings it to Kubeflow Pipelines: a new package is a new "
        "version, a changed schedule is made anew, and a new run starts",
        _SYNC,
        when=_of_item("pipelines"),
    ),
    Effect(
        ("data",),
        "the next sync, at once by a Job or within ten minutes, changes the model in the registry; what left the spec is "
        "archived there",
        _SYNC,
        when=_of_item("models"),
    ),
    Effect(
        ("data", "links"),
        "changes everybody's dashboard at the next page load; links that others added and the spec does not say are lost",
        _DASHBOARD,
        Outcome.LOSES,
        when=_dashboard,
    ),
    Effect(
        ("data",),
        "changes everybody's dashboard at the next page load",
        _DASHBOARD,
        Outcome.DISRUPTS,
        when=_dashboard,
    ),
    *data_effects("ConfigMap"),
)
ready = base.ready_when_there
