# Every target works from a fresh clone. PYTHON chooses the interpreter of a new .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal

.PHONY: install demo test test-all lint docs bench

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -c constraints.txt -e '.[dev,docs]'
	touch $@

demo: install
	$(BIN)/underdraw demo --out out/demo

test: install
	$(PYTEST)
	$(MAKE) lint

test-all: install
	$(PYTEST) -m 'slow or not slow'
	$(MAKE) lint

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/pyrefly check

docs: install
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build

bench: install
	$(BIN)/python benchmarks/bench.py
