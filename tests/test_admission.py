"""Our verdict beside upstream's own, recorded: a real API server with the webhooks of Kubeflow 1.10.0."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfspec.diagnostics import Severity, Upstream, format_path
from tests.support.agreement import verdicts

BLOCKS = {
    "Profile",
    "Notebook",
    "InferenceService",
    "PyTorchJob",
    "TFJob",
    "XGBoostJob",
    "MPIJob",
    "Experiment",
    "SparkApplication",
    "PVCViewer",
}
"""Kinds that a block makes, and that upstream judged."""


@pytest.mark.corpus
def test_every_refusal_by_schema_or_metadata_is_ours_too_and_nothing_admitted_is_refused(shared: Path) -> None:
    missed, overdone = [], []
    for row in verdicts(shared):
        if row.kind not in BLOCKS:
            continue
        where = f"{row.kind} {row.sample} {row.mutation}"
        by_schema = row.message.startswith("422") or "failed to create typed patch object" in row.message
        if by_schema and not row.found:
            missed.append(f"{where}: {row.message[:200]}")
        if row.admitted and row.found:
            overdone.append(f"{where}: {[d.message for d in row.found]}")
    assert missed == []
    assert overdone == []


@pytest.mark.corpus
def test_verdicts_agree_with_the_webhooks_for_at_least_95_percent(shared: Path) -> None:
    rows = [row for row in verdicts(shared) if row.kind in BLOCKS]
    differing = [f"{row.kind} {row.sample} {row.mutation}: {row.message[:200]}" for row in rows if not row.agrees]
    assert len(differing) <= len(rows) * 0.05, differing


@pytest.mark.corpus
def test_an_error_on_an_admitted_manifest_says_that_it_never_works_or_is_dropped(shared: Path) -> None:
    wrong = [
        f"{row.kind} {row.sample} {row.mutation}: {d.code} {format_path(d.path)} {d.message}"
        for row in verdicts(shared, admission_only=False)
        if row.admitted and row.kind in BLOCKS
        for d in row.found
        if d.severity is Severity.ERROR and d.upstream not in (Upstream.DROPS, Upstream.NEVER_WORKS)
    ]
    assert wrong == []


@pytest.mark.corpus
def test_an_admitted_sample_as_upstream_wrote_it_is_rarely_called_an_error(shared: Path) -> None:
    """What upstream's own examples do wrong is real: each one is looked at, and listed."""
    wrong = sorted(
        f"{row.sample}: {d.code} {d.message}"
        for row in verdicts(shared, admission_only=False)
        if row.admitted and row.mutation == "original" and row.kind in BLOCKS
        for d in row.found
        if d.severity is Severity.ERROR
    )
    assert wrong == []
