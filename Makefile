# The commands a newcomer needs. Everything is installed into .venv, nothing elsewhere.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: demo test test-slow lint bench clean

# Installs once, and again when the pins or the project's metadata change.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(VENV)/.installed
	@$(BIN)/annexa demo

# Tests wait for servers as often as they compute, hence two workers a core.
WORKERS ?= $(shell expr 2 \* $$(getconf _NPROCESSORS_ONLN))

test: $(VENV)/.installed
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow"

# Whole commands under every fault, killed runs, thousands of changed stores, the demo.
test-slow: $(VENV)/.installed
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m slow

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@cd $(CURDIR) && $(BIN)/annexa --config config.example.toml checks lint

bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .annexa-demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
