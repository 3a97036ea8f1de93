# `make demo` runs the main job on the bundled tables; `make test` checks everything.
# Both make their own virtual environment and need nothing but Python 3.11, pip and make.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test clean

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

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) build *.egg-info mlflow.db .mlflow.db.* mlruns mlartifacts
