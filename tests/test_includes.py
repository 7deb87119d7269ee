"""A spec of several files: what is joined, what is refused, and where it is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfspec.kustomize import render as render_tree
from kfspec.pipeline import build
from kfspec.views.human import render
from kfspec.yamlio import load as reading

HEAD = "apiVersion: kfspec.dev/v1alpha1\nproject: p\nexternals: {profiles: [t]}\ndefaults: {profile: t}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty project, the current folder."""
    monkeypatch.chdir(tmp_path)


def said(**files: str) -> str:
    """What is said of a project of these files; `kfspec` is the spec."""
    for name, text in files.items():
        Path(f"{name}.yaml").write_text(text)
    result = build(Path("kfspec.yaml"))
    return render(result.diagnostics, result.texts)


def test_files_are_one_spec() -> None:
    spec = HEAD + "extends: platform.yaml\ninclude: [a.yaml, b.yaml]\nrequires: kfspec>=0.1\n"
    text = said(
        kfspec=spec,
        platform="kubeflow: '1.10.0'\n",
        a="volumes: {x: {size: 1Gi}}\n",
        b="volumes: {y: {size: 1Gi}}\nenvironments: {prod: {volumes: {x: {size: 2Gi}}}}\n",
    )
    assert text == "no findings\n"
    objects = build(Path("kfspec.yaml")).environments["prod"]
    assert {r.ref.name: r.body["spec"]["resources"]["requests"]["storage"] for r in objects} == {"x": "2Gi", "y": "1Gi"}


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "a circle": (
        {"kfspec": HEAD + "include: [a.yaml]\n", "a": "include: [b.yaml]\n", "b": "include: [a.yaml]\n"},
        "error[KF053]: the files include each other in a circle: a.yaml -> b.yaml -> a.yaml\n"
        " --> b.yaml:1:11   include[0]\n1 | include: [a.yaml]\n  |           ^^^^^^\n",
    ),
    "a setting in an included file": (
        {"kfspec": HEAD + "include: [a.yaml]\n", "a": "project: other\n"},
        "error[KF054]: an included file cannot say 'project'\n"
        " --> a.yaml:1:1   project\n1 | project: other\n  | ^^^^^^^\n  = help: say it in the including file\n",
    ),
    "an item in two files": (
        {"kfspec": HEAD + "include: [a.yaml]\nvolumes: {x: {size: 1Gi}}\n", "a": "volumes: {x: {size: 1Gi}}\n"},
        "error[KF055]: 'volumes.x' is declared in two files\n"
        " --> a.yaml:1:11   volumes.x\n1 | volumes: {x: {size: 1Gi}}\n  |           ^\n"
        "  = note: first declared here (kfspec.yaml:6:11)\n  = help: keep one of them\n",
    ),
    "no requirement": (
        {"kfspec": HEAD + "requires: '>=0.3'\n"},
        "error[KF056]: 'requires' cannot be '>=0.3'\n"
        " --> kfspec.yaml:5:11   requires\n5 | requires: '>=0.3'\n  |           ^^^^^^^\n  = help: write 'kfspec>=0.3'\n",
    ),
    "a block in an extended file": (
        {"kfspec": HEAD + "extends: a.yaml\n", "a": "notebooks: {}\n"},
        "error[KF058]: an extended file cannot share 'notebooks'\n"
        " --> a.yaml:1:1   notebooks\n1 | notebooks: {}\n  | ^^^^^^^^^\n"
        "  = help: extends takes kubeflow, components, platform, policies, defaults\n",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_refused(case: str) -> None:
    files, answer = WRONG[case]
    assert said(**files) == f"{answer}\n1 error\n"


def test_a_file_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 100)
    text = said(kfspec=HEAD + "# " + "x" * 100)
    assert text.startswith("error[KF003]: the file is larger than")


def test_two_copied_files_of_one_name() -> None:
    for folder in ("x", "y"):
        Path(folder).mkdir()
        Path(folder, "s.yaml").write_text("a: 1\n")
    spec = HEAD + "environments: {prod: {files: [x/s.yaml, y/s.yaml]}}\n"
    Path("kfspec.yaml").write_text(spec)
    built = build(Path("kfspec.yaml"))
    _, found = render_tree(built.project or "", built.base, built.environments, built.files)
    assert [(d.code, d.message) for d in found] == [
        ("KF403", "'y/s.yaml' and 'x/s.yaml' would be the same file in the overlay")
    ]
