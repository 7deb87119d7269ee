"""`make demo`: a team's whole project, right and wrong, in one minute."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
KFSPEC = Path(sys.executable).parent / "kfspec"
BOLD, DIM, OFF = ("\x1b[1m", "\x1b[2m", "\x1b[0m") if sys.stdout.isatty() else ("", "", "")

MISTAKES = (
    ("features: /home", "feature: /home"),
    ("50Gi", "50gi"),
    ("gamma: 0.25", "gama: 0.25"),
    ("layers: {min: 2, max: 6}", "layers: {min: 6, max: 2}"),
    ("modelFormat: sklearn", "modelFormat: sklaern"),
    ("minReplicas: 3", "minReplica: 3"),
)
"""What people get wrong: a name, a unit, a setting, bounds, a value, a field. Each would be found out at run time only."""


def say(text: str) -> None:
    """A heading."""
    print(f"\n{BOLD}{text}{OFF}", flush=True)


def run(*arguments: str, cwd: Path) -> None:
    """Show a command and what it prints, as a reader would see it."""
    print(f"{DIM}$ kfspec {' '.join(arguments)}{OFF}", flush=True)
    subprocess.run([KFSPEC, *arguments], cwd=cwd, check=False)  # noqa: S603 - our own commands


def main() -> None:
    """Validate, break, compile, compare."""
    with tempfile.TemporaryDirectory(prefix="kfspec-demo-") as folder:
        work = Path(folder)
        spec = work / "kfspec.yaml"
        shutil.copytree(HERE / "fraud-detection", work, dirs_exist_ok=True)
        say("1. One file declares a team: profiles, notebooks, training, a search, a model server, two environments.")
        print("".join(f"{DIM}|{OFF} {line}\n" for line in spec.read_text().splitlines()), end="")
        say("2. It is checked against the schemas and admission rules of Kubeflow 1.10, without a cluster.")
        run("validate", cwd=work)
        say("3. Six slips, each of which Kubernetes would have told at run time, or never:")
        text = spec.read_text()
        for right, wrong in MISTAKES:
            text = text.replace(right, wrong)
        (work / "broken.yaml").write_text(text)
        run("validate", "broken.yaml", cwd=work)
        say("4. It compiles to a kustomize base and overlays that Flux, Argo CD or kubectl apply.")
        run("compile", cwd=work)
        overlay = work / "overlays" / "fraud-detection"
        for part in ("base", "dev", "prod"):
            files = [path for path in sorted((overlay / part).rglob("*.yaml")) if path.name != "kustomization.yaml"]
            patches = sum(path.name.endswith(".patch.yaml") for path in files)
            print(f"   overlays/fraud-detection/{part:<5} {len(files) - patches:>3} objects, {patches} patches")
        say("5. An overlay holds what its environment changes, and nothing else:")
        patch = overlay / "prod" / "stage-1" / "inferenceservice-scorer.patch.yaml"
        print(f"{DIM}$ cat {patch.relative_to(work)}{OFF}\n{patch.read_text()}", end="")
        say(
            "6. Before the merge, the plan tells what it will do to production, here against a recorded week-old cluster:"
        )
        run("diff", "-e", "prod", "--against", "snapshot:snapshot/prod", cwd=work)
    say("Next")
    print("   begin small: .venv/bin/kfspec validate examples/quickstart/kfspec.yaml")
    print("   .venv/bin/kfspec explain KF122     what a finding means")
    print("   .venv/bin/kfspec import DIR        a spec for the manifests that you have")
    print("   make sandbox                       a real API server, for kfspec diff and kfspec apply")
    print("   docs/kinds.md                      every block and field")


if __name__ == "__main__":
    main()
