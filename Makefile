# The two commands of a newcomer: make demo, make test. `make help` names the others.

PYTHON ?= python3
CONFIG ?= demo/dqm.toml
ARGS ?=

BIN := .venv/bin
READY := .venv/.ready
LINKS := $(foreach link,$(PIP_FIND_LINKS),--find-links $(link))
PINS := -c constraints.txt --build-constraint constraints.txt

# Somebody else's environment must not leak into ours.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test lint benchmark benchmark-io dashboard clean

help:
	@echo "make demo        simulate some weeks of data taking, certify them, open the dashboard (SERVE=0: do not open it)"
	@echo "make test        the test suite, two to three minutes on two cores"
	@echo "make lint        style, types and the layering of the packages"
	@echo "make benchmark   certification of real runs; DQM_DATA names the folder of the data (ARGS=... for options)"
	@echo "make benchmark-io   speed of reading and reducing histograms; installs ROOT (700 MB) and other peers first"
	@echo "make dashboard   the dashboard over the demonstration (CONFIG=... for your own)"
	@echo "make clean       remove the environment, the demonstration and all caches"

demo: $(READY)
	@$(BIN)/dqm demo $(if $(filter 0,$(SERVE)),--no-serve) $(ARGS)

test: $(READY)
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(READY)
	@status=0; \
	$(BIN)/ruff check --quiet . || status=1; \
	$(BIN)/ruff format --check --quiet . || { echo "not formatted: run .venv/bin/ruff format ."; status=1; }; \
	$(BIN)/mypy || status=1; \
	$(BIN)/lint-imports --no-logo || status=1; \
	exit $$status

benchmark: $(READY)
	@[ -n "$$DQM_DATA" ] || { echo "make benchmark: set DQM_DATA to the folder of the data sets" >&2; exit 2; }
	@$(BIN)/dqm benchmark certification $(ARGS)

benchmark-io: $(READY)
	@$(BIN)/python -m pip install -q uv
	@$(BIN)/uv pip install -q --python $(BIN)/python $(LINKS) $(PINS) -e ".[peers,root]"
	@$(BIN)/dqm benchmark io $(ARGS)
	@$(BIN)/dqm benchmark kernels $(ARGS)

dashboard: $(READY)
	@$(BIN)/dqm dashboard --config $(CONFIG)

clean:
	@rm -rf .venv demo build dist .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -prune -exec rm -rf {} +

# uv is some twenty times faster than pip; where it cannot be had or cannot resolve, pip does the same installation.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "lumicert needs Python 3.11 or newer; '$(PYTHON)' is not: name one with make PYTHON=python3.11 ..." >&2; exit 1; }
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@echo "installing into .venv, once: about a minute with uv, two to five with pip"
	@if $(BIN)/python -m pip install -q -c constraints.txt uv >/dev/null 2>&1 \
	  && $(BIN)/uv pip install -q --python $(BIN)/python $(LINKS) $(PINS) --compile-bytecode -e . --group dev; \
	then :; else \
	  echo "uv cannot install here; pip takes over"; \
	  $(BIN)/python -m pip install -q -c constraints.txt pip \
	  && $(BIN)/python -m pip install -q $(PINS) -e . --group dev; \
	fi
	@touch $@
