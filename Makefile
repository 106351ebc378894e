# A handful of targets; each sets up what it needs. `make PYTHON=/path/to/python3.12 venv` chooses the interpreter.
.DEFAULT_GOAL := help
.PHONY: help venv compare test lint docs bench clean

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

help: ## Show the targets.
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

venv: $(STAMP) ## Set up the virtual environment.

compare: $(STAMP) ## Compare the rewriters on the bundled corpus and print the matrix.
	$(BIN)/gnb compare --rewriters base,lora

test: lint ## Check style and types, and run the tests with coverage.
	$(BIN)/python -m pytest --cov=gnb --cov-report=term:skip-covered

lint: $(STAMP) ## Check style and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(STAMP) ## Generate the reference pages in docs/ anew.
	$(BIN)/python docs/generate.py

bench: $(STAMP) ## Measure speed and size, and write docs/benchmarks.md.
	$(BIN)/python benchmarks/run.py

clean: ## Remove the virtual environment and all caches.
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage htmlcov build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Anew only when what is to be installed has changed.
$(STAMP): pyproject.toml constraints.txt
	@$(BIN)/python -c pass 2>/dev/null || \
	    { python=$$(.ci/find-python $(PYTHON)) && echo "Using $$python" && "$$python" -m venv --clear $(VENV); }
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[all,dev]'
	@touch $@
