"""The project that is applied: thirty objects in two versions, under another name for each case."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from kfspec.cluster.execution import Happening, Options, execute
from kfspec.cluster.session import connect, target
from kfspec.pipeline import prepare
from tests.support.controlplane import ControlPlane

SOURCE = Path(__file__).parent / "specs"
INVENTORIES = "kubeflow"
TIMEOUT = 300
"""Seconds in which every command has to end."""

KINDS = (
    "api/v1/configmaps",
    "api/v1/limitranges",
    "api/v1/namespaces",
    "api/v1/persistentvolumeclaims",
    "api/v1/serviceaccounts",
    "api/v1/services",
    "apis/kubeflow.org/v1/jaxjobs",
    "apis/kubeflow.org/v1/notebooks",
    "apis/kubeflow.org/v1/profiles",
    "apis/kubeflow.org/v1/pytorchjobs",
    "apis/kubeflow.org/v1/tfjobs",
    "apis/kubeflow.org/v1/xgboostjobs",
    "apis/kubeflow.org/v1alpha1/poddefaults",
    "apis/kubeflow.org/v1beta1/experiments",
    "apis/pipelines.kubeflow.org/v2beta1/pipelines",
    "apis/pipelines.kubeflow.org/v2beta1/pipelineversions",
    "apis/rbac.authorization.k8s.io/v1/rolebindings",
    "apis/security.istio.io/v1beta1/authorizationpolicies",
    "apis/serving.kserve.io/v1beta1/inferenceservices",
    "apis/tensorboard.kubeflow.org/v1alpha1/tensorboards",
)
"""Every kind that the project has objects of, in one version or the other."""

_END = "\x1e"
_COMMANDS = f"""
import json, sys
from kfspec.__main__ import main
for arguments in json.loads(sys.argv[1]):
    sys.argv[1:] = arguments
    status = main()
    for stream in (sys.stdout, sys.stderr):
        stream.write(f"{_END!s}{{status}}{_END!s}")
"""
"""Commands one after the other; after what each said, its exit status."""

_ANNOTATION = "applyset.kubernetes.io/contains-group-kinds"
_PASSING = ("uid", "resourceVersion", "creationTimestamp")


class Ended(NamedTuple):
    """A command that has ended."""

    status: int
    stdout: str
    stderr: str


class State(NamedTuple):
    """All that the cluster has of the project."""

    objects: dict[str, Any]
    """Path -> object without what differs from one making to the next. The project's name stands as NAME."""
    uids: dict[str, str]
    """Path -> uid."""
    kinds: tuple[str, ...]
    """What the inventory names."""
    applied: int
    """How many objects the inventory knows the content of."""


class Project:
    """One project of one case."""

    def __init__(self, plane: ControlPlane, folder: Path, name: str) -> None:
        self.plane = plane
        self.name = name
        self.folder = folder / name
        shutil.copytree(SOURCE, self.folder)
        for spec in self.folder.glob("*.yaml"):
            spec.write_text(spec.read_text().replace("NAME", name))

    # -- commands ---------------------------------------------------------------------------------------------

    def start(self, kubeconfig: Path, *arguments: str, output: int = subprocess.PIPE) -> subprocess.Popen[str]:
        """A kfspec of its own process."""
        return self._python(kubeconfig, "-m", "kfspec", *arguments, output=output)

    def _python(self, kubeconfig: Path, *arguments: str, output: int = subprocess.PIPE) -> subprocess.Popen[str]:
        environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "PYTHONPATH": str(SOURCE.parents[2])}
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            text=True,
        )

    def apply(
        self, version: str, kubeconfig: Path | None = None, *more: str, output: int = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        """Begin to apply `before` or `after`."""
        options = ("--prune", "--force-conflicts", *more) if version == "after" else more
        return self.start(
            kubeconfig or self.plane.kubeconfig, "apply", f"{version}.yaml", "--yes", *options, output=output
        )

    def again(self, version: str, kubeconfig: Path) -> tuple[Ended, Ended]:
        """Apply to the end, and look what is left to do: two commands of one process, which start only once."""
        options = ["--prune", "--force-conflicts"] if version == "after" else []
        apply = ["apply", f"{version}.yaml", "--yes", "--kubeconfig", str(kubeconfig), *options]
        diff = ["diff", f"{version}.yaml", "--kubeconfig", str(self.plane.kubeconfig)]
        both = ended(self._python(self.plane.kubeconfig, "-c", _COMMANDS, json.dumps([apply, diff])))
        out, err = both.stdout.split(_END), both.stderr.split(_END)
        if both.status != 0 or (len(out), len(err)) != (5, 5):
            return both._replace(status=both.status or -1), both
        return Ended(int(out[1]), out[0], err[0]), Ended(int(out[3]), out[2], err[2])

    def diff(self, version: str) -> Ended:
        """What is left to do, without a proxy."""
        return ended(self.start(self.plane.kubeconfig, "diff", f"{version}.yaml"))

    # -- the cluster ------------------------------------------------------------------------------------------

    def prepare(self, version: str) -> None:
        """Make what was there before `version` is applied: for `after`, the other one, and somebody else's changes."""
        if version == "before":
            return
        self._apply_here("before")
        edits = (
            (f"/api/v1/namespaces/{self.name}-web/configmaps/thresholds", {"data": {"review": "0.10"}}),
            (
                f"/apis/serving.kserve.io/v1beta1/namespaces/{self.name}-web/inferenceservices/scorer",
                {"spec": {"predictor": {"minReplicas": 4}}},
            ),
            (
                f"/apis/kubeflow.org/v1/namespaces/{self.name}-lab/notebooks/explore",
                {"metadata": {"annotations": {"kubeflow-resource-stopped": "2026-01-01T00:00:00Z"}}},
            ),
        )
        for path, body in edits:
            answer = self.plane.request(
                "PATCH", f"{path}?fieldManager=kubectl-edit", body, "application/merge-patch+json"
            )
            assert answer.status == 200, answer.message

    def _apply_here(self, version: str) -> None:
        """As `kfspec apply` does, but in this process: most of a command's time is its start."""
        environment = prepare(self.folder / f"{version}.yaml", ("dev",)).environment("dev")
        goal = target(environment) if environment is not None else None
        assert goal is not None
        session, found = connect(goal, self.plane.kubeconfig, None)
        assert session is not None, found
        events = execute(session.plan(), session.client, session.observer, goal.scope, Options())
        assert {event.happening for event in events} == {Happening.APPLIED, Happening.WAITING}
        session.client.close()

    def live(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Path and body of every object with the project's label."""
        connection = self.plane.connection()
        for kind in KINDS:
            root, _, plural = kind.rpartition("/")
            for body in listed(self.plane, f"/{kind}?labelSelector=kfspec.dev/project={self.name}", connection):
                namespace = body["metadata"].get("namespace")
                middle = f"namespaces/{namespace}/" if namespace else ""
                yield f"/{root}/{middle}{plural}/{body['metadata']['name']}", body
        connection.close()

    def state(self) -> State:
        """All of it, as it is now."""
        objects, uids = {}, {}
        for path, body in self.live():
            place = self.common(path)
            objects[place] = json.loads(self.common(json.dumps(_lasting(body))))
            uids[place] = body["metadata"]["uid"]
        answer = self.plane.request("GET", self.inventory)
        inventory = answer.body if answer.status == 200 else {"metadata": {}}
        named = (inventory["metadata"].get("annotations") or {}).get(_ANNOTATION, "")
        applied = json.loads((inventory.get("data") or {}).get("applied", "{}"))
        return State(objects, uids, tuple(named.split(",")) if named else (), len(applied))

    @property
    def inventory(self) -> str:
        """The path of the inventory."""
        return f"/api/v1/namespaces/{INVENTORIES}/configmaps/kfspec-{self.name}-dev"

    def common(self, text: str) -> str:
        """A text as it would be in every case: what depends on the project's name stands as such."""
        return re.sub(r"applyset-[\w-]{43}-v1", "applyset-NAME", text.replace(self.name, "NAME"))

    def clean(self) -> None:
        """Delete all that is labelled as the project's. What is not stays, and is found at the end."""
        connection = self.plane.connection()
        for path, body in list(self.live()):
            self.plane.request("DELETE", path, {"propagationPolicy": "Background"}, connection=connection)
            if body["metadata"].get("finalizers"):
                self.plane.request(
                    "PATCH", path, {"metadata": {"finalizers": None}}, "application/merge-patch+json", connection
                )
            if path.startswith("/api/v1/namespaces/") and path.count("/") == 4:  # no controller does it here
                finalized = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": body["metadata"]["name"]}}
                self.plane.request("PUT", f"{path}/finalize", finalized, connection=connection)
        self.plane.request("DELETE", self.inventory, connection=connection)
        connection.close()
        shutil.rmtree(self.folder)


def listed(
    plane: ControlPlane, path: str, connection: http.client.HTTPSConnection | None = None
) -> list[dict[str, Any]]:
    """The objects of a collection. A server that has just started answers 429 until its cache is filled."""
    deadline = time.monotonic() + 30
    while True:
        answer = plane.request("GET", path, connection=connection)
        if answer.status == 200:
            what = {"apiVersion": answer.body["apiVersion"], "kind": answer.body["kind"].removesuffix("List")}
            return [{**what, **item} for item in answer.body["items"]]  # a list's items do not say it themselves
        if answer.status != 429 or time.monotonic() > deadline:
            raise AssertionError(f"{path}: {answer.message}")
        time.sleep(0.1)


def ended(process: subprocess.Popen[str]) -> Ended:
    """Wait for the end of a command; one that hangs is killed, and has no status of the contract."""
    try:
        stdout, stderr = process.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        stdout, stderr = process.communicate()
        stderr += f"\n(did not end within {TIMEOUT} s)"
    return Ended(process.returncode, stdout or "", stderr or "")


def _lasting(body: dict[str, Any]) -> dict[str, Any]:
    """An object without what another making of it would have otherwise: identity and times."""
    meta = {key: value for key, value in body["metadata"].items() if key not in _PASSING}
    entries = [{key: value for key, value in e.items() if key != "time"} for e in meta.get("managedFields", ())]
    meta["managedFields"] = sorted(entries, key=lambda e: json.dumps(e, sort_keys=True))
    spec = body.get("spec")
    if isinstance(spec, dict) and "clusterIP" in spec:  # the server deals them out
        body = {**body, "spec": {**spec, "clusterIP": "", "clusterIPs": []}}
    return {**body, "metadata": meta}
