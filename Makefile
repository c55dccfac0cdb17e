# Every target sets up what it needs; nothing is installed outside .venv.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Where bytecode may not be kept, every start of Airflow compiles for 5 s.
export PYTHONDONTWRITEBYTECODE :=

PYTHON ?= python3
UV_VERSION := 0.13.9
# One more than two cores: some tests wait for Airflow, and not for a core.
WORKERS ?= 3
SOURCE ?= simulated
RECORDED ?=
PORT ?= 8080

BIN := .venv/bin
STAMP := .venv/.installed
SOURCE_FLAGS := --source $(SOURCE) $(if $(RECORDED),--recorded $(RECORDED))

.PHONY: help setup run up test test-slow bi bench lint format lock clean distclean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20
	@echo "  SOURCE=simulated|live|recorded  RECORDED=folder  PORT=8080 (of make up)"

setup: $(STAMP) ## Make .venv from requirements.lock

# What numba has compiled is found again by its own file only, not by those that it calls: another version begins anew.
# The stamp is written last, so an installation that was cut short is done again.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	@echo "[1/4] virtual environment in .venv"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "[2/4] installer (uv $(UV_VERSION))"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) \
	  || echo "      uv could not be installed; pip will do, in about a minute"
	@echo "[3/4] $$(grep -c '==' requirements.lock) pinned packages, checked against their hashes"
	@if $(BIN)/python -m uv --version >/dev/null 2>&1; then \
	  $(BIN)/python -m uv pip install --python $(BIN)/python --require-hashes -r requirements.lock; \
	else \
	  $(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements.lock; \
	fi
	@echo "[4/4] this project, editable"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

run: $(STAMP) ## Fill the last week, run the hourly DAG, print the headline (SOURCE=, RECORDED=)
	@$(BIN)/liq quickstart $(SOURCE_FLAGS)

up: $(STAMP) ## Airflow with its scheduler and UI on loopback, hourly (SOURCE=, RECORDED=, PORT=)
	@exec $(BIN)/liq up $(SOURCE_FLAGS) --port $(PORT)

# A thread a process: those of polars would only take turns.
test: export POLARS_MAX_THREADS = 1
test: $(STAMP) ## The tests, in parallel
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not slow"

test-slow: $(STAMP) ## Those that wait for Airflow, browsers, kills and installs
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m slow

bi: $(STAMP) ## The BI routes, Apache Superset among them, which is installed for it
	@$(BIN)/python -m pytest tests/bi --override-ini norecursedirs=

bench: $(STAMP) ## Measure: what an hour costs, and how that grows
	@$(BIN)/python -m pytest tests/bench -q -s

lint: $(STAMP) ## Style, types, the direction of imports, one name per table
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/test_architecture.py -k "not planted"

format: $(STAMP) ## Put the code into the form that lint asks for
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: $(STAMP) ## Pin the newest versions that fit pyproject.toml
	@$(BIN)/python -m uv lock --quiet
	@$(BIN)/python -m uv export --frozen --no-emit-project --no-header --no-annotate --all-extras \
	  --format requirements-txt --output-file requirements.lock --quiet
	@rm -f uv.lock

clean: ## Remove what runs have made: data, Airflow's home, caches
	@rm -rf warehouse/data .airflow .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build
	@find . -path ./.venv -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean ## And .venv
	@rm -rf .venv *.egg-info
