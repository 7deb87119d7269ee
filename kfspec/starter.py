"""What `kfspec init` writes: a commented spec to go on from, and the gates around it.

A script is read, never run: its imports say which kind of job it is, its options which arguments it takes.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

from kfspec._version import __version__
from kfspec.credentials import env_credential
from kfspec.yamlio.dump import atom


class Stock(NamedTuple):
    """What runs a framework without an image of one's own."""

    kind: str
    image: str
    note: str = ""


_STOCK = {
    "torch": Stock("PyTorchJob", "pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime"),
    "tensorflow": Stock("TFJob", "tensorflow/tensorflow:2.18.0-gpu"),
    "jax": Stock("JAXJob", "nvcr.io/nvidia/jax:24.10-py3"),
    "paddle": Stock("PaddleJob", "paddlepaddle/paddle:2.6.2"),
    "xgboost": Stock("XGBoostJob", "registry.example.com/xgboost:1", "an image with Python and xgboost"),
}
"""Framework by its import name, the first that a script imports decides. `lightning` and others bring torch's."""

_BRINGS = {"lightning": "torch", "pytorch_lightning": "torch", "transformers": "torch", "accelerate": "torch"}
_BRINGS |= {"torchvision": "torch", "keras": "tensorflow", "flax": "jax", "optax": "jax"}


class Option(NamedTuple):
    """A command-line option of a script: `--lr`, with the text of its default and what its type is."""

    flag: str
    default: str
    type: str


class Script(NamedTuple):
    """What a script's source says of how to run it."""

    framework: str
    """A key of `_STOCK`, "" for none of them."""
    options: tuple[Option, ...]
    local: bool
    """Whether it imports modules that stand beside it."""
    required: tuple[str, ...] = ()
    """Arguments that it does not run without, and whose values nobody knows here."""


def read_script(path: Path) -> Script:
    """Look at a Python script. Raises SyntaxError or UnicodeDecodeError for what is none, OSError for what is not there."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    modules = list(dict.fromkeys(_imports(tree)))
    frameworks = [_BRINGS.get(name, name) for name in modules]
    beside = {p.stem for p in path.parent.iterdir() if p.suffix == ".py" or (p / "__init__.py").is_file()}
    return Script(
        next((name for name in frameworks if name in _STOCK), ""),
        tuple(_options(tree)),
        any(name in beside - {path.stem} for name in modules),
        tuple(_required(tree)),
    )


def _imports(tree: ast.Module) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name.split(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module.split(".")[0])
    return found


def _options(tree: ast.Module) -> list[Option]:
    """Options that `add_argument` or a click-like decorator declares with a literal default."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or getattr(node.func, "attr", "") not in ("add_argument", "option"):
            continue
        names = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        flag = next((name for name in names if name.startswith("--")), None)
        default = next((k.value for k in node.keywords if k.arg == "default"), None)
        if flag is None or not isinstance(default, ast.Constant) or isinstance(default.value, bool):
            continue
        value = default.value
        name = flag.lstrip("-").replace("-", "_").upper()
        if isinstance(value, str | int | float) and env_credential(name, str(value)) is None:
            found.append(Option(flag, str(value), type(value).__name__))
    return found


def _required(tree: ast.Module) -> list[str]:
    """Options that say so, and positional arguments that may not be left out."""
    found = []
    for node in ast.walk(tree):
        called = getattr(node.func, "attr", "") if isinstance(node, ast.Call) else ""
        if not isinstance(node, ast.Call) or called not in ("add_argument", "option", "argument"):
            continue
        names = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        said = {k.arg: k.value.value for k in node.keywords if isinstance(k.value, ast.Constant)}
        flag = next((name for name in names if name.startswith("--")), names[0] if names else "")
        positional = called != "option" and not flag.startswith("-") and said.get("nargs") not in ("?", "*")
        may = "default" in said or said.get("required") is False
        if flag and (said.get("required") is True or (positional and not may)):
            found.append(flag)
    return found


def spec_for_script(project: str, path: str, script: Script) -> str:
    """A spec around the script at `path`, relative to the spec."""
    stock = _STOCK.get(script.framework)
    name = _name(Path(path).stem)
    folder = str(Path(path).parent)
    code, command = (
        (f"{folder}/" if folder != "." else ".", Path(path).name) if script.local else (path, Path(path).name)
    )
    why = f"{path} imports {script.framework}" if stock else "one container that runs to its end"
    stock = stock or Stock(
        "PyTorchJob", "registry.example.com/train:1", f"an image with Python and what {command} imports"
    )
    leads = stock.kind in ("PyTorchJob", "XGBoostJob")  # one Master beside the workers
    lines = [
        f"# Made for {path}. `kfspec validate` checks it; `kfspec compile` writes what Flux, Argo CD or kubectl apply.",
        "apiVersion: kfspec.dev/v1alpha1",
        f"project: {project}",
        'kubeflow: "1.10"',
        "",
        "externals:",
        "  profiles: [my-team]          # the profile, and so the namespace, that you work in",
        "defaults: {profile: my-team}",
        "",
        "trainingJobs:",
        f"  {name}:",
        f"    kind: {stock.kind:<23} # {why}",
        f"    image: {stock.image}" + (f"   # {stock.note}" if stock.note else ""),
        f"    command: [python, {atom(command)}]",
    ]
    if script.options:
        lines.append("    args:")
        lines += [f"    - {atom(f'{option.flag}={option.default}')}" for option in script.options]
    if script.required:
        lines.append(f"    # args: the script requires {', '.join(script.required)} as well")
    lines += [
        f"    code: {code:<23} # local files, no image build; a change of them is a new run",
        f"    workers: {int(not leads)}                    # {'further ' * leads}machines; the script must know of them",
        "    resources: {cpu: 2, memory: 8Gi}   # gpu: 1 asks for a GPU",
    ]
    tuned = [option for option in script.options if option.type == "float" and float(option.default) > 0]
    if tuned:
        lines += _experiment(name, tuned, [option for option in script.options if option not in tuned])
    return "\n".join(lines) + "\n"


def _experiment(job: str, tuned: list[Option], fixed: list[Option]) -> list[str]:
    """Commented lines: to search the script's numbers instead of running it once."""
    parameters = []
    for option in tuned:
        value = float(option.default)
        parameters.append(f"#       {option.flag.lstrip('-')}: {{min: {value / 10:g}, max: {value * 10:g}}}")
    arguments = [f'"{o.flag}=${{trialParameters.{o.flag.lstrip("-")}}}"' for o in tuned]
    arguments += [atom(f"{o.flag}={o.default}") for o in fixed]
    return [
        "",
        "# To search for good values, take these lines in, and say above whether the job runs by itself (run: false):",
        "# experiments:",
        f"#   tune-{job}:",
        "#     objective: {type: maximize, objectiveMetricName: accuracy}   # the script prints accuracy=0.93",
        "#     algorithm: random",
        "#     maxTrialCount: 12",
        "#     parallelTrialCount: 3",
        "#     parameters:",
        *parameters,
        "#     trial:",
        f"#       trainingJob: {job}",
        f"#       args: [{', '.join(arguments)}]",
    ]


def _name(stem: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:30].strip("-")
    return name if name and name[0].isalpha() else f"run-{name}".strip("-")


def plain_spec(project: str) -> str:
    """A spec to begin with where there is no script."""
    return f"""\
# One file for a project on Kubeflow. `kfspec validate` checks it; `kfspec compile` writes what Flux, Argo CD or kubectl apply.
apiVersion: kfspec.dev/v1alpha1
project: {project}
kubeflow: "1.10"
vars: {{bucket: gs://my-bucket-dev}}

externals:
  profiles: [my-team]          # made by somebody else; or declare it under `profiles:` with its owner
defaults: {{profile: my-team}}

volumes:
  features: {{size: 10Gi}}

notebooks:
  explore:
    image: ghcr.io/kubeflow/kubeflow/notebook-servers/jupyter-scipy:v1.10.0
    resources: {{cpu: 1, memory: 4Gi}}
    workspace: 10Gi            # the home directory's volume
    volumeMounts: {{features: /home/jovyan/features}}

inferenceServices:
  scorer:
    predictor:
      minReplicas: 1
      model: {{modelFormat: sklearn, storageUri: "${{vars.bucket}}/scorer/v1"}}

environments:                  # what differs, and nothing else
  dev: {{}}
  prod:
    vars: {{bucket: gs://my-bucket-prod}}
    inferenceServices: {{scorer: {{predictor: {{minReplicas: 2}}}}}}
"""


def gates() -> dict[str, str]:
    """File -> content of the hooks and the CI job that keep a repository's spec valid and its overlays current."""
    return {
        ".pre-commit-config.yaml": """\
repos:
- repo: local
  hooks:
  - id: kfspec-validate
    name: kfspec validate
    entry: kfspec validate
    language: system
    pass_filenames: false
  - id: kfspec-compile
    name: kfspec compile --check
    entry: kfspec compile --check
    language: system
    pass_filenames: false
""",
        ".github/workflows/kfspec.yaml": f"""\
name: kfspec
on: [push, pull_request]
jobs:
  check:
    runs-on: ubuntu-latest
    steps:
    - uses: actions/checkout@v4
    - uses: actions/setup-python@v5
      with: {{python-version: "3.12"}}
    - run: pip install kfspec=={__version__}
    - run: kfspec validate --format github
    - run: kfspec compile --check
""",
    }


IGNORED = """\
# What `code:` leaves here, in the words of .gitignore.
/.github/
/.pre-commit-config.yaml
/overlays/
*.csv
*.parquet
*.ipynb
"""
"""The ignore file of a project whose code stands beside its spec."""
