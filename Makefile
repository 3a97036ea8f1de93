# `make demo` runs the main job on the bundled tables; `make test` checks everything;
# `make docs` builds the documentation into site/.
# All make their own virtual environment and need nothing but Python 3.11, pip and make.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# Warnings, such as a link to nowhere, are errors. The variable hides an advertisement.
SITE := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

.PHONY: demo test docs clean

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
	$(BIN)/pytest -n auto --dist worksteal
	$(SITE)

docs: $(BIN)/python
	$(INSTALL) '.[docs]'
	$(SITE)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) build site *.egg-info mlflow.db .mlflow.db.* mlruns mlartifacts
