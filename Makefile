# Every target sets up what it needs: a virtual environment in .venv, made anew when pyproject.toml changes.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do $$p -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin

.PHONY: help demo test check golden snapshot mistakes bench soak docs sandbox agreement
help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1  /p' Makefile
demo: .venv/run.stamp ## Validate, break and compile a whole project: kfspec in one minute
	@$(BIN)/python -m examples.demo
test: .venv/dev.stamp ## Run all tests, those against a real API server included
	@$(BIN)/pytest -n auto --dist loadfile $(ARGS)
check: .venv/dev.stamp ## Formatting, lint and types
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy
golden: .venv/dev.stamp ## Compile the examples into overlays/ again, and what differs between releases
	@$(BIN)/kfspec compile examples/*/kfspec.yaml -o overlays
	@$(BIN)/python -m tests.releases.test_differences
snapshot: .venv/dev.stamp ## Record the showcase's cluster of a week ago again, from a real API server
	@$(BIN)/python -m tests.support.showcase
mistakes: .venv/dev.stamp ## Print what tests/mistakes answers anew, where the answers changed
	@$(BIN)/python -m tests.test_mistakes
bench: .venv/dev.stamp ## Measure kfspec beside its peers, as ratios
	@$(BIN)/python -m bench $(ARGS)
soak: .venv/dev.stamp ## Interrupt `kfspec apply` at each of its requests, not only at some as the tests do
	@KFSPEC_SOAK=all $(BIN)/pytest tests/soak $(ARGS)
docs: .venv/dev.stamp ## Generate docs/codes.md, docs/kinds.md and schemas/kfspec.schema.json
	@$(BIN)/python -m tests.support.docs
sandbox: .venv/dev.stamp ## Start a local API server with the CRDs and print its kubeconfig
	@$(BIN)/python -m tests.support.sandbox
agreement: .venv/dev.stamp ## Compare verdicts with the recorded admission of Kubeflow 1.10, per kind
	@$(BIN)/python -m tests.support.agreement

.venv/run.stamp: pyproject.toml
	@test -n "$(PYTHON)" || { echo "kfspec needs Python 3.11 or newer" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e . && touch $@
.venv/dev.stamp: .venv/run.stamp
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' && touch $@
