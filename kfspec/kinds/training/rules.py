"""What upstream says of a training job: its webhooks' refusals, and what they admit though the job never runs.

Source: training-operator 1.9.1, `pkg/webhooks/*` and `pkg/controller.v1/*`, executed; MPIJob has no webhook, so nothing of
one is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path, Severity, Upstream
from kfspec.kinds.mounts import mount_findings
from kfspec.kinds.podvalues import value_findings
from kfspec.kinds.training.queues import queue_findings
from kfspec.kinds.training.shared import JobKind, article, longest_suffix
from kfspec.resource import Body
from kfspec.wording import did_you_mean

_MANAGED_BY = ("kubeflow.org/training-operator", "kueue.x-k8s.io/multikueue")
_RESTART = ("Always", "OnFailure", "Never", "ExitCode")
CLEAN = ("Running", "All", "None")
_DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")


def job_rules(body: Body, job: JobKind) -> Iterator[Diagnostic]:
    """What holds for every job kind."""
    for found in _job_rules(body, job):
        refused = found.upstream is Upstream.REFUSES and not job.webhook
        yield found._replace(upstream=Upstream.NEVER_WORKS) if refused else found


def _job_rules(body: Body, job: JobKind) -> Iterator[Diagnostic]:
    name = body["metadata"].get("name") or ""
    spec = body.get("spec") or {}
    if isinstance(name, str) and name:
        yield from _job_name(name, job, spec)
    replicas = spec.get(job.replicas)
    at: Path = ("spec", job.replicas)
    if not replicas:
        admitted = job.admits_none and replicas is not None
        upstream = Upstream.NEVER_WORKS if admitted else None
        hint = f"add '{job.replicas}:'"
        yield finding("KF382", f"the {job.kind} has no replicas", ("spec",), hint=hint, at_key=True, upstream=upstream)
    else:
        for kind, replica in replicas.items():
            yield from _replica_type(kind, (*at, kind), job)
            yield from _replica_rules(replica or {}, kind, (*at, kind), job)
    yield from _run_policy(spec.get("runPolicy") or {}, ("spec", "runPolicy"), job)
    yield from _gang(spec, replicas or {})
    yield from queue_findings(body, ("spec", "runPolicy", "suspend"), ("spec", "runPolicy", "managedBy"))
    elastic = spec.get("elasticPolicy")
    if isinstance(elastic, dict):
        yield from _elastic_bounds(elastic, replicas or {}, ("spec", "elasticPolicy"))


def _job_name(name: str, job: JobKind, spec: dict[str, Any]) -> Iterator[Diagnostic]:
    path: Path = ("metadata", "name")
    if len(name) > 63 or _DNS_1035.fullmatch(name) is None:
        hint = "begin with a letter; use lower-case letters, digits and '-', at most 63"
        yield finding("KF381", f"no {job.kind} can be called '{name}'", path, hint=hint)
    elif len(name) > 63 - longest_suffix(job, spec):
        limit = 63 - longest_suffix(job, spec)
        message = f"the name has {len(name)} characters; the Services of its pods leave room for {limit}"
        hint = f"shorten it by {len(name) - limit}"
        yield finding("KF381", message, path, hint=hint, upstream=Upstream.NEVER_WORKS)


def _replica_type(kind: str, at: Path, job: JobKind) -> Iterator[Diagnostic]:
    if kind in job.types or (not job.strict_types and kind.lower() in {known.lower() for known in job.types}):
        return  # the defaulter mends the case of what the webhook let through
    upstream = None if job.strict_types else Upstream.NEVER_WORKS
    hint = did_you_mean(kind, job.types, f"one of: {', '.join(job.types)}")
    message = f"{article(job.kind)} has no replica type '{kind}'"
    yield finding("KF383", message, at, hint=hint, at_key=True, upstream=upstream)


def _replica_rules(replica: dict[str, Any], kind: str, at: Path, job: JobKind) -> Iterator[Diagnostic]:
    if replica.get("replicas") == 0 and not job.counts_replicas:
        message = f"no {kind} is ever started, and a job without pods waits for ever or succeeds at once"
        instead = f"leave {kind} out, or begin at 1"
        yield finding("KF390", message, (*at, "replicas"), hint=instead, upstream=Upstream.NEVER_WORKS)
    policy = replica.get("restartPolicy")
    if isinstance(policy, str) and policy not in _RESTART:
        hint = did_you_mean(policy, _RESTART, f"one of: {', '.join(_RESTART)}")
        message = f"no pod is ever made with the restart policy '{policy}'"
        yield finding("KF385", message, (*at, "restartPolicy"), hint=hint)
    pod = (replica.get("template") or {}).get("spec") or {}
    containers = pod.get("containers") or []
    here: Path = (*at, "template", "spec")
    if pod.get("restartPolicy") and pod["restartPolicy"] != policy:
        message = f"the operator puts the replica's restart policy in the place of its pod's, '{pod['restartPolicy']}'"
        hint = f"write it beside '{kind}.replicas', and not in the template"
        path = (*here, "restartPolicy")
        yield finding("KF385", message, path, hint=hint, at_key=True, severity=Severity.WARNING)
    if not containers:
        hint = f"add 'template: {{spec: {{containers: [{{name: {job.container}, image: ...}}]}}}}'"
        yield finding("KF384", f"{kind} has no container", at, hint=hint, at_key=True)
        return
    for n, container in enumerate(containers):
        if not container.get("image"):
            path = (*here, "containers", n)
            yield finding("KF384", f"the container '{container.get('name')}' has no image", path, hint="add 'image:'")
    names = [str(container.get("name")) for container in containers]
    if job.container not in names and job.named_container:
        message = f"{kind} has no container called '{job.container}'"
        hint = f"the operator looks for it by name; rename '{names[0]}'"
        yield finding("KF384", message, (*here, "containers", 0, "name"), hint=hint)
    yield from value_findings(pod, here)
    yield from mount_findings(pod, here)


def _run_policy(policy: dict[str, Any], at: Path, job: JobKind) -> Iterator[Diagnostic]:
    managed = policy.get("managedBy")
    if managed is not None and managed not in _MANAGED_BY:
        hint = did_you_mean(str(managed), _MANAGED_BY, f"one of: {', '.join(_MANAGED_BY)}")
        upstream = None if job.judges_run_policy else Upstream.NEVER_WORKS
        message = f"no controller is called '{managed}'"
        yield finding("KF387", message, (*at, "managedBy"), hint=hint, upstream=upstream)
    clean = policy.get("cleanPodPolicy")
    if isinstance(clean, str) and clean not in CLEAN:
        hint = did_you_mean(clean, CLEAN, f"one of: {', '.join(CLEAN)}")
        message = f"the operator has no clean-up policy '{clean}'"
        yield finding("KF388", message, (*at, "cleanPodPolicy"), hint=hint)
    if policy.get("ttlSecondsAfterFinished") is not None:
        message = "the operator deletes the job after that time, and whoever reconciles it starts it again, for ever"
        hint = "remove it; a finished run stays for its logs until somebody deletes it"
        yield finding("KF389", message, (*at, "ttlSecondsAfterFinished"), hint=hint, at_key=True)
    limit = policy.get("backoffLimit")
    if isinstance(limit, int) and limit < 0:
        yield finding("KF388", f"'backoffLimit' is {limit}, and begins at 0", (*at, "backoffLimit"))


def _gang(spec: dict[str, Any], replicas: dict[str, Any]) -> Iterator[Diagnostic]:
    """A gang scheduler starts no pod before that many can start (1.9.1, `pkg/controller.v1/common/scheduling.go`)."""
    least = ((spec.get("runPolicy") or {}).get("schedulingPolicy") or {}).get("minAvailable")
    most = sum(_count(replica) for replica in replicas.values())
    if isinstance(least, int) and replicas and least > most:
        message = f"'minAvailable' is {least}, and the job has {most} {'pod' if most == 1 else 'pods'}"
        path: Path = ("spec", "runPolicy", "schedulingPolicy", "minAvailable")
        yield finding("KF388", message, path, hint=f"at most {most}")


def _count(replica: Any) -> int:
    count = replica.get("replicas", 1) if isinstance(replica, dict) else 1
    return count if isinstance(count, int) else 1


def _elastic_bounds(elastic: dict[str, Any], replicas: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    """What is given alone counts for the other bound too (1.9.1, setElasticPolicy); torchrun waits for fewer, and lets the
    others stand. Metrics let an autoscaler choose between the bounds."""
    low, high = elastic.get("minReplicas"), elastic.get("maxReplicas")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        message = f"'minReplicas' is {low}, above 'maxReplicas' {high}"
        yield finding("KF393", message, (*at, "minReplicas"), hint=f"at most {high}")
        return
    workers = _count(replicas.get("Worker")) if "Worker" in replicas else None
    everybody = sum(_count(replica) for replica in replicas.values())
    if workers is None or elastic.get("metrics"):
        return
    if isinstance(high, int) and workers > high:
        message = f"'maxReplicas' is {high}, and {workers} Workers start: {workers - high} of them never train"
        yield finding("KF393", message, (*at, "maxReplicas"), hint=f"maxReplicas: {workers}, or fewer Workers")
    elif isinstance(low, int) and everybody < low:
        message = f"'minReplicas' is {low}, and {everybody} pods start: torchrun waits for more, in vain"
        yield finding("KF393", message, (*at, "minReplicas"), hint=f"at most {everybody}, or more Workers")


def one_of(spec: dict[str, Any], job: JobKind, kind: str, *, required: bool) -> Iterator[Diagnostic]:
    """The replica type `kind` runs literally once: a count that is left out is refused too (1.9.1)."""
    replicas = spec.get(job.replicas) or {}
    at: Path = ("spec", job.replicas)
    leader = replicas.get(kind)
    if isinstance(leader, dict) and leader.get("replicas") != 1:
        path = (*at, kind, "replicas") if "replicas" in leader else (*at, kind)
        message = f"{article(job.kind)} has exactly one {kind}, and says so"
        yield finding("KF390", message, path, hint="replicas: 1", at_key="replicas" not in leader)
    elif leader is None and required and replicas:
        hint = f"add '{kind}: {{replicas: 1, template: ...}}'"
        yield finding("KF390", f"{article(job.kind)} has exactly one {kind}", at, hint=hint, at_key=True)
