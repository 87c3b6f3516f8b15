# make demo: forecast a shipped series. make test: the tests. Both set up what they need in .venv.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python

.PHONY: demo test lint bench notebooks clean

demo: $(VENV)/demo
	$(RUN) notebooks/demo.py

test: $(VENV)/test
	$(RUN) -m pytest

lint: $(VENV)/lint
	$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/lint-imports

# PyTorch is the peer to compare with: install it first, see benchmarks/README.md.
bench: $(VENV)/test
	$(RUN) benchmarks/speed.py

notebooks: $(VENV)/test
	$(RUN) notebooks/execute.py

# The marks in the virtual environment are files that say what is installed there.
$(VENV)/pip:
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/demo: $(VENV)/pip pyproject.toml
	$(RUN) -m pip install --quiet --editable ".[plot]"
	touch $@

$(VENV)/test: $(VENV)/pip pyproject.toml
	$(RUN) -m pip install --quiet "pip>=25.1"
	$(RUN) -m pip install --quiet --editable . --group test
	touch $@

$(VENV)/lint: $(VENV)/pip pyproject.toml
	$(RUN) -m pip install --quiet "pip>=25.1"
	$(RUN) -m pip install --quiet --group lint
	touch $@

clean:
	rm -rf $(VENV) forecast.png
	find tsrnn -name __pycache__ -type d -exec rm -rf {} +
