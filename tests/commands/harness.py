"""A folder with a spec, and the command line in it: what a user has, and what a test may look at."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tests.conftest import ROOT
from tests.support.controlplane import ControlPlane

Body = dict[str, Any]


class Done(NamedTuple):
    """A finished command; in its texts the cluster, namespaces and times are those of no run."""

    status: int
    out: str
    err: str


class Desk:
    """One user, one folder, one namespace of the cluster, which is called `team` in whatever is read here.

    `{ns}` in a spec stands for it. The project's inventory is in it, and its name ends in it, so that tests stay out of each
    other's way.
    """

    def __init__(self, plane: ControlPlane, folder: Path, namespace: str) -> None:
        self.plane = plane
        self.folder = folder
        self.namespace = namespace
        self.kubeconfig: Path | str = plane.kubeconfig

    # -- specs ------------------------------------------------------------------------------------------------

    def spec(self, text: str, name: str = "kfspec.yaml", project: str = "shop") -> None:
        """Write a spec; `apiVersion`, `project` and where the inventory is are given."""
        head = f"apiVersion: kfspec.dev/v1alpha1\nproject: {project}-{{ns}}\nplatform: {{inventoryNamespace: {{ns}}}}\n"
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((head + text).replace("{ns}", self.namespace))

    def standing(self, text: str, name: str = "kfspec.yaml", project: str = "shop") -> None:
        """The same for a spec whose objects go into the namespace, which is there already."""
        self.spec("externals: {profiles: [{ns}]}\ndefaults: {profile: {ns}}\n" + text, name, project)

    # -- commands ---------------------------------------------------------------------------------------------

    def run(self, *arguments: str) -> Done:
        """`kfspec ARGUMENTS` in the folder, piped."""
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig), "PYTHONPATH": str(ROOT), "NO_COLOR": ""}
        environment.pop("KFSPEC_DEBUG", None)
        command = [sys.executable, "-m", "kfspec", *(part.replace("{ns}", self.namespace) for part in arguments)]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        return Done(done.returncode, self.neutral(done.stdout), self.neutral(done.stderr))

    def plan(self, *arguments: str) -> dict[str, Any]:
        """The plan of `kfspec diff --format json`."""
        done = self.run("diff", "--format", "json", *arguments)
        assert done.out, (done.status, done.err)
        read: dict[str, Any] = json.loads(done.out)
        return read

    def told(self, *arguments: str) -> dict[str, tuple[str, str]]:
        """Object -> what happens to it, and why; what stays as it is is left out, but for what is kept."""
        return summary(self.plan(*arguments))

    def apply(self, *arguments: str) -> Done:
        """`kfspec apply --yes`, which must end well."""
        done = self.run("apply", "--yes", *arguments)
        assert done.status == 0, done
        return done

    def neutral(self, text: str) -> str:
        """The text without what is of this run alone."""
        text = re.sub(r"https://127\.0\.0\.1:\d+", "https://cluster", text)
        text = (
            text.replace(f"-{self.namespace}", "").replace(self.namespace, "team").replace(str(self.folder), "FOLDER")
        )
        text = re.sub(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", "UID", text)
        text = re.sub(r"-[0-9a-f]{8}\b", "-HASH", text)
        return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)", "TIME", text)

    # -- the cluster ------------------------------------------------------------------------------------------

    def get(self, path: str) -> Body | None:
        """`notebooks.kubeflow.org/v1/lab` in the namespace, `v1/configmaps/x` without a group; None where it is not there."""
        answer = self.plane.request("GET", self.path(path))
        return answer.body if answer.status == 200 else None

    def path(self, what: str) -> str:
        """The URL path of `kubeflow.org/v1/notebooks/lab` in the namespace."""
        *version, plural, name = what.split("/")
        root = f"/apis/{'/'.join(version)}" if len(version) > 1 else f"/api/{version[0]}"
        if plural == "namespaces":
            return f"{root}/namespaces/{name.replace('{ns}', self.namespace)}"
        return f"{root}/namespaces/{self.namespace}/{plural}/{name}"

    def delete(self, what: str) -> None:
        """Somebody deletes an object."""
        assert self.plane.request("DELETE", self.path(what)).status == 200

    def edit(self, what: str, patch: Any, manager: str = "kubectl-edit") -> Body:
        """Somebody changes an object: a merge patch, or a function of the object, which is written as a whole."""
        path = self.path(what)
        query = f"?fieldManager={manager}"
        if callable(patch):
            body = self.plane.request("GET", path).body
            change: Callable[[Body], None] = patch
            change(body)
            answer = self.plane.request("PUT", path + query, body)
        else:
            answer = self.plane.request("PATCH", path + query, patch, "application/merge-patch+json")
        assert answer.status == 200, answer.body
        changed: Body = answer.body
        return changed

    def status_of(self, what: str, status: Body) -> None:
        """A controller writes an object's status."""
        answer = self.plane.request(
            "PATCH", f"{self.path(what)}/status", {"status": status}, "application/merge-patch+json"
        )
        if answer.status == 404:  # a kind without that subresource
            self.edit(what, {"status": status}, "controller")
        else:
            assert answer.status == 200, answer.body

    def make(self, *bodies: Body, manager: str = "kubectl") -> None:
        """Another tool applies objects."""
        for body in bodies:
            (answer,) = self.plane.apply(
                [{**body, "metadata": {"namespace": self.namespace, **body["metadata"]}}], manager=manager
            )
            assert answer.status in (200, 201), answer.body

    def names(self, what: str) -> list[str]:
        """The names of all objects of a kind in the namespace: `kubeflow.org/v1/pytorchjobs`."""
        listed = self.plane.request("GET", self.path(f"{what}/").rstrip("/")).body["items"]
        return sorted(body["metadata"]["name"] for body in listed)


def summary(plan: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Object -> what happens to it, and why."""
    found = {named(change["object"]): (change["action"], change["reason"]) for change in plan["changes"]}
    return found | {named(kept["object"]): ("keep", kept["reason"]) for kept in plan["kept"]}


def named(ref: dict[str, str]) -> str:
    """`Notebook/lab`; names with a run's hash have it replaced."""
    name = re.sub(r"-[0-9a-f]{8}$", "-HASH", ref["name"])
    return f"{ref['kind']}/{name}"


def change_of(plan: dict[str, Any], name: str) -> dict[str, Any]:
    """The change of one object, `Notebook/lab`."""
    (found,) = (change for change in plan["changes"] if named(change["object"]) == name)
    one: dict[str, Any] = found
    return one


def effects_of(plan: dict[str, Any], name: str) -> list[str]:
    """What is said about a change."""
    return [effect["text"] for effect in change_of(plan, name)["effects"]]
