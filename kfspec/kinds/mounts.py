"""What the API server says of the mounts of a pod, whichever kind the pod is for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Path
from kfspec.wording import did_you_mean


def mount_findings(pod: dict[str, Any], at: Path) -> Iterator[Diagnostic]:
    """Mounts that the API server refuses when the pod is made (core/v1 validation, kubernetes v1.37)."""
    known = [v.get("name") for v in pod.get("volumes") or () if isinstance(v, dict)]
    for group in ("initContainers", "containers"):
        for n, container in enumerate(pod.get(group) or ()):
            mounts = container.get("volumeMounts") if isinstance(container, dict) else None
            if not mounts:
                continue
            paths: dict[str, int] = {}
            for m, mount in enumerate(mounts):
                path = (*at, group, n, "volumeMounts", m)
                where, volume_name = mount.get("mountPath"), mount.get("name")
                if volume_name not in known:
                    hint = did_you_mean(str(volume_name), [str(k) for k in known], "declare it under 'volumes'")
                    yield finding("KF324", f"the pod has no volume '{volume_name}'", (*path, "name"), hint=hint)
                if where in paths:
                    message = f"two volumes are mounted at '{where}'"
                    yield finding("KF324", message, (*path, "mountPath"), hint="every mount needs a path of its own")
                paths.setdefault(where, m)
