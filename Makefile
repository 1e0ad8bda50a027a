# What a person types here; `make` alone says it. Needs Python 3.11 or later, nothing else.

PYTHON ?= python3
RUN := .venv-run
DEV := .venv
# real DICOM films to send besides ours, where there are any
FILMS ?= ../shared/data/cxr
PIP := -m pip --disable-pip-version-check

# Hundreds of processes load the same modules in a test run: without byte code, which some containers
# switch off and which pip is told below not to make, each would compile them all anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo venv test check bench faults soak clean

help:
	@echo 'make demo    install the runtime into $(RUN) and send films and CTs through the whole system'
	@echo '             (KEEP=1: leave it running afterwards, to play with; FILMS=folder: send those too)'
	@echo 'make venv    install the development environment, torch included, into $(DEV)'
	@echo 'make test    run the tests          (ARGS="-k listener": hand arguments to pytest)'
	@echo 'make check   formatting, lint, types, import contracts, size of files and functions'
	@echo 'make faults  kill, cut off, starve and confuse every part: nothing lost, nothing doubled'
	@echo '             (LONG=1: for hours, with the figures of docs/reliability.md)'
	@echo 'make soak    mixed traffic for MINUTES=30 at a fixed rate, and is everything flat?'
	@echo 'make bench   time the listener beside DCMTK and Orthanc, and films and CTs from sent to SR stored'
	@echo 'make clean   remove all that the others made'
	@echo
	@echo 'PYTHON=/path/to/python3.12 picks the Python that the environments are made with.'

demo: $(RUN)/.ready
	$(RUN)/bin/osteoscreen demo $(if $(KEEP),--keep) $(if $(wildcard $(FILMS)),--films $(FILMS))

venv: $(DEV)/.ready

# five at a time on two cores, for most of them wait; each file in one process, more threads would only spin
test: $(DEV)/.ready
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(DEV)/bin/python -m pytest -n 5 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(DEV)/.ready
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/ruff check .
	$(DEV)/bin/mypy
	$(DEV)/bin/lint-imports
	$(DEV)/bin/python -m pytest -q tests/house/test_sizes.py

bench: $(DEV)/.ready
	PYTHONPATH=tests $(DEV)/bin/python -m bench.listener $(ARGS)
	PYTHONPATH=tests $(DEV)/bin/python -m bench.turnaround

faults: $(DEV)/.ready
	$(DEV)/bin/python -m pytest tests/faults $(if $(LONG),--long) $(ARGS)

soak: $(DEV)/.ready
	PYTHONPATH=tests $(DEV)/bin/python -m faults.soak --minutes $(or $(MINUTES),30) $(ARGS)

clean:
	rm -rf $(RUN) $(DEV) build dist *.egg-info demo-results bench-results soak-results
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find daemon workers engines migrations tests -name __pycache__ -prune -exec rm -rf {} +

# The stamps make the second time quick; a changed dependency list makes it install again.
# --no-compile: byte code is written at first import instead, a third of the time to install.
$(RUN)/.ready: setup.cfg pyproject.toml
	$(call environment,$(RUN))
	@echo 'Installing the runtime into $(RUN): about 400 MB, half a minute, once.'
	$(RUN)/bin/python $(PIP) install -q --no-compile -e '.[demo]'
	@touch $@

$(DEV)/.ready: setup.cfg pyproject.toml
	$(call environment,$(DEV))
	@echo 'Installing the development environment into $(DEV): about 3 GB with torch and TensorRT for RTX, some minutes, once.'
	$(DEV)/bin/python $(PIP) install -q --no-compile -e '.[lab,dev,gpu-rtx,openvino]'
	@touch $@

# Make a virtual environment, or say in a sentence why it cannot be made.
define environment
	@command -v '$(PYTHON)' >/dev/null || { \
	  echo 'No $(PYTHON) here. On Debian or Ubuntu: sudo apt-get install python3 python3-venv' >&2; exit 1; }
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo '$(PYTHON) is older than 3.11, which osteoscreen needs: make PYTHON=/path/to/python3.11' >&2; exit 1; }
	@'$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo '$(PYTHON) comes without its venv module. On Debian or Ubuntu: sudo apt-get install python3-venv' >&2; exit 1; }
	@test -x $(1)/bin/python || '$(PYTHON)' -m venv $(1)
endef
