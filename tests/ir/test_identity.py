"""A version's identity: the same for the same pipeline however it is written, another for another."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest

from kfspec.ir.checking import check
from kfspec.ir.identity import emitted, identity
from tests.ir.compile import SOURCES
from tests.ir.editing import Change, changed, documents, package_of, text_of

IDENTITIES = {
    "artifacts": "cf6750d892241c08",
    "conditions": "992d68a082bc2aac",
    "dynamic": "b4ee0817e86c6546",
    "exits": "a757575ce0723101",
    "loops": "bcbbdbd2a4c9210c",
    "nested": "0bd0c838a2fb17b3",
    "parameters": "2059835283d3e70b",
    "platform": "0ef3bc070184d430",
    "recent": "f12293480adafd27",
}


def shuffled(value: Any, rng: random.Random) -> Any:
    """The same value with its keys in another order, and numbers in their other spelling."""
    if isinstance(value, dict):
        keys = list(value)
        rng.shuffle(keys)
        return {key: shuffled(value[key], rng) for key in keys}
    if isinstance(value, list):
        return [shuffled(item, rng) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def test_identities_do_not_change() -> None:
    """They name objects in clusters: a change here would publish every pipeline again."""
    assert {name: identity(package_of(text_of(name)))[:16] for name in SOURCES} == IDENTITIES


@pytest.mark.parametrize("name", SOURCES)
def test_the_way_of_writing_does_not_count(name: str) -> None:
    text = text_of(name)
    known = identity(package_of(text))
    rng = random.Random(3)
    parts = [json.dumps(shuffled(document.value, rng)) for document in documents(text)]
    assert identity(package_of("\n---\n".join(parts))) == known
    assert identity(package_of("# a comment\n" + text)) == known
    assert identity(package_of(changed(text, Change(("sdkVersion",), "kfp-2.99.0")))) == known
    assert identity(package_of(changed(text, Change(("sdkVersion",))))) == known
    assert identity(package_of(changed(text, Change(("schemaVersion",), key="schema_version")))) == known
    assert identity(package_of(changed(text, Change(("sdkVersion",), "a\ndefaultPipelineRoot: null")))) == known


@pytest.mark.parametrize(
    "change",
    [
        Change(("pipelineInfo", "name"), "other"),
        Change(("pipelineInfo", "name"), "platform\n  description: more"),
        Change(("deploymentSpec", "executors", "exec-extract", "container", "image"), "ghcr.io/acme/extract:1.5"),
        Change(("root", "inputDefinitions", "parameters", "size", "defaultValue"), "6Gi"),
        Change(("root", "dag", "tasks", "load", "cachingOptions", "enableCache"), "false"),
        Change(
            ("platforms", "kubernetes", "deploymentSpec", "executors", "exec-load", "podMetadata", "labels", "team"),
            "other",
            platform=True,
        ),
    ],
)
def test_what_runs_counts(change: Change) -> None:
    text = text_of("platform")
    assert identity(package_of(changed(text, change))) != identity(package_of(text))


@pytest.mark.parametrize("name", SOURCES)
def test_names_of_components_and_executors_do_not_count(name: str) -> None:
    """The SDK numbers them as its maps happen to be ordered."""
    text = text_of(name)
    names = re.findall(r"^ {2}(comp-[a-z0-9-]+):$|^ {4}(exec-[a-z0-9-]+):$", text, re.M)
    rng = random.Random(4)
    other = text
    for old in {a or b for a, b in names}:
        other = re.sub(rf"(?<![a-z0-9-]){old}(?![a-z0-9-])", f"{old[:5]}{rng.randrange(10**9)}", other)
    assert other != text
    assert check(package_of(other), "2.17.0") == ()
    assert identity(package_of(other)) == identity(package_of(text))
    spec, beside = emitted(package_of(text))
    again = package_of(json.dumps(spec) + ("\n---\n" + json.dumps(beside) if beside else ""))
    # the SDK's version is gone, and nothing else that the checker would miss
    assert check(again, "2.17.0") == ()


def test_the_order_of_lists_counts() -> None:
    text = text_of("platform")
    args = ("deploymentSpec", "executors", "exec-extract", "container", "args")
    swapped = changed(changed(text, Change((*args, 0), "--limit")), Change((*args, 2), "--table"))
    assert identity(package_of(swapped)) != identity(package_of(text))


def test_what_is_sent_is_what_is_hashed() -> None:
    spec, beside = emitted(package_of(text_of("platform")))
    again = package_of(json.dumps(spec) + "\n---\n" + json.dumps(beside))
    assert emitted(again) == (spec, beside)
    assert "sdkVersion" not in spec
    assert identity(again) == identity(package_of(text_of("platform")))
    assert emitted(package_of(text_of("exits")))[1] == {}
