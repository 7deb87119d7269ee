"""What the SDK compiles has no fault, whatever reads it; and every reference in it is missed when it is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kfspec.diagnostics import Note
from kfspec.diagnostics import Path as DocumentPath
from kfspec.ir.checking import check
from kfspec.ir.identity import identity
from kfspec.ir.package import load, told_at
from tests.ir.compile import SOURCES, compile_all
from tests.ir.editing import Change, changed, documents, package_of, shown, text_of

REFERENCES = frozenset(
    {
        "executorLabel",
        "producerTask",
        "producerSubtask",
        "outputParameterKey",
        "outputArtifactKey",
        "componentInputParameter",
        "componentInputArtifact",
        "inputParameter",
        "itemInput",
    }
)


def references(name: str) -> list[Change]:
    """Every place of a package that names something else in it."""

    def walk(value: object, path: DocumentPath, platform: bool) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                if key == "taskOutputParameter" and "pvcNameParameter" in value:
                    continue  # the older form of the same reference, which KFP reads only where the newer one lacks
                walk(item, (*path, key), platform)
        elif isinstance(value, list):
            for n, item in enumerate(value):
                walk(item, (*path, n), platform)
        elif path[-1] in REFERENCES or path[-2:] == ("componentRef", "name") or path[-2:-1] == ("dependentTasks",):
            found.append(Change(path, platform=platform))

    found: list[Change] = []
    package = package_of(text_of(name))
    walk(package.spec.value, (), False)
    if package.platform is not None:
        walk(package.platform.value, (), True)
    return found


ALL = tuple((name, change) for name in SOURCES for change in references(name))


@pytest.mark.parametrize("name", SOURCES)
def test_a_compiled_pipeline_has_no_fault(name: str) -> None:
    assert check(package_of(text_of(name)), "2.17.0") == ()


@pytest.mark.parametrize("name", SOURCES)
def test_a_compiled_pipeline_has_no_fault_as_json(name: str) -> None:
    parts = [json.dumps(document.value, indent=1) for document in documents(text_of(name))]
    assert check(package_of("\n---\n".join(parts)), "2.17.0") == ()


def test_there_are_many_references() -> None:
    assert len(ALL) > 200


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(place=st.sampled_from(ALL), word=st.text("abcdefgh", min_size=1, max_size=9))
def test_a_wrong_reference_is_found_once_by_its_name(place: tuple[str, Change], word: str) -> None:
    name, change = place
    wrong = f"no-{word}"
    found = check(package_of(changed(text_of(name), change._replace(value=wrong))), "2.17.0")
    assert [(d.code, f"'{wrong}'" in d.message) for d in found] == [("KF313", True)], [d.message for d in found]


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    place=st.sampled_from([p for p in ALL if not isinstance(p[1].path[-2], int) and p[1].path[-2] != "dependentTasks"])
)
def test_a_lost_reference_is_found(place: tuple[str, Change]) -> None:
    name, change = place
    found = check(package_of(changed(text_of(name), change)), "2.17.0")
    unset = {"KF318"} if change.platform else set()  # settings may be left out, and their parameter is unused then
    assert {d.code for d in found} <= {"KF311", "KF313", "KF315", "KF317"} | unset
    assert len(found) == 1, [d.message for d in found]


def test_what_an_older_server_lacks_is_told() -> None:
    assert [shown(d) for d in check(package_of(text_of("recent")), "2.5.0")] == [
        "KF319 drops warning 82: KFP has 'downloadToWorkspace' in an importer from 2.15 on; this platform has 2.5",
        "KF319 drops 192: KFP has 'workspace' in the pipeline's settings from 2.14 on; this platform has 2.5",
    ]
    literals = Change(
        ("root", "inputDefinitions", "parameters", "run", "parameterType"), "STRING\n        literals: [a, manual]"
    )
    text = changed(text_of("recent"), literals)
    assert check(package_of(text), "2.17.0") == ()
    assert "KF319 refuses 182: KFP has 'literals' in an input parameter from 2.16 on; this platform has 2.15" in [
        shown(d) for d in check(package_of(text), "2.15.0")
    ]


@pytest.mark.parametrize("name", sorted(set(SOURCES) - {"dynamic", "recent", "platform"}))
def test_most_of_it_suits_the_oldest_server(name: str) -> None:
    assert check(package_of(text_of(name)), "2.4.1") == ()


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("", "the package holds no pipeline"),
        ("--- \n", "the package holds no pipeline"),
        ("- a\n", "a document of the package is no mapping"),
        ("a: 1\n", "a document of the package is neither a pipeline nor a platform spec"),
        (
            "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\n",
            "the package is an Argo Workflow, which kfp 1 compiled",
        ),
        (
            "apiVersion: pipelines.kubeflow.org/v2beta1\nkind: PipelineVersion\n",
            "the package is a PipelineVersion object, not the pipeline in it",
        ),
        ("root: {}\n---\nroot: {}\n", "the package holds a second pipeline"),
        ("root: {}\n---\nplatforms: {}\n---\nplatforms: {}\n", "the package holds a second platform spec"),
        ("platforms: {kubernetes: {}}\n", "the package holds no pipeline"),
    ],
)
def test_what_is_no_package_is_told(text: str, finding: str) -> None:
    package, found = load(documents(text))
    assert package is None
    assert [(d.code, d.message) for d in found] == [("KF310", finding)]


def test_a_finding_is_told_where_the_spec_names_the_package() -> None:
    found = check(package_of(changed(text_of("exits"), Change(("pipelineInfo", "name"), "A"))), "2.5.0")
    (told,) = told_at(found, ("pipelines", "train", "package"))
    assert told.pos is None
    assert told.path == ("pipelines", "train", "package")
    assert told.notes == (Note("pipelineInfo.name", found[0].pos),)


def test_the_packages_are_what_the_sdk_compiles(tmp_path: Path) -> None:
    kfp = pytest.importorskip("kfp")
    if not kfp.__version__.startswith("2.17."):
        pytest.skip(f"the packages come from kfp 2.17, and {kfp.__version__} is installed")
    compile_all(tmp_path)
    for name in SOURCES:
        fresh = (tmp_path / f"{name}.yaml").read_text()
        assert identity(package_of(fresh)) == identity(package_of(text_of(name)))
