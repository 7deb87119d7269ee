"""A ConfigMap."""

from __future__ import annotations

from kfspec.kinds import base
from kfspec.kinds.kubernetes.data import data_effects

EFFECTS = data_effects("ConfigMap")
ready = base.ready_when_there
