"""Findings about a replica type that says less than all of it: they stand where the value does."""

from __future__ import annotations

from pathlib import Path

from kfspec.diagnostics import format_path
from kfspec.pipeline import build

SPEC = """\
apiVersion: kfspec.dev/v1alpha1
project: p
externals: {profiles: [t]}
defaults: {profile: t}
trainingJobs:
  train:
    kind: TFJob
    image: registry.example.com/a:1
    tfReplicaSpecs:
      Worker:
        template:
          spec:
            containers:
            - name: tensorflow
              imagePullPolicy: always
              securityContext:
                capabilities:
                  add: [IPC_LOCK]
"""


def test_of_the_container_that_the_short_form_completes(tmp_path: Path) -> None:
    spec = tmp_path / "kfspec.yaml"
    spec.write_text(SPEC)
    container = "trainingJobs.train.tfReplicaSpecs.Worker.template.spec.containers[0]"
    found = [(d.code, format_path(d.path), d.pos.line if d.pos else 0) for d in build(spec).diagnostics]
    assert found == [
        ("KF405", f"{container}.imagePullPolicy", 15),
        ("KF775", f"{container}.securityContext.capabilities.add[0]", 18),
    ]
