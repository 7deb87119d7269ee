"""`make sandbox`: a local API server with Kubeflow's CRDs, until Ctrl-C."""

from __future__ import annotations

import signal
import sys

from kfspec.catalog import release
from kfspec.catalog.crds import crds
from tests.support.controlplane import running


def main(name: str = "1.10") -> None:
    """Start, print how to use it, wait, clean up."""
    known, found = release(name)
    if known is None:
        raise SystemExit(f"{found[0].message}; {found[0].hint}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with running() as plane:
        plane.install_crds(crds(known))
        print(f"kube-apiserver on https://127.0.0.1:{plane.port} with the CRDs of Kubeflow {known.name}")
        print(f"\n  export KUBECONFIG={plane.kubeconfig}\n")
        print("kubectl is in .venv/bin; Ctrl-C stops the server and removes everything.", flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main(*sys.argv[1:2])
