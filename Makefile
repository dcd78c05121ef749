# make run   creates .venv, installs topolearn, trains on bundled digits, and says where to look
# make test  installs what is missing, and runs the whole suite, ruff and mypy
# make docs  builds the documentation, strictly and offline: docs/_build/html/index.html
PYTHON ?= python3
BIN := .venv/bin
# Most of what is installed is never imported: the rest is compiled, and kept, when it first is.
PIP := $(BIN)/python -m pip install --quiet --no-compile -c constraints.txt
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test docs faults
run: .venv/.run
	$(BIN)/python -m analysis.first_look

test: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n 2

docs: .venv/.docs
	$(BIN)/sphinx-build --fail-on-warning --keep-going --nitpicky --quiet -j 2 docs docs/_build/html
	@echo "the documentation is docs/_build/html/index.html"

.venv/.run: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) -e .
	touch $@

.venv/.test: pyproject.toml constraints.txt
	test -d .venv || $(PYTHON) -m venv .venv
	$(PIP) -e '.[dev]'
	touch .venv/.run $@

.venv/.docs: pyproject.toml constraints.txt
	test -d .venv || $(PYTHON) -m venv .venv
	$(PIP) -e '.[dev,docs]'
	touch .venv/.run .venv/.test $@

# make faults  kills it, damages its files, attacks and starves it (an hour), and tries 100,000 examples (a quarter)
DEEP := tests/graph tests/generators tests/linkpred tests/sampling tests/sparse tests/evolution
faults: .venv/.test
	$(BIN)/python -m pytest -s -q -m slow tests/faults tests/security
	HYPOTHESIS_PROFILE=deep $(BIN)/python -m pytest -q -m hypothesis --timeout 0 $(DEEP)
