# Everything runs in .venv, which is created when it is needed. Python >= 3.11, pip, make and git are the only requirements.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check
IMAGE ?=

.PHONY: demo test test-slow lint docs bench bench-quality clean

demo: .venv/figures  ## install, then denoise an image (IMAGE=path.tif for your own): see demo/
	$(BIN)/python examples/demo.py $(if $(IMAGE),"$(IMAGE)") --out demo

test: .venv/dev  ## install, then run the tests
	$(BIN)/pytest -n auto --dist loadfile

test-slow: .venv/dev  ## run the tests that take minutes
	$(BIN)/pytest -m slow --timeout 3600

lint: .venv/dev  ## check style, types, and which package may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/docs  ## build the documentation site into build/docs, without a warning
	$(BIN)/python -m sphinx -W --keep-going -n docs build/docs

bench: .venv/dev  ## measure the speed of training, a step, prediction and start, with CAREamics (see docs/evidence/performance.md)
	$(BIN)/python benchmarks/performance.py

bench-quality: .venv/dev  ## measure the figures of the README on real images (see benchmarks/)
	$(BIN)/python benchmarks/quality.py
	$(BIN)/python benchmarks/verdicts.py

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/figures: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) install -q -c constraints.txt -e '.[figures]'
	@touch $@

.venv/dev: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) install -q -c constraints.txt -e '.[dev]'
	@touch $@

.venv/docs: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) install -q -c constraints.txt -e '.[docs]'
	@touch $@

clean:
	rm -rf .venv build demo src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
