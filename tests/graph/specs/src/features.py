"""Brought along by the nightly application of newest.yaml; a graph never runs it."""

raise SystemExit("this was run")
