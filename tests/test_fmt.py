"""`kfspec fmt`: one layout, comments kept, values never changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kfspec.yamlio.dump import dump
from kfspec.yamlio.edit import reformat
from kfspec.yamlio.load import load
from tests.conftest import ROOT
from tests.test_bad_input import run

BEFORE = """\
# The head
project:   p


vars: {a: 1,b: [ {c: 2} ]}   # beside
notebooks:
    # above
    explore:
        image: "quoted"
        args:
            - a   # first

            - 'b'
        script: |
            kept


              as it is
volumes: {}



# the end
"""
AFTER = """\
# The head
project: p

vars: {a: 1, b: [{c: 2}]}   # beside

notebooks:
  # above
  explore:
    image: "quoted"
    args:
    - a   # first

    - 'b'
    script: |
      kept


        as it is
volumes: {}

# the end
"""


def test_the_layout() -> None:
    assert reformat(BEFORE.encode(), "kfspec.yaml") == (AFTER, ())


def test_it_is_idempotent_and_changes_no_value() -> None:
    specs = [*(ROOT / "examples").glob("*/kfspec.yaml"), *(ROOT / "tests" / "specs").glob("*.yaml")]
    assert len(specs) > 10
    for spec in specs:
        data = spec.read_bytes()
        text, found = reformat(data, "kfspec.yaml")
        assert found == ()
        assert text is not None
        assert load(text.encode(), "a")[0][0].value == load(data, "a")[0][0].value
        assert reformat(text.encode(), "kfspec.yaml") == (text, ())


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abc", min_size=1), VALUES, min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_value_survives_twice(value: dict[str, object]) -> None:
    text, found = reformat(dump(value).encode(), "a")
    assert (found, text is not None) == ((), True)
    assert text is not None
    assert load(text.encode(), "a")[0][0].value == value
    assert reformat(text.encode(), "a")[0] == text


def test_check_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("kfspec.yaml").write_text(BEFORE)
    Path("kfspec.yaml").chmod(0o640)
    assert run(monkeypatch, capsys, "fmt", "--check") == (1, "would lay out kfspec.yaml\n")
    assert Path("kfspec.yaml").read_text() == BEFORE
    assert run(monkeypatch, capsys, "fmt") == (0, "laid out kfspec.yaml\n")
    assert (Path("kfspec.yaml").read_text(), Path("kfspec.yaml").stat().st_mode & 0o777) == (AFTER, 0o640)
    assert run(monkeypatch, capsys, "fmt", "--check") == (0, "")


def test_what_cannot_be_read_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("kfspec.yaml").write_text("a: {b: 1\n")
    status, text = run(monkeypatch, capsys, "fmt", "kfspec.yaml", "nowhere.yaml")
    assert status == 1
    assert "error[KF004]" in text
    assert "error[KF001]: cannot read 'nowhere.yaml': No such file or directory\n" in text
    assert Path("kfspec.yaml").read_text() == "a: {b: 1\n"


def test_a_comment_that_would_be_lost_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("kfspec.yaml").write_text("a: {b: 1, # why\n  c: 2}\n")
    assert run(monkeypatch, capsys, "fmt") == (
        1,
        "error[KF073]: the layout cannot be changed without losing a comment or a value\n"
        " --> kfspec.yaml:1:1\n1 | a: {b: 1, # why\n  | ^\n"
        "  = help: comments between braces or brackets are the usual reason: move them to a line of their own above\n"
        "\n1 error\n",
    )
    assert Path("kfspec.yaml").read_text() == "a: {b: 1, # why\n  c: 2}\n"


def test_a_file_that_cannot_be_written_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("kfspec.yaml").write_text("a:   1\n")
    (tmp_path / ".kfspec.yaml.kfspec-new").mkdir()  # stands in the way, for root too
    status, text = run(monkeypatch, capsys, "fmt")
    assert status == 1
    assert text.startswith("error[KF404]: cannot write 'kfspec.yaml': ")
    assert Path("kfspec.yaml").read_text() == "a:   1\n"


DEEP = """\
jobs:   # all of them
      # the first
      train:
            env:
                  A: ~   # nothing
                  B: b
            # belongs to train
      # belongs to jobs
      tune:
            list:
                  - a: 1
                    # inside an entry
                    b: 2
                  # between entries
                  - c
# the end of jobs
more: 1
"""
LAID_OUT = """\
jobs:   # all of them
  # the first
  train:
    env:
      A:   # nothing
      B: b
    # belongs to train
  # belongs to jobs
  tune:
    list:
    - a: 1
      # inside an entry
      b: 2
    # between entries
    - c
# the end of jobs
more: 1
"""


def test_comments_go_with_what_they_stand_beside() -> None:
    assert reformat(DEEP.encode(), "kfspec.yaml") == (LAID_OUT, ())
    assert reformat(LAID_OUT.encode(), "kfspec.yaml") == (LAID_OUT, ())
