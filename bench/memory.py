"""Peak memory of a diff, stage by stage: run as a process of its own, with a spec and a kubeconfig."""

from __future__ import annotations

import gc
import resource
import sys
from pathlib import Path

LIMIT = 400


def main(spec: str, kubeconfig: str) -> None:
    """Do what `kfspec diff` does, and print the highest resident memory so far after each stage."""
    from kfspec.cluster.session import connect, target
    from kfspec.pipeline import prepare
    from kfspec.views.plan import text

    def report(stage: str) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        verdict = "ok" if peak <= LIMIT else "MISSED"
        print(f"diff, peak memory after {stage:<8} {peak:6.0f} MB   at most {LIMIT} MB {verdict}")

    gc.disable()  # as the command does
    prepared = prepare(Path(spec))
    environment = prepared.results[0]
    report("lower")
    goal = target(environment)
    assert goal is not None
    session, _ = connect(goal, Path(kubeconfig), None)
    assert session is not None
    report("connect")
    observation = session.observer.observe(goal.bodies)
    report("observe")
    plan = goal.plan(observation, session.name)
    report("plan")
    text.render(plan)
    report("render")
    assert not plan.pending, plan.pending[:3]


if __name__ == "__main__":
    main(*sys.argv[1:])
