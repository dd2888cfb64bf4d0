# Two commands do everything on a fresh machine: `make report` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
# Bytecode of what the tool imports, also where Python is told not to write any; of the rest it would take 0.1 GB.
WARM := PYTHONDONTWRITEBYTECODE= $(BIN)/python -c "import aiohttp, ccxt.async_support, duckdb, jinja2, matplotlib.figure, \
	openpyxl, pandas, pyarrow.parquet, pydantic, scipy.optimize, scipy.stats, typer.testing, xlsxwriter"
COMPILE := uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --no-strip-extras --generate-hashes \
	--no-header --no-annotate --no-emit-index-url

.PHONY: report test test-all test-long lint types unit locks bench goldens docs detection tables lock clean

report: $(VENV)/report.installed # exit code 3: a venue was not observed; the report is written all the same
	@echo "Asking the venues for at most 90 seconds; where none is reachable, recordings are read."
	@$(BIN)/harmonize report --out report --fetch --timeout 90 || [ $$? -eq 3 ]
	@printf '%s\n' "" "Open report/index.html in a browser." \
		"The command line is $(BIN)/harmonize; try: $(BIN)/harmonize schedule binance BTC/USDT:USDT" \
		"To have \`harmonize\` on the path: pipx install .   or   uv tool install ."

test: lint types unit

test-all: lint types # with the long simulations and wide matrices whole, and at least 95 % of branches covered
	$(BIN)/python -m pytest --numprocesses=auto --dist=worksteal --whole --cov --cov-report=term

test-long: $(VENV)/test.installed # only the tests that `make test` runs on a sample, whole
	$(BIN)/python -m pytest --numprocesses=auto --dist=worksteal --long

lint: $(VENV)/test.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/test.installed
	$(BIN)/mypy

unit: $(VENV)/test.installed
	$(BIN)/python -m pytest --numprocesses=auto --dist=worksteal

locks: $(VENV)/test.installed # both locks resolve under old and new releases of pip
	$(BIN)/python -m tests.support.pip_releases

bench: $(VENV)/test.installed
	$(BIN)/python -m tests.bench

goldens: $(VENV)/test.installed
	$(BIN)/python -m tests.support.goldens

tables: $(VENV)/test.installed
	$(BIN)/python -m tests.support.recorded_tables

docs: $(VENV)/test.installed
	$(BIN)/python -m tests.support.venue_fields
	$(BIN)/python -m docs.generate

detection: $(VENV)/test.installed # takes some minutes
	$(BIN)/python -m docs.detection

lock: # what is installed for use is a part of what the tests ran with
	$(COMPILE) --group dev --output-file requirements-dev.lock
	$(COMPILE) --group build --constraint requirements-dev.lock --output-file requirements.lock

clean:
	rm -rf $(VENV) report .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/report.installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing the pinned dependencies into $(VENV), once: about a minute or two, 0.8 GB on disk."
	@$(PIP) --no-compile --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@$(WARM)
	@touch $@

$(VENV)/test.installed: requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing the pinned dependencies and test tools into $(VENV), once: about two minutes, 1.1 GB on disk."
	@$(PIP) --require-hashes -r requirements-dev.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@
