# Everything a person runs. Each target makes its environment by itself: Python 3.11 to 3.13 and make are all it needs.

unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK = 1

BIN := .venv/bin
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3.12 python3.11 python3.13 python3; do "$$p" -c '$(SUPPORTED)' 2>/dev/null && echo "$$p" && break; done)
UV := $(shell command -v uv 2>/dev/null)
ifdef UV
INSTALL = VIRTUAL_ENV=.venv uv pip install --quiet --no-deps --require-hashes -r
else
INSTALL = $(BIN)/python -m pip install --quiet --no-compile --no-deps --require-hashes -r
endif

.PHONY: rehearse test check format golden docs bench lock clean

rehearse: .venv/.run  ## the whole loop on real data, on this machine
	@$(BIN)/python -m local rehearse --out build/rehearsal

test: .venv/.dev  ## every test
	@$(BIN)/python -m pytest

check: .venv/.dev  ## format, lint, types, docs
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/python -m pytest tests/docs

format: .venv/.dev
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

golden: .venv/.run  ## the compiled pipeline that tests compare with: read the diff before you commit it
	@$(BIN)/python -m pipelines definition > tests/golden/pipeline.json

docs: .venv/.dev  ## docs/reference.md and docs/fidelity.md, from the code and the tests
	@$(BIN)/python docs/reference.py
	@PYTHONPATH=. $(BIN)/python docs/fidelity.py

bench: .venv/.dev  ## sizes and speeds, as ratios against a baseline of the same run
	@$(BIN)/python -m benchmarks

.venv: .venv/.run

.venv/.run: requirements.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed and none was found; name one with make PYTHON=..." >&2; exit 2; }
	@mkdir .venv.lock 2>/dev/null || { echo "another make is making .venv; if none is, rmdir .venv.lock" >&2; exit 2; }; \
	trap 'rmdir .venv.lock' EXIT; set -e; \
	echo "making .venv (about half a minute the first time)"; \
	rm -rf .venv; \
	$(if $(UV),uv venv --quiet --python "$(PYTHON)" .venv,$(PYTHON) -m venv .venv); \
	$(INSTALL) requirements.txt; \
	touch $@

.venv/.dev: .venv/.run requirements-dev.txt
	@$(INSTALL) requirements-dev.txt
	@touch $@

LOCK = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate
lock:  ## pin again, from pyproject.toml (needs uv)
	$(LOCK) pyproject.toml --extra pipelines --extra steps --extra rehearsal -o requirements.txt
	$(LOCK) pyproject.toml --extra dev -c requirements.txt -o requirements-dev.txt
	$(LOCK) pyproject.toml -c requirements.txt -o deploy/requirements.txt

clean:
	rm -rf .venv .venv.lock build .mypy_cache .ruff_cache .pytest_cache .hypothesis
