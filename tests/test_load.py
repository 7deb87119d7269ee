"""Reading: YAML 1.2 in a spec, kubectl's YAML in manifests, and every mistake with its place."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kfspec.diagnostics import Pos
from kfspec.document import locate, source_text
from kfspec.manifests import check_manifests
from kfspec.yamlio import flow
from kfspec.yamlio import load as loader
from kfspec.yamlio.load import load
from kfspec.yamlio.marks import Node

SCALARS = {
    "on": ("on", True),
    "no": ("no", False),
    "y": ("y", True),
    "yes": ("yes", True),
    "true": (True, True),
    "017": (17, 15),
    "0o17": (15, 15),
    "0x1F": (31, 31),
    "0b11": ("0b11", 3),
    "1_000": ("1_000", 1000),
    "12:30": ("12:30", "12:30"),
    "2001-01-01": ("2001-01-01", "2001-01-01"),
    "1e3": (1000.0, 1000.0),
    ".5": (0.5, 0.5),
    "~": (None, None),
    "null": (None, None),
    "": (None, None),
    "+5": (5, 5),
    "123456789012345678901": (123456789012345678901, 123456789012345678901),
    "1.10": (1.1, 1.1),
    "NaN": ("NaN", "NaN"),
    "'on'": ("on", "on"),
    '"017"': ("017", "017"),
}
"""Text -> its value in a spec, and to kubectl."""


@pytest.mark.parametrize("text", SCALARS)
def test_scalars(text: str) -> None:
    data = f"a: {text}\n".encode()
    spec, kubectl = SCALARS[text]
    for dialect, wanted in (("spec", spec), ("kubectl", kubectl)):
        documents, _ = load(data, "x", dialect=dialect)  # type: ignore[arg-type]
        assert documents[0].value == {"a": wanted}
        assert type(documents[0].value["a"]) is type(wanted)


def test_what_kubectl_reads_otherwise_is_said() -> None:
    _, found = load(b"a: yes\nb: 017\nc: true\n1: x\n", "m.yaml", dialect="kubectl")
    assert [(d.code, d.message, d.pos, d.hint) for d in found] == [
        (
            "KF013",
            "kubectl reads yes as true",
            Pos("m.yaml", 1, 4, 1, 7),
            'write "yes" in quotes, if the text is meant',
        ),
        (
            "KF013",
            "kubectl reads 017 as 15",
            Pos("m.yaml", 2, 4, 2, 7),
            'write 15, which everybody reads, or "017" in quotes, if the text is meant',
        ),
    ]


def test_a_scalar_that_kubectl_reads_otherwise_and_the_field_refuses_is_one_mistake(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {legacy: y}}\ndata: {flag: yes}\n"
    (tmp_path / "m.yaml").write_text(text)
    found = check_manifests([str(tmp_path / "m.yaml")]).diagnostics
    assert [(d.code, d.message, d.pos and d.pos[1:3], d.hint) for d in found] == [
        ("KF103", "'legacy' must be a string, not true", (3, 38), 'write "y" in quotes, if the text is meant'),
        ("KF103", "'flag' must be a string, not true", (4, 14), 'write "yes" in quotes, if the text is meant'),
    ]


MISTAKES: dict[str, tuple[bytes, list[tuple[str, str, tuple[int, int]]]]] = {
    "a key given twice": (b"a: 1\nb:\n  c: 1\n  c: 2\na: 2\n", [("KF005", "the key 'c' is given twice", (4, 3)), ("KF005", "the key 'a' is given twice", (5, 1))]),
    "tags": (b"a: !!str 5\nb: !Ref x\nc: !!set {x: }\n", [("KF011", "the tag '!!str' is not read", (1, 4)), ("KF011", "the tag '!Ref' is not read", (2, 4)), ("KF011", "the tag '!!set' is not read", (3, 4))]),
    "keys that are no strings": (b"1: a\ntrue: b\n~: c\n", [("KF006", "the key 1 is not a string", (1, 1)), ("KF006", "the key true is not a string", (2, 1)), ("KF006", "the key ~ is not a string", (3, 1))]),
    "a collection as key": (b"? [a]\n: 1\n", [("KF006", "a key must be a string, not a collection", (1, 3))]),
    "an alias inside of what it names": (b"a: &a [*a]\n", [("KF009", "the alias '*a' stands inside what it names", (1, 8))]),
    "an alias of nothing": (b"a: *b\n", [("KF009", "the alias '*b' names no anchor", (1, 4))]),
    "a merge key": (b"a: &a {x: 1}\nb:\n  <<: *a\n", [("KF010", "the merge key '<<' is not read", (3, 3))]),
    "no number": (b"a: .inf\n", [("KF012", "'.inf' is no number that JSON has", (1, 4))]),
    "a number too large": (b"a: 1e999\n", [("KF012", "'1e999' is no number that JSON has", (1, 4))]),
    "a tab": (b"a:\n\tb: 1\n", [("KF004", "a tab is used for indentation", (2, 1))]),
    "an open bracket": (b"a: [1, 2\nb: 3\n", [("KF004", "a '[' is not closed, or a ',' is missing", (1, 4))]),
    "an open quote": (b"a: 'x\nb: y\n", [("KF004", "a quote is not closed", (1, 4))]),
    "a comma left out": (b"a: [1, {b: 2} 3]\n", [("KF004", "a '[' is not closed, or a ',' is missing", (1, 15))]),
    "a star": (b"a: [*]\n", [("KF004", "a '*' begins an alias, and a name must follow", (1, 5))]),
    "an exclamation mark": (b"a: [!b]\n", [("KF004", "a '!' begins a tag", (1, 5))]),
    "a second colon": (b"a: b: c\n", [("KF004", "a ':' where no key can stand", (1, 5))]),
    "after a byte order mark": (b"\xef\xbb\xbfa: 1\na: 2\n", [("KF005", "the key 'a' is given twice", (2, 1))]),
    "with CRLF": (b"a: 1\r\nb: 2\r\na: 3\r\n", [("KF005", "the key 'a' is given twice", (3, 1))]),
    "an unprintable character": (b"a: \x07\n", [("KF002", "an unprintable character: U+0007", (1, 4))]),
    "deep nesting": (b"[" * 120 + b"]" * 120, [("KF007", "the document is nested more than 100 levels deep", (1, 101))]),
    "a YAML 1.1 directive": (b"%YAML 1.1\n---\na: 1\n", []),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_has_its_place(name: str) -> None:
    data, wanted = MISTAKES[name]
    _, found = load(data, "x")
    assert [(d.code, d.message, (d.pos.line, d.pos.column)) for d in found if d.pos] == wanted


def test_an_alias_bomb_is_answered_at_once() -> None:
    bomb = "a: &a [1,1,1,1,1,1,1,1,1]\n"
    for n in range(1, 9):
        here, before = chr(97 + n), chr(96 + n)
        bomb += f"{here}: &{here} [{','.join([f'*{before}'] * 9)}]\n"
    _, found = load(bomb.encode(), "x")
    assert [(d.code, d.pos) for d in found] == [("KF008", Pos("x", 7, 11, 7, 13))]


def test_marks_survive_anchors_merges_and_lists_of_documents() -> None:
    text = b"base: &b {image: a, env: {X: 1}}\nmine:\n  <<: *b\n  image: c\n---\nsecond: 1\n"
    documents, _ = load(text, "m", dialect="kubectl")
    assert documents[0].value["mine"] == {"image": "c", "env": {"X": 1}}
    assert locate(documents[0], ("mine", "env", "X")) == Pos("m", 1, 30, 1, 31)
    assert locate(documents[1], ("second",), at_key=True) == Pos("m", 6, 1, 6, 7)
    assert source_text(documents[0], ("mine", "image")) == "c"


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_nothing_that_a_file_can_hold_raises(data: bytes) -> None:
    for dialect in ("spec", "kubectl"):
        documents, found = load(data, "x", dialect=dialect)  # type: ignore[arg-type]
        assert all(d.pos is not None for d in found)
        assert isinstance(documents, tuple)


@pytest.mark.corpus
def test_samples_read_as_ruamel_reads_them_and_damage_never_raises(shared: Path) -> None:
    from ruamel.yaml import YAML

    rng = random.Random(1)
    for path in sorted((shared / "samples").glob("*.yaml")):
        data = path.read_bytes()
        documents, found = load(data, path.name)
        assert found == ()
        assert [d.value for d in documents] == [v for v in YAML(typ="safe", pure=True).load_all(io.BytesIO(data)) if v]
        for _ in range(10):
            at = rng.randrange(len(data))
            damaged = data[:at] + bytes([rng.choice(b"\t:-[]{}&*!|>'\"%@`#\n\x00\xff")]) + data[at + rng.randrange(3) :]
            load(damaged, path.name, dialect=rng.choice(["spec", "kubectl"]))  # type: ignore[arg-type]


def _tree(node: Node) -> Any:
    children = node.children
    if isinstance(children, dict):
        return node.at, node.keys, {key: _tree(child) for key, child in children.items()}
    return node.at, node.keys, [_tree(child) for child in children] if isinstance(children, list) else None


def _read_twice(text: str, dialect: Any) -> bool:
    """Whether the reader by lines took the text; if so, libyaml must say the same, with nothing to report."""
    fast = loader.by_lines(text, "x", dialect)
    if fast is None:
        return False
    slow = loader.by_events(text, "x", dialect)
    assert slow[1] == ()
    assert len(slow[0]) == 1
    assert repr(fast[0][0].value) == repr(slow[0][0].value)  # tells 1 from 1.0 and from True, and the order of keys
    assert _tree(fast[0][0].marks) == _tree(slow[0][0].marks)
    return True


_PIECES = st.sampled_from(
    ["a:", "b:", "c.d/e:", "on:", "1:", "- ", "-", " ", "  ", "\n", "\n  ", "\n    ", "\n- ", "\n  - ", "x", "x y", "5", "no", "1e3", ".inf"]
    + ["'q'", '"q"', '"\\n"', "'it''s'", "#", " # note", ":", ": ", "{a: 1}", "[1, {b: 2}]", "[", "}", "&a ", "*a", "!t ", "|", "> ", "---", "...", "%", "<<: ", "\t", "\u00e9", "\u2028"]
)  # fmt: skip


@settings(max_examples=3000, deadline=None)
@given(st.lists(_PIECES, max_size=14).map("".join), st.sampled_from(["spec", "kubectl"]))
def test_reading_by_lines_is_reading_by_events(text: str, dialect: str) -> None:
    if not loader._decode(text.encode(), "x")[1]:
        _read_twice(text, dialect)


_FLOW = st.sampled_from(
    ["{", "}", "[", "]", ", ", ",", "a: ", "b: ", "a:", "x", "x y", " ", "5", "1.0", "no", "null", "~", "gs://b/c", "a.b/c@d: ", "on: ", "1: "]
    + ["'q'", '"q"', "''", '"\\n"', "'it''s'", " # note", "#", ": ", ":", "-", "-1", "- ", "?", "? ", "&a ", "*a", "!t ", "|", "%", "<<: ", "12:30", "0o7", ".5", ".inf"]
)  # fmt: skip


@settings(max_examples=3000, deadline=None)
@given(st.sampled_from(["{}", "[]"]), st.lists(_FLOW, max_size=9).map("".join), st.sampled_from(["spec", "kubectl"]))
def test_a_flow_collection_reads_as_by_events(brackets: str, inside: str, dialect: str) -> None:
    _read_twice(f"k: {brackets[0]}{inside}{brackets[1]}", dialect)
    _read_twice(f"- {brackets[0]}{inside}{brackets[1]} # note", dialect)


def test_what_people_write_needs_no_libyaml() -> None:
    text = (
        "a: {cpu: 2, memory: 8Gi, b: {c: [dev, prod]}}\nb: []\nc: {}\n"
        "d: [gs://x/y, 'q r', \"${vars.a}\", hello world, -x] # n\n"
    )
    for line, taken in zip(text.splitlines(), (True, True, True, False), strict=True):
        assert (flow.read(line[3:], "x", 1, 4, loader._certain) is not None) is taken
        assert _read_twice(f"{line}\n", "spec")


@pytest.mark.corpus
def test_most_real_files_are_read_by_lines(shared: Path) -> None:
    paths = sorted((shared / "samples").glob("*.yaml"))
    taken = [path for path in paths if _read_twice(path.read_text(), "kubectl")]
    assert len(taken) / len(paths) > 0.6
