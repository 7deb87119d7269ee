"""Mistakes, as people make them: what is said, where, with which exit status, and that nothing is written."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kfspec import cli

HEAD = "apiVersion: kfspec.dev/v1alpha1\nproject: p\nprofiles: {t: {owner: a}}\ndefaults: {profile: t}\n"
"""Four lines that every spec of these tests begins with."""

LONG = "a" * 46


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit status and everything printed."""
    monkeypatch.setattr(sys, "argv", ["kfspec", *arguments])
    status = cli.run()
    out, err = capsys.readouterr()
    return status, out + err


CASES: dict[str, tuple[str, str]] = {
    "an empty file": (
        "",
        "error[KF050]: 'kfspec.yaml' is empty\n"
        " --> kfspec.yaml:1:1\n1 | \n  | ^\n"
        "  = help: begin with 'apiVersion: kfspec.dev/v1alpha1'\n",
    ),
    "a list": (
        "- a\n",
        "error[KF050]: a spec is a mapping, not a list or a single value\n --> kfspec.yaml:1:1\n1 | - a\n  | ^^^\n",
    ),
    "a tab for indentation": (
        HEAD + "volumes:\n\tdata: {size: 1Gi}\n",
        "error[KF004]: a tab is used for indentation\n"
        " --> kfspec.yaml:6:1\n6 |  data: {size: 1Gi}\n  | ^\n"
        "  = help: indent with spaces\n",
    ),
    "a key given twice": (
        HEAD + "volumes:\n  data: {size: 1Gi}\n  data: {size: 2Gi}\n",
        "error[KF005]: the key 'data' is given twice\n"
        " --> kfspec.yaml:7:3\n7 |   data: {size: 2Gi}\n  |   ^^^^\n"
        "  = note: first given here (kfspec.yaml:6:3)\n"
        "  = help: keep one of them\n",
    ),
    "an unknown block": (
        HEAD + "notebook: {}\n",
        "error[KF101]: unknown field 'notebook' in the spec\n"
        " --> kfspec.yaml:5:1   notebook\n5 | notebook: {}\n  | ^^^^^^^^\n"
        "  = help: did you mean 'notebooks'?\n",
    ),
    "environments as a list": (
        HEAD + "environments: [dev, prod]\n",
        "error[KF103]: 'environments' must be a mapping of names to changes\n"
        " --> kfspec.yaml:5:15   environments\n5 | environments: [dev, prod]\n  |               ^^^^^^^^^^^\n"
        "  = help: environments: {dev: {}, prod: {}}\n",
    ),
    "an unknown field three levels down": (
        HEAD + "inferenceServices:\n  s:\n    predictor:\n      model:\n        modelFormat: sklearn\n"
        "        storageUri: gs://a\n        readinessProbe: {httpGet: {path: /, prot: 80}}\n",
        "error[KF101]: unknown field 'prot' in 'httpGet'\n"
        "  --> kfspec.yaml:11:45   inferenceServices.s.predictor.model.readinessProbe.httpGet.prot\n"
        "11 |         readinessProbe: {httpGet: {path: /, prot: 80}}\n"
        "   |                                             ^^^^\n"
        "   = help: did you mean 'port'?\n",
    ),
    "a wrong type": (
        HEAD
        + "inferenceServices: {s: {predictor: {minReplicas: two, model: {modelFormat: sklearn, storageUri: gs://a}}}}\n",
        "error[KF103]: 'minReplicas' must be a whole number, not 'two'\n"
        " --> kfspec.yaml:5:50   inferenceServices.s.predictor.minReplicas\n"
        "5 | inferenceServices: {s: {predictor: {minReplicas: two, model: {modelFormat: sklearn, storageUri: gs://a}}}}\n"
        "  |                                                  ^^^\n"
        "  = help: a whole number, as 2\n",
    ),
    "a wrong type in a field of ours": (
        HEAD + "notebooks: {n: {image: a, podDefaults: yes}}\n",
        "error[KF103]: 'podDefaults' must be a list, not 'yes'\n"
        " --> kfspec.yaml:5:40   notebooks.n.podDefaults\n"
        "5 | notebooks: {n: {image: a, podDefaults: yes}}\n"
        "  |                                        ^^^\n"
        "  = help: write a list: [yes]\n",
    ),
    "a bad quantity": (
        HEAD + "volumes: {v: {size: 20gi}}\n",
        "error[KF122]: 'size' is no quantity: '20gi'\n"
        " --> kfspec.yaml:5:21   volumes.v.size\n5 | volumes: {v: {size: 20gi}}\n"
        "  |                     ^^^^\n"
        "  = help: did you mean '20Gi'?\n",
    ),
    "a bad name": (
        HEAD + "volumes: {My_Data: {size: 1Gi}}\n",
        "error[KF130]: 'My_Data' cannot be a name: it takes lower-case letters, digits and '-', begins and ends with a "
        "letter or digit\n"
        " --> kfspec.yaml:5:11   volumes.My_Data\n5 | volumes: {My_Data: {size: 1Gi}}\n"
        "  |           ^^^^^^^\n"
        "  = help: did you mean 'my-data'?\n",
    ),
    "a name too long once hashed": (
        HEAD + f"trainingJobs:\n  {LONG}: {{kind: PyTorchJob, image: a, workers: 2}}\n",
        f"error[KF380]: the name has 46 characters; with its hash and '-worker-1' a PyTorchJob may have 45\n"
        f" --> kfspec.yaml:6:3   trainingJobs.{LONG}\n6 |   {LONG}: {{kind: PyTorchJob, image: a, workers: 2}}\n"
        f"  |   {'^' * 46}\n"
        "  = help: shorten it by 1\n",
    ),
    "a reference to nothing": (
        HEAD + "volumes: {features: {size: 1Gi}}\nnotebooks: {n: {image: a, volumeMounts: {feature: /data}}}\n",
        "error[KF203]: 'notebooks.n' refers to volume 'feature', which is not declared\n"
        " --> kfspec.yaml:6:42   notebooks.n.volumeMounts.feature\n"
        "6 | notebooks: {n: {image: a, volumeMounts: {feature: /data}}}\n"
        "  |                                          ^^^^^^^\n"
        "  = help: did you mean 'features'?\n",
    ),
    "a profile that is not there": (
        HEAD + "volumes: {v: {profile: s, size: 1Gi}}\n",
        "error[KF201]: profile 's' is not declared\n"
        " --> kfspec.yaml:5:24   volumes.v.profile\n5 | volumes: {v: {profile: s, size: 1Gi}}\n"
        "  |                        ^\n"
        "  = help: declare it under 'profiles', or under 'externals: {profiles: [...]}'\n",
    ),
    "vars in a circle": (
        HEAD + 'vars: {a: "${vars.b}", b: "${vars.a}"}\n',
        "error[KF064]: the vars use each other in a circle: a -> b -> a\n"
        ' --> kfspec.yaml:5:11   vars.a\n5 | vars: {a: "${vars.b}", b: "${vars.a}"}\n'
        "  |           ^^^^^^^^^^^\n",
    ),
    "an undefined var": (
        HEAD + 'vars: {bucket: gs://a}\nvolumes: {v: {size: "${vars.bukket}"}}\n',
        "error[KF060]: the var 'bukket' is not defined\n"
        ' --> kfspec.yaml:6:21   volumes.v.size\n6 | volumes: {v: {size: "${vars.bukket}"}}\n'
        "  |                     ^^^^^^^^^^^^^^^^\n"
        "  = help: did you mean 'bucket'?\n",
    ),
    "an override of nothing": (
        HEAD
        + "notebooks: {explore: {image: a}}\nenvironments: {dev: {}, prod: {notebooks: {explor: {env: {A: b}}}}}\n",
        "error[KF105]: environment 'prod' changes 'notebooks.explor', which the spec does not declare\n"
        " --> kfspec.yaml:6:44   notebooks.explor\n"
        "6 | environments: {dev: {}, prod: {notebooks: {explor: {env: {A: b}}}}}\n"
        "  |                                            ^^^^^^\n"
        "  = note: in environment prod\n"
        "  = help: did you mean 'explore'?\n",
    ),
    "two items that are one object": (
        HEAD + "resources:\n  a: {apiVersion: v1, kind: ConfigMap, metadata: {name: x}}\n"
        "  b: {apiVersion: v1, kind: ConfigMap, metadata: {name: x}}\n",
        "error[KF106]: 'resources.b' and 'resources.a' both compile to ConfigMap/t/x\n"
        " --> kfspec.yaml:7:3   resources.b\n7 |   b: {apiVersion: v1, kind: ConfigMap, metadata: {name: x}}\n"
        "  |   ^\n"
        "  = note: the first is made here (kfspec.yaml:6:3)\n"
        "  = help: give one of them another name or another profile\n",
    ),
    "short and long form at once": (
        HEAD + "notebooks: {n: {image: a, resources: {cpu: 2, limits: {memory: 1Gi}}}}\n",
        "error[KF340]: 'resources' mixes the short form ('cpu') and the long form ('limits')\n"
        " --> kfspec.yaml:5:39   notebooks.n.resources.cpu\n"
        "5 | notebooks: {n: {image: a, resources: {cpu: 2, limits: {memory: 1Gi}}}}\n"
        "  |                                       ^^^\n"
        "  = help: write 'requests' and 'limits', or 'cpu' alone\n",
    ),
    "a credential": (
        HEAD + "notebooks: {n: {image: a, env: {API_TOKEN: 9f8e7d6c5b4a}}}\n",
        "error[KF350]: the value of 'API_TOKEN' looks like a credential, by the variable's name\n"
        " --> kfspec.yaml:5:44   notebooks.n.env.API_TOKEN\n"
        "  = help: keep it in a Secret: API_TOKEN: {valueFrom: {secretKeyRef: {name: ..., key: ...}}}\n",
    ),
    "a file outside of the project": (
        HEAD + "include: [../other.yaml]\n",
        "error[KF052]: '../other.yaml' leaves the project\n"
        " --> kfspec.yaml:5:11   include[0]\n5 | include: [../other.yaml]\n"
        "  |           ^^^^^^^^^^^^^\n"
        "  = help: only files below {root} are read\n",
    ),
    "a newer kfspec wanted": (
        HEAD + "requires: kfspec>=99\n",
        "error[KF057]: the spec requires kfspec>=99, and this is kfspec 0.1.0\n"
        " --> kfspec.yaml:5:11   requires\n5 | requires: kfspec>=99\n"
        "  |           ^^^^^^^^^^\n"
        "  = help: install a version of kfspec >=99\n",
    ),
    "an unknown release": (
        HEAD + 'kubeflow: "1.9"\n',
        "error[KF120]: there is no release '1.9'\n"
        ' --> kfspec.yaml:5:11   kubeflow\n5 | kubeflow: "1.9"\n'
        "  |           ^^^^^\n"
        "  = help: one of: 1.10, 1.11, 1.10.0, 1.10.2, 1.11.0, 26.03\n",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_said_where_it_stands(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text, wanted = CASES[name]
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "other.yaml").write_text("volumes: {}\n")
    (project / "kfspec.yaml").write_text(text)
    monkeypatch.chdir(project)
    expected = f"{wanted.replace('{root}', str(project))}\n1 error\n"
    assert run(monkeypatch, capsys, "validate") == (1, expected)
    assert run(monkeypatch, capsys, "compile") == (1, expected)
    assert sorted(p.name for p in project.iterdir()) == ["kfspec.yaml"]


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00", "error[KF002]: the file is binary\n"),
        (b"a: \xff\n", "error[KF002]: byte 0xff is not UTF-8\n"),
        ("a: b\n".encode("utf-16"), "error[KF002]: the file is UTF-16, not UTF-8\n"),
    ],
)
def test_a_file_that_is_no_text(
    data: bytes, wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kfspec.yaml").write_bytes(data)
    monkeypatch.chdir(tmp_path)
    status, text = run(monkeypatch, capsys, "validate")
    assert (status, text.splitlines(keepends=True)[0]) == (1, wanted)


def test_a_missing_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, capsys, "validate") == (
        1,
        "error[KF001]: cannot read 'kfspec.yaml': No such file or directory\n --> kfspec.yaml:1:1\n"
        "  = help: run it where kfspec.yaml is, or name the file\n\n1 error\n",
    )


GOOD = HEAD + "volumes: {v: {size: 1Gi}}\n"


def test_a_directory_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file stands where the directory should be, which stops root too."""
    (tmp_path / "kfspec.yaml").write_text(GOOD)
    (tmp_path / "overlays").write_text("mine")
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, capsys, "compile") == (
        1,
        "error[KF400]: 'overlays' is a file, and stands where a directory must be\n --> overlays:1:1\n\n1 error\n",
    )
    assert (tmp_path / "overlays").read_text() == "mine"


def test_an_output_that_leaves_the_project_through_a_symlink(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    project.mkdir()
    outside.mkdir()
    (project / "kfspec.yaml").write_text(GOOD)
    (project / "overlays").symlink_to(outside)
    monkeypatch.chdir(project)
    assert run(monkeypatch, capsys, "compile") == (
        1,
        "error[KF400]: 'overlays' is a symlink that leads out of the project\n --> overlays:1:1\n\n1 error\n",
    )
    assert list(outside.iterdir()) == []


def test_two_specs_that_are_one_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").write_text(
        GOOD.replace("project: p", "project: q").replace("profiles: {t: {owner: a}}", "externals: {profiles: [t]}")
    )
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, capsys, "compile", "a.yaml", "b.yaml") == (
        1,
        "error[KF106]: 'b.yaml' and 'a.yaml' both compile to PersistentVolumeClaim/t/v in 'default'\n"
        " --> b.yaml:1:1\n1 | apiVersion: kfspec.dev/v1alpha1\n  | ^\n"
        "  = help: let one of them declare it, and the other name it under 'externals'\n\n1 error\n",
    )
    assert not (tmp_path / "overlays").exists()


def test_an_environment_that_nobody_declares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kfspec.yaml").write_text(GOOD + "environments: {dev: {}, prod: {}}\n")
    monkeypatch.chdir(tmp_path)
    status, text = run(monkeypatch, capsys, "validate", "-e", "prd")
    assert (status, text.splitlines()[-1]) == (2, "Error: no spec declares the environment 'prd'; did you mean 'prod'?")
