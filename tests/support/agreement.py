"""`make agreement`: our verdicts beside those of upstream's own admission, recorded for Kubeflow 1.10.0."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from kfspec.catalog import release
from kfspec.diagnostics import Diagnostics, format_path
from kfspec.resource import ObjectRef, Resource
from kfspec.verification import verify


class Verdict(NamedTuple):
    """One recorded manifest, and what both sides say."""

    kind: str
    sample: str
    mutation: str
    admitted: bool
    message: str
    found: Diagnostics

    @property
    def agrees(self) -> bool:
        """Whether both refuse or both admit."""
        return self.admitted == (not self.found)


def verdicts(shared: Path, *, admission_only: bool = True) -> Iterator[Verdict]:
    """Every recorded manifest, judged."""
    known, _ = release("1.10.0")
    assert known is not None
    with (shared / "admission" / "kubeflow-1.10.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            row: dict[str, Any] = json.loads(line)
            body = row["object"]
            resource = Resource(ObjectRef("", str(body.get("kind")), "", ""), body, {})
            found = verify([resource], known, admission_only=admission_only)
            kind = str(body.get("kind"))
            yield Verdict(kind, row["sample"], row["mutation"], row["admitted"], row["message"], found)


def main() -> None:
    """Print the table per kind, and the disagreements."""
    from tests.conftest import SHARED

    rows = list(verdicts(SHARED))
    print(f"{'kind':<26}{'manifests':>10}{'agree':>8}{'ours only':>11}{'theirs only':>13}")
    for kind in sorted({row.kind for row in rows}):
        mine = [row for row in rows if row.kind == kind]
        agree = sum(row.agrees for row in mine)
        strict = sum(row.admitted and not row.agrees for row in mine)
        print(f"{kind:<26}{len(mine):>10}{agree / len(mine):>8.1%}{strict:>11}{len(mine) - agree - strict:>13}")
    total = sum(row.agrees for row in rows)
    print(f"{'all':<26}{len(rows):>10}{total / len(rows):>8.1%}")
    if "-v" in sys.argv:
        for row in rows:
            if not row.agrees:
                ours = [f"{d.code} {format_path(d.path)}: {d.message}" for d in row.found]
                print(f"{row.kind} {row.sample} {row.mutation}\n  ours:   {ours}\n  theirs: {row.message[:300]}")


if __name__ == "__main__":
    main()
