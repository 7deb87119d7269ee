"""plan: what applying a project would do, object by object, in words.

`values` holds what a plan is, `making` makes one of an observation, `deltas` compares, `leftovers` judges what left the spec.
"""

from kfspec.planning.values import Action as Action
from kfspec.planning.values import Change as Change
from kfspec.planning.values import Delta as Delta
from kfspec.planning.values import Plan as Plan
from kfspec.planning.values import Reason as Reason
from kfspec.planning.values import Said as Said
from kfspec.planning.values import Service as Service
from kfspec.planning.values import ServiceStep as ServiceStep
