"""The command line as a process: streams, exit status, JSON, and what is not imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

KFSPEC = Path(sys.executable).parent / "kfspec"
QUICKSTART = ROOT / "examples" / "quickstart" / "kfspec.yaml"


def run(*arguments: object, data: bytes = b"", cwd: Path | None = None) -> tuple[int, str, str]:
    """Exit status, stdout and stderr."""
    done = subprocess.run([KFSPEC, *map(str, arguments)], input=data, capture_output=True, cwd=cwd, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_version() -> None:
    assert run("--version") == (0, "kfspec 0.1.0\n", "")


def test_help_lists_every_command() -> None:
    status, out, err = run("--help")
    assert (status, err) == (0, "")
    assert out.endswith(
        "Commands:\n"
        "  init      Begin a project, or write a spec around a script.\n"
        "  validate  Check a spec, or plain manifests, offline.\n"
        "  compile   Write a spec's kustomize base and overlays.\n"
        "  graph     Show what feeds what.\n"
        "  diff      Print what applying a spec would do.\n"
        "  apply     Do what the plan says.\n"
        "  status    Tell how ready each item is, and how its runs ended.\n"
        "  gc        Delete finished runs beyond each item's history.\n"
        "  destroy   Delete a project's objects from a cluster.\n"
        "  snapshot  Write live objects to files, for diffs without credentials.\n"
        "  watch     Repeat the diff, and tell each change.\n"
        "  sync      Make KFP or Model Registry hold what payloads say.\n"
        "  import    Write a spec for existing manifests.\n"
        "  upgrade   Tell what another release means to a spec, and rewrite it.\n"
        "  fmt       Lay out spec files; comments stay.\n"
        "  schema    Print the JSON Schema of a spec, for editors.\n"
        "  explain   Tell what a finding's code means.\n"
        "  catalog   Derive schemas from CustomResourceDefinitions.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("validat",), "there is no command 'validat'; did you mean 'validate'?"),
        (("validate", "--admission-only"), "--admission-only goes with --manifests"),
        (("validate", "--manifests"), "--manifests needs files, directories, or '-'"),
        (
            ("compile", QUICKSTART, "-e", "prod"),
            "-e goes with --stdout: base and overlays are written together, or would not fit",
        ),
        (("compile", QUICKSTART, "--stdout"), "--stdout prints one environment; say which with -e: dev, prod"),
        (("explain", "KF901"), "there is no code 'KF901'; did you mean 'KF900'?"),
    ],
)
def test_usage_errors_exit_2(arguments: tuple[str, ...], message: str) -> None:
    status, out, err = run(*arguments)
    assert (status, out, err.splitlines()[-1]) == (2, "", f"Error: {message}")


def test_findings_as_json() -> None:
    data = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndta: {}\n"
    status, out, err = run("validate", "--manifests", "-", "--format", "json", data=data)
    assert (status, err) == (1, "")
    assert json.loads(out) == {
        "formatVersion": 1,
        "diagnostics": [
            {
                "code": "KF101",
                "severity": "error",
                "message": "unknown field 'dta' in the object",
                "path": "dta",
                "file": "<stdin>",
                "line": 4,
                "column": 1,
                "endLine": 4,
                "endColumn": 4,
                "hint": "did you mean 'data'?",
                "upstream": "refuses",
                "notes": [],
            }
        ],
        "summary": {"errors": 1, "warnings": 0, "notes": 0},
    }


def test_stdout_is_the_objects_of_one_environment(tmp_path: Path) -> None:
    status, out, err = run("compile", QUICKSTART, "--stdout", "-e", "prod", cwd=tmp_path)
    assert (status, err) == (0, "")
    assert out.startswith("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: fraud\n")
    assert out.count("kfspec.dev/environment: prod") == out.count("---\n") + 1 == 9
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("option", "said"), [("-o", "-o"), ("--check", "--check")])
def test_stdout_takes_no_option_about_a_directory(option: str, said: str, tmp_path: Path) -> None:
    status, out, err = run("compile", QUICKSTART, "--stdout", option, *(["x"] if option == "-o" else []), cwd=tmp_path)
    assert (status, out) == (2, "")
    assert err.endswith(f"Error: --stdout prints, and {said} is about a directory\n")


def test_strict_makes_warnings_count(tmp_path: Path) -> None:
    spec = tmp_path / "kfspec.yaml"
    spec.write_text("apiVersion: kfspec.dev/v1alpha1\nproject: p\nprofiles: {t: {owner: a, contributors: {a: edit}}}\n")
    wanted = (
        "warning[KF303]: the owner 'a' is a contributor too\n"
        f" --> {spec}:3:41   profiles.t.contributors.a\n"
        "3 | profiles: {t: {owner: a, contributors: {a: edit}}}\n"
        "  |                                         ^\n"
        "  = help: the owner has every right already\n\n"
        "no errors, 1 warning: 4 objects in 1 environment checked\n"
    )
    assert run("validate", spec) == (0, wanted, "")
    assert run("validate", spec, "--strict") == (1, wanted, "")
    assert run("validate", spec, "--quiet") == (0, "", "")


def test_a_terminal_is_not_steered_by_what_a_file_holds(tmp_path: Path) -> None:
    spec = tmp_path / "kfspec.yaml"
    spec.write_text('apiVersion: kfspec.dev/v1alpha1\nproject: p\n"a\\eb": 1\n')
    _, out, _ = run("validate", spec)
    assert "\x1b" not in out
    assert out.startswith("error[KF101]: unknown field 'a\N{REPLACEMENT CHARACTER}b' in the spec\n")


def test_a_closed_pipe_is_no_error() -> None:
    process = subprocess.Popen([KFSPEC, "validate", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait()


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        (
            "import sys; sys.argv = ['kfspec', '--version']; import kfspec.__main__ as m; m.main()",
            ("click", "pydantic", "yaml", "json"),
        ),
        (
            f"import sys; from kfspec.cli import run; sys.argv = ['kfspec', 'validate', {str(QUICKSTART)!r}]; run()",
            (
                "kubernetes",
                "deepdiff",
                "git",
                "rich",
                "ruamel",
                "jsonschema",
                "typer",
                "kfspec.kinds.training",
                "kfspec.kinds.resources",
            ),
        ),
        (
            "import sys; from kfspec.cli import run; sys.argv = ['kfspec', 'validate', '--manifests', '-']; run()",
            ("pydantic", "kubernetes", "deepdiff", "ruamel"),
        ),
    ],
)
def test_nothing_heavy_is_imported_that_is_not_used(code: str, absent: tuple[str, ...]) -> None:
    program = f"{code}\nprint('MODULES', *[n for n in {absent!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], input=b"", capture_output=True, check=True)
    assert done.stdout.decode().splitlines()[-1] == "MODULES"


def test_two_specs_of_one_project(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("apiVersion: kfspec.dev/v1alpha1\nproject: p\n")
    status, _, said = run("compile", "a.yaml", "b.yaml", cwd=tmp_path)
    assert status == 1
    assert "error[KF107]: " in said
    assert not (tmp_path / "overlays").exists()
