# Everything a person runs. Each target makes its environment by itself: Python 3.11 to 3.13 and make are all it needs.

unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK = 1

BIN := .venv/bin
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3.12 python3.11 python3.13 python3; do "$$p" -c '$(SUPPORTED)' 2>/dev/null && echo "$$p" && break; done)
UV := $(shell command -v uv 2>/dev/null)
ifdef UV
make_env = uv venv --quiet --python "$(PYTHON)" $(1)
install = VIRTUAL_ENV=$(1) uv pip install --quiet --no-deps --require-hashes -r $(2)
else
make_env = $(PYTHON) -m venv $(1)
install = $(1)/bin/python -m pip install --quiet --no-compile --no-deps --require-hashes -r $(2)
endif

.PHONY: rehearse test check clients format golden docs bench lock clean

rehearse: .venv/.run  ## the whole loop on real data, on this machine
	@$(BIN)/python -m local rehearse --out build/rehearsal

test: .venv/.dev clients  ## every test
	@$(BIN)/python -m pytest

check: .venv/.dev  ## format, lint, types, docs
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/python -m pytest tests/docs

clients: .clients/.run  ## AWS's own programs, which the stand-in is tested with (needs a C compiler)

format: .venv/.dev
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

golden: .venv/.run  ## the compiled pipeline that tests compare with: read the diff before you commit it
	@$(BIN)/python -m pipelines definition > tests/golden/pipeline.json

docs: .venv/.dev  ## docs/reference.md and docs/fidelity.md, from the code and the tests
	@$(BIN)/python docs/reference.py
	@PYTHONPATH=. $(BIN)/python docs/fidelity.py
	@PYTHONPATH=. $(BIN)/python docs/states.py
	@PYTHONPATH=. $(BIN)/python docs/strategies.py

bench: .venv/.dev  ## sizes and speeds, as ratios against a baseline of the same run
	@$(BIN)/python -m benchmarks

.venv: .venv/.run

.venv/.run: requirements.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed and none was found; name one with make PYTHON=..." >&2; exit 2; }
	@mkdir .venv.lock 2>/dev/null || { echo "another make is making .venv; if none is, rmdir .venv.lock" >&2; exit 2; }; \
	trap 'rmdir .venv.lock' EXIT; set -e; \
	echo "making .venv (about half a minute the first time)"; \
	rm -rf .venv; \
	$(call make_env,.venv); \
	$(call install,.venv,requirements.txt); \
	touch $@

.venv/.dev: .venv/.run requirements-dev.txt
	@$(call install,.venv,requirements-dev.txt)
	@touch $@

.clients/.run: tests/clients/requirements.txt | .venv/.run
	@echo "making .clients (a few seconds)"
	@rm -rf .clients
	@$(call make_env,.clients)
	@$(call install,.clients,tests/clients/requirements.txt)
	@touch $@

LOCK = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate
# What AWS's programs ask for beside their own and find in .venv, or never import to serve one model.
SHARED = boto3 botocore s3transfer blinker click flask itsdangerous jinja2 markupsafe numpy psutil scipy werkzeug
UNUSED = gevent greenlet gunicorn pip typing zope-event zope-interface
lock:  ## pin again, from pyproject.toml (needs uv)
	$(LOCK) pyproject.toml --extra pipelines --extra steps --extra rehearsal -o requirements.txt
	$(LOCK) pyproject.toml --extra dev -c requirements.txt -o requirements-dev.txt
	$(LOCK) pyproject.toml -c requirements.txt -o deploy/requirements.txt
	$(LOCK) --no-config $(addprefix --no-emit-package ,$(SHARED) $(UNUSED)) tests/clients/requirements.in \
	  -o tests/clients/requirements.txt

clean:
	rm -rf .venv .venv.lock .clients build .mypy_cache .ruff_cache .pytest_cache .hypothesis
