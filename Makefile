# `make app` and `make test` are all that a fresh machine with Python 3.11 needs; the rest is for people who change things.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help app test test-slow check fix bench demos messages screenshots clean

help:  ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Livecards needs Python 3.11 or newer; found " + sys.version.split()[0] + ". Choose one with: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r requirements.txt --group dev -e .
	@touch $(STAMP)

app: $(STAMP)  ## Set everything up and open the app
	$(BIN)/kb serve

test: $(STAMP)  ## Set everything up and run all tests but the slow ones
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow"

test-slow: $(STAMP)  ## The tests that train or sample for more than a few seconds
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow

check: $(STAMP)  ## Lint, types, and every figure of the bank computed anew
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/kb check --run
	$(BIN)/cog -P --check README.md

fix: $(STAMP)  ## Format, and rewrite figures of the bank that have drifted
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/kb check --run --fix
	$(BIN)/cog -P -r README.md

bench: $(STAMP)  ## Measure speed and scale, as ratios against a peer or a floor in the same run
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

demos: $(STAMP)  ## Run every demo at its defaults and print a table
	$(BIN)/kb demo check

messages: $(STAMP)  ## Collect the texts of the interface and the demos into the catalogues
	$(BIN)/python -m kb.views.messages

screenshots: $(STAMP)  ## Take the pictures of the README anew
	$(BIN)/python docs/screenshots.py

clean:  ## Remove what set-up and tests have made; never the learner's progress
	rm -rf $(VENV) *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
