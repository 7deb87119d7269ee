"""What the Spark operator says of its objects: its webhooks' refusals, and what they admit though nothing ever runs.

Source: spark-operator 2.1.0 (executed), 2.2.0, 2.4.0 and 2.5.0: `internal/webhook/*_validator.go`, `sparkpod_defaulter.go`,
`internal/controller/sparkapplication/submission.go`, `internal/controller/scheduledsparkapplication/controller.go`. The webhooks
look at no template of a ScheduledSparkApplication; they refuse its runs. The pod webhook changes every pod that the operator
starts, of a pod template or not: kubeflow/manifests selects `launched-by-spark-operator` (installs of 2.1.1, 2.4.0 and 2.5.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, Severity, Upstream
from kfspec.kinds import status
from kfspec.kinds.base import Facts
from kfspec.kinds.podvalues import container_findings, template_findings, value_findings
from kfspec.kinds.spark.fields import ACCOUNT_CONF, DRIVER_CONTAINER, EXECUTOR_CONTAINER
from kfspec.kinds.spark.schedule import schedule_problem, zone_problem
from kfspec.kinds.status import maps
from kfspec.resource import Body
from kfspec.wording import did_you_mean

NAME_LIMIT = 63
"""An application's name is a label of its pods."""

SCHEDULED_SUFFIX = 20
"""`-<nanoseconds since 1970>`, which a schedule adds to its runs' names (2.1.0 to 2.5.0, createSparkApplication)."""

_CONNECT_SUFFIX = 7
"""`-server`, the Service of a SparkConnect (2.5.0, sparkconnect_validator.go)."""

_SERVICE = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_MEMORY = re.compile(r"[0-9]+(?:[kmgtp]b?|b)?", re.IGNORECASE)
_MEMORY_LIKE = re.compile(r"([0-9]+)(?:\.[0-9]+)?\s*([kmgtp])i?b?", re.IGNORECASE)
_CONCURRENCY = ("Allow", "Forbid", "Replace")
_UPLOAD = "spark.kubernetes.file.upload.path"
_CANNOT_MAKE_PODS = ("default", "default-viewer")
_CONTAINERS = {"driver": (DRIVER_CONTAINER,), "executor": (EXECUTOR_CONTAINER, "executor")}
"""By which names the pod webhook finds Spark's container; from 2.2 on it takes the first, as Spark does (#2441)."""

_UNREAD = {"KF101": Upstream.DROPS, "KF103": Upstream.REFUSES}
"""Code of a mistake in a pod template -> what becomes of it."""


def rules(body: Body, facts: Facts) -> Iterator[Diagnostic]:
    """What upstream would say of a SparkApplication, a ScheduledSparkApplication or a SparkConnect."""
    kind, spec = body["kind"], body.get("spec") or {}
    yield from template_findings("sparkoperator.k8s.io", kind, body)
    if kind == "SparkConnect":
        yield from _connect(body, spec, facts)
    elif kind == "ScheduledSparkApplication":
        yield from _name(body, SCHEDULED_SUFFIX, "-<moment>", facts)
        yield from _schedule(spec)
        for found in _application(spec.get("template") or {}, ("spec", "template"), facts):
            refused = found.upstream is Upstream.REFUSES
            yield found._replace(upstream=Upstream.NEVER_WORKS) if refused else found
    else:
        yield from _name(body, 0, "", facts)
        yield from _application(spec, ("spec",), facts)
        if spec.get("timeToLiveSeconds") is not None:
            message = (
                "the operator deletes the run after that time, and whoever reconciles it starts it again, for ever"
            )
            hint = "remove it; a finished run stays for its logs until somebody deletes it"
            yield finding("KF389", message, ("spec", "timeToLiveSeconds"), hint=hint, at_key=True)


def _name(body: Body, suffix: int, added: str, facts: Facts) -> Iterator[Diagnostic]:
    """What the name must leave room for; from 2.4 on the webhook judges the name itself, as kfspec does for all kinds."""
    name = body["metadata"].get("name")
    if not isinstance(name, str):
        return
    limit = NAME_LIMIT - suffix
    judged = facts.release.since("spark-operator", "2.4") and body["kind"] != "SparkConnect"
    if len(name) > limit and not (judged and len(name) > NAME_LIMIT):
        message = f"the name has {len(name)} characters; with '{added}' there is room for {limit}"
        if not added:
            message = f"the name has {len(name)} characters, and a pod's label takes {limit}"
        yield finding("KF720", message, ("metadata", "name"), hint=f"shorten it by {len(name) - limit}")
    elif not judged and len(name) <= limit and _SERVICE.fullmatch(name) is None:
        message = f"no Service can be called '{name}', and the operator makes one that begins so"
        yield finding("KF720", message, ("metadata", "name"), hint="begin with a letter; use letters, digits and '-'")


def _application(spec: dict[str, Any], at: Path, facts: Facts) -> Iterator[Diagnostic]:
    pods = {role: pod for role in ("driver", "executor") if isinstance(pod := spec.get(role), dict)}
    if spec.get("nodeSelector") is not None:
        for role, pod in pods.items():
            if pod.get("nodeSelector") is not None:
                message = "nodes are selected here and for the whole application, and the webhook takes one of them"
                hint = "keep 'nodeSelector' of driver and executor, or of the application"
                yield finding("KF722", message, (*at, role, "nodeSelector"), hint=hint, at_key=True)
                break
    yield from value_findings(spec, at)
    yield from container_findings(spec, at)
    for role, pod in pods.items():
        yield from value_findings(pod, (*at, role))
        yield from container_findings(pod, (*at, role))
        for n, sidecar in enumerate(maps(pod.get("sidecars"))):
            yield from container_findings(sidecar, (*at, role, "sidecars", n))
    yield from _ingress(maps(spec.get("driverIngressOptions")), (*at, "driverIngressOptions"))
    version = spec.get("sparkVersion")
    for role, pod in pods.items():
        yield from _template(pod, role, version, (*at, role), facts)
        yield from _memory(pod, (*at, role))
    yield from _volumes(spec, pods, at)
    yield from _main_file(spec, at)
    yield from _allocation(spec.get("dynamicAllocation"), (*at, "dynamicAllocation"))
    yield from _account(spec, pods.get("driver") or {}, at)
    if not facts.release.since("spark-operator", "2.3") and status.at(spec, "executor", "env"):
        if not status.at(spec, "driver", "env"):
            message = "executors do not get their 'env' from this operator where the driver has none"
            hint = "give the driver an 'env', too; or set 'spark.executorEnv.<NAME>' in 'sparkConf'"
            yield finding("KF732", message, (*at, "executor", "env"), hint=hint, at_key=True)


def _ingress(options: list[dict[str, Any]], at: Path) -> Iterator[Diagnostic]:
    ports: set[Any] = set()
    formats: set[Any] = set()
    for n, option in enumerate(options):
        port, text = option.get("servicePort"), option.get("ingressURLFormat")
        if port is None:
            yield finding("KF723", "the entry lacks 'servicePort'", (*at, n), hint="add 'servicePort:'")
        elif port in ports:
            yield finding(
                "KF723", f"two entries have the port {port}", (*at, n, "servicePort"), hint="remove one of them"
            )
        elif not text:
            yield finding("KF723", "the entry lacks 'ingressURLFormat'", (*at, n), hint="add 'ingressURLFormat:'")
        elif text in formats:
            path = (*at, n, "ingressURLFormat")
            yield finding("KF723", f"two entries have the URL '{text}'", path, hint="give each its own")
        ports.add(port)
        formats.add(text)


def _template(pod: dict[str, Any], role: str, version: Any, at: Path, facts: Facts) -> Iterator[Diagnostic]:
    if pod.get("template") is None:
        return
    yield from _pod_spec(pod["template"], (*at, "template"), facts)
    if isinstance(version, str) and _before_three(version):
        message = f"pod templates begin with Spark 3.0.0, and 'sparkVersion' is '{version}'"
        hint = f"use another Spark, or the fields of '{role}' beside 'template'"
        yield finding("KF724", message, (*at, "template"), hint=hint, at_key=True, upstream=Upstream.REFUSES)
        return
    listed = maps(status.at(pod, "template", "spec", "containers"))
    names = [str(container.get("name")) for container in listed]
    if names and not facts.release.since("spark-operator", "2.2") and not set(names) & set(_CONTAINERS[role]):
        wanted = _CONTAINERS[role][0]
        message = f"the webhook finds no container '{wanted}' in the template, and refuses the {role}'s pod"
        path = (*at, "template", "spec", "containers", 0, "name")
        yield finding("KF724", message, path, hint=f"call '{names[0]}' '{wanted}'")


def _pod_spec(template: Any, at: Path, facts: Facts) -> Iterator[Diagnostic]:
    """What Go does not read, or reads and leaves out: the schema of the object takes any template (recorded for 2.1.0)."""
    spec = template.get("spec") if isinstance(template, dict) else None
    if not isinstance(spec, dict):
        return
    pod: Body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "template"}, "spec": spec}
    for found in facts.judge(pod):
        if found.code in _UNREAD and found.path[:1] == ("spec",):
            yield found._replace(path=(*at, *found.path), upstream=_UNREAD[found.code])


def _before_three(version: str) -> bool:
    """As the operator compares: a text that is no version comes before every version (pkg/util/util.go)."""
    found = re.match(r"v?([0-9]+)(?:\.|$|-)", version)
    return found is None or int(found[1]) < 3


def _memory(pod: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    for key in ("memory", "memoryOverhead"):
        value = pod.get(key)
        if isinstance(value, str) and _MEMORY.fullmatch(value.strip()) is None:
            yield finding("KF728", f"Spark reads no amount of memory in '{value}'", (*at, key), hint=_meant(value))


def _meant(value: str) -> str:
    found = _MEMORY_LIKE.fullmatch(value.strip())
    if found and "." not in value:
        return f"write {found[1]}{found[2].lower()}: Spark's units are powers of two already"
    return "write a whole number and k, m, g, t or p, as 512m or 4g"


def _volumes(spec: dict[str, Any], pods: dict[str, dict[str, Any]], at: Path) -> Iterator[Diagnostic]:
    names: list[str] = []
    for n, volume in enumerate(maps(spec.get("volumes"))):
        name = str(volume.get("name"))
        if name in names:
            message = f"two volumes are called '{name}', and only the last of them is there"
            yield finding("KF729", message, (*at, "volumes", n, "name"), hint="give it another name")
        names.append(name)
    for role, pod in pods.items():
        inside = [str(volume.get("name")) for volume in maps(status.at(pod, "template", "spec", "volumes"))]
        for n, mount in enumerate(maps(pod.get("volumeMounts"))):
            name = str(mount.get("name"))
            path: Path = (*at, role, "volumeMounts", n, "name")
            if name in names and name in inside:
                message = f"the volume '{name}' is in the {role}'s 'template', too, and no pod has two of one name"
                hint = "mount it in the template, or remove it there"
                yield finding("KF729", message, path, hint=hint, upstream=Upstream.NEVER_WORKS)
            elif name not in names:
                there = "mount it in the template, which has a volume of that name"
                hint = there if name in inside else did_you_mean(name, names, "declare it under 'volumes'") or ""
                yield finding(
                    "KF729",
                    f"the application has no volume '{name}', and the {role} starts without it",
                    path,
                    hint=hint,
                )


def _main_file(spec: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    """Where spark-submit would have to upload a file that is nowhere but here."""
    main, conf = spec.get("mainApplicationFile"), spec.get("sparkConf")
    path: Path = (*at, "mainApplicationFile")
    if not isinstance(main, str) or spec.get("mode") == "client":
        return
    if not main:
        yield finding(
            "KF721", "'mainApplicationFile' is empty, and nothing can be run", path, hint="local:///opt/app/main.py"
        )
        return
    scheme = re.match(r"([a-z][a-z0-9+.-]*):", main, re.IGNORECASE)
    here = scheme is None or scheme[1].lower() == "file"
    if not here or main == "spark-internal" or (isinstance(conf, dict) and _UPLOAD in conf):
        return
    inside = main[scheme.end() :].lstrip("/") if scheme else main.lstrip("/")
    message = f"'{main}' is looked for in the operator's own pod, and can be uploaded nowhere"
    hint = f"local:///{inside} for a file of the image; 'code:' for one beside the spec"
    yield finding("KF721", message, path, hint=hint)


def _allocation(given: Any, at: Path, *, refused: bool = False) -> Iterator[Diagnostic]:
    """`refused`: the webhook judges the numbers, and then only of what is enabled."""
    if not isinstance(given, dict):
        return
    low, first, high = (given.get(key) for key in ("minExecutors", "initialExecutors", "maxExecutors"))
    numbers = [key for key in ("minExecutors", "initialExecutors", "maxExecutors") if given.get(key) is not None]
    if given.get("enabled") is not True:
        if numbers:
            message = f"'{numbers[0]}' is passed over: dynamic allocation is not enabled"
            yield finding(
                "KF727", message, (*at, numbers[0]), hint="add 'enabled: true'", at_key=True, upstream=Upstream.DROPS
            )
        return
    upstream = Upstream.REFUSES if refused else Upstream.NEVER_WORKS
    pairs = (("minExecutors", low, "maxExecutors", high), ("minExecutors", low, "initialExecutors", first))
    for less, small, more, large in (*pairs, ("initialExecutors", first, "maxExecutors", high)):
        if not (isinstance(small, int) and isinstance(large, int)) or small <= large:
            continue
        if more == "initialExecutors" and not refused:
            continue  # Spark begins with the largest of them
        message = f"'{less}' is {small}, above '{more}' {large}"
        yield finding("KF727", message, (*at, less), hint=f"at most {large}", upstream=upstream)
        return
    for key in numbers:
        if isinstance(given[key], int) and given[key] < 0:
            yield finding("KF727", f"'{key}' is {given[key]}, below 0", (*at, key), hint="0 or more", upstream=upstream)


def _account(spec: dict[str, Any], driver: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    """A driver that may not make its executors."""
    pod_account = status.at(driver, "template", "spec", "serviceAccountName")
    conf = spec.get("sparkConf") or {}
    if spec.get("mode") == "client":
        return
    name = driver.get("serviceAccount") or conf.get(ACCOUNT_CONF) or pod_account or "default"
    if name in _CANNOT_MAKE_PODS:
        path = (*at, "driver", "serviceAccount") if driver.get("serviceAccount") else (*at, "driver")
        message = f"the driver runs as '{name}', which may not make its executors' pods"
        hint = "serviceAccount: default-editor, or another that may"
        yield finding("KF731", message, path, hint=hint, at_key=not driver.get("serviceAccount"))


def _schedule(spec: dict[str, Any]) -> Iterator[Diagnostic]:
    schedule = spec.get("schedule")
    if isinstance(schedule, str):
        problem = schedule_problem(schedule)
        if problem is not None:
            yield finding("KF725", problem.message, ("spec", "schedule"), hint=problem.hint)
    zone = spec.get("timeZone")
    if isinstance(zone, str):
        problem = zone_problem(zone)
        if problem is not None:
            yield finding("KF725", problem.message, ("spec", "timeZone"), hint=problem.hint)
    policy = spec.get("concurrencyPolicy")
    if policy and policy not in _CONCURRENCY:
        hint = did_you_mean(str(policy), _CONCURRENCY, f"one of: {', '.join(_CONCURRENCY)}")
        message = f"no run follows the first: the operator has no concurrency policy '{policy}'"
        yield finding("KF725", message, ("spec", "concurrencyPolicy"), hint=hint)
    elif not policy:
        message = (
            "no run follows the first: the operator starts none beside or after another without a concurrency policy"
        )
        yield finding(
            "KF725",
            message,
            ("spec",),
            hint="concurrencyPolicy: Allow",
            at_key=True,
            severity=Severity.WARNING,
            upstream=Upstream.ADVICE,
        )
    for key in ("successfulRunHistoryLimit", "failedRunHistoryLimit"):
        limit = spec.get(key)
        if isinstance(limit, int) and limit < 0:
            message = f"'{key}' is {limit}: the operator crashes when it counts its runs"
            yield finding("KF725", message, ("spec", key), hint="0 or more")


def _connect(body: Body, spec: dict[str, Any], facts: Facts) -> Iterator[Diagnostic]:
    """From 2.5.0 on the webhook refuses what the operator only fails at before."""
    webhook = facts.release.since("spark-operator", "2.5")
    for found in _of_connect(body, spec, facts, webhook=webhook):
        upstream = Upstream.REFUSES if webhook else Upstream.NEVER_WORKS
        yield found if found.upstream is Upstream.DROPS or found.code == "KF724" else found._replace(upstream=upstream)


def _of_connect(body: Body, spec: dict[str, Any], facts: Facts, *, webhook: bool) -> Iterator[Diagnostic]:
    yield from _name(body, _CONNECT_SUFFIX, "-server", facts)
    yield from container_findings(spec, ("spec",))
    pods = {role: pod for role in ("server", "executor") if isinstance(pod := spec.get(role), dict)}
    if not spec.get("image"):
        without = [role for role in ("server", "executor") if not _has_image(pods.get(role) or {})]
        if without:
            message = f"there is no image for the {without[0]}"
            yield finding("KF730", message, ("spec",), hint="add 'image:'", at_key=True)
    version = spec.get("sparkVersion")
    if version == "":
        yield finding("KF730", "'sparkVersion' is empty", ("spec", "sparkVersion"), hint="say which, as 4.0.0")
    for role, pod in pods.items():
        yield from _pod_spec(pod.get("template"), ("spec", role, "template"), facts)
        if webhook and version and pod.get("template") is not None and _before_three(str(version)):
            message = f"pod templates begin with Spark 3.0.0, and 'sparkVersion' is '{version}'"
            path = (*("spec", role), "template")
            yield finding("KF724", message, path, hint="use another Spark", at_key=True, upstream=Upstream.REFUSES)
        yield from _memory(pod, ("spec", role))
    yield from _allocation(spec.get("dynamicAllocation"), ("spec", "dynamicAllocation"), refused=webhook)


def _has_image(pod: dict[str, Any]) -> bool:
    return any(container.get("image") for container in maps(status.at(pod, "template", "spec", "containers")))
