"""What stands beside the blocks: project, release, platform, environments, externals, delivery."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kfspec.spec.base import Json, Model, Name
from kfspec.spec.dashboard import Dashboard


class Platform(Model):
    """What a distribution of Kubeflow changes. The defaults are those of kubeflow/manifests v1.10."""

    userIdHeader: str = "kubeflow-userid"  # noqa: N815
    userIdPrefix: str = ""  # noqa: N815
    groupsHeader: str = Field(  # noqa: N815
        default="kubeflow-groups",
        min_length=1,
        description="The header that holds a user's groups, separated by commas, as the gateway sets it.",
    )
    groupsClaim: str | None = Field(  # noqa: N815
        default=None,
        min_length=1,
        description="Ask the token's list of this claim for groups, and no header; pods need a RequestAuthentication for it.",
    )
    ingressPrincipals: tuple[str, ...] = Field(  # noqa: N815
        default=(
            "cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account",
            "cluster.local/ns/kubeflow/sa/ml-pipeline-ui",
        ),
        strict=False,
    )
    gpuResource: str = "nvidia.com/gpu"  # noqa: N815
    pipelines: Literal["database", "kubernetes"] = Field(
        default="database", description="Where Kubeflow Pipelines keeps pipelines: behind its REST API, or as objects."
    )
    modelRegistry: str | None = Field(  # noqa: N815
        default=None,
        pattern=r"^https?://[^/\s]+/?$",
        description="Where Model Registry is, which no release installs by default.",
    )
    syncImage: str | None = Field(  # noqa: N815
        default=None, min_length=1, description="The image that runs `kfspec sync` (deploy/Containerfile makes one)."
    )
    syncRole: bool = Field(  # noqa: N815
        default=True,
        description="Give the sync a Role, for its Events and its Lease. `false` where whoever delivers may write no Roles: "
        "it then goes on without them.",
    )
    inventoryNamespace: Name = "kubeflow"  # noqa: N815
    namespaceLabels: dict[str, str] = Field(default_factory=dict)  # noqa: N815


class Externals(Model):
    """What exists outside the project and may be referred to, by name."""

    profiles: tuple[Name, ...] = Field(default=(), strict=False)
    volumes: tuple[Name, ...] = Field(default=(), strict=False)
    secrets: tuple[Name, ...] = Field(default=(), strict=False)
    configMaps: tuple[Name, ...] = Field(default=(), strict=False)  # noqa: N815
    serviceAccounts: tuple[Name, ...] = Field(default=(), strict=False)  # noqa: N815
    servingRuntimes: tuple[Name, ...] = Field(default=(), strict=False)  # noqa: N815
    trainingRuntimes: tuple[Name, ...] = Field(default=(), strict=False)  # noqa: N815
    inferenceServices: tuple[Name, ...] = Field(default=(), strict=False)  # noqa: N815
    modelNodeGroups: tuple[Name, ...] = Field(default=(), strict=False)  # noqa: N815
    podDefaults: tuple[Name, ...] = Field(default=(), strict=False)  # noqa: N815


class Cluster(Model):
    """Which cluster an environment means. `uid` is that of the namespace kube-system."""

    context: str | None = None
    uid: str | None = None


class Delivery(Model):
    """Who applies the compiled objects, and as which field manager."""

    engine: Literal["flux", "argocd", "kfspec"] = "kfspec"
    fieldManager: str | None = None  # noqa: N815


class Policies(Model):
    """What a team decides about findings."""

    severity: dict[str, Literal["error", "warning", "note"]] = Field(default_factory=dict)


class Settings(Model):
    """A resolved document without its blocks."""

    apiVersion: Literal["kfspec.dev/v1alpha1"]  # noqa: N815
    project: str = Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,51}[a-z0-9])?$")
    kubeflow: str = "1.10"
    components: dict[str, str] = Field(default_factory=dict)
    platform: Platform = Field(default_factory=Platform)
    policies: Policies = Field(default_factory=Policies)
    vars: dict[str, Json] = Field(default_factory=dict)
    externals: Externals = Field(default_factory=Externals)
    cluster: Cluster = Field(default_factory=Cluster)
    delivery: Delivery = Field(default_factory=Delivery)
    namespaceMap: dict[str, Name] = Field(default_factory=dict)  # noqa: N815
    files: tuple[str, ...] = Field(default=(), strict=False)
    dashboard: Dashboard | None = Field(default=None, description="The links and settings of the Central Dashboard.")
    sync: Literal["on", "off"] = Field(
        default="on",
        description="`off`: nothing is kept in Kubeflow Pipelines and Model Registry, and what was made there stays.",
    )
