# The commands of customer_assets; `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
PORT ?= 3000
SOURCES ?=
BIN := .venv/bin
READY := .venv/.ready
# A bare dg needs Dagster's home to be there.
PREPARE_HOME := $(BIN)/python -c 'from customer_assets.history import prepare_dagster_home as p; p()'
UV := uv==0.13.9

help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(READY) ## Install what is needed into .venv (the other commands do it by themselves)

$(READY): requirements.lock pyproject.toml .ci/install
	@PYTHON="$(PYTHON)" UV="$(UV)" .ci/install
	@touch $@

demo: $(READY) ## Run every source end to end, on samples if there are no files [SOURCES=a,b]
	@$(BIN)/python -m customer_assets demo $(if $(SOURCES),--sources $(SOURCES)) $(if $(VERBOSE),--verbose)

dev: $(READY) ## Open the Dagster UI on this machine [PORT=3000]
	@$(BIN)/python -m customer_assets dev --port $(PORT)

test: $(READY) ## Run all tests
	@$(BIN)/python -m pytest -n 2 --dist loadfile

verify: $(READY) ## Random histories, and how often intervals cover (three quarters of an hour)
	@CUSTOMER_ASSETS_EXAMPLES=1000 $(BIN)/python -m pytest \
		customer_assets_tests/behavior/test_incremental.py
	@CUSTOMER_ASSETS_EXAMPLES=100 $(BIN)/python -m pytest \
		customer_assets_tests/test_landing_histories.py
	@CUSTOMER_ASSETS_NIGHTS=60 $(BIN)/python -m pytest -s \
		customer_assets_tests/nights/test_many_nights.py
	@$(BIN)/python -m customer_assets_tests.evidence

spark-test: $(READY) ## Compare Spark with DuckDB on a cluster of this machine, and kill parts of it
	@.ci/spark
	@CUSTOMER_ASSETS_SPARK_TEST=cluster $(BIN)/python -m pytest customer_assets_tests/spark

drill: $(READY) ## Kill runs and see what is left: lost, wrong, stuck [KILLS=100]
	@$(BIN)/python -W ignore -m customer_assets_tests.drill $(if $(KILLS),--kills $(KILLS))

bench: $(READY) ## Measure against a scan and a script by hand: docs/benchmarks.md [ROWS= LONG=1]
	@$(BIN)/python -m customer_assets_tests.bench $(if $(ROWS),--rows $(ROWS)) \
		$(if $(LONG),--long)

check: $(READY) ## Format, lint, type-check, and hold the rooms apart
	@$(BIN)/ruff format $(if $(CI),--check) .
	@$(BIN)/ruff check $(if $(CI),,--fix) .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --no-cache
	@$(PREPARE_HOME)
	@$(BIN)/dg check yaml customer_assets/defs
	@# As it is loaded where Spark computes: no statement may be one that Spark takes otherwise.
	@CUSTOMER_ASSETS_ENGINE=sc://127.0.0.1:15002 $(BIN)/dg check defs

reference: $(READY) ## Write docs/reference: sources, tables and commands, as they describe themselves
	@$(BIN)/python .ci/reference

lock: ## Resolve the dependencies into requirements.lock, and list their licences in docs/
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --extra dev --extra postgres --extra notebook --extra spark pyproject.toml -o requirements.lock
	@$(BIN)/python .ci/licences > docs/dependencies.md

clean: $(READY) ## Remove everything generated, and nothing that was landed; not while a run writes
	@$(BIN)/python -m customer_assets clean

.PHONY: help install demo dev test verify spark-test drill bench check reference lock clean
