# Every target installs its dependencies first, in .venv only.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Without cached bytecode, every start of Airflow compiles for 5 s.
export PYTHONDONTWRITEBYTECODE :=

PYTHON ?= python3
UV_VERSION := 0.13.9
# One more than two cores, since some tests wait for Airflow rather than for a core.
WORKERS ?= 3
SOURCE ?= simulated
RECORDED ?=
PORT ?= 8080

BIN := .venv/bin
STAMP := .venv/.installed
TOOLS := .venv/.installed-tools
SOURCE_FLAGS := --source $(SOURCE) $(if $(RECORDED),--recorded $(RECORDED))

.PHONY: help setup run up test test-slow coverage bi bench lint format lock clean distclean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20
	@echo "  SOURCE=simulated|live|recorded  RECORDED=folder (see warehouse/docs/operate.md)  PORT=8080 (of make up)"

setup: $(TOOLS) ## Create .venv with the project and its test and lint tools

# $(call install,file): install pinned packages and check their hashes.
define install
@if $(BIN)/python -m uv --version >/dev/null 2>&1; then \
  $(BIN)/python -m uv pip install --python $(BIN)/python --require-hashes -r $(1); \
else \
  $(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r $(1); \
fi
endef

# The stamp is written last, so an interrupted installation is repeated.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	@echo "[1/4] virtual environment in .venv"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "[2/4] installer (uv $(UV_VERSION))"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) \
	  || echo "      uv could not be installed; using pip instead, which takes about a minute"
	@echo "[3/4] $$(grep -c '==' requirements.lock) pinned packages, with hash checks"
	$(call install,requirements.lock)
	@echo "[4/4] this project, editable"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(TOOLS): $(STAMP) tests/requirements.lock
	@echo "test and lint tools, $$(grep -c '==' tests/requirements.lock) pinned packages in all"
	$(call install,tests/requirements.lock)
	@touch $@

run: $(STAMP) ## Load the last week, run the hourly DAG, print the headline (SOURCE=, RECORDED=)
	@$(BIN)/liq quickstart $(SOURCE_FLAGS)

up: $(STAMP) ## Run the Airflow scheduler and UI on loopback, hourly (SOURCE=, RECORDED=, PORT=)
	@exec $(BIN)/liq up $(SOURCE_FLAGS) --port $(PORT)

# One polars thread per process: the tests already use all cores.
test: export POLARS_MAX_THREADS = 1
test: $(TOOLS) ## Run the quick tests in parallel
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not slow"

test-slow: $(TOOLS) ## Run the slow tests: Airflow, browsers, kills and installs
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m slow

coverage: $(TOOLS) ## Run the quick tests and fail if their branch coverage has fallen
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not slow" --cov --cov-report=term

bi: $(TOOLS) ## Test the BI connections, including Apache Superset, which this target installs
	@$(BIN)/python -m pytest tests/bi --override-ini norecursedirs=

bench: $(TOOLS) ## Run the benchmarks
	@$(BIN)/python -m pytest tests/bench -q -s

lint: $(TOOLS) ## Check style, types, import directions and table names
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/test_architecture.py -k "not planted"

format: $(TOOLS) ## Format the code and apply lint fixes
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

EXPORT = $(BIN)/python -m uv export --quiet --frozen --no-emit-project --no-header --no-annotate --group build
lock: $(STAMP) ## Pin the newest versions allowed by pyproject.toml
	@$(BIN)/python -m uv lock --quiet
	@$(EXPORT) --extra airflow --extra pipeline --extra simulator --output-file requirements.lock
	@$(EXPORT) --all-extras --output-file tests/requirements.lock
	@rm -f uv.lock

clean: ## Remove liquidation-data and caches
	@rm -rf liquidation-data .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build
	@find . -path ./.venv -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean ## Remove .venv too
	@rm -rf .venv *.egg-info
