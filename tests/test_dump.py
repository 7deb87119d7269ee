"""dump: what it writes, every reader reads back."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kfspec.yamlio.dump import dump
from kfspec.yamlio.load import load

TRICKY = (
    "y n on off yes no null ~ true 017 0o17 0x1F 1e5 1_000 12:30 12:30:45 2001-01-01 = << .inf 1.5 -3 +1 . .. - -- ? "
    "? a|: x|a: b|a #b|#a|a:|:a|&a|*a|!a|%a|@a|`a|{a|[a|]|}|,|a,b|'|\"|a'b|a\"b| a|a |a\tb|\\|a\\n| |"
).replace(" ", "|").split("|") + ["", " lead", "trail ", "a: b", "a #b", "key: [1, 2]", "tab\there", "é", "\x85", "\xa0x",
    "\u2028", "\ufeff", "\U0001f600", "two\nlines", "two\nlines\n", "two\n\n\nlines\n\n", "\nlead", " sp\nx", "x \ny", "a\tb\nc",
    "- a\n- b\n", "# c\nx", "\x01", "nul\x00l", "a\rb", "a\r\nb", "---", "...", "--- x", "0b1", "1__0", "0.1e", "e5", "a b: c"]  # fmt: skip

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(TRICKY),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(TRICKY), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


def ruamel_value(text: str) -> Any:
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True).load(io.StringIO(text))


@settings(max_examples=400, deadline=None)
@given(json_values)
def test_our_reader_and_pyyaml_read_back_what_was_written(value: Any) -> None:
    text = dump(value)
    documents, found = load(text.encode(), "x.yaml")
    assert found == ()
    read = documents[0].value if documents else None
    assert json.dumps(read, sort_keys=True) == json.dumps(value, sort_keys=True)
    kubectl_documents, found = load(text.encode(), "x.yaml", dialect="kubectl")
    assert found == ()
    assert (kubectl_documents[0].value if kubectl_documents else None) == value
    assert yaml.load(text, Loader=yaml.CSafeLoader) == value


@settings(max_examples=150, deadline=None)
@given(json_values)
def test_ruamel_reads_back_what_was_written(value: Any) -> None:
    assert ruamel_value(dump(value)) == value


@pytest.mark.parametrize("text", TRICKY)
def test_a_tricky_string_stays_a_string(text: str) -> None:
    written = dump({text: text, "list": [text]})
    assert yaml.load(written, Loader=yaml.CSafeLoader) == {text: text, "list": [text]}
    assert load(written.encode(), "x")[0][0].value == {text: text, "list": [text]}


def test_kubectl_reads_back_every_tricky_string(tmp_path: Path) -> None:
    unwritable = ("\x00", "\ufeff", "\x85")  # kustomize's own output of these is not what it read
    data = {f"k{n}": text for n, text in enumerate(TRICKY) if not any(c in text for c in unwritable)}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": data}
    (tmp_path / "x.yaml").write_text(dump(body), encoding="utf-8")
    (tmp_path / "kustomization.yaml").write_text(dump({"resources": ["x.yaml"]}))
    kubectl = Path(sys.executable).parent / "kubectl"
    done = subprocess.run([kubectl, "kustomize", str(tmp_path)], capture_output=True, check=True)
    assert load(done.stdout, "kubectl", dialect="kubectl")[0][0].value["data"] == data


def test_the_layout_is_the_one_people_write() -> None:
    value = {
        "spec": {
            "list": [{"value": "1", "name": "A"}, ["x", []], {}],
            "script": "set -e\npython train.py\n",
            "n": 1e-05,
        },
        "metadata": {"labels": {"b": "2", "a": "yes"}, "name": "x"},
        "kind": "Job",
        "apiVersion": "batch/v1",
    }
    assert dump(value) == (
        "apiVersion: batch/v1\n"
        "kind: Job\n"
        "metadata:\n"
        "  name: x\n"
        "  labels:\n"
        '    a: "yes"\n'
        '    b: "2"\n'
        "spec:\n"
        "  list:\n"
        "  - name: A\n"
        '    value: "1"\n'
        "  -\n"
        "    - x\n"
        "    - []\n"
        "  - {}\n"
        '  "n": 1.0e-05\n'
        "  script: |\n"
        "    set -e\n"
        "    python train.py\n"
    )
