# make demo [BPP=0.5]:    compress a photograph and show it beside JPEG, in demo/
# make test [TESTS=PATH]: run the tests, but for those marked long
# make test-long [TESTS=PATH]: run those marked long
# make lint:              check rules and format
# make types:             check types
# Each makes a virtual environment in .venv with what it needs; PYTHON=... chooses another interpreter.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
BPP ?= 0.5
TESTS ?=
PYTEST = nice $(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-long lint types clean

demo: .venv/.demo
	$(BIN)/python examples/demo.py --bpp $(BPP)

test: .venv/.test
	$(PYTEST) -m "not long" $(TESTS)

test-long: .venv/.test
	$(PYTEST) -m long $(TESTS)

lint: .venv/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.lint
	$(BIN)/basedpyright --project pyproject.toml --pythonpath $(BIN)/python

# The stamp of an extra: the project and that extra are installed as setup.cfg has them.
.venv/.%: setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	@touch $@

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed; give one by PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv .venv

clean:
	rm -rf .venv .venv-tfc build dist demo *.egg-info
