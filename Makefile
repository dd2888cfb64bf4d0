# Two commands do everything on a fresh machine: `make report` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COMPILE := uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --no-strip-extras --generate-hashes \
	--no-header --no-annotate --no-emit-index-url

.PHONY: report test lint types unit bench goldens docs tables lock clean

report: $(VENV)/report.installed # 3 is a report in which a venue is missing: written all the same
	$(BIN)/harmonize report --out report --fetch --budget 90 || [ $$? -eq 3 ]

test: lint types unit

lint: $(VENV)/test.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/test.installed
	$(BIN)/mypy

unit: $(VENV)/test.installed
	$(BIN)/python -m pytest --numprocesses=auto --cov --cov-report=term

bench: $(VENV)/test.installed
	$(BIN)/python -m tests.bench

goldens: $(VENV)/test.installed
	$(BIN)/python -m tests.support.goldens

tables: $(VENV)/test.installed
	$(BIN)/python -m tests.support.recorded_tables

docs: $(VENV)/test.installed
	$(BIN)/python -m tests.support.venue_fields
	$(BIN)/python -m docs.generate

lock: # what is installed for use is a part of what the tests ran with
	$(COMPILE) --group dev --output-file requirements-dev.lock
	$(COMPILE) --group build --constraint requirements-dev.lock --output-file requirements.lock

clean:
	rm -rf $(VENV) report .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/report.installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/test.installed: requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@
