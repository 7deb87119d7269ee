"""The fields of a Spark application, as an item takes them: a run's, and those of every run that a schedule starts."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from kfspec.spec.base import Json, Model, Namespaced


class Pod(Model):
    """Fields that a driver and an executor share."""

    affinity: Json = Field(default=None, description="Upstream's.")
    annotations: Json = Field(default=None, description="Upstream's, of the pod.")
    configMaps: Json = Field(default=None, description="Upstream's: `[{name, path}]`, mounted whole.")  # noqa: N815
    coreLimit: Json = Field(default=None, description="Upstream's; a number is taken as text.")  # noqa: N815
    coreRequest: Json = Field(default=None, description="Upstream's; a number is taken as text (`0.5`).")  # noqa: N815
    cores: Json = Field(default=None, description="Upstream's: a whole number.")
    dnsConfig: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    env: Json = Field(default=None, description="`{NAME: value}`, or upstream's list.")
    envFrom: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    envSecretKeyRefs: Json = Field(default=None, description="Upstream's, deprecated there; `env` says it too.")  # noqa: N815
    envVars: Json = Field(default=None, description="Upstream's, deprecated there; `env` says it too.")  # noqa: N815
    gpu: Json = Field(default=None, description="How many, or upstream's `{name, quantity}`.")
    hostAliases: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    hostNetwork: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    image: Json = Field(default=None, description="Upstream's: another image than the application's.")
    initContainers: Json = Field(default=None, description="Upstream's list, or a map by name.")  # noqa: N815
    javaOptions: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    labels: Json = Field(default=None, description="Upstream's, of the pod.")
    lifecycle: Json = Field(default=None, description="Upstream's.")
    memory: Json = Field(default=None, description="Upstream's, in Spark's own units: `4g`, `512m`.")
    memoryLimit: Json = Field(default=None, description="Upstream's, from spark-operator 2.2 on.")  # noqa: N815
    memoryOverhead: Json = Field(default=None, description="Upstream's, in Spark's own units.")  # noqa: N815
    nodeSelector: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    podSecurityContext: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    ports: Json = Field(default=None, description="`{name: number}`, or upstream's list.")
    priorityClassName: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    schedulerName: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    secrets: Json = Field(default=None, description="Upstream's: `[{name, path, secretType}]`, mounted whole.")
    securityContext: Json = Field(default=None, description="Upstream's, of the container.")  # noqa: N815
    serviceAccount: Json = Field(  # noqa: N815
        default=None,
        description="Upstream's; a driver runs as the profile's `default-editor` where nothing is said, for it makes its"
        ' executors itself. `""` leaves it to the cluster.',
    )
    shareProcessNamespace: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    sidecars: Json = Field(default=None, description="Upstream's list, or a map by name.")
    template: Json = Field(
        default=None, description="Upstream's pod template (Spark 3.0.0 on), for what has no field here."
    )
    terminationGracePeriodSeconds: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    tolerations: Json = Field(default=None, description="Upstream's.")
    volumeMounts: Json = Field(  # noqa: N815
        default=None,
        description="Volume -> path, or `{mountPath, subPath, readOnly}`: one of `volumes`, else a declared or external one.",
    )


class Driver(Pod):
    """The driver."""

    kubernetesMaster: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    podName: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    serviceAnnotations: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    serviceLabels: Json = Field(default=None, description="Upstream's.")  # noqa: N815


class Executor(Pod):
    """The executors."""

    deleteOnTermination: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    instances: Json = Field(default=None, description="Upstream's: how many.")


class Application(Namespaced):
    """Everything that an application's spec has."""

    type: Json = Field(default=None, description="Upstream's; said by a main file that ends in `.py` or `.R`.")
    mode: Json = Field(default=None, description="Upstream's.")
    sparkVersion: Json = Field(default=None, description="Upstream's, required there.")  # noqa: N815
    image: Json = Field(default=None, description="Upstream's, for driver and executors.")
    imagePullPolicy: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    imagePullSecrets: Json = Field(default=None, description="Upstream's: a list of names.")  # noqa: N815
    mainClass: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    mainApplicationFile: Json = Field(  # noqa: N815
        default=None, description="Upstream's URI; with `code`, a path in it."
    )
    arguments: Json = Field(default=None, description="Upstream's list; numbers are taken as text.")
    pythonVersion: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    sparkConf: Json = Field(default=None, description="Upstream's map; numbers and booleans are taken as text.")  # noqa: N815
    sparkConfigMap: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    hadoopConf: Json = Field(default=None, description="Upstream's map; numbers and booleans are taken as text.")  # noqa: N815
    hadoopConfigMap: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    deps: Json = Field(default=None, description="Upstream's: jars, files, pyFiles, packages, ...")
    volumes: Json = Field(
        default=None, description="Upstream's list, or a map by name; volumes of claims need no entry."
    )
    driver: Driver | None = Field(default=None, description="The driver's pod.")
    executor: Executor | None = Field(default=None, description="The executors' pods.")
    dynamicAllocation: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    restartPolicy: Json = Field(default=None, description="`Never`, `OnFailure` or `Always`, or upstream's form.")  # noqa: N815
    monitoring: Json = Field(default=None, description="Upstream's.")
    nodeSelector: Json = Field(default=None, description="Upstream's, for driver and executors.")  # noqa: N815
    memoryOverheadFactor: Json = Field(default=None, description="Upstream's; a number is taken as text.")  # noqa: N815
    batchScheduler: Json = Field(default=None, description="Upstream's: volcano, yunikorn, kube-scheduler.")  # noqa: N815
    batchSchedulerOptions: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    sparkUIOptions: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    driverIngressOptions: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    proxyUser: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    failureRetries: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    retryInterval: Json = Field(default=None, description="Upstream's.")  # noqa: N815
    timeToLiveSeconds: Json = Field(  # noqa: N815
        default=None, description="Upstream's, for the runs of a schedule: one that a loop applies would begin again."
    )


APPLICATION: tuple[str, ...] = tuple(name for name in Application.model_fields if name not in Namespaced.model_fields)
"""The fields of an application's spec."""

DRIVER_CONTAINER, EXECUTOR_CONTAINER = "spark-kubernetes-driver", "spark-kubernetes-executor"
"""The containers of a pod template that Spark takes for its own (spark-operator 2.1.0, pkg/common)."""

ACCOUNT = "default-editor"
"""What the profile brings and may make pods (kubeflow v1.10.0, profile controller)."""

ACCOUNT_CONF = "spark.kubernetes.authenticate.driver.serviceAccountName"


def given_conf(spec: dict[str, Any]) -> dict[str, Any]:
    """An application's `sparkConf`, {} where it has none."""
    conf = spec.get("sparkConf")
    return conf if isinstance(conf, dict) else {}


def given(model: Model, names: tuple[str, ...]) -> dict[str, Any]:
    """The fields that the item says."""
    return {name: value for name in names if (value := getattr(model, name)) is not None}
