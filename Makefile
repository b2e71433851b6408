# Two commands a newcomer needs: make study, make test. make help lists the rest.

PYTHON ?= python3
PROFILE ?= demo
# A real dataset's folder is given under the dataset's name in capitals, such as CAMUS=/data/CAMUS: make hands it on in
# the environment. What is not given is replaced by the phantom.
# stop cleanly after so many minutes; the same command goes on
MINUTES ?=
# what else `echolib study` takes, such as ARGS="--only 02"
ARGS ?=

VENV := .venv
READY := $(VENV)/ready
LOCK_EXTRAS := --extra dicom --extra lab --extra test --extra setup
ECHOLIB := $(VENV)/bin/echolib

.DEFAULT_GOAL := help
.PHONY: help study plan adopt runs test fuzz mutants notebook lock clean

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' Makefile
	@echo
	@echo 'variables      PROFILE=smoke|demo|gpu|paper   MINUTES=N   ARGS="--only 02"   PYTHON=python3.12'
	@echo '               and the folder of a real dataset under its name, such as CAMUS=/data/CAMUS'

study: $(READY)  ## run the whole study: phantom, notebooks, reports/PROFILE/
	@$(ECHOLIB) study --profile "$(PROFILE)" $(if $(MINUTES),--minutes "$(MINUTES)") $(ARGS)

plan: $(READY)  ## what the study would run, what is done, what it costs; runs nothing
	@$(ECHOLIB) study --profile "$(PROFILE)" --plan $(ARGS)

adopt: $(READY)  ## take finished experiments over to changed code where it reproduces their probe
	@$(ECHOLIB) adopt --profile "$(PROFILE)" $(ARGS)

runs: $(READY)  ## list finished experiments; ARGS=--prune offers to delete what nothing asks for
	@$(ECHOLIB) runs $(ARGS)

test: $(READY)  ## ruff, types, the unit tests with coverage, and every notebook in the smoke profile
	$(VENV)/bin/ruff check .
	$(VENV)/bin/pyrefly check --python-interpreter-path $(VENV)/bin/python
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n auto --dist worksteal --cov
	$(VENV)/bin/python tests/notebooks/smoke.py

fuzz: $(READY)  ## random corruptions of all that is read, for MINUTES=10 minutes
	$(VENV)/bin/python -m tests.fuzz.campaign --minutes "$(or $(MINUTES),10)"

mutants: $(READY)  ## remove each guard and see that a test misses it; ARGS="--only WORDS"
	$(VENV)/bin/python -m tests.mutants.run $(or $(ARGS),--report tests/mutants/TABLE.md)

notebook: $(READY)  ## JupyterLab on this machine only, behind a token
	$(VENV)/bin/python -m echolib.server $(ARGS)

lock: $(READY)  ## resolve pyproject.toml anew into requirements.lock
	$(VENV)/bin/uv pip compile pyproject.toml $(LOCK_EXTRAS) --upgrade --universal --fork-strategy fewest --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements.lock

clean:  ## remove what can be made again (not the data, the frames or the experiments)
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .coverage*
	find echolib tests -name __pycache__ -type d -prune -exec rm -rf {} +

# uv comes from the lock too. Everything is installed by uv: pip may be told of other wheel folders on some machines.
# Bytecode is compiled here, once: torch alone takes ten seconds to compile at each start where Python may not keep it.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "echolib needs Python 3.11 or newer, and '$(PYTHON)' is not that: $$($(PYTHON) --version 2>&1)." >&2; \
		echo "Name another one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; }
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV) || { \
		echo "$(PYTHON) -m venv failed; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@test -x $(VENV)/bin/uv || { \
		awk '/^uv==/ {p=1; print; next} /^[^ ]/ {p=0} p' requirements.lock >$(VENV)/uv.lock && \
		$(VENV)/bin/python -m pip install --quiet --require-hashes --no-deps --requirement $(VENV)/uv.lock; }
	$(VENV)/bin/uv pip sync --python $(VENV)/bin/python --require-hashes --compile-bytecode requirements.lock
	$(VENV)/bin/uv pip install --python $(VENV)/bin/python --quiet --no-deps --no-build-isolation --editable .
	@touch $@
