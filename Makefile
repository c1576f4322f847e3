# Two commands matter: `make demo` and `make test`. Each sets up all it needs from nothing.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
WORKERS ?= 2

.PHONY: help setup demo run test test-fast test-pg test-browser lint types arch fix states law docs messages lock check clean

help: ## print this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

$(UV): requirements/uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "staydown needs Python 3.11 or newer: call make PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.lock
	@touch $(UV)

# Each group leaves a mark; the development group contains the run-time group.
$(VENV)/.run: $(UV) requirements/run.lock pyproject.toml
	@test -e $(VENV)/.dev || VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) pip install --quiet --require-hashes -r requirements/run.lock
	@test -e $(VENV)/.dev || VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(UV) requirements/dev.lock pyproject.toml
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) pip install --quiet --require-hashes -r requirements/dev.lock
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.run

setup: $(VENV)/.dev ## set up the development environment

demo: $(VENV)/.run ## the main job on made-up agencies, items and providers; ends with demo/report.html
	@rm -rf demo
	$(BIN)/staydown exercise run --scenario small --seed 1 --out demo
	@echo "open demo/report.html"

run: $(VENV)/.run ## a world to walk the path by hand in (see docs/tutorial)
	$(BIN)/staydown --home demo/hand exercise world

test: $(VENV)/.dev ## every test, on SQLite and on PostgreSQL
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-fast: $(VENV)/.dev ## core, law and reason: seconds, no input or output
	$(BIN)/python -m pytest tests/core tests/law tests/reason

test-pg: $(VENV)/.dev ## the tests that touch a store, on PostgreSQL only
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal tests/store tests/flow tests/story -k postgres

test-browser: $(VENV)/.dev ## the tests that open pages in Chromium
	$(BIN)/python -m pytest tests/browser

lint: $(VENV)/.dev ## style and security rules
	$(BIN)/ruff check src tests tools
	$(BIN)/ruff format --check src tests tools

types: $(VENV)/.dev ## mypy, strict
	$(BIN)/mypy

arch: $(VENV)/.dev ## five floors, no circle
	$(BIN)/lint-imports --no-cache

fix: $(VENV)/.dev ## mend what can be mended by machine
	$(BIN)/ruff check --fix src tests tools
	$(BIN)/ruff format src tests tools

states: $(VENV)/.dev ## draw the state tables into the docs
	$(BIN)/python -m tools.draw states --write

law: $(VENV)/.dev ## draw the map of the law, gaps included, and the clocks
	$(BIN)/python -m tools.draw law --write
	$(BIN)/python -m tools.draw clocks --write

docs: $(VENV)/.dev ## draw the reference pages from the code
	$(BIN)/python -m tools.draw all --write

drift: $(VENV)/.dev ## fail when a drawn page no longer matches the code
	$(BIN)/python -m tools.draw all

messages: $(VENV)/.dev ## refresh and compile the translations
	$(BIN)/python -m tools.messages

lock: $(UV) ## lock the dependencies again, with hashes
	@for group in uv run dev; do $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-emit-index-url --no-annotate requirements/$$group.in -o requirements/$$group.lock; done

check: lint types arch drift test ## all that CI runs

clean: ## remove what the other targets made
	rm -rf $(VENV) demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
