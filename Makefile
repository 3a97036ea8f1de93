# `make demo` runs the main job on the bundled tables; `make test` checks everything;
# `make docs` builds the documentation into site/.
# All make their own virtual environment and need nothing but Python 3.11, pip and make.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Modules are compiled when they are imported: most of what is installed never is. They must be kept,
# also where the environment says otherwise: without, a process that imports torch and MLflow takes
# 24 s of CPU rather than 10, and the tests start dozens.
export PYTHONDONTWRITEBYTECODE =
INSTALL := $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check \
    -c constraints.txt

.PHONY: demo test lint types site tests coverage test-lowest docs clean

demo: $(BIN)/python
	$(INSTALL) .
	$(BIN)/archcost demo

test: $(BIN)/python
	$(INSTALL) '.[test]'
	$(MAKE) -j3 lint types site tests

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types:
	$(BIN)/mypy -p archcost
	$(BIN)/mypy tests/api/test_types.py

# Warnings, such as a link to nowhere, are errors. The variable hides an advertisement.
site:
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# Each process has a core, so that threads of its own would only be in the way.
tests:
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal

# Not a part of `make test`: on Python 3.11, counting lines doubles the time.
coverage: $(BIN)/python
	$(INSTALL) '.[test]'
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal --cov --cov-report=term:skip-covered

docs: $(BIN)/python
	$(INSTALL) '.[docs]'
	$(MAKE) site

# The wheel that the sdist builds, with the lowest versions that pyproject.toml declares.
LOWEST := .venv-lowest
LOWEST_TESTS := tests/api/test_prediction.py tests/datasets/test_table_files.py \
	tests/tracking/test_sqlite_store.py tests/models/test_cost_model.py
test-lowest:
	$(PYTHON) -m venv $(LOWEST)
	$(PYTHON) .ci/lowest.py > $(LOWEST)/lowest.txt
	$(LOWEST)/bin/python -m pip install --quiet --no-compile --disable-pip-version-check \
		build 'setuptools>=77'
	$(LOWEST)/bin/python -m build --no-isolation --outdir $(LOWEST)/dist .
	$(LOWEST)/bin/python -m pip install --quiet --no-compile --disable-pip-version-check \
		-c $(LOWEST)/lowest.txt -c constraints.txt \
		"archcost[completion,measure,search] @ file://$$(ls $(CURDIR)/$(LOWEST)/dist/*.whl)" \
		pytest hypothesis
	cd $(LOWEST) && bin/python -c "import archcost; print(archcost.predict(1462, 'raspi4'))"
	$(LOWEST)/bin/python -m pytest -q -o filterwarnings=default $(LOWEST_TESTS)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) $(LOWEST) build site .coverage *.egg-info mlflow.db .mlflow.db.* mlruns mlartifacts
