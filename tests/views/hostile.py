"""Plans in which everything that others write is out to do harm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from kfspec.diagnostics import Diagnostic, Note, Pos, Severity
from kfspec.kinds.base import Outcome
from kfspec.live import APPLIERS, Conflict, Source, Verb
from kfspec.planning import Action, Change, Delta, Plan, Reason, Said, Service, ServiceStep
from kfspec.resource import ObjectRef

NASTY = (
    "\x1b[2J\x1b]0;owned\x07",
    "\x9b31m",
    "\u202egnp.exe\u2066",
    "a\r\nb\x00\x08",
    "\ud800 lone",
    "</script><script>alert(1)</script>",
    "<!-- --> --><img src=x onerror=alert(1)>",
    "\"><b title='x'>",
    "-->",
    "--",
    "@octocat see #1, GH-2, o/r#3 and @org/team",
    "[click](https://evil.example/) ![x](//evil.example/a.png)",
    "https://evil.example/ www.evil.example ana@example.com",
    "| a | b |\n|---|---|",
    "`a` ``` b\n```\n# c\n~~~",
    "````````",
    "*x* __y__ ~~z~~ $\\sqrt{2}$ :tada:",
    "</summary></details><h1>x</h1>",
    "&lt;b&gt; &#60;i&#62; \\<u>",
    "\n\n- [ ] x\n> q\n\n    code",
    " " * 300 + "x",
    "日本語 " * 90,
    "`" * 400,
    "x" * 5000,
    "",
)


def build(made: Callable[..., Any], *fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Values of a NamedTuple; `st.builds` would look its annotations up, and finds no strategy for Any."""
    return st.tuples(*fields).map(lambda drawn: made(*drawn))


texts = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=20)), min_size=0, max_size=3).map("".join)
names = texts.filter(bool)
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=8,
)
refs = build(ObjectRef, texts, names, texts, names)
places = st.tuples(texts, st.integers(1, 10**6)).map(lambda drawn: Pos(drawn[0], drawn[1], 3, drawn[1], 9))
deltas = build(
    Delta,
    st.sampled_from(("add", "remove", "replace")),
    texts,
    values,
    values,
    st.lists(texts, max_size=2).map(tuple),
    st.booleans(),
)
changes = build(
    Change,
    refs,
    st.sampled_from(Action),
    st.sampled_from(Reason),
    texts,
    st.lists(build(Said, texts, st.sampled_from(Outcome), texts), max_size=3).map(tuple),
    st.lists(deltas, max_size=4).map(tuple),
    st.lists(build(Conflict, texts, texts), max_size=3).map(tuple),
    st.lists(refs, max_size=2).map(tuple),
    texts,
    st.none() | places,
    st.sampled_from(("", "stage-1", "stage-2")) | texts,
    st.sampled_from(Verb),
    st.booleans(),
    st.booleans(),
)
problems = build(
    Diagnostic,
    st.sampled_from(("KF501", "KF502")),
    st.sampled_from(Severity),
    texts,
    st.lists(texts, max_size=2).map(tuple),
    st.none() | places,
    st.none() | texts,
    st.lists(build(Note, texts, st.none() | places), max_size=2).map(tuple),
)
services = build(
    Service,
    st.sampled_from(("kfp", "model-registry")),
    names,
    names,
    st.lists(
        build(ServiceStep, st.sampled_from(("create", "archive", "enable")), names, texts, texts, texts), max_size=3
    ).map(tuple),
    st.lists(problems, max_size=2).map(tuple),
    st.booleans(),
)
plans = build(
    Plan,
    names,
    names,
    st.sampled_from(sorted(APPLIERS.values())),
    st.sampled_from(Source),
    st.lists(changes, max_size=6, unique_by=lambda change: change.ref).map(tuple),
    st.lists(problems, max_size=3).map(tuple),
    texts,
    st.one_of(st.none(), st.lists(services, max_size=3).map(tuple)),
)
