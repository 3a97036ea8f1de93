# `make demo` runs the main job on the bundled tables; `make test` checks everything.
# Both make their own virtual environment and need nothing but Python 3.11, pip and make.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test test-lowest clean

demo: $(BIN)/python
	$(INSTALL) .
	$(BIN)/archcost demo

test: $(BIN)/python
	$(INSTALL) '.[test]'
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -p archcost
	$(BIN)/mypy tests/api/test_types.py
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest -n auto

# Quick tests with the lowest versions that pyproject.toml declares, except torch (constraints.txt).
LOWEST := .venv-lowest/bin
test-lowest:
	$(PYTHON) -m venv .venv-lowest
	$(LOWEST)/python -m pip install --quiet --disable-pip-version-check uv
	$(LOWEST)/uv pip install --quiet --python $(LOWEST)/python --resolution lowest-direct \
		-c constraints.txt . 'pytest>=8' 'hypothesis>=6.100'
	$(LOWEST)/python -m pytest -q -o filterwarnings=default tests/api/test_prediction.py \
		tests/datasets/test_table_files.py tests/training/test_sqlite_store.py

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) .venv-lowest build *.egg-info mlflow.db .mlflow.db.* mlruns mlartifacts
