# Every target does the set-up it needs. `make help` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
# Java, Spark's settings and the workers' interpreter, as found by the set-up.
ENV := . var/tools/env.sh
# One process without Spark, one with: the first ends before a JVM is paid for.
LIGHT := $(filter-out tests/spark tests/data tests/support tests/__pycache__,$(patsubst %/,%,$(wildcard tests/*/)))
PYTEST := $(BIN)/python -m pytest
# A file's tests stay together: what a file makes once is made once. Spark has the machine for itself.
SIDE_BY_SIDE := -n auto --maxprocesses 4 --dist loadfile
# The installed folders of tests, or a sentence instead of pytest's usage error.
run_tests = if [ -n "$(strip $(1))" ]; then $(ENV) && $(PYTEST) $(3) $(1) $(ARGS); else echo "There are no tests in $(2) yet."; fi

.PHONY: help setup run stop sql lint fmt test test-unit test-spark test-dags test-slow bench screenshots lock clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile
	@echo "  ARGS=… is passed on to pytest: make test-unit ARGS='-k licence -x'"

setup: ## install what is needed (also done by the others); instant when nothing changed
	@bash infra/setup/bootstrap.sh

run: setup ## build the demo corpus in Airflow, show the verdicts, leave the UI up
	@$(ENV) && exec $(BIN)/corpusgate up

stop: ## end what make run started, also after a crash
	@if [ -x $(BIN)/corpusgate ] && [ -f var/tools/env.sh ]; then $(ENV) && exec $(BIN)/corpusgate down; \
	else echo "Nothing was set up here, so nothing is running."; fi

sql: setup ## ask the tables in SQL
	@$(ENV) && exec $(BIN)/corpusgate sql

lint: setup ## style, format, types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/ty check

fmt: setup ## put style and format right where that can be done by machine
	@$(BIN)/ruff check --fix . || true
	@$(BIN)/ruff format .

test: lint ## lint and every test that is not slow
	@$(call run_tests,$(LIGHT),tests/,$(SIDE_BY_SIDE))
	@$(call run_tests,$(wildcard tests/spark),tests/spark)

test-unit: setup ## rules and conventions: no Spark, no Airflow
	@$(call run_tests,$(wildcard tests/unit tests/contracts),tests/unit,$(SIDE_BY_SIDE))

test-spark: setup ## frames and jobs on one Spark session
	@$(call run_tests,$(wildcard tests/spark),tests/spark)

test-dags: setup ## DAG files, and whole runs of them
	@$(call run_tests,$(wildcard tests/dags),tests/dags)

test-slow: setup ## the tests that take minutes (Chromium is installed by apt where it is missing)
	@$(ENV) && $(PYTEST) -m slow $(ARGS)

bench: setup ## measure the steps against each other
	@if [ -f bench/run.py ]; then $(ENV) && exec $(BIN)/python bench/run.py $(ARGS); \
	else echo "There is no benchmark yet: bench/run.py is missing."; exit 2; fi

screenshots: setup ## take the tutorial's pictures from the UI that make run left up (needs Chromium)
	@$(ENV) && exec $(BIN)/python infra/docs/screenshots.py

lock: setup ## renew requirements.lock from requirements.in (ARGS=--upgrade for newer versions)
	@bash infra/setup/lock.sh $(ARGS)

clean: ## remove .venv, tools and caches; the lake and Airflow's state under var/ stay
	@rm -rf .venv var/tools .pytest_cache .ruff_cache .hypothesis .mypy_cache dist build
	@find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
	@if [ -d var ]; then echo "Kept: var/ (lake, archive, runs). Remove it by hand if you mean to."; fi
