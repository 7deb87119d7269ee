"""The graph as a value. An edge goes from what feeds to what is fed, and its relation reads in that direction."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from kfspec.diagnostics import Pos


class Relation(StrEnum):
    """How one thing feeds another: `features` is *mounted by* `explore`."""

    HOLDS = "holds"
    """A profile and what lives in it."""
    MOUNTED_BY = "mounted-by"
    READ_BY = "read-by"
    """A Secret or a ConfigMap: as files, as environment, to pull an image, or through a ServiceAccount."""
    IDENTITY_OF = "identity-of"
    """A ServiceAccount and whose pods act as it."""
    INJECTED_INTO = "injected-into"
    """A PodDefault and whose pods select it."""
    RUN_BY = "run-by"
    """Code, and the run that brings it along or fetches it."""
    BORROWED_BY = "borrowed-by"
    """A training job and the experiment whose trials are such jobs."""
    SERVED_BY = "served-by"
    """Where a model is kept, or a copy of it, and what answers with it."""
    RUNTIME_OF = "runtime-of"
    COPIED_INTO = "copied-into"
    """A volume or a snapshot and the volume that begins as its copy."""
    CALLED_BY = "called-by"
    """A model server and the graph that routes to it."""
    COMPILED_INTO = "compiled-into"
    """A package, or the source of one, and its pipeline."""
    STARTED_AS = "started-as"
    """A pipeline and a schedule or run of it."""
    WRITES_TO = "writes-to"
    """A pipeline and where the artifacts of its runs go."""
    VERSIONED_AS = "versioned-as"
    """A registered model and a version of it."""
    REGISTERED_AS = "registered-as"
    """Where a model is kept and the version that says so."""
    HOSTS = "hosts"
    """A server of many models and one of those."""
    SHOWN_BY = "shown-by"
    """A run that may write to a volume, and the Tensorboard over that place."""
    OPEN_TO = "open-to"
    """A model server, and a profile whose pods may call it."""
    LINKED_FROM = "linked-from"
    """What a link of the dashboard opens."""


class Standing(StrEnum):
    """Who answers for a node."""

    DECLARED = "declared"
    """An item of a spec."""
    EXTERNAL = "external"
    """It stands under `externals`, or is no object of a cluster: a bucket, a folder."""
    SHIPPED = "shipped"
    """The platform brings it."""
    UNDECLARED = "undeclared"
    """Something refers to it, and nobody declares it."""


class Presence(NamedTuple):
    """A node in one environment."""

    environment: str
    namespace: str = ""
    """Of its object; "" for what has none."""
    template: bool = False
    """It is there to be borrowed, and not run (`run: false`)."""


class Node(NamedTuple):
    """An item of a spec, or something outside that an item refers to."""

    id: str
    """`project/block.item` of an item; `external/block.name` of what several specs may share."""
    project: str
    """"" for what is in no spec."""
    block: str
    """The block of the spec, or of `externals`; `storage` for a URI, `code` for local files."""
    kind: str
    """For people: the Kubernetes kind, or what else it is."""
    name: str
    profile: str
    """"" for what is in none."""
    standing: Standing
    presences: tuple[Presence, ...]
    """In the order of the environments."""
    pos: Pos | None = None
    """Of an item: its key, in the first environment that has it."""

    @property
    def environments(self) -> tuple[str, ...]:
        """Where it exists."""
        return tuple(presence.environment for presence in self.presences)

    @property
    def label(self) -> str:
        """`block.name`, as people write it."""
        return f"{self.block}.{self.name}"


class Edge(NamedTuple):
    """One node feeds another."""

    source: str
    target: str
    relation: Relation
    environments: tuple[str, ...]


class Graph(NamedTuple):
    """Nodes by block and name, edges by the order of their ends; each end is a node. A profile holds, and feeds nothing; what is
    open to it leads to it."""

    projects: tuple[str, ...]
    environments: tuple[str, ...]
    """In the order of the specs."""
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
