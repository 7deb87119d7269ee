"""The loop that a process belongs to: the object whose pod it runs in, as the compiled pods say."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from kfspec.cluster.transport import Client

VARIABLE = "KFSPEC_EVENT_OBJECT"
"""`batch/v1/CronJob/<namespace>/<name>`: where Events go, and beside which the Lease is. Not set outside of a cluster."""


class Home(NamedTuple):
    """The object."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def uid(self, client: Client) -> str | None:
        """Its uid; None where it is not there, or may not be read. Raises ClusterError."""
        from kfspec.cluster.transport import path_of

        answer = client.request("GET", path_of(self.api_version, f"{self.kind.lower()}s", self.namespace, self.name))
        return str(answer.body["metadata"]["uid"]) if answer.ok else None


def named(text: str) -> Home | None:
    """What the variable's value names; None where it is not of that form."""
    parts = text.rsplit("/", 3)
    return Home(*parts) if len(parts) == 4 and all(parts) else None


def wrong(text: str) -> str:
    """What is wrong with a value that names nothing."""
    return f"{VARIABLE} is '{text}', and is to be like batch/v1/CronJob/<namespace>/<name>"
